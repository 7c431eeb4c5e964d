"""The panel selects what it was told to, or says why it cannot."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skgex.preprocessing import LandmarkPanel


@pytest.fixture
def profiles():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(20, 5)), columns=["A", "B", "C", "D", "E"])


@pytest.mark.parametrize(
    "genes",
    [
        ["D", "B"],
        np.array(["B", "D"], dtype=object),
        pd.Index(["B", "D"]),
        [3, 1],
        [False, True, False, True, False],
    ],
    ids=["names", "objects", "index", "positions", "mask"],
)
def test_columns_are_selected_in_their_own_order(profiles, genes):
    panel = LandmarkPanel(genes).set_output(transform="pandas").fit(profiles)
    pd.testing.assert_frame_equal(panel.transform(profiles), profiles[["B", "D"]])
    np.testing.assert_array_equal(panel.get_support(indices=True), [1, 3])
    assert list(panel.get_feature_names_out()) == ["B", "D"]


def test_pipeline_infers_full_profiles_from_the_panel(profiles):
    model = make_pipeline(LandmarkPanel(["A", "C"]), Ridge()).fit(profiles, profiles)
    inferred = model.predict(profiles)
    assert inferred.shape == profiles.shape
    np.testing.assert_allclose(
        inferred, Ridge().fit(profiles[["A", "C"]], profiles).predict(profiles[["A", "C"]])
    )


def test_float32_and_nan_pass_through(profiles):
    X = profiles.to_numpy(dtype=np.float32)
    X[2, 1] = np.nan
    measured = LandmarkPanel([0, 1]).fit_transform(X)
    assert measured.dtype == np.float32
    np.testing.assert_array_equal(measured, X[:, :2])


@pytest.mark.parametrize(
    ("genes", "sentence"),
    [
        (["A", "TP53", "MYC", "EGFR", "KRAS"], r"4 of the 5 .* 'TP53', 'MYC', 'EGFR' and 1 more"),
        (["A", "B", "A"], "1 genes more than once: 'A'"),
        ([0, 2, 2], "1 genes more than once: '2'"),
        ([0, 5, -1], "2 positions outside X, whose 5 columns are counted from 0: '5', '-1'"),
        ([True, False], "mask of 2 entries, 1 of them true"),
        ([False] * 5, "mask of 5 entries, 0 of them true"),
        ([0.0, 1.0], "found dtype float64"),
        ([], "at least one gene"),
    ],
)
def test_bad_panels_are_explained(profiles, genes, sentence):
    with pytest.raises(ValueError, match=sentence):
        LandmarkPanel(genes).fit(profiles)


def test_names_need_named_columns(profiles):
    with pytest.raises(ValueError, match="no column names"):
        LandmarkPanel(["A"]).fit(profiles.to_numpy())


def test_duplicated_columns_are_refused(profiles):
    doubled = profiles.rename(columns={"E": "A"})
    with pytest.raises(ValueError, match="unique column names"):
        LandmarkPanel(["A", "B"]).fit(doubled)


def test_text_and_inf_are_refused(profiles):
    profiles.iloc[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        LandmarkPanel(["A"]).fit(profiles)
    with pytest.raises(ValueError, match="could not convert"):
        LandmarkPanel([0]).fit(pd.DataFrame({"A": ["high", "low"]}))
