"""What the four panels of relevance show: scores, orders, names, colours."""

import sys
from itertools import chain, pairwise

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skgex import KNNRegressor, RidgeRegressor, make_expression
from skgex.inspection import landmark_relevance
from skgex.plotting import RelevanceDisplay

N_LANDMARKS = 80
KINDS = np.arange(N_LANDMARKS) % 4  # the group of targets that a landmark is relevant for
NAMES = [f"GENE{j}" for j in range(N_LANDMARKS)]


@pytest.fixture(autouse=True)
def clean_matplotlib():
    """The picture leaves the user's settings alone, and opens one figure at most."""
    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    assert len(plt.get_fignums()) <= 1
    plt.close("all")


def scores(n_profile_groups=3):
    """Landmarks relevant for one of four groups of targets, some a hundred times as others."""
    rng = np.random.default_rng(0)
    size = rng.uniform(1, 100, size=(N_LANDMARKS, 1))
    targets = size * ((KINDS[:, np.newaxis] == np.arange(4)) + 0.05 * rng.random((N_LANDMARKS, 4)))
    return rng.random((N_LANDMARKS, n_profile_groups)), targets


def display(**params):
    defaults = dict(n_landmarks=5, n_landmark_clusters=4, random_state=0)
    return RelevanceDisplay(NAMES, *scores(), **(defaults | params))


@pytest.fixture(scope="module")
def fitted():
    data, _ = make_expression(120, n_landmarks=12, n_targets=30, random_state=0)
    return RidgeRegressor().fit(data.X[:, :12], data.X[:, 12:]), data.X[:, :12]


def drawn(ax):
    (image,) = ax.images
    return np.asarray(image.get_array())


def texts(ax):
    return [text.get_text() for text in ax.texts]


def flat(lists):
    return [*chain.from_iterable(lists)]


def tick_names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


# -- what is drawn ---------------------------------------------------------------------------
def test_panels_hold_the_scores():
    profile_scores, target_scores = scores()
    shown = display(profile_groups=["liver", "lung", "skin"]).plot()
    a, b, c, d = shown.axes_
    np.testing.assert_array_equal(drawn(a), profile_scores[shown.order].T)
    np.testing.assert_array_equal(drawn(c), target_scores[shown.order].T)
    best = np.sort(profile_scores, axis=0)[::-1][:5]
    np.testing.assert_array_equal(drawn(b), best.T)
    means = [target_scores[[NAMES.index(n) for n in own]].mean(axis=0) for own in shown.clusters]
    np.testing.assert_allclose(drawn(d), means)
    assert tick_names(a.yaxis) == tick_names(b.yaxis) == ["liver", "lung", "skin"]
    assert tick_names(c.yaxis) == tick_names(d.xaxis) == tick_names(d.yaxis) == list("1234")
    assert shown.ax_ is a


def test_landmarks_relevant_for_the_same_targets_stand_together_the_most_relevant_first():
    shown = display()
    assert [NAMES[j] for j in shown.order] == flat(shown.clusters)
    size = np.linalg.norm(scores()[1], axis=1)
    for kind, own in enumerate(shown.clusters):  # in the order of the targets
        members = [NAMES.index(name) for name in own]
        assert set(KINDS[members]) == {kind}
        assert (np.diff(size[members]) <= 0).all()


def test_clusters_are_marked_and_their_first_landmarks_listed():
    shown = display().plot()
    a, _, c, d = shown.axes_
    assert texts(a) == texts(c) == list("1234")
    starts = np.cumsum([0, *map(len, shown.clusters)])[1:-1] - 0.5
    np.testing.assert_array_equal([line.get_xdata()[0] for line in a.lines], starts)
    (listing,) = (ax for ax in shown.figure_.axes if len(ax.texts) == 4 and not ax.images)
    for line, own in zip(texts(listing), shown.clusters, strict=True):
        assert line.split(": ")[1].startswith(", ".join(own[:5]))
        assert f"({len(own)})" in line
        assert line.endswith(", …")
    shown.figure_.draw_without_rendering()
    reach = max(text.get_window_extent().x1 for text in listing.texts)
    assert reach < d.get_tightbbox().x0
    heights = [text.get_window_extent() for text in listing.texts]
    assert not any(one.overlaps(other) for one, other in pairwise(heights))


def test_the_most_relevant_landmarks_are_named_in_their_cells():
    profile_scores, _ = scores(20)
    shown = RelevanceDisplay([f"ARHGEF{j:02}" for j in range(80)], *scores(20)).plot()
    b = shown.axes_[1]
    for group, own in enumerate(shown.top):
        best = np.argsort(-profile_scores[:, group])[:20]
        assert own == [f"ARHGEF{j:02}" for j in best]
    assert texts(b) == flat(shown.top)
    shown.figure_.draw_without_rendering()
    boxes = [text.get_window_extent() for text in b.texts]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes[:20]))
    assert not any(one.overlaps(other) for one, other in pairwise(boxes[::20]))
    assert min(text.get_fontsize() for text in b.texts) > 5


