"""Dictionaries of modules, and decoding by them."""

import numpy as np
import pytest
import torch

from skgex import KSVD, KSVDRegressor, SVDDictionary, SVDRegressor
from skgex._solvers import ksvd

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def planted():
    """Profiles of two modules each, the modules, and a measurement."""
    U = RNG.normal(size=(12, 40))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    W = np.zeros((600, 12))
    for row in W:
        row[RNG.choice(12, 2, replace=False)] = RNG.uniform(1, 3, 2) * RNG.choice([-1, 1], 2)
    A = RNG.normal(size=(20, 40))
    return W @ U, U, A / np.linalg.norm(A, axis=1, keepdims=True)


def test_singular_vectors_are_numpys_whatever_their_sign(planted):
    X, _, _ = planted
    _, values, V = np.linalg.svd(X, full_matrices=False)
    found = SVDDictionary(5).fit(X)
    np.testing.assert_allclose(found.singular_values_, values[:5])
    np.testing.assert_allclose(np.abs(found.components_ @ V[:5].T), np.eye(5), atol=1e-8)
    assert (found.components_[range(5), np.abs(found.components_).argmax(axis=1)] > 0).all()


def test_ksvd_finds_the_modules_that_profiles_are_made_of(planted):
    X, U, _ = planted
    found = KSVD(12, n_nonzero=2, n_rounds=30, random_state=0).fit(X)
    np.testing.assert_allclose(np.linalg.norm(found.components_, axis=1), 1)
    assert (np.abs(found.components_ @ U.T).max(axis=0) > 0.98).mean() > 0.8
    assert found.errors_[-1] < 0.2 * found.errors_[0]


def test_a_round_of_ksvd_replaces_modules_that_nobody_uses():
    X = torch.from_numpy(RNG.normal(size=(30, 10)))
    X[:25] = X[0]  # many atoms start alike
    D, _ = ksvd(X, 5, 2, torch.Generator().manual_seed(0), n_rounds=5)
    alike = (D @ D.T).abs() - torch.eye(5)
    assert alike.max() < 0.999 and torch.isfinite(D).all()


@pytest.mark.parametrize("dictionary", [SVDDictionary(8, 3), KSVD(8, 3, random_state=0)])
def test_activities_are_few_and_make_the_profiles(planted, dictionary):
    X, _, _ = planted
    activities = dictionary.fit_transform(X)
    assert activities.shape == (600, 8) and ((activities != 0).sum(axis=1) <= 3).all()
    again = dictionary.inverse_transform(activities)
    np.testing.assert_allclose(again, activities @ dictionary.components_)
    assert ((X - again) ** 2).sum() < 0.7 * (X**2).sum()


def test_factor_decoding_is_the_conditional_mean_of_modules_and_residuals(planted):
    X, _, A = planted
    decoder = SVDRegressor(A, n_modules=6, n_nonzero=4, noise=0.1).fit(X @ A.T, X)
    U = decoder.dictionary_.components_
    W = decoder.dictionary_.transform(X)
    E = X - W @ U
    S = U.T @ np.cov(W.T, bias=True) @ U + np.diag(E.var(axis=0))
    mean, Z = X.mean(axis=0), RNG.normal(size=(5, 20))
    gain = S @ A.T @ np.linalg.inv(A @ S @ A.T + 0.01 * A @ A.T)
    np.testing.assert_allclose(decoder.predict(Z), mean + (Z - A @ mean) @ gain.T, atol=1e-6)


def test_pursuit_recovers_profiles_of_few_modules_from_few_measurements(planted):
    X, _, A = planted
    params = dict(n_modules=12, n_nonzero=2, n_rounds=30, random_state=0)
    decoder = KSVDRegressor(A, decode="omp", **params).fit(X[:500] @ A.T, X[:500])
    error = ((decoder.predict(X[500:] @ A.T) - X[500:]) ** 2).sum() / (X[500:] ** 2).sum()
    assert error < 0.25


def test_the_reports_ksvd_is_least_squares_on_the_first_singular_vectors_if_normalised(planted):
    X, _, A = planted
    decoder = SVDRegressor.published(A, n_modules=5, n_active=5, normalize=True)
    decoder.fit(X @ A.T, X)
    U = decoder.dictionary_.components_
    W = np.linalg.lstsq(A @ U.T, A @ X.T, rcond=None)[0]
    np.testing.assert_allclose(decoder.predict(X @ A.T), W.T @ U, atol=1e-8)
    published = decoder.set_params(normalize=False).fit(X @ A.T, X).predict(X @ A.T)
    assert ((published - X) ** 2).sum() > 1.1 * ((W.T @ U - X) ** 2).sum()


def test_another_measurement_needs_no_other_dictionary(planted):
    X, _, A = planted
    decoder = KSVDRegressor(A, n_modules=12, n_nonzero=2, random_state=0).fit(X @ A.T, X)
    B = RNG.normal(size=(15, 40))
    expected = KSVDRegressor(B, n_modules=12, n_nonzero=2, random_state=0).fit(X @ B.T, X)
    np.testing.assert_allclose(
        decoder.predict(X @ B.T, measurement_matrix=B), expected.predict(X @ B.T), atol=1e-6
    )
