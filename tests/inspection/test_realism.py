"""What tells realistic perturbed profiles from others, its formulae, and bad input."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from skgex.inspection import realism
from skgex.inspection._realism_measures import nearest_shares
from skgex.preprocessing import GeneScaler

N_GENES, STATES, TARGET = 30, np.array(["brain", "liver", "lung", "skin"]), "lung"
MEASURES = ("variance", "correlation", "identity", "source_signal", "size", "auc", "nn_real")


class States:
    """Gaussian states, each with a mean and a covariance of its own, of genes in any unit."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.unit = rng.uniform(0.01, 100, N_GENES)
        self.mean = rng.normal(size=(len(STATES), N_GENES))
        self.spread = 0.3 * np.eye(N_GENES) + 0.15 * rng.normal(size=(4, N_GENES, N_GENES)) * (
            rng.random(N_GENES) < 0.2
        )

    def draw(self, n, seed):
        codes = np.arange(n) % len(STATES)
        z = np.random.default_rng(seed).normal(size=(n, N_GENES))
        return self.profiles(z, codes), STATES[codes]

    def profiles(self, z, codes):
        X = self.mean[codes] + np.einsum("nij,nj->ni", self.spread[codes], z)
        return 10 + self.unit * X

    def moved(self, X, y):
        """Each profile as the one of the target state that has the same z."""
        codes, target = np.searchsorted(STATES, y), np.flatnonzero(STATES == TARGET)[0]
        deviations = (X - 10) / self.unit - self.mean[codes]
        z = np.linalg.solve(self.spread[codes], deviations[:, :, np.newaxis])[:, :, 0]
        return self.profiles(z, np.full(len(X), target))


class Shift(BaseEstimator):
    """Moves profiles by the difference of the means of the target and of their state, says f."""

    def __init__(self, target=TARGET, original_units=True):
        self.target = target
        self.original_units = original_units

    def fit(self, X, y):
        self.target_, self.classes_ = self.target, np.unique(y)
        self.x_scaler_ = GeneScaler("range").fit(np.asarray(X))
        self.classifier_ = LogisticRegression(max_iter=200).fit(self._scaled(X), y)
        self.means_ = {state: self._scaled(X)[y == state].mean(axis=0) for state in self.classes_}
        self.classifier_ = OfUnits(self.x_scaler_, self.classifier_)
        return self

    def _scaled(self, X):
        return self.x_scaler_.transform(np.asarray(X))

    def transform(self, X):
        states = self.classifier_.predict(X)
        Z = self._scaled(X) + self.means_[self.target_]
        Z = np.clip(Z - [self.means_[state] for state in states], 0, 1)
        return self.x_scaler_.inverse_transform(Z) if self.original_units else Z


class OfUnits:
    """A classifier of scaled profiles that takes them in their units."""

    def __init__(self, scaler, classifier):
        self.scaler, self.classifier, self.classes_ = scaler, classifier, classifier.classes_

    def predict(self, X):
        return self.classifier.predict(self.scaler.transform(np.asarray(X)))


WORLD = States()
X_TRAIN, Y_TRAIN = WORLD.draw(480, 1)
X, Y = WORLD.draw(240, 2)
SOURCES = Y != TARGET
TRAIN = dict(X_train=X_TRAIN, y_train=Y_TRAIN)
SCALE = (X_TRAIN.min(axis=0), np.ptp(X_TRAIN, axis=0))
MEAN = X_TRAIN[Y_TRAIN == TARGET].mean(axis=0)
SHIFT = Shift().fit(X_TRAIN, Y_TRAIN)


def shares(profiles):
    return (profiles - SCALE[0]) / SCALE[1]


def rows(result):
    """The table as a dictionary of dictionaries: method -> column -> value."""
    columns = getattr(result.table, "columns", None)
    names = list(columns) if columns is not None else list(result.table.dtype.names)
    return {
        str(method): {name: result.table[name][i] for name in names}
        for i, method in enumerate(result.table["method"])
    }


def judged(perturbers, X=X, y=Y, **params):
    """The result, warnings left aside, of few profiles unless told otherwise."""
    params = dict(target=TARGET, baselines=False, random_state=0) | TRAIN | params
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return realism(perturbers, X, y, **params)


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(3)
    perfect = WORLD.moved(X, Y)
    perturbed = {
        "perfect": perfect,
        "shuffled": rng.permuted(perfect, axis=0),
        "collapsed": np.tile(MEAN, (len(X), 1)),
        "wide": MEAN + 2 * (perfect - MEAN),
        "shift": SHIFT,
    }
    return judged(perturbed, baselines=True)


