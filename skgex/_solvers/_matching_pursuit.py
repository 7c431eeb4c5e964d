"""Orthogonal matching pursuit of many profiles at once (Batch-OMP).

For every row ``z`` of ``Z``, greedily, ``min_w ‖z − Dw‖²`` with at most ``n_nonzero`` non-zeros.
The correlations ``α = Dᵀ(z − Dw)`` of the atoms with the residual are kept up to date through the
Gram matrix ``G = DᵀD``, which all profiles share; no residual is ever formed.
"""

from typing import NamedTuple

import torch


class SparseCodes(NamedTuple):
    """A few coefficients for every profile.

    Parameters
    ----------
    index : Tensor of int64 of shape (n_profiles, n_nonzero)
        Atoms, no one twice for a profile.
    value : Tensor of shape (n_profiles, n_nonzero)
        Their coefficients. A pursuit that ended early leaves 0 for atoms it did not use.
    """

    index: torch.Tensor
    value: torch.Tensor

    def dense(self, n_atoms):
        """The codes as a Tensor of shape (n_profiles, n_atoms)."""
        codes = self.value.new_zeros(len(self.value), n_atoms)
        return codes.scatter_(1, self.index, self.value)


@torch.no_grad()
def matching_pursuit(D, Z, n_nonzero, *, normalize=True, nonnegative=False, chunk=512):
    """Code every profile by a few atoms of a dictionary.

    A profile is done before it has ``n_nonzero`` atoms when no atom correlates with what is left
    of it, or when the next one depends linearly on those it has, both up to rounding.

    Parameters
    ----------
    D : Tensor of shape (n_measurements, n_atoms)
        The dictionary, an atom a column. A zero column is never used.
    Z : Tensor of shape (n_profiles, n_measurements)
    n_nonzero : int
        At most the number of measurements and of atoms.
    normalize : bool
        Pursue with atoms of unit norm, and return coefficients of the atoms as given. False does
        as SPAMS does (order-recursive matching pursuit, the decoder of the published pipelines),
        which takes the atoms to have unit norm whatever norm they have. For any other norm that
        is **not** least squares: the coefficients of the support ``S`` solve ``H w = D_Sᵀ z``,
        where ``H`` is ``G_SS`` with ones on its diagonal, and an atom ``i`` is chosen by
        ``α_i² / |1 − G_iS H⁻¹ G_Si|``; a profile is done where that pivot is not positive. It is
        here to reproduce published figures.
    nonnegative : bool
        Choose among positive correlations only, and keep all coefficients at or above zero:
        Lawson and Hanson's non-negative least squares, ended at ``n_nonzero`` atoms (sparse NNLS).
        An atom whose coefficient falls to zero is dropped and makes room for another; after
        ``2 n_nonzero`` choices a profile stays as it is.
    chunk : int
        Profiles that go through together, which bounds memory.

    Returns
    -------
    SparseCodes

    References
    ----------
    Rubinstein, R., Zibulevsky, M., Elad, M. (2008). Efficient implementation of the K-SVD
    algorithm using batch orthogonal matching pursuit. Technical report, Technion.
    Peharz, R., Pernkopf, F. (2012). Sparse nonnegative matrix factorization with ℓ⁰-constraints.
    Neurocomputing 80.
    """
    if not 1 <= n_nonzero <= min(D.shape):
        raise ValueError(
            f"n_nonzero is {n_nonzero}, but D has {D.shape[0]} measurements and {D.shape[1]} "
            f"atoms: choose it between 1 and {min(D.shape)}."
        )
    if nonnegative and not normalize:
        raise ValueError(
            "nonnegative is True and normalize is False, but only atoms of unit norm have a "
            "non-negative pursuit: leave normalize at True."
        )
    scale = torch.linalg.vector_norm(D, dim=0)
    if normalize:
        scale = torch.where(scale > 0, 1 / scale, 0.0)
        D = D * scale
    gram = D.T @ D
    rounding = sum(D.shape) * torch.finfo(D.dtype).eps
    longest = gram.diagonal().max().sqrt()
    parts = []
    for z in Z.split(chunk):
        noise = rounding * longest * torch.linalg.vector_norm(z, dim=1, keepdim=True)
        if nonnegative:
            parts.append(_pursue_nonnegative(z @ D, gram, n_nonzero, noise, rounding))
        else:
            parts.append(_pursue(z @ D, gram, n_nonzero, noise, rounding, not normalize))
    index, value = (torch.cat(part) for part in zip(*parts, strict=True))
    return SparseCodes(index, value * scale[index] if normalize else value)


