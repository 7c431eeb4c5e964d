"""Which landmarks matter for which target genes, and in which profiles?"""

from typing import NamedTuple

import numpy as np

from skgex._utils._tables import as_table
from skgex.base import _relevance

_N_LISTED = 20
_N_NAMED = 5


class LandmarkRelevance(NamedTuple):
    """Relevance of landmarks for groups; see :func:`landmark_relevance`."""

    landmarks: np.ndarray
    target_scores: np.ndarray
    profile_scores: np.ndarray
    target_groups: dict
    profile_groups: dict
    rule: str
    aggregate: str
    table: object

    def __str__(self):
        lines = [f"{self.aggregate} relevance of {len(self.landmarks):,} landmarks"]
        for noun, groups, scores in _both(self):
            n_members = len({member for own in groups.values() for member in own.tolist()})
            order = np.argsort(-np.abs(scores).mean(axis=1), kind="stable")[:_N_NAMED]
            lines.append(
                f"{len(groups):,} groups of {n_members:,} {noun}s: most relevant over all of them "
                f"are {', '.join(self.landmarks[order].tolist())}"
            )
        return "\n".join(lines)


def landmark_relevance(
    estimator,
    X,
    *,
    targets=20,
    profiles=20,
    rule="epsilon",
    aggregate="absolute",
    epsilon=0.0,
    landmark_names=None,
    target_names=None,
    random_state=None,
):
    """What landmarks contribute to inferred genes, by layer-wise relevance propagation.

    What a net infers for a target in a profile is shared out among the landmarks: back from the
    output, every unit hands the relevance it gets on to its inputs in proportion to their
    contributions, ``R_i = Σ_j R_j a_i w_ij / (z_j + ε sign z_j)`` for ``z_j = Σ_i a_i w_ij + b_j``
    (rule "epsilon" [1]_), with batch, weight and spectral normalisation resolved; in a DenseNet
    to the landmarks and to all hidden layers below. For a linear regressor it is
    ``w_ij (x_i − mean_i)``, exactly. The relevance for a group of targets is the sum of those for
    each, and takes one backward pass.

    All is said of scaled genes, as the estimator's ``gene_scaling`` makes them, and of their
    deviation from 0, the mean ("standard") or median ("rank-gaussian") of the training profiles;
    of genes that are not scaled, from the mean of X.

    Parameters
    ----------
    estimator : estimator
        A fitted net (MLP or DenseNet) or linear regressor of skgex, or a pipeline or grid search
        that ends with one. Landmarks are what that one sees, after the other steps.
    X : array-like of shape (n_profiles, n_landmarks)
        Profiles, as for ``predict``.
    targets : int, dict, array-like of shape (n_targets,) or None, default=20
        Groups of targets: a dictionary of names or positions of the targets in each; the group of
        every target; or a number of k-means clusters of what is inferred for the targets in (at
        most 2,000 of) these profiles, each brought to mean 0 and norm 1, so that targets which
        rise and fall together are grouped. None makes one group of all.
    profiles : int, dict, array-like of shape (n_profiles,) or None, default=20
        Groups of profiles in the same ways: positions, or names if X is a table; labels such as
        tissues; or a number of k-means clusters of the scaled landmarks.
    rule : {"epsilon", "gradient_input"}, default="epsilon"
        "gradient_input" is ``R_i = x_i ∂y/∂x_i``, to which "epsilon" with ``epsilon=0`` amounts
        where activations are (leaky) ReLU.
    aggregate : {"absolute", "signed"}, default="absolute"
        Mean over profiles of the magnitude of relevance, or of relevance with its sign; see Notes.
    epsilon : float, default=0
        ε, on the scale of scaled genes. With more of it, less is handed on by units that are close
        to 0. None is needed for stability, since all activations vanish at 0.
    landmark_names, target_names : array-like of str, default=None
        None takes those of the tables that the estimator was fitted to, or ``x0``, ``x1``, ... and
        ``y0``, ``y1``, ...
    random_state : int, RandomState instance or None, default=None
        Of the clusters.

    Returns
    -------
    LandmarkRelevance
        - ``landmarks``: their names;
        - ``target_scores``: array of shape (n_landmarks, n_target_groups), the relevance for a
          group over its number of targets, aggregated over all profiles;
        - ``profile_scores``: array of shape (n_landmarks, n_profile_groups), the relevance for the
          targets of all groups over their number, aggregated over the profiles of a group; if
          "absolute", the magnitude for each group of targets is taken before they are summed;
        - ``target_groups``, ``profile_groups``: dictionaries of group to names of targets, and to
          positions of profiles, in the order of the scores; the largest cluster is ``"1"``;
        - ``rule``, ``aggregate``: as they were passed;
        - ``table``: the 20 landmarks of the largest scores, by magnitude, of each group, with the
          columns ``of``, "targets" or "profiles"; ``group``; ``rank``, from 1; ``landmark``; and
          ``score``. A DataFrame when pandas is installed, else a structured array.

    Raises
    ------
    ValueError
        If the estimator is of another kind, or groups or names do not fit.

    See Also
    --------
    skgex.plotting.RelevanceDisplay : The four panels that the papers show.
    enrichment : What the targets of a group have in common.

    Notes
    -----
    Signed relevance is for groups of profiles, which deviate from the mean together. Over all
    profiles deviations cancel: the signed scores of a linear regressor for groups of targets are 0
    on its training profiles. Nor does relevance tell cause: of two landmarks that always agree,
    the net may use either.

    Relevance that is not handed on to landmarks stays with biases and ε: over landmarks, signed
    scores sum to what is inferred, less that.

    References
    ----------
    .. [1] Bach, S., Binder, A., Montavon, G., Klauschen, F., Müller, K.-R., Samek, W. (2015). On
           pixel-wise explanations for non-linear classifier decisions by layer-wise relevance
           propagation. PLoS One 10(7).

    Examples
    --------
    >>> import numpy as np
    >>> from skgex import RidgeRegressor
    >>> from skgex.inspection import landmark_relevance
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> Y = X[:, [0, 0, 1]]
    >>> model = RidgeRegressor().fit(X, Y)
    >>> groups = {"first": [0, 1], "last": [2]}
    >>> names = ["MYC", "TP53", "EGFR"]
    >>> found = landmark_relevance(model, X, targets=groups, profiles=None, landmark_names=names)
    >>> [str(landmark) for landmark in found.landmarks[found.target_scores.argmax(axis=0)]]
    ['MYC', 'TP53']
    """
    scores = _relevance.landmark_relevance(
        estimator,
        X,
        targets=targets,
        profiles=profiles,
        rule=rule,
        aggregate=aggregate,
        epsilon=epsilon,
        landmark_names=landmark_names,
        target_names=target_names,
        random_state=random_state,
    )
    return LandmarkRelevance(*scores, table=_listing(scores))


def _both(found):
    """Groups of targets, then of profiles, and their scores."""
    yield "target", found.target_groups, found.target_scores
    yield "profile", found.profile_groups, found.profile_scores


def _listing(found):
    """A row for each group and its first landmarks."""
    columns = {name: [] for name in ("of", "group", "rank", "landmark", "score")}
    for noun, groups, scores in _both(found):
        for group, own in zip(groups, scores.T, strict=True):
            order = np.argsort(-np.abs(own), kind="stable")[:_N_LISTED]
            columns["of"].append(np.repeat(f"{noun}s", len(order)))
            columns["group"].append(np.repeat(group, len(order)))
            columns["rank"].append(np.arange(1, len(order) + 1))
            columns["landmark"].append(found.landmarks[order])
            columns["score"].append(own[order])
    return as_table({name: np.concatenate(parts) for name, parts in columns.items()})
