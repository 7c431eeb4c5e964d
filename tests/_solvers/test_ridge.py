"""Least squares and ridge against scikit-learn and numpy."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, ShuffleSplit

from skgex._solvers import (
    GramSums,
    PrimalRidge,
    Profiles,
    held_out_errors,
    least_squares,
    ridge_problem,
)
from skgex._solvers import _gram as gram
from skgex._solvers import _ridge_cv as ridge_cv

ALPHAS = np.array([0.1, 3.0, 100.0])
SHAPES = pytest.mark.parametrize("n, d", [(80, 12), (15, 30), (30, 30)])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Rows and targets that do not fit into one block."""
    monkeypatch.setattr(gram, "_ROWS", 50)
    monkeypatch.setattr(gram, "_TARGETS", 4)


def _profiles(n, d, t=9, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 2
    Y = X @ rng.normal(size=(d, t)) + rng.normal(size=(n, t)) - 5
    return X.astype(dtype), Y.astype(dtype), rng.integers(1, 4, size=n).astype(float)


def _tensors(*arrays):
    return [torch.from_numpy(np.asarray(array)) for array in arrays]


def _predict(fit, X):
    dtype = fit.coef.dtype
    X = torch.as_tensor(X, dtype=dtype)
    return ((X - fit.x_mean.to(dtype)) @ fit.coef + fit.y_mean.to(dtype)).numpy()


def _assert_close(actual, expected, rtol):
    expected = np.asarray(expected)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rtol * np.abs(expected).max())


# -- ridge -------------------------------------------------------------------------------------
@SHAPES
@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-8), (np.float32, 1e-4)])
@pytest.mark.parametrize("alpha", [0.1, 10.0, np.logspace(-1, 3, 9)])
def test_ridge_is_scikit_learns(n, d, dtype, rtol, alpha):
    X, Y, weight = _profiles(n, d)
    expected = Ridge(alpha).fit(X, Y, weight)
    problem = ridge_problem(*_tensors(X.astype(dtype), Y.astype(dtype), weight))
    fit = problem.fit(torch.as_tensor(alpha))
    assert fit.coef.numpy().dtype == dtype
    _assert_close(fit.coef.T, expected.coef_, rtol)
    _assert_close(_predict(fit, X), expected.predict(X), rtol)
    _assert_close(fit.y_scale, np.sqrt(np.cov(Y.T, ddof=0, aweights=weight).diagonal()), rtol)


def test_ridge_path_and_single_solutions_agree():
    X, Y, _ = _profiles(80, 12)
    path = ridge_problem(*_tensors(X, Y))
    _ = path.factor  # from now on every solution comes from the eigendecomposition
    for alpha in ALPHAS:
        alone = ridge_problem(*_tensors(X, Y)).fit_by_inverse(alpha)
        _assert_close(path.fit(alpha).coef, alone.coef, 1e-12)


def test_ridge_of_duplicated_landmarks_shares_their_coefficient():
    X, Y, _ = _profiles(80, 12)
    X = np.hstack([X, X])
    fit = ridge_problem(*_tensors(X, Y)).fit(1e-9)
    _assert_close(fit.coef[:12], fit.coef[12:], 1e-4)
    _assert_close(_predict(fit, X), Ridge(1e-9, solver="svd").fit(X, Y).predict(X), 1e-6)


# -- least squares -----------------------------------------------------------------------------
def _lstsq(X, Y, weight, rcond=None):
    """Coefficients of minimum norm and a predictor, by numpy."""
    x_mean, y_mean = (np.average(A, axis=0, weights=weight) for A in (X, Y))
    root = np.sqrt(weight)[:, None]
    coef = np.linalg.lstsq(root * (X - x_mean), root * (Y - y_mean), rcond=rcond)[0]
    return coef, lambda X: (X - x_mean) @ coef + y_mean


