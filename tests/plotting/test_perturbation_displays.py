"""What pictures of state perturbations show: which profiles, genes and sets, and where."""

import sys
from collections import namedtuple
from itertools import pairwise

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import validate_data

from skgex.inspection import enrichment
from skgex.plotting import (
    EnrichmentDisplay,
    PerturbedGenesDisplay,
    StateMapDisplay,
    TransitionDisplay,
)
from skgex.plotting._style import BLUE, VERMILLION
from skgex.preprocessing import GeneScaler

LONG = "Esophagus - Gastroesophageal Junction"
STATES = np.repeat(["Brain", LONG, "Liver", "Nerve", "Skin"], [14, 16, 8, 12, 10])
GENES = [f"GENE{j}" for j in range(12)]


class Mover(BaseEstimator):
    """A perturber that moves every profile by the difference of the means of states."""

    def __init__(self, target="Nerve", distance=1.0, original_units=True):
        self.target = target
        self.distance = distance
        self.original_units = original_units

    def fit(self, X, y):
        X = validate_data(self, X)
        self.target_, self.classes_ = self.target, np.unique(y)
        self.means_ = np.stack([X[y == state].mean(axis=0) for state in self.classes_])
        self.target_mean_ = X[y == self.target].mean(axis=0)
        self.x_scaler_ = GeneScaler("range").fit(X)
        return self

    def perturb(self, X):
        return self.transform(X) - X

    def transform(self, X):
        X = self.seen_ = validate_data(self, X, reset=False)
        state = np.linalg.norm(X[:, np.newaxis] - self.means_, axis=2).argmin(axis=1)
        moved = X + self.distance * (self.target_mean_ - self.means_[state])
        return moved if self.original_units else self.x_scaler_.transform(moved)

    def score(self, X, y=None):
        return 1.0


def profiles(states=STATES, n_genes=12):
    """Profiles in well separated states, on scales of their own."""
    rng = np.random.default_rng(0)
    means = rng.normal(scale=3, size=(len(np.unique(states)), n_genes))
    noise = rng.normal(scale=0.3, size=(len(states), n_genes))
    return 8 + np.geomspace(0.1, 10, n_genes) * (
        means[np.unique(states, return_inverse=True)[1]] + noise
    )


@pytest.fixture(autouse=True)
def clean_matplotlib():
    """The picture leaves the user's settings alone, and opens one figure at most."""
    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    assert len(plt.get_fignums()) <= 1
    plt.close("all")


@pytest.fixture(params=["DataFrame", "structured array"])
def tables(request, monkeypatch):
    """Results are tables of pandas, or structured arrays where it is not installed."""
    if request.param == "structured array":
        monkeypatch.setitem(sys.modules, "pandas", None)
    else:
        pytest.importorskip("pandas")


def draw_map(X=None, y=STATES, *, model=None, random_state=0, **params):
    X = profiles() if X is None else X
    model = Mover().fit(X, y) if model is None else model
    display = StateMapDisplay.from_estimator(model, X, y, random_state=random_state, **params)
    plt.close(display.figure_)
    return display


def names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def overlap(labels):
    boxes = [label.get_window_extent() for label in labels]
    return any(box.overlaps(other) for box, other in pairwise(boxes))


