"""GeneScaler against scipy's ranks and numpy's moments."""

import tracemalloc

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


def test_range_is_from_the_lowest_to_the_highest_training_value():
    scaler = GeneScaler("range").fit(X)
    np.testing.assert_allclose(scaler.transform(X), (X - X.min(axis=0)) / np.ptp(X, axis=0))
    assert scaler.transform(X.max(axis=0, keepdims=True) * 2).min() > 1


def test_rank_gaussian_is_the_normal_score_of_the_rank():
    Z = GeneScaler("rank-gaussian").fit_transform(X)
    assert np.abs(Z - normal_scores(X)).max() < 0.02


def test_ties_share_the_middle_of_their_ranks():
    lowly = np.maximum(X - np.median(X), 0.0)
    Z = GeneScaler("rank-gaussian").fit_transform(lowly)
    assert np.abs(Z - normal_scores(lowly)).max() < 0.02


@pytest.mark.parametrize("method", ["standard", "range", "rank-gaussian", None])
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


@pytest.mark.parametrize("method", ["standard", "range", "rank-gaussian"])
def test_weights_count_profiles(method):
    weight = RNG.integers(0, 4, len(X))
    weighted = GeneScaler(method).fit(X, sample_weight=weight).transform(X)
    repeated = GeneScaler(method).fit(np.repeat(X, weight, axis=0)).transform(X)
    np.testing.assert_allclose(
        weighted, repeated, atol=0.02 if method == "rank-gaussian" else 1e-10
    )


@pytest.mark.parametrize("method", ["standard", "range", "rank-gaussian"])
@pytest.mark.parametrize("value", [0.0, 1e30, 0.1])
def test_constant_genes_become_zero_and_come_back(method, value):
    constant = np.full((50, 2), value, np.float32)
    scaler = GeneScaler(method).fit(constant)
    np.testing.assert_allclose(scaler.transform(constant), 0.0, atol=1e-6)
    np.testing.assert_allclose(scaler.inverse_transform(np.zeros((1, 2))), value, rtol=1e-6)


@pytest.mark.parametrize("method", ["standard", "range"])
@pytest.mark.parametrize("dtype, atol", [(np.float64, 1e-9), (np.float32, 1e-5)])
@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_extreme_units(scale, method, dtype, atol):
    scaled = GeneScaler(method).fit_transform((X * scale).astype(dtype))
    np.testing.assert_allclose(scaled, GeneScaler(method).fit_transform(X), atol=atol)


@pytest.mark.parametrize("method", ["standard", "range", "rank-gaussian", None])
def test_float32_stays_float32(method):
    scaler = GeneScaler(method).fit(X.astype(np.float32))
    Z = scaler.transform(X.astype(np.float32))
    assert Z.dtype == scaler.inverse_transform(Z).dtype == np.float32


def test_other_genes_are_refused():
    with pytest.raises(ValueError, match="X has 3 genes, but this GeneScaler was fitted on 4"):
        GeneScaler().fit(X).inverse_transform(X[:, :3])


@pytest.mark.parametrize("method", ["standard", "range", "rank-gaussian"])
def test_blocks_of_genes_change_nothing(method, monkeypatch):
    scaler = GeneScaler(method).fit(X)
    Z = scaler.transform(X)
    back = scaler.inverse_transform(Z)
    monkeypatch.setattr("skgex._utils._blocks._BLOCK_BYTES", 8 * len(X) * 3)
    again = GeneScaler(method).fit(X)
    np.testing.assert_allclose(again.transform(X), Z, atol=1e-12)
    np.testing.assert_allclose(again.inverse_transform(Z), back, rtol=1e-12)


def test_standard_scaling_needs_little_more_memory_than_its_result(monkeypatch):
    monkeypatch.setattr("skgex._utils._blocks._BLOCK_BYTES", 2**14)
    wide = np.tile(X, 200).astype(np.float32)
    scaler = GeneScaler().fit(wide)
    for scale in (scaler.transform, scaler.inverse_transform):
        tracemalloc.start()
        scale(wide)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.3 * wide.nbytes


def test_large_means_cost_no_digit():
    far = (1e6 + RNG.normal(size=(300, 4))).astype(np.float32)
    exact = far.astype(np.float64)
    expected = (exact - exact.mean(axis=0)) / exact.std(axis=0)
    np.testing.assert_allclose(GeneScaler().fit_transform(far), expected, atol=1e-6)


def test_many_profiles_make_no_gene_constant():
    quiet = (8 + 0.001 * RNG.normal(size=(20_000, 2))).astype(np.float32)
    np.testing.assert_allclose(GeneScaler().fit(quiet).scale_, 0.001, rtol=0.05)


@pytest.mark.parametrize("method", ["standard", "range"])
def test_rounding_is_no_spread(method):
    rounded = np.float32(8) * (1 + np.finfo(np.float32).eps * RNG.integers(0, 2, (300, 1)))
    scaler = GeneScaler(method)
    np.testing.assert_array_equal(scaler.fit(rounded.astype(np.float32)).scale_, 0.0)
    for sign in (1, -1):
        same = sign * np.tile([[0.3], [0.1 + 0.2]], (5, 1))
        np.testing.assert_array_equal(scaler.fit(same).scale_, 0.0)
        np.testing.assert_allclose(scaler.transform(same), 0, atol=1e-15)
        np.testing.assert_allclose(scaler.inverse_transform(np.full((1, 1), 7.0)), same[:1])


def test_a_range_of_a_few_units_in_the_last_place_more_is_a_spread():
    near = 1e6 + np.array([[0.0], [0.5]], np.float32)
    assert GeneScaler("range").fit(near.astype(np.float32)).scale_ == 0.5


def test_ranges_are_as_large_as_their_numbers_or_refused():
    wide = np.array([[-3e38], [0], [3e38]], np.float32)
    scaler = GeneScaler("range").fit(wide)
    np.testing.assert_allclose(scaler.transform(wide)[:, 0], [0, 0.5, 1])
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(wide)), wide, atol=1e32)
    with pytest.raises(ValueError, match=r"column 1, from -1e\+308 to 1e\+308, .* Divide X"):
        GeneScaler("range").fit([[1, -1e308], [2, 1e308]])


@pytest.mark.parametrize("method", ["standard", "range", "rank-gaussian"])
def test_constant_genes_come_back_whatever_is_inferred(method):
    scaler = GeneScaler(method).fit(np.full((20, 1), 5.0))
    np.testing.assert_allclose(scaler.inverse_transform(np.array([[-3.0], [0.4]])), 5.0)


def test_from_moments_is_fitted():
    fitted = GeneScaler().fit(X)
    known = GeneScaler.from_moments(fitted.mean_, fitted.scale_)
    np.testing.assert_array_equal(known.transform(X), fitted.transform(X))
    with pytest.raises(ValueError, match="X has 3 features"):
        known.transform(X[:, :3])
