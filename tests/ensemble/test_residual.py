"""An estimator and another one for what it leaves: formula, honesty, and what may be nested."""

import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import skgex
from skgex import KNNRegressor, LeastSquaresRegressor, ResidualRegressor, RidgeRegressorCV

RNG = np.random.default_rng(0)
N = 200
X, X_NEW = RNG.normal(3, 1, (N, 4)), RNG.normal(3, 1, (300, 4))
W, V = RNG.normal(size=(4, 6)), RNG.normal(size=(4, 6))


def truth(X, curved=1.0):
    return X @ W + 3 * curved * np.sin(X - 3) ** 2 @ V


Y = truth(X) + 0.1 * RNG.normal(size=(N, 6))
SPLITS = list(KFold(4).split(X))
STUDIES = np.arange(N) // 20
close = np.testing.assert_allclose


def error(model, curved=1.0):
    return np.square(model.predict(X_NEW) - truth(X_NEW, curved)).mean()


# -- the formula -------------------------------------------------------------------------------
@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["2-D", "1-D"])
def test_it_adds_what_the_second_learns_of_out_of_fold_residuals(y):
    params = dict(cv=SPLITS, shrinkage=0.7, gene_scaling=None)
    model = ResidualRegressor(LinearRegression(), KNeighborsRegressor(), **params).fit(X, y)
    left = y - cross_val_predict(LinearRegression(), X, y, cv=SPLITS)
    first, second = LinearRegression().fit(X, y), KNeighborsRegressor().fit(X, left)
    close(model.predict(X_NEW), first.predict(X_NEW) + 0.7 * second.predict(X_NEW))
    assert model.shrinkage_ == 0.7


@pytest.mark.parametrize("weight", [None, RNG.uniform(size=N)], ids=["unweighted", "weighted"])
def test_the_shrinkage_is_least_squares_on_the_last_fold(weight):
    slopes = Ridge(1e-9), Ridge(30.0)
    params = dict(cv=SPLITS, gene_scaling=None)
    model = ResidualRegressor(Ridge(1e3), slopes[1], **params).fit(X, Y, sample_weight=weight)
    left = Y.copy()
    w = np.ones(N) if weight is None else weight
    for train, test in SPLITS:
        left[test] -= Ridge(1e3).fit(X[train], Y[train], w[train]).predict(X[test])
    train, test = SPLITS[-1]
    found = Ridge(30.0).fit(X[train], left[train], w[train]).predict(X[test])
    w = w[test][:, None]
    factor = (w * found * left[test]).sum() / (w * found**2).sum()
    assert model.shrinkage_ == pytest.approx(min(1, factor))
    assert 0.5 < model.shrinkage_ <= 1


@pytest.mark.parametrize("scaling", ["standard", "range"])
def test_residuals_are_taken_between_scaled_genes(scaling):
    params = dict(cv=SPLITS, shrinkage=1.0, gene_scaling=scaling)
    model = ResidualRegressor(LinearRegression(), KNeighborsRegressor(), **params)
    units, shift = np.array([1e-3, 1, 1, 1, 1, 1e3]), 8.0
    expected = clone(model).fit(X, Y).predict(X_NEW)
    close(model.fit(X, Y * units + shift).predict(X_NEW), expected * units + shift, rtol=1e-6)
    assert np.abs(model.residual_estimator_._y).std(axis=0).max() < 1


@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["2-D", "1-D"])
def test_the_second_may_see_what_the_first_infers_out_of_fold(y):
    params = dict(cv=SPLITS, shrinkage=0.7, residual_inputs="inferred", gene_scaling=None)
    model = ResidualRegressor(LinearRegression(), KNeighborsRegressor(), **params).fit(X, y)
    inferred = cross_val_predict(LinearRegression(), X, y, cv=SPLITS)
    first = LinearRegression().fit(X, y).predict(X_NEW)
    second = KNeighborsRegressor().fit(inferred.reshape(N, -1), y - inferred)
    close(model.predict(X_NEW), first + 0.7 * second.predict(first.reshape(300, -1)))


