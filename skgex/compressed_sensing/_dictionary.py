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

    A method implements ``_learn(X) -> components`` on a tensor of profiles. Activities of profiles
    are found by orthogonal matching pursuit.
    """

    _parameter_constraints: dict = {
        "n_modules": [Interval(Integral, 1, None, closed="left")],
        "n_nonzero": [Interval(Integral, 1, None, closed="left")],
    }

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
        """
        X = validate_data(self, as_host(X), dtype=[np.float64, np.float32], force_writeable=True)
        self.components_ = self._learn(torch.from_numpy(X)).numpy()
        return self

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
        return self._pursue(D, torch.from_numpy(X).to(D.dtype)).numpy().astype(X.dtype, copy=False)

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
        return check_array(as_host(X), dtype=[np.float64, np.float32]) @ self.components_

    def _pursue(self, D, Z, *, normalize=True):
        """Activities of modules that look like the columns of D, in what was measured."""
        n_nonzero = min(self.n_nonzero, *D.shape)
        codes = solvers.matching_pursuit(D, Z, n_nonzero, normalize=normalize)
        return codes.dense(D.shape[1])

    @property
    def _n_features_out(self):
        return len(self.components_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
