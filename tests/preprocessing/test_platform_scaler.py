"""Each platform has its own statistics, and a strange one is not taken in silently."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex.preprocessing import PlatformScaler


@pytest.fixture
def two_platforms():
    rng = np.random.default_rng(0)
    X = rng.normal(7, 2, size=(40, 6))
    platform = np.array(["array", "rnaseq"])[rng.permutation(40) % 2]
    X[platform == "rnaseq"] = 30 + 4 * X[platform == "rnaseq"]
    return X, platform


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_platform_is_standardised_on_its_own(two_platforms, dtype):
    X, platform = two_platforms[0].astype(dtype), two_platforms[1]
    scaled = PlatformScaler().fit_transform(X, platform=platform)
    assert scaled.dtype == dtype
    for name in ("array", "rnaseq"):
        rows = platform == name
        expected = StandardScaler().fit_transform(X[rows].astype(float))
        np.testing.assert_allclose(scaled[rows], expected, rtol=1e-4, atol=1e-5)


def test_without_platforms_it_is_a_standard_scaler(two_platforms):
    X, _ = two_platforms
    np.testing.assert_allclose(
        PlatformScaler().fit(X[:30]).transform(X[30:]),
        StandardScaler().fit(X[:30]).transform(X[30:]),
    )


def test_new_profiles_use_the_training_statistics_of_their_platform(two_platforms):
    X, platform = two_platforms
    scaler = PlatformScaler(unseen="own").fit(X, platform=platform)
    everything = scaler.transform(X, platform=platform)
    np.testing.assert_array_equal(scaler.transform(X[:1], platform=platform[:1]), everything[:1])


def test_unseen_platforms_are_refused_or_scaled_by_themselves(two_platforms):
    X, platform = two_platforms
    rows = platform == "rnaseq"
    scaler = PlatformScaler().fit(X[~rows], platform=platform[~rows])
    with pytest.raises(ValueError, match=r"not seen at fit: 'rnaseq'; seen were 'array'"):
        scaler.transform(X, platform=platform)

    scaler.set_params(unseen="own")
    scaled = scaler.transform(X, platform=platform)
    np.testing.assert_allclose(scaled[rows], StandardScaler().fit_transform(X[rows]))
    with pytest.raises(ValueError, match="'rnaseq' has n_samples=1"):
        scaler.transform(X[rows][:1], platform=["rnaseq"])
    with pytest.raises(ValueError, match="platform is not given"):
        scaler.transform(X)


def test_constant_genes_become_zero(two_platforms):
    X, platform = two_platforms
    X[:, 2] = 0.1
    for dtype in (np.float32, np.float64):
        scaled = PlatformScaler().fit_transform(X.astype(dtype), platform=platform)
        np.testing.assert_allclose(scaled[:, 2], 0, atol=1e-7)


@pytest.mark.parametrize(
    ("platform", "sentence"),
    [
        (["array"] * 3, r"platform has shape \(3,\), but X has 4 profiles"),
        (["array", "array", "array", "rnaseq"], "'rnaseq' has n_samples=1"),
        (["array", "array", None, None], r"missing \(None or NaN\) for 2 profiles.* row 2"),
        (["array", "array", "array", np.nan], "missing"),
    ],
)
def test_bad_platforms_are_explained(platform, sentence):
    X = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(ValueError, match=sentence):
        PlatformScaler().fit(X, platform=pd.Series(platform, dtype=object))


def test_the_input_is_left_alone(two_platforms):
    X, platform = two_platforms
    before = X.copy()
    PlatformScaler().fit_transform(X, platform=platform)
    np.testing.assert_array_equal(X, before)


def test_platforms_are_routed_through_cross_validation(two_platforms):
    X, platform = two_platforms
    truth = PlatformScaler().fit_transform(X, platform=platform) @ np.ones(6)
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = PlatformScaler().set_fit_request(platform=True)
        scaler.set_transform_request(platform=True)
        model = make_pipeline(scaler, Ridge())
        routed = cross_val_score(model, X, truth, params={"platform": platform})
    blind = cross_val_score(make_pipeline(PlatformScaler(), Ridge()), X, truth)
    assert routed.min() > 0.9 > blind.mean()
