"""Every loss against its formula in numpy."""

import numpy as np
import pytest
import torch

from skgex import _losses as losses

RNG = np.random.default_rng(0)
Y, Y_HAT = RNG.normal(size=(2, 4, 3))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (losses.absolute_error, np.abs(Y - Y_HAT).mean(axis=1)),
        (losses.squared_error, ((Y - Y_HAT) ** 2).mean(axis=1)),
        (losses.summed_squared_error, ((Y - Y_HAT) ** 2).sum(axis=1)),
    ],
)
def test_formula(loss, expected):
    np.testing.assert_allclose(loss(torch.tensor(Y_HAT), torch.tensor(Y)), expected)


def test_weighted_mean():
    values, weight = torch.tensor([1.0, 3.0]), torch.tensor([1.0, 3.0])
    assert losses.weighted_mean(values) == 2.0
    assert losses.weighted_mean(values, weight) == 2.5
    assert losses.weighted_mean(values, torch.zeros(2)) == 0.0
