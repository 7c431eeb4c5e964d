"""The report of a perturbation: a folder with tables, pictures and one page."""

from pathlib import Path

import pandas as pd

from skgex.cli._folder import drawn, report_folder, write_page
from skgex.cli._perturb_page import page


def write_report(folder, result, sets, story, *, seed):
    """Write tables, pictures and ``report.html``.

    Parameters
    ----------
    folder : Path
        Created if need be. All files are made elsewhere first, so that it never holds a part.
    result : Perturbed
    sets : tuple of (Enrichment, Enrichment) or None
        What is enriched in the genes of all states together, and of every state.
    story : Story
    seed : int
    """
    pictures = {Path(p.file).stem: p for p in _pictures(result, sets, seed)}
    tables = {"realism": _realism(result.realism), "perturbed_genes": result.genes.table}
    if sets is not None:
        tables["enrichment"] = _enrichment(*sets)
    if len(result.sets) > 1:
        tables["gene_sets"] = result.sets
    files = [f"{name}.csv" for name in tables]
    with report_folder(folder) as making:
        for name, table in tables.items():
            table.to_csv(making / f"{name}.csv", index=False)
        html = page(result, sets, pictures, story, files)
        write_page(making, html, pictures.values())


def _realism(found):
    """The table, with what real profiles reach where it depends on the data."""
    return found.table.assign(correlation_ceiling=found.correlation_ceiling)


def _enrichment(pooled, by_state):
    """Rows of all lists: those of all states together under ``(all states)``."""
    table = pooled.table.assign(list=pooled.table["list"] + ": (all states)")
    if by_state is not None:
        table = pd.concat([table, by_state.table])
    lists = table.pop("list").str.partition(": ")
    table.insert(0, "state", lists[2])
    table.insert(1, "direction", lists[0])
    return table.assign(genes=table["genes"].map(" ".join))


def _pictures(result, sets, seed):
    """Draw what the page shows."""
    import matplotlib

    matplotlib.use("Agg")
    from skgex import plotting

    tspg, target = result.tspg, result.realism.target
    yield drawn(
        plotting.StateMapDisplay.from_estimator(tspg, result.X, result.y, random_state=seed),
        "state_map.png",
        "Where perturbed profiles come to lie",
        f"Held-out profiles of {target} and of up to nine other states, and up to 100 perturbed "
        f"ones (crosses). Crosses belong among the profiles of {target}, mixed with them. A heap "
        "of their own beside these, or all of them in one place, means that they are not real, "
        "whatever a classifier calls them.",
    )
    yield drawn(
        plotting.TransitionDisplay.from_estimator(tspg, result.X, result.y),
        "transition.png",
        "From one state to the other, gene by gene",
        "Of up to four states the held-out profile that is closest to the mean of its state: as "
        f"it was, what changes, as it is then, and beside it the mean of {target}. Genes stand in "
        "the order of their change in that panel. The two columns on the right should look alike, "
        "but not the same: no real profile is the mean.",
    )
    if len(result.genes.recurrence):
        lists = [*result.genes.raised.values(), *result.genes.lowered.values()]
        yield drawn(
            plotting.PerturbedGenesDisplay.from_perturbed_genes(result.genes),
            "perturbed_genes.png",
            "Which genes change most",
            f"Genes that are most often among the {max(map(len, lists))} most raised, or most "
            "lowered, ones of a state. Colours are their mean change in each state, in shares of "
            "the range that a gene has in the training profiles. A gene that changes alike "
            f"everywhere tells of {target}; one that changes in few states tells of these.",
        )
    if sets is not None:
        pooled, _ = sets
        is_enriched = (pooled.table["q_value"] < 0.05).any()
        yield drawn(
            plotting.EnrichmentDisplay.from_enrichment(pooled, n_sets=10 if is_enriched else 4),
            "enrichment.png",
            "Gene sets enriched in the genes that change most",
            f"{pooled.n_sets:,} sets against the genes that are raised, and lowered, in most "
            f"states; {pooled.n_sets_left_out:,} others have too few measured genes. The "
            f"background is the {pooled.n_background:,} measured genes, not the genome. Bars that "
            "do not reach the dashed line may well be chance.",
        )
