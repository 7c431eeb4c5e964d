"""What is measured in a file and what is to be inferred; bad input is a sentence."""

from dataclasses import dataclass
from functools import cached_property
from itertools import count, zip_longest
from pathlib import Path

import numpy as np

from skgex._utils._gene_ids import repeated, without_version
from skgex._utils._naming import few
from skgex.cli._input import say
from skgex.datasets import ExpressionData, guess_id_kind

_HEADERS = {
    "gene", "genes", "gene_id", "symbol", "symbols", "id", "probe", "probe_id", "ensembl", "entrez"
}  # fmt: skip


@dataclass
class Task:
    """Profiles of which some genes are measured and others to be inferred.

    Attributes
    ----------
    data : ExpressionData
    landmarks, targets : ndarray of int
        Positions of the measured genes and of those to infer.
    told_by : str
        What says which genes are landmarks.
    """

    data: ExpressionData
    landmarks: np.ndarray
    targets: np.ndarray
    told_by: str

    @cached_property
    def X(self):
        return np.ascontiguousarray(self.data.X[:, self.landmarks])

    @cached_property
    def Y(self):
        return np.ascontiguousarray(self.data.X[:, self.targets])

    @property
    def target_genes(self):
        return self.data.genes[self.targets]

    @cached_property
    def labelled(self):
        """Mask of the profiles whose targets are measured."""
        return ~np.isnan(self.Y).all(axis=1)

    @cached_property
    def is_twin(self):
        """Mask of the targets that are another measurement of a landmark's gene."""
        twins = np.zeros(len(self.targets), dtype=bool)
        for names in (self.data.genes, *filter(names_genes, self.data.gene_table.values())):
            known = set(names[self.landmarks].tolist()) - {""}
            twins |= np.array([name in known for name in names[self.targets].tolist()])
        return twins

    def frames(self):
        """X and Y as tables, whose column names a model remembers."""
        import pandas as pd

        samples = self.data.samples
        targets = numbered(self.target_genes.tolist(), "genes to infer")
        return (
            pd.DataFrame(self.X, index=samples, columns=self.data.genes[self.landmarks]),
            pd.DataFrame(self.Y, index=samples, columns=targets),
        )


def numbered(names, what):
    """Names made unique as R does it: a repeated IL9R becomes IL9R.1."""
    if not (again := repeated(names)):
        return names
    say(
        f"{len(again):,} {what} occur more than once; the repeats of {few(again)} are "
        f"numbered ({again[0]}.1)."
    )
    taken, seen, unique = set(names), set(), []
    for name in names:
        new = name
        if name in seen:
            new = next(n for i in count(1) if (n := f"{name}.{i}") not in taken)
            taken.add(new)
        seen.add(name)
        unique.append(new)
    return unique


def make_task(data, *, landmarks=None, targets=None):
    """Decide landmarks and targets of a file, and check the values of both.

    Parameters
    ----------
    data : ExpressionData
    landmarks : str, default=None
        A file of genes or a column of the gene table; None takes the column ``is_landmark``.
    targets : str, default=None
        A column of the gene table; None takes all genes that are no landmarks.

    Returns
    -------
    Task
    """
    measured, told_by = _landmarks(data, landmarks)
    inferred = ~measured
    if targets is not None:
        inferred = _true_false(data, targets, "--targets") & ~measured
    for mask, what, option in (
        (measured, "landmarks", "--landmarks"),
        (inferred, "genes to infer", "--landmarks and --targets"),
    ):
        if not mask.any():
            raise ValueError(
                f"No {what} are left among the {mask.size:,} genes, of which "
                f"{measured.sum():,} are landmarks: check {option}."
            )
    if again := repeated(data.genes[measured].tolist()):
        raise ValueError(
            f"{len(again)} landmarks occur more than once in the file: {few(again)}. Name genes "
            "by a column in which they are unique (--gene-ids), or drop the repeated ones."
        )
    task = Task(data, np.flatnonzero(measured), np.flatnonzero(inferred), told_by)
    check_measured(task.X, data.genes[measured], data.samples)
    _check_targets(task)
    say(f"Landmarks: {measured.sum():,} genes, {told_by}. To infer: {inferred.sum():,} genes.")
    _say_constant(task)
    return task


def _landmarks(data, choice):
    """Mask of the landmarks, and what told them."""
    columns = [name for name, values in data.gene_table.items() if _is_true_false(values)]
    offers = f"a true/false column of its gene table ({', '.join(columns) or 'it has none'})"
    if choice is None and "is_landmark" not in data.gene_table:
        raise ValueError(
            "The file does not say which genes are landmarks (no column 'is_landmark' in its gene "
            f"table): pass --landmarks with a text file of genes, one a line, or {offers}."
        )
    choice = "is_landmark" if choice is None else choice
    if choice in data.gene_table:
        return _true_false(data, choice, "--landmarks"), f"column {choice!r} of the gene table"
    if not Path(choice).is_file():
        raise ValueError(
            f"--landmarks {choice!r} is neither a file that exists nor {offers}. Check the name."
        )
    return _listed(data.genes, Path(choice))


