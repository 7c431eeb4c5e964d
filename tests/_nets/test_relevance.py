"""Relevance of the inputs of a net, against a hand calculation, a reference and autograd."""

import numpy as np
import pytest
import torch
from torch import nn

from skgex._nets import MLP, DenseNet
from skgex._nets._relevance import Layer, Relevance

NETS, ACTIVATIONS = [MLP, DenseNet], ["tanh", "relu", "leaky_relu", "silu"]
NORMALIZATIONS = [None, "batch", "weight", "spectral"]


def random_net(cls=DenseNet, normalization=None, activation="tanh", bias=1.0):
    torch.manual_seed(0)
    net = cls(3, 2, (5, 4), activation=activation, normalization=normalization, dropout=0.5)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm1d):
            for values in (part.running_var, part.weight):
                nn.init.uniform_(values, 0.5, 2)
            for values in (part.running_mean, part.bias):
                nn.init.uniform_(values, -1, 1)
        elif isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.uniform_(part.bias, -bias, bias)
    return net.eval().requires_grad_(False)


def of_net(net, X, outputs, **params):
    (R,) = Relevance.of_net(net, **params)(X, [torch.tensor(outputs)])
    return R


def gradient_times_input(net, X, outputs):
    X = X.clone().requires_grad_()
    return X.detach() * torch.autograd.grad(net(X)[:, outputs].sum(), X)[0]


def shared_out(net, x, outputs, epsilon):
    """Rule epsilon for one profile, contribution by contribution: what landmarks get, and others.

    Layers are known by what they make of unit vectors.
    """
    layers = [(nn.Sequential(linear, norm), sigma) for linear, norm, sigma, _ in net.hidden]
    layers.append((net.output, nn.Identity()))
    values, steps = [x], []
    for number, (linear, sigma) in enumerate(layers):
        sources = [*range(number + 1)] if isinstance(net, DenseNet) else [number]
        a = torch.cat([values[s] for s in sources])
        bias = linear(torch.zeros(1, len(a)))[0]
        contributions = a[:, None] * (linear(torch.eye(len(a))) - bias)
        z = contributions.sum(dim=0) + bias
        steps.append((sources, contributions, z))
        values.append(sigma(z))
    received = [torch.zeros_like(h) for h in values]
    received[-1][outputs] = values[-1][outputs]
    kept = 0.0
    for number, (sources, contributions, z) in reversed([*enumerate(steps)]):
        shares = contributions / (z + epsilon * torch.where(z < 0, -1.0, 1.0))
        handed_on = shares @ received[number + 1]
        kept += (received[number + 1].sum() - handed_on.sum()).item()
        parts = handed_on.split([len(values[s]) for s in sources])
        for s, part in zip(sources, parts, strict=True):
            received[s] += part
    return received[0], kept


def test_two_layers_by_hand():
    """x = (1, 2), z = (1·1 + 1·2 + 1, −1·1 + 1·2 − 3) = (4, −2), h = relu(z) = (4, 0).

    ŷ = 3·4 + 5·0 + 2 = 14, of which the bias keeps 2. Of 12 that the first unit gets, its bias
    keeps 12·1/4, and landmarks get 12·1/4 and 12·2/4.
    """
    W_1, b_1 = torch.tensor([[1.0, 1.0], [-1.0, 1.0]]), torch.tensor([1.0, -3.0])
    W_2, b_2 = torch.tensor([[3.0, 5.0]]), torch.tensor([2.0])
    layers = [Layer(W_1, b_1, nn.ReLU()), Layer(W_2, b_2)]
    X, group = torch.tensor([[1.0, 2.0]]), torch.tensor([0])
    (R,) = Relevance(layers)(X, [group])
    assert R.tolist() == [[3.0, 6.0]]
    # With ε = 1 the output divides by 15 instead of 14, the unit by 5 instead of 4.
    (R,) = Relevance(layers, epsilon=1)(X, [group])
    np.testing.assert_allclose(R, [[3 * 14 / 15 * 4 / 5, 6 * 14 / 15 * 4 / 5]], rtol=1e-6)


@pytest.mark.parametrize("cls", NETS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("epsilon", [0.0, 0.3])
def test_relevance_is_shared_in_proportion_to_contributions(cls, activation, epsilon):
    """What landmarks get and what biases and ε keep is all that was inferred."""
    net, X = random_net(cls, "batch", activation), torch.randn(6, 3)
    for outputs in ([0], [0, 1]):
        R = of_net(net, X, outputs, epsilon=epsilon)
        for x, r in zip(X, R, strict=True):
            expected, kept = shared_out(net, x, outputs, epsilon)
            torch.testing.assert_close(r, expected, rtol=1e-3, atol=1e-4)
            inferred = net(x[None])[0, outputs].sum().item()
            assert r.sum().item() + kept == pytest.approx(inferred, abs=1e-4)


@pytest.mark.parametrize("cls", NETS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_for_piecewise_linear_nets_it_is_gradient_times_input(cls, normalization, activation):
    net = random_net(cls, normalization, activation).double()
    X = torch.randn(20, 3, dtype=torch.float64)
    for outputs in ([1], [0, 1]):
        expected = gradient_times_input(net, X, outputs)
        torch.testing.assert_close(of_net(net, X, outputs), expected)
        limit = of_net(net, X, outputs, epsilon=1e-9)
        torch.testing.assert_close(limit, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cls", NETS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_rule_gradient_input_is_that_of_autograd(cls, normalization, activation):
    net, X = random_net(cls, normalization, activation), torch.randn(20, 3)
    R = of_net(net, X, [0, 1], rule="gradient_input")
    expected = gradient_times_input(net, X, [0, 1])
    torch.testing.assert_close(R, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cls", NETS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_without_biases_landmarks_get_all_that_is_inferred(cls, activation):
    net, X = random_net(cls, None, activation, bias=0), torch.randn(20, 3)
    torch.testing.assert_close(of_net(net, X, [1]).sum(dim=1), net(X)[:, 1])
    left = of_net(net, X, [1], epsilon=0.5).sum(dim=1)
    assert (left.abs() < net(X)[:, 1].abs()).all()


@pytest.mark.parametrize("cls", NETS)
def test_deviations_from_a_baseline_count_where_there_is_one(cls):
    net, baseline = random_net(cls, "batch", "silu"), torch.tensor([1.0, -2.0, 0.5])
    X = torch.randn(5, 3)
    R = of_net(net, X, [0], rule="gradient_input", baseline=baseline)
    expected = gradient_times_input(net, X, [0]) / X * (X - baseline)
    torch.testing.assert_close(R, expected, rtol=1e-4, atol=1e-5)
    assert not of_net(net, baseline[None], [0], baseline=baseline).any()


def test_gradients_are_neither_needed_nor_switched_off_for_the_caller():
    net = random_net(DenseNet, "batch", "leaky_relu").requires_grad_(True)
    X, groups = torch.randn(5, 3, requires_grad=True), [torch.tensor([0]), torch.tensor([1])]
    for R in Relevance.of_net(net)(X, groups):
        assert not R.requires_grad
        assert torch.is_grad_enabled()
