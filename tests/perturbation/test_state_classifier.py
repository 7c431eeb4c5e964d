"""StateClassifier: it learns, names states as y does, weighs them, and can be copied."""

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex import StateClassifier

from .states import CODES, COPIES, GENES, STATES, TABLE, X, classifier, new_profiles, y

WEIGHT = np.random.default_rng(1).uniform(0.1, 3, 60)


def cross_entropy(scores, codes, weight=None):
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return np.average(-np.log(probabilities[np.arange(len(codes)), codes]), weights=weight)


# -- what it learns --------------------------------------------------------------------------
@pytest.mark.parametrize(
    "params",
    [
        {},
        dict(gene_scaling="standard"),
        dict(gene_scaling=None),
        dict(dropout=0.2, precision="bfloat16"),
        dict(hidden_units=(), lr=0.1),
    ],
    ids=["default", "standard", "unscaled", "dropout", "linear"],
)
def test_it_tells_states_of_new_profiles(params):
    A, states = new_profiles(300)
    assert classifier(max_epochs=40, **params).fit(X, y).score(A, states) > 0.9


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_it_minimises_the_cross_entropy(weight):
    still = classifier(lr=1e-12, max_epochs=1).fit(X, y, sample_weight=weight)
    loss = cross_entropy(still.decision_function(X), CODES, weight)
    assert still.history_["train_loss"] == pytest.approx([loss], rel=1e-5)
    trained = classifier(batch_size=60, max_epochs=40).fit(X, y, sample_weight=weight)
    assert cross_entropy(trained.decision_function(X), CODES, weight) < 0.1 * loss
    assert len(trained.history_["train_loss"]) == 40


def test_default_layers_are_the_papers():
    module = StateClassifier(max_epochs=1).fit(X, y).module_
    sizes = [tuple(p.shape) for p in module.parameters()]
    expected = [(1024, 8), (1024,), (512, 1024), (512,), (128, 512), (128,), (3, 128), (3,)]
    assert sizes == expected


def test_the_unit_of_a_gene_does_not_matter():
    unit = 2.0 ** np.linspace(-100, 100, 8).round()
    one, other = (classifier().fit(A, y).predict_proba(A) for A in (X, X * unit))
    np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_any_batch_size_will_do(batch_size):
    trained = classifier(batch_size=batch_size, max_epochs=2).fit(X, y)
    assert np.isfinite(trained.predict_proba(X)).all()


def test_two_profiles_are_enough():
    assert classifier().fit(X[:2], y[:2]).predict(X[:2]).tolist() == ["brain", "liver"]


# -- states ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "names",
    [
        STATES,
        STATES.astype(object),
        np.array([0, 1, 2]),
        np.array([7, -1, 3]),
        np.array([2.0, 1.0, 3.0]),
    ],
    ids=["text", "object", "int", "unordered", "float"],
)
def test_predictions_are_named_as_in_y(names):
    trained = classifier().fit(X, names[CODES])
    np.testing.assert_array_equal(trained.classes_, np.sort(names))
    assert trained.classes_.dtype == names.dtype
    predicted = trained.predict(X)
    assert predicted.dtype == names.dtype
    assert (predicted == names[CODES]).mean() > 0.9
    np.testing.assert_array_equal(predicted, names[classifier().fit(X, CODES).predict(X)])


def test_decision_and_probabilities_of_several_states():
    trained = classifier().fit(X, y)
    scores, probabilities = trained.decision_function(X), trained.predict_proba(X)
    assert scores.shape == probabilities.shape == (60, 3)
    np.testing.assert_array_equal(trained.predict(X), STATES[scores.argmax(axis=1)])
    exponentials = np.exp(scores)
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-9)


def test_the_decision_between_two_states_is_one_number():
    A, states = X[CODES < 2], y[CODES < 2]
    trained = classifier().fit(A, states)
    margin = trained.decision_function(A)
    assert margin.shape == (40,)
    np.testing.assert_array_equal(trained.predict(A), np.where(margin > 0, "liver", "brain"))
    np.testing.assert_allclose(trained.predict_proba(A)[:, 1], 1 / (1 + np.exp(-margin)))


# -- weights ---------------------------------------------------------------------------------
def test_weight_zero_leaves_a_profile_out():
    weight = np.where(np.arange(60) < 10, 0.0, 2.0)
    wild = X.copy()
    wild[:10] *= 100
    part = classifier().fit(wild, y, sample_weight=weight)
    alone = classifier().fit(X[10:], y[10:], sample_weight=weight[10:])
    np.testing.assert_array_equal(part.predict_proba(X), alone.predict_proba(X))


