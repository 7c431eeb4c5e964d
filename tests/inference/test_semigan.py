"""SemiGAN: what it learns from labelled and unlabelled profiles, and their weights."""

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skgex import DenseNetRegressor, LabeledFold, SemiGANRegressor, make_expression
from skgex.inference import _semigan

from .semigan_profiles import (
    EXTRAS,
    NO_GENERATORS,
    RNG,
    SLOPES,
    QuickTeacher,
    U,
    X,
    Y,
    assert_same,
    fit,
    semigan,
)

NO_DROPOUT = dict(dropout=0.0, input_dropout=0.0)
LABELS_ALONE = dict(lambda_cons=0.0, **NO_GENERATORS)


def nan_rows(at):
    """All profiles in one table, the unlabelled ones ``at`` positions among the labelled."""
    return np.insert(X, at, U, axis=0), np.insert(Y, at, np.nan, axis=0)


AMONG = np.sort(RNG.integers(0, 61, 90))


@pytest.fixture
def quick_teacher(monkeypatch):
    """A teacher that is done at once."""
    monkeypatch.setattr(_semigan, "Teacher", QuickTeacher)


# -- unlabelled profiles -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("at", "params"),
    [(np.full(90, 60), {}), (AMONG, dict(gene_scaling=None))],
    ids=["last", "anywhere, unscaled"],
)
def test_rows_without_targets_and_X_unlabeled_are_the_same(at, params):
    assert_same(semigan(**params).fit(*nan_rows(at)), fit(**params))


def test_where_rows_without_targets_stand_moves_gene_scales_by_rounding_alone():
    among, apart = semigan().fit(*nan_rows(AMONG)), fit()
    np.testing.assert_allclose(among.x_scaler_.mean_, apart.x_scaler_.mean_, rtol=1e-14)
    np.testing.assert_allclose(among.predict(X), apart.predict(X), atol=1e-3)


@pytest.mark.usefixtures("quick_teacher")
@pytest.mark.parametrize("teacher", ["kernel", None])
def test_it_learns_without_unlabelled_profiles(teacher):
    expected = semigan(teacher=teacher).fit(X, Y)
    assert "pseudo_loss" not in expected.history_
    assert np.isfinite(expected.predict(X)).all()
    assert_same(fit(_unlabelled=U[:0], teacher=teacher), expected)


@pytest.mark.usefixtures("quick_teacher")
@pytest.mark.parametrize(
    "params",
    [{}, NO_GENERATORS, EXTRAS, dict(teacher="kernel")],
    ids=["default", "no generators", "extras", "teacher"],
)
def test_a_single_unlabelled_profile_is_enough(params):
    assert np.isfinite(fit(_unlabelled=U[:1], **params).predict(X)).all()


@pytest.mark.usefixtures("quick_teacher")
def test_a_single_unlabelled_profile_beside_many_labelled_ones_changes_little():
    data, _ = make_expression(400, 15, 20, noise=0.3, random_state=0)
    A, B = data.X[:, :15], data.X[:, 15:]
    params = dict(hidden_units=64, max_epochs=20, teacher="kernel", **NO_GENERATORS)
    few = np.vstack([B[:100], np.full(20, np.nan)])
    errors = [
        np.abs(semigan(**params).fit(A[:n], few[:n]).predict(A[101:]) - B[101:]).mean()
        for n in (100, 101)
    ]
    print("ERR", errors, errors[1] / errors[0])
    assert errors[1] == pytest.approx(errors[0], rel=0.05)


def test_unlabelled_profiles_change_what_is_learned():
    assert not np.allclose(fit().predict(X), fit(_unlabelled=U + 1).predict(X))


def test_X_unlabeled_with_other_genes_is_refused():
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    with pytest.raises(ValueError, match="X_unlabeled has 5 genes, but X has 6"):
        fit(_unlabelled=U[:, :5])
    table, more = (pd.DataFrame(A, columns=list("abcdef")) for A in (X, U))
    for columns in ("bacdef", "abcdeg"):
        other = more.set_axis(list(columns), axis=1)
        with pytest.raises(ValueError, match="X_unlabeled has other genes, or another order"):
            semigan().fit(table, Y, X_unlabeled=other)
    np.testing.assert_array_equal(
        semigan().fit(table, Y, X_unlabeled=more).predict(table), fit().predict(X)
    )