# -- what it finds ---------------------------------------------------------------------------
def test_profiles_of_the_target_distribution_pass_everything(result):
    row = rows(result)["perfect"]
    for judge in ("reaches", "logistic", "forest", "neighbors"):
        assert row[judge] > 0.95
    assert row["variance"] == pytest.approx(1, abs=0.2)
    assert row["correlation"] == pytest.approx(result.correlation_ceiling, abs=0.1)
    assert row["source_signal"] < 0.05
    for measure in ("auc", "nn_real", "nn_generated"):
        assert row[measure] == pytest.approx(0.5, abs=0.12)
    assert not any(note.startswith("perfect") for note in result.warnings)


def test_profiles_left_alone_keep_all_of_themselves_and_reach_nothing(result):
    row = rows(result)["identity"]
    assert (row["reaches"], row["logistic"], row["size"]) == (0, 0, 0)
    assert row["identity"] == pytest.approx(1)
    assert row["source_signal"] > 0.5
    assert row["auc"] > 0.95 and row["nn_real"] == 1


def test_the_mean_of_the_target_reaches_it_always_and_is_warned_of(result):
    for name in ("constant mean", "collapsed"):
        row = rows(result)[name]
        assert [row[judge] for judge in ("reaches", "logistic", "forest", "neighbors")] == [1] * 4
        assert row["variance"] == pytest.approx(0, abs=1e-12)
        assert row["nn_generated"] == 1
        for undefined in ("correlation", "identity", "source_signal"):
            assert np.isnan(row[undefined])
    notes = [note for note in result.warnings if note.startswith("collapsed")]
    assert notes == [
        "collapsed: the perturbed profiles are called 'lung' by f (100%) and a logistic "
        "regression (100%), but their variance is 0.00 of that of real ones, 100% of them are "
        "nearest to another of them: not realistic."
    ]


def test_a_gaussian_draw_has_the_variance_and_nothing_of_the_profile(result):
    row = rows(result)["Gaussian draw"]
    assert row["reaches"] == 1
    assert row["variance"] == pytest.approx(1, abs=0.2)
    assert row["correlation"] > 0.7 * result.correlation_ceiling
    assert row["identity"] == pytest.approx(0, abs=0.05)
    assert row["size"] > rows(result)["mean difference"]["size"]


def test_a_mean_difference_keeps_what_profiles_have_of_their_own(result):
    for name in ("mean difference", "shift"):
        row = rows(result)[name]
        assert row["identity"] > 0.95
        assert row["source_signal"] < 0.05
        assert row["size"] == pytest.approx(1, abs=0.1)
    assert rows(result)["mean difference"]["correlation"] < 0.5 * result.correlation_ceiling


def test_lost_correlations_and_too_wide_profiles_are_warned_of(result):
    (lost,) = (note for note in result.warnings if note.startswith("shuffled"))
    (wide,) = (note for note in result.warnings if note.startswith("wide"))
    assert "their gene-gene correlations agree with real ones by 0." in lost
    assert f"(training profiles: {result.correlation_ceiling:.2f})" in lost
    assert "variance" not in lost
    assert f"their variance is {rows(result)['wide']['variance']:.2f} of that of real" in wide


