"""Decoding by a dictionary: which modules explain what was measured?"""

import torch
from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions

from skgex import _solvers as solvers
from skgex.compressed_sensing._base import SensingRegressor


class DictionaryRegressor(SensingRegressor):
    """Profiles from measurements, by the modules that training profiles are made of.

    A method implements ``_make_dictionary() -> Dictionary``.
    """

    _parameter_constraints: dict = {
        **SensingRegressor._parameter_constraints,
        "decode": [StrOptions({"factor", "pursuit"})],
        "normalize": ["boolean"],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Learn modules from the profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_measurements)
            Measurements.
        y : array-like or torch.Tensor of shape (n_profiles, n_genes) or (n_profiles,)
            The profiles measured. Rows that are all NaN are left out.

        Returns
        -------
        self
        """
        return self._fit_measured(X, y)

    def _learn(self, data):
        self.dictionary_ = self._make_dictionary().fit(data.Y)
        activities = self.dictionary_.transform(data.Y)
        residuals = data.Y - self.dictionary_.inverse_transform(activities)
        moments = solvers.GaussianProfiles.of(torch.from_numpy(activities))
        self._activity_mean, self._activity_factor = (
            part.numpy() for part in (moments.mean, moments.factor)
        )
        self._residual_mean = residuals.mean(axis=0)
        self._residual_variance = residuals.var(axis=0)

    def _prepare(self):  # for both: decode and normalize may be set after fit
        A, U = torch.from_numpy(self._A), torch.from_numpy(self.dictionary_.components_)
        parts = self._activity_mean, self._activity_factor
        activities = solvers.GaussianProfiles(*map(torch.from_numpy, parts))
        residuals = map(torch.from_numpy, (self._residual_mean, self._residual_variance))
        profiles = solvers.FactorProfiles(U, activities, *residuals)
        self._coef, self._intercept = profiles.decoder(A, self._noise_covariance()).linear()

    def _decode(self, Z):
        if self.decode == "factor":
            return Z @ self._coef.T + self._intercept
        A, U = torch.from_numpy(self._A), torch.from_numpy(self.dictionary_.components_)
        activities = self.dictionary_._pursue(
            A @ U.T, torch.from_numpy(Z), normalize=self.normalize
        )
        return (activities @ U).numpy()
