"""The candidates among which the accuracy benchmark selects, on validation profiles.

Shallow methods have those of the command line. Nets have a few around their published setting, of
a size that data sets of thousands of profiles allow. The benchmark itself never selects on test
profiles; but what is worth a candidate (SiLU, dropped inputs, widths, rates) is known from earlier
trials on other splits of `tcga_pan13_zscore`, whose test errors had been seen.
"""

from functools import partial

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, StandardScaler

import skgex
from skgex.cli._methods import METHODS, make_candidates

_NET = dict(hidden_units=1000, early_stopping=True, patience=30)
_DGEX = partial(skgex.DGEXRegressor, **_NET)
_DENSENET = partial(skgex.DenseNetRegressor, **_NET)

_NETS = {
    "dgex": [
        partial(_DGEX, n_hidden_layers=1, dropout=0.1),
        partial(_DGEX, n_hidden_layers=2, dropout=0.1),
        partial(_DGEX, n_hidden_layers=1, dropout=0.1, optimizer="adam", lr=3e-4, max_epochs=60),
        partial(_DGEX, n_hidden_layers=1, dropout=0.25, optimizer="adam", lr=3e-4, max_epochs=60),
    ],
    # The published net with the other nets' loss: what of their lead is the loss alone?
    "dgex_l1": [
        partial(_DGEX, loss="absolute", optimizer="adam", lr=lr, max_epochs=60, n_hidden_layers=n)
        for lr, n in ((1e-3, 1), (3e-4, 1), (1e-3, 2), (3e-4, 2))
    ],
    "densenet": [
        partial(_DENSENET, max_epochs=50, activation="leaky_relu", input_dropout=0.0),
        partial(_DENSENET, max_epochs=50),
        partial(_DENSENET, max_epochs=100, hidden_units=500),
    ],
}

# One generator for GGAN and all its ablations, so that only the terms differ.
_GENERATOR = dict(hidden_units=700, dropout=0.35, max_epochs=100, patience=30)
_GGAN = partial(skgex.GGANRegressor, **_GENERATOR)
_NETS |= {
    "ggan": [partial(_GGAN, lambda_cons=0.1), partial(_GGAN, lambda_cons=0.03)],
    "ggan_l1_alone": [partial(_GGAN, lambda_adv=0.0, lambda_cons=0.0)],
    "ggan_no_adversarial": [partial(_GGAN, lambda_adv=0.0)],
    "ggan_no_consistency": [partial(_GGAN, lambda_cons=0.0)],
    "ggan_no_mask": [partial(_GGAN, mask_start=0.0)],
    "ggan_strong_adversarial": [partial(_GGAN, lambda_adv=0.2)],
    "ggan_published_weights": [
        partial(_GGAN, adversarial_scale="genes", lambda_adv=0.1, lambda_cons=1.0)
    ],
}

_SCALERS = {
    "standard": StandardScaler(),
    "rank-gaussian": QuantileTransformer(output_distribution="normal"),
    None: FunctionTransformer(),
}


def _sklearn_ridge(gene_scaling):
    """The peer of `ridge`, from scikit-learn's parts alone."""
    scaler = _SCALERS[gene_scaling]
    return [
        TransformedTargetRegressor(make_pipeline(scaler, Ridge(alpha)), transformer=scaler)
        for alpha in np.logspace(-1, 5, 13)
    ]


def candidates(method, gene_scaling):
    """Unfitted candidates of a method, all with the same gene scaling."""
    if method == "sklearn_ridge":
        return _sklearn_ridge(gene_scaling)
    if method in _NETS:
        return [make(gene_scaling=gene_scaling) for make in _NETS[method]]
    return make_candidates(method, gene_scaling=gene_scaling)


__all__ = ["METHODS", "candidates"]
