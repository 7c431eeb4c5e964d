"""How were profiles measured? A matrix from measurements and profiles."""

from typing import NamedTuple

import numpy as np
import torch

# Shares of the greatest variance of a direction of profiles.
PENALTIES = np.logspace(-10, 2, 25)


class EstimatedMeasurement(NamedTuple):
    """``z ≈ A x + offset``, estimated from n profiles and their measurements.

    Parameters
    ----------
    matrix : ndarray of shape (n_measurements, n_genes)
    offset : ndarray of shape (n_measurements,)
    n_free : float
        Degrees of freedom that are left.
    covariance : ndarray of shape (n_measurements, n_measurements)
        Of what the matrix leaves of the measurements of profiles that it does not know.
    """

    matrix: np.ndarray
    offset: np.ndarray
    n_free: float
    covariance: np.ndarray


def estimate_measurement(Z, X):
    """The ridge regression of measurements on profiles that tells those of others best.

    Its penalty is chosen by leaving out one profile at a time; there is none if one matrix
    explains all. Where profiles are fewer than genes, the shortest matrix that explains all would
    leave no noise, and decoders would take measurements for more than they tell.

    Parameters
    ----------
    Z : ndarray of shape (n_profiles, n_measurements)
    X : ndarray of shape (n_profiles, n_genes)

    Returns
    -------
    EstimatedMeasurement
    """
    dtype, shape = X.dtype, X.shape
    Z, X = (torch.from_numpy(C).double() for C in (Z, X))
    z_mean, x_mean = Z.mean(dim=0), X.mean(dim=0)
    V, s, Ut = torch.linalg.svd(X - x_mean, full_matrices=False)
    # A direction in which profiles differ by the rounding of their values tells nothing.
    kept = s > max(shape) * np.finfo(dtype).eps * s[0]
    V, s, Ut = V[:, kept], s[kept], Ut[kept]
    Z = Z - z_mean
    told = V.T @ Z
    spread = Z.square().mean(dim=0).clamp_min(torch.finfo(Z.dtype).tiny)
    rounding, best = np.finfo(dtype).eps ** 2, None
    for penalty in (0.0, *PENALTIES):
        share = s.square() / (s.square() + penalty * s[:1].square())
        leverage = (V.square() * share).sum(dim=1, keepdim=True) + 1 / len(Z)
        if leverage.max() > 1 - 1e-8:  # some profile is explained whatever it is
            continue
        residual = Z - V @ (share[:, None] * told)
        left_out = (residual / (1 - leverage)).square().mean(dim=0)
        error = float((left_out / spread).mean())
        if best is None or error < best[0] - rounding:
            best = error, share, residual, left_out
    _, share, residual, left_out = best
    A = ((share / s)[:, None] * told).T @ Ut
    n_free = len(Z) - 1 - float(share.sum())
    return EstimatedMeasurement(
        A.numpy().astype(dtype),
        (z_mean - A @ x_mean).numpy().astype(dtype),
        n_free,
        _covariance(residual.numpy(), left_out.numpy(), n_free),
    )


def _covariance(residual, variance, n_free):
    """A covariance of these variances, with correlations of residuals, shrunk towards none.

    By as much as their errors are of their size (Schäfer, J., Strimmer, K. (2005). A shrinkage
    approach to large-scale covariance matrix estimation. Statistical Applications in Genetics and
    Molecular Biology 4(1)).
    """
    norm = np.linalg.norm(residual, axis=0)
    residual = residual / np.where(norm > 0, norm, 1)
    correlation = residual.T @ residual
    np.fill_diagonal(correlation, 0)
    size = np.square(correlation).sum()
    errors = np.square(1 - np.square(correlation)).sum() - len(correlation)
    kept = max(0.0, 1 - errors / (max(n_free, 1e-3) * size)) if size else 0.0
    correlation *= kept
    np.fill_diagonal(correlation, 1)
    deviation = np.sqrt(variance)
    return correlation * deviation * deviation[:, None]
