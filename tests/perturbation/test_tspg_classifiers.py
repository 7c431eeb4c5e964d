"""Whatever classifier TSPG has to convince: who trains it, on what, and what it must know."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier

from skgex import StateClassifier
from skgex.perturbation._target_model import TargetModel
from skgex.preprocessing import GeneScaler

from .states import CODES, GENES, STATES, TABLE, X, classifier, transport, tspg, y

pytestmark = pytest.mark.filterwarnings(
    "ignore:Perturbed training profiles vary"  # nets that hardly train
)
CODES = CODES.astype(np.int64)
X32 = X.astype(np.float32)


class Linear(torch.nn.Module):
    def __init__(self, n_scores=3):
        super().__init__()
        self.layer = torch.nn.Linear(8, n_scores)

    def forward(self, X):
        return self.layer(X - 8)


def skorch_net(**params):
    small = dict(criterion=torch.nn.CrossEntropyLoss, max_epochs=20, lr=0.1, train_split=None)
    return NeuralNetClassifier(Linear, verbose=0, batch_size=20, **(small | params))


def fitted_skorch_net(**params):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return skorch_net(**params).fit(X32, CODES)


# -- who trains it ---------------------------------------------------------------------------
def test_one_that_is_not_fitted_is_cloned_and_sees_training_profiles_alone():
    f = classifier()
    trained = tspg(classifier=f).fit(X, y)
    assert not hasattr(f, "module_") and trained.classifier_ is not f
    kept = ~trained.held_out_
    expected = classifier().fit(X[kept], y[kept]).decision_function(X)
    np.testing.assert_array_equal(trained.classifier_.decision_function(X), expected)


@pytest.mark.parametrize("wrap", [lambda f: f, FrozenEstimator], ids=["fitted", "frozen"])
@pytest.mark.parametrize(
    "params", [{}, dict(generator="hourglass")], ids=["transport", "hourglass"]
)
def test_a_fitted_one_is_used_as_it_is(wrap, params):
    f = classifier().fit(X[:30], y[:30])
    before = f.decision_function(X)
    wrapped = wrap(f)
    trained = tspg(classifier=wrapped, **params).fit(X, y)
    assert trained.classifier_ is wrapped
    np.testing.assert_array_equal(f.decision_function(X), before)
    np.testing.assert_array_equal(trained.predict(X), f.predict(trained.transform(X)))
    expected = tspg(classifier=f, **params).fit(X, y)
    np.testing.assert_array_equal(trained.transform(X), expected.transform(X))


def test_the_default_is_trained_with_the_seed():
    trained = tspg(classifier=None, max_epochs=1).fit(X, y)
    assert type(trained.classifier_) is StateClassifier
    assert trained.classifier_.hidden_units == (1024, 512, 128)
    assert trained.classifier_.score(X, y) > 0.9


# -- nets of other makers ----------------------------------------------------------------------
@pytest.mark.parametrize("make", [skorch_net, fitted_skorch_net], ids=["unfitted", "fitted"])
def test_a_net_of_skorch_is_convinced(make):
    trained = tspg(2, classifier=make(), max_epochs=40).fit(X32, CODES)
    assert trained.classifier_.score(X32, CODES) > 0.9
    assert trained.score(X32, CODES) > 0.9
    f = trained.classifier_.predict(trained.transform(X32))
    np.testing.assert_array_equal(trained.predict(X32), f)


def test_the_seed_decides_the_result_also_of_a_net_of_skorch():
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        results.append(tspg(2, classifier=skorch_net()).fit(X32, CODES).transform(X32))
        assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(*results)


# -- what it sees ----------------------------------------------------------------------------
@pytest.mark.parametrize("scaling", ["range", "standard", None])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scores_are_those_of_the_classifier_whatever_its_scaling(scaling, dtype):
    A = X.copy()
    A[:, 1], A[:, 2] = 1e3 * A[:, 1], 5.0
    f = classifier(gene_scaling=scaling, max_epochs=3).fit(A[:40], y[:40])
    A[:, 2] = np.where(CODES == 0, 5.0, 4.0)  # varies for the first time
    scaler = GeneScaler("range").fit(A[20:])
    Z = scaler.transform(A).astype(dtype)
    model = TargetModel(f, scaler)
    scores = model.module(torch.from_numpy(Z).float()).numpy()
    expected = f.decision_function(A)
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    assert (model.predict(Z, "cpu") == f.predict(A)).mean() > 0.95


def test_scores_of_a_net_of_skorch_are_its_own():
    f = fitted_skorch_net()
    scaler = GeneScaler("range").fit(X)
    scores = TargetModel(f, scaler).module(torch.from_numpy(scaler.transform(X32)).float())
    np.testing.assert_allclose(scores.numpy(), f.forward(X32).numpy(), rtol=1e-3, atol=1e-3)


def test_gradients_reach_the_profiles_but_not_the_classifier():
    f = classifier().fit(X, y)
    scaler = GeneScaler("range").fit(X)
    Z = torch.from_numpy(scaler.transform(X)).float().requires_grad_(True)
    module = TargetModel(f, scaler).module
    module(Z)[:, 2].sum().backward()
    assert Z.grad.abs().sum(dim=1).min() > 0
    assert not any(p.requires_grad for p in module.parameters())


# -- what cannot be convinced ------------------------------------------------------------------
@pytest.mark.parametrize(
    "f",
    [
        LogisticRegression(max_iter=500),
        LogisticRegression(max_iter=500).fit(X, y),
        make_pipeline(StandardScaler(), classifier()),
        DummyClassifier(),
    ],
    ids=["sklearn", "fitted", "pipeline", "dummy"],
)
def test_one_without_a_module_is_refused(f):
    with pytest.raises(
        ValueError, match=r"classifier, a \w+, has no torch module_ that gradients"
    ):
        tspg(classifier=f).fit(X, y)


def test_a_module_that_does_not_score_every_state_is_refused():
    sentence = r"has 3 classes, but its module_ makes an output of shape \(2, 4\)"
    with pytest.raises(ValueError, match=sentence):
        tspg(2, classifier=skorch_net(module__n_scores=4)).fit(X32, CODES)


@pytest.mark.parametrize("make", [tspg, transport])
def test_one_that_does_not_know_the_target_is_refused(make):
    f = classifier().fit(X[y != "lung"], y[y != "lung"])
    with pytest.raises(ValueError, match="does not know the target state 'lung'"):
        make(classifier=f).fit(X, y)


@pytest.mark.parametrize("make", [tspg, transport])
def test_one_that_knows_states_which_cannot_be_moved_is_refused(make):
    """Profiles that it takes for such a state would have no map."""
    more = np.vstack([X, X[:20] + 20]), np.append(y, ["skin"] * 20)
    f = classifier().fit(*more)
    with pytest.raises(ValueError, match=r"classifier.*'skin'"):
        make(classifier=f).fit(X, y).transform(more[0])


@pytest.mark.parametrize("make", [tspg, transport])
@pytest.mark.parametrize(
    "columns", [GENES[::-1], [*GENES[:7], "NEW"], GENES[:5]], ids=["order", "other", "fewer"]
)
def test_one_that_was_fitted_on_other_genes_is_refused(make, columns):
    f = classifier().fit(TABLE.set_axis(GENES, axis=1), y)
    with pytest.raises(ValueError, match=r"classifier"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make(classifier=f).fit(TABLE.reindex(columns=columns, fill_value=1.0), y)


def test_a_fitted_one_of_all_genes_is_refused_for_gene_sets():
    f = classifier().fit(TABLE, y)
    with pytest.raises(ValueError, match=r"classifier"):
        tspg(classifier=f, gene_sets={"first": GENES[:3]}).fit(TABLE, y)


def test_names_of_states_are_those_of_the_classifier():
    f = classifier().fit(X, y)
    trained = tspg(classifier=f).fit(X, y.astype(object))
    assert set(trained.predict(X)) <= set(STATES)
