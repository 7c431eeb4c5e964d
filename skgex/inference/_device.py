"""Where solvers that need double precision run."""

import torch

from skgex import _training as training


def float64_device(device=None):
    """Return the ``torch.device`` to solve on in float64; None picks cuda or cpu.

    Raises
    ------
    ValueError
        If ``device`` is not present on this machine, or has no float64.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    resolved = training.resolve_device(device)
    if resolved.type == "mps":
        raise ValueError(
            f"device={str(device)!r} has no float64, which this solver needs. Choose 'cpu'."
        )
    return resolved


def present_device(device):
    """Return ``device`` as a ``torch.device``, or the CPU if it is not on this machine."""
    try:
        return training.resolve_device(device)
    except ValueError:  # fitted on a GPU, predicting where there is none
        return torch.device("cpu")