def _pursue(alpha, gram, n_nonzero, noise, rounding, published):
    """Add an atom at a time; ``T`` holds the inverse of the Cholesky factor of ``G_SS``.

    For an atom ``i``, ``T`` grows by the row ``t = (−yᵀT, 1) / √p`` with ``y = T G_Si`` and the
    pivot ``p = 1 − yᵀy``, and the coefficients by ``t α_i / √p``.
    """
    n = len(alpha)
    index = torch.zeros(n, n_nonzero, dtype=torch.int64, device=alpha.device)
    value, T = alpha.new_zeros(n, n_nonzero), alpha.new_zeros(n, n_nonzero, n_nonzero)
    going = torch.ones(n, 1, dtype=torch.bool, device=alpha.device)
    score = torch.empty_like(alpha)
    pivots = torch.ones_like(alpha) if published else None  # of all atoms, were they next
    for j in range(n_nonzero):
        torch.abs(alpha, out=score)
        if published:
            score.square_().div_(pivots.abs())
        # A profile that is done chooses on, so that no atom comes twice, but nothing changes.
        atom = score.scatter_(1, index[:, :j], -1.0).max(dim=1, keepdim=True).indices
        correlation, triangle = alpha.gather(1, atom), T[:, :j, :j]
        y = torch.bmm(triangle, gram[index[:, :j], atom][:, :, None])
        pivot = 1 - y.square().sum(dim=1)
        going &= (correlation.abs() > noise) & (pivot > rounding)
        root = torch.where(going, pivot, 1.0).rsqrt()
        row = torch.cat([-root * torch.bmm(y.mT, triangle).squeeze(1), root], dim=1) * going
        step = correlation * root
        index[:, j], T[:, j, : j + 1] = atom.squeeze(1), row
        value[:, : j + 1].addcmul_(step, row)
        if j + 1 == n_nonzero:
            break
        if published:
            projection = _sparse(index[:, : j + 1], row, gram) @ gram
            pivots -= projection.square()
            alpha.addcmul_(step, projection, value=-1)
        else:
            alpha.addmm_(_sparse(index[:, : j + 1], step * row, gram), gram, alpha=-1)
    return index, value


def _pursue_nonnegative(alpha, gram, n_nonzero, noise, rounding):
    """Add an atom, drop those that would turn negative; ``M`` is the inverse of ``G_SS``.

    Both are steps of rank one, ``M ± vvᵀ``. ``M`` and the coefficients are zero at free slots,
    whatever atoms these name.
    """
    n = len(alpha)
    index = torch.zeros(n, n_nonzero, dtype=torch.int64, device=alpha.device)
    used = torch.zeros_like(index, dtype=torch.bool)
    value, M = alpha.new_zeros(n, n_nonzero), alpha.new_zeros(n, n_nonzero, n_nonzero)
    going, residual = torch.ones_like(used[:, :1]), alpha
    for _ in range(2 * n_nonzero):
        correlation, atom = residual.max(dim=1, keepdim=True)
        slot = used.int().argmin(dim=1, keepdim=True)
        g = gram[index, atom]
        v = -torch.bmm(M, g[:, :, None]).squeeze(2)
        pivot = 1 + (v * g).sum(dim=1, keepdim=True)
        stuck = (used & (index == atom)).any(dim=1, keepdim=True) | used.all(dim=1, keepdim=True)
        going = going & ~stuck & (correlation > noise) & (pivot > rounding)
        if not going.any():
            break
        v = v.scatter_(1, slot, 1.0) * going * torch.where(going, pivot, 1.0).rsqrt()
        M.baddbmm_(v[:, :, None], v[:, None, :])
        index = torch.where(going, index.scatter(1, slot, atom), index)
        used = used.scatter(1, slot, used.gather(1, slot) | going)
        # Of the used atoms only the new one correlates, the others up to the rounding so far.
        step = torch.bmm(M, residual.gather(1, index)[:, :, None]).squeeze(2)
        value = _walk(value, value + step, used, M)
        residual = torch.addmm(alpha, _sparse(index, value, gram), gram, alpha=-1)
    taken = torch.zeros_like(alpha).scatter_add_(1, index, used.to(alpha.dtype))
    spare = taken.topk(n_nonzero, dim=1, largest=False).indices
    rank = (~used).cumsum(dim=1) - 1
    return torch.where(used, index, spare.gather(1, rank.clamp_min(0))), value


def _walk(value, target, used, M):
    """Go from ``value`` to the least squares ``target``, dropping atoms at zero on the way.

    ``used`` and ``M`` are updated in place.
    """
    while (negative := target < 0).any():
        share = torch.where(negative, value / (value - target), torch.inf)
        share, slot = share.min(dim=1, keepdim=True)
        hit = share < torch.inf
        value = torch.where(hit, value + share * (target - value), value)
        v = M.gather(1, slot[:, :, None].expand(-1, 1, M.shape[2])).squeeze(1)
        center = v.gather(1, slot).clamp_min(1)  # as it is, but for rounding
        target = target - hit * target.gather(1, slot) / center * v
        v = v * hit * center.rsqrt()
        M.baddbmm_(v[:, :, None], v[:, None, :], alpha=-1)
        used.scatter_(1, slot, used.gather(1, slot) & ~hit)
        M *= used[:, :, None] & used[:, None, :]
        value, target = value * used, target * used
    return target


def _sparse(index, weight, gram):
    """The weights as a sparse matrix of shape (n_profiles, n_atoms).

    Its product with the Gram matrix gathers no copy of the Gram's rows, which would cost more
    than all of the rest.
    """
    row = torch.arange(len(index), device=index.device)[:, None].expand_as(index)
    where = torch.stack([row, index]).flatten(1)
    return torch.sparse_coo_tensor(
        where,
        weight.flatten(),
        (len(index), len(gram)),
        is_coalesced=True,  # as far as products are concerned: rows in order, columns in any
        check_invariants=False,
    )
