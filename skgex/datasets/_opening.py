"""One place where a file that cannot be read becomes one sentence."""

import csv
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

_CONTENTS = {
    b"PK": "a zip archive (npz)",
    b"\x89HDF": "an HDF5 file (gctx or h5ad)",
    b"\x1f\x8b": "gzip-compressed text (csv, tsv, gct or gmt)",
}
_TEXT = "text (csv, tsv, gct or gmt)"
_EXPECTED = {"npz": (b"PK",), "gctx": (b"\x89HDF",), "h5ad": (b"\x89HDF",)}
_DAMAGE = (
    OSError, EOFError, KeyError, TypeError, AttributeError, RuntimeError,
    zipfile.BadZipFile, zlib.error, csv.Error,
)  # fmt: skip


@contextmanager
def reading(path, format):
    """Turn whatever goes wrong while ``path`` is read into one sentence that names the file.

    Parameters
    ----------
    path : str or path-like
        The file that is read inside the block.

    format : str
        What the block takes it for.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        When there is no readable file.

    ValueError
        When the file is empty, is of another format, or is truncated, damaged or refused by its
        reader.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder; name a file in it.")
    _check_content(path, format)
    problem = f"Cannot read {str(path)!r} as {format}"
    try:
        yield
    except UnicodeDecodeError as error:
        raise ValueError(f"{problem}: it is not UTF-8 text.") from error
    except ValueError as error:
        raise ValueError(f"{problem}: {error}") from error
    except _DAMAGE as error:
        reason = str(error).strip() or type(error).__name__
        raise ValueError(f"{problem}: the file is truncated or damaged ({reason}).") from error


def _check_content(path, format):
    with open(path, "rb") as file:
        head = file.read(4)
    if not head:
        raise ValueError(f"{str(path)!r} is empty.")
    found = next((magic for magic in _CONTENTS if head.startswith(magic)), None)
    if found not in _EXPECTED.get(format, (None, b"\x1f\x8b")):
        raise ValueError(
            f"{str(path)!r} is not a {format} file: its content looks like "
            f"{_CONTENTS.get(found, _TEXT)}. Rename it, or say what it is with format=."
        )
