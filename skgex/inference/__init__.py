"""From landmark genes to target genes: one file a method."""

from skgex.inference._densenet import DenseNetRegressor
from skgex.inference._dgex import DGEXRegressor

__all__ = [
    "DGEXRegressor",
    "DenseNetRegressor",
]
