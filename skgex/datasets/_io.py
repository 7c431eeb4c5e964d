"""Read and write expression files of any known format."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from skgex._utils._files import atomic_output

from ._csv import read_csv, write_csv
from ._expression import ExpressionData
from ._gct import read_gct, write_gct
from ._gctx import read_gctx, write_gctx
from ._h5ad import read_h5ad, write_h5ad
from ._npz import read_npz, write_npz
from ._opening import reading

_READERS = {
    "npz": read_npz,
    "csv": partial(read_csv, delimiter=","),
    "tsv": partial(read_csv, delimiter="\t"),
    "gct": read_gct,
    "gctx": read_gctx,
    "h5ad": read_h5ad,
}
_WRITERS = {
    "npz": write_npz,
    "csv": partial(write_csv, delimiter=","),
    "tsv": partial(write_csv, delimiter="\t"),
    "gct": write_gct,
    "gctx": write_gctx,
    "h5ad": write_h5ad,
}
_ORIENTATIONS = ("samples-in-rows", "genes-in-rows")


def read_expression(path, *, orientation=None, gene_ids=None, missing="error", format=None):
    """Read an expression file and say what was found in it.

    Nothing is guessed in silence: orientation, kind of gene ids and missing values are stated in
    the notes, and asked for where the file leaves them open.

    Parameters
    ----------
    path : str or path-like
        A file named ``.npz``, ``.csv``, ``.tsv``, ``.txt`` (tab-separated), ``.gct`` (1.2 or
        1.3), ``.gctx`` or ``.h5ad``. Text formats may be gzip-compressed.

    orientation : {"samples-in-rows", "genes-in-rows"}, default=None
        Which axis of a csv or tsv file holds the samples. None decides from the ids; the other
        formats state it themselves.

    gene_ids : str, default=None
        Column of the gene table to name the genes by, for example the symbols. None keeps the
        ids of the file.

    missing : {"error", "keep"}, default="error"
        What to do with missing or infinite values: refuse the file, or leave them with a note.

    format : {"npz", "csv", "tsv", "gct", "gctx", "h5ad"}, default=None
        Format of the file. None goes by its name.

    Returns
    -------
    data : ExpressionData
        Profiles with names, tables and notes. Text formats give float32.

    Raises
    ------
    FileNotFoundError
        When there is no such file.

    ValueError
        With one sentence that names the file, when it is empty, truncated, damaged, of another
        format, has text where a number belongs, contradicts its own header, names a sample
        twice, or leaves its orientation open.

    Examples
    --------
    >>> import os, tempfile
    >>> from skgex.datasets import make_expression, read_expression, write_expression
    >>> data, _ = make_expression(n_samples=20, n_landmarks=5, n_targets=10, random_state=0)
    >>> path = os.path.join(tempfile.mkdtemp(), "simulated.npz")
    >>> write_expression(data, path)
    >>> data = read_expression(path)
    >>> data
    ExpressionData(20 samples x 15 genes, float32, gene ids: unknown)
    >>> for note in data.notes:
    ...     print(note)
    20 samples x 15 genes, float32.
    Orientation: samples x genes, as every npz of this layout.
    Gene ids: unknown kind, such as LM0001.
    Missing values: none.
    """
    path = Path(path)
    _check_choice("missing", missing, ("error", "keep"))
    options = {}
    format = _format_of(path, format)
    if orientation is not None:
        _check_choice("orientation", orientation, _ORIENTATIONS)
        if format not in ("csv", "tsv"):
            raise ValueError(f"A {format} file states its orientation itself; leave it None.")
        options["orientation"] = orientation
    with reading(path, format):
        data = _READERS[format](path, **options)
        if data.X.size == 0:
            raise ValueError(f"it holds {len(data.samples)} samples x {len(data.genes)} genes.")
        if gene_ids is not None:
            data = data.with_gene_ids(gene_ids)
        if missing == "error":
            _refuse_missing(data)
    return replace(data, notes=tuple(_findings(data)))


def write_expression(data, path, *, format=None):
    """Write expression profiles with their names and tables.

    The file is whole or absent: what stood at ``path`` before is replaced only by a complete
    file. A csv or tsv file has samples in rows and no place for the tables, and a warning says
    so; all other formats keep them.

    Parameters
    ----------
    data : ExpressionData
        What to write.

    path : str or path-like
        Where to write; see :func:`read_expression` for the names. GCT is written as 1.3.

    format : {"npz", "csv", "tsv", "gct", "gctx", "h5ad"}, default=None
        Format of the file. None goes by its name.

    Raises
    ------
    OSError
        When the file cannot be written.

    See Also
    --------
    read_expression : Reads the file back; its example writes one.
    """
    if not isinstance(data, ExpressionData):
        raise TypeError(f"data must be an ExpressionData, got {type(data).__name__}.")
    format = _format_of(Path(path), format)
    with atomic_output(path) as temporary:
        _WRITERS[format](data, temporary)


def _format_of(path, format):
    if format is not None:
        _check_choice("format", format, tuple(_READERS))
        return format
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path).suffix.lower()
    format = {".txt": "tsv"}.get(suffix, suffix.removeprefix("."))
    if format not in _READERS:
        raise ValueError(
            f"The name {str(path)!r} does not tell the format of the file. Pass format=, one of "
            f"{', '.join(map(repr, _READERS))}."
        )
    return format


def _check_choice(name, value, choices):
    if value not in choices:
        listed = " or ".join(map(repr, choices))
        raise ValueError(f"{name} must be {listed}, got {value!r}.")


def _refuse_missing(data):
    finite = np.isfinite(data.X)
    if finite.all():
        return
    sample, gene = np.argwhere(~finite)[0]
    found = "missing" if np.isnan(data.X[sample, gene]) else "infinite"
    raise ValueError(
        f"{(~finite).sum():,} of {finite.size:,} values are missing or infinite; the first is "
        f"{found}, gene {str(data.genes[gene])!r} in sample {str(data.samples[sample])!r}. Fill "
        "or drop them, or pass missing='keep' to leave them as they are."
    )


def _findings(data):
    """Sentences on a file just read."""
    n_samples, n_genes = data.X.shape
    yield f"{n_samples:,} samples x {n_genes:,} genes, {data.X.dtype}."
    yield from data.notes
    kind = data.gene_id_kind
    kind = "unknown kind" if kind == "unknown" else kind
    yield f"Gene ids: {kind}, such as {data.genes[0]}."
    if len(repeated := data.duplicated_genes):
        yield f"{len(repeated):,} gene ids occur more than once, such as {repeated[0]}."
    for what, found in (
        ("Missing", np.isnan(data.X).sum()),
        ("Infinite", np.isinf(data.X).sum()),
    ):
        if found:
            yield f"{what} values: {found:,} of {data.X.size:,} ({found / data.X.size:.2%})."
        elif what == "Missing":
            yield "Missing values: none."
    if codes := np.sum(data.X == -666):
        yield f"{codes:,} values are exactly -666, which often means missing; they are kept."
