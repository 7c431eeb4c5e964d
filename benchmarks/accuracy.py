"""How well does each method infer genes? Any npz of profiles in, one table and one JSON out.

    python benchmarks/accuracy.py --data expression.npz --methods ridge,dgex,densenet \
        --scaling standard,rank-gaussian --splits 3 --seeds 3 --out accuracy.json

Selection is honest and the same for every method: in each split all candidates of a method are
fitted with the first seed, the one with the lowest validation error is kept, the other seeds are
run for that one, and the test profiles are inferred once per seed. Methods that draw no random
numbers run once per split. ``--labelled 0.1`` keeps the targets of a tenth of the training
profiles; the others stay as unlabelled profiles, the same ones for every method.
"""

import argparse
import json
import platform
from pathlib import Path

import numpy as np
import torch
from candidates import METHODS, candidates

from skgex._utils._files import atomic_output
from skgex.datasets import read_expression
from skgex.metrics import gene_concordance, gene_mean_absolute_error, summarize
from skgex.model_selection import select_candidate, split_profiles


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz of profiles")
    parser.add_argument("--landmarks", default="is_landmark", help="gene mask of the inputs")
    parser.add_argument("--exclude", help="gene mask of targets to leave out, e.g. twins")
    parser.add_argument("--group", help="sample column; whole groups are held out")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--scaling", default="standard,rank-gaussian")
    parser.add_argument("--labelled", default="1.0", help="shares of labelled profiles")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--test-size", type=float, default=0.1)
    parser.add_argument("--out", help="JSON of all runs; runs it holds already are not repeated")
    return parser.parse_args()


def panel(data, arguments):
    """Masks of the measured genes and of the targets."""
    landmarks = data.gene_table[arguments.landmarks].astype(bool)
    targets = ~landmarks
    if arguments.exclude:
        targets &= ~data.gene_table[arguments.exclude].astype(bool)
    if "is_landmark" in data.gene_table:
        targets &= ~data.gene_table["is_landmark"].astype(bool)
    return landmarks, targets


def load(arguments):
    """Measured genes, target genes and groups of the file."""
    data = read_expression(arguments.data)
    landmarks, targets = panel(data, arguments)
    groups = data.sample_table[arguments.group] if arguments.group else None
    return data.X[:, landmarks], data.X[:, targets], groups


def unlabel(Y, share, seed):
    """Copy of ``Y`` with all targets but a random ``share`` of the rows taken away."""
    n_labelled = max(2, round(share * len(Y)))
    Y = Y.copy()
    Y[np.random.default_rng(seed).permutation(len(Y))[n_labelled:]] = np.nan
    return Y


def runs_of(method, scaling, share, split_seed, arguments, X, Y, groups):
    """Yield one result per seed."""
    split = split_profiles(
        len(X),
        groups=groups,
        validation_size=arguments.test_size,
        test_size=arguments.test_size,
        random_state=split_seed,
    )
    train, validation, test = split
    Y_train = Y[train] if share == 1 else unlabel(Y[train], share, split_seed)
    contenders = candidates(method, scaling)
    for seed in range(arguments.seeds):
        for candidate in contenders:
            if "random_state" in candidate.get_params():
                candidate.set_params(random_state=seed)
        estimator, index, errors, seconds = select_candidate(
            contenders, X[train], Y_train, X[validation], Y[validation]
        )
        inferred = estimator.predict(X[test])
        yield {
            "method": method,
            "scaling": scaling,
            "labelled": share,
            "split": split_seed,
            "seed": seed,
            "selected": repr(contenders[index]),
            "validation_errors": errors.tolist(),
            "mae": float(gene_mean_absolute_error(Y[test], inferred).mean()),
            "mae_sd": float(gene_mean_absolute_error(Y[test], inferred).std()),
            "cc": float(np.nanmean(gene_concordance(Y[test], inferred))),
            "cc_sd": float(np.nanstd(gene_concordance(Y[test], inferred))),
            "mae_mean_predictor": float(np.abs(Y[test] - Y[train].mean(axis=0)).mean()),
            "seconds": seconds,
        }
        contenders = [contenders[index]]
        if "random_state" not in estimator.get_params():
            return


