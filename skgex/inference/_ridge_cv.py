"""Ridge regression that chooses its penalty."""

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import StrOptions

from skgex import _solvers as solvers
from skgex._utils._validation import check_split
from skgex.inference._linear import LinearRegressor, to_tensor


class RidgeRegressorCV(LinearRegressor):
    """Ridge regression whose penalty is chosen by cross-validation, for all targets or for each.

    Minimises the objective of :class:`RidgeRegressor` for the ``alpha`` whose error on held-out
    profiles is least. All alphas come from one eigendecomposition per split, and the splits share
    one pass over the data.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,), default=None
        Positive penalties to choose from; None takes 15 from 0.01 to 100,000.
    cv : int, splitter, iterable of splits or None, default=None
        None is generalised cross-validation, a closed form that stands for leaving out one profile
        and costs no more than a fit. Splits, and the indices of an iterable, are of the labelled
        profiles.
    alpha_per_target : bool, default=False
        Choose one alpha for each target.
    scoring : {"mse", "mae"}, default="mse"
        Squared or absolute error between scaled genes, averaged over held-out profiles and, unless
        ``alpha_per_target``, over targets. "mae" needs ``cv`` or validation profiles.
    gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of inputs and targets, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`. It is fitted once, on all profiles of ``fit``.

    Attributes
    ----------
    alpha_ : float or ndarray of shape (n_targets,)
        The chosen penalty.
    alphas_ : ndarray of shape (n_alphas,)
        The penalties compared.
    cv_errors_ : ndarray of shape (n_alphas,) or (n_alphas, n_targets)
        Their errors; per target if ``alpha_per_target``.
    coef_ : ndarray of shape (n_targets, n_landmarks) or (n_landmarks,)
        Coefficients between scaled genes.
    intercept_ : ndarray of shape (n_targets,) or float
        Intercepts between scaled genes.
    x_scaler_, y_scaler_ : GeneScaler
    n_features_in_, n_outputs_ : int
    feature_names_in_, target_names_ : ndarray of str
        Gene names, when ``X`` and ``y`` are tables.

    Notes
    -----
    Generalised cross-validation reads weights as counts, and takes profiles as independent: where
    they come in studies, pass the splits of a :class:`~sklearn.model_selection.GroupKFold`.

    References
    ----------
    Golub, G. H., Heath, M., Wahba, G. (1979). Generalized cross-validation as a method for
    choosing a good ridge parameter. Technometrics 21(2).

    Examples
    --------
    >>> import numpy as np
    >>> from skgex import RidgeRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 5))
    >>> Y = np.column_stack([X.sum(axis=1), rng.normal(size=50)])
    >>> RidgeRegressorCV([0.1, 1000.0], cv=5, alpha_per_target=True).fit(X, Y).alpha_
    array([1.e-01, 1.e+03])
    """

    _parameter_constraints: dict = {
        **LinearRegressor._parameter_constraints,
        "alphas": ["array-like", None],
        "cv": ["cv_object"],
        "alpha_per_target": ["boolean"],
        "scoring": [StrOptions({"mse", "mae"})],
    }

    def __init__(
        self,
        alphas=None,
        *,
        cv=None,
        alpha_per_target=False,
        scoring="mse",
        gene_scaling="standard",
    ):
        self.alphas = alphas
        self.cv = cv
        self.alpha_per_target = alpha_per_target
        self.scoring = scoring
        self.gene_scaling = gene_scaling

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Choose the penalty and learn the coefficients from all labelled profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes.
        y : array-like or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Target genes. Rows that are all NaN mark unlabelled profiles, which only contribute to
            the scale of the measured genes.
        sample_weight : array-like of shape (n_profiles,), default=None
            A weight of 2 counts a profile twice, in the fit and in the errors.
        X_val, y_val : array-like, default=None
            Validation profiles; the penalty is chosen on them instead of by ``cv``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a row of ``y`` is partly NaN, no row is labelled, shapes do not fit, or the error
            cannot be computed in the way asked for.
        """
        self.alphas_ = self._check_alphas()
        X, Y, weight = self._scaled_profiles(X, y, sample_weight)
        problem = solvers.ridge_problem(X, Y, weight)
        # Errors are compared between scaled genes.
        unit = torch.ones_like(problem.y_scale)
        if self.gene_scaling == "standard":
            unit = problem.y_scale ** (-2 if self.scoring == "mse" else -1)
        alphas = torch.from_numpy(self.alphas_)
        splits = self._splits(solvers.Profiles.all(X, Y, weight), X_val, y_val)
        if splits is None:
            errors = self._generalized_errors(problem, alphas) * unit
            errors = errors if self.alpha_per_target else errors.mean(dim=1)
        elif self.alpha_per_target:
            errors = solvers.held_out_errors(splits, alphas, self.scoring) * unit
        else:
            errors = solvers.held_out_errors(splits, alphas, self.scoring, unit / len(unit))
        alpha = alphas[errors.argmin(dim=0)]
        self.cv_errors_, self.alpha_ = errors.numpy(), alpha.numpy()[()]
        return self._keep(problem.fit(alpha))

    def _check_alphas(self):
        if self.alphas is None:
            return np.logspace(-2, 5, 15)
        alphas = np.array(self.alphas, dtype=np.float64)
        if alphas.ndim != 1 or not len(alphas) or not (np.isfinite(alphas) & (alphas > 0)).all():
            raise ValueError(
                f"alphas must be a list of positive numbers, got {self.alphas!r}. For no penalty "
                "use LeastSquaresRegressor."
            )
        return alphas

    def _splits(self, profiles, X_val, y_val):
        """Pairs of training and held-out profiles; None for generalised cross-validation."""
        if X_val is not None or y_val is not None:
            validation = self._validation_data(X_val, y_val)
            return [(profiles, solvers.Profiles.all(*map(to_tensor, validation)))]
        if self.cv is None:
            return None
        splits = []
        for split in check_cv(self.cv).split(profiles.X, profiles.Y):
            check_split(*split, len(profiles.X))
            splits.append(tuple(profiles.take(torch.as_tensor(rows)) for rows in split))
        if not all(part.weights().any() for split in splits for part in split):
            raise ValueError(
                "A split of cv has no profile of positive weight to train on, or to hold out. "
                "Use fewer or other splits."
            )
        return splits

    def _generalized_errors(self, problem, alphas):
        if self.scoring == "mae":
            raise ValueError(
                "scoring='mae' has no closed form: set cv=5, for instance, or pass X_val and "
                "y_val to fit."
            )
        errors = problem.generalized_errors(alphas)
        if errors.isinf().any():
            raise ValueError(
                f"The weights sum to {problem.n:.3g}, too little for generalised "
                f"cross-validation of alpha={alphas[errors.isinf().any(dim=1)].max():.3g}, whose "
                "fit has no degrees of freedom left. Scale sample_weight up if it does not "
                "count profiles, leave out small alphas, or set cv=5, for instance."
            )
        return errors
