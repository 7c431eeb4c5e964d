"""Errors of whole profiles and distances between them, against formulas written out."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import pearsonr
from sklearn.exceptions import UndefinedMetricWarning

from skgex.metrics import relative_rmse, sample_distance_correlation

METRICS = [relative_rmse, sample_distance_correlation]


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    y_true = rng.normal(7, 2, size=(40, 6))
    return y_true, 0.6 * y_true + rng.normal(3, 1, size=y_true.shape)


@pytest.fixture
def tiny_blocks(monkeypatch):
    monkeypatch.setattr("skgex._utils._blocks._BLOCK_BYTES", 8 * 40 * 4)


# -- relative error --------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relative_error_agrees_with_its_formula_across_blocks(pair, dtype, tiny_blocks):
    y_true, y_pred = (y.astype(dtype) for y in pair)
    t, p = y_true.astype(float), y_pred.astype(float)
    mean = np.linspace(5, 9, 6)
    expected = np.linalg.norm(t - p) / np.linalg.norm(t - t.mean(axis=0))
    assert relative_rmse(y_true, y_pred) == pytest.approx(expected)
    expected = np.linalg.norm(t - p) / np.linalg.norm(t - mean)
    assert relative_rmse(y_true, y_pred, baseline=mean) == pytest.approx(expected)


def test_the_mean_profile_has_relative_error_1_and_the_truth_0(pair):
    y_true, _ = pair
    training_mean = y_true.mean(axis=0) + 0.5
    inferred = np.broadcast_to(training_mean, y_true.shape)
    assert relative_rmse(y_true, inferred, baseline=training_mean) == 1
    assert relative_rmse(y_true, inferred) > 1
    assert relative_rmse(y_true, y_true) == 0


def test_relative_error_knows_no_unit(pair):
    y_true, y_pred = pair
    expected = relative_rmse(y_true, y_pred)
    assert relative_rmse(3 * y_true - 50, 3 * y_pred - 50) == pytest.approx(expected)


def test_relative_error_is_nan_where_nothing_varies(pair):
    y = np.full((40, 6), 0.1)  # the mean of 40 times 0.1 is not exactly 0.1
    with pytest.warns(
        UndefinedMetricWarning, match="every measured profile is the mean"
    ) as record:
        assert np.isnan(relative_rmse(y, pair[1]))
    assert record[0].filename == __file__


def test_a_mean_profile_of_other_genes_is_refused(pair):
    with pytest.raises(ValueError, match="baseline has 5 entries, but y_true has 6 genes"):
        relative_rmse(*pair, baseline=np.zeros(5))
    with pytest.raises(ValueError, match="baseline holds 1 NaN"):
        relative_rmse(*pair, baseline=[0, 0, 0, 0, 0, np.nan])


# -- distances between samples ---------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distance_correlation_agrees_with_scipy_across_blocks(pair, dtype, tiny_blocks):
    y_true, y_pred = (y.astype(dtype) for y in pair)
    found = sample_distance_correlation(y_true, y_pred)
    assert found == pytest.approx(pearsonr(pdist(y_true), pdist(y_pred)).statistic, rel=1e-9)
    found = sample_distance_correlation(y_true, y_pred, pairs="all")
    whole = [cdist(y, y).ravel() for y in (y_true, y_pred)]
    assert found == pytest.approx(pearsonr(*whole).statistic, rel=1e-9)


def test_the_diagonal_inflates_the_correlation_the_more_the_fewer_samples_there_are():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=(2, 200, 50))  # nothing in common

    def both(n):
        return [
            sample_distance_correlation(y_true[:n], y_pred[:n], pairs=pairs)
            for pairs in ("distinct", "all")
        ]

    (many, many_inflated), (few, few_inflated) = both(200), both(20)
    assert abs(many) < 0.1 and abs(few) < 0.3
    assert few_inflated > many_inflated > many + 0.2


def test_moved_turned_stretched_and_reordered_profiles_keep_their_distances(pair):
    y, other = pair
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    assert sample_distance_correlation(y, 5 * y @ turn - 100) == pytest.approx(1)
    expected = sample_distance_correlation(y, other)
    assert sample_distance_correlation(other, y) == pytest.approx(expected)
    assert sample_distance_correlation(y[::-1], other[::-1]) == pytest.approx(expected)
    assert sample_distance_correlation(y + 1e6, other - 1e6) == pytest.approx(expected, rel=1e-7)


def test_profiles_that_belong_to_other_samples_are_found_out(pair):
    y, _ = pair
    assert abs(sample_distance_correlation(y, y[::-1])) < 0.3


@pytest.mark.parametrize("pairs", ["distinct", "all"])
def test_equal_distances_have_no_correlation(pair, pairs):
    _, y = pair
    same = np.full(y.shape, 0.1)
    with pytest.warns(UndefinedMetricWarning, match="all inferred profiles are equally far apart"):
        assert np.isnan(sample_distance_correlation(y, same, pairs=pairs))
    corners = np.eye(40) / 3 + 0.1
    with pytest.warns(UndefinedMetricWarning, match="all measured profiles are equally") as record:
        assert np.isnan(sample_distance_correlation(corners, np.tile(y, 7)[:, :40], pairs=pairs))
    assert record[0].filename == __file__


def test_two_inferred_profiles_for_many_samples_are_enough(pair):
    y, _ = pair
    halves = (y[:, :1] > np.median(y[:, 0])).astype(float)
    inferred = np.hstack([halves] * 6)
    expected = pearsonr(pdist(y), pdist(inferred)).statistic
    assert sample_distance_correlation(y, inferred) == pytest.approx(expected)


def test_too_few_samples_and_other_pairs_are_refused(pair):
    y_true, y_pred = pair
    with pytest.raises(ValueError, match=r"y_true holds 2 samples .* at least 3"):
        sample_distance_correlation(y_true[:2], y_pred[:2])
    with pytest.raises(ValueError, match="pairs must be 'distinct' or 'all', found 'some'"):
        sample_distance_correlation(y_true, y_pred, pairs="some")


def test_distances_are_not_kept(monkeypatch):
    monkeypatch.setattr("skgex._utils._blocks._BLOCK_BYTES", 2**20)
    y_true, y_pred = np.random.default_rng(0).normal(size=(2, 1500, 5))
    tracemalloc.start()
    sample_distance_correlation(y_true, y_pred)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 1500**2 / 2  # half of one matrix of distances


# -- both ------------------------------------------------------------------------------------
@pytest.mark.parametrize("metric", METRICS)
def test_unequal_and_incomplete_tables_are_refused(metric, pair):
    y_true, y_pred = pair
    with pytest.raises(ValueError, match=r"shape \(40, 6\) and y_pred \(40, 5\)"):
        metric(y_true, y_pred[:, :5])
    frame = pd.DataFrame(y_true, columns=list("abcdef"))
    with pytest.raises(ValueError, match="another order"):
        metric(frame, frame[list("fedcba")])
    y_pred[5, 2] = np.nan
    with pytest.raises(ValueError, match=r"y_pred holds 1 NaN .* sample 5, gene 2"):
        metric(y_true, y_pred)


@pytest.mark.parametrize("metric", METRICS)
def test_frames_lists_and_one_gene_are_welcome(metric, pair):
    y_true, y_pred = pair
    expected = metric(y_true, y_pred)
    assert isinstance(expected, float)
    assert metric(pd.DataFrame(y_true), y_pred.tolist()) == expected
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric(y_true[:, 0], y_pred[:, 0]) == metric(y_true[:, :1], y_pred[:, :1])
