"""What the pictures say: numbers, orders and marks, not pixels."""

import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex import DenseNetRegressor, GGANRegressor, SemiGANRegressor, make_expression
from skgex.metrics import gene_report, summarize
from skgex.plotting import (
    GenePairDisplay,
    LossCurveDisplay,
    MethodComparisonDisplay,
    PredictionDisplay,
    ReliabilityDisplay,
)
from skgex.plotting._style import RELIABILITY_COLORS

N_GENES = 400
HISTORY = {"train_loss": [4.0, 2.0, 1.0, 0.5], "valid_mae": [0.9, 0.6, 0.5, 0.7]}
# The losses of GGAN, then of SemiGAN, whose synthetic pairs come after a warm-up.
GGAN = ("train_loss", "critic_loss", "adversarial_loss", "consistency_loss", "valid_mae")
SEMIGAN = (
    *("train_loss", "critic_loss", "generator_loss", "reconstruction_loss", "translation_loss"),
    *("inversion_loss", "pseudo_loss", "consistency_loss", "valid_mae", "synthetic_loss"),
)


@pytest.fixture(autouse=True)
def clean_matplotlib():
    """Every picture leaves the user's settings alone, and opens one figure at most."""
    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    assert len(plt.get_fignums()) <= 1
    plt.close("all")


@pytest.fixture(params=["DataFrame", "structured array"])
def tables(request, monkeypatch):
    """Reports are tables of pandas, or structured arrays where it is not installed."""
    if request.param == "structured array":
        monkeypatch.setitem(sys.modules, "pandas", None)
        assert isinstance(report(1), np.ndarray)


def predictions(noise, error_seed=1):
    """Measured genes and inferred ones that get worse from the first to the last."""
    y = np.random.default_rng(0).normal(8, 1, size=(60, N_GENES))
    error = np.random.default_rng(error_seed).normal(size=y.shape)
    return y, y + noise * np.linspace(0.2, 2, N_GENES) * error


def report(noise, error_seed=1, **params):
    return gene_report(*predictions(noise, error_seed), **params)


def gan_history(names):
    """Curves of six epochs, the first two of them without synthetic pairs."""
    curves = {name: [5.0, 4.0, 3.0, 2.0, 1.0, 1.5] for name in names}
    if "synthetic_loss" in names:
        curves["synthetic_loss"][:2] = np.nan, np.nan
    return curves


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