def _listed(genes, path):
    """Mask of the genes that a text file lists in one of its columns."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"--landmarks {str(path)!r} is not a text file: pass one with a gene a line."
        ) from error
    rows = [[field.strip() for field in line.split("\t")] for line in lines if line.strip()]
    keys = [without_version(gene) for gene in genes.tolist()]
    if not rows:
        raise ValueError(f"--landmarks {str(path)!r} lists no genes: write one a line.")
    known, best, listed = set(keys), 0, []
    for number, column in enumerate(zip_longest(*rows, fillvalue=""), start=1):
        names = [name for name in column if name]
        if names and names[0].lower() in _HEADERS - known:
            names = names[1:]
        names = dict.fromkeys(map(without_version, names))
        if not listed or len(known & names.keys()) > len(known.intersection(listed)):
            best, listed = number, list(names)
    matched = known.intersection(listed)
    if not matched:
        raise ValueError(
            f"None of the {len(listed)} genes listed in {str(path)!r}, such as {few(listed)}, is "
            f"in the data, whose genes are {few(keys)}: list the same kind of ids, or name the "
            "data's genes by another column (--gene-ids)."
        )
    told_by = f"listed in {path.name}" + f" (column {best})" * (len(rows[0]) > 1)
    if absent := [name for name in listed if name not in known]:
        told_by += f"; {len(absent):,} more are listed but not in the data, such as {absent[0]}"
    return np.array([key in matched for key in keys]), told_by


def names_genes(values):
    """Whether a column of the gene table names genes: as symbols or Ensembl ids, mostly unique."""
    return (
        values.dtype.kind in "UO"
        and guess_id_kind(values) in ("symbol", "Ensembl gene")
        and len(np.unique(values.astype(str))) > len(values) / 2
    )


def column_of(table, name, option, what):
    """A column of the sample or gene table, or a sentence that says which there are."""
    if name not in table:
        known = ", ".join(map(repr, table)) or "no columns"
        raise ValueError(f"{option} {name!r} is not in the {what} table, which has {known}.")
    return table[name]


def _true_false(data, name, option):
    values = column_of(data.gene_table, name, option, "gene")
    if not _is_true_false(values):
        raise ValueError(
            f"{option} {name!r} must be a true/false column of the gene table, but it holds "
            f"values such as {few(values.tolist(), 2)}."
        )
    return values.astype(bool)


def _is_true_false(values):
    return values.dtype.kind == "b" or (
        values.dtype.kind in "iuf" and bool(np.isin(values, (0, 1)).all())
    )


# -- values -----------------------------------------------------------------------------------
def check_measured(X, genes, samples, what="landmark"):
    """Refuse genes with missing values, and profiles that were not measured at all."""
    finite = np.isfinite(X)
    if not finite.all():
        sample, gene = np.argwhere(~finite)[0]
        found = "missing" if np.isnan(X[sample, gene]) else "infinite"
        raise ValueError(
            f"{(~finite).sum():,} values of {what}s are missing or infinite; the first is "
            f"{found}, gene {str(genes[gene])!r} in sample {str(samples[sample])!r}. Fill or drop "
            "them first."
        )
    refuse_flat(X, samples, what)


def refuse_flat(X, samples, what):
    """Refuse profiles that have one value, zero for instance, in all of several genes."""
    flat = np.flatnonzero(X.min(axis=1) == X.max(axis=1))
    if X.shape[1] > 1 and flat.size:
        raise ValueError(
            f"{flat.size} profiles have the same value in every {what}, the first is "
            f"{str(samples[flat[0]])!r} with {X[flat[0], 0]:g}: they were not measured. Drop them."
        )


def _check_targets(task):
    """Targets are complete, or absent from a profile altogether (an unlabelled one)."""
    if not task.labelled.any():
        raise ValueError("The genes to infer are missing in every profile: nothing to learn from.")
    bad = ~np.isfinite(task.Y) & task.labelled[:, None]
    if bad.any():
        sample, gene = np.argwhere(bad)[0]
        raise ValueError(
            f"{bad.sum():,} values of genes to infer are missing or infinite; the first is gene "
            f"{str(task.target_genes[gene])!r} in sample {str(task.data.samples[sample])!r}. A "
            "profile must have all of them, or none to count as unlabelled: fill or drop them."
        )
    labelled = task.labelled
    refuse_flat(task.Y[labelled], task.data.samples[labelled], "gene to infer")
    if n_unlabelled := int((~task.labelled).sum()):
        say(f"{n_unlabelled:,} profiles are unlabelled (no gene to infer was measured in them).")


def _say_constant(task):
    """Name genes that never vary: legal, but nothing is learnt from them or told of them."""
    for values, genes, told in (
        (task.X, task.data.genes[task.landmarks], "landmarks never vary and tell nothing"),
        (
            task.Y[task.labelled],
            task.target_genes,
            "genes to infer never vary, so that their reliability cannot be told",
        ),
    ):
        constant = genes[values.min(axis=0) == values.max(axis=0)]
        if constant.size and len(values) > 1:
            say(f"{constant.size:,} {told}: {few(constant)}.")
