"""Profiles of few modules, against their definition."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso

from skgex._solvers import SparseProfiles, penalised, pursued

RNG = np.random.default_rng(0)
M, D, G, N = 12, 8, 30, 20
U, A, Z = RNG.normal(size=(D, G)), RNG.normal(size=(M, G)), RNG.normal(size=(N, M))
MEAN, VARIANCE = RNG.normal(size=G), RNG.uniform(0.5, 2, G)
NOISE = 0.1 * A @ A.T


def tensors(*arrays):
    return [torch.from_numpy(a) for a in arrays]


def test_without_residuals_modules_alone_make_the_profiles():
    seen = []

    def find(D, Z):
        seen.extend([D, Z])
        return torch.ones(len(Z), D.shape[1], dtype=Z.dtype)

    found = SparseProfiles(*tensors(U)).decoder(*tensors(A, NOISE), find)(*tensors(Z))
    np.testing.assert_allclose(seen[0], A @ U.T)
    np.testing.assert_array_equal(seen[1], Z)
    np.testing.assert_allclose(found, np.tile(U.sum(axis=0), (N, 1)))


def test_what_modules_leave_of_a_measurement_is_the_mean_of_residuals_given_it():
    W = RNG.normal(size=(N, D))

    def find(D, Z):  # both sides are whitened
        C = A @ np.diag(VARIANCE) @ A.T + NOISE
        np.testing.assert_allclose(D.T @ D, U @ A.T @ np.linalg.solve(C, A @ U.T), atol=1e-4)
        return torch.from_numpy(W)

    profiles = SparseProfiles(*tensors(U, MEAN, VARIANCE))
    found = profiles.decoder(*tensors(A, NOISE), find)(*tensors(Z))
    C = A @ np.diag(VARIANCE) @ A.T + NOISE
    left = Z - W @ U @ A.T - A @ MEAN
    expected = W @ U + MEAN + left @ np.linalg.solve(C, A * VARIANCE)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_genes_measured_without_noise_come_back_as_measured():
    panel = np.eye(G)[:M]
    profiles = SparseProfiles(*tensors(U, MEAN, VARIANCE))
    for find in (lambda D, Z: pursued(D, Z, 3), lambda D, Z: penalised(D, Z, 0.1)):
        found = profiles.decoder(*tensors(panel, np.zeros((M, M))), find)(*tensors(Z))
        np.testing.assert_allclose(found[:, :M], Z, atol=1e-4)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("alpha", [0.05, 0.5])
def test_penalised_activities_are_those_of_the_lasso_of_unit_columns(alpha, nonnegative):
    B = RNG.normal(size=(M, D)) * RNG.uniform(0.1, 10, D)
    norm = np.linalg.norm(B, axis=0)
    found = penalised(*tensors(B, Z), alpha, nonnegative=nonnegative, tol=1e-10, max_iter=20_000)
    for z, w in zip(Z, found.numpy(), strict=True):
        correlation = z @ B / norm
        top = max(0, correlation.max()) if nonnegative else np.abs(correlation).max()
        lasso = Lasso(alpha * top / M, fit_intercept=False, positive=nonnegative, tol=1e-12)
        np.testing.assert_allclose(w * norm, lasso.fit(B / norm, z).coef_, atol=1e-4)


def test_the_whole_penalty_leaves_nothing_and_empty_modules_stay_so():
    B = RNG.normal(size=(M, D))
    B[:, 2] = 0
    B, measured = tensors(B, Z)
    assert not penalised(B, measured, 1.0).any()
    assert not penalised(B, measured, 0.01)[:, 2].any()
    assert not penalised(B, torch.zeros_like(measured), 0.01).any()


def test_where_nothing_ever_varied_any_measurement_makes_the_mean():
    nothing = SparseProfiles(*tensors(np.zeros((1, G)), MEAN, 0 * MEAN))
    decoder = nothing.decoder(*tensors(A, 0 * NOISE), lambda D, Z: pursued(D, Z, 1))
    np.testing.assert_allclose(decoder(torch.from_numpy(Z)), np.tile(MEAN, (N, 1)))