@pytest.mark.parametrize("n, d", [(80, 12), (15, 30), (30, 30), (13, 12)])
@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-8), (np.float32, 1e-4)])
def test_least_squares_is_numpys_minimum_norm_solution(n, d, dtype, rtol):
    X, Y, weight = _profiles(n, d)
    new = _profiles(20, d, seed=1)[0]
    coef, predict = _lstsq(X, Y, weight, rcond=1e-10)
    fit = least_squares(*_tensors(X.astype(dtype), Y.astype(dtype), weight))
    _assert_close(fit.coef, coef, rtol)
    _assert_close(_predict(fit, new), predict(new), rtol)


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-7, 1e-9])
def test_least_squares_with_nearly_collinear_landmarks(distance):
    X, Y, weight = _profiles(80, 12)
    rng = np.random.default_rng(1)
    X[:, 5] = X[:, 3] + distance * rng.normal(size=80)
    new = _profiles(20, 12, seed=2)[0]
    new[:, 5] = new[:, 3] + distance * rng.normal(size=20)
    _, predict = _lstsq(X, Y, weight)
    _assert_close(_predict(least_squares(*_tensors(X, Y, weight)), new), predict(new), 1e-6)


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-7), (np.float32, 1e-4)])
def test_least_squares_with_exactly_collinear_and_constant_landmarks(dtype, rtol):
    X, Y, weight = _profiles(80, 12)
    X[:, 5], X[:, 7] = X[:, 3] + X[:, 4], 0.1
    X, Y = X.astype(dtype), Y.astype(dtype)
    coef, _ = _lstsq(X.astype(np.float64), Y.astype(np.float64), weight, rcond=1e-6)
    fit = least_squares(*_tensors(X, Y, weight))
    _assert_close(fit.coef, coef, rtol)
    assert fit.coef[7].abs().max() < 1e-12
    # The sums alone find the same solution.
    from_sums = PrimalRidge(GramSums.of(*_tensors(X, Y, weight)), fit.coef.dtype).fit(0.0)
    _assert_close(from_sums.coef, coef, rtol)


def test_units_of_landmarks_are_no_ill_condition():
    X, Y, weight = _profiles(80, 12)
    units = np.logspace(-6, 6, 12)
    assert PrimalRidge(GramSums.of(*_tensors(X * units, Y)), torch.float64).fit_by_inverse(0.0)
    plain, scaled = (least_squares(*_tensors(A, Y, weight)) for A in (X, X * units))
    _assert_close(scaled.coef * torch.from_numpy(units)[:, None], plain.coef, 1e-9)


# -- choice of alpha ---------------------------------------------------------------------------
@SHAPES
def test_generalized_errors_are_their_formula(n, d):
    X, Y, weight = _profiles(n, d)
    errors = ridge_problem(*_tensors(X, Y, weight)).generalized_errors(*_tensors(ALPHAS))
    rows = np.repeat(np.arange(n), weight.astype(int))
    expected = [_generalized_errors(X[rows], Y[rows], alpha) for alpha in ALPHAS]
    np.testing.assert_allclose(errors, expected, rtol=1e-6)


def _generalized_errors(X, Y, alpha):
    n, d = X.shape
    Xc = X - X.mean(axis=0)
    hat = Xc @ np.linalg.solve(Xc.T @ Xc + alpha * np.eye(d), Xc.T) + 1 / n
    rss = np.square(Y - hat @ Y).sum(axis=0)
    return rss / n / (1 - np.trace(hat) / n) ** 2


