"""Expression profiles with the names of their genes and samples."""

from dataclasses import dataclass, field, replace

import numpy as np

from skgex._utils._gene_ids import as_ids, guess_id_kind
from skgex._utils._optional import optional

from ._metadata import is_missing_text


@dataclass(eq=False, repr=False)
class ExpressionData:
    """Expression profiles, the names of their genes and samples, and what is known of each.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_genes)
        Expression values; float16 becomes float32, integers become float64.

    genes : array-like of shape (n_genes,)
        Gene ids, stored as text. They may repeat, as several probes of one gene do.

    samples : array-like of shape (n_samples,)
        Sample ids, stored as text, each only once.

    sample_table : dict of str to array-like of shape (n_samples,), default={}
        What is known of the samples, such as tissue or study.

    gene_table : dict of str to array-like of shape (n_genes,), default={}
        What is known of the genes, such as symbol, entrez or is_landmark.

    notes : tuple of str, default=()
        Sentences that say what a reader found in the file.

    Raises
    ------
    ValueError
        With a sentence, when shapes disagree, X is not numeric or sample ids repeat.

    Examples
    --------
    >>> from skgex.datasets import ExpressionData
    >>> data = ExpressionData([[7.1, 4.2], [6.8, 5.0]], ["TP53", "BRCA1"], ["a", "b"])
    >>> data
    ExpressionData(2 samples x 2 genes, float64, gene ids: symbol)
    >>> data.select_genes(["BRCA1"]).X.ravel()
    array([4.2, 5. ])
    """

    X: np.ndarray
    genes: np.ndarray
    samples: np.ndarray
    sample_table: dict = field(default_factory=dict)
    gene_table: dict = field(default_factory=dict)
    notes: tuple = ()

    def __post_init__(self):
        self.X = _as_profiles(self.X)
        n_samples, n_genes = self.X.shape
        self.genes = _as_column(as_ids(self.genes), n_genes, "genes", "columns")
        self.samples = _as_column(as_ids(self.samples), n_samples, "samples", "rows")
        self.gene_table = {
            str(name): _as_column(values, n_genes, f"gene_table[{name!r}]", "columns")
            for name, values in self.gene_table.items()
        }
        self.sample_table = {
            str(name): _as_column(values, n_samples, f"sample_table[{name!r}]", "rows")
            for name, values in self.sample_table.items()
        }
        self.notes = tuple(self.notes)
        if len(repeated := _repeated(self.samples)):
            raise ValueError(
                f"Sample ids must be unique, but {len(repeated)} occur more than once: "
                f"{_first(repeated)}. Rename or drop the repeated samples."
            )

    def __repr__(self):
        n_samples, n_genes = self.X.shape
        return (
            f"ExpressionData({n_samples} samples x {n_genes} genes, {self.X.dtype}, "
            f"gene ids: {self.gene_id_kind})"
        )

    @property
    def gene_id_kind(self):
        """Kind of the gene ids, as guessed by :func:`guess_id_kind`."""
        return guess_id_kind(self.genes)

    @property
    def duplicated_genes(self):
        """Gene ids that name more than one column."""
        return _repeated(self.genes)

    def to_frame(self):
        """Profiles as a pandas DataFrame: samples as index, genes as columns.

        Returns
        -------
        frame : pandas.DataFrame of shape (n_samples, n_genes)
            A copy of X with its names.
        """
        pandas = optional("pandas", "ExpressionData.to_frame")
        return pandas.DataFrame(self.X.copy(), index=self.samples, columns=self.genes)

    def select_genes(self, selection):
        """Keep some genes, in the order asked for.

        Parameters
        ----------
        selection : str, array-like of str, of bool or of int, or slice
            Gene ids, a mask over the genes, or their positions. An id that names several
            columns selects all of them.

        Returns
        -------
        data : ExpressionData
            The selected columns, with the tables cut accordingly.
        """
        index = _positions(selection, self.genes, "gene")
        return replace(
            self,
            X=self.X[:, index],
            genes=self.genes[index],
            gene_table={name: values[index] for name, values in self.gene_table.items()},
        )

    def select_samples(self, selection):
        """Keep some samples, in the order asked for.

        Parameters
        ----------
        selection : str, array-like of str, of bool or of int, or slice
            Sample ids, a mask over the samples, or their positions.

        Returns
        -------
        data : ExpressionData
            The selected rows, with the tables cut accordingly.
        """
        index = _positions(selection, self.samples, "sample")
        return replace(
            self,
            X=self.X[index],
            samples=self.samples[index],
            sample_table={name: values[index] for name, values in self.sample_table.items()},
        )

    def with_gene_ids(self, column):
        """Name the genes by a column of the gene table, for example by their symbols.

        A gene without an entry there keeps its former id. All former ids are kept as column
        ``former_id`` of the gene table.

        Parameters
        ----------
        column : str
            A key of ``gene_table``.

        Returns
        -------
        data : ExpressionData
            The same values under the new gene ids, with a note.
        """
        if column not in self.gene_table:
            known = ", ".join(map(repr, self.gene_table)) or "nothing"
            raise ValueError(f"The gene table has no column {column!r}; it has {known}.")
        new = as_ids(self.gene_table[column])
        nameless = is_missing_text(new)
        note = f"Genes are named by the column {column!r} of the gene table"
        if nameless.any():
            note += f"; {nameless.sum():,} without an entry keep their former id"
        return replace(
            self,
            genes=np.where(nameless, self.genes, new),
            gene_table={**self.gene_table, "former_id": self.genes},
            notes=(*self.notes, f"{note}."),
        )


def _as_profiles(X):
    X = np.asarray(X)
    if X.ndim != 2 or X.dtype.kind not in "fiub":
        raise ValueError(
            "X must be a numeric array of shape (n_samples, n_genes), "
            f"got shape {X.shape} and dtype {X.dtype}."
        )
    if X.dtype in (np.float32, np.float64):
        return X
    return X.astype(np.float32 if X.dtype == np.float16 else np.float64)


def _as_column(values, length, name, axis):
    values = np.asarray(values)
    if values.shape != (length,):
        raise ValueError(
            f"X has {length} {axis}, but {name} has shape {values.shape}; expected ({length},)."
        )
    return values


def _positions(selection, names, what):
    """Turn names, a mask, positions or a slice into positions."""
    n = len(names)
    if isinstance(selection, slice):
        return np.arange(n)[selection]
    selection = np.atleast_1d(np.asarray(selection))
    if selection.size == 0:
        return np.empty(0, dtype=np.intp)
    if selection.dtype.kind == "b":
        if selection.shape != (n,):
            raise ValueError(f"A {what} mask must have shape ({n},), got {selection.shape}.")
        return np.flatnonzero(selection)
    if selection.dtype.kind in "iu":
        outside = selection[(selection < -n) | (selection >= n)]
        if outside.size:
            raise ValueError(f"There are {n} {what}s; position {outside[0]} does not exist.")
        return selection
    where = {}
    for position, name in enumerate(names.tolist()):
        where.setdefault(name, []).append(position)
    wanted = as_ids(selection).tolist()
    if unknown := [name for name in wanted if name not in where]:
        raise ValueError(
            f"{len(unknown)} of the {len(wanted)} selected {what} names are not in the data: "
            f"{_first(unknown)}."
        )
    return np.array([position for name in wanted for position in where[name]], dtype=np.intp)


def _repeated(names):
    unique, counts = np.unique(names, return_counts=True)
    return unique[counts > 1]


def _first(names, n=5):
    listed = ", ".join(repr(str(name)) for name in names[:n])
    return listed + ", ..." * (len(names) > n)
