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
    """Choose ``alpha`` and fit kernel ridge regression, in float64.

    The exact path is computed in the dtype of ``X``: in float32 an eigendecomposition takes a
    third of the time, and rounding moves an error that ``alpha`` is chosen by less than the
    profiles do.

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
        One alpha is solved by a Cholesky factorisation; several take an eigendecomposition first.
    basis : Tensor of shape (n_basis, n_features) or None
        Profiles that span the solution; None for all of ``X``, the exact solution.
    validation : (Tensor, Tensor) or None
        Profiles and centred targets to choose ``alpha`` by; None for leave-one-out.
    block_bytes : int
        Approximate bound of temporary memory beyond the factorised matrix.

    Returns
    -------
    dual : Tensor of float64 of shape (n_profiles or n_basis, n_targets)
    alpha : float
    scores : Tensor of shape (n_alphas,) or None
        Mean squared leave-one-out or validation error of every alpha; None for one alpha.
    """
    support = X if basis is None else basis
    weight = weight[:, None]
    scores, alpha = None, alphas[0]

    def features(mapping, X, *others):
        """Rows of ``A = K(X, support) · mapping``, and of the others, block by block."""
        n_rows = max(1, block_bytes // (8 * (4 * len(support) + 3 * Y.shape[1])))
        for x, *rest in zip(*(t.split(n_rows) for t in (X, *others)), strict=True):
            x, *rest = (t.to(mapping.dtype) for t in (x, *rest))
            yield kernel(x, support.to(mapping.dtype)) @ mapping, *rest

    def choose(mapping, spectrum, projected):
        if validation is None:
            rows = features(mapping, X, weight, Y)
            scores = _leave_one_out(rows, spectrum, projected, alphas) / weight.sum()
        else:
            rows = features(mapping, *validation)
            scores = _validate(rows, spectrum, projected, alphas) / len(validation[0])
        return scores / Y.shape[1], alphas[int(scores.argmin())]

    if basis is None:
        if len(alphas) > 1:
            mapping, spectrum = _whiten(_weighted(kernel(X, X), weight.to(X.dtype)))
            mapping *= weight.to(X.dtype).sqrt()
            scores, alpha = choose(mapping, spectrum, spectrum[:, None] * (mapping.T @ Y))
            del mapping
        X = support = X.double()
        weight = weight.double()
        root = weight.sqrt()
        dual = root * _solve(_weighted(kernel(X, X), weight), root * Y.double(), alpha)
        return dual, alpha, scores

    mapping, _ = _whiten(kernel(basis.double(), basis.double()))
    gram, projected = 0, 0
    for A, w, y in features(mapping, X, weight, Y):
        gram = gram + A.T @ (w * A)
        projected = projected + A.T @ (w * y)
    if len(alphas) > 1:
        spectrum, rotation = torch.linalg.eigh(gram)
        scores, alpha = choose(mapping @ rotation, spectrum.clamp_min(0), rotation.T @ projected)
    return mapping @ _solve(gram, projected, alpha), alpha, scores


def _weighted(K, weight):
    root = weight.sqrt()
    return K.mul_(root).mul_(root.T)


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


def _validate(blocks, spectrum, projected, alphas):
    """Sum of squared residuals, for every alpha."""
    scores = torch.zeros(len(alphas), dtype=projected.dtype, device=projected.device)
    for A, y in blocks:
        for i, alpha in enumerate(alphas):
            scores[i] += (y - A @ _shrink(projected, spectrum, alpha)).square().sum()
    return scores


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
