"""Few composite measurements -> all genes: one file a method."""

from skgex.compressed_sensing._ksvd import KSVD, KSVDRegressor
from skgex.compressed_sensing._svd import SVDDictionary, SVDRegressor
from skgex.compressed_sensing._wiener import WienerRegressor
from skgex.compressed_sensing._wiener_mixture import WienerMixtureRegressor

__all__ = [
    "KSVD",
    "KSVDRegressor",
    "SVDDictionary",
    "SVDRegressor",
    "WienerMixtureRegressor",
    "WienerRegressor",
]