class TestMethodComparison:
    @pytest.mark.usefixtures("tables")
    def test_best_method_is_on_top_with_its_mean_printed(self):
        reports = {"bad": report(1), "good": report(0.3), "ok": report(0.6)}
        display = MethodComparisonDisplay.from_reports(reports)
        assert display.methods == ["good", "ok", "bad"]
        ax = display.ax_
        assert [label.get_text() for label in ax.get_yticklabels()] == display.methods
        assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is the upper one
        expected = summarize(np.asarray(reports["good"]["relative_error"]))
        assert texts(ax)[0] == f"{expected.mean:.3f} ± {expected.std:.3f}"

    def test_order_follows_the_direction_of_the_metric(self):
        reports = {"bad": report(1), "good": report(0.3)}
        for metric in ("mae", "concordance"):
            display = MethodComparisonDisplay.from_reports(reports, metric=metric)
            assert display.methods == ["good", "bad"]
            plt.close(display.figure_)

    @pytest.mark.parametrize("n_methods", [1, 2, 12])
    def test_text_fits_any_number_of_methods(self, n_methods):
        reports = {f"method {i} of a long name": report(0.2 + 0.1 * i) for i in range(n_methods)}
        display = MethodComparisonDisplay.from_reports(reports)
        display.figure_.draw_without_rendering()
        labels = [*display.ax_.get_yticklabels(), *display.ax_.texts]
        assert len(labels) == 2 * n_methods
        boxes = [label.get_window_extent() for label in labels]
        for i, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:i])
            assert display.figure_.bbox.containsx(box.x0)
            assert display.figure_.bbox.containsx(box.x1)

    def test_values_beyond_the_axis_are_counted(self):
        values = np.r_[np.linspace(0.4, 0.6, 999), 50.0]
        display = MethodComparisonDisplay({"one": values}).plot()
        assert display.ax_.get_xlim()[1] < 1
        assert "1 value beyond the axis" in display.ax_.get_xlabel()
        assert texts(display.ax_) == [f"{values.mean():.3f} ± {values.std():.3f}"]

    def test_undefined_genes_are_left_out_and_counted(self):
        display = MethodComparisonDisplay(
            {"all": np.array([0.2, 0.4, 0.6]), "some": np.array([0.5, np.nan, 0.9])}
        ).plot()
        assert texts(display.ax_)[1] == "0.700 ± 0.200  (2 genes)"

    def test_predictor_that_is_equal_on_all_genes_can_be_drawn(self):
        display = MethodComparisonDisplay({"mean": np.ones(50)}).plot()
        assert texts(display.ax_) == ["1.000 ± 0.000"]

    def test_bad_input(self):
        with pytest.raises(ValueError, match="at least one"):
            MethodComparisonDisplay.from_reports({})
        with pytest.raises(ValueError, match="metric='mse' is not in a gene report"):
            MethodComparisonDisplay.from_reports({"a": report(1)}, metric="mse")
        with pytest.raises(ValueError, match=r"reports\['b'\] and reports\['a'\] are about diff"):
            MethodComparisonDisplay.from_reports({"a": report(1), "b": report(1)[:-1]})
        with pytest.raises(ValueError, match=r"reports\['a'\] has no column 'gene'"):
            MethodComparisonDisplay.from_reports({"a": np.zeros(3)})
        with pytest.raises(ValueError, match="undefined for every gene of 'a'"):
            MethodComparisonDisplay({"a": np.array([np.nan])})
        assert not plt.get_fignums()


class TestGenePair:
    @pytest.mark.usefixtures("tables")
    @pytest.mark.parametrize("n_genes", [N_GENES, 50])  # coloured by density, and plainly
    def test_printed_shares_are_the_computed_ones(self, n_genes):
        a, b = report(0.5)[:n_genes], report(0.48, error_seed=2)[:n_genes]
        display = GenePairDisplay.from_reports(a, b, name_a="A", name_b="B")
        share = np.mean(np.asarray(b["mae"]) < np.asarray(a["mae"]))
        assert 0 < share < 1
        assert display.share_b_better == share
        assert display.share_a_better == pytest.approx(1 - share)
        # Below the diagonal the vertical one, B, has the smaller error.
        assert texts(display.ax_) == [
            f"A better\non {1 - share:.1%} of genes",
            f"B better\non {share:.1%} of genes",
        ]

    def test_greater_concordance_is_better(self):
        display = GenePairDisplay.from_reports(
            report(0.9), report(0.3), name_a="A", name_b="B", metric="concordance"
        )
        assert display.share_b_better > 0.9
        assert texts(display.ax_)[0].startswith("B better")

    def test_ties_are_nobodys(self):
        display = GenePairDisplay([1.0, 2.0, 3, 4], [1.0, 2.0, 2, 5], name_a="A", name_b="B")
        assert (display.share_a_better, display.share_b_better) == (0.25, 0.25)
        assert "(equal on 50.0%)" in texts(display.plot().ax_)[1]

    def test_every_gene_is_drawn_once_and_twins_are_ringed(self):
        a, b = (report(s, landmark_genes=["x3", "x5"]) for s in (0.5, 0.6))
        display = GenePairDisplay.from_reports(a, b, name_a="A", name_b="B")
        cloud, _, rings = display.ax_.collections
        drawn = np.sort(cloud.get_offsets()[:, 0])
        np.testing.assert_allclose(drawn, np.sort(a["mae"]))
        np.testing.assert_allclose(rings.get_offsets()[:, 1], b["mae"][[3, 5]])
        assert legend_texts(display.ax_)[1] == "2 landmark twins"

    def test_far_genes_are_drawn_on_the_border_and_undefined_ones_counted(self):
        a = np.r_[np.linspace(0.4, 0.6, 200), 90.0, np.nan]
        display = GenePairDisplay(a, a, name_a="A", name_b="B").plot()
        assert display.n_genes == 201
        assert legend_texts(display.ax_) == ["201 genes (1 undefined, 1 beyond the axes)"]
        assert display.ax_.collections[0].get_offsets().max() == display.ax_.get_xlim()[1] < 1

    def test_bad_input(self):
        names = dict(name_a="A", name_b="B")
        with pytest.raises(ValueError, match="report_b and report_a are about different genes"):
            GenePairDisplay.from_reports(report(1), report(1)[::-1], **names)
        with pytest.raises(ValueError, match="report_a has no column 'gene'"):
            GenePairDisplay.from_reports({"mae": [1]}, report(1), **names)
        with pytest.raises(ValueError, match="mae is undefined for every gene"):
            GenePairDisplay([np.nan, 1.0], [1.0, np.nan], **names)
        assert not plt.get_fignums()


