"""The later of two close profiles goes."""

import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from skgex.preprocessing import drop_near_duplicates


@pytest.fixture
def profiles():
    """60 profiles far apart, of which 5 occur again, slightly changed, at known rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(8, 2, size=(60, 30))
    copies = X[[3, 10, 10, 40, 41]] + rng.normal(0, 0.01, size=(5, 30))
    return np.insert(X, [20, 30, 45, 50, 60], copies, axis=0)


COPIES = [20, 31, 47, 53, 64]


@pytest.mark.parametrize("n_clusters", [1, 5, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_later_of_a_pair_is_dropped_and_order_kept(profiles, n_clusters, dtype, monkeypatch):
    monkeypatch.setattr("skgex.preprocessing._near_duplicates._CLUSTER_SIZE", 10)
    kept = drop_near_duplicates(profiles.astype(dtype), n_clusters=n_clusters)
    np.testing.assert_array_equal(np.delete(np.arange(65), kept), COPIES)
    assert (np.diff(kept) > 0).all()


def test_one_cluster_is_the_plain_rule_also_across_blocks(monkeypatch):
    monkeypatch.setattr("skgex.preprocessing._near_duplicates._BATCH", 7)
    X = np.random.default_rng(1).normal(size=(100, 4)) + 1000
    close = np.tril(cdist(X, X) < 1.0, k=-1).any(axis=1)
    assert 20 < close.sum() < 90
    np.testing.assert_array_equal(drop_near_duplicates(X, n_clusters=1), np.flatnonzero(~close))


def test_pairs_of_different_clusters_are_not_compared(monkeypatch):
    monkeypatch.setattr("skgex.preprocessing._near_duplicates._CLUSTER_SIZE", 10)
    X = np.repeat([[0.0], [1.0], [50.0], [51.0]], 5, axis=0)
    np.testing.assert_array_equal(drop_near_duplicates(X, n_clusters=2, threshold=2), [0, 10])
    far = drop_near_duplicates(X, n_clusters=2, threshold=100)
    np.testing.assert_array_equal(far, [0, 10])
    np.testing.assert_array_equal(drop_near_duplicates(X, n_clusters=1, threshold=100), [0])


def test_the_threshold_is_a_strict_distance():
    X = np.array([[0.0], [1.0], [1.5]])
    np.testing.assert_array_equal(drop_near_duplicates(X, n_clusters=1), [0, 1])
    np.testing.assert_array_equal(drop_near_duplicates(X, n_clusters=1, threshold=0.4), [0, 1, 2])


def test_small_differences_of_large_values_are_seen():
    X = np.full((3, 10_000), 1e4, dtype=np.float32)
    X[1] += 0.02  # distance 2
    X[2] += 0.021  # .1 from the second
    np.testing.assert_array_equal(drop_near_duplicates(X, n_clusters=1), [0, 1])


def test_result_is_deterministic_and_of_many_zeros_one_remains(profiles):
    profiles[[5, 15, 25]] = 0
    kept = drop_near_duplicates(profiles)
    np.testing.assert_array_equal(kept, drop_near_duplicates(profiles))
    assert 5 in kept and 15 not in kept and 25 not in kept


def test_identical_profiles_leave_one():
    np.testing.assert_array_equal(drop_near_duplicates(np.ones((20, 3))), [0])


def test_memory_is_bounded_by_blocks():
    X = np.random.default_rng(0).normal(size=(6000, 5))
    tracemalloc.start()
    drop_near_duplicates(X, n_clusters=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(X) ** 2 * 8 / 4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_are_refused(profiles, bad):
    profiles[0, 0] = bad
    with pytest.raises(ValueError, match="Input X contains"):
        drop_near_duplicates(profiles)


def test_bad_parameters_are_refused(profiles):
    for bad in ({"threshold": 0}, {"n_clusters": 0}, {"random_state": "seed"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            drop_near_duplicates(profiles, **bad)
