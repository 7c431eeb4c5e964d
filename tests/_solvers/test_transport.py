"""The transport map between two Gaussians and the matching of quantiles, by plain formulas."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from skgex._solvers import GaussianMap, Spread, match_quantiles
from skgex._solvers._transport import leading_directions

N, G = 40, 6
RNG = np.random.default_rng(0)


def drawn(n=N, g=G, seed=0):
    """Profiles whose genes go together, about a mean of their own."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, g)) @ rng.normal(size=(g, g)) + 5 * rng.normal(size=g)


def centred(X):
    return X - X.mean(axis=0)


def spread(X, prior=0.0, pooled=None):
    pooled = torch.from_numpy(X[:1] if pooled is None else pooled)
    return Spread(torch.from_numpy(centred(X)), pooled, prior)


def map_between(X_s, X_t, rank=G, shrinkage=0.0, max_scale=3.0, **of_spread):
    means = [torch.from_numpy(X.mean(axis=0)) for X in (X_s, X_t)]
    spreads = [spread(X, **of_spread) for X in (X_s, X_t)]
    return GaussianMap.between(means, spreads, rank=rank, shrinkage=shrinkage, max_scale=max_scale)


def moved(map_, X):
    return map_(torch.from_numpy(X)).numpy()


def optimal_matrix(C_s, C_t):
    """``C_s^{-½} (C_s^{½} C_t C_s^{½})^{½} C_s^{-½}``."""
    root = sqrtm(C_s).real
    inverse = np.linalg.inv(root)
    return inverse @ sqrtm(root @ C_t @ root).real @ inverse