class TestReliability:
    @pytest.mark.usefixtures("tables")
    def test_bands_are_as_wide_as_the_classes(self):
        table = report(1)
        display = ReliabilityDisplay.from_report(table)
        words = np.asarray(table["reliability"], dtype=str)
        present = [word for word in RELIABILITY_COLORS if np.any(words == word)]
        assert len(present) >= 3
        widths = {
            to_rgba(patch.get_facecolor(), 1): patch.get_width()
            for patch in display.ax_.patches
            if hasattr(patch, "get_width")
        }
        for word in present:
            n = np.sum(words == word)
            assert display.counts[word] == n
            assert widths[to_rgba(RELIABILITY_COLORS[word])] == n
            assert f"{word}: {n:,} genes ({n / len(words):.1%})" in legend_texts(display.ax_)

    def test_genes_fall_within_each_class(self):
        table = report(1)
        display = ReliabilityDisplay.from_report(table)
        ordered = table.iloc[display.order]
        assert (ordered.groupby("reliability")["concordance"].diff().dropna() <= 0).all()
        drawn = np.concatenate([points.get_offsets() for points in display.ax_.collections])
        np.testing.assert_allclose(drawn[:, 1], ordered["concordance"])
        np.testing.assert_allclose(drawn[:, 0], np.arange(N_GENES) + 0.5)

    def test_best_and_worst_genes_are_named_without_twins(self):
        table = report(1)
        best = table.sort_values("concordance", ascending=False)["gene"].tolist()
        table = report(1, landmark_genes=[best[0], best[-1]])
        display = ReliabilityDisplay.from_report(table, n_named=2)
        assert [gene for gene, _ in display.best] == best[1:3]
        assert [gene for gene, _ in display.worst] == [best[-2], best[-3]]
        (named,) = texts(display.ax_)
        assert [line.split()[-1] for line in named.splitlines() if line[:1] in "-01" and line] == [
            *best[1:3],
            best[-2],
            best[-3],
        ]

    def test_undefined_genes_are_counted_and_not_drawn(self):
        display = ReliabilityDisplay(
            ["a", "b", "c"], [0.9, np.nan, 0.2], ["high", "undefined", "low"]
        ).plot()
        assert display.order.tolist() == [0, 2]
        assert "undefined: 1 gene (33.3%)" in legend_texts(display.ax_)

    def test_bad_input(self):
        with pytest.raises(ValueError, match=r"reliability holds \['great'\]"):
            ReliabilityDisplay(["a"], [0.5], ["great"])
        with pytest.raises(ValueError, match="undefined for every gene"):
            ReliabilityDisplay(["a"], [np.nan], ["undefined"])
        with pytest.raises(ValueError, match="n_named=-1 must be"):
            ReliabilityDisplay.from_report(report(1), n_named=-1)
        with pytest.raises(ValueError, match="report has no column 'gene'"):
            ReliabilityDisplay.from_report({})
        assert not plt.get_fignums()


