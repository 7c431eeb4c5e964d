"""The Wiener decoder: against its formula, against what theory says of it, and how it chooses."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, KFold
from torch.utils._python_dispatch import TorchDispatchMode

from skgex import WienerRegressor

G, M = 15, 6
RNG = np.random.default_rng(0)
MODULES, A = RNG.normal(size=(5, G)), RNG.normal(size=(M, G)) / np.sqrt(G)
S = MODULES.T @ MODULES + 0.3 * np.eye(G)


def draw(n, seed):
    return np.random.default_rng(seed).multivariate_normal(np.arange(G), S, n)


P, NEW = draw(60, 1), draw(30, 2)


def noisy(P, A, sigma=0.5, seed=3):
    return (P + sigma * np.random.default_rng(seed).normal(size=P.shape)) @ A.T


def formula(P, A, Z, shrinkage, sigma, scale=1.0):
    """Decode with a genes × genes covariance of genes divided by their scale."""
    mean, g = P.mean(axis=0), P.shape[1]
    scaled, B = (P - mean) / scale, A * scale
    C = scaled.T @ scaled / len(P)
    C = (1 - shrinkage) * C + shrinkage * C.trace() / g * np.eye(g)
    gain = np.linalg.solve(B @ C @ B.T + sigma**2 * A @ A.T, B @ C)
    return mean + scale * ((Z - A @ mean) @ gain)


# -- the decoder -------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-7), (np.float32, 1e-3)])
@pytest.mark.parametrize("scaling", [None, "standard"])
@pytest.mark.parametrize("sigma", [0.0, 0.5])
@pytest.mark.parametrize("shrinkage", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("n", [60, 10], ids=["more profiles", "more genes"])
def test_decodes_as_the_formula_says(n, shrinkage, sigma, scaling, dtype, rtol):
    Z, Z_new = noisy(P[:n], A, sigma), noisy(NEW, A, sigma)
    params = dict(shrinkage=shrinkage, noise=sigma, gene_scaling=scaling)
    model = WienerRegressor(A, **params).fit(Z.astype(dtype), P[:n].astype(dtype))
    scale = P[:n].std(axis=0) if scaling else 1.0
    expected = formula(P[:n], A, Z_new, shrinkage, sigma, scale)
    np.testing.assert_allclose(model.predict(Z_new), expected, rtol=rtol, atol=rtol)


def test_what_is_learned_is_the_covariance_and_a_linear_map():
    model = WienerRegressor(A, shrinkage=0.1).fit(noisy(P, A), P)
    np.testing.assert_allclose(model.factor_.T @ model.factor_, np.cov(P.T, ddof=0))
    np.testing.assert_allclose(model.mean_, P.mean(axis=0))
    assert len(WienerRegressor(A).fit(noisy(P[:9], A), P[:9]).factor_) == 9
    Z = noisy(NEW, A)
    np.testing.assert_allclose(Z @ model.coef_.T + model.intercept_, model.predict(Z))


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_error_comes_near_the_least_of_all_linear_estimates(sigma):
    many, new = draw(4000, 4), draw(4000, 5)
    model = WienerRegressor(A).fit(noisy(many, A, sigma), many)
    error = np.square(model.predict(noisy(new, A, sigma, seed=6)) - new).sum(axis=1).mean()
    within = A @ S @ A.T + sigma**2 * A @ A.T
    least = np.trace(S - S @ A.T @ np.linalg.solve(within, A @ S))
    assert error == pytest.approx(least, rel=0.02)


class LargestTensor(TorchDispatchMode):
    """The entries of the largest tensor that is made inside the block."""

    size = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, torch.Tensor):
                self.size = max(self.size, tensor.numel())
        return made


@pytest.mark.parametrize("given", [True, False], ids=["given", "estimated"])
def test_nothing_larger_than_the_profiles_is_made(given):
    rng = np.random.default_rng(7)
    profiles, matrix = rng.normal(size=(50, 3000)), rng.normal(size=(20, 3000))
    with LargestTensor() as largest:
        model = WienerRegressor(matrix if given else None).fit(profiles @ matrix.T, profiles)
        model.predict(profiles @ matrix[:7].T, measurement_matrix=matrix[:7])
    assert largest.size == profiles.size


# -- an estimated matrix -----------------------------------------------------------------------
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_of_many_profiles_it_is_least_squares_on_the_measurements(noise):
    many = draw(3000, 4)
    Z, Z_new = noisy(many, A, noise), noisy(NEW, A, noise)
    model = WienerRegressor(shrinkage=0.0).fit(Z, many)
    expected = LinearRegression().fit(Z, many).predict(Z_new)
    np.testing.assert_allclose(model.predict(Z_new), expected, atol=1e-8 if noise == 0 else 0.02)


# -- the choice of the shrinkage ---------------------------------------------------------------
@pytest.mark.parametrize("given", [True, False], ids=["given", "estimated"])
def test_shrinkage_of_the_least_held_out_error_is_chosen(given):
    few, matrix = P[:25], A if given else None
    few = few + 2 * np.random.default_rng(11).normal(size=few.shape)
    Z, Z_new = noisy(few, A), noisy(NEW, A)
    model = WienerRegressor(matrix).fit(Z, few)
    assert len(model.shrinkages_) == len(model.cv_errors_) == 9
    assert model.shrinkage_ > model.shrinkages_[0]
    assert model.shrinkage_ == model.shrinkages_[model.cv_errors_.argmin()]
    by_hand = WienerRegressor(matrix, shrinkage=model.shrinkage_).fit(Z, few)
    np.testing.assert_array_equal(by_hand.predict(Z_new), model.predict(Z_new))
    assert by_hand.shrinkages_ is None and by_hand.cv_errors_ is None
    refitted = model.set_params(shrinkage=0.5).fit(Z, few)
    assert refitted.shrinkage_ == 0.5 and refitted.cv_errors_ is None


@pytest.mark.parametrize("scaling", [None, "standard"])
@pytest.mark.parametrize("studywise", [False, True])
def test_errors_are_those_of_decoders_fitted_without_the_held_out_profiles(studywise, scaling):
    studies = np.arange(40) // 5
    shifted = P[:40] + 2 * np.random.default_rng(8).normal(size=(8, G))[studies]
    Z, cv = noisy(shifted, A), GroupKFold(4) if studywise else KFold(4)
    model = WienerRegressor(A, cv=cv, gene_scaling=scaling)
    model.fit(Z, shifted, groups=studies if studywise else None)
    scale, errors = shifted.std(axis=0) if scaling else 1.0, []
    for rho in model.shrinkages_:
        folds = [
            formula(shifted[train], A, Z[test], rho, model.noise_, scale) - shifted[test]
            for train, test in cv.split(Z, groups=studies if studywise else None)
        ]
        errors.append(np.mean([np.square(error / scale).mean() for error in folds]))
    np.testing.assert_allclose(model.cv_errors_, errors, rtol=1e-6)


def test_groups_change_the_choice():
    studies = np.arange(60) // 6
    shifted = P + 3 * np.random.default_rng(9).normal(size=(10, G))[studies]
    at_random = WienerRegressor(A).fit(noisy(shifted, A), shifted)
    studywise = WienerRegressor(A, cv=GroupKFold(5))
    studywise.fit(noisy(shifted, A), shifted, groups=studies)
    assert studywise.cv_errors_.min() > at_random.cv_errors_.min()


@pytest.mark.parametrize(
    "same", [None, np.int64(5), list(KFold(5, shuffle=True, random_state=0).split(P))]
)
def test_profiles_are_split_at_random_into_five_by_default(same):
    by_tissue = P[np.argsort(P[:, 0])]
    Z = noisy(by_tissue, A)
    expected = WienerRegressor(A).fit(Z, by_tissue).cv_errors_
    np.testing.assert_allclose(WienerRegressor(A, cv=same).fit(Z, by_tissue).cv_errors_, expected)
    in_order = WienerRegressor(A, cv=KFold(5)).fit(Z, by_tissue).cv_errors_
    assert not np.allclose(in_order, expected)


def test_errors_of_many_genes_are_estimated_from_some_of_them():
    rng = np.random.default_rng(10)
    profiles = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 1500)) + rng.normal(size=(40, 1500))
    matrix = rng.normal(size=(10, 1500)) / 40
    model = WienerRegressor(matrix).fit(profiles @ matrix.T, profiles)
    errors = []
    for train, test in KFold(5, shuffle=True, random_state=0).split(profiles):
        part = WienerRegressor(matrix, shrinkage=model.shrinkages_[4], noise=model.noise_)
        part.fit(profiles[train] @ matrix.T, profiles[train])
        errors.append(np.square(part.predict(profiles[test] @ matrix.T) - profiles[test]).mean())
    assert model.cv_errors_[4] == pytest.approx(np.mean(errors), rel=0.02)
    assert model.cv_errors_[4] != np.mean(errors)