# -- the map ---------------------------------------------------------------------------------
def test_with_all_directions_profiles_get_mean_and_covariance_of_the_target():
    X_s, X_t = drawn(seed=1), drawn(n=30, seed=2)
    profiles = moved(map_between(X_s, X_t), X_s)
    np.testing.assert_allclose(profiles.mean(axis=0), X_t.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(np.cov(profiles.T), np.cov(X_t.T), rtol=1e-7, atol=1e-9)


def test_it_is_the_map_that_moves_profiles_least():
    X_s, X_t = drawn(seed=1), drawn(seed=2)
    A = optimal_matrix(np.cov(X_s.T), np.cov(X_t.T))
    expected = X_t.mean(axis=0) + centred(X_s) @ A.T
    np.testing.assert_allclose(moved(map_between(X_s, X_t), X_s), expected, rtol=1e-6)


@pytest.mark.parametrize("shrinkage", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("n", [30, 7], ids=["more profiles", "more genes"])
def test_beside_the_leading_directions_genes_are_scaled_by_the_ratio_of_their_spreads(
    n, shrinkage
):
    X_s, X_t = drawn(n, 12, seed=1), drawn(n, 12, seed=2)
    factors = [centred(X) / np.sqrt(n - 1) for X in (X_s, X_t)]
    B = np.linalg.svd(np.vstack(factors))[2][:3].T
    C_s, C_t = ((F @ B).T @ (F @ B) for F in factors)
    C_s, C_t = ((1 - shrinkage) * C + shrinkage * np.trace(C) / 3 * np.eye(3) for C in (C_s, C_t))
    rest = [np.sqrt(np.square(F - F @ B @ B.T).sum(axis=0)) for F in factors]
    scale = np.minimum(rest[1] / rest[0], 1.5)
    new = RNG.normal(size=(5, 12))
    r = new - X_s.mean(axis=0)
    within = r @ B @ optimal_matrix(C_s, C_t).T @ B.T
    expected = X_t.mean(axis=0) + within + scale * (r - r @ B @ B.T)
    map_ = map_between(X_s, X_t, rank=3, shrinkage=shrinkage, max_scale=1.5)
    assert map_.basis.shape == (12, 3)
    np.testing.assert_allclose(moved(map_, new), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rank", [2, G])
def test_a_state_stays_where_it_is(rank):
    X = drawn()
    np.testing.assert_allclose(moved(map_between(X, X, rank, 0.1), X + 3), X + 3, rtol=1e-7)


@pytest.mark.parametrize("rank", [2, G])
def test_silent_genes_stay_finite(rank):
    X_s, X_t = drawn(seed=1), drawn(seed=2)
    X_s[:, 0] = X_t[:, 1] = X_s[:, 2] = X_t[:, 2] = 7.0
    new = drawn(seed=3)
    profiles = moved(map_between(X_s, X_t, rank, 0.1), new)
    assert np.isfinite(profiles).all()
    profiles = moved(map_between(X_s, X_t, rank, 0.1), X_s)
    np.testing.assert_allclose(profiles[:, 2], 7.0, rtol=1e-9)
    np.testing.assert_allclose(profiles.mean(axis=0), X_t.mean(axis=0), rtol=1e-9)


def test_max_scale_bounds_what_a_gene_is_blown_up_by():
    X_s, X_t = drawn(seed=1), drawn(seed=2)
    X_s[:, 0] = 1 + 1e-6 * centred(X_s)[:, 0]
    map_ = map_between(X_s, X_t, rank=1, max_scale=2.0)
    assert map_.scale.max() == 2.0


@pytest.mark.parametrize("prior", [0.0, 10.0])
def test_states_without_spread_are_moved_by_the_difference_of_their_means(prior):
    X_s, X_t, new = np.full((4, 3), 1.0), np.full((5, 3), 3.0), np.array([[1.0, 1.0, 2.0]])
    map_ = map_between(X_s, X_t, 3, 0.1, prior=prior, pooled=np.zeros((2, 3)))
    np.testing.assert_allclose(moved(map_, new), [[3.0, 3.0, 4.0]])


# -- the spread of a state -------------------------------------------------------------------
@pytest.mark.parametrize(("n", "prior"), [(30, 0.0), (30, 10.0), (3, 10.0), (1, 10.0), (1, 0.0)])
def test_the_prior_counts_for_as_many_profiles_as_it_says(n, prior):
    X, pooled = drawn(n), np.linalg.cholesky(np.cov(drawn(seed=5).T)).T
    freedom = n - 1
    own = freedom / (freedom + prior) if freedom + prior else 0.0
    covariance = np.cov(X.T) if n > 1 else np.zeros((G, G))
    expected = own * covariance + (1 - own) * pooled.T @ pooled
    F = spread(X, prior, pooled).factor.numpy()
    np.testing.assert_allclose(F.T @ F, expected, rtol=1e-9, atol=1e-9)


def test_leading_directions_are_the_right_singular_vectors():
    U = np.linalg.qr(RNG.normal(size=(60, 60)))[0][:, :40]
    V = np.linalg.qr(RNG.normal(size=(300, 40)))[0]
    F = (U * 0.8 ** np.arange(40)) @ V.T
    state = torch.get_rng_state()
    B = leading_directions(torch.from_numpy(F), 5).numpy()
    assert torch.equal(torch.get_rng_state(), state)
    assert B.shape == (300, 5)
    np.testing.assert_allclose(np.abs(B.T @ V[:, :5]), np.eye(5), atol=1e-4)


@pytest.mark.parametrize("shape", [(4, 50), (50, 4)])
def test_there_are_no_more_directions_than_profiles_or_genes(shape):
    X = RNG.normal(size=shape)
    X[-1] = X[0]
    B = leading_directions(torch.from_numpy(X), 50)
    assert B.shape == (shape[1], np.linalg.matrix_rank(X))
    torch.testing.assert_close(B.T @ B, torch.eye(B.shape[1], dtype=torch.float64))


# -- quantiles -------------------------------------------------------------------------------
def matched(quantiles, wanted, x):
    """Of one gene."""
    columns = [
        torch.tensor(values, dtype=torch.float64)[:, None] for values in (quantiles, wanted, x)
    ]
    return match_quantiles(*columns)[:, 0].numpy()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_value_becomes_that_of_the_same_rank(dtype):
    quantiles, wanted = (np.sort(RNG.normal(size=(21, 4)), axis=0).astype(dtype) for _ in range(2))
    X = RNG.normal(0, 2, size=(200, 4)).astype(dtype)  # some of them beyond all quantiles
    X[:21] = quantiles
    result = match_quantiles(*map(torch.from_numpy, (quantiles, wanted, X))).numpy()
    assert result.dtype == dtype
    columns = zip(X.T, quantiles.T, wanted.T, strict=True)
    expected = np.stack([np.interp(*column) for column in columns], axis=1)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("quantiles", "x", "expected"),
    [
        ([0.0, 1.0, 1.0, 1.0, 2.0], 1.0, 2.0),
        ([0.0, 1.0, 1.0, 2.0, 3.0], 1.0, 1.5),
        ([0.0, 0.0, 0.0, 1.0, 2.0], 0.0, 1.0),
        ([0.0, 0.0, 1.0, 2.0, 3.0], 0.0, 0.5),
        ([0.0, 1.0, 2.0, 2.0, 2.0], 2.0, 3.0),
        ([0.0, 1.0, 2.0, 3.0, 3.0], 3.0, 3.5),
    ],
    ids=["inside", "two inside", "lowest", "two lowest", "highest", "two highest"],
)
def test_of_equal_quantiles_the_middle_counts(quantiles, x, expected):
    assert matched(quantiles, np.arange(5.0), [x])[0] == expected


def test_a_gene_that_does_not_vary_stays_as_it_is():
    assert matched([2.0] * 5, np.arange(5.0), [2.0, 1.0, 7.0]).tolist() == [2.0, 1.0, 7.0]


def test_beyond_equal_quantiles_the_outermost_count():
    values = matched([0.0, 0.0, 1.0, 2.0, 2.0], np.arange(5.0), [-1.0, 3.0, 0.5, 1.0])
    assert values.tolist() == [0.0, 4.0, 1.5, 2.0]
