"""Quantile normalisation against ranks written out."""

import numpy as np
import pandas as pd
import pytest

from skgex.preprocessing import QuantileNormalizer

TIES = ["mean", "dgex", "dgex-rnaseq"]


@pytest.fixture
def arrays():
    return np.random.default_rng(0).gamma(4, 2, size=(300, 50))  # more than one batch


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_profiles_without_ties_get_the_reference_in_their_order(arrays, ties, dtype):
    X = arrays.astype(dtype)
    reference = np.sort(X.astype(float), axis=1).mean(axis=0)
    normalizer = QuantileNormalizer(ties=ties).fit(X)
    np.testing.assert_allclose(normalizer.reference_, reference)
    rnaseq = np.random.default_rng(1).lognormal(3, 2, size=(3, 50)).astype(dtype)
    normalized = normalizer.transform(rnaseq)
    assert normalized.dtype == dtype
    ranks = rnaseq.argsort(axis=1).argsort(axis=1)
    np.testing.assert_allclose(normalized, reference[ranks], rtol=10 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("ties", "expected"),
    [
        # Mean ranks, from 0: .5 .5 2 4 4 4.
        ("mean", [0.5, 0.5, 4.0, 16.0, 16.0, 16.0]),
        ("dgex", [0.0, 0.0, 4.0, 16.0, 16.0, 16.0]),
        # Distinct values 1, 2, 3 of 3: positions 2, 4, 6 of 6, from 1.
        ("dgex-rnaseq", [1.0, 1.0, 9.0, 25.0, 25.0, 25.0]),
    ],
)
def test_tie_rules(ties, expected):
    normalizer = QuantileNormalizer(ties=ties).fit([[0.0, 1.0, 4.0, 9.0, 16.0, 25.0]])
    np.testing.assert_array_equal(
        normalizer.transform([[0.0, 0.0, 2.0, 7.0, 7.0, 7.0]]), [expected]
    )


def test_normalising_twice_changes_nothing(arrays):
    once = QuantileNormalizer().fit_transform(arrays)
    np.testing.assert_allclose(QuantileNormalizer().fit_transform(once), once)
    np.testing.assert_allclose(np.sort(once, axis=1) - np.sort(once[0]), 0)


def test_one_profile_is_normalised_as_among_many(arrays):
    normalizer = QuantileNormalizer().fit(arrays)
    np.testing.assert_array_equal(
        normalizer.transform(arrays[7:8]), normalizer.transform(arrays)[7:8]
    )


def test_other_genes_are_refused(arrays):
    normalizer = QuantileNormalizer().fit(arrays)
    with pytest.raises(ValueError, match=r"X has 49 features, but .* expecting 50"):
        normalizer.transform(arrays[:, 1:])
    named = pd.DataFrame(arrays).add_prefix("g")
    with pytest.raises(ValueError, match="feature names should match"):
        QuantileNormalizer().fit(named).transform(named.rename(columns={"g0": "TP53"}))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_are_refused(arrays, bad):
    normalizer = QuantileNormalizer().fit(arrays)
    arrays[3, 3] = bad
    with pytest.raises(ValueError, match="Input X contains"):
        normalizer.transform(arrays)


def test_an_all_zero_profile_is_told(arrays):
    normalizer = QuantileNormalizer().fit(arrays)
    arrays[[4, 9]] = 0
    with pytest.warns(UserWarning, match=r"2 profiles have one value .* in row 4 \(0\)") as record:
        normalizer.transform(arrays)
    assert len(record) == 1
