"""h5ad, the format of AnnData: observations are samples, variables are genes."""

import warnings

import numpy as np

from skgex._utils._optional import optional

from ._expression import ExpressionData
from ._hdf5 import check_complete, hdf5_output, open_hdf5

_PURPOSE = "Reading and writing h5ad files"


def read_h5ad(path):
    """Read X, obs and var of an h5ad file; a sparse X becomes dense, with a note."""
    anndata = optional("anndata", _PURPOSE)
    with open_hdf5(path) as file:
        if "X" not in file:
            raise ValueError("it has no matrix X.")
        if hasattr(file["X"], "shape"):
            check_complete(file["X"])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*names are not unique")
        try:
            stored = anndata.read_h5ad(path)
        except Exception as error:  # anndata's own classes of errors are not public
            raise ValueError(f"anndata does not understand it ({_first_line(error)}).") from error
    notes = ["Orientation: observations are samples and variables are genes, as in AnnData."]
    X = stored.X
    if hasattr(X, "toarray"):
        notes.append(f"X was stored sparse ({X.nnz:,} values) and was made dense.")
        X = X.toarray()
    if left_out := [f"layers[{name!r}]" for name in stored.layers] + ["raw"] * bool(stored.raw):
        notes.append(f"Not read: {', '.join(left_out)}.")
    return ExpressionData(
        np.asarray(X), stored.var_names, stored.obs_names, _columns(stored.obs),
        _columns(stored.var), tuple(notes),
    )  # fmt: skip


def _first_line(error):
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def _columns(frame):
    return {name: _as_array(frame[name]) for name in frame}


def _as_array(column):
    if column.dtype.kind in "biuf" and not column.isna().any():
        return column.to_numpy(dtype=column.to_numpy().dtype)
    if column.dtype.kind in "biuf":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.astype(object).where(column.notna(), "").to_numpy().astype(str)


def write_h5ad(data, path):
    """Write an h5ad file."""
    anndata, pandas = optional("anndata", _PURPOSE), optional("pandas", _PURPOSE)
    with warnings.catch_warnings(), hdf5_output(path) as file:
        warnings.filterwarnings("ignore", message=".*names are not unique")
        stored = anndata.AnnData(
            data.X,
            obs=pandas.DataFrame(data.sample_table, index=data.samples.astype(object)),
            var=pandas.DataFrame(data.gene_table, index=data.genes.astype(object)),
        )
        stored.strings_to_categoricals()
        anndata.io.write_elem(file, "/", stored, dataset_kwargs={"compression": "gzip"})
