"""How much target genes tell about each other."""

from numbers import Integral

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from skgex._utils._blocks import gene_blocks
from skgex._utils._gene_ids import repeated
from skgex._utils._naming import few
from skgex._utils._pipelines import final_estimator
from skgex._utils._relations import as_relations
from skgex.plotting._style import EXTEND, PALE, count, diverging, new_axes, shorten, style

_MOST_NAMES = 60  # genes from which on their names could not be read
_FEW = 5  # relations by which the most related genes are chosen: those to a group
_BEST_ORDERED = 1000  # genes from which on the best order of a tree takes too long


class TaskRelationsDisplay:
    """How much target genes tell about each other: a heat map with related genes side by side.

    The colour of a row and a column is how much the gene of the row tells about that of the
    column: orange if the one is high where the other is, blue if it is low there. Genes are
    ordered by hierarchical clustering, so that related ones stand together. Colours end at the
    98 % quantile of the magnitudes drawn: a few strong relations shall not hide all others.

    Parameters
    ----------
    similarity : array-like of shape (n_drawn, n_drawn)
        How much the gene of a row tells about that of a column. The diagonal is left out.
    genes : array-like of str of shape (n_drawn,), default=None
        Names of the genes; None names them ``x0``, ``x1``, ...

    Attributes
    ----------
    order : ndarray of int of shape (n_drawn,)
        Positions, in what was passed, of the genes from top to bottom.
    genes : list of str
        Their names, in that order.
    similarity : ndarray of shape (n_drawn, n_drawn)
        Their relations, in that order, with a diagonal of 0.
    limit : float
        The magnitude at which colours end.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.plotting import TaskRelationsDisplay
    >>> similarity = [[0.0, 0.1, 0.9], [0.1, 0.0, 0.2], [0.8, 0.1, 0.0]]
    >>> display = TaskRelationsDisplay(similarity, ["CDK4", "IFIT1", "CDK6"]).plot()
    >>> display.genes
    ['IFIT1', 'CDK6', 'CDK4']
    >>> plt.close(display.figure_)
    """

    def __init__(self, similarity, genes=None):
        similarity, names = as_relations(similarity, genes, "genes")
        similarity = similarity.astype(np.float64)  # a copy
        np.fill_diagonal(similarity, 0)
        self.order = _side_by_side(similarity)
        self.similarity = similarity[np.ix_(self.order, self.order)]
        self.genes = names[self.order].tolist()
        between = np.abs(similarity[~np.eye(len(names), dtype=bool)])
        self.limit = float(np.quantile(between, 0.98) or between.max() or 1)

    @classmethod
    def from_similarity(cls, similarity, *, names=None, genes=None, n_genes=40, ax=None):
        """Draw a table of relations, or a part of it.

        Parameters
        ----------
        similarity : array-like of shape (n_targets, n_targets)
            How much the gene of a row tells about that of a column, for example correlations.
        names : array-like of str of shape (n_targets,), default=None
            Names of all genes; None names them ``x0``, ``x1``, ...
        genes : array-like of str or int, default=None
            Names or positions of the genes to draw; None takes those whose five strongest
            relations are strongest in sum.
        n_genes : int, default=40
            Number of genes to draw if `genes` is None. Up to 60 are named.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        TaskRelationsDisplay

        Raises
        ------
        ValueError
            If the table is not square and finite, or a gene is unknown or repeated.
        """
        similarity, names = as_relations(similarity, names)
        if genes is None:
            if not isinstance(n_genes, Integral) or n_genes < 2:
                raise ValueError(f"n_genes={n_genes!r} must be a whole number, 2 or more.")
            chosen = _most_related(similarity, n_genes)
        else:
            chosen = _positions(genes, names)
        return cls(similarity[np.ix_(chosen, chosen)], names[chosen]).plot(ax=ax)

    @classmethod
    def from_estimator(cls, estimator, *, genes=None, n_genes=40, ax=None):
        """Draw what a fitted multi-task regressor has learned of its target genes.

        Parameters
        ----------
        estimator : estimator
            A fitted regressor with a ``task_similarity_``, such as
            :class:`~skgex.multitask.DeepLSMTLRegressor`, or a pipeline or grid search whose final
            estimator is one.
        genes, n_genes, ax
            As for :meth:`from_similarity`; names are those of the columns of ``y`` in ``fit``.

        Returns
        -------
        TaskRelationsDisplay

        Raises
        ------
        ValueError
            As :meth:`from_similarity`, and if the estimator is of a kind that learns no relations.
        AttributeError
            If it was fitted or saved without them.
        """
        model = final_estimator(estimator)
        # A property that is there and fails says itself what is missing, such as a call of fit.
        if not (hasattr(type(model), "task_similarity_") or hasattr(model, "task_similarity_")):
            raise ValueError(
                f"{type(model).__name__} has no task_similarity_: only the regressors of "
                "skgex.multitask learn how much a target gene tells about another. Draw another "
                "table of relations, such as correlations, with from_similarity."
            )
        return cls.from_similarity(
            model.task_similarity_,
            names=getattr(model, "target_names_", None),
            genes=genes,
            n_genes=n_genes,
            ax=ax,
        )

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. The colour bar takes a part of its place.

        Returns
        -------
        self
        """
        n_genes = len(self.genes)
        is_named = n_genes <= _MOST_NAMES
        side = max(3.4, 0.16 * n_genes) if is_named else 6.0
        with style():
            ax = new_axes(ax, (side + 2.2, side + 1.2))
            image = self._draw_relations(ax)
            beyond = (self.similarity.min() < -self.limit, self.similarity.max() > self.limit)
            extend = EXTEND[beyond]
            bar = ax.figure.colorbar(image, ax=ax, extend=extend, extendfrac=0.03, shrink=0.8)
            bar.set_label("row tells about column")
            bar.outline.set_visible(False)
            ax.set_ylabel("gene that tells" if is_named else count(n_genes, "gene"))
            ax.set_xlabel("gene that is told about" if is_named else "the same, in this order")
            if is_named:
                self._name_genes(ax)
            else:
                ax.set(xticks=[], yticks=[])
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_relations(self, ax):
        colors = diverging()
        # No gene tells about itself: grey, which is no colour of the scale.
        colors = colors.with_extremes(bad=PALE)
        relations = np.ma.array(self.similarity, mask=np.eye(len(self.genes), dtype=bool))
        ax.grid(False)
        ax.spines[:].set_visible(False)
        return ax.imshow(
            relations, cmap=colors, vmin=-self.limit, vmax=self.limit, interpolation="nearest"
        )

    def _name_genes(self, ax):
        # As large as a row allows, in whatever place the axes have.
        points = 72 * ax.get_window_extent().height / ax.figure.dpi / len(self.genes)
        names, places = [shorten(gene, 16) for gene in self.genes], range(len(self.genes))
        ax.set_xticks(places, names, rotation=90)
        ax.set_yticks(places, names)
        ax.tick_params(length=0, labelsize=float(np.clip(0.8 * points, 3, 9)))


def _side_by_side(similarity):
    """Order of the leaves of a tree that joins the most related genes first."""
    strength = np.abs(similarity)
    strength = strength + strength.T
    if len(strength) == 2:
        return np.arange(2)
    distance = squareform(strength.max() - strength, checks=False)
    best = len(strength) <= _BEST_ORDERED
    return leaves_list(linkage(distance, method="average", optimal_ordering=best))


def _most_related(similarity, n_genes):
    """Positions of the genes whose few strongest relations, both ways together, are strongest.

    By its single strongest relation a gene would come with one partner, not with its group.
    """
    n_all = len(similarity)
    n_few = min(_FEW, n_all - 1)
    strength = np.empty(n_all)
    for block in gene_blocks(n_all, n_all):
        both = np.abs(similarity[block]) + np.abs(similarity[:, block].T)
        both[np.arange(len(both)), np.arange(n_all)[block]] = 0
        strength[block] = np.partition(both, -n_few, axis=1)[:, -n_few:].sum(axis=1)
    return np.sort(np.argsort(-strength, kind="stable")[:n_genes])


def _positions(genes, names):
    """Positions of genes that are named, or given by position."""
    genes = np.asarray(genes)
    if genes.ndim != 1 or genes.size < 2 or genes.dtype.kind not in "iuUOT":
        raise ValueError(
            "genes must be a list of at least two names or integer positions, found shape "
            f"{genes.shape} and dtype {genes.dtype}."
        )
    if again := repeated(genes.tolist()):
        raise ValueError(f"genes has {len(again)} genes more than once: {few(again)}.")
    if genes.dtype.kind in "iu":
        if outside := [int(gene) for gene in genes if not 0 <= gene < len(names)]:
            raise ValueError(
                f"genes has {len(outside)} positions outside the {len(names)} target genes, "
                f"which are counted from 0: {few(outside)}."
            )
        return genes
    where = {gene: np.flatnonzero(names == gene) for gene in genes.astype(str).tolist()}
    if unclear := [gene for gene, found in where.items() if len(found) != 1]:
        raise ValueError(
            f"genes has {len(unclear)} names that are not those of exactly one target gene: "
            f"{few(unclear)}. Target genes are {few(names)}: pass names among them, or positions."
        )
    return np.concatenate([*where.values()])
