"""Sums over profiles: merging them is adding profiles."""

from functools import reduce

import numpy as np
import pytest
import torch

from skgex._solvers import GramSums
from skgex._solvers import _gram as gram


def _profiles(n=60, d=5, t=7, dtype=np.float64, mean=0.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + mean
    Y = X @ rng.normal(size=(d, t)) + rng.normal(size=(n, t)) + mean
    weight = rng.integers(0, 4, size=n).astype(float)
    return X.astype(dtype), Y.astype(dtype), weight


def _tensors(*arrays):
    return [torch.from_numpy(array) for array in arrays]


def _expected(X, Y, weight):
    X, Y = X.astype(np.float64), Y.astype(np.float64)
    x_mean, y_mean = np.average(X, axis=0, weights=weight), np.average(Y, axis=0, weights=weight)
    Xc, Yc = X - x_mean, Y - y_mean
    xx, xy, yy = (Xc.T * weight) @ Xc, (Xc.T * weight) @ Yc, weight @ Yc**2
    return weight.sum(), x_mean, y_mean, xx, xy, yy


def _assert_sums(sums, expected, rtol):
    for name, value in zip(("n", "x_mean", "y_mean", "xx", "xy", "yy"), expected, strict=True):
        scale = np.abs(np.asarray(value)).max()
        np.testing.assert_allclose(getattr(sums, name), value, rtol=0, atol=rtol * scale)


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-13), (np.float32, 1e-6)])
def test_sums_are_weighted_centred_moments(dtype, rtol, monkeypatch):
    monkeypatch.setattr(gram, "_ROWS", 17)
    monkeypatch.setattr(gram, "_TARGETS", 3)
    X, Y, weight = _profiles(dtype=dtype)
    sums = GramSums.of(*_tensors(X, Y, weight))
    assert sums.xx.dtype == sums.xy.dtype == torch.float64
    _assert_sums(sums, _expected(X, Y, weight), rtol)


def test_weights_count_profiles():
    X, Y, weight = _profiles()
    repeated = np.repeat(np.arange(len(X)), weight.astype(int))
    once = GramSums.of(*_tensors(X[repeated], Y[repeated]))
    _assert_sums(GramSums.of(*_tensors(X, Y, weight)), list(vars(once).values()), 1e-13)


def test_any_order_of_merging_gives_the_sums_over_all_profiles():
    X, Y, weight = _profiles()
    # One part has no weight at all, as a study that is left out.
    weight[20:30] = 0
    parts = [slice(0, 20), slice(20, 30), slice(30, 31), slice(31, 60)]

    def of(part):
        return GramSums.of(*_tensors(X[part], Y[part], weight[part]))

    expected = _expected(X, Y, weight)
    from_left = reduce(GramSums.merge, map(of, parts))
    a, b, c, d = map(of, parts)
    as_tree = d.merge(b).merge(c.merge(a))
    for sums in (from_left, as_tree):
        _assert_sums(sums, expected, 1e-13)


def test_merged_leaves_its_parts_as_they_are():
    X, Y, _ = _profiles()
    first, second = (GramSums.of(*_tensors(X[s], Y[s])) for s in (slice(30), slice(30, 60)))
    before = first.xy.clone()
    total = gram.merged([first, second])
    assert torch.equal(first.xy, before)
    assert total.n == 60


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-6), (np.float32, 2e-3)])
def test_large_means_cost_few_digits(dtype, rtol, monkeypatch):
    # The uncentred sums Σ x² − n x̄² would have no digit left.
    monkeypatch.setattr(gram, "_ROWS", 16)
    mean = 1e8 if dtype == np.float64 else 1e3
    X, Y, weight = _profiles(dtype=dtype, mean=mean)
    _assert_sums(GramSums.of(*_tensors(X, Y, weight)), _expected(X, Y, weight), rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_genes_have_exactly_no_variance(dtype, monkeypatch):
    monkeypatch.setattr(gram, "_ROWS", 16)
    X, Y, weight = _profiles(dtype=dtype)
    X[:, 1] = Y[:, 2] = dtype(0.1)
    sums = GramSums.of(*_tensors(X, Y, weight))
    assert sums.yy[2] == 0
    assert not sums.xx[1].any()
    assert not sums.xy[1].any()
    assert not sums.xy[:, 2].any()


def test_scaled_sums_are_those_of_scaled_landmarks():
    X, Y, weight = _profiles(mean=3.0)
    mean, scale = X[weight > 1].mean(axis=0), X.std(axis=0) + 1
    sums = GramSums.of(*_tensors(X, Y, weight)).scaled(*_tensors(mean, scale))
    _assert_sums(sums, _expected((X - mean) / scale, Y, weight), 1e-12)
