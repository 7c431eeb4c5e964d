"""Which gene sets are enriched in lists of genes."""

import re
from numbers import Integral

import numpy as np

from skgex.plotting._style import BLUE, DASHED, INK, PURPLE, VERMILLION, new_axes, shorten, style

_ALPHA = 0.05
_MOST_LISTS = 4  # from which on groups of bars are no picture any more
# Raised genes as in every heat map of changes, then lowered ones.
_COLORS = {"raised": VERMILLION, "lowered": BLUE}
_BESIDE = dict(
    xytext=(5, 0),
    textcoords="offset points",
    va="center",
    fontsize=9,
    zorder=4,
    bbox=dict(facecolor="white", edgecolor="none", pad=0.6),  # over the dashed line
)
_OTHER_COLORS = (BLUE, VERMILLION, "#009E73", PURPLE)
_COLLECTIONS = {
    "HALLMARK": "Hallmark",
    "REACTOME": "Reactome",
    "KEGG": "KEGG",
    "WP": "WikiPathways",
    "BIOCARTA": "BioCarta",
    "PID": "PID",
    "GOBP": "GO process",
    "GOCC": "GO component",
    "GOMF": "GO function",
    "GO": "GO",
    "HP": "Human Phenotype",
}
# Short words that are no symbols.
_WORDS = re.compile(
    "A|AN|AND|AS|AT|BY|CELL|CORD|DRUG|END|FAT|FOR|FROM|GUT|IN|ITS|LOSS|LUNG|NOT|OF|ON|ONLY|OR|PART|"
    "STEM|TO|THE|TYPE|UP|WITH|ZINC"
)


class EnrichmentDisplay:
    """The gene sets that lists of genes hold more of than chance would have it.

    A bar is as long as the adjusted p-value q of its set is small, on a logarithmic scale; beside
    it stands how many of the set's measured genes are in the list. The dashed line is q = .05,
    bars that do not reach it are pale. The bars of each list stand together, the most enriched
    set on top.

    Parameters
    ----------
    sets : array-like of str of shape (n_bars,)
        Names of the sets.
    q_values : array-like of shape (n_bars,)
    overlaps, set_sizes : array-like of int of shape (n_bars,)
        Genes of the set that are in the list, and all measured genes of the set.
    lists : array-like of str of shape (n_bars,), default=None
        The list of each bar; None if there is only one.
    n_lists : int, default=None
        Number of lists that were tested; None takes the number of those drawn.

    Attributes
    ----------
    names : list of str
        Names as they are written: ``HALLMARK_DNA_REPAIR`` becomes ``DNA repair`` if all sets are
        of that collection.
    list_names : list of str
        The lists from top to bottom; one empty name if there is only one.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.inspection import enrichment
    >>> from skgex.plotting import EnrichmentDisplay
    >>> genes = [f"G{j}" for j in range(200)]
    >>> sets = {"HALLMARK_DNA_REPAIR": genes[:20], "HALLMARK_MYOGENESIS": genes[20:40]}
    >>> display = EnrichmentDisplay.from_enrichment(enrichment(genes[:8], sets, background=genes))
    >>> display.names
    ['DNA repair']
    >>> plt.close(display.figure_)
    """

    def __init__(self, sets, q_values, overlaps, set_sizes, *, lists=None, n_lists=None):
        lists = np.full(len(q_values), "") if lists is None else np.asarray(lists, dtype=str)
        known = [name for name in _COLORS if name in lists]
        self.list_names = known + [n for n in dict.fromkeys(lists.tolist()) if n not in known]
        rank = np.array([self.list_names.index(name) for name in lists], dtype=int)
        order = np.lexsort((np.asarray(q_values), rank))
        self.lists, self.q_values = lists[order], np.asarray(q_values, dtype=float)[order]
        self.overlaps, self.set_sizes = np.asarray(overlaps)[order], np.asarray(set_sizes)[order]
        self.sets = np.asarray(sets, dtype=str)[order].tolist()
        self.names, self.collection = _readable(self.sets)
        self.n_lists = len(self.list_names) if n_lists is None else n_lists

    @classmethod
    def from_enrichment(cls, enrichment, *, n_sets=12, ax=None):
        """Draw the most enriched sets of each list.

        Parameters
        ----------
        enrichment : Enrichment
            What :func:`~skgex.inspection.enrichment` returned for one list or several. Of more
            than four lists those are drawn that reach the smallest p-values.
        n_sets : int, default=12
            Largest number of sets to draw for each list.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        EnrichmentDisplay

        Raises
        ------
        ValueError
            If `enrichment` is something else.
        """
        if not isinstance(n_sets, Integral) or n_sets < 1:
            raise ValueError(f"n_sets={n_sets!r} must be a positive whole number.")
        table = getattr(enrichment, "table", None)
        wanted = ("set", "q_value", "overlap", "set_size")
        columns = [table_column(table, name, "enrichment.table", "enrichment") for name in wanted]
        # Sorted by p-value: the first rows of a list are its most enriched sets.
        rows, lists, n_lists = np.arange(len(columns[0]))[:n_sets], None, None
        if "list" in (table.dtype.names if isinstance(table, np.ndarray) else table):
            lists = table_column(table, "list", "enrichment.table", "enrichment").astype(str)
            names = list(dict.fromkeys(lists.tolist()))
            n_lists, drawn = enrichment.n_tests // enrichment.n_sets, names[:_MOST_LISTS]
            rows = np.concatenate(
                [np.flatnonzero(lists == name)[:n_sets] for name in drawn] or [rows]
            )
            lists = lists[rows]
        return cls(*(values[rows] for values in columns), lists=lists, n_lists=n_lists).plot(ax=ax)

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
        is_grouped = self.list_names not in ([], [""])
        groups = np.array([self.list_names.index(name) for name in self.lists], dtype=int)
        # Every group has a free row above it, which holds the name of the list.
        places = np.arange(len(groups)) + (groups + 1) * is_grouped
        n_rows = max(4, places.max(initial=0) + 1)
        length = -np.log10(np.maximum(self.q_values, np.finfo(float).tiny))
        line = -np.log10(_ALPHA)
        with style():
            ax = new_axes(ax, (7.4, 0.9 + 0.24 * n_rows), grid="x")
            colors = self._colors()
            for group, name in enumerate(self.list_names):
                own = groups == group
                self._draw_bars(ax, places[own], length[own], self.q_values[own], colors[name])
                if is_grouped:
                    at = dict(xytext=(4, 0), color=colors[name], weight="bold", fontsize=10)
                    ax.annotate(shorten(name, 46), (0, places[own][0] - 1), **_BESIDE | at)
            ax.axvline(line, **DASHED, zorder=3)
            for place, x, *genes in zip(
                places, length, self.overlaps, self.set_sizes, strict=True
            ):
                ax.annotate("{:,} of {:,}".format(*genes), (x, place), **_BESIDE)
            # Room for the text beside the longest bar.
            longest = max(length.max(initial=0), 1.5 * line)
            ax.set(xlim=(0, 1.18 * longest), ylim=(n_rows - 0.4, -0.6))
            ax.set_yticks(places, [shorten(name, 50) for name in self.names])
            ax.tick_params(axis="y", length=0)
            what = f"{self.collection} gene sets" if self.collection else "adjusted p-value"
            ax.set_xlabel(f"$-\\log_{{10}}\\,q$, {what} (dashed: q = .05)")
            ax.set_title(self._remark(), fontsize=10, loc="left")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _colors(self):
        taken = [_COLORS[name] for name in self.list_names if name in _COLORS]
        others = (color for color in _OTHER_COLORS if color not in taken)
        return {name: _COLORS.get(name) or next(others, INK) for name in self.list_names}

    def _draw_bars(self, ax, places, length, q_values, color):
        bars = ax.barh(places, length, height=0.7, color=color, linewidth=0)
        for bar, q in zip(bars, q_values, strict=True):
            bar.set_alpha(1 if q < _ALPHA else 0.35)

    def _remark(self):
        """What bars do not show."""
        if not self.names:
            return "no gene of the list is in any set"
        remarks = []
        if not (self.q_values < _ALPHA).any():
            remarks.append("no set is enriched: all q ≥ .05")
        if self.n_lists > len(self.list_names):
            drawn = f"{len(self.list_names)} of {self.n_lists:,} lists"
            remarks.append(f"{drawn}, those of smallest p-values")
        return "; ".join(remarks)


