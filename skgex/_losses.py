"""Losses: one number per profile, so that a training objective can weigh profiles.

Every function takes predictions and targets of shape (n_profiles, n_genes) and returns a tensor of
shape (n_profiles,); where genes are tasks, of (n_genes,). Losses are averaged over genes, so that
a weight between two terms means the same for a hundred genes and for ten thousand; where a paper
sums over genes, the name says so.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn.functional import softplus


def absolute_error(Y_hat, Y):
    """``‖y − ŷ‖₁ / n_genes``: its optimum is the conditional median of each gene."""
    return (Y - Y_hat).abs().mean(dim=1)


def squared_error(Y_hat, Y):
    """``‖y − ŷ‖² / n_genes``: its optimum is the conditional mean of each gene."""
    return (Y - Y_hat).square().mean(dim=1)


def summed_squared_error(Y_hat, Y):
    """``‖y − ŷ‖²``, the sum over genes that D-GEX minimises."""
    return (Y - Y_hat).square().sum(dim=1)


def task_absolute_error(Y_hat, Y, weight=None):
    """``L_t = mean_i |y_it − ŷ_it|`` of each gene t over profiles i, (n_genes,)."""
    errors = (Y - Y_hat).abs()
    return errors.mean(dim=0) if weight is None else weight @ errors / _positive(weight.sum())


def cross_entropy(scores, state):
    """``−log softmax(f)_s`` of scores f, (n_profiles, n_states), and true states s."""
    return torch.nn.functional.cross_entropy(scores, state, reduction="none")


def targeted_margin(scores, target, confidence=0.0):
    """``max(max_{i≠t} f_i − f_t, −κ)`` of Carlini and Wagner (2017): 0 or less once t wins."""
    others = scores.clone()
    others[:, target] = -torch.inf
    return (others.amax(dim=1) - scores[:, target]).clamp_min(-confidence)


def weighted_mean(per_profile, weight=None):
    """Mean over profiles, weighted if ``weight`` (n_profiles,) is given."""
    if weight is None:
        return per_profile.mean()
    return (per_profile * weight).sum() / _positive(weight.sum())


def _positive(total):
    return total.clamp_min(torch.finfo(total.dtype).tiny)


# -- adversarial losses, of the score that a critic D gives a profile ---------------------------
class AdversarialLoss(NamedTuple):
    """What D minimises on a real and on a generated profile, and what the generator minimises."""

    real: Callable
    fake: Callable
    pull: Callable


ADVERSARIAL = {
    # Mao et al. 2017: ½(D − 1)² and ½D² against (D − 1)².
    "least_squares": AdversarialLoss(
        real=lambda score: 0.5 * (score - 1).square(),
        fake=lambda score: 0.5 * score.square(),
        pull=lambda score: (score - 1).square(),
    ),
    # −log σ(D) and −log(1 − σ(D)) against −log σ(D), which pulls where log(1 − σ(D)) is flat.
    "non_saturating": AdversarialLoss(
        real=lambda score: softplus(-score),
        fake=softplus,
        pull=lambda score: softplus(-score),
    ),
}


def squared_slope(score, at):
    """``‖∂score/∂at‖²`` of every profile: a gradient penalty (R1, Mescheder et al. 2018).

    Can be differentiated itself. ``at`` must have required its gradient before it was scored.
    """
    (slope,) = torch.autograd.grad(score.sum(), at, create_graph=True)
    return slope.square().sum(dim=1)


def as_long_as(reference, loss, at):
    """A term with the gradient of ``loss`` at the tensor ``at``, as long as that of ``reference``.

    A critic's slope depends on its weights and on the number of genes, so that no fixed weight of
    an adversarial loss means the same twice; relative to the slope of the other loss it does. The
    value of the term means nothing.
    """
    terms = loss, reference
    pull, measure = (torch.autograd.grad(term, at, retain_graph=True)[0] for term in terms)
    # A pull too small or too large to be squared still has a direction.
    pull = pull / pull.abs().max().clamp_min(torch.finfo(pull.dtype).tiny)
    pull = pull * (measure.norm() / pull.norm().clamp_min(1))
    return (at * pull.detach()).sum()
