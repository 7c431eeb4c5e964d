"""How fast, and in how much memory? Each solver and the training loop beside its peers.

    python benchmarks/speed.py --out speed.json [--cases least_squares,knn] [--repeats 3]

Every measurement runs in a process of its own on the same arrays, and implementations take turns,
so that ratios stand even on a noisy machine. Seconds are the best of the repeats; memory is the
peak above what was resident before the call, inputs included beforehand, results included after.
``--data`` names an npz with real profiles for the lasso (`dgex_landmark` inputs).
"""

import argparse
import importlib
import json
import platform
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

N, LANDMARKS, TARGETS = 4000, 943, 9520
ALPHAS = np.logspace(0, 4, 10)


def profiles(n=N, seed=0):
    """Correlated profiles in float32, (n, landmarks) and (n, targets)."""
    rng = np.random.default_rng(seed)
    modules = rng.standard_normal((n, 60), dtype=np.float32)
    X = modules @ rng.standard_normal((60, LANDMARKS), dtype=np.float32) / 8
    Y = np.tanh(modules) @ rng.standard_normal((60, TARGETS), dtype=np.float32) / 8
    X += 0.5 * rng.standard_normal(X.shape, dtype=np.float32)
    Y += 0.5 * rng.standard_normal(Y.shape, dtype=np.float32)
    return X, Y


# -- cases: implementation -> function that prepares and returns the call to be measured ---------
def least_squares():
    X, Y = profiles()

    def ours():
        from skgex import LeastSquaresRegressor

        return LeastSquaresRegressor(gene_scaling=None).fit

    def sklearn():
        from sklearn.linear_model import LinearRegression

        return LinearRegression().fit

    return {
        "skgex": lambda: _fit(ours(), X, Y),
        "scikit-learn LinearRegression": lambda: _fit(sklearn(), X, Y),
    }


def ridge_cv():
    X, Y = profiles()

    def ours():
        from skgex import RidgeRegressorCV

        return RidgeRegressorCV(ALPHAS, cv=5, gene_scaling=None).fit

    def sklearn():
        from sklearn.linear_model import Ridge
        from sklearn.model_selection import GridSearchCV

        search = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=5, scoring="neg_mean_squared_error")
        return search.fit

    def himalaya():
        from himalaya.backend import set_backend
        from himalaya.ridge import RidgeCV

        backend = set_backend("torch")
        model = RidgeCV(ALPHAS, cv=5, fit_intercept=True)
        return lambda X, Y: model.fit(backend.asarray(X), backend.asarray(Y))

    return {
        "skgex": lambda: _fit(ours(), X, Y),
        "scikit-learn GridSearchCV(Ridge)": lambda: _fit(sklearn(), X, Y),
        "himalaya RidgeCV (one alpha a target)": lambda: _fit(himalaya(), X, Y),
    }


def lasso(alpha=0.05):
    X, Y = _lasso_profiles()

    def objective(W, b):
        residual = Y - X @ W.T - b
        return float((0.5 * np.mean(residual**2, axis=0) + alpha * np.abs(W).sum(axis=1)).sum())

    def solved(fit):
        model = fit()
        return {"objective": lambda: objective(model.coef_, model.intercept_)}

    def ours():
        from skgex import LassoRegressor

        return LassoRegressor(alpha, gene_scaling=None, n_jobs=2).fit(X, Y)

    def sklearn():
        from sklearn.linear_model import Lasso

        gram = np.ascontiguousarray((X - X.mean(axis=0)).T @ (X - X.mean(axis=0)))
        model = Lasso(alpha, precompute=gram, max_iter=5000).fit(X - X.mean(axis=0), Y)
        model.intercept_ = model.intercept_ - model.coef_ @ X.mean(axis=0)
        return model

    def imported(fit, *modules):
        for module in modules:
            importlib.import_module(module)
        return lambda: solved(fit)

    return {
        "skgex": lambda: imported(ours, "skgex.inference"),
        "scikit-learn Lasso(precompute=gram)": lambda: imported(sklearn, "sklearn.linear_model"),
    }


