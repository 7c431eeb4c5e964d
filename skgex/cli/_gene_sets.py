"""Gene sets: which of a file are measured, which are asked for, and what is enriched in them."""

from typing import NamedTuple

from skgex._utils._gene_ids import kind_in_words
from skgex._utils._naming import few
from skgex.cli._input import say
from skgex.cli._states import suggestion
from skgex.cli._task import names_genes

EVERY = "all"
# Smaller sets tell little, and every set that is tested makes the q-values of the others larger.
_FEWEST_GENES = 5


class GeneSets(NamedTuple):
    """Gene sets with measured genes.

    Attributes
    ----------
    sets : dict of str to tuple of str
    chosen : dict of str to tuple of str
        Those of them that get a fit of their own.
    told : str
    """

    sets: dict
    chosen: dict
    told: str


def read_sets(path, chosen, data):
    """Read gene sets, and check those that are asked for.

    Parameters
    ----------
    path : Path
        A GMT file.
    chosen : list of str
        Names of sets; ``["all"]`` for every set.
    data : ExpressionData

    Returns
    -------
    GeneSets
    """
    from skgex.datasets import read_gmt

    sets = read_gmt(path)
    wanted = list(sets) if EVERY in chosen else [_known(name, sets, path) for name in chosen]
    genes = set(data.genes.tolist())
    measured = {name: own for name, own in sets.items() if genes.intersection(own)}
    if not measured:
        some = list(dict.fromkeys(gene for own in sets.values() for gene in own))
        named = [name for name, values in data.gene_table.items() if names_genes(values)]
        hint = f" Columns of its gene table that name genes: {', '.join(named)}." if named else ""
        raise ValueError(
            f"No gene of {str(path)!r} was measured: it has {kind_in_words(some)} such as "
            f"{few(some)}, the data have {kind_in_words(data.genes)} such as {few(data.genes)}. "
            f"Name the genes of the data as the sets do (--gene-ids).{hint}"
        )
    told = f"{path.name}: {len(sets):,} sets"
    if absent := [name for name in sets if name not in measured]:
        told += f", of which {len(absent):,} have no measured gene and are left out"
        say(f"{len(absent):,} gene sets have no measured gene and are left out: {few(absent)}.")
    if lost := [name for name in wanted if name not in measured and len(wanted) < len(sets)]:
        raise ValueError(
            f"--gene-set {lost[0]!r} has no measured gene: leave it out, or name the genes of the "
            "data as the sets do (--gene-ids)."
        )
    chosen = {name: measured[name] for name in dict.fromkeys(wanted) if name in measured}
    return GeneSets(measured, chosen, told)


def _known(name, sets, path):
    """The name of a set as the file has it."""
    by_case = {other.casefold(): other for other in sets}
    if name not in sets and name.casefold() not in by_case:
        raise ValueError(
            f"--gene-set {name!r} is not in {str(path)!r}. "
            f"{suggestion(name, list(sets), 'Its sets are')}"
        )
    return name if name in sets else by_case[name.casefold()]


def enriched(found, sets, n_genes):
    """Gene sets that hold more of the most raised and lowered genes than by chance.

    Parameters
    ----------
    found : PerturbedGenes
    sets : dict of str to tuple of str
    n_genes : int
        How many genes of all source states together are taken.

    Returns
    -------
    tuple of (Enrichment, Enrichment) or None
        First that of the genes that are most often among the most raised, or lowered; then that
        of those of every source state, in lists named ``direction: state``, or None for a single
        state, whose lists are the pooled ones. None if no gene changes.
    """
    from skgex.inspection import enrichment

    listed = found.recurrence
    pooled = {
        direction: listed["gene"][listed["direction"] == direction].head(n_genes).tolist()
        for direction in ("raised", "lowered")
    }
    by_state = {
        f"{direction}: {state}": genes
        for direction in ("raised", "lowered")
        for state, genes in getattr(found, direction).items()
    }
    pooled = {direction: genes for direction, genes in pooled.items() if genes}
    if not pooled:
        return None
    measured = set(found.genes.tolist())
    largest = max(len(measured.intersection(genes)) for genes in sets.values())
    tests = dict(gene_sets=sets, background=found.genes, min_size=min(_FEWEST_GENES, largest))
    alone = len(found.states) == 1
    return enrichment(pooled, **tests), None if alone else enrichment(by_state, **tests)
