"""Choosing the parameters of a decoder by held-out profiles."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, check_cv

from skgex._utils._validation import check_split

# Genes that errors are averaged over at most: enough to compare, few enough to be quick.
_GENES = 1000


def held_out(cv, n_profiles, groups=None):
    """(train, test) rows; an int or None splits profiles at random, or by groups; always alike."""
    if cv is None or isinstance(cv, Integral):
        n_groups = 1 if groups is None else len(np.unique(groups))
        if n_groups > 1:
            cv = GroupKFold(min(cv or 5, n_groups), shuffle=True, random_state=0)
        else:
            cv, groups = KFold(min(cv or 5, n_profiles), shuffle=True, random_state=0), None
    rows = np.zeros(n_profiles)
    folds = list(check_cv(cv).split(rows, rows, groups))
    for train, test in folds:
        check_split(train, test, n_profiles)
    return folds


def choose(candidates, fit, X, Z, folds):
    """The candidate with the least mean squared error on held-out profiles.

    Parameters
    ----------
    candidates : list
    fit : callable
        ``fit(X_train) -> decoder(candidate, genes) -> (Z -> profiles of these genes)``.
    X, Z : Tensor of shape (n_profiles, n_genes) and (n_profiles, n_measurements)
    folds : list of (train, test)

    Returns
    -------
    chosen : one of candidates
    errors : ndarray of shape (n_candidates,)
    """
    n_genes = X.shape[1]
    genes = np.random.default_rng(0).permutation(n_genes)[:_GENES]
    errors = np.zeros(len(candidates))
    for train, test in folds:
        decoder = fit(X[train])
        truth = X[test][:, genes]
        for index, candidate in enumerate(candidates):
            error = decoder(candidate, genes)(Z[test]).sub_(truth).square_().mean()
            errors[index] += float(error) / len(folds)
    return candidates[int(np.nanargmin(errors))], errors
