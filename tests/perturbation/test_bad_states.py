"""Bad input of perturbers and of their classifier: one sentence each, and nothing learned."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from .states import CODES, GENES, OTHERS, TABLE, X, classifier, transport, tspg, y

pytestmark = pytest.mark.filterwarnings(
    "ignore:Perturbed training profiles vary"  # nets that hardly train
)
perturbers = pytest.mark.parametrize("make", [transport, tspg])
everyone = pytest.mark.parametrize("make", [classifier, transport, tspg])
SAMPLES = [f"sample{i}" for i in range(60)]
NAMED = TABLE.set_axis(SAMPLES)


def refused(estimator, X, y, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        estimator.fit(X, y)
    return str(error.value)


# -- states ----------------------------------------------------------------------------------
@perturbers
@pytest.mark.parametrize(
    ("target", "advice"),
    [
        ("lnug", "Did you mean 'lung'"),
        ("Lung", "Did you mean 'lung'"),
        ("kidney", "The states are 'brain', 'liver', 'lung'"),
        (2, "The states are 'brain', 'liver', 'lung'"),
    ],
)
def test_an_unknown_target_is_answered_by_near_names(make, target, advice):
    refused(make(target), X, y, f"target={target!r} is no state of y. {advice}")


@perturbers
def test_a_target_of_another_type_is_not_answered_by_itself(make):
    message = refused(make("2"), X, CODES, "target='2' is no state of y")
    assert "Did you mean '2'" not in message


@perturbers
@pytest.mark.parametrize("n", [1, 2])
def test_a_state_of_fewer_than_3_profiles_is_named(make, n):
    rows = OTHERS | (np.cumsum(~OTHERS) <= n)
    sentence = "1 of 3 classes of y have fewer than 3 profiles .*: 'lung'"
    refused(make(), X[rows], y[rows], sentence)


@everyone
@pytest.mark.parametrize("X", [X, NAMED], ids=["array", "table"])
def test_one_state_is_not_enough(make, X):
    message = refused(make(), X, np.repeat("lung", 60), "y has 1 class, 'lung'")
    assert "np." not in message


@everyone
@pytest.mark.parametrize(
    "missing",
    [
        np.where(OTHERS, y, None),
        np.where(OTHERS, y.astype(object), np.nan),
        np.where(OTHERS, CODES, np.nan),
        [state if state != "lung" else np.nan for state in y.tolist()],
        pd.Series(np.where(OTHERS, y, None), dtype="string"),
        pd.Categorical(np.where(OTHERS, y, None)),
        pd.DataFrame({"state": np.where(OTHERS, y, None)}),
    ],
    ids=["None", "object NaN", "float NaN", "list", "pandas.NA", "categorical", "frame"],
)
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_profiles_without_a_state_are_counted(make, missing):
    refused(make(), X, missing, "y contains NaN: 20 profiles have no state, the first in row 2")


@everyone
@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        (np.linspace(0, 1, 60), "Unknown label type: continuous"),
        (np.stack([CODES, CODES], axis=1), "1d array"),
        (None, "requires y to be passed, but the target y is None"),
        (y[:50], "y has 50 states, but X has 60 profiles"),
        (np.append(y, "lung"), "y has 61 states, but X has 60 profiles"),
    ],
    ids=["continuous", "two columns", "none", "fewer", "more"],
)
def test_what_is_no_state_of_every_profile_is_refused(make, states, sentence):
    refused(make(), X, states, sentence)


@everyone
@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        (pd.Series(y, SAMPLES)[::-1], "y has the same names in another order than X in its index"),
        (pd.Series(y, [f"other{i}" for i in range(60)]), "y has other names than X in its index"),
        (pd.Series(y, SAMPLES)[:50], "y has other names than X in its index"),
        (pd.DataFrame({"state": y}, SAMPLES)[::-1], "y has the same names in another order"),
    ],
    ids=["order", "names", "fewer", "column"],
)
def test_states_of_other_profiles_are_refused(make, states, sentence):
    refused(make(), NAMED, states, sentence)


@everyone
@pytest.mark.parametrize(
    "states",
    [
        list(y),
        y.astype(object),
        pd.Categorical(y),
        pd.Series(y, SAMPLES),
        pd.Series(y, SAMPLES, dtype="category"),
        pd.Series(y, SAMPLES, dtype="string"),
        np.array(y)[:, None],
    ],
    ids=["list", "object", "categorical", "series", "category", "string", "column"],
)
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_states_come_in_any_form(make, states):
    fitted = make().fit(NAMED, states)
    assert fitted.classes_.tolist() == ["brain", "liver", "lung"]
    expected = make().fit(X, y)
    np.testing.assert_array_equal(fitted.predict(NAMED), expected.predict(X))


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        (np.where(OTHERS, y, "lnug"), "states names 'lnug', which fit has not seen"),
        (np.where(OTHERS, y, None), "states contains NaN: 20 profiles"),
        (y[:50], "states has 50 states, but X has 60 profiles"),
        (pd.Series(y, SAMPLES)[::-1], "states has the same names in another order"),
    ],
    ids=["unknown", "missing", "fewer", "order"],
)
@pytest.mark.parametrize("method", ["transform", "perturb"])
def test_states_of_profiles_to_be_moved_are_checked(method, states, sentence):
    map_ = transport().fit(NAMED, y)
    with pytest.raises(ValueError, match=sentence):
        getattr(map_, method)(NAMED, states=states)


# -- profiles --------------------------------------------------------------------------------
@everyone
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_profiles_with_missing_or_infinite_values_are_refused(make, value):
    A = np.where(np.arange(60)[:, None] == 7, value, X)
    sentence = "contains NaN" if np.isnan(value) else "contains infinity"
    refused(make(), A, y, sentence)
    fitted = make().fit(X, y)
    with pytest.raises(ValueError, match=sentence):
        fitted.predict(A)


@everyone
@pytest.mark.parametrize(
    ("columns", "sentence"),
    [(GENES[::-1], "same order"), (GENES[:7], "missing"), ([*GENES[:7], "NEW"], "unseen")],
    ids=["order", "missing", "other"],
)
def test_other_genes_than_in_fit_are_refused(make, columns, sentence):
    fitted = make().fit(TABLE, y)
    method = fitted.predict if make is classifier else fitted.transform
    with pytest.raises(ValueError, match=sentence):
        method(TABLE.reindex(columns=columns, fill_value=1.0))
    with pytest.raises(ValueError, match="X has 5 features"):
        make().fit(X, y).predict(X[:, :5])


@perturbers
def test_genes_none_of_which_varies_give_back_what_there_is(make):
    constant = np.ones_like(X)
    np.testing.assert_array_equal(make().fit(constant, y).transform(constant), constant)


@perturbers
def test_states_without_any_spread_become_the_target(make):
    means = np.stack([X[y == state].mean(axis=0) for state in ("brain", "liver", "lung")])
    moved = make(original_units=False).fit(means[CODES], y).transform(means[CODES])
    assert np.isfinite(moved).all()


@everyone
def test_nothing_can_be_asked_before_a_fit(make):
    with pytest.raises(NotFittedError):
        make().predict(X)
    with pytest.raises(NotFittedError):
        (make().decision_function if make is classifier else make().transform)(X)


@perturbers
def test_profiles_of_the_target_alone_have_no_score(make):
    fitted = make().fit(X, y)
    with pytest.raises(ValueError, match="All profiles are of the target state 'lung'"):
        fitted.score(X[y == "lung"], y[y == "lung"])


# -- gene sets and targets of TSPG -------------------------------------------------------------
@pytest.mark.parametrize(
    ("gene_sets", "sentence"),
    [
        (dict(good=GENES[:2], bad=["TP53", "MYC"]), r"No gene of gene_sets\['bad'\] was measured"),
        (dict(bad=[]), r"gene_sets\['bad'\]"),
        (dict(bad="GENE0"), r"gene_sets\['bad'\] is the text 'GENE0': pass a list of genes"),
        ({}, "gene_sets has no set: pass at least one"),
    ],
    ids=["unmeasured", "no gene", "text", "no set"],
)
def test_gene_sets_without_genes_are_named(gene_sets, sentence):
    refused(tspg(gene_sets=gene_sets), TABLE, y, sentence)


def test_gene_sets_need_the_names_of_genes():
    sentence = "gene_sets need the names of the genes: pass X as a table"
    refused(tspg(gene_sets=dict(good=GENES)), X, y, sentence)
    refused(tspg(gene_sets=dict(good=GENES)), TABLE.set_axis(range(8), axis=1), y, sentence)


def test_a_gmt_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"sets\.gmt"):
        tspg(gene_sets=tmp_path / "sets.gmt").fit(TABLE, y)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ([], "target is an empty list"),
        (["lung", "brian"], "'brian' is no state of y. Did you mean"),
    ],
    ids=["empty", "unknown"],
)
def test_a_list_of_targets_is_checked(target, sentence):
    refused(tspg(target), X, y, sentence)


# -- parameters ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "params"),
    [
        (classifier, dict(dropout=1.0)),
        (classifier, dict(gene_scaling="rank-gaussian")),
        (classifier, dict(class_weight="equal")),
        (classifier, dict(max_epochs=0)),
        (transport, dict(rank=0)),
        (transport, dict(shrinkage=1.1)),
        (transport, dict(prior=-1)),
        (transport, dict(max_scale=0.5)),
        (transport, dict(target=["lung"])),
        (tspg, dict(coupling="gaussian")),
        (tspg, dict(generator="unet")),
        (tspg, dict(real="others")),
        (tspg, dict(lambda_td=-1)),
        (tspg, dict(lambda_gan=np.nan)),
        (tspg, dict(test_size=1.0)),
        (tspg, dict(lr=0)),
        (tspg, dict(classifier="logistic")),
        (tspg, dict(original_units=1.5)),
        (classifier, dict(hidden_units=(8, 0))),
        (classifier, dict(hidden_units=(8.5,))),
        (classifier, dict(hidden_units=8)),
        (tspg, dict(critic_units=(-1,))),
        (tspg, dict(hidden_units=(), generator="hourglass")),
        (tspg, dict(hidden_units=(8, 0), generator="hourglass")),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else value.__name__,
)
def test_a_bad_value_is_a_sentence_that_names_the_argument(make, params):
    refused(make(**params), X, y, next(iter(params)))


def test_units_of_a_net_that_is_not_made_do_not_matter():
    expected = tspg().fit(X, y)
    np.testing.assert_array_equal(
        tspg(hidden_units=()).fit(X, y).transform(X), expected.transform(X)
    )


@pytest.mark.parametrize("params", [{}, dict(generator="hourglass")], ids=str)
def test_batch_normalisation_needs_more_than_one_profile_a_batch(params):
    refused(tspg(batch_size=1, **params), X, y, "batch_size=1")


def test_a_generator_without_any_loss_is_refused():
    weights = dict(lambda_gan=0.0, lambda_adv=0.0, lambda_norm=0.0, lambda_td=0.0)
    refused(tspg(**weights), X, y, "lambda_td")


def test_weights_below_zero_are_refused():
    with pytest.raises(ValueError, match=r"[Nn]egative.*sample_weight|sample_weight.*negative"):
        classifier().fit(X, y, sample_weight=np.where(OTHERS, 1.0, -1.0))
    with pytest.raises(ValueError, match="at least one non-zero"):
        classifier().fit(X, y, sample_weight=np.zeros(60))
    with pytest.raises(ValueError, match="y has 1 class"):
        classifier().fit(X, y, sample_weight=1.0 - OTHERS)


@pytest.mark.parametrize("make", [classifier, tspg])
def test_a_device_that_is_not_there_is_refused(make):
    refused(make(device="cuda:99"), X, y, "device='cuda:99' cannot be used on this machine")


@pytest.mark.parametrize(
    "diverging", [tspg(critic_lr=1e12, max_epochs=30), classifier(lr=1e30)], ids=["D", "f"]
)
def test_training_that_diverges_is_told(diverging):
    with pytest.raises(FloatingPointError, match="Training diverged"):
        diverging.fit(X, y)
