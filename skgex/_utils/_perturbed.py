"""States of profiles, and what perturbers make of profiles."""

import numpy as np
from sklearn.utils.validation import column_or_1d

from skgex._utils._naming import few
from skgex._utils._validation import as_host


def as_states(y, X, name="y", of="X"):
    """States of profiles as an array: one a profile, row by row, and none missing.

    Parameters
    ----------
    y : array-like of shape (n_profiles,)
        The argument ``name``.
    X : array-like of shape (n_profiles, n_genes)
        The profiles, the argument ``of``.

    Returns
    -------
    ndarray of shape (n_profiles,)
    """
    rows = [getattr(table, "index", None) for table in (X, y)]
    if all(hasattr(names, "equals") for names in rows) and not rows[0].equals(rows[1]):
        same = len(rows[0]) == len(rows[1]) and set(rows[0]) == set(rows[1])
        raise ValueError(
            f"{name} has {'the same names in another order' if same else 'other names'} than {of} "
            f"in its index ({of} starts with {few(list(rows[0])[:3])}, {name} with "
            f"{few(list(rows[1])[:3])}): states must be those of the profiles, row by row. Pass "
            f"{name}.loc[{of}.index], or {name}.to_numpy() if they are in order."
        )
    # As a list they are looked at one by one: as an array of text, NaN would be the text "nan".
    listed = y if isinstance(y, list | tuple) else None
    states = column_or_1d(as_host(y), warn=True, input_name=name)
    listed = states.tolist() if listed is None else listed
    n_profiles, *_ = (X if hasattr(X, "shape") else np.asarray(X)).shape or [len(states)]
    if len(states) != n_profiles:
        raise ValueError(
            f"{name} has {len(states)} states, but {of} has {n_profiles} profiles: give one state "
            "a profile, in the same order."
        )
    if missing := [row for row, state in enumerate(listed) if _is_missing(state)]:
        raise ValueError(
            f"{name} contains NaN: {len(missing)} profiles have no state, the first in row "
            f"{missing[0]}. Leave these profiles out."
        )
    return states


def check_known(y, model):
    """Refuse states that a perturber has not seen, such as numbers in place of names."""
    known = getattr(model, "classes_", None)
    if known is None:
        return
    known = np.asarray(known).tolist()
    if unknown := [state for state in np.unique(y).tolist() if state not in known]:
        raise ValueError(
            f"y names {few(unknown)}, which {type(model).__name__} has not seen: its states are "
            f"{few(known, 10)}. Name states as in fit."
        )


def _is_missing(state):
    # pandas.NA answers no comparison with a yes or a no.
    return state is None or type(state).__name__ == "NAType" or state != state


def perturbed(model, X):
    """Profiles that a perturber made of others, in the units of X."""
    profiles = np.asarray(as_host(model.transform(X)))
    if getattr(model, "original_units", True):
        return profiles
    return model.x_scaler_.inverse_transform(profiles)


def in_shares(model, X):
    """Profiles in shares of the genes' training ranges; 0 for genes that did not vary there."""
    scaler = model.x_scaler_
    named = hasattr(scaler, "feature_names_in_") and hasattr(X, "columns")
    shares = scaler.transform(X if named else np.asarray(X))
    return np.where(scaler.scale_ > 0, shares, 0) if hasattr(scaler, "scale_") else shares