class TestStateMap:
    @pytest.mark.parametrize(("distance", "n_near"), [(1.0, 48), (0.0, 0)])
    def test_perturbed_profiles_lie_where_they_were_brought(self, distance, n_near):
        model = Mover(distance=distance).fit(profiles(), STATES)
        display = draw_map(model=model)
        assert display.n_near_target == n_near
        between = np.linalg.norm(display.perturbed[:, np.newaxis] - display.positions, axis=2)
        on_map = display.states[between.argmin(axis=1)] == "Nerve"
        assert on_map.sum() == n_near

    def test_neighbours_are_sought_among_all_profiles_drawn_or_not(self):
        """Moved by nothing, profiles of a state that is not drawn still have it for neighbours."""
        model = Mover(distance=0.0).fit(profiles(), STATES)
        counts = {draw_map(model=model, n_states=n).n_near_target for n in (2, 3, 5)}
        assert counts == {0}

    def test_states_that_fit_has_not_seen_are_refused(self):
        model = Mover().fit(profiles(), STATES)
        model.classes_ = np.unique(STATES)
        coded = np.unique(STATES, return_inverse=True)[1]
        with pytest.raises(
            ValueError, match=r"y names '0', '1', '2' .*, which Mover has not seen"
        ):
            draw_map(y=coded, model=model)

    def test_the_legend_names_states_and_counts_perturbed_profiles(self):
        display = draw_map()
        assert display.names == ["Nerve", "Brain", LONG, "Liver", "Skin"]
        assert legend_texts(display.ax_) == [
            "Nerve (target)",
            "48 profiles, perturbed:\n48 nearest to one of the target",
            *("1  Brain", f"2  {LONG}", "3  Liver", "4  Skin"),
        ]
        assert [text.get_text() for text in display.ax_.texts] == ["1", "2", "3", "4"]
        for number, state in zip(display.ax_.texts, display.names[1:], strict=True):
            place = np.linalg.norm(display.positions - number.xy, axis=1).argmin()
            assert display.states[place] == state

    def test_every_state_looks_different_and_only_the_target_is_orange(self):
        states = np.repeat([f"S{j:02}" for j in range(31)], 2)
        display = StateMapDisplay(profiles(states, 2), states, np.zeros((3, 2)), target="S07")
        collections = display.plot().ax_.collections
        assert len(collections) == 32
        looks = {
            (to_hex(c.get_facecolor()[0]), c.get_paths()[0].vertices.tobytes())
            for c in collections[:31]
        }
        assert len(looks) == 31
        assert [to_hex(c.get_facecolor()[0]) for c in collections].count(VERMILLION.lower()) == 1

    def test_the_target_is_drawn_however_few_states_are(self):
        for seed in range(2):
            display = draw_map(n_states=2, random_state=seed, n_perturbed=5)
            assert display.names[0] == "Nerve"
            assert len(display.names) == 2
            assert display.perturbed.shape == (5, 2)

    def test_profiles_of_all_states_but_the_target_are_perturbed(self):
        X = profiles()
        model = Mover().fit(X, STATES)
        draw_map(X, model=model, n_states=2)
        np.testing.assert_array_equal(model.seen_, X[STATES != "Nerve"])

    def test_of_a_large_state_some_profiles_are_drawn(self, monkeypatch):
        monkeypatch.setattr("skgex.plotting._state_map._MOST_OF_STATE", 9)
        drawn, counts = np.unique(draw_map().states, return_counts=True)
        assert dict(zip(drawn.tolist(), counts.tolist(), strict=True)) == {
            "Brain": 9,
            LONG: 9,
            "Liver": 8,
            "Nerve": 9,
            "Skin": 9,
        }

    def test_the_picture_follows_from_its_seed(self):
        first, again, other = (draw_map(n_perturbed=20, random_state=s) for s in (3, 3, 4))
        np.testing.assert_array_equal(first.perturbed, again.perturbed)
        np.testing.assert_array_equal(first.positions, again.positions)
        assert not np.array_equal(first.perturbed, other.perturbed)

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("n_genes", [1, 12])
    def test_few_profiles_and_genes_can_be_drawn(self, n_genes):
        states = np.array([1, 1, 2])
        X = profiles(states, n_genes)
        display = draw_map(X, states, model=Mover(target=1).fit(X, states))
        assert np.isfinite(display.positions).all()
        assert legend_texts(display.ax_)[0] == "1 (target)"

    def test_units_are_those_of_the_perturber(self):
        """In a pipeline it sees what earlier steps made, and it may answer in shares."""
        X = profiles()
        plain = draw_map(X)
        shares = draw_map(X, model=Mover(original_units=False).fit(X, STATES))
        np.testing.assert_allclose(shares.perturbed, plain.perturbed, atol=1e-3)
        pipe = make_pipeline("passthrough", FunctionTransformer(np.log2), Mover())
        search = GridSearchCV(pipe, {}, cv=StratifiedKFold(2)).fit(2**X, STATES)
        inside = draw_map(2**X, model=search)
        assert inside.n_near_target == 48
        np.testing.assert_allclose(inside.positions, plain.positions, rtol=0.01, atol=0.1)

    def test_bad_input(self):
        X, y, draw = profiles(), STATES, StateMapDisplay.from_estimator
        model = Mover().fit(X, y)
        with pytest.raises(ValueError, match=r"y has 59 states, but X has 60 profiles"):
            draw(model, X, y[1:])
        with pytest.raises(ValueError, match="y holds no profile of the target 'Nerve', only 'Br"):
            draw(model, X[y != "Nerve"], y[y != "Nerve"])
        with pytest.raises(ValueError, match="All profiles are of the target 'Nerve' already"):
            draw(model, X[y == "Nerve"], y[y == "Nerve"])
        for missing in (None, np.nan):
            states = y.astype(object)
            states[[7, 9]] = missing
            with pytest.raises(
                ValueError, match="y contains NaN: 2 profiles have no state, the first in row 7"
            ):
                draw(model, X, states)
        X[3, 2] = np.nan
        with pytest.raises(ValueError, match=r"X holds 1 NaN or .* the first in row 3, column 2"):
            draw(model, X, y)
        X = profiles()
        with pytest.raises(ValueError, match="X has 11 features"):
            draw(model, X[:, 1:], y)
        with pytest.raises(ValueError, match="n_states=1 must be a whole number, 2 or more"):
            draw(model, X, y, n_states=1)
        with pytest.raises(ValueError, match="n_perturbed=0 must be a whole number, 1 or more"):
            draw(model, X, y, n_perturbed=0)
        with pytest.raises(ValueError, match="perplexity=0 must be a number, 1 or more"):
            draw(model, X, y, perplexity=0)
        with pytest.raises(ValueError, match="LinearRegression does not perturb"):
            draw(LinearRegression(), X, y)
        with pytest.raises(NotFittedError, match="Mover instance is not fitted yet"):
            draw(Mover(), X, y)
        with pytest.raises(ValueError, match="states holds no profile of target='Nerve'"):
            StateMapDisplay([[0, 0]], ["Liver"], [[1, 1]], target="Nerve")
        assert not plt.get_fignums()

    def test_columns_and_rows_of_tables_are_checked(self):
        pd = pytest.importorskip("pandas")
        X = pd.DataFrame(profiles(), columns=GENES)
        y = pd.Series(STATES)
        model = Mover().fit(X, y)
        with pytest.raises(ValueError, match="feature names"):
            StateMapDisplay.from_estimator(model, X[GENES[::-1]], y)
        with pytest.raises(
            ValueError,
            match=r"y has the same names in another order than X .* Pass y\.loc\[X\.index",
        ):
            StateMapDisplay.from_estimator(model, X, y[::-1])


