"""Kernel ridge regression: the smoothest function of the landmark genes."""

from functools import partial
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _solvers as solvers
from skgex import _training as training
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
    left out.

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
        device = training.double_device(self.device)
        to = partial(torch.as_tensor, dtype=torch.float64, device=device)
        weight = np.ones(len(data.X)) if data.weight is None else data.weight
        X, Y, weight = (to(a[weight > 0]) for a in (data.X, data.Y, weight))
        intercept = weight @ Y / weight.sum()
        self.gamma_ = self._gamma(X, weight)
        basis = self._basis(X, len(alphas))
        validation = None
        if data.X_val is not None:
            validation = to(data.X_val), to(data.Y_val) - intercept
        dual, self.alpha_, scores = solvers.kernel_ridge(
            self._kernel,
            X,
            Y - intercept,
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
