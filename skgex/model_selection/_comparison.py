"""Several methods on the same profiles, each tuned on validation profiles only."""

import warnings
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import has_fit_parameter

from skgex.metrics import gene_mean_absolute_error


@dataclass
class MethodResult:
    """What one method reached.

    Attributes
    ----------
    name : str
    estimator : estimator
        The fitted candidate that was selected.
    candidate : int
        Its position among the candidates.
    validation_error : float
        Its mean over genes of the mean absolute error on the validation profiles.
    predictions : ndarray of shape (n_test, n_targets)
        Of the test profiles.
    fit_seconds, predict_seconds : float
        Wall-clock time to fit the selected candidate and to infer the test profiles.
    """

    name: str
    estimator: object
    candidate: int
    validation_error: float
    predictions: np.ndarray
    fit_seconds: float
    predict_seconds: float


def select_candidate(candidates, X, Y, X_val, Y_val):
    """Fit every candidate and keep the one with the lowest error on the validation profiles.

    The error is the mean over genes of the mean absolute error, in the genes' own units. A
    candidate whose ``fit`` takes ``X_val`` and ``y_val`` gets them, for early stopping or for
    choosing its penalty.

    Parameters
    ----------
    candidates : list of estimators
        Unfitted; they are cloned.
    X, Y : array-like of shape (n_profiles, n_landmarks) and (n_profiles, n_targets)
        Training profiles; all-NaN rows of ``Y`` are unlabelled.
    X_val, Y_val : array-like
        Validation profiles.

    Returns
    -------
    estimator : estimator
        The selected candidate, fitted on the training profiles.
    index : int
        Its position.
    errors : ndarray of shape (n_candidates,)
    seconds : float
        Time it took to fit the selected candidate.

    Raises
    ------
    ValueError
        If there is no candidate, or the training of all has diverged. One that diverges among
        others is left out with a warning; its error is infinite.
    """
    errors, best = [], None
    for index, candidate in enumerate(candidates):
        estimator = clone(candidate)
        validation = {"X_val": X_val, "y_val": Y_val}
        takes = has_fit_parameter(estimator, "X_val")
        start = perf_counter()
        try:
            estimator.fit(X, Y, **(validation if takes else {}))
        except FloatingPointError as diverged:
            warnings.warn(f"{candidate} is left out of the selection. {diverged}", stacklevel=2)
            errors.append(np.inf)
            continue
        seconds = perf_counter() - start
        errors.append(gene_mean_absolute_error(Y_val, estimator.predict(X_val)).mean())
        if best is None or errors[-1] < errors[best[1]]:
            best = (estimator, index, seconds)
    if best is None:
        raise ValueError(
            f"None of the {len(candidates)} candidates could be fitted. Pass others, for instance "
            "nets of a lower lr."
        )
    estimator, index, seconds = best
    return estimator, index, np.array(errors), seconds


def compare_methods(methods, X, Y, split, *, on_result=None):
    """Fit methods on the same split and infer its test profiles once each.

    Parameters
    ----------
    methods : dict of {str: list of estimators}
        Candidates of every method; selected by :func:`select_candidate`.
    X : array-like of shape (n_profiles, n_landmarks)
    Y : array-like of shape (n_profiles, n_targets)
    split : ProfileSplit
    on_result : callable, default=None
        Called with every `MethodResult` as soon as it is there.

    Returns
    -------
    list of MethodResult
        In the order of ``methods``.
    """
    train, validation, test = ([_safe_indexing(A, rows) for A in (X, Y)] for rows in split)
    results = []
    for name, candidates in methods.items():
        estimator, index, errors, seconds = select_candidate(candidates, *train, *validation)
        start = perf_counter()
        predictions = estimator.predict(test[0])
        result = MethodResult(
            name=name,
            estimator=estimator,
            candidate=index,
            validation_error=float(errors[index]),
            predictions=predictions,
            fit_seconds=seconds,
            predict_seconds=perf_counter() - start,
        )
        results.append(result)
        if on_result is not None:
            on_result(result)
    return results