class TestPrediction:
    @pytest.mark.usefixtures("tables")
    def test_best_median_and_worst_genes_by_concordance(self):
        y, y_pred = predictions(1)
        table = gene_report(y, y_pred)
        ordered = [f"x{gene}" for gene in np.argsort(-np.asarray(table["concordance"]))]
        display = PredictionDisplay.from_predictions(y, y_pred)
        middle = (N_GENES - 3) // 2
        assert display.genes == ordered[:3] + ordered[middle : middle + 3] + ordered[-3:]
        assert display.ranks.tolist() == [1, 2, 3, 199, 200, 201, 398, 399, 400]
        position = int(display.genes[4][1:])
        row = {name: table[name][position] for name in ("pearson", "concordance", "mae")}
        assert display.axes_[4].get_title() == (
            f"{display.genes[4]}, rank 200 of 400\n"
            f"r {row['pearson']:.2f}   CC {row['concordance']:.2f}   MAE {row['mae']:#.3g}"
        )
        points = display.axes_[4].collections[0].get_offsets()
        np.testing.assert_allclose(points, np.c_[y[:, position], y_pred[:, position]])

    def test_the_class_stands_in_the_free_corner_and_zero_has_no_sign(self):
        y = np.array([[0.0, 0.0], [0.0, 2.0], [3.0, 1.0], [3.0, 3.0]])
        y_pred = np.array([[1.0, 0.0], [2.0, 2.0], [2.0, 1.0], [1.0 - 1e-9, 3.0]])
        display = PredictionDisplay.from_predictions(y, y_pred)
        assert [texts(ax) for ax in display.axes_] == [["high"], ["none"]]
        x, height = display.axes_[1].texts[0].get_position()
        assert x < 0.5 < height
        assert "r 0.00   CC 0.00" in display.axes_[1].get_title()

    @pytest.mark.parametrize("n_genes", [1, 2, 4, 5, 12])
    def test_each_gene_has_one_panel(self, n_genes):
        y, y_pred = predictions(1)
        display = PredictionDisplay.from_predictions(y[:, :10], y_pred[:, :10], n_genes=n_genes)
        assert len(set(display.genes)) == len(display.axes_) == min(n_genes, 10)
        assert display.figure_.axes == list(display.axes_)

    def test_numbers_are_those_of_all_samples_whichever_are_drawn(self):
        y, y_pred = predictions(1)
        few, again, others = (
            PredictionDisplay.from_predictions(y, y_pred, subsample=20, random_state=s, ax=ax)
            for s, ax in zip((0, 0, 1), plt.figure().subplots(1, 3), strict=True)
        )
        assert few.y_true.shape == (20, 9)
        np.testing.assert_array_equal(few.y_true, again.y_true)
        assert not np.array_equal(few.y_true, others.y_true)
        all_samples = gene_report(y, y_pred).set_index("gene").loc[few.genes, "mae"]
        np.testing.assert_allclose(few.report["mae"], all_samples)

    def test_constant_genes_are_not_chosen(self):
        y, y_pred = predictions(1)
        y[:, 0] = 5.0
        with pytest.warns(UserWarning, match="undefined"):
            display = PredictionDisplay.from_predictions(y[:, :3], y_pred[:, :3])
        assert sorted(display.genes) == ["x1", "x2"]
        with pytest.warns(UserWarning), pytest.raises(ValueError, match="every gene in y_true"):
            PredictionDisplay.from_predictions(y[:, :1], y_pred[:, :1])

    def test_from_estimator_leaves_unlabelled_samples_out(self):
        pd = pytest.importorskip("pandas", reason="gene names come from a table's columns")
        y, X = predictions(0.3)
        y = pd.DataFrame(y[:, :5], columns=list("abcde"))
        model = LinearRegression().fit(X, y)
        y.iloc[7] = np.nan
        display = PredictionDisplay.from_estimator(model, X, y, n_genes=5)
        assert display.y_true.shape == (59, 5)
        assert set(display.genes) == set("abcde")
        inferred = model.predict(np.delete(X, 7, axis=0))
        best = "abcde".index(display.genes[0])
        np.testing.assert_allclose(display.y_pred[:, 0], inferred[:, best])

    def test_bad_input(self):
        y, y_pred = predictions(1)
        with pytest.raises(ValueError, match="n_genes=0 must be a positive whole number"):
            PredictionDisplay.from_predictions(y, y_pred, n_genes=0)
        with pytest.raises(ValueError, match=r"subsample=0\.5 must be"):
            PredictionDisplay.from_predictions(y, y_pred, subsample=0.5)
        with pytest.raises(ValueError, match="shape"):
            PredictionDisplay.from_predictions(y, y_pred[:, 1:])
        assert not plt.get_fignums()


