"""What the classifier two-sample test finds, what it does not, and what it says to bad input."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex.metrics import two_sample_test

FOREST = RandomForestClassifier(20, min_samples_leaf=3)
QUADRATIC = QuadraticDiscriminantAnalysis(reg_param=0.1)


def profiles(n, seed, *, n_genes=20, scale=1.0, noise=1.0):
    """Profiles whose genes follow three factors."""
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(99).normal(size=(3, n_genes))
    return (
        8 + rng.normal(scale=scale, size=(n, 3)) @ loadings + noise * rng.normal(size=(n, n_genes))
    )


def shuffled_genes(X, seed=0):
    """The same values of every gene, in an order of its own."""
    return np.random.default_rng(seed).permuted(X, axis=0)


# -- what it finds ---------------------------------------------------------------------------
@pytest.mark.parametrize("n_components", [None, 3])
@pytest.mark.parametrize("classifier", [None, QUADRATIC, FOREST], ids=["default", "qda", "forest"])
def test_profiles_of_one_distribution_are_not_told_apart(classifier, n_components):
    result = two_sample_test(
        *(profiles(200, seed) for seed in (0, 1)),
        classifier=classifier,
        n_components=n_components,
        random_state=0,
    )
    assert 0.4 < result.auc < 0.6
    assert 0.4 < result.accuracy < 0.6
    assert result.p_value > 0.05


@pytest.mark.parametrize("n_components", [None, 3])
def test_shifted_profiles_are_always_told_apart(n_components):
    real, generated = profiles(100, 0), profiles(100, 1)
    result = two_sample_test(real, generated + 40, n_components=n_components, random_state=0)
    assert result.auc == result.accuracy == 1
    assert result.auc_std == 0
    assert result.p_value < 1e-6


def test_the_auc_is_that_of_the_best_rule_where_it_is_known():
    real, generated = np.random.default_rng(0).normal(size=(2, 1000, 1))
    result = two_sample_test(real, generated + 1, random_state=0)
    assert result.auc == pytest.approx(0.760, abs=0.03)  # Φ(1/√2)
    assert result.accuracy == pytest.approx(0.691, abs=0.03)  # Φ(1/2)


def test_p_values_of_equal_samples_are_evenly_spread():
    rng = np.random.default_rng(0)
    p_values = [
        two_sample_test(*rng.normal(size=(2, 20, 5)), random_state=0).p_value for _ in range(120)
    ]
    assert np.mean(np.array(p_values) < 0.05) <= 0.08
    # As if folds were independent, the spread would be about 1.4.
    assert norm.isf(p_values).std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("classifier", [QUADRATIC, FOREST], ids=["qda", "forest"])
def test_lost_correlations_are_seen_by_classifiers_with_bent_boundaries_only(classifier):
    real, generated = profiles(200, 0), shuffled_genes(profiles(200, 1))
    bent, straight = (
        two_sample_test(real, generated, classifier=c, random_state=0) for c in (classifier, None)
    )
    assert bent.auc > 0.8 and bent.p_value < 1e-4
    assert straight.auc < 0.6 and straight.p_value > 0.05


def test_components_leave_out_what_lies_beyond_the_structure():
    real, noisy = profiles(300, 0), profiles(300, 1, noise=1.5)
    params = dict(classifier=QUADRATIC, random_state=0)
    assert two_sample_test(real, noisy, **params).auc > 0.8
    assert two_sample_test(real, noisy, n_components=3, **params).p_value > 0.01
    wide = profiles(300, 1, scale=2.0)
    assert two_sample_test(real, wide, n_components=3, **params).auc > 0.7


def test_components_do_not_know_the_profiles_that_made_them():
    """Far more genes than profiles: in-sample scores would be twice as wide as others."""
    real, generated = np.random.default_rng(0).normal(size=(2, 150, 600))
    result = two_sample_test(
        real, generated, n_components=10, classifier=QUADRATIC, random_state=0
    )
    assert result.p_value > 0.05


def test_copies_in_another_order_are_no_worse_than_real_profiles():
    real = profiles(100, 0)
    copies = np.random.default_rng(0).permutation(real)
    result = two_sample_test(real, copies, random_state=0)
    assert result.auc < 0.4  # the copy of a profile left out was learned as generated
    assert result.p_value > 0.5


# -- samples and seeds -----------------------------------------------------------------------
@pytest.mark.parametrize("n_components", [None, 3])
@pytest.mark.parametrize("sizes", [(60, 600), (600, 60)])
def test_as_many_of_one_kind_as_of_the_other_are_compared(sizes, n_components):
    real, generated = (profiles(n, seed) for seed, n in enumerate(sizes))
    result = two_sample_test(real, generated, n_components=n_components, random_state=0)
    assert 0.25 < result.accuracy < 0.75  # ten to one, always guessing the many is .91
    assert result.p_value > 0.01


def test_the_same_seed_gives_the_same_result_whatever_the_classifier():
    real, generated = profiles(40, 0), profiles(60, 1)
    pipeline = make_pipeline(StandardScaler(), FOREST)
    for params in ({}, {"n_components": 2}, {"classifier": FOREST}, {"classifier": pipeline}):
        first, again, other = (
            two_sample_test(real, generated, random_state=seed, **params) for seed in (0, 0, 1)
        )
        assert first == again != other
    assert FOREST.random_state is None
    assert not hasattr(FOREST, "classes_")


def test_the_default_classifier_is_the_documented_one():
    data = profiles(40, 0), profiles(40, 1)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    assert two_sample_test(*data, random_state=0) == two_sample_test(
        *data, classifier=classifier, random_state=0
    )


def test_tables_and_constant_genes_are_fine():
    tables = [pd.DataFrame(profiles(30, seed).astype(np.float32)) for seed in (0, 1)]
    for table in tables:
        table[0] = 5.0
    result = two_sample_test(*tables, random_state=0)
    assert str(result).startswith(f"AUC {result.auc:.3f} ± {result.auc_std:.3f} (p = 0.")
    assert {type(value) for value in result} == {float}


# -- bad input -------------------------------------------------------------------------------
def test_bad_input():
    real = profiles(9, 0)
    missing = real.copy()
    missing[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"real has 20 genes \(columns\) and generated 19"):
        two_sample_test(real, real[:, 1:])
    with pytest.raises(ValueError, match="generated holds 1 NaN or infinite values, the first in"):
        two_sample_test(real, missing)
    with pytest.raises(ValueError, match="real and generated have different columns"):
        two_sample_test(pd.DataFrame(real), pd.DataFrame(real).iloc[:, ::-1])
    with pytest.raises(ValueError, match="real has 9 profiles and generated 4: cv=5 folds need"):
        two_sample_test(real, real[:4])
    with pytest.raises(ValueError, match=r"9 profiles \(3 of them for the components\) .* cv=8"):
        two_sample_test(real, real, n_components=1, cv=8)
    with pytest.raises(ValueError, match="n_components=3 is too large: 3 real profiles of 20"):
        two_sample_test(real, real, n_components=3)
    with pytest.raises(ValueError, match=r"n_components=3 is too large: .* at most 2"):
        two_sample_test(profiles(90, 0)[:, :2], profiles(90, 1)[:, :2], n_components=3)
    for params in ({"cv": 1}, {"n_components": 0}, {"classifier": "forest"}):
        (name,) = params
        with pytest.raises(ValueError, match=f"'{name}' parameter of two_sample_test must be"):
            two_sample_test(real, real, **params)
