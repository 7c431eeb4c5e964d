"""skgex: measure a few genes, infer the rest.

Every public name is importable from here; each is loaded when it is first used, so that
``import skgex`` costs no more than a dictionary.
"""

from importlib import import_module

__version__ = "0.1.0"

# The table of contents: subpackage -> its public names.
_CONTENTS = {
    "skgex.inference": [
        "LeastSquaresRegressor",
        "RidgeRegressor",
        "RidgeRegressorCV",
        "LassoRegressor",
        "KernelRidgeRegressor",
        "KNNRegressor",
        "KNNGeneRegressor",
        "DGEXRegressor",
        "DenseNetRegressor",
        "GGANRegressor",
        "SemiGANRegressor",
    ],
    "skgex.multitask": [
        "DeepLSMTLRegressor",
        "DeepGOMTLRegressor",
        "DeepCNMTLRegressor",
        "DeepAMTLRegressor",
        "DeepAMTFLRegressor",
    ],
    "skgex.compressed_sensing": [
        "WienerRegressor",
        "WienerMixtureRegressor",
        "SVDDictionary",
        "SVDRegressor",
        "KSVD",
        "KSVDRegressor",
        "SparseNMF",
        "SparseNMFRegressor",
        "SMAF",
        "SMAFRegressor",
        "SMAFNetRegressor",
        "CSGMRegressor",
    ],
    "skgex.perturbation": ["GaussianTransport", "StateClassifier", "TSPG"],
    "skgex.ensemble": ["ResidualRegressor"],
    "skgex.preprocessing": [
        "GeneScaler",
        "LandmarkPanel",
        "LandmarkSelector",
        "CompositeMeasurement",
        "GeneAligner",
        "QuantileNormalizer",
        "PlatformScaler",
        "drop_near_duplicates",
    ],
    "skgex.datasets": [
        "ExpressionData",
        "load_dgex",
        "make_expression",
        "read_expression",
        "read_gmt",
        "write_expression",
        "write_gmt",
    ],
    "skgex.metrics": [
        "gene_concordance",
        "gene_mean_absolute_error",
        "gene_pearson",
        "profile_pearson",
        "relative_rmse",
        "sample_distance_correlation",
        "gene_report",
        "summarize",
        "two_sample_test",
    ],
    "skgex.model_selection": [
        "LabeledFold",
        "compare_methods",
        "five_by_two_cv_ttest",
        "split_profiles",
    ],
    "skgex.inspection": [
        "enrichment",
        "gene_set_agreement",
        "landmark_relevance",
        "module_enrichment",
        "module_genes",
        "module_stability",
        "perturbed_genes",
        "realism",
    ],
    "skgex.plotting": [],  # used as skgex.plotting.ReliabilityDisplay
    "skgex.persistence": ["describe", "load", "save"],
}
_HOME = {name: module for module, names in _CONTENTS.items() for name in names}

__all__ = [*_HOME]


def __getattr__(name):
    if f"skgex.{name}" in _CONTENTS:
        return import_module(f"skgex.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'skgex' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *_HOME, *(home.split(".")[1] for home in _CONTENTS)])