def _lasso_profiles():
    if DATA is None:
        X, Y = profiles(424)
    else:
        from skgex.datasets import read_expression

        data = read_expression(DATA)
        landmarks = data.gene_table["dgex_landmark"].astype(bool)
        X, Y = data.X[:, landmarks], data.X[:, ~landmarks]
    X, Y = X.astype(float), Y.astype(float)
    return (X - X.mean(axis=0)) / X.std(axis=0), (Y - Y.mean(axis=0)) / Y.std(axis=0)


def kernel_ridge():
    X, Y = profiles()

    def ours():
        from skgex import KernelRidgeRegressor

        return KernelRidgeRegressor(1.0, gamma=1 / LANDMARKS, gene_scaling=None).fit

    def ours_path():
        from skgex import KernelRidgeRegressor

        return KernelRidgeRegressor(ALPHAS, gamma=1 / LANDMARKS, gene_scaling=None).fit

    def sklearn():
        from sklearn.kernel_ridge import KernelRidge

        return KernelRidge(alpha=1.0, kernel="rbf", gamma=1 / LANDMARKS).fit

    return {
        "skgex": lambda: _fit(ours(), X, Y),
        "scikit-learn KernelRidge": lambda: _fit(sklearn(), X, Y),
        "skgex, path of 10 alphas": lambda: _fit(ours_path(), X, Y),
    }


def knn(n_neighbors=10):
    X, Y = profiles()
    queries = profiles(1000, seed=1)[0]

    def warm(predict):
        # A first call starts threads and imports; at a tenth of a second that would be the result.
        predict(queries)
        return lambda: predict(queries)

    def ours():
        from skgex import KNNRegressor

        return warm(KNNRegressor(n_neighbors, gene_scaling=None).fit(X, Y).predict)

    def sklearn():
        from sklearn.neighbors import KNeighborsRegressor

        return warm(KNeighborsRegressor(n_neighbors, algorithm="brute").fit(X, Y).predict)

    def faiss():
        import faiss as library

        index = library.IndexFlatL2(LANDMARKS)
        index.add(X)
        return warm(lambda queries: Y[index.search(queries, n_neighbors)[1]].mean(axis=1))

    return {
        "skgex": ours,
        "scikit-learn KNeighborsRegressor": sklearn,
        "faiss IndexFlatL2 and a mean": faiss,
    }


def matching_pursuit(n=2000, n_measurements=100, n_atoms=500, n_nonzero=15):
    """Sparse codes, and the share of profiles with the atoms that scikit-learn finds."""

    def coded(code, dtype):
        rng = np.random.default_rng(0)
        D = rng.standard_normal((n_measurements, n_atoms))
        D = (D / np.linalg.norm(D, axis=0)).astype(dtype)
        Z = rng.standard_normal((n, n_measurements)).astype(dtype)

        def equal(W):
            return float(((W != 0) == (sklearn(D, Z) != 0)).all(axis=1).mean())

        def call():
            W = code(D, Z)
            return {"supports": lambda: equal(W)}

        call()  # starts threads and imports
        return call

    def ours(D, Z):
        import torch

        from skgex._solvers import matching_pursuit

        codes = matching_pursuit(torch.from_numpy(D), torch.from_numpy(Z), n_nonzero)
        return codes.dense(n_atoms).numpy()

    def sklearn(D, Z):
        from sklearn.linear_model import orthogonal_mp_gram

        return orthogonal_mp_gram(D.T @ D, D.T @ Z.T, n_nonzero_coefs=n_nonzero).T

    return {
        "skgex": lambda: coded(ours, np.float32),
        "scikit-learn orthogonal_mp_gram": lambda: coded(sklearn, np.float32),
        "skgex, float64": lambda: coded(ours, np.float64),
        "scikit-learn, float64": lambda: coded(sklearn, np.float64),
    }


