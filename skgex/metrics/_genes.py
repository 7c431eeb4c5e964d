"""Errors and correlations of inferred expression, one number a gene (or a profile)."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from skgex._utils._blocks import gene_blocks


def gene_mean_absolute_error(y_true, y_pred):
    """Mean absolute error of every gene, ``mean_i |ŷ_it - y_it|``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_genes)
        Measured expression. A 1-D array is one gene.
    y_pred : array-like of shape (n_samples, n_genes)
        Inferred expression, genes in the same order.

    Returns
    -------
    ndarray of shape (n_genes,)
        In the unit of `y_true`, as float64.

    Raises
    ------
    ValueError
        If the shapes or the column names differ, or a value is NaN or infinite.

    Examples
    --------
    >>> from skgex.metrics import gene_mean_absolute_error
    >>> gene_mean_absolute_error([[0.0, 1.0], [2.0, 3.0]], [[1.0, 1.0], [2.0, 5.0]])
    array([0.5, 1. ])
    """
    return _over_genes(lambda true, pred: np.abs(pred - true).mean(axis=0), y_true, y_pred)


def gene_concordance(y_true, y_pred):
    """Lin's concordance correlation coefficient of every gene.

    ``CC_t = 2 ρ σ_y σ_ŷ / (σ_y² + σ_ŷ² + (μ_y - μ_ŷ)²)``: 1 only for identical values, so that,
    unlike Pearson's correlation, a shifted or shrunken prediction is charged for it.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_genes)
        Measured expression. A 1-D array is one gene.
    y_pred : array-like of shape (n_samples, n_genes)
        Inferred expression, genes in the same order.

    Returns
    -------
    ndarray of shape (n_genes,)
        Values in [-1, 1], as float64. A gene whose measured values are constant is NaN, with one
        :class:`~sklearn.exceptions.UndefinedMetricWarning` for all of them; a constant prediction
        of a gene that varies has concordance 0.

    Raises
    ------
    ValueError
        If the shapes or the column names differ, or a value is NaN or infinite.

    References
    ----------
    Lin, L. I.-K. (1989). A concordance correlation coefficient to evaluate reproducibility.
    Biometrics 45, 255-268.

    Examples
    --------
    >>> from skgex.metrics import gene_concordance
    >>> gene_concordance([[0.0, 0.0], [2.0, 2.0]], [[0.0, 1.0], [2.0, 3.0]])
    array([1.        , 0.66666667])
    """

    def concordance(true, pred):
        covariance, var_true, var_pred, shift = _moments(true, pred)
        var_true = np.where(_is_constant(true), np.nan, var_true)
        return 2 * covariance / (var_true + var_pred + shift**2)

    return _warn_undefined(_over_genes(concordance, y_true, y_pred), "Concordance", "genes")


def gene_pearson(y_true, y_pred):
    """Pearson's correlation between measured and inferred values of every gene.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_genes)
        Measured expression. A 1-D array is one gene.
    y_pred : array-like of shape (n_samples, n_genes)
        Inferred expression, genes in the same order.

    Returns
    -------
    ndarray of shape (n_genes,)
        Values in [-1, 1], as float64. A gene whose measured or inferred values are constant is
        NaN, with one :class:`~sklearn.exceptions.UndefinedMetricWarning` for all of them.

    Raises
    ------
    ValueError
        If the shapes or the column names differ, or a value is NaN or infinite.

    Examples
    --------
    >>> from skgex.metrics import gene_pearson
    >>> gene_pearson([[0.0, 0.0], [2.0, 2.0]], [[1.0, 5.0], [2.0, 3.0]])
    array([ 1., -1.])
    """
    return _warn_undefined(_over_genes(_pearson, y_true, y_pred), "Pearson", "genes")


def profile_pearson(y_true, y_pred):
    """Pearson's correlation over genes between the measured and the inferred profile.

    A high value is easily had: genes differ far more among each other than one gene does among
    samples, and the mean profile alone scores about .8 on most data. Read it beside
    :func:`gene_pearson`, whose floor is 0.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_genes)
        Measured expression.
    y_pred : array-like of shape (n_samples, n_genes)
        Inferred expression, genes in the same order.

    Returns
    -------
    ndarray of shape (n_samples,)
        Values in [-1, 1], as float64. A constant profile, for example one of zeros, is NaN, with
        one :class:`~sklearn.exceptions.UndefinedMetricWarning` for all of them.

    Raises
    ------
    ValueError
        If the shapes or the column names differ, or a value is NaN or infinite.

    Examples
    --------
    >>> from skgex.metrics import profile_pearson
    >>> profile_pearson([[0.0, 2.0], [5.0, 1.0]], [[1.0, 3.0], [1.0, 2.0]])
    array([ 1., -1.])
    """
    values = _over_genes(_pearson, y_true, y_pred, by_profile=True)
    return _warn_undefined(values, "Pearson", "profiles")


class GeneSummary(NamedTuple):
    """Mean and standard deviation of a metric over genes, as the papers' "a ± b"."""

    mean: float
    std: float
    n_genes: int
    n_undefined: int

    def __str__(self):
        undefined = f", {self.n_undefined} undefined" if self.n_undefined else ""
        return f"{self.mean:.4f} ± {self.std:.4f} ({self.n_genes} genes{undefined})"


