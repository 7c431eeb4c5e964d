"""Scorers for :class:`~sklearn.model_selection.GridSearchCV`: greater is better.

A scorer averages over genes. Genes on which a metric is undefined (constant in the test fold) do
not enter the average, and the metric's warning says how many they are.
"""

from sklearn.metrics import make_scorer

from skgex.metrics._genes import (
    gene_concordance,
    gene_mean_absolute_error,
    gene_pearson,
    summarize,
)


# Named functions, not closures: scorers are pickled to the workers of a grid search.
def _mean_absolute_error(y_true, y_pred):
    return summarize(gene_mean_absolute_error(y_true, y_pred)).mean


def _mean_concordance(y_true, y_pred):
    return summarize(gene_concordance(y_true, y_pred)).mean


def _mean_pearson(y_true, y_pred):
    return summarize(gene_pearson(y_true, y_pred)).mean


mae_scorer = make_scorer(_mean_absolute_error, greater_is_better=False)
concordance_scorer = make_scorer(_mean_concordance)
pearson_scorer = make_scorer(_mean_pearson)
