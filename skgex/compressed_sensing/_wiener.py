"""The Wiener decoder: the linear estimate of profiles from measurements with the least error."""

from numbers import Real

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval

from skgex import _solvers as solvers
from skgex.base import fill_docstring
from skgex.compressed_sensing._base import SensingRegressor
from skgex.compressed_sensing._selection import choose, held_out

SHRINKAGES = np.array([1e-4, 1e-3, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8])


@fill_docstring
class WienerRegressor(SensingRegressor):
    """Wiener decoder: profiles from any linear measurement, by their mean and covariance.

    ``x̂ = μ + S Aᵀ (A S Aᵀ + σ² A Aᵀ)⁻¹ (z − A μ)`` for the measurement ``z = A (x + e)`` of a
    profile x with mean μ and covariance ``S = (1 − ρ) C + ρ v I``, where C is the sample
    covariance of the training profiles, v the mean variance of a gene, and σ the noise of a gene.
    No linear estimate has a lower squared error if S is right. S, genes × genes, is never formed.

    Parameters
    ----------
    %(measurement)s
    shrinkage : float in [0, 1], default=None
        ρ. None chooses among 9 from 1e-4 to 0.8 by ``cv``.
    %(noise)s
    cv : int, splitter or iterable of splits, default=5
        How to split the labelled profiles, those not NaN, to choose the shrinkage; an int splits
        them at random, or by whole groups if ``fit`` is given them.
    %(linear_scaling)s

    Attributes
    ----------
    coef_ : ndarray of shape (n_genes, n_measurements)
    intercept_ : ndarray of shape (n_genes,)
        Scaled genes from measurements.
    shrinkage_ : float
    shrinkages_, cv_errors_ : ndarray of shape (n_shrinkages,) or None
        Those compared, and their mean squared errors of scaled genes on held-out profiles; None if
        there was no choice.
    mean_ : ndarray of shape (n_genes,)
    factor_ : ndarray of shape (rank, n_genes)
        ``factor_.T @ factor_`` is C.
    %(measured)s

    References
    ----------
    Wiener, N. (1949). Extrapolation, interpolation, and smoothing of stationary time series.
    Wiley.

    Ledoit, O., Wolf, M. (2004). A well-conditioned estimator for large-dimensional covariance
    matrices. Journal of Multivariate Analysis 88(2).

    Examples
    --------
    >>> from skgex import CompositeMeasurement, WienerRegressor, make_expression
    >>> from sklearn.pipeline import make_pipeline
    >>> profiles = make_expression(200, 20, 80, random_state=0)[0].X
    >>> decoder = make_pipeline(CompositeMeasurement(30, random_state=0), WienerRegressor())
    >>> decoder.fit(profiles, profiles).predict(profiles).shape
    (200, 100)
    """

    _parameter_constraints: dict = {
        **SensingRegressor._parameter_constraints,
        "shrinkage": [Interval(Real, 0, 1, closed="both"), None],
        "cv": ["cv_object"],
    }

    def __init__(
        self,
        measurement_matrix=None,
        *,
        shrinkage=None,
        noise="estimate",
        cv=5,
        gene_scaling=None,
    ):
        self.measurement_matrix = measurement_matrix
        self.shrinkage = shrinkage
        self.noise = noise
        self.cv = cv
        self.gene_scaling = gene_scaling

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, groups=None):
        """Learn mean and covariance of the profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_measurements)
            Measurements.
        y : array-like or torch.Tensor of shape (n_profiles, n_genes) or (n_profiles,)
            The profiles measured. Rows that are all NaN are left out.
        groups : array-like of shape (n_profiles,), default=None
            Study of each profile, to hold out whole ones.

        Returns
        -------
        self
        """
        return self._fit_measured(X, y, groups=groups)

    def _learn(self, data, groups):
        X, Z = (torch.from_numpy(array) for array in (data.Y, data.X))
        profiles = solvers.GaussianProfiles.of(X)
        self.mean_, self.factor_ = profiles.mean.numpy(), profiles.factor.numpy()
        if self.shrinkage is not None:
            self.shrinkage_ = float(self.shrinkage)
            self.shrinkages_ = self.cv_errors_ = None
            return
        A, noise = torch.from_numpy(self._A), self._noise_covariance()

        def fit(X):
            profiles = solvers.GaussianProfiles.of(X)
            return lambda shrinkage, genes: profiles.decoder(A, noise, shrinkage, genes)

        folds = held_out(self.cv, len(X), groups)
        self.shrinkages_ = SHRINKAGES.copy()
        self.shrinkage_, self.cv_errors_ = choose(self.shrinkages_, fit, X, Z, folds)

    def _prepare(self):
        profiles = solvers.GaussianProfiles(*map(torch.from_numpy, (self.mean_, self.factor_)))
        A, noise = torch.from_numpy(self._A), self._noise_covariance()
        self.coef_, self.intercept_ = profiles.decoder(A, noise, self.shrinkage_).linear()

    def _decode(self, Z):
        return Z @ self.coef_.T + self.intercept_
