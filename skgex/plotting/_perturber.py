"""What displays of perturbations are drawn from."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import FLOAT_DTYPES, check_is_fitted

from skgex._utils._perturbed import as_states, check_known
from skgex._utils._pipelines import seen_by_final
from skgex._utils._validation import as_host


def perturber_and_profiles(estimator, X, y):
    """A fitted perturber, profiles in its units and their states, checked.

    Parameters
    ----------
    estimator : estimator
        A perturber, or a pipeline or grid search that ends with one.
    X : array-like of shape (n_profiles, n_genes)
    y : array-like of shape (n_profiles,)

    Returns
    -------
    model : estimator
    X : ndarray or DataFrame of shape (n_profiles, n_genes)
        What the earlier steps of a pipeline made of the profiles. A table stays one, so that the
        perturber can check its columns.
    y : ndarray of shape (n_profiles,)

    Raises
    ------
    ValueError
        If the estimator does not perturb, shapes differ, a value or state is missing, or all
        profiles are of the target state.
    """
    estimator, X, _ = seen_by_final(estimator, X)
    if not hasattr(estimator, "perturb"):
        raise ValueError(
            f"{type(estimator).__name__} does not perturb: pass a fitted perturber, such as TSPG "
            "of skgex.perturbation."
        )
    check_is_fitted(estimator)
    y = as_states(y, X)
    check_known(y, estimator)
    X = as_host(X)
    values = check_array(X, dtype=FLOAT_DTYPES, ensure_all_finite=False, input_name="X")
    if not (finite := np.isfinite(values)).all():
        row, gene = np.argwhere(~finite)[0]
        raise ValueError(
            f"X holds {np.sum(~finite):,} NaN or infinite values, the first in row {row}, column "
            f"{gene}: impute them, or leave these profiles out."
        )
    if (y == estimator.target_).all():
        raise ValueError(
            f"All profiles are of the target {str(estimator.target_)!r} already: pass profiles of "
            "other states, which can be perturbed."
        )
    return estimator, X if hasattr(X, "columns") else values, y
