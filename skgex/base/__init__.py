"""The contract that every regressor of skgex keeps, written once."""

from skgex.base._net_regressor import NetRegressor
from skgex.base._profile_regressor import ProfileRegressor, TrainingData

__all__ = ["NetRegressor", "ProfileRegressor", "TrainingData"]
