"""Small SemiGAN fits, the same for every test of them."""

from functools import partial

import numpy as np

from skgex import SemiGANRegressor
from skgex.inference._teacher import Teacher

RNG = np.random.default_rng(0)
X = RNG.normal(8, 2, (60, 6))
SLOPES = RNG.normal(size=(6, 8))
Y = np.tanh(X - 8) @ SLOPES
U = RNG.normal(8, 2, (90, 6))
NO_GENERATORS = dict(lambda_gx=0.0, lambda_gy=0.0, lambda_gxy=0.0, lambda_syn=0.0)
SMALL = dict(hidden_units=16, latent_dim=4, gan_units=8, critic_units=8, max_epochs=6)
EXTRAS = dict(
    adversarial_loss="non_saturating",
    gan_normalization="weight",
    normalization="weight",
    synthetic_weights="uniform",
    lambda_dxy=0.5,
    max_grad_norm=0.5,
)
QuickTeacher = partial(Teacher, max_epochs=3, units=(16,))


def semigan(max_epochs=6, **params):
    """A small SemiGAN that learns from synthetic pairs too, and from no teacher."""
    small = dict(batch_size=30, lambda_syn=0.1, teacher=None, random_state=0)
    small |= dict(max_epochs=max_epochs, warm_up=min(2, max_epochs - 1))
    return SemiGANRegressor(**(SMALL | small | params))


def fit(_labelled=(X, Y), _unlabelled=U, **params):
    return semigan(**params).fit(*_labelled, X_unlabeled=_unlabelled)


def assert_same(one, other):
    """Two fits that ended with the same weights."""
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert hasattr(one, "generators_") == hasattr(other, "generators_")
    if hasattr(one, "generators_"):
        pairs = (estimator.sample(9, random_state=0) for estimator in (one, other))
        for profiles, twin in zip(*pairs, strict=True):
            np.testing.assert_array_equal(profiles, twin)
    assert one.history_.keys() == other.history_.keys()
    for name, values in one.history_.items():
        np.testing.assert_array_equal(values, other.history_[name], err_msg=name)
