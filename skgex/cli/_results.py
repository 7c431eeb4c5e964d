"""What methods reached on held-out profiles, as numbers and as a table."""

from dataclasses import dataclass

import numpy as np

from skgex.metrics import gene_report, summarize

HEADERS = (
    "method",
    "MAE ± SD over genes",
    "relative to mean",
    "CC",
    "genes better than mean",
    "fit seconds",
)


@dataclass
class Judged:
    """The test profiles as one method infers them.

    Attributes
    ----------
    name : str
    predictions : ndarray of shape (n_test, n_targets)
    genes : pandas.DataFrame
        The report of :func:`~skgex.metrics.gene_report`.
    estimator : estimator
    fit_seconds : float
        NaN when the model was fitted before.
    """

    name: str
    predictions: np.ndarray
    genes: object
    estimator: object
    fit_seconds: float = np.nan

    @property
    def distinct(self):
        """Mask of the targets that say something: those that are no landmarks, if any."""
        distinct = ~self.genes["is_landmark_twin"].to_numpy()
        return distinct if distinct.any() else ~distinct

    @property
    def mae(self):
        return float(self.genes["mae"][self.distinct].mean())

    @property
    def relative(self):
        return self.mae / float(self.genes["mae_mean_predictor"][self.distinct].mean())

    @property
    def reliability(self):
        """Number of distinct genes of each class."""
        counts = self.genes["reliability"][self.distinct].value_counts()
        words = ("high", "medium", "low", "none", "undefined")
        return {word: int(counts.get(word, 0)) for word in words}


def judge(name, estimator, predictions, y_true, *, genes, is_twin, baseline, fit_seconds=np.nan):
    """Judge what a method infers for test profiles, gene by gene."""
    report = gene_report(
        y_true, predictions, genes=genes, landmark_genes=genes[is_twin], baseline=baseline
    )
    return Judged(name, predictions, report, estimator, fit_seconds)


def figures(result, chosen):
    """Numbers of one method over the chosen genes."""
    genes = result.genes[chosen]
    mae, concordance = summarize(genes["mae"]), summarize(genes["concordance"])
    return {
        "method": result.name,
        "n_genes": len(genes),
        "mae": mae.mean,
        "mae_sd": mae.std,
        "relative_to_mean_predictor": mae.mean / genes["mae_mean_predictor"].mean(),
        "concordance": concordance.mean,
        "concordance_sd": concordance.std,
        "pearson": summarize(genes["pearson"]).mean,
        "share_better_than_mean": float((genes["relative_error"] < 1).mean()),
        "fit_seconds": result.fit_seconds,
    }


def rows(results, chosen):
    """Rows of the table under `HEADERS`, the best method first and the mean predictor last."""
    found = sorted((figures(result, chosen) for result in results), key=lambda row: row["mae"])
    mean = summarize(results[0].genes["mae_mean_predictor"][chosen])
    return [
        *(
            (
                row["method"],
                f"{row['mae']:.4f} ± {row['mae_sd']:.4f}",
                f"{row['relative_to_mean_predictor']:.3f}",
                "undefined" if np.isnan(row["concordance"]) else f"{row['concordance']:.4f}",
                f"{row['share_better_than_mean']:.1%}",
                "" if np.isnan(row["fit_seconds"]) else f"{row['fit_seconds']:.1f}",
            )
            for row in found
        ),
        ("mean predictor", f"{mean.mean:.4f} ± {mean.std:.4f}", "1.000", "", "", ""),
    ]


def tables(results):
    """Titles and rows: distinct targets, and apart from them those that are also landmarks."""
    distinct = results[0].distinct
    found = [(f"{distinct.sum():,} inferred genes", rows(results, distinct))]
    if not distinct.all():
        title = f"{(~distinct).sum():,} further genes that are also landmarks"
        found.append((title, rows(results, ~distinct)))
    return found


def as_text(title, body, headers=HEADERS):
    """A table for the terminal."""
    widths = [max(map(len, column)) for column in zip(headers, *body, strict=True)]
    lines = [
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        ).rstrip()
        for line in (headers, *body)
    ]
    rule = "-" * max(map(len, lines))
    return "\n".join([f"On {title}:", "", lines[0], rule, *lines[1:], ""])


def ranked(results):
    """Results, the best first."""
    return sorted(results, key=lambda result: result.mae)


def is_distinguishable(best, other, y_true, groups=None):
    """Whether the difference between two methods exceeds twice its error over test profiles.

    Profiles of one group (a study, a batch) vary together: where whole groups are held out, it is
    the groups that are counted. None where fewer than three can tell nothing.
    """
    genes = best.distinct
    best, other = (np.abs(r.predictions - y_true)[:, genes].mean(axis=1) for r in (best, other))
    difference = other - best
    if groups is not None:
        difference = np.array([difference[groups == g].mean() for g in np.unique(groups)])
    if len(difference) < 3:
        return None
    return difference.mean() > 2 * difference.std(ddof=1) / np.sqrt(len(difference))
