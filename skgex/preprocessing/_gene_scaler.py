"""Per-gene scaling, inverted on output."""

from numbers import Integral

import numpy as np
import torch
from scipy.special import ndtri
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    FLOAT_DTYPES,
    _check_sample_weight,
    check_array,
    check_is_fitted,
    validate_data,
)

from skgex._utils._blocks import gene_blocks


class GeneScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Bring every gene to a common scale, and predictions back from it.

    ``"standard"`` subtracts the gene's mean and divides by its standard deviation. ``"range"``
    brings the lowest training value to 0 and the highest to 1. ``"rank-gaussian"`` replaces a
    value by the normal score of its rank among the training profiles, ``z = Φ⁻¹(mid-rank / n)``;
    between and beyond training values the map is linear and constant. On heavy-tailed expression
    data this can matter as much as the choice of method does, since no single profile can dominate
    a squared loss any more.

    Parameters
    ----------
    method : {"standard", "range", "rank-gaussian"} or None, default="standard"
        None leaves values as they are.
    n_quantiles : int, default=512
        Number of nodes, evenly spaced in ``z``, that hold a gene's rank map. Memory is
        ``n_genes × n_quantiles`` numbers.

    Attributes
    ----------
    mean_, minimum_ : ndarray of shape (n_genes,)
        For "standard" and for "range": what is subtracted.
    scale_ : ndarray of shape (n_genes,)
        For both, what is divided by. The scale of genes that are constant, but for rounding, is
        0: they are only shifted, and come back as the constant whatever was inferred.
    quantiles_ : ndarray of shape (n_genes, n_quantiles)
        For "rank-gaussian": the values at the nodes.
    z_range_ : ndarray of shape (2, n_genes)
        For "rank-gaussian": lowest and highest score a training value has.
    n_features_in_ : int
    feature_names_in_ : ndarray of str

    Notes
    -----
    Tied values share their mid-rank, so that the zeros of a lowly expressed gene get one score in
    the middle of their range. The inverse never leaves the range of the training values.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex.preprocessing import GeneScaler
    >>> X = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [1000.0, 5.0]])
    >>> GeneScaler("rank-gaussian").fit_transform(X).round(2)
    array([[-1.15, -0.32],
           [-0.32, -0.32],
           [ 0.32, -0.32],
           [ 1.15,  1.15]])
    """

    _parameter_constraints: dict = {
        "method": [StrOptions({"standard", "range", "rank-gaussian"}), None],
        "n_quantiles": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(self, method="standard", *, n_quantiles=512):
        self.method = method
        self.n_quantiles = n_quantiles

    @classmethod
    def from_moments(cls, mean, scale):
        """The fitted "standard" scaler of genes whose moments are known.

        Parameters
        ----------
        mean, scale : array-like of shape (n_genes,)

        Returns
        -------
        GeneScaler
        """
        scaler = cls("standard")
        scaler.mean_, scaler.scale_ = (np.array(a, dtype=np.float64) for a in (mean, scale))
        scaler.n_features_in_ = len(scaler.mean_)
        return scaler

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn every gene's scale.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
        y : None
            Ignored.
        sample_weight : array-like of shape (n_profiles,), default=None
            A weight of 2 counts a profile twice.

        Returns
        -------
        self
        """
        X = validate_data(self, X, dtype=FLOAT_DTYPES)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            X, weight = X[weight > 0], weight[weight > 0]
        if self.method == "standard":
            self.mean_, self.scale_ = _moments(X, weight)
        elif self.method == "range":
            self.minimum_, self.scale_ = _range(X)
        elif self.method == "rank-gaussian":
            self._fit_ranks(X, weight)
        return self

    def _fit_ranks(self, X, weight):
        n, n_genes = X.shape
        weight = np.ones(n) if weight is None else weight
        # The outermost nodes are the scores of the lightest possible extreme profile.
        z_max = -ndtri(0.5 * weight.min() / weight.sum()) if n > 1 else 1.0
        self._z_max = float(z_max)
        nodes = torch.linspace(-z_max, z_max, self.n_quantiles, dtype=torch.float64)
        self.quantiles_ = np.empty((n_genes, self.n_quantiles), X.dtype)
        self.z_range_ = np.empty((2, n_genes))
        for genes in gene_blocks(n, n_genes):
            values, order = torch.from_numpy(np.ascontiguousarray(X[:, genes].T)).sort(dim=1)
            cumulated = torch.cumsum(torch.from_numpy(weight)[order], dim=1)
            cumulated = torch.nn.functional.pad(cumulated, (1, 0))
            left = torch.searchsorted(values, values)
            right = torch.searchsorted(values, values, right=True)
            mid = (cumulated.gather(1, left) + cumulated.gather(1, right)) / 2
            z = torch.special.ndtri(mid / cumulated[:, -1:])
            self.z_range_[:, genes] = torch.stack([z[:, 0], z[:, -1]]).numpy()
            self.quantiles_[genes] = _interpolate(nodes.repeat(len(z), 1), z, values).numpy()

    def transform(self, X):
        """Scale profiles.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)

        Returns
        -------
        ndarray of shape (n_profiles, n_genes)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=FLOAT_DTYPES)
        if self.method is None:
            return X.copy()
        scores = self._normal_scores if self.method == "rank-gaussian" else self._linear_scores
        Z = np.empty_like(X, order="C")
        for genes in gene_blocks(*X.shape):
            Z[:, genes] = scores(X[:, genes], genes)
        return Z

    @property
    def _subtracted(self):
        return self.mean_ if self.method == "standard" else self.minimum_

    def _linear_scores(self, X, genes):
        scale = self.scale_[genes]
        return (X - self._subtracted[genes]) / np.where(scale == 0, 1, scale)

    def _normal_scores(self, X, genes):
        nodes = torch.from_numpy(self.quantiles_[genes])
        x = torch.from_numpy(np.ascontiguousarray(X.T, dtype=self.quantiles_.dtype))
        step = 2 * self._z_max / (self.n_quantiles - 1)
        below = torch.searchsorted(nodes, x, right=True) - 1
        below = below.clamp(0, self.n_quantiles - 2)
        low, high = nodes.gather(1, below), nodes.gather(1, below + 1)
        inside = ((x - low) / (high - low).clamp_min(torch.finfo(x.dtype).tiny)).clamp(0, 1)
        z = -self._z_max + step * (below + inside.double())
        # The nodes below the lowest score share its value (so at the top): take that score.
        low, high = (torch.from_numpy(bound)[:, None] for bound in self.z_range_[:, genes])
        return z.clamp(low, high).T.numpy()

    def inverse_transform(self, X):
        """Bring scaled profiles back to the genes' own scales.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)

        Returns
        -------
        ndarray of shape (n_profiles, n_genes)
        """
        check_is_fitted(self)
        Z = check_array(X, dtype=FLOAT_DTYPES, input_name="X")
        if Z.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {Z.shape[1]} genes, but this GeneScaler was fitted on "
                f"{self.n_features_in_}. Pass the genes it was fitted on, in their order."
            )
        if self.method is None:
            return Z.copy()
        values = self._quantiles if self.method == "rank-gaussian" else self._from_linear_scores
        X = np.empty_like(Z, order="C")
        for genes in gene_blocks(*Z.shape):
            X[:, genes] = values(Z[:, genes], genes)
        return X

    def _from_linear_scores(self, Z, genes):
        return Z * self.scale_[genes] + self._subtracted[genes]

    def _quantiles(self, Z, genes):
        position = (Z.T.astype(np.float64) + self._z_max) / (2 * self._z_max)
        position = np.clip(position * (self.n_quantiles - 1), 0, self.n_quantiles - 1)
        below = np.minimum(position.astype(np.int64), self.n_quantiles - 2)
        low = np.take_along_axis(self.quantiles_[genes], below, axis=1)
        high = np.take_along_axis(self.quantiles_[genes], below + 1, axis=1)
        return (low + (position - below) * (high - low)).T

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _moments(X, weight):
    """Mean and standard deviation of every gene in float64; exactly 0 for constant genes."""
    n, n_genes = X.shape
    weight = np.full(n, 1 / n) if weight is None else weight / weight.sum()
    mean, variance = np.empty(n_genes), np.empty(n_genes)
    for genes in gene_blocks(n, n_genes):
        block = X[:, genes].astype(np.float64)
        # Centring twice removes what rounding left of a large mean.
        rough = block[0].copy()
        block -= rough
        shift = weight @ block
        mean[genes] = rough + shift
        block -= shift
        variance[genes] = weight @ np.square(block, out=block)
    return mean, _without_rounding(np.sqrt(variance), mean, X.dtype)


def _range(X):
    """Lowest value of every gene, and how far above is the highest: exactly 0 if constant."""
    low, high = (bound.astype(np.float64) for bound in (X.min(axis=0), X.max(axis=0)))
    with np.errstate(over="ignore"):
        spread = high - low
    if not np.isfinite(spread).all():
        gene = np.flatnonzero(~np.isfinite(spread))[0]
        raise ValueError(
            f"X has a gene, in column {gene}, from {low[gene]:.3g} to {high[gene]:.3g}, a range "
            "that no number can hold. Divide X by a common factor."
        )
    return low, _without_rounding(spread, np.maximum(np.abs(low), np.abs(high)), X.dtype)


def _without_rounding(spread, size, dtype):
    """Spreads of genes; 0 where it is a unit or two in the last place, however many profiles."""
    return np.where(spread <= 2 * np.finfo(dtype).eps * np.abs(size), 0.0, spread)


def _interpolate(at, x, y):
    """``y(x)`` at the points ``at``, linear inside and constant outside, row by row."""
    above = torch.searchsorted(x, at).clamp(1, max(1, x.shape[1] - 1))
    above = above.clamp_max(x.shape[1] - 1)
    below = (above - 1).clamp_min(0)
    x0, x1, y0, y1 = x.gather(1, below), x.gather(1, above), y.gather(1, below), y.gather(1, above)
    share = ((at - x0) / (x1 - x0).clamp_min(1e-300)).clamp(0, 1)
    share = torch.where(x1 > x0, share, (at > x0).double())
    return y0 + share * (y1 - y0)
