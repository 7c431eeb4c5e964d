"""scikit-learn's own checks, over every public estimator."""

import importlib
import subprocess
import sys

import pytest
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils.estimator_checks import parametrize_with_checks

import skgex
from skgex.base import NetRegressor

# Small settings, so that the checks take seconds: they test the contract, not the accuracy.
SMALL = {
    "DGEXRegressor": dict(hidden_units=32, random_state=0),
    "DenseNetRegressor": dict(hidden_units=32, max_epochs=40, random_state=0),
    "GGANRegressor": dict(hidden_units=32, critic_units=16, max_epochs=40, random_state=0),
    "SemiGANRegressor": dict(
        hidden_units=32, latent_dim=4, gan_units=16, critic_units=16, max_epochs=30, random_state=0
    ),
    "DeepLSMTLRegressor": dict(
        hidden_units=32, subnetwork_units=16, max_epochs=40, random_state=0
    ),
    "DeepGOMTLRegressor": dict(hidden_units=32, max_epochs=40, random_state=0),
    "DeepCNMTLRegressor": dict(hidden_units=32, max_epochs=40, random_state=0),
    "DeepAMTLRegressor": dict(hidden_units=32, block_size=8, max_epochs=40, random_state=0),
    "DeepAMTFLRegressor": dict(hidden_units=32, max_epochs=40, random_state=0),
    "SMAFNetRegressor": dict(n_rounds=2, hidden_units=32, max_epochs=100, random_state=0),
    "ResidualRegressor": dict(residual_estimator=skgex.RidgeRegressor(), random_state=0),
    "CompositeMeasurement": dict(n_measurements=2),
    "LandmarkSelector": dict(n_landmarks=1),
    "StateClassifier": dict(hidden_units=(64,), max_epochs=100, lr=0.01, random_state=0),
    "TSPG": dict(
        classifier=skgex.StateClassifier((16,), max_epochs=20, random_state=0),
        critic_units=(16,),
        max_epochs=5,
        random_state=0,
    ),
    "CSGMRegressor": dict(latent_dim=4, hidden_units=16, max_epochs=5, n_steps=20, random_state=0),
}


def public_estimators():
    for name in skgex.__all__:
        cls = getattr(skgex, name)
        if isinstance(cls, type) and issubclass(cls, BaseEstimator):
            yield cls(**SMALL.get(name, {}))


def expected_failed_checks(estimator):
    if isinstance(estimator, NetRegressor | skgex.StateClassifier):
        return {
            "check_sample_weight_equivalence_on_dense_data": (
                "A repeated profile enters other mini-batches, dropout masks and validation "
                "splits than a profile of weight two."
            )
        }
    return {}


@parametrize_with_checks(list(public_estimators()), expected_failed_checks=expected_failed_checks)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", skgex.__all__)
def test_public_names_are_documented_and_listed_by_their_package(name):
    value = getattr(skgex, name)
    home = importlib.import_module(skgex._HOME[name])
    assert value.__doc__
    assert name in home.__all__ if hasattr(home, "__all__") else hasattr(home, name)


def test_every_estimator_of_a_listed_package_is_importable_from_the_top():
    packages = ("inference", "multitask", "compressed_sensing", "perturbation", "ensemble")
    packages += ("preprocessing",)
    for package in (f"skgex.{name}" for name in packages):
        for name in importlib.import_module(package).__all__:
            value = getattr(importlib.import_module(package), name)
            if isinstance(value, type) and issubclass(value, BaseEstimator):
                assert getattr(skgex, name) is value


@pytest.mark.parametrize("name", ["metrics", "plotting", "model_selection", "persistence"])
def test_subpackages_are_attributes_and_loaded_when_used(name):
    code = (
        "import sys, skgex\n"
        "assert not {'torch', 'sklearn', 'numpy'} & set(sys.modules)\n"
        f"assert skgex.{name}.__doc__"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("estimator", list(public_estimators()), ids=lambda e: type(e).__name__)
def test_constructor_parameters_are_documented(estimator):
    for name in estimator.get_params(deep=False):
        assert name in type(estimator).__doc__, f"{name} is not documented"
    if is_regressor(estimator):
        assert "gene_scaling" in estimator.get_params(deep=False)
