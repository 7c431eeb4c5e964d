"""A short name for everything that decides the outcome of a fit."""

from hashlib import blake2b

import numpy as np


def fingerprint(*parts):
    """Hash arrays by their bytes and anything else by its ``repr`` into 32 hexadecimal digits."""
    digest = blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part))
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()
