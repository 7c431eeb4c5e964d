"""Estimators and torch modules as (JSON, arrays), and back.

A value that JSON knows stays as it is; any other becomes an object of one key, its kind:
``{"tuple": [...]}``, ``{"array": "steps.0.1.mean_"}``, ``{"estimator": {...}}``. Decoding creates
objects of the packages below only, and imports nothing else. Torch is imported only when there is
something of it.
"""

import inspect
import sys
from itertools import chain
from pathlib import Path
from types import NoneType

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import MetadataRequest

from skgex._utils._classes import class_path, find_class

ESTIMATOR_PACKAGES = ("skgex", "sklearn")
MODULE_PACKAGES = ("skgex._nets",)

_PLAIN = (NoneType, bool, int, float, str)
_SCALARS = {
    np.dtype(kind).name: kind
    for kind in (
        *(np.bool_, np.str_, np.float16, np.float32, np.float64),
        *(np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64),
    )
}
_NAMES = {kind: name for name, kind in _SCALARS.items()}

# What a hostile file may make numpy allocate, or a module's constructor ask for.
_MAX_CHARACTERS = 2**24
_MAX_UNITS = 10**6
_MAX_CALLS_PER_TENSOR = 100


class Encoder:
    """Turn values into JSON; arrays gather in ``arrays`` under the path that leads to them."""

    def __init__(self):
        self.arrays = {}
        self._paths = {}

    def encode(self, value, path=""):
        if type(value) in _PLAIN:
            return value
        if type(value) is list:
            return self._items(value, path)
        encoded = self._numpy(value, path) or self._object(value, path)
        if encoded is None and "torch" in sys.modules:
            encoded = self._torch(value, path)
        return encoded or _refuse(value, path)

    def _items(self, values, path):
        return [self.encode(value, _join(path, i)) for i, value in enumerate(values)]

    def _fields(self, values, path):
        return {name: self.encode(value, _join(path, name)) for name, value in values.items()}

    def _object(self, value, path):
        match value:
            case tuple() if type(value) is tuple:
                return {"tuple": self._items(value, path)}
            case dict() if type(value) is dict and all(type(key) in _PLAIN for key in value):
                items = value.items()
                return {"dict": [[key, self.encode(v, _join(path, key))] for key, v in items]}
            case slice():
                return {"slice": self._items((value.start, value.stop, value.step), path)}
            case Path():
                return {"path": str(value)}
            case BaseEstimator():
                return self._estimator(value, path)
            case MetadataRequest():
                methods = {m: r.requests for m, r in vars(value).items() if m != "owner"}
                return {"requests": {m: dict(requests) for m, requests in methods.items()}}

    def _numpy(self, value, path):
        match value:
            case np.generic() if type(value) in _NAMES:
                return {"scalar": [_NAMES[type(value)], value.item()]}
            case type() if value in _NAMES:
                return {"type": _NAMES[value]}
            case np.dtype() if value.name in _SCALARS:
                return {"dtype": value.name}
            case np.ufunc() if vars(np).get(value.__name__) is value:
                return {"ufunc": value.__name__}
            case np.ndarray() if type(value) not in (np.ndarray, np.memmap):
                return None
            case np.ndarray() if value.dtype == object:
                return {"objects": [list(value.shape), self._items(value.ravel(), path)]}
            case np.ndarray() if value.dtype.kind == "U" and value.nbytes <= 4 * _MAX_CHARACTERS:
                width = value.dtype.itemsize // 4
                return {"strings": [width, list(value.shape), value.ravel().tolist()]}
            case np.ndarray() if value.dtype.name in _SCALARS:
                return {"array": self._keep(value, path)}

    def _torch(self, value, path):
        import torch

        match value:
            case torch.device():
                return {"device": str(value)}
            case torch.Tensor() if type(value) is torch.Tensor:
                return {"tensor": self._keep(_to_numpy(value, path), path)}
            case torch.nn.Module():
                return self._module(value, path)

    def _estimator(self, estimator, path):
        cls = type(estimator)
        params = {name: _bare(v) for name, v in estimator.get_params(deep=False).items()}
        left_out = {*params, *getattr(estimator, "_not_saved", ())}
        state = {name: value for name, value in vars(estimator).items() if name not in left_out}
        return {
            "estimator": {
                "class": class_path(cls, ESTIMATOR_PACKAGES, BaseEstimator)
                or _refuse(estimator, path),
                "params": self._fields(params, path),
                "state": self._fields(state, path),
            }
        }

    def _module(self, module, path):
        import torch

        name = class_path(type(module), MODULE_PACKAGES, torch.nn.Module)
        config = getattr(module, "config", None)
        if name is None or not isinstance(config, dict):
            _refuse(module, path)
        state = module.state_dict()
        state = {key: _to_numpy(tensor, _join(path, key)) for key, tensor in state.items()}
        # What could not be loaded is noticed now, while the module is still at hand.
        _rebuild(type(module), config, state)
        return {
            "module": {
                "class": name,
                "config": self._fields(config, _join(path, "config")),
                "state": {key: self._keep(a, _join(path, key)) for key, a in state.items()},
                "frozen": [n for n, p in module.named_parameters() if not p.requires_grad],
            }
        }

    def _keep(self, array, path):
        memory = array.__array_interface__
        memory = (memory["data"], array.strides, array.shape, array.dtype.str)
        if array.size and memory in self._paths:  # what several estimators share is stored once
            return self._paths[memory]
        while path in self.arrays:  # {"a.b": …} beside {"a": {"b": …}}
            path += "'"
        self.arrays[path] = array
        self._paths[memory] = path
        return path


