"""Which genes to measure, so that the others are inferred best."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import FLOAT_DTYPES, check_is_fitted, validate_data

from skgex.preprocessing._gene_covariance import GeneCovariance
from skgex.preprocessing._gene_scaler import GeneScaler
from skgex.preprocessing._landmark_panel import LandmarkPanel

_EIGENSPACE = 0.9  # share of the variance, as for the L1000 genes
_NOTHING = 1e-9  # share of the variance that counts as none, for rounding's sake
_DIGITS = 8  # of distances and shares
_NOISE = 8.0  # times landmarks per profile; see the Notes of the class


class LandmarkSelector(SelectorMixin, BaseEstimator):
    """Choose the landmark genes: the few from which the others are inferred best.

    ``"greedy"`` chooses one gene after the other, each time the one that, beside those before it,
    tells most of the variance of all other genes: with C the covariance of what the genes before
    it leave unexplained,

        ``max_j Σ_{g≠j} c_gj² / (c_jj + λ)``, then ``C ← C − c_j c_jᵀ / (c_jj + λ)``.

    ``"clusters"`` is how the L1000 genes were found: genes are grouped by k-means in the space of
    the components that hold nine tenths of the variance, and each group is represented by the gene
    nearest its centre.

    Parameters
    ----------
    n_landmarks : int, default=100
        Number of genes to choose; fewer than X has.
    method : {"greedy", "clusters"}, default="greedy"
        How to choose.
    noise : float, default=None
        λ, the variance of the noise that a landmark is taken to be measured with, in units of the
        mean variance of a gene. None is ``8 × n_landmarks / n_profiles``; see Notes. 0 trusts the
        covariances of the profiles at hand as they are.
    scale : bool, default=True
        Divide genes by their standard deviation, so that all count the same. Otherwise they count
        by their variance.
    candidates : array-like of str, int or bool, default=None
        The genes that can be measured, among which to choose: names of columns, positions, or a
        mask. All genes count as to be inferred. None allows all.
    include : array-like of str, int or bool, default=None
        Genes that are measured anyway, candidates or not. They count among `n_landmarks`.
    random_state : int, RandomState instance or None, default=None
        Seed of k-means. Greedy draws no random numbers.

    Attributes
    ----------
    landmarks_ : ndarray of int of shape (n_landmarks,)
        Positions of the chosen genes, those that tell most first, after those to `include`.
        Clusters come in the order of their share of the variance.
    support_ : ndarray of bool of shape (n_genes,)
        Mask of the chosen genes.
    scores_ : ndarray of shape (n_landmarks,)
        For each landmark in that order, as a share of the variance of all genes: what it told of
        the others when it was chosen, or what its cluster holds.
    explained_variance_ratio_ : ndarray of shape (n_landmarks,)
        Share of the variance of all genes, measured ones too, that the first landmark explains,
        the first two and so on, on the profiles of `fit` and as far as noise λ lets them.
    noise_ : float
        The λ used.
    n_features_in_ : int
        Number of genes of the full profiles.
    feature_names_in_ : ndarray of str
        Their names, if X has string column names.

    See Also
    --------
    LandmarkPanel : Measures genes that are chosen already.
    CompositeMeasurement : Measures weighted sums of all genes.

    Notes
    -----
    In few profiles every gene is correlated with many others by chance. What a gene tells of
    itself is left out, since otherwise one that is all noise would be as good a choice as any, and
    λ discounts genes of which the landmarks before leave little. The best penalty of ridge
    regression grows with ``k / n_profiles``, hence the default of λ; its factor was found on two
    compendia, one of arrays and one of RNA-seq. On 400 of their profiles, 300 greedy landmarks
    with a sixteenth of it were hardly better than random ones, or worse. A second gene of the same
    pattern is worth something under noise, as it averages noise away; with ``noise=0``, nothing.

    A landmark costs two passes over the profiles, or one over the covariances between genes where
    genes are fewer: 1,000 of 20,000 genes by 2,000 profiles take less than a minute on one core.

    As in every selector of scikit-learn, the selected columns keep the order they have in X.

    References
    ----------
    Subramanian, A. et al. (2017). A next generation connectivity map: L1000 platform and the
    first 1,000,000 profiles. Cell 171, 1437-1452.

    Farahat, A. K., Ghodsi, A., Kamel, M. S. (2013). Efficient greedy feature selection for
    unsupervised learning. Knowledge and Information Systems 35, 285-310.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgex import RidgeRegressorCV, make_expression
    >>> from skgex.preprocessing import LandmarkSelector
    >>> profiles = make_expression(100, n_landmarks=20, n_targets=80, random_state=0)[0].to_frame()
    >>> selector = LandmarkSelector(10).fit(profiles)
    >>> selector.transform(profiles).shape
    (100, 10)
    >>> first = selector.feature_names_in_[selector.landmarks_[:3]]
    >>> model = make_pipeline(selector, RidgeRegressorCV()).fit(profiles, profiles)
    >>> model.predict(profiles).shape
    (100, 100)
    """

    _parameter_constraints: dict = {
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "method": [StrOptions({"greedy", "clusters"})],
        "noise": [Interval(Real, 0, None, closed="left"), None],
        "scale": ["boolean"],
        "candidates": ["array-like", None],
        "include": ["array-like", None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_landmarks=100,
        *,
        method="greedy",
        noise=None,
        scale=True,
        candidates=None,
        include=None,
        random_state=None,
    ):
        self.n_landmarks = n_landmarks
        self.method = method
        self.noise = noise
        self.scale = scale
        self.candidates = candidates
        self.include = include
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Choose the landmarks.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Full profiles.
        y : None
            Ignored.

        Returns
        -------
        self : LandmarkSelector

        Raises
        ------
        ValueError
            If no gene would be left to infer, too few may be chosen or vary, or `candidates` or
            `include` names genes that X does not have.

        Warns
        -----
        UserWarning
            If fewer landmarks than asked for explain all that can be explained.
        """
        profiles = X
        X = validate_data(self, profiles, dtype=FLOAT_DTYPES, ensure_min_samples=2)
        if self.n_landmarks >= X.shape[1]:
            raise ValueError(
                f"n_landmarks={self.n_landmarks} leaves none of n_features={X.shape[1]} genes to "
                "infer: ask for fewer. Is X samples × genes?"
            )
        included = self._mask("include", profiles, default=False)
        candidates = self._mask("candidates", profiles, default=True)
        scaler = GeneScaler("standard").fit(X)
        varies = scaler.scale_ > 0
        free = candidates & varies & ~included
        self._check_enough(varies, candidates, included, free)
        scale = scaler.scale_ if self.scale else np.ones(len(varies))
        factor = np.divide(1, scale, where=varies, out=np.zeros(len(varies)))
        self.noise_ = _NOISE * self.n_landmarks / len(X) if self.noise is None else self.noise
        covariance = GeneCovariance(X, scaler.mean_, factor, self.noise_)
        choose = self._greedily if self.method == "greedy" else self._by_clusters
        self.landmarks_, self.scores_, self.explained_variance_ratio_ = map(
            np.array, zip(*choose(covariance, included, free), strict=True)
        )
        self.support_ = np.zeros(len(varies), dtype=bool)
        self.support_[self.landmarks_] = True
        return self

    def _mask(self, name, profiles, default):
        """The genes that a parameter names, as a mask."""
        genes = getattr(self, name)
        if genes is None:
            return np.full(self.n_features_in_, default)
        try:
            return LandmarkPanel(genes).fit(_safe_indexing(profiles, [0])).get_support()
        except ValueError as error:
            raise ValueError(f"{name} is not a choice of genes of X: {error}") from error

    def _check_enough(self, varies, candidates, included, free):
        if not varies.any():
            raise ValueError("Every gene of X is constant: none tells anything of another.")
        if included.sum() > self.n_landmarks:
            raise ValueError(
                f"include names {included.sum()} genes, but n_landmarks={self.n_landmarks} counts "
                "them too: ask for at least as many landmarks."
            )
        if included.sum() + free.sum() < self.n_landmarks:
            constant = candidates & ~varies & ~included
            raise ValueError(
                f"n_landmarks={self.n_landmarks}, but no more than {included.sum() + free.sum()} "
                f"genes may be chosen: {included.sum()} of include and {free.sum()} candidates "
                f"besides. {constant.sum()} candidates are constant and tell nothing. Ask for "
                "fewer landmarks, or allow more candidates."
            )

    def _greedily(self, covariance, included, free):
        """Landmarks with what they told and what all so far explain; uses up both masks."""
        chosen = []
        for _ in range(self.n_landmarks):
            must = included.any()
            told = np.where(included if must else free, covariance.told(), -1)
            gene = int(told.argmax())
            if chosen and not must and told[gene] <= _NOTHING:
                self._warn_of_fewer(len(chosen), "no other gene tells anything of another")
                break
            included[gene] = free[gene] = False
            covariance.measure(gene)
            chosen.append((gene, told[gene], covariance.explained))
        return chosen

    def _by_clusters(self, covariance, included, free):
        """As `_greedily`, with the share of the variance in a landmark's cluster."""
        genes, varies = covariance.eigenspace(_EIGENSPACE), covariance.variance > 0
        n_clusters = min(self.n_landmarks, varies.sum())
        kmeans = KMeans(n_clusters, n_init=1, random_state=self.random_state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # empty clusters are told below
            distance = kmeans.fit(genes[varies]).transform(genes)
        # Two genes are equally far from the centre between them: the first wins, not rounding.
        distance = (distance / np.sqrt(covariance.total)).round(_DIGITS)
        cluster = distance.argmin(axis=1)
        share = np.bincount(cluster, covariance.variance / covariance.total, n_clusters)
        share = share.round(_DIGITS)
        own_share = np.where(varies, share[cluster], 0)
        required = np.flatnonzero(included)
        chosen = [*required[np.argsort(-own_share[required], kind="stable")]]
        scores = [*own_share[chosen]]
        served = cluster[included & varies]
        waiting = [c for c in np.argsort(-share, kind="stable") if c not in served]
        for c in waiting[: self.n_landmarks - len(chosen)]:
            if share[c] <= _NOTHING:
                self._warn_of_fewer(len(chosen), "the genes fall into no more clusters")
                break
            members = free & (cluster == c)
            # A cluster without candidates is represented by the nearest one of another.
            near = np.where(members if members.any() else free, distance[:, c], np.inf)
            chosen.append(near.argmin())
            scores.append(share[c])
            free[chosen[-1]] = False
        explained = []
        for gene in chosen:
            covariance.measure(gene)
            explained.append(covariance.explained)
        return list(zip(chosen, scores, explained, strict=True))

    def _warn_of_fewer(self, n_chosen, reason):
        warnings.warn(
            f"{n_chosen} landmarks are chosen instead of n_landmarks={self.n_landmarks}: beside "
            f"them {reason}.",
            stacklevel=5,
        )

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
