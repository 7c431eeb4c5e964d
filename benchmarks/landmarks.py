"""Which landmarks let the other genes be inferred best? Any npz of profiles in, one table out.

    python benchmarks/landmarks.py --data expression.npz --landmarks dgex_landmark \
        --names symbols --sizes 100,943 --group study --splits 3 --draws 3 --out landmarks.json

In each split, panels of the same size are chosen: at random, among the known landmarks (all of
them, or as many at random), and by `LandmarkSelector` from the training profiles, from all genes
or from the known landmarks. From each panel ridge regression, its penalty chosen on training
profiles in five folds, of whole groups where test profiles are of other groups, infers genes of
the test profiles. All panels of a split and size are judged on the same genes, those that are in
none of them. Of columns of one name only the first, or the known landmark, is kept, so that no
panel is judged on another probe of its own genes.

The error is the mean absolute error of a gene over that of the training mean, mean over genes; a
gene that is inferred to be the same in every profile counts as uncorrelated.
"""

import argparse
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from accuracy import save
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, KFold, ShuffleSplit

from skgex import RidgeRegressorCV
from skgex.datasets import read_expression
from skgex.metrics import gene_mean_absolute_error, gene_pearson
from skgex.preprocessing import LandmarkSelector

KNOWN = "of the known landmarks"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz of profiles")
    parser.add_argument("--landmarks", default="is_landmark", help="gene mask of known landmarks")
    parser.add_argument("--names", help="gene column; one column of each name is kept")
    parser.add_argument("--sizes", default="100", help="numbers of landmarks")
    parser.add_argument("--methods", default="greedy,clusters")
    parser.add_argument("--noise", type=float, help="of the selector; default: its own")
    parser.add_argument("--group", help="sample column; whole groups are held out")
    parser.add_argument("--test-size", type=float, default=0.2)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--draws", type=int, default=3, help="of panels that depend on chance")
    parser.add_argument("--out", help="JSON of all runs")
    return parser.parse_args()


def load(arguments):
    """Profiles, mask of the known landmarks, and groups of the file."""
    data = read_expression(arguments.data)
    known = data.gene_table[arguments.landmarks].astype(bool)
    if arguments.names:
        order = np.argsort(~known, kind="stable")
        _, first = np.unique(data.gene_table[arguments.names][order], return_index=True)
        kept = np.sort(order[first])
        data, known = data.select_genes(kept), known[kept]
    groups = data.sample_table[arguments.group] if arguments.group else None
    return data.X, known, groups


def panels(X, known, size, seed, arguments):
    """Yield (name, positions, seconds to choose) of every panel."""
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(known)
    for _ in range(arguments.draws):
        yield "random", rng.choice(X.shape[1], size, replace=False), 0.0
    if len(known) == size:
        yield "the known landmarks", known, 0.0
    elif len(known) > size:
        for _ in range(arguments.draws):
            yield f"random {KNOWN}", rng.choice(known, size, replace=False), 0.0
    for method in arguments.methods.split(","):
        for candidates in (None, known) if len(known) > size else (None,):
            for draw in range(arguments.draws if method == "clusters" else 1):
                selector = LandmarkSelector(
                    size,
                    method=method,
                    noise=arguments.noise,
                    candidates=candidates,
                    random_state=draw,
                )
                start = perf_counter()
                chosen = selector.fit(X).landmarks_
                name = method if candidates is None else f"{method} {KNOWN}"
                yield name, chosen, perf_counter() - start


def runs_of(split, train, test, X, known, groups, arguments):
    """Yield one result per size and panel."""
    # Generalised cross-validation penalises too little where landmarks outnumber profiles.
    cv = KFold(5, shuffle=True, random_state=0)
    if groups is not None:
        n_folds = min(5, len(np.unique(groups[train])))
        cv = list(GroupKFold(n_folds).split(train, groups=groups[train]))
    for size in map(int, arguments.sizes.split(",")):
        chosen = list(panels(X[train], known, size, split, arguments))
        judged = np.ones(X.shape[1], dtype=bool)
        for _, panel, _ in chosen:
            judged[panel] = False
        Y_train, Y_test = X[train][:, judged], X[test][:, judged]
        baseline = gene_mean_absolute_error(Y_test, np.broadcast_to(Y_train.mean(0), Y_test.shape))
        for name, panel, seconds in chosen:
            ridge = RidgeRegressorCV(cv=cv).fit(X[train][:, panel], Y_train)
            inferred = ridge.predict(X[test][:, panel])
            error = gene_mean_absolute_error(Y_test, inferred)[baseline > 0]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UndefinedMetricWarning)
                pearson = gene_pearson(Y_test, inferred)[baseline > 0]
            yield {
                "split": split,
                "size": size,
                "panel": name,
                "judged": int(judged.sum()),
                "error": float((error / baseline[baseline > 0]).mean()),
                "pearson": float(np.nan_to_num(pearson).mean()),
                "seconds": seconds,
            }


def table(runs):
    """Markdown: mean and spread over splits, and the error over that of random panels."""
    lines = []
    for size in dict.fromkeys(r["size"] for r in runs):
        here = [r for r in runs if r["size"] == size]
        names = dict.fromkeys(r["panel"] for r in here)
        splits = sorted({r["split"] for r in here})

        def by_split(name, metric, here=here, splits=splits):
            cases = [[r for r in here if (r["panel"], r["split"]) == (name, s)] for s in splits]
            return np.array([np.mean([r[metric] for r in case]) for case in cases])

        def within(name, here=here, splits=splits):
            draws = [
                [r["error"] for r in here if (r["panel"], r["split"]) == (name, s)] for s in splits
            ]
            return f"{np.mean([np.std(d) for d in draws]):.4f}" if len(draws[0]) > 1 else ""

        judged = ", ".join(f"{n:,}" for n in by_split("random", "judged").astype(int))
        lines += [
            f"\n{size} landmarks, judged on {judged} genes\n",
            "| panel | error, mean ± SD over splits | SD over draws | to random panels "
            "| Pearson | s to choose |",
            "|---|---|---|---|---|---|",
        ]
        for name in sorted(names, key=lambda name: by_split(name, "error").mean()):
            error, pearson = by_split(name, "error"), by_split(name, "pearson")
            ratio = error / by_split("random", "error")
            lines.append(
                f"| {name} | {error.mean():.4f} ± {error.std():.4f} | {within(name)} "
                f"| {ratio.mean():.3f} ± {ratio.std():.3f} "
                f"| {pearson.mean():.4f} ± {pearson.std():.4f} "
                f"| {by_split(name, 'seconds').mean():.1f} |"
            )
    return "\n".join(lines)


def main():
    arguments = parse_arguments()
    X, known, groups = load(arguments)
    print(
        f"{Path(arguments.data).parent.name}: {len(X)} profiles, {X.shape[1]} genes, "
        f"{known.sum()} known landmarks",
        flush=True,
    )
    splitter = ShuffleSplit if groups is None else GroupShuffleSplit
    splitter = splitter(arguments.splits, test_size=arguments.test_size, random_state=0)
    runs = []
    for split, (train, test) in enumerate(splitter.split(X, groups=groups)):
        for run in runs_of(split, train, test, X, known, groups, arguments):
            runs.append(run)
            print(
                f"split {split} {run['size']:5d} {run['panel']:34s} error {run['error']:.4f} "
                f"Pearson {run['pearson']:.4f} ({run['seconds']:.1f} s)",
                flush=True,
            )
        if arguments.out:
            save(Path(arguments.out), arguments, runs)
    print(table(runs))


if __name__ == "__main__":
    main()
