"""What linear regressions in closed form share: validation without copies, scaling, output."""

import warnings

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if

from skgex import _solvers as solvers
from skgex.base import ProfileRegressor
from skgex.preprocessing import GeneScaler


class LinearRegressor(ProfileRegressor):
    """Linear regression of all targets at once: ``coef_`` and ``intercept_`` of scaled genes.

    Standard scaling of the targets changes a linear fit only by a factor per target. It is
    therefore applied to the coefficients, and a scaled copy of ``y`` never exists.
    """

    def _scaled_profiles(self, X, y, sample_weight):
        """Labelled profiles as tensors, scaled but for the standard scale of the targets."""
        X, labelled, Y, weight = self._validated(X, y, sample_weight)
        self.x_scaler_ = GeneScaler(self.gene_scaling).fit(X, sample_weight=weight)
        X = self.x_scaler_.transform(X)
        if not labelled.all():
            X, Y = X[labelled], Y[labelled]
            weight = None if weight is None else weight[labelled]
        self.y_scaler_ = identity_scaler(Y.shape[1])
        if self.gene_scaling == "rank-gaussian":
            self.y_scaler_ = GeneScaler("rank-gaussian").fit(Y, sample_weight=weight)
            Y = self.y_scaler_.transform(Y)
        return to_tensor(X), to_tensor(Y), None if weight is None else to_tensor(weight)

    def _keep(self, fitted):
        """Take over a `LinearFit`; with standard scaling, that of targets on their own scale."""
        coef, y_mean = fitted.coef, fitted.y_mean
        if self.gene_scaling == "standard":
            self.y_scaler_ = GeneScaler.from_moments(y_mean.numpy(), fitted.y_scale.numpy())
            coef, y_mean = coef.div_(fitted.y_scale.to(coef.dtype)), torch.zeros_like(y_mean)
        intercept = (y_mean - (fitted.x_mean.to(coef.dtype) @ coef)).to(coef.dtype)
        self.coef_, self.intercept_ = coef.numpy().T, intercept.numpy()
        if self._y_ndim == 1:
            self.coef_, self.intercept_ = self.coef_[0], self.intercept_[0]
        return self

    def _predict_scaled(self, X):
        return X @ np.atleast_2d(self.coef_).T + self.intercept_


def _can_add_profiles(estimator):
    if estimator.gene_scaling == "rank-gaussian":
        raise AttributeError(
            "partial_fit cannot rank profiles that it has not seen yet, as "
            "gene_scaling='rank-gaussian' would need. Use fit, or another gene_scaling."
        )
    return True


class IncrementalLinearRegressor(LinearRegressor):
    """A linear regression that sums over profiles determine.

    A method implements ``_solve(X, Y, weight)``, which returns a `LinearFit`, and ``_penalty()``.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Learn the coefficients.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes.
        y : array-like or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Target genes. Rows that are all NaN mark unlabelled profiles, which only contribute to
            the scale of the measured genes.
        sample_weight : array-like of shape (n_profiles,), default=None
            A weight of 2 counts a profile twice.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a row of ``y`` is partly NaN, no row is labelled, or shapes do not fit.
        """
        vars(self).pop("_sums", None)
        return self._keep(self._solve(*self._scaled_profiles(X, y, sample_weight)))

    @available_if(_can_add_profiles)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Add profiles to those of earlier calls, and learn the coefficients from all of them.

        The result is that of ``fit`` on all labelled profiles, which need never be in memory
        together; only those of ``fit`` are forgotten. Every call solves anew, so pass thousands of
        profiles at a time. Not available with ``gene_scaling="rank-gaussian"``.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
        y : array-like or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Rows that are all NaN are left out.
        sample_weight : array-like of shape (n_profiles,), default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the genes are not those of earlier calls, or for bad profiles as in ``fit``.
        """
        first = not hasattr(self, "_sums")
        if first and hasattr(self, "coef_"):
            warnings.warn(
                "fit keeps no sums over its profiles: partial_fit starts anew and forgets them. "
                "Pass every batch to partial_fit.",
                stacklevel=2,
            )
        X, labelled, Y, weight = self._validated(X, y, sample_weight, reset=first, min_labelled=1)
        alpha = self._penalty()  # refused, if at all, before the profiles are added
        weight = np.where(labelled, 1.0 if weight is None else weight, 0.0)
        if first:
            sums = solvers.GramSums.zeros(X.shape[1], Y.shape[1])
        else:
            sums = solvers.GramSums(**self._sums)
        self._sums = vars(sums.update(to_tensor(X), to_tensor(Y), to_tensor(weight)))
        if self.gene_scaling == "standard":
            x_scale = solvers.scale_of(sums.xx.diagonal(), sums.n)
            spread = x_scale * (sums.xx.diagonal() > 0)
            self.x_scaler_ = GeneScaler.from_moments(sums.x_mean.numpy(), spread.numpy())
            sums = sums.scaled(sums.x_mean, x_scale)
        else:
            self.x_scaler_, self.y_scaler_ = map(identity_scaler, sums.xy.shape)
        dtype = to_tensor(X).dtype
        return self._keep(solvers.PrimalRidge(sums, dtype).fit(alpha))


def identity_scaler(n_genes):
    """The `GeneScaler` that leaves values as they are."""
    return GeneScaler(None).fit(np.zeros((1, n_genes)))


def to_tensor(array):
    """The array as a tensor that shares its memory and is only read."""
    if min(array.strides) < 0:
        array = array.copy()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable")
        return torch.from_numpy(array)
