"""Validation, gene scaling and output, the same for every regressor."""

from collections import namedtuple

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    _get_feature_names,
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from skgex._utils._naming import few
from skgex._utils._validation import as_host, labelled_rows, like
from skgex.preprocessing import GeneScaler

TrainingData = namedtuple(
    "TrainingData", "X Y weight X_unlabeled X_val Y_val weight_val", defaults=[None]
)
TrainingData.__doc__ = """What a method learns from: validated, scaled, two-dimensional arrays.

``X``, ``Y`` and ``weight`` (or None) are the labelled profiles of positive weight,
``X_unlabeled`` those without targets (perhaps no row), ``X_val`` and ``Y_val`` the caller's
validation profiles (or None). Only a method that holds out profiles itself sets ``weight_val``.
"""

_FLOATS = [np.float64, np.float32]


class ProfileRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """From measured genes to inferred genes: validation, gene scaling and output.

    A method derives from it, calls :meth:`_training_data` in ``fit`` and implements
    ``_predict_scaled(X) -> Y`` on scaled arrays; everything a user may expect of any regressor
    (gene scaling, unlabelled rows, 1-D targets, dtypes, tensors, gene names) then holds.
    """

    _parameter_constraints: dict = {
        "gene_scaling": [StrOptions({"standard", "rank-gaussian"}), None],
    }

    def _training_data(
        self, X, y, *, sample_weight=None, X_unlabeled=None, X_val=None, y_val=None, reset=True
    ):
        """Validate what ``fit`` was given, fit the gene scalers, and return `TrainingData`."""
        X, labelled, Y, weight = self._validated(X, y, sample_weight, reset=reset)
        extra = self._check_more(X_unlabeled, "X_unlabeled")
        used = labelled if weight is None else labelled & (weight > 0)
        Y = Y if used.all() else Y[used]
        if reset:
            self._fit_scalers(X, Y, weight, used, extra)
        X = self.x_scaler_.transform(X)
        unlabeled = X[~labelled if weight is None else ~labelled & (weight > 0)]
        if extra is not None and len(extra):
            unlabeled = np.concatenate([unlabeled, self.x_scaler_.transform(extra)])
        if X_val is not None or y_val is not None:
            X_val, y_val = self._validation_data(X_val, y_val)
        weight = None if weight is None else weight[used].astype(self.dtype_)
        return TrainingData(X[used], self.y_scaler_.transform(Y), weight, unlabeled, X_val, y_val)

    def _validated(self, X, y, sample_weight=None, *, reset=True, min_labelled=2):
        """Validate profiles, and remember their dtype, shapes and gene names if ``reset``.

        Returns
        -------
        X : ndarray of shape (n_profiles, n_landmarks)
        labelled : ndarray of bool of shape (n_profiles,)
        Y : ndarray of shape (n_profiles, n_targets)
            NaN where not labelled.
        sample_weight : ndarray of float64 of shape (n_profiles,), or None
        """
        # The names are read before validation turns tables into arrays.
        target_names = None if y is None else _get_feature_names(y)
        if not reset:
            seen = getattr(self, "target_names_", None)
            check_same_genes(target_names, seen, "y", "the y of the earlier call")
        X, y = validate_data(
            self,
            as_host(X),
            as_host(y),
            reset=reset,
            validate_separately=(
                dict(dtype=_FLOATS, ensure_min_samples=min_labelled),
                dict(dtype=_FLOATS, ensure_all_finite=False, ensure_2d=False),
            ),
        )
        if y.ndim > 2:
            raise ValueError(f"y has {y.ndim} dimensions; pass (n_profiles, n_targets).")
        check_consistent_length(X, y)
        if np.isinf(y).any():
            raise ValueError(
                f"Input y contains infinity or a value too large for {y.dtype!r}. The first is in "
                f"row {np.argwhere(np.isinf(y))[0, 0]}: replace these values or drop their rows."
            )
        labelled = labelled_rows(y)
        if labelled.sum() < min_labelled:
            raise ValueError(
                f"y has 1 labelled row (n_samples=1) among {len(y)}: at least 2 are needed to "
                "learn from."
            )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                as_host(sample_weight), X, dtype=np.float64, ensure_non_negative=True
            )
            if not sample_weight[labelled].any():
                raise ValueError(
                    "Sample weights must not be all zeros on the labelled rows: give at least "
                    "one labelled profile a positive weight."
                )
        Y = y.reshape(len(y), -1)
        if reset:
            self.dtype_, self._y_ndim, self.n_outputs_ = X.dtype, y.ndim, Y.shape[1]
            self._set_target_names(target_names)
        elif Y.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {Y.shape[1]} targets, but this {type(self).__name__} was fitted on "
                f"{self.n_outputs_}. Pass the same targets in the same order, or fit a new "
                "estimator."
            )
        X, Y = (array.astype(self.dtype_, copy=False) for array in (X, Y))
        return X, labelled, Y, sample_weight

    def _fit_scalers(self, X, Y, weight, used, X_unlabeled):
        """Fit the scalers: measured genes on all profiles, targets on the rows ``used`` for Y."""
        y_weight = None if weight is None else weight[used]
        self.y_scaler_ = GeneScaler(self.gene_scaling).fit(Y, sample_weight=y_weight)
        if X_unlabeled is not None:
            X = np.concatenate([X, X_unlabeled])
            if weight is not None:
                weight = np.concatenate([weight, np.ones(len(X_unlabeled))])
        self.x_scaler_ = GeneScaler(self.gene_scaling).fit(X, sample_weight=weight)

    def _set_target_names(self, names):
        if names is not None:
            self.target_names_ = names
        elif hasattr(self, "target_names_"):
            del self.target_names_

    def _check_more(self, X, name):
        """Validate further profiles of the measured genes."""
        if X is None:
            return None
        seen = getattr(self, "feature_names_in_", None)
        check_same_genes(_get_feature_names(X), seen, name, "X")
        X = check_array(as_host(X), dtype=_FLOATS, input_name=name, ensure_min_samples=0)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"{name} has {X.shape[1]} genes, but X has {self.n_features_in_}. "
                "Pass the same measured genes in the same order."
            )
        return X.astype(self.dtype_, copy=False)

    def _validation_data(self, X_val, y_val):
        """Validate and scale the caller's validation profiles."""
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val belong together: pass both, or neither.")
        X_val = self._check_more(X_val, "X_val")
        seen = getattr(self, "target_names_", None)
        check_same_genes(_get_feature_names(y_val), seen, "y_val", "y")
        Y_val = check_array(
            as_host(y_val), dtype=_FLOATS, ensure_2d=False, allow_nd=False, input_name="y_val"
        )
        Y_val = Y_val.reshape(len(Y_val), -1)
        check_consistent_length(X_val, Y_val)
        if Y_val.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y_val has {Y_val.shape[1]} targets, but y has {self.n_outputs_}. "
                "Pass the same target genes in the same order."
            )
        Y_val = Y_val.astype(self.dtype_, copy=False)
        return self.x_scaler_.transform(X_val), self.y_scaler_.transform(Y_val)

    def predict(self, X):
        """Infer the target genes of profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes, in the order of ``fit``.

        Returns
        -------
        ndarray or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Inferred genes in the units of the training targets, with the dtype that ``X`` had in
            ``fit``; one-dimensional if ``y`` was; a tensor on the device of ``X`` if it is one.
        """
        check_is_fitted(self)
        measured = validate_data(self, as_host(X), reset=False, dtype=_FLOATS)
        measured = self.x_scaler_.transform(measured.astype(self.dtype_, copy=False))
        Y = self.y_scaler_.inverse_transform(self._predict_scaled(measured))
        Y = Y.astype(self.dtype_, copy=False)
        return like(Y.ravel() if self._y_ndim == 1 else Y, X)


def check_same_genes(names, seen, name, other):
    """Refuse gene names of the argument ``name`` that are not those seen in ``other``."""
    if names is not None and seen is not None and list(names) != list(seen):
        raise ValueError(
            f"{name} has other genes, or another order, than {other}: its columns are "
            f"{few(names)}, those of {other} are {few(seen)}. Bring them into that order, for "
            "instance with GeneAligner."
        )
