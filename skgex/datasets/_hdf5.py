"""HDF5 beneath GCTX and h5ad."""

import math
from contextlib import contextmanager

from skgex._utils._optional import optional

_PURPOSE = "Reading and writing gctx and h5ad files"


def open_hdf5(path):
    """Open an HDF5 file for reading; h5py is imported only now."""
    return optional("h5py", _PURPOSE).File(path)


@contextmanager
def hdf5_output(path):
    """Yield an HDF5 file that is built in memory and written to ``path`` in one piece.

    When HDF5 itself meets a full disk it prints a traceback for every open object and may take
    the process down; Python's own writing raises OSError.
    """
    h5py = optional("h5py", _PURPOSE)
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        yield file
        file.flush()
        path.write_bytes(file.id.get_file_image())


def check_complete(dataset):
    """Refuse a matrix whose declared shape is not backed by stored values.

    HDF5 would allocate the declared shape and fill what is not there with zeros.
    """
    n_bytes = dataset.size * dataset.dtype.itemsize
    if dataset.chunks is None:
        stored = min(dataset.id.get_storage_size(), dataset.file.id.get_filesize())
        expected, unit = n_bytes, "bytes"
    else:
        grid = zip(dataset.shape, dataset.chunks, strict=True)
        expected = math.prod(-(-size // chunk) for size, chunk in grid)
        stored, unit = dataset.id.get_num_chunks(), "chunks"
    if stored < expected:
        shape = " x ".join(map(str, dataset.shape))
        raise ValueError(
            f"its matrix {dataset.name} is declared as {shape}, but only {stored} of {expected} "
            f"{unit} are stored; the file is truncated or was never finished."
        )
