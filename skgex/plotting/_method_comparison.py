"""Methods beside each other: the distribution of the error over genes."""

import numpy as np

from skgex.metrics import summarize
from skgex.plotting._reports import column, common_genes, find_metric
from skgex.plotting._style import (
    BLUE,
    INK,
    MUTED,
    SKY,
    count,
    new_axes,
    robust_limits,
    shorten,
    style,
)


class MethodComparisonDisplay:
    """How methods compare over genes: one violin a method, the best on top.

    A violin shows how the metric spreads over genes, the bar inside it the middle half of the
    genes, its white dot the median. The mean ± SD over genes, marked by a diamond, is printed
    beside it. Genes on which a metric is undefined enter neither.

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
            ax = new_axes(ax, (7.2, 1.2 + 0.5 * len(defined)), grid="x")
            for row, values in enumerate(defined):
                _draw_violin(ax, row, values, (low, high), best=row == 0)
            if self.metric == "relative_error":
                ax.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            self._print_summaries(ax)
            ax.set(xlim=(low, high), ylim=(len(defined) - 0.45, -0.55))
            ax.set_yticks(range(len(defined)), [shorten(name) for name in self.methods])
            ax.tick_params(axis="y", length=0)
            better = "lower" if metric.lower_is_better else "higher"
            n_outside = sum(int(((v < low) | (v > high)).sum()) for v in defined)
            beyond = f"; {count(n_outside, 'value')} beyond the axis" if n_outside else ""
            ax.set_xlabel(f"{metric.label}, {better} is better{beyond}")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _print_summaries(self, ax):
        beside = dict(transform=ax.get_yaxis_transform(), va="center", fontsize=9)
        n_genes = max(summary.n_genes for summary in self.summaries.values())
        ax.text(1.02, -0.75, f"mean ± SD, {count(n_genes, 'gene')}", color=MUTED, **beside)
        for row, summary in enumerate(self.summaries.values()):
            fewer = f"  ({count(summary.n_genes, 'gene')})" * (summary.n_genes < n_genes)
            weight = "bold" if row == 0 else "normal"
            text = f"{summary.mean:.3f} ± {summary.std:.3f}{fewer}"
            ax.text(1.02, row, text, weight=weight, **beside)


def _draw_violin(ax, row, values, limits, best):
    color = BLUE if best else SKY
    # The density is that of the values inside the axis: one far gene would flatten it.
    inside = values[(values >= limits[0]) & (values <= limits[1])]
    parts = ax.violinplot(inside, [row], orientation="horizontal", widths=0.85, showextrema=False)
    for body in parts["bodies"]:
        body.set(facecolor=color, edgecolor=color, alpha=0.35)
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    ax.plot([lower, upper], [row, row], color=color, linewidth=4, solid_capstyle="butt")
    ax.plot(median, row, "o", color="white", markeredgecolor=INK, markersize=4.5)
    ax.plot(values.mean(), row, "D", color=INK, markersize=4.5)