def _bare(value):
    """A parameter in the plainest form that serves: the numbers of a table, sets as lists.

    Names of a table's columns are kept by whatever was fitted on it.
    """
    if hasattr(value, "columns") and hasattr(value, "to_numpy"):
        return value.to_numpy()
    if type(value) is dict:
        # Collections of names, such as gene sets, whose order means nothing.
        return {k: sorted(v) if isinstance(v, set | frozenset) else v for k, v in value.items()}
    return value


def _join(path, name):
    return f"{path}.{name}" if path else str(name)


def _refuse(value, path):
    if isinstance(value, np.random.RandomState | np.random.Generator):
        advice = "Pass an integer as random_state."
    elif isinstance(value, BaseEstimator):
        advice = "Use estimators of skgex and scikit-learn only."
    elif inspect.isroutine(value):
        advice = "Use a ufunc of numpy, or an estimator of skgex or scikit-learn."
    else:
        advice = "Save an estimator without it, for instance the `best_estimator_` of a search."
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise TypeError(
        f"Cannot save {path or 'the estimator'!r}: a {kind} cannot be written as numbers and text "
        f"that this package can read back. {advice}"
    )


class Decoder:
    """The way back from :class:`Encoder`.

    Whatever a malformed file makes it raise, it has had no effect outside itself.
    """

    def __init__(self, arrays):
        self.arrays = arrays

    def decode(self, value):
        match value:
            case list():
                return [self.decode(item) for item in value]
            case {"tuple": list(items)}:
                return tuple(self.decode(items))
            case {"dict": list(items)}:
                return {key: self.decode(item) for key, item in items}
            case {"slice": [_, _, _] as items}:
                return slice(*self.decode(items))
            case {"path": str(path)}:
                return Path(path)
            case {"estimator": {"class": str(path), "params": dict(params), "state": dict(state)}}:
                return self._estimator(path, params, state)
            case {"requests": dict(methods)}:
                return _metadata_request(methods)
            case {"scalar": [str(name), item]}:
                return _SCALARS[name](item)
            case {"type": str(name)}:
                return _SCALARS[name]
            case {"dtype": str(name)}:
                return np.dtype(_SCALARS[name])
            case {"ufunc": str(name)} if isinstance(vars(np).get(name), np.ufunc):
                return vars(np)[name]
            case {"objects": [list(shape), list(items)]}:
                array = np.empty(len(items), object)
                for i, item in enumerate(items):
                    array[i] = self.decode(item)
                return array.reshape(shape)
            case {"strings": [int(width), list(shape), list(items)]} if len(
                items
            ) * width <= _MAX_CHARACTERS and all(isinstance(item, str) for item in items):
                return np.array(items, f"U{width}").reshape(shape)
            case {"array": str(name)}:
                return self._array(name)
            case {"device": _} | {"tensor": _} | {"module": _}:
                return self._torch(value)
            case dict():
                raise ValueError(f"it holds a value of unknown kind: {list(value)!r:.80}.")
        return value

    def _torch(self, value):
        import torch

        match value:
            case {"device": str(name)}:
                return torch.device(name)
            case {"tensor": str(name)}:
                return torch.from_numpy(self._array(name))
            case {"module": {"class": str(path), "config": dict(config), "state": dict(state)}}:
                cls = find_class(path, MODULE_PACKAGES, torch.nn.Module)
                state = {key: self._array(name) for key, name in state.items()}
                module = _rebuild(cls, self._fields(config), state)
                for name in value["module"]["frozen"]:
                    module.get_parameter(name).requires_grad_(False)
                return module
        raise ValueError("it holds a malformed module.")

    def _fields(self, fields):
        return {name: self.decode(value) for name, value in fields.items()}

    def _array(self, name):
        if name not in self.arrays:
            raise ValueError(f"array {name!r} is missing.")
        return self.arrays[name]

    def _estimator(self, path, params, state):
        cls = find_class(path, ESTIMATOR_PACKAGES, BaseEstimator)
        names = cls._get_param_names()
        if unknown := sorted(set(params) - set(names)):
            raise ValueError(
                f"{cls.__name__} has no parameter {unknown[0]!r} in the version installed here."
            )
        for name in state:
            hidden = inspect.getattr_static(cls, name, None)
            if name in names or name.startswith("__") or callable(hidden) or _is_property(hidden):
                raise ValueError(f"{name!r} cannot be an attribute of {cls.__name__}.")
        estimator = cls(**self._fields(params))
        vars(estimator).update(self._fields(state))
        return estimator


