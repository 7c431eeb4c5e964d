"""Landmarks are those from which the other genes are inferred best."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    parametrize_with_checks,
)

from skgex.datasets import make_expression
from skgex.preprocessing import LandmarkSelector

METHODS = pytest.mark.parametrize("method", ["greedy", "clusters"])
N_MODULES, MODULE_SIZE = 4, 8


@pytest.fixture
def profiles():
    """30 profiles of 20 correlated genes, no two of the same spread."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 6)) @ rng.normal(size=(6, 20)) + rng.normal(size=(30, 20))
    return X * rng.uniform(0.5, 3, size=20) + 8


def modules(n_profiles, n_noise=0, seed=0):
    """Modules of genes that follow one pattern each, and genes that follow none."""
    rng = np.random.default_rng(seed)
    patterns = np.repeat(rng.normal(size=(n_profiles, N_MODULES)), MODULE_SIZE, axis=1)
    X = np.hstack([patterns, np.zeros((n_profiles, n_noise))])
    X[:, : patterns.shape[1]] += 0.5 * rng.normal(size=patterns.shape)
    X[:, patterns.shape[1] :] += rng.normal(size=(n_profiles, n_noise))
    return X


def left_by(Z, chosen):
    """Sum of squares of each gene after least squares on the chosen ones."""
    coef = np.linalg.lstsq(Z[:, chosen], Z, rcond=None)[0]
    return np.square(Z - Z[:, chosen] @ coef).sum(axis=0)


@pytest.mark.parametrize("n_profiles", [12, 30], ids=["fewer than genes", "more than genes"])
@pytest.mark.parametrize("scale", [True, False])
def test_greedy_adds_the_gene_after_which_the_others_have_least_left(profiles, n_profiles, scale):
    X = profiles[:n_profiles]
    Z = (X - X.mean(axis=0)) / (X.std(axis=0) if scale else 1)
    chosen, explained = [], []
    for _ in range(6):
        before = left_by(Z, chosen)
        gains = before.sum() - before - [left_by(Z, [*chosen, j]).sum() for j in range(20)]
        gains[chosen] = -np.inf
        chosen.append(int(gains.argmax()))
        explained.append(1 - left_by(Z, chosen).sum() / np.square(Z).sum())
    selector = LandmarkSelector(6, noise=0, scale=scale).fit(X)
    np.testing.assert_array_equal(selector.landmarks_, chosen)
    np.testing.assert_allclose(selector.explained_variance_ratio_, explained)


def test_noise_is_that_of_measuring_a_landmark(profiles):
    C, noise = np.corrcoef(profiles, rowvar=False), 0.7
    chosen, scores, explained = [], [], []
    for _ in range(5):
        measured = C[np.ix_(chosen, chosen)] + noise * np.eye(len(chosen))
        left = C - C[:, chosen] @ np.linalg.solve(measured, C[chosen])
        explained.append(1 - np.trace(left) / 20)
        told = (np.square(left).sum(axis=0) - left.diagonal() ** 2) / (left.diagonal() + noise)
        told[chosen] = -np.inf
        chosen.append(int(told.argmax()))
        scores.append(told.max() / 20)
    selector = LandmarkSelector(5, noise=noise).fit(profiles)
    np.testing.assert_array_equal(selector.landmarks_, chosen)
    np.testing.assert_allclose(selector.scores_, scores)
    np.testing.assert_allclose(selector.explained_variance_ratio_[:-1], explained[1:])


def test_default_noise_grows_with_landmarks_and_falls_with_profiles(profiles):
    found = [LandmarkSelector(k).fit(profiles[:n]).noise_ for k, n in [(5, 30), (10, 30), (5, 15)]]
    np.testing.assert_allclose(np.divide(found, found[0]), [1, 2, 2])


@METHODS
@pytest.mark.parametrize("noise", [0, 1.0])
def test_the_same_covariances_give_the_same_landmarks_whatever_the_number_of_profiles(
    profiles, method, noise
):
    fewer = LandmarkSelector(8, method=method, noise=noise, random_state=0).fit(profiles[:15])
    twice = clone(fewer).fit(np.repeat(profiles[:15], 2, axis=0))
    np.testing.assert_array_equal(twice.landmarks_, fewer.landmarks_)
    np.testing.assert_allclose(twice.scores_, fewer.scores_)
    np.testing.assert_allclose(twice.explained_variance_ratio_, fewer.explained_variance_ratio_)