def transition(X=None, y=STATES, *, model=None, **params):
    X = profiles() if X is None else X
    model = Mover().fit(X, y) if model is None else model
    return TransitionDisplay.from_estimator(model, X, y, **params)


def panel_values(ax):
    """Rows × columns of a panel, expression and change together."""
    expression, change = (image.get_array() for image in ax.images)
    assert (expression.mask == ~change.mask).all()
    return np.where(change.mask, expression.data, change.data)


class TestTransition:
    def test_columns_are_profile_change_perturbed_and_target_mean(self):
        X = profiles()
        model = Mover(distance=0.5).fit(X, STATES)
        display = transition(X, model=model, states=["Skin"])
        own = X[STATES == "Skin"]
        scale = model.x_scaler_.transform
        closest = np.linalg.norm(scale(own) - scale(own).mean(axis=0), axis=1).argmin()
        before, after, target = scale(
            np.stack([own[closest], model.transform(own)[closest], X[STATES == "Nerve"].mean(0)])
        )
        order = np.argsort(before - after)
        expected = np.stack([before, after - before, after, target], axis=1)[order]
        np.testing.assert_allclose(panel_values(display.ax_), expected)
        assert names(display.ax_.yaxis) == [f"x{j}" for j in order]
        assert [name.split(" $")[0] for name in names(display.ax_.xaxis)] == [
            *("profile", "change", "perturbed", "target mean")
        ]

    def test_four_most_frequent_states_are_drawn_by_default(self):
        display = transition()
        assert display.sources == [LONG, "Brain", "Skin", "Liver"]
        titles = [ax.get_title(loc="right") for ax in display.axes_]
        assert titles[0] == "Esophagus -\nGastroesophageal Junc…\n→ Nerve"
        assert titles[1:] == ["Brain\n→ Nerve", "Skin\n→ Nerve", "Liver\n→ Nerve"]

    def test_every_panel_has_its_own_order(self):
        display = transition()
        for ax, order, change in zip(display.axes_, display.orders, display.change, strict=True):
            assert (np.diff(change[order]) <= 0).all()
            assert names(ax.yaxis) == [f"x{j}" for j in order]
            assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is the upper one
        assert len({tuple(order) for order in display.orders.tolist()}) == 4

    def test_genes_bear_the_names_of_the_table(self):
        pd = pytest.importorskip("pandas")
        X = pd.DataFrame(profiles(), columns=GENES)
        display = transition(X, model=Mover().fit(X, STATES))
        assert set(names(display.ax_.yaxis)) == set(GENES)

    def test_shares_are_not_scaled_again(self):
        X = profiles()
        plain = transition(X)
        plt.close(plain.figure_)
        shares = transition(X, model=Mover(original_units=False).fit(X, STATES))
        np.testing.assert_allclose(shares.change, plain.change, atol=1e-12)

    def test_genes_that_did_not_vary_in_training_do_not_change(self):
        X = profiles()
        X[:, 5] = 7
        model = Mover().fit(X, STATES)
        X[STATES == "Skin", 5] = 70
        display = transition(X, model=model, states=["Skin"])
        assert display.profiles[0, 5] == display.perturbed[0, 5] == display.target_mean[5] == 0
        assert np.abs(display.change).max() < 2

    def test_expression_has_the_range_and_change_is_centred(self):
        display = transition()
        expression, change = display.ax_.images
        assert expression.get_clim() == (0, 1)
        assert change.get_clim() == (-display.limit, display.limit)
        assert min(change.cmap(change.norm(0.0))[:3]) > 0.98  # white
        assert [ax.get_xlabel() for ax in display.figure_.axes[4:]] == [
            "change",
            "expression,\nshare of the training range",
        ]

    def test_unscaled_profiles_are_drawn_on_their_own_range(self):
        X = profiles()
        model = Mover().fit(X, STATES)
        model.x_scaler_ = GeneScaler(None).fit(X)
        display = transition(X, model=model, states="Skin")
        low, high = display.ax_.images[0].get_clim()
        assert (low, high) == (display.profiles.min(), max(display.profiles.max(), high))
        assert "range" not in display.figure_.axes[-1].get_xlabel()

    @pytest.mark.parametrize("n_panels", [1, 2, 5])
    def test_names_do_not_overlap(self, n_panels):
        rng = np.random.default_rng(0)
        before, after = rng.uniform(size=(2, n_panels, 36))
        genes, sources = [f"LONGGENE{j}" for j in range(36)], [f"{LONG} {j}" for j in range(5)]
        display = TransitionDisplay(
            before, after, before[0], sources=sources[:n_panels], target=LONG, genes=genes
        ).plot()
        display.figure_.draw_without_rendering()
        for ax in display.axes_:
            for axis in (ax.xaxis, ax.yaxis):
                assert not overlap(axis.get_ticklabels())
            assert min(label.get_fontsize() for label in ax.get_yticklabels()) >= 6
        boxes = [ax.get_tightbbox() for ax in display.axes_]
        assert not any(left.x1 > right.x0 for left, right in pairwise(boxes))
        assert all(display.figure_.bbox.containsx(x) for b in boxes for x in (b.x0, b.x1))

    def test_many_genes_are_counted_and_rows_are_means(self):
        rng = np.random.default_rng(0)
        before, after, target = rng.uniform(size=(3, 4000))
        display = TransitionDisplay([before], [after], target, sources=["Skin"], target=1).plot()
        assert names(display.ax_.yaxis) == []
        assert display.ax_.get_ylabel().startswith("4,000 genes")
        assert display.ax_.get_ylabel().endswith("each row the mean of 20")
        order = np.argsort(before - after)
        expected = np.stack([before, after - before, after, target], axis=1)[order]
        expected = expected.reshape(200, 20, 4).mean(axis=1)
        np.testing.assert_allclose(panel_values(display.ax_), expected)

    def test_a_change_of_nothing_can_be_drawn(self):
        display = transition(model=Mover(distance=0).fit(profiles(), STATES))
        assert display.limit == 1
        assert not display.change.any()

    def test_bad_input(self):
        with pytest.raises(ValueError, match="states holds 'Lung', of which y has no profile"):
            transition(states=["Skin", "Lung"])
        with pytest.raises(ValueError, match="states is empty"):
            transition(states=[])
        with pytest.raises(ValueError, match="All profiles are of the target"):
            own = STATES == "Nerve"
            transition(profiles()[own], STATES[own], model=Mover().fit(profiles(), STATES))
        with pytest.raises(ValueError, match=r"y should be a 1d array"):
            transition(y=np.stack([STATES, STATES], axis=1), model=Mover().fit(profiles(), STATES))
        assert not plt.get_fignums()


