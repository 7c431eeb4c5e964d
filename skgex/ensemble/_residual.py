"""A second estimator for what a first one leaves unexplained."""

from copy import copy
from numbers import Real

import numpy as np
from sklearn.base import MetaEstimatorMixin, _fit_context, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _get_feature_names, check_is_fitted, validate_data

from skgex._utils._validation import as_host, like, of_rows
from skgex.base import ProfileRegressor, check_same_genes
from skgex.ensemble._profiles import Profiles
from skgex.inference import DGEXRegressor, RidgeRegressorCV
from skgex.preprocessing import GeneScaler


def _infers_from_profiles(model):
    """Whether nothing but what the estimator infers depends on how profiles were measured."""
    inputs = getattr(model, "_residual_inputs", model.residual_inputs)
    estimator = getattr(model, "estimator_", model.estimator)
    return inputs == "inferred" and hasattr(estimator, "set_measurement")


class ResidualRegressor(MetaEstimatorMixin, ProfileRegressor):
    """A regressor plus another one that learns what the first leaves unexplained.

    ``ŷ = f(x) + λ r(x)``: f is ``estimator``, fitted to all profiles, and r is
    ``residual_estimator``, fitted to ``y_i − f_{−i}(x_i)``, where ``f_{−i}`` is fitted without the
    fold of profile i. On the profiles that f was fitted to, its residuals are smaller than those
    it will leave on others, and r would learn from them what there is not. λ in [0, 1] minimises
    ``Σ_i ‖y_i − f_{−i}(x_i) − λ r(x_i)‖²`` over profiles that r has not seen: where too few
    profiles say what f leaves, λ is near 0, and f stands alone.

    Parameters
    ----------
    estimator : regressor, default=None
        f. It sees profiles as they are, and scales them by itself. None is
        :class:`~skgex.inference.RidgeRegressorCV` with the same ``gene_scaling``, "standard" for
        "range".
    residual_estimator : regressor, default=None
        r. None is a :class:`~skgex.inference.DGEXRegressor` of 3 × 500 ReLU units, with dropout
        0.25, trained by Adam for 60 epochs.
    cv : int, splitter or iterable of splits, default=5
        Folds of the labelled profiles, those not NaN, for the residuals; an int splits them at
        random, or by whole groups if there are ``groups``. ``estimator`` is fitted once more for
        each. Splits that are listed count labelled profiles of any weight.
    residual_inputs : {"measured", "inferred"}, default="measured"
        What r sees of a profile: measured genes x, or ``f(x)``, in training ``f_{−i}(x_i)``. The
        latter is for an f that makes something of measurements that mean little by themselves,
        such as a decoder of random sums; it allows for other measurements after ``fit``.
    shrinkage : float in [0, 1], default=None
        λ; 0 leaves ``estimator`` alone. None chooses it on the last fold, or as many of the last
        as make a tenth of the profiles, and r learns from the others. Given what was found, r
        learns from all.
    gene_scaling : {"standard", "range", "rank-gaussian"} or None, default="standard"
        Per-gene scaling in which residuals are taken and added, inverted on output, and of what
        ``residual_estimator`` sees of the measured genes; see
        :class:`~skgex.preprocessing.GeneScaler`.
    random_state : int, RandomState instance or None, default=None
        Of random folds, and of the default ``residual_estimator``.

    Attributes
    ----------
    estimator_, residual_estimator_ : regressor
        Fitted.
    shrinkage_ : float
    x_scaler_, y_scaler_ : GeneScaler
    n_features_in_, n_outputs_ : int
    feature_names_in_, target_names_ : ndarray of str
        Gene names, when ``X`` and ``y`` are tables.

    Notes
    -----
    Both estimators see arrays, without gene names. Unlabelled profiles are passed on to estimators
    of skgex only. An ``estimator`` that splits profiles itself is fitted to folds: give it a
    splitter and ``groups``, not a list of splits. A pipeline hands ``groups`` to its last step, or
    with metadata routing to the steps that request them; a search, and estimators in it, see none.

    References
    ----------
    Friedman, J. H. (2001). Greedy function approximation: a gradient boosting machine. Annals of
    Statistics 29(5).

    Examples
    --------
    >>> from skgex import KNNRegressor, ResidualRegressor, RidgeRegressorCV, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> model = ResidualRegressor(RidgeRegressorCV(), KNNRegressor(), random_state=0).fit(X, Y)
    >>> model.predict(X).shape, 0 <= model.shrinkage_ <= 1
    ((200, 30), True)
    """

    _parameter_constraints: dict = {
        **ProfileRegressor._parameter_constraints,
        "gene_scaling": [StrOptions({"standard", "range", "rank-gaussian"}), None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "residual_estimator": [HasMethods(["fit", "predict"]), None],
        "cv": ["cv_object"],
        "residual_inputs": [StrOptions({"measured", "inferred"})],
        "shrinkage": [Interval(Real, 0, 1, closed="both"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        residual_estimator=None,
        *,
        cv=5,
        residual_inputs="measured",
        shrinkage=None,
        gene_scaling="standard",
        random_state=None,
    ):
        self.estimator = estimator
        self.residual_estimator = residual_estimator
        self.cv = cv
        self.residual_inputs = residual_inputs
        self.shrinkage = shrinkage
        self.gene_scaling = gene_scaling
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, sample_weight=None, groups=None):
        """Fit the estimator, out of fold and as a whole, and the residual estimator.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes.
        y : array-like or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Target genes. Rows that are all NaN mark unlabelled profiles.
        sample_weight : array-like of shape (n_profiles,), default=None
            Weight of each profile, if both estimators know weights; 0 leaves it out, before
            folds are made.
        groups : array-like of shape (n_profiles,), default=None
            Study of each profile, for folds of whole ones; also passed to an ``estimator``, or the
            last step of a pipeline, that takes groups.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a row of ``y`` is partly NaN, fewer than 3 are labelled, shapes do not fit, or the
            splits of ``cv`` hold out too few profiles, or some that are not there.
        """
        profiles = self._profiles(X, y, sample_weight, groups)
        self._residual_inputs = self.residual_inputs
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        estimator, residual_estimator = self._estimators(seed)
        profiles.check_weights(estimator, residual_estimator)
        profiles, folds = profiles.folds(self.cv, seed)
        inferred = self._out_of_fold(estimator, profiles, folds)
        self.estimator_ = profiles.fit(estimator)
        left = np.full_like(inferred, np.nan)
        left[profiles.labelled] = self.y_scaler_.transform(profiles.Y[profiles.labelled])
        left -= inferred
        seen = self._seen(
            profiles.X, np.where(np.isnan(inferred), self._base(profiles.X), inferred)
        )
        residuals = profiles._replace(X=seen, Y=left, groups=None)
        held_out = profiles.held_out(folds) if self.shrinkage is None else []
        self._learn_residuals(residual_estimator, residuals, held_out)
        return self

    def _learn_residuals(self, estimator, residuals, held_out):
        """Fit the second estimator, and choose how much of it to add."""
        shown = residuals.Y.copy()
        shown[held_out] = np.nan  # unlabelled, as are those that no fold has held out
        shown = residuals._replace(Y=shown)
        if (n_shown := shown.labelled.sum()) < 2:
            raise ValueError(
                f"cv leaves {n_shown} labelled profiles to learn residuals from: use smaller "
                "folds, or more of them."
            )
        self.residual_estimator_ = shown.fit(estimator)
        self.shrinkage_ = self.shrinkage
        if self.shrinkage is None:
            apart = residuals.rows(held_out)
            found = self._inferred(self.residual_estimator_, apart.X)
            self.shrinkage_ = _least_squares_factor(found, apart.Y, apart.weight)

    def _profiles(self, X, y, sample_weight, groups):
        """Validated profiles; fits the scalers to them."""
        groups = of_rows(groups, y, slice(None))
        X, labelled, Y, weight = self._validated(X, y, sample_weight)
        used = labelled if weight is None else labelled & (weight > 0)
        if used.sum() < 3:
            raise ValueError(
                f"y has {used.sum()} labelled rows (n_samples={used.sum()}) of positive weight: "
                "at least 3 are needed to learn what is left on profiles held out."
            )
        self._fit_scalers(X, Y[used], weight, used, None)
        return Profiles(X, Y, weight, groups, self._y_ndim == 1)

    def _estimators(self, seed):
        """The two, unfitted."""
        first, second = self.estimator, self.residual_estimator
        if first is None:
            scaling = "standard" if self.gene_scaling == "range" else self.gene_scaling
            first = RidgeRegressorCV(gene_scaling=scaling)
        if second is None:
            params = dict(activation="relu", optimizer="adam", dropout=0.25, max_epochs=60)
            params["gene_scaling"] = self.gene_scaling and "standard"
            second = DGEXRegressor(500, 3, **params, random_state=seed)
        return clone(first), clone(second)

    def _out_of_fold(self, estimator, profiles, folds):
        """Scaled targets of profiles, inferred by estimators that were not fitted to them.

        A mean where several folds hold out a profile, NaN where none does.
        """
        total, times = np.zeros_like(profiles.Y), np.zeros(len(profiles.Y))
        for train, test in folds:
            fitted = profiles.rows(train).fit(clone(estimator))
            total[test] += self.y_scaler_.transform(self._inferred(fitted, profiles.X[test]))
            times[test] += 1
        with np.errstate(invalid="ignore"):
            return total / times[:, None].astype(self.dtype_)

    @available_if(_infers_from_profiles)
    def set_measurement(self, measurement_matrix):
        """Decode another measurement from now on, without learning anew.

        There is such a method if the estimator has one, a decoder of ``skgex.compressed_sensing``
        for instance, and ``residual_inputs="inferred"``.

        Parameters
        ----------
        measurement_matrix : array-like of shape (n_measurements, n_targets)
            Weights of the genes in each measurement; any number of measurements.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the estimator refuses the matrix, or its genes are not those of ``y``.
        """
        check_is_fitted(self)
        self._check_genes_of(measurement_matrix)
        estimator = copy(self.estimator_).set_measurement(measurement_matrix)
        vars(self).pop("feature_names_in_", None)
        names = vars(estimator).pop("feature_names_in_", None)  # it sees arrays
        if names is not None:
            self.feature_names_in_ = names
        self.estimator_, self.n_features_in_ = estimator, estimator.n_features_in_
        self.x_scaler_ = GeneScaler(None).fit(np.zeros((2, self.n_features_in_), self.dtype_))
        return self

    def _check_genes_of(self, measurement_matrix):
        """Refuse a table of other genes: the estimator does not know their names."""
        names, genes = _get_feature_names(measurement_matrix), getattr(self, "target_names_", None)
        check_same_genes(names, genes, "measurement_matrix", "y")

    def predict(self, X, *, measurement_matrix=None):
        """Infer the target genes of profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes, in the order of ``fit``.
        measurement_matrix : array-like of shape (n_landmarks, n_targets), default=None
            How ``X`` was measured, where there is :meth:`set_measurement`; None is the measurement
            of ``fit`` or of that.

        Returns
        -------
        ndarray or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Inferred genes in the units of the training targets, with the dtype that ``X`` had in
            ``fit``; one-dimensional if ``y`` was; a tensor on the device of ``X`` if it is one.
        """
        check_is_fitted(self)
        if measurement_matrix is not None:
            measured, scaled = None, self._base_of_other(X, measurement_matrix)
        else:
            measured = validate_data(self, as_host(X), reset=False, dtype=[np.float64, np.float32])
            measured = measured.astype(self.dtype_, copy=False)
            scaled = self._base(measured)
        if self.shrinkage_:
            found = self._inferred(self.residual_estimator_, self._seen(measured, scaled))
            scaled = scaled + self.shrinkage_ * found
        Y = self.y_scaler_.inverse_transform(scaled).astype(self.dtype_, copy=False)
        return like(Y.ravel() if self._y_ndim == 1 else Y, X)

    def _seen(self, X, inferred):
        """What the second estimator sees of profiles."""
        return inferred if self._residual_inputs == "inferred" else self.x_scaler_.transform(X)

    def _base(self, X):
        """Scaled targets as the estimator alone infers them."""
        return self.y_scaler_.transform(self._inferred(self.estimator_, X))

    def _base_of_other(self, X, measurement_matrix):
        """The same of profiles that were measured in another way."""
        if not hasattr(self, "set_measurement"):
            raise ValueError(
                "measurement_matrix needs residual_inputs='inferred' and an estimator with "
                f"set_measurement, but this was fitted with {self._residual_inputs!r} and "
                f"{type(self.estimator_).__name__}. Fit another, or pass no matrix."
            )
        self._check_genes_of(measurement_matrix)
        how = dict(measurement_matrix=measurement_matrix)
        return self.y_scaler_.transform(self._inferred(self.estimator_, X, **how))

    def _inferred(self, estimator, X, **how):
        inferred = np.asarray(as_host(estimator.predict(X, **how)))
        return inferred.reshape(len(inferred), -1).astype(self.dtype_, copy=False)


def _least_squares_factor(found, left, weight):
    """λ in [0, 1] that minimises ``Σ_i w_i ‖left_i − λ found_i‖²``."""
    found, left = (C.astype(np.float64) for C in (found, left))
    weight = 1.0 if weight is None else weight[:, None]
    energy = (weight * found**2).sum()
    return float(np.clip((weight * found * left).sum() / energy, 0, 1)) if energy else 0.0
