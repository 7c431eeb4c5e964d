"""Which genes can be trusted."""

from numbers import Integral

import numpy as np

from skgex.plotting._reports import column
from skgex.plotting._style import INK, RELIABILITY_COLORS, count, new_axes, shorten, style


class ReliabilityDisplay:
    """Which genes can be trusted: all genes, from the most to the least reliable.

    Genes are ordered by their reliability class, and by concordance within it. The width of a
    band is the number of genes of that class, which the legend gives. As a class asks for a
    small error too, the curve may rise again where the next class begins. Genes named are the
    best and the worst that are not a landmark's twin.

    Parameters
    ----------
    genes : ndarray of str of shape (n_genes,)
    concordance : ndarray of shape (n_genes,)
        NaN where undefined.
    reliability : ndarray of str of shape (n_genes,)
        *high*, *medium*, *low*, *none* or *undefined*, see :func:`~skgex.metrics.gene_report`.
    is_landmark_twin : ndarray of bool of shape (n_genes,), default=None
        Genes not worth naming; None takes all for distinct.
    n_named : int, default=3
        Number of best and of worst genes to name.

    Attributes
    ----------
    order : ndarray of int
        Positions of the genes with a defined concordance, most reliable first.
    counts : dict of str to int
        Number of genes of each class.
    best, worst : list of (str, float)
        Genes that are named and their concordance, best first and worst first.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.metrics import gene_report
    >>> from skgex.plotting import ReliabilityDisplay
    >>> y_true, y_pred = [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], [[1.1, 2.0], [2.0, 1.0], [2.9, 2.0]]
    >>> report = gene_report(y_true, y_pred, genes=["TP53", "MYC"])
    >>> display = ReliabilityDisplay.from_report(report, n_named=1)
    >>> [gene for gene, _ in display.best + display.worst]
    ['TP53', 'MYC']
    >>> plt.close(display.figure_)
    """

    def __init__(self, genes, concordance, reliability, *, is_landmark_twin=None, n_named=3):
        self.genes = np.asarray(genes, dtype=str)
        self.concordance = np.asarray(concordance)
        self.reliability = np.asarray(reliability, dtype=str)
        if not isinstance(n_named, Integral) or n_named < 0:
            raise ValueError(f"n_named={n_named!r} must be a whole number, 0 or more.")
        self.n_named = n_named
        classes = list(RELIABILITY_COLORS)
        if unknown := set(self.reliability.tolist()) - set(classes):
            raise ValueError(
                f"reliability holds {sorted(unknown)}, but its classes are {classes}."
            )
        if np.isnan(self.concordance).all():
            raise ValueError(
                "The concordance is undefined for every gene, as it is when measured values are "
                "constant: there is nothing to draw."
            )
        if is_landmark_twin is None:
            is_landmark_twin = np.zeros(len(self.genes), dtype=bool)
        self.is_landmark_twin = np.asarray(is_landmark_twin, dtype=bool)
        rank = np.array([classes.index(word) for word in self.reliability])
        order = np.lexsort((-self.concordance, rank))
        self.order = order[~np.isnan(self.concordance[order])]
        self.counts = {word: int(np.sum(self.reliability == word)) for word in classes}
        distinct = self.order[~self.is_landmark_twin[self.order]]
        n_named = min(n_named, len(distinct) // 2)  # no gene is both
        self.best, self.worst = (
            [(str(self.genes[gene]), float(self.concordance[gene])) for gene in chosen[:n_named]]
            for chosen in (distinct, distinct[::-1])
        )

    @classmethod
    def from_report(cls, report, *, n_named=3, ax=None):
        """Draw the report of one method.

        Parameters
        ----------
        report : gene report
            What :func:`~skgex.metrics.gene_report` returned.
        n_named : int, default=3
            Number of best and of worst genes to name.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        ValueError
            If the report lacks a column, or no gene has a defined concordance.
        """
        names = ("gene", "concordance", "reliability", "is_landmark_twin")
        genes, concordance, reliability, twins = (column(report, n, "report") for n in names)
        display = cls(genes, concordance, reliability, is_landmark_twin=twins, n_named=n_named)
        return display.plot(ax=ax)

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
        concordance, words = self.concordance[self.order], self.reliability[self.order]
        with style():
            ax = new_axes(ax, (7.2, 4.2), grid="y")
            start = 0
            for word, color in RELIABILITY_COLORS.items():
                stop = start + int(np.sum(words == word))
                label = f"{word}: {count(self.counts[word], 'gene')}"
                label += f" ({self.counts[word] / len(self.genes):.1%})"
                # The outer halves of a step belong to its gene: bands and points fit exactly.
                position = np.arange(start, stop) + 0.5
                ax.axvspan(start, stop, color=color, alpha=0.22, linewidth=0, zorder=0)
                ax.scatter(
                    position, concordance[start:stop], s=9, color=color, linewidths=0, zorder=3
                )
                if word != "undefined" or self.counts[word]:
                    ax.fill([], [], color=color, label=label)
                start = stop
            ax.axhline(0, color=INK, linewidth=1, zorder=2)
            ax.set(xlim=(0, start), ylim=(min(-0.05, concordance.min() - 0.05), 1.03))
            ax.set_xlabel("number of genes, by class and then by concordance")
            ax.set_ylabel("concordance of measured and inferred values")
            ax.xaxis.set_major_formatter("{x:,.0f}")
            ax.legend(
                loc="upper left", bbox_to_anchor=(1, 1.03), title="reliability", alignment="left"
            )
            self._name_genes(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _name_genes(self, ax):
        """List the best and the worst genes beside the axes, where no curve can cross them."""
        but_twins = " without twins" if self.is_landmark_twin.any() else ""
        lines = []
        for title, genes in (("best", self.best), ("worst", self.worst)):
            if genes:
                lines += ["", f"{title}{but_twins}"]
                lines += [f"{value:z.2f}  {shorten(gene, 20)}" for gene, value in genes]
        beside = dict(transform=ax.transAxes, va="bottom", fontsize=9, linespacing=1.35)
        ax.text(1.035, 0, "\n".join(lines[1:]), **beside)
