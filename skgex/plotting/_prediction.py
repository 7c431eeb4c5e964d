"""Measured against inferred values of single genes."""

from math import ceil, sqrt
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import _get_feature_names

from skgex._utils._validation import as_host, labelled_rows
from skgex.metrics import gene_report
from skgex.plotting._style import DASHED, MUTED, RELIABILITY_COLORS, panels, shorten, style


class PredictionDisplay:
    """Measured against inferred expression of some genes, one panel a gene.

    Titles give the gene's rank by concordance (CC), Pearson's r and the mean absolute error in
    the unit of the measured values. Colours are those of the reliability classes in
    :class:`ReliabilityDisplay`.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_samples, n_panels)
        Measured and inferred values to draw.
    report : gene report
        The rows of :func:`~skgex.metrics.gene_report` for these genes.
    ranks : ndarray of int of shape (n_panels,)
        Ranks of the genes by concordance among all, the best being 1.
    n_genes : int
        Number of genes that were ranked.

    Attributes
    ----------
    genes : list of str
        Names of the genes drawn, best first.
    axes_ : ndarray of matplotlib Axes of shape (n_panels,)
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.plotting import PredictionDisplay
    >>> y_true, y_pred = [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], [[1.1, 2.0], [2.0, 1.0], [2.9, 2.0]]
    >>> display = PredictionDisplay.from_predictions(y_true, y_pred, genes=["MYC", "TP53"])
    >>> display.genes
    ['MYC', 'TP53']
    >>> plt.close(display.figure_)
    """

    def __init__(self, y_true, y_pred, *, report, ranks, n_genes):
        self.y_true, self.y_pred = np.asarray(y_true), np.asarray(y_pred)
        self.report, self.ranks, self.n_genes = report, np.asarray(ranks), n_genes
        self.genes = [str(gene) for gene in report["gene"]]

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, *, genes=None, n_genes=9, subsample=1000, random_state=None, ax=None
    ):
        """Draw the best, the median and the worst genes of a prediction.

        Parameters
        ----------
        y_true : array-like of shape (n_samples, n_all_genes)
            Measured expression of samples that were not trained on.
        y_pred : array-like of shape (n_samples, n_all_genes)
            Inferred expression, genes in the same order.
        genes : array-like of shape (n_all_genes,), default=None
            Names of the genes; None takes the columns of `y_true`, or ``x0``, ``x1``, ... for an
            array.
        n_genes : int, default=9
            Number of genes to draw: a third each of the best, median and worst concordance. Pass
            only the columns of the genes that you want to see to choose them yourself.
        subsample : int, default=1000
            Largest number of samples to draw; the numbers in the titles are those of all.
        random_state : int, RandomState instance or None, default=None
            Chooses the samples that are drawn.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. Its place is divided among the panels.

        Returns
        -------
        PredictionDisplay

        Raises
        ------
        ValueError
            If shapes or names differ, a value is NaN or infinite, or every gene is constant.
        """
        for name, value in (("n_genes", n_genes), ("subsample", subsample)):
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name}={value!r} must be a positive whole number.")
        report = gene_report(y_true, y_pred, genes=genes)
        y_true, y_pred = (np.asarray(y).reshape(len(y), -1) for y in (y_true, y_pred))
        concordance = np.asarray(report["concordance"])
        order = np.argsort(-concordance, kind="stable")[: np.sum(~np.isnan(concordance))]
        if not len(order):
            raise ValueError(
                "The measured values of every gene in y_true are constant, so that no gene has a "
                "concordance to choose by."
            )
        ranks = _best_median_worst(len(order), n_genes)
        chosen = order[ranks]
        rows = np.arange(len(y_true))
        if len(rows) > subsample:
            rows = check_random_state(random_state).choice(rows, subsample, replace=False)
        return cls(
            y_true[np.ix_(rows, chosen)],
            y_pred[np.ix_(rows, chosen)],
            report=getattr(report, "iloc", report)[chosen],
            ranks=ranks + 1,
            n_genes=len(order),
        ).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, genes=None, n_genes=9, subsample=1000, random_state=None, ax=None
    ):
        """Draw the best, the median and the worst genes that an estimator infers.

        Parameters
        ----------
        estimator : estimator
            A fitted regressor.
        X : array-like of shape (n_samples, n_landmarks)
            Measured landmarks of samples that were not trained on.
        y : array-like of shape (n_samples, n_all_genes)
            Measured targets. Samples whose targets are all NaN are left out.
        genes, n_genes, subsample, random_state, ax
            As for :meth:`from_predictions`.

        Returns
        -------
        PredictionDisplay

        Raises
        ------
        ValueError
            As :meth:`from_predictions`, and if no sample of `y` is measured.
        """
        if genes is None:
            genes = _get_feature_names(y)
        y = np.asarray(as_host(y))
        labelled = labelled_rows(y)
        y_pred = np.asarray(as_host(estimator.predict(X)))
        return cls.from_predictions(
            y[labelled],
            y_pred[labelled],
            genes=genes,
            n_genes=n_genes,
            subsample=subsample,
            random_state=random_state,
            ax=ax,
        )

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. Its place is divided among the panels.

        Returns
        -------
        self
        """
        n_panels = len(self.genes)
        n_cols = ceil(sqrt(n_panels))
        n_rows = ceil(n_panels / n_cols)
        with style():
            size = (0.4 + 2.5 * n_cols, 0.4 + 2.6 * n_rows)
            axes = panels(ax, n_rows, n_cols, size)
            for unused in axes[n_panels:]:
                unused.remove()
            axes = axes[:n_panels]
            for position, panel in enumerate(axes):
                self._draw_gene(panel, position)
                if position % n_cols == 0:
                    panel.set_ylabel("inferred expression")
                if position + n_cols >= n_panels:
                    panel.set_xlabel("measured expression")
        self.axes_, self.ax_, self.figure_ = axes, axes[0], axes[0].figure
        return self

    def _draw_gene(self, ax, position):
        true, pred = self.y_true[:, position], self.y_pred[:, position]
        numbers = {
            name: np.asarray(self.report[name])[position]
            for name in ("pearson", "concordance", "mae", "reliability")
        }
        low, high = min(true.min(), pred.min()), max(true.max(), pred.max())
        margin = 0.05 * (high - low)
        limits = (low - margin, high + margin)
        ax.plot(limits, limits, **DASHED, zorder=1)
        size, alpha = (16, 0.9) if len(true) < 200 else (8, 0.7)
        word = str(numbers["reliability"])
        color = RELIABILITY_COLORS[word]
        ax.scatter(true, pred, s=size, color=color, alpha=alpha, linewidths=0, rasterized=True)
        # Inferred values shrink to the mean and many genes have a floor: this corner stays free.
        corner = dict(transform=ax.transAxes, ha="left", va="top", color=MUTED, fontsize=9)
        ax.text(0.03, 0.97, word, **corner)
        ax.set(xlim=limits, ylim=limits, aspect="equal")
        rank = f"rank {self.ranks[position]:,} of {self.n_genes:,}"
        mae = f"{numbers['mae']:#.3g}".rstrip(".")
        ax.set_title(
            f"{shorten(self.genes[position], 16)}, {rank}\n"
            f"r {numbers['pearson']:z.2f}   CC {numbers['concordance']:z.2f}   MAE {mae}",
            fontsize=9,
        )


def _best_median_worst(n_total, n_chosen):
    """Positions, in an order from best to worst, of the best, the middle and the worst."""
    n_chosen = min(n_chosen, n_total)
    n_best = ceil(n_chosen / 3)
    n_worst = ceil((n_chosen - n_best) / 2)
    n_middle = n_chosen - n_best - n_worst
    start = min(max((n_total - n_middle) // 2, n_best), n_total - n_worst - n_middle)
    return np.r_[:n_best, start : start + n_middle, n_total - n_worst : n_total]
