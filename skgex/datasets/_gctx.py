"""GCTX, the Connectivity Map's HDF5 format."""

import numpy as np

from skgex._utils._gene_ids import as_ids

from ._expression import ExpressionData
from ._hdf5 import check_complete, hdf5_output, open_hdf5
from ._metadata import without_missing_code

# The stored matrix is samples x genes already; "rows" are genes only in the words of the format.
_MATRIX, _GENES, _SAMPLES = "0/DATA/0/matrix", "0/META/ROW", "0/META/COL"


def read_gctx(path):
    """Read a GCTX file."""
    with open_hdf5(path) as file:
        for part in (_MATRIX, f"{_GENES}/id", f"{_SAMPLES}/id"):
            if part not in file:
                raise ValueError(f"it has no /{part}, which every GCTX file has.")
        matrix, genes, samples = file[_MATRIX], _table(file[_GENES]), _table(file[_SAMPLES])
        version = as_ids([file.attrs.get("version", "GCTX")]).item()
        gene_ids, sample_ids = genes.pop("id"), samples.pop("id")
        if matrix.shape != (len(sample_ids), len(gene_ids)):
            raise ValueError(
                f"its matrix has shape {matrix.shape}, but it names {len(sample_ids)} samples "
                f"and {len(gene_ids)} genes."
            )
        check_complete(matrix)
        X = matrix[...]
    note = f"Orientation: samples x genes, as stored by {version}."
    return ExpressionData(X, gene_ids, sample_ids, samples, genes, (note,))


def _table(group):
    columns = {}
    for name, dataset in group.items():
        check_complete(dataset)
        values = dataset[...]
        texts = values.dtype.kind in "SO" or name == "id"
        columns[name] = as_ids(values) if texts else values
        if name != "id":
            columns[name] = without_missing_code(columns[name])
    return columns


def write_gctx(data, path):
    """Write a GCTX file."""
    with hdf5_output(path) as file:
        file.attrs["version"] = "GCTX1.0"
        file.create_dataset(_MATRIX, data=data.X, compression="gzip", compression_opts=4)
        for group, ids, table in (
            (_GENES, data.genes, data.gene_table),
            (_SAMPLES, data.samples, data.sample_table),
        ):
            if impossible := [name for name in table if name == "id" or "/" in name]:
                raise ValueError(
                    f"GCTX cannot hold a column named {impossible[0]!r} beside its ids; rename it."
                )
            for name, values in {**table, "id": ids}.items():
                if values.dtype.kind in "UO":
                    values = np.char.encode(values.astype(str), "utf-8")
                file.create_dataset(f"{group}/{name}", data=values)
