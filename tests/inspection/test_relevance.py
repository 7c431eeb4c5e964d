"""Relevance of landmarks to fitted estimators: scores, groups, names, bad input."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skgex import (
    DeepAMTLRegressor,
    DeepGOMTLRegressor,
    DeepLSMTLRegressor,
    DenseNetRegressor,
    DGEXRegressor,
    GGANRegressor,
    KNNRegressor,
    LandmarkPanel,
    LassoRegressor,
    LeastSquaresRegressor,
    RidgeRegressor,
    RidgeRegressorCV,
    SemiGANRegressor,
    WienerRegressor,
)
from skgex.inspection import landmark_relevance

N_LANDMARKS, N_TARGETS = 6, 8
LANDMARKS = [f"LM{j}" for j in range(N_LANDMARKS)]
TARGETS = [f"GENE{j}" for j in range(N_TARGETS)]
TINY = dict(hidden_units=7, max_epochs=1, random_state=0)


def profiles(n=80, seed=0):
    """Landmarks of many units; the first decides targets 0 to 4, the second bends the others."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, N_LANDMARKS))
    Y = np.where(np.arange(N_TARGETS) < 5, Z[:, :1], np.abs(Z[:, 1:2]))
    Y = Y + 0.1 * rng.normal(size=Y.shape)
    X = 5 + Z * np.geomspace(0.1, 10, N_LANDMARKS)
    return X.astype(np.float32), Y.astype(np.float32)


def tables(n=80):
    X, Y = profiles(n)
    return pd.DataFrame(X, columns=LANDMARKS), pd.DataFrame(Y, columns=TARGETS)


def gradient_times_input(net, X, outputs):
    X = X.clone().requires_grad_()
    return X.detach() * torch.autograd.grad(net(X)[:, outputs].sum(), X)[0]