def _modular_profiles(n, n_genes):
    """Profiles in [0, 1] of sparse modules."""
    rng = np.random.default_rng(0)
    modules = rng.gamma(1, 1, (60, n_genes)) * (rng.uniform(size=(60, n_genes)) < 0.1)
    activities = rng.gamma(2, 1, (n, 60)) * (rng.uniform(size=(n, 60)) < 0.1)
    X = activities @ modules + 0.3 * rng.gamma(2, 1, (n, n_genes))
    return (X / X.max(axis=0)).astype(np.float32)


def smaf():
    """Ten rounds of SMAF; one round by scikit-learn's solvers: a gene, a profile at a time."""

    def ours(n, n_genes, n_modules):
        from skgex import SMAF

        X = _modular_profiles(n, n_genes)
        return lambda: SMAF(n_modules, 15, tolerance=0.1, random_state=0).fit(X)

    def sklearn(n, n_genes, n_modules, n_nonzero=15, tolerance=0.1):
        from sklearn.linear_model import lars_path_gram, orthogonal_mp_gram

        X = _modular_profiles(n, n_genes).astype(float)
        W = np.random.default_rng(0).random((n_modules, n))

        def call():
            gram, xw, U = W @ W.T, W @ X, np.zeros((n_genes, n_modules))
            for gene in range(n_genes):  # along the path, to the residual asked for
                path = dict(n_samples=n, method="lasso", positive=True)
                coefs = lars_path_gram(xw[:, gene], gram, **path)[2].T
                left = np.square(X[:, [gene]] - W.T @ coefs.T).sum(axis=0)
                fits = left <= tolerance * np.square(X[:, gene] - X[:, gene].mean()).sum()
                U[gene] = coefs[fits.argmax() if fits.any() else -1]
            U /= np.linalg.norm(U, axis=0).clip(1e-12)
            orthogonal_mp_gram(U.T @ U, U.T @ X.T, n_nonzero_coefs=n_nonzero)

        return call

    return {
        "skgex, 5,000 genes x 400 x 150 modules": lambda: ours(400, 5000, 150),
        "skgex, 5,000 genes x 2,000 x 500 modules": lambda: ours(2000, 5000, 500),
        "skgex, 500 genes x 400 x 50 modules": lambda: ours(400, 500, 50),
        "scikit-learn, 500 genes x 400 x 50 modules, 1 round": lambda: sklearn(400, 500, 50),
    }


def wiener(n=400, n_genes=5000, n_measurements=100):
    """Fit with a matrix, and decode measurements by another one."""
    X = _modular_profiles(n, n_genes)
    rng = np.random.default_rng(1)
    A, B = (rng.standard_normal((n_measurements, n_genes), dtype=np.float32) for _ in range(2))

    def ours(**params):
        from skgex import WienerRegressor

        WienerRegressor(A, **params).fit(X[:20] @ A.T, X[:20])  # starts threads and imports

        def call():
            decoder = WienerRegressor(A, **params).fit(X @ A.T, X)
            decoder.predict(X @ B.T, measurement_matrix=B)

        return call

    def naive():
        def call():
            S = np.cov(X.T)
            gain = S @ B.T @ np.linalg.inv(B @ S @ B.T)
            X @ B.T @ gain.T.astype(np.float32)

        return call

    return {
        "skgex, shrinkage given": lambda: ours(shrinkage=0.1),
        "skgex, shrinkage among 9 by 5 folds": ours,
        "numpy, genes x genes": naive,
    }


def perturbation(n=500, n_genes=20_000):
    """TSPG at the width of a genome, 150 epochs, its classifier included."""

    def ours(make, **params):
        def prepared():
            import skgex

            data, _ = skgex.make_expression(n, 1000, n_genes - 1000, random_state=0)
            states = data.sample_table["state"]
            tspg = getattr(skgex, make)("state1", **params)
            return lambda: tspg.fit(data.X, states)

        return prepared

    return {
        "TSPG": ours("TSPG", random_state=0),
        "without critic": ours("TSPG", lambda_gan=0, random_state=0),
        "hourglass": ours("TSPG", generator="hourglass", lr=5e-4, random_state=0),
        "transport map": ours("GaussianTransport"),
    }


