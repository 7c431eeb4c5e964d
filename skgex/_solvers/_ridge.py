"""Least squares and ridge regression of all targets at once.

``min Σ w ‖y − xW − b‖² + α‖W‖²`` is solved from the sums of `GramSums` when there are more
profiles than landmarks, from the kernel between the profiles otherwise; one eigendecomposition
serves every ``α``. What is as small as the Gram matrix is computed in float64; what is as wide as
the targets goes through in blocks.
"""

from functools import cached_property
from typing import NamedTuple

import torch

from skgex._solvers._gram import GramSums, rooted, scale_of, target_blocks, unit_weight

# 1-norm condition number, landmarks scaled to unit variance, up to which the inverse of a Gram
# matrix is used: beyond it the digits that the sums have lost would show in the solution.
_MAX_CONDITION = {torch.float32: 1e6, torch.float64: 1e8}


class LinearFit(NamedTuple):
    """``ŷ = (x − x_mean) coef + y_mean``, and the standard deviation of every target."""

    coef: torch.Tensor
    x_mean: torch.Tensor
    y_mean: torch.Tensor
    y_scale: torch.Tensor


class RidgeFactor(NamedTuple):
    """The eigendecomposition behind every ``W(α) = basis · (leftᵀ cross) / (λ + α)``.

    From a Gram matrix ``XᵀX = VΛVᵀ``: left = basis = V, cross = XᵀY. From a kernel
    ``XXᵀ = QΛQᵀ``: left = Q, basis = XᵀQ, cross = Y.
    """

    left: torch.Tensor
    basis: torch.Tensor
    eigenvalues: torch.Tensor

    @classmethod
    def of_gram(cls, xx, dtype):
        eigenvalues, V = torch.linalg.eigh(xx)
        return cls(V, V.to(dtype), eigenvalues.clamp_min(0))

    @classmethod
    def of_kernel(cls, X):
        """``X`` is centred, its rows multiplied by the root of their weight."""
        X64 = X.double()
        eigenvalues, Q = torch.linalg.eigh(X64 @ X64.T)
        return cls(Q, (X64.T @ Q).to(X.dtype), eigenvalues.clamp_min(0))

    @property
    def spanned(self):
        """Which directions the profiles span, up to rounding."""
        eps = torch.finfo(torch.float64).eps
        return self.eigenvalues > self.eigenvalues.max() * len(self.eigenvalues) * eps

    def scores(self, cross):
        """``leftᵀ cross``, in float64 since division by a small ``λ + α`` magnifies rounding."""
        return self.left.T @ cross.double()

    def shrinkage(self, alpha):
        """``1 / (λ + α)`` of shape (rank, 1) or (rank, n_alphas); 0 where nothing is spanned."""
        return torch.where(self.spanned[:, None], 1 / (self.eigenvalues[:, None] + alpha), 0.0)

    def coef(self, cross, alpha):
        """Coefficients for one ``alpha``, or one per target."""
        coef = self.basis.new_empty(len(self.basis), cross.shape[1])
        alpha = torch.as_tensor(alpha, dtype=torch.float64, device=coef.device)
        alpha = alpha.expand(cross.shape[1])
        for block in target_blocks(cross.shape[1]):
            shrunk = self.scores(cross[:, block]) * self.shrinkage(alpha[block])
            coef[:, block] = self.basis @ shrunk.to(coef.dtype)
        return coef


class _Ridge:
    """What both spaces share: ``factor``, ``cross``, ``n``, ``x_mean``, ``y_mean`` and ``yy``."""

    def fit(self, alpha):
        """The `LinearFit` for one ``alpha``, or one per target, from the eigendecomposition.

        Directions that the profiles do not span get no coefficient: for ``alpha = 0`` that is
        the solution of minimum norm.
        """
        return self._linear_fit(self.factor.coef(self.cross, alpha))

    def generalized_errors(self, alphas):
        """Generalised cross-validation: squared errors that stand for leaving one profile out.

        ``GCV(α) = RSS(α)/n / (1 − df(α)/n)²`` with ``df(α) = 1 + Σ λ/(λ + α)``, from the
        eigendecomposition alone.

        Parameters
        ----------
        alphas : Tensor of shape (n_alphas,)
            Positive.

        Returns
        -------
        Tensor of shape (n_alphas, n_targets)
            Infinite where ``df`` reaches the total weight.
        """
        shrinkage = self.factor.shrinkage(alphas)
        df = 1 + self.factor.eigenvalues @ shrinkage
        # What ridge leaves of a direction: all of it where profiles with equal landmarks differ.
        left_over = (alphas / (self.factor.eigenvalues[:, None] + alphas)).T
        errors = left_over.new_empty(len(alphas), self.cross.shape[1])
        for block in target_blocks(errors.shape[1]):
            energy = self.factor.scores(self.cross[:, block]).square_()
            if self.is_dual:
                unexplained = 0.0
            else:
                energy *= self.factor.shrinkage(0.0)
                unexplained = (self.yy[block] - energy.sum(dim=0)).clamp_min(0)
            errors[:, block] = left_over.square() @ energy + unexplained
        free = (1 - df / self.n)[:, None]
        return torch.where(free > 1e-12, errors / self.n / free.square(), torch.inf)

    @property
    def y_scale(self):
        return scale_of(self.yy, self.n)

    def _linear_fit(self, coef):
        return LinearFit(coef, self.x_mean, self.y_mean, self.y_scale)


