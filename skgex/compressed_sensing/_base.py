"""From few measurements to whole profiles: what every decoder knows of the measurement."""

from copy import copy
from numbers import Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    _check_feature_names,
    _get_feature_names,
    check_array,
    check_is_fitted,
)

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
        data = self._training_data(X, y)
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
            self._set_matrix(A)
            estimate = None
        else:
            estimate = estimate_measurement(data.X, data.Y)
            self._A, self._offset = estimate.matrix, estimate.offset
            self.measurement_matrix_ = self._A
            if self.gene_scaling in _LINEAR:  # nothing is known of constant genes
                scale = self.y_scaler_.scale_
                A = self._A / np.where(scale == 0, np.inf, scale)
                self.measurement_matrix_ = A.astype(self.dtype_)
        data = data._replace(X=data.X - self._offset)
        self._estimate_noise(data, estimate)
        self._learn(data, **learning)
        self._prepare()
        return self

    def _prepare(self):
        self._decoder = self._make_decoder()

    def _decode(self, Z):
        # A loaded model makes its decoder whenever it is asked; set_measurement keeps one.
        decoder = self._decoder if hasattr(self, "_decoder") else self._make_decoder()
        return decoder(torch.from_numpy(Z)).numpy()

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
        check_is_fitted(self)
        self._refuse_ranks()
        A = self._check_matrix(measurement_matrix)
        self._set_matrix(A)
        vars(self).pop("_residual_covariance", None)
        self.n_features_in_ = len(A)
        vars(self).pop("feature_names_in_", None)
        self.x_scaler_ = GeneScaler(None).fit(np.zeros((2, len(A)), self.dtype_))
        self._prepare()
        return self

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
            other = copy(self).set_measurement(measurement_matrix)
            _check_feature_names(other, X, reset=True)  # the names of X are those of its rows
            return other.predict(X)
        return super().predict(X)

    def _predict_scaled(self, X):
        return self._decode(X - self._offset)

    def _refuse_ranks(self):
        if self.gene_scaling == "rank-gaussian":
            raise ValueError(
                "gene_scaling='rank-gaussian' bends genes: no matrix says what was measured of "
                "them. Pass gene_scaling='standard' or None, or leave measurement_matrix to be "
                "estimated."
            )

    def _check_matrix(self, A):
        genes = getattr(self, "target_names_", None)
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
        self._offset = np.zeros(len(A), self.dtype_)
        if self.gene_scaling in _LINEAR:
            self._A = (A * self.y_scaler_.scale_).astype(self.dtype_)
            zero = self.y_scaler_.inverse_transform(np.zeros((1, A.shape[1])))
            self._offset = (A @ zero[0]).astype(self.dtype_)
