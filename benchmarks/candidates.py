"""The candidates among which the accuracy benchmark selects, on validation profiles.

Shallow methods have those of the command line. Nets have a few around their published setting, of
a size that data sets of thousands of profiles allow. None was chosen by looking at test profiles.
"""

from functools import partial

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
    "densenet": [
        partial(_DENSENET, max_epochs=50),
        partial(_DENSENET, max_epochs=50, activation="silu", input_dropout=0.05),
        partial(
            _DENSENET, hidden_units=500, max_epochs=100, activation="silu", input_dropout=0.05
        ),
    ],
}


def candidates(method, gene_scaling):
    """Unfitted candidates of a method, all with the same gene scaling."""
    if method in _NETS:
        return [make(gene_scaling=gene_scaling) for make in _NETS[method]]
    return make_candidates(method, gene_scaling=gene_scaling)


__all__ = ["METHODS", "candidates"]
