"""What estimators inside an estimator are fitted to."""

from typing import NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skgex.base import ProfileRegressor


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

    def rows(self, rows):
        weight, groups = (
            None if values is None else values[rows] for values in (self.weight, self.groups)
        )
        return self._replace(X=self.X[rows], Y=self.Y[rows], weight=weight, groups=groups)

    def fit(self, estimator):
        """Fit it to the profiles: to the unlabelled ones too if it is known to take them."""
        last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
        if not isinstance(last, ProfileRegressor) and not self.labelled.all():
            return self.rows(self.labelled).fit(estimator)
        given = {"sample_weight": self.weight}
        if has_fit_parameter(estimator, "groups"):
            given["groups"] = self.groups
        given = {name: values for name, values in given.items() if values is not None}
        return estimator.fit(self.X, self.Y.ravel() if self.one_target else self.Y, **given)