class PrimalRidge(_Ridge):
    """Ridge regression from the sums over profiles, which themselves need not be held.

    Parameters
    ----------
    sums : GramSums
    dtype : torch.dtype
        Of the data and of the coefficients.
    """

    is_dual = False

    def __init__(self, sums, dtype):
        self.n, self.x_mean, self.y_mean = sums.n, sums.x_mean, sums.y_mean
        self.xx, self.cross, self.yy = sums.xx, sums.xy, sums.yy
        self.dtype = dtype

    @cached_property
    def factor(self):
        return RidgeFactor.of_gram(self.xx, self.dtype)

    def fit(self, alpha):
        fitted = None
        if torch.as_tensor(alpha).ndim == 0 and "factor" not in vars(self):
            fitted = self.fit_by_inverse(alpha)
        return fitted or super().fit(alpha)

    def fit_by_inverse(self, alpha):
        """The `LinearFit` for one ``alpha`` by Cholesky; None where that is inaccurate."""
        inverse = _inverse(self.xx, alpha, _MAX_CONDITION[self.dtype])
        if inverse is None:
            return None
        coef = torch.empty_like(self.cross, dtype=self.dtype)
        for block in target_blocks(coef.shape[1]):
            coef[:, block] = inverse @ self.cross[:, block].double()
        return self._linear_fit(coef)


class DualRidge(_Ridge):
    """Ridge regression from the kernel between the profiles, when they are fewer than landmarks.

    Parameters
    ----------
    X : Tensor of shape (n_profiles, n_landmarks)
    Y : Tensor of shape (n_profiles, n_targets)
    weight : Tensor of shape (n_profiles,), default=None
        A weight of 2 counts a profile twice.
    """

    is_dual = True

    def __init__(self, X, Y, weight=None):
        weight = unit_weight(X) if weight is None else weight.double()
        self.n = weight.sum().item()
        self.X, self.x_mean = rooted(X, weight)
        self.cross, self.y_mean = rooted(Y, weight)
        self.yy = self.cross.square().sum(dim=0, dtype=torch.float64)

    @cached_property
    def factor(self):
        return RidgeFactor.of_kernel(self.X)


def ridge_problem(X, Y, weight=None):
    """Ridge regression of ``Y`` on ``X`` in the smaller space, without solving it yet."""
    if len(X) > X.shape[1]:
        return PrimalRidge(GramSums.of(X, Y, weight), X.dtype)
    return DualRidge(X, Y, weight)


def least_squares(X, Y, weight=None):
    """Minimise ``Σ w ‖y − xW − b‖²``; of several solutions, the one of minimum ``‖W‖``.

    The Gram matrix is inverted where it is well conditioned; otherwise the singular values of
    ``X`` decide.

    Parameters
    ----------
    X : Tensor of shape (n_profiles, n_landmarks)
    Y : Tensor of shape (n_profiles, n_targets)
    weight : Tensor of shape (n_profiles,), default=None
        A weight of 2 counts a profile twice.

    Returns
    -------
    LinearFit
    """
    fitted = None
    if len(X) > X.shape[1]:
        fitted = PrimalRidge(GramSums.of(X, Y, weight), X.dtype).fit_by_inverse(0.0)
    return fitted or _minimum_norm(X, Y, weight)


def _minimum_norm(X, Y, weight):
    weight = unit_weight(X) if weight is None else weight.double()
    Xc, x_mean = rooted(X.double(), weight)
    U, s, Vt = torch.linalg.svd(Xc, full_matrices=False)
    # Landmarks are known to the precision of their dtype only.
    spanned = s > s.max() * max(X.shape) * torch.finfo(X.dtype).eps
    basis = (Vt.T * torch.where(spanned, 1 / s, 0.0)).to(X.dtype)
    U = U.to(X.dtype)
    coef = Y.new_empty(X.shape[1], Y.shape[1])
    y_mean, yy = s.new_empty(Y.shape[1]), s.new_empty(Y.shape[1])
    for block in target_blocks(Y.shape[1]):
        Yc, y_mean[block] = rooted(Y[:, block], weight)
        yy[block] = Yc.square().sum(dim=0)
        coef[:, block] = basis @ (U.T @ Yc)
    return LinearFit(coef, x_mean, y_mean, scale_of(yy, weight.sum().item()))


def _inverse(xx, alpha, max_condition):
    """``(xx + αI)⁻¹``, or None if that is ill-conditioned even with unit-variance landmarks."""
    A = xx.clone()
    A.diagonal().add_(alpha)
    A.diagonal()[A.diagonal() == 0] = 1.0  # a constant landmark gets the coefficient 0
    scale = A.diagonal().rsqrt()
    A *= scale * scale[:, None]
    L, failed = torch.linalg.cholesky_ex(A)
    if failed:
        return None
    inverse = torch.cholesky_inverse(L)
    condition = torch.linalg.matrix_norm(A, 1) * torch.linalg.matrix_norm(inverse, 1)
    return inverse.mul_(scale * scale[:, None]) if condition <= max_condition else None