# -- estimators ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "estimator",
    [
        DGEXRegressor(**TINY, activation="relu", optimizer="adam"),
        DGEXRegressor(**TINY, activation="leaky_relu", gene_scaling=None),
        DenseNetRegressor(**TINY, activation="leaky_relu"),
        DenseNetRegressor(**TINY, activation="relu", net="mlp", gene_scaling="rank-gaussian"),
        GGANRegressor(**TINY, activation="leaky_relu", normalization="weight"),
        SemiGANRegressor(**TINY, activation="leaky_relu", gan_units=5, critic_units=5),
        DeepLSMTLRegressor(**TINY, activation="leaky_relu", subnetwork_units=5),
        DeepGOMTLRegressor(**TINY, activation="leaky_relu"),
        DeepAMTLRegressor(**TINY, activation="leaky_relu"),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_nets_are_means_over_profiles_and_targets(estimator, dtype):
    X, Y = (values.astype(dtype) for values in profiles())
    model = estimator.fit(X, Y)
    Z = torch.from_numpy(model.x_scaler_.transform(X)).float()
    deviation = Z - (Z.mean(dim=0) if model.gene_scaling is None else 0)
    groups, rows = {"a": [1, 6, 2], "b": [0]}, {"first": [*range(30)], "last": [78, 79]}
    parameters = [p.clone() for p in model.module_.parameters()]
    for aggregate in ("signed", "absolute"):
        found = landmark_relevance(model, X, targets=groups, profiles=rows, aggregate=aggregate)
        R = [gradient_times_input(model.module_, Z, own) for own in groups.values()]
        R = torch.stack(R) / Z * deviation
        R = R.abs() if aggregate == "absolute" else R
        of_targets = torch.stack(
            [r.mean(dim=0) / len(own) for r, own in zip(R, groups.values(), strict=True)]
        )
        of_profiles = torch.stack([R.sum(dim=0)[own].mean(dim=0) / 4 for own in rows.values()])
        close = dict(rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(found.target_scores, of_targets.T, **close)
        np.testing.assert_allclose(found.profile_scores, of_profiles.T, **close)
    for before, after in zip(parameters, model.module_.parameters(), strict=True):
        assert torch.equal(before, after)
        assert not after.requires_grad
    assert not model.module_.training


@pytest.mark.parametrize(
    "estimator",
    [
        LeastSquaresRegressor(),
        RidgeRegressor(gene_scaling="rank-gaussian"),
        RidgeRegressor(gene_scaling=None),
        RidgeRegressorCV(),
        LassoRegressor(),
        WienerRegressor(),
    ],
    ids=str,
)
def test_for_linear_regressors_it_is_weight_times_deviation_from_the_mean(estimator):
    X, Y = profiles()
    model = estimator.fit(X, Y)
    Z = model.x_scaler_.transform(X)
    if model.gene_scaling is None:
        Z = Z - Z.mean(axis=0)
    rows = {f"{n}": [n] for n in range(len(X))}
    for target in (0, 7):
        found = landmark_relevance(
            model, X, targets={"one": [target]}, profiles=rows, aggregate="signed"
        )
        expected = model.coef_[target] * Z
        np.testing.assert_allclose(found.profile_scores.T, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            found.target_scores[:, 0], expected.mean(axis=0), rtol=1e-3, atol=1e-5
        )


def test_one_target():
    X, Y = profiles()
    for model in (RidgeRegressor(), DGEXRegressor(**TINY)):
        found = landmark_relevance(model.fit(X, Y[:, 0]), X, profiles=None)
        assert found.target_scores.shape == (N_LANDMARKS, 1)


def test_landmarks_that_decide_a_target_come_first():
    X, Y = profiles(400)
    model = DenseNetRegressor(30, max_epochs=30, random_state=0).fit(X, Y)
    groups = {"first": range(5), "second": range(5, 8)}
    found = landmark_relevance(model, X, targets=groups, landmark_names=LANDMARKS)
    assert found.target_scores.argmax(axis=0).tolist() == [0, 1]


def test_pipelines_and_searches_are_stepped_through():
    X, Y = tables()
    whole = pd.concat([Y, X], axis=1)
    panel = LANDMARKS[1:4]
    pipeline = make_pipeline("passthrough", LandmarkPanel(panel), RidgeRegressor())
    search = GridSearchCV(pipeline, {"ridgeregressor__alpha": [1.0]}, cv=2).fit(whole, Y)
    found = landmark_relevance(search, whole, profiles=None, random_state=0)
    assert found.landmarks.tolist() == panel
    direct = RidgeRegressor(1.0).fit(X[panel], Y)
    expected = landmark_relevance(direct, X[panel], profiles=None, random_state=0)
    assert expected.landmarks.tolist() == panel
    np.testing.assert_allclose(found.target_scores, expected.target_scores, rtol=1e-4)


@pytest.mark.parametrize("estimator", [RidgeRegressor(), DenseNetRegressor(**TINY)], ids=str)
def test_profiles_are_passed_in_chunks(estimator, monkeypatch):
    X, Y = profiles(200)
    model = estimator.fit(X, Y)
    whole = landmark_relevance(model, X, random_state=0)
    monkeypatch.setattr("skgex._nets._relevance._CHUNK_BYTES", 1)
    parts = landmark_relevance(model, X, random_state=0)
    np.testing.assert_allclose(parts.target_scores, whole.target_scores, rtol=1e-5)
    np.testing.assert_allclose(parts.profile_scores, whole.profile_scores, rtol=1e-5)


# -- groups ----------------------------------------------------------------------------------
def test_groups_are_named_numbered_or_labelled():
    X, Y = tables()
    model = RidgeRegressor().fit(X, Y)
    X.index = [f"P{n}" for n in X.index]
    labels, tissues = np.array(list("ababaaab")), np.repeat(["liver", "brain"], [50, 30])
    by_position = {"a": np.flatnonzero(labels == "a"), "b": np.flatnonzero(labels == "b")}
    by_name = {group: [TARGETS[j] for j in own] for group, own in by_position.items()}
    rows = {"brain": range(50, 80), "liver": range(50)}
    names = {tissue: X.index[list(own)] for tissue, own in rows.items()}
    expected = landmark_relevance(model, X, targets=by_position, profiles=rows)
    for targets, own in (
        (by_name, names),
        (labels, tissues),
        (pd.Series(labels, TARGETS), pd.Series(tissues, X.index)),
    ):
        found = landmark_relevance(model, X, targets=targets, profiles=own)
        np.testing.assert_array_equal(found.target_scores, expected.target_scores)
        np.testing.assert_array_equal(found.profile_scores, expected.profile_scores)
        assert {g: own.tolist() for g, own in found.target_groups.items()} == by_name
        assert found.profile_groups["liver"].tolist() == [*range(50)]


def test_numbers_sort_as_numbers():
    X, Y = profiles()
    labels = [10, 2, 2, 10, 2, 1, 1, 1]
    found = landmark_relevance(RidgeRegressor().fit(X, Y), X, targets=labels)
    assert [*found.target_groups] == ["1", "2", "10"]


def test_clusters_hold_targets_that_rise_together_and_similar_profiles():
    X, Y = profiles(100)
    X[:40] += 30 * X.std(axis=0)
    Y[:, ::2] *= 100  # however much they rise
    model = RidgeRegressor(gene_scaling=None).fit(X, Y)
    X, Y = profiles(60, seed=1)
    X[:20] += 30 * X.std(axis=0)
    found = landmark_relevance(model, X, targets=2, profiles=2, random_state=0)
    assert [*found.target_groups] == [*found.profile_groups] == ["1", "2"]
    assert found.profile_groups["1"].tolist() == [*range(20, 60)]
    assert found.profile_groups["2"].tolist() == [*range(20)]
    again = landmark_relevance(model, X, targets=2, profiles=2, random_state=0)
    np.testing.assert_array_equal(found.target_scores, again.target_scores)


def test_targets_are_clustered_by_what_is_inferred_whatever_its_size():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4))
    Y = X[:, [0, 0, 0, 1, 1]] * [1, 100, 0.01, 1, 100] + 7
    model = LeastSquaresRegressor(gene_scaling=None).fit(X, Y)
    found = landmark_relevance(model, X, targets=2, target_names=TARGETS[:5], random_state=0)
    groups = [own.tolist() for own in found.target_groups.values()]
    assert groups == [TARGETS[:3], TARGETS[3:5]]