class Net(LinearRegression):
    """A regressor with a net's training history."""

    def fit(self, X, y):
        self.history_, self.best_epoch_ = HISTORY, 3
        return super().fit(X, y)


class TestLossCurve:
    def test_curves_and_best_epoch(self):
        X, y = np.eye(6), np.arange(6.0)
        display = LossCurveDisplay.from_estimator(Net().fit(X, y))
        train, valid = display.axes_
        for ax, values in ((train, HISTORY["train_loss"]), (valid, HISTORY["valid_mae"])):
            expected = np.c_[[1, 2, 3, 4], values]
            np.testing.assert_array_equal(ax.lines[0].get_xydata(), expected)
        (mark,) = (line for line in valid.lines if line.get_marker() == "o")
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (3, 0.5)
        assert legend_texts(valid) == ["best epoch 3: 0.5000"]

    def test_nets_inside_pipelines_and_searches_are_found(self):
        X, y = np.random.default_rng(0).normal(size=(2, 12, 1))
        search = GridSearchCV(make_pipeline(StandardScaler(), Net()), {}, cv=2).fit(X, y)
        assert LossCurveDisplay.from_estimator(search).best_epoch == 3

    def test_last_epoch_is_not_called_best_without_validation(self):
        net = Net()
        net.history_, net.best_epoch_ = {"train_loss": [2.0, 1.0]}, 2
        display = LossCurveDisplay.from_estimator(net)
        assert display.best_epoch is None
        assert len(display.ax_.lines) == 1

    @pytest.mark.parametrize("values", [[2.0], [np.nan, np.nan, 2.0]])
    def test_one_epoch_is_a_point(self, values):
        display = LossCurveDisplay({"train_loss": values}).plot()
        assert display.ax_.lines[0].get_marker() == "o"

    def test_two_curves_stand_above_each_other(self):
        train, valid = LossCurveDisplay(HISTORY).plot().axes_
        assert train.get_position().x0 == valid.get_position().x0
        assert train.get_position().y0 > valid.get_position().y1
        assert (train.get_ylabel(), valid.get_ylabel()[:14]) == ("training loss", "validation MAE")

    @pytest.mark.parametrize("names", [GGAN[:1] + GGAN[3:], GGAN, SEMIGAN[:-1], SEMIGAN])
    def test_many_curves_make_a_grid_that_ends_with_the_validation_error(self, names):
        display = LossCurveDisplay(gan_history(names), best_epoch=5).plot()
        width, height = display.figure_.get_size_inches()
        assert width < 10 and height < 0.9 * width
        assert [*display.history] == [*(n for n in names if n != "valid_mae"), "valid_mae"]
        assert display.figure_.axes == list(display.axes_)
        for ax, values in zip(display.axes_, display.history.values(), strict=True):
            np.testing.assert_array_equal(ax.lines[0].get_ydata(), values)
            assert ax.get_xlim() == (1, 6)
        places = [ax.get_position() for ax in display.axes_]
        assert min(place.y0 for place in places) == places[-1].y0
        assert max(place.x1 for place in places) == pytest.approx(places[-1].x1)
        assert max(place.width for place in places) <= places[-1].width + 1e-6
        assert legend_texts(display.ax_) == ["best epoch 5: 1.0000"]

    @pytest.mark.parametrize("names", [GGAN, GGAN[:-1], ("my_own_loss", *SEMIGAN)])
    def test_panels_of_a_grid_are_titled_in_words_that_do_not_overlap(self, names):
        display = LossCurveDisplay(gan_history(names), best_epoch=5).plot()
        display.figure_.draw_without_rendering()
        titles = [ax.get_title(loc="left") for ax in display.axes_]
        assert all(title and "_" not in title for title in titles)
        assert len(set(titles)) == len(titles)
        boxes = [ax.get_tightbbox() for ax in display.axes_]
        for i, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:i])
            assert display.figure_.bbox.containsx(box.x0)
            assert display.figure_.bbox.containsx(box.x1)

    @pytest.mark.parametrize(
        ("estimator", "n_panels"),
        [
            pytest.param(DenseNetRegressor(), 2, id="DenseNet"),
            pytest.param(GGANRegressor(), 5, id="GGAN"),
            pytest.param(
                SemiGANRegressor(warm_up=2, lambda_syn=0.1, teacher=None), 9, id="SemiGAN"
            ),
        ],
    )
    def test_curves_of_nets_begin_where_their_loss_does(self, estimator, n_panels):
        data, _ = make_expression(90, n_landmarks=6, n_targets=8, labelled=0.5, random_state=0)
        estimator.set_params(hidden_units=8, max_epochs=5, random_state=0, device="cpu")
        estimator.fit(data.X[:, :6], data.X[:, 6:])
        display = LossCurveDisplay.from_estimator(estimator)
        assert len(display.axes_) == len(estimator.history_) == n_panels
        assert display.best_epoch == estimator.best_epoch_
        for name, values in display.history.items():
            expected = [False, False, True, True, True] if name == "synthetic_loss" else [True] * 5
            assert np.isfinite(values).tolist() == expected

    def test_bad_input(self):
        with pytest.raises(ValueError, match="LinearRegression has no history_"):
            LossCurveDisplay.from_estimator(LinearRegression())
        with pytest.raises(ValueError, match="same number of epochs"):
            LossCurveDisplay({"train_loss": [1.0, 2.0], "valid_mae": [1.0]})
        with pytest.raises(ValueError, match="same number of epochs"):
            LossCurveDisplay({})
        with pytest.raises(ValueError, match="best_epoch=9"):
            LossCurveDisplay(HISTORY, best_epoch=9)
        assert not plt.get_fignums()


