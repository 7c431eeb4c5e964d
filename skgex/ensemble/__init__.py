"""Estimators made of other estimators."""

from skgex.ensemble._residual import ResidualRegressor

__all__ = ["ResidualRegressor"]