def test_nan_in_X_unlabeled_is_refused():
    with pytest.raises(ValueError, match="Input X_unlabeled contains NaN"):
        fit(_unlabelled=np.where(np.arange(90)[:, None] == 7, np.nan, U))


@pytest.fixture
def shown(monkeypatch):
    """What fits show their nets: the training data of each."""
    seen, batches = [], SemiGANRegressor._batches

    def spy(self, data, seed):
        seen.append(data)
        return batches(self, data, seed)

    monkeypatch.setattr(SemiGANRegressor, "_batches", spy)
    return seen


def test_early_stopping_holds_out_labelled_profiles_only(shown):
    fit(gene_scaling=None, max_epochs=1, validation_fraction=0.2)
    (data,) = shown
    assert len(data.X_val) == 12
    np.testing.assert_array_equal(sorted([*data.X[:, 0], *data.X_val[:, 0]]), sorted(X[:, 0]))
    np.testing.assert_array_equal(data.X_unlabeled, U)


def test_grid_search_over_rows_without_targets_in_parallel():
    data = nan_rows(AMONG)
    grid = {"lambda_syn": [0.0, 1.0]}
    search = GridSearchCV(semigan(), grid, cv=LabeledFold(3), n_jobs=2, error_score="raise")
    search.fit(*data)
    alone = semigan(**search.best_params_).fit(*data)
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all() and scores[0] != scores[1]


def test_a_routing_pipeline_scales_unlabelled_profiles_too():
    with config_context(enable_metadata_routing=True):
        net = semigan(gene_scaling=None).set_fit_request(X_unlabeled=True)
        steps = [("scale", StandardScaler()), ("net", net)]
        pipe = Pipeline(steps, transform_input=["X_unlabeled"]).fit(X, Y, X_unlabeled=U)
    scale = StandardScaler().fit(X).transform
    expected = fit((scale(X), Y), scale(U), gene_scaling=None)
    np.testing.assert_array_equal(pipe.predict(X), expected.predict(scale(X)))


# -- learning --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "params",
    [
        {},
        dict(teacher="kernel"),
        NO_GENERATORS,
        EXTRAS,
        dict(precision="bfloat16", net="mlp", warm_up=0),
    ],
    ids=["default", "teacher", "no generators", "extras", "bfloat16"],
)
def test_it_learns_a_nonlinear_function_far_better_than_the_mean(params):
    trained = fit(hidden_units=64, max_epochs=40, lr=5e-3, **params)
    fresh = np.random.default_rng(1).normal(8, 2, (300, 6))
    assert trained.score(fresh, np.tanh(fresh - 8) @ SLOPES) > 0.6


def test_the_teacher_helps_where_labels_are_few():
    data, _ = make_expression(500, 30, 40, noise=0.3, random_state=0)
    A, B = data.X[:, :30], data.X[:, 30:].copy()
    hidden, B[40:] = B[40:].copy(), np.nan
    params = dict(hidden_units=64, max_epochs=20, batch_size=100, **NO_GENERATORS)
    errors = [
        np.abs(semigan(teacher=teacher, **params).fit(A, B).predict(A)[40:] - hidden).mean()
        for teacher in ("kernel", None)
    ]
    assert errors[0] < 0.95 * errors[1]


def test_with_everything_off_it_is_a_densenet():
    params = dict(hidden_units=16, max_epochs=1, batch_size=30, random_state=0)
    expected = DenseNetRegressor(**params).fit(X, Y)
    plain = semigan(max_epochs=1, **LABELS_ALONE).fit(X, Y)
    np.testing.assert_array_equal(plain.predict(X), expected.predict(X))
    assert plain.history_ == expected.history_
    # Later epochs have other batches, unless all profiles are one batch.
    params |= dict(max_epochs=6, batch_size=99, **NO_DROPOUT)
    expected = DenseNetRegressor(**params).fit(X, Y)
    plain = semigan(batch_size=99, **LABELS_ALONE, **NO_DROPOUT).fit(X, Y)
    np.testing.assert_allclose(plain.predict(X), expected.predict(X), atol=1e-4)


def test_without_synthetic_pairs_generators_leave_the_inference_net_alone():
    # With dropout it draws other masks, but from the same distribution.
    params = dict(lambda_syn=0.0, **NO_DROPOUT)
    one, other = fit(**params), fit(**params | NO_GENERATORS)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert one.history_["valid_mae"] == other.history_["valid_mae"]
    assert not np.array_equal(fit(**params | dict(lambda_syn=1.0)).predict(X), one.predict(X))


