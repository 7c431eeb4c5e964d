"""Are genes that a method relates of the same gene set? Any npz of profiles in, one table out.

    python benchmarks/relations.py --data expression.npz --gene-sets hallmark.gmt,reactome.gmt \
        --methods lsmtl,amtl

Every multi-task method is fitted once, on the training profiles of a split, and the relations
that it has learned of its targets are held against gene sets: the share of pairs (gene, one of
the genes that tell most about it) with a set in common, that share by chance, their ratio and a
p-value. The same for relations that take no multi-task method: correlations and partial
correlations of the measured targets, correlations of what the method infers, random numbers. All
of them are of the training profiles.
"""

import argparse
from pathlib import Path

import numpy as np
from accuracy import panel
from candidates import candidates

from skgex.datasets import read_expression, read_gmt
from skgex.inspection import gene_set_agreement
from skgex.model_selection import select_candidate, split_profiles


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz of profiles")
    parser.add_argument("--gene-sets", required=True, help="GMT files")
    parser.add_argument("--landmarks", default="is_landmark", help="gene mask of the inputs")
    parser.add_argument("--exclude", help="gene mask of targets to leave out, e.g. twins")
    parser.add_argument("--names", help="gene column of names as in the sets; default: gene ids")
    parser.add_argument("--group", help="sample column; whole groups are held out")
    parser.add_argument("--methods", default="lsmtl,gomtl,cnmtl,amtl,amtfl")
    parser.add_argument("--candidates", type=int, default=1, help="how many to select among")
    parser.add_argument("--scaling", default="rank-gaussian")
    parser.add_argument("--epochs", type=int, help="default: those of the candidate")
    parser.add_argument("--related", type=int, default=10, help="related genes of each gene")
    parser.add_argument("--largest", type=int, default=500, help="leave out sets of more genes")
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--ridge", type=float, default=1.0, help="of partial correlations")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def load(arguments):
    """Measured genes, target genes, the names of these, and groups of the file."""
    data = read_expression(arguments.data)
    landmarks, targets = panel(data, arguments)
    names = data.gene_table[arguments.names] if arguments.names else data.genes
    groups = data.sample_table[arguments.group] if arguments.group else None
    return data.X[:, landmarks], data.X[:, targets], names[targets].astype(str), groups


def correlation(Y):
    with np.errstate(invalid="ignore"):  # a constant gene is related to none
        return np.nan_to_num(np.corrcoef(Y, rowvar=False, dtype=np.float32))


def partial_correlation(Y, ridge):
    """What is left between two genes once all others are accounted for, as far as ridge lets."""
    precision = correlation(Y)
    precision[np.diag_indices_from(precision)] += ridge
    precision = np.linalg.inv(precision)
    scale = np.sqrt(np.diag(precision))
    return -precision / scale / scale[:, np.newaxis]


def fit(method, train, validation, arguments):
    contenders = candidates(method, arguments.scaling)[: arguments.candidates]
    for candidate in contenders:
        candidate.set_params(random_state=arguments.seed)
        if arguments.epochs:
            candidate.set_params(max_epochs=arguments.epochs)
    estimator, _, _, seconds = select_candidate(contenders, *train, *validation)
    return estimator, seconds


def sources(train, validation, arguments):
    """Yield the name of each source of relations, and the relations."""
    X, Y = train
    rng = np.random.default_rng(arguments.seed)
    yield "random", rng.standard_normal((Y.shape[1], Y.shape[1]), dtype=np.float32)
    yield "correlation, measured", correlation(Y)
    yield (
        f"partial correlation, ridge {arguments.ridge:g}",
        partial_correlation(Y, arguments.ridge),
    )
    for method in filter(None, arguments.methods.split(",")):
        estimator, seconds = fit(method, train, validation, arguments)
        yield f"{method} ({seconds:.0f} s)", estimator.task_similarity_
        yield f"correlation, inferred by {method}", correlation(estimator.predict(X))


def read_sets(path, largest):
    return {name: genes for name, genes in read_gmt(path).items() if len(genes) <= largest}


def main():
    arguments = parse_arguments()
    X, Y, names, groups = load(arguments)
    split = split_profiles(
        len(X), groups=groups, validation_size=0.1, test_size=0.1, random_state=arguments.seed
    )
    train, validation, _ = ((X[rows], Y[rows]) for rows in split)
    # One target of each name: a gene shares its sets with its own other probes.
    names, first = np.unique(names, return_index=True)
    names, first = names[names != ""], first[names != ""]
    collections = {
        Path(path).stem: read_sets(path, arguments.largest)
        for path in arguments.gene_sets.split(",")
    }
    print(
        f"{Path(arguments.data).parent.name}: {X.shape[1]} -> {Y.shape[1]}, {len(train[0])} "
        f"training profiles, {len(names)} names; {arguments.related} related genes of each gene, "
        f"sets of at most {arguments.largest} genes\n"
    )
    print("| relations | gene sets | genes | share | by chance | ratio | p |")
    print("|---|---|---|---|---|---|---|")
    for source, similarity in sources(train, validation, arguments):
        similarity = similarity[np.ix_(first, first)]
        for collection, gene_sets in collections.items():
            found = gene_set_agreement(
                similarity,
                names,
                gene_sets,
                n_related=arguments.related,
                n_permutations=arguments.permutations,
                random_state=arguments.seed,
            )
            print(
                f"| {source} | {collection} | {found.n_genes:,} | {found.share:.2%} "
                f"| {found.chance:.2%} | {found.ratio:.2f} | {found.p_value:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
