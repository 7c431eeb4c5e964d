"""Shapes, connections, published sizes and copies of the nets."""

import copy
import pickle

import numpy as np
import pytest
import torch

from skgex import DenseNetRegressor, DGEXRegressor
from skgex._nets import MLP, DenseNet, frozen_statistics

NORMALIZATIONS = [None, "batch", "weight", "spectral"]


def n_parameters(net):
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(("units", "published"), [(3000, 8.08e7)])
def test_densenet_has_the_published_number_of_parameters(units, published):
    with torch.device("meta"):
        net = DenseNet(943, 9520, (units, units))
    assert n_parameters(net) == pytest.approx(published, rel=1e-3)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        # 943 -> 3 x 9,000 -> 9,520; weights and biases.
        (DGEXRegressor.published(), 944 * 9000 + 2 * 9001 * 9000 + 9001 * 9520),
        # Every layer sees those before it. Batch normalisation has two parameters a unit, no bias.
        (
            DenseNetRegressor.published(),
            (943 + 9943 + 18943 + 3 * 2) * 9000 + (27943 + 1) * 9520,
        ),
    ],
    ids=["D-GEX", "DenseNet"],
)
def test_published_presets_have_the_papers_sizes(estimator, expected):
    with torch.device("meta"):
        assert n_parameters(estimator._make_module(943, 9520)) == expected


def test_published_presets_take_overrides():
    small = DGEXRegressor.published(hidden_units=3000, n_hidden_layers=1, dropout=0.25)
    assert (small.hidden_units, small.n_hidden_layers, small.dropout) == (3000, 1, 0.25)
    assert DenseNetRegressor.published(activation="silu").activation == "silu"
    assert DenseNetRegressor.published().activation == "leaky_relu"


def test_dgex_size_by_hand():
    net = MLP(10, 4, (6, 5))
    assert n_parameters(net) == (10 * 6 + 6) + (6 * 5 + 5) + (5 * 4 + 4)


def test_densenet_output_sees_inputs_and_all_hidden_layers():
    net = DenseNet(3, 2, (4, 5), activation="tanh")
    X = torch.randn(7, 3)
    W = [layer[0] for layer in net.hidden]
    h1 = torch.tanh(W[0](X))
    h2 = torch.tanh(W[1](torch.cat([X, h1], 1)))
    torch.testing.assert_close(net(X), net.output(torch.cat([X, h1, h2], 1)))


@pytest.mark.parametrize("cls", [MLP, DenseNet])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_rebuilt_from_config(cls, normalization):
    net = cls(3, 2, (4,), normalization=normalization, dropout=0.5).eval()
    twin = cls(**net.config).eval()
    twin.load_state_dict(net.state_dict())
    X = torch.randn(5, 3)
    torch.testing.assert_close(twin(X), net(X))


def test_small_output_init_starts_near_zero():
    net = MLP(3, 2, (4,), output_init="small")
    assert net.output.weight.abs().max() <= 1e-4


def test_dropout_acts_in_training_only():
    net = DenseNet(50, 2, (40,), dropout=0.5, input_dropout=0.5)
    X = torch.randn(5, 50)
    assert not torch.equal(net.train()(X), net(X))
    torch.testing.assert_close(net.eval()(X), net(X))


# -- normalisation ---------------------------------------------------------------------------
def linear_maps(net):
    return [*(layer[0] for layer in net.hidden), net.output]


def test_spectral_normalisation_lets_no_map_stretch_its_input():
    net = MLP(20, 5, (30, 10), normalization="spectral").train()
    for _ in range(50):  # the power iteration goes on while training
        net(torch.randn(3, 20))
    for linear in linear_maps(net):
        assert np.linalg.norm(linear.weight.detach(), 2) == pytest.approx(1, rel=0.02)


def test_weight_normalisation_separates_length_and_direction():
    net = MLP(20, 5, (30,), normalization="weight")
    for linear in linear_maps(net):
        length = linear.parametrizations.weight.original0
        with torch.no_grad():
            length.fill_(3.0)
        assert length.shape == (linear.out_features, 1)
        torch.testing.assert_close(linear.weight.norm(dim=1), torch.full_like(length[:, 0], 3))


def running_statistics(net):
    return {k: v.clone() for k, v in net.state_dict().items() if "running" in k}


def test_frozen_statistics_stay_while_gradients_flow():
    net = MLP(4, 2, (5, 5), normalization="batch").train()
    net(torch.randn(20, 4))
    X, before = 10 + torch.randn(20, 4), running_statistics(net)
    with frozen_statistics(net):
        Y_hat = net(X)
        Y_hat.square().mean().backward()
    assert all(torch.equal(value, before[k]) for k, value in running_statistics(net).items())
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())
    torch.testing.assert_close(Y_hat, net(X))  # the batch's own statistics normalised it
    assert not any(torch.equal(value, before[k]) for k, value in running_statistics(net).items())


def test_frozen_statistics_thaw_after_an_error():
    net = MLP(4, 2, (5,), normalization="batch").train()
    before = running_statistics(net)
    with pytest.raises(KeyError), frozen_statistics(net):
        raise KeyError
    net(torch.randn(20, 4))
    assert not any(torch.equal(value, before[k]) for k, value in running_statistics(net).items())


# -- copies ----------------------------------------------------------------------------------
by_copy = pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))],
    ids=["deepcopy", "pickle"],
)


@by_copy
@pytest.mark.parametrize("cls", [MLP, DenseNet])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_copy_computes_the_same_and_draws_no_random_numbers(cls, normalization, duplicate):
    net = cls(3, 2, (4, 4), normalization=normalization, dropout=0.5).train()
    X = torch.randn(5, 3)
    net(X)  # moves running statistics and power iterations
    state = torch.get_rng_state()
    twin = duplicate(net.eval())
    assert torch.equal(torch.get_rng_state(), state)
    assert type(twin) is cls and twin.config == net.config
    assert torch.equal(twin(X), net(X))


@by_copy
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_copy_trains_on_its_own(normalization, duplicate):
    net = MLP(3, 2, (4,), normalization=normalization).train()
    X, twin = torch.randn(5, 3), duplicate(net)
    expected = [p.detach().clone() for p in net.parameters()]
    twin(X).square().sum().backward()
    torch.optim.SGD(twin.parameters(), lr=0.1).step()
    pairs = zip(net.parameters(), twin.parameters(), expected, strict=True)
    for parameter, of_twin, before in pairs:
        assert parameter.grad is None and torch.equal(parameter, before)
        assert not torch.equal(of_twin, before)


@by_copy
def test_a_copy_keeps_mode_dtype_and_what_is_frozen(duplicate):
    net = DenseNet(3, 2, (4,), normalization="weight").double().train()
    net.output.bias.requires_grad_(False)
    for training in (True, False):
        twin = duplicate(net.train(training))
        assert all(part.training is training for part in twin.modules())
    assert {p.dtype for p in twin.parameters()} == {torch.float64}
    assert [n for n, p in twin.named_parameters() if not p.requires_grad] == ["output.bias"]


@by_copy
def test_nets_inside_another_module_are_copied_with_it(duplicate):
    nets = torch.nn.ModuleDict({"x": MLP(3, 2, (4,), normalization="weight")})
    X = torch.randn(5, 3)
    assert torch.equal(duplicate(nets)["x"](X), nets["x"](X))
