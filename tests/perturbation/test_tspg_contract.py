"""What scikit-learn's users expect of TSPG: seeds, copies, refits, tables, searches, any names."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .states import (
    CODES,
    COPIES,
    GENERATOR_IDS,
    GENERATORS,
    GENES,
    STATES,
    TABLE,
    X,
    assert_same,
    classifier,
    generators,
    transport,
    tspg,
    y,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Perturbed training profiles vary"  # nets that hardly train
)


# -- seeds and copies ------------------------------------------------------------------------
@pytest.mark.parametrize(
    "params",
    [dict(classifier=None), GENERATORS[1]],  # the default f, too
    ids=GENERATOR_IDS,
)
def test_the_seed_decides_the_result_and_global_generators_do_not(params):
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        states = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
        results.append(tspg(**params).fit(X, y))
        assert torch.equal(torch.get_rng_state(), states[0])
        np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    assert_same(*results)


@generators
def test_another_seed_gives_another_result(params):
    one, other = (tspg(random_state=seed, test_size=0, **params).fit(X, y) for seed in (0, 1))
    assert not np.array_equal(one.transform(X), other.transform(X))
    unknown = tspg(random_state=None, **params).fit(X, y)
    assert np.isfinite(unknown.transform(X)).all()


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_copies_move_profiles_alike(duplicate, model, tmp_path):
    twin = duplicate(model, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_equal = np.testing.assert_array_equal
        assert_equal(twin.transform(TABLE), model.transform(TABLE), strict=True)
        assert_equal(twin.perturb(TABLE), model.perturb(TABLE), strict=True)
        assert_equal(twin.predict(TABLE), model.predict(TABLE), strict=True)
    assert twin.accuracy_ == model.accuracy_ and twin.history_ == model.history_
    assert repr(twin) == repr(model)
    np.testing.assert_array_equal(twin.held_out_, model.held_out_)


@pytest.mark.parametrize("target", ["lung", ["lung", "brain", "liver"]], ids=["one", "several"])
def test_a_saved_model_holds_f_once(target, tmp_path):
    sizes = []
    for units in (8, 2008):
        f = classifier(hidden_units=(units,), max_epochs=1)
        COPIES["saved"](tspg(target, classifier=f).fit(X, y), tmp_path)
        sizes.append((tmp_path / "states.skgex").stat().st_size)
    assert sizes[1] - sizes[0] < 1.5 * 4 * 2000 * (8 + 1 + 3)


def test_the_transport_map_within_it_can_be_asked_for_known_states():
    trained = tspg(coupling="transport").fit(X, y)
    kept = ~trained.held_out_
    expected = transport(marginals=True, classifier=classifier()).fit(X[kept], y[kept])
    moved = trained.transport_.transform(X, y)
    np.testing.assert_allclose(moved, expected.transform(X, y))
    for method in ("transform", "perturb", "predict", "score"):
        with pytest.raises((ValueError, NotFittedError), match=r"state|classifier"):
            getattr(trained.transport_, method)(X)


def test_a_clone_learns_the_same(model):
    twin = clone(model)
    assert not hasattr(twin, "module_") and twin.get_params().keys() == model.get_params().keys()
    assert_same(twin.fit(X, y), clone(model).fit(X, y))


@pytest.mark.parametrize("before", GENERATORS, ids=GENERATOR_IDS)
def test_refitting_leaves_nothing_of_the_fit_before(before):
    (after,) = (params for params in GENERATORS if params is not before)
    again, fresh = tspg("brain", lambda_norm=1.0, test_size=0, **before), tspg(**after)
    again.fit(TABLE, y).set_params(**fresh.get_params(deep=False)).fit(X[:, :5], y)
    fresh.fit(X[:, :5], y)
    assert vars(again).keys() == vars(fresh).keys()
    np.testing.assert_array_equal(again.transform(X[:, :5]), fresh.transform(X[:, :5]))


@pytest.mark.parametrize("failing", [dict(critic_lr=1e12, max_epochs=30), dict(target="lnug")])
def test_a_fit_that_fails_leaves_no_half_of_it(failing):
    trained = tspg().fit(X, y)
    before = trained.transform(X)
    with pytest.raises((FloatingPointError, ValueError)):
        trained.set_params(**failing).fit(3 * X + 5, y)
    try:
        after = trained.transform(X)
    except NotFittedError:
        return
    np.testing.assert_array_equal(after, before)


# -- scikit-learn's tools ----------------------------------------------------------------------
def test_tables_keep_their_names_without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = tspg(max_epochs=20).set_output(transform="pandas").fit(TABLE, y).transform(TABLE)
    assert table.columns.tolist() == GENES and table.index.equals(TABLE.index)
    np.testing.assert_array_equal(table, tspg(max_epochs=20).fit(X, y).transform(X))


def test_a_pipeline_gives_the_same_in_other_units():
    pipeline = make_pipeline(StandardScaler(), tspg()).fit(X, y)
    in_units = pipeline[0].inverse_transform(pipeline.transform(X))
    np.testing.assert_allclose(in_units, tspg().fit(X, y).transform(X), atol=0.05)
    assert pipeline.score(X, y) > 0.9


def test_a_search_takes_the_share_that_reaches_the_target():
    grid = {"lambda_td": [0.0, 1.0], "classifier__lr": [0.01]}
    cv = StratifiedKFold(2)
    search = GridSearchCV(tspg(generator="hourglass"), grid, cv=cv, error_score="raise")
    search.fit(X, y)
    train, test = next(cv.split(X, y))
    alone = clone(search.estimator).set_params(**search.cv_results_["params"][0])
    expected = alone.fit(X[train], y[train]).score(X[test], y[test])
    assert search.cv_results_["split0_test_score"][0] == expected


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (np.array([2, 0, 1]), 1),
        (np.array([2, 0, 1]), np.int64(1)),
        (np.array([True, False, False]), False),
        (np.array([False, False, True]), np.True_),
        (np.array(["b", "c", "a"], dtype=object), "a"),
        (STATES, np.str_("lung")),
    ],
    ids=["int", "int64", "bool", "bool_", "object", "str_"],
)
def test_states_have_any_names(names, target):
    trained = tspg(target).fit(X, names[CODES])
    assert trained.target_ == target
    assert trained.score(X, names[CODES]) > 0.9
    assert set(trained.predict(X)) <= set(names.tolist())


def test_the_last_state_is_the_default_target():
    assert tspg(None).fit(X, y).target_ == "lung"
    assert tspg(None).fit(X, -CODES).target_ == 0


@pytest.mark.parametrize(
    "rows", [range(9), range(60), [0, 1, 3, 4, 6, 7]], ids=["3 a state", "20 a state", "2 states"]
)
@pytest.mark.parametrize("columns", [slice(1), slice(8)], ids=["1 gene", "8 genes"])
@generators
def test_few_profiles_genes_and_states(params, rows, columns):
    A, states = X[list(rows)][:, columns], y[list(rows)]
    trained = tspg(None, batch_size=2, max_epochs=1, **params).fit(A, states)
    moved = trained.transform(X[:, columns])
    assert moved.shape == X[:, columns].shape and np.isfinite(moved).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@generators
def test_results_have_the_dtype_of_the_training_profiles(params, dtype):
    trained = tspg(**params).fit(X.astype(dtype), y)
    for A in (X, X.astype(np.float32)):
        assert trained.transform(A).dtype == trained.perturb(A).dtype == dtype


def test_a_tensor_gives_a_tensor():
    trained = tspg().fit(torch.from_numpy(X), y)
    moved = trained.transform(torch.from_numpy(X))
    assert isinstance(moved, torch.Tensor)
    np.testing.assert_array_equal(moved.numpy(), tspg().fit(X, y).transform(X))


def test_how_profiles_lie_in_memory_does_not_matter():
    expected = tspg().fit(X, y)
    frozen = X.copy()
    frozen.setflags(write=False)
    for A in (frozen, np.asfortranarray(X), X.tolist(), TABLE.to_numpy()):
        assert_same(tspg().fit(A, list(y)), expected)
