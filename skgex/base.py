"""The contract that every regressor of skgex keeps, written once."""

from collections import namedtuple
from copy import deepcopy
from numbers import Integral, Real
from os import PathLike

import numpy as np
import torch
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    _get_feature_names,
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from skgex import _training as training
from skgex._utils._fingerprint import fingerprint
from skgex._utils._validation import as_host, labelled_rows, like
from skgex.preprocessing import GeneScaler

TrainingData = namedtuple("TrainingData", "X Y weight X_unlabeled X_val Y_val")
TrainingData.__doc__ = """What a method learns from: validated, scaled, two-dimensional arrays.

``X``, ``Y`` and ``weight`` (or None) are the labelled profiles, ``X_unlabeled`` those without
targets (perhaps no row), ``X_val`` and ``Y_val`` the caller's validation profiles (or None).
"""

_FLOATS = [np.float64, np.float32]


class ProfileRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """From measured genes to inferred genes: validation, gene scaling and output.

    A method derives from it, calls :meth:`_training_data` in ``fit`` and implements
    ``_predict_scaled(X) -> Y`` on scaled arrays; everything a user may expect of any regressor
    (gene scaling, unlabelled rows, 1-D targets, dtypes, tensors, gene names) then holds.
    """

    _parameter_constraints: dict = {
        "gene_scaling": [StrOptions({"standard", "rank-gaussian"}), None],
    }

    def _training_data(
        self, X, y, *, sample_weight=None, X_unlabeled=None, X_val=None, y_val=None, reset=True
    ):
        """Validate what ``fit`` was given, fit the gene scalers, and return `TrainingData`."""
        # The names are read before validation turns tables into arrays.
        target_names = None if y is None else _get_feature_names(y)
        X, y = validate_data(
            self,
            as_host(X),
            as_host(y),
            reset=reset,
            validate_separately=(
                dict(dtype=_FLOATS, ensure_min_samples=2),
                dict(dtype=_FLOATS, ensure_all_finite="allow-nan", ensure_2d=False),
            ),
        )
        if y.ndim > 2:
            raise ValueError(f"y has {y.ndim} dimensions; pass (n_profiles, n_targets).")
        check_consistent_length(X, y)
        y = self._check_targets(y, X.dtype, "y")
        self._y_ndim = y.ndim
        labelled = labelled_rows(y)
        if labelled.sum() < 2:
            raise ValueError(
                f"y has 1 labelled row (n_samples=1) among {len(y)}: at least 2 are needed to "
                "learn from."
            )
        Y = y.reshape(len(y), -1)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            if not sample_weight[labelled].any():
                raise ValueError(
                    "Sample weights must not be all zeros on the labelled rows: give at least "
                    "one labelled profile a positive weight."
                )
        extra = self._check_more(X_unlabeled, "X_unlabeled", X.dtype)
        if reset:
            self.dtype_ = X.dtype
            self.n_outputs_ = Y.shape[1]
            self._set_target_names(target_names)
            self._fit_scalers(X, Y, labelled, sample_weight, extra)
        elif Y.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {Y.shape[1]} targets, but this {type(self).__name__} was fitted on "
                f"{self.n_outputs_}. Pass the same targets, or fit a new estimator."
            )
        Xs = self.x_scaler_.transform(X)
        unlabeled = Xs[~labelled]
        if extra is not None:
            unlabeled = np.concatenate([unlabeled, self.x_scaler_.transform(extra)])
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val belong together: pass both, or neither.")
        if X_val is not None:
            X_val, y_val = self._validation_data(X_val, y_val, X.dtype)
        weight = None if sample_weight is None else sample_weight[labelled].astype(X.dtype)
        return TrainingData(
            Xs[labelled], self.y_scaler_.transform(Y[labelled]), weight, unlabeled, X_val, y_val
        )

    def _fit_scalers(self, X, Y, labelled, weight, X_unlabeled):
        """Fit the scalers: measured genes on all profiles, targets on the labelled ones."""
        x_weight = weight
        if X_unlabeled is not None:
            X = np.concatenate([X, X_unlabeled])
            if weight is not None:
                x_weight = np.concatenate([weight, np.ones(len(X_unlabeled))])
        y_weight = None if weight is None else weight[labelled]
        self.x_scaler_ = GeneScaler(self.gene_scaling).fit(X, sample_weight=x_weight)
        self.y_scaler_ = GeneScaler(self.gene_scaling).fit(Y[labelled], sample_weight=y_weight)

    def _set_target_names(self, names):
        if names is not None:
            self.target_names_ = names
        elif hasattr(self, "target_names_"):
            del self.target_names_

    def _check_targets(self, y, dtype, name):
        if np.isinf(y).any():
            raise ValueError(
                f"Input {name} contains infinity or a value too large for {y.dtype!r}."
            )
        return y.astype(dtype, copy=False)

    def _check_more(self, X, name, dtype):
        """Validate further profiles of the measured genes."""
        if X is None:
            return None
        names = _get_feature_names(X)
        seen = getattr(self, "feature_names_in_", None)
        if names is not None and seen is not None and list(names) != list(seen):
            raise ValueError(
                f"{name} has other genes, or another order, than X: its columns start with "
                f"{list(names[:3])}, those of X with {list(seen[:3])}. Bring them into the order "
                "of X, for instance with GeneAligner."
            )
        X = check_array(as_host(X), dtype=_FLOATS, input_name=name, ensure_min_samples=0)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"{name} has {X.shape[1]} genes, but X has {self.n_features_in_}. "
                "Pass the same measured genes in the same order."
            )
        return X.astype(dtype, copy=False)

    def _validation_data(self, X_val, y_val, dtype):
        X_val = self._check_more(X_val, "X_val", dtype)
        Y_val = check_array(
            as_host(y_val), dtype=_FLOATS, ensure_2d=False, allow_nd=False, input_name="y_val"
        )
        Y_val = Y_val.reshape(len(Y_val), -1)
        check_consistent_length(X_val, Y_val)
        if Y_val.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y_val has {Y_val.shape[1]} targets, but y has {self.n_outputs_}. "
                "Pass the same target genes in the same order."
            )
        return self.x_scaler_.transform(X_val), self.y_scaler_.transform(Y_val.astype(dtype))

    def predict(self, X):
        """Infer the target genes of profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes, in the order of ``fit``.

        Returns
        -------
        ndarray or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Inferred genes in the units of the training targets, with the dtype that ``X`` had in
            ``fit``; one-dimensional if ``y`` was; a tensor on the device of ``X`` if it is one.
        """
        check_is_fitted(self)
        measured = validate_data(self, as_host(X), reset=False, dtype=_FLOATS)
        measured = self.x_scaler_.transform(measured.astype(self.dtype_, copy=False))
        Y = self.y_scaler_.inverse_transform(self._predict_scaled(measured))
        Y = Y.astype(self.dtype_, copy=False)
        return like(Y.ravel() if self._y_ndim == 1 else Y, X)


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
            Weight of each profile in the loss.

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
        data = self._training_data(
            X,
            y,
            sample_weight=sample_weight,
            X_unlabeled=X_unlabeled,
            X_val=X_val,
            y_val=y_val,
            reset=not warm,
        )
        self.device_ = str(training.resolve_device(self.device))
        random_state = check_random_state(self.random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        data = self._with_validation(data, random_state)
        with training.forked_rng(seed, torch.device(self.device_)):
            module = self.module_ if warm else self._make_module(data.X.shape[1], data.Y.shape[1])
            module.to(self.device_).requires_grad_(True)
            net = self._make_net(module, self._net_params(module, data, seed))
            net.fit(self._batches(data, seed))
        self.module_ = module.eval().requires_grad_(False).cpu()
        self._keep_history(net)
        return self

    # -- pieces of fit -------------------------------------------------------------------------
    def _with_validation(self, data, random_state):
        """Hold out labelled profiles for early stopping if no validation profiles were given."""
        n_held_out = round(self.validation_fraction * len(data.X)) if self.early_stopping else 0
        if data.X_val is not None or n_held_out == 0:
            return data
        order = random_state.permutation(len(data.X))
        held_out, kept = order[:n_held_out], np.sort(order[n_held_out:])
        return data._replace(
            X=data.X[kept],
            Y=data.Y[kept],
            weight=None if data.weight is None else data.weight[kept],
            X_val=data.X[held_out],
            Y_val=data.Y[held_out],
        )

    def _batches(self, data, seed):
        """Training batches on the device, in an order that the seed decides."""
        arrays = [data.X, data.Y] if data.weight is None else [data.X, data.Y, data.weight]
        generator = torch.Generator().manual_seed(seed)
        return training.TensorBatches(self._tensors(arrays), self.batch_size, generator)

    def _tensors(self, arrays):
        return [torch.as_tensor(a, dtype=torch.float32, device=self.device_) for a in arrays]

    def _callbacks(self, data, seed):
        # The checkpoint comes last: it stores what the others have decided in an epoch.
        callbacks = list(self._schedule())
        if data.X_val is not None:
            patience = self.patience if self.early_stopping else None
            callbacks.append(("best_epoch", training.BestEpoch(patience)))
        if self.verbose:
            callbacks.append(("progress", training.ProgressBar(type(self).__name__)))
        if self.checkpoint is not None:
            callbacks.append(("checkpoint", self._make_checkpoint(data, seed)))
        return callbacks

    def _schedule(self):
        """Callbacks that steer the learning rate, as (name, callback) pairs."""
        return []

    def _make_checkpoint(self, data, seed):
        if not isinstance(self.random_state, Integral):
            raise ValueError(
                f"checkpoint needs an integer random_state to recognise its own fit, but "
                f"random_state={self.random_state!r}. Set random_state=0, for instance."
            )
        irrelevant = ("verbose", "checkpoint", "device", "warm_start")
        params = {k: v for k, v in self.get_params().items() if k not in irrelevant}
        arrays = [array for array in data if array is not None]
        identity = fingerprint(type(self).__qualname__, params, seed, *arrays)
        return training.Checkpoint(self.checkpoint, identity)

    def _net_params(self, module, data, seed):
        """Arguments of the skorch net that do not depend on the method."""
        valid = None
        if data.X_val is not None:
            tensors = self._tensors([data.X_val, data.Y_val])
            valid = training.TensorBatches(tensors, self._predict_chunk)
        widest = max(p.shape[0] for p in module.parameters() if p.ndim > 1)
        precision = training.resolve_precision(self.precision, torch.device(self.device_), widest)
        return dict(
            lr=self.lr,
            max_epochs=self.max_epochs,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            device=self.device_,
            callbacks=self._callbacks(data, seed),
            valid_batches=valid,
            precision=precision,
        )

    def _keep_history(self, net):
        rows = net.history.to_list()
        names = ("train_loss", "valid_mae")
        self.history_ = {k: [row[k] for row in rows] for k in names if k in rows[0]}
        self.n_epochs_ = len(rows)
        best = [c for _, c in net.callbacks_ if isinstance(c, training.BestEpoch)]
        self.best_epoch_ = best[0].best_epoch_ if best else len(rows)

    def _predict_scaled(self, X):
        # Predicting in the caller's dtype makes results independent of how rows are batched.
        dtype, device = torch.from_numpy(X[:0]).dtype, self._predict_device()
        module = self.module_
        if (dtype, device.type) != (torch.float32, "cpu"):
            module = deepcopy(module).to(device=device, dtype=dtype)
        with torch.inference_mode():
            chunks = torch.from_numpy(X).split(self._predict_chunk)
            return torch.cat([module(chunk.to(device)).cpu() for chunk in chunks]).numpy()

    def _predict_device(self):
        try:
            return training.resolve_device(self.device_)
        except ValueError:  # trained on a GPU, predicting where there is none
            return torch.device("cpu")
