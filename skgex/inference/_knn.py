"""Nearest neighbours: of profiles, or of genes."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from torch.nn.functional import embedding_bag

from skgex import _solvers as solvers
from skgex.base import ProfileRegressor


class _NeighborsRegressor(ProfileRegressor):
    """Parameters that both kinds of neighbours share."""

    _parameter_constraints: dict = {
        **ProfileRegressor._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "working_memory": [Interval(Real, 0, None, closed="neither")],
    }

    def _block_bytes(self):
        return int(self.working_memory * 2**20)


class KNNRegressor(_NeighborsRegressor):
    """Mean of the target genes of the nearest training profiles.

    ``ŷ(x) = Σ_{i ∈ N_k(x)} ω_i y_i`` with ``N_k(x)`` the ``k`` training profiles whose scaled
    landmark genes have the smallest Euclidean distance to those of ``x``; profiles of equal
    distance are taken in the order of training.

    Parameters
    ----------
    n_neighbors : int, default=10
        The papers choose it on validation profiles.
    weights : {"uniform", "distance"}, default="uniform"
        Of the neighbours: equal, or inverse to their distance.
    gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of inputs and targets, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`.
    working_memory : float, default=256
        Temporary memory of ``predict`` in MiB, as in scikit-learn's configuration.

    Attributes
    ----------
    X_fit_ : ndarray of shape (n_labelled, n_landmarks)
    Y_fit_ : ndarray of shape (n_labelled, n_targets)
        Scaled training profiles.
    x_scaler_, y_scaler_ : GeneScaler
    n_features_in_, n_outputs_ : int
    feature_names_in_, target_names_ : ndarray of str
        Gene names, when ``X`` and ``y`` are tables.

    See Also
    --------
    KNNGeneRegressor : Nearest landmark genes instead of nearest profiles.

    Examples
    --------
    >>> from skgex import KNNRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> KNNRegressor(n_neighbors=5).fit(X, Y).predict(X).shape
    (200, 30)
    """

    _parameter_constraints: dict = {
        **_NeighborsRegressor._parameter_constraints,
        "weights": [StrOptions({"uniform", "distance"})],
    }

    def __init__(
        self,
        n_neighbors=10,
        *,
        weights="uniform",
        gene_scaling="standard",
        working_memory=256,
    ):
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.gene_scaling = gene_scaling
        self.working_memory = working_memory

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Remember the labelled profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes.
        y : array-like or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Target genes. Rows that are all NaN mark unlabelled profiles, which only take part in
            the scaling of ``X``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a row of ``y`` is partly NaN, or fewer than ``n_neighbors`` rows are labelled.
        """
        data = self._training_data(X, y)
        _check_n_neighbors(self.n_neighbors, len(data.X), "labelled profiles", "n_samples")
        self.X_fit_, self.Y_fit_ = data.X, np.ascontiguousarray(data.Y)
        return self

    def _predict_scaled(self, X):
        queries, points, targets = (
            torch.from_numpy(np.ascontiguousarray(a)) for a in (X, self.X_fit_, self.Y_fit_)
        )
        by_distance = self.weights == "distance"
        found = solvers.nearest(
            queries, points, self.n_neighbors, exact=by_distance, block_bytes=self._block_bytes()
        )
        Y = []
        for _, squared, neighbors in found:
            if by_distance:
                weights = _inverse(squared.sqrt())
                Y.append(embedding_bag(neighbors, targets, mode="sum", per_sample_weights=weights))
            else:
                # One order of summation, whichever order the distances were found in.
                Y.append(embedding_bag(neighbors.sort(dim=1).values, targets, mode="mean"))
        return (Y[0] if len(Y) == 1 else torch.cat(Y)).numpy()


class KNNGeneRegressor(_NeighborsRegressor):
    """Mean of the landmark genes nearest to a target gene (KNN-GE).

    ``ŷ_t(x) = (1/k) Σ_{j ∈ N_k(t)} x_j`` with ``N_k(t)`` the ``k`` landmark genes whose scaled
    values over the training profiles have the smallest Euclidean distance to those of the target;
    the mean is brought to the scale of the target. A landmark that is measured as a target too is
    copied with ``n_neighbors=1``.

    Parameters
    ----------
    n_neighbors : int or None, default=None
        None takes 10, or all landmark genes if they are fewer.
    gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of inputs and targets, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`.
    working_memory : float, default=256
        Temporary memory in MiB, as in scikit-learn's configuration.

    Attributes
    ----------
    neighbors_ : ndarray of shape (n_targets, n_neighbors)
        Columns of ``X`` nearest to every target, the nearest first.
    x_scaler_, y_scaler_ : GeneScaler
    n_features_in_, n_outputs_ : int
    feature_names_in_, target_names_ : ndarray of str
        Gene names, when ``X`` and ``y`` are tables.

    See Also
    --------
    KNNRegressor : Nearest profiles instead of nearest genes.

    Examples
    --------
    >>> from skgex import KNNGeneRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> KNNGeneRegressor(n_neighbors=3).fit(X, Y).neighbors_.shape
    (30, 3)
    """

    _parameter_constraints: dict = {
        **_NeighborsRegressor._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, n_neighbors=None, *, gene_scaling="standard", working_memory=256):
        self.n_neighbors = n_neighbors
        self.gene_scaling = gene_scaling
        self.working_memory = working_memory

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Find the landmark genes nearest to every target gene.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes.
        y : array-like or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Target genes. Rows that are all NaN mark unlabelled profiles, which only take part in
            the scaling of ``X``.
        sample_weight : array-like of shape (n_profiles,), default=None
            Weight of each profile in the squared distance between genes.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a row of ``y`` is partly NaN, or there are fewer than ``n_neighbors`` landmarks.
        """
        data = self._training_data(X, y, sample_weight=sample_weight)
        k = min(10, data.X.shape[1]) if self.n_neighbors is None else self.n_neighbors
        _check_n_neighbors(k, data.X.shape[1], "landmark genes", "n_features")
        landmarks, targets = torch.from_numpy(data.X).T, torch.from_numpy(data.Y).T
        if data.weight is not None:
            root = torch.from_numpy(data.weight).sqrt()
            landmarks, targets = landmarks * root, targets * root
        found = solvers.nearest(targets, landmarks, k, exact=True, block_bytes=self._block_bytes())
        self.neighbors_ = torch.cat([neighbors for _, _, neighbors in found]).numpy()
        return self

    def _predict_scaled(self, X):
        genes, neighbors = torch.from_numpy(X).T.contiguous(), torch.from_numpy(self.neighbors_)
        return embedding_bag(neighbors, genes, mode="mean").T.numpy()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # a mean of genes chosen one by one fits no weights
        return tags


def _inverse(distances):
    """Weights 1 / distance; where a distance is zero, only zero distances count."""
    zero = distances == 0
    weights = torch.where(zero.any(dim=1, keepdim=True), zero.to(distances.dtype), 1 / distances)
    return weights / weights.sum(dim=1, keepdim=True)


def _check_n_neighbors(k, n, what, dimension):
    if k > n:
        raise ValueError(
            f"n_neighbors={k}, but there are only {n} {what} ({dimension}={n}). "
            f"Set n_neighbors to at most {n}."
        )
