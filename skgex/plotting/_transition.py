"""What a perturbation changes, gene by gene."""

from textwrap import wrap

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names

from skgex._utils._gene_ids import as_ids
from skgex._utils._naming import few
from skgex._utils._perturbed import in_shares, perturbed
from skgex.plotting._perturber import perturber_and_profiles
from skgex.plotting._style import EXTEND, count, diverging, panels, shorten, style

_COLUMNS = ("profile $x$", "change $P$", "perturbed $x_a$", "target mean $\\mu_t$")
_CHANGE = 1  # its position among them
_MOST_NAMES = 60  # genes from which on their names could not be read
_MOST_ROWS = 200  # rows from which on they would be narrower than two pixels
_N_SOURCES = 4


class TransitionDisplay:
    """What a perturbation changes, gene by gene: one profile each of some source states.

    Each panel shows, for one profile of a source state, its expression x, the change P, the
    perturbed profile x_a and the mean μ_t of the target state: after a good perturbation the last
    two columns are alike. Genes stand in the order of their change *in this panel*, raised ones
    above. If genes are many, a row is the mean of some with similar changes.

    Parameters
    ----------
    profiles, perturbed : array-like of shape (n_sources, n_genes)
        One profile of each source state, before and after.
    target_mean : array-like of shape (n_genes,)
        Mean profile of the target state.
    sources : sequence of str or number
        Source states.
    target : str or number
    genes : array-like of str of shape (n_genes,), default=None
        Names of the genes; None names them ``x0``, ``x1``, ...
    is_share : bool, default=True
        Whether values are shares of each gene's range among training profiles.

    Attributes
    ----------
    change : ndarray of shape (n_sources, n_genes)
        What is added to the profiles.
    orders : ndarray of int of shape (n_sources, n_genes)
        Positions of the genes from top to bottom, for each panel.
    limit : float
        The change at which colours end.
    axes_ : ndarray of matplotlib Axes of shape (n_sources,)
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.plotting import TransitionDisplay
    >>> display = TransitionDisplay(
    ...     [[0.9, 0.1, 0.5]], [[0.2, 0.8, 0.5]], [0.1, 0.9, 0.4],
    ...     sources=["Brain"], target="Nerve", genes=["GFAP", "MPZ", "ACTB"],
    ... ).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['MPZ', 'ACTB', 'GFAP']
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, profiles, perturbed, target_mean, *, sources, target, genes=None, is_share=True
    ):
        self.profiles, self.perturbed = np.asarray(profiles), np.asarray(perturbed)
        self.target_mean, self.target, self.is_share = np.asarray(target_mean), target, is_share
        self.sources = list(sources)
        n_genes = self.profiles.shape[1]
        genes = [f"x{j}" for j in range(n_genes)] if genes is None else genes
        self.genes = as_ids(genes)
        self.change = self.perturbed - self.profiles
        self.orders = np.argsort(-self.change, axis=1, kind="stable")
        size = np.abs(np.concatenate([rows[:, _CHANGE] for rows in self._rows()]))
        self.limit = float(np.quantile(size, 0.98) or size.max() or 1)

    @classmethod
    def from_estimator(cls, estimator, X, y, *, states=None, ax=None):
        """Draw what a perturber does to one profile of each of some states.

        Parameters
        ----------
        estimator : estimator
            A fitted perturber, such as :class:`~skgex.perturbation.TSPG`, or a pipeline or grid
            search that ends with one.
        X : array-like of shape (n_profiles, n_genes)
            Profiles, best those that were not trained on. Of each state that one is drawn which
            is closest to the mean of those here. Up to 60 genes are named.
        y : array-like of shape (n_profiles,)
            Their states.
        states : sequence of str or number, default=None
            Source states to draw; None takes the four with most profiles, without the target.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. Its place is divided among the panels.

        Returns
        -------
        TransitionDisplay

        Raises
        ------
        ValueError
            If the estimator does not perturb, shapes differ, a value or state is missing, or
            `states` names one that is not in `y`.
        """
        model, X, y = perturber_and_profiles(estimator, X, y)
        sources = _sources(states, y, model.target_)
        rows = []
        for state in sources:
            own = np.flatnonzero(y == state)
            shares = in_shares(model, _safe_indexing(X, own))
            distance = np.linalg.norm(shares - shares.mean(axis=0), axis=1)
            rows.append(own[np.argmin(distance)])
        profiles = _safe_indexing(X, np.array(rows))
        genes = getattr(model, "feature_names_in_", None)
        return cls(
            in_shares(model, profiles),
            in_shares(model, perturbed(model, profiles)),
            in_shares(model, np.asarray(model.target_mean_)[np.newaxis])[0],
            sources=sources,
            target=model.target_,
            genes=_get_feature_names(X) if genes is None else genes,
            is_share=model.x_scaler_.method == "range",
        ).plot(ax=ax)

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
        n_genes, n_panels = len(self.genes), len(self.sources)
        is_named = n_genes <= _MOST_NAMES
        height = max(3.0, 0.15 * n_genes) if is_named else 4.6
        width = 2.3 if is_named else 1.9
        with style():
            axes = panels(ax, 1, n_panels, (max(4.6, 0.8 + width * n_panels), height + 2.6))
            rows = self._rows()
            for panel, source, values in zip(axes, self.sources, rows, strict=True):
                images = self._draw_panel(panel, values)
                lines = [*_lines(source), f"→ {shorten(str(self.target), 22)}"]
                # Room for it is to the left, above the names of the genes.
                panel.set_title(
                    "\n".join(lines), fontsize=10, loc="right" if is_named else "center"
                )
            self._draw_bars(axes, images, rows)
            if is_named:
                self._name_genes(axes)
            else:
                merged = n_genes / len(rows[0])
                mean = f", each row the mean of {merged:.0f}" if merged > 1 else ""
                axes[0].set_ylabel(f"{count(n_genes, 'gene')} in the order of their change{mean}")
        self.axes_, self.ax_, self.figure_ = axes, axes[0], axes[0].figure
        return self

    def _rows(self):
        """Values to draw, an array of rows × columns for each panel."""
        stacked = [self.profiles, self.change, self.perturbed]
        stacked.append(np.broadcast_to(self.target_mean, self.profiles.shape))
        return [
            _means(np.stack(columns, axis=1)[order])
            for *columns, order in zip(*stacked, self.orders, strict=True)
        ]

    def _limits(self):
        if self.is_share:
            return 0, 1
        values = np.concatenate([self.profiles, self.perturbed, self.target_mean[np.newaxis]])
        return values.min(), values.max()

    def _draw_panel(self, ax, values):
        is_change = np.zeros(values.shape, dtype=bool)
        is_change[:, _CHANGE] = True
        looks = (
            dict(cmap="viridis", clim=self._limits()),
            dict(
                cmap=diverging(),
                clim=(-self.limit, self.limit),
            ),
        )
        ax.grid(False)
        ax.spines[:].set_visible(False)
        images = [
            ax.imshow(np.ma.array(values, mask=mask), aspect="auto", interpolation="none", **look)
            for mask, look in zip((is_change, ~is_change), looks, strict=True)
        ]
        for border in (0.5, 1.5, 2.5):
            ax.axvline(border, color="white", linewidth=3)
        ax.xaxis.tick_top()
        ax.set_xticks(range(4), _COLUMNS, rotation=90)
        ax.set_yticks([])
        ax.tick_params(length=0)
        return images

    def _draw_bars(self, axes, images, rows):
        expression, change = images
        half = len(axes) // 2
        unit = ",\nshare of the training range" if self.is_share else ""
        # Bars under the same panel stand above each other, the last one on top.
        for image, place, label, is_change in (
            (change, axes[half:], "change", True),
            (expression, axes[:half] if half else axes, f"expression{unit}", False),
        ):
            values = np.concatenate(rows)[:, (np.arange(4) == _CHANGE) == is_change]
            low, high = image.get_clim()
            # Rounding is no value beyond the colours.
            beyond = (values.min() < low - 1e-6, values.max() > high + 1e-6)
            bar = axes[0].figure.colorbar(
                image,
                ax=list(place),
                location="bottom",
                extend=EXTEND[beyond],
                extendfrac=0.03,
                shrink=0.8,
                aspect=25,
            )
            bar.set_label(label)
            bar.outline.set_visible(False)

    def _name_genes(self, axes):
        # As large as a row allows, in whatever place the axes have.
        height = axes[0].get_window_extent().height / axes[0].figure.dpi
        size = float(np.clip(0.8 * 72 * height / len(self.genes), 3, 9))
        for ax, order in zip(axes, self.orders, strict=True):
            names = [shorten(name, 16) for name in self.genes[order].tolist()]
            ax.set_yticks(range(len(names)), names)
            ax.tick_params(axis="y", labelsize=size)


def _sources(states, y, target):
    """Source states, as they occur in `y`."""
    found, n_profiles = np.unique(y, return_counts=True)
    if states is None:
        order = np.argsort(-n_profiles, kind="stable")
        return [state for state in found[order].tolist() if state != target][:_N_SOURCES]
    states = np.atleast_1d(np.asarray(states)).tolist()
    if unknown := [state for state in states if state not in found.tolist()]:
        raise ValueError(
            f"states holds {few(unknown)}, of which y has no profile; its states are "
            f"{few(found.tolist(), 10)}."
        )
    if not states:
        raise ValueError("states is empty: name at least one, or pass None for the most frequent.")
    return states


def _means(rows):
    """Means of neighbouring rows, where rows are more than can be told apart."""
    if len(rows) <= _MOST_ROWS:
        return rows
    edges = np.linspace(0, len(rows), _MOST_ROWS + 1).astype(int)
    return np.add.reduceat(rows, edges[:-1], axis=0) / np.diff(edges)[:, np.newaxis]


def _lines(name):
    """A name in one or two lines."""
    lines = wrap(str(name), 22)
    return lines if len(lines) <= 2 else [lines[0], shorten(" ".join(lines[1:]), 22)]
