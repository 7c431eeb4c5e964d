"""Which gene sets does a list of genes hold more of than chance would have it?"""

from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import betaln
from sklearn.utils._param_validation import Interval, validate_params

from skgex._utils._gene_ids import as_ids, kind_in_words
from skgex._utils._naming import few
from skgex._utils._tables import as_table
from skgex.datasets import read_gmt

SETS_CONSTRAINTS = {
    "gene_sets": [Mapping, str, PathLike],
    "min_size": [Interval(Integral, 1, None, closed="left")],
    "max_size": [Interval(Integral, 1, None, closed="left"), None],
}


class Enrichment(NamedTuple):
    """Over-representation of genes in gene sets; see :func:`enrichment`."""

    table: object
    n_tests: int
    n_genes: int
    n_unknown: int
    n_background: int
    n_sets: int
    n_sets_left_out: int

    def __str__(self):
        n_enriched = np.count_nonzero(np.asarray(self.table["q_value"]) < 0.05)
        return (
            f"{n_enriched:,} of {self.n_tests:,} tests have q < 0.05 ({self.n_genes:,} genes of "
            f"{self.n_background:,} measured ones, {self.n_unknown:,} unknown; {self.n_sets:,} "
            f"sets, {self.n_sets_left_out:,} left out)"
        )


@validate_params(SETS_CONSTRAINTS, prefer_skip_nested_validation=True)
def enrichment(genes, gene_sets, *, background, min_size=1, max_size=None):
    """Gene sets that hold more of a list's genes than a random list would.

    Of N measured genes n are in the list and K in the set; x or more of a random list of n genes
    are in the set with probability ``p = Σ_{t ≥ x} C(K, t) C(N − K, n − t) / C(N, n)``, the upper
    tail of the hypergeometric distribution. Genes that were not measured count nowhere: neither
    in the list nor in the set. p-values are adjusted over all tests, lists × sets, as Benjamini
    and Hochberg do.

    Parameters
    ----------
    genes : array-like of str, or dict of str to array-like of str
        The list, such as the most raised genes of a perturbation, or many lists by name, such as
        modules. A gene counts once.
    gene_sets : dict of str to iterable of str, str or path-like
        Genes of each set, as :func:`~skgex.datasets.read_gmt` returns them, or the path of a GMT
        file.
    background : array-like of str
        All genes that could have come into the list: those measured, or inferred, in the
        vocabulary of the sets. A gene counts once.
    min_size, max_size : int, default=1 and None
        Sets with fewer or more measured genes are left out. Every set that is tested makes the
        adjusted p-values of the others larger.

    Returns
    -------
    Enrichment
        - ``table``: a DataFrame when pandas is installed, else a structured array, sorted by
          p-value, with a row for each list and set that have a gene in common (other tests have
          p-value 1) and the columns ``list``, only if there are many; ``set``; ``list_size``,
          ``set_size`` and ``overlap``, in measured genes; ``fold``, the overlap over its mean by
          chance; ``p_value``; ``q_value``, the adjusted one; ``genes``, those in common;
        - ``n_tests``: number of lists × sets, over which p-values are adjusted;
        - ``n_genes``, ``n_unknown``: number of genes of the lists that were measured, or not;
        - ``n_background``: number of measured genes;
        - ``n_sets``, ``n_sets_left_out``: number of sets that were tested, or not, as they have
          no measured gene, or fewer than ``min_size``, or more than ``max_size``.

    Raises
    ------
    ValueError
        If a list is empty or none of its genes is in the background, or no set is left to test.

    See Also
    --------
    module_enrichment : How many modules are enriched in some set, and how many would be by chance.

    Notes
    -----
    The background decides: against all genes of a genome, the genes that a tissue expresses are
    enriched in whatever is expressed there. The test takes genes for independent. Genes of a set
    are correlated, so that lists of correlated genes reach a small p-value more easily [1]_.

    References
    ----------
    .. [1] Goeman, J. J., Bühlmann, P. (2007). Analyzing gene expression data in terms of gene
           sets: methodological issues. Bioinformatics 23(8).

    Examples
    --------
    >>> from skgex.inspection import enrichment
    >>> measured = ["CCND1", "CDK4", "CDK6", "E2F1", "IFIT1", "ISG15", "MX1", "OAS1", "TP53"]
    >>> sets = {"cell cycle": measured[:4], "interferon": measured[4:8]}
    >>> found = enrichment(["MX1", "OAS1", "ISG15", "TP53"], sets, background=measured)
    >>> [str(name) for name in found.table["set"]], found.n_tests
    (['interferon'], 2)
    >>> print(f"{found.table['fold'][0]:.2f} fold, p = {found.table['p_value'][0]:.3f}")
    1.69 fold, p = 0.167
    """
    background = as_background(background)
    sets, set_names, n_left_out = tested_sets(gene_sets, background, min_size, max_size)
    lists = genes if isinstance(genes, Mapping) else {"genes": _names(genes, "genes")}
    lists, list_names, n_unknown = tested_lists(lists, background, "genes")
    rows, columns, overlap = overlaps(lists, sets.T.tocsr())
    list_size, set_size = lists.sum(axis=1)[rows], sets.sum(axis=1)[columns]
    n_background, n_tests = len(background), len(list_names) * len(set_names)
    p = upper_tail(overlap, list_size, set_size, n_background)

    order = np.argsort(p, kind="stable")
    rows, columns, overlap, p = rows[order], columns[order], overlap[order], p[order]
    list_size, set_size = list_size[order], set_size[order]
    table = {"list": list_names[rows]} if isinstance(genes, Mapping) else {}
    table |= {
        "set": set_names[columns],
        "list_size": list_size,
        "set_size": set_size,
        "overlap": overlap,
        "fold": overlap * n_background / (list_size * set_size),
        "p_value": p,
        "q_value": adjusted(p, n_tests),
        "genes": _in_common(lists, sets, rows, columns, background),
    }
    return Enrichment(
        table=as_table(table),
        n_tests=n_tests,
        n_genes=len(np.unique(lists.indices)),
        n_unknown=n_unknown,
        n_background=n_background,
        n_sets=len(set_names),
        n_sets_left_out=n_left_out,
    )


