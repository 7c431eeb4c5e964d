"""One number for whole profiles: their error, and whether samples that are alike stay alike."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from skgex._utils._blocks import gene_blocks
from skgex.metrics._genes import _check_pair, _check_values, _is_constant

_ROUNDING = 1e-12  # distances that differ by no more than this share of them are equal


def relative_rmse(y_true, y_pred, *, baseline=None):
    """Error of inferred profiles relative to the mean profile, ``‖Y - Ŷ‖_F / ‖Y - μ‖_F``.

    0 is a perfect inference, and 1 what the mean profile gives for every sample: above it,
    nothing has been learnt. Its square is the share of variance that is not explained.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_genes)
        Measured expression.
    y_pred : array-like of shape (n_samples, n_genes)
        Inferred expression, genes in the same order.
    baseline : array-like of shape (n_genes,), default=None
        The mean profile μ: pass that of the training samples. None takes that of `y_true`, which
        flatters the mean.

    Returns
    -------
    float
        NaN, with an :class:`~sklearn.exceptions.UndefinedMetricWarning`, where every measured
        profile is the mean profile.

    Raises
    ------
    ValueError
        If shapes, lengths or column names differ, or a value is NaN or infinite.

    Examples
    --------
    >>> from skgex.metrics import relative_rmse
    >>> relative_rmse([[0.0, 4.0], [2.0, 8.0]], [[0.0, 5.0], [2.0, 7.0]], baseline=[1.0, 6.0])
    0.4472135954999579
    """
    y_true, y_pred = _check_pair(y_true, y_pred)
    n_genes = y_true.shape[1]
    if baseline is None:
        # The mean of equal values may miss them by rounding.
        means = y_true.mean(axis=0, dtype=np.float64)
        baseline = np.where(_is_constant(y_true), y_true[0], means)
    baseline = _check_values(baseline, "baseline").ravel()
    if baseline.size != n_genes:
        raise ValueError(
            f"baseline has {baseline.size} entries, but y_true has {n_genes} genes (columns): "
            "give one entry a gene, in the order of the columns."
        )
    error = spread = 0.0
    for genes in gene_blocks(*y_true.shape):
        true = y_true[:, genes].astype(np.float64)
        error += np.square(true - y_pred[:, genes]).sum()
        spread += np.square(true - baseline[genes]).sum()
    if not spread:
        return _undefined("The relative error", "every measured profile is the mean profile")
    return float(np.sqrt(error / spread))


def sample_distance_correlation(y_true, y_pred, *, pairs="distinct"):
    """Do samples that are alike stay alike? Correlation of measured and inferred distances.

    Pearson's correlation between the Euclidean distances of any two measured profiles and those of
    the inferred ones. Profiles that are all moved, turned or stretched alike lose nothing: it says
    nothing of the genes.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_genes)
        Measured expression of at least 3 samples.
    y_pred : array-like of shape (n_samples, n_genes)
        Inferred expression, genes in the same order.
    pairs : {"distinct", "all"}, default="distinct"
        "distinct" takes every pair of two samples once. "all" takes the whole flattened matrix of
        distances, with the zeros of every sample to itself, which any inference gets right: as a
        rule they inflate the correlation, the more the fewer samples there are. It is there to
        compare with reports that did so.

    Returns
    -------
    float
        In [-1, 1]. NaN, with an :class:`~sklearn.exceptions.UndefinedMetricWarning`, where all
        measured or all inferred profiles are equally far apart, for example because the same
        profile is inferred for all samples.

    Raises
    ------
    ValueError
        If there are fewer than 3 samples, shapes or column names differ, a value is NaN or
        infinite, or `pairs` is neither.

    Notes
    -----
    Distances are computed in blocks of samples, and none are kept: beside the input it takes a few
    hundred megabytes at most, and time that grows with the square of the number of samples.

    References
    ----------
    Cleary, B., Cong, L., Cheung, A., Lander, E. S., Regev, A. (2017). Efficient generation of
    transcriptomic profiles by random composite measurements. Cell 171, 1424-1436.

    Examples
    --------
    >>> from skgex.metrics import sample_distance_correlation
    >>> measured = [[0.0, 0.0], [0.0, 1.0], [3.0, 0.0]]
    >>> inferred = [[5.0, 5.0], [5.0, 7.0], [11.0, 5.0]]
    >>> round(sample_distance_correlation(measured, inferred), 6)
    1.0
    """
    if pairs not in ("distinct", "all"):
        raise ValueError(f"pairs must be 'distinct' or 'all', found {pairs!r}: pass one of them.")
    y_true, y_pred = _check_pair(y_true, y_pred)
    n_samples = len(y_true)
    if n_samples < 3:
        raise ValueError(
            f"y_true holds {n_samples} samples (rows), too few for distances to correlate: pass "
            "at least 3."
        )
    tables = [(y, y.mean(axis=0, dtype=np.float64)) for y in (y_true, y_pred)]
    moments = _Moments.of(np.zeros((2, 0)))
    for rows in gene_blocks(n_samples, n_samples):  # of the matrix of distances
        distances = np.stack([_distances(*table, rows) for table in tables])
        distinct = np.triu(np.ones(distances.shape[1:], dtype=bool), k=1)
        moments = moments.plus(_Moments.of(distances[:, distinct]))
    spreads = np.sqrt(np.diag(moments.scatter) / moments.n)
    # Rounding leaves equal distances some spread, and equal profiles some distance.
    equal = spreads <= _ROUNDING * moments.means
    for name, y, is_equal in zip(("measured", "inferred"), (y_true, y_pred), equal, strict=True):
        if is_equal or _is_constant(y).all():
            return _undefined(
                "The correlation of distances", f"all {name} profiles are equally far apart"
            )
    if pairs == "all":  # both triangles of the matrix, and its diagonal of zeros
        moments = moments.plus(moments).plus(_Moments.of(np.zeros((2, n_samples))))
    (true, both), (_, pred) = moments.scatter
    return float(np.clip(both / np.sqrt(true) / np.sqrt(pred), -1, 1))


def _distances(profiles, mean, rows):
    """Euclidean distances of some profiles, to themselves and to all after them."""
    n_rows = rows.stop - rows.start
    squared = np.zeros((n_rows, len(profiles) - rows.start))
    for genes in gene_blocks(*profiles.shape):
        # Centred, so that a large offset costs no digits.
        later = profiles[rows.start :, genes] - mean[genes]
        norms = np.einsum("ij,ij->i", later, later)
        squared += norms[:n_rows, np.newaxis] + norms
        squared -= (2 * later[:n_rows]) @ later.T
    return np.sqrt(np.maximum(squared, 0, out=squared), out=squared)


class _Moments(NamedTuple):
    """Number, means and centred sums of products of two quantities, of parts of their values."""

    n: int
    means: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, values):
        n = values.shape[1]
        means = values.sum(axis=1) / max(1, n)
        values = values - means[:, np.newaxis]
        return cls(n, means, values @ values.T)

    def plus(self, other):
        n, shift = self.n + other.n, other.means - self.means
        share = other.n / max(1, n)
        between = self.n * share * np.outer(shift, shift)
        return _Moments(n, self.means + share * shift, self.scatter + other.scatter + between)


def _undefined(metric, reason):
    message = f"{metric} is undefined (NaN): {reason}."
    warnings.warn(message, UndefinedMetricWarning, stacklevel=3)
    return float("nan")
