"""Unlabelled profiles in cross-validation: the splitter, and the two silent traps."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex import DenseNetRegressor, LabeledFold, RidgeRegressor
from skgex.metrics import mae_scorer

RNG = np.random.default_rng(0)
X = RNG.normal(5, 2, (30, 4))
Y = X @ RNG.normal(size=(4, 3))
Y[::3] = np.nan
LABELLED = ~np.isnan(Y[:, 0])


@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["many targets", "one target"])
@pytest.mark.parametrize("cv", [4, KFold(4, shuffle=True, random_state=0)], ids=["int", "KFold"])
def test_test_folds_are_labelled_and_training_folds_hold_all_unlabelled(cv, y):
    splits = list(LabeledFold(cv).split(X, y))
    assert len(splits) == LabeledFold(cv).get_n_splits(X, y) == 4
    for train, test in splits:
        assert LABELLED[test].all()
        assert set(np.flatnonzero(~LABELLED)) <= set(train)
        assert sorted([*train, *test]) == list(range(30))
    tested = np.concatenate([test for _, test in splits])
    assert sorted(tested) == np.flatnonzero(LABELLED).tolist()


def test_groups_stay_together():
    groups = np.repeat(np.arange(10), 3)
    for train, test in LabeledFold(GroupKFold(5)).split(X, Y, groups):
        assert not set(groups[train][LABELLED[train]]) & set(groups[test])


def test_grid_search_scores_are_those_of_the_labelled_profiles():
    grid = {"ridgeregressor__alpha": [0.1, 10.0]}
    pipe = make_pipeline(StandardScaler(), RidgeRegressor(gene_scaling=None))
    search = GridSearchCV(pipe, grid, cv=LabeledFold(KFold(5)), scoring=mae_scorer).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    # A plain splitter tests on profiles without targets.
    with pytest.warns(UserWarning, match="Scoring failed"):
        scores = cross_validate(pipe, X, Y, cv=KFold(5), scoring=mae_scorer)["test_score"]
    assert np.isnan(scores).all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "LabeledFold needs y"),
        (np.full(30, np.nan), "no labelled profile"),
        (np.where(np.eye(30, 3) > 0, np.nan, 1.0), "partly NaN"),
    ],
)
def test_bad_targets_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        next(LabeledFold(2).split(X, y))


@pytest.mark.parametrize("masks", [False, True], ids=["positions", "masks"])
@pytest.mark.parametrize("n_split", [30, 21])
def test_splits_of_more_profiles_than_are_labelled_are_refused(n_split, masks):
    splits = list(KFold(3).split(X[:n_split]))
    if masks:
        splits = [[np.isin(np.arange(n_split), part) for part in split] for split in splits]
    message = f"cv names profile {n_split - 1}, but there are 20 labelled profiles"
    with pytest.raises(ValueError, match=message):
        list(LabeledFold(splits).split(X, Y))


def test_listed_splits_are_positions_or_masks_among_labelled_profiles():
    splits = list(KFold(3).split(np.zeros(20)))
    masks = [[np.isin(np.arange(20), part) for part in split] for split in splits]
    for given in (splits, masks):
        for (train, test), (_, part) in zip(LabeledFold(given).split(X, Y), splits, strict=True):
            assert test.tolist() == np.flatnonzero(LABELLED)[part].tolist()
            assert sorted([*train, *test]) == list(range(30))


# -- the traps of X_unlabeled, as the user guide states them -------------------------------------
class Spy(DenseNetRegressor):
    """Remembers the unlabelled profiles that reached it."""

    seen = None

    def _training_data(self, X, y, *, X_unlabeled=None, **params):
        Spy.seen.append(X_unlabeled)
        return super()._training_data(X, y, X_unlabeled=X_unlabeled, **params)


@pytest.fixture
def spy():
    Spy.seen = []
    return Spy(hidden_units=4, max_epochs=1, random_state=0)


@pytest.mark.parametrize(("n_unlabeled", "n_seen"), [(19, 19), (20, 15)])
def test_as_many_unlabelled_profiles_as_labelled_ones_are_sliced(spy, n_unlabeled, n_seen):
    params = {"X_unlabeled": np.ones((n_unlabeled, 4))}
    cross_validate(spy, X[LABELLED], Y[LABELLED], cv=4, params=params)
    assert [len(U) for U in Spy.seen] == [n_seen] * 4


def test_without_routing_a_pipeline_hands_over_unlabelled_profiles_unscaled(spy):
    U = X[~LABELLED]
    pipe = make_pipeline(StandardScaler(), spy)
    pipe.fit(X[LABELLED], Y[LABELLED], spy__X_unlabeled=U)
    np.testing.assert_array_equal(Spy.seen[-1], U)
    with config_context(enable_metadata_routing=True):
        net = Spy(hidden_units=4, max_epochs=1).set_fit_request(X_unlabeled=True)
        steps = [("scale", StandardScaler()), ("net", net)]
        pipe = Pipeline(steps, transform_input=["X_unlabeled"])
        pipe.fit(X[LABELLED], Y[LABELLED], X_unlabeled=U)
    np.testing.assert_allclose(Spy.seen[-1], pipe["scale"].transform(U))


def test_tables_with_missing_values_of_their_own_are_split_as_arrays_are():
    pd = pytest.importorskip("pandas")
    y = np.array([[0.1, 1.0], [np.nan, np.nan], [0.3, 2.0], [0.4, 3.0]])
    X, fold = np.zeros((4, 2)), LabeledFold(3)
    splits = fold.split(X, pd.DataFrame(y).convert_dtypes())
    for (train, test), (train_, test_) in zip(splits, fold.split(X, y), strict=True):
        np.testing.assert_array_equal(train, train_)
        np.testing.assert_array_equal(test, test_)


def test_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        list(LabeledFold(GroupKFold(2)).split(np.zeros((4, 1)), np.arange(4.0), list("aabbc")))
