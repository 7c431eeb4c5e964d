"""The 5x2 cv paired t test: its formula, its halves, and what it refuses."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from skgex import five_by_two_cv_ttest

RNG = np.random.default_rng(0)
X = RNG.normal(5, 2, (60, 4))
Y = X @ RNG.normal(size=(4, 3)) + RNG.normal(size=(60, 3))
A, B = DummyRegressor(strategy="mean"), DummyRegressor(strategy="median")


def compare_errors(errors_a, errors_b):
    """The test of errors that are given, in the order of repetitions and halves."""
    errors = {"mean": iter(np.ravel(errors_a)), "median": iter(np.ravel(errors_b))}
    return five_by_two_cv_ttest(A, B, X, Y, scoring=lambda est, X, y: -next(errors[est.strategy]))


def test_statistic_and_p_value_follow_the_formula():
    result = five_by_two_cv_ttest(Ridge(1.0), Ridge(30.0), X, Y, random_state=0)
    d = result.errors_a - result.errors_b
    t = d[0, 0] / np.sqrt(d.var(axis=1, ddof=1).mean())
    assert result.statistic == pytest.approx(t)
    assert result.p_value == pytest.approx(2 * stats.t.cdf(-abs(t), df=5))
    assert result.errors_a.shape == result.errors_b.shape == (5, 2)


@pytest.mark.parametrize(
    ("differences", "statistic", "p_value"),
    [
        # s² is 2 in every repetition: t = -3 / √2, and p from the closed form of 5 degrees.
        ([(-3, -1), (1, 3), (0, 2), (2, 0), (-1, 1)], -2.121320, 0.087359),
        # s² are 8, 2, 0, 0, 0, their mean is 2; 2.570582 is the 5 % point of printed tables.
        ([(3.635352, -0.364648), (0, 2), (4, 4), (1, 1), (-1, -1)], 2.570582, 0.05),
        # Both halves of every repetition agree: no variance.
        ([(-1, -1), (2, 2), (0, 0), (1, 1), (3, 3)], -np.inf, 0),
        ([(1, 1)] * 5, np.inf, 0),
        ([(0, 0)] * 5, 0, 1),
        ([(0, 0), (1, 1), (1, 1), (1, 1), (1, 1)], 0, 1),
        ([(0, 1)] * 5, 0, 1),
    ],
)
def test_known_differences_give_the_statistic_worked_out_by_hand(differences, statistic, p_value):
    result = compare_errors(np.add(differences, 8), np.full((5, 2), 8))
    np.testing.assert_array_equal(result.errors_a - result.errors_b, np.add(differences, 8) - 8)
    assert result.statistic == pytest.approx(statistic, abs=1e-5)
    assert result.p_value == pytest.approx(p_value, abs=1e-5)


def test_an_estimator_does_not_differ_from_itself():
    result = five_by_two_cv_ttest(Ridge(), Ridge(), X, Y, random_state=0)
    assert (result.statistic, result.p_value) == (0, 1)


def test_a_clearly_better_first_estimator_has_a_negative_statistic_and_a_small_p():
    result = five_by_two_cv_ttest(Ridge(), A, X, Y, random_state=0)
    assert result.statistic < 0 and result.p_value < 0.01
    swapped = five_by_two_cv_ttest(A, Ridge(), X, Y, random_state=0)
    assert (swapped.statistic, swapped.p_value) == (-result.statistic, result.p_value)


def test_an_error_is_minus_the_score():
    scored = five_by_two_cv_ttest(Ridge(), A, X, Y, scoring="r2", random_state=0)
    assert (scored.errors_a < -0.5).all() and (scored.errors_b >= 0).all()
    assert scored.statistic < 0
    own = five_by_two_cv_ttest(Ridge(), A, X, Y, scoring=None, random_state=0)
    np.testing.assert_array_equal(scored.errors_a, own.errors_a)


def test_a_seed_repeats_the_test_in_any_number_of_jobs():
    one, two, parallel, other = (
        five_by_two_cv_ttest(Ridge(1.0), Ridge(30.0), X, Y, random_state=seed, n_jobs=n_jobs)
        for seed, n_jobs in [(3, None), (3, None), (3, 2), (4, None)]
    )
    for again in (two, parallel):
        np.testing.assert_array_equal(again.errors_a, one.errors_a)
        assert (again.statistic, again.p_value) == (one.statistic, one.p_value)
    assert other.statistic != one.statistic


class Recorder(RegressorMixin, BaseEstimator):
    """Infers zero, and remembers the rows (first column of X) it learned from and inferred."""

    halves = None

    def __init__(self, name="a", random_state=None):
        self.name = name
        self.random_state = random_state

    def fit(self, X, y, weight=None):
        self.train_, self.shape_, self.weight_ = X[:, 0].astype(int), y.shape[1:], weight
        return self

    def predict(self, X):
        record = (self.train_, X[:, 0].astype(int), self.random_state, self.weight_)
        Recorder.halves.setdefault(self.name, []).append(record)
        return np.zeros((len(X), *self.shape_))


def record(y, *estimators, **params):
    """Training and test rows, seed and weight of every fit of the first and the second."""
    Recorder.halves = {}
    rows = np.arange(len(y), dtype=float).reshape(-1, 1)
    first, second = estimators or (Recorder("a"), Recorder("b"))
    five_by_two_cv_ttest(first, second, rows, y, random_state=0, **params)
    assert not hasattr(first, "train_"), "the estimator itself stays unfitted"
    return Recorder.halves["a"], Recorder.halves["b"]


def test_errors_are_mean_absolute_errors_of_the_halves_in_their_order():
    tested = [test for _, test, *_ in record(Y)[0]]
    result = five_by_two_cv_ttest(A, Recorder(), X, Y, random_state=0)
    np.testing.assert_allclose(result.errors_b.ravel(), [np.abs(Y[t]).mean() for t in tested])


@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["many targets", "one target"])
def test_both_estimators_see_the_same_five_pairs_of_halves(y):
    first, second = record(y)
    for one, two in zip(first, second, strict=True):
        assert np.array_equal(one[0], two[0]) and np.array_equal(one[1], two[1])
    for half, other in zip(first[::2], first[1::2], strict=True):
        assert len(half[1]) == len(other[1]) == 30
        assert sorted([*half[1], *other[1]]) == list(range(60))
        assert np.array_equal(half[0], other[1]) and np.array_equal(half[1], other[0])
    assert len({tuple(test) for _, test, *_ in first}) == 10, "repetitions are shuffled anew"


def test_unlabelled_profiles_are_in_every_training_half_and_never_tested():
    y = Y.copy()
    y[::3] = np.nan
    first, second = record(y)
    for train, test, *_ in [*first, *second]:
        assert set(range(0, 60, 3)) <= set(train)
        assert len(test) == 20 and not (test % 3 == 0).any()
        assert sorted([*train, *test]) == list(range(60))


def test_groups_stay_in_one_half():
    groups = np.repeat(list("abcdefghij"), 6)
    halves = record(Y, groups=groups)[0]
    for train, test, *_ in halves:
        assert len(test) == 30 and not set(groups[train]) & set(groups[test])
    assert len({tuple(test) for _, test, *_ in halves}) == 10, "repetitions are shuffled anew"


def test_params_reach_both_fits_and_seeds_of_estimators_are_left_alone():
    estimators = Recorder("a", random_state=7), Recorder("b")
    first, second = record(Y, *estimators, params={"weight": np.arange(60)})
    assert {seed for *_, seed, _ in first} == {7} and {seed for *_, seed, _ in second} == {None}
    for train, _, _, weight in [*first, *second]:
        np.testing.assert_array_equal(weight, train)


def test_tables_are_compared_like_arrays():
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    groups, index = np.arange(60) % 7, np.arange(60)[::-1]
    arrays = five_by_two_cv_ttest(Ridge(), A, X, Y, groups=groups, random_state=0)
    tables = (pd.DataFrame(values, index=index) for values in (X, Y))
    result = five_by_two_cv_ttest(Ridge(), A, *tables, groups=pd.Series(groups), random_state=0)
    np.testing.assert_array_equal(result.errors_a, arrays.errors_a)


class Failing(Recorder):
    """Learns nothing."""

    def fit(self, X, y, weight=None):
        raise FloatingPointError("Training diverged. Lower lr.")


def test_a_fit_that_fails_fails_the_test():
    with pytest.raises(FloatingPointError, match="Lower lr"):
        five_by_two_cv_ttest(A, Failing(), X, Y)


THREE = np.where(np.arange(60)[:, None] < 3, Y, np.nan)
PARTLY = np.where(np.eye(60, 3) > 0, np.nan, Y)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (dict(y=THREE), "y has 3 labelled profiles; .* need 4"),
        (dict(y=PARTLY), "partly NaN"),
        (dict(y=None), "'y' parameter .* must be an array-like"),
        (dict(y=Y[:-1]), r"inconsistent numbers of samples: \[60, 59\]"),
        (dict(groups=np.zeros(59)), r"inconsistent numbers of samples: \[60, 60, 59\]"),
        (dict(groups=np.zeros(60)), "groups has 1 group of labelled profiles"),
        (dict(estimator_b="ridge"), "'estimator_b' parameter .* implementing 'fit'"),
        (dict(estimator_b=Ridge(alpha=-1)), "'alpha' parameter"),
        (dict(scoring="foo"), "'scoring' parameter"),
        (dict(scoring=lambda est, X, y: np.nan), "estimator_a has NaN or infinite scores"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(changed, message):
    inputs = dict(estimator_a=A, estimator_b=B, X=X, y=Y) | changed
    with pytest.raises(ValueError, match=message):
        five_by_two_cv_ttest(**inputs)


def test_groups_of_unlabelled_profiles_do_not_count():
    y = np.where(np.arange(60)[:, None] < 30, Y, np.nan)
    with pytest.raises(ValueError, match="groups has 1 group of labelled profiles"):
        five_by_two_cv_ttest(A, B, X, y, groups=np.repeat([0, 1], 30))
