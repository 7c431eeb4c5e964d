"""Profiles of three states, and small fits on them, the same for every test."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import torch

import skgex
from skgex import TSPG, GaussianTransport, StateClassifier

RNG = np.random.default_rng(0)
STATES = np.array(["brain", "liver", "lung"])
GENES = [f"GENE{j}" for j in range(8)]
CODES = np.arange(60) % 3
MEANS = RNG.normal(8, 1.5, size=(3, 8))
MIXING = 0.5 * np.eye(8) + 0.2 * RNG.normal(size=(3, 8, 8))
X = MEANS[CODES] + np.einsum("nij,nj->ni", MIXING[CODES], RNG.normal(size=(60, 8)))
y = STATES[CODES]
TABLE = pd.DataFrame(X, columns=GENES)
OTHERS = y != "lung"
# The method's own generator, and the paper's.
GENERATORS = [{}, dict(generator="hourglass", coupling="independent")]
GENERATOR_IDS = ["transport", "hourglass"]
generators = pytest.mark.parametrize("params", GENERATORS, ids=GENERATOR_IDS)


def new_profiles(n=90):
    """Profiles that none was trained on, and their states."""
    codes = np.arange(n) % 3
    noise = np.random.default_rng(2).normal(size=(n, 8))
    return MEANS[codes] + np.einsum("nij,nj->ni", MIXING[codes], noise), STATES[codes]


def classifier(**params):
    small = dict(hidden_units=(16,), max_epochs=15, lr=0.03, random_state=0)
    return StateClassifier(**(small | params))


def tspg(target="lung", **params):
    small = dict(classifier=classifier(), critic_units=(8,), hidden_units=(8, 4), batch_size=16)
    small |= dict(n_residual_blocks=1, max_epochs=3, random_state=0)
    return TSPG(target, **(small | params))


def transport(target="lung", **params):
    return GaussianTransport(target, **params)


def _saved_and_loaded(estimator, folder):
    skgex.save(estimator, folder / "states.skgex")
    return skgex.load(folder / "states.skgex")


COPIES = {
    "pickled": lambda estimator, _: pickle.loads(pickle.dumps(estimator)),
    "copied": lambda estimator, _: copy.deepcopy(estimator),
    "saved": _saved_and_loaded,
}


def assert_same(one, other):
    """Two fits that ended with the same generator."""
    np.testing.assert_array_equal(one.transform(X), other.transform(X))
    assert one.history_ == other.history_
    for name, value in one.module_.state_dict().items():
        assert torch.equal(value, other.module_.state_dict()[name]), name
