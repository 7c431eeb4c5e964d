"""Metrics against formulas written out, and what they say to bad input."""

import json
import pickle
import sys
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from skgex.metrics import (
    GeneSummary,
    concordance_scorer,
    gene_concordance,
    gene_mean_absolute_error,
    gene_pearson,
    gene_report,
    mae_scorer,
    pearson_scorer,
    profile_pearson,
    summarize,
    summarize_report,
)

METRICS = [gene_mean_absolute_error, gene_concordance, gene_pearson, profile_pearson]


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    y_true = rng.normal(7, 2, size=(40, 6))
    return y_true, 0.6 * y_true + rng.normal(3, 1, size=y_true.shape)


@pytest.fixture
def tiny_blocks(monkeypatch):
    monkeypatch.setattr("skgex._utils._blocks._BLOCK_BYTES", 8 * 40 * 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metrics_agree_with_their_formulas_across_blocks(pair, dtype, tiny_blocks):
    y_true, y_pred = (y.astype(dtype) for y in pair)
    t, p = y_true.astype(float), y_pred.astype(float)
    rho = pearsonr(t, p).statistic
    shift = (t.mean(0) - p.mean(0)) ** 2
    concordance = 2 * rho * t.std(0) * p.std(0) / (t.var(0) + p.var(0) + shift)

    np.testing.assert_allclose(gene_mean_absolute_error(y_true, y_pred), abs(t - p).mean(0))
    np.testing.assert_allclose(gene_pearson(y_true, y_pred), rho)
    np.testing.assert_allclose(gene_concordance(y_true, y_pred), concordance)
    np.testing.assert_allclose(profile_pearson(y_true, y_pred), pearsonr(t, p, axis=1).statistic)
    assert gene_pearson(y_true, y_pred).dtype == np.float64


def test_concordance_charges_for_shift_and_shrinkage_pearson_does_not(pair):
    y, _ = pair
    np.testing.assert_allclose(gene_concordance(y, y), 1)
    np.testing.assert_allclose(gene_concordance(y, -y + 2 * y.mean(0)), -1)
    np.testing.assert_allclose(gene_pearson(y, 0.5 * y + 1), 1)
    assert (gene_concordance(y, y + 1) < 0.95).all()
    assert (gene_concordance(y, 0.5 * y + 0.5 * y.mean(0)) < 0.85).all()


def test_a_large_offset_costs_no_digits(pair):
    y_true, y_pred = pair
    np.testing.assert_allclose(
        gene_pearson(y_true + 1e6, y_pred - 1e6), gene_pearson(y_true, y_pred), rtol=1e-7
    )


def test_a_vector_is_one_gene_and_frames_are_tables(pair):
    y_true, y_pred = pair
    assert gene_pearson(y_true[:, 0], y_pred[:, 0]).shape == (1,)
    frame = pd.DataFrame(y_true)
    np.testing.assert_array_equal(
        gene_mean_absolute_error(frame, y_pred), gene_mean_absolute_error(y_true, y_pred)
    )


def test_constant_genes_are_nan_with_one_warning_that_counts_them(pair, tiny_blocks):
    y_true, y_pred = pair
    y_true[:, [1, 4]] = 0.1  # the mean of 40 times 0.1 is not exactly 0.1
    for metric in (gene_concordance, gene_pearson):
        with pytest.warns(UndefinedMetricWarning, match=r"2 of 6 genes") as record:
            values = metric(y_true, y_pred)
        assert len(record) == 1
        assert record[0].filename == __file__
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(values)), [1, 4])


def test_a_constant_prediction_has_no_concordance_and_no_pearson(pair):
    y_true, y_pred = pair
    y_pred[:, 2] = 7.0
    assert gene_concordance(y_true, y_pred)[2] == pytest.approx(0, abs=1e-12)
    with pytest.warns(UndefinedMetricWarning, match="1 of 6 genes"):
        assert np.isnan(gene_pearson(y_true, y_pred)[2])


def test_an_all_zero_profile_is_nan(pair):
    y_true, y_pred = pair
    y_true[3] = 0
    with pytest.warns(UndefinedMetricWarning, match="1 of 40 profiles"):
        values = profile_pearson(y_true, y_pred)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(values)), [3])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_are_refused_with_their_place(metric, bad, pair):
    y_true, y_pred = pair
    y_pred[5, 2] = bad
    with pytest.raises(ValueError, match=r"y_pred holds 1 NaN or infinite .* sample 5, gene 2"):
        metric(y_true, y_pred)


@pytest.mark.parametrize("metric", METRICS)
def test_unequal_tables_are_refused(metric, pair):
    y_true, y_pred = pair
    with pytest.raises(ValueError, match=r"shape \(40, 6\) and y_pred \(40, 5\)"):
        metric(y_true, y_pred[:, :5])
    with pytest.raises(ValueError, match="at least one of each"):
        metric(y_true[:0], y_pred[:0])
    with pytest.raises(ValueError, match="y_true must hold numbers only"):
        metric([["high", "low"]], [[1.0, 2.0]])
    frame = pd.DataFrame(y_true, columns=list("abcdef"))
    with pytest.raises(ValueError, match="another order"):
        metric(frame, frame[list("fedcba")])


