"""The simulator: its truth explains its data, and its knobs do what they say."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.metrics import r2_score

from skgex.datasets import make_expression


def split(data):
    is_landmark = data.gene_table["is_landmark"]
    return data.X[:, is_landmark], data.X[:, ~is_landmark]


def ridge_r2(data):
    X, Y = split(data)
    half = len(X) // 2
    model = RidgeCV(np.logspace(-1, 4, 6)).fit(X[:half], Y[:half])
    return r2_score(Y[half:], model.predict(X[half:]), multioutput="raw_values")


def test_layout():
    data, truth = make_expression(40, 6, 9, n_modules=5, n_states=3, random_state=0)
    assert data.X.shape == (40, 15) and data.X.dtype == np.float32
    assert data.genes[[0, 5, 6, 14]].tolist() == ["LM0001", "LM0006", "TG0001", "TG0009"]
    assert data.gene_table["is_landmark"].sum() == 6
    assert set(data.sample_table["state"]) == {"state1", "state2", "state3"}
    assert set(data.sample_table["platform"]) == {"platform1"}
    assert data.sample_table["is_labelled"].all()
    assert truth.loadings.shape == (5, 15) and (truth.loadings >= 0).all()
    assert truth.activities.shape == (40, 5) and (truth.activities > 0).all()
    assert truth.profile.shape == (40, 15)
    assert truth.explainable.shape == (9,)


def test_same_seed_same_data():
    one, two, other = (make_expression(20, 5, 5, random_state=s)[0].X for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    rng = np.random.RandomState(1)  # a generator may be given, and goes on
    np.testing.assert_array_equal(make_expression(20, 5, 5, random_state=rng)[0].X, one)
    assert not np.array_equal(make_expression(20, 5, 5, random_state=rng)[0].X, one)


def test_levels_are_those_of_log2_expression():
    data, _ = make_expression(random_state=0)
    low, high = np.percentile(data.X, [1, 99])
    assert 4 < low < high < 15


def test_without_noise_the_data_are_the_true_profile():
    data, truth = make_expression(30, 5, 8, noise=0.0, random_state=0)
    np.testing.assert_allclose(data.X, truth.profile, rtol=1e-6)
    np.testing.assert_allclose(truth.explainable, 1)


@pytest.mark.parametrize("heavy_tails", [0.0, 0.4])
def test_noise_has_the_stated_scale_and_explains_what_is_explainable(heavy_tails):
    data, truth = make_expression(4000, 10, 60, heavy_tails=heavy_tails, random_state=0)
    error = data.X - truth.profile
    np.testing.assert_allclose(error.std(axis=0) / truth.noise_scale, 1, atol=0.2)
    kurtosis = ((error / error.std(axis=0)) ** 4).mean()
    assert kurtosis > 4 if heavy_tails else abs(kurtosis - 3) < 0.1
    _, Y = split(data)
    oracle = r2_score(Y, truth.profile[:, 10:], multioutput="raw_values")
    np.testing.assert_allclose(oracle, truth.explainable, atol=0.12)


def test_genes_differ_in_how_well_they_are_inferred_and_none_beats_the_oracle():
    data, truth = make_expression(n_targets=200, random_state=0)
    r2 = ridge_r2(data)
    low, high = np.percentile(r2, [10, 90])
    assert low < 0.4 and high > 0.75
    assert (r2 <= truth.explainable + 0.05).all()


def test_nonlinearity_is_what_a_linear_model_of_the_log_activities_misses():
    r2 = []
    for nonlinearity in (0.0, 0.5, 1.0):
        _, truth = make_expression(
            n_targets=100, nonlinearity=nonlinearity, noise=0.0, random_state=0
        )
        A = np.log(truth.activities)
        model = LinearRegression().fit(A, truth.profile[:, 100:])
        r2.append(r2_score(truth.profile[:, 100:], model.predict(A)))
        assert np.all(truth.nonlinear_share >= 0) and np.all(truth.nonlinear_share <= 1)
    assert r2[0] > 0.9
    assert r2[0] > r2[1] + 0.1 and r2[1] > r2[2] + 0.05


def test_states_move_the_profiles():
    data, _ = make_expression(500, n_states=3, noise=0.1, random_state=0)
    states = np.unique(data.sample_table["state"])
    means = np.array([data.X[data.sample_table["state"] == s].mean(axis=0) for s in states])
    moved = np.abs(means[0] - means[1])
    assert moved.max() > 0.5
    one, _ = make_expression(500, n_states=1, noise=0.1, random_state=0)
    assert set(one.sample_table["state"]) == {"state1"}


def test_platforms_shift_and_scale_genes_as_the_truth_says():
    data, truth = make_expression(
        200, 10, 20, n_platforms=2, platform_shift=1.0, noise=0.0, random_state=0
    )
    second = data.sample_table["platform"] == "platform2"
    assert 0 < second.sum() < 200
    np.testing.assert_allclose(data.X[~second], truth.profile[~second], rtol=1e-5)
    expected = (
        truth.baseline
        + truth.platform_scale[1] * (truth.profile[second] - truth.baseline)
        + truth.platform_shift[1]
    )
    np.testing.assert_allclose(data.X[second], expected, rtol=1e-5)
    assert 0.5 < truth.platform_shift[1].std() < 1.5


def test_unlabelled_profiles_have_landmarks_only():
    data, truth = make_expression(100, 10, 20, labelled=0.3, random_state=0)
    X, Y = split(data)
    assert data.sample_table["is_labelled"].sum() == 30
    np.testing.assert_array_equal(np.isnan(Y).all(axis=1), ~data.sample_table["is_labelled"])
    assert np.isfinite(X).all() and np.isfinite(truth.profile).all()
    assert not np.isnan(Y[data.sample_table["is_labelled"]]).any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_samples": 0},
        {"nonlinearity": 1.5},
        {"heavy_tails": 1.0},
        {"labelled": 0},
        {"noise": -1},
    ],
)
def test_impossible_parameters(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make_expression(**wrong)


def test_smallest_sizes():
    data, truth = make_expression(1, 1, 0, n_modules=1, n_states=1, random_state=0)
    assert data.X.shape == (1, 1) and np.isfinite(data.X).all()
    assert truth.explainable.shape == (0,)
