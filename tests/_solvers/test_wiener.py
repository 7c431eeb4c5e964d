"""Decoders of Gaussians and their mixtures, against formulas with a genes × genes covariance."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from skgex._solvers import FactorProfiles, GaussianProfiles, ProfileMixture

N, G, M = 60, 12, 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4)) @ RNG.normal(size=(4, G)) + 0.3 * RNG.normal(size=(N, G)) + 8
A = RNG.normal(size=(M, G)) / np.sqrt(G)
NOISE = 0.1 * A @ A.T + 0.05 * np.eye(M)
Z = X[:7] @ A.T + 0.3 * RNG.normal(size=(7, M))
LABELS = np.arange(N) % 3
CLUSTERED = X + 3 * RNG.normal(size=(3, G))[LABELS]


def tensors(*arrays, dtype=torch.float64):
    return [torch.from_numpy(np.asarray(array)).to(dtype) for array in arrays]


def covariance(X):
    return np.cov(X.T, ddof=0)


def shrunk(S, shrinkage, variance):
    return (1 - shrinkage) * S + shrinkage * variance * np.eye(G)


def conditional_mean(mean, S, A, noise, Z):
    return mean + (Z - A @ mean) @ np.linalg.solve(A @ S @ A.T + noise, A @ S)


def within_and_total(X=CLUSTERED):
    """Covariance of each cluster, and of all pooled."""
    own = [covariance(X[k == LABELS]) for k in range(3)]
    return own, sum(own) / 3


# -- one Gaussian ------------------------------------------------------------------------------
@pytest.mark.parametrize("noise", [np.zeros((M, M)), NOISE], ids=["exact", "noisy"])
@pytest.mark.parametrize("shrinkage", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("n", [N, 8], ids=["more profiles", "more genes"])
def test_decoder_is_the_conditional_mean_of_a_gaussian(n, shrinkage, noise):
    S = covariance(X[:n])
    expected = conditional_mean(
        X[:n].mean(axis=0), shrunk(S, shrinkage, S.trace() / G), A, noise, Z
    )
    profiles, measurements = tensors(X[:n], Z)
    matrix, noise = tensors(A, noise)
    decode = GaussianProfiles.of(profiles).decoder(matrix, noise, shrinkage)
    np.testing.assert_allclose(decode(measurements), expected, rtol=1e-9)
    coef, intercept = decode.linear()
    np.testing.assert_allclose(Z @ coef.T + intercept, expected, rtol=1e-9)


def test_decoders_of_some_genes_and_of_another_measurement_are_those_of_their_own():
    profiles, other, matrix, noise = tensors(X, A[:2] + 1, A, NOISE)
    learned, genes = GaussianProfiles.of(profiles), np.array([7, 0, 3])
    first = learned.decoder(matrix, noise, 0.1)
    some = learned.decoder(matrix, noise, 0.1, genes)
    np.testing.assert_allclose(some.gain, first.gain[:, genes], rtol=1e-9)
    found = learned.decoder(other, noise[:2, :2], 0.1)  # not those remembered of the first
    expected = GaussianProfiles.of(profiles).decoder(other, noise[:2, :2], 0.1)
    np.testing.assert_allclose(found.gain, expected.gain, rtol=1e-9)


@pytest.mark.parametrize("dtype, rtol", [(torch.float64, 1e-7), (torch.float32, 2e-4)])
@pytest.mark.parametrize("error", [0.0, 0.05], ids=["exact", "contradictory"])
def test_measurements_that_depend_on_each_other_tell_what_the_others_tell(error, dtype, rtol):
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(4, M))
    dependent, measured = np.vstack([A, A, mix @ A]), X @ A.T
    measured = np.hstack([measured, measured + error, measured @ mix.T])
    profiles, matrix, measured = tensors(X, dependent, measured, dtype=dtype)
    learned = GaussianProfiles.of(profiles)
    found = learned.decoder(matrix, torch.zeros(1), 0.1)(measured)
    alone = learned.decoder(matrix[:M], torch.zeros(1), 0.1)(measured[:, :M])
    np.testing.assert_allclose(found, alone, rtol=rtol, atol=3 * error)


def test_profiles_that_do_not_vary_are_decoded_as_they_are():
    for dtype in (torch.float64, torch.float32):
        profiles, matrix = tensors(X[:1].repeat(5, axis=0), A, dtype=dtype)
        decode = GaussianProfiles.of(profiles).decoder(matrix, torch.zeros(1), 0.0)
        np.testing.assert_allclose(decode(profiles @ matrix.T + 1), profiles, rtol=1e-6)


def test_values_that_are_not_numbers_are_no_decoder():
    profiles, matrix = tensors(X * np.nan, A)
    with pytest.raises(torch.linalg.LinAlgError):
        GaussianProfiles.of(profiles).decoder(matrix, torch.zeros(1), 0.1)


# -- mixtures ----------------------------------------------------------------------------------
def mixture(own=0.3, shrinkage=0.1, A=A, noise=NOISE, dtype=torch.float64):
    profiles, matrix = tensors(CLUSTERED, A, dtype=dtype)
    learned = ProfileMixture.of(profiles, torch.from_numpy(LABELS))
    return learned.decoder(matrix, torch.as_tensor(noise), shrinkage, own)


@pytest.mark.parametrize("own", [0.0, 0.3, 1.0])
def test_mixture_is_the_conditional_mean_of_a_mixture_of_gaussians(own):
    rng = np.random.default_rng(1)
    owns, pooled = within_and_total()
    measured = CLUSTERED[:20] @ A.T + rng.multivariate_normal(np.zeros(M), NOISE, 20)
    parts, scores = [], []
    for k in range(3):
        mean = CLUSTERED[k == LABELS].mean(axis=0)
        S = shrunk(own * owns[k] + (1 - own) * pooled, 0.1, pooled.trace() / G)
        parts.append(conditional_mean(mean, S, A, NOISE, measured))
        scores.append(multivariate_normal(A @ mean, A @ S @ A.T + NOISE).pdf(measured))
    posterior = np.array(scores) / np.sum(scores, axis=0)
    assert posterior.max(axis=0).min() < 0.99  # some are between clusters
    decode = mixture(own)
    np.testing.assert_allclose(
        decode.posterior(torch.from_numpy(measured)), posterior.T, atol=1e-5
    )
    expected = np.einsum("kn,kng->ng", posterior, parts)
    np.testing.assert_allclose(decode(torch.from_numpy(measured)), expected, atol=1e-4)


def test_clusters_count_by_their_size():
    rng = np.random.default_rng(1)
    profiles = torch.from_numpy(rng.normal(size=(40, G)))  # clusters that do not differ
    labels = torch.tensor([0] * 30 + [1] * 10)
    decode = ProfileMixture.of(profiles, labels).decoder(
        *tensors(1e-3 * A), torch.eye(M).double(), 0.1, 0.0
    )
    posterior = decode.posterior(torch.zeros(1, M).double())
    np.testing.assert_allclose(posterior, [[0.75, 0.25]], rtol=0.02)


def test_unlikely_clusters_are_left_out_and_the_others_count_whole():
    measured = torch.from_numpy(CLUSTERED[:20] @ A.T)
    decode = mixture()
    posterior = decode.posterior(measured)
    (rows,) = torch.nonzero((posterior < 0.05).sum(dim=1) == 2, as_tuple=True)
    assert len(rows) > 3
    for row, k in zip(rows, posterior[rows].argmax(dim=1), strict=True):
        alone = decode.decoders[k](measured[row : row + 1])
        np.testing.assert_allclose(decode(measured[row : row + 1], negligible=0.05), alone)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("error", [0.0, 0.01], ids=["exact", "contradictory"])
def test_measurements_that_depend_on_each_other_favour_no_cluster(error, dtype):
    rng = np.random.default_rng(1)
    measured = CLUSTERED @ A.T + 0.3 * rng.normal(size=(N, M))
    twice = np.hstack([measured, measured + error * rng.normal(size=measured.shape)])
    noise = 0.1 * A @ A.T
    once = mixture(1.0, noise=noise).posterior(torch.from_numpy(measured))
    decode = mixture(1.0, A=np.vstack([A, A]), noise=np.tile(noise, (2, 2)), dtype=dtype)
    found = decode.posterior(torch.from_numpy(twice).to(dtype))
    np.testing.assert_allclose(found, once, atol=0.05 if error else 1e-3)


# -- modules -----------------------------------------------------------------------------------
def test_decoder_by_modules_is_that_of_their_covariance_and_the_residuals_variance():
    rng = np.random.default_rng(1)
    modules, activities = rng.normal(size=(3, G)), rng.normal(size=(30, 3)) + 1
    mean, variance = rng.normal(size=G), rng.uniform(0.1, 1, G)
    S = modules.T @ covariance(activities) @ modules + np.diag(variance)
    total = activities.mean(axis=0) @ modules + mean
    expected = conditional_mean(total, S, A, NOISE, Z)
    modules, activities, *residuals = tensors(modules, activities, mean, variance)
    learned = FactorProfiles(modules, GaussianProfiles.of(activities), *residuals)
    matrix, noise, measured = tensors(A, NOISE, Z)
    np.testing.assert_allclose(learned.decoder(matrix, noise)(measured), expected, rtol=1e-8)