def as_background(background):
    """Measured genes, each once, and their positions."""
    names = dict.fromkeys(_names(background, "background"))
    if not names:
        raise ValueError("background is empty: pass the names of all measured genes.")
    return {name: j for j, name in enumerate(names)}


def tested_sets(gene_sets, background, min_size, max_size):
    """Which measured genes are in each set of the right size, its name, and how many others."""
    if not isinstance(gene_sets, Mapping):
        gene_sets = read_gmt(gene_sets)
    names, genes = _by_name(gene_sets, "gene_sets")
    sets = _membership(genes, background)
    size = sets.sum(axis=1)
    if not sets.nnz:
        others = list(dict.fromkeys(gene for members in genes for gene in members))
        found = f"{kind_in_words(others)} ({few(others)})" if others else "no gene at all"
        raise ValueError(
            f"No set has a measured gene: background has {kind_in_words(list(background))} "
            f"({few(background)}), gene_sets has {found}. Pass both in the same vocabulary."
        )
    kept = np.flatnonzero((size >= min_size) & (size <= (max_size or np.inf)))
    if not len(kept):
        raise ValueError(
            f"No set has from min_size={min_size} to max_size={max_size} measured genes: the "
            f"{len(names)} sets have up to {size.max()}. Choose other sizes."
        )
    return sets[kept], names[kept], len(names) - len(kept)


def tested_lists(lists, background, argument):
    """Which measured genes are in each list, its name, and how many genes are unknown."""
    names, genes = _by_name(lists, argument)
    if not len(names):
        raise ValueError(f"{argument} has no list: pass at least one.")
    members = _membership(genes, background)
    for name, own, n_known in zip(names, genes, members.sum(axis=1), strict=True):
        this = argument if len(names) == 1 else f"{argument}[{str(name)!r}]"
        if not own:
            raise ValueError(f"{this} is empty: pass at least one gene, or leave it out.")
        if not n_known:
            raise ValueError(
                f"None of the {len(own)} genes of {this} ({kind_in_words(own)}: {few(own)}) is in "
                f"the background ({kind_in_words(list(background))}: {few(background)}). Pass "
                "both in the same vocabulary, and all measured genes as background."
            )
    n_unknown = len({gene for own in genes for gene in own} - background.keys())
    return members, names, n_unknown


