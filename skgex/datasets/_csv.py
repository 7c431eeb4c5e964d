"""Comma- and tab-separated matrices: a row of ids, a column of ids, numbers."""

import csv
import re
import warnings

import numpy as np

from skgex._utils._gene_ids import guess_id_kind
from skgex._utils._naming import few

from ._expression import ExpressionData
from ._text import as_matrix, number_texts, open_text, read_numbers, split_fields, text_output

_NAMES = {",": "comma", "\t": "tab"}
_DECIMAL = re.compile(r"[-+]?\d*\.\d{2,}([eE][-+]?\d+)?")


def read_csv(path, *, delimiter, orientation=None):
    """Read a matrix of numbers with one row and one column of ids, samples or genes in rows."""
    with open_text(path) as lines:
        header = split_fields(lines.readline(), delimiter, quotes=True)
        if header[0].startswith("#1."):
            raise ValueError("its first line is that of a GCT file; pass format='gct'.")
        (row_names,), frame, notes = read_numbers(lines, delimiter, line_number=1, quotes=True)
    n_columns = frame.shape[1]
    # R writes no header above the column of row names.
    column_names = header[1:] if len(header) == n_columns + 1 else header
    if len(column_names) != n_columns:
        raise ValueError(
            f"the header has {len(header)} fields, the rows have {n_columns + 1}; is the "
            f"separator really a {_NAMES[delimiter]}?"
        )
    column_names = np.array(column_names, dtype=str)
    _refuse_values_as_names(row_names, "column")
    _refuse_values_as_names(column_names, "line")
    values = as_matrix(frame, row_names, column_names)
    orientation, note = _oriented(orientation, row_names, column_names)
    if orientation == "genes-in-rows":
        values, row_names, column_names = np.ascontiguousarray(values.T), column_names, row_names
    return ExpressionData(values, column_names, row_names, notes=(note, *notes))


def _refuse_values_as_names(names, where):
    """Refuse a table without row names or without a header: its first values would be lost."""
    values = [name for name in names.tolist() if _DECIMAL.fullmatch(name)]
    if 2 * len(values) > len(names):
        raise ValueError(
            f"its first {where} holds values such as {values[0]!r} where names are expected; "
            f"write the file with names in its first {where}, and with a letter in front if "
            "these are the names."
        )


def _oriented(orientation, row_names, column_names):
    """Which axis holds the genes, and a sentence that says how this is known."""
    if orientation is not None:
        return orientation, f"Orientation: {orientation}, as asked for."
    rows, columns = guess_id_kind(row_names), guess_id_kind(column_names)
    if (rows == "unknown") == (columns == "unknown"):
        which = "neither axis looks" if rows == "unknown" else "both axes look"
        raise ValueError(
            f"{which} like genes (rows: {row_names[0]}, ..., kind {rows}; columns: "
            f"{column_names[0]}, ..., kind {columns}). Pass orientation='samples-in-rows' or "
            "orientation='genes-in-rows'."
        )
    orientation = "genes-in-rows" if columns == "unknown" else "samples-in-rows"
    axis, kind = ("rows", rows) if columns == "unknown" else ("columns", columns)
    return (
        orientation,
        f"Orientation: {orientation}, since the ids of the {axis} are of kind {kind}.",
    )


def write_csv(data, path, *, delimiter):
    """Write a matrix with samples in rows; sample and gene tables have no place in it."""
    tables = {"sample": data.sample_table, "gene": data.gene_table}
    if left_out := [f"the {what} table ({few(names)})" for what, names in tables.items() if names]:
        warnings.warn(
            f"A {_NAMES[delimiter]}-separated file holds values and ids alone; left out: "
            f"{' and '.join(left_out)}. Write npz, gct, gctx or h5ad to keep such columns.",
            stacklevel=3,
        )
    with text_output(path) as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(["sample", *data.genes.tolist()])
        for sample, row in zip(data.samples.tolist(), data.X, strict=True):
            writer.writerow([sample, *number_texts(row)])
