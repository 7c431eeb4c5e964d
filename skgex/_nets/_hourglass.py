"""The generator of TSPG: from a profile to its perturbation."""

from itertools import pairwise

import torch
from torch import nn

from skgex._nets._feedforward import _linear


class Hourglass(nn.Module):
    """Down to a few units, residual blocks there, and up again to the genes.

    Parameters
    ----------
    n_genes : int
    hidden_units : sequence of int
        Of the layers on the way down, the last of which is the width of the residual blocks; the
        way up has the same units in reverse.
    n_blocks : int
        Residual blocks: linear, batch normalisation, ReLU, linear, batch normalisation, plus the
        block's input.
    bounded : bool
        Whether a tanh keeps perturbations within ±1, as published. Without it the output starts
        at zero, so that profiles start unchanged.
    """

    def __init__(self, n_genes, hidden_units=(512, 256, 128), n_blocks=3, *, bounded=True):
        super().__init__()
        hidden_units = tuple(hidden_units)
        self.config = dict(
            n_genes=n_genes, hidden_units=hidden_units, n_blocks=n_blocks, bounded=bounded
        )
        widths = (n_genes, *hidden_units, *hidden_units[-2::-1])
        layers = [_layer(*sizes) for sizes in pairwise(widths)]
        bottom = len(hidden_units)
        layers[bottom:bottom] = [_Residual(hidden_units[-1]) for _ in range(n_blocks)]
        self.hidden = nn.Sequential(*layers)
        self.output = _linear(widths[-1], n_genes, bound=None if bounded else 0.0)
        self.bounded = bounded

    def forward(self, X):
        P = self.output(self.hidden(X))
        return torch.tanh(P) if self.bounded else P


class _Residual(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.change = nn.Sequential(
            _layer(units, units), _linear(units, units, bias=False), nn.BatchNorm1d(units)
        )

    def forward(self, H):
        return H + self.change(H)


def _layer(n_in, n_out):
    return nn.Sequential(_linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU())
