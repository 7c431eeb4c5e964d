"""Cross-validation where some profiles have no targets."""

import numpy as np
from sklearn.model_selection import BaseCrossValidator, check_cv

from skgex._utils._validation import check_split, of_rows, which_labelled


class LabeledFold(BaseCrossValidator):
    """Split labelled profiles, and give all unlabelled ones to every training fold.

    Unlabelled profiles are rows of ``y`` that are all NaN. A plain splitter would put them into
    test folds, where there is nothing to compare with.

    Parameters
    ----------
    cv : int, splitter or iterable of splits, default=5
        How to split the labelled profiles; as ``cv`` of
        :class:`~sklearn.model_selection.GridSearchCV`. Splits are positions among the labelled
        profiles.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex.model_selection import LabeledFold
    >>> X, y = np.zeros((6, 2)), np.array([0.1, np.nan, 0.3, 0.4, np.nan, 0.6])
    >>> for train, test in LabeledFold(2).split(X, y):
    ...     print(train, test)
    [1 3 4 5] [0 2]
    [0 1 2 4] [3 5]
    """

    def __init__(self, cv=5):
        self.cv = cv

    def split(self, X, y=None, groups=None):
        """Yield the rows of every training and test fold.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_landmarks)
        y : array-like of shape (n_profiles,) or (n_profiles, n_targets)
        groups : array-like of shape (n_profiles,), default=None
            Study, batch or donor of each profile, for splitters that keep them together.

        Yields
        ------
        train : ndarray of int
            Labelled profiles of the fold and all unlabelled ones, in order.
        test : ndarray of int
            Labelled profiles.

        Raises
        ------
        ValueError
            If ``y`` is missing or partly NaN in a row, no profile is labelled, or ``cv`` lists
            profiles that are not there.
        """
        if y is None:
            raise ValueError(
                "LabeledFold needs y, whose all-NaN rows mark unlabelled profiles. Pass y."
            )
        labelled = which_labelled(y)
        rows, unlabelled = np.flatnonzero(labelled), np.flatnonzero(~labelled)
        groups = of_rows(groups, y, rows)
        # The splitter sees labelled profiles only; their values are of no interest to it.
        placeholder = np.zeros(len(rows))
        for train, test in check_cv(self.cv).split(placeholder, placeholder, groups):
            check_split(train, test, len(rows))
            yield np.sort(np.concatenate([rows[train], unlabelled])), rows[test]

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object, default=None
            As in :meth:`split`; some splitters need them to count.

        Returns
        -------
        int
        """
        if y is None:
            return check_cv(self.cv).get_n_splits(X, y, groups)
        rows = np.flatnonzero(which_labelled(y))
        placeholder = np.zeros(len(rows))
        groups = of_rows(groups, y, rows)
        return check_cv(self.cv).get_n_splits(placeholder, placeholder, groups)
