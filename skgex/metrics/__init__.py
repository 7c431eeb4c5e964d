"""How well genes are inferred: errors and correlations, one number a gene."""

from skgex.metrics._genes import (
    GeneSummary,
    gene_concordance,
    gene_mean_absolute_error,
    gene_pearson,
    profile_pearson,
    summarize,
)
from skgex.metrics._report import gene_report, summarize_report
from skgex.metrics._scorers import concordance_scorer, mae_scorer, pearson_scorer

__all__ = [
    "gene_mean_absolute_error",
    "gene_concordance",
    "gene_pearson",
    "profile_pearson",
    "summarize",
    "GeneSummary",
    "mae_scorer",
    "concordance_scorer",
    "pearson_scorer",
    "gene_report",
    "summarize_report",
]
