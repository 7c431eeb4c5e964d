"""What a trained module makes of profiles."""

from copy import deepcopy

import torch

from skgex._training._device import present_device

# Profiles per chunk: bounds memory, long enough for fast products.
CHUNK = 4096


def finished(module):
    """A trained module as it is kept: on the CPU, without gradients, for predicting."""
    module.zero_grad(set_to_none=True)
    return module.eval().requires_grad_(False).cpu()


def forward(module, X, device, chunk=CHUNK):
    """Return what ``module``, trained on ``device``, makes of an array of profiles, an ndarray.

    Computing in the dtype of the profiles makes results independent of how rows are batched.
    """
    dtype = torch.from_numpy(X[:0]).dtype
    device = present_device(device, dtype)
    if (dtype, device.type) != (torch.float32, "cpu"):
        module = deepcopy(module).to(device=device, dtype=dtype)
    with torch.inference_mode():
        chunks = torch.from_numpy(X).split(chunk)
        return torch.cat([module(chunk.to(device)).cpu() for chunk in chunks]).numpy()
