"""GaussianTransport: where it brings profiles, whose state it asks for, and copies."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex import GaussianTransport

from .states import CODES, COPIES, GENES, OTHERS, TABLE, X, classifier, transport, y

EXACT = dict(rank=8, shrinkage=0.0, prior=0.0)
# A state that varies so much that nothing of the others is clipped at the ends of the range.
WIDE = 8 + 50 * np.random.default_rng(1).uniform(-1, 1, size=(20, 8))
X_WIDE, Y_WIDE = np.vstack([X, WIDE]), np.append(y, ["wide"] * 20)


# -- the map ---------------------------------------------------------------------------------
@pytest.mark.parametrize("source", ["brain", "liver", "wide"])
def test_profiles_of_a_state_get_mean_and_covariance_of_the_target(source):
    map_ = transport(max_scale=100.0, **EXACT).fit(X_WIDE, Y_WIDE)
    moved = map_.transform(X_WIDE[source == Y_WIDE], [source] * 20)
    lung = X[y == "lung"]
    np.testing.assert_allclose(moved.mean(axis=0), lung.mean(axis=0))
    np.testing.assert_allclose(np.cov(moved.T), np.cov(lung.T), rtol=1e-6, atol=1e-8)


def test_the_matrix_of_a_state_turns_its_covariance_into_that_of_the_target():
    map_ = transport(**EXACT).fit(X, y)
    Z = map_.x_scaler_.transform(X)
    C_t = np.cov(Z[y == "lung"].T)
    for state, B, inner in zip(map_.classes_, map_.bases_, map_.inner_, strict=True):
        A = B @ inner @ B.T
        np.testing.assert_allclose(A, A.T, atol=1e-9)
        np.testing.assert_allclose(A @ np.cov(Z[y == state].T) @ A, C_t, atol=1e-9)
        assert np.linalg.eigvalsh(A).min() > 0


@pytest.mark.parametrize("params", [{}, dict(rank=2), dict(marginals=True)], ids=str)
def test_profiles_of_the_target_state_stay_as_they_are(params):
    lung = X[y == "lung"]
    map_ = transport(**params).fit(X, y)
    np.testing.assert_allclose(map_.transform(lung, ["lung"] * 20), lung)
    np.testing.assert_allclose(map_.perturb(lung, ["lung"] * 20), 0, atol=1e-12)


def test_mean_goes_to_mean():
    map_ = transport(rank=3).fit(X, y)
    means = [X[y == state].mean(axis=0) for state in ("brain", "liver")]
    expected = [X[y == "lung"].mean(axis=0)] * 2
    np.testing.assert_allclose(map_.transform(means, ["brain", "liver"]), expected)
    np.testing.assert_allclose(map_.target_mean_, expected[0])


def test_silent_genes_stay_finite():
    A = X.copy()
    A[y == "brain", 0] = A[y == "lung", 1] = A[:, 2] = 3.0
    for params in ({}, dict(rank=2), dict(marginals=True)):
        map_ = transport(**params).fit(A, y)
        moved = map_.transform(A, y)
        assert np.isfinite(moved).all()
        np.testing.assert_allclose(moved[:, 2], 3.0)
        assert np.isfinite(map_.transform(X + 1, y)).all()


@pytest.mark.parametrize("rank", [1, 5, 50])
def test_fewer_profiles_than_genes(rank):
    rng = np.random.default_rng(3)
    A = rng.normal(size=(12, 100)) + np.repeat([0, 2], 6)[:, None]
    states = np.repeat(["a", "b"], 6)
    map_ = GaussianTransport(rank=rank).fit(A, states)
    moved = map_.transform(A[:6], states[:6])
    np.testing.assert_allclose(moved.mean(axis=0), A[6:].mean(axis=0), atol=0.5)
    assert 0.5 < moved.var(axis=0).sum() / A[6:].var(axis=0).sum() < 2
    assert all(basis.shape == (100, min(rank, basis.shape[1])) for basis in map_.bases_)


def test_the_prior_keeps_profiles_of_a_rare_state_from_being_blown_up():
    rng = np.random.default_rng(0)
    mixing = 0.5 * np.eye(20) + 0.3 * rng.normal(size=(2, 20, 20))
    common, rare, new = (
        rng.normal(size=(n, 20)) @ mixing[state] + 3 * state
        for n, state in ((60, 0), (3, 1), (200, 1))
    )
    states = np.repeat(["common", "rare"], [60, 3])

    def at_the_end_of_the_range(**params):
        map_ = GaussianTransport("common", original_units=False, **params)
        moved = map_.fit(np.vstack([common, rare]), states).transform(new, ["rare"] * 200)
        return np.isin(moved, [0, 1]).mean()

    shares = [at_the_end_of_the_range(prior=prior) for prior in (10.0, 0.0)]
    assert shares[0] < 0.05 < 0.2 < shares[1]


def test_the_unit_of_a_gene_does_not_matter():
    unit = 2.0 ** np.linspace(-100, 100, 8).round()
    params = dict(marginals=True)
    one, other = (transport(**params).fit(A, y).transform(A, y) for A in (X, X * unit))
    np.testing.assert_allclose(other, one * unit)


def test_profiles_stay_within_the_training_range():
    far = np.vstack([X + 100, X - 100])
    moved = transport().fit(X, y).transform(far, np.tile(y, 2))
    assert (moved <= X.max(axis=0) + 1e-9).all() and (moved >= X.min(axis=0) - 1e-9).all()


# -- marginals -------------------------------------------------------------------------------
def test_marginals_are_those_of_the_target_state():
    heavy = np.where(np.random.default_rng(4).random((300, 8)) < 0.3, 0.0, 1.0)
    heavy = heavy * np.random.default_rng(5).exponential(size=(300, 8))
    states = np.repeat(["normal", "heavy"], 300)
    A = np.vstack([np.random.default_rng(6).normal(1, 0.3, size=(300, 8)), heavy])
    shares = np.linspace(0.05, 0.95, 19)
    wanted = np.quantile(heavy, shares, axis=0)

    def error(**params):
        map_ = GaussianTransport("heavy", **params).fit(A, states)
        moved = map_.transform(A[:300], states[:300])
        return np.abs(np.quantile(moved, shares, axis=0) - wanted).max()

    assert error(marginals=True, prior=0.0) < 0.1 < 0.4 < error(prior=0.0)


def test_the_more_target_profiles_the_more_their_distribution_counts():
    plain = transport(prior=20.0).fit(X, y)
    both = transport(prior=20.0, marginals=True).fit(X, y)
    Z = plain.x_scaler_.transform(X[OTHERS])
    without, with_ = (map_._move(Z, y[OTHERS]) for map_ in (plain, both))
    matched = [
        np.interp(without[:, j], both.moved_quantiles_[:, j], both.target_quantiles_[:, j])
        for j in range(8)
    ]
    np.testing.assert_allclose(with_, (without + np.transpose(matched)) / 2, rtol=1e-6)


# -- states ----------------------------------------------------------------------------------
def test_without_states_the_classifier_tells_them():
    map_ = transport(marginals=True).fit(X, y)
    new = X + np.random.default_rng(2).normal(size=X.shape)
    told = map_.classifier_.predict(new)
    np.testing.assert_array_equal(map_.transform(new), map_.transform(new, told))
    np.testing.assert_array_equal(map_.perturb(new), map_.perturb(new, told))
    assert not np.allclose(map_.transform(new), map_.transform(new, np.roll(told, 1)))


def test_known_states_may_be_a_column_of_a_table():
    named = TABLE.set_axis([f"sample{i}" for i in range(60)])
    map_ = transport().fit(named, pd.Series(y, named.index))
    expected = transport().fit(X, y).transform(X, y)
    np.testing.assert_array_equal(map_.transform(named, pd.Series(y, named.index)), expected)


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (np.array([2, 0, 1]), 1),
        (np.array([2, 0, 1]), np.int64(1)),
        (np.array(["b", "c", "a"], dtype=object), "a"),
        (np.array([1.0, 2.0, 0.0]), 0.0),
    ],
    ids=["int", "int64", "object", "float"],
)
def test_states_have_any_names(names, target):
    expected = transport("lung").fit(X, y).transform(X, y)
    states = names[CODES]
    map_ = transport(target).fit(X, states)
    assert map_.target_ == target
    np.testing.assert_allclose(map_.transform(X, states), expected)
    assert map_.score(X, states) > 0.9


def test_the_last_state_is_the_default_target():
    assert transport(None).fit(X, y).target_ == "lung"
    assert transport(None).fit(X, CODES).target_ == 2


# -- the classifier --------------------------------------------------------------------------
def test_score_is_the_share_of_other_profiles_that_reach_the_target():
    f = LogisticRegression(max_iter=500).fit(X, y)
    map_ = transport(classifier=f).fit(X, y)
    assert map_.classifier_ is f
    reached = f.predict(map_.transform(X)) == "lung"
    assert map_.score(X) == reached.mean()
    assert map_.score(X, y) == reached[OTHERS].mean() > 0.9
    np.testing.assert_array_equal(map_.predict(X), f.predict(map_.transform(X)))


def test_a_classifier_that_is_not_fitted_is_cloned_and_trained():
    f = classifier()
    map_ = transport(classifier=f).fit(X, y)
    assert not hasattr(f, "module_")
    expected = classifier().fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(map_.classifier_.predict_proba(X), expected)


def test_a_classifier_of_the_same_table_is_asked_without_warnings():
    f = classifier().fit(TABLE, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        map_ = transport(classifier=f).fit(TABLE, y)
        assert map_.transform(TABLE).shape == X.shape and map_.score(TABLE, y) > 0.9


# -- the contract ----------------------------------------------------------------------------
def test_change_and_result_belong_together_in_both_units():
    new = X + np.random.default_rng(2).normal(size=X.shape)
    map_, shares = (transport(original_units=units).fit(X, y) for units in (True, False))
    np.testing.assert_allclose(map_.perturb(new), map_.transform(new) - new, atol=1e-12)
    assert shares.transform(new).min() >= 0 and shares.transform(new).max() <= 1
    width = np.ptp(X, axis=0)
    np.testing.assert_allclose(shares.perturb(new) * width, map_.perturb(new), atol=1e-9)
    in_units = shares.transform(new) * width + X.min(axis=0)
    np.testing.assert_allclose(in_units, map_.transform(new))


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("params", [{}, dict(marginals=True), dict(classifier=classifier())])
def test_copies_move_profiles_alike(duplicate, params, tmp_path):
    map_ = transport(**params).fit(TABLE, y)
    twin = duplicate(map_, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(twin.transform(TABLE), map_.transform(TABLE))
    np.testing.assert_array_equal(twin.predict(TABLE), map_.predict(TABLE))
    assert twin.target_ == map_.target_ and twin.feature_names_in_.tolist() == GENES


def test_a_clone_learns_the_same_whatever_the_global_seeds():
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        state = torch.get_rng_state()
        results.append(clone(transport(marginals=True)).fit(X, y).transform(X))
        assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_results_have_the_dtype_of_the_training_profiles(dtype):
    map_ = transport(marginals=True).fit(X.astype(dtype), y)
    assert map_.transform(X).dtype == map_.perturb(X).dtype == dtype
    np.testing.assert_allclose(
        map_.transform(X, y), transport(marginals=True).fit(X, y).transform(X, y), rtol=1e-3
    )


def test_tables_and_pipelines():
    table = transport().set_output(transform="pandas").fit(TABLE, y).transform(TABLE)
    np.testing.assert_array_equal(table, transport().fit(X, y).transform(X))
    assert table.columns.tolist() == GENES and table.index.equals(TABLE.index)
    pipeline = make_pipeline(StandardScaler(), transport(classifier=classifier())).fit(X, y)
    in_units = pipeline[0].inverse_transform(pipeline.transform(X))
    expected = transport(classifier=classifier()).fit(X, y).transform(X)
    np.testing.assert_allclose(in_units, expected, rtol=1e-6)
    assert pipeline.score(X, y) > 0.9


def test_a_tensor_gives_a_tensor():
    map_ = transport().fit(torch.from_numpy(X), y)
    moved = map_.transform(torch.from_numpy(X), y)
    assert isinstance(moved, torch.Tensor)
    np.testing.assert_array_equal(moved.numpy(), transport().fit(X, y).transform(X, y))


def test_refitting_leaves_nothing_of_the_fit_before():
    again = transport(marginals=True, rank=3).fit(TABLE, y)
    again.set_params(marginals=False, rank=8, target=None).fit(X[:, :5], y)
    fresh = transport(None, rank=8).fit(X[:, :5], y)
    assert vars(again).keys() == vars(fresh).keys()
    np.testing.assert_array_equal(again.transform(X[:, :5]), fresh.transform(X[:, :5]))


@pytest.mark.parametrize("failing", [dict(target="lnug"), dict(classifier=classifier(lr=1e30))])
def test_a_fit_that_fails_leaves_nothing_of_the_fit_before(failing):
    map_ = transport().fit(X, y).set_params(**failing)
    with pytest.raises((ValueError, FloatingPointError)):
        map_.fit(3 * X + 5, y)
    for method in (map_.transform, map_.predict, map_.score):
        with pytest.raises(NotFittedError):
            method(X)
