"""The candidates among which the accuracy benchmark selects, on validation profiles.

Shallow methods have those of the command line. Nets have a few around their published setting, of
a size that data sets of thousands of profiles allow. The benchmark itself never selects on test
profiles; but what is worth a candidate (SiLU, dropped inputs, widths, rates) is known from earlier
trials on other splits of `tcga_pan13_zscore`, whose test errors had been seen.
"""

from functools import partial

import numpy as np
import torch
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, StandardScaler

import skgex
from skgex._solvers import RelevanceKernelRidge
from skgex._training import forked_rng, resolve_precision
from skgex.base import ProfileRegressor
from skgex.cli._methods import METHODS, make_candidates
from skgex.inference._teacher import Teacher

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


# One base net, the default one, for all multi-task methods; and a wider one with more dropout.
_BASE = dict(hidden_units=500, dropout=0.25, max_epochs=100, patience=30)
_LSMTL = partial(skgex.DeepLSMTLRegressor, **_BASE)
_INFERRED = partial(_LSMTL, form="inferred", reconstruction_loss="squared", show_landmarks=False)
_GOMTL = partial(skgex.DeepGOMTLRegressor, **_BASE)
_CNMTL = partial(skgex.DeepCNMTLRegressor, **_BASE)
_AMTL = partial(skgex.DeepAMTLRegressor, **_BASE)
_AMTFL = partial(skgex.DeepAMTFLRegressor, **_BASE)
_NETS |= {
    "base_net": [partial(skgex.DenseNetRegressor, **_BASE)],
    "base_net_wide": [partial(skgex.DenseNetRegressor, **_GENERATOR)],
    "lsmtl": [_LSMTL],
    "lsmtl_wide": [partial(skgex.DeepLSMTLRegressor, **_GENERATOR)],
    "gomtl": [partial(_GOMTL, mu=mu, lambda_shared=mu) for mu in (1e-4, 1e-3)],
    "cnmtl": [
        partial(_CNMTL, lambda_mean=w / 10, lambda_between=w / 10, lambda_within=w)
        for w in (1e-2, 1e-1)
    ],
    "amtl": [_AMTL],
    "amtfl": [partial(_AMTFL, gamma=w) for w in (1e-2, 1e-1)],
    "lsmtl_published_form": [partial(_INFERRED, lambda_mtl=0.1, mask_share=0.1)],
    "lsmtl_both": [partial(_INFERRED, form="both", lambda_mtl=0.1)],
    "lsmtl_squared": [partial(_LSMTL, reconstruction_loss="squared")],
    "lsmtl_no_landmarks": [partial(_LSMTL, show_landmarks=False)],
}
_NETS |= {f"lsmtl_lambda_{w}": [partial(_LSMTL, lambda_mtl=w)] for w in (0.1, 1.0)}
_NETS |= {f"lsmtl_mask_{m}": [partial(_LSMTL, mask_share=m)] for m in (0.1, 0.25, 0.75, 0.9)}
_NETS |= {f"lsmtl_k_{k}": [partial(_LSMTL, subnetwork_units=k)] for k in (100, 250, 1000, 2000)}


class LabelledOnly(MetaEstimatorMixin, BaseEstimator):
    """Show the estimator labelled profiles again and again in place of the unlabelled ones."""

    def __init__(self, estimator, random_state=None):
        self.estimator = estimator
        self.random_state = random_state

    def fit(self, X, y, X_val=None, y_val=None):
        n_unlabelled = np.isnan(y).any(axis=1).sum()
        labelled = ~np.isnan(y).any(axis=1)
        X, y = X[labelled], y[labelled]
        self.estimator_ = clone(self.estimator).set_params(random_state=self.random_state)
        # As many, so that training is as long.
        known = np.resize(np.arange(len(X)), n_unlabelled)
        self.estimator_.fit(X, y, X_unlabeled=X[known], X_val=X_val, y_val=y_val)
        return self

    def predict(self, X):
        return self.estimator_.predict(X)


class TunedKernelsRegressor(ProfileRegressor):
    """SemiGAN's teacher without its autoencoder: the landmarks are its only view."""

    def __init__(self, *, gene_scaling="standard"):
        self.gene_scaling = gene_scaling

    def fit(self, X, y):
        data = self._training_data(X, y)
        X, Y = (torch.from_numpy(A).float() for A in (data.X, data.Y))
        self.kernel_ridge_ = RelevanceKernelRidge([X], Y)
        return self

    def _predict_scaled(self, X):
        return self.kernel_ridge_([torch.from_numpy(X).float()]).numpy()


class TeacherRegressor(ProfileRegressor):
    """SemiGAN's teacher, asked directly."""

    def __init__(self, *, gene_scaling="standard", random_state=0):
        self.gene_scaling = gene_scaling
        self.random_state = random_state

    def fit(self, X, y):
        data = self._training_data(X, y)
        X, Y, U = (torch.from_numpy(A).float() for A in (data.X, data.Y, data.X_unlabeled))
        generator = torch.Generator().manual_seed(self.random_state)
        with forked_rng(self.random_state, torch.device("cpu")):
            precision = resolve_precision("auto", X.device, units=500)
            self.teacher_ = Teacher(torch.cat([X, U]), X, Y, generator, precision=precision)
        return self

    def _predict_scaled(self, X):
        return self.teacher_(torch.from_numpy(X).float()).numpy()


# F does not depend on the generators as long as it learns from no synthetic pairs.
_NO_GENERATORS = dict(lambda_gx=0.0, lambda_gy=0.0, lambda_gxy=0.0)
_SHORT = dict(patience=30, max_epochs=30)  # enough for the thousands of profiles of an epoch
_SEMIGAN = partial(skgex.SemiGANRegressor, **_SHORT, **_NO_GENERATORS)
_WITH_GENERATORS = partial(skgex.SemiGANRegressor, **_SHORT)
_NETS |= {
    "semigan": [_SEMIGAN],
    "semigan_100_epochs": [partial(_SEMIGAN, max_epochs=100)],  # where all profiles are labelled
    "semigan_labels_alone": [partial(_SEMIGAN, teacher=None, lambda_cons=0.0)],
    "semigan_no_unlabelled": [
        lambda gene_scaling: LabelledOnly(_SEMIGAN(gene_scaling=gene_scaling))
    ],
    "semigan_no_consistency": [partial(_SEMIGAN, lambda_cons=0.0)],
    "semigan_no_teacher": [partial(_SEMIGAN, teacher=None)],
    "semigan_synthetic": [partial(_WITH_GENERATORS, lambda_syn=0.1)],
    "semigan_synthetic_uniform": [
        partial(_WITH_GENERATORS, lambda_syn=1.0, synthetic_weights="uniform")
    ],
    "semigan_published_objective": [
        partial(_WITH_GENERATORS, teacher=None, lambda_syn=1.0, synthetic_weights="uniform")
    ],
    "teacher": [TeacherRegressor],
    "teacher_no_autoencoder": [TunedKernelsRegressor],
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