def training(units=3000, batch_size=200, n=2000, epochs=2):
    """Seconds an epoch of 10 steps, 943 -> 3 x 3,000 -> 9,520."""
    X, Y = profiles(n)

    def ours(precision):
        import torch

        from skgex import _losses, _training
        from skgex._nets import MLP

        net = _training.SupervisedNet(
            MLP(LANDMARKS, TARGETS, (units,) * 3),
            criterion=_losses.squared_error,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            precision=precision,
            max_epochs=epochs,
        )
        batches = _training.TensorBatches(
            [torch.from_numpy(X), torch.from_numpy(Y)], batch_size, torch.Generator()
        )
        return lambda: {"epoch": min(net.fit(batches).history[:, "dur"])}

    def plain_skorch():
        import torch
        from skorch import NeuralNetRegressor

        from skgex._nets import MLP

        net = NeuralNetRegressor(
            MLP(LANDMARKS, TARGETS, (units,) * 3),
            optimizer=torch.optim.Adam,
            batch_size=batch_size,
            iterator_train__shuffle=True,
            train_split=None,
            max_epochs=epochs,
            verbose=0,
        )
        return lambda: {"epoch": min(net.fit(X, Y).history[:, "dur"])}

    def floor():
        return lambda: {"epoch": _training_floor(units, batch_size, n)}

    return {
        "skgex (bfloat16)": lambda: ours("bfloat16"),
        "plain skorch": plain_skorch,
        "skgex, float32": lambda: ours("float32"),
        "floor (bfloat16)": floor,
    }


def adversarial(n=2000, n_labelled=500):
    """Seconds an epoch of the adversarial nets and of the net they keep, trained alone."""
    X, Y = profiles(n)
    if Y is not None:
        Y_partly = Y.copy()
        Y_partly[n_labelled:] = np.nan

    def epoch(name, **params):
        def call():
            import skgex

            def fit(max_epochs):
                estimator = getattr(skgex, name)(max_epochs=max_epochs, **(common | params))
                return _seconds(
                    lambda: estimator.fit(X, Y_partly if name == "SemiGANRegressor" else Y)
                )

            common = dict(early_stopping=False, random_state=0)
            fit(1)
            return {"epoch": (fit(4) - fit(1)) / 3}

        return lambda: call

    alone = dict(lambda_adv=0.0, lambda_cons=0.0)
    supervised = dict(lambda_gx=0.0, lambda_gy=0.0, lambda_gxy=0.0, lambda_cons=0.0, teacher=None)
    return {
        "GGAN": epoch("GGANRegressor"),
        "its generator alone": epoch("GGANRegressor", **alone),
        "SemiGAN, all terms": epoch("SemiGANRegressor", lambda_syn=0.1, warm_up=0, teacher=None),
        "its inference net alone": epoch("SemiGANRegressor", **supervised),
    }


def multitask(n=500, units=1000):
    """Seconds an epoch of 5 steps, 943 -> 2 x 1,000 -> 9,520, and trained parameters."""
    X, Y = profiles(n)

    def epoch(name, epochs=5, **params):
        def call():
            import skgex

            def fit(max_epochs):
                estimator = getattr(skgex, f"{name}Regressor")(
                    units, max_epochs=max_epochs, **all_
                )
                return estimator.fit(X, Y)

            all_ = dict(early_stopping=False, random_state=0) | params
            fit(1)
            short = _seconds(lambda: fit(1))
            start = perf_counter()
            fitted = fit(1 + epochs)
            seconds = (perf_counter() - start - short) / epochs
            n_module = sum(p.numel() for p in fitted.module_.parameters())
            return {"epoch": seconds, "parameters": getattr(fitted, "n_parameters_", n_module)}

        return lambda: call

    return {
        "DenseNet": epoch("DenseNet"),
        "Deep-LSMTL": epoch("DeepLSMTL"),
        "Deep-GO-MTL": epoch("DeepGOMTL"),
        "Deep-CNMTL": epoch("DeepCNMTL"),
        "Deep-AMTL": epoch("DeepAMTL"),
        "Deep-AMTL, bfloat16": epoch("DeepAMTL", relations_dtype="bfloat16"),
        "Deep-AMTL, B as a whole": epoch("DeepAMTL", epochs=1, block_size=None),
        "Deep-AMTFL": epoch("DeepAMTFL"),
    }