def test_a_state_of_weight_zero_is_none():
    part = classifier().fit(X, y, sample_weight=(y != "liver") * 1.0)
    assert part.classes_.tolist() == ["brain", "lung"]


@pytest.mark.parametrize(
    ("class_weight", "of_state"),
    [
        ({"brain": 3.0, "liver": 1.0, "lung": 0.5}, [3.0, 1.0, 0.5]),
        ({"liver": 2.0}, [1.0, 2.0, 1.0]),
        ("balanced", [35 / 3 / 10, 35 / 3 / 20, 35 / 3 / 5]),
    ],
    ids=["by name", "one of them", "balanced"],
)
def test_weights_of_states_are_weights_of_their_profiles(class_weight, of_state):
    rows = np.concatenate([np.flatnonzero(s == CODES)[:n] for s, n in enumerate((10, 20, 5))])
    A, states, of_profile = X[rows], y[rows], np.array(of_state)[CODES[rows]]
    for weight in (None, WEIGHT[:35]):
        by_state = classifier(class_weight=class_weight).fit(A, states, sample_weight=weight)
        product = of_profile * (1 if weight is None else weight)
        by_profile = classifier().fit(A, states, sample_weight=product)
        np.testing.assert_array_equal(by_state.predict_proba(X), by_profile.predict_proba(X))


def test_a_heavy_state_is_predicted_more_often():
    A, states = X + 3 * np.random.default_rng(3).normal(size=X.shape), y
    shares = [
        (classifier(class_weight={"brain": w, "liver": 1, "lung": 1}).fit(A, states).predict(X))
        == "brain"
        for w in (0.01, 100)
    ]
    assert shares[0].mean() < 0.1 < 0.5 < shares[1].mean()


# -- the contract ----------------------------------------------------------------------------
def test_the_seed_decides_the_result_and_global_generators_do_not():
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        states = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
        results.append(classifier(dropout=0.2).fit(X, y).predict_proba(X))
        assert torch.equal(torch.get_rng_state(), states[0])
        np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    np.testing.assert_array_equal(*results)
    other = classifier(dropout=0.2, random_state=1).fit(X, y).predict_proba(X)
    assert not np.allclose(other, results[0])


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("names", [STATES, np.array([3, 1, 2])], ids=["text", "int"])
def test_copies_tell_the_same_states(duplicate, names, tmp_path):
    trained = classifier().fit(TABLE, names[CODES])
    twin = duplicate(trained, tmp_path)
    np.testing.assert_array_equal(twin.predict_proba(TABLE), trained.predict_proba(TABLE))
    np.testing.assert_array_equal(twin.predict(TABLE), trained.predict(TABLE), strict=True)
    assert twin.history_ == trained.history_
    assert twin.feature_names_in_.tolist() == GENES


def test_a_clone_learns_the_same():
    trained = classifier().fit(X, y)
    twin = clone(trained)
    assert not hasattr(twin, "module_")
    np.testing.assert_array_equal(twin.fit(X, y).predict_proba(X), trained.predict_proba(X))


def test_searches_and_pipelines_take_it_for_a_classifier():
    assert is_classifier(classifier())
    pipeline = make_pipeline(StandardScaler(), classifier(max_epochs=20))
    grid = {"stateclassifier__lr": [1e-6, 1e-2]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_params_ == {"stateclassifier__lr": 1e-2}
    sorted_by_state = np.argsort(CODES)  # every fold must still have every state
    assert cross_val_score(classifier(), X[sorted_by_state], y[sorted_by_state], cv=3).min() > 0.8


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_probabilities_have_the_dtype_of_the_training_profiles(dtype):
    trained = classifier(max_epochs=2).fit(X.astype(dtype), y)
    assert trained.predict_proba(X).dtype == trained.decision_function(X).dtype == dtype


def test_refitting_starts_anew():
    trained = classifier().fit(X[:, :5], y == "lung").fit(X, y)
    fresh = classifier().fit(X, y)
    np.testing.assert_array_equal(trained.predict_proba(X), fresh.predict_proba(X))
    assert vars(trained).keys() == vars(fresh).keys()


def test_a_fit_that_fails_leaves_nothing_of_the_fit_before():
    trained = classifier().fit(X, y).set_params(lr=1e30)
    with pytest.raises(FloatingPointError):
        trained.fit(3 * X + 5, y)
    with pytest.raises(NotFittedError):
        trained.predict(X)
