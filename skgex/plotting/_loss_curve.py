"""How training went, epoch by epoch."""

from skgex.plotting._style import BLUE, DASHED, ORANGE, VERMILLION, panels, style

_LABELS = {
    "train_loss": "training loss",
    "valid_mae": "validation MAE\n(scaled genes)",
}


class LossCurveDisplay:
    """Training loss and validation error of every epoch, one panel each.

    Parameters
    ----------
    history : dict of str to list of float
        One number an epoch, as ``history_`` of a fitted estimator.
    best_epoch : int, default=None
        Epoch, counted from 1, whose weights were kept, if validation profiles chose one.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One for each entry of `history`.
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
        self.history = {name: list(values) for name, values in history.items()}
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
        net = _final_estimator(estimator)
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
        n_panels = len(self.history)
        with style():
            axes = panels(ax, n_panels, 1, (6.4, 0.8 + 1.9 * n_panels), sharex=True)
            for panel, (name, values) in zip(axes, self.history.items(), strict=True):
                self._draw_curve(panel, name, values)
            axes[-1].set_xlabel("epoch")
            n_epochs = len(next(iter(self.history.values())))
            axes[-1].set_xlim((1, n_epochs) if n_epochs > 1 else (0.5, 1.5))
            axes[-1].xaxis.get_major_locator().set_params(integer=True)
            axes[0].figure.align_ylabels(axes)
        self.axes_, self.ax_, self.figure_ = axes, axes[-1], axes[0].figure
        return self

    def _draw_curve(self, ax, name, values):
        epochs = range(1, len(values) + 1)
        color = ORANGE if name.startswith("valid") else BLUE
        ax.plot(epochs, values, color=color, linewidth=1.8, marker="o" if len(values) == 1 else "")
        ax.set_ylabel(_LABELS.get(name, name.replace("_", " ")))
        if self.best_epoch is None:
            return
        ax.axvline(self.best_epoch, **DASHED, zorder=1)
        if name == "valid_mae":
            best = values[self.best_epoch - 1]
            label = f"best epoch {self.best_epoch}: {best:.4f}"
            mark = dict(color=VERMILLION, markersize=7, clip_on=False, linestyle="", label=label)
            ax.plot(self.best_epoch, best, marker="o", **mark)
            ax.legend(loc="upper right")


def _final_estimator(estimator):
    """Step out of grid searches and pipelines."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        else:
            return estimator
