"""Where perturbed profiles come to lie among the states."""

from numbers import Integral, Real

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import _safe_indexing, check_random_state

from skgex._utils._naming import few
from skgex._utils._perturbed import in_shares, perturbed
from skgex.plotting._perturber import perturber_and_profiles
from skgex.plotting._style import (
    BLUE,
    INK,
    PURPLE,
    SKY,
    VERMILLION,
    count,
    new_axes,
    shorten,
    style,
)

# None of them close to the target's vermillion or to the crosses' black.
_COLORS = (BLUE, "#009E73", PURPLE, SKY, "#8C6D46", "#B8A900", "#6A51A3", "#9A9A9A", "#A6D854")
_MARKERS = "osD^v"
_MOST_OF_STATE = 200  # profiles of a state from which on more of them tell nothing new
_N_COMPONENTS = 50


class StateMapDisplay:
    """Profiles of some states on a map, and where perturbed profiles come to lie.

    The map is a t-SNE: it keeps neighbours together, while distances between groups and the
    axes mean nothing. The legend therefore counts the perturbed profiles whose nearest profile
    other than their own, by all genes, is of the target state.

    Parameters
    ----------
    positions : array-like of shape (n_profiles, 2)
        Places of the original profiles.
    states : array-like of shape (n_profiles,)
        Their states.
    perturbed : array-like of shape (n_perturbed, 2)
        Places of the perturbed profiles.
    target : str or number
        The state that they should reach.
    n_near_target : int, default=None
        Number of perturbed profiles whose nearest original profile, other than their own, is of
        the target state.

    Attributes
    ----------
    names : list
        The states drawn, the target first.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.plotting import StateMapDisplay
    >>> positions = [[0.0, 0.0], [0.1, 0.0], [3.0, 3.0], [3.1, 3.0]]
    >>> states = ["Nerve", "Nerve", "Brain", "Brain"]
    >>> display = StateMapDisplay(positions, states, [[0.0, 0.1]], target="Nerve").plot()
    >>> display.names
    ['Nerve', 'Brain']
    >>> plt.close(display.figure_)
    """

    def __init__(self, positions, states, perturbed, *, target, n_near_target=None):
        self.positions, self.perturbed = np.asarray(positions), np.asarray(perturbed)
        self.states, self.target, self.n_near_target = np.asarray(states), target, n_near_target
        names = np.unique(self.states).tolist()
        if target not in names:
            raise ValueError(f"states holds no profile of target={target!r}, only {few(names)}.")
        self.names = sorted(names, key=lambda name: name != target)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        n_states=10,
        n_perturbed=100,
        perplexity=30,
        random_state=None,
        ax=None,
    ):
        """Draw where a perturber brings profiles of other states.

        Parameters
        ----------
        estimator : estimator
            A fitted perturber, such as :class:`~skgex.perturbation.TSPG`, or a pipeline or grid
            search that ends with one.
        X : array-like of shape (n_profiles, n_genes)
            Profiles, best those that were not trained on.
        y : array-like of shape (n_profiles,)
            Their states.
        n_states : int, default=10
            Largest number of states to draw. The target is one of them, the others are chosen at
            random, and so are 200 profiles of a state that has more.
        n_perturbed : int, default=100
            Largest number of profiles to perturb, chosen at random among those of all states but
            the target.
        perplexity : float, default=30
            How many neighbours the t-SNE looks at; no more than a third of the profiles drawn.
        random_state : int, RandomState instance or None, default=None
            Chooses states and profiles, and begins the t-SNE.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        StateMapDisplay

        Raises
        ------
        ValueError
            If the estimator does not perturb, shapes differ, a value or state is missing, or
            there is no profile of the target or of another state.
        """
        for name, value, least in (("n_states", n_states, 2), ("n_perturbed", n_perturbed, 1)):
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name}={value!r} must be a whole number, {least} or more.")
        if not isinstance(perplexity, Real) or not 1 <= perplexity < np.inf:
            raise ValueError(f"perplexity={perplexity!r} must be a number, 1 or more.")
        model, X, y = perturber_and_profiles(estimator, X, y)
        target, rng = model.target_, check_random_state(random_state)
        others = np.unique(y[y != target])
        if len(others) == len(np.unique(y)):
            raise ValueError(
                f"y holds no profile of the target {str(target)!r}, only {few(others)}: pass "
                "profiles of it too, so that perturbed ones can be seen beside them."
            )
        others = _some(others, n_states - 1, rng)
        rows = [_some(np.flatnonzero(y == s), _MOST_OF_STATE, rng) for s in (target, *others)]
        rows = np.concatenate(rows)
        moved = _some(np.flatnonzero(y != target), n_perturbed, rng)
        original = in_shares(model, _safe_indexing(X, rows))
        made = perturbed(model, _safe_indexing(X, moved))
        both = np.concatenate([original, in_shares(model, made)])
        # Of all others: a profile perturbed within its state's spread is nearest to itself before.
        # Of all that were passed, drawn or not: the perturbed ones come from all states.
        nearest = NearestNeighbors(n_neighbors=2).fit(in_shares(model, X))
        nearest = nearest.kneighbors(both[len(rows) :], return_distance=False)
        nearest = np.where(nearest[:, 0] == moved, nearest[:, 1], nearest[:, 0])
        places = _places(both, perplexity, rng)
        return cls(
            places[: len(rows)],
            y[rows],
            places[len(rows) :],
            target=target,
            n_near_target=int(np.sum(y[nearest] == target)),
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
        side = max(4.9, 0.9 + 0.2 * len(self.names))
        with style():
            ax = new_axes(ax, (side + 3.6, side + 0.3))
            for number, name in enumerate(self.names[1:]):
                color = _COLORS[number % len(_COLORS)]
                marker = _MARKERS[number // len(_COLORS) % len(_MARKERS)]
                label = f"{number + 1}  {shorten(str(name), 40)}"
                self._draw_state(ax, name, label, s=11, alpha=0.75, color=color, marker=marker)
            label = f"{shorten(str(self.target), 40)} (target)"
            self._draw_state(ax, self.target, label, s=18, alpha=0.9, color=VERMILLION, zorder=3)
            label = f"{count(len(self.perturbed), 'profile')}, perturbed"
            if self.n_near_target is not None:
                label += f":\n{self.n_near_target:,} nearest to one of the target"
            cross = dict(s=30, color=INK, marker="x", linewidths=1.1, zorder=4)
            ax.scatter(*self.perturbed.T, **cross, label=label)
            self._number_states(ax)
            ax.grid(False)
            ax.spines[:].set_visible(True)
            ax.set(xticks=[], yticks=[], box_aspect=1, anchor="W")
            ax.set_aspect("equal", adjustable="datalim")
            ax.set_xlabel("t-SNE: close profiles are alike, distances far apart mean nothing")
            *others, target, perturbed = ax.collections
            handles = [target, perturbed, *others]
            ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1, 1.01), markerscale=1.4)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_state(self, ax, name, label, **look):
        positions = self.positions[self.states == name]
        ax.scatter(*positions.T, linewidths=0, rasterized=True, label=label, **look)

    def _number_states(self, ax):
        """Write the number of the legend at the middle of a state's largest group."""
        from matplotlib.patheffects import withStroke

        outline = [withStroke(linewidth=2.5, foreground="white")]
        look = dict(ha="center", va="bottom", weight="bold", path_effects=outline, zorder=5)
        for position, name in enumerate(self.names[1:]):
            own = self.positions[self.states == name]
            distance = np.linalg.norm(own[:, np.newaxis] - own, axis=2)
            middle = own[np.argmin(np.median(distance, axis=1))]
            # A little above, so that it hides no group of few profiles.
            place = dict(xytext=(0, 3), textcoords="offset points")
            ax.annotate(str(position + 1), middle, **place, **look)


def _some(items, most, rng):
    """Up to `most` of the items, chosen at random, in their order."""
    if len(items) <= most:
        return items
    return items[np.sort(rng.choice(len(items), most, replace=False))]


def _places(profiles, perplexity, rng):
    """Places of profiles on a t-SNE map of their principal components."""
    # Perturbed profiles count among them: else, what sets them apart could be projected away.
    pca = PCA(min(_N_COMPONENTS, *profiles.shape), random_state=rng.randint(2**31 - 1))
    scores = pca.fit_transform(profiles)
    perplexity = min(perplexity, max(1, (len(profiles) - 1) / 3))
    init = "pca" if scores.shape[1] > 1 else "random"
    seed = rng.randint(2**31 - 1)
    return TSNE(perplexity=perplexity, init=init, random_state=seed).fit_transform(scores)
