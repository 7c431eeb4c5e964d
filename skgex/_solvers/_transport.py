"""The optimal-transport map between the profiles of two states, each taken for Gaussian."""

import torch

# Power iterations for the leading directions, and how many more of these are followed.
_ITERATIONS, _MORE = 6, 10


class Spread:
    """How the profiles of a state vary: covariance ``Fᵀ F``, genes × genes, never formed.

    Parameters
    ----------
    residuals : Tensor of shape (n_profiles, n_genes)
        Profiles less the mean of the state.
    pooled : Tensor of shape (n_rows, n_genes)
        A factor of the covariance that all states have in common.
    prior : float
        Degrees of freedom that the pooled covariance counts for. Few profiles say nothing of most
        directions, and a map that divides by what they say would blow these up.
    """

    def __init__(self, residuals, pooled, prior):
        freedom = max(len(residuals) - 1, 0)
        own = freedom / (freedom + prior) if freedom + prior else 0.0
        self.factor = residuals * (own / max(freedom, 1)) ** 0.5
        if own < 1:
            self.factor = torch.cat([self.factor, pooled * (1 - own) ** 0.5])

    def within(self, basis, shrinkage):
        """Covariance within a basis, drawn towards the mean variance in it."""
        F = self.factor @ basis
        C = F.T @ F
        spherical = shrinkage * C.trace() / max(1, len(C))
        return (1 - shrinkage) * C + spherical * torch.eye(len(C)).to(C)

    def beside(self, basis):
        """Standard deviation of every gene beside a basis."""
        return (self.factor - self.factor @ basis @ basis.T).square().sum(dim=0).sqrt()


class GaussianMap:
    """``x ↦ μ_t + B A Bᵀ (x − μ_s) + d ∘ (I − B Bᵀ) (x − μ_s)``, from a state s to a state t.

    Within the leading directions B of both states A is the symmetric matrix with
    ``A C_s A = C_t``: of all maps that give profiles of s the covariance of t, the one that moves
    them least. Beside them every gene has a scale of its own.

    Parameters
    ----------
    source_mean, target_mean : Tensor of shape (n_genes,)
    basis : Tensor of shape (n_genes, rank)
        B, with orthonormal columns.
    inner : Tensor of shape (rank, rank)
        A.
    scale : Tensor of shape (n_genes,)
        d.
    """

    def __init__(self, source_mean, target_mean, basis, inner, scale):
        self.source_mean, self.target_mean = source_mean, target_mean
        self.basis, self.inner, self.scale = basis, inner, scale

    @classmethod
    def between(cls, means, spreads, *, rank, shrinkage, max_scale):
        """The map from a source to a target, given the mean and the `Spread` of both."""
        basis = leading_directions(torch.cat([spread.factor for spread in spreads]), rank)
        C_s, C_t = (spread.within(basis, shrinkage) for spread in spreads)
        root, inverse = _roots(C_s)
        inner = inverse @ _roots(root @ C_t @ root)[0] @ inverse
        source, target = (spread.beside(basis) for spread in spreads)
        # A gene that does not vary in the source cannot be made to vary by any scale.
        scale = torch.where(source > 0, target / source, torch.ones_like(source))
        return cls(*means, basis, inner, scale.clamp_max(max_scale))

    def __call__(self, X):
        residual = X - self.source_mean
        within = residual @ self.basis
        beside = (residual - within @ self.basis.T) * self.scale
        return self.target_mean + within @ self.inner.T @ self.basis.T + beside


def leading_directions(F, rank):
    """Orthonormal directions along which the rows of F are longest, at most ``rank`` of them."""
    n_found = min(*F.shape, rank + _MORE)
    start = torch.randn(len(F), n_found, generator=torch.Generator().manual_seed(0))
    Q = torch.linalg.qr(F.T @ start.to(F)).Q
    for _ in range(_ITERATIONS):
        Q = torch.linalg.qr(F.T @ (F @ Q)).Q
    lengths, turn = torch.linalg.eigh((F @ Q).T @ (F @ Q))
    # What is left to rounding is no direction of the profiles.
    n_kept = min(rank, int((lengths > 1e-10 * lengths[-1]).sum()))
    return (Q @ turn).flip(1)[:, :n_kept].contiguous()


def match_quantiles(quantiles, wanted, X):
    """Bring every gene from one distribution to another: a value to that of the same rank.

    Parameters
    ----------
    quantiles, wanted : Tensor of shape (n_quantiles, n_genes)
        Of the distribution that X has, and of the one it shall have, from the lowest value to the
        highest.
    X : Tensor of shape (n_profiles, n_genes)

    Returns
    -------
    Tensor of shape (n_profiles, n_genes)
        Linear between quantiles and constant beyond them. Of equal quantiles, the middle counts;
        a gene that does not vary in X stays as it is.
    """
    nodes, x = quantiles.T.contiguous(), X.T.contiguous()
    last = len(quantiles) - 1
    # Nodes below the value, and up to it: between these two are the nodes that equal it.
    left, right = (torch.searchsorted(nodes, x, right=upper) for upper in (False, True))
    below = (left - 1).clamp(0, last - 1)
    low, high = nodes.gather(1, below), nodes.gather(1, below + 1)
    inside = below + ((x - low) / (high - low).clamp_min(torch.finfo(x.dtype).tiny)).clamp(0, 1)
    position = torch.where(right > left, (left + right - 1).to(x) / 2, inside)
    below = position.long().clamp_max(last - 1)
    share, values = position - below, wanted.T.contiguous()
    matched = values.gather(1, below) * (1 - share) + values.gather(1, below + 1) * share
    varies = (nodes[:, -1] > nodes[:, 0])[:, None]
    return torch.where(varies, matched, x).T


def _roots(C):
    """Square root of a covariance and its inverse."""
    lengths, directions = torch.linalg.eigh(C)
    least = 1e-12 * lengths[-1:].clamp_min(torch.finfo(C.dtype).tiny)
    lengths = lengths.clamp_min(least).sqrt()
    return (directions * lengths) @ directions.T, (directions / lengths) @ directions.T
