"""Named groups of genes or of profiles: those a user gives, and clusters."""

import warnings
from collections.abc import Mapping

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from ._gene_ids import as_ids, repeated
from ._naming import few
from ._validation import as_host

_N_COMPONENTS = 50  # what profiles or genes have in common; the others are noise to a cluster


def as_groups(groups, names, argument, noun):
    """Positions of the members of each group.

    Parameters
    ----------
    groups : dict of str to array-like of str or int, or array-like of shape (n_items,)
        Names or positions of the members by group, which may overlap and need not hold all, or
        the group of each item.
    names : ndarray of str of shape (n_items,)
    argument, noun : str
        What the caller calls the groups, and an item, for error messages.

    Returns
    -------
    dict of str to ndarray of int
        Groups of labels are sorted, others in the order in which they came.
    """
    if isinstance(groups, Mapping):
        if not groups:
            raise ValueError(f"{argument} is an empty dictionary: give at least one group.")
        return {
            str(group): _positions(own, names, f"{argument}[{group!r}]", noun)
            for group, own in groups.items()
        }
    labels = np.asarray(as_host(groups))
    if labels.shape != names.shape:
        raise ValueError(
            f"{argument} has shape {labels.shape}, but there are {len(names)} {noun}s: give a "
            f"label for every {noun}, a dictionary of groups, or a number of clusters."
        )
    if any(label is None or label != label for label in labels.tolist()):
        raise ValueError(
            f"{argument} has missing labels: give every {noun} one, or pass a dictionary of the "
            "groups that are of interest."
        )
    index = getattr(groups, "index", None)  # that of a list is a method
    is_named = hasattr(index, "equals") and all(isinstance(name, str) for name in index)
    if is_named and list(index) != names.tolist():
        raise ValueError(
            f"{argument} has other names in its index ({few(index)}) than the {noun}s have "
            f"({few(names)}), or another order: bring its labels into the order of these."
        )
    # Sorted as they are, 2 before 10, unless they are of several kinds.
    labels = labels if labels.dtype.kind in "biuf" else as_ids(labels)
    return {str(label): np.flatnonzero(labels == label) for label in np.unique(labels)}


def clusters(rows, n_clusters, random_state):
    """Positions of the rows in each of their k-means clusters, the largest first.

    Clusters are those of the first principal components, or fewer if not as many rows differ.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
    n_clusters : int
    random_state : RandomState

    Returns
    -------
    dict of str to ndarray of int
        Named by their numbers, from 1.
    """
    n_clusters = min(n_clusters, len(rows))
    labels = np.zeros(len(rows), dtype=int)
    if n_clusters > 1 and np.ptp(rows, axis=0).any():
        seed = random_state.randint(np.iinfo(np.int32).max)
        n_components = min(_N_COMPONENTS, *rows.shape)
        scores = PCA(n_components, random_state=seed).fit_transform(rows)
        with warnings.catch_warnings():  # equal rows make fewer clusters
            warnings.simplefilter("ignore", ConvergenceWarning)
            labels = KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(scores)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    members.sort(key=len, reverse=True)
    return {f"{number}": own for number, own in enumerate(members, start=1)}


def _positions(members, names, argument, noun):
    """Positions of members that are named, or given by position."""
    members = np.asarray(as_host(members))
    if members.ndim != 1 or members.dtype.kind not in "iuUOT" or not members.size:
        raise ValueError(
            f"{argument} must be a list of names or integer positions of {noun}s, at least one; "
            f"found shape {members.shape} and dtype {members.dtype}."
        )
    if again := repeated(members.tolist()):
        raise ValueError(f"{argument} has {len(again)} {noun}s more than once: {few(again)}.")
    if members.dtype.kind in "iu":
        if outside := [int(j) for j in members if not 0 <= j < len(names)]:
            raise ValueError(
                f"{argument} has {len(outside)} positions outside the {len(names)} {noun}s, which "
                f"are counted from 0: {few(outside)}."
            )
        return members.astype(np.intp)
    where = {}
    for position, name in enumerate(names.tolist()):
        where.setdefault(name, []).append(position)
    members = as_ids(members).tolist()
    if unclear := [name for name in members if len(where.get(name, ())) != 1]:
        raise ValueError(
            f"{argument} has {len(unclear)} names that are not those of exactly one {noun}: "
            f"{few(unclear)}. The {noun}s are {few(names)}: pass names among them, or positions."
        )
    return np.array([where[name][0] for name in members], dtype=np.intp)
