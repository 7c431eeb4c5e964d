"""From few measurements to whole profiles: what every decoder knows of the measurement."""

import warnings
from copy import copy
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    _check_feature_names,
    _get_feature_names,
    check_array,
    check_is_fitted,
    check_memory,
)

from skgex._utils._naming import few
from skgex._utils._validation import as_host, of_rows, which_labelled
from skgex.base import ProfileRegressor, check_same_genes
from skgex.compressed_sensing._estimation import estimate_measurement
from skgex.preprocessing import GeneScaler

# Scalings of genes after which a measurement is linear still.
_LINEAR = ("standard", "range")


class SensingRegressor(ProfileRegressor):
    """A regressor that knows how its inputs were measured: ``z = A x``, with genes x.

    A is ``measurement_matrix``, or estimated from the training profiles and their measurements. A
    method learns from ``TrainingData`` in ``_learn``; in ``_make_decoder`` it makes a function
    from measurements without offset to scaled profiles, both tensors, which reads ``self._A``, the
    measurement of scaled genes. With another measurement only the latter is called again.
    """

    # Made of what is kept, whenever it is not there.
    _not_saved = ("_decoder",)

    _parameter_constraints: dict = {
        **ProfileRegressor._parameter_constraints,
        "gene_scaling": [StrOptions({*_LINEAR, "rank-gaussian"}), None],
        "measurement_matrix": ["array-like", None],
        "noise": [StrOptions({"estimate"}), Interval(Real, 0, None, closed="left")],
    }

    def _fit_measured(self, X, y, **learning):
        data = _with_digits(self._training_data(X, y))
        if learning.get("groups") is not None:
            learning["groups"] = of_rows(learning["groups"], y, which_labelled(y))
        if self.measurement_matrix is not None:
            self._refuse_ranks()
            A = self._check_matrix(self.measurement_matrix)
            if len(A) != self.n_features_in_:
                raise ValueError(
                    f"measurement_matrix has {len(A)} rows, but X has {self.n_features_in_} "
                    "measurements. Pass one row of weights for each."
                )
            _check_names(self.measurement_matrix, getattr(self, "feature_names_in_", None))
            self._set_matrix(A.astype(data.Y.dtype))
            estimate = None
        else:
            estimate = estimate_measurement(data.X, data.Y)
            self._A, self._offset = estimate.matrix, estimate.offset
            self.measurement_matrix_ = self._A
            if self.gene_scaling in _LINEAR:  # nothing is known of constant genes
                scale = self.y_scaler_.scale_
                A = self._A / np.where(scale == 0, np.inf, scale)
                self.measurement_matrix_ = A.astype(self._A.dtype)
        data = data._replace(X=data.X - self._offset)
        self._estimate_noise(data, estimate)
        self._learn(data, **learning)
        self._prepare()
        return self

    def _prepare(self):
        self._decoder = self._make_decoder()

    def _decode(self, Z):
        if not hasattr(self, "_decoder"):  # a loaded model has none
            self._prepare()
        return self._decoder(torch.from_numpy(Z)).numpy()

    def _cached(self, function, **how):
        """A function whose results ``memory`` keeps."""
        seed = getattr(self, "random_state", 0)
        if self.memory is not None and not isinstance(seed, Integral):
            raise ValueError(
                f"memory keeps what was learned for a seed, but random_state={seed!r}. Set "
                "random_state=0, for instance, or memory=None."
            )
        return check_memory(self.memory).cache(function, **how)

    def _fit_scalers(self, X, Y, weight, used, X_unlabeled):
        super()._fit_scalers(X, Y, weight, used, X_unlabeled)
        if self.gene_scaling != "rank-gaussian":  # a matrix speaks of measurements as they are
            self.x_scaler_ = GeneScaler(None).fit(X)

    def _estimate_noise(self, data, estimate):
        """``noise_``, and the covariance of the noise of a measurement where A was estimated."""
        vars(self).pop("_residual_covariance", None)
        if self.noise != "estimate":
            self.noise_ = float(self.noise)
            return
        n_free = len(data.X) if estimate is None else max(1e-3, estimate.n_free)
        residual = (data.X - data.Y @ self._A.T).astype(np.float64)
        if estimate is None:
            _warn_of_wrong_matrix(residual, data.X)
        weight = np.square(self.measurement_matrix_, dtype=np.float64).sum()
        self.noise_ = (
            float(np.sqrt(np.square(residual).sum() / n_free / weight)) if weight else 0.0
        )
        if estimate is not None:
            # Of new profiles an estimated A tells less than of its own: σ² A Aᵀ would leave out
            # what it does not know of them.
            self._residual_covariance = estimate.covariance

    def _noise_covariance(self):
        """Of a measurement: ``σ² A Aᵀ`` with A in the units of the genes."""
        if hasattr(self, "_residual_covariance"):
            return torch.from_numpy(self._residual_covariance)
        A = torch.from_numpy(self.measurement_matrix_).double()
        return self.noise_**2 * (A @ A.T)

    def set_measurement(self, measurement_matrix):
        """Decode another measurement from now on, without learning anew.

        Parameters
        ----------
        measurement_matrix : array-like of shape (n_measurements, n_genes)
            Weights of the genes in each measurement; any number of measurements.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the matrix does not fit the genes, or genes are scaled to ranks.
        """
        other = self._with_measurement(measurement_matrix)
        vars(self).clear()
        vars(self).update(vars(other))
        return self

    def _with_measurement(self, measurement_matrix):
        """A copy that decodes another measurement."""
        check_is_fitted(self)
        other = copy(self)
        other._refuse_ranks()
        A = other._check_matrix(measurement_matrix)
        other._set_matrix(A.astype(self._A.dtype))
        vars(other).pop("_residual_covariance", None)
        other.n_features_in_ = len(A)
        vars(other).pop("feature_names_in_", None)
        names = _row_names(measurement_matrix)
        if names is not None:
            other.feature_names_in_ = names
        other.x_scaler_ = GeneScaler(None).fit(np.zeros((2, len(A)), self.dtype_))
        other._prepare()
        return other

    def predict(self, X, *, measurement_matrix=None):
        """Infer the profiles behind measurements.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_measurements)
        measurement_matrix : array-like of shape (n_measurements, n_genes), default=None
            How ``X`` was measured; None is the measurement of ``fit`` or :meth:`set_measurement`.

        Returns
        -------
        ndarray or torch.Tensor of shape (n_profiles, n_genes) or (n_profiles,)
            In the units of the training profiles.
        """
        if measurement_matrix is not None:
            other = self._with_measurement(measurement_matrix)
            _check_names(measurement_matrix, _get_feature_names(X))
            _check_feature_names(other, X, reset=True)  # the names of X are those of its rows
            return other.predict(X)
        return super().predict(X)

    def _predict_scaled(self, X):
        return self._decode((X - self._offset).astype(self._A.dtype, copy=False))

    def _refuse_ranks(self):
        if self.y_scaler_.method == "rank-gaussian":
            raise ValueError(
                "gene_scaling='rank-gaussian' bends genes: no matrix says what was measured of "
                "them. Pass another gene_scaling, or leave measurement_matrix to be estimated."
            )

    def _check_matrix(self, A):
        genes = getattr(self, "target_names_", None)
        rows = _row_names(A)
        if genes is not None and rows is not None and list(rows) == list(genes):
            raise ValueError(
                "measurement_matrix has the genes of y in its rows: pass measurement_matrix.T, "
                "measurements in rows and genes in columns."
            )
        check_same_genes(_get_feature_names(A), genes, "measurement_matrix", "y")
        A = check_array(
            as_host(A), dtype=[np.float64, np.float32], input_name="measurement_matrix"
        )
        if A.shape[1] != self.n_outputs_:
            raise ValueError(
                f"measurement_matrix has {A.shape[1]} columns, but y has {self.n_outputs_} genes. "
                "Pass (n_measurements, n_genes), with the genes in the order of y."
            )
        if not A.any(axis=1).all():
            row = np.flatnonzero(~A.any(axis=1))[0]
            raise ValueError(
                f"measurement_matrix has nothing but zeros in row {row}, which measures no gene. "
                "Drop it, and its column of X."
            )
        return A.astype(self.dtype_)

    def _set_matrix(self, A):
        """Remember A, and what it is on scaled genes: ``A diag(scale)``, with an offset."""
        self.measurement_matrix_, self._A = A, A
        self._offset = np.zeros(len(A), A.dtype)
        if self.y_scaler_.method in _LINEAR:
            self._A = (A * self.y_scaler_.scale_).astype(A.dtype)
            zero = self.y_scaler_.inverse_transform(np.zeros((1, A.shape[1])))
            self._offset = (A @ zero[0]).astype(A.dtype)


