"""What the learned relations of tasks say, and where they are kept."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError

import skgex
from skgex._utils._archive import read_archive

from .one_step import METHODS, X, Y, every_method, small

GENES = [f"gene {t}" for t in range(8)]
# What each method learns of the tasks beside the net: it is not in a saved model unless asked for.
LEARNED = {"LSMTL": "subnetwork_", "AMTL": "relations_", "AMTFL": "relations_"}


def fit(method, Y=Y, **params):
    if method == "AMTL":
        params = dict(relations_lr=0.05, lambda_mtl=1.0) | params
    return small(method, **params).fit(X, Y)


@pytest.fixture(scope="module")
def trained():
    return {method: fit(method, pd.DataFrame(Y, columns=GENES)) for method in METHODS}


def without_diagonal(similarity):
    return similarity * (1 - np.eye(len(similarity)))


# -- task_similarity_ --------------------------------------------------------------------------
@every_method
def test_similarity_is_a_map_between_tasks_without_a_diagonal(trained, method):
    similarity = trained[method].task_similarity_
    assert similarity.shape == (8, 8) and not similarity.diagonal().any()
    assert np.isfinite(similarity).all() and similarity.std() > 0


@every_method
def test_the_caller_may_change_the_similarity(trained, method):
    expected = trained[method].task_similarity_.copy()
    trained[method].task_similarity_[:] = 7
    np.testing.assert_array_equal(trained[method].task_similarity_, expected)


@pytest.mark.parametrize("landmarks", [True, False])
def test_similarity_of_lsmtl_is_the_mean_slope_of_g_over_the_training_profiles(landmarks):
    trained = fit("LSMTL", show_landmarks=landmarks, early_stopping=False)
    profiles = trained.y_scaler_.transform(Y), trained.x_scaler_.transform(X)
    shown = np.hstack(profiles) if landmarks else profiles[0]
    shown = torch.tensor(shown, dtype=torch.float32)
    slopes = torch.func.vmap(torch.func.jacrev(trained.subnetwork_))(shown)
    expected = slopes.mean(dim=0).T[:8].numpy()  # ∂G_j/∂y_i in row i and column j
    np.testing.assert_allclose(
        trained.task_similarity_, without_diagonal(expected), rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize("method", ["GOMTL", "CNMTL"])
@pytest.mark.parametrize("normalization", ["batch", "weight"])
def test_similarity_of_shared_layers_is_the_cosine_of_the_tasks_weights(method, normalization):
    trained = fit(method, normalization=normalization)
    W = trained.module_.output.weight.numpy()
    W = W / np.linalg.norm(W, axis=1, keepdims=True)
    np.testing.assert_allclose(trained.task_similarity_, without_diagonal(W @ W.T), atol=1e-6)


def test_similarity_of_amtl_is_what_the_task_of_a_row_gives_to_that_of_a_column(trained):
    amtl = trained["AMTL"]
    np.testing.assert_array_equal(amtl.task_similarity_, amtl.relations_)


def test_similarity_of_amtfl_goes_through_the_features(trained):
    amtfl = trained["AMTFL"]
    expected = amtfl.relations_ @ amtfl.module_.output.weight.numpy().T
    np.testing.assert_allclose(amtfl.task_similarity_, without_diagonal(expected), atol=1e-6)


@pytest.mark.parametrize("y", [Y[:, 0], Y[:, :1]], ids=["1-d", "2-d"])
@every_method
def test_a_single_task_is_related_to_none(method, y):
    alone = fit(method, y)
    np.testing.assert_array_equal(alone.task_similarity_, [[0]])
    assert [len(part) for part in alone.related_tasks(0)] == [0, 0]


# -- related_tasks -----------------------------------------------------------------------------
@every_method
def test_related_tasks_are_the_largest_entries_of_a_column(trained, method):
    estimator = trained[method]
    for t, name in enumerate(GENES):
        column = pd.Series(estimator.task_similarity_[:, t], index=GENES).drop(name)
        expected = column.loc[column.abs().sort_values(ascending=False, kind="stable").index]
        expected = expected[expected != 0]
        tasks, strengths = estimator.related_tasks(name, n=5)
        assert list(tasks) == list(expected.index[:5])
        np.testing.assert_allclose(strengths, expected[:5], rtol=1e-5, atol=1e-7)
        same = estimator.related_tasks(t, n=5)
        assert list(same.tasks) == list(tasks)
        np.testing.assert_array_equal(same.strengths, strengths)


@every_method
def test_a_task_is_never_related_to_itself(trained, method):
    for name in GENES:
        tasks = trained[method].related_tasks(name).tasks
        # n is 10: all others that are related at all
        related = trained[method].task_similarity_[:, GENES.index(name)] != 0
        assert sorted(tasks) == list(np.array(GENES)[related]) and name not in tasks


def test_tasks_without_names_are_indices_that_may_be_asked_for_in_turn():
    estimator = fit("GOMTL")
    tasks, strengths = estimator.related_tasks(3, n=2)
    np.testing.assert_allclose(strengths, estimator.task_similarity_[tasks, 3], rtol=1e-5)
    assert len(estimator.related_tasks(tasks[0], n=2).tasks) == 2


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("gene 8", "target='gene 8' is not a target gene of this model. Pass a name of target_"),
        (8, "target == 8, must be <= 7"),
        (-1, "target == -1, must be >= 0"),
        (1.5, "target must be an instance of int"),
        (None, "target must be an instance of int"),
    ],
)
def test_a_target_that_is_not_there_is_a_sentence(trained, target, said):
    with pytest.raises((ValueError, TypeError), match=said):
        trained["LSMTL"].related_tasks(target)


@pytest.mark.parametrize("n", [0, -1, 2.5, None])
def test_a_bad_number_of_related_tasks_is_a_sentence(trained, n):
    with pytest.raises((ValueError, TypeError), match=r"n (==|must be)"):
        trained["LSMTL"].related_tasks(0, n=n)


def test_names_need_tables():
    with pytest.raises(ValueError, match="target='gene 1' is a name, but y had no gene names"):
        fit("GOMTL").related_tasks("gene 1")


# -- planted structure -------------------------------------------------------------------------
GROUP = np.arange(12) % 3


@pytest.mark.parametrize(
    ("method", "params", "found"),
    [
        ("LSMTL", dict(form="measured", show_landmarks=True), 0.9),
        ("LSMTL", dict(form="measured", show_landmarks=False), 0.9),
        ("LSMTL", dict(form="both"), 0.9),
        ("LSMTL", dict(form="inferred", show_landmarks=False), 0.9),
        ("CNMTL", dict(lambda_within=0.1), 0.9),
        ("GOMTL", dict(mu=0.01), 0.9),
        ("AMTFL", dict(gamma=0.01, alpha=1e-3), 0.9),
        ("AMTL", dict(relations_lr=0.01, lambda_mtl=0.1, alpha=0.01, block_size=None), 0.6),
    ],
    ids=str,
)
def test_noisy_copies_of_each_other_are_related(method, params, found):
    rng = np.random.default_rng(0)
    landmarks = rng.normal(size=(200, 6))
    signals = landmarks[:, :3] + landmarks[:, 3:] + 0.5 * rng.normal(size=(200, 3))
    copies = signals[:, GROUP] + 0.3 * rng.normal(size=(200, 12))
    settings = dict(max_epochs=60, lr=5e-3, early_stopping=False)
    estimator = small(method, **(settings | params)).fit(landmarks, copies)
    related = [GROUP[estimator.related_tasks(t, n=3).tasks] == GROUP[t] for t in range(12)]
    assert np.concatenate(related).mean() > found  # by chance, 3 / 11
    alike, similarity = np.equal.outer(GROUP, GROUP), estimator.task_similarity_
    assert similarity[alike].mean() > 5 * np.abs(similarity[~alike].mean())


def test_similarity_is_not_made_by_looking_at_the_estimator(trained):
    estimator = trained["LSMTL"]
    assert "task_similarity_" not in dir(estimator) and hasattr(estimator, "task_similarity_")


# -- files and copies --------------------------------------------------------------------------
def saved(estimator, folder):
    skgex.save(estimator, folder / "model.skgex")
    _, arrays = read_archive(folder / "model.skgex")
    return skgex.load(folder / "model.skgex"), arrays


@pytest.mark.parametrize("method", LEARNED)
def test_relations_are_not_in_a_saved_model_unless_asked_for(trained, method, tmp_path):
    estimator = trained[method]
    loaded, arrays = saved(estimator, tmp_path)
    assert not [name for name in arrays if name.startswith(("relations_", "subnetwork_"))]
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))
    assert not hasattr(loaded, LEARNED[method]) and not hasattr(loaded, "task_similarity_")
    said = "loaded from a file that does not hold them.*with save_relations=True, or fit"
    with pytest.raises(AttributeError, match=said):
        loaded.task_similarity_  # noqa: B018
    with pytest.raises(AttributeError, match=said):
        loaded.related_tasks(0)


@pytest.mark.parametrize("method", LEARNED)
def test_relations_are_in_a_saved_model_if_asked_for(method, tmp_path):
    estimator = fit(method, save_relations=True)
    loaded, _ = saved(estimator, tmp_path)
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))
    np.testing.assert_array_equal(loaded.task_similarity_, estimator.task_similarity_)
    again, _ = saved(loaded, tmp_path)
    np.testing.assert_array_equal(again.task_similarity_, estimator.task_similarity_)


@pytest.mark.parametrize("method", ["GOMTL", "CNMTL"])
def test_the_tasks_weights_are_in_every_saved_model(trained, method, tmp_path):
    loaded, _ = saved(trained[method], tmp_path)
    expected = trained[method].task_similarity_
    np.testing.assert_array_equal(loaded.task_similarity_, expected)
    assert list(loaded.related_tasks("gene 1")[0]) == list(trained[method].related_tasks(1)[0])


@every_method
def test_pickles_keep_the_relations(trained, method):
    twin = pickle.loads(pickle.dumps(trained[method]))
    np.testing.assert_array_equal(twin.task_similarity_, trained[method].task_similarity_)


@every_method
def test_the_seed_decides_the_relations(trained, method):
    again, other = (fit(method, random_state=seed).task_similarity_ for seed in (0, 1))
    np.testing.assert_array_equal(again, trained[method].task_similarity_)
    assert not np.allclose(again, other)


# -- fits that fail ----------------------------------------------------------------------------
PARTLY_NAN = np.where(np.eye(120, 8) > 0, np.nan, Y)


@every_method
def test_there_are_no_relations_before_fit_or_after_one_that_failed(method):
    failed = fit(method)
    with pytest.raises(ValueError, match="targets missing"):
        failed.fit(X, PARTLY_NAN)
    for estimator in (small(method), failed):
        assert not hasattr(estimator, LEARNED.get(method, "module_"))
        with pytest.raises(NotFittedError):
            estimator.task_similarity_  # noqa: B018
        with pytest.raises(NotFittedError):
            estimator.related_tasks(0)


@every_method
def test_further_training_that_fails_leaves_the_relations_as_they_were(method):
    estimator = fit(method, warm_start=True)
    expected = estimator.task_similarity_
    with pytest.raises(ValueError, match="targets missing"):
        estimator.fit(X, PARTLY_NAN)
    np.testing.assert_array_equal(estimator.task_similarity_, expected)


@every_method
def test_a_new_fit_replaces_the_relations(method):
    estimator = fit(method)
    expected = fit(method, Y[:, :4]).task_similarity_
    np.testing.assert_array_equal(estimator.fit(X, Y[:, :4]).task_similarity_, expected)


def test_deep_lsmtl_that_trains_its_net_alone_has_learned_no_relations():
    with pytest.raises(AttributeError, match="fitted with lambda_mtl=0"):
        fit("LSMTL", lambda_mtl=0).related_tasks(0)
