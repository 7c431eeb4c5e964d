"""Checks of arrays whose rows are profiles, and of what estimators are given and keep."""

import sys
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_array, check_consistent_length


def as_host(array):
    """Return a torch tensor as a numpy array, and anything else as it is."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        array = array.detach().cpu()
        # numpy has no bfloat16.
        return (array.float() if array.dtype == torch.bfloat16 else array).numpy()
    return array


def like(array, template):
    """Return ``array`` as a torch tensor on the template's device if the template is a tensor."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(template, torch.Tensor):
        return torch.as_tensor(array, device=template.device)
    return array


def which_labelled(y):
    """Mask of the labelled profiles of targets as a user passes them; see `labelled_rows`."""
    y = check_array(as_host(y), ensure_2d=False, ensure_all_finite="allow-nan", input_name="y")
    return labelled_rows(y)


def of_rows(values, y, rows):
    """What is said of each profile of ``y``, such as its study, for some rows; None stays None."""
    if values is None:
        return None
    check_consistent_length(y, values)
    return np.asarray(values)[rows]


def labelled_rows(Y, name="y"):
    """Tell labelled profiles from unlabelled ones, whose targets are all NaN.

    Parameters
    ----------
    Y : ndarray of shape (n_profiles,) or (n_profiles, n_targets)
    name : str
        Name of the argument, for error messages.

    Returns
    -------
    ndarray of bool of shape (n_profiles,)

    Raises
    ------
    ValueError
        If a row is partly NaN, or no row is labelled.
    """
    nan = np.isnan(Y).reshape(len(Y), -1)
    unlabelled = nan.all(axis=1)
    partly = np.flatnonzero(nan.any(axis=1) & ~unlabelled)
    if len(partly):
        row = partly[0]
        raise ValueError(
            f"{name} has {len(partly)} partly NaN rows, the first is row {row} with "
            f"{int(nan[row].sum())} of {nan.shape[1]} targets missing. A row must be complete, "
            "or all NaN to mark an unlabelled profile: impute or drop what is missing."
        )
    if unlabelled.all():
        raise ValueError(
            f"{name} contains NaN in every row: there is no labelled profile to learn from."
        )
    return ~unlabelled


def check_split(train, test, n_labelled):
    """Refuse a split, positions or masks, that was made for more profiles than are labelled."""
    for part in map(np.asarray, (train, test)):
        last = len(part) - 1 if part.dtype == bool else part.max(initial=-1)
        if last >= n_labelled:
            raise ValueError(
                f"cv names profile {last}, but there are {n_labelled} labelled profiles: pass a "
                "splitter, or splits of these."
            )


def forget_fit(estimator):
    """Drop all that an earlier fit has left: should this one fail, no half of that answers."""
    for name in [n for n in vars(estimator) if n.endswith("_")]:
        delattr(estimator, name)


def check_units(units, name, fewest=0):
    """Refuse numbers of units that no layer can have."""
    units = list(units)
    if len(units) < fewest or not all(
        isinstance(u, Integral) and u is not True and u >= 1 for u in units
    ):
        raise ValueError(
            f"{name}={tuple(units)!r} must hold whole numbers of at least 1, the units of each "
            f"hidden layer{', and at least one of them' if fewest else ''}."
        )
