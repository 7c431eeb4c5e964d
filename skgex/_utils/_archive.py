"""One safe single-file format for models and training checkpoints.

An archive is a safetensors file, so any tool that reads those sees its arrays. The header's
metadata holds, as text, ``format``, ``format_version``, ``content`` (a JSON object of the document
and of every array's memory order and checksum) and the ``checksum`` of that content. Reading one
executes nothing.
"""

import hashlib
import json
import struct
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from skgex._utils._files import atomic_output

FORMAT_VERSION = 1

_DTYPES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16",
    "uint32": "U32", "int32": "I32", "uint64": "U64", "int64": "I64",
    "float16": "F16", "float32": "F32", "float64": "F64",
}  # fmt: skip
# Bounds on the text, so that a hostile file cannot ask for much more memory than its own size.
_MAX_HEADER = 16 * 2**20
_MAX_CONTAINERS = 200_000
_MAX_DEPTH = 64
_UNREADABLE = "{!r} is not a skgex archive that can be read:"


def write_archive(path, document, arrays):
    """Write a JSON document and named arrays to one file, which is then whole or absent.

    Equal input gives equal bytes.

    Parameters
    ----------
    path : str or path-like
    document : dict
        What :mod:`json` can hold; NaN and infinities too.
    arrays : dict of str to ndarray
        Booleans, integers and floats of up to 64 bits. Dtype, shape (also 0-d and empty) and
        memory order are kept.

    Raises
    ------
    ValueError
        When the document or an array does not fit the format.
    OSError
        When the file cannot be written; what stood there before is still there.
    """
    arrays = {name: _stored(name, array) for name, array in arrays.items()}
    content = _dump(
        {
            "document": document,
            "arrays": {name: [order, _checksum(a)] for name, (order, a) in arrays.items()},
        }
    )
    header = {
        "__metadata__": {
            "format": "skgex",
            "format_version": str(FORMAT_VERSION),
            "checksum": _digest(content.encode()),
            "content": content,
        }
    }
    # Widest items first, so that every array begins at a multiple of its item size.
    names = sorted(arrays, key=lambda name: -arrays[name][1].itemsize)
    end = 0
    for name in names:
        array = arrays[name][1]
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": _DTYPES[array.dtype.name],
            "shape": array.shape,
            "data_offsets": [begin, end],
        }
    header = json.dumps(header, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    if len(header) > _MAX_HEADER:
        raise ValueError(
            f"The document has {len(header):,} bytes of text, more than the {_MAX_HEADER:,} of a "
            "skgex archive. Keep numbers in arrays."
        )
    # Written by hand where safetensors would hide the errno of a full disk.
    with atomic_output(path) as temporary, open(temporary, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for name in names:
            file.write(_bytes(arrays[name][1]))


def read_archive(path):
    """Read what :func:`write_archive` wrote.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    document : dict
    arrays : dict of str to ndarray

    Raises
    ------
    ValueError
        When the file is no archive, not whole, altered, or of a newer format.
    """
    with _opened(path) as (file, content):
        arrays, records = {}, content["arrays"]
        if set(file.keys()) != set(records):
            raise ValueError("the arrays are not those that its header names.")
        for name, (order, checksum) in records.items():
            array = arrays[name] = file.get_tensor(name)
            if _checksum(array) != checksum:
                raise ValueError(f"it is damaged (array {name!r} does not match its checksum).")
            if order == "F":
                arrays[name] = array.T
    return content["document"], arrays


def read_document(path):
    """Read the document of an archive without its arrays.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    document : dict

    Raises
    ------
    ValueError
        As in :func:`read_archive`, but the arrays' values are not looked at.
    """
    with _opened(path) as (_, content):
        return content["document"]


@contextmanager
def _opened(path):
    """Yield the open safetensors file and its content; whatever goes wrong is a sentence."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is a folder or a device.")
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
        if not 0 < length <= min(_MAX_HEADER, path.stat().st_size):
            raise ValueError("it does not begin like one.")
        with safe_open(path, framework="numpy") as file:
            yield file, _content(file.metadata() or {})
    except ValueError as error:
        raise ValueError(f"{_UNREADABLE.format(str(path))} {error}") from error
    # numpy has no name for some dtypes of safetensors: TypeError or AttributeError.
    except (SafetensorError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{_UNREADABLE.format(str(path))} it is damaged or of another kind ({error}). If it "
            "should be one, copy or download it again."
        ) from error


def _content(metadata):
    if metadata.get("format") != "skgex":
        raise ValueError("its header does not say so.")
    version, content = metadata.get("format_version", ""), metadata.get("content", "")
    if version != str(FORMAT_VERSION):
        raise ValueError(
            f"this version of skgex reads format {FORMAT_VERSION}, the file is of format "
            f"{version[:20]!r}. Update skgex."
        )
    if _digest(content.encode()) != metadata.get("checksum"):
        raise ValueError("it is damaged (the header does not match its checksum).")
    _check_containers(content)
    content = json.loads(content)
    _check_depth(content)
    match content:
        case {"document": dict(), "arrays": dict(records)} if all(
            isinstance(record, list) and len(record) == 2 for record in records.values()
        ):
            return content
    raise ValueError("its content is of another form.")


def _dump(content):
    try:
        text = json.dumps(content, separators=(",", ":"))
        _check_containers(text)
        _check_depth(content)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"A skgex archive cannot hold this document: {error}") from error
    return text


def _check_containers(text):
    if text.count("[") + text.count("{") > _MAX_CONTAINERS:
        raise ValueError(f"it has more than {_MAX_CONTAINERS:,} lists and objects.")


def _check_depth(value):
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list | tuple)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return
    raise ValueError(f"it is nested more than {_MAX_DEPTH} deep.")


def _stored(name, array):
    """Memory order and the C-contiguous little-endian array that goes into the file."""
    array = np.asarray(array)
    if array.dtype.name not in _DTYPES or not isinstance(name, str) or name == "__metadata__":
        raise ValueError(
            f"A skgex archive cannot hold array {name!r} of dtype {array.dtype}. Use booleans, "
            "integers or floats of up to 64 bits under a name of their own."
        )
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    array = array.T if order == "F" else array
    return order, np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _bytes(array):
    return array.reshape(-1).view(np.uint8).data


def _checksum(array):
    """Of values, dtype and shape."""
    return _digest(f"{array.dtype.name}{array.shape}".encode(), _bytes(array))


def _digest(*parts):
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