def all_displays():
    y, y_pred = predictions(1)
    a, b = report(0.5), report(0.6)
    draw = {
        "comparison": lambda ax: MethodComparisonDisplay.from_reports({"a": a, "b": b}, ax=ax),
        "pair": lambda ax: GenePairDisplay.from_reports(a, b, name_a="a", name_b="b", ax=ax),
        "reliability": lambda ax: ReliabilityDisplay.from_report(a, ax=ax),
        "prediction": lambda ax: PredictionDisplay.from_predictions(y, y_pred, n_genes=2, ax=ax),
        "loss": lambda ax: LossCurveDisplay(HISTORY, best_epoch=3).plot(ax=ax),
        "gan losses": lambda ax: LossCurveDisplay(gan_history(GGAN)).plot(ax=ax),
    }
    return [pytest.param(function, id=name) for name, function in draw.items()]


@pytest.mark.parametrize("draw", all_displays())
def test_a_display_draws_where_it_is_told(draw):
    figure, (left, right) = plt.subplots(1, 2, figsize=(16, 5), layout="constrained")
    display = draw(right)
    assert display.figure_ is figure
    figure.draw_without_rendering()
    assert display.ax_.get_position().x0 > 0.4
    assert not left.has_data()


@pytest.mark.parametrize("draw", all_displays())
def test_plot_can_be_repeated(draw):
    display = draw(None)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first
    plt.close(first)


@pytest.mark.parametrize("draw", all_displays())
def test_missing_matplotlib_is_said(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "skgex\[plot\]"'):
        draw(None)


def test_axes_that_cannot_be_divided_are_refused():
    ax = plt.figure().add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(ValueError, match="cannot be divided into panels"):
        LossCurveDisplay(HISTORY).plot(ax=ax)


def test_importing_displays_does_not_import_matplotlib():
    code = "import sys, skgex.plotting; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
