"""What estimators inside an estimator are fitted to."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from skgex.base import ProfileRegressor
from skgex.model_selection import LabeledFold


class Profiles(NamedTuple):
    """What an estimator is fitted to; rows of Y that are NaN are unlabelled."""

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray | None
    groups: np.ndarray | None
    one_target: bool  # given as a one-dimensional y

    @property
    def labelled(self):
        return ~np.isnan(self.Y[:, 0])

    @property
    def weighed(self):
        return np.ones(len(self.Y), bool) if self.weight is None else self.weight > 0

    def rows(self, rows):
        weight, groups = (
            None if values is None else values[rows] for values in (self.weight, self.groups)
        )
        return self._replace(X=self.X[rows], Y=self.Y[rows], weight=weight, groups=groups)

    def folds(self, cv, seed):
        """Those of positive weight, and (train, test) rows of them.

        Unlabelled profiles are in every training part.
        """
        weighed = self.weighed
        kept = self if weighed.all() else self.rows(weighed)
        if isinstance(cv, Integral):
            if kept.groups is not None:
                cv = GroupKFold(cv, shuffle=True, random_state=seed)
            else:
                cv = KFold(min(cv, kept.labelled.sum()), shuffle=True, random_state=seed)
        if cv is None or hasattr(cv, "split"):
            return kept, list(LabeledFold(cv).split(kept.X, kept.Y, kept.groups))
        # Who listed splits counted profiles of no weight too.
        row = np.cumsum(weighed) - 1
        splits = LabeledFold(cv).split(self.X, self.Y)
        folds = [[row[part[weighed[part]]] for part in split] for split in splits]
        return kept, [(train, test) for train, test in folds if len(test)]

    def held_out(self, folds):
        """Rows of the last fold, and of those before it as long as it takes to make a tenth."""
        rows = np.zeros(len(self.Y), bool)
        for _, test in reversed(folds):
            rows[test] = True
            if rows.sum() >= 0.1 * self.labelled.sum():
                break
        return np.flatnonzero(rows)

    def check_weights(self, *estimators):
        for estimator in estimators if self.weight is not None else ():
            if not has_fit_parameter(estimator, "sample_weight"):
                raise ValueError(
                    f"{type(estimator).__name__} does not take sample_weight. Pass none, or "
                    "another estimator."
                )

    def fit(self, estimator):
        """Fit it to the profiles: to the unlabelled ones too if it is known to take them."""
        last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
        if not isinstance(last, ProfileRegressor) and not self.labelled.all():
            return self.rows(self.labelled).fit(estimator)
        given = {"sample_weight": self.weight, _name_of_groups(estimator): self.groups}
        given.pop(None, None)
        given = {name: values for name, values in given.items() if values is not None}
        return estimator.fit(self.X, self.Y.ravel() if self.one_target else self.Y, **given)


def _name_of_groups(estimator):
    """What ``fit`` of an estimator, or of the last step of a pipeline, calls groups, or None."""
    if not isinstance(estimator, Pipeline):
        return "groups" if has_fit_parameter(estimator, "groups") else None
    if get_config()["enable_metadata_routing"]:
        asked = get_routing_for_object(estimator).consumes("fit", ["groups"])
        return "groups" if asked else None
    step, last = estimator.steps[-1]
    name = _name_of_groups(last)
    return name and f"{step}__{name}"