# -- it is honest ------------------------------------------------------------------------------
# The second leaves nothing of the profiles that it has learned, and nearly all of others.
@pytest.mark.parametrize(
    "first", [RidgeRegressorCV(), KernelRidge(alpha=1e-6, kernel="rbf", gamma=30)], ids=repr
)
def test_it_infers_new_profiles_better_than_the_first_alone(first):
    second = skgex.KernelRidgeRegressor(random_state=0)
    model = ResidualRegressor(first, second, random_state=0).fit(X, Y)
    assert model.shrinkage_ > 0.5
    assert error(model) < 0.6 * error(clone(first).fit(X, Y))


def test_a_correction_that_only_learns_noise_is_shrunk():
    rng = np.random.default_rng(1)
    noisy = truth(X, curved=0) + rng.normal(size=Y.shape)
    params = dict(random_state=0)
    first, second = RidgeRegressorCV(), KNNRegressor(1)
    model = ResidualRegressor(first, second, **params).fit(X, noisy)
    assert model.shrinkage_ < 0.1
    unshrunk = ResidualRegressor(first, second, shrinkage=1.0, **params).fit(X, noisy)
    assert error(model, 0) < 0.2 * error(unshrunk, 0)
    alone = clone(first).fit(X, noisy)
    close(model.set_params(shrinkage=0).fit(X, noisy).predict(X_NEW), alone.predict(X_NEW))


def test_the_last_folds_are_held_out_until_they_make_a_tenth():
    model = ResidualRegressor(LinearRegression(), KNeighborsRegressor(), cv=KFold(40)).fit(X, Y)
    assert len(model.residual_estimator_._fit_X) == 180


def test_profiles_that_no_fold_holds_out_have_no_residual():
    params = dict(shrinkage=1.0, gene_scaling=None)
    some = [(np.arange(100, N), np.arange(50)), (np.arange(50, N), np.arange(50))]
    model = ResidualRegressor(Ridge(), KNeighborsRegressor(), cv=some, **params).fit(X, Y)
    np.testing.assert_array_equal(
        model.residual_estimator_._fit_X, model.x_scaler_.transform(X[:50])
    )
    both = [Ridge().fit(X[train], Y[train]).predict(X[:50]) for train, _ in some]
    close(model.residual_estimator_._y, Y[:50] - np.mean(both, axis=0))


def test_whole_studies_are_held_out_where_they_are_told():
    models = [
        ResidualRegressor(LinearRegression(), KNeighborsRegressor(), cv=cv).fit(X, Y, groups=told)
        for cv, told in [
            (GroupKFold(5), STUDIES),
            (list(GroupKFold(5).split(X, groups=STUDIES)), None),
        ]
    ]
    assert models[0].shrinkage_ == models[1].shrinkage_
    close(models[0].predict(X_NEW), models[1].predict(X_NEW))
    model = ResidualRegressor(LinearRegression(), KNeighborsRegressor(), random_state=0)
    learned = model.fit(X, Y, groups=STUDIES).residual_estimator_._fit_X
    seen = (model.x_scaler_.transform(X)[:, None] == learned).all(axis=2).any(axis=1)
    assert set(seen.reshape(10, 20).sum(axis=1)) == {0, 20}


# -- what it is made of ------------------------------------------------------------------------
class Counts(Ridge):
    """Remembers what it was fitted to."""

    def fit(self, X, y, sample_weight=None):
        self.n_ = len(y)
        return super().fit(X, y, sample_weight)


class CountsProfiles(LeastSquaresRegressor):
    def fit(self, X, y, sample_weight=None):
        self.n_ = len(y)
        return super().fit(X, y, sample_weight)


def test_unlabelled_profiles_go_to_the_estimators_that_take_them():
    partly = Y.copy()
    partly[:30] = np.nan
    for first, n in ((Counts(), 170), (CountsProfiles(), 200)):
        for pipe in (first, make_pipeline(StandardScaler(), first)):
            model = ResidualRegressor(pipe, clone(first), random_state=0).fit(X, partly)
            last = model.estimator_[-1] if pipe is not first else model.estimator_
            assert last.n_ == n
            assert np.isfinite(model.predict(X_NEW)).all()
            assert model.residual_estimator_.n_ == (136 if n == 170 else 200)
            model.set_params(residual_inputs="inferred").fit(X, partly)
            assert np.isfinite(model.predict(X_NEW)).all()