def table(runs):
    """Markdown: mean over splits and seeds, spread, and ratios to D-GEX and ridge, pairwise."""
    keys = sorted({(r["scaling"], r["labelled"]) for r in runs}, key=str)
    lines = []
    for scaling, share in keys:
        here = [r for r in runs if (r["scaling"], r["labelled"]) == (scaling, share)]
        mean = {
            (m, s): np.mean([r["mae"] for r in here if (r["method"], r["split"]) == (m, s)])
            for m, s in {(r["method"], r["split"]) for r in here}
        }
        lines += [
            f"\n{scaling} scaling, {share:.0%} of the training profiles labelled\n",
            "| method | MAE (SD over genes) | CC | SD over splits and seeds "
            "| ratio to D-GEX | to ridge | s a fit |",
            "|---|---|---|---|---|---|---|",
        ]
        methods = sorted({r["method"] for r in here}, key=lambda m: _mae(here, m))
        for method in methods:
            rows = [r for r in here if r["method"] == method]
            splits = sorted({r["split"] for r in rows})
            ratios = [
                np.mean([mean[method, s] / mean[peer, s] for s in splits if (peer, s) in mean])
                if any((peer, s) in mean for s in splits)
                else np.nan
                for peer in ("dgex", "ridge")
            ]
            column = {k: np.array([r[k] for r in rows]) for k in ("mae", "mae_sd", "cc")}
            lines.append(
                f"| {method} | {column['mae'].mean():.4f} ± {column['mae_sd'].mean():.4f} "
                f"| {column['cc'].mean():.4f} | {column['mae'].std():.4f} "
                f"| {ratios[0]:.3f} | {ratios[1]:.3f} "
                f"| {np.median([r['seconds'] for r in rows]):.1f} |"
            )
        floor = summarize(np.array([r["mae_mean_predictor"] for r in here])).mean
        lines.append(f"\nMean predictor: {floor:.4f}.")
    return "\n".join(lines)


def table_of_shares(runs, scaling):
    """Markdown: a row a method, a column a labelled share; MAE, and its ratio to D-GEX."""
    runs = [r for r in runs if r["scaling"] == scaling]
    shares = sorted({r["labelled"] for r in runs})

    def by_split(method, share):
        splits = {r["split"] for r in runs if (r["method"], r["labelled"]) == (method, share)}
        return {
            s: _mae([r for r in runs if (r["labelled"], r["split"]) == (share, s)], method)
            for s in splits
        }

    lines = [
        f"\n{scaling} scaling: MAE (ratio to D-GEX) by labelled share\n",
        "| method | " + " | ".join(f"{share:.0%}" for share in shares) + " |",
        "|---|" + "---|" * len(shares),
    ]
    for method in dict.fromkeys(r["method"] for r in runs):
        cells = []
        for share in shares:
            own, peer = by_split(method, share), by_split("dgex", share)
            ratios = [own[s] / peer[s] for s in own if s in peer]
            ratio = f" ({np.mean(ratios):.3f})" if ratios else ""
            cells.append(f"{np.mean([*own.values()]):.4f}{ratio}" if own else "")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mae(runs, method):
    return np.mean([r["mae"] for r in runs if r["method"] == method])


def main():
    arguments = parse_arguments()
    X, Y, groups = load(arguments)
    print(f"{Path(arguments.data).parent.name}: {X.shape[1]} -> {Y.shape[1]}, {len(X)} profiles")
    out = Path(arguments.out) if arguments.out else None
    runs = json.loads(out.read_text())["runs"] if out and out.exists() else []
    done = {(r["method"], r["scaling"], r["labelled"], r["split"]) for r in runs}
    for share in map(float, arguments.labelled.split(",")):
        for split_seed in range(arguments.splits):
            for scaling in arguments.scaling.split(","):
                for method in arguments.methods.split(","):
                    if (method, scaling, share, split_seed) in done:
                        continue
                    case = method, scaling, share, split_seed
                    for run in runs_of(*case, arguments, X, Y, groups):
                        runs.append(run)
                        print(
                            f"{method:14s} {scaling:13s} {share:5.0%} split {split_seed} "
                            f"seed {run['seed']}: MAE {run['mae']:.4f} CC {run['cc']:.4f} "
                            f"({run['seconds']:.0f} s)",
                            flush=True,
                        )
                    if out:
                        save(out, arguments, runs)
    print(table(runs))
    if len({r["labelled"] for r in runs}) > 1:
        for scaling in arguments.scaling.split(","):
            print(table_of_shares(runs, scaling))


def save(out, arguments, runs):
    document = {
        "arguments": vars(arguments),
        "machine": f"{platform.processor() or platform.machine()}, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}",
        "runs": runs,
    }
    with atomic_output(out) as temporary:
        temporary.write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
