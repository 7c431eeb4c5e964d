"""Kernel ridge regression of many targets, exact or on a basis of some profiles (Nyström).

For every target, ``min_f Σ_i w_i (f(x_i) − y_i)² + α‖f‖²_H``. Both forms are ridge regression on
features ``A = K(X, basis) · M``: ``AᵀWA = diag(λ)`` after one eigendecomposition, and the whole
path of ``α`` costs one product each.
"""

import torch


def rbf_kernel(A, B, gamma):
    """``exp(−γ‖a − b‖²)`` for every pair of rows."""
    center = B.mean(dim=0)  # distances stay, but the norms that cancel become smaller
    A, B = A - center, B - center
    squared = torch.addmm(B.square().sum(dim=1), A, B.T, alpha=-2)
    squared += A.square().sum(dim=1, keepdim=True)
    return squared.clamp_min_(0).mul_(-gamma).exp_()


def linear_kernel(A, B, gamma=None):
    """``⟨a, b⟩`` for every pair of rows."""
    return A @ B.T


def kernel_ridge(kernel, X, Y, weight, alphas, *, basis=None, validation=None, block_bytes=2**28):
    """Fit kernel ridge regression and choose ``alpha``.

    Parameters
    ----------
    kernel : callable
        ``kernel(A, B) -> Tensor of shape (len(A), len(B))``.
    X : Tensor of shape (n_profiles, n_features)
    Y : Tensor of shape (n_profiles, n_targets)
        Centred targets.
    weight : Tensor of shape (n_profiles,)
        Positive weights.
    alphas : sequence of float
        One alpha is solved by a Cholesky factorisation, several by an eigendecomposition.
    basis : Tensor of shape (n_basis, n_features) or None
        Profiles that span the solution; None for all of ``X``, the exact solution.
    validation : (Tensor, Tensor) or None
        Profiles and centred targets to choose ``alpha`` by; None for leave-one-out.
    block_bytes : int
        Approximate bound of temporary memory beyond the factorised matrix.

    Returns
    -------
    dual : Tensor of shape (n_profiles or n_basis, n_targets)
    alpha : float
    scores : Tensor of shape (n_alphas,) or None
        Mean squared leave-one-out or validation error of every alpha; None for one alpha.
    """
    support = X if basis is None else basis

    def blocks(X, *others):
        n_rows = max(1, block_bytes // (8 * (4 * len(support) + 3 * Y.shape[1])))
        for rows in zip(*(t.split(n_rows) for t in (X, *others)), strict=True):
            yield kernel(rows[0], support), *rows[1:]

    single = len(alphas) == 1
    if basis is None:
        root = weight.sqrt()[:, None]
        K = kernel(X, X).mul_(root).mul_(root.T)
        if single:
            return root * _solve(K, root * Y, alphas[0]), alphas[0], None
        mapping, spectrum = _whiten(K)
        mapping *= root
        projected = spectrum[:, None] * (mapping.T @ Y)
    else:
        mapping, _ = _whiten(kernel(basis, basis))
        gram, projected = 0, 0
        for K, w, y in blocks(X, weight[:, None], Y):
            A = K @ mapping
            gram = gram + A.T @ (w * A)
            projected = projected + A.T @ (w * y)
        if single:
            return mapping @ _solve(gram, projected, alphas[0]), alphas[0], None
        spectrum, rotation = torch.linalg.eigh(gram)
        spectrum.clamp_min_(0)
        mapping, projected = mapping @ rotation, rotation.T @ projected
    if validation is None:
        rows = ((K @ mapping, w, y) for K, w, y in blocks(X, weight[:, None], Y))
        scores = _leave_one_out(rows, spectrum, projected, alphas) / (weight.sum() * Y.shape[1])
    else:
        scores = torch.zeros(len(alphas), dtype=X.dtype, device=X.device)
        for K, y in blocks(*validation):
            A = K @ mapping
            for i, alpha in enumerate(alphas):
                scores[i] += (y - A @ _shrink(projected, spectrum, alpha)).square().sum()
        scores /= validation[1].numel()
    alpha = alphas[int(scores.argmin())]
    return mapping @ _shrink(projected, spectrum, alpha), alpha, scores


def _solve(gram, right, alpha):
    gram.diagonal().add_(alpha)
    factor, failed = torch.linalg.cholesky_ex(gram)
    if failed:  # alpha is below the rounding of the smallest eigenvalues, which are at least alpha
        spectrum, vectors = torch.linalg.eigh(gram)
        return vectors @ ((vectors.T @ right) / spectrum.clamp_min(alpha)[:, None])
    return torch.cholesky_solve(right, factor)


def _whiten(K):
    """``M`` and ``λ`` with ``MᵀKM = I`` and ``KM = MΛ``, without the null space of ``K``."""
    spectrum, vectors = torch.linalg.eigh(K)
    kept = spectrum > len(K) * torch.finfo(K.dtype).eps * spectrum[-1]
    spectrum = spectrum[kept]
    return vectors[:, kept] / spectrum.sqrt(), spectrum


def _shrink(projected, spectrum, alpha):
    return projected / (spectrum + alpha)[:, None]


def _leave_one_out(blocks, spectrum, projected, alphas):
    """Weighted sum of squared leave-one-out residuals, for every alpha.

    A profile of weight above 1 counts as so many copies, of which one is left out.
    """
    scores = torch.zeros(len(alphas), dtype=projected.dtype, device=projected.device)
    for A, w, y in blocks:
        for i, alpha in enumerate(alphas):
            residual = y - A @ _shrink(projected, spectrum, alpha)
            leverage = A.square() @ (1 / (spectrum + alpha))[:, None]  # of one unit of weight
            residual /= 1 - leverage * w.clamp(max=1)
            scores[i] += (w * residual.square()).sum()
    return scores