@pytest.mark.parametrize("fold", range(4))
def test_folds_of_no_weight_are_left_out(fold):
    weight, there = np.ones(N), np.ones(N, bool)
    weight[SPLITS[fold][1]] = there[SPLITS[fold][1]] = 0
    model = ResidualRegressor(Ridge(1e3), Ridge(30.0), cv=SPLITS)
    found = clone(model).fit(X, Y, sample_weight=weight)
    row = np.cumsum(there) - 1
    splits = [[row[part[there[part]]] for part in split] for split in SPLITS]
    del splits[fold]
    expected = model.set_params(cv=splits).fit(X[there], Y[there])
    assert found.shrinkage_ == pytest.approx(expected.shrinkage_)
    assert found.shrinkage_ > 0.5
    close(found.predict(X_NEW), expected.predict(X_NEW))


@pytest.mark.parametrize("cv", [4, KFold(4), GroupKFold(4), None], ids=str)
def test_profiles_of_no_weight_are_as_if_they_were_not_there(cv):
    weight, partly = np.ones(N), Y.copy()
    weight[::7] = weight[150:] = 0  # the last fold, were they counted
    partly[::3] = np.nan
    there = weight > 0
    told = STUDIES if isinstance(cv, GroupKFold) else None
    model = ResidualRegressor(Ridge(1e3), CountsProfiles(), cv=cv, random_state=0)
    found = clone(model).fit(X, partly, sample_weight=weight, groups=told)
    expected = model.fit(X[there], partly[there], groups=told if told is None else told[there])
    assert found.shrinkage_ == pytest.approx(expected.shrinkage_)
    assert found.shrinkage_ > 0.5
    assert found.residual_estimator_.n_ == expected.residual_estimator_.n_
    close(found.predict(X_NEW), expected.predict(X_NEW))


def test_estimators_of_one_target_and_parameters_of_both_can_be_searched():
    model = ResidualRegressor(Lasso(), SVR(), random_state=0)
    grid = {"estimator__alpha": [0.01, 100.0], "residual_estimator__C": [1e-3, 10.0]}
    search = GridSearchCV(model, grid, cv=2).fit(X, Y[:, 0])
    assert search.best_params_ == {"estimator__alpha": 0.01, "residual_estimator__C": 10.0}
    assert search.predict(X_NEW).shape == (300,)