MEASURED = [f"G{j}" for j in range(300)]
SETS = {f"HALLMARK_SET_{j}": MEASURED[15 * j : 15 * j + 15] for j in range(20)}


def enriched(genes, sets=SETS):
    return enrichment(genes, sets, background=MEASURED)


def beside(ax):
    return [text.get_text() for text in ax.texts]


class TestEnrichment:
    @pytest.mark.usefixtures("tables")
    def test_bars_are_the_most_enriched_sets_with_their_overlap(self):
        found = enriched([*MEASURED[:10], *MEASURED[30:33], "G290"])
        display = EnrichmentDisplay.from_enrichment(found)
        ax = display.ax_
        assert names(ax.yaxis) == display.names == ["SET 0", "SET 2", "SET 19"]
        assert beside(ax) == ["10 of 15", "3 of 15", "1 of 15"]
        lengths = [bar.get_width() for bar in ax.patches]
        np.testing.assert_allclose(lengths, -np.log10(np.asarray(found.table["q_value"])))
        assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is the upper one
        assert ax.lines[0].get_xdata()[0] == pytest.approx(-np.log10(0.05))
        assert [bar.get_alpha() for bar in ax.patches] == [1, 0.35, 0.35]
        assert ax.get_title(loc="left") == ""

    @pytest.mark.usefixtures("tables")
    def test_lists_stand_apart_in_the_colours_of_their_direction(self):
        lists = {"lowered": MEASURED[:10], "raised": MEASURED[15:23]}
        display = EnrichmentDisplay.from_enrichment(enriched(lists), n_sets=1)
        assert display.list_names == ["raised", "lowered"]
        assert display.names == ["SET 1", "SET 0"]
        assert [to_hex(bar.get_facecolor()).upper() for bar in display.ax_.patches] == [
            VERMILLION,
            BLUE,
        ]
        assert beside(display.ax_) == ["raised", "lowered", "8 of 15", "10 of 15"]

    def test_of_many_lists_those_of_smallest_p_values_are_drawn_and_told(self):
        lists = {f"list {j}": MEASURED[j * 15 : j * 15 + 3 + j] for j in range(9)}
        display = EnrichmentDisplay.from_enrichment(enriched(lists), n_sets=2)
        assert display.list_names == ["list 8", "list 7", "list 6", "list 5"]
        assert display.ax_.get_title(loc="left") == "4 of 9 lists, those of smallest p-values"

    @pytest.mark.usefixtures("tables")
    def test_the_picture_says_that_nothing_is_enriched(self):
        display = EnrichmentDisplay.from_enrichment(enriched(MEASURED[::15]))
        assert display.ax_.get_title(loc="left") == "no set is enriched: all q ≥ .05"
        assert len(display.names) == 12
        plt.close(display.figure_)
        for lists in (["G299"], {"raised": ["G299"], "lowered": ["G298"]}):
            found = enriched(lists, {"HALLMARK_SET": MEASURED[:5]})
            display = EnrichmentDisplay.from_enrichment(found)
            assert display.ax_.get_title(loc="left") == "no gene of the list is in any set"
            plt.close(display.figure_)

    def test_a_p_value_of_zero_can_be_drawn(self):
        display = EnrichmentDisplay(["a set"], [0.0], [9], [9]).plot()
        assert 300 < display.ax_.patches[0].get_width() < display.ax_.get_xlim()[1] < 400

    def test_text_stays_in_the_figure(self):
        sets = {f"HALLMARK_{'VERY_LONG_NAME_' * 5}{j}": s for j, s in enumerate(SETS.values())}
        display = EnrichmentDisplay.from_enrichment(enriched(MEASURED[::5], sets))
        display.figure_.draw_without_rendering()
        labels = [*display.ax_.get_yticklabels(), *display.ax_.texts, display.ax_.xaxis.label]
        assert not overlap(display.ax_.get_yticklabels())
        for box in (label.get_window_extent() for label in labels):
            assert display.figure_.bbox.containsx(box.x0)
            assert display.figure_.bbox.containsx(box.x1)

    def test_bad_input(self):
        for wrong in (None, enriched(MEASURED[:5]).table, {"table": None}):
            with pytest.raises(ValueError, match=r"enrichment\.table has no column 'set'"):
                EnrichmentDisplay.from_enrichment(wrong)
        with pytest.raises(ValueError, match="n_sets=0 must be a positive whole number"):
            EnrichmentDisplay.from_enrichment(enriched(MEASURED[:5]), n_sets=0)
        assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("sets", "written", "collection"),
    [
        (
            ["HALLMARK_IL6_JAK_STAT3_SIGNALING", "HALLMARK_UV_RESPONSE_DN"],
            ["IL6 JAK STAT3 signaling", "UV response down"],
            "Hallmark",
        ),
        (
            ["WP_TYPE_II_DIABETES", "GOBP_CELL_CYCLE", "Translation", "MY_OWN_SET"],
            [
                "WikiPathways: type II diabetes",
                "GO process: cell cycle",
                "Translation",
                "MY_OWN_SET",
            ],
            None,
        ),
        (["Signaling by NOTCH1", "my_set_1"], ["Signaling by NOTCH1", "my_set_1"], None),
    ],
)
def test_names_of_sets_are_written_in_words(sets, written, collection):
    display = EnrichmentDisplay(sets, np.linspace(0.01, 0.04, len(sets)), *np.ones((2, 4), int))
    assert display.names == written
    label = display.plot().ax_.get_xlabel()
    assert f"{collection or 'adjusted p-value'}" in label


