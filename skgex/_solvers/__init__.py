"""Algorithms on tensors: they know nothing of estimators, names or scaling."""

from skgex._solvers._gram import GramSums, scale_of
from skgex._solvers._kernel_ridge import kernel_ridge, linear_kernel, rbf_kernel
from skgex._solvers._ksvd import ksvd
from skgex._solvers._lasso import lasso_gap, lasso_proximal_gradient
from skgex._solvers._matching_pursuit import SparseCodes, matching_pursuit
from skgex._solvers._nearest import nearest
from skgex._solvers._relevance import RelevanceKernelRidge
from skgex._solvers._ridge import LinearFit, PrimalRidge, least_squares, ridge_problem
from skgex._solvers._ridge_cv import Profiles, held_out_errors
from skgex._solvers._smaf import Modules, smaf
from skgex._solvers._sparse_profiles import SparseProfiles, penalised, pursued
from skgex._solvers._tolerance_lasso import nonnegative_lasso_at_tolerance
from skgex._solvers._transport import GaussianMap, Spread, match_quantiles
from skgex._solvers._wiener import FactorProfiles, GaussianProfiles, ProfileMixture

__all__ = [
    "RelevanceKernelRidge",
    "FactorProfiles",
    "GaussianMap",
    "GaussianProfiles",
    "GramSums",
    "LinearFit",
    "Modules",
    "PrimalRidge",
    "ProfileMixture",
    "Profiles",
    "SparseCodes",
    "SparseProfiles",
    "Spread",
    "held_out_errors",
    "kernel_ridge",
    "ksvd",
    "lasso_gap",
    "lasso_proximal_gradient",
    "least_squares",
    "linear_kernel",
    "match_quantiles",
    "matching_pursuit",
    "nearest",
    "nonnegative_lasso_at_tolerance",
    "penalised",
    "pursued",
    "rbf_kernel",
    "ridge_problem",
    "scale_of",
    "smaf",
]
