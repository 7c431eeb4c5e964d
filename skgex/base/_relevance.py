"""What landmarks contribute to inferred genes, for any regressor whose layers are known."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params
from sklearn.utils.validation import _get_feature_names, check_is_fitted, validate_data

from skgex import _training as training
from skgex._nets import MLP, DenseNet
from skgex._nets._relevance import Layer, Relevance
from skgex._utils._blocks import blocks
from skgex._utils._gene_ids import as_ids
from skgex._utils._groups import as_groups, clusters
from skgex._utils._perturbed import as_states
from skgex._utils._pipelines import seen_by_final
from skgex._utils._validation import as_host
from skgex.base._profile_regressor import ProfileRegressor

_ENOUGH = 2000  # profiles by which target genes are clustered
_CENTRED = ("standard", "rank-gaussian")  # 0 is the mean, or the median, of a scaled gene
_GROUPS = [Interval(Integral, 1, None, closed="left"), Mapping, "array-like", None]


class GroupScores(NamedTuple):
    """Relevance of landmarks for groups of target genes and of profiles."""

    landmarks: np.ndarray
    target_scores: np.ndarray
    profile_scores: np.ndarray
    target_groups: dict
    profile_groups: dict
    rule: str
    aggregate: str


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "targets": _GROUPS,
        "profiles": _GROUPS,
        "rule": [StrOptions({"epsilon", "gradient_input"})],
        "aggregate": [StrOptions({"absolute", "signed"})],
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def landmark_relevance(
    estimator,
    X,
    *,
    targets,
    profiles,
    rule,
    aggregate,
    epsilon,
    landmark_names,
    target_names,
    random_state,
):
    """The scores of :func:`skgex.inspection.landmark_relevance`, which explains them."""
    model, inputs, names = _final_regressor(estimator, X)
    if not isinstance(model, ProfileRegressor) or not (_is_net(model) or hasattr(model, "coef_")):
        raise ValueError(
            f"Relevance is passed back through layers, and {type(model).__name__} has none that "
            "are known: pass a net or a linear regressor of skgex, or a pipeline or grid search "
            "that ends with one."
        )
    Z = validate_data(model, as_host(inputs), reset=False, dtype=[np.float64, np.float32])
    Z = model.x_scaler_.transform(Z.astype(model.dtype_, copy=False))
    relevance = _relevance(model, Z, rule, epsilon)
    # Clusters of the one do not depend on how the others are grouped.
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=2)
    rngs = [np.random.RandomState(seed) for seed in seeds]
    names = getattr(model, "feature_names_in_", names)
    landmarks = _names(landmark_names, names, "landmark", Z.shape[1])
    names = getattr(model, "target_names_", None)
    names = _names(target_names, names, "target", model.n_outputs_)
    target_groups = _target_groups(targets, names, model, Z, rngs[0])
    profile_groups = _profile_groups(profiles, X, Z, rngs[1])
    target_scores, profile_scores = _scores(
        relevance, Z, [*target_groups.values()], [*profile_groups.values()], aggregate
    )
    return GroupScores(
        landmarks=landmarks,
        target_scores=target_scores,
        profile_scores=profile_scores,
        target_groups={group: names[own] for group, own in target_groups.items()},
        profile_groups=profile_groups,
        rule=rule,
        aggregate=aggregate,
    )


def _scores(relevance, Z, target_groups, profile_groups, aggregate):
    """Means over profiles and over targets: landmarks × target groups, × profile groups."""
    n_profiles, n_landmarks = Z.shape
    n_targets = [len(group) for group in target_groups]
    target_scores = np.zeros((n_landmarks, len(target_groups)))
    profile_scores = np.zeros((n_landmarks, len(profile_groups)))
    share = np.zeros((n_profiles, len(profile_groups)))  # of a profile in the mean of a group
    for column, own in enumerate(profile_groups):
        share[own, column] = 1 / len(own)
    target_groups = [torch.from_numpy(group).to(relevance.device) for group in target_groups]
    for rows in blocks(n_profiles, relevance.chunk):
        X = torch.from_numpy(Z[rows]).to(relevance.device, relevance.dtype)
        for column, R in enumerate(relevance(X, target_groups)):
            R = R.cpu().double().numpy()
            R = np.abs(R, out=R) if aggregate == "absolute" else R
            target_scores[:, column] += R.sum(axis=0)
            profile_scores += R.T @ share[rows]
    return target_scores / n_profiles / n_targets, profile_scores / sum(n_targets)


def _is_net(model):
    return type(getattr(model, "module_", None)) in (MLP, DenseNet)


def _relevance(model, Z, rule, epsilon):
    """Relevance through the layers of a regressor; through a linear map all rules are one."""
    centred = model.x_scaler_.method in _CENTRED
    baseline = None if centred else torch.from_numpy(Z.mean(axis=0))
    if _is_net(model):
        device = training.present_device(model.device_)
        params = dict(rule=rule, epsilon=epsilon, baseline=baseline)
        return Relevance.of_net(model.module_, device=device, **params)
    W = torch.from_numpy(np.atleast_2d(model.coef_))
    return Relevance([Layer(W, W.new_zeros(len(W)))], baseline=baseline)


def _final_regressor(estimator, X):
    """Step out of grid searches and pipelines: a regressor, what it sees of X, and names."""
    check_is_fitted(estimator)
    return seen_by_final(estimator, X, _get_feature_names(X))


def _names(given, known, noun, n_genes):
    """Names that a user gives, or those that the estimator knows, or numbers."""
    if given is None:
        letter = "y" if noun == "target" else "x"
        return as_ids([f"{letter}{j}" for j in range(n_genes)] if known is None else known)
    names = as_ids(given)
    if names.shape != (n_genes,):
        raise ValueError(
            f"{noun}_names has shape {names.shape}, but there are {n_genes} {noun}s: give one "
            "name each, in the order of fit."
        )
    return names


def _target_groups(targets, names, model, Z, rng):
    if targets is None:
        return {"all": np.arange(len(names))}
    if not isinstance(targets, Integral):
        return as_groups(targets, names, "targets", "target")
    if len(Z) > _ENOUGH:
        Z = Z[rng.choice(len(Z), _ENOUGH, replace=False)]
    Y = model._predict_scaled(Z).T  # a row a target
    Y = Y - Y.mean(axis=1, keepdims=True)
    size = np.linalg.norm(Y, axis=1, keepdims=True)
    return clusters(Y / np.where(size > 0, size, 1), targets, rng)


def _profile_groups(profiles, X, Z, rng):
    if profiles is None:
        return {"all": np.arange(len(Z))}
    if isinstance(profiles, Integral):
        return clusters(Z, profiles, rng)
    if not isinstance(profiles, Mapping):
        profiles = as_states(profiles, X, name="profiles")
    names = as_ids(X.index if hasattr(X, "iloc") else np.arange(len(Z)))
    return as_groups(profiles, names, "profiles", "profile")
