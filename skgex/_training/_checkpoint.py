"""Checkpoints: a fit that is killed continues from its last whole epoch."""

from pathlib import Path

import torch
from skorch.callbacks import Callback
from skorch.history import History

from skgex._training._callbacks import BestEpoch
from skgex._utils._archive import read_archive, write_archive


class Checkpoint(Callback):
    """Write the whole state of training after every epoch, and take it up again.

    Weights, optimiser state, history, best epoch and random generators are stored, so that the
    continued training ends with the same weights as one that was never interrupted. The file is
    replaced atomically and removed when training is complete.

    Parameters
    ----------
    folder : path-like
        Where checkpoints lie; it is made if it does not exist.
    fingerprint : str
        Identifies data, parameters, seed and first weights; it names the file, so that many fits,
        for instance the candidates of a grid search, share a folder and each continues its own.
    """

    def __init__(self, folder, fingerprint):
        self.folder = folder
        self.fingerprint = fingerprint

    @property
    def path(self):
        return Path(self.folder) / f"{self.fingerprint}.checkpoint.safetensors"

    def on_train_begin(self, net, X=None, **kwargs):
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        self.generator_ = X.generator
        if self.path.exists():
            self._restore(net, *read_archive(self.path))

    def on_epoch_end(self, net, **kwargs):
        write_archive(self.path, *self._state(net))

    def on_train_end(self, net, **kwargs):
        self.path.unlink(missing_ok=True)

    # -- state <-> (JSON document, arrays) -----------------------------------------------------
    def _state(self, net):
        history = [
            {name: value for name, value in row.items() if name != "batches"}
            for row in net.history.to_list()
        ]
        document = {"kind": "checkpoint", "history": history, "groups": {}}
        document["stop_training"] = bool(net.stop_training_)
        arrays = {}
        for name in net._modules:
            for key, value in getattr(net, f"{name}_").state_dict().items():
                arrays[f"{name}/{key}"] = _array(value)
        for name in net._optimizers:
            state = getattr(net, f"{name}_").state_dict()
            document["groups"][name] = [
                {key: group[key] for key in ("lr", "initial_lr") if key in group}
                for group in state["param_groups"]
            ]
            for index, values in state["state"].items():
                for key, value in values.items():
                    if value is not None:
                        arrays[f"{name}/{index}/{key}"] = _array(torch.as_tensor(value))
        if (best := _best_epoch(net)) is not None:
            document["best"] = {"epoch": best.best_epoch_, "mae": best.best_mae_}
            for key, value in best.best_state_.items():
                arrays[f"best/{key}"] = _array(value)
        for key, value in self._generators(net).items():
            arrays[f"random/{key}"] = _array(value)
        return document, arrays

    def _restore(self, net, document, arrays):
        tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}

        def part(prefix):
            start = len(prefix) + 1
            return {k[start:]: v for k, v in tensors.items() if k.startswith(prefix + "/")}

        net.history_ = History(document["history"])
        net.stop_training_ = document["stop_training"]
        for name in net._modules:
            getattr(net, f"{name}_").load_state_dict(part(name))
        for name in net._optimizers:
            optimizer = getattr(net, f"{name}_")
            state = optimizer.state_dict()
            for group, saved in zip(state["param_groups"], document["groups"][name], strict=True):
                group.update(saved)
            for key, value in part(name).items():
                index, field = key.split("/", 1)
                state["state"].setdefault(int(index), {})[field] = value
            optimizer.load_state_dict(state)
        if (best := _best_epoch(net)) is not None:
            best.best_epoch_, best.best_mae_ = document["best"]["epoch"], document["best"]["mae"]
            device = next(net.module_.parameters()).device
            best.best_state_ = {key: value.to(device) for key, value in part("best").items()}
        random = part("random")
        torch.set_rng_state(random["cpu"])
        device = torch.device(net.device)
        if device.type == "cuda" and "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"], device)
        self.generator_.set_state(random["batches"])

    def _generators(self, net):
        states = {"cpu": torch.get_rng_state(), "batches": self.generator_.get_state()}
        device = torch.device(net.device)
        if device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(device)
        return states


def _array(tensor):
    # numpy has no bfloat16; loading casts back, and loses nothing.
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _best_epoch(net):
    return next((c for _, c in net.callbacks_ if isinstance(c, BestEpoch)), None)
