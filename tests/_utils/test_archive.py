import errno
import json
import os
import pickle
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file

from skgex._utils import _archive
from skgex._utils._archive import read_archive, read_document, write_archive

DOCUMENT = {"kind": "test", "losses": [1.5, float("inf"), None], "gene": "α1-\ud800 é", "n": 2**70}
ARRAYS = {
    "float": np.arange(6.0).reshape(2, 3) / 7,
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "strided": np.arange(10, dtype=np.int16)[::-2],
    "0-d": np.array(-3, dtype=np.int64),
    "empty": np.empty((0, 4), dtype=np.float16),
    "mask": np.array([True, False, True]),
    "big-endian": np.arange(3, dtype=">u4"),
    "": np.array([np.nan, np.inf, -0.0]),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.skgex"
    write_archive(path, DOCUMENT, ARRAYS)
    return path


def assert_same(found, arrays=ARRAYS):
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype.name == array.dtype.name
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def write_safetensors(path, header, data=b""):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def write_content(path, content, **metadata):
    """A file that is consistent in itself, whatever its content."""
    content = content if isinstance(content, str) else json.dumps(content)
    checksum = _archive._digest(content.encode())
    metadata = {
        "format": "skgex",
        "format_version": "1",
        "checksum": checksum,
        "content": content,
        **metadata,
    }
    write_safetensors(path, {"__metadata__": metadata})


def test_round_trip(path):
    document, arrays = read_archive(path)
    assert document == DOCUMENT
    assert_same(arrays)
    # Matrix products round by memory order: predictions are bit-identical only if it is kept.
    assert arrays["fortran"].flags.f_contiguous and not arrays["fortran"].flags.c_contiguous
    assert all(array.flags.writeable and array.flags.aligned for array in arrays.values())


def test_nan_in_document(tmp_path):
    write_archive(tmp_path / "a", {"loss": float("nan")}, {})
    document, arrays = read_archive(tmp_path / "a")
    assert np.isnan(document["loss"]) and arrays == {}


def test_document_alone(path):
    assert read_document(path) == DOCUMENT


def test_other_readers_see_the_arrays(path):
    arrays = load_file(path)
    assert arrays.keys() == ARRAYS.keys()
    np.testing.assert_array_equal(arrays["float"], ARRAYS["float"], strict=True)


def test_equal_input_gives_equal_bytes(path, tmp_path):
    other = tmp_path / "other"
    write_archive(other, DOCUMENT, {name: array.copy() for name, array in ARRAYS.items()})
    same_order = {**ARRAYS, "fortran": ARRAYS["fortran"].copy(order="F")}
    write_archive(other, DOCUMENT, same_order)
    assert other.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "array",
    [np.array(["a"]), np.array([1j]), np.array([None]), np.array(["2020"], dtype="M8[Y]")],
    ids=lambda array: str(array.dtype),
)
def test_unsupported_dtype(tmp_path, array):
    with pytest.raises(ValueError, match="cannot hold array 'x' of dtype"):
        write_archive(tmp_path / "a", {}, {"x": array})
    assert list(tmp_path.iterdir()) == []


def deep(n):
    return json.loads("[" * n + "]" * n)


@pytest.mark.parametrize(
    "document, match",
    [
        ({"f": print}, "not JSON serializable"),
        ({"x": deep(500)}, "nested more than 64 deep"),
        ({"x": [[]] * 200_001}, "more than 200,000 lists"),
        ({"x": "a" * 2**24}, "Keep numbers in arrays"),
    ],
)
def test_document_that_could_not_be_read_back(tmp_path, document, match):
    with pytest.raises(ValueError, match=match):
        write_archive(tmp_path / "a", document, {})
    assert list(tmp_path.iterdir()) == []


