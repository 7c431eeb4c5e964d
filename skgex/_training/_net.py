"""The supervised net: skorch's loop over tensor batches."""

from collections import defaultdict
from math import isfinite, nan

import torch
from skorch import NeuralNet
from skorch.callbacks import EpochTimer

from skgex._losses import absolute_error, weighted_mean


class SupervisedNet(NeuralNet):
    """Train a module on batches ``(X, Y)`` or ``(X, Y, weight)`` with per-profile losses.

    skorch keeps the history, the optimiser and the callbacks. Three of its habits are replaced,
    each for a reason: batches come from :class:`TensorBatches` (its ``DataLoader`` costs a quarter
    of the time); the loss is summed on the device and read once an epoch (reading it for every
    batch makes a GPU wait); a keyboard interrupt reaches the caller (skorch takes it for the end
    of training and would return a half-trained model in silence).

    Parameters
    ----------
    module : torch.nn.Module
        From measured to inferred genes.
    criterion : callable
        ``(Y_hat, Y) -> (n_profiles,)``, one of :mod:`skgex._losses`.
    precision : {"float32", "bfloat16"}
        Of the matrix products while training and validating.
    valid_batches : TensorBatches or None
        Batches whose mean absolute error per gene is recorded as ``valid_mae`` every epoch.
    **kwargs
        Of :class:`skorch.NeuralNet`.
    """

    def __init__(self, module, *, criterion, precision="float32", valid_batches=None, **kwargs):
        self.precision = precision
        self.valid_batches = valid_batches
        kwargs = {"verbose": 0, "train_split": None} | kwargs
        super().__init__(module, criterion=criterion, **kwargs)

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer())]

    def initialize_criterion(self):
        self.criterion_ = self.criterion
        return self

    # -- one batch ---------------------------------------------------------------------------
    def autocast(self):
        device_type = torch.device(self.device).type
        return torch.autocast(device_type, torch.bfloat16, enabled=self.precision == "bfloat16")

    def objective(self, batch):
        """The loss to minimise on a batch; a scalar tensor."""
        X, Y, *weight = batch
        with self.autocast():
            Y_hat = self.module_(X)
        return weighted_mean(self.criterion_(Y_hat.float(), Y), *weight)

    def train_step(self, batch, **fit_params):
        self.optimizer_.zero_grad(set_to_none=True)
        loss = self.objective(batch)
        loss.backward()
        self.notify(
            "on_grad_computed",
            named_parameters=self.module_.named_parameters(),
            batch=batch,
            training=True,
        )
        self.optimizer_.step()
        return {"loss": loss.detach()}

    @torch.no_grad()
    def validation_step(self, batch, **fit_params):
        X, Y, *weight = batch
        with self.autocast():
            Y_hat = self.module_(X)
        return {"loss": weighted_mean(absolute_error(Y_hat.float(), Y), *weight)}

    # -- the loop ----------------------------------------------------------------------------
    def partial_fit(self, X, y=None, classes=None, **fit_params):
        if not self.initialized_:
            self.initialize()
        self.stop_training_ = False
        self.notify("on_train_begin", X=X, y=y)
        self.fit_loop(X)
        self.notify("on_train_end", X=X, y=y)
        return self

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        while len(self.history) < self.max_epochs and not self.stop_training_:
            self.notify("on_epoch_begin", dataset_train=X, dataset_valid=self.valid_batches)
            self.run_single_epoch(X, True, "train_loss", self.train_step)
            if self.valid_batches is not None:
                self.run_single_epoch(self.valid_batches, False, "valid_mae", self.validation_step)
            self._check_finite()
            self.notify("on_epoch_end", dataset_train=X, dataset_valid=self.valid_batches)
        return self

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run one epoch and record the weighted mean loss of its profiles as ``prefix``.

        Further ``terms`` of a step are recorded under their own names.
        """
        self._set_training(training)
        totals, whole = defaultdict(float), 0.0
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            share = self.weight_of(batch)
            for name, value in ({prefix: step["loss"]} | step.get("terms", {})).items():
                totals[name] += value * share
            whole += share
            self.notify("on_batch_end", batch=batch, training=training, **step)
        for name, total in totals.items():
            self.history.record(name, float(total) / float(whole))

    @staticmethod
    def weight_of(batch):
        """What the losses of a batch count for in the mean over an epoch."""
        X, _, *weight = batch
        return weight[0].sum() if weight else len(X)

    def losses(self):
        """The mean losses of every epoch, by name; NaN where an epoch has none of that name."""
        rows = [_losses(row) for row in self.history.to_list()]
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name, nan) for row in rows] for name in names}

    def _check_finite(self):
        for name, loss in _losses(self.history[-1]).items():
            if not isfinite(loss):
                raise FloatingPointError(
                    f"Training diverged: {name} is {loss} in epoch {len(self.history)}. "
                    f"Lower lr (now {self.lr}), or bring the genes to a common scale."
                )


def _losses(row):
    """What an epoch of the history recorded, without what skorch keeps there."""
    return {name: value for name, value in row.items() if name not in ("batches", "epoch", "dur")}