def test_landmarks_are_named_if_they_are_few():
    for n, named in ((60, True), (61, False)):
        profile_scores, target_scores = (values[:n] for values in scores())
        shown = RelevanceDisplay(NAMES[:n], profile_scores, target_scores).plot()
        expected = [NAMES[j] for j in shown.order] if named else []
        assert tick_names(shown.axes_[0].xaxis) == tick_names(shown.axes_[2].xaxis) == expected
        shown.figure_.draw_without_rendering()
        boxes = [label.get_window_extent() for label in shown.axes_[2].get_xticklabels()]
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))
        plt.close(shown.figure_)


def test_magnitudes_are_drawn_from_zero_and_signs_around_it():
    shown = display().plot()
    for ax in shown.axes_:
        low, high = ax.images[0].get_clim()
        assert low == 0 < high
    plt.close(shown.figure_)
    profile_scores, target_scores = scores()
    profile_scores[3] = -2.0
    shown = RelevanceDisplay(NAMES, profile_scores, target_scores, is_signed=True).plot()
    assert [own[0] for own in shown.top] == ["GENE3"] * 3
    for ax in shown.axes_:
        low, high = ax.images[0].get_clim()
        assert low == -high
        assert min(ax.images[0].cmap(0.5)[:3]) > 0.98  # white


def test_a_few_large_scores_do_not_squeeze_colours():
    profile_scores, target_scores = scores()
    profile_scores[3, 0] = 1000
    shown = RelevanceDisplay(NAMES, profile_scores, target_scores).plot()
    assert shown.axes_[0].images[0].get_clim()[1] <= 1
    assert shown.axes_[0].images[0].colorbar.extend == "max"


def test_landmarks_without_relevance_can_be_drawn():
    shown = RelevanceDisplay(["A", "B", "C"], np.zeros((3, 2)), np.zeros((3, 1))).plot()
    assert sorted(flat(shown.clusters)) == ["A", "B", "C"]


# -- estimators and results ------------------------------------------------------------------
def test_an_estimator_is_drawn_as_its_relevance(fitted):
    model, X = fitted
    numbers = dict(n_landmarks=4, n_landmark_clusters=3, random_state=0)
    shown = RelevanceDisplay.from_estimator(
        model, X, n_profile_clusters=5, n_target_clusters=6, aggregate="signed", **numbers
    )
    assert shown.is_signed
    plt.close(shown.figure_)
    result = landmark_relevance(
        model, X, targets=6, profiles=5, aggregate="signed", random_state=0
    )
    again = RelevanceDisplay.from_relevance(result, **numbers)
    for one, other in zip(shown.axes_, again.axes_, strict=True):
        np.testing.assert_array_equal(drawn(one), drawn(other))
    assert [len(shown.clusters), len(shown.top), len(shown.top[0])] == [3, 5, 4]
    sizes = [len(own) for own in result.profile_groups.values()]
    assert again.profile_groups == [f"{k} ({n})" for k, n in enumerate(sizes, start=1)]


def test_landmarks_bear_the_names_that_are_given(fitted):
    model, X = fitted
    names = [f"LM{j}" for j in range(12)]
    shown = RelevanceDisplay.from_estimator(model, X, landmark_names=names, random_state=0)
    assert sorted(flat(shown.clusters)) == sorted(names)
    assert len(shown.profile_groups) == len(shown.target_groups) == 20


# -- where it is drawn -----------------------------------------------------------------------
def test_it_draws_where_it_is_told():
    figure, (left, right) = plt.subplots(1, 2, figsize=(24, 9), layout="constrained")
    shown = display().plot(ax=right)
    figure.draw_without_rendering()
    assert shown.figure_ is figure
    assert all(ax.get_position().x0 > 0.45 for ax in shown.axes_)
    assert not left.has_data()


def test_plot_can_be_repeated():
    shown = display().plot()
    first = shown.figure_
    assert shown.plot() is shown
    assert shown.figure_ is not first
    plt.close(first)


def test_missing_matplotlib_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "skgex\[plot\]"'):
        display().plot()


# -- bad input -------------------------------------------------------------------------------
def test_bad_input(fitted):
    model, X = fitted
    for name in ("n_landmarks", "n_landmark_clusters", "n_profile_clusters", "n_target_clusters"):
        with pytest.raises(ValueError, match=f"{name}=0 must be a positive whole number"):
            RelevanceDisplay.from_estimator(model, X, **{name: 0})
    with pytest.raises(ValueError, match="KNNRegressor has none that are known"):
        RelevanceDisplay.from_estimator(KNNRegressor().fit(X, X), X)
    with pytest.raises(ValueError, match="result is a ndarray: pass what landmark_relevance retu"):
        RelevanceDisplay.from_relevance(X)
    profile_scores, target_scores = scores()
    with pytest.raises(ValueError, match=r"target_scores has shape \(79, 4\).* 80 landmarks"):
        RelevanceDisplay(NAMES, profile_scores, target_scores[1:])
    with pytest.raises(ValueError, match="profile_scores holds NaN"):
        RelevanceDisplay(NAMES, profile_scores * np.nan, target_scores)
    with pytest.raises(ValueError, match=r"profile_groups has 2 names, but .* 3 columns"):
        display(profile_groups=["a", "b"])
    assert not plt.get_fignums()
