"""Do gene modules agree with known gene sets more often than modules of random genes?"""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from skgex.inspection._enrichment import (
    SETS_CONSTRAINTS,
    adjusted,
    as_background,
    overlaps,
    tested_lists,
    tested_sets,
    upper_tail,
)


class ModuleEnrichment(NamedTuple):
    """How many modules are enriched in some gene set; see :func:`module_enrichment`."""

    share: float
    chance: float
    chance_std: float
    p_value: float
    n_modules: int
    n_best_sets: int
    enriched: np.ndarray

    def __str__(self):
        return (
            f"{self.share:.1%} of {self.n_modules:,} modules are enriched, {self.chance:.1%} ± "
            f"{self.chance_std:.1%} by chance (p = {self.p_value:.2g}); {self.n_best_sets:,} sets "
            "are the best of some module"
        )


@validate_params(
    {
        **SETS_CONSTRAINTS,
        "modules": [Mapping],
        "alpha": [Interval(Real, 0, 0.5, closed="neither")],
        "n_permutations": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def module_enrichment(
    modules,
    gene_sets,
    *,
    background,
    min_size=1,
    max_size=None,
    alpha=0.05,
    n_permutations=200,
    random_state=None,
):
    """How many modules are enriched in some gene set, and how many would be by chance.

    A module is enriched if :func:`enrichment` of all modules has a set with ``q_value < alpha``
    for it. The same is counted after the names of the measured genes have been shuffled: random
    modules, of the same sizes and overlaps.

    Parameters
    ----------
    modules : dict of str to array-like of str
        Genes of each module, as :func:`module_genes` returns them.
    gene_sets, background, min_size, max_size
        As of :func:`enrichment`.
    alpha : float, default=0.05
        Below 0.5.
    n_permutations : int, default=200
        Number of times that names are shuffled. The p-value is at least
        ``1 / (1 + n_permutations)``.
    random_state : int, RandomState instance or None, default=None
        Shuffles the names.

    Returns
    -------
    ModuleEnrichment
        - ``share``: share of modules that are enriched;
        - ``chance``, ``chance_std``: mean and standard deviation of that share over shuffles;
        - ``p_value``: ``(1 + b) / (1 + n_permutations)`` if shuffled names reached that share, or
          a larger one, b times;
        - ``n_modules``: number of modules;
        - ``n_best_sets``: number of different sets that are the best, of the lowest p-value, of
          an enriched module: 1 if all modules are about the same;
        - ``enriched``: whether each is enriched, an array in their order.

    Raises
    ------
    ValueError
        As :func:`enrichment` does.

    Notes
    -----
    Larger modules are enriched more easily, in whatever they were found, so that shares of two
    dictionaries compare only where sizes do. Modules that all resemble the mean profile are all
    enriched in what is highly expressed, and no shuffling tells: see ``n_best_sets``.

    Examples
    --------
    >>> from skgex.inspection import module_enrichment
    >>> genes = [f"G{j}" for j in range(100)]
    >>> sets = {"even": genes[:20:2], "odd": genes[1:20:2]}
    >>> modules = {"a": genes[:14:2], "b": genes[50:60], "c": genes[1:20:2]}
    >>> print(module_enrichment(modules, sets, background=genes, random_state=0))
    66.7% of 3 modules are enriched, 1.5% ± 6.9% by chance (p = 0.005); 2 sets are the best of
    some module
    """
    background = as_background(background)
    sets, _, _ = tested_sets(gene_sets, background, min_size, max_size)
    modules, names, _ = tested_lists(modules, background, "modules")
    set_size, module_size = sets.sum(axis=1), modules.sum(axis=1)
    sets, n_tests = sets.T.tocsr(), len(names) * sets.shape[0]

    def which_enriched():
        rows, columns, overlap = overlaps(modules, sets)
        n, K = module_size[rows], set_size[columns]
        # The median is less than 1 from the mean: p-values below a half are all above the mean.
        above = overlap * len(background) > n * K
        p = upper_tail(overlap[above], n[above], K[above], len(background), enough=alpha)
        order = np.argsort(p, kind="stable")
        found = order[adjusted(p[order], n_tests) < alpha]
        enriched, first = np.unique(rows[above][found], return_index=True)
        return enriched, columns[above][found][first]

    enriched, best = which_enriched()
    random_state = check_random_state(random_state)
    by_chance = np.empty(n_permutations)
    indices = modules.indices.copy()
    for i in range(n_permutations):
        modules.indices = random_state.permutation(len(background)).astype(indices.dtype)[indices]
        by_chance[i] = len(which_enriched()[0]) / len(names)
    share = len(enriched) / len(names)
    return ModuleEnrichment(
        share=share,
        chance=float(by_chance.mean()),
        chance_std=float(by_chance.std()),
        p_value=float((1 + np.count_nonzero(by_chance >= share)) / (1 + n_permutations)),
        n_modules=len(names),
        n_best_sets=len(np.unique(best)),
        enriched=np.isin(np.arange(len(names)), enriched),
    )
