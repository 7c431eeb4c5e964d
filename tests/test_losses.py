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


@pytest.mark.parametrize("weight", [None, np.array([0.5, 1, 2, 0.1])])
def test_task_absolute_error_is_the_mean_over_profiles_of_each_gene(weight):
    expected = np.average(np.abs(Y - Y_HAT), axis=0, weights=weight)
    weights = () if weight is None else (torch.tensor(weight),)
    found = losses.task_absolute_error(torch.tensor(Y_HAT), torch.tensor(Y), *weights)
    np.testing.assert_allclose(found, expected)


def test_task_absolute_error_of_profiles_without_weight_is_nothing():
    found = losses.task_absolute_error(*map(torch.tensor, (Y_HAT, Y)), torch.zeros(4).double())
    np.testing.assert_array_equal(found, np.zeros(3))


# -- adversarial losses ----------------------------------------------------------------------
SCORE = RNG.normal(scale=3, size=7)


def sigmoid(score):
    return 1 / (1 + np.exp(-score))


@pytest.mark.parametrize(
    ("name", "real", "fake", "pull"),
    [
        ("least_squares", 0.5 * (SCORE - 1) ** 2, 0.5 * SCORE**2, (SCORE - 1) ** 2),
        (
            "non_saturating",
            -np.log(sigmoid(SCORE)),
            -np.log(1 - sigmoid(SCORE)),
            -np.log(sigmoid(SCORE)),
        ),
    ],
)
def test_adversarial_formula(name, real, fake, pull):
    loss, score = losses.ADVERSARIAL[name], torch.tensor(SCORE)
    np.testing.assert_allclose(loss.real(score), real)
    np.testing.assert_allclose(loss.fake(score), fake)
    np.testing.assert_allclose(loss.pull(score), pull)


def test_non_saturating_pulls_where_the_critic_is_sure():
    score = torch.tensor([-1000.0, 1000.0], requires_grad=True)
    pull = losses.ADVERSARIAL["non_saturating"].pull(score)
    np.testing.assert_array_equal(pull.detach(), [1000.0, 0.0])
    np.testing.assert_array_equal(torch.autograd.grad(pull.sum(), score)[0], [-1.0, 0.0])


def test_squared_slope():
    at, weight = (torch.tensor(A, requires_grad=True) for A in (Y, Y_HAT[0]))
    penalty = losses.squared_slope((at.square() * weight).sum(dim=1), at=at)
    np.testing.assert_allclose(penalty.detach(), ((2 * Y * Y_HAT[0]) ** 2).sum(axis=1))
    penalty.sum().backward()  # what weighs the score is trained by it
    np.testing.assert_allclose(weight.grad, (8 * Y**2 * Y_HAT[0]).sum(axis=0))


# -- the gradient of one loss, as long as that of another --------------------------------------
def gradients(reference_slope, slope):
    """Gradients of a term and of its reference, both linear with the given slopes."""
    at = torch.zeros(len(slope), requires_grad=True)
    reference, loss = ((at * s).sum() for s in (reference_slope, slope))
    term = losses.as_long_as(reference, loss, at=at)
    return (torch.autograd.grad(t, at, retain_graph=True)[0] for t in (term, reference))


@pytest.mark.parametrize("size", [1e-30, 1e-3, 1.0, 1e20])  # also those whose square overflows
@pytest.mark.parametrize("reference_size", [1e-3, 100.0])
def test_as_long_as_takes_the_direction_of_one_and_the_length_of_the_other(size, reference_size):
    direction, other = (torch.tensor(v, dtype=torch.float32) for v in RNG.normal(size=(2, 50)))
    gradient, reference = gradients(other * reference_size, direction * size)
    expected = direction / direction.norm() * reference.norm()
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("reference_size", [1e-3, 1.0, 100.0])
def test_as_long_as_leaves_no_gradient_where_the_loss_has_none(reference_size):
    gradient, _ = gradients(torch.full((50,), reference_size), torch.zeros(50))
    np.testing.assert_array_equal(gradient, np.zeros(50))


def test_as_long_as_a_flat_reference_is_flat():
    gradient, _ = gradients(torch.zeros(3), torch.tensor([1.0, -2.0, 3.0]))
    np.testing.assert_array_equal(gradient, np.zeros(3))


def test_as_long_as_reaches_what_made_the_tensor_and_nothing_beside_it():
    weight, critic = (torch.tensor([2.0, 1.0], requires_grad=True) for _ in range(2))
    at = weight * torch.tensor([1.0, 3.0])
    reference, loss = (4 * at).sum(), (critic * at).sum()
    losses.as_long_as(reference, loss, at=at).backward()
    pull = np.array([2.0, 1.0]) / 5**0.5 * 4 * 2**0.5
    np.testing.assert_allclose(weight.grad, pull * [1.0, 3.0], rtol=1e-6)
    assert critic.grad is None
