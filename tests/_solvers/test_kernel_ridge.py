"""Kernel ridge, against scikit-learn and against really leaving profiles out."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel as sklearn_rbf

from skgex._solvers import kernel_ridge, linear_kernel, rbf_kernel

GAMMA = 0.1
kernel = partial(rbf_kernel, gamma=GAMMA)


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.randn(30, 4)
    Y = np.sin(X @ rng.randn(4, 3)) + 0.1 * rng.randn(30, 3)
    return torch.from_numpy(X), torch.from_numpy(Y)


def ones(X):
    return torch.ones(len(X), dtype=torch.float64)


def test_rbf_kernel_far_from_the_origin(data):
    X, _ = data
    far = (X + 1000).float()
    expected = sklearn_rbf(far.double().numpy(), gamma=GAMMA)
    np.testing.assert_allclose(rbf_kernel(far, far, GAMMA), expected, atol=1e-5)


@pytest.mark.parametrize("alphas", [[0.3], [0.3, 0.3]])
@pytest.mark.parametrize("name", ["rbf", "linear"])
def test_single_alpha_and_path_solve_the_same_system(data, alphas, name):
    X, Y = data
    weight = torch.linspace(0.1, 3, 30, dtype=torch.float64)
    k = kernel if name == "rbf" else linear_kernel
    dual, alpha, scores = kernel_ridge(k, X, Y, weight, alphas)
    oracle = KernelRidge(alpha=0.3, kernel=name, gamma=GAMMA).fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(k(X, X) @ dual, oracle.predict(X), atol=1e-10)
    assert alpha == 0.3
    assert (scores is None) == (len(alphas) == 1)


@pytest.mark.parametrize("block_bytes", [1, 2**28])
def test_leave_one_out_scores(data, block_bytes):
    X, Y = data
    alphas = [0.01, 0.1, 1.0, 10.0]
    _, chosen, scores = kernel_ridge(kernel, X, Y, ones(X), alphas, block_bytes=block_bytes)
    expected = []
    for alpha in alphas:
        model, errors = KernelRidge(alpha=alpha, kernel="rbf", gamma=GAMMA), []
        for i in range(len(X)):
            rest = np.arange(len(X)) != i
            errors.append(model.fit(X[rest], Y[rest]).predict(X[[i]]) - Y[[i]].numpy())
        expected.append(np.square(errors).mean())
    np.testing.assert_allclose(scores, expected, rtol=1e-8)
    assert chosen == alphas[int(np.argmin(expected))]


def test_integer_weights_are_copies_in_the_scores_too(data):
    X, Y = data
    copies = torch.arange(30) % 3 + 1
    repeated = [t.repeat_interleave(copies, dim=0) for t in (X, Y)]
    alphas = [0.01, 0.1, 1.0]
    _, _, weighted = kernel_ridge(kernel, X, Y, copies.double(), alphas)
    _, _, scores = kernel_ridge(kernel, *repeated, ones(repeated[0]), alphas)
    np.testing.assert_allclose(weighted, scores, rtol=1e-6)


def test_validation_scores(data):
    X, Y = data
    fit, valid = slice(0, 20), slice(20, 30)
    alphas = [0.01, 0.1, 1.0]
    dual, chosen, scores = kernel_ridge(
        kernel, X[fit], Y[fit], ones(X[fit]), alphas, validation=(X[valid], Y[valid])
    )
    models = [KernelRidge(alpha=a, kernel="rbf", gamma=GAMMA).fit(X[fit], Y[fit]) for a in alphas]
    expected = [np.square(m.predict(X[valid]) - Y[valid].numpy()).mean() for m in models]
    np.testing.assert_allclose(scores, expected, rtol=1e-8)
    assert chosen == alphas[int(np.argmin(expected))]
    best = models[int(np.argmin(expected))]
    np.testing.assert_allclose(kernel(X[valid], X[fit]) @ dual, best.predict(X[valid]), atol=1e-8)


@pytest.mark.parametrize("alphas", [[0.1], [0.1, 0.1]])
@pytest.mark.parametrize("block_bytes", [1, 2**28])
def test_nystroem_minimises_over_the_span_of_its_basis(data, alphas, block_bytes):
    X, Y = data
    weight = torch.linspace(0.1, 3, 30, dtype=torch.float64)
    basis = X[::3]
    dual, _, _ = kernel_ridge(kernel, X, Y, weight, alphas, basis=basis, block_bytes=block_bytes)
    K, Kbb = kernel(X, basis), kernel(basis, basis)
    expected = torch.linalg.solve(
        K.T @ (weight[:, None] * K) + alphas[0] * Kbb, K.T @ (weight[:, None] * Y)
    )
    np.testing.assert_allclose(K @ dual, K @ expected, atol=1e-7)


def test_nystroem_on_all_profiles_is_exact(data):
    X, Y = data
    alphas = [0.01, 0.1, 1.0]
    exact, alpha, scores = kernel_ridge(kernel, X, Y, ones(X), alphas)
    dual, same, nystroem_scores = kernel_ridge(kernel, X, Y, ones(X), alphas, basis=X)
    assert alpha == same
    np.testing.assert_allclose(nystroem_scores, scores, rtol=1e-6)
    np.testing.assert_allclose(kernel(X, X) @ dual, kernel(X, X) @ exact, atol=1e-6)


def test_repeated_profiles_with_a_tiny_alpha(data):
    X, Y = (t.repeat(2, 1) for t in data)
    dual, _, _ = kernel_ridge(kernel, X, Y, ones(X), [1e-18])
    assert torch.isfinite(dual).all()
    np.testing.assert_allclose(kernel(X, X) @ dual, Y, atol=0.05)
