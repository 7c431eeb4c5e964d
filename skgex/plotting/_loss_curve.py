"""How training went, epoch by epoch."""

from math import ceil

import numpy as np

from skgex._utils._pipelines import final_estimator
from skgex.plotting._style import BLUE, DASHED, ORANGE, VERMILLION, panels, style

# In words, and where a loss is one formula, in the papers' symbols.
_LABELS = {
    "train_loss": "training loss",
    "valid_mae": "validation MAE\n(scaled genes)",
    "critic_loss": "critic loss",
    "adversarial_loss": "adversarial loss",
    "generator_loss": "adversarial loss",
    "consistency_loss": "dropout consistency",
    "reconstruction_loss": "landmark reconstruction",
    "translation_loss": "target translation",
    "inversion_loss": "latent inversion",
    "synthetic_loss": "synthetic pairs",
    "pseudo_loss": "teacher's inferences",
    "relation_loss": "relations of tasks",
}
_SYMBOLS = {
    "consistency_loss": r"$\Vert \hat{y} - \hat{y}^{\prime}\Vert^2$",
    "reconstruction_loss": r"$\Vert G_x(I(x)) - x\Vert_1$",
    "translation_loss": r"$\Vert G_y(I(x)) - y\Vert_1$",
    "inversion_loss": r"$\Vert I(G_x(z)) - z\Vert_1$",
    "synthetic_loss": r"$\Vert F(G_x(z)) - G_y(z)\Vert_1$",
    "pseudo_loss": r"$\Vert F(x) - T(x)\Vert_1$",
}


class LossCurveDisplay:
    """Training loss, validation error and further losses of every epoch, one panel each.

    Two curves stand above each other. More of them, as adversarial nets have, make a grid of two
    or three columns whose last and widest panel shows the validation error.

    Parameters
    ----------
    history : dict of str to list of float
        One number an epoch, as ``history_`` of a fitted estimator; NaN in epochs without it.
    best_epoch : int, default=None
        Epoch, counted from 1, whose weights were kept, if validation profiles chose one.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One for each entry of `history`, in its order but for validation, which comes last.
    ax_ : matplotlib Axes
        The last of them.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.plotting import LossCurveDisplay
    >>> history = {"train_loss": [1.0, 0.5, 0.3], "valid_mae": [0.8, 0.6, 0.7]}
    >>> display = LossCurveDisplay(history, best_epoch=2).plot()
    >>> len(display.axes_)
    2
    >>> plt.close(display.figure_)
    """

    def __init__(self, history, *, best_epoch=None):
        names = sorted(history, key=_is_validation)
        self.history = {name: list(history[name]) for name in names}
        self.best_epoch = best_epoch
        lengths = {name: len(values) for name, values in self.history.items()}
        if len(set(lengths.values())) != 1 or 0 in lengths.values():
            raise ValueError(
                f"history must hold curves of the same number of epochs, at least one; found "
                f"{lengths}."
            )
        if best_epoch is not None and not 1 <= best_epoch <= next(iter(lengths.values())):
            raise ValueError(f"best_epoch={best_epoch} is not among the epochs of {lengths}.")

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw how a fitted net was trained.

        Parameters
        ----------
        estimator : estimator
            A fitted net such as :class:`~skgex.inference.DGEXRegressor`, or a pipeline or grid
            search whose final estimator is one.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. Its place is divided among the panels.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ValueError
            If the estimator has no ``history_``.
        """
        net = final_estimator(estimator)
        if not hasattr(net, "history_"):
            raise ValueError(
                f"{type(net).__name__} has no history_: only nets are trained in epochs, and "
                "they have one once they are fitted."
            )
        # Without validation profiles the last epoch is kept, which does not make it the best.
        best_epoch = net.best_epoch_ if "valid_mae" in net.history_ else None
        return cls(net.history_, best_epoch=best_epoch).plot(ax=ax)

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
        with style():
            axes = self._panels(ax)
            for panel, (name, values) in zip(axes, self.history.items(), strict=True):
                self._draw_curve(panel, name, values)
            axes[0].figure.align_ylabels(axes)
        self.axes_, self.ax_, self.figure_ = axes, axes[-1], axes[0].figure
        return self

    def _panels(self, ax):
        n_panels = len(self.history)
        n_cols = 1 if n_panels <= 2 else 2 if n_panels <= 4 else 3
        n_rows = ceil(n_panels / n_cols)
        size = max(6.4, 3.2 * n_cols), 0.8 + 1.9 * n_rows
        axes = panels(ax, n_rows, n_cols, size, sharex=n_cols == 1)
        axes, spare = axes[:n_panels], axes[n_panels:]
        spans = _is_validation([*self.history][-1])
        if len(spare) and spans:
            cells = axes[-1].get_subplotspec().get_gridspec()
            axes[-1].set_subplotspec(cells[n_panels - 1 :])
        for panel in spare:
            panel.remove()
        n_epochs = len(next(iter(self.history.values())))
        for panel in axes:
            panel.set_xlim((1, n_epochs) if n_epochs > 1 else (0.5, 1.5))
            panel.xaxis.get_major_locator().set_params(integer=True)
        lowest = (n_rows - 1) * n_cols if spans else n_panels - n_cols
        for panel in axes[lowest:]:
            panel.set_xlabel("epoch")
        return axes

    def _draw_curve(self, ax, name, values):
        epochs = range(1, len(values) + 1)
        color = ORANGE if _is_validation(name) else BLUE
        is_point = np.isfinite(values).sum() == 1
        ax.plot(epochs, values, color=color, linewidth=1.8, marker="o" if is_point else "")
        words, stacked = _LABELS.get(name, name.replace("_", " ")), len(self.history) <= 2
        if stacked:
            ax.set_ylabel(words)
        else:
            ax.set_title(words.replace("\n", " "), loc="left", fontsize=10)
            ax.set_ylabel(_SYMBOLS.get(name, ""))
        if self.best_epoch is None:
            return
        ax.axvline(self.best_epoch, **DASHED, zorder=1)
        if name == "valid_mae":
            best = values[self.best_epoch - 1]
            label = f"best epoch {self.best_epoch}: {best:.4f}"
            mark = dict(color=VERMILLION, markersize=7, clip_on=False, linestyle="", label=label)
            ax.plot(self.best_epoch, best, marker="o", **mark)
            ax.legend(loc="upper right" if stacked else "best")


def _is_validation(name):
    return name.startswith("valid")
