"""Least squares."""

from skgex import _solvers as solvers
from skgex.inference._linear import IncrementalLinearRegressor


class LeastSquaresRegressor(IncrementalLinearRegressor):
    """Linear regression from landmark genes to target genes (LSR).

    Minimises ``Σ_i w_i ‖y_i − W x_i − b‖²``, for all targets from one Gram matrix. Where that is
    ill-conditioned, an SVD of the landmarks takes its place; of several solutions, as with fewer
    profiles than landmarks, it is the one of minimum norm.

    Parameters
    ----------
    gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of inputs and targets, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`. Here "standard" and None predict the same as
        long as the solution is unique.

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
    RidgeRegressor : The same with an L2 penalty.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex import LeastSquaresRegressor
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    >>> Y = X @ [[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]] + 5
    >>> LeastSquaresRegressor().fit(X, Y).predict([[3.0, 3.0]]).round(6)
    array([[8., 8., 8.]])
    """

    def __init__(self, *, gene_scaling="standard"):
        self.gene_scaling = gene_scaling

    def _solve(self, X, Y, weight):
        return solvers.least_squares(X, Y, weight)

    def _penalty(self):
        return 0.0
