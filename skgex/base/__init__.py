"""The contract that every regressor of skgex keeps, written once."""

from skgex.base._docs import fill_docstring
from skgex.base._feedforward_regressor import FeedforwardRegressor
from skgex.base._net_regressor import NetRegressor
from skgex.base._profile_regressor import ProfileRegressor, check_same_genes

__all__ = [
    "FeedforwardRegressor",
    "NetRegressor",
    "ProfileRegressor",
    "check_same_genes",
    "fill_docstring",
]
