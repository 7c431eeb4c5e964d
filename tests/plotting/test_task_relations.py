"""What the picture of task relations shows: which genes, in which order, on which scale."""

import sys
from itertools import pairwise

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from skgex.plotting import TaskRelationsDisplay

GROUPS = np.arange(24) % 4
NAMES = [f"GENE{j}" for j in range(24)]


@pytest.fixture(autouse=True)
def clean_matplotlib():
    """The picture leaves the user's settings alone, and opens one figure at most."""
    settings = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == settings
    assert len(plt.get_fignums()) <= 1
    plt.close("all")


def relations(groups=GROUPS, noise=0.1):
    """Signed, asymmetric relations that are strong inside groups."""
    rng = np.random.default_rng(0)
    same = groups[:, np.newaxis] == groups
    sign = np.where(rng.normal(size=same.shape) > 0, 1, -1)
    similarity = same * sign * rng.uniform(1, 2, same.shape) + noise * rng.normal(size=same.shape)
    np.fill_diagonal(similarity, 0)
    return similarity


class MultiTask(LinearRegression):
    """A regressor whose tasks are related, as those of skgex.multitask."""

    def fit(self, X, y):
        self.target_names_ = np.asarray(NAMES, dtype=object)
        return super().fit(X, y)

    @property
    def task_similarity_(self):
        check_is_fitted(self)
        return relations()


def drawn(display):
    """Values of the picture, masked on the diagonal."""
    (image,) = display.ax_.images
    return image.get_array()


def tick_names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


# -- what is drawn ---------------------------------------------------------------------------
def test_genes_of_a_group_stand_side_by_side():
    display = TaskRelationsDisplay(relations(), NAMES).plot()
    groups = GROUPS[display.order]
    assert np.count_nonzero(np.diff(groups)) == 3
    assert display.genes == [NAMES[j] for j in display.order]


def test_row_tells_about_column():
    similarity = relations()
    display = TaskRelationsDisplay(similarity, NAMES).plot()
    order = display.order
    assert sorted(order) == list(range(24))
    np.testing.assert_array_equal(display.similarity, similarity[np.ix_(order, order)])
    np.testing.assert_array_equal(drawn(display).data, display.similarity)
    assert tick_names(display.ax_.xaxis) == tick_names(display.ax_.yaxis) == display.genes
    assert display.ax_.get_ylim()[0] > display.ax_.get_ylim()[1]  # the first row is the upper one
    assert display.ax_.get_ylabel() == "gene that tells"
    (bar,) = (ax for ax in display.figure_.axes if ax is not display.ax_)
    assert bar.get_ylabel() == "row tells about column"


def test_the_diagonal_is_no_relation():
    """Correlations have ones there, which would outshine all others."""
    similarity = relations()
    display = TaskRelationsDisplay(similarity + 100 * np.eye(24)).plot()
    assert display.limit == TaskRelationsDisplay(similarity).limit < 3
    np.testing.assert_array_equal(drawn(display).mask, np.eye(24, dtype=bool))


def test_colours_are_centred_and_a_few_strong_relations_do_not_squeeze_them():
    similarity = relations()
    similarity[0, 1] = 1000
    display = TaskRelationsDisplay(similarity).plot()
    (image,) = display.ax_.images
    assert image.get_clim() == (-display.limit, display.limit)
    assert 1 < display.limit < 3
    middle = image.cmap(image.norm(0.0))
    assert min(middle[:3]) > 0.98  # white
    assert image.colorbar.extend == "both"


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_equal_relations_can_be_drawn(value):
    display = TaskRelationsDisplay(np.full((5, 5), value)).plot()
    assert display.limit == (value or 1)
    assert len(TaskRelationsDisplay([[0, 1], [2, 0]]).genes) == 2


# -- which genes -----------------------------------------------------------------------------
def test_the_most_related_genes_are_drawn_by_default_with_their_groups():
    """Genes of one strong partner come after those of a strong group."""
    similarity = relations(np.r_[np.zeros(7), np.ones(7), np.arange(2, 88)])
    similarity[20, 21] = similarity[22, 23] = 3
    display = TaskRelationsDisplay.from_similarity(similarity, n_genes=14)
    assert {int(name[1:]) for name in display.genes} == set(range(14))
    assert np.count_nonzero(np.diff(display.order < 7)) == 1
    plt.close(display.figure_)
    assert len(TaskRelationsDisplay.from_similarity(similarity).genes) == 40


def test_the_same_genes_are_chosen_in_blocks(monkeypatch):
    similarity = relations(noise=2)
    whole = TaskRelationsDisplay.from_similarity(similarity, n_genes=10)
    plt.close(whole.figure_)
    monkeypatch.setattr("skgex._utils._blocks._BLOCK_BYTES", 8 * 5 * 24)
    assert TaskRelationsDisplay.from_similarity(similarity, n_genes=10).genes == whole.genes


