"""Sparse module activity factorisation (SMAF)."""

from typing import NamedTuple

import torch

from skgex._solvers._matching_pursuit import matching_pursuit
from skgex._solvers._tolerance_lasso import nonnegative_lasso_at_tolerance


class Modules(NamedTuple):
    """Profiles as few modules of genes each, ``Xᵀ ≈ U W``.

    Parameters
    ----------
    U : Tensor of shape (n_genes, n_modules)
        Loadings, not negative; every module has unit norm.
    W : Tensor of shape (n_modules, n_profiles)
        Activities, of any sign and mostly zero; every module has some, but for the one of
        profiles that are all zero, which is empty itself.
    misfit : Tensor of shape (n_rounds,)
        ``‖Xᵀ − UW‖² / E`` after every round.
    tolerance : float
        Of the last round.
    infeasible : Tensor of bool of shape (n_genes,)
        Genes that no loadings brought to their tolerance in the last round.
    """

    U: torch.Tensor
    W: torch.Tensor
    misfit: torch.Tensor
    tolerance: float
    infeasible: torch.Tensor


@torch.no_grad()
def smaf(
    X,
    n_modules,
    n_nonzero,
    *,
    tolerance,
    relative_to="centred",
    n_nonzero_min=None,
    n_rounds=10,
    module_size_min=0,
    init=None,
    generator=None,
    rtol=1e-2,
):
    """Factorise profiles into sparse non-negative modules and their sparse activities.

    Every round, in turn, with ``λ`` for the tolerance,

    1. for every gene ``min ‖uᵢ‖₁`` where ``‖xᵢ − Wᵀuᵢ‖² ≤ λ Eᵢ`` and ``uᵢ ≥ 0``;
    2. modules are scaled to unit norm;
    3. for every profile ``min_w ‖x − Uw‖²`` where ``‖w‖₀ ≤ k``, by orthogonal matching pursuit,
       with ``k`` as far below ``n_nonzero`` as ``‖Xᵀ − UW‖² ≤ λ E`` allows;
    4. λ is halved if modules are too small.

    Modules that no gene loads on, or that no profile uses, are dropped for good.

    Parameters
    ----------
    X : Tensor of shape (n_profiles, n_genes)
        Not negative.
    n_modules : int
        To start with.
    n_nonzero : int
        Modules of a profile at most.
    tolerance : float
        Between 0 and 1.
    relative_to : {"centred", "data"}
        What the tolerance is a share of. "centred": ``Eᵢ`` is the energy of the gene about its
        mean, and ``E`` the sum over genes; .02 is for accuracy, .15 to .3 for sparse modules.
        "data", as published: ``E`` is ``‖X‖²``, and ``Eᵢ`` the same for every gene, ``‖X‖²`` over
        the number of profiles, so that genes of low expression may be in no module.
    n_nonzero_min : int, optional
        The lowest ``k``. By default ``k`` stays at ``n_nonzero``.
    n_rounds : int
    module_size_min : float
        Least mean size of a module, which is the exponential of the entropy of its loadings.
    init : Tensor of shape (n_modules, n_profiles), optional
        Activities to start with, such as those of a non-negative factorisation. By default they
        are drawn uniformly from [0, 1).
    generator : torch.Generator, optional
        Draws the activities to start with.
    rtol : float
        How near to their tolerance the residuals of genes come.

    Returns
    -------
    Modules

    References
    ----------
    Cleary, B., Cong, L., Cheung, A., Lander, E. S., Regev, A. (2017). Efficient generation of
    transcriptomic profiles by random composite measurements. Cell 171(6).
    """
    k_min = n_nonzero if n_nonzero_min is None else n_nonzero_min
    _check(X, n_modules, n_nonzero, k_min, tolerance)
    total = X.square().sum()
    if relative_to == "data":
        energy = (total / len(X)).expand(X.shape[1])
    else:
        energy = (X - X.mean(dim=0)).square_().sum(dim=0)
        # Profiles that do not vary leave rounding.
        total = energy.sum().clamp_min(torch.finfo(X.dtype).eps ** 2 * total)
    W, U, misfit = init, None, X.new_zeros(n_rounds)
    if not X.any():  # no tolerance makes a module of nothing
        U, W = X.new_zeros(X.shape[1], 1), X.new_zeros(1, len(X))
        return Modules(U, W, misfit, tolerance, torch.zeros_like(U[:, 0], dtype=torch.bool))
    if W is None:
        device = X.device if generator is None else generator.device
        W = torch.rand(n_modules, len(X), dtype=X.dtype, device=device, generator=generator)
    W = W.to(X)
    for i in range(n_rounds):
        if U is not None:
            sizes = torch.special.entr(U / U.sum(dim=0)).sum(dim=0).exp()
            tolerance = tolerance / 2 if sizes.mean() < module_size_min else tolerance
        U, _, infeasible = nonnegative_lasso_at_tolerance(W, X, tolerance * energy, U, rtol=rtol)
        norm = torch.linalg.vector_norm(U, dim=0)
        U = U[:, norm > 0] / norm[norm > 0]
        if not U.shape[1]:
            raise ValueError(
                f"tolerance is {tolerance}, at which no gene needs a module: choose a lower one."
            )
        W, error = _fewest_activities(U, X, n_nonzero, k_min, tolerance * total)
        misfit[i] = error / total
        used = W.any(dim=1)
        U, W = U[:, used], W[used]
    return Modules(U, W, misfit, tolerance, infeasible)


def _fewest_activities(U, X, n_nonzero, n_nonzero_min, allowed):
    """Dense activities with the fewest modules a profile that fit, and ``‖Xᵀ − UW‖²``.

    Of ``n_nonzero`` modules if these do not fit either: a pursuit fits better the longer it is.
    """

    def pursue(k):
        codes = matching_pursuit(U, X, k).dense(U.shape[1])
        return codes.T, torch.addmm(X, codes, U.T, alpha=-1).square_().sum()

    high = min(n_nonzero, *U.shape)
    low = min(n_nonzero_min, high)
    best = pursue(high)
    while low < high and best[1] <= allowed:
        middle = (low + high) // 2
        fewer = pursue(middle)
        if fewer[1] <= allowed:
            best, high = fewer, middle
        else:
            low = middle + 1
    return best


def _check(X, n_modules, n_nonzero, n_nonzero_min, tolerance):
    if X.min() < 0:
        raise ValueError(
            f"X has negative values, down to {X.min():.3g}, but modules are not negative: "
            "scale genes to the range from 0 to 1."
        )
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance is {tolerance}: choose it between 0 and 1.")
    if not 1 <= n_nonzero_min <= n_nonzero <= min(n_modules, X.shape[1]):
        raise ValueError(
            f"n_nonzero is {n_nonzero} and n_nonzero_min {n_nonzero_min}, with {n_modules} modules"
            f" of {X.shape[1]} genes: choose 1 <= n_nonzero_min <= n_nonzero <= the least of both."
        )
