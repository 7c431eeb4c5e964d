"""Callbacks: best epoch and early stopping, learning-rate schedules, progress."""

import math

from skorch.callbacks import Callback, GradientNormClipping


class BestEpoch(Callback):
    """Remember the weights of the best validation epoch and put them back at the end.

    Parameters
    ----------
    patience : int or None
        Stop after this many epochs without a better ``valid_mae``; None never stops early.
    """

    def __init__(self, patience=None):
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        self.best_epoch_, self.best_mae_, self.best_state_ = 0, math.inf, None

    def on_epoch_end(self, net, **kwargs):
        epoch, mae = len(net.history), net.history[-1, "valid_mae"]
        if mae < self.best_mae_:
            state = net.module_.state_dict()
            self.best_epoch_, self.best_mae_ = epoch, mae
            self.best_state_ = {name: value.clone() for name, value in state.items()}
        elif self.patience is not None and epoch - self.best_epoch_ >= self.patience:
            net.stop_training_ = True

    def on_train_end(self, net, **kwargs):
        if self.best_state_ is not None:
            net.module_.load_state_dict(self.best_state_)
            self.best_state_ = None


class LinearDecay(Callback):
    """Lower every learning rate linearly from its start to ``final_ratio`` of it.

    The first epoch trains with the start value and the last one, ``max_epochs``, with the final.
    """

    def __init__(self, final_ratio):
        self.final_ratio = final_ratio

    def on_epoch_begin(self, net, **kwargs):
        done = (len(net.history) - 1) / max(1, net.max_epochs - 1)
        for name in net._optimizers:
            for group in getattr(net, f"{name}_").param_groups:
                start = group.setdefault("initial_lr", group["lr"])
                group["lr"] = start * (1 - done * (1 - self.final_ratio))


class DecayOnRise(Callback):
    """Multiply every learning rate by ``factor`` when the training error rises, down to ``floor``.

    This is D-GEX's schedule.
    """

    def __init__(self, factor=0.9, floor=1e-5):
        self.factor = factor
        self.floor = floor

    def on_epoch_end(self, net, **kwargs):
        losses = net.history[:, "train_loss"]
        if len(losses) > 1 and losses[-1] > losses[-2]:
            for group in net.optimizer_.param_groups:
                lr = group["lr"]
                group["lr"] = max(min(lr, self.floor), lr * self.factor)


def gradient_clipping(max_norm):
    """Named callbacks that shorten each player's gradient to ``max_norm``; None leaves it."""
    return [] if max_norm is None else [("clip", GradientNormClipping(max_norm))]


class ProgressBar(Callback):
    """A tqdm bar over the epochs that shows the current losses."""

    def __init__(self, name):
        self.name = name

    def on_train_begin(self, net, **kwargs):
        from tqdm.auto import tqdm

        self.bar_ = tqdm(total=net.max_epochs, desc=self.name, unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        row = net.history[-1]
        losses = {name: row[name] for name in ("train_loss", "valid_mae") if name in row}
        self.bar_.set_postfix({name: f"{value:.4f}" for name, value in losses.items()})
        self.bar_.update(len(net.history) - self.bar_.n)

    def on_train_end(self, net, **kwargs):
        self.bar_.close()