@METHODS
@pytest.mark.parametrize("n_profiles", [25, 100])
def test_every_module_gets_one_landmark(method, n_profiles):
    selector = LandmarkSelector(N_MODULES, method=method, random_state=0)
    landmarks = selector.fit(modules(n_profiles)).landmarks_
    assert sorted(landmarks // MODULE_SIZE) == [*range(N_MODULES)]


def test_genes_that_are_all_noise_are_not_chosen():
    X = modules(40, n_noise=30)
    landmarks = LandmarkSelector(3 * N_MODULES).fit(X).landmarks_
    assert (landmarks < N_MODULES * MODULE_SIZE).all()


@METHODS
def test_other_genes_are_inferred_better_than_from_random_panels(method):
    X = make_expression(200, 100, 200, n_modules=15, random_state=0)[0].X
    rng = np.random.default_rng(0)
    panels = [rng.choice(300, 15, replace=False) for _ in range(6)]
    selector = LandmarkSelector(15, method=method, random_state=0).fit(X[:150])
    panels.append(selector.landmarks_)
    judged = np.setdiff1d(np.arange(300), np.concatenate(panels))

    def error(panel):
        inferred = Ridge(10).fit(X[:150, panel], X[:150, judged]).predict(X[150:, panel])
        return np.abs(inferred - X[150:, judged]).mean()

    *random, own = map(error, panels)
    assert own < min(random)


@METHODS
def test_genes_count_the_same_in_whatever_unit(profiles, method):
    selector = LandmarkSelector(6, method=method, random_state=0)
    landmarks = selector.fit(profiles).landmarks_
    units = 10.0 ** np.arange(-3, 3).repeat(4)[:20]
    np.testing.assert_array_equal(clone(selector).fit(profiles * units).landmarks_, landmarks)


@METHODS
def test_without_scaling_genes_count_by_their_variance(method):
    X = modules(60)
    X[:, MODULE_SIZE : 2 * MODULE_SIZE] *= 10
    selector = LandmarkSelector(3, method=method, scale=False, random_state=0).fit(X)
    assert selector.landmarks_[0] // MODULE_SIZE == 1
    assert selector.explained_variance_ratio_[0] > 0.5


@METHODS
def test_constant_genes_are_never_chosen(profiles, method):
    X = np.hstack([np.full((30, 3), 7.1), profiles])
    selector = LandmarkSelector(20, method=method, noise=0.1, random_state=0).fit(X)
    np.testing.assert_array_equal(selector.get_support(indices=True), np.arange(3, 23))


@METHODS
def test_names_positions_and_masks_restrict_the_choice_alike(profiles, method):
    frame = pd.DataFrame(profiles, columns=[f"G{i}" for i in range(20)])
    allowed = [1, 4, 5, 9, 16]
    choices = [allowed, [f"G{i}" for i in allowed], np.isin(np.arange(20), allowed)]
    selector = LandmarkSelector(3, method=method, random_state=0)
    found = [clone(selector).set_params(candidates=c).fit(frame).landmarks_ for c in choices]
    assert set(found[0]) < set(allowed)
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


@METHODS
def test_a_module_out_of_reach_is_no_reason_to_choose_fewer(method):
    X = modules(60)
    reach = np.arange(MODULE_SIZE, X.shape[1])
    selector = LandmarkSelector(6, method=method, candidates=reach, random_state=0).fit(X)
    assert len(set(selector.landmarks_)) == 6
    assert selector.landmarks_.min() >= MODULE_SIZE


@METHODS
def test_included_genes_come_first_and_spare_their_modules_a_landmark(method):
    X = modules(100)
    constant = X.shape[1]
    X = np.hstack([X, np.ones((100, 1))])
    include = [constant, 3, MODULE_SIZE + 1]
    selector = LandmarkSelector(
        5, method=method, include=include, candidates=np.arange(16, 32), random_state=0
    ).fit(X)
    assert set(selector.landmarks_[:3]) == set(include)
    assert sorted(selector.landmarks_[3:] // MODULE_SIZE) == [2, 3]


def test_a_whole_panel_can_be_included_to_see_what_it_explains(profiles):
    panel = [2, 7, 11]
    selector = LandmarkSelector(3, include=panel, noise=0).fit(profiles)
    Z = (profiles - profiles.mean(axis=0)) / profiles.std(axis=0)
    explained = 1 - left_by(Z, panel).sum() / np.square(Z).sum()
    assert selector.explained_variance_ratio_[-1] == pytest.approx(explained)


@METHODS
def test_choice_is_reproducible_and_leaves_global_generators_alone(profiles, method):
    np.random.seed(0)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    selector = LandmarkSelector(6, method=method, random_state=3)
    landmarks = selector.fit(profiles).landmarks_
    np.testing.assert_array_equal(clone(selector).fit(profiles).landmarks_, landmarks)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_columns_keep_their_order_names_and_precision_in_a_pipeline(profiles):
    frame = pd.DataFrame(profiles, columns=[f"G{i}" for i in range(20)]).astype(np.float32)
    selector = LandmarkSelector(4).set_output(transform="pandas").fit(frame)
    order = np.sort(selector.landmarks_)
    pd.testing.assert_frame_equal(selector.transform(frame), frame.iloc[:, order])
    model = make_pipeline(LandmarkSelector(4), Ridge()).fit(frame, frame)
    assert model.predict(frame).shape == frame.shape


@pytest.mark.parametrize("n_profiles", [10, 40])
def test_nothing_left_to_explain_is_told(n_profiles):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_profiles, 3)) @ rng.normal(size=(3, 20))
    with pytest.warns(UserWarning, match="3 landmarks are chosen instead of n_landmarks=5"):
        selector = LandmarkSelector(5, noise=0).fit(X)
    assert selector.transform(X).shape == (n_profiles, 3)
    assert selector.explained_variance_ratio_[-1] == pytest.approx(1)