def table_column(table, name, argument, function):
    """A column of a DataFrame or structured array that a function of skgex.inspection made."""
    try:
        return np.asarray(table[name])
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise ValueError(
            f"{argument} has no column {name!r}: pass what skgex.inspection.{function} returns."
        ) from error


def _readable(sets):
    """Names of sets for readers, and the collection that all are of, or None.

    >>> _readable(["HALLMARK_TNFA_SIGNALING_VIA_NFKB", "HALLMARK_E2F_TARGETS"])
    (['TNFA signaling via NFKB', 'E2F targets'], 'Hallmark')
    >>> _readable(["WP_TYPE_II_DIABETES", "Signaling by NOTCH1"])
    (['WikiPathways: type II diabetes', 'Signaling by NOTCH1'], None)
    """
    split = [_split(name) for name in sets]
    collections = {collection for collection, _ in split}
    if len(collections) > 1:
        return [f"{part}: {name}" if part else name for part, name in split], None
    if collections <= {None}:
        return [name for _, name in split], None
    return [name[:1].upper() + name[1:] for _, name in split], collections.pop()


def _split(name):
    """Collection, or None, and the words of a name that is written as ``COLLECTION_THIS_SET``."""
    first, _, rest = name.partition("_")
    if first not in _COLLECTIONS or not re.fullmatch("[A-Z0-9_-]+", rest):
        return None, name
    return _COLLECTIONS[first], " ".join(map(_word, rest.split("_")))


def _word(word):
    """A word in lower case, unless it rather is a symbol or an abbreviation."""
    if word == "DN":
        return "down"
    vowels = len(re.findall("[AEIOU]", word))
    is_symbol = re.search(r"\d|^[IVX]+$", word) or not vowels or (len(word) <= 4 and vowels == 1)
    return word if is_symbol and not _WORDS.fullmatch(word) else word.lower()