def _warn_of_wrong_matrix(residual, Z):
    """The matrix of any measurement explains some of it, however noisy."""
    left, spread = np.square(residual).sum(), np.square(Z - Z.mean(axis=0), dtype=np.float64).sum()
    if len(Z) >= 10 and left > 1.1 * spread:
        warnings.warn(
            f"measurement_matrix explains less of X than the mean of X does (what it leaves has "
            f"{left / spread:.1f} times the variance of X). Check the order of its genes and of "
            "its measurements, its scale, and that X has no offset.",
            stacklevel=5,
        )


def _with_digits(data):
    """Profiles in float64 where float32 does not hold the squares of their units."""
    largest = [np.abs(C).max(initial=0) for C in (data.X, data.Y)]
    if data.Y.dtype == np.float64 or all(value == 0 or 1e-9 < value < 1e9 for value in largest):
        return data
    return data._replace(X=data.X.astype(np.float64), Y=data.Y.astype(np.float64))


def _row_names(A):
    """Names of measurements, if A is a table that has some."""
    index = getattr(A, "index", None) if hasattr(A, "columns") else None
    if index is None or not all(isinstance(name, str) for name in index):
        return None
    return np.asarray(index, dtype=object)


def _check_names(A, names):
    """Refuse a matrix whose rows have other names than the columns of the measurements."""
    rows = _row_names(A)
    if rows is not None and names is not None and list(rows) != list(names):
        raise ValueError(
            f"The rows of measurement_matrix are named {few(rows)}, but the columns of X are "
            f"{few(names)}. Bring both into one order, such as measurement_matrix.loc[X.columns]."
        )
