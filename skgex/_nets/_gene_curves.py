"""A generator that knows one gene at a time."""

import torch
from torch import nn


class GeneCurves(nn.Module):
    """For every gene a curve of its own, linear between knots and constant beyond them.

    The curve is a change to be added to the gene, at first zero everywhere.

    Parameters
    ----------
    n_genes : int
    n_knots : int

    Attributes
    ----------
    knots : Tensor of shape (n_knots, n_genes)
        Values of each gene, ascending; where they are equal, the curve jumps.
    heights : Tensor of shape (n_knots, n_genes)
        What is added to the gene there.
    """

    def __init__(self, n_genes, n_knots=11):
        super().__init__()
        self.config = dict(n_genes=n_genes, n_knots=n_knots)
        self.register_buffer("knots", torch.linspace(0, 1, n_knots)[:, None].repeat(1, n_genes))
        self.heights = nn.Parameter(torch.zeros(n_knots, n_genes))

    def forward(self, X):
        change = self.heights[0].expand_as(X)
        tiny = torch.finfo(X.dtype).eps
        for k in range(len(self.knots) - 1):
            low, high = self.knots[k], self.knots[k + 1]
            passed = ((X - low) / (high - low).clamp_min(tiny)).clamp(0, 1)
            change = change + passed * (self.heights[k + 1] - self.heights[k])
        return change