def test_fewer_patterns_than_clusters_are_told(profiles):
    with pytest.warns(UserWarning, match="4 landmarks are chosen instead of n_landmarks=6"):
        selector = LandmarkSelector(6, method="clusters", random_state=0).fit(
            np.repeat(profiles[:, :4], 3, axis=1)
        )
    assert sorted(selector.landmarks_ // 3) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (dict(n_landmarks=20), "n_landmarks=20 leaves none of n_features=20 genes to infer"),
        (dict(candidates=[0, 1, 2]), "no more than 3 genes may be chosen: 0 of include and 3"),
        (dict(candidates=[0, 1, 2], include=[0, 5]), "no more than 4 .*: 2 of include and 2"),
        (dict(candidates=[0, 1, 2, 3, 18, 19]), "2 candidates are constant"),
        (dict(include=range(6)), "include names 6 genes, but n_landmarks=5 counts them too"),
        (dict(include=["TP53"]), "include is not a choice of genes of X: 1 of the 1 .* 'TP53'"),
        (dict(include=[1, 1]), "include is not .* 1 genes more than once: '1'"),
        (dict(candidates=[20]), "candidates is not .* 1 positions outside X"),
        (dict(candidates=[]), "candidates is not .* at least one gene"),
        (dict(noise=-1), "'noise' parameter .* must be a float in the range"),
        (dict(method="best"), "'method' parameter .* must be a str among"),
    ],
)
def test_bad_choices_are_explained(profiles, params, sentence):
    profiles[:, 18:] = 3.0
    frame = pd.DataFrame(profiles, columns=[f"G{i}" for i in range(20)])
    with pytest.raises(ValueError, match=sentence):
        LandmarkSelector(**{"n_landmarks": 5} | params).fit(frame)


def test_bad_profiles_are_refused(profiles):
    with pytest.raises(ValueError, match="Every gene of X is constant"):
        LandmarkSelector(2).fit(np.ones((5, 4)))
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        LandmarkSelector(2).fit(profiles[:1])
    profiles[3, 4] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        LandmarkSelector(2).fit(profiles)


# scikit-learn's checks pass two genes.
SELECTORS = [
    LandmarkSelector(1),
    LandmarkSelector(1, noise=0, scale=False),
    LandmarkSelector(1, method="clusters", random_state=0),
]


@parametrize_with_checks(SELECTORS)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("selector", SELECTORS, ids=repr)
@pytest.mark.parametrize(
    "check",
    [
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
        check_set_output_transform,
        check_set_output_transform_pandas,
        check_dataframe_column_names_consistency,
    ],
)
def test_names_and_data_frames(selector, check):
    check(type(selector).__name__, clone(selector))
