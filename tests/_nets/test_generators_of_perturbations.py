"""Generators of perturbations: the hourglass as published, and curves, one a gene."""

import numpy as np
import pytest
import torch
from torch import nn

from skgex._nets import GeneCurves, Hourglass

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def n_parameters(net):
    return sum(p.numel() for p in net.parameters())


def rebuilt(net):
    """The net that its configuration and its arrays make."""
    twin = type(net)(**net.config)
    twin.load_state_dict(net.state_dict())
    return twin.eval()


# -- hourglass -------------------------------------------------------------------------------
@pytest.mark.parametrize("n_genes", [36, 20_000])
def test_hourglass_has_the_papers_size(n_genes):
    """512-256-128, three residual blocks of two layers, 256-512; two numbers a unit normalise."""
    down = (n_genes + 2) * 512 + (512 + 2) * 256 + (256 + 2) * 128
    blocks = 3 * 2 * (128 + 2) * 128
    up = (128 + 2) * 256 + (256 + 2) * 512 + (512 + 1) * n_genes
    with torch.device("meta"):
        assert n_parameters(Hourglass(n_genes)) == down + blocks + up


def test_every_hidden_layer_but_the_output_is_batch_normalised():
    layers = [m for m in Hourglass(9).modules() if isinstance(m, nn.Linear | nn.BatchNorm1d)]
    linear, norms = layers[::2], layers[1::2]
    sizes = [(layer.in_features, layer.out_features) for layer in linear]
    assert sizes[:3] == [(9, 512), (512, 256), (256, 128)]
    assert sizes[3:9] == [(128, 128)] * 6
    assert sizes[9:] == [(128, 256), (256, 512), (512, 9)]
    assert [norm.num_features for norm in norms] == [n_out for _, n_out in sizes[:-1]]
    assert [layer.bias is not None for layer in linear] == [False] * 11 + [True]


@pytest.mark.parametrize("units", [(8,), (12, 8), (12, 8, 4)])
@pytest.mark.parametrize("n_blocks", [0, 2])
def test_the_way_up_mirrors_the_way_down(units, n_blocks):
    net = Hourglass(5, units, n_blocks)
    sizes = [layer.out_features for layer in net.modules() if isinstance(layer, nn.Linear)]
    assert sizes == [*units, *[units[-1]] * 2 * n_blocks, *units[:-1][::-1], 5]
    assert net(torch.rand(7, 5)).shape == (7, 5)


def test_a_block_adds_to_its_input():
    net = Hourglass(5, (6,), 1).eval()
    block = net.hidden[1]
    H = torch.randn(4, 6)
    assert not torch.equal(block(H), H)
    nn.init.zeros_(block.change[-1].weight)
    assert torch.equal(block(H), H)


def test_published_perturbations_stay_within_the_range_of_a_gene():
    net = Hourglass(5, (6,), 1).eval()
    with torch.no_grad():
        net.output.weight.mul_(100)
    P = net(1e3 * torch.randn(50, 5))
    assert P.abs().max() <= 1
    assert P.min() < -0.9 and P.max() > 0.9


def test_an_unbounded_hourglass_starts_without_a_perturbation():
    net = Hourglass(5, (6,), 1, bounded=False)
    assert not net(torch.rand(4, 5)).any()
    with torch.no_grad():
        net.output.bias.fill_(3)
    assert torch.equal(net(torch.rand(4, 5)), torch.full((4, 5), 3.0))


# -- curves ----------------------------------------------------------------------------------
def curves(knots, heights):
    net = GeneCurves(knots.shape[1], len(knots))
    net.knots.copy_(torch.from_numpy(knots))
    with torch.no_grad():
        net.heights.copy_(torch.from_numpy(heights))
    return net


def test_curves_are_linear_between_knots_and_constant_beyond():
    knots, heights = np.sort(RNG.normal(size=(7, 3)), axis=0), RNG.normal(size=(7, 3))
    X = np.concatenate([RNG.normal(0, 2, size=(200, 3)), knots])
    with torch.no_grad():
        result = curves(knots, heights).double()(torch.from_numpy(X)).numpy()
    columns = zip(X.T, knots.T, heights.T, strict=True)
    expected = np.stack([np.interp(*column) for column in columns], axis=1)
    np.testing.assert_allclose(result, expected, atol=1e-4)  # knots are kept in float32


def test_curves_start_without_a_perturbation():
    assert not GeneCurves(4)(torch.randn(9, 4)).any()


def test_a_curve_jumps_where_knots_are_equal():
    knots, heights = np.array([[0.0], [0.5], [0.5], [1.0]]), np.array([[1.0], [1.0], [3.0], [3.0]])
    X = torch.tensor([[0.0], [0.499], [0.501], [1.0]])
    torch.testing.assert_close(
        curves(knots, heights)(X), torch.tensor([[1.0], [1.0], [3.0], [3.0]])
    )


def test_a_gene_that_does_not_vary_has_a_finite_curve():
    net = curves(np.full((5, 1), 0.3), RNG.normal(size=(5, 1)))
    P = net(torch.tensor([[0.0], [0.3], [1.0]]))
    P.sum().backward()
    assert P.isfinite().all() and net.heights.grad.isfinite().all()
    torch.testing.assert_close(P[[0, 2]], net.heights[[0, -1]])


def test_a_gene_is_changed_by_its_own_value_alone():
    net = curves(np.sort(RNG.normal(size=(5, 3)), axis=0), RNG.normal(size=(5, 3)))
    X = torch.randn(6, 3)
    other = X.clone()
    other[:, 1] += 0.5
    changed = net(X) != net(other)
    assert changed[:, 1].any() and not changed[:, [0, 2]].any()


# -- both ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "make",
    [
        lambda: Hourglass(5, [6, 4], 2),
        lambda: Hourglass(5, (6,), 0, bounded=False),
        lambda: curves(np.sort(RNG.normal(size=(5, 5)), axis=0), RNG.normal(size=(5, 5))),
    ],
    ids=["hourglass", "unbounded", "curves"],
)
def test_a_generator_is_rebuilt_from_its_configuration_and_arrays(make):
    net, X = make(), torch.rand(8, 5)
    net(X).square().sum().backward()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= 0.1 * parameter.grad
    net.eval()
    assert torch.equal(rebuilt(net)(X), net(X))
