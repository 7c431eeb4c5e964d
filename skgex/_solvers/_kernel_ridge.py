"""Kernel ridge regression of many targets, exact or on a basis of some profiles (Nyström).

For every target, ``min_f Σ_i w_i (f(x_i) − y_i)² + α‖f‖²_H``. Both forms predict
``A (P / (λ + α))`` with features ``A``, eigenvalues ``λ`` and projected targets ``P`` from one
eigendecomposition, so that every further ``α`` costs one product.
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
    """Choose ``alpha`` and fit kernel ridge regression.

    Matrices are factorised in float64. Only the eigendecomposition of an exact path is computed in
    the dtype of ``X``: in float32 it takes a third of the time, and rounding moves an error that
    ``alpha`` is chosen by less than the profiles do.

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
    dual : Tensor of shape (n_profiles or n_basis, n_targets)
    alpha : float
    scores : Tensor of shape (n_alphas,) or None
        Mean squared leave-one-out or validation error of every alpha; None for one alpha.
    """
    support = X if basis is None else basis
    weight = weight[:, None]
    scores, alpha = None, alphas[0]

    def row_blocks(*tensors):
        n_rows = max(1, block_bytes // (8 * (4 * len(support) + 3 * Y.shape[1])))
        return zip(*(t.split(n_rows) for t in tensors), strict=True)

    def features(mapping, X, *others):
        """Blocks of ``K(X, support) · mapping``, and of the others."""
        for x, *rest in row_blocks(X, *others):
            x, *rest = (t.to(mapping.dtype) for t in (x, *rest))
            yield kernel(x, support.to(mapping.dtype)) @ mapping, *rest

    def choose(mapping, spectrum, projected, training):
        if validation is None:
            scores = _leave_one_out(training, spectrum, projected, alphas) / weight.sum()
        else:
            rows = features(mapping, *validation)
            scores = _validate(rows, spectrum, projected, alphas) / len(validation[0])
        return scores / Y.shape[1], alphas[int(scores.argmin())]

    if basis is None:
        if len(alphas) > 1:
            w = weight.to(X.dtype)
            spectrum, V = torch.linalg.eigh(_weighted(kernel(X, X), w))
            spectrum.clamp_min_(0)
            training = (
                (v * spectrum / w.sqrt(), v.square() * spectrum / w, w, y)
                for v, w, y in row_blocks(V, w, Y)
            )
            projected = V.T @ (w.sqrt() * Y)
            scores, alpha = choose(w.sqrt() * V, spectrum, projected, training)
            del V, projected
        root = weight.sqrt().to(Y.dtype)
        gram = _weighted(kernel(X.double(), X.double()), weight.double())
        return root * _solve(gram, root * Y, alpha), alpha, scores

    mapping = _whitening(kernel(basis.double(), basis.double()))
    gram, projected = 0, 0
    for A, w, y in features(mapping, X, weight, Y):
        gram = gram + A.T @ (w * A)
        projected = projected + A.T @ (w * y)
    if len(alphas) > 1:
        spectrum, V = torch.linalg.eigh(gram)
        rows = features(mapping @ V, X, weight, Y)
        training = ((A, A.square(), w, y) for A, w, y in rows)
        scores, alpha = choose(mapping @ V, spectrum.clamp_min(0), V.T @ projected, training)
    return mapping @ _solve(gram, projected, alpha), alpha, scores


def _weighted(K, weight):
    root = weight.sqrt()
    return K.mul_(root).mul_(root.T)


def _solve(gram, right, alpha):
    """``(gram + αI)⁻¹ right``: factorised in float64, substituted in the dtype of ``right``.

    The factorisation is what small alphas endanger; the substitution has the root of its condition
    number, and nearly all of the work where targets outnumber profiles.
    """
    gram.diagonal().add_(alpha)
    factor, failed = torch.linalg.cholesky_ex(gram)
    if failed:  # alpha is below the rounding of the smallest eigenvalues, which are at least alpha
        spectrum, vectors = torch.linalg.eigh(gram)
        dual = vectors @ ((vectors.T @ right.double()) / spectrum.clamp_min(alpha)[:, None])
        return dual.to(right.dtype)
    return torch.cholesky_solve(right, factor.to(right.dtype))


def _whitening(K):
    """``M`` with ``MᵀKM = I``, without the null space of ``K``."""
    spectrum, V = torch.linalg.eigh(K)
    kept = spectrum > len(K) * torch.finfo(K.dtype).eps * spectrum[-1]
    return V[:, kept] / spectrum[kept].sqrt()


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

    ``blocks`` holds features, what their leverage is made of, weights and targets. A profile of
    weight above 1 counts as so many copies, of which one is left out.
    """
    scores = torch.zeros(len(alphas), dtype=projected.dtype, device=projected.device)
    for A, parts, w, y in blocks:
        for i, alpha in enumerate(alphas):
            residual = y - A @ _shrink(projected, spectrum, alpha)
            leverage = parts @ (1 / (spectrum + alpha))[:, None]  # of one unit of weight
            residual /= 1 - leverage * w.clamp(max=1)
            scores[i] += (w * residual.square()).sum()
    return scores
