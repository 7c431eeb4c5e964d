"""Do related genes stand in the same gene sets more often than chance would have it?"""

from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from skgex._utils._blocks import gene_blocks
from skgex._utils._gene_ids import kind_in_words, repeated
from skgex._utils._naming import few
from skgex._utils._relations import as_relations
from skgex.datasets import read_gmt


class GeneSetAgreement(NamedTuple):
    """How often related genes have a gene set in common; see :func:`gene_set_agreement`."""

    share: float
    chance: float
    ratio: float
    p_value: float
    n_genes: int
    gene_share: np.ndarray

    def __str__(self):
        return (
            f"{self.share:.1%} of related genes share a set, {self.chance:.1%} by chance "
            f"({self.ratio:.2f} fold, p = {self.p_value:.2g}, {self.n_genes:,} genes)"
        )


@validate_params(
    {
        "gene_sets": [Mapping, str, PathLike],
        "n_related": [Interval(Integral, 1, None, closed="left")],
        "n_permutations": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def gene_set_agreement(
    similarity, gene_names, gene_sets, *, n_related=10, n_permutations=1000, random_state=None
):
    """How often the genes that tell most about a gene share a gene set with it.

    Only genes that are in a set take part. For each of them the ``n_related`` genes of the
    strongest relation, the largest ``|similarity[:, gene]|``, are looked up *among the genes
    that are in a set*, and the share of pairs (gene, related gene) with a set in common is
    compared with what the same relations reach when the names of these genes are shuffled. Sets
    keep their sizes and overlaps, relations keep their hubs.

    Parameters
    ----------
    similarity : array-like of shape (n_genes, n_genes)
        How much the gene of a row tells about that of a column, such as ``task_similarity_`` of
        a multi-task regressor, or correlations. The diagonal is left out. A value of exactly 0 is
        no relation, so that a gene may have fewer than ``n_related`` of them; which of equally
        strong ones are taken is left open.
    gene_names : array-like of str of shape (n_genes,)
        Names in the vocabulary of the sets, each once.
    gene_sets : dict of str to iterable of str, str or path-like
        Genes of each set, as :func:`~skgex.datasets.read_gmt` returns them, or the path of a GMT
        file. Other genes than those of `gene_names` are ignored.
    n_related : int, default=10
        Number of related genes to look up for each gene.
    n_permutations : int, default=1000
        Number of times that names are shuffled. The p-value is at least
        ``1 / (1 + n_permutations)``.
    random_state : int, RandomState instance or None, default=None
        Shuffles the names.

    Returns
    -------
    GeneSetAgreement
        - ``share``: share of the pairs (gene, related gene) that have a set in common;
        - ``chance``: its mean over all ways to shuffle the names, which is the share among all
          pairs of genes that are in a set;
        - ``ratio``: the former over the latter, 1 where relations say nothing about sets;
        - ``p_value``: ``(1 + b) / (1 + n_permutations)`` if shuffled names reached that share, or
          a larger one, b times;
        - ``n_genes``: number of genes that were judged: in a set, and related to some gene;
        - ``gene_share``: the share for each gene, in the order of `gene_names`; NaN for a gene
          that was not judged.

    Raises
    ------
    ValueError
        If the similarity is not square and finite, names are not one a gene and each once, no
        set holds two of the genes, or fewer than ``n_related`` others are in a set.

    Notes
    -----
    A ratio above 1 is no proof of a good method: genes of a set are correlated, and whatever is
    built on correlations inherits that. Compare with the agreement of plain correlations of the
    same genes. A small p-value also arises where much studied genes, which are in many sets, are
    those that everything is related to [1]_; shuffling breaks that link, so that it counts as
    agreement. The p-value counts the observed order among the shuffled ones [2]_.

    References
    ----------
    .. [1] Gillis, J., Pavlidis, P. (2012). "Guilt by association" is the exception rather than
           the rule in gene networks. PLoS Computational Biology 8, e1002444.
    .. [2] Phipson, B., Smyth, G. K. (2010). Permutation p-values should never be zero.
           Statistical Applications in Genetics and Molecular Biology 9, 39.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex.inspection import gene_set_agreement
    >>> genes = ["CCND1", "CDK4", "CDK6", "E2F1", "IFIT1", "ISG15", "MX1", "OAS1"]
    >>> sets = {"cell cycle": genes[:4], "interferon": genes[4:]}
    >>> similarity = np.full((8, 8), 0.1)
    >>> similarity[:4, :4] = similarity[4:, 4:] = -0.8
    >>> print(gene_set_agreement(similarity, genes, sets, n_related=3, random_state=0))
    100.0% of related genes share a set, 42.9% by chance (2.33 fold, p = 0.025, 8 genes)
    """
    similarity, names = as_relations(similarity, gene_names, "gene_names")
    if again := repeated(names.tolist()):
        raise ValueError(
            f"gene_names has {len(again)} names more than once: {few(again)}. A gene always "
            "shares its sets with itself: keep one row and column of each."
        )
    members = _members(gene_sets, names)
    known = np.unique(np.concatenate(members))
    if n_related >= len(known):
        raise ValueError(
            f"n_related={n_related} is too large: {len(known)} of the {len(names)} genes are in a "
            f"set, which leaves {len(known) - 1} others to each. Lower n_related."
        )
    together = _together([np.searchsorted(known, genes) for genes in members], len(known))
    n_together = np.count_nonzero(together)
    if not n_together:
        raise ValueError(
            f"No set holds two of the {len(names)} genes, so that no pair can have a set in "
            "common: pass larger sets, or relations of more genes."
        )
    genes, related = _strongest(similarity, known, n_related)
    hits = together[genes, related]

    random_state = check_random_state(random_state)
    n_reached = 0
    for _ in range(n_permutations):
        shuffled = random_state.permutation(len(known))
        by_chance = together[shuffled[genes], shuffled[related]]
        n_reached += np.count_nonzero(by_chance) >= np.count_nonzero(hits)

    n_pairs = np.bincount(genes, minlength=len(known))
    gene_share = np.full(len(names), np.nan)
    judged = n_pairs > 0
    n_hits = np.bincount(genes, weights=hits, minlength=len(known))
    gene_share[known[judged]] = n_hits[judged] / n_pairs[judged]
    share, chance = float(hits.mean()), n_together / (len(known) * (len(known) - 1))
    return GeneSetAgreement(
        share=share,
        chance=chance,
        ratio=share / chance,
        p_value=(1 + n_reached) / (1 + n_permutations),
        n_genes=int(judged.sum()),
        gene_share=gene_share,
    )


def _members(gene_sets, names):
    """Positions of the genes of every set that has some."""
    if not isinstance(gene_sets, Mapping):
        gene_sets = read_gmt(gene_sets)
    if text := [name for name, genes in gene_sets.items() if isinstance(genes, str)]:
        raise ValueError(
            f"gene_sets[{text[0]!r}] is the text {gene_sets[text[0]]!r}: pass a list of the names "
            "of its genes."
        )
    position = {name: j for j, name in enumerate(names.tolist())}
    gene_sets = [dict.fromkeys(map(str, genes)) for genes in gene_sets.values()]
    members = [[position[gene] for gene in genes if gene in position] for genes in gene_sets]
    if not any(members):
        others = list(dict.fromkeys(gene for genes in gene_sets for gene in genes))
        found = f"{kind_in_words(others)} ({few(others)})" if others else "no gene at all"
        raise ValueError(
            f"None of the {len(names)} genes is in a set: gene_names has {kind_in_words(names)} "
            f"({few(names)}), gene_sets has {found}. Pass both in the same vocabulary."
        )
    return [np.array(genes) for genes in members if genes]


def _together(members, n_genes):
    """Which two genes have a set in common; a gene and itself do not count."""
    together = np.zeros((n_genes, n_genes), dtype=bool)
    for genes in members:
        together[np.ix_(genes, genes)] = True
    np.fill_diagonal(together, False)
    return together


def _strongest(similarity, known, n_related):
    """Pairs of a gene and one of those related to it most, as positions among the known."""
    genes, related = [], []
    for block in gene_blocks(len(known), len(known)):
        columns = np.arange(len(known))[block]
        strength = np.abs(similarity[np.ix_(known, known[block])]).T.copy()
        strength[np.arange(len(columns)), columns] = 0
        rows = np.argpartition(strength, -n_related, axis=1)[:, -n_related:]
        is_relation = np.take_along_axis(strength, rows, axis=1) > 0
        genes.append(np.broadcast_to(columns[:, np.newaxis], rows.shape)[is_relation])
        related.append(rows[is_relation])
    genes, related = np.concatenate(genes), np.concatenate(related)
    if not len(genes):
        raise ValueError(
            f"similarity is 0 between all {len(known)} genes that are in a set: there is no "
            "relation to judge."
        )
    return genes, related
