"""From landmark genes to target genes: one file a method."""

from skgex.inference._densenet import DenseNetRegressor
from skgex.inference._dgex import DGEXRegressor
from skgex.inference._ggan import GGANRegressor
from skgex.inference._kernel_ridge import KernelRidgeRegressor
from skgex.inference._knn import KNNGeneRegressor, KNNRegressor
from skgex.inference._lasso import LassoRegressor
from skgex.inference._least_squares import LeastSquaresRegressor
from skgex.inference._ridge import RidgeRegressor
from skgex.inference._ridge_cv import RidgeRegressorCV
from skgex.inference._semigan import SemiGANRegressor

__all__ = [
    "LeastSquaresRegressor",
    "RidgeRegressor",
    "RidgeRegressorCV",
    "DGEXRegressor",
    "DenseNetRegressor",
    "GGANRegressor",
    "KNNGeneRegressor",
    "KNNRegressor",
    "KernelRidgeRegressor",
    "LassoRegressor",
    "SemiGANRegressor",
]
