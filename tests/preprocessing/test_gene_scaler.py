"""GeneScaler against scipy's ranks and numpy's moments."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import rankdata

from skgex import GeneScaler

RNG = np.random.default_rng(0)
X = np.exp(RNG.normal(size=(300, 4)))


def normal_scores(X):
    return ndtri((rankdata(X, axis=0) - 0.5) / len(X))


def test_standard_is_the_z_score():
    np.testing.assert_allclose(
        GeneScaler().fit_transform(X), (X - X.mean(axis=0)) / X.std(axis=0), atol=1e-12
    )


def test_rank_gaussian_is_the_normal_score_of_the_rank():
    Z = GeneScaler("rank-gaussian").fit_transform(X)
    assert np.abs(Z - normal_scores(X)).max() < 0.02


def test_ties_share_the_middle_of_their_ranks():
    lowly = np.maximum(X - np.median(X), 0.0)
    Z = GeneScaler("rank-gaussian").fit_transform(lowly)
    assert np.abs(Z - normal_scores(lowly)).max() < 0.02


@pytest.mark.parametrize("method", ["standard", "rank-gaussian", None])
def test_round_trip(method):
    scaler = GeneScaler(method).fit(X)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(X)), X, rtol=2e-2)


def test_rank_gaussian_never_leaves_the_training_range():
    scaler = GeneScaler("rank-gaussian").fit(X)
    far = scaler.inverse_transform(np.array([[-9.0] * 4, [9.0] * 4]))
    np.testing.assert_allclose(far, [X.min(axis=0), X.max(axis=0)])
    np.testing.assert_allclose(
        scaler.transform(np.full((1, 4), 1e9)), normal_scores(X).max(axis=0, keepdims=True)
    )


@pytest.mark.parametrize("method", ["standard", "rank-gaussian"])
def test_weights_count_profiles(method):
    weight = RNG.integers(0, 4, len(X))
    weighted = GeneScaler(method).fit(X, sample_weight=weight).transform(X)
    repeated = GeneScaler(method).fit(np.repeat(X, weight, axis=0)).transform(X)
    np.testing.assert_allclose(weighted, repeated, atol=0.02 if method != "standard" else 1e-10)


@pytest.mark.parametrize("method", ["standard", "rank-gaussian"])
@pytest.mark.parametrize("value", [0.0, 1e30, 0.1])
def test_constant_genes_become_zero_and_come_back(method, value):
    constant = np.full((50, 2), value, np.float32)
    scaler = GeneScaler(method).fit(constant)
    np.testing.assert_allclose(scaler.transform(constant), 0.0, atol=1e-6)
    np.testing.assert_allclose(scaler.inverse_transform(np.zeros((1, 2))), value, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_extreme_units(scale):
    np.testing.assert_allclose(
        GeneScaler().fit_transform(X * scale), GeneScaler().fit_transform(X), atol=1e-9
    )


@pytest.mark.parametrize("method", ["standard", "rank-gaussian", None])
def test_float32_stays_float32(method):
    scaler = GeneScaler(method).fit(X.astype(np.float32))
    Z = scaler.transform(X.astype(np.float32))
    assert Z.dtype == scaler.inverse_transform(Z).dtype == np.float32


def test_other_genes_are_refused():
    with pytest.raises(ValueError, match="X has 3 genes, but this GeneScaler was fitted on 4"):
        GeneScaler().fit(X).inverse_transform(X[:, :3])
