"""Where to compute, in which precision, and with whose random numbers."""

import os
from contextlib import contextmanager

import torch

# Gradients and casts of a wide net are hundreds of megabytes that come and go in every step; with
# huge pages their allocation no longer costs a third of it. torch reads this at its first large
# allocation; whoever has set it, or has allocated before, is left alone.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def resolve_device(device=None):
    """Return the ``torch.device`` to use; None picks cuda, mps, cpu in this order.

    Raises
    ------
    ValueError
        If ``device`` is not a device, or is not present on this machine.
    """
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"device={str(device)!r} cannot be used on this machine. "
            "Choose 'cpu', or None to take the fastest device there is."
        ) from error
    return resolved


def float64_device(device=None):
    """Return the ``torch.device`` to solve on in float64; None picks cuda or cpu.

    Raises
    ------
    ValueError
        If ``device`` is not present on this machine, or has no float64.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    resolved = resolve_device(device)
    if resolved.type == "mps":
        raise ValueError(
            f"device={str(device)!r} has no float64, which this solver needs. Choose 'cpu'."
        )
    return resolved


def present_device(device, dtype=torch.float32):
    """Return ``device`` to predict on, or the CPU if it is not here or does not know ``dtype``."""
    try:
        resolved = resolve_device(device)
    except ValueError:  # fitted on a GPU, predicting where there is none
        return torch.device("cpu")
    lacks_dtype = resolved.type == "mps" and dtype == torch.float64
    return torch.device("cpu") if lacks_dtype else resolved


# Below this width the casts cost more than the faster products save.
_MIN_UNITS_FOR_BFLOAT16 = 256


def resolve_precision(precision, device, units):
    """Return "float32" or "bfloat16" for training a net whose widest layer has ``units`` units.

    "auto" takes bfloat16 autocast where the hardware multiplies it natively and the net is wide
    enough to gain from it. Weights and optimiser state are float32 either way.
    """
    if precision != "auto":
        return precision
    if units < _MIN_UNITS_FOR_BFLOAT16:
        return "float32"
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        native = device.type == "cpu" and _cpu_multiplies_bfloat16()
    return "bfloat16" if native else "float32"


def _cpu_multiplies_bfloat16():
    # torch offers no public query in all versions we support; without an answer stay exact.
    queries = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in queries)


@contextmanager
def forked_rng(seed, device):
    """Seed torch's global generators inside the block and give them back untouched after it."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        # torch.manual_seed would seed every accelerator, also those that are not given back.
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            torch.mps.manual_seed(seed)
        yield
