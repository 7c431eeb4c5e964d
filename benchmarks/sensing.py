"""How well are profiles found behind a few random sums? Any npz of profiles in, tables out.

    python benchmarks/sensing.py --data expression.npz --genes 500 --gene-order expressed \
        --range01 --methods mean,ridge,kernel_ridge,wiener,mixture \
        --measurements 20,50,100,200,300 --snr none,2 --draws 10 --out sensing.json

A draw is a new random split, or one that holds out whole groups (``--group``), and a new Gaussian
matrix of measurements, of which the first rows serve where fewer are taken: the same for every
method. Noise is added to training and test profiles alike before they are measured. Methods choose
their parameters on training profiles, by whole groups where test profiles are of other groups
(kernel ridge leaves out single profiles), and infer the test profiles once. Nets and generators
have nothing to choose.

The mean profile is the floor: whatever the scale of the values, its correlation by gene is 0 and
its relative error 1, while its correlation by profile is high and depends on that scale.
"""

import argparse
import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from accuracy import save
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, ShuffleSplit
from sklearn.utils.validation import has_fit_parameter

import skgex
from skgex.datasets import read_expression
from skgex.metrics import (
    gene_pearson,
    profile_pearson,
    relative_rmse,
    sample_distance_correlation,
    summarize,
)
from skgex.plotting._style import BLUE, MUTED, ORANGE, PURPLE, SKY, VERMILLION, panels, style


def _by(cv):
    """The splits by groups, or a method's own way to choose its parameters."""
    return {} if cv is None else {"cv": cv}


def _net(A, cv, seed):
    """The plain net of the comparisons: 3 × 500 units, ReLU, squared loss."""
    return skgex.DGEXRegressor(500, 3, activation="relu", optimizer="adam", random_state=seed)


def _wiener_net(A, cv, seed):
    """The plain net, with dropout, on what a Wiener decoder leaves of profiles it has not seen."""
    net = skgex.DGEXRegressor(
        500,
        3,
        activation="relu",
        optimizer="adam",
        dropout=0.25,
        lr=5e-4,
        max_epochs=80,
        random_state=seed,
    )
    folds = {"cv": 10} if cv is None else {"cv": cv}
    return skgex.ResidualRegressor(
        skgex.WienerRegressor(A), net, residual_inputs="inferred", random_state=seed, **folds
    )


# Modules and generators are learned of profiles alone: once a draw, whatever the measurements.
MEMORY = TemporaryDirectory(prefix="sensing")


def _learned_once(regressor, random=True, **params):
    def make(A, cv, seed):
        seeds = {"random_state": seed} if random else {}
        return regressor(A, memory=MEMORY.name, **params, **seeds)

    return make


# name -> function(measurement matrix, splits by groups or None, seed) -> unfitted estimator of
# profiles from measurements.
METHODS = {
    "mean": lambda A, cv, seed: DummyRegressor(),
    "ridge": lambda A, cv, seed: skgex.RidgeRegressorCV(cv=cv),
    "kernel_ridge": lambda A, cv, seed: skgex.KernelRidgeRegressor(random_state=seed),
    "net": _net,
    "wiener": lambda A, cv, seed: skgex.WienerRegressor(A, **_by(cv)),
    "mixture": lambda A, cv, seed: skgex.WienerMixtureRegressor(A, random_state=seed, **_by(cv)),
    "svd": _learned_once(skgex.SVDRegressor, random=False),
    "ksvd": _learned_once(skgex.KSVDRegressor),
    "ksvd_lasso": _learned_once(skgex.KSVDRegressor, decode="lasso"),
    "nmf": _learned_once(skgex.SparseNMFRegressor),
    "smaf": _learned_once(skgex.SMAFRegressor),
    "smaf_omp": _learned_once(skgex.SMAFRegressor, decode="omp"),
    "smaf_lasso": _learned_once(skgex.SMAFRegressor, decode="lasso"),
    "smaf_omp_alone": _learned_once(skgex.SMAFRegressor, decode="omp", residual=False),
    "smaf_lasso_alone": _learned_once(skgex.SMAFRegressor, decode="lasso", residual=False),
    "smaf_net": _learned_once(skgex.SMAFNetRegressor),
    "wiener_net": _wiener_net,
    "vae": _learned_once(skgex.CSGMRegressor),
    "gan": _learned_once(skgex.CSGMRegressor, generator="gan"),
    "vae_plain": _learned_once(skgex.CSGMRegressor, decode="plain"),
    # The 2019 report: k-SVD is the first 15 singular vectors.
    "report_svd": _learned_once(skgex.SVDRegressor.published, random=False, n_modules=300),
    "report_ksvd": _learned_once(skgex.SVDRegressor.published, random=False, n_modules=15),
    "report_nmf": _learned_once(skgex.SparseNMFRegressor.published, n_modules=15),
    "report_smaf": _learned_once(skgex.SMAFRegressor.published),
    "report_smaf_300": _learned_once(
        skgex.SMAFRegressor.published,
        n_modules=300,
        n_nonzero=15,
        n_active=15,
        n_nonzero_min=5,
        tolerance=0.1,
    ),
}

