"""Non-negative lasso of many genes, each as sparse as its own residual tolerance allows."""

import torch

_BLOCK = 16  # modules whose correlations with all genes stay in the cache
_CHECK_EVERY = 5  # sweeps


@torch.no_grad()
def nonnegative_lasso_at_tolerance(W, X, tolerance, U0=None, *, rtol=1e-2, max_iter=200):
    """For every gene ``min ‖uᵢ‖₁`` where ``‖xᵢ − Wᵀuᵢ‖² ≤ toleranceᵢ`` and ``uᵢ ≥ 0``.

    Coordinate descent in ``½‖xᵢ − Wᵀuᵢ‖² + λᵢ‖uᵢ‖₁`` goes through the modules, one of all genes
    at a time, and from sweep to sweep ``λᵢ`` is steered to where the residual is the tolerance.
    Modules come in blocks: within one, correlations are updated a row at a time, those with all
    the others by a matrix product at its end. Genes that are done leave.

    Parameters
    ----------
    W : Tensor of shape (n_modules, n_profiles)
        Activities of the modules, of any sign.
    X : Tensor of shape (n_profiles, n_genes)
    tolerance : Tensor of shape (n_genes,)
        What is below the rounding of ``‖xᵢ‖²`` counts as that rounding.
    U0 : Tensor of shape (n_genes, n_modules), optional
        Loadings to start from, up to a factor for every gene; not negative. They save time.
    rtol : float
        A gene is done when its residual is within ``rtol`` of the tolerance, or of that of least
        squares if this is larger, and a sweep lowers its objective by less than ``rtol / 100`` of
        the residual.
    max_iter : int
        Sweeps at most.

    Returns
    -------
    U : Tensor of shape (n_genes, n_modules)
        The transpose of a contiguous one.
    residual : Tensor of shape (n_genes,)
    infeasible : Tensor of bool of shape (n_genes,)
        Genes that no loadings bring to their tolerance: theirs are of least squares.
    """
    eps, tiny = torch.finfo(X.dtype).eps, torch.finfo(X.dtype).tiny
    norm = torch.linalg.vector_norm(W, dim=1)
    scale = torch.where(norm > 0, 1 / norm, 0.0)
    W = W * scale[:, None]  # of unit norm, so that a coordinate's step is its correlation
    gram, steps = W @ W.T, scale.tolist()
    energy, xw = X.square().sum(dim=0), W @ X
    tolerance = tolerance.clamp_min(16 * eps * energy)
    largest = (xw * norm[:, None]).amax(dim=0)  # the least penalty that allows no loading
    U, residual = torch.zeros_like(xw), energy.clone()
    (genes,) = torch.nonzero((energy > tolerance) & (largest > 0), as_tuple=True)
    if U0 is not None:
        U[:, genes] = U0[genes].T * norm[:, None]

    u, c, s, t, top = (a[..., genes] for a in (U, xw, energy, tolerance, largest))
    explained = gram @ u
    share = (u * c).sum(dim=0).clamp_min(0) / (u * explained).sum(dim=0).clamp_min(tiny)
    u, q = share * u, c - share * explained
    # At a solution u·q is λ‖u‖₁.
    guess = (u * q).sum(dim=0) / (scale @ u).clamp_min(tiny)
    lam = torch.where(u.any(dim=0), guess.clamp(1e-4 * top, 0.3 * top), 0.3 * top)
    power, side = torch.full_like(lam, 0.75), torch.zeros_like(lam)
    for iteration in range(1, max_iter + 1):
        if not len(genes):
            break
        decrease = _sweep(gram, steps, q, u, lam)
        rho = s - ((c + q) * u).sum(dim=0)
        if iteration % _CHECK_EVERY == 0 or iteration == max_iter:
            near = (rho - t).abs() <= rtol * t
            # Without its penalty a gene would have a residual lower by less than about 2λ‖u‖₁.
            least = (rho > t) & (2 * lam * (scale @ u) <= rtol * rho)
            done = (decrease <= rtol / 50 * torch.maximum(rho, t)) & (near | least)
            done |= torch.full_like(done, iteration == max_iter)
            U[:, genes[done]], residual[genes[done]] = u[:, done], rho[done]
            # Steer harder for as long as it goes in one direction.
            power = torch.where(side == (rho - t).sign(), 2 * power, power / 3).clamp(0.25, 16)
            side = (rho - t).sign()
            state = genes, u, q, c, s, t, top, lam, rho, power, side
            genes, u, q, c, s, t, top, lam, rho, power, side = (a[..., ~done] for a in state)
        lam = lam * (t / rho.clamp_min(tiny)).pow(power).clamp(0.5, 2)
        lam = torch.minimum(torch.maximum(lam, eps**2 * top), top)
    return (U * scale[:, None]).T, residual, residual > (1 + 2 * rtol) * tolerance


def _sweep(gram, steps, q, u, lam):
    """Minimise over every module in turn; ``q``, what is left of ``c − G u``, and ``u`` change.

    Returns twice the decrease of the objective of every gene, or a little less.
    """
    decrease = torch.zeros_like(lam)
    for start in range(0, len(u), _BLOCK):
        block = slice(start, start + _BLOCK)
        correlation, loading = q[block].clone(), u[block]
        moved = loading.clone()
        rows = (gram[block, block], correlation, loading, moved)
        rows = zip(steps[block], *(a.unbind() for a in rows), strict=True)
        for j, (step, g, c, now, down) in enumerate(rows, start=1):
            now.add_(c).sub_(lam, alpha=step).clamp_min_(0)
            down.sub_(now)
            correlation[j:].addr_(g[j:], down)
        q.addmm_(gram[:, block], moved)
        decrease += moved.square_().sum(dim=0)
    return decrease
