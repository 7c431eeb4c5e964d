"""The candidates among which benchmarks select, method by method, on validation profiles.

Every method gets a comparable number of candidates, around its published setting. None was chosen
by looking at test profiles.
"""

from functools import partial

import numpy as np

import skgex

NET = dict(early_stopping=True, patience=30)


def _grid(cls, *settings):
    """A function from common parameters to one estimator per setting."""
    return lambda **common: [cls(**setting, **common) for setting in settings]


CANDIDATES = {
    "least_squares": _grid(skgex.LeastSquaresRegressor, {}),
    "ridge": _grid(skgex.RidgeRegressorCV, dict(alphas=np.logspace(-1, 5, 13))),
    "lasso": _grid(skgex.LassoRegressor, *(dict(alpha=a) for a in (0.003, 0.01, 0.03, 0.1))),
    "kernel_ridge": _grid(skgex.KernelRidgeRegressor, {}),
    "knn": _grid(skgex.KNNRegressor, *(dict(n_neighbors=k) for k in (5, 10, 20, 50))),
    "knn_gene": _grid(skgex.KNNGeneRegressor, *(dict(n_neighbors=k) for k in (1, 5, 20))),
    "dgex": _grid(
        partial(skgex.DGEXRegressor, hidden_units=1000, max_epochs=200, **NET),
        dict(n_hidden_layers=1, dropout=0.1),
        dict(n_hidden_layers=2, dropout=0.1),
        dict(n_hidden_layers=1, dropout=0.1, optimizer="adam", lr=3e-4, max_epochs=60),
        dict(n_hidden_layers=1, dropout=0.25, optimizer="adam", lr=3e-4, max_epochs=60),
    ),
    "densenet": _grid(
        partial(skgex.DenseNetRegressor, **NET),
        dict(hidden_units=1000, max_epochs=50),
        dict(hidden_units=1000, max_epochs=50, activation="silu", input_dropout=0.05),
        dict(hidden_units=500, max_epochs=100, activation="silu", input_dropout=0.05),
    ),
}