@pytest.mark.parametrize("n, d", [(80, 12), (15, 30)])
def test_generalized_errors_count_what_equal_landmarks_cannot_explain(n, d):
    X, Y, _ = _profiles(n, d)
    X[n // 2 :] = X[: n - n // 2]  # the same landmarks twice, other targets
    errors = ridge_problem(*_tensors(X, Y)).generalized_errors(*_tensors(ALPHAS))
    expected = [_generalized_errors(X, Y, alpha) for alpha in ALPHAS]
    np.testing.assert_allclose(errors, expected, rtol=1e-6)


def test_generalized_errors_are_infinite_without_degrees_of_freedom():
    X, Y, _ = _profiles(80, 12)
    weight = np.full(80, 1 / 80)
    errors = ridge_problem(*_tensors(X, Y, weight)).generalized_errors(*_tensors(ALPHAS))
    assert errors.isinf().all()


SPLITTERS = [
    KFold(4),
    KFold(2),
    GroupKFold(3),
    ShuffleSplit(3, test_size=0.7, random_state=0),
    ShuffleSplit(30, random_state=0),
]


@pytest.mark.parametrize("n, d", [(80, 12), (15, 30), (30, 25)])
@pytest.mark.parametrize("splitter", [*SPLITTERS, LeaveOneOut()], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("error", ["mse", "mae"])
def test_held_out_errors_are_those_of_refitting(n, d, splitter, error):
    X, Y, weight = _profiles(n, d)
    groups = np.arange(n) % 5 if isinstance(splitter, GroupKFold) else None
    splits = list(splitter.split(X, groups=groups))
    expected, total = np.zeros((len(ALPHAS), Y.shape[1])), 0.0
    for train, test in splits:
        total += weight[test].sum()
        for i, alpha in enumerate(ALPHAS):
            ridge = Ridge(alpha).fit(X[train], Y[train], weight[train])
            residual = np.abs(Y[test] - ridge.predict(X[test]))
            expected[i] += weight[test] @ residual ** (2 if error == "mse" else 1)
    profiles = Profiles.all(*_tensors(X, Y, weight))
    pairs = [tuple(profiles.take(torch.from_numpy(rows)) for rows in split) for split in splits]
    errors = held_out_errors(pairs, *_tensors(ALPHAS), error)
    np.testing.assert_allclose(errors, expected / total, rtol=1e-8)
    share = np.linspace(0, 1, Y.shape[1])
    summed = held_out_errors(pairs, *_tensors(ALPHAS), error, torch.from_numpy(share))
    np.testing.assert_allclose(summed, expected @ share / total, rtol=1e-8)


def test_held_out_errors_in_single_precision():
    X, Y, weight = _profiles(80, 12)
    pairs = {}
    for dtype in (np.float32, np.float64):
        profiles = Profiles.all(*_tensors(X.astype(dtype), Y.astype(dtype), weight))
        splits = KFold(3).split(X)
        pairs[dtype] = [tuple(profiles.take(torch.from_numpy(r)) for r in s) for s in splits]
    for target_weight in (None, torch.ones(Y.shape[1], dtype=torch.float64)):
        single, double = (
            held_out_errors(pairs[dtype], *_tensors(ALPHAS), "mse", target_weight)
            for dtype in (np.float32, np.float64)
        )
        np.testing.assert_allclose(single, double, rtol=1e-4)


def test_profiles_that_splits_share_are_summed_once(monkeypatch):
    X, Y, weight = _profiles(80, 12)
    rows = []
    of = GramSums.of.__func__

    def counting(cls, X, Y, weight):
        rows.append(len(X))
        return of(cls, X, Y, weight)

    monkeypatch.setattr(ridge_cv.GramSums, "of", classmethod(counting))
    profiles = Profiles.all(*_tensors(X, Y, weight))
    pairs = [
        tuple(profiles.take(torch.from_numpy(rows)) for rows in split)
        for split in KFold(4).split(X)
    ]
    held_out_errors(pairs, *_tensors(ALPHAS))
    n_blocks = 1 + len(gram.target_blocks(Y.shape[1]))  # the landmarks, then the targets
    assert sum(rows) == n_blocks * len(X)


def test_a_bootstrap_counts_repeated_profiles():
    X, Y, _ = _profiles(80, 12)
    rows = np.random.default_rng(0).integers(0, 80, size=80)
    test = np.setdiff1d(np.arange(80), rows)
    profiles = Profiles.all(*_tensors(X, Y))
    pair = tuple(profiles.take(torch.from_numpy(some)) for some in (rows, test))
    errors = held_out_errors([pair], *_tensors(ALPHAS))
    for alpha, error in zip(ALPHAS, errors, strict=True):
        residual = Y[test] - Ridge(alpha).fit(X[rows], Y[rows]).predict(X[test])
        np.testing.assert_allclose(error, np.square(residual).mean(axis=0), rtol=1e-8)
