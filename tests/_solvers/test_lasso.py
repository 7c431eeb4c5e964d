"""Duality gaps and proximal gradient steps, against scikit-learn's Lasso."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso

from skgex._solvers import lasso_gap, lasso_proximal_gradient


@pytest.fixture(scope="module")
def problem():
    rng = np.random.RandomState(0)
    X = rng.randn(40, 3) @ rng.randn(3, 60) + rng.randn(40, 60)
    Y = X[:, :5] @ rng.randn(5, 8) + rng.randn(40, 8)
    Y[:, -1] = 0
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


def moments(X, Y):
    gram, xty, y_norm = X.T @ X / len(X), Y.T @ X / len(X), np.square(Y).mean(axis=0)
    return [torch.from_numpy(np.ascontiguousarray(a)) for a in (gram, xty, y_norm)]


def objective(X, Y, coef, alpha):
    return np.square(Y - X @ coef.T).mean(axis=0) / 2 + alpha * np.abs(coef).sum(axis=1)


def test_gap_bounds_the_suboptimality(problem):
    X, Y = problem
    gram, xty, y_norm = moments(X, Y)
    alpha = np.linspace(0.1, 0.5, 8)
    best = [
        Lasso(a, fit_intercept=False, tol=1e-12).fit(X, y) for a, y in zip(alpha, Y.T, strict=True)
    ]
    best = np.array([model.coef_ for model in best])
    for noise in (0.0, 0.01, 1.0):
        coef = best + noise * np.random.RandomState(1).randn(*best.shape)
        w = torch.from_numpy(coef)
        gap = lasso_gap(w, xty - w @ gram, xty, y_norm, torch.from_numpy(alpha)).numpy()
        excess = objective(X, Y, coef, alpha) - objective(X, Y, best, alpha)
        assert (gap >= excess - 1e-9).all()
        if noise == 0:
            assert (gap < 1e-9).all()


def test_proximal_gradient_reaches_the_optimum(problem):
    X, Y = problem
    gram, xty, y_norm = moments(X, Y)
    alpha = np.linspace(0.05, 0.5, 8)
    coef, gap, n_iter = lasso_proximal_gradient(
        gram, xty, y_norm, torch.from_numpy(alpha), tol=1e-9, max_iter=20_000
    )
    assert (gap <= 1e-9 * y_norm).all()
    assert n_iter[-1] == 0 and (coef[-1] == 0).all()  # the constant target
    assert (n_iter[:-1] > 0).all() and (n_iter < 20_000).all()
    for t in range(7):
        oracle = Lasso(alpha[t], fit_intercept=False, tol=1e-12).fit(X, Y[:, t]).coef_
        np.testing.assert_allclose(coef[t], oracle, atol=1e-4)


def test_proximal_gradient_stops_at_max_iter(problem):
    gram, xty, y_norm = moments(*problem)
    alpha = torch.full((8,), 0.01, dtype=torch.float64)
    coef, gap, n_iter = lasso_proximal_gradient(gram, xty, y_norm, alpha, tol=0, max_iter=7)
    assert n_iter[0] == 7 and gap[0] > 0 and (coef[0] != 0).any()


def test_no_coefficient_is_below_zero_where_none_may_be(problem):
    X, Y = problem
    gram, xty, y_norm = moments(X, Y)
    alpha = torch.full((8,), 0.1, dtype=torch.float64)
    options = dict(tol=1e-9, max_iter=20_000, nonnegative=True)
    coef, gap, _ = lasso_proximal_gradient(gram, xty, y_norm, alpha, **options)
    assert (gap <= 1e-9 * y_norm).all() and (coef >= 0).all()
    oracle = Lasso(0.1, fit_intercept=False, tol=1e-12, positive=True).fit(X, Y)
    np.testing.assert_allclose(coef, oracle.coef_, atol=1e-4)
