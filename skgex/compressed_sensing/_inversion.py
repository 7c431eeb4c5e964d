"""Inverting a generator: the latents behind what was measured, all profiles in one batch."""

from math import cos, pi

import torch

# Features of a generator, profiles times their number, that are held at a time: bounds memory.
_CHUNK = 2**20


def whitening(A, psi, noise):
    """V with ``Vᵀ V = C⁻¹``, ``C = A diag(ψ) Aᵀ + noise``: (rank, n_measurements) in float64.

    Directions in which nothing but rounding varies are left out: measurements may depend on each
    other, and what they depend on may be free of noise.
    """
    C = (A.double() * psi.double()) @ A.double().T + noise
    variances, directions = torch.linalg.eigh(C)
    rounding = max(torch.finfo(A.dtype).eps, len(C) * torch.finfo(torch.float64).eps)
    kept = (variances > rounding * variances[-1]) & (variances > 0)
    return (directions[:, kept] / variances[kept].sqrt()).T


def invert(features, M, targets, starts, *, misfit=0.5, penalty=0.5, n_steps=150, lr=0.1):
    """Latents ``w`` with the least ``misfit ‖t − M f(w)‖² + penalty ‖w‖²`` for every target t.

    By Adam, whose learning rate falls as a cosine, anew from every start; of what a target comes
    to, the best is kept. No target has an influence on another.

    Parameters
    ----------
    features : callable
        f, (n_profiles, n_latents) -> (n_profiles, n_features).
    M : Tensor of shape (n_measurements, n_features)
    targets : Tensor of shape (n_profiles, n_measurements)
    starts : Tensor of shape (n_restarts, n_latents)
        The same for every target.
    misfit, penalty : float
    n_steps : int
    lr : float
        Learning rate of the first step.

    Returns
    -------
    W : Tensor of shape (n_profiles, n_latents)
    objective : Tensor of shape (n_profiles,)
    """

    def objective(W, T):
        residual = T - features(W) @ M.T
        return misfit * residual.square().sum(dim=1) + penalty * W.square().sum(dim=1)

    def descend(start, T):
        W = start.repeat(len(T), 1).requires_grad_()
        adam = torch.optim.Adam([W], lr=lr)
        for step in range(n_steps):
            adam.param_groups[0]["lr"] = lr * 0.5 * (1 + cos(pi * step / n_steps))
            # Of the sum over targets, so that a step of one does not depend on their number.
            (W.grad,) = torch.autograd.grad(objective(W, T).sum(), W)
            adam.step()
        return W.detach()

    found = []
    for T in targets.split(max(1, _CHUNK // M.shape[1])):
        candidates = torch.stack([descend(start, T) for start in starts])
        with torch.no_grad():
            values = torch.stack([objective(W, T) for W in candidates])
        best = values.nan_to_num(nan=torch.inf).argmin(dim=0)
        rows = torch.arange(len(T), device=T.device)
        found.append((candidates[best, rows], values[best, rows]))
    W, values = zip(*found, strict=True)
    return torch.cat(W), torch.cat(values)
