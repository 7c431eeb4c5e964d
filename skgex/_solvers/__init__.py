"""Algorithms on tensors: they know nothing of estimators, names or scaling."""

from skgex._solvers._gram import GramSums, scale_of
from skgex._solvers._kernel_ridge import kernel_ridge, linear_kernel, rbf_kernel
from skgex._solvers._lasso import lasso_gap, lasso_proximal_gradient
from skgex._solvers._nearest import nearest
from skgex._solvers._relevance import RelevanceKernelRidge
from skgex._solvers._ridge import LinearFit, PrimalRidge, least_squares, ridge_problem
from skgex._solvers._ridge_cv import Profiles, held_out_errors

__all__ = [
    "RelevanceKernelRidge",
    "GramSums",
    "LinearFit",
    "PrimalRidge",
    "Profiles",
    "held_out_errors",
    "kernel_ridge",
    "lasso_gap",
    "lasso_proximal_gradient",
    "least_squares",
    "linear_kernel",
    "nearest",
    "rbf_kernel",
    "ridge_problem",
    "scale_of",
]
