"""Few composite measurements -> all genes: one file a method."""

from skgex.compressed_sensing._csgm import CSGMRegressor
from skgex.compressed_sensing._ksvd import KSVD, KSVDRegressor
from skgex.compressed_sensing._smaf import SMAF, SMAFRegressor
from skgex.compressed_sensing._smaf_net import SMAFNetRegressor
from skgex.compressed_sensing._sparse_nmf import SparseNMF, SparseNMFRegressor
from skgex.compressed_sensing._svd import SVDDictionary, SVDRegressor
from skgex.compressed_sensing._wiener import WienerRegressor
from skgex.compressed_sensing._wiener_mixture import WienerMixtureRegressor

__all__ = [
    "CSGMRegressor",
    "KSVD",
    "KSVDRegressor",
    "SMAF",
    "SMAFNetRegressor",
    "SMAFRegressor",
    "SVDDictionary",
    "SVDRegressor",
    "SparseNMF",
    "SparseNMFRegressor",
    "WienerMixtureRegressor",
    "WienerRegressor",
]
