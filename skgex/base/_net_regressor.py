"""The training schedule around a net, the same for every net."""

from copy import deepcopy
from numbers import Integral, Real
from os import PathLike

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _training as training
from skgex._utils._fingerprint import fingerprint
from skgex.base._profile_regressor import ProfileRegressor


class NetRegressor(ProfileRegressor):
    """A regressor whose method is a net: the training schedule around it, written once.

    A method implements ``_make_module(n_inputs, n_outputs) -> torch.nn.Module`` and
    ``_make_net(module, params) -> skorch net``, and may override ``_schedule``. The fitted module
    stays in ``module_``; the skorch net around it, with an optimiser state as large as two or
    three models, ends with ``fit``.
    """

    _parameter_constraints: dict = {
        **ProfileRegressor._parameter_constraints,
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "early_stopping": ["boolean"],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device, None],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "checkpoint": [str, PathLike, None],
    }
    # Profiles per chunk of a prediction: bounds memory, long enough for fast products.
    _predict_chunk = 4096

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, X_unlabeled=None, X_val=None, y_val=None, sample_weight=None):
        """Train the net.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes.
        y : array-like or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Target genes. Rows that are all NaN mark unlabelled profiles.
        X_unlabeled : array-like of shape (n_unlabeled, n_landmarks), default=None
            Further unlabelled profiles. Cross-validation slices it like a sample weight if it has
            exactly ``len(X)`` rows; in a pipeline without routing it arrives unscaled.
        X_val, y_val : array-like, default=None
            Validation profiles. Without them ``validation_fraction`` of the labelled profiles is
            held out if ``early_stopping``.
        sample_weight : array-like of shape (n_profiles,), default=None
            Weight of each profile in the loss, and in the validation error if it is held out; 0
            leaves it out. Unlabelled profiles of positive weight count the same.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a row of ``y`` is partly NaN, no row is labelled, or shapes do not fit.
        FloatingPointError
            If training diverges.
        """
        warm = self.warm_start and hasattr(self, "module_")
        if not warm:  # should this fit fail, no old net remains beside new gene scales
            self._forget()
        data = self._training_data(
            X,
            y,
            sample_weight=sample_weight,
            X_unlabeled=X_unlabeled,
            X_val=X_val,
            y_val=y_val,
            reset=not warm,
        )
        if len(data.X) < 2:
            raise ValueError(
                "sample_weight leaves 1 labelled profile of positive weight: a net needs at least "
                "2 to learn from."
            )
        self.device_ = str(training.resolve_device(self.device))
        random_state = check_random_state(self.random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        data = self._with_validation(data, random_state)
        with training.forked_rng(seed, torch.device(self.device_)):
            # Training further leaves the net as it was if it fails.
            sizes = data.X.shape[1], data.Y.shape[1]
            module = self._module_to_continue(*sizes) if warm else self._make_module(*sizes)
            module.to(self.device_).requires_grad_(True)
            net = self._make_net(module, self._net_params(module, data, seed))
            batches = self._batches(data, seed)
            net.fit(batches)
        self._keep(net, batches)
        return self

    def _forget(self):
        """Drop the nets of an earlier fit."""
        vars(self).pop("module_", None)

    # -- pieces of fit -------------------------------------------------------------------------
    def _module_to_continue(self, *sizes):
        with torch.device("meta"):  # only the constructor's arguments are of interest
            asked = self._make_module(*sizes).config
        changed = sorted(k for k, value in asked.items() if value != self.module_.config[k])
        if changed:
            raise ValueError(
                f"warm_start=True continues the net of the previous fit, but {', '.join(changed)} "
                "changed since. Set warm_start=False to train a new net."
            )
        return deepcopy(self.module_)

    def _with_validation(self, data, random_state):
        """Hold out labelled profiles for early stopping if no validation profiles were given."""
        n_held_out = min(round(self.validation_fraction * len(data.X)), len(data.X) - 2)
        if data.X_val is not None or not self.early_stopping or n_held_out <= 0:
            return data
        order = random_state.permutation(len(data.X))
        held_out, kept = order[:n_held_out], np.sort(order[n_held_out:])
        weight, weight_val = None, None
        if data.weight is not None:
            weight, weight_val = data.weight[kept], data.weight[held_out]
        return data._replace(
            X=data.X[kept],
            Y=data.Y[kept],
            weight=weight,
            X_val=data.X[held_out],
            Y_val=data.Y[held_out],
            weight_val=weight_val,
        )

    def _batches(self, data, seed):
        """Training batches on the device, in an order that the seed decides."""
        generator = torch.Generator().manual_seed(seed)
        tensors = self._tensors(data.X, data.Y, data.weight)
        return training.TensorBatches(tensors, self.batch_size, generator)

    def _tensors(self, *arrays):
        return [
            torch.as_tensor(array, dtype=torch.float32, device=self.device_)
            for array in arrays
            if array is not None
        ]

    def _callbacks(self, module, data, seed):
        # The checkpoint comes last: it stores what the others have decided in an epoch.
        callbacks = list(self._schedule())
        if data.X_val is not None:
            patience = self.patience if self.early_stopping else None
            callbacks.append(("best_epoch", training.BestEpoch(patience)))
        if self.verbose:
            callbacks.append(("progress", training.ProgressBar(type(self).__name__)))
        if self.checkpoint is not None:
            callbacks.append(("checkpoint", self._make_checkpoint(module, data, seed)))
        return callbacks

    def _schedule(self):
        """Callbacks that steer the learning rate, as (name, callback) pairs."""
        return []

    def _make_checkpoint(self, module, data, seed):
        if not isinstance(self.random_state, Integral):
            raise ValueError(
                f"checkpoint needs an integer random_state to recognise its own fit, but "
                f"random_state={self.random_state!r}. Set random_state=0, for instance."
            )
        irrelevant = ("verbose", "checkpoint", "device", "warm_start", "save_relations")
        params = {k: v for k, v in self.get_params().items() if k not in irrelevant}
        arrays = [array for array in data if array is not None]
        weights = [tensor.numpy(force=True) for tensor in module.state_dict().values()]
        identity = fingerprint(type(self).__qualname__, params, seed, *arrays, *weights)
        return training.Checkpoint(self.checkpoint, identity)

    def _net_params(self, module, data, seed):
        """Arguments of the skorch net that do not depend on the method."""
        valid = None
        if data.X_val is not None:
            tensors = self._tensors(data.X_val, data.Y_val, data.weight_val)
            valid = training.TensorBatches(tensors, self._predict_chunk)
        widest = max(p.shape[0] for p in module.parameters() if p.ndim > 1)
        precision = training.resolve_precision(self.precision, torch.device(self.device_), widest)
        return dict(
            lr=self.lr,
            max_epochs=self.max_epochs,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            device=self.device_,
            callbacks=self._callbacks(module, data, seed),
            valid_batches=valid,
            precision=precision,
        )

    def _keep(self, net, batches):
        """Keep what outlives training."""
        self.module_ = training.finished(net.module_)
        self.history_ = net.losses()
        self.n_epochs_ = len(net.history)
        best = [c for _, c in net.callbacks_ if isinstance(c, training.BestEpoch)]
        self.best_epoch_ = best[0].best_epoch_ if best else self.n_epochs_

    def _predict_scaled(self, X):
        return training.forward(self.module_, X, self.device_, self._predict_chunk)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "module_")
