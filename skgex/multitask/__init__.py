"""Target genes as related tasks: Deep-LSMTL and the methods it was compared with."""

from skgex.multitask._amtfl import DeepAMTFLRegressor
from skgex.multitask._amtl import DeepAMTLRegressor
from skgex.multitask._cnmtl import DeepCNMTLRegressor
from skgex.multitask._gomtl import DeepGOMTLRegressor
from skgex.multitask._lsmtl import DeepLSMTLRegressor

__all__ = [
    "DeepAMTFLRegressor",
    "DeepAMTLRegressor",
    "DeepCNMTLRegressor",
    "DeepGOMTLRegressor",
    "DeepLSMTLRegressor",
]
