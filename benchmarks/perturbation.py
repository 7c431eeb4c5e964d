"""How realistic are profiles perturbed to another state? Any labelled profiles in, tables out.

    python benchmarks/perturbation.py --data expression.npz --labels tissue \
        --targets "Heart,Lung,Thyroid" --seeds 3 --out perturbation.json

A seed draws the split, 80/20 within every state, and whatever is random after it. The same
classifier f, trained on the training part, serves all methods. Held-out profiles of the target
state are the real ones; those of all other states are perturbed, once, and judged by
``skgex.inspection.realism``. Nothing is chosen by them.

``--genes 36`` draws that many genes, for every seed others, among those expressed in more than
half of the samples. ``--gene-sets`` prints the paper's Table 1 instead: one fit for each set.
``--figures`` draws the paper's figures instead, of held-out profiles and the first target.
"""

import argparse
import json
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from accuracy import save
from sklearn.model_selection import train_test_split

import skgex
from skgex import plotting
from skgex.datasets import read_expression, read_gmt

_HOURGLASS = dict(generator="hourglass", lr=5e-4, lr_final=2.5e-5)

# name -> function(target, classifier f, seed) -> unfitted perturber.
METHODS = {
    "published": lambda t, f, seed: skgex.TSPG.published(t, **_common(f, seed)),
    "tspg": lambda t, f, seed: skgex.TSPG(t, **_common(f, seed)),
    "no_critic": lambda t, f, seed: skgex.TSPG(t, lambda_gan=0, **_common(f, seed)),
    "strong_critic": lambda t, f, seed: skgex.TSPG(t, lambda_gan=100, **_common(f, seed)),
    "hourglass": lambda t, f, seed: skgex.TSPG(t, **_HOURGLASS, **_common(f, seed)),
    "map": lambda t, f, seed: skgex.GaussianTransport(t, classifier=f),
    "map_marginals": lambda t, f, seed: skgex.GaussianTransport(t, marginals=True, classifier=f),
}

# As tables have them.
NAMES = {
    "published": "TSPG, published",
    "tspg": "TSPG",
    "no_critic": "TSPG, no critic",
    "strong_critic": "TSPG, critic × 100",
    "hourglass": "TSPG, hourglass",
    "map": "transport map",
    "map_marginals": "transport map, marginals",
}

COLUMNS = {
    "reaches": "f",
    "logistic": "logistic",
    "forest": "forest",
    "neighbors": "neighbours",
    "variance": "variance",
    "correlation": "correlation",
    "identity": "identity",
    "source_signal": "source",
    "size": "size",
    "auc": "AUC",
    "nn_real": "1-NN real",
    "nn_generated": "1-NN made",
    "seconds": "fit (s)",
}


def _common(f, seed):
    return dict(classifier=f, test_size=0, random_state=seed)


def profiles(path, labels, gene_ids=None, min_samples=5):
    """Profiles with a state that has enough of them, as a table, and the states."""
    data = read_expression(path, gene_ids=gene_ids)
    data = data.select_genes(np.sort(np.unique(data.genes, return_index=True)[1]))
    y = np.asarray(data.sample_table[labels]).astype(str)
    states, counts = np.unique(y, return_counts=True)
    nameless = ("", "nan", "<not provided>")
    kept = np.isin(y, states[(counts >= min_samples) & ~np.isin(states, nameless)])
    return data.select_samples(kept).to_frame(), y[kept]


def expressed(X, n_genes, seed):
    """Genes drawn among those above their lowest value in more than half of the samples."""
    often = np.flatnonzero((X.to_numpy() > X.to_numpy().min(axis=0)).mean(axis=0) > 0.5)
    return np.sort(np.random.default_rng(seed).choice(often, n_genes, replace=False))


