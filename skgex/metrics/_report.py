"""Which genes can be trusted: one row a gene."""

import warnings

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from skgex._utils._tables import as_table
from skgex.metrics._genes import (
    _check_pair,
    _check_values,
    gene_concordance,
    gene_mean_absolute_error,
    gene_pearson,
    summarize,
)

# Class: least concordance, largest relative error. A normal gene predicted by least squares with
# correlation r has concordance 2r²/(1+r²) and relative error √(1-r²): the classes begin at r of
# about .77, .5 and .23.
_RELIABILITY = {"high": (0.75, 0.65), "medium": (0.4, 0.9), "low": (0.1, 1.0)}

_METRICS = ("mae", "relative_error", "pearson", "concordance")


def gene_report(y_true, y_pred, *, genes=None, landmark_genes=None, baseline=None):
    """How well each gene is inferred, in numbers and in a word.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_genes)
        Measured expression of samples that were not trained on.
    y_pred : array-like of shape (n_samples, n_genes)
        Inferred expression, genes in the same order.
    genes : array-like of shape (n_genes,), default=None
        Names of the genes; None takes the columns of `y_true`, or ``x0``, ``x1``, ... for an
        array.
    landmark_genes : array-like of str, default=None
        Names of the measured genes. A target of the same name is a landmark's *twin* (another
        probe of that gene), and inferring it proves little.
    baseline : array-like of shape (n_genes,), default=None
        What a predictor that has learnt nothing would say for each gene: pass the means of the
        training samples. None takes the means of `y_true`, which flatters that predictor.

    Returns
    -------
    pandas.DataFrame or structured ndarray
        A DataFrame when pandas is installed, else a structured array; either way with one row a
        gene and the columns

        - ``gene``: its name;
        - ``mae``, ``pearson``, ``concordance``: see the functions of this module;
        - ``mae_mean_predictor``: error of predicting the baseline for every sample;
        - ``relative_error``: the ratio of the two errors, below 1 where something was learnt;
        - ``is_landmark_twin``: whether the gene is also a landmark;
        - ``reliability``: *high* (concordance at least .75 and relative error at most .65),
          *medium* (.4 and .9), *low* (.1 and 1), *none* below that, and *undefined* for a gene
          whose measured values are constant.

    Raises
    ------
    ValueError
        If shapes, lengths or column names differ, or a value is NaN or infinite.

    Warns
    -----
    UndefinedMetricWarning
        Once, with the number of genes that are constant.

    See Also
    --------
    summarize_report : Means over genes, with and without landmark twins.

    Examples
    --------
    >>> from skgex.metrics import gene_report
    >>> y_true = [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    >>> y_pred = [[1.1, 2.0], [2.0, 1.0], [2.9, 2.0]]
    >>> report = gene_report(y_true, y_pred, genes=["TP53", "MYC"], landmark_genes=["MYC"])
    >>> [str(word) for word in report["reliability"]]
    ['high', 'none']
    """
    if genes is None:
        genes = getattr(y_true, "columns", None)
    y_true, y_pred = _check_pair(y_true, y_pred)
    n_genes = y_true.shape[1]
    genes = [f"x{j}" for j in range(n_genes)] if genes is None else [str(gene) for gene in genes]
    if baseline is None:
        baseline = y_true.mean(axis=0, dtype=np.float64)
    baseline = _check_values(baseline, "baseline").ravel()
    for name, n_found in (("genes", len(genes)), ("baseline", baseline.size)):
        if n_found != n_genes:
            raise ValueError(
                f"{name} has {n_found} entries, but y_true has {n_genes} genes (columns): give "
                "one entry a gene, in the order of the columns."
            )
    twins = set() if landmark_genes is None else {str(gene) for gene in landmark_genes}

    mae = gene_mean_absolute_error(y_true, y_pred)
    mae_mean_predictor = gene_mean_absolute_error(y_true, np.broadcast_to(baseline, y_true.shape))
    # A baseline without error (a constant gene) leaves nothing to compare with.
    relative_error = np.divide(
        mae, mae_mean_predictor, out=np.full(n_genes, np.nan), where=mae_mean_predictor > 0
    )
    concordance = gene_concordance(y_true, y_pred)
    with warnings.catch_warnings():  # the concordance has warned already
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        pearson = gene_pearson(y_true, y_pred)
    return as_table(
        {
            "gene": np.array(genes),
            "mae": mae,
            "mae_mean_predictor": mae_mean_predictor,
            "relative_error": relative_error,
            "pearson": pearson,
            "concordance": concordance,
            "is_landmark_twin": np.array([gene in twins for gene in genes]),
            "reliability": _reliability(concordance, relative_error),
        }
    )


def summarize_report(report):
    """Means over genes of a report, with and without landmark twins.

    Parameters
    ----------
    report : pandas.DataFrame or structured ndarray
        What :func:`gene_report` returned.

    Returns
    -------
    dict of str to dict
        For ``"all"`` genes and ``"without_twins"``: a :class:`~skgex.metrics.GeneSummary` of
        ``mae``, ``relative_error``, ``pearson`` and ``concordance``, and under ``reliability``
        the number of genes of each class.

    Examples
    --------
    >>> from skgex.metrics import gene_report, summarize_report
    >>> y = [[1.0, 1.0], [2.0, 3.0]]
    >>> report = gene_report(y, y, genes=["TP53", "MYC"], landmark_genes=["MYC"])
    >>> print(summarize_report(report)["without_twins"]["concordance"])
    1.0000 ± 0.0000 (1 genes)
    """
    distinct = ~np.asarray(report["is_landmark_twin"], dtype=bool)
    return {
        "all": _summary(report, np.ones_like(distinct)),
        "without_twins": _summary(report, distinct),
    }


def _summary(report, chosen):
    summary = {metric: summarize(np.asarray(report[metric])[chosen]) for metric in _METRICS}
    words = np.asarray(report["reliability"], dtype=str)[chosen]
    classes = (*_RELIABILITY, "none", "undefined")
    summary["reliability"] = {word: int(np.sum(words == word)) for word in classes}
    return summary


def _reliability(concordance, relative_error):
    classes = [
        (concordance >= least_concordance) & (relative_error <= largest_error)
        for least_concordance, largest_error in _RELIABILITY.values()
    ]
    words = np.select(classes, list(_RELIABILITY), default="none")
    return np.where(np.isnan(concordance), "undefined", words)
