"""Kernel ridge with relevances, against scikit-learn and against really leaving profiles out."""

from math import e

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.preprocessing import KernelCenterer

from skgex._solvers import RelevanceKernelRidge

N_NOISE = 6


@pytest.fixture(scope="module")
def data():
    """Profiles whose last genes tell nothing, a second view of them, and targets."""
    rng = np.random.default_rng(0)
    X = rng.normal(3, 1, size=(60, 4 + N_NOISE))
    slopes = rng.normal(size=(4, 5))
    Y = np.tanh(X[:, :4] - 3) @ (slopes / np.linalg.norm(slopes, axis=1, keepdims=True))
    view = np.exp(0.3 * (X - 3) @ rng.normal(size=(4 + N_NOISE, 7)))
    return torch.from_numpy(X), torch.from_numpy(view), torch.from_numpy(Y)


def first_kernel(views, others=None):
    """The kernel before any tuning: equal shares of linear and distance kernels, e in all."""
    K = 0
    for train, other in zip(views, others or views, strict=True):
        mean = train.mean(dim=0)
        A, B = (other - mean).numpy(), (train - mean).numpy()
        K = K + A @ B.T / np.square(B).sum(axis=1).mean()
        K = K - 2 * euclidean_distances(A, B) / euclidean_distances(B).mean()
    return K * e / (2 * len(views))


@pytest.mark.parametrize("n_views", [1, 2])
def test_without_tuning_it_is_kernel_ridge_with_an_intercept(data, n_views):
    *views, Y = data
    train, test = ([view[rows] for view in views[:n_views]] for rows in (slice(40), slice(40, 60)))
    centre = KernelCenterer().fit(first_kernel(train))
    K, K_test = (centre.transform(first_kernel(train, others)) for others in (train, test))
    mean = Y[:40].mean(dim=0).numpy()
    oracle = KernelRidge(alpha=1, kernel="precomputed").fit(K, Y[:40].numpy() - mean)
    solved = RelevanceKernelRidge(train, Y[:40], n_steps=0)
    np.testing.assert_allclose(solved(train), oracle.predict(K) + mean, atol=1e-4)
    np.testing.assert_allclose(solved(test), oracle.predict(K_test) + mean, atol=1e-4)


def test_errors_are_those_of_refits_without_each_profile(data):
    *views, Y = data
    K, n, residuals = first_kernel(views), len(Y), []
    for i in range(n):
        rest = np.arange(n) != i
        # Kernel ridge with an intercept b: (K + 1) c + b = y with c summing to zero.
        border = np.ones((1, n - 1))
        system = np.block([[K[np.ix_(rest, rest)] + np.eye(n - 1), border.T], [border, 0]])
        *dual, intercept = np.linalg.solve(system, np.vstack([Y[rest].numpy(), np.zeros(5)]))
        residuals.append(K[i, rest] @ np.array(dual) + intercept - Y[i].numpy())
    errors = RelevanceKernelRidge(views, Y, n_steps=1).errors_
    assert errors == [pytest.approx(np.abs(residuals).mean(), rel=1e-4)]


def test_tuning_lowers_the_error_of_training_and_of_other_profiles(data):
    X, view, Y = data
    train, test = ([v[rows] for v in (X, view)] for rows in (slice(40), slice(40, 60)))
    plain, tuned = (RelevanceKernelRidge(train, Y[:40], n_steps=n) for n in (0, 40))
    assert len(tuned.errors_) == 40 and tuned.errors_[-1] < 0.9 * tuned.errors_[0]
    before, after = ((solved(test) - Y[40:]).abs().mean() for solved in (plain, tuned))
    assert after < before


@pytest.mark.parametrize("bend", [torch.tanh, torch.clone], ids=["tanh", "linear"])
def test_a_gene_that_tells_nothing_is_less_relevant_than_any_that_tells(data, bend):
    X, _, Y = data
    X = X - 3
    slopes = torch.linalg.lstsq(torch.tanh(X[:, :4]), Y).solution
    solved = RelevanceKernelRidge([X], bend(X[:, :4]) @ slopes)
    # In a kernel of little weight relevances stay where they were.
    relevance = solved.log_relevance[solved.log_weights[0].argmax()]
    assert relevance[-N_NOISE:].max() < relevance[:-N_NOISE].min()


def test_the_penalty_keeps_relevances_together(data):
    X, _, Y = data
    spread = [RelevanceKernelRidge([X], Y, penalty=p).log_relevance.std() for p in (0.0, 10.0)]
    assert spread[1] < 0.1 * spread[0]


def test_a_second_view_that_tells_more_is_made_use_of(data):
    _, view, Y = data
    noise = torch.randn(Y.shape, generator=torch.Generator().manual_seed(0), dtype=Y.dtype)
    alone, both = (RelevanceKernelRidge(views, Y) for views in ([noise], [noise, view]))
    assert both.errors_[-1] < 0.8 * alone.errors_[-1]
    first, second = both.log_weights
    assert (second > first).all()


def test_only_the_first_profiles_tune_but_all_of_them_infer(data):
    X, view, Y = data
    views, other = [X, view], Y.clone()
    other[30:] += 5 * X[30:, :1]
    one, two = (RelevanceKernelRidge(views, targets, n_tuning=30) for targets in (Y, other))
    torch.testing.assert_close(one.log_relevance, two.log_relevance)
    assert len(one.dual) == 60 and not torch.allclose(one(views), two(views), atol=0.1)


def test_inferences_do_not_depend_on_the_order_of_profiles_or_on_where_genes_start(data):
    X, view, Y = data
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    expected = RelevanceKernelRidge([X, view], Y)([X, view])
    moved = RelevanceKernelRidge([X[order] + 7, view[order] - 2], Y[order] + 3)
    torch.testing.assert_close(moved([X + 7, view - 2]) - 3, expected, rtol=1e-6, atol=1e-6)


def test_float32_and_float64_agree(data):
    X, view, Y = data
    double = RelevanceKernelRidge([X, view], Y)([X, view])
    X, view, Y = (tensor.float() for tensor in data)
    single = RelevanceKernelRidge([X, view], Y)([X, view])
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    "change",
    [
        lambda X, view, Y: (torch.cat([X, torch.full((60, 2), 5.0)], dim=1), view, Y),
        lambda X, view, Y: (torch.full_like(X, 5), view, Y),
        lambda X, view, Y: (X, torch.zeros_like(view), Y),
        lambda X, view, Y: (X, view, torch.full_like(Y, 5)),
        lambda *tensors: (tensor.repeat(2, 1) for tensor in tensors),
        lambda *tensors: (tensor[[0]].repeat(9, 1) for tensor in tensors),
        lambda *tensors: (tensor[:2] for tensor in tensors),
        lambda *tensors: (tensor * 1e6 for tensor in tensors),
    ],
    ids=[
        "constant genes",
        "constant profiles",
        "constant view",
        "constant targets",
        "duplicates",
        "one profile nine times",
        "two profiles",
        "large values",
    ],
)
def test_degenerate_profiles_give_finite_inferences(data, change, dtype):
    X, view, Y = (tensor.to(dtype) for tensor in change(*data))
    solved = RelevanceKernelRidge([X, view], Y)
    assert np.isfinite(solved.errors_).all()
    inferred = solved([X, view])
    assert torch.isfinite(inferred).all()
    # Never worse than the mean where it has learned.
    assert (inferred - Y).abs().mean() <= 1.001 * (Y - Y.mean(dim=0)).abs().mean()
