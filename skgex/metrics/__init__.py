"""How well genes and profiles are inferred, and whether generated profiles look real."""

from skgex.metrics._genes import (
    GeneSummary,
    gene_concordance,
    gene_mean_absolute_error,
    gene_pearson,
    profile_pearson,
    summarize,
)
from skgex.metrics._profiles import relative_rmse, sample_distance_correlation
from skgex.metrics._report import gene_report, summarize_report
from skgex.metrics._scorers import concordance_scorer, mae_scorer, pearson_scorer
from skgex.metrics._two_sample import TwoSampleResult, two_sample_test

__all__ = [
    "gene_mean_absolute_error",
    "gene_concordance",
    "gene_pearson",
    "profile_pearson",
    "relative_rmse",
    "sample_distance_correlation",
    "summarize",
    "GeneSummary",
    "mae_scorer",
    "concordance_scorer",
    "pearson_scorer",
    "gene_report",
    "summarize_report",
    "two_sample_test",
    "TwoSampleResult",
]
