"""Shapes, connections and published sizes of the nets."""

import pytest
import torch

from skgex import DenseNetRegressor, DGEXRegressor
from skgex._nets import MLP, DenseNet


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
@pytest.mark.parametrize("normalization", [None, "batch", "weight"])
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
