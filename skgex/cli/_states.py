"""The states of the profiles in a file: matched by sample id, and enough of each."""

import csv
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

import numpy as np

from skgex._utils._gene_ids import as_ids
from skgex._utils._naming import few
from skgex.cli._input import say, warn
from skgex.cli._task import check_measured, numbered
from skgex.datasets import ExpressionData
from skgex.datasets._metadata import is_missing_text
from skgex.datasets._opening import reading
from skgex.datasets._text import open_text

_ENOUGH_TO_JUDGE = 23  # profiles of the target: a fifth of them are the five that realism asks for


@dataclass
class States:
    """Profiles whose state is known.

    Attributes
    ----------
    data : ExpressionData
    names : ndarray of str of shape (n_profiles,)
        State of each profile.
    target : str
    told : str
        What tells the states, and how many profiles there are of each.
    """

    data: ExpressionData
    names: np.ndarray
    target: str
    told: str

    @cached_property
    def X(self):
        """Profiles as a table, whose column names a perturber remembers."""
        import pandas as pd

        genes = numbered(self.data.genes.tolist(), "genes")
        return pd.DataFrame(self.data.X, index=self.data.samples, columns=genes)


def make_states(data, labels, target, min_samples):
    """Find the state of every profile, and check states and values.

    Parameters
    ----------
    data : ExpressionData
    labels : str
        A column of the sample table, or a csv or tsv file of sample ids and states.
    target : str
        The state to turn others into.
    min_samples : int
        States of fewer profiles are left out.

    Returns
    -------
    States
    """
    names, told_by = _states_of(data, labels, target)
    known = names != ""
    found, counts = np.unique(names[known], return_counts=True)
    if target not in found:
        raise ValueError(
            f"--target {target!r} is no state among those of {told_by}. "
            f"{suggestion(target, found.tolist(), 'The states are')}"
        )
    if not known.all():
        say(
            f"{(~known).sum():,} profiles without a state are left out, such as that of "
            f"{data.samples[~known][0]}."
        )
    counts = dict(zip(found.tolist(), counts.tolist(), strict=True))
    if counts[target] < min_samples:
        raise ValueError(
            f"--target {target!r} has {counts[target]} profiles in {told_by}, fewer than "
            f"--min-samples {min_samples}: too few to say what that state looks like."
        )
    if small := [state for state, n in counts.items() if n < min_samples]:
        listed = ", ".join(f"{state} ({counts[state]})" for state in small[:5])
        more = f" and {len(small) - 5} more" * (len(small) > 5)
        say(
            f"{len(small):,} states with fewer than {min_samples} profiles are left out "
            f"(--min-samples): {listed}{more}."
        )
    sources = {state: n for state, n in counts.items() if n >= min_samples and state != target}
    if not sources:
        others = f"the {len(small)} others have too few" if small else "there is no other state"
        raise ValueError(
            f"{counts[target]} profiles are of the target {target!r}, and {others}: turning one "
            "state into another takes profiles of at least two."
        )
    kept = np.isin(names, [target, *sources])
    data = data.select_samples(kept)
    check_measured(data.X, data.genes, data.samples, "gene")
    sizes = sorted({min(sources.values()), max(sources.values())})
    told = (
        f"{told_by}: {target} (target, {counts[target]:,} profiles) and {len(sources):,} other "
        f"states ({' to '.join(f'{n:,}' for n in sizes)} profiles each)"
    )
    say(f"States: {told}.")
    if counts[target] < _ENOUGH_TO_JUDGE:
        warn(
            f"a fifth of the {counts[target]} profiles of {target} is held out, too few to judge "
            "whether perturbed ones look real; what changes is told all the same."
        )
    return States(data, names[kept], target, told)


def suggestion(name, known, otherwise):
    """Names that look like the one that is not known, or the first few of all."""
    by_case = {other.casefold(): other for other in known}
    near = [by_case[key] for key in get_close_matches(name.casefold(), by_case, 3, 0.5)]
    return f"Did you mean {few(near)}?" if near else f"{otherwise} {few(known, 10)}."


def _states_of(data, labels, target):
    """State of each profile, empty where none is known, and what tells them."""
    if labels in data.sample_table:
        names = np.char.strip(as_ids(data.sample_table[labels]))
        return np.where(is_missing_text(names), "", names), f"column {labels!r}"
    if not Path(labels).is_file():
        known = ", ".join(map(repr, data.sample_table)) or "no columns"
        raise ValueError(
            f"--labels {labels!r} is neither a column of the sample table, which has {known}, nor "
            "a file that exists. Check the name, or pass a csv or tsv file of sample ids and "
            "states."
        )
    state_of, told_by = _listed(Path(labels), data.samples.tolist(), target)
    names = np.array([state_of.get(sample, "") for sample in data.samples.tolist()])
    return np.where(is_missing_text(names), "", names), told_by


def _listed(path, samples, target):
    """State of each sample that a file lists, and what tells them."""
    with reading(path, "csv"), open_text(path) as lines:
        first = lines.readline()
        separator = "\t" if "\t" in first else ","
        rows = [*csv.reader([first], delimiter=separator), *csv.reader(lines, delimiter=separator)]
    columns = [
        [field.strip() for field in column]
        for column in zip_longest(*filter(None, rows), fillvalue="")
    ]
    known = set(samples)
    n_matched = [len(known.intersection(column)) for column in columns]
    if not columns or not max(n_matched):
        ids = columns[0][1:] or columns[0] if columns else ()
        raise ValueError(
            f"None of the samples in {str(path)!r}, such as {few(ids)}, is in the data, whose "
            f"samples are {few(samples)}: list the same ids, one a line, and the state of each."
        )
    ids = columns.pop(int(np.argmax(n_matched)))
    header = [column[0] for column in columns] if ids[0] not in known else None
    states = _column_of_states(path, columns, header, target)
    state_of, differing = {}, []
    for sample, state in list(zip(ids, states, strict=True))[header is not None :]:
        if state_of.setdefault(sample, state) != state:
            differing.append(sample)
    if differing:
        raise ValueError(
            f"{str(path)!r} gives {len(differing)} samples several states: {few(differing)}. "
            "Keep one line of each."
        )
    if surplus := [sample for sample in state_of if sample not in known]:
        say(
            f"{len(surplus):,} samples of {path.name} are not in the data, such as {surplus[0]}; "
            "they are ignored."
        )
    return state_of, path.name


def _column_of_states(path, columns, header, target):
    """The one column beside the ids, or the one of several that knows the target."""
    if len(columns) > 1:
        columns = [column for column in columns if target in column] or columns
    if len(columns) != 1:
        named = f" ({few(header, 10)})" if header and any(header) else ""
        found = f"{len(columns)} columns beside the sample ids" if columns else "sample ids alone"
        raise ValueError(
            f"{str(path)!r} has {found}{named}, so that it cannot be told which holds the states: "
            "keep two columns, sample id and state."
        )
    return columns[0]
