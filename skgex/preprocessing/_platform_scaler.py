"""Standardise genes within each measuring platform."""

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from skgex._utils._naming import few

_DTYPES = (np.float64, np.float32)
_UNNAMED = "(unnamed)"


class PlatformScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Standardise every gene with the statistics of the profile's own platform.

    ``z = (x - μ_platform) / σ_platform``, gene by gene: a difference in level or spread between
    microarrays and RNA-seq, or between two laboratories, is gone, and with it whatever real
    difference there was between the platforms' samples.

    Parameters
    ----------
    unseen : {"error", "own"}, default="error"
        What to do with profiles of a platform that was not seen at fit. ``"own"`` standardises
        them with the statistics of the profiles passed to `transform`, as the D-GEX study did with
        its cross-platform test set. That is not the default since the result for one profile then
        depends on the others it is passed with: the whole test set is used, a single profile
        cannot be inferred, and a test set of another composition is scaled differently.

    Attributes
    ----------
    platforms_ : ndarray of str of shape (n_platforms,)
        Platforms seen at fit, sorted.
    mean_, scale_ : ndarray of shape (n_platforms, n_genes)
        Means and standard deviations; the scale of a constant gene is 1.
    n_features_in_ : int
        Number of genes.
    feature_names_in_ : ndarray of str
        Their names, if X has string column names.

    Notes
    -----
    `platform` is sample metadata: with ``set_config(enable_metadata_routing=True)`` and
    ``PlatformScaler().set_fit_request(platform=True).set_transform_request(platform=True)`` a
    pipeline or grid search passes each split its part. Without it all profiles are taken to come
    from one platform.

    Examples
    --------
    >>> from skgex.preprocessing import PlatformScaler
    >>> X = [[1.0], [3.0], [100.0], [500.0]]
    >>> platform = ["array", "array", "rnaseq", "rnaseq"]
    >>> PlatformScaler().fit_transform(X, platform=platform).ravel()
    array([-1.,  1., -1.,  1.])
    """

    _parameter_constraints: dict = {"unseen": [StrOptions({"error", "own"})]}

    def __init__(self, *, unseen="error"):
        self.unseen = unseen

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, platform=None):
        """Learn means and standard deviations of each platform.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Training profiles.
        y : None
            Ignored.
        platform : array-like of shape (n_samples,), default=None
            The platform of each profile; None is one platform for all.

        Returns
        -------
        self : PlatformScaler

        Raises
        ------
        ValueError
            If a platform has a single profile, or X holds NaN or inf.
        """
        X = validate_data(self, X, dtype=_DTYPES, ensure_min_samples=2)
        platform = _check_platform(platform, X)
        self.platforms_ = np.unique(platform)
        statistics = [_statistics(X, platform, name) for name in self.platforms_]
        self.mean_, self.scale_ = map(np.array, zip(*statistics, strict=True))
        return self

    def transform(self, X, *, platform=None):
        """Standardise profiles within their platforms.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Profiles.
        platform : array-like of shape (n_samples,), default=None
            The platform of each profile; None only if `fit` was not told platforms either.

        Returns
        -------
        ndarray of shape (n_samples, n_genes)

        Raises
        ------
        ValueError
            If a platform was not seen at fit and ``unseen="error"``.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=_DTYPES, copy=True)
        platform = _check_platform(platform, X)
        unseen = np.setdiff1d(platform, self.platforms_)
        if _UNNAMED in unseen:
            raise ValueError(
                f"platform is not given, but this scaler was fitted on the platforms "
                f"{few(self.platforms_)}: pass the platform of each profile."
            )
        if unseen.size and self.unseen == "error":
            raise ValueError(
                f"{unseen.size} platforms were not seen at fit: {few(unseen)}; seen were "
                f"{few(self.platforms_)}. Pass unseen='own' to standardise such profiles with "
                "their own statistics, that is those of the whole set passed here."
            )
        fitted = dict(zip(self.platforms_, zip(self.mean_, self.scale_, strict=True), strict=True))
        for name in np.unique(platform):
            mean, scale = fitted[name] if name in fitted else _statistics(X, platform, name)
            rows = platform == name
            X[rows] = (X[rows] - mean) / scale
        return X

    def fit_transform(self, X, y=None, *, platform=None):
        """Learn each platform's statistics and standardise the same profiles with them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Training profiles.
        y : None
            Ignored.
        platform : array-like of shape (n_samples,), default=None
            The platform of each profile; None is one platform for all.

        Returns
        -------
        ndarray of shape (n_samples, n_genes)
        """
        return self.fit(X, y, platform=platform).transform(X, platform=platform)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _check_platform(platform, X):
    if platform is None:
        return np.full(len(X), _UNNAMED)
    platform = np.asarray(platform)
    if platform.shape != (len(X),):
        raise ValueError(
            f"platform has shape {platform.shape}, but X has {len(X)} profiles (rows): give one "
            "platform a profile."
        )
    unknown = [row for row, name in enumerate(platform) if name is None or name != name]
    if unknown:
        raise ValueError(
            f"platform is missing (None or NaN) for {len(unknown)} profiles, the first in row "
            f"{unknown[0]}: name each profile's platform, or drop those profiles."
        )
    return platform.astype(str)


def _statistics(X, platform, name):
    X = X[platform == name]
    if len(X) < 2:
        raise ValueError(
            f"Platform {str(name)!r} has n_samples=1 profile: a standard deviation needs at least "
            "two."
        )
    mean = X.mean(axis=0, dtype=np.float64)
    scale = np.sqrt(np.mean((X - mean) ** 2, axis=0))
    # Rounding leaves a constant gene a spread of about eps times its value.
    constant = scale <= 10 * np.finfo(X.dtype).eps * np.abs(mean)
    return mean, np.where(constant, 1.0, scale)
