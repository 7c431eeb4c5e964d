"""TSPG: what it learns, what comes out of it, and who takes part in training."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from .states import (
    CODES,
    GENES,
    MEANS,
    OTHERS,
    STATES,
    TABLE,
    X,
    assert_same,
    generators,
    new_profiles,
    tspg,
    y,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Perturbed training profiles vary"  # nets that hardly train
)


# -- what it learns --------------------------------------------------------------------------
@pytest.mark.parametrize(
    "params",
    [{}, dict(generator="hourglass"), dict(precision="bfloat16", real="all")],
    ids=["transport", "hourglass", "bfloat16"],
)
def test_new_profiles_reach_the_target_and_vary_as_real_ones_do(params):
    A, states = new_profiles()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        trained = tspg(max_epochs=60, lr=1e-2, hidden_units=(32, 16), **params).fit(X, y)
    assert trained.score(A, states) > 0.9
    others, real = A[states != "lung"], A[states == "lung"]
    moved = trained.transform(others)
    distances = [np.linalg.norm(B.mean(axis=0) - real.mean(axis=0)) for B in (moved, others)]
    assert distances[0] < 0.75 * distances[1]
    assert 0.5 < moved.var(axis=0).sum() / real.var(axis=0).sum() < 2


# -- what comes out --------------------------------------------------------------------------
def test_profiles_stay_within_the_training_range(model):
    kept = X[~model.held_out_]
    far = np.vstack([X, X + 100, X - 100, 1e6 * X])
    moved = model.transform(pd.DataFrame(far, columns=GENES))
    assert (moved >= kept.min(axis=0) - 1e-9).all() and (moved <= kept.max(axis=0) + 1e-9).all()


@generators
def test_change_and_result_belong_together_in_both_units(params):
    new, _ = new_profiles()
    trained, shares = (tspg(original_units=units, **params).fit(X, y) for units in (True, False))
    np.testing.assert_allclose(trained.perturb(new), trained.transform(new) - new, atol=1e-9)
    assert np.abs(trained.perturb(new)).max() > 0.1
    moved = shares.transform(new)
    assert moved.min() >= 0 and moved.max() <= 1
    scaler = shares.x_scaler_
    np.testing.assert_allclose(shares.perturb(new), moved - scaler.transform(new), atol=1e-12)
    np.testing.assert_allclose(scaler.inverse_transform(moved), trained.transform(new))
    assert np.abs(shares.perturb(X[~shares.held_out_])).max() <= 1


@generators
def test_a_gene_that_does_not_vary_stays_as_it_is(params):
    A = X.copy()
    A[:, 3] = 5.0
    trained = tspg(**params).fit(A, y)
    assert (trained.transform(A)[:, 3] == 5).all()
    assert not trained.perturb(A)[:, 3].any()


@generators
def test_change_and_result_belong_together_where_a_gene_varies_for_the_first_time(params):
    A = X.copy()
    A[:, 3] = 5.0
    trained = tspg(**params).fit(A, y)
    np.testing.assert_allclose(trained.perturb(X), trained.transform(X) - X, atol=1e-9)


def test_a_profile_is_changed_whatever_the_others_are(model):
    together = model.transform(TABLE)
    alone = np.vstack([model.transform(TABLE.iloc[[i]]) for i in range(5)])
    np.testing.assert_allclose(alone, together[:5], rtol=1e-9)


@generators
def test_the_unit_of_a_gene_does_not_matter(params):
    unit = 2.0 ** np.linspace(-100, 100, 8).round()
    one, other = (tspg(**params).fit(A, y).transform(A) for A in (X, X * unit))
    np.testing.assert_allclose(other, one * unit, rtol=1e-9)


def test_the_published_change_is_at_most_the_range_of_a_gene():
    trained = tspg(generator="hourglass", original_units=False).fit(X, y)
    with torch.no_grad():
        trained.module_.output.weight.mul_(1e3)
        added = trained.module_(torch.randn(50, 8))
    assert 0.99 < added.abs().max() <= 1


# -- held-out profiles and scores --------------------------------------------------------------
@pytest.mark.parametrize(("test_size", "held_out"), [(0, 0), (0.2, 4), (0.5, 10), (0.99, 18)])
def test_every_state_holds_out_the_same_share_and_keeps_two(test_size, held_out):
    trained = tspg(test_size=test_size).fit(X, y)
    assert [trained.held_out_[y == state].sum() for state in STATES] == [held_out] * 3
    other = tspg(test_size=test_size, random_state=1).fit(X, y)
    assert (held_out == 0) == np.array_equal(trained.held_out_, other.held_out_)


@generators
def test_held_out_profiles_take_no_part(params):
    expected = tspg(**params).fit(X, y)
    A = X.copy()
    A[expected.held_out_] = 1e3 * np.random.default_rng(1).normal(size=(12, 8))
    trained = tspg(**params).fit(A, y)
    assert_same(trained, expected)
    assert trained.variance_ratio_ == expected.variance_ratio_
    assert trained.accuracy_["train"] == expected.accuracy_["train"]
    np.testing.assert_array_equal(trained.target_mean_, expected.target_mean_)
    lung = ~expected.held_out_ & (y == "lung")
    np.testing.assert_allclose(trained.target_mean_, X[lung].mean(axis=0))


def test_accuracy_is_the_score_of_these_profiles():
    trained = tspg(lambda_adv=0.1, lambda_td=0.0, generator="hourglass").fit(X, y)
    held_out = trained.held_out_
    expected = dict(
        train=trained.score(X[~held_out]),
        held_out=trained.score(X[held_out]),
        held_out_others=trained.score(X[held_out], y[held_out]),
    )
    assert trained.accuracy_ == expected
    assert expected["held_out_others"] == trained.score(X[held_out & OTHERS])
    assert 0 < expected["train"] < 1
    predicted = trained.predict(X)
    assert set(predicted) <= set(STATES)
    assert trained.score(X) == (predicted == "lung").mean()
    f = trained.classifier_.predict(trained.transform(X))
    np.testing.assert_array_equal(predicted, f)


def test_without_held_out_profiles_their_accuracy_is_unknown():
    accuracy = tspg(test_size=0).fit(X, y).accuracy_
    assert np.isnan([accuracy["held_out"], accuracy["held_out_others"]]).all()
    assert 0 <= accuracy["train"] <= 1


@generators
def test_variance_ratio_compares_perturbed_with_real_training_profiles(params):
    trained = tspg(original_units=False, **params).fit(X, y)
    kept = ~trained.held_out_
    perturbed = trained.transform(X[kept & OTHERS]).var(axis=0).sum()
    real = trained.x_scaler_.transform(X[kept & ~OTHERS]).var(axis=0).sum()
    assert trained.variance_ratio_ == pytest.approx(perturbed / real)


@pytest.mark.parametrize("factor", [0.1, 10.0], ids=["too much", "too little"])
def test_profiles_that_vary_too_much_or_too_little_are_warned_of(factor):
    A = MEANS[CODES] + np.where(OTHERS, 1.0, factor)[:, None] * (X - MEANS[CODES])
    with pytest.warns(ConvergenceWarning, match=r"vary .* times as much as real .*'lung'"):
        tspg(generator="hourglass", max_epochs=1).fit(A, y)


def test_the_warning_points_at_the_line_that_fits():
    A = MEANS[CODES] + np.where(OTHERS, 1.0, 0.1)[:, None] * (X - MEANS[CODES])
    with pytest.warns(ConvergenceWarning) as warned:
        tspg(generator="hourglass", max_epochs=1).fit(A, y)
    assert warned[0].filename == __file__
