"""The methods that the command line and the benchmarks compare, with their candidates."""

from functools import partial

import numpy as np

from skgex import inference, multitask

_GRIDS = {
    "least_squares": [inference.LeastSquaresRegressor],
    # Chosen by the error that all methods are judged by; cv serves where no validation is given.
    "ridge": [
        partial(inference.RidgeRegressorCV, alphas=np.logspace(-1, 5, 13), cv=5, scoring="mae")
    ],
    "lasso": [partial(inference.LassoRegressor, alpha=a) for a in np.logspace(-2.5, -0.5, 5)],
    "kernel_ridge": [inference.KernelRidgeRegressor],
    "knn": [partial(inference.KNNRegressor, n_neighbors=k) for k in (5, 10, 20, 50)],
    "knn_gene": [partial(inference.KNNGeneRegressor, n_neighbors=k) for k in (1, 5, 20)],
    "dgex": [inference.DGEXRegressor],
    "densenet": [inference.DenseNetRegressor],
    "ggan": [inference.GGANRegressor],
    # Without its generators, which cost most of the time and from which nothing is inferred.
    "semigan": [partial(inference.SemiGANRegressor, lambda_gx=0.0, lambda_gy=0.0, lambda_gxy=0.0)],
    "lsmtl": [multitask.DeepLSMTLRegressor],
    "gomtl": [multitask.DeepGOMTLRegressor],
    "cnmtl": [multitask.DeepCNMTLRegressor],
    "amtl": [multitask.DeepAMTLRegressor],
    "amtfl": [multitask.DeepAMTFLRegressor],
}

METHODS = tuple(_GRIDS)

#: Methods by what they can do, quick first: the default of `skgex compare`.
DEFAULT_METHODS = ("ridge", "knn", "kernel_ridge", "dgex", "densenet")


def make_candidates(name, *, gene_scaling="standard", random_state=0, **params):
    """Return the unfitted candidates of a method.

    Parameters
    ----------
    name : str
        One of `METHODS`.
    gene_scaling : {"standard", "rank-gaussian"} or None
        The same for every method, since it moves accuracy more than the method does.
    random_state : int
        For the methods that draw random numbers.
    **params
        Further parameters, set on the candidates that have them.

    Returns
    -------
    list of estimators
    """
    if name not in _GRIDS:
        raise ValueError(f"There is no method {name!r}. Choose among: {', '.join(METHODS)}.")
    params = {"gene_scaling": gene_scaling, "random_state": random_state, **params}
    candidates = []
    for make in _GRIDS[name]:
        estimator = make()
        known = estimator.get_params()
        candidates.append(estimator.set_params(**{k: v for k, v in params.items() if k in known}))
    return candidates
