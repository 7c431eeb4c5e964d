"""Is one method better than another by more than the choice of profiles explains?"""

from typing import NamedTuple

import numpy as np
from scipy.stats import t as student_t
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import HasMethods, validate_params

from skgex._utils._validation import which_labelled
from skgex.model_selection._labeled_fold import LabeledFold


class FiveByTwoResult(NamedTuple):
    """Outcome of a 5x2 cv paired t test; see :func:`five_by_two_cv_ttest`."""

    statistic: float
    p_value: float
    errors_a: np.ndarray
    errors_b: np.ndarray


@validate_params(
    {"estimator_a": [HasMethods("fit")], "estimator_b": [HasMethods("fit")], "y": ["array-like"]},
    prefer_skip_nested_validation=False,  # estimators are still to check their own parameters
)
def five_by_two_cv_ttest(
    estimator_a,
    estimator_b,
    X,
    y,
    *,
    scoring="neg_mean_absolute_error",
    groups=None,
    params=None,
    n_jobs=None,
    random_state=None,
):
    """5x2 cv paired t test: is the error of one estimator lower than another's beyond chance?

    Five times, the labelled profiles are shuffled and cut into two halves; both estimators are
    fitted on each half and tested on the other. With ``d_ij`` the error of ``estimator_a`` minus
    that of ``estimator_b`` in repetition i on half j, the statistic is

    ``t = d_11 / sqrt((s_1² + ... + s_5²) / 5)``, where ``s_i² = (d_i1 - d_i2)² / 2``.

    If both are equally good, it roughly follows Student's t with 5 degrees of freedom.

    Parameters
    ----------
    estimator_a, estimator_b : estimators
        They are cloned. Their own ``random_state`` is left as it is.
    X : array-like of shape (n_profiles, n_landmarks)
    y : array-like of shape (n_profiles,) or (n_profiles, n_targets)
        All-NaN rows are unlabelled profiles: they are in every training half and never tested.
    scoring : str, callable or None, default="neg_mean_absolute_error"
        Scorer of :func:`~sklearn.metrics.check_scoring`, greater is better; an error is minus the
        score. The default is the mean absolute error over profiles and targets, in the unit of
        ``y``. None takes each estimator's own ``score``, which must be the same for both.
    groups : array-like of shape (n_profiles,), default=None
        Study, batch or donor of each profile. Labelled profiles of one group stay in one half;
        halves then hold equally many groups, rather than profiles.
    params : dict, default=None
        Of ``fit``, for both, as in :func:`~sklearn.model_selection.cross_validate`.
    n_jobs : int, default=None
        Number of fits at a time.
    random_state : int, RandomState instance or None, default=None
        Shuffles profiles or groups.

    Returns
    -------
    FiveByTwoResult
        - ``statistic``: negative where ``estimator_a`` has the lower error (d_11 < 0); 0 where
          d_11 is 0; else infinite where both halves of every repetition differ by the same;
        - ``p_value``: two-sided;
        - ``errors_a``, ``errors_b``: ndarrays of shape (5, 2), repetitions × halves tested on.

    Raises
    ------
    ValueError
        If lengths differ, fewer than 4 profiles or 2 groups are labelled, or a score is not
        finite. What a failing ``fit`` raises is passed on.

    Notes
    -----
    The numerator is a single one of ten differences. Which half comes first is arbitrary: another
    ``random_state`` can change the verdict, even the sign, so choose one beforehand, and report
    the errors too. Alpaydin's F test, made for that criticism, uses all ten differences:
    ``(d**2).sum() / (2 * s2.sum())``, with 10 and 5 degrees of freedom. Neither distribution is
    exact. Where profiles are few, the differences of two halves go together, s_i² comes out too
    small, and both tests tell equally good estimators apart too often. Estimators see half of the
    profiles, and may rank otherwise when they see all.

    References
    ----------
    Dietterich, T. G. (1998). Approximate statistical tests for comparing supervised
    classification learning algorithms. Neural Computation 10, 1895-1923.

    Alpaydin, E. (1999). Combined 5 × 2 cv F test for comparing supervised classification
    learning algorithms. Neural Computation 11, 1885-1892.

    Examples
    --------
    >>> from skgex import KNNGeneRegressor, RidgeRegressor, make_expression
    >>> from skgex.model_selection import five_by_two_cv_ttest
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> result = five_by_two_cv_ttest(RidgeRegressor(), KNNGeneRegressor(), X, Y, random_state=0)
    >>> result.statistic < 0, result.p_value < 0.05, result.errors_a.shape
    (True, True, (5, 2))
    """
    check_consistent_length(X, y, groups)
    cv = _halves(X, y, groups, check_random_state(random_state))
    settings = dict(cv=cv, scoring=scoring, params=params, n_jobs=n_jobs, error_score="raise")
    errors = []
    for name, estimator in (("estimator_a", estimator_a), ("estimator_b", estimator_b)):
        errors.append(-cross_val_score(estimator, X, y, **settings).reshape(5, 2))
        if not np.isfinite(errors[-1]).all():
            raise ValueError(
                f"{name} has NaN or infinite scores, which cannot be compared. Pass another "
                "scoring, more profiles, or an estimator whose predictions are finite."
            )
    statistic = _statistic(errors[0] - errors[1])
    return FiveByTwoResult(statistic, float(2 * student_t.sf(abs(statistic), 5)), *errors)


def _halves(X, y, groups, random_state):
    """Training and test rows of five times two halves, the same for both estimators."""
    labelled = which_labelled(y)
    if labelled.sum() < 4:
        raise ValueError(
            f"y has {labelled.sum()} labelled profiles; halves of at least 2 need 4. Pass more."
        )
    if groups is not None and (n_groups := len(np.unique(np.asarray(groups)[labelled]))) < 2:
        raise ValueError(
            f"groups has {n_groups} group of labelled profiles; two halves need at least 2. Pass "
            "finer groups, or None to split profile by profile."
        )
    splitter = KFold if groups is None else GroupKFold
    cv = LabeledFold(splitter(2, shuffle=True, random_state=random_state))
    return [rows for _ in range(5) for rows in cv.split(X, y, groups)]


def _statistic(d):
    if d[0, 0] == 0:
        return 0.0  # whatever the variance, zero included
    with np.errstate(divide="ignore"):
        return float(d[0, 0] / np.sqrt(((d[:, 0] - d[:, 1]) ** 2 / 2).mean()))
