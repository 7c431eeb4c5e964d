"""States of profiles: their names, and who is held out."""

from difflib import get_close_matches

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from skgex._utils._naming import few
from skgex._utils._perturbed import as_states


def states_to_learn(y, X, learner):
    """States of profiles, an array, for an estimator to learn them."""
    if y is None:
        raise ValueError(
            f"{type(learner).__name__} requires y to be passed, but the target y is None: pass "
            "the state of every profile."
        )
    y = as_states(y, X)
    check_classification_targets(y)
    return y


def check_enough(classes, counts, fewest):
    """Refuse states with too few profiles: two to learn from, and one to judge by."""
    small = classes[counts < fewest]
    if len(small):
        raise ValueError(
            f"{len(small)} of {len(classes)} classes of y have fewer than {fewest} profiles "
            f"(n_samples): {few(small)}. A state is its mean and how it varies: drop these "
            "profiles, or merge their states with others."
        )
    if len(classes) < 2:
        raise ValueError(
            f"y has 1 class, {classes.tolist()[0]!r}: turning one state into another takes "
            "profiles of at least 2."
        )


def check_target(target, classes):
    """Return the state to turn others into, as ``classes`` has it; None is the last one."""
    if target is None:
        return classes[-1].item() if hasattr(classes[-1], "item") else classes[-1]
    found = [state for state in classes.tolist() if state == target]
    if not found:
        states = [str(state) for state in classes.tolist()]
        near = get_close_matches(str(target), states, 3, 0.5)
        known = f"Did you mean {few(near)}?" if near else f"The states are {few(states, 10)}."
        if str(target) in states:
            state = classes.tolist()[states.index(str(target))]
            known = (
                f"The state {state!r} is of type {type(state).__name__}: pass target={state!r}."
            )
        raise ValueError(f"target={target!r} is no state of y. {known}")
    return found[0]


def hold_out(y, share, random_state):
    """Mask of the profiles held out: the same share of every state, at least two kept."""
    held_out = np.zeros(len(y), dtype=bool)
    for state in np.unique(y):
        rows = random_state.permutation(np.flatnonzero(y == state))
        held_out[rows[: min(round(share * len(rows)), len(rows) - 2)]] = True
    return held_out
