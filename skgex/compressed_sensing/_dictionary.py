"""Dictionaries of gene modules: few of them, added up, make a profile."""

from numbers import Integral

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skgex import _solvers as solvers
from skgex._utils._validation import as_host


class Dictionary(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A dictionary of modules: ``x ≈ Σ_k w_k u_k`` with few activities ``w_k`` that are not zero.

    A method implements ``_learn(X, n_modules) -> components`` on a tensor of profiles; modules
    have unit norm. Activities of profiles are found by orthogonal matching pursuit.
    """

    _parameter_constraints: dict = {
        "n_modules": [Interval(Integral, 1, None, closed="left"), None],
        "n_nonzero": [Interval(Integral, 1, None, closed="left")],
    }
    _default_n_modules = 100
    # Whether the method is about profiles, and about activities, that are not negative.
    _nonnegative_profiles = False
    _nonnegative_activities = False
    # Whether the method is to see profiles in their own unit; ``rescaled`` brings them from it.
    _knows_unit = False

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn modules from profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_genes)
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are fewer profiles than modules, or values that the method does not allow.
        """
        X = validate_data(self, as_host(X), dtype=[np.float64, np.float32], force_writeable=True)
        if self._nonnegative_profiles and X.min() < 0:
            raise ValueError(
                f"Negative values in data passed to {type(self).__name__}: the lowest is "
                f"{X.min():.3g}, but its modules and profiles are not negative. Bring genes to "
                "[0, 1] first: gene_scaling='range' of a regressor, or GeneScaler('range')."
            )
        n_modules = self._n_modules(X)
        X = torch.from_numpy(X if self._knows_unit else rescaled(X)[0])
        self.components_ = self._learn(X, n_modules).numpy()
        return self

    def _n_modules(self, X):
        most = self._most_modules(X)
        if self.n_modules is not None and self.n_modules > most:
            raise ValueError(
                f"n_modules={self.n_modules}, but {len(X)} profiles (n_samples={len(X)}) of "
                f"{X.shape[1]} genes make no more than {most}. Set n_modules to at most {most}, "
                "or to None."
            )
        return self.n_modules or min(self._default_n_modules, most)

    def _most_modules(self, X):
        return len(X)

    def transform(self, X):
        """Activities of the modules in profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_genes)

        Returns
        -------
        ndarray of shape (n_profiles, n_modules)
            At most ``n_nonzero`` of a profile are not zero.
        """
        check_is_fitted(self)
        X = validate_data(
            self, as_host(X), dtype=[np.float64, np.float32], reset=False, force_writeable=True
        )
        D = torch.from_numpy(self.components_.T)
        scaled, exponent = rescaled(X, axis=1)
        Z = torch.from_numpy(scaled).to(D.dtype)
        activities = solvers.pursued(
            D, Z, self.n_nonzero, nonnegative=self._nonnegative_activities
        )
        return np.ldexp(activities.numpy().astype(X.dtype, copy=False), exponent)

    def inverse_transform(self, X):
        """Profiles of activities.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_modules)

        Returns
        -------
        ndarray of shape (n_profiles, n_genes)
        """
        check_is_fitted(self)
        W = check_array(as_host(X), dtype=[np.float64, np.float32], input_name="X")
        if W.shape[1] != len(self.components_):
            raise ValueError(
                f"X has {W.shape[1]} activities, but this {type(self).__name__} has "
                f"{len(self.components_)} modules. Pass one activity of each, in their order."
            )
        return W @ self.components_

    @property
    def _n_features_out(self):
        return len(self.components_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.positive_only = self._nonnegative_profiles
        return tags


def rescaled(X, axis=None):
    """Profiles, all together or each, over a power of two, and the exponent of that.

    Their largest value is then above ½ and at most 1. In units of 1e-30 or 1e30 squares of values
    would leave float32; a power of two rounds nothing.
    """
    largest = np.maximum(X.max(axis=axis, keepdims=True), -X.min(axis=axis, keepdims=True))
    mantissa, exponent = np.frexp(largest)
    exponent -= mantissa == 0.5
    return np.ldexp(X, -exponent), exponent