@pytest.mark.parametrize("genes", [["GENE7", "GENE2", "GENE11"], [7, 2, 11]])
def test_genes_are_chosen_by_name_or_position(genes):
    similarity = relations()
    display = TaskRelationsDisplay.from_similarity(similarity, names=NAMES, genes=genes)
    assert set(display.genes) == {"GENE2", "GENE7", "GENE11"}
    assert display.genes[1] != "GENE2"  # the others are of one group
    where = [int(name[4:]) for name in display.genes]
    np.testing.assert_array_equal(display.similarity, similarity[np.ix_(where, where)])


@pytest.mark.parametrize("n_genes", [2, 12, 40, 60])
def test_names_do_not_overlap(n_genes):
    display = TaskRelationsDisplay.from_similarity(relations(np.arange(60) % 7), n_genes=n_genes)
    display.figure_.draw_without_rendering()
    for axis in (display.ax_.xaxis, display.ax_.yaxis):
        labels = axis.get_ticklabels()
        assert len(labels) == n_genes
        boxes = [label.get_window_extent() for label in labels]
        assert not any(box.overlaps(other) for box, other in pairwise(boxes))
        assert all(label.get_fontsize() >= 5 for label in labels)


def test_more_genes_than_can_be_named_are_counted():
    display = TaskRelationsDisplay.from_similarity(relations(np.arange(61) % 7), n_genes=61)
    assert tick_names(display.ax_.yaxis) == []
    assert display.ax_.get_ylabel() == "61 genes"


# -- estimators ------------------------------------------------------------------------------
def test_an_estimator_is_drawn_with_its_target_names():
    X, y = np.eye(30), np.zeros((30, 24))
    search = GridSearchCV(make_pipeline(StandardScaler(), MultiTask()), {}, cv=2).fit(X, y)
    display = TaskRelationsDisplay.from_estimator(search, genes=NAMES[:6])
    assert sorted(display.genes) == NAMES[:6]
    plt.close(display.figure_)
    model = MultiTask().fit(X, y)
    del model.target_names_  # y was an array
    assert set(TaskRelationsDisplay.from_estimator(model, genes=[3, 5]).genes) == {"x3", "x5"}


def test_estimators_without_relations_are_refused():
    with pytest.raises(ValueError, match="LinearRegression has no task_similarity_"):
        TaskRelationsDisplay.from_estimator(LinearRegression())
    with pytest.raises(NotFittedError, match="MultiTask instance is not fitted yet"):
        TaskRelationsDisplay.from_estimator(MultiTask())


# -- where it is drawn -----------------------------------------------------------------------
def test_it_draws_where_it_is_told():
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    display = TaskRelationsDisplay.from_similarity(relations(), ax=right)
    assert (display.figure_, display.ax_) == (figure, right)
    figure.draw_without_rendering()
    assert right.get_position().x0 > 0.4
    assert not left.has_data()


def test_plot_can_be_repeated():
    display = TaskRelationsDisplay.from_similarity(relations())
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first
    plt.close(first)


def test_missing_matplotlib_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "skgex\[plot\]"'):
        TaskRelationsDisplay.from_similarity(relations())


# -- bad input -------------------------------------------------------------------------------
def test_bad_input():
    draw, similarity = TaskRelationsDisplay.from_similarity, relations()
    with pytest.raises(ValueError, match=r"square table of genes × genes .* shape \(24, 23\)"):
        draw(similarity[:, 1:])
    with pytest.raises(ValueError, match=r"at least two of them, found shape \(1, 1\)"):
        draw([[0.0]])
    with pytest.raises(ValueError, match=r"names has shape \(23,\), but similarity has 24 genes"):
        draw(similarity, names=NAMES[1:])
    with pytest.raises(ValueError, match=r"genes has shape \(2,\), but similarity has 24 genes"):
        TaskRelationsDisplay(similarity, ["a", "b"])
    with pytest.raises(ValueError, match="NaN or infinite values, the first in row 0, column 0"):
        draw(np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="n_genes=1 must be a whole number, 2 or more"):
        draw(similarity, n_genes=1)
    with pytest.raises(ValueError, match=r"1 names that .* one target gene: 'TP53'.* are 'GENE0'"):
        draw(similarity, names=NAMES, genes=["GENE1", "TP53"])
    with pytest.raises(ValueError, match="not those of exactly one target gene: 'GENE2'"):
        draw(similarity, names=["GENE2", *NAMES[1:]], genes=["GENE1", "GENE2"])
    with pytest.raises(ValueError, match=r"1 positions outside the 24 target genes.*'24'"):
        draw(similarity, genes=[0, 24])
    with pytest.raises(ValueError, match="genes has 1 genes more than once: 'GENE1'"):
        draw(similarity, names=NAMES, genes=["GENE1", "GENE1"])
    for genes in (["GENE1"], "GENE1", [0.5, 1.5], [True] * 24):
        with pytest.raises(ValueError, match="genes must be a list of at least two names or int"):
            draw(similarity, names=NAMES, genes=genes)
    assert not plt.get_fignums()
