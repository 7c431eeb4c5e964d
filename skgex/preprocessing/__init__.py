"""Bring profiles into the genes, shape and scale that estimators expect."""

from skgex.preprocessing._composite_measurement import CompositeMeasurement
from skgex.preprocessing._gene_aligner import AlignmentReport, GeneAligner
from skgex.preprocessing._gene_scaler import GeneScaler
from skgex.preprocessing._landmark_panel import LandmarkPanel
from skgex.preprocessing._landmark_selector import LandmarkSelector
from skgex.preprocessing._near_duplicates import drop_near_duplicates
from skgex.preprocessing._platform_scaler import PlatformScaler
from skgex.preprocessing._quantile_normalizer import QuantileNormalizer

__all__ = [
    "LandmarkPanel",
    "LandmarkSelector",
    "CompositeMeasurement",
    "GeneAligner",
    "AlignmentReport",
    "GeneScaler",
    "QuantileNormalizer",
    "PlatformScaler",
    "drop_near_duplicates",
]
