"""Which genes are listed as most perturbed, how often, their names, and bad input."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from skgex.inspection import enrichment, perturbed_genes
from skgex.preprocessing import GeneScaler

N_GENES, STATES, TARGET = 12, ["brain", "liver", "lung", "skin"], "lung"
GENES = np.array([f"GENE{j}A" for j in range(N_GENES)])
UNIT = np.geomspace(0.01, 100, N_GENES)


class Shift(BaseEstimator):
    """Adds a given change, in shares of the range, to every profile of a state.

    Genes 0 to 3 tell the state of a profile: they are far above the others' range in one each.
    """

    def __init__(self, change, method="range", original_units=True):
        self.change = change
        self.method = method
        self.original_units = original_units

    def fit(self, X, y):
        if hasattr(X, "columns"):
            self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.target_ = TARGET
        self.x_scaler_ = GeneScaler(self.method).fit(np.asarray(X))
        self._range = np.ptp(np.asarray(X), axis=0)
        return self

    def transform(self, X):
        X = np.asarray(X)
        states = np.argmax(X[:, :4] / UNIT[:4], axis=1)
        moved = X + self.change[states] * self._range
        return moved if self.original_units else self.x_scaler_.transform(moved)


def profiles(seed=0, n=40):
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 4
    X = rng.normal(size=(n, N_GENES)) * UNIT
    X[np.arange(n), codes] += 20 * UNIT[codes]
    return X, np.array(STATES)[codes]


def random_change(seed=0):
    return np.random.default_rng(seed).normal(size=(4, N_GENES)).round(3)


def fitted(change=None, **params):
    return Shift(random_change() if change is None else change, **params).fit(*profiles())


def rows(table):
    """The table as a list of dictionaries."""
    columns = getattr(table, "columns", None)
    names = list(columns) if columns is not None else list(table.dtype.names)
    values = zip(*(table[name] for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in values]


# -- lists -----------------------------------------------------------------------------------
def test_lists_are_the_genes_that_change_most_in_shares_of_their_range():
    change = random_change()
    found = perturbed_genes(fitted(change), *profiles(1), genes=GENES, n_genes=3)
    sources = [0, 1, 3]
    assert (
        found.states.tolist()
        == list(found.raised)
        == list(found.lowered)
        == [STATES[s] for s in sources]
    )
    np.testing.assert_allclose(found.change, change[sources], atol=1e-9)
    for source in sources:
        order = GENES[np.argsort(change[source])].tolist()
        assert found.lowered[STATES[source]] == order[:3]
        assert found.raised[STATES[source]] == order[::-1][:3]


def test_the_table_has_a_row_a_listed_gene_with_its_change_in_both_units():
    found = perturbed_genes(fitted(), *profiles(1), genes=GENES, n_genes=2)
    reach = np.ptp(profiles()[0], axis=0)
    table = rows(found.table)
    assert len(table) == 3 * 2 * 2
    for row in table:
        state, gene = found.states.tolist().index(row["state"]), GENES.tolist().index(row["gene"])
        assert getattr(found, row["direction"])[row["state"]][row["rank"] - 1] == row["gene"]
        assert row["change"] == found.change[state, gene]
        assert row["difference"] == pytest.approx(row["change"] * reach[gene])
        assert (row["change"] > 0) == (row["direction"] == "raised")


def test_changes_are_means_over_the_profiles_of_a_state():
    class Random(Shift):
        def transform(self, X):
            return X + np.random.default_rng(3).normal(size=X.shape) * UNIT

    (X, y), reach = profiles(1, 41), np.ptp(profiles()[0], axis=0)
    estimator = Random(None).fit(*profiles())
    found = perturbed_genes(estimator, X, y, genes=GENES)
    rows_of_sources = y != TARGET
    moved = estimator.transform(X[rows_of_sources]) - X[rows_of_sources]
    for state, change in zip(found.states, found.change, strict=True):
        expected = moved[y[rows_of_sources] == state].mean(axis=0) / reach
        np.testing.assert_allclose(change, expected, atol=1e-12)


def test_only_genes_that_rise_or_fall_are_listed():
    change = np.zeros((4, N_GENES))
    change[0, 5], change[0, 7], change[1, 5], change[3, 8] = 0.2, 0.4, 0.1, -1e-9
    found = perturbed_genes(fitted(change), *profiles(1), genes=GENES)
    assert found.raised == {"brain": ["GENE7A", "GENE5A"], "liver": ["GENE5A"]}
    assert found.lowered == {}
    assert (found.n_raised, found.n_lowered, len(found.table)) == (2, 0, 3)
    assert "most often lowered: none" in str(found)


def test_profiles_left_alone_have_no_perturbed_gene():
    found = perturbed_genes(fitted(np.zeros((4, N_GENES))), *profiles(1), genes=GENES)
    assert found.raised == found.lowered == {}
    assert len(found.table) == len(found.recurrence) == 0


def test_genes_that_did_not_vary_in_training_are_never_listed():
    X, y = profiles()
    X[:, 6] = 3.0
    estimator = Shift(random_change()).fit(X, y)
    estimator._range[6] = 50
    found = perturbed_genes(estimator, *profiles(1), genes=GENES, n_genes=N_GENES)
    assert (found.change[:, 6] == 0).all()
    assert "GENE6A" not in {row["gene"] for row in rows(found.table)}


def test_the_unit_of_the_output_does_not_matter_but_that_of_the_scaler_does():
    expected = perturbed_genes(fitted(), *profiles(1), genes=GENES)
    inside = perturbed_genes(fitted(original_units=False), *profiles(1), genes=GENES)
    np.testing.assert_allclose(inside.change, expected.change, atol=1e-9)
    unscaled = perturbed_genes(fitted(method=None), *profiles(1), genes=GENES)
    reach = np.ptp(profiles()[0], axis=0)
    np.testing.assert_allclose(unscaled.change, expected.change * reach, atol=1e-9)


# -- recurrence ------------------------------------------------------------------------------
def test_recurrence_counts_the_lists_that_a_gene_is_in():
    found = perturbed_genes(fitted(), *profiles(1), genes=GENES, n_genes=3)
    table = rows(found.recurrence)
    for direction, n_distinct in (("raised", found.n_raised), ("lowered", found.n_lowered)):
        lists = getattr(found, direction).values()
        own = [row for row in table if row["direction"] == direction]
        distinct = {gene for genes in lists for gene in genes}
        assert n_distinct == len(own) == len(distinct)
        for row in own:
            gene = GENES.tolist().index(row["gene"])
            assert row["n_states"] == sum(row["gene"] in genes for genes in lists)
            assert row["share"] == row["n_states"] / 3
            assert row["mean_change"] == pytest.approx(found.change[:, gene].mean())
        counts = [row["n_states"] for row in own]
        assert counts == sorted(counts, reverse=True) and sum(counts) == 9
    assert [row["direction"] for row in table] == ["raised"] * found.n_raised + [
        "lowered"
    ] * found.n_lowered


def test_printed_it_names_the_genes_that_recur_most():
    change = np.zeros((4, N_GENES))
    change[:, 7], change[:2, 5], change[3, 8] = 0.4, 0.1, -0.3
    assert str(perturbed_genes(fitted(change), *profiles(1), genes=GENES)).splitlines() == [
        "3 source states: 2 genes are among those raised most, 1 among those lowered most (of 12)",
        "most often raised: GENE7A (3 of 3 states), GENE5A (2 of 3 states)",
        "most often lowered: GENE8A (1 of 3 states)",
    ]


# -- names and tables ------------------------------------------------------------------------
def test_lists_go_straight_into_enrichment():
    found = perturbed_genes(fitted(), *profiles(1), genes=GENES, n_genes=4)
    sets = {"planted": found.raised["skin"], "other": GENES[:2].tolist()}
    enriched = enrichment(found.raised, sets, background=found.genes)
    assert enriched.n_background == N_GENES and enriched.n_unknown == 0
    assert (rows(enriched.table)[0]["list"], rows(enriched.table)[0]["set"]) == ("skin", "planted")


def test_names_are_those_given_else_those_of_the_training_table_else_of_the_columns():
    X, y = profiles(1)
    training, table = (pd.DataFrame(A, columns=GENES) for A in (profiles()[0], X))
    on_table = Shift(random_change()).fit(training, y)
    others = [name.lower() for name in GENES]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert perturbed_genes(on_table, table, y).genes.tolist() == GENES.tolist()
        assert perturbed_genes(on_table, X, y).genes.tolist() == GENES.tolist()
        assert perturbed_genes(fitted(), table, pd.Series(y)).genes.tolist() == GENES.tolist()
        assert perturbed_genes(on_table, table, y, genes=others).genes.tolist() == others


def test_states_may_be_numbers_and_tables_structured_arrays():
    (X, y), estimator = profiles(1), fitted()
    expected = perturbed_genes(estimator, X, y, genes=GENES)
    estimator.target_ = 2
    found = perturbed_genes(estimator, X, np.searchsorted(STATES, y), genes=GENES)
    assert found.raised == dict(zip([0, 1, 3], expected.raised.values(), strict=True))
    array = found._replace(recurrence=found.recurrence.to_records(index=False))
    assert str(array) == str(found) == str(expected)


# -- bad input -------------------------------------------------------------------------------
def test_states_of_another_coding_are_refused():
    (X, y), estimator = profiles(1), fitted()
    estimator.classes_ = np.unique(y)
    codes = np.unique(y, return_inverse=True)[1]
    with pytest.raises(ValueError, match="y names '0', '1', '2' and 1 more, which Shift has not"):
        perturbed_genes(estimator, X, codes, genes=GENES)


def test_bad_input():
    (X, y), estimator = profiles(1), fitted()
    with pytest.raises(ValueError, match="genes is None, and neither the perturber nor X knows"):
        perturbed_genes(estimator, X, y)
    with pytest.raises(ValueError, match="genes is None, and neither"):
        perturbed_genes(estimator, pd.DataFrame(X), y)
    with pytest.raises(ValueError, match=r"genes has shape \(11,\) .* but there are 12 genes"):
        perturbed_genes(estimator, X, y, genes=GENES[1:])
    with pytest.raises(ValueError, match="y has 39 states, but X has 40 profiles"):
        perturbed_genes(estimator, X, y[1:], genes=GENES)
    with pytest.raises(
        ValueError, match="y contains NaN: 1 profiles have no state, the first in row 3"
    ):
        perturbed_genes(estimator, X, np.where(np.arange(40) == 3, None, y), genes=GENES)
    with pytest.raises(ValueError, match="All 10 profiles are of the target state 'lung'"):
        perturbed_genes(estimator, X[y == TARGET], y[y == TARGET], genes=GENES)
    with pytest.raises(ValueError, match="'n_genes' parameter of perturbed_genes must be"):
        perturbed_genes(estimator, X, y, genes=GENES, n_genes=0)
    with pytest.raises(NotFittedError):
        perturbed_genes(Shift(random_change()), X, y, genes=GENES)
    with pytest.raises(ValueError, match="'estimator' parameter of perturbed_genes must be"):
        perturbed_genes(LinearRegression().fit(X, X), X, y, genes=GENES)
    estimator.members_ = {}
    with pytest.raises(ValueError, match="estimator is a Shift of several targets or gene sets"):
        perturbed_genes(estimator, X, y, genes=GENES)
    with pytest.raises(ValueError, match="estimator is a GeneScaler, which has no target_"):
        perturbed_genes(GeneScaler().fit(X), X, y, genes=GENES)
