"""Every transformer keeps scikit-learn's contract, its names and data frames included."""

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    parametrize_with_checks,
)

from skgex.preprocessing import (
    GeneAligner,
    LandmarkPanel,
    PlatformScaler,
    QuantileNormalizer,
)

TRANSFORMERS = [
    LandmarkPanel(),
    LandmarkPanel([0]),
    GeneAligner(),
    GeneAligner(missing="mean", duplicates="mean", ignore_version=False),
    QuantileNormalizer(),
    QuantileNormalizer(ties="dgex"),
    QuantileNormalizer(ties="dgex-rnaseq"),
    PlatformScaler(),
    PlatformScaler(unseen="own"),
]


@parametrize_with_checks(TRANSFORMERS)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


# These checks are not part of check_estimator.
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
@pytest.mark.parametrize(
    "check",
    [
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
        check_set_output_transform,
        check_set_output_transform_pandas,
    ],
)
def test_names_and_data_frames(transformer, check):
    check(type(transformer).__name__, clone(transformer))


@pytest.mark.parametrize(
    "transformer", [LandmarkPanel(), QuantileNormalizer(), PlatformScaler()], ids=repr
)
def test_other_column_names_are_refused(transformer):
    # GeneAligner is left out: columns in another order are what it is for.
    check_dataframe_column_names_consistency(type(transformer).__name__, transformer)
