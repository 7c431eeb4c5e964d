"""What a user passes to be judged: perturbers or profiles, states, classifiers."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import FLOAT_DTYPES, check_array, check_is_fitted

from skgex._utils._naming import few
from skgex._utils._perturbed import perturbed
from skgex._utils._validation import as_host


def check_states(y, y_train, target):
    """Refuse states of which nothing is known, and samples without either side."""
    known = set(y_train.tolist())
    if target not in known:
        raise ValueError(
            f"target={target!r} is not among the states of y_train "
            f"({few(sorted(known, key=str))}): pass one of these."
        )
    if unknown := sorted(set(y.tolist()) - known, key=str):
        raise ValueError(
            f"y has {len(unknown)} states that y_train has not ({few(unknown)}): leave out their "
            "profiles, or give training profiles of them."
        )
    n_real = np.count_nonzero(y == target)
    if not n_real:
        raise ValueError(
            f"y has no profile of the target state {target!r}: held-out ones are needed, to "
            "compare the perturbed ones with."
        )
    if n_real == len(y):
        raise ValueError(
            f"All {len(y)} profiles are of the target state {target!r}: held-out ones of other "
            "states are needed, to be perturbed."
        )


def as_profiles(X, X_train):
    """Held-out profiles as passed, and both as arrays of the same genes."""
    X, X_train = as_host(X), as_host(X_train)
    check_same_genes(X, X_train, "X", "X_train")
    values, training = (
        check_array(profiles, dtype=FLOAT_DTYPES, input_name=name)
        for profiles, name in ((X, "X"), (X_train, "X_train"))
    )
    if values.shape[1] != training.shape[1]:
        raise ValueError(
            f"X has {values.shape[1]} genes (columns) and X_train {training.shape[1]}: both must "
            "hold the same genes in the same order."
        )
    return (X if hasattr(X, "iloc") else values), values, training


def check_same_genes(first, second, first_name, second_name):
    names = [getattr(profiles, "columns", None) for profiles in (first, second)]
    if all(n is not None for n in names) and list(names[0]) != list(names[1]):
        raise ValueError(
            f"{first_name} and {second_name} have different columns, or the same in another "
            f"order: bring both into one gene order first, for example {second_name}"
            f"[{first_name}.columns]."
        )


def as_perturbers(perturbers, taken):
    """Fitted perturbers, or arrays of perturbed profiles, by name."""
    if not isinstance(perturbers, Mapping):
        # A table has a method named transform, too.
        name = type(perturbers).__name__ if hasattr(perturbers, "fit") else "perturbed"
        perturbers = {name: perturbers}
    perturbers = {str(name): perturber for name, perturber in perturbers.items()}
    if not perturbers:
        raise ValueError("perturbers is empty: pass at least one.")
    if clashing := [name for name in perturbers if name in taken]:
        raise ValueError(
            f"perturbers has the name {clashing[0]!r}, which is that of a baseline: choose "
            "another, or pass baselines=False."
        )
    for name, perturber in perturbers.items():
        if hasattr(perturber, "fit"):
            check_perturber(perturber, f"perturbers[{name!r}]", ("transform",))
    return perturbers


def check_perturber(perturber, argument, needed):
    """Refuse an estimator that is not fitted, is many in one, or is no perturber."""
    check_is_fitted(perturber)
    kind = type(perturber).__name__
    if hasattr(perturber, "members_"):
        raise ValueError(
            f"{argument} is a {kind} of several targets or gene sets: pass one of its members_, "
            "and the profiles of its genes."
        )
    for name in needed:
        if not hasattr(perturber, name):
            raise ValueError(
                f"{argument} is a {kind}, which has no {name}: pass a fitted perturber, such as "
                "TSPG."
            )


def common_target(perturbers, target):
    """The state that all perturbers lead to."""
    targets = {} if target is None else {"target": target}
    for name, perturber in perturbers.items():
        if hasattr(perturber, "target_"):
            targets[f"perturbers[{name!r}].target_"] = perturber.target_
    if not targets:
        raise ValueError(
            "target is None, and no perturber has a target_: pass the state that the profiles "
            "were perturbed to."
        )
    (first, target), *others = targets.items()
    for argument, other in others:
        if other != target:
            raise ValueError(
                f"{first} is {target!r}, but {argument} is {other!r}: judge perturbers of one "
                "target state at a time."
            )
    return target


def as_fitted(model, P, X):
    """Profiles as a model wants them: a table with the columns of X if it was fitted on one."""
    named = hasattr(model, "feature_names_in_") and hasattr(X, "iloc")
    return type(X)(P, columns=X.columns) if named else P


def perturbed_profiles(name, perturber, X, sources):
    """Perturbed profiles of some rows of X, in its units."""
    argument = f"perturbers[{name!r}]"
    if hasattr(perturber, "fit"):
        made = perturbed(perturber, _safe_indexing(X, sources))
        return check_array(made, dtype=FLOAT_DTYPES, input_name=argument)
    P = as_host(perturber)
    check_same_genes(X, P, "X", argument)
    P = check_array(P, dtype=FLOAT_DTYPES, input_name=argument)
    if P.shape != X.shape:
        raise ValueError(
            f"{argument} has shape {P.shape}, but X has {X.shape}: give a perturbed profile for "
            "each row of X, genes in the same order (rows of the target state are not looked at)."
        )
    return P[sources]


def as_classifiers(classifier, perturbers, target):
    """The classifier that says whether each perturber reaches the target, and that of others.

    Whatever has none of its own, as arrays and baselines, is shown to that of the first that has.
    """
    own = {
        name: getattr(perturber, "classifier_", None) if classifier is None else classifier
        for name, perturber in perturbers.items()
    }
    common = next((f for f in own.values() if f is not None), None)
    for f in own.values():
        known = np.asarray(getattr(f, "classes_", [target])).tolist()
        if target not in known:
            raise ValueError(
                f"The classifier knows no state {target!r}, only {few(known)}: pass one that was "
                "trained on the same states."
            )
    return {name: common if f is None else f for name, f in own.items()}, common


def called_target(classifier, P, X, target):
    """Share of profiles that a classifier of profiles such as those of X calls the target."""
    if classifier is None:
        return np.nan
    return float(np.mean(np.asarray(classifier.predict(as_fitted(classifier, P, X))) == target))