def summarize(values):
    """Mean and standard deviation over the genes for which a metric is defined.

    Parameters
    ----------
    values : array-like of shape (n_genes,)
        One number a gene, NaN where the metric is undefined.

    Returns
    -------
    GeneSummary
        ``mean``, ``std`` (population), ``n_genes`` that entered them and ``n_undefined`` that did
        not; mean and std are NaN where no gene is left.

    Examples
    --------
    >>> from skgex.metrics import summarize
    >>> print(summarize([0.2, 0.4, float("nan")]))
    0.3000 ± 0.1000 (2 genes, 1 undefined)
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    defined = values[~np.isnan(values)]
    mean, std = (defined.mean(), defined.std()) if defined.size else (np.nan, np.nan)
    return GeneSummary(float(mean), float(std), defined.size, values.size - defined.size)


def _over_genes(metric, y_true, y_pred, by_profile=False):
    """Apply `metric` to float64 blocks of genes, so that temporaries stay small."""
    y_true, y_pred = _check_pair(y_true, y_pred)
    if by_profile:
        y_true, y_pred = y_true.T, y_pred.T
    blocks = gene_blocks(*y_true.shape)
    return np.concatenate([metric(_float64(y_true, b), _float64(y_pred, b)) for b in blocks])


def _float64(values, genes):
    return values[:, genes].astype(np.float64)


def _check_pair(y_true, y_pred):
    names = [getattr(y, "columns", None) for y in (y_true, y_pred)]
    if all(n is not None for n in names) and list(names[0]) != list(names[1]):
        raise ValueError(
            "y_true and y_pred have different columns, or the same in another order: bring both "
            "into one gene order first, for example y_pred[y_true.columns]."
        )
    y_true, y_pred = _check_values(y_true, "y_true"), _check_values(y_pred, "y_pred")
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"y_true has shape {y_true.shape} and y_pred {y_pred.shape}: both must hold the same "
            "samples (rows) and genes (columns)."
        )
    return y_true, y_pred


def _check_values(y, name):
    y = np.asarray(y)
    if y.dtype.kind not in "fiub":
        try:
            y = y.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must hold numbers only, found dtype {y.dtype}.") from error
    if y.ndim == 1:
        y = y[:, np.newaxis]
    if y.ndim != 2 or 0 in y.shape:
        raise ValueError(
            f"{name} must be a table of samples × genes with at least one of each, found shape "
            f"{y.shape}."
        )
    # A finite sum proves finite values; only when it is not (overflow too) is the table searched.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(y.sum())
    if suspicious and not (finite := np.isfinite(y)).all():
        samples, genes = np.nonzero(~finite)
        raise ValueError(
            f"{name} holds {samples.size} NaN or infinite values, the first in sample "
            f"{samples[0]}, gene {genes[0]}: score profiles that are measured completely, "
            "and leave unlabelled ones out."
        )
    return y


def _is_constant(values):
    return values.min(axis=0) == values.max(axis=0)


def _moments(true, pred):
    """Covariance, the two variances and the difference of the means, gene by gene."""
    mean_true, mean_pred = true.mean(axis=0), pred.mean(axis=0)
    true, pred = true - mean_true, pred - mean_pred
    n_samples = len(true)
    covariance, var_true, var_pred = (
        np.einsum("ij,ij->j", a, b) / n_samples
        for a, b in ((true, pred), (true, true), (pred, pred))
    )
    return covariance, var_true, var_pred, mean_true - mean_pred


def _pearson(true, pred):
    covariance, var_true, var_pred, _ = _moments(true, pred)
    # Rounding leaves a constant column some variance, hence the comparison of its extremes.
    scale = np.sqrt(var_true) * np.sqrt(var_pred)
    scale[_is_constant(true) | _is_constant(pred) | (scale == 0)] = np.nan
    return np.clip(covariance / scale, -1, 1)


def _warn_undefined(values, metric, noun):
    undefined = np.isnan(values)
    if undefined.any():
        warnings.warn(
            f"{metric} is undefined (NaN) for {undefined.sum():,} of {undefined.size:,} {noun}, "
            "whose values are constant.",
            UndefinedMetricWarning,
            stacklevel=3,
        )
    return values