PerturbedGenes = namedtuple("PerturbedGenes", "recurrence states genes change")


def perturbed_genes(n_states=4, n_genes=12, n_top=3):
    """Changes whose most raised genes are the first, whose most lowered ones are the last."""
    rng = np.random.default_rng(0)
    change = np.linspace(0.5, -0.5, n_genes) + 0.1 * rng.normal(size=(n_states, n_genes))
    genes = np.array([f"LONGGENE{j}" for j in range(n_genes)])
    rows = []
    for direction, sign in (("lowered", 1), ("raised", -1)):
        top = np.argsort(sign * change, axis=1)[:, :n_top]
        n_in = np.bincount(top.ravel(), minlength=n_genes)
        rows += [
            (genes[j], direction, n_in[j], n_in[j] / n_states, change[:, j].mean())
            for j in np.flatnonzero(n_in)
        ]
    table = np.rec.fromrecords(rows, names="gene,direction,n_states,share,mean_change")
    try:
        import pandas as pd
    except ImportError:
        pass
    else:
        table = pd.DataFrame(table)
    states = np.array([f"{LONG} {j}" for j in range(n_states)])
    return PerturbedGenes(table, states, genes, change)


class TestPerturbedGenes:
    @pytest.mark.usefixtures("tables")
    def test_raised_genes_stand_above_lowered_ones_the_most_recurrent_first(self):
        result = perturbed_genes()
        display = PerturbedGenesDisplay.from_perturbed_genes(result, n_genes=2)
        table = result.recurrence
        for direction, rows in (("raised", slice(0, 2)), ("lowered", slice(2, 4))):
            own = np.asarray(table["direction"]) == direction
            n_states = np.sort(np.asarray(table["n_states"])[own])[::-1]
            assert display.n_states[rows].tolist() == n_states[:2].tolist()
            assert set(display.directions[rows]) == {direction}
        assert display.n_raised == 2
        assert display.genes[0] == "LONGGENE0"
        assert display.genes[2] == "LONGGENE11"

    @pytest.mark.usefixtures("tables")
    def test_colours_are_the_change_of_the_gene_in_the_state(self):
        result = perturbed_genes()
        display = PerturbedGenesDisplay.from_perturbed_genes(result)
        ax = display.ax_
        image = ax.images[0].get_array()
        where = {name: j for j, name in enumerate(result.genes.tolist())}
        for place, name in zip(ax.get_yticks(), names(ax.yaxis), strict=True):
            np.testing.assert_array_equal(image[int(place)], result.change[:, where[name]])
        assert image.mask.all(axis=1).sum() == 2  # above each group stands its name
        assert names(ax.xaxis)[0] == f"{LONG} 0"
        assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is the upper one
        assert ax.images[0].get_clim() == (-display.limit, display.limit)
        numbers = [text for text in beside(ax) if " of " in text]
        assert numbers == [f"{n} of 4" for n in display.n_states]

    @pytest.mark.parametrize("shape", [(30, 15), (4, 15), (1, 1)])
    def test_names_do_not_overlap_or_leave_the_figure(self, shape):
        n_states, n_genes = shape
        result = perturbed_genes(n_states, 200, n_top=30)
        display = PerturbedGenesDisplay.from_perturbed_genes(result, n_genes=n_genes)
        assert len(display.genes) == 2 * n_genes
        display.figure_.draw_without_rendering()
        ax = display.ax_
        for axis in (ax.xaxis, ax.yaxis):
            assert not overlap(axis.get_ticklabels())
            assert min(label.get_fontsize() for label in axis.get_ticklabels()) >= 6
        bar = display.figure_.axes[-1]
        for box in (ax.get_tightbbox(), bar.get_tightbbox()):
            assert display.figure_.bbox.containsx(box.x0) and display.figure_.bbox.containsx(
                box.x1
            )
            assert display.figure_.bbox.containsy(box.y0) and display.figure_.bbox.containsy(
                box.y1
            )
        assert not bar.get_tightbbox().overlaps(ax.get_tightbbox())

    def test_a_gene_may_be_raised_here_and_lowered_there(self):
        display = PerturbedGenesDisplay(
            ["G1", "G1"], ["lowered", "raised"], [1, 2], [[0.5, 0.3, -0.4]] * 2, states=[1, 2, 3]
        ).plot()
        assert names(display.ax_.yaxis) == ["G1", "G1"]
        assert display.n_states.tolist() == [2, 1]

    def test_one_direction_alone_can_be_drawn(self):
        display = PerturbedGenesDisplay(["G1"], ["lowered"], [1], [[0.0]], states=["a"]).plot()
        assert (display.n_raised, display.limit) == (0, 1)
        assert beside(display.ax_) == ["1 of 1", "lowered", "states"]

    @pytest.mark.usefixtures("tables")
    def test_bad_input(self):
        draw = PerturbedGenesDisplay.from_perturbed_genes
        result = perturbed_genes()
        with pytest.raises(ValueError, match=r"result\.recurrence has no column 'gene'"):
            draw(result.recurrence)
        with pytest.raises(ValueError, match="n_genes=0 must be a positive whole number"):
            draw(result, n_genes=0)
        twice = np.where(result.genes == "LONGGENE11", "LONGGENE0", result.genes)
        with pytest.raises(
            ValueError, match=r"1 names of perturbed genes .* several: 'LONGGENE0'"
        ):
            draw(result._replace(genes=twice))
        with pytest.raises(ValueError, match="There is no perturbed gene to draw"):
            draw(result._replace(recurrence=result.recurrence[:0]))
        with pytest.raises(ValueError, match=r"directions holds \['up'\]"):
            PerturbedGenesDisplay(["G1"], ["up"], [1], [[0.5]], states=["a"])
        assert not plt.get_fignums()


