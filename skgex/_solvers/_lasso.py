"""Lasso of many targets from one Gram matrix.

In the units of scikit-learn, for every target: ``P(w) = ½ wᵀGw − qᵀw + ½ s + α‖w‖₁`` with
``G = XᵀX / n``, ``q = Xᵀy / n`` and ``s = yᵀy / n``.
"""

import torch


def lasso_gap(coef, gradient, xty, y_norm, alpha, nonnegative=False):
    """Duality gap of every target.

    Parameters
    ----------
    coef : Tensor of shape (n_targets, n_features)
    gradient : Tensor of shape (n_targets, n_features)
        ``q − G w``, the correlation of the features with the residual.
    xty : Tensor of shape (n_targets, n_features)
    y_norm, alpha : Tensor of shape (n_targets,)
    nonnegative : bool
        Whether no coefficient may be below zero.

    Returns
    -------
    Tensor of shape (n_targets,)
    """
    explained = (coef * xty).sum(dim=1)
    residual_y = y_norm - explained
    residual_norm = residual_y - (coef * gradient).sum(dim=1)
    # The residual, shrunk until no feature correlates more than alpha with it, is dual feasible.
    largest = (gradient if nonnegative else gradient.abs()).amax(dim=1)
    shrink = torch.where(largest > alpha, alpha / largest, 1.0)
    primal = residual_norm / 2 + alpha * coef.abs().sum(dim=1)
    return primal - (shrink * residual_y - shrink.square() * residual_norm / 2)


def lasso_proximal_gradient(
    gram, xty, y_norm, alpha, *, tol, max_iter, nonnegative=False, check_every=20
):
    """Solve all targets at once by accelerated proximal gradient steps with restarts.

    One matrix product a step, so that an accelerator stays busy; targets whose duality gap has
    fallen to ``tol * y_norm`` leave the batch.

    Parameters
    ----------
    gram : Tensor of shape (n_features, n_features)
    xty : Tensor of shape (n_targets, n_features)
    y_norm, alpha : Tensor of shape (n_targets,)
    tol : float
    max_iter : int
    nonnegative : bool
        Keep all coefficients at or above zero.
    check_every : int
        Steps between two looks at the gaps.

    Returns
    -------
    coef : Tensor of shape (n_targets, n_features)
    gap : Tensor of shape (n_targets,)
    n_iter : Tensor of int64 of shape (n_targets,)

    References
    ----------
    Beck, A., Teboulle, M. (2009). A fast iterative shrinkage-thresholding algorithm for linear
    inverse problems. SIAM J. Imaging Sciences 2(1).
    O'Donoghue, B., Candès, E. (2015). Adaptive restart for accelerated gradient schemes.
    Foundations of Computational Mathematics 15.
    """
    step = 1 / torch.linalg.eigvalsh(gram)[-1].clamp_min(torch.finfo(gram.dtype).tiny)
    coef = torch.zeros_like(xty)
    gap = lasso_gap(coef, xty, xty, y_norm, alpha, nonnegative)
    n_iter = torch.zeros(len(xty), dtype=torch.int64, device=xty.device)
    active = (gap > tol * y_norm).nonzero().squeeze(1)
    w = z = coef[active]
    momentum = torch.ones(len(active), 1, dtype=xty.dtype, device=xty.device)
    for iteration in range(1, max_iter + 1):
        if not len(active):
            break
        q, threshold = xty[active], step * alpha[active, None]
        u = z + step * (q - z @ gram)
        if nonnegative:
            new = (u - threshold).clamp_min(0)
        else:
            new = u.sign() * (u.abs() - threshold).clamp_min(0)
        uphill = ((z - new) * (new - w)).sum(dim=1, keepdim=True) > 0
        momentum[uphill] = 1
        following = (1 + (1 + 4 * momentum.square()).sqrt()) / 2
        z = new + (momentum - 1) / following * (new - w)
        w, momentum = new, following
        if iteration % check_every == 0 or iteration == max_iter:
            coef[active], n_iter[active] = w, iteration
            rest = w, q - w @ gram, q, y_norm[active], alpha[active]
            gap[active] = lasso_gap(*rest, nonnegative)
            left = gap[active] > tol * y_norm[active]
            active, w, z, momentum = active[left], w[left], z[left], momentum[left]
    return coef, gap, n_iter
