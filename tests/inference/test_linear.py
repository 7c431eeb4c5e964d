"""Least squares, ridge and ridge with its choice of alpha, as estimators."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import skgex
from skgex import LeastSquaresRegressor, RidgeRegressor, RidgeRegressorCV
from skgex.preprocessing import GeneScaler

SCALINGS = ["standard", "rank-gaussian", None]
INCREMENTAL = [LeastSquaresRegressor(), RidgeRegressor(10.0), RidgeRegressor(np.arange(1.0, 8.0))]
EVERY = [*INCREMENTAL, RidgeRegressorCV(), RidgeRegressorCV(cv=3, alpha_per_target=True)]
ALPHAS = [0.1, 3.0, 100.0]


def _name(value):
    return type(value).__name__ if hasattr(value, "fit") else None


@parametrize_with_checks(
    [
        *(LeastSquaresRegressor(gene_scaling=scaling) for scaling in SCALINGS),
        *(RidgeRegressor(gene_scaling=scaling) for scaling in SCALINGS),
        *(RidgeRegressorCV(gene_scaling=scaling) for scaling in SCALINGS),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.fixture
def profiles():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(70, 6)) * [1, 2, 3, 4, 5, 6] + 8
    Y = X @ rng.normal(size=(6, 7)) + rng.normal(size=(70, 7)) * np.arange(1, 8)
    return X, Y


def _scaled(X, Y):
    return tuple((A - A.mean(axis=0)) / A.std(axis=0) for A in (X, Y))


# -- what is fitted ----------------------------------------------------------------------------
def test_least_squares_is_scikit_learns(profiles):
    X, Y = profiles
    weight = np.random.default_rng(1).uniform(size=70)
    expected = LinearRegression().fit(X, Y, weight)
    raw = LeastSquaresRegressor(gene_scaling=None).fit(X, Y, weight)
    np.testing.assert_allclose(raw.coef_, expected.coef_, atol=1e-10)
    np.testing.assert_allclose(raw.intercept_, expected.intercept_, atol=1e-10)
    scaled = LeastSquaresRegressor().fit(X, Y, weight)
    np.testing.assert_allclose(scaled.predict(X), expected.predict(X), atol=1e-10)


@pytest.mark.parametrize("n", [70, 5])
@pytest.mark.parametrize("alpha", [3.0, np.arange(1.0, 8.0)])
def test_ridge_penalises_coefficients_between_scaled_genes(profiles, n, alpha):
    X, Y = profiles[0][:n], profiles[1][:n]
    expected = Ridge(alpha).fit(*_scaled(X, Y))
    ridge = RidgeRegressor(alpha).fit(X, Y)
    np.testing.assert_allclose(ridge.coef_, expected.coef_, atol=1e-10)
    np.testing.assert_allclose(ridge.intercept_, 0, atol=1e-10)
    prediction = expected.predict(_scaled(X, Y)[0]) * Y.std(axis=0) + Y.mean(axis=0)
    np.testing.assert_allclose(ridge.predict(X), prediction, atol=1e-10)


def test_rank_gaussian_regresses_normal_scores(profiles):
    X, Y = profiles
    x_scaler, y_scaler = (GeneScaler("rank-gaussian").fit(A) for A in (X, Y))
    expected = Ridge(3.0).fit(x_scaler.transform(X), y_scaler.transform(Y))
    ridge = RidgeRegressor(3.0, gene_scaling="rank-gaussian").fit(X, Y)
    np.testing.assert_allclose(ridge.coef_, expected.coef_, atol=1e-10)
    prediction = y_scaler.inverse_transform(expected.predict(x_scaler.transform(X)))
    np.testing.assert_allclose(ridge.predict(X), prediction, atol=1e-10)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("estimator", EVERY, ids=_name)
def test_float32_predicts_what_float64_does(profiles, estimator, scaling):
    X, Y = (A.astype(np.float32) for A in profiles)
    model = clone(estimator).set_params(gene_scaling=scaling)
    single = model.fit(X, Y).predict(X)
    double = model.fit(X.astype(np.float64), Y.astype(np.float64)).predict(X)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, atol=1e-4 * Y.std())


@pytest.mark.parametrize("estimator", EVERY, ids=_name)
def test_unlabelled_profiles_are_left_out_without_scaling(profiles, estimator):
    X, Y = profiles
    Y_few = Y.copy()
    Y_few[::3] = np.nan
    labelled = ~np.isnan(Y_few[:, 0])
    model = clone(estimator).set_params(gene_scaling=None)
    few = model.fit(X, Y_few).predict(X)
    np.testing.assert_allclose(few, model.fit(X[labelled], Y[labelled]).predict(X), atol=1e-10)


def test_unlabelled_profiles_scale_the_measured_genes(profiles):
    X, Y = profiles
    Y[::3] = np.nan
    ridge = RidgeRegressor().fit(X, Y)
    np.testing.assert_allclose(ridge.x_scaler_.scale_, X.std(axis=0))
    np.testing.assert_allclose(ridge.y_scaler_.scale_, np.nanstd(Y, axis=0))


@pytest.mark.parametrize("n", [70, 5])
@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("estimator", EVERY, ids=_name)
def test_constant_genes(profiles, estimator, scaling, n):
    X, Y = profiles[0][:n], profiles[1][:n]
    X[:, 2] = Y[:, 3] = 0.1
    model = clone(estimator).set_params(gene_scaling=scaling).fit(X, Y)
    np.testing.assert_allclose(model.predict(X)[:, 3], 0.1, rtol=1e-12)
    # A constant gene tells nothing, also where it takes another value.
    X_new = X.copy()
    X_new[:, 2] = 5.0
    np.testing.assert_allclose(model.predict(X_new), model.predict(X), atol=1e-9)


# -- choice of alpha ---------------------------------------------------------------------------
@pytest.mark.parametrize("scoring", ["mse", "mae"])
def test_errors_are_those_of_refitting_on_scaled_genes(profiles, scoring):
    X, Y = profiles
    model = RidgeRegressorCV(ALPHAS, cv=4, scoring=scoring, alpha_per_target=True).fit(X, Y)
    Xs, Ys = _scaled(X, Y)
    for alpha, errors in zip(ALPHAS, model.cv_errors_, strict=True):
        residual = np.abs(Ys - cross_val_predict(Ridge(alpha), Xs, Ys, cv=KFold(4)))
        expected = (residual ** (2 if scoring == "mse" else 1)).mean(axis=0)
        np.testing.assert_allclose(errors, expected, rtol=1e-9)
    np.testing.assert_array_equal(model.alpha_, np.take(ALPHAS, model.cv_errors_.argmin(axis=0)))
    assert len(set(model.alpha_)) > 1
    together = RidgeRegressorCV(ALPHAS, cv=4, scoring=scoring).fit(X, Y)
    np.testing.assert_allclose(together.cv_errors_, model.cv_errors_.mean(axis=1))
    assert together.alpha_ == ALPHAS[together.cv_errors_.argmin()]


@pytest.mark.parametrize(
    "cv", [None, 5, GroupKFold(5).split(np.ones(70), groups=np.arange(70) % 9)]
)
def test_choice_is_refitted_on_all_profiles(profiles, cv):
    X, Y = profiles
    model = RidgeRegressorCV(cv=cv, alpha_per_target=True).fit(X, Y)
    expected = RidgeRegressor(model.alpha_).fit(X, Y)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-12)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-10)


def test_generalized_choice_is_close_to_leaving_one_out(profiles):
    X, Y = profiles
    closed, folds = (
        RidgeRegressorCV(cv=cv, alpha_per_target=True, gene_scaling=None).fit(X, Y)
        for cv in (None, 70)
    )
    np.testing.assert_allclose(closed.cv_errors_, folds.cv_errors_, rtol=0.1)


def test_grid_search_chooses_the_same(profiles):
    X, Y = profiles
    search = GridSearchCV(
        Ridge(), {"alpha": ALPHAS}, cv=KFold(5), scoring="neg_mean_squared_error"
    ).fit(X, Y)
    model = RidgeRegressorCV(ALPHAS, cv=KFold(5), gene_scaling=None).fit(X, Y)
    assert model.alpha_ == search.best_params_["alpha"]
    np.testing.assert_allclose(model.cv_errors_, -search.cv_results_["mean_test_score"])


def test_validation_profiles_choose(profiles):
    X, Y = profiles
    rng = np.random.default_rng(1)
    X_val = rng.normal(size=(40, 6)) + 8
    y_val = rng.normal(size=(40, 7))  # nothing of the training profiles holds here
    model = RidgeRegressorCV(ALPHAS, gene_scaling=None).fit(X, Y, X_val=X_val, y_val=y_val)
    for alpha, error in zip(ALPHAS, model.cv_errors_, strict=True):
        expected = np.square(Ridge(alpha).fit(X, Y).predict(X_val) - y_val).mean()
        np.testing.assert_allclose(error, expected)
    scaled = RidgeRegressorCV(ALPHAS).fit(X, Y, X_val=X_val, y_val=y_val)
    ridge = RidgeRegressor(ALPHAS[0]).fit(X, Y)
    residual = (ridge.predict(X_val) - y_val) / Y.std(axis=0)
    np.testing.assert_allclose(scaled.cv_errors_[0], np.square(residual).mean())


# -- batches -----------------------------------------------------------------------------------
@pytest.mark.parametrize("scaling", ["standard", None])
@pytest.mark.parametrize("estimator", INCREMENTAL, ids=_name)
@pytest.mark.parametrize("n", [70, 5])
def test_partial_fit_is_fit_on_all_profiles(profiles, estimator, scaling, n):
    X, Y = profiles[0][:n], profiles[1][:n]
    X = X + 1000
    X[:, 2] = 0.1
    weight = np.random.default_rng(1).integers(0, 3, size=n) + 0.5
    whole = clone(estimator).set_params(gene_scaling=scaling).fit(X, Y, weight)
    batches = clone(whole)
    for rows in (slice(0, 1), slice(1, 4), slice(4, 70)):
        batches.partial_fit(X[rows], Y[rows], weight[rows])
    np.testing.assert_allclose(batches.coef_, whole.coef_, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(batches.intercept_, whole.intercept_, atol=1e-8 * 1000)
    np.testing.assert_allclose(batches.predict(X), whole.predict(X), rtol=1e-8)
    for name in ("x_scaler_", "y_scaler_"):
        assert getattr(batches, name).method == scaling
        if scaling:
            np.testing.assert_allclose(getattr(batches, name).scale_, getattr(whole, name).scale_)


def test_partial_fit_leaves_unlabelled_profiles_out(profiles):
    X, Y = profiles
    Y[::3] = np.nan
    labelled = ~np.isnan(Y[:, 0])
    model = RidgeRegressor().partial_fit(X[:40], Y[:40]).partial_fit(X[40:], Y[40:])
    expected = RidgeRegressor().fit(X[labelled], Y[labelled])
    np.testing.assert_allclose(model.predict(X), expected.predict(X))


def test_partial_fit_continues_after_pickling_and_saving(profiles, tmp_path):
    X, Y = profiles
    first = RidgeRegressor().partial_fit(X[:40], Y[:40])
    skgex.save(first, tmp_path / "ridge.skgex")
    expected = RidgeRegressor().fit(X, Y).predict(X)
    for copy in (pickle.loads(pickle.dumps(first)), skgex.load(tmp_path / "ridge.skgex")):
        np.testing.assert_allclose(copy.partial_fit(X[40:], Y[40:]).predict(X), expected)


def test_fit_forgets_earlier_batches(profiles):
    X, Y = profiles
    model = RidgeRegressor().partial_fit(X[:40], Y[:40]).fit(X[40:], Y[40:])
    expected = RidgeRegressor().fit(X[40:], Y[40:]).predict(X)
    np.testing.assert_array_equal(model.predict(X), expected)
    with pytest.warns(UserWarning, match="starts anew"):
        model.partial_fit(X[:40], Y[:40])
    np.testing.assert_allclose(model.predict(X), RidgeRegressor().fit(X[:40], Y[:40]).predict(X))


def test_partial_fit_refuses_other_genes(profiles):
    X, Y = profiles
    model = RidgeRegressor().partial_fit(X, Y)
    with pytest.raises(ValueError, match="X has 5 features"):
        model.partial_fit(X[:, :5], Y)
    with pytest.raises(ValueError, match="3 targets, but this RidgeRegressor was fitted on 7"):
        model.partial_fit(X, Y[:, :3])
    np.testing.assert_allclose(model.predict(X), RidgeRegressor().fit(X, Y).predict(X))


def test_partial_fit_refuses_targets_in_another_order(profiles):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    X, Y = profiles[0], pd.DataFrame(profiles[1], columns=list("abcdefg"))
    model = RidgeRegressor().partial_fit(X, Y)
    with pytest.raises(ValueError, match="y has other genes, or another order"):
        model.partial_fit(X, Y[list("gfedcba")])


def test_profiles_that_a_bad_alpha_refused_are_not_counted(profiles):
    X, Y = profiles
    model = RidgeRegressor().partial_fit(X[:40], Y[:40])
    with pytest.raises(ValueError, match="alpha has shape"):
        model.set_params(alpha=[1.0, 2.0]).partial_fit(X[40:], Y[40:])
    model.set_params(alpha=1.0).partial_fit(X[40:], Y[40:])
    np.testing.assert_allclose(model.predict(X), RidgeRegressor().fit(X, Y).predict(X))


def test_partial_fit_cannot_rank():
    model = RidgeRegressor(gene_scaling="rank-gaussian")
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as error:
        model.partial_fit([[0.0], [1.0]], [0.0, 1.0])
    assert "cannot rank profiles that it has not seen" in str(error.value.__cause__)


# -- kinds of input ----------------------------------------------------------------------------
@pytest.mark.parametrize("estimator", EVERY, ids=_name)
def test_tables_tensors_and_pickles(profiles, estimator):
    pd = pytest.importorskip("pandas")
    X, Y = profiles
    expected = clone(estimator).fit(X, Y)
    genes, targets = [f"L{i}" for i in range(6)], [f"T{i}" for i in range(7)]
    tables = pd.DataFrame(X, columns=genes), pd.DataFrame(Y, columns=targets)
    model = pickle.loads(pickle.dumps(clone(estimator).fit(*tables)))
    assert list(model.feature_names_in_) == genes
    assert list(model.target_names_) == targets
    np.testing.assert_allclose(model.predict(tables[0]), expected.predict(X))
    tensors = torch.from_numpy(X), torch.from_numpy(Y)
    prediction = clone(estimator).fit(*tensors).predict(tensors[0])
    assert isinstance(prediction, torch.Tensor)
    np.testing.assert_array_equal(prediction, expected.predict(X))


@pytest.mark.parametrize("estimator", EVERY, ids=_name)
def test_saved_models_predict_the_same(profiles, estimator, tmp_path):
    X, Y = profiles
    model = make_pipeline(clone(estimator)).fit(X, Y)
    skgex.save(model, tmp_path / "model.skgex")
    loaded = skgex.load(tmp_path / "model.skgex")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize("estimator", [RidgeRegressor(2.0), RidgeRegressorCV()], ids=_name)
def test_one_dimensional_targets(profiles, estimator):
    X, Y = profiles
    model = estimator.fit(X, Y[:, 0])
    assert model.coef_.shape == (6,)
    assert np.ndim(model.intercept_) == 0
    expected = clone(estimator).fit(X, Y[:, :1]).predict(X)
    np.testing.assert_array_equal(model.predict(X), expected[:, 0])


def test_reversed_arrays_and_read_only_arrays(profiles):
    X, Y = profiles
    expected = RidgeRegressor().fit(X, Y).predict(X)
    for A in profiles:
        A.flags.writeable = False
    np.testing.assert_allclose(RidgeRegressor().fit(X[::-1], Y[::-1]).predict(X), expected)


# -- bad input ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "alpha, message",
    [
        ([1.0, 2.0], "alpha has shape .* 7 targets"),
        ([1.0] * 6 + [-1.0], "not negative"),
        ([1.0] * 6 + [np.nan], "finite"),
    ],
)
def test_bad_alpha(profiles, alpha, message):
    with pytest.raises(ValueError, match=message):
        RidgeRegressor(alpha).fit(*profiles)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"alphas": [1.0, 0.0]}, "alphas must be a list of positive numbers"),
        ({"alphas": []}, "alphas must be a list of positive numbers"),
        ({"scoring": "mae"}, "no closed form: set cv=5"),
    ],
)
def test_bad_choice(profiles, params, message):
    with pytest.raises(ValueError, match=message):
        RidgeRegressorCV(**params).fit(*profiles)


def test_choice_by_weights_needs_counts(profiles):
    with pytest.raises(ValueError, match="The weights sum to 1"):
        RidgeRegressorCV().fit(*profiles, sample_weight=np.full(70, 1 / 70))
    no_weight = np.repeat([0.0, 1.0], 35)
    with pytest.raises(ValueError, match="no profile of positive weight"):
        RidgeRegressorCV(cv=2).fit(*profiles, sample_weight=no_weight)


def test_choice_names_the_alpha_that_leaves_no_degrees_of_freedom(profiles):
    X, Y = np.random.default_rng(0).normal(size=(5, 6)) * 1e7, profiles[1][:5]
    with pytest.raises(ValueError, match=r"alpha=0\.01, .* leave out small alphas"):
        RidgeRegressorCV([0.01, 1e14], gene_scaling=None).fit(X, Y)
    RidgeRegressorCV([1e14], gene_scaling=None).fit(X, Y)


def test_validation_profiles_come_in_pairs(profiles):
    X, Y = profiles
    with pytest.raises(ValueError, match="belong together"):
        RidgeRegressorCV().fit(X, Y, X_val=X)
    with pytest.raises(ValueError, match="y_val has 3 targets"):
        RidgeRegressorCV().fit(X, Y, X_val=X, y_val=Y[:, :3])


@pytest.mark.parametrize("estimator", EVERY, ids=_name)
def test_incomplete_rows_are_refused(profiles, estimator):
    X, Y = profiles
    Y[4, 2] = np.nan
    with pytest.raises(ValueError, match="the first is row 4"):
        clone(estimator).fit(X, Y)
    Y[:] = np.nan
    with pytest.raises(ValueError, match="no labelled profile"):
        clone(estimator).fit(X, Y)
