"""Checks of tables that say how much each gene tells about each other gene."""

import numpy as np

from ._gene_ids import as_ids
from ._validation import as_host


def as_relations(similarity, names=None, argument="names"):
    """Relations as a square array, and the names of their genes.

    Parameters
    ----------
    similarity : array-like of shape (n_genes, n_genes)
    names : array-like of str of shape (n_genes,), default=None
        None takes those of a table, or ``x0``, ``x1``, ...
    argument : str
        What the caller calls the names, for error messages.

    Returns
    -------
    similarity : ndarray of shape (n_genes, n_genes)
    names : ndarray of str of shape (n_genes,)

    Raises
    ------
    ValueError
        If the table is not square, a value is no finite number, or names are more or fewer.
    """
    labels = _labels(similarity)
    similarity = np.asarray(as_host(similarity))
    if similarity.dtype.kind not in "fiub":
        try:
            similarity = similarity.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"similarity must hold numbers only, found dtype {similarity.dtype}."
            ) from error
    shape = similarity.shape
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2:
        raise ValueError(
            "similarity must be a square table of genes × genes with at least two of them, found "
            f"shape {shape}."
        )
    if not (finite := np.isfinite(similarity)).all():
        rows, columns = np.nonzero(~finite)
        raise ValueError(
            f"similarity holds {rows.size} NaN or infinite values, the first in row {rows[0]}, "
            f"column {columns[0]}: leave out genes whose relations are undefined, as correlations "
            "of constant genes are, or set these values to 0."
        )
    if names is None:
        names = [f"x{j}" for j in range(shape[0])] if labels is None else labels
    names = as_ids(names)
    if names.shape != shape[:1]:
        raise ValueError(
            f"{argument} has shape {names.shape}, but similarity has {shape[0]} genes: give one "
            "name a gene, in the order of its rows."
        )
    if labels is not None and not np.array_equal(as_ids(labels), names):
        raise ValueError(
            f"similarity is a table whose columns have other names, or another order, than "
            f"{argument}. Bring both into one order, or pass the values alone."
        )
    return similarity, names


def _labels(similarity):
    """Names that a table brings along; those of rows must be those of columns."""
    columns = getattr(similarity, "columns", None)
    if columns is None or not all(isinstance(name, str) for name in columns):
        return None
    if list(getattr(similarity, "index", columns)) != list(columns):
        raise ValueError(
            "similarity has other genes in its rows than in its columns, or another order. Bring "
            "them into one."
        )
    return list(columns)
