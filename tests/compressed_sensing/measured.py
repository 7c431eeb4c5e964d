"""Profiles, their measurements, and the decoders that every promise is tested on."""

from functools import partial

import numpy as np
import pytest

N, G, M = 120, 15, 6
DECODERS = {
    "WienerRegressor": dict(shrinkage=0.05),
    "WienerMixtureRegressor": dict(
        n_clusters=3, own_share=0.3, shrinkage=0.05, n_components=5, random_state=0
    ),
    "SVDRegressor": dict(n_nonzero=4),
    "CSGMRegressor": dict(
        latent_dim=8,
        hidden_units=128,
        max_epochs=40,
        lr=0.005,
        n_steps=50,
        gene_scaling=None,
        random_state=0,
    ),
}


def draw(n, seed, g=G):
    """Profiles of five modules in three groups."""
    shape, rng = np.random.default_rng(100), np.random.default_rng(seed)
    modules, centres = shape.normal(size=(5, g)), 2 * shape.normal(size=(3, g))
    P = rng.normal(size=(n, 5)) @ modules + 0.3 * rng.normal(size=(n, g))
    return P + centres[rng.integers(3, size=n)] + 8


def matrix(m=M, seed=0, g=G):
    return np.random.default_rng(seed).normal(size=(m, g)) / np.sqrt(g)


P, NEW, A, B = draw(N, 0), draw(40, 1), matrix(), matrix(9, 1)
SCALES = np.random.default_rng(2).uniform(0.1, 10, G)
scalings = pytest.mark.parametrize("scaling", [None, "standard"])
close = partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-6)


def noisy(P, A, sigma, seed=3):
    """Measurements of profiles with noise in every gene."""
    return (P + sigma * np.random.default_rng(seed).normal(size=P.shape)) @ A.T
