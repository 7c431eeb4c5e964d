"""Dictionaries of modules, and decoding by them."""

import numpy as np
import pytest
import torch

from skgex import (
    KSVD,
    SMAF,
    KSVDRegressor,
    SMAFRegressor,
    SparseNMF,
    SparseNMFRegressor,
    SVDDictionary,
    SVDRegressor,
)
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


@pytest.mark.parametrize("shape", [(60, 90), (90, 60), (90, 90)])
@pytest.mark.parametrize("dtype, digits", [(np.float64, 1e-7), (np.float32, 1e-3)])
def test_few_of_many_singular_vectors_are_numpys_down_to_the_small_ones(shape, dtype, digits):
    """Of values whose squares float64 can tell apart, and of such that fall lower."""
    V = np.linalg.svd(RNG.normal(size=shape), full_matrices=False)
    for least in (1e-8, 1e-30):
        X = ((V[0] * np.geomspace(5e3, 5e3 * least, min(shape))) @ V[2]).astype(dtype)
        _, values, expected = np.linalg.svd(X.astype(np.float64), full_matrices=False)
        n = 15 if dtype == np.float64 else 6
        found = SVDDictionary(n).fit(X)
        U = found.components_.astype(np.float64)
        np.testing.assert_allclose(found.singular_values_, values[:n], rtol=digits)
        np.testing.assert_allclose(U @ U.T, np.eye(n), atol=1e-12 if digits < 1e-4 else 1e-6)
        np.testing.assert_allclose(np.abs((U * expected[:n]).sum(axis=1)), 1, rtol=digits)
        assert (U[range(n), np.abs(U).argmax(axis=1)] > 0).all()


@pytest.mark.parametrize("name", ["SMAF", "KSVD", "SVDDictionary"])
def test_modules_do_not_depend_on_the_unit_of_profiles(name):
    X = RNG.uniform(size=(60, 20)).astype(np.float32)
    unit_free = {
        "SMAF": SMAF(8, 3, n_rounds=3, random_state=0),
        "KSVD": KSVD(8, 3, n_rounds=3, random_state=0),
        "SVDDictionary": SVDDictionary(8, 3),
    }[name]
    expected = unit_free.fit(X).components_
    activities = unit_free.transform(X)
    for power in (-100, -66, 66, 100):
        s = np.float32(2.0**power)
        found = unit_free.fit(s * X)
        np.testing.assert_allclose(found.components_, expected, atol=1e-6)
        np.testing.assert_allclose(found.transform(s * X) / s, activities, atol=1e-5)
        if name == "SVDDictionary":
            values = np.linalg.svd(X, compute_uv=False)[:8]
            np.testing.assert_allclose(found.singular_values_ / s, values, rtol=1e-5)
    for s in np.float32([1e-20, 1e20]):  # up to rounding, which the rounds make larger
        np.testing.assert_allclose(unit_free.fit(s * X).components_, expected, atol=1e-3)


def test_modules_of_nmf_do_not_depend_on_the_unit_if_the_penalty_goes_with_it():
    X = RNG.uniform(size=(40, 20))
    expected = SparseNMF(6, 3, sparsity=1e-2, random_state=0).fit(X).components_
    for power in (-100, 2, 100):
        sparsity = 1e-2 * 2.0 ** (1.5 * power)
        found = SparseNMF(6, 3, sparsity=sparsity, random_state=0).fit(2.0**power * X)
        np.testing.assert_allclose(found.components_, expected, atol=1e-10)
    assert len(expected) < 6  # by that penalty
    for power, dtype in ((100, np.float32), (1000, np.float64)):
        found = SparseNMF(6, 3, random_state=0).fit(dtype(2.0**power) * X.astype(dtype))
        assert np.isfinite(found.components_).all() and len(found.components_) == 6
    with pytest.raises(ValueError, match="leaves no module"):
        SparseNMF(6, 3, random_state=0).fit(2.0**-1000 * X)


@pytest.mark.parametrize("dictionary", [SMAF(random_state=0), SparseNMF(random_state=0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_profiles_that_are_all_zero_have_one_module_which_is_empty(dictionary, dtype):
    zeros = np.zeros((3, 7), dtype)
    activities = dictionary.fit_transform(zeros)
    np.testing.assert_array_equal(dictionary.components_, np.zeros((1, 7)))
    assert dictionary.components_.dtype == dtype
    np.testing.assert_array_equal(dictionary.transform(np.ones((2, 7))), np.zeros((2, 1)))
    np.testing.assert_array_equal(dictionary.inverse_transform(activities), zeros)


@pytest.mark.parametrize("decode", ["factor", "lasso", "omp"])
@pytest.mark.parametrize(
    "regressor", [SMAFRegressor, SparseNMFRegressor, SVDRegressor, KSVDRegressor]
)
def test_profiles_that_do_not_vary_come_back_whatever_was_measured(planted, regressor, decode):
    X, _, A = planted
    for same in (np.abs(X[[0, 0]]), np.zeros((4, 40))):
        for make, params in ((regressor, {}), (regressor.published, {"n_active": 1})):
            decoder = make(A, decode=decode, **params).fit(same @ A.T, same)
            found = decoder.predict(np.vstack([same[:1], np.abs(X[1:4])]) @ A.T)
            np.testing.assert_allclose(found, np.repeat(same[:1], 4, axis=0), atol=1e-12)


def test_activities_of_other_modules_are_refused(planted):
    found = KSVD(8, 3, random_state=0).fit(planted[0])
    with pytest.raises(ValueError, match="X has 7 activities, but this KSVD has 8 modules"):
        found.inverse_transform(np.ones((2, 7)))


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