def test_as_many_clusters_as_there_is_something_to_cluster():
    X, Y = profiles(5)
    found = landmark_relevance(LeastSquaresRegressor().fit(X, Y), X, targets=100, random_state=0)
    assert len(found.profile_groups) == 5
    assert 2 <= len(found.target_groups) <= N_TARGETS
    one = landmark_relevance(LeastSquaresRegressor().fit(X, Y), X[:1], random_state=0)
    assert one.profile_groups["1"].tolist() == [0]


def test_none_makes_one_group_of_all():
    X, Y = profiles()
    model = RidgeRegressor().fit(X, Y)
    found = landmark_relevance(model, X, targets=None, profiles=None)
    assert [*found.target_groups] == [*found.profile_groups] == ["all"]
    np.testing.assert_allclose(found.target_scores, found.profile_scores)


def test_signed_scores_of_profiles_do_not_depend_on_how_targets_are_grouped():
    X, Y = profiles()
    model = DenseNetRegressor(**TINY).fit(X, Y)
    of_all, of_groups = (
        landmark_relevance(model, X, targets=t, profiles=3, aggregate="signed", random_state=0)
        for t in (None, 4)
    )
    np.testing.assert_allclose(of_groups.profile_scores, of_all.profile_scores, atol=1e-6)


def test_what_raises_one_group_and_lowers_another_counts_in_absolute_scores_of_profiles():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    Y = X[:, [0, 0, 1]] * [1, -1, 0.1]
    model = LeastSquaresRegressor(gene_scaling=None).fit(X, Y)
    scores = landmark_relevance(
        model, X, targets=["up", "down", "x"], profiles=None
    ).profile_scores
    assert scores[0] > 10 * scores[1]
    scores = landmark_relevance(model, X, targets=None, profiles=None).profile_scores
    assert scores[0] < scores[1]


# -- what is returned ------------------------------------------------------------------------
def test_the_table_lists_the_first_landmarks_of_each_group():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 30))
    model = RidgeRegressor().fit(X, X @ rng.normal(size=(30, 10)))
    found = landmark_relevance(model, X, targets=2, profiles=3, aggregate="signed", random_state=0)
    table = {
        name: np.asarray(found.table[name])
        for name in ("of", "group", "rank", "landmark", "score")
    }
    assert len(table["rank"]) == (2 + 3) * 20
    for of, scores, groups in (
        ("targets", found.target_scores, found.target_groups),
        ("profiles", found.profile_scores, found.profile_groups),
    ):
        for group, own in zip(groups, scores.T, strict=True):
            rows = (table["of"] == of) & (table["group"] == group)
            order = np.argsort(-np.abs(own))[:20]
            assert table["landmark"][rows].tolist() == [f"x{j}" for j in order]
            assert table["rank"][rows].tolist() == [*range(1, 21)]
            np.testing.assert_array_equal(table["score"][rows], own[order])