def test_saved_and_pickled_models_with_nested_estimators_infer_the_same(tmp_path):
    first = make_pipeline(StandardScaler(), skgex.RidgeRegressor(2.0))
    second = skgex.DenseNetRegressor(8, max_epochs=3, random_state=0)
    model = ResidualRegressor(first, second, shrinkage=0.5, random_state=0).fit(X, Y)
    skgex.save(model, tmp_path / "model.skgex")
    for same in (skgex.load(tmp_path / "model.skgex"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(same.predict(X_NEW), model.predict(X_NEW))
        assert same.get_params()["estimator__ridgeregressor__alpha"] == 2.0
        np.testing.assert_array_equal(clone(same).fit(X, Y).predict(X), model.predict(X))


def test_by_default_ridge_has_the_same_scaling_and_a_net_learns_the_rest():
    model = ResidualRegressor(gene_scaling="rank-gaussian", random_state=0).fit(X, Y)
    assert isinstance(model.estimator_, RidgeRegressorCV)
    assert model.estimator_.gene_scaling == "rank-gaussian"
    assert isinstance(model.residual_estimator_, skgex.DGEXRegressor)
    assert error(model) < 0.9 * error(model.estimator_)
    model = ResidualRegressor(None, Ridge(), gene_scaling="range").fit(X, Y)
    assert model.estimator_.gene_scaling == "standard"


@pytest.mark.parametrize("scaling", ["standard", None])
def test_a_decoder_sees_measurements_as_its_matrix_says(scaling):
    data, _ = skgex.make_expression(300, 20, 30, random_state=0)
    measure = skgex.CompositeMeasurement(12, random_state=0)
    P, Z = data.X, measure.fit_transform(data.X)
    wiener = skgex.WienerRegressor(measure.components_)
    model = ResidualRegressor(wiener, KNNRegressor(), gene_scaling=scaling, random_state=0)
    model.fit(Z, P)
    assert model.estimator_.noise_ < 1e-6 * P.std()
    np.testing.assert_array_equal(model.estimator_.predict(Z), clone(wiener).fit(Z, P).predict(Z))


@pytest.mark.parametrize("n_pipelines", range(3))
@pytest.mark.parametrize("routing", [False, True], ids=["", "routing"])
def test_studies_are_told_to_an_estimator_that_takes_them(n_pipelines, routing):
    data, _ = skgex.make_expression(100, 10, 10, random_state=0)
    Z, studies = data.X[:, :10], np.arange(100) // 10
    wiener = skgex.WienerRegressor(cv=GroupKFold(3))
    expected = clone(wiener).fit(Z, data.X, groups=studies)
    with config_context(enable_metadata_routing=routing):
        estimator = wiener.set_fit_request(groups=True) if routing else wiener
        for _ in range(n_pipelines):
            estimator = make_pipeline(StandardScaler(with_mean=False, with_std=False), estimator)
        last = ResidualRegressor(estimator, KNNRegressor()).fit(Z, data.X, groups=studies)
        last = last.estimator_
    for _ in range(n_pipelines):
        last = last[-1]
    np.testing.assert_array_equal(last.cv_errors_, expected.cv_errors_)


@pytest.mark.parametrize("routing", [False, True], ids=["", "routing"])
def test_a_pipeline_that_takes_no_studies_is_told_none(routing):
    pipe = make_pipeline(StandardScaler(), Ridge())
    with config_context(enable_metadata_routing=routing):
        model = ResidualRegressor(pipe, Ridge()).fit(X, Y, groups=STUDIES)
    assert np.isfinite(model.predict(X_NEW)).all()


# -- bad input ---------------------------------------------------------------------------------
def test_too_few_profiles_are_refused_and_three_are_enough():
    with pytest.raises(ValueError, match=r"y has 2 labelled rows .* at least 3"):
        ResidualRegressor(Ridge(), Ridge()).fit(X[:2], Y[:2])
    model = ResidualRegressor(skgex.RidgeRegressor(), skgex.RidgeRegressor(), random_state=0)
    assert np.isfinite(model.fit(X[:3], Y[:3]).predict(X_NEW)).all()


def test_folds_that_leave_no_residuals_are_refused():
    model = ResidualRegressor(Ridge(), Ridge(), cv=SPLITS[:1])
    message = "cv leaves 0 labelled profiles to learn residuals from"
    with pytest.raises(ValueError, match=message) as found:
        model.fit(X, Y)
    assert len(str(found.value)) < 200  # it does not list the splits
    model.set_params(shrinkage=1.0).fit(X, Y)


@pytest.mark.parametrize("weight", [None, np.ones(N)], ids=["unweighted", "weighted"])
def test_splits_of_other_profiles_are_refused(weight):
    model = ResidualRegressor(Ridge(), Ridge(), cv=SPLITS)
    params = {} if weight is None else {"sample_weight": weight}
    with pytest.raises(ValueError, match=r"cv names profile 199, but there are 13. labelled"):
        cross_validate(model, X, Y, cv=3, params=params, error_score="raise")


def test_weights_that_an_estimator_does_not_take_are_refused():
    with pytest.raises(ValueError, match="KNeighborsRegressor does not take sample_weight"):
        ResidualRegressor(Ridge(), KNeighborsRegressor()).fit(X, Y, sample_weight=np.ones(N))


@pytest.mark.parametrize("shrinkage", [-0.1, 1.1, "auto"])
def test_a_shrinkage_that_is_no_share_is_refused(shrinkage):
    with pytest.raises(ValueError, match="'shrinkage' parameter"):
        ResidualRegressor(Ridge(), Ridge(), shrinkage=shrinkage).fit(X, Y)
