"""Lasso, kernel ridge and nearest neighbours as estimators."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso
from sklearn.neighbors import KNeighborsRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from skgex import KernelRidgeRegressor, KNNGeneRegressor, KNNRegressor, LassoRegressor
from skgex.preprocessing import GeneScaler

SCALINGS = ["standard", "rank-gaussian", None]
EVERY = [
    LassoRegressor(),
    LassoRegressor(alpha=np.linspace(0.01, 0.2, 12)),
    KernelRidgeRegressor(),
    KernelRidgeRegressor(1.0, gamma="scale"),
    KernelRidgeRegressor(approximation="nystroem", n_components=15, random_state=0),
    KNNRegressor(),
    KNNRegressor(3, weights="distance"),
    KNNGeneRegressor(),
]
by_name = pytest.mark.parametrize("estimator", EVERY, ids=repr)


@parametrize_with_checks(
    [
        *(LassoRegressor(gene_scaling=scaling) for scaling in SCALINGS),
        *(KernelRidgeRegressor(gene_scaling=scaling) for scaling in SCALINGS),
        KernelRidgeRegressor(0.1, kernel="linear"),
        KernelRidgeRegressor(approximation="nystroem", n_components=20, random_state=0),
        *(KNNRegressor(gene_scaling=scaling) for scaling in SCALINGS),
        KNNRegressor(3, weights="distance"),
        *(KNNGeneRegressor(gene_scaling=scaling) for scaling in SCALINGS),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.fixture
def profiles():
    rng = np.random.default_rng(0)
    modules = rng.normal(size=(60, 4))
    X = modules @ rng.normal(size=(4, 20)) + rng.normal(size=(60, 20)) + 8
    Y = np.tanh(modules) @ rng.normal(size=(4, 12)) + 0.3 * rng.normal(size=(60, 12)) + 5
    return X, Y


def standardised(*arrays):
    return tuple((A - A.mean(axis=0)) / A.std(axis=0) for A in arrays)


# -- what every method keeps -------------------------------------------------------------------
@by_name
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_tensors_and_pickle(estimator, dtype, profiles):
    X, Y = (A.astype(dtype) for A in profiles)
    fitted = clone(estimator).fit(X, Y)
    predicted = fitted.predict(X)
    assert predicted.dtype == dtype and predicted.shape == Y.shape
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), predicted)
    of_tensors = clone(estimator).fit(torch.from_numpy(X), torch.from_numpy(Y))
    from_tensor = of_tensors.predict(torch.from_numpy(X))
    assert isinstance(from_tensor, torch.Tensor)
    np.testing.assert_array_equal(from_tensor.numpy(), predicted)


@by_name
def test_unlabelled_rows_only_scale_the_inputs(estimator, profiles):
    X, Y = profiles
    estimator = clone(estimator).set_params(gene_scaling=None)
    expected = clone(estimator).fit(X[:40], Y[:40]).predict(X)
    Y[40:] = np.nan
    np.testing.assert_allclose(estimator.fit(X, Y).predict(X), expected)
    scaled = clone(estimator).set_params(gene_scaling="standard").fit(X, Y)
    np.testing.assert_allclose(scaled.x_scaler_.mean_, X.mean(axis=0))
    np.testing.assert_allclose(scaled.y_scaler_.mean_, Y[:40].mean(axis=0))


@by_name
def test_constant_genes(estimator, profiles):
    X, Y = profiles
    X[:, 0], Y[:, 0] = 3.3, 7.7
    predicted = clone(estimator).fit(X, Y).predict(X + 1)
    assert np.isfinite(predicted).all()
    if not isinstance(estimator, KNNGeneRegressor):  # which shows its neighbours' variation
        np.testing.assert_allclose(predicted[:, 0], 7.7)


@by_name
def test_data_frames_give_gene_names(estimator, profiles):
    pd = pytest.importorskip("pandas", reason="tables need the extra 'bio'")
    X, Y = profiles
    table = pd.DataFrame(X, columns=[f"L{i}" for i in range(20)])
    targets = pd.DataFrame(Y, columns=[f"T{i}" for i in range(12)])
    fitted = clone(estimator).fit(table, targets)
    assert list(fitted.feature_names_in_) == list(table) and list(fitted.target_names_) == list(
        targets
    )
    np.testing.assert_array_equal(fitted.predict(table), clone(estimator).fit(X, Y).predict(X))


# -- lasso -------------------------------------------------------------------------------------
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(50, 120), (300, 30)])
def test_lasso_is_scikit_learns(weighted, shape):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(shape[0], 10)) @ rng.normal(size=(10, shape[1]))
    X += rng.normal(size=shape)
    Y = X[:, :15] @ rng.normal(size=(15, 40)) + rng.normal(size=(shape[0], 40))
    X, Y = standardised(X, Y)
    weight = rng.uniform(size=shape[0]) if weighted else None
    for alpha in (0.02, 0.2):
        expected = Lasso(alpha, tol=1e-10, max_iter=100_000).fit(X, Y, weight)
        fitted = LassoRegressor(alpha, gene_scaling=None, tol=1e-10, max_iter=100_000).fit(
            X, Y, weight
        )
        np.testing.assert_allclose(fitted.coef_, expected.coef_, atol=1e-4)
        np.testing.assert_allclose(fitted.intercept_, expected.intercept_, atol=1e-4)
        default = LassoRegressor(alpha, gene_scaling=None).fit(X, Y, weight)
        losses = [_lasso_objective(X, Y, weight, m, alpha) for m in (default, expected)]
        np.testing.assert_allclose(*losses, rtol=1e-4)
        assert (default.dual_gap_ <= 1e-4 * np.average(Y**2, axis=0, weights=weight)).all()


def _lasso_objective(X, Y, weight, model, alpha):
    squared = np.average(np.square(Y - model.predict(X)), axis=0, weights=weight)
    return squared / 2 + alpha * np.abs(model.coef_).sum(axis=1)


def test_lasso_scales_genes_and_takes_one_alpha_per_target(profiles):
    X, Y = profiles
    alpha = np.linspace(0.05, 0.3, 12)
    model = LassoRegressor(alpha, tol=1e-8).fit(X, Y)
    Xs, Ys = standardised(X, Y)
    for t in range(12):
        expected = Lasso(alpha[t], tol=1e-10).fit(Xs, Ys[:, t])
        np.testing.assert_allclose(model.coef_[t], expected.coef_, atol=1e-5)
    one = LassoRegressor(alpha[0], tol=1e-8).fit(X, Y[:, 0])
    np.testing.assert_allclose(one.coef_, model.coef_[0], atol=1e-12)
    assert one.predict(X).shape == (60,) and isinstance(one.n_iter_, int)


def test_lasso_threads_change_nothing(profiles):
    X, Y = profiles
    Y = np.tile(Y, (1, 20)) + np.arange(60)[:, None]
    fits = [LassoRegressor(0.01, n_jobs=n).fit(X, Y) for n in (None, 2)]
    np.testing.assert_array_equal(fits[0].coef_, fits[1].coef_)


def test_lasso_says_when_it_has_not_converged(profiles):
    with pytest.warns(ConvergenceWarning, match="of 12 targets have a duality gap above tol"):
        LassoRegressor(1e-4, max_iter=2, tol=1e-9).fit(*profiles)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LassoRegressor(0.1).fit(*profiles)


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        ([0.1, 0.2], r"alpha has shape \(2,\), but y has 12 targets"),
        ([0.1] * 11 + [0], "alpha must be positive"),
        ([0.1] * 11 + [np.nan], "alpha must be positive"),
    ],
)
def test_lasso_refuses_bad_alphas(alpha, message, profiles):
    with pytest.raises(ValueError, match=message):
        LassoRegressor(alpha).fit(*profiles)


# -- kernel ridge ------------------------------------------------------------------------------
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("gamma", ["scale", None, 0.02])
@pytest.mark.parametrize("weighted", [False, True])
def test_kernel_ridge_is_scikit_learns(kernel, gamma, weighted, profiles):
    X, Y = profiles
    weight = np.random.default_rng(1).uniform(size=60) if weighted else None
    center = np.average(Y, axis=0, weights=weight)
    model = KernelRidgeRegressor(0.5, kernel=kernel, gamma=gamma, gene_scaling=None)
    model.fit(X, Y, sample_weight=weight)
    variance = np.average(
        np.square(X - np.average(X, weights=_rows(weight, X))), weights=_rows(weight, X)
    )
    expected_gamma = {"scale": 1 / (20 * variance), None: 1 / 20, 0.02: 0.02}[gamma]
    assert model.gamma_ == pytest.approx(expected_gamma)
    oracle = KernelRidge(alpha=0.5, kernel=kernel, gamma=expected_gamma)
    oracle.fit(X, Y - center, sample_weight=weight)
    np.testing.assert_allclose(model.predict(X[:9] + 0.1), oracle.predict(X[:9] + 0.1) + center)
    np.testing.assert_allclose(model.dual_coef_, oracle.dual_coef_, atol=1e-8)


def _rows(weight, X):
    return None if weight is None else np.repeat(weight[:, None], X.shape[1], axis=1)


def test_mean_distance_is_that_between_profiles(profiles):
    X, Y = profiles
    model = KernelRidgeRegressor(1.0, gene_scaling=None).fit(X, Y)
    squared = np.square(X[:, None] - X).sum(axis=2)
    assert model.gamma_ == pytest.approx(1 / squared.mean())


def test_alpha_is_chosen_from_the_path(profiles):
    X, Y = profiles
    path = np.logspace(-4, 3, 8)
    model = KernelRidgeRegressor(path).fit(X, Y)
    assert model.alpha_ == path[model.alpha_scores_.argmin()]
    assert 1e-4 < model.alpha_ < 1e3
    single = KernelRidgeRegressor(model.alpha_).fit(X, Y)
    np.testing.assert_allclose(single.predict(X), model.predict(X), rtol=1e-8)
    assert not hasattr(single, "alpha_scores_")


def test_float32_path_chooses_as_float64(profiles):
    single, double = (
        KernelRidgeRegressor().fit(*(A.astype(t) for A in profiles)) for t in ("f4", "f8")
    )
    assert single.alpha_ == double.alpha_
    np.testing.assert_allclose(single.alpha_scores_, double.alpha_scores_, rtol=1e-2)


def test_validation_profiles_choose_alpha(profiles):
    X, Y = profiles
    parts = dict(X_val=X[40:], y_val=Y[40:])
    model = KernelRidgeRegressor(gene_scaling="rank-gaussian").fit(X[:40], Y[:40], **parts)
    errors = []
    for alpha in model.alphas_:
        single = KernelRidgeRegressor(alpha, gene_scaling="rank-gaussian").fit(X[:40], Y[:40])
        scaled = single.y_scaler_.transform(Y[40:])
        errors.append(
            np.square(single._predict_scaled(single.x_scaler_.transform(X[40:])) - scaled).mean()
        )
    np.testing.assert_allclose(model.alpha_scores_, errors, rtol=1e-6)


def test_memory_decides_the_approximation(profiles):
    X, Y = profiles
    assert KernelRidgeRegressor().fit(X, Y).approximation_ == "exact"
    # Four matrices of 30 × 30 numbers of 8 bytes.
    small = KernelRidgeRegressor(max_memory=4 * 30 * 30 * 8, random_state=0).fit(X, Y)
    assert small.approximation_ == "nystroem" and small.X_fit_.shape == (30, 20)
    assert small.dual_coef_.shape == (30, 12)
    exact = KernelRidgeRegressor().fit(X, Y)
    errors = [np.square(model.predict(X) - Y).mean() for model in (small, exact)]
    assert errors[0] < 3 * errors[1]
    with pytest.raises(ValueError, match="60 profiles exceeds max_memory=28800 bytes"):
        clone(small).set_params(approximation="exact").fit(X, Y)


def test_seed_decides_the_basis(profiles):
    model = KernelRidgeRegressor(approximation="nystroem", n_components=10, random_state=3)
    first, second = (clone(model).fit(*profiles).X_fit_ for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = clone(model).set_params(random_state=4).fit(*profiles).X_fit_
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("alpha", [[], [1.0, -1.0], [1.0, np.nan], [[1.0]]])
def test_kernel_ridge_refuses_bad_alphas(alpha, profiles):
    with pytest.raises(ValueError, match="alpha must be one positive number or a list of them"):
        KernelRidgeRegressor(alpha).fit(*profiles)


# -- neighbours --------------------------------------------------------------------------------
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("working_memory", [1e-4, 256])
@pytest.mark.parametrize("k", [1, 7, 60])
def test_knn_is_scikit_learns(weights, working_memory, k, profiles):
    X, Y = profiles
    model = KNNRegressor(k, weights=weights, working_memory=working_memory).fit(X, Y)
    Xs, Ys = standardised(X, Y)
    oracle = KNeighborsRegressor(k, weights=weights, algorithm="kd_tree").fit(Xs, Ys)
    queries = np.concatenate([X[:20], X[20:40] + 0.3])  # training profiles among them
    expected = oracle.predict((queries - X.mean(axis=0)) / X.std(axis=0))
    np.testing.assert_allclose(model.predict(queries), expected * Y.std(axis=0) + Y.mean(axis=0))


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_a_training_profile_is_its_own_neighbour(weights, profiles):
    X, Y = (A.astype(np.float32) for A in profiles)
    X = np.concatenate([X, X + 1e-3])  # near duplicates
    Y = np.concatenate([Y, Y + 5])
    model = KNNRegressor(1, weights=weights, gene_scaling=None).fit(X + 1000, Y)
    np.testing.assert_array_equal(model.predict(X + 1000), Y)


def test_gene_neighbours_are_nearest_landmarks(profiles):
    X, Y = profiles
    Y[:, 3] = 2 * X[:, 5] - 7  # the same gene on another scale
    model = KNNGeneRegressor(4, working_memory=1e-4).fit(X, Y)
    Xs, Ys = standardised(X, Y)
    squared = np.square(Ys.T[:, None] - Xs.T).sum(axis=2)
    np.testing.assert_array_equal(model.neighbors_, squared.argsort(axis=1)[:, :4])
    assert model.neighbors_[3, 0] == 5
    expected = Xs[:, model.neighbors_].mean(axis=2) * Y.std(axis=0) + Y.mean(axis=0)
    np.testing.assert_allclose(model.predict(X), expected)
    copied = KNNGeneRegressor(1).fit(X, Y).predict(X)
    np.testing.assert_allclose(copied[:, 3], Y[:, 3])


def test_gene_neighbours_weigh_profiles(profiles):
    X, Y = profiles
    weight = np.arange(60) % 3
    weighted = KNNGeneRegressor(4).fit(X, Y, sample_weight=weight)
    repeated = KNNGeneRegressor(4).fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0))
    np.testing.assert_array_equal(weighted.neighbors_, repeated.neighbors_)


def test_too_many_neighbours(profiles):
    X, Y = profiles
    Y[5:] = np.nan
    with pytest.raises(ValueError, match="n_neighbors=10, but there are only 5 labelled profiles"):
        KNNRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="n_neighbors=21, but there are only 20 landmark genes"):
        KNNGeneRegressor(21).fit(X, Y)


# -- rank scaling ------------------------------------------------------------------------------
def test_predictions_are_mapped_back_by_rank(profiles):
    X, Y = profiles
    model = KNNRegressor(1, gene_scaling="rank-gaussian").fit(X, np.exp(Y))
    expected = GeneScaler("rank-gaussian").fit(np.exp(Y))
    expected = expected.inverse_transform(expected.transform(np.exp(Y)))
    np.testing.assert_allclose(model.predict(X), expected)
