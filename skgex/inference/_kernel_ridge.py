"""Kernel ridge regression: the smoothest function of the landmark genes."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _solvers as solvers
from skgex._training import float64_device, present_device
from skgex.base import ProfileRegressor

_KERNELS = {"rbf": solvers.rbf_kernel, "linear": solvers.linear_kernel}
_DEFAULT_PATH = np.logspace(-3, 2, 11)
# Matrices as large as the kernel that a fit holds at once: of one alpha, of a path.
_COPIES = {True: 2, False: 4}
_MAX_COMPONENTS = 2000


class KernelRidgeRegressor(ProfileRegressor):
    """Ridge regression in the function space of a kernel.

    Minimises ``Σ_i ‖f(x_i) − (y_i − ȳ)‖² + α‖f‖²`` over functions
    ``f(x) = Σ_i c_i exp(−γ‖x − x_i‖²)`` of the scaled landmark genes, for all target genes
    together: similar profiles get similar targets, whatever the shape of the relation. Where the
    kernel between all profiles exceeds ``max_memory``, ``f`` is a combination of the kernels of
    ``n_components`` random profiles (Nyström), still fitted to all.

    Parameters
    ----------
    alpha : float, array-like or None, default=None
        Strength of the penalty. Of several, the one with the smallest squared error (scaled genes)
        on ``X_val`` is taken, or, without validation profiles, in leave-one-out; all share one
        eigendecomposition. A single one takes one Cholesky factorisation, which is several times
        cheaper. None is the path ``np.logspace(-3, 2, 11)``.
    kernel : {"rbf", "linear"}, default="rbf"
    gamma : {"mean-distance", "scale"}, float or None, default="mean-distance"
        Of the RBF kernel. "mean-distance" is the inverse of the mean squared distance between two
        training profiles, "scale" is ``1 / (n_landmarks * X.var())`` as in
        :class:`sklearn.svm.SVR`, None is ``1 / n_landmarks`` as in
        :class:`sklearn.kernel_ridge.KernelRidge`; the first is the widest of the three, by a
        factor of two on standardised genes.
    gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of inputs and targets, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`.
    approximation : {"auto", "exact", "nystroem"}, default="auto"
        "auto" is exact while the fit stays within ``max_memory``.
    n_components : int or None, default=None
        Profiles of the Nyström basis; None takes as many as ``max_memory`` allows, at most 2,000.
    max_memory : float, default=2e9
        Bytes for the kernel and its factorisation (four float64 matrices of its size for a path
        of ``alpha``, two for a single one), and, a tenth of it, for blocks of other profiles.
    device : str or None, default=None
        None takes the fastest of cuda and cpu.
    random_state : int, RandomState instance or None, default=None
        Of the Nyström basis.

    Attributes
    ----------
    alpha_ : float
        The penalty in use.
    alphas_, alpha_scores_ : ndarray of shape (n_alphas,)
        The path and its mean squared leave-one-out or validation errors; only for a path.
    gamma_ : float
    X_fit_ : ndarray of shape (n_basis, n_landmarks)
        Scaled profiles that span ``f``: all labelled ones, or the Nyström basis.
    dual_coef_ : ndarray of shape (n_basis, n_targets)
    intercept_ : ndarray of shape (n_targets,)
        Mean of the scaled targets.
    approximation_ : {"exact", "nystroem"}
    x_scaler_, y_scaler_ : GeneScaler
    device_ : str
    n_features_in_, n_outputs_ : int
    feature_names_in_, target_names_ : ndarray of str
        Gene names, when ``X`` and ``y`` are tables.

    Notes
    -----
    Leave-one-out keeps the scaling and the mean of all profiles, which differ from those of the
    others by ``O(1/n)``. A profile of weight above 1 counts as so many copies, of which one is
    left out. For float32 data the errors of the path are computed in float32, the solution in
    float64.

    References
    ----------
    Williams, C., Seeger, M. (2001). Using the Nyström method to speed up kernel machines. NeurIPS.
    Rifkin, R., Lippert, R. (2007). Notes on regularized least squares. MIT-CSAIL-TR-2007-025.

    Examples
    --------
    >>> from skgex import KernelRidgeRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> model = KernelRidgeRegressor().fit(X, Y)
    >>> model.predict(X).shape, model.approximation_
    ((200, 30), 'exact')
    """

    _parameter_constraints: dict = {
        **ProfileRegressor._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "kernel": [StrOptions(set(_KERNELS))],
        "gamma": [
            StrOptions({"mean-distance", "scale"}),
            Interval(Real, 0, None, closed="neither"),
            None,
        ],
        "approximation": [StrOptions({"auto", "exact", "nystroem"})],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "max_memory": [Interval(Real, 0, None, closed="neither")],
        "device": [str, torch.device, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        alpha=None,
        *,
        kernel="rbf",
        gamma="mean-distance",
        gene_scaling="standard",
        approximation="auto",
        n_components=None,
        max_memory=2e9,
        device=None,
        random_state=None,
    ):
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma
        self.gene_scaling = gene_scaling
        self.approximation = approximation
        self.n_components = n_components
        self.max_memory = max_memory
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, X_val=None, y_val=None, sample_weight=None):
        """Choose ``alpha`` and find the dual coefficients.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes.
        y : array-like or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Target genes. Rows that are all NaN mark unlabelled profiles, which only take part in
            the scaling of ``X``.
        X_val, y_val : array-like, default=None
            Validation profiles to choose ``alpha`` by, instead of leave-one-out.
        sample_weight : array-like of shape (n_profiles,), default=None
            A weight of 2 counts a profile twice.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a row of ``y`` is partly NaN, no row is labelled, shapes do not fit, or the exact
            solution is asked for but exceeds ``max_memory``.
        """
        alphas = self._alphas()
        data = self._training_data(X, y, X_val=X_val, y_val=y_val, sample_weight=sample_weight)
        device = float64_device(self.device)
        weight = np.ones(len(data.X)) if data.weight is None else data.weight
        X, Y, weight = (
            torch.as_tensor(a[weight > 0], device=device) for a in (data.X, data.Y, weight)
        )
        weight = weight.double()
        intercept = (weight.to(Y.dtype) / weight.sum()) @ Y
        Y -= intercept
        self.gamma_ = self._gamma(X, weight)
        basis = self._basis(X, len(alphas))
        validation = None
        if data.X_val is not None:
            X_val, Y_val = (torch.as_tensor(a, device=device) for a in (data.X_val, data.Y_val))
            validation = X_val, Y_val - intercept
        dual, self.alpha_, scores = solvers.kernel_ridge(
            self._kernel,
            X,
            Y,
            weight,
            alphas,
            basis=basis,
            validation=validation,
            block_bytes=self._block_bytes(),
        )
        self._keep(X if basis is None else basis, dual, intercept)
        self.approximation_ = "exact" if basis is None else "nystroem"
        self.device_ = str(device)
        if scores is not None:
            self.alphas_, self.alpha_scores_ = np.array(alphas), scores.cpu().numpy()
        return self

    def _alphas(self):
        alphas = _DEFAULT_PATH if self.alpha is None else np.asarray(self.alpha, dtype=np.float64)
        alphas = np.atleast_1d(alphas)
        if alphas.ndim > 1 or not len(alphas) or not (np.isfinite(alphas) & (alphas > 0)).all():
            raise ValueError(
                f"alpha must be one positive number or a list of them, but it is {self.alpha!r}."
            )
        return alphas.tolist()

    def _gamma(self, X, weight):
        """The inverse length scale, from weighted moments of the scaled profiles."""
        if isinstance(self.gamma, Real):
            return float(self.gamma)
        X, share = X.double(), (weight / weight.sum())[:, None]
        if self.gamma == "mean-distance":
            spread = 2 * (share * (X - (share * X).sum(dim=0)).square()).sum()
        elif self.gamma == "scale":
            mean = (share * X).sum() / X.shape[1]
            spread = (share * (X - mean).square()).sum()
        else:
            spread = X.shape[1]
        return 1 / float(spread) if spread > 0 else 1.0

    def _basis(self, X, n_alphas):
        """Random profiles that span the solution, or None for all."""
        n = len(X)
        matrix_bytes = self.max_memory / _COPIES[n_alphas == 1]
        affordable = max(1, int((matrix_bytes / 8) ** 0.5))
        if self.approximation == "exact" and n > affordable:
            raise ValueError(
                f"The exact solution for {n} profiles exceeds max_memory={self.max_memory:g} "
                f"bytes, which {affordable} profiles fill. Raise max_memory, or set "
                "approximation='nystroem'."
            )
        if self.approximation == "exact" or (self.approximation == "auto" and n <= affordable):
            return None
        n_components = self.n_components or min(affordable, _MAX_COMPONENTS)
        random_state = check_random_state(self.random_state)
        chosen = random_state.permutation(n)[: min(n, n_components)]
        return X[torch.from_numpy(np.sort(chosen)).to(X.device)]

    def _kernel(self, A, B):
        return _KERNELS[self.kernel](A, B, self.gamma_)

    def _block_bytes(self):
        return int(self.max_memory / 10)

    def _keep(self, basis, dual, intercept):
        to_host = (t.cpu().numpy().astype(self.dtype_) for t in (basis, dual, intercept))
        self.X_fit_, self.dual_coef_, self.intercept_ = to_host

    def _predict_scaled(self, X):
        device = present_device(self.device_)
        fitted = (self.X_fit_, self.dual_coef_, self.intercept_)
        basis, dual, intercept = (torch.as_tensor(a, device=device) for a in fitted)
        n_rows = max(1, self._block_bytes() // (3 * X.itemsize * sum(dual.shape)))
        chunks = torch.from_numpy(X).split(n_rows)
        Y = [torch.addmm(intercept, self._kernel(c.to(device), basis), dual).cpu() for c in chunks]
        return torch.cat(Y).numpy()
