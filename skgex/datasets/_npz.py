"""npz: the arrays ``X``, ``genes`` and ``samples``, and one array per annotation."""

import math
import zipfile

import numpy as np

from ._expression import ExpressionData

_CORE = ("X", "genes", "samples")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# Where length and name do not tell whose annotation an array is, its name begins with this.
_GENE, _SAMPLE = "gene/", "sample/"
_LARGEST_DEFLATION = 1032


def read_npz(path):
    """Read an npz file; annotations are recognised by their length."""
    shapes = _declared_shapes(path)
    if absent := [name for name in _CORE if name not in shapes]:
        raise ValueError(
            f"it has no array {' and no array '.join(map(repr, absent))}; it needs 'X' "
            "(samples x genes), 'genes' and 'samples'."
        )
    if len(shapes["X"]) != 2:
        raise ValueError(f"X must be samples x genes, but has shape {shapes['X']}.")
    n_samples, n_genes = shapes["X"]
    sample_names, gene_names, others = [], [], []
    for name, shape in shapes.items():
        if name in _CORE:
            continue
        of_samples = shape == (n_samples,) and not name.startswith(_GENE)
        of_genes = shape == (n_genes,) and not name.startswith(_SAMPLE)
        if of_samples and of_genes and not name.startswith((_GENE, _SAMPLE)):
            raise ValueError(
                f"there are as many samples as genes, so the array {name!r} may describe "
                f"either; store it as {_SAMPLE + name!r} or {_GENE + name!r}."
            )
        (sample_names if of_samples else gene_names if of_genes else others).append(name)
    with np.load(path, allow_pickle=False) as stored:
        return ExpressionData(
            *(stored[name] for name in _CORE),
            {name.removeprefix(_SAMPLE): stored[name] for name in sample_names},
            {name.removeprefix(_GENE): stored[name] for name in gene_names},
            ("Orientation: samples x genes, as every npz of this layout.",)
            + (f"Not read, since of another shape: {', '.join(others)}.",) * bool(others),
        )


def _declared_shapes(path):
    """Shape of every array, each checked against the bytes that are really there.

    numpy allocates what an array's header declares before it reads the values.
    """
    shapes = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            with archive.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                if version not in _HEADERS:
                    raise ValueError(f"the array {name!r} is of an unknown npy version {version}.")
                shape, _, dtype = _HEADERS[version](stream)
                n_bytes = member.file_size - stream.tell()
            if dtype.hasobject:
                raise ValueError(
                    f"the array {name!r} holds Python objects, which are not read since they can "
                    "run code; store it with a numeric or text dtype."
                )
            possible = member.file_size <= _LARGEST_DEFLATION * (member.compress_size + 64)
            if math.prod(shape) * dtype.itemsize != n_bytes or not possible:
                raise ValueError(
                    f"the array {name!r} declares shape {shape}, which does not fit the bytes "
                    "stored for it; the file is truncated or damaged."
                )
            shapes[name] = shape
    return shapes


def write_npz(data, path):
    """Write a compressed npz file."""
    clashing = {*_CORE, *(data.sample_table.keys() & data.gene_table.keys())}
    ambiguous = len(data.samples) == len(data.genes)
    arrays = {"X": data.X, "genes": data.genes, "samples": data.samples}
    for prefix, table in ((_SAMPLE, data.sample_table), (_GENE, data.gene_table)):
        for name, values in table.items():
            values = values.astype(str) if values.dtype.hasobject else values
            explicit = ambiguous or name in clashing or name.startswith((_SAMPLE, _GENE))
            arrays[prefix * explicit + name] = values
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)
