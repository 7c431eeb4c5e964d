"""Methods beside each other: the distribution of the error over genes."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from skgex.metrics import summarize
from skgex.plotting._reports import column, common_genes, find_metric
from skgex.plotting._style import (
    BLUE,
    DASHED,
    INK,
    SKY,
    count,
    key_above,
    new_axes,
    robust_limits,
    shorten,
    style,
)

_MEAN = dict(marker="D", color=INK, markersize=4.5, linestyle="", label="mean, ± SD beside it")
_MEDIAN = dict(
    marker="o", color="white", markeredgecolor=INK, markersize=4.5, linestyle="", label="median"
)
_MIDDLE = dict(color=SKY, linewidth=4, solid_capstyle="butt", label="middle half")


class MethodComparisonDisplay:
    """How methods compare over genes: one violin a method, the best on top.

    A violin shows how the metric spreads over genes, the bar inside it the middle half of the
    genes, its dot the median and its diamond the mean, which is printed beside it with the
    standard deviation over genes. Genes on which a metric is undefined enter neither.

    Parameters
    ----------
    values : dict of str to ndarray of shape (n_genes,)
        One number a gene for each method, NaN where undefined.
    metric : {"relative_error", "mae", "pearson", "concordance"}, default="relative_error"
        What the numbers are.

    Attributes
    ----------
    methods : list of str
        Names of the methods, best mean first.
    summaries : dict of str to GeneSummary
        Mean and standard deviation over genes, in the order of `methods`.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.metrics import gene_report
    >>> from skgex.plotting import MethodComparisonDisplay
    >>> y = [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    >>> close, far = [[1.1, 1.0], [2.0, 2.0], [3.0, 3.2]], [[2.0, 1.5], [2.0, 1.5], [2.0, 2.0]]
    >>> reports = {"far": gene_report(y, far), "close": gene_report(y, close)}
    >>> display = MethodComparisonDisplay.from_reports(reports)
    >>> display.methods
    ['close', 'far']
    >>> plt.close(display.figure_)
    """

    def __init__(self, values, *, metric="relative_error"):
        sign = 1 if find_metric(metric).lower_is_better else -1
        if not values:
            raise ValueError("There is no method to draw: pass the report of at least one.")
        summaries = {name: summarize(numbers) for name, numbers in values.items()}
        for name, summary in summaries.items():
            if not summary.n_genes:
                raise ValueError(
                    f"{metric} is undefined for every gene of {name!r}: leave that method out, or "
                    "choose another metric."
                )
        self.values = {name: np.asarray(numbers) for name, numbers in values.items()}
        self.metric = metric
        self.methods = sorted(summaries, key=lambda name: sign * summaries[name].mean)
        self.summaries = {name: summaries[name] for name in self.methods}

    @classmethod
    def from_reports(cls, reports, *, metric="relative_error", ax=None):
        """Draw the reports of several methods on the same genes.

        Parameters
        ----------
        reports : dict of str to gene report
            For each method what :func:`~skgex.metrics.gene_report` returned.
        metric : {"relative_error", "mae", "pearson", "concordance"}, default="relative_error"
            Column of the reports to compare; ``"relative_error"`` is the error divided by that
            of predicting each gene's mean.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        MethodComparisonDisplay

        Raises
        ------
        ValueError
            If there is no report, a report lacks a column or defines the metric on no gene, or
            the reports are about different genes.
        """
        find_metric(metric)
        named = {f"reports[{name!r}]": report for name, report in reports.items()}
        if named:
            common_genes(named)
        columns = [column(report, metric, argument) for argument, report in named.items()]
        return cls(dict(zip(reports, columns, strict=True)), metric=metric).plot(ax=ax)

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
        defined = [self.values[name][~np.isnan(self.values[name])] for name in self.methods]
        low, high = robust_limits(np.concatenate(defined))
        with style():
            ax = new_axes(ax, (7.6, 1.2 + 0.5 * len(defined)), grid="x")
            for row, values in enumerate(defined):
                _draw_violin(ax, row, values, (low, high), BLUE if row == 0 else SKY)
            self._print_summaries(ax)
            self._print_key(ax)
            ax.set(xlim=(low, high), ylim=(len(defined) - 0.45, -0.55))
            ax.set_yticks(range(len(defined)), [shorten(name) for name in self.methods])
            ax.tick_params(axis="y", length=0)
            n_outside = sum(int(((v < low) | (v > high)).sum()) for v in defined)
            beyond = f" ({count(n_outside, 'value')} beyond the axis)" if n_outside else ""
            better = "lower" if metric.lower_is_better else "higher"
            genes = count(self._n_genes(), "gene")
            ax.set_xlabel(f"{metric.label}, {better} is better; {genes}{beyond}")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _n_genes(self):
        return max(summary.n_genes for summary in self.summaries.values())

    def _print_summaries(self, ax):
        n_genes = self._n_genes()
        beside = dict(transform=ax.get_yaxis_transform(), va="center", fontsize=9)
        for row, summary in enumerate(self.summaries.values()):
            fewer = f"  ({count(summary.n_genes, 'gene')})" * (summary.n_genes < n_genes)
            weight = "bold" if row == 0 else "normal"
            text = f"{summary.mean:.3f} ± {summary.std:.3f}{fewer}"
            ax.text(1.02, row, text, weight=weight, **beside)

    def _print_key(self, ax):
        handles = [ax.plot([], [], **marks)[0] for marks in (_MEAN, _MEDIAN, _MIDDLE)]
        if self.metric == "relative_error":
            handles.append(ax.axvline(1, label="mean predictor", **DASHED, zorder=1))
        key_above(ax, handles)


def _draw_violin(ax, row, values, limits, color):
    position, density = _density(values, limits)
    seen = (position >= values.min()) & (position <= values.max())
    shape = dict(where=seen, facecolor=color, edgecolor=color, alpha=0.35, linewidth=1)
    ax.fill_between(position, row - 0.42 * density, row + 0.42 * density, **shape)
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    ax.plot([lower, upper], [row, row], color=color, linewidth=4, solid_capstyle="butt")
    ax.plot(values.mean(), row, **_MEAN)
    ax.plot(median, row, **_MEDIAN)


def _density(values, limits):
    """Smoothed histogram with a peak of 1; unlike a kernel density, equal values do no harm."""
    counts, edges = np.histogram(values, bins=400, range=limits)
    bin_width = edges[1] - edges[0]
    bandwidth = max(1.0, values.std() * len(values) ** -0.2 / bin_width)  # Scott's rule
    density = gaussian_filter1d(counts.astype(float), bandwidth, mode="constant")
    return edges[:-1] + bin_width / 2, density / (density.max() or 1)
