"""Decoding by a dictionary: which modules explain what was measured?"""

from functools import partial
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skgex import _solvers as solvers
from skgex.compressed_sensing._base import SensingRegressor
from skgex.compressed_sensing._selection import choose, held_out

_N_ACTIVE = (1, 2, 3, 5, 8, 12, 15)
_ALPHAS = (0.003, 0.01, 0.03, 0.1, 0.3)
_FEWEST = 10  # profiles, of which a fifth tells anything


class DictionaryRegressor(SensingRegressor):
    """Profiles from measurements, by the modules that training profiles are made of.

    A method names its ``_dictionary``, a :class:`Dictionary` whose parameters it shares, and what
    its paper has for them in ``_paper``.
    """

    _parameter_constraints: dict = {
        **SensingRegressor._parameter_constraints,
        "decode": [StrOptions({"factor", "lasso", "omp"})],
        "n_active": [Interval(Integral, 1, None, closed="left"), None],
        "alpha": [Interval(Real, 0, 1, closed="both"), None],
        "residual": ["boolean"],
        "normalize": ["boolean"],
        "memory": [str, HasMethods(["cache"]), None],
    }
    _paper: dict = {}

    @classmethod
    def published(cls, measurement_matrix=None, **params):
        """The decoder of the published pipelines.

        Matching pursuit of 15 modules, 5 for SMAF, by what they look like in the measurements,
        which is not brought to unit norm; nothing but modules makes a profile.

        Parameters
        ----------
        measurement_matrix : array-like of shape (n_measurements, n_genes), default=None
        **params
            Parameters of the constructor that override single settings.

        Returns
        -------
        estimator
        """
        settings = dict(decode="omp", n_active=15, normalize=False, residual=False)
        return cls(measurement_matrix, **(settings | cls._paper | params))

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, groups=None):
        """Learn modules from the profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_measurements)
            Measurements.
        y : array-like or torch.Tensor of shape (n_profiles, n_genes) or (n_profiles,)
            The profiles measured. Rows that are all NaN are left out.
        groups : array-like of shape (n_profiles,), default=None
            Study of each profile, to choose ``n_active`` or ``alpha`` on whole ones held out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are fewer labelled profiles than modules, no more measurements than active
            modules, or values that the method does not allow.
        """
        return self._fit_measured(X, y, groups=groups)

    def _learn(self, data, groups):
        # What is asked for now holds for later measurements too.
        asked = ("decode", "n_active", "residual", "normalize")
        self._decoding = {name: getattr(self, name) for name in asked}
        self._check_n_active()
        self.dictionary_ = self._learned_dictionary(data.Y)
        self._moments = _moments(self.dictionary_, data.Y)
        constant = np.ptp(data.Y, axis=0) == 0
        self._constants = np.where(constant, data.Y[0], np.nan)
        self._sparsity = {"omp": self.n_active, "lasso": self.alpha}.get(self.decode)
        if self.decode != "factor" and self._sparsity is None:
            self._sparsity = self._best_sparsity(data, groups)

    def _learned_dictionary(self, X):
        names = self._dictionary._get_param_names()
        dictionary = self._dictionary(**{name: getattr(self, name) for name in names})
        return self._cached(_fit)(dictionary, X)

    def _best_sparsity(self, data, groups):
        """What decodes a fifth of the profiles, or groups, best by modules of the others."""
        candidates = _ALPHAS
        if self.decode == "omp":
            candidates = [n for n in _N_ACTIVE if n == 1 or n < len(self._A)]
        if len(data.X) < _FEWEST:
            return candidates[len(candidates) // 2]

        def fit(X):
            dictionary = self._learned_dictionary(X.numpy())
            moments = _moments(dictionary, X.numpy())

            def decoder(sparsity, genes):
                decode = self._decoder_of(dictionary, moments, sparsity)
                return lambda Z: decode(Z)[:, genes]

            return decoder

        X, Z = torch.from_numpy(data.Y), torch.from_numpy(data.X)
        return choose(candidates, fit, X, Z, held_out(5, len(X), groups)[:1])[0]

    def _make_decoder(self):
        self._check_n_active()
        return self._decoder_of(self.dictionary_, self._moments, self._sparsity)

    def _decoder_of(self, dictionary, moments, sparsity):
        A, U = torch.from_numpy(self._A), torch.from_numpy(dictionary.components_)
        mean, factor, *residuals = map(torch.from_numpy, moments)
        if self._decoding["decode"] == "factor":
            activities = solvers.GaussianProfiles(mean, factor)
            profiles, how = solvers.FactorProfiles(U, activities, *residuals), ()
        else:
            profiles = solvers.SparseProfiles(
                U, *(residuals if self._decoding["residual"] else ())
            )
            how = (self._search(dictionary, sparsity),)
        return profiles.decoder(A, self._noise_covariance(), *how)

    def _search(self, dictionary, sparsity):
        """The way to few activities, as a function of modules and measurements."""
        nonnegative = dictionary._nonnegative_activities
        if self._decoding["decode"] == "lasso":
            return partial(solvers.penalised, alpha=sparsity, nonnegative=nonnegative)
        # The published pursuit knows no signs.
        normalize = self._decoding["normalize"]
        signs = dict(normalize=normalize, nonnegative=nonnegative and normalize)
        return partial(solvers.pursued, n_nonzero=self._below_measurements(sparsity), **signs)

    def _below_measurements(self, n_active):
        """As many modules as there are measurements explain any; None stays as it is."""
        return n_active and min(n_active, max(1, len(self._A) - 1))

    def _check_n_active(self):
        n_active = self._decoding["n_active"]
        if self._decoding["decode"] == "omp" and n_active != self._below_measurements(n_active):
            raise ValueError(
                f"n_active={n_active}, but as many modules explain any {len(self._A)} "
                "measurements. Set n_active below the number of measurements, or to None."
            )

    def _decode(self, Z):
        profiles = super()._decode(Z)
        (constant,) = np.nonzero(~np.isnan(self._constants))
        profiles[:, constant] = self._constants[constant]
        return profiles

    @property
    def n_active_(self):
        """Modules of a profile that ``decode="omp"`` allows."""
        if self._decoding["decode"] != "omp":
            raise AttributeError("n_active_ is there with decode='omp'.")
        return self._below_measurements(self._sparsity)

    @property
    def alpha_(self):
        """Penalty of ``decode="lasso"``."""
        if self._decoding["decode"] != "lasso":
            raise AttributeError("alpha_ is there with decode='lasso'.")
        return self._sparsity


def _fit(dictionary, X):
    return dictionary.fit(X)


def _moments(dictionary, X):
    """Of activities: mean, and a factor of the covariance; of what they leave: mean, variance."""
    activities = dictionary.transform(X)
    residuals = X - dictionary.inverse_transform(activities)
    moments = solvers.GaussianProfiles.of(torch.from_numpy(activities))
    mean, variance = residuals.mean(axis=0), residuals.var(axis=0)
    return moments.mean.numpy(), moments.factor.numpy(), mean, variance
