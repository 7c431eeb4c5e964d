"""Lasso: a few landmark genes for every target gene."""

import warnings
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning

# scikit-learn's descent on a Gram matrix. It is private, but the public ``lasso_path`` around it
# spends more time on checks than the small problems below take; imported and called only here.
from sklearn.linear_model._cd_fast import enet_coordinate_descent_gram
from sklearn.utils._param_validation import Interval
from sklearn.utils.parallel import Parallel, delayed

from skgex import _solvers as solvers
from skgex._training import float64_device
from skgex.inference._linear import LinearRegressor

# Targets whose correlations with the features are held at once, and targets of one task.
_TARGETS, _PART = 1024, 64
# A working set starts with so many features and then holds twice those in use; it is left after
# so many sweeps to see whether other features should enter.
_WORKING_SET = 64
_SWEEPS = 100


class LassoRegressor(LinearRegressor):
    """Least squares with an L1 penalty: every target gene is inferred from few landmark genes.

    Minimises ``(1 / 2n) ‖y − Xw − b‖² + α‖w‖₁`` for every target gene, as
    :class:`sklearn.linear_model.Lasso` does. All targets share one Gram matrix. On a CPU each is
    solved by scikit-learn's coordinate descent on a working set of landmarks, which grows until
    the duality gap over all landmarks is small; on a GPU all targets take accelerated proximal
    gradient steps together.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=0.02
        Strength of the penalty, for all targets or each, in units of scaled genes: with "standard"
        scaling the weights are zero from 1 on.
    gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of inputs and targets, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`.
    max_iter : int, default=5000
        Most sweeps through the working sets (or gradient steps) of a target.
    tol : float, default=1e-4
        A target is solved when its duality gap is at most ``tol * ‖y‖² / n``.
    n_jobs : int or None, default=None
        Threads for the descent on a CPU; None is 1, -1 is one for every core.
    device : str or None, default=None
        None takes the fastest of cuda and cpu.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_landmarks) or (n_landmarks,)
        Weights between scaled genes.
    intercept_ : ndarray of shape (n_targets,) or float
    dual_gap_ : ndarray of shape (n_targets,) or float
        Duality gaps, in units of the objective.
    n_iter_ : ndarray of shape (n_targets,) or int
        Sweeps or gradient steps taken for every target.
    x_scaler_, y_scaler_ : GeneScaler
    device_ : str
    n_features_in_, n_outputs_ : int
    feature_names_in_, target_names_ : ndarray of str
        Gene names, when ``X`` and ``y`` are tables.

    References
    ----------
    Fercoq, O., Gramfort, A., Salmon, J. (2015). Mind the duality gap: safer rules for the lasso.
    ICML.
    Massias, M., Gramfort, A., Salmon, J. (2018). Celer: a fast solver for the lasso with dual
    extrapolation. ICML.

    Examples
    --------
    >>> from skgex import LassoRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> model = LassoRegressor(alpha=0.1).fit(X, Y)
    >>> model.coef_.shape
    (30, 20)
    >>> bool((model.coef_ == 0).any())
    True
    """

    _parameter_constraints: dict = {
        **LinearRegressor._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="neither"), "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "device": [str, torch.device, None],
    }

    def __init__(
        self,
        alpha=0.02,
        *,
        gene_scaling="standard",
        max_iter=5000,
        tol=1e-4,
        n_jobs=None,
        device=None,
    ):
        self.alpha = alpha
        self.gene_scaling = gene_scaling
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.device = device

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Find the weights of all targets.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_landmarks)
            Measured genes.
        y : array-like or torch.Tensor of shape (n_profiles, n_targets) or (n_profiles,)
            Target genes. Rows that are all NaN mark unlabelled profiles, which only take part in
            the scaling of ``X``.
        sample_weight : array-like of shape (n_profiles,), default=None
            A weight of 2 counts a profile twice.

        Returns
        -------
        self

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` ends before every duality gap is small.

        Raises
        ------
        ValueError
            If a row of ``y`` is partly NaN, no row is labelled, or ``alpha`` does not fit ``y``.
        """
        X, Y, weight = self._scaled_profiles(X, y, sample_weight)
        alpha = torch.from_numpy(self._alphas())
        device = float64_device(self.device)
        sums = solvers.GramSums.of(*(t if t is None else t.to(device) for t in (X, Y, weight)))
        scale = torch.ones_like(sums.yy)
        if self.gene_scaling == "standard":
            scale = solvers.scale_of(sums.yy, sums.n)
        xty = (sums.xy / scale).T.contiguous() / sums.n
        y_norm = sums.yy / scale.square() / sums.n
        problem = (sums.xx / sums.n, xty, y_norm, alpha.to(device))
        stop = dict(tol=self.tol, max_iter=self.max_iter)
        if device.type == "cpu":
            solution = _coordinate_descent(*problem, **stop, n_jobs=self.n_jobs)
        else:
            solution = solvers.lasso_proximal_gradient(*problem, **stop)
        coef, gap, n_iter = (t.cpu() for t in solution)
        x_mean, y_mean, y_norm, scale = (
            t.cpu() for t in (sums.x_mean, sums.y_mean, y_norm, scale)
        )
        self._keep(solvers.LinearFit((coef * scale[:, None]).T.to(Y.dtype), x_mean, y_mean, scale))
        self.dual_gap_, self.n_iter_ = gap.numpy(), n_iter.numpy()
        if self._y_ndim == 1:
            self.dual_gap_, self.n_iter_ = self.dual_gap_.item(), self.n_iter_.item()
        self.device_ = str(device)
        unsolved = int((gap > self.tol * y_norm).sum())
        if unsolved:
            warnings.warn(
                f"{unsolved} of {self.n_outputs_} targets have a duality gap above tol="
                f"{self.tol} after max_iter={self.max_iter} iterations. Raise max_iter, tol or "
                "alpha.",
                ConvergenceWarning,
            )
        return self

    def _alphas(self):
        alpha = np.asarray(self.alpha, dtype=np.float64)
        if alpha.shape not in [(), (self.n_outputs_,)]:
            raise ValueError(
                f"alpha has shape {alpha.shape}, but y has {self.n_outputs_} targets. "
                "Pass one alpha, or one for every target."
            )
        if not (np.isfinite(alpha) & (alpha > 0)).all():
            raise ValueError(
                f"alpha must be positive and finite, but its smallest value is {alpha.min()}. "
                "Without a penalty use LeastSquaresRegressor."
            )
        return np.broadcast_to(alpha, self.n_outputs_).copy()


def _coordinate_descent(gram, xty, y_norm, alpha, *, tol, max_iter, n_jobs):
    """Solve all targets on working sets, in threads; see `solvers.lasso_proximal_gradient`."""
    coef = torch.zeros(xty.shape, dtype=torch.float64)
    gap, n_iter = torch.empty_like(y_norm), torch.zeros(len(xty), dtype=torch.int64)
    descend = delayed(_WorkingSets(gram, y_norm, alpha, coef, n_iter, tol, max_iter))
    with Parallel(n_jobs, require="sharedmem") as parallel, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # sweeps are few on purpose
        for active in torch.arange(len(xty)).split(_TARGETS):
            while len(active):
                q = gradient = xty[active]
                if n_iter[active[0]] > 0:  # before that all coefficients are zero
                    gradient = q - coef[active] @ gram
                gap[active] = solvers.lasso_gap(
                    coef[active], gradient, q, y_norm[active], alpha[active]
                )
                unsolved = (gap[active] > tol * y_norm[active]) & (n_iter[active] < max_iter)
                active = active[unsolved]
                parts = (t.split(_PART) for t in (active, gradient[unsolved], q[unsolved]))
                parallel(descend(*(t.numpy() for t in part)) for part in zip(*parts, strict=True))
    return coef, gap, n_iter


class _WorkingSets:
    """One visit to the working sets of some targets, in place in ``coef`` and ``n_iter``."""

    def __init__(self, gram, y_norm, alpha, coef, n_iter, tol, max_iter):
        arrays = (gram, y_norm.sqrt(), alpha, coef, n_iter)
        self.gram, self.y, self.alpha, self.coef, self.n_iter = (t.numpy() for t in arrays)
        self.tol, self.max_iter = tol, max_iter
        self.rng = np.random.RandomState(0)  # cyclic descent asks for one without using it

    def __call__(self, targets, gradients, qs):
        n_features = len(self.gram)
        for t, gradient, q in zip(targets, gradients, qs, strict=True):
            w = self.coef[t]
            # Features in use stay; those that correlate most with the residual join them.
            rank = np.where(w != 0, np.inf, np.abs(gradient))
            size = min(n_features, max(_WORKING_SET, 2 * np.count_nonzero(w)))
            chosen = np.argpartition(rank, n_features - size)[n_features - size :]
            w[chosen], *_, n_sweeps = enet_coordinate_descent_gram(
                w[chosen],
                self.alpha[t],
                0.0,
                self.gram.take(chosen, axis=0).take(chosen, axis=1),
                q[chosen],
                self.y[t : t + 1],  # only its norm counts
                min(_SWEEPS, self.max_iter - self.n_iter[t]),
                self.tol,
                self.rng,
            )
            self.n_iter[t] += max(1, n_sweeps)
