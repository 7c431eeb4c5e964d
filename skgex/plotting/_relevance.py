"""Which landmarks matter for which profiles and for which target genes."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from skgex._utils._gene_ids import as_ids
from skgex._utils._groups import clusters
from skgex.base._relevance import landmark_relevance
from skgex.plotting._relevance_panels import (
    heat_map,
    list_names,
    mark_clusters,
    name_cells,
    name_columns,
)
from skgex.plotting._style import count, panels, style

_MOST_NAMES = 60  # landmarks from which on their names could not be read


class RelevanceDisplay:
    """Which landmarks matter: the four panels of the papers, landmarks named.

    a. Relevance of every landmark for each group of profiles. Landmarks stand in the clusters of
       panel d, the most relevant of a cluster first.
    b. The most relevant landmarks for each of these groups, by name.
    c. Relevance of every landmark for each group of target genes, in the same order.
    d. The same, averaged over clusters of landmarks, whose most relevant members are listed
       beside. Landmarks of a cluster are relevant for the same targets, however much they are.

    Colours end at the 98 % quantile of the magnitudes in a panel.

    Parameters
    ----------
    landmarks : array-like of str of shape (n_landmarks,)
    profile_scores : array-like of shape (n_landmarks, n_profile_groups)
    target_scores : array-like of shape (n_landmarks, n_target_groups)
    profile_groups, target_groups : sequence of str, default=None
        Names of the groups; None numbers them.
    is_signed : bool, default=False
        Whether scores have a sign.
    n_landmarks : int, default=20
        Number of landmarks in panel b, for each group.
    n_landmark_clusters : int, default=10
        Number of k-means clusters of the landmarks' scores for groups of targets, brought to norm
        1; or as many as there are landmarks.
    random_state : int, RandomState instance or None, default=None
        Of these clusters.

    Attributes
    ----------
    order : ndarray of int of shape (n_landmarks,)
        Positions of the landmarks from left to right.
    clusters : list of list of str
        Names of the landmarks of each cluster, in that order.
    top : list of list of str
        Names in panel b, a list for each group of profiles.
    cluster_scores : ndarray of shape (n_landmark_clusters, n_target_groups)
    axes_ : ndarray of matplotlib Axes of shape (4,)
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skgex.plotting import RelevanceDisplay
    >>> display = RelevanceDisplay(
    ...     ["PTPRC", "COL1A1", "CDK1"], [[0.9, 0.2], [0.1, 0.3], [0.2, 0.6]],
    ...     [[1.0, 0.1], [0.1, 0.2], [0.0, 0.8]], target_groups=["immune", "proliferation"],
    ...     n_landmarks=1, n_landmark_clusters=2, random_state=0,
    ... ).plot()
    >>> display.top
    [['PTPRC'], ['CDK1']]
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        landmarks,
        profile_scores,
        target_scores,
        *,
        profile_groups=None,
        target_groups=None,
        is_signed=False,
        n_landmarks=20,
        n_landmark_clusters=10,
        random_state=None,
    ):
        _check_counts(n_landmarks=n_landmarks, n_landmark_clusters=n_landmark_clusters)
        self.landmarks, self.is_signed = as_ids(landmarks), is_signed
        self.profile_scores, self.profile_groups = self._of_groups(
            profile_scores, profile_groups, "profile"
        )
        self.target_scores, self.target_groups = self._of_groups(
            target_scores, target_groups, "target"
        )
        found = self._clusters(n_landmark_clusters, check_random_state(random_state))
        self.order = np.concatenate(found)
        self.clusters = [self.landmarks[own].tolist() for own in found]
        self.cluster_scores = np.array([self.target_scores[own].mean(axis=0) for own in found])
        self._top = np.argsort(-np.abs(self.profile_scores), axis=0, kind="stable")[:n_landmarks].T
        self.top = [self.landmarks[own].tolist() for own in self._top]

    @classmethod
    def from_relevance(
        cls, result, *, n_landmarks=20, n_landmark_clusters=10, random_state=None, ax=None
    ):
        """Draw relevance that was computed before.

        Parameters
        ----------
        result : LandmarkRelevance
            What :func:`~skgex.inspection.landmark_relevance` returned.
        n_landmarks : int, default=20
            Number of landmarks in panel b, for each group of profiles.
        n_landmark_clusters : int, default=10
            Number of clusters of landmarks.
        random_state : int, RandomState instance or None, default=None
            Of these clusters.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. Its place is divided among the panels.

        Returns
        -------
        RelevanceDisplay

        Raises
        ------
        ValueError
            If `result` is something else, or a number is none.
        """
        if not hasattr(result, "target_scores"):
            raise ValueError(
                f"result is a {type(result).__name__}: pass what landmark_relevance returned."
            )
        display = cls(
            result.landmarks,
            result.profile_scores,
            result.target_scores,
            profile_groups=_with_sizes(result.profile_groups),
            target_groups=_with_sizes(result.target_groups),
            is_signed=result.aggregate == "signed",
            n_landmarks=n_landmarks,
            n_landmark_clusters=n_landmark_clusters,
            random_state=random_state,
        )
        return display.plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        n_profile_clusters=20,
        n_target_clusters=20,
        n_landmarks=20,
        n_landmark_clusters=10,
        rule="epsilon",
        aggregate="absolute",
        epsilon=0.0,
        landmark_names=None,
        random_state=None,
        ax=None,
    ):
        """Draw which landmarks matter to a fitted net or linear regressor.

        Parameters
        ----------
        estimator : estimator
            A fitted net or linear regressor of skgex, or a pipeline or grid search that ends with
            one.
        X : array-like of shape (n_profiles, n_landmarks)
            Profiles, as for ``predict``.
        n_profile_clusters, n_target_clusters : int, default=20
            Number of k-means clusters of profiles and of target genes. Other groups can be drawn
            by :meth:`from_relevance`.
        n_landmarks, n_landmark_clusters
            As for :meth:`from_relevance`.
        rule, aggregate, epsilon, landmark_names
            As for :func:`~skgex.inspection.landmark_relevance`.
        random_state : int, RandomState instance or None, default=None
            Of all clusters.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. Its place is divided among the panels.

        Returns
        -------
        RelevanceDisplay

        Raises
        ------
        ValueError
            If the estimator is of another kind, names do not fit, or a number is none.
        """
        _check_counts(n_profile_clusters=n_profile_clusters, n_target_clusters=n_target_clusters)
        _check_counts(n_landmarks=n_landmarks, n_landmark_clusters=n_landmark_clusters)
        result = landmark_relevance(
            estimator,
            X,
            targets=n_target_clusters,
            profiles=n_profile_clusters,
            rule=rule,
            aggregate=aggregate,
            epsilon=epsilon,
            landmark_names=landmark_names,
            target_names=None,
            random_state=random_state,
        )
        return cls.from_relevance(
            result,
            n_landmarks=n_landmarks,
            n_landmark_clusters=n_landmark_clusters,
            random_state=random_state,
            ax=ax,
        )

    def _of_groups(self, scores, groups, noun):
        """Scores and names of groups, checked."""
        scores = np.asarray(scores, dtype=float)
        if scores.ndim != 2 or len(scores) != len(self.landmarks) or not scores.shape[1]:
            raise ValueError(
                f"{noun}_scores has shape {scores.shape}, but there are {len(self.landmarks)} "
                "landmarks: give a row a landmark and a column a group."
            )
        if not np.isfinite(scores).all():
            raise ValueError(f"{noun}_scores holds NaN or infinite values.")
        groups = range(1, scores.shape[1] + 1) if groups is None else groups
        groups = [str(group) for group in groups]
        if len(groups) != scores.shape[1]:
            raise ValueError(
                f"{noun}_groups has {len(groups)} names, but {noun}_scores has "
                f"{scores.shape[1]} columns: give one name a group."
            )
        return scores, groups

    def _clusters(self, n_clusters, rng):
        """Positions of the landmarks of each cluster, most relevant first.

        Clusters come in the order of the groups of targets for which they stand out most.
        """
        size = np.linalg.norm(self.target_scores, axis=1)
        pattern = self.target_scores / np.where(size > 0, size, 1)[:, np.newaxis]
        found = [*clusters(pattern, n_clusters, rng).values()]
        means = np.array([pattern[own].mean(axis=0) for own in found])
        stands_out = np.argmax(np.abs(means - pattern.mean(axis=0)), axis=1)
        return [
            found[number][np.argsort(-size[found[number]], kind="stable")]
            for number in np.argsort(stands_out, kind="stable")
        ]

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure. Its place is divided among the panels.

        Returns
        -------
        self
        """
        clusters = [str(number) for number in range(1, len(self.clusters) + 1)]
        groups = self.profile_groups, self.profile_groups, self.target_groups, clusters
        scores = (
            self.profile_scores[self.order].T,
            np.take_along_axis(self.profile_scores.T, self._top, axis=1),
            self.target_scores[self.order].T,
            self.cluster_scores,
        )
        is_named = len(self.order) <= _MOST_NAMES
        heights = 0.18 * np.maximum([len(names) for names in groups], 6)
        # The last panel is divided itself, and holds its title and labels.
        heights[3] += 0.9 + 0.08 * min(24, max(map(len, self.target_groups)))
        around = 2 + 2 * is_named * 0.08 * min(16, max(map(len, self.landmarks)))
        with style():
            axes = panels(ax, 4, 1, (12.5, heights.sum() + around))
            axes[0].get_subplotspec().get_gridspec().set_height_ratios(heights)
            listing, axes[3] = panels(axes[3], 1, 2, None)
            for panel, text in zip((*axes[:3], listing), self._titles(), strict=True):
                panel.set_title(text, loc="left", pad=17)
            for panel, names, values in zip(axes, groups, scores, strict=True):
                heat_map(panel, values, names, is_signed=self.is_signed)
            for panel in (axes[0], axes[2]):
                mark_clusters(panel, self.clusters, named=is_named)
            name_cells(axes[1], self.top)
            list_names(listing, self.clusters)
            name_columns(axes[3], self.target_groups)
            for panel, noun in zip(axes, ("profiles", "profiles", "targets"), strict=False):
                panel.set_ylabel(f"group ({noun})")
            axes[3].set(xlabel="group (targets)", ylabel="cluster")
            axes[0].figure.align_ylabels(axes[:3])
        self.axes_, self.ax_, self.figure_ = axes, axes[0], axes[0].figure
        return self

    def _titles(self):
        landmarks = f"{count(len(self.order), 'landmark')}, in the clusters of d,"
        targets = f"{count(len(self.target_groups), 'group')} of targets"
        profiles = f"{count(len(self.profile_groups), 'group')} of profiles"
        return (
            f"a   {landmarks} and {profiles}",
            f"b   The {count(len(self.top[0]), 'landmark')} most relevant for each of them",
            f"c   {landmarks} and {targets}",
            f"d   {count(len(self.clusters), 'cluster')} of landmarks, and {targets}",
        )


def _check_counts(**numbers):
    for name, number in numbers.items():
        if not isinstance(number, Integral) or number < 1:
            raise ValueError(f"{name}={number!r} must be a positive whole number.")


def _with_sizes(groups):
    return [f"{group} ({len(own):,})" for group, own in groups.items()]