def test_it_says_what_it_found():
    X, Y = tables()
    model = RidgeRegressor().fit(X, Y)
    found = landmark_relevance(model, X, targets={"first": TARGETS[:5]}, profiles=4)
    lines = str(found).split("\n")
    assert lines[0] == "absolute relevance of 6 landmarks"
    assert lines[1].startswith("1 groups of 5 targets: most relevant over all of them are LM0, ")
    assert lines[2].startswith("4 groups of 80 profiles: most relevant over all of them are LM0, ")


def test_names_can_be_given():
    X, Y = profiles()
    model = RidgeRegressor().fit(X, Y)
    found = landmark_relevance(model, X, targets=None)
    assert found.landmarks[:2].tolist() == ["x0", "x1"]
    assert found.target_groups["all"][:2].tolist() == ["y0", "y1"]
    names = dict(landmark_names=LANDMARKS, target_names=TARGETS)
    found = landmark_relevance(model, X, targets={"one": ["GENE3"]}, **names)
    assert found.landmarks.tolist() == LANDMARKS
    assert found.target_groups["one"].tolist() == ["GENE3"]


def test_global_generators_stay_untouched():
    X, Y = profiles()
    model = DenseNetRegressor(**TINY).fit(X, Y)
    states = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    landmark_relevance(model, X, random_state=0)
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


# -- bad input -------------------------------------------------------------------------------
def test_estimators_of_other_kinds_are_refused():
    X, Y = profiles()
    with pytest.raises(
        ValueError, match="KNNRegressor has none that are known: pass a net or a li"
    ):
        landmark_relevance(KNNRegressor().fit(X, Y), X)
    with pytest.raises(ValueError, match="LinearRegression has none that are known"):
        landmark_relevance(LinearRegression().fit(X, Y), X)
    for unfitted in (RidgeRegressor(), make_pipeline(DGEXRegressor())):
        with pytest.raises(NotFittedError):
            landmark_relevance(unfitted, X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (dict(targets={}), "targets is an empty dictionary"),
        (dict(targets={"a": []}), r"targets\['a'\] must be a list of names or integer positions"),
        (dict(targets={"a": [True] * 8}), r"targets\['a'\] must be a list .* dtype bool"),
        (
            dict(targets={"a": [0, 8]}),
            r"targets\['a'\] has 1 positions outside the 8 targets.*'8'",
        ),
        (dict(targets={"a": [-1]}), "has 1 positions outside the 8 targets"),
        (dict(targets={"a": [3, 3]}), r"targets\['a'\] has 1 targets more than once: '3'"),
        (dict(targets={"a": ["TP53"]}), "names that are not those of exactly one target: 'TP53'"),
        (dict(targets=["a"] * 7), r"targets has shape \(7,\), but there are 8 targets"),
        (dict(targets=["a"] * 7 + [None]), "targets has missing labels"),
        (dict(targets=[np.nan, *range(7)]), "targets has missing labels"),
        (dict(profiles=["a"] * 7), "profiles has 7 states, but X has 80 profiles"),
        (dict(profiles={"a": [80]}), "has 1 positions outside the 80 profiles"),
        (dict(targets=0), "'targets' parameter of landmark_relevance must be"),
        (dict(rule="alpha"), "'rule' parameter of landmark_relevance must be"),
        (dict(aggregate="mean"), "'aggregate' parameter of landmark_relevance must be"),
        (dict(epsilon=-1), "'epsilon' parameter of landmark_relevance must be"),
        (dict(landmark_names=LANDMARKS[1:]), r"landmark_names has shape \(5,\).* 6 landmarks"),
        (dict(target_names=TARGETS[1:]), r"target_names has shape \(7,\).* 8 targets"),
    ],
)
def test_bad_arguments(params, message):
    X, Y = profiles()
    with pytest.raises(ValueError, match=message):
        landmark_relevance(RidgeRegressor().fit(X, Y), X, **params)


def test_labels_in_another_order_are_refused():
    X, Y = tables()
    model = RidgeRegressor().fit(X, Y)
    labels = pd.Series(list("ababaaab"), TARGETS)
    with pytest.raises(ValueError, match="targets has other names in its index"):
        landmark_relevance(model, X, targets=labels[::-1])
    with pytest.raises(ValueError, match="profiles has the same names in another order"):
        landmark_relevance(model, X, profiles=pd.Series(["a", "b"] * 40, X.index)[::-1])


def test_bad_profiles():
    X, Y = tables()
    model = RidgeRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="feature names"):
        landmark_relevance(model, X[LANDMARKS[::-1]])
    with pytest.raises(ValueError, match="NaN"):
        landmark_relevance(model, X.mask(X < 5))
