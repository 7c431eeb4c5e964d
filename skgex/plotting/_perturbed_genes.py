"""Which genes a perturber changes, and in which states."""

from numbers import Integral

import numpy as np

from skgex._utils._gene_ids import as_ids, repeated
from skgex._utils._naming import few
from skgex.plotting._enrichment import table_column
from skgex.plotting._style import (
    BLUE,
    EXTEND,
    VERMILLION,
    count,
    diverging,
    new_axes,
    shorten,
    style,
)

_DIRECTIONS = ("raised", "lowered")


class PerturbedGenesDisplay:
    """The genes that a perturber raises or lowers in most states: a heat map of genes × states.

    Colours are the mean change of the gene in the profiles of the state: orange is raised, blue
    lowered. Beside a row stands in how many states the gene is among the most raised ones, or, in
    the lower group, the most lowered ones; the most recurrent ones come first. Colours end at the
    98 % quantile of the magnitudes drawn.

    Parameters
    ----------
    genes : array-like of str of shape (n_rows,)
        Names of the genes drawn.
    directions : array-like of {"raised", "lowered"} of shape (n_rows,)
        A gene may be among both.
    n_states : array-like of int of shape (n_rows,)
        Number of states in which it is.
    change : array-like of shape (n_rows, n_states)
        Mean change of each gene in each state, in shares of the gene's training range.
    states : sequence of str or number
        Source states, the columns.

    Attributes
    ----------
    n_raised : int
        Number of rows in the upper group.
    limit : float
        The change at which colours end.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.plotting import PerturbedGenesDisplay
    >>> display = PerturbedGenesDisplay(
    ...     ["GFAP", "MPZ"], ["lowered", "raised"], [1, 2],
    ...     [[-0.5, 0.0], [0.4, 0.6]], states=["Brain", "Lung"],
    ... ).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['MPZ', 'GFAP']
    >>> plt.close(display.figure_)
    """

    def __init__(self, genes, directions, n_states, change, *, states):
        directions = np.asarray(directions, dtype=str)
        if unknown := set(directions.tolist()) - set(_DIRECTIONS):
            raise ValueError(
                f"directions holds {sorted(unknown)}, but they are {list(_DIRECTIONS)}."
            )
        if not len(directions):
            raise ValueError("There is no perturbed gene to draw.")
        change, n_states = np.asarray(change, dtype=float), np.asarray(n_states)
        size = np.abs(change.mean(axis=1))
        order = np.lexsort((-size, -n_states, directions != _DIRECTIONS[0]))
        self.genes, self.directions = as_ids(genes)[order].tolist(), directions[order]
        self.n_states, self.change = n_states[order], change[order]
        self.states = list(states)
        self.n_raised = int(np.sum(directions == _DIRECTIONS[0]))
        magnitudes = np.abs(change)
        self.limit = float(np.quantile(magnitudes, 0.98) or magnitudes.max() or 1)

    @classmethod
    def from_perturbed_genes(cls, result, *, n_genes=15, ax=None):
        """Draw the genes that are perturbed in most states.

        Parameters
        ----------
        result : PerturbedGenes
            What :func:`~skgex.inspection.perturbed_genes` returned.
        n_genes : int, default=15
            Largest number of raised genes to draw, and of lowered ones.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. The colour bar takes a part of its place.

        Returns
        -------
        PerturbedGenesDisplay

        Raises
        ------
        ValueError
            If `result` is something else, or the name of a gene to draw is that of several.
        """
        if not isinstance(n_genes, Integral) or n_genes < 1:
            raise ValueError(f"n_genes={n_genes!r} must be a positive whole number.")
        table = getattr(result, "recurrence", None)
        names, directions, n_states, mean_change = (
            table_column(table, column, "result.recurrence", "perturbed_genes")
            for column in ("gene", "direction", "n_states", "mean_change")
        )
        order = np.lexsort((-np.abs(mean_change), -n_states))
        rows = [order[directions[order] == direction][:n_genes] for direction in _DIRECTIONS]
        rows = np.concatenate(rows)
        names, all_genes = as_ids(names)[rows], as_ids(result.genes)
        if again := sorted(set(repeated(all_genes.tolist())) & set(names.tolist())):
            raise ValueError(
                f"{len(again)} names of perturbed genes are those of several: {few(again)}. Give "
                "each gene a name of its own before perturbing."
            )
        position = {name: j for j, name in enumerate(all_genes.tolist())}
        change = np.asarray(result.change)[:, [position[name] for name in names.tolist()]]
        return cls(
            names, directions[rows], n_states[rows], change.T, states=np.asarray(result.states)
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. The colour bar takes a part of its place.

        Returns
        -------
        self
        """
        n_columns, places = len(self.states), self._places()
        names = [shorten(str(state), 40) for state in self.states]
        height = 0.19 * max(places[-1] + 1, 13) + 0.075 * max(map(len, names))
        with style():
            ax = new_axes(ax, (3.6 + 0.22 * max(n_columns, 6), 0.6 + height))
            image = self._draw_change(ax, places)
            beyond = (self.change.min() < -self.limit, self.change.max() > self.limit)
            bar = ax.figure.colorbar(
                image, ax=ax, extend=EXTEND[beyond], extendfrac=0.03, shrink=0.9, pad=0.05
            )
            bar.set_label("mean change, share of the training range")
            bar.outline.set_visible(False)
            self._name_rows(ax, places)
            ax.set_xticks(range(n_columns), names, rotation=90)
            ax.tick_params(length=0)
            ax.set_xlabel(count(n_columns, "source state"))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _places(self):
        """Of the rows, from the top: above each group a row is left for its name."""
        rows, is_first = np.arange(len(self.genes)), self.directions != self.directions[0]
        return rows + 1 + is_first

    def _draw_change(self, ax, places):
        colors = diverging()
        change = np.ma.masked_all((places[-1] + 1, len(self.states)))
        change[places] = self.change
        ax.grid(False)
        ax.spines[:].set_visible(False)
        look = dict(cmap=colors, vmin=-self.limit, vmax=self.limit, interpolation="nearest")
        return ax.imshow(change, aspect="auto", **look)

    def _name_rows(self, ax, places):
        # As large as a row allows, in whatever place the axes have.
        height = ax.get_window_extent().height / ax.figure.dpi
        size = float(np.clip(0.8 * 72 * height / (places[-1] + 1), 3, 9))
        ax.set_yticks(places, [shorten(gene, 16) for gene in self.genes])
        ax.tick_params(axis="y", labelsize=size)
        beside = dict(transform=ax.get_yaxis_transform(), va="center", fontsize=size)
        for place, number in zip(places, self.n_states, strict=True):
            ax.text(1.01, place, f"{number:,} of {len(self.states):,}", **beside)
        for direction, color in zip(_DIRECTIONS, (VERMILLION, BLUE), strict=True):
            if len(own := places[self.directions == direction]):
                name = dict(color=color, weight="bold", **beside)
                ax.text(-0.01, own[0] - 1, direction, ha="right", **name)
                ax.text(1.01, own[0] - 1, "states", **beside)
