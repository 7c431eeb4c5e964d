"""The Gaussian transport map: state to state without a net, in seconds."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import HasMethods, Interval

from skgex import _solvers as solvers
from skgex._utils._naming import few
from skgex._utils._perturbed import as_states
from skgex.perturbation._base import Perturber
from skgex.preprocessing import GeneScaler

_COMPONENTS = 100  # of profiles, by which states are told from each other
_NODES = 101  # quantiles that hold the distribution of a gene


class GaussianTransport(Perturber):
    """Optimal transport from every state to a target state, each taken for Gaussian.

    A profile x of state s goes to ``μ_t + A_s (x − μ_s)``. Of all maps that give profiles with
    covariance C_s the covariance C_t, ``A_s = C_s^{-½} (C_s^{½} C_t C_s^{½})^{½} C_s^{-½}`` is
    the one that moves them least: what is peculiar to a profile within its state is kept.
    Covariances are those of the leading directions of both states; beside these, every gene is
    scaled by the ratio of its spreads. Nothing is trained: this is the baseline that a
    perturbation generator has to beat.

    Parameters
    ----------
    target : str or number, default=None
        The state to turn others into. None takes the last class, as scikit-learn takes it for the
        positive one.
    rank : int, default=50
        Leading directions of source and target state.
    shrinkage : float in [0, 1], default=0.1
        How far covariances are drawn towards their mean variance.
    prior : float, default=10
        Profiles of a state that the covariance of all states together counts for; states with few
        profiles say nothing of most directions.
    max_scale : float, default=3
        What the rest of a gene is scaled by at most; 1 or more.
    marginals : bool, default=False
        Bring every moved gene to the distribution that it has in the target state: a value to that
        of the same rank. Gaussians know nothing of silent genes and heavy tails.
    classifier : classifier, default=None
        f, which tells states: that of a profile to be perturbed, unless it is given, and that of
        perturbed profiles. A fitted one is used as it is. None takes linear discriminant analysis
        of 100 principal components.
    original_units : bool, default=True
        Whether profiles and changes come in the units of ``X``, or in shares of a gene's training
        range.

    Attributes
    ----------
    target_ : str or number
    classes_ : ndarray of shape (n_states,)
    means_, scales_ : ndarray of shape (n_states, n_genes)
        Of every state, scaled to [0, 1]: its mean, and what the rest of each gene is scaled by.
    bases_, inner_ : list of ndarray of shape (n_genes, rank) and (rank, rank)
        Leading directions, and A_s within them, of every state.
    moved_quantiles_, target_quantiles_ : ndarray of shape (n_quantiles, n_genes)
        With ``marginals``: of the moved training profiles, and of those of the target state.
    target_mean_ : ndarray of shape (n_genes,)
        Mean of the target state, in the units of ``X``.
    classifier_ : classifier
    n_target_ : int
        Training profiles of the target state.
    x_scaler_ : GeneScaler
    n_features_in_ : int
    feature_names_in_ : ndarray of str

    See Also
    --------
    TSPG : Learns what to add to this map.

    References
    ----------
    Peyré, G., Cuturi, M. (2019). Computational optimal transport. Foundations and Trends in
    Machine Learning 11(5-6), remark 2.31.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex import GaussianTransport
    >>> rng = np.random.default_rng(0)
    >>> healthy, tumour = rng.normal(8, 1, (50, 20)), rng.normal(11, 2, (50, 20))
    >>> X, y = np.concatenate([healthy, tumour]), np.repeat(["healthy", "tumour"], 50)
    >>> map_ = GaussianTransport("tumour").fit(X, y)
    >>> map_.transform(healthy).shape, map_.score(healthy)
    ((50, 20), 1.0)
    """

    _parameter_constraints: dict = {
        **Perturber._parameter_constraints,
        "target": [str, Real, "boolean", None],
        "rank": [Interval(Integral, 1, None, closed="left")],
        "shrinkage": [Interval(Real, 0, 1, closed="both")],
        "prior": [Interval(Real, 0, None, closed="left")],
        "max_scale": [Interval(Real, 1, None, closed="left")],
        "marginals": ["boolean"],
        "classifier": [HasMethods(["fit", "predict"]), None],
    }

    def __init__(
        self,
        target=None,
        *,
        rank=50,
        shrinkage=0.1,
        prior=10.0,
        max_scale=3.0,
        marginals=False,
        classifier=None,
        original_units=True,
    ):
        self.target = target
        self.rank = rank
        self.shrinkage = shrinkage
        self.prior = prior
        self.max_scale = max_scale
        self.marginals = marginals
        self.classifier = classifier
        self.original_units = original_units

    @_fit_context(prefer_skip_nested_validation=False)  # the classifier checks its own
    def fit(self, X, y):
        """Learn the map of every state.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
        y : array-like of shape (n_profiles,)
            State of each profile.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the target is no state, a state has fewer than 3 profiles, or states are not those
            of the profiles row by row.
        """
        X, y = self._validated(X, y)
        Z = self._scaled(X, y)
        self.classifier_ = self._fitted_classifier(X, y)
        self._fit_maps(Z, y)
        return self

    def _fit_alone(self, X, y):
        """Fit the maps, but no classifier, on states of which there may be 2 profiles."""
        X, y = self._validated(X, y, fewest=2)
        self._fit_maps(self._scaled(X, y), y)
        return self

    def _fit_maps(self, scaled, y):
        Z = torch.from_numpy(scaled).double()
        states = [torch.from_numpy(np.flatnonzero(y == state)) for state in self.classes_]
        means = torch.stack([Z[rows].mean(dim=0) for rows in states])
        residuals = [Z[rows] - mean for rows, mean in zip(states, means, strict=True)]
        spreads = self._spreads(residuals)
        target = self.classes_.tolist().index(self.target_)
        settings = dict(rank=self.rank, shrinkage=self.shrinkage, max_scale=self.max_scale)
        maps = [
            solvers.GaussianMap.between(
                (means[state], means[target]), (spreads[state], spreads[target]), **settings
            )
            for state in range(len(states))
        ]
        self.means_, self.scales_ = means.numpy(), torch.stack([m.scale for m in maps]).numpy()
        self.bases_ = [m.basis.numpy() for m in maps]
        self.inner_ = [m.inner.numpy() for m in maps]
        if self.marginals:
            sources = y != self.target_
            moved = self._to_target(scaled[sources], y[sources])
            shares = np.linspace(0, 1, _NODES)
            self.moved_quantiles_, self.target_quantiles_ = (
                np.quantile(profiles, shares, axis=0).astype(scaled.dtype)
                for profiles in (moved, scaled[~sources])
            )

    def _spreads(self, residuals):
        freedom = sum(max(len(own) - 1, 0) for own in residuals)
        pooled = torch.cat(residuals) / max(freedom, 1) ** 0.5
        if len(pooled) > pooled.shape[1]:  # the same covariance, with fewer rows
            pooled = torch.linalg.qr(pooled, mode="r").R
        return [solvers.Spread(own, pooled, self.prior) for own in residuals]

    def _default_classifier(self, n_profiles, n_genes, seed):
        n_components = min(_COMPONENTS, n_profiles - 1, n_genes)
        return make_pipeline(
            GeneScaler("range"),
            PCA(n_components, svd_solver="randomized", random_state=0),
            LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        )

    def perturb(self, X, states=None):
        """What must change in profiles to bring them to the target state.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Profiles of any state.
        states : array-like of shape (n_profiles,), default=None
            State of each profile, which decides its map; None lets the classifier tell.

        Returns
        -------
        ndarray of shape (n_profiles, n_genes)
            The change of every gene, in the units of ``X``, or in shares of a gene's training
            range with ``original_units=False``.
        """
        return self._answer(X, changed=True, states=self._known(X, states))

    def transform(self, X, states=None):
        """Profiles brought to the target state.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Profiles of any state.
        states : array-like of shape (n_profiles,), default=None
            State of each profile, which decides its map; None lets the classifier tell.

        Returns
        -------
        ndarray of shape (n_profiles, n_genes)
            Perturbed profiles, in the units of ``X``, or in shares of a gene's training range with
            ``original_units=False``.
        """
        return self._answer(X, states=self._known(X, states))

    def _known(self, X, states):
        if states is None:
            return None
        states = as_states(states, X, "states")
        if unknown := sorted(map(str, set(states.tolist()) - set(self.classes_.tolist()))):
            raise ValueError(
                f"states names {few(unknown)}, which fit has not seen: its states are "
                f"{few(self.classes_, 10)}."
            )
        return states

    def _recognised(self, Z):
        if not hasattr(self, "classifier_"):
            raise ValueError(
                "This map was fitted by TSPG, and has no classifier to recognise states by: pass "
                "states to perturb or transform, or ask TSPG itself."
            )
        return super()._recognised(Z)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "bases_")

    def _move(self, Z, states=None):
        if states is None:
            states = self._recognised(Z)
        moved = self._to_target(Z, states)
        return self._matched(moved, states) if self.marginals else moved

    def _matched(self, moved, states):
        """Give moved genes the distributions that they have in the target state."""
        sources = states != self.target_
        if sources.any():
            quantiles = (self.moved_quantiles_, self.target_quantiles_, moved[sources])
            matched = solvers.match_quantiles(*map(torch.from_numpy, quantiles)).numpy()
            # The more profiles of the target state there are, the better its distributions are
            # known beyond mean and spread.
            known = self.n_target_ / (self.n_target_ + self.prior)
            moved[sources] += known * (matched - moved[sources])
        return moved

    def _to_target(self, Z, states):
        moved = np.empty_like(Z)
        target = self.classes_.tolist().index(self.target_)
        for state, name in enumerate(self.classes_.tolist()):
            rows = np.flatnonzero(states == name)
            parts = (self.means_[state], self.means_[target], self.bases_[state])
            parts = (*parts, self.inner_[state], self.scales_[state])
            # Arrays of a file that is mapped into memory may not be written to: torch wants that.
            parts = (torch.from_numpy(np.require(part, requirements="W")) for part in parts)
            to_target = solvers.GaussianMap(*parts)
            moved[rows] = to_target(torch.from_numpy(Z[rows]).double()).numpy()
        return moved
