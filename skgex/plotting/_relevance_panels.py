"""The parts that the panels of relevance are drawn from."""

import numpy as np

from skgex.plotting._style import (
    DENSITY_COLORS,
    EXTEND,
    INK,
    MUTED,
    diverging,
    shorten,
)

_CELL_FONTS, _LIST_FONT = (4.5, 6.5), 8
_LETTER, _LIST_LETTER = 0.62, 0.56  # widths, in points of the font; lists have commas and spaces


def heat_map(ax, scores, names, *, is_signed):
    """Draw scores with a named row for each group, and a colour bar."""
    from matplotlib.colors import LinearSegmentedColormap

    magnitudes = LinearSegmentedColormap.from_list("relevance", ("white", *DENSITY_COLORS))
    limit = float(np.quantile(np.abs(scores), 0.98) or np.abs(scores).max() or 1)
    image = ax.imshow(
        scores,
        aspect="auto",
        interpolation="nearest",
        cmap=diverging() if is_signed else magnitudes,
        vmin=-limit if is_signed else 0,
        vmax=limit,
    )
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set_xticks([])
    ax.set_yticks(range(len(names)), [shorten(name, 24) for name in names])
    ax.tick_params(length=0, labelsize=_font(ax.get_window_extent().height, ax, len(names)))
    extend = EXTEND[bool(scores.min() < -limit), bool(scores.max() > limit)]
    bar = ax.figure.colorbar(image, ax=ax, extend=extend, extendfrac=0.03, pad=0.01, aspect=16)
    bar.set_label("relevance")
    bar.outline.set_visible(False)


def mark_clusters(ax, clusters, *, named):
    """Part clusters of columns by lines and number them; perhaps name each column."""
    sizes = np.array([len(own) for own in clusters])
    starts = np.cumsum(sizes) - sizes
    above = dict(transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=8)
    for number, (start, size) in enumerate(zip(starts, sizes, strict=True), start=1):
        ax.text(start + (size - 1) / 2, 1.01, str(number), **above)
        if start:
            ax.axvline(start - 0.5, color=MUTED, linewidth=0.6)
    if named:
        name_columns(ax, [shorten(name, 16) for own in clusters for name in own])


def name_columns(ax, names):
    """Write names below the columns of a heat map."""
    ax.set_xticks(range(len(names)), [shorten(name, 24) for name in names], rotation=90)
    ax.tick_params(axis="x", labelsize=_font(ax.get_window_extent().width, ax, len(names)))


def name_cells(ax, names):
    """Write a name into every cell of a heat map, in small letters or cut if it is long."""
    (image,) = ax.images
    shades = image.cmap(image.norm(image.get_array()))[..., :3] @ (0.3, 0.6, 0.1)
    width = 72 * ax.get_window_extent().width / ax.figure.dpi / len(names[0])
    small, large = _CELL_FONTS
    longest = max(len(name) for own in names for name in own)
    n_letters = max(6, min(longest, int(width / (_LETTER * small))))
    size = float(np.clip(width / (_LETTER * n_letters), 3, large))
    look = dict(ha="center", va="center", fontsize=size)
    for row, own in enumerate(names):
        for column, name in enumerate(own):
            color = INK if shades[row, column] > 0.5 else "white"
            ax.text(column, row, shorten(name, n_letters), color=color, **look)


def list_names(ax, clusters):
    """Write the first names of each cluster in a line, as many as there is place for."""
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(len(clusters) - 0.5, -0.5))
    width = 72 * ax.get_window_extent().width / ax.figure.dpi
    n_letters = int(width / (_LIST_LETTER * _LIST_FONT))
    for row, names in enumerate(clusters):
        line = f"{row + 1} ({len(names):,}): {names[0]}"
        for name in names[1:]:
            if len(line) + len(name) > n_letters:
                line += ", …"
                break
            line += f", {name}"
        ax.text(0, row, line, va="center", fontsize=_LIST_FONT)


def _font(extent, ax, n_names):
    """Font size that a row, or a column, leaves place for."""
    return float(np.clip(0.8 * 72 * extent / ax.figure.dpi / n_names, 3, 8))