def test_truncation_is_noticed(path):
    whole = path.read_bytes()
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"some.skgex' is not a skgex archive"):
            read_archive(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(ValueError, match="is not a skgex archive"):
        read_archive(path)


def test_every_flipped_byte_is_noticed(path):
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    noticed = 0
    for position in range(len(whole)):
        altered = bytearray(whole)
        altered[position] ^= rng.integers(1, 256)
        path.write_bytes(altered)
        try:
            document, arrays = read_archive(path)
        except ValueError as error:
            assert "some.skgex' is not a skgex archive" in str(error)
            noticed += 1
        else:
            assert document == DOCUMENT
            assert_same(arrays)
    assert noticed > 0.99 * len(whole)


FLOAT = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    "header, data",
    [
        (b"", b""),
        (b"[" * 10_000, b""),
        (b'{"a":' * 10_000, b""),
        ({}, b""),
        ({"x": FLOAT}, b"abcd"),
        ({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}, b"abcd"),
        ({"x": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}, b"abcd"),
        ({"__metadata__": {"format": "pt"}, "x": FLOAT}, b"abcd"),
        ({"__metadata__": {"format": "skgex"}, "x": FLOAT}, b"abcd"),
        ({"__metadata__": {"format": "skgex", "format_version": "1"}}, b""),
    ],
)
def test_foreign_safetensors(tmp_path, header, data):
    write_safetensors(tmp_path / "some", header, data)
    for read in (read_archive, read_document):
        with pytest.raises(ValueError, match="is not a skgex archive"):
            read(tmp_path / "some")


@pytest.mark.parametrize(
    "content",
    [
        "[" * 10_000 + "]" * 10_000,
        "[" * 100 + "]" * 100,
        "[" + "[]," * 250_000 + "[]]",
        "1" * 10_000,
        "nonsense",
        [],
        {"document": {}},
        {"document": [], "arrays": {}},
        {"document": {}, "arrays": {"x": ["C", "0"]}},
        {"document": {}, "arrays": {"x": None}},
    ],
    ids=lambda content: str(content)[:20],
)
def test_hostile_content_with_right_checksum(tmp_path, content):
    write_content(tmp_path / "some", content)
    with pytest.raises(ValueError, match="is not a skgex archive"):
        read_archive(tmp_path / "some")


def test_dtype_unknown_to_numpy(tmp_path):
    content = json.dumps({"document": {}, "arrays": {"x": ["C", "0"]}})
    metadata = {"format": "skgex", "format_version": "1", "content": content}
    metadata["checksum"] = _archive._digest(content.encode())
    tensor = {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}
    write_safetensors(tmp_path / "some", {"__metadata__": metadata, "x": tensor}, b"ab")
    with pytest.raises(ValueError, match="is not a skgex archive"):
        read_archive(tmp_path / "some")


def test_newer_format(tmp_path):
    write_content(tmp_path / "some", {"document": {}, "arrays": {}}, format_version="2")
    with pytest.raises(ValueError, match=r"of format '2'\. Update skgex"):
        read_archive(tmp_path / "some")


def test_other_files(tmp_path):
    path = tmp_path / "some"
    for content in (pickle.dumps({"a": 1}), b"PK\x03\x04" + bytes(100), b"\xff" * 100, b"{}"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is not a skgex archive"):
            read_archive(path)
    with pytest.raises(ValueError, match="it is a folder or a device"):
        read_archive(tmp_path)
    with pytest.raises(FileNotFoundError, match="absent"):
        read_archive(tmp_path / "absent")


def test_full_disk_leaves_the_old_file(path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    whole = path.read_bytes()
    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"Cannot write .*No space left") as caught:
            write_archive(path, {}, {})
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == whole
    assert os.listdir(path.parent) == [path.name]


def test_write_that_fails_in_the_middle_leaves_the_old_file(path):
    resource = pytest.importorskip("resource", reason="file size limits are POSIX only")
    whole = path.read_bytes()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, old[1]))
    try:
        with pytest.raises(OSError, match=r"Cannot write .*File too large"):
            write_archive(path, {}, {"x": np.zeros(5000), "y": np.zeros(5000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert path.read_bytes() == whole
    assert os.listdir(path.parent) == [path.name]
