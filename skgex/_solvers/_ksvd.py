"""K-SVD: a dictionary whose atoms are the main directions of what they are used for."""

import torch

from skgex._solvers._matching_pursuit import matching_pursuit


@torch.no_grad()
def ksvd(X, n_atoms, n_nonzero, generator, *, n_rounds=20, most_alike=0.99):
    """Learn unit-norm atoms, few of which make each profile.

    Lowers ``‖X − WD‖²`` with at most ``n_nonzero`` activities in each row of W: in turn, W by
    orthogonal matching pursuit, and every atom, with its activities, by one step of a power
    iteration on the residual of the profiles that use it (approximate K-SVD). An atom that no
    profile uses, or that is another one over again, is replaced by the profile that is explained
    worst.

    Parameters
    ----------
    X : Tensor of shape (n_profiles, n_genes)
    n_atoms, n_nonzero : int
    generator : torch.Generator
        Draws the profiles that atoms start as.
    n_rounds : int
    most_alike : float
        Atoms with a larger absolute cosine are one atom.

    Returns
    -------
    D : Tensor of shape (n_atoms, n_genes)
    errors : list of float
        ``‖X − WD‖² / ‖X‖²`` after the pursuit of every round.

    References
    ----------
    Aharon, M., Elad, M., Bruckstein, A. (2006). K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation. IEEE Transactions on Signal Processing 54(11).
    Rubinstein, R., Zibulevsky, M., Elad, M. (2008). Efficient implementation of the K-SVD
    algorithm using batch orthogonal matching pursuit. Technical report, Technion.
    """
    tiny = torch.finfo(X.dtype).tiny
    order = torch.randperm(len(X), generator=generator).to(X.device)
    D = X[order[torch.arange(n_atoms) % len(X)]].clone()
    # Repeated or empty profiles make no direction of their own.
    D += 1e-3 * D.norm(dim=1).mean().clamp_min(tiny) * _like(D, generator)
    D /= D.norm(dim=1, keepdim=True).clamp_min(tiny)
    total, errors = X.square().sum().clamp_min(tiny), []
    for _ in range(n_rounds):
        W = matching_pursuit(D.T, X, n_nonzero).dense(n_atoms)
        residual = X - W @ D
        errors.append(float(residual.square().sum() / total))
        for k in range(n_atoms):
            (users,) = torch.nonzero(W[:, k], as_tuple=True)
            if not len(users):
                continue
            part = residual[users] + W[users, k, None] * D[k]
            atom = W[users, k] @ part
            atom /= atom.norm().clamp_min(tiny)
            W[users, k] = part @ atom
            D[k] = atom
            residual[users] = part - W[users, k, None] * atom
        _replace(D, W, X, residual, most_alike)
    return D, errors


def _replace(D, W, X, residual, most_alike):
    """Put badly explained profiles in place of atoms that are unused, or there twice."""
    cosines = (D @ D.T).abs().triu(diagonal=1)
    idle = (W != 0).sum(dim=0) == 0
    (replaced,) = torch.nonzero(idle | (cosines > most_alike).any(dim=0), as_tuple=True)
    worst = residual.square().sum(dim=1).argsort(descending=True, stable=True)
    for k, profile in zip(replaced, worst, strict=False):
        length = X[profile].norm()
        if length > 0:
            D[k] = X[profile] / length


def _like(D, generator):
    return torch.randn(D.shape, generator=generator, dtype=D.dtype).to(D.device)