# As tables and pictures have them.
NAMES = {
    "mean": "mean profile",
    "ridge": "ridge",
    "kernel_ridge": "kernel ridge",
    "net": "plain net",
    "wiener": "Wiener",
    "mixture": "mixture of Wieners",
    "svd": "SVD, factor",
    "ksvd": "K-SVD, factor",
    "ksvd_lasso": "K-SVD, lasso",
    "nmf": "sparse NMF, factor",
    "smaf": "SMAF, factor",
    "smaf_omp": "SMAF, omp",
    "smaf_lasso": "SMAF, lasso",
    "smaf_omp_alone": "SMAF, omp, modules alone",
    "smaf_lasso_alone": "SMAF, lasso, modules alone",
    "smaf_net": "SMAF and a net",
    "wiener_net": "Wiener and a net",
    "vae": "CSGM, VAE",
    "vae_plain": "CSGM, VAE, plain",
    "gan": "CSGM, GAN",
    "report_svd": "published SVD (300 modules)",
    "report_ksvd": 'published "k-SVD"',
    "report_nmf": "published sparse NMF",
    "report_smaf": "published SMAF (150 modules, k = 5)",
    "report_smaf_300": "published SMAF (300 modules, k = 15)",
}

# name -> title and digits
METRICS = {
    "gene_pearson": ("Pearson over profiles, mean over genes", 3),
    "profile_pearson": ("Pearson over genes, mean over profiles", 3),
    "relative_rmse": ("Relative RMSE", 3),
    "distance": ("Correlation of sample distances, every pair once", 3),
    "distance_all": ("Correlation of sample distances, whole matrix as in the 2019 report", 3),
    "seconds": ("Seconds to fit and infer, modules and generators learned once a draw", 1),
}

# Runs with other values of these cannot be compared.
_SETTING = ("data", "genes", "gene_order", "range01", "group", "test_size")

_COLORS = BLUE, VERMILLION, ORANGE, "#009E73", PURPLE, SKY
_MARKERS = "osD^vP"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz of profiles")
    parser.add_argument("--genes", type=int, help="how many genes; default: all")
    parser.add_argument(
        "--gene-order",
        choices=("expressed", "random"),
        default="random",
        help="the genes expressed in most profiles (gene column frac_expressed), or any",
    )
    parser.add_argument("--range01", action="store_true", help="scale training genes to [0, 1]")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--measurements", default="20,50,100,200,300")
    parser.add_argument("--snr", default="none", help="norm of profiles over that of the noise")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--group", help="sample column; whole groups are held out")
    parser.add_argument("--test-size", type=float, default=0.2)
    parser.add_argument("--out", help="JSON of all runs; runs it holds already are not repeated")
    parser.add_argument("--plot", help="picture of the methods' correlation by gene")
    arguments = parser.parse_args()
    if unknown := set(arguments.methods.split(",")) - set(METHODS):
        parser.error(f"no method {', '.join(sorted(unknown))}; there are {', '.join(METHODS)}")
    return arguments


def load(arguments):
    """Profiles of the chosen genes, and groups of the file."""
    data = read_expression(arguments.data)
    if arguments.gene_order == "expressed":
        order = np.argsort(-data.gene_table["frac_expressed"], kind="stable")
    else:
        order = np.random.default_rng(0).permutation(len(data.genes))
    groups = data.sample_table[arguments.group] if arguments.group else None
    return data.X[:, np.sort(order[: arguments.genes])], groups