def overlaps(lists, sets):
    """Lists and sets, by position, that have genes in common, and how many these are."""
    common = (lists @ sets).tocoo()
    return common.row, common.col, common.data


def upper_tail(x, n, K, N, *, enough=1.0):
    """Probability that x or more of n random genes of N are among K of them.

    ``scipy.stats.hypergeom.sf`` takes some thirty times as long, too long for random modules.

    Parameters
    ----------
    x, n, K : ndarray of int of shape (n_tests,)
        With x between max(0, n + K − N) and min(n, K).
    N : int
    enough : float
        A larger probability may be told as any number from this to it, which is faster.

    Returns
    -------
    ndarray of float of shape (n_tests,)
    """
    x, n, K = (values.astype(np.float64) for values in (x, n, K))
    # At most the mean: not x or more means that n − x + 1 or more are among the other N − K.
    turned = x * N <= n * K
    x, K = np.where(turned, n - x + 1, x), np.where(turned, N - K, K)
    rest = N - K - n
    p = np.exp(_log_choose(K, x) + _log_choose(N - K, n - x) - _log_choose(np.float64(N), n))
    # Above the mean every term is smaller than the last: C(K, x) C(N − K, n − x) / C(N, n).
    where, t, term = np.arange(len(p)), x, p.copy()
    while len(where):
        term = term * (K[where] - t) * (n[where] - t) / ((t + 1) * (rest[where] + t + 1))
        p[where] += term
        going_on = (term > 1e-16 * p[where]) & (turned[where] | (p[where] < enough))
        where, t, term = where[going_on], t[going_on] + 1, term[going_on]
    return np.minimum(np.where(turned, 1 - p, p), 1)


def adjusted(p, n_tests):
    """Benjamini and Hochberg's of sorted p-values; those of all other tests are larger."""
    q = p * n_tests / np.arange(1, len(p) + 1)
    return np.minimum(np.minimum.accumulate(q[::-1])[::-1], 1)


def _log_choose(n, k):
    return -np.log1p(n) - betaln(k + 1, n - k + 1)


def _names(genes, argument):
    """Names as a list of text."""
    if isinstance(genes, (str, bytes)):
        raise ValueError(f"{argument} is the text {genes!r}: pass a list of the names of genes.")
    return as_ids(list(genes)).tolist()


def _by_name(lists, argument):
    """Names of lists, and the genes of each, once."""
    genes = [
        list(dict.fromkeys(_names(own, f"{argument}[{name!r}]"))) for name, own in lists.items()
    ]
    return np.array([str(name) for name in lists]), genes


def _membership(lists, position):
    """Lists × measured genes: 1 where a gene is in a list."""
    indices = [[position[gene] for gene in genes if gene in position] for genes in lists]
    ends = np.cumsum([0, *map(len, indices)])
    indices = np.array([j for own in indices for j in own], dtype=np.int32)
    ones = np.ones(len(indices), dtype=np.int64)
    return csr_array((ones, indices, ends), shape=(len(lists), len(position)))


def _in_common(lists, sets, rows, columns, background):
    """Names of the genes of each pair of a list and a set, in the order of the set."""
    names = np.array(list(background), dtype=object)[sets.indices]  # set after set
    genes = np.empty(len(rows), dtype=object)
    order = np.argsort(rows, kind="stable")
    ends = np.cumsum(np.bincount(rows, minlength=lists.shape[0]))
    for row, pairs in enumerate(np.split(order, ends[:-1])):
        in_list = np.zeros(len(background), dtype=bool)
        in_list[lists.indices[lists.indptr[row] : lists.indptr[row + 1]]] = True
        kept = in_list[sets.indices]
        common = tuple(names[kept].tolist())
        start = np.append(0, np.cumsum(kept))[sets.indptr]
        own = columns[pairs]
        where = (pairs.tolist(), start[own].tolist(), start[own + 1].tolist())
        for pair, first, end in zip(*where, strict=True):
            genes[pair] = common[first:end]
    return genes