def _metadata_request(methods):
    request = MetadataRequest(owner=None)  # the owner is for display only
    for method, requests in methods.items():
        for param, alias in requests.items():
            getattr(request, method).add_request(param=param, alias=alias)
    return request


def _is_property(value):
    return inspect.isdatadescriptor(value) or inspect.ismethoddescriptor(value)


# -- torch modules ----------------------------------------------------------------------------
def _to_numpy(tensor, path):
    try:
        return tensor.detach().cpu().numpy()
    except (AttributeError, TypeError, RuntimeError):  # extra state, bfloat16, sparse
        _refuse(tensor, path)


def _rebuild(cls, config, state):
    """The module of ``config`` that holds the arrays of ``state``, in evaluation mode.

    It is laid out on the meta device first, so that no sizes in ``config`` allocate anything.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class Bounded(TorchFunctionMode):
        calls_left = _MAX_CALLS_PER_TENSOR * (1 + len(state))

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.calls_left -= 1
            if self.calls_left < 0:
                raise ValueError(f"its {cls.__name__} has more layers than the file has arrays.")
            return func(*args, **(kwargs or {}))

    units = [u for value in config.values() for u in (value if _is_list(value) else [value])]
    if any(isinstance(u, int) and abs(u) > _MAX_UNITS for u in units):
        raise ValueError(f"a size of its {cls.__name__} is above {_MAX_UNITS:,}.")
    with torch.device("meta"), Bounded():
        module = cls(**config)
    state = {name: torch.from_numpy(array) for name, array in state.items()}
    try:
        module.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"its {cls.__name__} and the arrays do not match: {reason}") from error
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        if tensor.is_meta:
            raise ValueError(f"its {cls.__name__} keeps {name!r} outside its state_dict.")
    return module.eval()


def _is_list(value):
    return isinstance(value, list | tuple)
