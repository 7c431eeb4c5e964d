"""Reading the tables of :func:`skgex.metrics.gene_report`."""

from typing import NamedTuple

import numpy as np


class Metric(NamedTuple):
    """How a column of a report is named on an axis, and which end of it is the good one."""

    label: str
    lower_is_better: bool


METRICS = {
    "relative_error": Metric("MAE relative to the mean predictor", True),
    "mae": Metric("MAE (expression units)", True),
    "pearson": Metric("Pearson's r", False),
    "concordance": Metric("Concordance", False),
}


def find_metric(name):
    """Return the `Metric` of that name, or say which there are."""
    if name not in METRICS:
        raise ValueError(f"metric={name!r} is not in a gene report: pass one of {list(METRICS)}.")
    return METRICS[name]


def column(report, name, argument):
    """Return a column of a report (DataFrame or structured array) as an array."""
    try:
        return np.asarray(report[name])
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise ValueError(
            f"{argument} has no column {name!r}: pass the table that skgex.metrics.gene_report "
            "returns."
        ) from error


def common_genes(reports):
    """Return the genes of reports, which must be the same in the same order.

    Parameters
    ----------
    reports : dict of str to gene report
        By the name of the argument, for messages.
    """
    (first, genes), *others = (
        (argument, column(report, "gene", argument)) for argument, report in reports.items()
    )
    for argument, names in others:
        if not np.array_equal(genes, names):
            raise ValueError(
                f"{argument} and {first} are about different genes, or the same in another "
                f"order ({len(names)} and {len(genes)} rows): make both reports from the same "
                "measured profiles, so that they can be compared gene by gene."
            )
    return genes