def all_displays():
    positions, states = profiles(STATES, 2), STATES
    state_map = StateMapDisplay(positions, states, positions[:5], target="Nerve")
    before, after = np.random.default_rng(0).uniform(size=(2, 2, 12))
    sources = dict(sources=["Brain", LONG], target="Nerve")
    change = TransitionDisplay(before, after, after[0], **sources)
    found = EnrichmentDisplay(["a", "b"], [0.001, 0.2], [5, 2], [36, 40], lists=["raised"] * 2)
    genes = PerturbedGenesDisplay(
        ["G1", "G2"], ["raised", "lowered"], [2, 1], [[0.5, 0.3], [-0.2, 0.1]], states=["a", "b"]
    )
    displays = {"map": state_map, "transition": change, "enrichment": found, "genes": genes}
    return [pytest.param(display, id=name) for name, display in displays.items()]


@pytest.mark.parametrize("display", all_displays())
def test_a_display_draws_where_it_is_told(display):
    figure, (left, right) = plt.subplots(1, 2, figsize=(16, 6), layout="constrained")
    display.plot(ax=right)
    assert display.figure_ is figure
    figure.draw_without_rendering()
    assert display.ax_.get_position().x0 > 0.4
    assert not left.has_data()


@pytest.mark.parametrize("display", all_displays())
def test_plot_can_be_repeated(display):
    first = display.plot().figure_
    assert display.plot() is display
    assert display.figure_ is not first
    plt.close(first)


@pytest.mark.parametrize("display", all_displays())
def test_missing_matplotlib_is_said(display, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "skgex\[plot\]"'):
        display.plot()
