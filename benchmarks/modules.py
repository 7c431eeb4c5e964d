"""What are the modules of a dictionary worth? Any npz of profiles in, one table out.

    python benchmarks/modules.py --data expression.npz --names symbols --seeds 3 \
        --gene-sets hallmark.gmt,reactome.gmt --methods smaf,smaf_sparse,nmf,ksvd,svd,profiles

Every dictionary is fitted once a seed, to all profiles or to a random share of them
(``--profiles``), values of each gene in [0, 1]. The table tells how many modules are left, their
share of loadings that are not zero, their effective size, how many genes hold half of their
squared norm, how alike the modules of two seeds are (in brackets: modules that are no match), and
which share of them is enriched in some gene set (in brackets: random modules of the same sizes,
and the largest p-value of the seeds; then how many sets are the best of some module).

Profiles drawn at random as modules are the floor: what they reach, all genes of high expression
do. Dictionaries that draw no random numbers find the same modules from the same profiles: compare
their stability on shares of profiles only. Larger modules are enriched more easily.
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
from relations import read_sets
from sensing import mean_and_spread
from sklearn.base import BaseEstimator

import skgex
from skgex.datasets import read_expression
from skgex.inspection import module_enrichment, module_genes, module_sizes, module_stability


class DrawnProfiles(BaseEstimator):
    """The floor: profiles drawn at random as modules, of which nothing was learned."""

    def __init__(self, n_modules, random_state):
        self.n_modules = n_modules
        self.random_state = random_state

    def fit(self, X):
        rng = np.random.default_rng(self.random_state)
        self.components_ = X[rng.choice(len(X), self.n_modules, replace=False)]
        return self


# name -> function(number of modules, seed) -> unfitted dictionary
METHODS = {
    "smaf": lambda n, seed: skgex.SMAF(n, random_state=seed),
    "smaf_sparse": lambda n, seed: skgex.SMAF(n, tolerance=0.5, random_state=seed),
    "nmf": lambda n, seed: skgex.SparseNMF(n, random_state=seed),
    "ksvd": lambda n, seed: skgex.KSVD(n, random_state=seed),
    "svd": lambda n, seed: skgex.SVDDictionary(n),
    "profiles": lambda n, seed: DrawnProfiles(n, seed),
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz of profiles")
    parser.add_argument("--gene-sets", required=True, help="GMT files")
    parser.add_argument("--names", help="gene column of names as in the sets; default: gene ids")
    parser.add_argument("--genes", type=int, help="how many genes; default: all")
    parser.add_argument(
        "--gene-order",
        choices=("expressed", "random"),
        default="random",
        help="the genes expressed in most profiles (gene column frac_expressed), or any",
    )
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--modules", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--profiles", type=float, default=1.0, help="share of them, by seed")
    parser.add_argument("--share", type=float, default=0.5, help="of the norm, in module genes")
    parser.add_argument("--smallest", type=int, default=5, help="leave out sets of fewer genes")
    parser.add_argument("--largest", type=int, default=500, help="leave out sets of more genes")
    parser.add_argument("--permutations", type=int, default=200)
    arguments = parser.parse_args()
    if unknown := set(arguments.methods.split(",")) - set(METHODS):
        parser.error(f"no method {', '.join(sorted(unknown))}; there are {', '.join(METHODS)}")
    return arguments


def load(arguments):
    """Profiles of the chosen genes, each gene in [0, 1], and their names."""
    data = read_expression(arguments.data)
    names = data.gene_table[arguments.names] if arguments.names else data.genes
    X, names = data.X.astype(np.float32), names.astype(str)
    if arguments.gene_order == "expressed":
        order = np.argsort(-data.gene_table["frac_expressed"], kind="stable")
    else:
        order = np.random.default_rng(0).permutation(len(names))
    # One gene of each name: the others would count as further genes of the same sets.
    span, (_, first) = np.ptp(X, axis=0), np.unique(names[order], return_index=True)
    order = order[np.sort(first)]
    order = order[(names[order] != "") & (span[order] > 0)]
    genes = np.sort(order[: arguments.genes])
    return (X[:, genes] - X[:, genes].min(axis=0)) / span[genes], names[genes]


def fit(method, X, seed, arguments):
    """A fitted dictionary, and the seconds it took."""
    rows = np.random.default_rng(seed).permutation(len(X))
    rows = np.sort(rows[: round(arguments.profiles * len(X))])
    start = perf_counter()
    dictionary = METHODS[method](arguments.modules, seed).fit(X[rows])
    return dictionary, perf_counter() - start


def enriched(fits, names, gene_sets, arguments):
    """Share of enriched modules, that by chance, the largest p-value, and the best sets."""
    found = [
        module_enrichment(
            module_genes(dictionary, names, share=arguments.share),
            gene_sets,
            background=names,
            min_size=arguments.smallest,
            n_permutations=arguments.permutations,
            random_state=seed,
        )
        for seed, dictionary in enumerate(fits)
    ]
    share, chance = (
        mean_and_spread([100 * getattr(one, key) for one in found], 1)
        for key in found[0]._fields[:2]
    )
    best = np.mean([one.n_best_sets for one in found])
    chance_std = 100 * np.mean([one.chance_std for one in found])
    p = max(one.p_value for one in found)
    return f"{share} % ({chance.split()[0]} ± {chance_std:.1f} %, p = {p:.3f}), {best:.0f}"


def row(method, X, names, collections, arguments):
    fits, seconds = zip(
        *(fit(method, X, seed, arguments) for seed in range(arguments.seeds)), strict=True
    )
    sizes = [module_sizes(dictionary) for dictionary in fits]
    genes = [module_genes(dictionary, names, share=arguments.share) for dictionary in fits]
    stability = "–"
    if len(fits) > 1:
        stability = "{:.3f} ({:.3f})".format(*module_stability(fits))
    cells = [
        method,
        mean_and_spread([len(size.nonzero) for size in sizes], 0),
        mean_and_spread([100 * size.nonzero.mean() / len(names) for size in sizes], 1) + " %",
        mean_and_spread([size.effective.mean() for size in sizes], 0),
        mean_and_spread([np.mean([*map(len, one.values())]) for one in genes], 0),
        stability,
        *(enriched(fits, names, gene_sets, arguments) for gene_sets in collections.values()),
        f"{np.mean(seconds):.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main():
    arguments = parse_arguments()
    X, names = load(arguments)
    collections = {
        Path(path).name.removesuffix(".gmt"): read_sets(path, arguments.largest)
        for path in arguments.gene_sets.split(",")
    }
    known = [len(set().union(*sets.values()) & set(names)) for sets in collections.values()]
    print(
        f"{Path(arguments.data).parent.name}: {arguments.profiles:.0%} of {len(X):,} profiles, "
        f"{X.shape[1]:,} genes ({arguments.gene_order}), each in [0, 1]; of these, "
        + ", ".join(f"{n:,} in {name}" for n, name in zip(known, collections, strict=True))
        + f"; sets of {arguments.smallest} measured to {arguments.largest} genes; "
        f"{arguments.seeds} seeds\n"
    )
    heads = ["method", "modules", "non-zeros", "effective size", "genes", "stability (others)"]
    heads += [f"enriched in {name} (by chance), best sets" for name in collections] + ["s"]
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for method in arguments.methods.split(","):
        print(row(method, X, names, collections, arguments), flush=True)


if __name__ == "__main__":
    main()