@pytest.mark.parametrize("batch_size", [2, 70, 1000])
def test_batches_may_be_larger_than_the_labelled_profiles_or_than_all(batch_size):
    assert np.isfinite(fit(batch_size=batch_size, max_epochs=1).predict(X)).all()


@pytest.mark.parametrize(
    ("params", "remedy"),
    [
        ({}, "normalization='weight'"),
        (dict(normalization="weight"), "gan_normalization='weight'"),
        (dict(normalization=None), "gan_normalization='weight'"),
    ],
    ids=["its own", "weight", "none"],
)
def test_batch_normalisation_needs_batches(params, remedy):
    with pytest.raises(ValueError, match=f"batch_size=1 leaves batch normalisation .*{remedy}"):
        fit(batch_size=1, **params)


def test_batches_of_one_are_enough_without_batch_normalisation():
    weight = dict(normalization="weight", batch_size=1, max_epochs=1)
    for params in (dict(gan_normalization="weight"), NO_GENERATORS):
        assert fit((X[:9], Y[:9]), U[:9], **weight, **params).n_epochs_ == 1


@pytest.mark.usefixtures("quick_teacher")
def test_the_seed_decides_the_result():
    first, again, other = (fit(random_state=seed, teacher="kernel") for seed in (0, 0, 1))
    assert_same(first, again)
    assert not np.allclose(first.predict(X), other.predict(X))
    assert not np.allclose(*(e.sample(9, random_state=0)[0] for e in (first, other)))


@pytest.mark.usefixtures("quick_teacher")
def test_history_has_every_loss_of_every_epoch():
    names = {"train_loss", "valid_mae", "critic_loss", "generator_loss", "reconstruction_loss"}
    names |= {"translation_loss", "inversion_loss", "synthetic_loss", "consistency_loss"}
    history = fit(warm_up=2, teacher="kernel").history_
    assert set(history) == names | {"pseudo_loss"}
    assert {len(values) for values in history.values()} == {6}
    assert np.isnan(history.pop("synthetic_loss")).tolist() == [True] * 2 + [False] * 4
    assert np.isfinite([*history.values()]).all()
    params = dict(early_stopping=False, **LABELS_ALONE)
    assert set(fit(**params).history_) == {"train_loss"}


# -- sample weights ----------------------------------------------------------------------------
def test_profiles_of_weight_zero_are_left_out():
    weight = np.tile([2.0, 0.0, 0.5], 20)
    used = weight > 0
    Y_wrong = np.where(used[:, None], Y, 100.0)
    trained = semigan().fit(X, Y_wrong, X_unlabeled=U, sample_weight=weight)
    expected = semigan().fit(X[used], Y[used], X_unlabeled=U, sample_weight=weight[used])
    assert_same(trained, expected)
    assert not np.allclose(trained.predict(X), fit((X[used], Y[used])).predict(X))


@pytest.mark.parametrize("params", [{}, NO_GENERATORS], ids=["default", "no generators"])
def test_rows_without_targets_of_weight_zero_are_left_out(params):
    A, B = nan_rows(AMONG)
    unlabelled = np.isnan(B).all(axis=1)
    weight = RNG.uniform(0.5, 2, 150)
    weight[np.flatnonzero(unlabelled)[::3]] = 0
    used = weight > 0
    trained = semigan(**params).fit(A, B, sample_weight=weight)
    assert_same(trained, semigan(**params).fit(A[used], B[used], sample_weight=weight[used]))


@pytest.mark.usefixtures("quick_teacher")
def test_the_teacher_sees_no_weight_and_no_validation_profile(monkeypatch):
    taught, teach = [], SemiGANRegressor._teach

    def spy(self, X, Y, U, generator):
        taught.append((X, Y, teach(self, X, Y, U, generator)))
        return taught[-1][-1]

    monkeypatch.setattr(SemiGANRegressor, "_teach", spy)
    params = dict(teacher="kernel", gene_scaling=None, max_epochs=1, validation_fraction=0.2)
    for weight in (None, RNG.uniform(0.1, 3, 60)):
        semigan(**params).fit(X, Y, X_unlabeled=U, sample_weight=weight)
    assert len(taught[0][0]) == 48
    for plain, weighted in zip(*taught, strict=True):
        assert torch.equal(plain, weighted)