def _training_floor(units, batch_size, n):
    """Seconds the arithmetic and the optimiser's memory traffic take at measured rates."""
    import torch

    sizes = [LANDMARKS, units, units, units, TARGETS]
    parameters = sum(a * b for a, b in pairwise(sizes))
    a = torch.randn(batch_size, units, dtype=torch.bfloat16)
    b = torch.randn(units, TARGETS, dtype=torch.bfloat16)
    product = min(_seconds(lambda: a @ b) for _ in range(20))
    rate = 2 * batch_size * units * TARGETS / product
    source, target = torch.randn(2, 50_000_000)
    bandwidth = 8 * len(source) / min(_seconds(lambda: target.copy_(source)) for _ in range(5))
    steps = n / batch_size
    return 6 * parameters * n / rate + steps * 28 * parameters / bandwidth


CASES = {
    f.__name__: f
    for f in (
        least_squares,
        ridge_cv,
        lasso,
        kernel_ridge,
        knn,
        matching_pursuit,
        smaf,
        wiener,
        perturbation,
        training,
        adversarial,
        multitask,
    )
}
DATA = None


# -- measuring ---------------------------------------------------------------------------------
def _fit(fit, X, Y):
    return lambda: fit(X, Y)


def _seconds(call):
    start = perf_counter()
    call()
    return perf_counter() - start


def _resident(field):
    """A line of the process's memory status, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise OSError(f"no {field} in the process status")


def measure(case, implementation):
    """One measurement in this process: seconds, peak memory, and what the call returns."""
    call = CASES[case]()[implementation]()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the preparation
    start = perf_counter()
    result = call()
    seconds = perf_counter() - start
    document = {"seconds": seconds, "peak_mb": _resident("VmHWM") - before}
    if isinstance(result, dict):
        document |= {k: v() if callable(v) else v for k, v in result.items()}
        document["seconds"] = document.pop("epoch", seconds)
    return document


def run(case, implementation, data):
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--measure", case, implementation]
    command += ["--data", data] if data else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{case}, {implementation}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    global DATA
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data")
    parser.add_argument("--out")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    DATA = arguments.data
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    results = {}
    for case in arguments.cases.split(","):
        names = list(_implementations(case))
        runs = {name: [] for name in names}
        for _ in range(arguments.repeats):
            for name in names:
                runs[name].append(run(case, name, arguments.data))
        results[case] = runs
        print(table(case, runs), flush=True)
        if arguments.out:
            machine = f"{platform.machine()}, Python {platform.python_version()}"
            document = {"machine": machine, "results": results}
            Path(arguments.out).write_text(json.dumps(document, indent=1))


def _implementations(case):
    # Names only: the functions that prepare data are replaced by nothing.
    global profiles, _lasso_profiles
    kept = profiles, _lasso_profiles
    profiles = _lasso_profiles = lambda *args, **kwargs: (None, None)
    try:
        return CASES[case]()
    finally:
        profiles, _lasso_profiles = kept


def table(case, runs):
    lines = [
        f"\n| {case} | s | times as fast as | peak MB | objective, parameters or equal supports |",
        "|---|---|---|---|---|",
    ]
    best = {name: min(r["seconds"] for r in rows) for name, rows in runs.items()}
    ours = next(iter(best.values()))
    for name, rows in runs.items():
        further = {"objective": "{:.4f}", "parameters": "{:,}", "supports": "{:.2%}"}
        shown = [text.format(rows[0][key]) for key, text in further.items() if key in rows[0]]
        lines.append(
            f"| {name} | {best[name]:.3f} | {best[name] / ours:.2f} "
            f"| {np.median([r['peak_mb'] for r in rows]):.0f} "
            f"| {', '.join(shown)} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
