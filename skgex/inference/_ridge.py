"""Ridge regression."""

from numbers import Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval

from skgex import _solvers as solvers
from skgex.inference._linear import IncrementalLinearRegressor


class RidgeRegressor(IncrementalLinearRegressor):
    """Linear regression from landmark genes to target genes with an L2 penalty (LSR-L2).

    Minimises ``Σ_i w_i ‖y_i − W x_i − b‖² + Σ_t α_t ‖W_t‖²`` between scaled genes, from the Gram
    matrix of the landmarks or, with fewer profiles than landmarks, from the kernel between the
    profiles.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Strength of the penalty, as in :class:`sklearn.linear_model.Ridge`; one for all targets or
        one each. It competes with a sum over profiles: useful values grow with their number.
    gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of inputs and targets, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_landmarks) or (n_landmarks,)
        Coefficients between scaled genes.
    intercept_ : ndarray of shape (n_targets,) or float
        Intercepts between scaled genes.
    x_scaler_, y_scaler_ : GeneScaler
    n_features_in_, n_outputs_ : int
    feature_names_in_, target_names_ : ndarray of str
        Gene names, when ``X`` and ``y`` are tables.

    See Also
    --------
    RidgeRegressorCV : Chooses ``alpha``.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex import RidgeRegressor
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> Y = np.hstack([X, X])
    >>> RidgeRegressor(alpha=[0.0, 3.0], gene_scaling=None).fit(X, Y).coef_.round(6)
    array([[1. ],
           [0.4]])
    """

    _parameter_constraints: dict = {
        **IncrementalLinearRegressor._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
    }

    def __init__(self, alpha=1.0, *, gene_scaling="standard"):
        self.alpha = alpha
        self.gene_scaling = gene_scaling

    def _solve(self, X, Y, weight):
        alpha = self._penalty()
        return solvers.ridge_problem(X, Y, weight).fit(alpha)

    def _penalty(self):
        alpha = np.asarray(self.alpha, dtype=np.float64)
        if alpha.ndim and alpha.shape != (self.n_outputs_,):
            raise ValueError(
                f"alpha has shape {alpha.shape}, but y has {self.n_outputs_} targets. Pass one "
                f"number, or one per target: shape ({self.n_outputs_},)."
            )
        if not (np.isfinite(alpha) & (alpha >= 0)).all():
            raise ValueError("alpha must be finite and not negative, for every target.")
        return torch.from_numpy(alpha)