def known_runs(arguments):
    """Runs of earlier calls, if they were about the same profiles."""
    if not (arguments.out and Path(arguments.out).exists()):
        return []
    document = json.loads(Path(arguments.out).read_text())
    before, now = document["arguments"], vars(arguments)
    if differ := [name for name in _SETTING if before[name] != now[name]]:
        changes = ", ".join(f"{name} was {before[name]!r}, is {now[name]!r}" for name in differ)
        raise SystemExit(f"{arguments.out} is of another setting ({changes}): name another --out.")
    return document["runs"]


def split(X, groups, draw, arguments):
    """Training and test profiles in the scale of the tables; groups, splits by them, or None."""
    splitter = ShuffleSplit if groups is None else GroupShuffleSplit
    splitter = splitter(1, test_size=arguments.test_size, random_state=draw)
    train, test = next(splitter.split(X, groups=groups))
    cv, groups = None, None if groups is None else groups[train]
    if groups is not None:
        cv = list(GroupKFold(min(5, len(np.unique(groups)))).split(train, groups=groups))
    X_train, X_test = X[train], X[test]
    if arguments.range01:
        low, span = X_train.min(axis=0), np.ptp(X_train, axis=0)
        span[span == 0] = 1
        X_train, X_test = (X_train - low) / span, (X_test - low) / span
    return X_train, X_test, groups, cv


def runs_of(draw, X, groups, arguments, done):
    """Yield one result per noise, number of measurements and method, but those done."""
    X_train, X_test, groups, cv = split(X, groups, draw, arguments)
    for snr in (None if word == "none" else float(word) for word in arguments.snr.split(",")):
        for n in map(int, arguments.measurements.split(",")):
            measure = skgex.CompositeMeasurement(n, snr=snr, random_state=draw)
            Z_train, Z_test = measure.fit_transform(X_train), measure.transform(X_test)
            for method in arguments.methods.split(","):
                if (method, n, snr, draw) in done:
                    continue
                start = perf_counter()
                estimator = METHODS[method](measure.components_, cv, draw)
                studies = {} if groups is None else {"groups": groups}
                if not has_fit_parameter(estimator, "groups"):
                    studies = {}
                inferred = estimator.fit(Z_train, X_train, **studies).predict(Z_test)
                seconds = perf_counter() - start
                run = {"method": method, "measurements": n, "snr": snr, "draw": draw}
                yield run | scores(X_train, X_test, inferred) | {"seconds": seconds}


def scores(X_train, X_test, inferred):
    varying = np.ptp(X_test, axis=0) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        by_gene = gene_pearson(X_test, inferred)[varying]
        return {
            # A gene that is inferred to be the same in every profile counts as uncorrelated.
            "gene_pearson": float(np.nan_to_num(by_gene).mean()),
            "profile_pearson": summarize(profile_pearson(X_test, inferred)).mean,
            "relative_rmse": relative_rmse(X_test, inferred, baseline=X_train.mean(axis=0)),
            "distance": sample_distance_correlation(X_test, inferred),
            "distance_all": sample_distance_correlation(X_test, inferred, pairs="all"),
        }


def numbers(runs, metric, method, n_measurements, snr):
    """By draw."""
    case = method, n_measurements, snr
    runs = [r for r in runs if (r["method"], r["measurements"], r["snr"]) == case]
    return {r["draw"]: r[metric] for r in runs}


def noises(runs):
    """No noise first, then more and more."""
    return sorted({r["snr"] for r in runs}, key=lambda snr: -np.inf if snr is None else -snr)


def noise_name(snr):
    return "no noise" if snr is None else f"SNR {snr:g}"


def best_first(runs):
    means = {
        method: np.mean([r["gene_pearson"] for r in runs if r["method"] == method])
        for method in {r["method"] for r in runs}
    }
    return sorted(means, key=lambda method: (-means[method], method))


def tables(runs):
    """Markdown: for each noise and metric a row a method, mean ± SD over draws."""
    return "\n".join(table(runs, snr, metric) for snr in noises(runs) for metric in METRICS)