def test_huge_finite_values_are_not_mistaken_for_infinite():
    y = np.array([[3e38, 1.0], [3e38, 2.0]], dtype=np.float32)
    np.testing.assert_array_equal(gene_mean_absolute_error(y, y), [0, 0])


def test_temporaries_stay_below_the_input():
    y_true = np.random.default_rng(0).normal(size=(1000, 20_000)).astype(np.float32)
    y_pred = y_true + np.float32(1)
    for metric in (gene_mean_absolute_error, gene_concordance, profile_pearson):
        tracemalloc.start()
        metric(y_true, y_pred)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.5 * (y_true.nbytes + y_pred.nbytes)


def test_summary_reads_like_the_papers():
    assert str(GeneSummary(0.37049, 0.04321, 1374, 0)) == "0.3705 ± 0.0432 (1374 genes)"
    summary = summarize([1.0, 3.0, np.nan])
    assert summary == (2.0, 1.0, 2, 1)
    assert str(summary).endswith("(2 genes, 1 undefined)")
    nothing = summarize([np.nan])
    assert np.isnan(nothing.mean) and nothing.n_genes == 0


def test_scorers_prefer_the_better_model(pair):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 5))
    y = X @ rng.normal(size=(5, 4)) + 0.1 * rng.normal(size=(60, 4))
    for scorer in (mae_scorer, concordance_scorer, pearson_scorer):
        scorer = pickle.loads(pickle.dumps(scorer))
        search = GridSearchCV(Ridge(), {"alpha": [1e-2, 1e6]}, scoring=scorer, cv=3).fit(X, y)
        assert search.best_params_ == {"alpha": 1e-2}
    model = Ridge().fit(X, y)
    assert mae_scorer(model, X, y) == pytest.approx(-abs(model.predict(X) - y).mean())


def test_scorer_leaves_constant_genes_out():
    X = np.arange(6.0).reshape(-1, 1)
    y = np.hstack([X, np.ones_like(X)])
    with pytest.warns(UndefinedMetricWarning):
        assert concordance_scorer(Ridge(alpha=1e-9).fit(X, y), X, y) == pytest.approx(1)


@pytest.fixture
def report_input():
    rng = np.random.default_rng(0)
    y_true = rng.normal(size=(2000, 5))
    noise = rng.normal(size=y_true.shape)
    rho = np.array([0.95, 0.65, 0.3, 0.0, 0.0])
    y_pred = (
        rho**2 * y_true + rho * np.sqrt(1 - rho**2) * noise
    )  # least squares at correlation rho
    y_true[:, 4] = 3.0
    return pd.DataFrame(y_true, columns=list("ABCDE")), y_pred


def test_report_grades_genes(report_input):
    with pytest.warns(UndefinedMetricWarning, match="1 of 5") as record:
        report = gene_report(*report_input, landmark_genes=["B", "Z"])
    assert len(record) == 1
    assert list(report["gene"]) == list("ABCDE")
    assert list(report["reliability"]) == ["high", "medium", "low", "none", "undefined"]
    assert list(report["is_landmark_twin"]) == [False, True, False, False, False]
    np.testing.assert_allclose(report["relative_error"][:3], [0.31, 0.76, 0.95], atol=0.03)
    np.testing.assert_allclose(
        report["relative_error"][:4], (report["mae"] / report["mae_mean_predictor"])[:4]
    )

    summary = summarize_report(report)
    assert summary["all"]["mae"] == summarize(report["mae"])
    assert summary["without_twins"]["pearson"] == summarize(report["pearson"].drop(index=1))
    assert summary["all"]["reliability"]["medium"] == 1
    assert summary["without_twins"]["reliability"]["medium"] == 0
    json.dumps(summary)


def test_report_compares_with_training_means(report_input):
    y_true, y_pred = (np.asarray(y)[:, :3] for y in report_input)
    report = gene_report(y_true, y_pred, baseline=[1.0, 0.0, 0.0])
    assert report["mae_mean_predictor"][0] == pytest.approx(abs(y_true[:, 0] - 1).mean())
    assert list(report["gene"]) == ["x0", "x1", "x2"]


def test_report_without_pandas_has_the_same_columns(report_input, monkeypatch):
    y_true, y_pred = report_input
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        frame = gene_report(y_true, y_pred, landmark_genes=["A"])
        monkeypatch.setitem(sys.modules, "pandas", None)
        table = gene_report(np.asarray(y_true), y_pred, genes=list("ABCDE"), landmark_genes=["A"])
    assert isinstance(table, np.ndarray)
    assert list(table.dtype.names) == list(frame.columns)
    np.testing.assert_array_equal(table["reliability"], frame["reliability"].to_numpy(dtype=str))
    assert (
        summarize_report(table)["without_twins"]["reliability"]
        == (summarize_report(frame)["without_twins"]["reliability"])
    )


def test_report_refuses_lists_of_another_length(pair):
    with pytest.raises(ValueError, match="genes has 2 entries, but y_true has 6"):
        gene_report(*pair, genes=["A", "B"])
    with pytest.raises(ValueError, match="baseline has 1 entries"):
        gene_report(*pair, baseline=[0.0])
