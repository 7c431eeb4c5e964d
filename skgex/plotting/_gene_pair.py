"""Two methods against each other, gene by gene."""

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from skgex.plotting._reports import column, common_genes, find_metric
from skgex.plotting._style import (
    BLUE,
    DASHED,
    DENSITY_COLORS,
    VERMILLION,
    count,
    key_above,
    new_axes,
    robust_limits,
    shorten,
    style,
)

_N_BINS = 100
_CROWD = 300  # genes from which on single points hide each other


class GenePairDisplay:
    """Every gene's error by one method against its error by another.

    Genes below the diagonal have the smaller value by method B. Where genes are many, darker
    means more of them. Genes that are a landmark's twin are ringed.

    Parameters
    ----------
    values_a, values_b : ndarray of shape (n_genes,)
        One number a gene by method A (horizontal) and B (vertical), NaN where undefined.
    name_a, name_b : str
        Names of the methods.
    metric : {"mae", "relative_error", "pearson", "concordance"}, default="mae"
        What the numbers are.
    is_landmark_twin : ndarray of bool of shape (n_genes,), default=None
        Which genes to ring; None rings none.

    Attributes
    ----------
    n_genes : int
        Number of genes on which both methods are defined; only these are drawn and counted.
    share_a_better, share_b_better : float
        Shares of these genes on which one method is strictly better.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.metrics import gene_report
    >>> from skgex.plotting import GenePairDisplay
    >>> y = [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    >>> a = gene_report(y, [[1.5, 1.2], [2.0, 2.0], [3.0, 3.0]])
    >>> b = gene_report(y, [[1.1, 1.3], [2.0, 2.0], [3.0, 3.0]])
    >>> display = GenePairDisplay.from_reports(a, b, name_a="ridge", name_b="net")
    >>> display.share_b_better
    0.5
    >>> plt.close(display.figure_)
    """

    def __init__(self, values_a, values_b, *, name_a, name_b, metric="mae", is_landmark_twin=None):
        lower_is_better = find_metric(metric).lower_is_better
        values_a, values_b = np.asarray(values_a), np.asarray(values_b)
        defined = ~(np.isnan(values_a) | np.isnan(values_b))
        if not defined.any():
            raise ValueError(
                f"{metric} is undefined for every gene by {name_a!r} or {name_b!r}: there is "
                "nothing to compare; choose another metric."
            )
        if is_landmark_twin is None:
            is_landmark_twin = np.zeros(len(values_a), dtype=bool)
        self.values_a, self.values_b = values_a[defined], values_b[defined]
        self.is_landmark_twin = np.asarray(is_landmark_twin, dtype=bool)[defined]
        self.name_a, self.name_b, self.metric = name_a, name_b, metric
        self.n_genes, self.n_undefined = int(defined.sum()), int((~defined).sum())
        below = float(np.mean(self.values_b < self.values_a))
        above = float(np.mean(self.values_b > self.values_a))
        better = (above, below) if lower_is_better else (below, above)
        self.share_a_better, self.share_b_better = better

    @classmethod
    def from_reports(cls, report_a, report_b, *, name_a, name_b, metric="mae", ax=None):
        """Draw the reports of two methods on the same genes.

        Parameters
        ----------
        report_a, report_b : gene report
            What :func:`~skgex.metrics.gene_report` returned for each method.
        name_a, name_b : str
            Names of the methods.
        metric : {"mae", "relative_error", "pearson", "concordance"}, default="mae"
            Column of the reports to compare.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        GenePairDisplay

        Raises
        ------
        ValueError
            If a report lacks a column, the reports are about different genes, or no gene is
            defined in both.
        """
        find_metric(metric)
        common_genes({"report_a": report_a, "report_b": report_b})
        return cls(
            column(report_a, metric, "report_a"),
            column(report_b, metric, "report_b"),
            name_a=name_a,
            name_b=name_b,
            metric=metric,
            is_landmark_twin=column(report_a, "is_landmark_twin", "report_a"),
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        self
        """
        metric = find_metric(self.metric)
        both = np.concatenate([self.values_a, self.values_b])
        low, high = limits = robust_limits(both)
        # Genes beyond the limits are drawn on the border, so that none disappears.
        a, b = (np.clip(values, low, high) for values in (self.values_a, self.values_b))
        with style():
            ax = new_axes(ax, (5.6, 5.4))
            ax.plot(limits, limits, **DASHED, zorder=3)
            self._draw_genes(ax, a, b, limits)
            self._print_shares(ax, metric.lower_is_better)
            ax.set(xlim=limits, ylim=limits, aspect="equal")
            ax.set_xlabel(f"{metric.label}, {shorten(self.name_a)}")
            ax.set_ylabel(f"{metric.label}, {shorten(self.name_b)}")
            key_above(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_genes(self, ax, a, b, limits):
        from matplotlib.colors import LinearSegmentedColormap

        n_beyond = int(((a != self.values_a) | (b != self.values_b)).sum())
        asides = [
            f"{number:,} {what}"
            for number, what in ((self.n_undefined, "undefined"), (n_beyond, "beyond the axes"))
            if number
        ]
        label = count(self.n_genes, "gene") + (f" ({', '.join(asides)})" if asides else "")
        if self.n_genes < _CROWD:
            ax.scatter(a, b, s=14, color=BLUE, alpha=0.7, linewidths=0, label=label)
        else:
            density = _density(a, b, limits)
            order = np.argsort(density)  # the densest on top
            colors = LinearSegmentedColormap.from_list("density", DENSITY_COLORS)
            points = dict(s=7, linewidths=0, rasterized=True, cmap=colors)
            ax.scatter(a[order], b[order], c=np.sqrt(density[order]), **points)
            ax.scatter([], [], s=14, color=BLUE, label=f"{label}, darker where dense")
        twins = self.is_landmark_twin
        if twins.any():
            ax.scatter(
                a[twins],
                b[twins],
                s=18,
                facecolors="none",
                edgecolors=VERMILLION,
                linewidths=0.8,
                zorder=4,
                label=count(int(twins.sum()), "landmark twin"),
            )

    def _print_shares(self, ax, lower_is_better):
        """Print in each triangle who is better there, and on how many genes."""
        a = f"{shorten(self.name_a)} better\non {self.share_a_better:.1%} of genes"
        b = f"{shorten(self.name_b)} better\non {self.share_b_better:.1%} of genes"
        above, below = (a, b) if lower_is_better else (b, a)
        equal = 1 - self.share_a_better - self.share_b_better
        if round(equal * self.n_genes):
            below += f"\n(equal on {equal:.1%})"
        paper = dict(facecolor="white", edgecolor="none", alpha=0.8, pad=2)
        corner = dict(transform=ax.transAxes, bbox=paper, zorder=5)
        ax.text(0.03, 0.97, above, ha="left", va="top", **corner)
        ax.text(0.97, 0.03, below, ha="right", va="bottom", **corner)


def _density(a, b, limits):
    """Smoothed number of genes around each gene, relative to the most crowded place."""
    counts, edges, _ = np.histogram2d(a, b, bins=_N_BINS, range=[limits, limits])
    smooth = gaussian_filter(counts, 1.5)
    position = (np.stack([a, b]) - edges[0]) / (edges[1] - edges[0]) - 0.5
    density = map_coordinates(smooth, position, order=1, mode="nearest")
    return density / density.max()
