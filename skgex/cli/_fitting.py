"""Split the profiles of a task and fit methods on them, telling how far the work is."""

import numpy as np

from skgex.cli._input import say
from skgex.cli._results import judge
from skgex.cli._task import column_of
from skgex.model_selection import compare_methods, split_profiles


def split_task(task, group, seed):
    """Split the profiles at random, or by whole groups, and say how.

    Unlabelled profiles can only be learnt from, so all of them are training profiles.

    Parameters
    ----------
    task : Task
    group : str or None
        Column of the sample table.
    seed : int

    Returns
    -------
    split : ProfileSplit
    told : str
    """
    labelled = np.flatnonzero(task.labelled)
    groups, how = None, "at random"
    if group is not None:
        groups = column_of(task.data.sample_table, group, "--group", "sample")[labelled]
        how = f"by whole groups of {group!r} ({len(np.unique(groups))} groups)"
    split = split_profiles(len(labelled), groups=groups, random_state=seed)
    train, validation, test = (labelled[rows] for rows in split)
    if min(len(train), len(test)) < 2:
        raise ValueError(
            f"{len(labelled):,} labelled profiles leave {len(train)} to learn from and "
            f"{len(test)} to test on; at least 2 of each are needed, and hundreds to learn well."
        )
    train = np.sort(np.concatenate([train, np.flatnonzero(~task.labelled)]))
    told = (
        f"{len(train):,} training, {len(validation):,} validation and {len(test):,} test "
        f"profiles, {how}"
    )
    say(f"Split: {told}.")
    return split._replace(train=train, validation=validation, test=test), told


def training_means(task, split):
    """Mean of every target over the labelled training profiles."""
    return task.Y[split.train][task.labelled[split.train]].mean(axis=0)


def within_reach(name, candidates, task, split):
    """Candidates whose number of neighbours the data can offer; says which are left out."""
    if name == "knn_gene":
        n, what = len(task.landmarks), "landmarks"
    else:
        n, what = int(task.labelled[split.train].sum()), "labelled profiles to learn from"
    reach = [c for c in candidates if getattr(c, "n_neighbors", 0) <= n]
    if dropped := [str(c.n_neighbors) for c in candidates if c not in reach]:
        say(
            f"{name}: n_neighbors={', '.join(dropped)} is left out, since there are only {n:,} "
            f"{what}."
        )
    return reach or candidates[:1]


def fit_methods(candidates, task, split):
    """Fit methods one after the other.

    Parameters
    ----------
    candidates : dict of {str: list of estimators}
    task : Task
    split : ProfileSplit

    Returns
    -------
    list of Judged
    """
    baseline = training_means(task, split)
    results = []
    for number, (name, some) in enumerate(candidates.items(), start=1):
        some = within_reach(name, some, task, split)
        settings = f", the best of {len(some)} settings" * (len(some) > 1)
        say(f"[{number}/{len(candidates)}] {name}{settings} ...")
        [found] = compare_methods({name: some}, task.X, task.Y, split)
        result = judge(
            name,
            found.estimator,
            found.predictions,
            task.Y[split.test],
            genes=task.target_genes,
            is_twin=task.is_twin,
            baseline=baseline,
            fit_seconds=found.fit_seconds,
        )
        say(f"      MAE {result.mae:.4f}, fitted in {found.fit_seconds:.1f} s")
        results.append(result)
    return results