def judged(X, y, target, methods, seed, f=None):
    """A row for each method and baseline, and the ceiling of the correlation."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.2, stratify=y, random_state=seed
    )
    if f is None:
        f = skgex.StateClassifier(random_state=seed).fit(X_train, y_train)
    perturbers, seconds = {}, {}
    for name in methods:
        start = perf_counter()
        perturbers[name] = METHODS[name](target, f, seed).fit(X_train, y_train)
        seconds[name] = perf_counter() - start
    report = skgex.realism(
        perturbers, X_test, y_test, X_train=X_train, y_train=y_train, random_state=seed
    )
    rows = {row.pop("method"): row for row in report.table.to_dict("records")}
    for name, row in rows.items():
        row["seconds"] = seconds.get(name, float("nan"))
        row["ceiling"] = report.correlation_ceiling
    return rows, f


def run(X, y, args):
    results = {}
    if args.out and Path(args.out).exists():
        earlier = json.loads(Path(args.out).read_text())
        if any(earlier["arguments"][name] != vars(args)[name] for name in ("data", "genes")):
            raise SystemExit(f"{args.out} holds runs of other data or genes: name another file.")
        results = earlier["runs"]
    for seed in range(args.seeds):
        genes = X if args.genes is None else X.iloc[:, expressed(X, args.genes, seed)]
        f = None
        for target in args.targets:
            key = f"{target}|{seed}"
            missing = [m for m in args.methods if m not in results.get(key, {})]
            if not missing:
                continue
            rows, f = judged(genes, y, target, missing, seed, f)
            results[key] = results.get(key, {}) | rows
            for name in missing:
                shown = (f"{short} {rows[name][c]:.3f}" for c, short in COLUMNS.items())
                print(target, seed, NAMES[name], *shown, flush=True)
            if args.out:
                save(args.out, args, results)
    return results


def table(results):
    """Mean over targets and seeds, and the standard deviation of these means of seeds."""
    names = list(dict.fromkeys(name for rows in results.values() for name in rows))
    lines = [
        "| method | " + " | ".join(COLUMNS.values()) + " |",
        "|---" * (1 + len(COLUMNS)) + "|",
    ]
    for name in sorted(names, key=lambda n: list(NAMES).index(n) if n in NAMES else 99):
        cells = []
        for column in COLUMNS:
            by_seed = {}
            for key, rows in results.items():
                if name in rows:
                    by_seed.setdefault(key.split("|")[1], []).append(rows[name][column])
            means = [np.mean(values) for values in by_seed.values()]
            spread = f" ± {np.std(means):.2f}" if column in ("variance", "auc") else ""
            cells.append("" if np.isnan(means).any() else f"{np.mean(means):.2f}{spread}")
        lines.append(f"| {NAMES.get(name, name)} | " + " | ".join(cells) + " |")
    ceiling = np.mean([next(iter(rows.values()))["ceiling"] for rows in results.values()])
    return "\n".join([*lines, "", f"Ceiling of the correlation: {ceiling:.2f}."])


def gene_set_table(X, y, args):
    """The paper's Table 1."""
    sets = read_gmt(args.gene_sets)
    measured = {name: len(set(genes) & set(X.columns)) for name, genes in sets.items()}
    largest = sorted(measured, key=measured.get, reverse=True)[: args.n_sets]
    chosen = {name: sets[name] for name in sorted(largest, key=measured.get)}
    chosen["all genes"] = tuple(X.columns)
    make = skgex.TSPG.published if "published" in args.methods else skgex.TSPG
    tspg = make(args.targets, gene_sets=chosen, random_state=0).fit(X, y)
    shares = ("train", "held_out", "held_out_others")
    lines = [
        "| gene set | genes | target | training | held out | held out, others |",
        "|---" * 6 + "|",
    ]
    for row in tspg.results_.to_dict("records"):
        cells = (f"{row[share]:.1%}" for share in shares)
        lines.append(
            f"| {row['gene_set']} | {row['n_genes']} | {row['target']} | "
            + " | ".join(cells)
            + " |"
        )
    return "\n".join(lines)


def draw(X, y, args):
    """State map, transitions, perturbed genes and, with gene sets, their enrichment."""
    tspg = skgex.TSPG(args.targets[0], random_state=0).fit(X, y)
    held_out = X[tspg.held_out_], y[tspg.held_out_]
    found = skgex.perturbed_genes(tspg, *held_out)
    print(found)
    displays = {
        "map": plotting.StateMapDisplay.from_estimator(tspg, *held_out, random_state=0),
        "transition": plotting.TransitionDisplay.from_estimator(tspg, *held_out),
        "genes": plotting.PerturbedGenesDisplay.from_perturbed_genes(found),
    }
    if args.gene_sets:
        most = found.recurrence.groupby("direction")["gene"].apply(lambda genes: list(genes)[:50])
        lists = {f"{direction} most often": most[direction] for direction in ("raised", "lowered")}
        result = skgex.enrichment(lists, args.gene_sets, background=found.genes, min_size=5)
        print(result)
        displays["enrichment"] = plotting.EnrichmentDisplay.from_enrichment(result)
    for name, display in displays.items():
        display.figure_.savefig(f"{args.figures}_{name}.png", dpi=110, bbox_inches="tight")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--labels", required=True, help="column of the sample table")
    parser.add_argument("--targets", required=True, type=lambda text: text.split(","))
    parser.add_argument("--methods", default=list(METHODS), type=lambda text: text.split(","))
    parser.add_argument("--seeds", default=3, type=int)
    parser.add_argument("--genes", default=None, type=int, help="draw so many expressed genes")
    parser.add_argument("--gene-ids", default=None, help="column of the gene table with symbols")
    parser.add_argument("--gene-sets", default=None, help="GMT: print Table 1")
    parser.add_argument("--n-sets", default=8, type=int, help="the largest sets")
    parser.add_argument("--figures", default=None, help="beginning of the names of png files")
    parser.add_argument("--out", default=None)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = profiles(args.data, args.labels, args.gene_ids)
    print(f"{len(X):,} profiles × {X.shape[1]:,} genes, {len(set(y))} states", flush=True)
    if args.figures:
        draw(X, y, args)
    else:
        print(gene_set_table(X, y, args) if args.gene_sets else table(run(X, y, args)))


if __name__ == "__main__":
    main()
