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
    CompositeMeasurement,
    GeneAligner,
    LandmarkPanel,
    PlatformScaler,
    QuantileNormalizer,
)

TRANSFORMERS = [
    LandmarkPanel(),
    LandmarkPanel([0]),
    CompositeMeasurement(2),
    CompositeMeasurement(2, kind="sparse", density=0.5, n_candidates=3),
    CompositeMeasurement(2, snr=2.0, random_state=0),
    GeneAligner(),
    GeneAligner(missing="mean", duplicates="mean", ignore_version=False),
    QuantileNormalizer(),
    QuantileNormalizer(ties="dgex"),
    QuantileNormalizer(ties="dgex-rnaseq"),
    PlatformScaler(),
    PlatformScaler(unseen="own"),
]


def expected_failed_checks(transformer):
    if getattr(transformer, "snr", None) is not None:
        reason = "Profiles measured together share a level of noise, and get other noise apart."
        return {
            "check_methods_subset_invariance": reason,
            "check_methods_sample_order_invariance": reason,
        }
    return {}


@parametrize_with_checks(TRANSFORMERS, expected_failed_checks=expected_failed_checks)
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
    "transformer",
    [LandmarkPanel(), CompositeMeasurement(2), QuantileNormalizer(), PlatformScaler()],
    ids=repr,
)
def test_other_column_names_are_refused(transformer):
    # GeneAligner is left out: columns in another order are what it is for.
    check_dataframe_column_names_consistency(type(transformer).__name__, transformer)
