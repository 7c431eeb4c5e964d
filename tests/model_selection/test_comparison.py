"""Splits that never leak, and selection that never sees test profiles."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

import skgex
from skgex.model_selection import compare_methods, select_candidate, split_profiles


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(25), 4)])
def test_split_is_a_partition_that_keeps_groups_together(groups):
    split = split_profiles(100, groups=groups, random_state=0)
    assert sorted(np.concatenate(split)) == list(range(100))
    assert len(split.validation) == len(split.test) == (10 if groups is None else 8)
    if groups is not None:
        parts = [set(groups[rows]) for rows in split]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


@pytest.mark.parametrize("sizes", [(0.6, 0.375), (0.01, 0.98), (0.98, 0.01)])
def test_every_part_of_a_split_has_a_profile(sizes):
    split = split_profiles(4, validation_size=sizes[0], test_size=sizes[1], random_state=0)
    assert min(map(len, split)) >= 1


def test_split_is_reproducible():
    one, two = (split_profiles(50, random_state=3) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (dict(n_profiles=2), "2 profiles cannot be split"),
        (dict(n_profiles=9, groups=[0, 1] * 4 + [0]), "2 groups cannot be split"),
        (dict(n_profiles=9, groups=[0]), "groups has 1 entries for 9 profiles"),
        (dict(n_profiles=9, test_size=0.95), "leave a share for training"),
        (dict(n_profiles=9, validation_size=0), "must be positive"),
    ],
)
def test_impossible_splits_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        split_profiles(**params)


class Constant(RegressorMixin, BaseEstimator):
    """Infers a constant, and remembers what it was shown."""

    seen = None

    def __init__(self, value=0.0):
        self.value = value

    def fit(self, X, y, X_val=None, y_val=None):
        Constant.seen.append(set(X[:, 0]) | set(X_val[:, 0]))
        self.n_targets_ = y.shape[1]
        return self

    def predict(self, X):
        return np.full((len(X), self.n_targets_), self.value)


@pytest.fixture
def profiles():
    Constant.seen = []
    X = np.arange(40.0).reshape(-1, 1)
    return X, np.tile(X, 2) * 0 + np.linspace(0.9, 1.1, 40)[:, None]


def test_candidate_with_the_lowest_validation_error_is_kept(profiles):
    X, Y = profiles
    candidates = [Constant(0.0), Constant(1.0), Constant(2.0)]
    estimator, index, errors, _ = select_candidate(candidates, X[:20], Y[:20], X[20:], Y[20:])
    assert index == 1 and estimator.value == 1.0
    np.testing.assert_allclose(errors, [np.abs(v - Y[20:]).mean() for v in (0, 1, 2)])


def test_test_profiles_are_never_shown_to_fit(profiles):
    X, Y = profiles
    split = split_profiles(40, random_state=0)
    results = compare_methods({"constant": [Constant(1.0)]}, X, Y, split)
    assert not set.union(*Constant.seen) & set(X[split.test, 0])
    assert results[0].predictions.shape == (len(split.test), 2)


def test_tables_are_compared_like_arrays(profiles):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    X, Y = profiles
    split = split_profiles(40, random_state=0)
    methods = {"ridge": [skgex.RidgeRegressor()]}
    (arrays,) = compare_methods(methods, X, Y, split)
    index = np.arange(40)[::-1]
    tables = (pd.DataFrame(A, index=index).rename(columns="G{}".format) for A in (X, Y))
    (result,) = compare_methods(methods, *tables, split)
    np.testing.assert_array_equal(result.predictions, arrays.predictions)
    assert list(result.estimator.feature_names_in_) == ["G0"]


class Diverging(Constant):
    """Never gets to an end."""

    def fit(self, X, y, X_val=None, y_val=None):
        raise FloatingPointError("Training diverged. Lower lr.")


def test_a_candidate_that_diverges_is_left_out_with_a_warning(profiles):
    X, Y = profiles
    with pytest.warns(UserWarning, match=r"Diverging\(\) is left out .* Lower lr"):
        _, index, errors, _ = select_candidate([Diverging(), Constant(1.0)], X, Y, X, Y)
    assert index == 1 and np.isinf(errors[0])


@pytest.mark.filterwarnings("ignore:.*left out")
@pytest.mark.parametrize("candidates", [[], [Diverging()]])
def test_without_a_fitted_candidate_there_is_a_sentence(profiles, candidates):
    X, Y = profiles
    with pytest.raises(ValueError, match="candidates could be fitted"):
        select_candidate(candidates, X, Y, X, Y)
