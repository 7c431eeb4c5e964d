"""How far apart two samples of profiles are, and what of a profile a perturbation keeps."""

import numpy as np
from scipy.special import gammaln
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import euclidean_distances
from sklearn.model_selection import StratifiedKFold, cross_val_score

from skgex._utils._blocks import blocks

# Genes have range 1. Nets compute in float32, which leaves differences of 1e-7 between profiles
# that are meant to be the same.
_NOTHING = 1e-6


def total_variance(Z):
    """Sum of the variances of all genes."""
    return float(Z.var(axis=0, ddof=1).sum()) if len(Z) > 1 else np.nan


class GeneCorrelations:
    """Correlations of all pairs of genes in one sample, to hold those of others against.

    Parameters
    ----------
    Z : ndarray of shape (n_profiles, n_genes)
        Profiles scaled to a range of about 1.
    """

    def __init__(self, Z):
        self.varies = np.ptp(Z, axis=0) > _NOTHING
        deviations = Z - Z.mean(axis=0)
        norm = np.linalg.norm(deviations, axis=0)
        deviations /= np.where(self.varies, norm, 1)
        self.matrix = deviations.T @ deviations

    def agreement(self, other):
        """Pearson's correlation between those of two samples, each pair of genes once.

        Genes that are constant in either are left out; NaN where fewer than three are left.
        """
        genes = np.flatnonzero(self.varies & other.varies)
        if len(genes) < 3:
            return np.nan
        pairs = np.triu_indices(len(genes), k=1)
        a, b = (c.matrix[np.ix_(genes, genes)][pairs] for c in (self, other))
        return _pearson(a, b)


def identity_kept(Z, P, y, *, min_profiles=3):
    """Correlation between what a profile has of its own before and after, mean over states.

    Parameters
    ----------
    Z, P : ndarray of shape (n_profiles, n_genes)
        Profiles, and the same perturbed.
    y : ndarray of shape (n_profiles,)
        Source states; those of fewer than ``min_profiles`` profiles are left out.

    Returns
    -------
    float
        NaN where the perturbed profiles of every state are all the same; a single such state
        among others counts 0.
    """
    kept = []
    for rows in _rows_of_states(y):
        if len(rows) < min_profiles:
            continue
        before, after = (A[rows] - A[rows].mean(axis=0) for A in (Z, P))
        if np.abs(before).max() > _NOTHING:
            kept.append(_pearson(before, after) if np.abs(after).max() > _NOTHING else np.nan)
    return np.nan if np.isnan(kept).all() else float(np.nan_to_num(kept).mean())


def source_signal(P, y):
    """Share of the total variance that the source state explains, adjusted for their number.

    Epsilon squared, ``1 − (SS_within / (n − k)) / (SS_total / (n − 1))`` over all genes, 0 where
    it is negative; NaN for k = 1 state, one profile a state, or profiles that are all the same.
    """
    states = _rows_of_states(y)
    n, k = len(P), len(states)
    if k == 1 or n == k or np.ptp(P, axis=0).max() <= _NOTHING:
        return np.nan
    total = np.square(P - P.mean(axis=0)).sum()
    within = sum(np.square(P[rows] - P[rows].mean(axis=0)).sum() for rows in states)
    return float(max(0, 1 - (within / (n - k)) / (total / (n - 1))))


def two_sample_auc(real, generated, *, random_state, n_folds=5):
    """Area under the ROC curve of a forest that tells two samples apart, mean over folds.

    Parameters
    ----------
    real, generated : ndarray of shape (n_profiles, n_components)
    random_state : int
    """
    is_real = np.repeat([1, 0], [len(real), len(generated)])
    forest = RandomForestClassifier(100, class_weight="balanced", random_state=random_state)
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
    profiles = np.concatenate([real, generated])
    return float(cross_val_score(forest, profiles, is_real, cv=folds, scoring="roc_auc").mean())


def nearest_shares(real, generated):
    """How often the nearest other profile is of the same kind, as many of both being there.

    Where there are more of one kind, as many are drawn as there are of the other; the shares are
    means over all such draws, computed instead of drawn: with k profiles of the other kind nearer
    than the nearest of the own kind, none of n drawn from N is among these k with probability
    ``C(N − k, n) / C(N, n)``.

    Returns
    -------
    of_real, of_generated : float
    """
    return _nearest_is_own(real, generated), _nearest_is_own(generated, real)


def _nearest_is_own(own, other):
    n = min(len(own), len(other))
    shares = []
    for rows in blocks(len(own), 1000):
        to_own = euclidean_distances(own[rows], own, squared=True)
        to_own[np.arange(len(to_own)), np.arange(rows.start, rows.stop)] = np.inf
        to_other = euclidean_distances(own[rows], other, squared=True)
        if n == len(own):
            nearer = np.count_nonzero(to_other < to_own.min(axis=1, keepdims=True), axis=1)
            shares.append(_none_drawn(nearer, n, len(other)))
        else:
            nearer = np.count_nonzero(to_own < to_other.min(axis=1, keepdims=True), axis=1)
            shares.append(1 - _none_drawn(nearer, n - 1, len(own) - 1))
    return float(np.concatenate(shares).mean())


def _none_drawn(k, n, N):
    """Probability that none of k profiles is among n drawn from N."""
    possible = k <= N - n
    k = np.where(possible, k, 0)
    log_p = gammaln(N - k + 1) - gammaln(N - k - n + 1) - gammaln(N + 1) + gammaln(N - n + 1)
    return np.where(possible, np.exp(np.minimum(log_p, 0)), 0.0)


def _rows_of_states(y):
    return [np.flatnonzero(y == state) for state in np.unique(y)]


def _pearson(a, b):
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    scale = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.clip(a @ b / scale, -1, 1)) if scale > 0 else np.nan
