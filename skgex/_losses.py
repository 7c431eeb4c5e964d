"""Losses: one number per profile, so that a training objective can weigh profiles.

Every function takes predictions and targets of shape (n_profiles, n_genes) and returns a tensor of
shape (n_profiles,). Losses are averaged over genes, so that a weight between two terms means the
same for a hundred genes and for ten thousand; where a paper sums over genes, the name says so.
"""

import torch


def absolute_error(Y_hat, Y):
    """``‖y − ŷ‖₁ / n_genes``: its optimum is the conditional median of each gene."""
    return (Y - Y_hat).abs().mean(dim=1)


def squared_error(Y_hat, Y):
    """``‖y − ŷ‖² / n_genes``: its optimum is the conditional mean of each gene."""
    return (Y - Y_hat).square().mean(dim=1)


def summed_squared_error(Y_hat, Y):
    """``‖y − ŷ‖²``, the sum over genes that D-GEX minimises."""
    return (Y - Y_hat).square().sum(dim=1)


def weighted_mean(per_profile, weight=None):
    """Mean over profiles, weighted if ``weight`` (n_profiles,) is given."""
    if weight is None:
        return per_profile.mean()
    return (per_profile * weight).sum() / weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)