def test_neighbours_are_held_against_those_of_real_profiles():
    """With one gene of noise real profiles have few neighbours of their state either."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 1)), np.repeat(["a", "b", "c", "d"], 100)
    made = X.copy()  # no worse than real ones, since states do not differ
    train, test = np.arange(0, 400, 2), np.arange(1, 400, 2)
    found = realism(
        {"as real": made[test]},
        X[test],
        y[test],
        X_train=X[train],
        y_train=y[train],
        classifier=DummyClassifier(strategy="constant", constant="a").fit(X, y),
        target="a",
        random_state=0,
    )
    assert rows(found)["as real"]["reaches"] == 1
    shares = {row: values["neighbors"] for row, values in rows(found).items()}
    assert shares["real profiles"] < 0.5 and shares["as real"] < 0.5
    assert not any("neighbors" in note for note in found.warnings)


def test_baselines_are_never_warned_of_and_stand_last(result):
    assert list(result.table["is_baseline"]) == [False] * 5 + [True] * 5
    baselines = ["identity", "constant mean", "mean difference", "Gaussian draw"]
    baselines.append("real profiles")
    assert list(result.table["method"][5:]) == baselines
    assert not any(note.startswith(name) for note in result.warnings for name in baselines)


def test_profiles_that_only_f_believes_are_warned_of():
    class Gullible:
        def predict(self, X):
            return np.full(len(X), TARGET)

    expected = r"wrong: .* by f \(100%\), but .*only 0% of them have neighbors of that state"
    with pytest.warns(UserWarning, match=expected) as found:
        result = realism(
            {"wrong": X}, X, Y, **TRAIN, classifier=Gullible(), target=TARGET, baselines=False
        )
    assert tuple(str(warning.message) for warning in found) == result.warnings
    assert found[0].filename == __file__


# -- its formulae ----------------------------------------------------------------------------
def test_numbers_are_those_of_plain_numpy(result):
    x, y, real = shares(X[SOURCES]), Y[SOURCES], shares(X[~SOURCES])
    mu = {state: shares(X_TRAIN[np.isin(Y_TRAIN, state)]).mean(axis=0) for state in {*Y}}
    perturbed = {
        "perfect": shares(WORLD.moved(X, Y)[SOURCES]),
        "mean difference": np.clip(x + mu[TARGET] - [mu[state] for state in y], 0, 1),
    }
    pairs = np.triu_indices(N_GENES, 1)
    for name, x_a in perturbed.items():
        row = rows(result)[name]
        assert row["variance"] == pytest.approx(
            x_a.var(0, ddof=1).sum() / real.var(0, ddof=1).sum()
        )
        a, b = (np.corrcoef(profiles.T)[pairs] for profiles in (x_a, real))
        assert row["correlation"] == pytest.approx(np.corrcoef(a, b)[0, 1])
        kept = [
            np.corrcoef(*((A[y == s] - A[y == s].mean(axis=0)).ravel() for A in (x, x_a)))[0, 1]
            for s in set(y)
        ]
        assert row["identity"] == pytest.approx(np.mean(kept))
        moved = [
            np.abs(after - before).sum() / np.abs(mu[TARGET] - mu[state]).sum()
            for before, after, state in zip(x, x_a, y, strict=True)
        ]
        assert row["size"] == pytest.approx(np.mean(moved))
    within = sum(
        (x[y == s] - x[y == s].mean(axis=0)).var(axis=0).sum() * sum(y == s) for s in set(y)
    )
    total = x.var(axis=0).sum() * len(x)
    signal = 1 - (within / (len(x) - 3)) / (total / (len(x) - 1))
    assert rows(result)["identity"]["source_signal"] == pytest.approx(signal)
    training = np.corrcoef(shares(X_TRAIN[Y_TRAIN == TARGET]).T)[pairs]
    b = np.corrcoef(real.T)[pairs]
    assert result.correlation_ceiling == pytest.approx(np.corrcoef(training, b)[0, 1])


def test_means_over_draws_of_nearest_neighbors_are_those_of_many_draws():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(8, 2)), 0.7 * rng.normal(size=(25, 2)) + 0.3

    def one_draw():
        drawn = generated[rng.choice(25, 8, replace=False)]
        both = np.concatenate([real, drawn])
        distance = np.linalg.norm(both[:, np.newaxis] - both, axis=2) + np.diag([np.inf] * 16)
        nearest = distance.argmin(axis=1)
        return (nearest[:8] < 8).mean(), (nearest[8:] >= 8).mean()

    expected = np.mean([one_draw() for _ in range(4000)], axis=0)
    np.testing.assert_allclose(nearest_shares(real, generated), expected, atol=0.015)
    np.testing.assert_allclose(nearest_shares(generated, real)[::-1], expected, atol=0.015)
    np.testing.assert_allclose(
        nearest_shares(real, generated[:8]), np.array(nearest_shares(generated[:8], real))[::-1]
    )


def test_only_some_genes_are_correlated_and_all_are_measured(result):
    expected = rows(result)["perfect"]
    found = rows(judged({"perfect": WORLD.moved(X, Y)}, max_genes=8, random_state=1))["perfect"]
    assert found["variance"] == expected["variance"]
    assert found["correlation"] != expected["correlation"]
    assert found["auc"] != expected["auc"]


# -- what may be passed ----------------------------------------------------------------------
def test_a_perturber_is_judged_by_its_own_f_whatever_its_unit_and_what_else_is_judged(result):
    expected = {name: v for name, v in rows(result)["shift"].items() if name != "method"}
    assert expected["reaches"] > 0.95
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    inside = Shift(original_units=False).fit(X_TRAIN, Y_TRAIN)
    found = rows(judged(inside, target=None))["Shift"]
    assert found.pop("method") == "Shift"
    assert found == pytest.approx(expected)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_tables_and_other_units_give_the_same_numbers(result):
    genes = [f"G{j}" for j in range(N_GENES)]
    held_out, training = (pd.DataFrame(A / WORLD.unit, columns=genes) for A in (X, X_TRAIN))
    perturbed = {"perfect": WORLD.moved(X, Y) / WORLD.unit}
    f = LogisticRegression().fit(training, Y_TRAIN)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = realism(
            perturbed,
            held_out,
            pd.Series(Y),
            X_train=training,
            y_train=pd.Series(Y_TRAIN),
            classifier=f,
            target=TARGET,
            baselines=False,
            random_state=0,
        )
    row, expected = rows(found)["perfect"], rows(result)["perfect"]
    assert row["reaches"] == 1
    for name in MEASURES:
        assert row[name] == pytest.approx(expected[name], abs=0.02)


def test_perturbed_rows_of_the_target_and_constant_genes_are_not_looked_at(result):
    perturbed = np.where(SOURCES[:, np.newaxis], WORLD.moved(X, Y), 0)
    noise = np.random.default_rng(0).normal(size=(len(X), 1))
    perturbed, held_out = (np.hstack([profiles, noise]) for profiles in (perturbed, X))
    training = np.hstack([X_TRAIN, np.full((len(X_TRAIN), 1), 3.0)])
    found = rows(judged({"perfect": perturbed}, held_out, X_train=training))["perfect"]
    for name in MEASURES:
        assert found[name] == pytest.approx(rows(result)["perfect"][name], rel=1e-9)


def test_few_profiles_leave_undefined_what_compares_distributions():
    few = np.r_[np.flatnonzero(SOURCES)[:40], np.flatnonzero(~SOURCES)[:3]]
    found = judged({"a": WORLD.moved(X, Y)[few]}, X[few], Y[few])
    assert found.warnings == (
        "There are 3 real profiles of 'lung', fewer than 5: variance, correlation, auc, nn_real "
        "and nn_generated are NaN.",
    )
    row = rows(found)["a"]
    assert np.isnan([row[name] for name in ("variance", "correlation", "auc", "nn_real")]).all()
    assert row["logistic"] == 1 and 0.3 < row["identity"] < 1
    kept = (Y_TRAIN != TARGET) | (np.cumsum(Y_TRAIN == TARGET) <= 4)
    train = dict(X_train=X_TRAIN[kept], y_train=Y_TRAIN[kept])
    found = judged({"a": X}, **train)
    assert np.isnan(found.correlation_ceiling) and np.isnan(rows(found)["a"]["auc"])
    (note,) = found.warnings  # and none on profiles that nobody takes for the target
    assert note.startswith("There are 4 training profiles of 'lung', fewer than 5: auc and corr")


def test_one_source_state_has_no_signal_of_its_own():
    two = (Y == "brain") | (~SOURCES & (np.cumsum(~SOURCES) < 5))
    found = judged({"a": X[two]}, X[two], Y[two])
    assert found.n_states == 1
    assert np.isnan(rows(found)["a"]["source_signal"])
    assert rows(found)["a"]["identity"] == pytest.approx(1)


def test_printed_it_is_a_table_of_all_measures_and_methods(result):
    head, names, *lines = str(result).splitlines()
    assert head == "180 profiles of 3 states made 'lung', beside 60 real ones"
    assert names.split("  ")[-1].strip() == "real profiles"
    printed = {line.split()[0]: line.split()[1:] for line in lines[:12]}
    assert printed["reaches"][:2] == ["1.00", f"{rows(result)['perfect']['reaches']:.2f}"]
    assert printed["correlation"][0] == f"{result.correlation_ceiling:.2f}"
    assert printed["identity"][3] == "–"
    assert tuple(lines[12:]) == result.warnings
    assert str(result._replace(table=result.table.to_records(index=False))) == str(result)


# -- bad input -------------------------------------------------------------------------------
def test_bad_profiles_and_states():
    table = pd.DataFrame(X).add_prefix("G")
    training = pd.DataFrame(X_TRAIN).add_prefix("G")
    missing = np.where(np.arange(N_GENES) == 3, np.nan, X)
    with pytest.raises(ValueError, match="y has 239 states, but X has 240 profiles"):
        judged({"a": X}, y=Y[1:])
    with pytest.raises(ValueError, match="y_train has 5 states, but X_train has 480 profiles"):
        judged({"a": X}, y_train=Y_TRAIN[:5])
    with pytest.raises(
        ValueError, match="y contains NaN: 1 profiles have no state, the first in row 2"
    ):
        judged({"a": X}, y=np.where(np.arange(240) == 2, None, Y))
    with pytest.raises(ValueError, match="y has no profile of the target state 'lung'"):
        judged({"a": X[SOURCES]}, X[SOURCES], Y[SOURCES])
    with pytest.raises(ValueError, match="All 60 profiles are of the target state 'lung'"):
        judged({"a": X[~SOURCES]}, X[~SOURCES], Y[~SOURCES])
    with pytest.raises(ValueError, match="target='heart' is not among the states of y_train"):
        judged({"a": X}, target="heart")
    with pytest.raises(ValueError, match=r"y has 1 states that y_train has not \('heart'\)"):
        judged({"a": X}, y=np.where(Y == "skin", "heart", Y))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        judged({"a": X}, missing)
    with pytest.raises(ValueError, match="Input X_train contains NaN"):
        judged({"a": X}, X_train=np.where(np.arange(N_GENES) == 3, np.nan, X_TRAIN))
    with pytest.raises(ValueError, match="X and X_train have different columns, or the same"):
        judged({"a": X}, table, X_train=training.iloc[:, ::-1])
    with pytest.raises(ValueError, match=r"X has 30 genes \(columns\) and X_train 29"):
        judged({"a": X}, X_train=X_TRAIN[:, 1:])
    with pytest.raises(ValueError, match="X_train has no gene that varies"):
        judged({"a": X}, X_train=np.ones_like(X_TRAIN))


def test_bad_perturbers():
    other = Shift("skin").fit(X_TRAIN, Y_TRAIN)
    with pytest.raises(ValueError, match="perturbers is empty"):
        judged({})
    with pytest.raises(NotFittedError):
        judged({"a": Shift()})
    with pytest.raises(ValueError, match=r"\['a'\] is a LogisticRegression, which has no transf"):
        judged({"a": LogisticRegression().fit(shares(X_TRAIN), Y_TRAIN)})
    with pytest.raises(
        ValueError, match=r"\['a'\].target_ is 'lung', but .*\['b'\].target_ is 'skin'"
    ):
        judged({"a": SHIFT, "b": other}, target=None)
    with pytest.raises(ValueError, match=r"target is 'brain', but .*\['a'\].target_ is 'lung'"):
        judged({"a": SHIFT}, target="brain")
    with pytest.raises(ValueError, match="target is None, and no perturber has a target_"):
        judged({"a": X}, target=None)
    with pytest.raises(ValueError, match=r"perturbers\['a'\] has shape \(180, 30\), but X has"):
        judged({"a": X[SOURCES]})
    with pytest.raises(ValueError, match=r"Input perturbers\['a'\] contains NaN"):
        judged({"a": np.full_like(X, np.nan)})
    with pytest.raises(ValueError, match=r"X and perturbers.* have different columns"):
        judged({"a": pd.DataFrame(X).iloc[:, ::-1]}, pd.DataFrame(X))
    with pytest.raises(ValueError, match="has the name 'constant mean', which is that of a base"):
        judged({"constant mean": X}, baselines=True)


def test_bad_settings():
    elsewhere = LogisticRegression().fit(X_TRAIN, np.where(Y_TRAIN == TARGET, "heart", Y_TRAIN))
    with pytest.raises(ValueError, match="The classifier knows no state 'lung', only 'brain'"):
        judged({"a": X}, classifier=elsewhere)
    with pytest.raises(ValueError, match="n_neighbors=481, but X_train has 480 profiles"):
        judged({"a": X}, n_neighbors=481)
    for params in ({"n_neighbors": 0}, {"max_genes": 2}, {"baselines": 2}, {"classifier": "f"}):
        (name,) = params
        with pytest.raises(ValueError, match=f"'{name}' parameter of realism must be"):
            judged({"a": X}, **params)
