"""Profiles of few modules, from any linear measurement."""

import torch

from skgex._solvers._lasso import lasso_proximal_gradient
from skgex._solvers._matching_pursuit import matching_pursuit
from skgex._solvers._wiener import _cholesky

# Of the variance of a measurement: what its covariance has in every direction at least.
_NOTHING = 1e-7


class SparseProfiles:
    """Profiles ``x = Uᵀw + e`` of modules U, of which few are active, and residuals e.

    Parameters
    ----------
    modules : Tensor of shape (n_modules, n_genes)
        U.
    residual_mean, residual_variance : Tensor of shape (n_genes,), optional
        Of e, which is independent between genes. By default there are no residuals.
    """

    def __init__(self, modules, residual_mean=None, residual_variance=None):
        self.modules = modules
        self.residual_mean, self.residual_variance = residual_mean, residual_variance

    def decoder(self, A, noise, find):
        """The decoder of measurements by A with noise of that covariance.

        ``find(D, Z) -> activities`` looks for few of them in ``z ≈ D w``. Without residuals D is
        ``A Uᵀ``; otherwise both sides are whitened by the covariance of what modules leave of a
        measurement, so that measurements count for what they tell.
        """
        return SparseDecoder(self, A, noise, find)


class SparseDecoder:
    """``x̂ = Uᵀŵ + μ_e + ψ Aᵀ C⁻¹ (z − A Uᵀŵ − A μ_e)`` with ``C = A ψ Aᵀ + noise``."""

    def __init__(self, profiles, A, noise, find):
        self.modules, self.find = profiles.modules, find
        self.measured = A @ self.modules.T
        self.chol, self.mean = None, profiles.residual_mean
        if self.mean is not None:
            spread = (profiles.residual_variance[:, None] * A.T).double()
            C = A.double() @ spread + noise
            self.measured_mean = A @ self.mean
            scale = C.diagonal().mean() + self.measured.square().sum(dim=1).mean()
            self.chol = _cholesky(C, _NOTHING * (scale if scale > 0 else 1))
            self.white = self._whiten(self.measured)
            self.gain = torch.cholesky_solve(spread.T, self.chol).to(A.dtype)

    def __call__(self, Z):
        """Profiles of measurements (n_profiles, n_measurements)."""
        if self.chol is None:
            return self.find(self.measured, Z) @ self.modules
        Z = Z - self.measured_mean
        activities = self.find(self.white, self._whiten(Z.T).T)
        left = Z - activities @ self.measured.T
        return activities @ self.modules + self.mean + left @ self.gain

    def _whiten(self, columns):
        white = torch.linalg.solve_triangular(self.chol, columns.double(), upper=False)
        return white.to(columns.dtype)


def pursued(D, Z, n_nonzero, **how):
    """Activities by orthogonal matching pursuit, as a dense Tensor (n_profiles, n_modules)."""
    return matching_pursuit(D, Z, min(n_nonzero, *D.shape), **how).dense(D.shape[1])


@torch.no_grad()
def penalised(D, Z, alpha, *, nonnegative=False, tol=1e-4, max_iter=1000):
    """Activities ``min ½‖z − D w‖² + α α_max ‖w‖₁``, for columns of D brought to unit norm.

    ``α_max`` is the least penalty that leaves nothing of that profile. Up to a duality gap of
    ``tol ‖z‖²``, or ``max_iter`` steps: where modules are alike, what is left open is which of
    them is active, and hardly what they add up to.
    """
    norm = torch.linalg.vector_norm(D, dim=0)
    scale = torch.where(norm > 0, 1 / norm, 0.0)
    D = D * scale
    found = Z @ D
    largest = (found if nonnegative else found.abs()).amax(dim=1).clamp_min(0)
    energy, alpha = Z.square().sum(dim=1), alpha * largest
    options = dict(tol=tol, max_iter=max_iter, nonnegative=nonnegative)
    return lasso_proximal_gradient(D.T @ D, found, energy, alpha, **options)[0] * scale
