"""Training, validation and test profiles."""

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit


class ProfileSplit(NamedTuple):
    """Row indices of the training, validation and test profiles, each sorted."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_profiles(
    n_profiles, *, groups=None, validation_size=0.1, test_size=0.1, random_state=None
):
    """Split profiles into training, validation and test at random, or by whole groups.

    Parameters
    ----------
    n_profiles : int
    groups : array-like of shape (n_profiles,), default=None
        Study, batch or donor of each profile. Profiles of one group stay together, so that the
        test tells how a method does on a study it has never seen.
    validation_size, test_size : float, default=0.1
        Shares of the profiles, or of the groups.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    ProfileSplit

    Raises
    ------
    ValueError
        If ``groups`` has another length, there are too few profiles or groups to split, or the
        shares leave no training profile.

    Examples
    --------
    >>> from skgex.model_selection import split_profiles
    >>> [len(rows) for rows in split_profiles(100, random_state=0)]
    [80, 10, 10]
    """
    n_units, unit = n_profiles, "profiles"
    if groups is not None:
        groups = np.asarray(groups)
        if len(groups) != n_profiles:
            raise ValueError(
                f"groups has {len(groups)} entries for {n_profiles} profiles. Pass one for each."
            )
        n_units, unit = len(np.unique(groups)), "groups"
    if not 0 < validation_size + test_size < 1 or min(validation_size, test_size) <= 0:
        raise ValueError(
            f"validation_size={validation_size} and test_size={test_size} must be positive and "
            "leave a share for training: lower them."
        )
    if n_units < 3:
        raise ValueError(
            f"{n_units} {unit} cannot be split into training, validation and test; at least 3 "
            "are needed. Pass more, or split in another way."
        )
    n_test = min(max(1, round(test_size * n_units)), n_units - 2)
    n_validation = min(max(1, round(validation_size * n_units)), n_units - n_test - 1)
    splitter = ShuffleSplit if groups is None else GroupShuffleSplit

    def hold_out(rows, count):
        cv = splitter(n_splits=1, test_size=count, random_state=random_state)
        kept, held_out = next(cv.split(rows, groups=None if groups is None else groups[rows]))
        return np.sort(rows[kept]), np.sort(rows[held_out])

    rest, test = hold_out(np.arange(n_profiles), n_test)
    train, validation = hold_out(rest, n_validation)
    return ProfileSplit(train, validation, test)
