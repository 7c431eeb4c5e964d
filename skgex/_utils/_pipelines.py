"""Out of pipelines and grid searches."""


def final_estimator(estimator):
    """The estimator that a grid search found, and a pipeline ends with."""
    return seen_by_final(estimator, None)[0]


def seen_by_final(estimator, X, names=None):
    """The final estimator, and what the earlier steps of a pipeline make of X and its names.

    Parameters
    ----------
    estimator : estimator
        Fitted, unless ``X`` is None.
    X : array-like or None
        None asks for the estimator alone.
    names : array-like of str or None
        Of the columns of X.

    Returns
    -------
    estimator : estimator
    X : array-like or None
    names : ndarray of str or None
        None if a step does not say what its columns are.
    """
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            for _, step in estimator.steps[:-1]:
                if X is not None and step not in (None, "passthrough"):
                    X = step.transform(X)
                    named = hasattr(step, "get_feature_names_out")
                    names = step.get_feature_names_out(names) if named else None
            estimator = estimator.steps[-1][1]
        else:
            return estimator, X, names