def table(runs, snr, metric):
    runs = [r for r in runs if r["snr"] == snr]
    sizes = sorted({r["measurements"] for r in runs})
    title, digits = METRICS[metric]
    with_ratio = metric == "gene_pearson"
    lines = [
        f"\n{title}{' (ratio to Wiener)' * with_ratio}; {noise_name(snr)}\n",
        "| method | " + " | ".join(f"m = {n}" for n in sizes) + " |",
        "|---|" + "---|" * len(sizes),
    ]
    for method in best_first(runs):
        cells = []
        for n in sizes:
            own = numbers(runs, metric, method, n, snr)
            cell = mean_and_spread([*own.values()], digits)
            wiener = numbers(runs, metric, "wiener", n, snr)
            if with_ratio and (common := own.keys() & wiener.keys()):
                cell += f" ({np.mean([own[draw] / wiener[draw] for draw in common]):.3f})"
            cells.append(cell)
        lines.append(f"| {NAMES[method]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def mean_and_spread(values, digits):
    if not values or np.isnan(values).any():
        return "–"
    spread = f" ± {deviation(values):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def deviation(values):
    return np.std(values, ddof=1) if len(values) > 1 else 0.0


def setting(arguments, X, runs):
    """What the tables are about."""
    scale = "each gene in [0, 1] over training profiles" if arguments.range01 else "as in the file"
    held_out = f"groups ({arguments.group})" if arguments.group else "profiles"
    return (
        f"{Path(arguments.data).parent.name}: {len(X):,} profiles of {X.shape[1]:,} genes "
        f"({arguments.gene_order}); values: {scale}; {arguments.test_size:.0%} of the {held_out} "
        f"held out; draws: {len({r['draw'] for r in runs})}"
    )


def picture(runs, asked, title, path):
    """The correlation by gene against measurements, ± SD over draws; a panel a noise."""
    methods = [method for method in best_first(runs) if method in asked and method != "mean"]
    looks = list(zip(_MARKERS * 2, _COLORS * 2, ["-"] * 6 + ["--"] * 6, strict=True))
    sizes = sorted({r["measurements"] for r in runs})
    # Lines a little beside each other, so that equal methods are all seen.
    beside = 0.004 * sizes[-1] * (np.arange(len(methods)) - (len(methods) - 1) / 2)
    with style():
        n_panels = len(noises(runs))
        axes = panels(None, 1, n_panels, (4.2 * n_panels + 1.6, 4.2), sharey=True)
        for ax, snr in zip(axes, noises(runs), strict=True):
            for i, method in enumerate(methods):
                found = {n: numbers(runs, "gene_pearson", method, n, snr) for n in sizes}
                values = {n + beside[i]: [*found[n].values()] for n in sizes if found[n]}
                mean, spread = ([f(v) for v in values.values()] for f in (np.mean, deviation))
                marker, color, dashes = looks[i % len(looks)]
                line = dict(
                    color=color, marker=marker, linestyle=dashes, markersize=4.5, capsize=2
                )
                ax.errorbar([*values], mean, spread, label=NAMES[method], **line)
            ax.axhline(0, color=MUTED, linewidth=1)
            ax.set(title=noise_name(snr), xlabel="measurements", xticks=sizes)
        axes[0].set_ylabel("Pearson, mean over genes (mean profile: 0)")
        axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=3.5)
        axes[0].figure.suptitle(title, fontsize=8)
        axes[0].figure.savefig(path, dpi=150)


def main():
    arguments = parse_arguments()
    X, groups = load(arguments)
    runs = known_runs(arguments)
    done = {(r["method"], r["measurements"], r["snr"], r["draw"]) for r in runs}
    for draw in range(arguments.draws):
        for run in runs_of(draw, X, groups, arguments, done):
            runs.append(run)
            print(
                f"{run['method']:14s} m {run['measurements']:3d} {noise_name(run['snr']):8s} "
                f"draw {draw}: by gene {run['gene_pearson']:.4f}, relative RMSE "
                f"{run['relative_rmse']:.4f} ({run['seconds']:.1f} s)",
                flush=True,
            )
            if arguments.out:
                save(Path(arguments.out), arguments, runs)
    title = setting(arguments, X, runs)
    print(f"\n{title}\n{tables(runs)}")
    if arguments.plot:
        picture(runs, arguments.methods.split(","), title, arguments.plot)


if __name__ == "__main__":
    main()
