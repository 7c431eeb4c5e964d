"""A mixture of Wiener decoders: each measurement is decoded as the profiles like it ask for."""

import warnings
from itertools import product
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skgex import _solvers as solvers
from skgex.base import fill_docstring
from skgex.compressed_sensing._base import SensingRegressor
from skgex.compressed_sensing._selection import choose, held_out
from skgex.compressed_sensing._wiener import SHRINKAGES

_SHARES = (0.1, 0.3, 0.6)
_SHRINKAGES = (0.001, 0.01, 0.1, 0.3)


@fill_docstring
class WienerMixtureRegressor(SensingRegressor):
    """Mixture of Wiener decoders: profiles from any linear measurement, by clusters of them.

    ``x̂ = Σ_k p(k | z) [μ_k + S_k Aᵀ (A S_k Aᵀ + σ² A Aᵀ)⁻¹ (z − A μ_k)]``: the conditional mean
    of a mixture of Gaussians, given the measurement ``z = A (x + e)``. Clusters are found by
    k-means on principal components of the training profiles; cluster k has the covariance
    ``S_k = (1 − ρ) [τ C_k + (1 − τ) C̄] + ρ v I``, of its own profiles, of all clusters pooled, and
    the mean variance v of a gene. One cluster is the Wiener decoder, which is among the choices.

    Parameters
    ----------
    %(measurement)s
    n_clusters : int, default=None
        None chooses among 1, 10 and 30 by ``cv``, with no fewer than 10 profiles a cluster.
    own_share : float in [0, 1], default=None
        τ. None chooses among 0.1, 0.3 and 0.6.
    shrinkage : float in [0, 1], default=None
        ρ. None chooses among 0.001, 0.01, 0.1 and 0.3; with one cluster among those of
        :class:`WienerRegressor`.
    n_components : int, default=30
        Principal components that clusters are found in.
    %(noise)s
    cv : int, splitter or iterable of splits, default=3
        How to split the labelled profiles to choose; an int splits them at random, or by whole
        groups if ``fit`` is given them. Where profiles come in studies and new ones are to be
        decoded, hold out whole studies: clusters then help less.
    %(linear_scaling)s
    random_state : int, RandomState instance or None, default=None
        Of the clusters.

    Attributes
    ----------
    n_clusters_ : int
    own_share_, shrinkage_ : float
    candidates_ : list of (n_clusters, own_share, shrinkage)
        Those compared.
    cv_errors_ : ndarray of shape (n_candidates,) or None
        Their mean squared errors of scaled genes on held-out profiles; None if there was no
        choice.
    means_ : ndarray of shape (n_clusters, n_genes)
        Of scaled genes.
    labels_ : ndarray of shape (n_profiles,)
        Clusters of the training profiles.
    %(measured)s

    References
    ----------
    Yang, J. et al. (2015). Compressive sensing by learning a Gaussian mixture model from
    measurements. IEEE Transactions on Image Processing 24(1).

    Examples
    --------
    >>> from skgex import CompositeMeasurement, WienerMixtureRegressor, make_expression
    >>> from sklearn.pipeline import make_pipeline
    >>> profiles = make_expression(200, 20, 80, random_state=0)[0].X
    >>> measure = CompositeMeasurement(30, random_state=0)
    >>> decoder = make_pipeline(measure, WienerMixtureRegressor(random_state=0))
    >>> decoder.fit(profiles, profiles).predict(profiles).shape
    (200, 100)
    """

    _parameter_constraints: dict = {
        **SensingRegressor._parameter_constraints,
        "n_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "own_share": [Interval(Real, 0, 1, closed="both"), None],
        "shrinkage": [Interval(Real, 0, 1, closed="both"), None],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        measurement_matrix=None,
        *,
        n_clusters=None,
        own_share=None,
        shrinkage=None,
        n_components=30,
        noise="estimate",
        cv=3,
        gene_scaling=None,
        random_state=None,
    ):
        self.measurement_matrix = measurement_matrix
        self.n_clusters = n_clusters
        self.own_share = own_share
        self.shrinkage = shrinkage
        self.n_components = n_components
        self.noise = noise
        self.cv = cv
        self.gene_scaling = gene_scaling
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, groups=None):
        """Learn clusters of profiles, their means and covariances.

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
        if self.n_clusters is not None and self.n_clusters > len(X):
            raise ValueError(
                f"n_clusters={self.n_clusters}, but there are only {len(X)} labelled profiles "
                f"(n_samples={len(X)}). Set n_clusters to at most {len(X)}."
            )
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        folds = held_out(self.cv, len(X), groups)
        fewest = min(len(train) for train, _ in folds)
        self.candidates_ = self._candidates(fewest)
        chosen, self.cv_errors_ = self.candidates_[0], None
        if len(self.candidates_) > 1:
            A, noise = torch.from_numpy(self._A), self._noise_covariance()
            sizes = {n_clusters for n_clusters, *_ in self.candidates_}

            def fit(X):
                mixtures = {n: self._mixture(X, n, seed) for n in sizes}

                def decoder(candidate, genes):
                    n_clusters, own, shrinkage = candidate
                    return mixtures[n_clusters].decoder(A, noise, shrinkage, own, genes)

                return decoder

            chosen, self.cv_errors_ = choose(self.candidates_, fit, X, Z, folds)
        n_clusters, self.own_share_, self.shrinkage_ = chosen
        mixture = self._mixture(X, n_clusters, seed)
        self.n_clusters_ = len(mixture.means)
        self.means_, self.labels_ = mixture.means.numpy(), mixture.labels.numpy()
        self._residuals = (X - mixture.means[mixture.labels]).numpy()

    def _candidates(self, n_profiles):
        """What to choose among: (number of clusters, own share, shrinkage)."""
        sizes = [self.n_clusters]
        if self.n_clusters is None:
            sizes = [n for n in (1, 10, 30) if n == 1 or n * 10 <= n_profiles]
        candidates = []
        for n_clusters in sizes:
            shares, shrinkages = _SHARES, _SHRINKAGES
            if n_clusters == 1:  # a Wiener decoder; its share means nothing
                shares, shrinkages = _SHARES[:1], SHRINKAGES.tolist()
            if self.own_share is not None:
                shares = [self.own_share]
            if self.shrinkage is not None:
                shrinkages = [self.shrinkage]
            candidates += product([n_clusters], shares, shrinkages)
        return candidates

    def _mixture(self, X, n_clusters, seed):
        n_clusters = min(n_clusters, len(X))
        labels = torch.zeros(len(X), dtype=torch.long)
        if n_clusters > 1:
            pca = PCA(min(self.n_components, *X.shape), random_state=seed)
            k_means = KMeans(n_clusters, n_init=3, random_state=seed)
            # There may be fewer distinct profiles than clusters, even a single one.
            with warnings.catch_warnings(), np.errstate(invalid="ignore"):
                warnings.simplefilter("ignore", ConvergenceWarning)
                labels = k_means.fit_predict(pca.fit_transform(X.numpy()))
            labels = torch.from_numpy(labels).long()
            labels = labels.unique(return_inverse=True)[1]  # none is empty
        return solvers.ProfileMixture.of(X, labels)

    def _make_decoder(self):
        parts = map(torch.from_numpy, (self.means_, self._residuals, self.labels_))
        A, noise = torch.from_numpy(self._A), self._noise_covariance()
        mixture = solvers.ProfileMixture(*parts)
        return mixture.decoder(A, noise, self.shrinkage_, self.own_share_)
