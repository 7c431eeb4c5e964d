"""The look of every picture, in one place."""

from contextlib import contextmanager
from types import MappingProxyType

import numpy as np

from skgex._utils._optional import optional

# Okabe and Ito's colours, told apart by colour-blind readers as well.
BLUE, SKY, ORANGE, VERMILLION, PURPLE = "#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#CC79A7"
INK, MUTED, PALE = "#222222", "#6E6E6E", "#E4E4E4"

# A line to compare with: equality, a reference, the best epoch.
DASHED = MappingProxyType(dict(color=INK, linewidth=1, linestyle=(0, (4, 3))))

# Ends of a colour bar that have values beyond them, low and high.
EXTEND = MappingProxyType({(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"})

# From light to dark, and dark enough at its light end to be seen on white.
DENSITY_COLORS = ("#8CC7EA", BLUE, "#00243D")

RELIABILITY_COLORS = MappingProxyType(
    {"high": BLUE, "medium": SKY, "low": ORANGE, "none": "#8A8A8A", "undefined": PALE}
)

_RC = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.axisbelow": True,
}


@contextmanager
def style():
    """Draw in the project's style, then give the user's matplotlib settings back.

    Yields
    ------
    module
        ``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    plt = optional("matplotlib.pyplot", "Drawing", extra="plot")
    with plt.rc_context(_RC):
        yield plt


def new_axes(ax, size, grid="both"):
    """Dress `ax`, or the axes of a new figure of `size` inches if it is None."""
    return panels(None, 1, 1, size, grid)[0] if ax is None else _dress(ax, grid)


def panels(ax, n_rows, n_cols, size, grid="both", **sharing):
    """Return ``n_rows * n_cols`` dressed axes: a new figure, or the place that `ax` takes."""
    import matplotlib.pyplot as plt

    if ax is None:
        figure = plt.figure(figsize=size, layout="constrained")
        if n_rows > 1:
            figure.get_layout_engine().set(h_pad=0.08)  # a title is no part of the panel above
        cells = figure.add_gridspec(n_rows, n_cols)
    elif ax.get_subplotspec() is None:
        raise ValueError(
            "ax stands freely in its figure and cannot be divided into panels: pass axes made by "
            "plt.subplots or figure.add_subplot, or ax=None for a new figure."
        )
    else:
        ax.set_axis_off()
        cells = ax.get_subplotspec().subgridspec(n_rows, n_cols)
    axes = cells.subplots(squeeze=False, **sharing).ravel()
    return np.array([_dress(panel, grid) for panel in axes])


def _dress(ax, grid):
    # Ticks are made when the figure is drawn, after the style has ended: hence explicit settings.
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(color=MUTED, labelcolor=INK, labelsize=9)
    ax.grid(False)
    ax.grid(True, axis=grid, color=PALE, linewidth=0.8)
    return ax


def key_above(ax, handles=None):
    """Put the legend in one line above the axes, where it hides nothing."""
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=4,
        borderaxespad=0.3,
        borderpad=0.1,
        handlelength=1.2,
        handletextpad=0.4,
        columnspacing=1.4,
    )


def robust_limits(values):
    """Limits for an axis that a few extreme genes must not squeeze.

    Parameters
    ----------
    values : ndarray
        Finite values.

    Returns
    -------
    low, high : float
        The range of the values, cut one central range (1 % to 99 %) beyond that range.
    """
    lower, upper = np.quantile(values, [0.01, 0.99])
    span = upper - lower
    low, high = max(values.min(), lower - span), min(values.max(), upper + span)
    margin = 0.04 * (high - low) or 0.04 * abs(high) or 1.0
    return float(low - margin), float(high + margin)


def diverging():
    """The colours of what falls and rises: blue, white where nothing changes, and orange."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("diverging", (BLUE, "white", VERMILLION))


def count(number, noun):
    """Write a number of things, such as ``"9,520 genes"``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def shorten(name, width=24):
    """Cut a long name, so that it does not run into its neighbour."""
    return name if len(name) <= width else name[: width - 1] + "…"
