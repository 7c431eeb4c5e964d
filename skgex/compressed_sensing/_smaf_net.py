"""SMAF, and a net that corrects the profiles it decodes."""

from copy import copy
from functools import partial
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _losses as losses
from skgex import _training as training
from skgex._nets import ACTIVATIONS, MLP
from skgex.base import NetRegressor, fill_docstring
from skgex.compressed_sensing._selection import held_out
from skgex.compressed_sensing._smaf import SMAFRegressor

_NET = {
    "hidden_units": [Interval(Integral, 1, None, closed="left")],
    "n_hidden_layers": [Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "lr": [Interval(Real, 0, None, closed="neither")],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "device": [str, torch.device, None],
    "verbose": ["verbose"],
}


@fill_docstring
class SMAFNetRegressor(SMAFRegressor):
    """Profiles from measurements, by sparse modules of genes and a net that corrects them.

    Minimises ``mean_i ‖x_i − g(x̂_i)‖²`` over a multi-layer perceptron g from genes to genes, where
    x̂ is what :class:`SMAFRegressor` decodes from the measurement of the training profile x; the
    profile behind a new measurement is ``g(x̂)``. Another measurement needs neither other modules
    nor another net, though the net knows the errors of the first best.
    ``SMAFNetRegressor.published(A)`` is the published pipeline.

    Parameters
    ----------
    %(measurement)s
    hidden_units : int, default=500
        Units of each hidden layer.
    n_hidden_layers : int, default=3
        Number of hidden layers.
    activation : {"relu", "tanh", "leaky_relu", "silu"}, default="relu"
        Of the hidden layers.
    skip_connection : bool, default=False
        Let g be ``x̂`` plus the perceptron, instead of the perceptron alone: better the more there
        is measured.
    dropout : float, default=0
        Share of hidden outputs zeroed while training.
    lr : float, default=1e-3
        Learning rate of Adam, which falls linearly to a hundredth.
    max_epochs : int, default=60
        A tenth of the profiles is held out; the epoch with the lowest error on them is kept, and
        training stops after 20 epochs without a lower one.
    batch_size : int, default=200
    cv : int, splitter, iterable of splits or None, default=None
        None, as published, decodes training profiles by the modules learned from them. With
        splits of the labelled profiles, those held out are decoded by modules learned from the
        others, which takes a fit of SMAF for each; an int splits them at random, or by whole
        groups if ``fit`` is given them.
    %(smaf)s
    %(decode)s
    %(noise)s
    %(range_scaling)s
    %(memory)s
    device : str or None, default=None
        Of the net; None takes the fastest of cuda, mps and cpu.
    random_state : int, RandomState instance or None, default=None
    verbose : bool or int, default=False
        Show a progress bar.

    Attributes
    ----------
    dictionary_ : SMAF
    net_ : estimator
        The perceptron, between genes in the scale of the modules; it has ``module_``,
        ``history_`` and so on, as every net.
    n_active_, alpha_ : int and float
        For "omp" and for "lasso".
    %(measured)s

    See Also
    --------
    skgex.ensemble.ResidualRegressor : Adds what a net learns of a decoder's errors.

    References
    ----------
    Cleary, B., Cong, L., Cheung, A., Lander, E. S., Regev, A. (2017). Efficient generation of
    transcriptomic profiles by random composite measurements. Cell 171(6).

    Examples
    --------
    >>> from skgex import CompositeMeasurement, SMAFNetRegressor, make_expression
    >>> from sklearn.pipeline import make_pipeline
    >>> profiles = make_expression(200, 20, 80, random_state=0)[0].X
    >>> decoder = SMAFNetRegressor(n_modules=20, hidden_units=50, max_epochs=5, random_state=0)
    >>> decoder = make_pipeline(CompositeMeasurement(30, random_state=0), decoder)
    >>> decoder.fit(profiles, profiles).predict(profiles).shape
    (200, 100)
    """

    _parameter_constraints: dict = {
        **SMAFRegressor._parameter_constraints,
        **_NET,
        "skip_connection": ["boolean"],
        "cv": ["cv_object"],
    }

    def __init__(
        self,
        measurement_matrix=None,
        *,
        hidden_units=500,
        n_hidden_layers=3,
        activation="relu",
        skip_connection=False,
        dropout=0.0,
        lr=1e-3,
        max_epochs=60,
        batch_size=200,
        cv=None,
        n_modules=None,
        n_nonzero=5,
        tolerance=0.2,
        relative_to="centred",
        n_nonzero_min=None,
        module_size_min=0,
        n_rounds=10,
        decode="factor",
        n_active=None,
        alpha=None,
        residual=True,
        normalize=True,
        noise="estimate",
        gene_scaling="range",
        memory=None,
        device=None,
        random_state=None,
        verbose=False,
    ):
        super().__init__(
            measurement_matrix,
            n_modules=n_modules,
            n_nonzero=n_nonzero,
            tolerance=tolerance,
            relative_to=relative_to,
            n_nonzero_min=n_nonzero_min,
            module_size_min=module_size_min,
            n_rounds=n_rounds,
            decode=decode,
            n_active=n_active,
            alpha=alpha,
            residual=residual,
            normalize=normalize,
            noise=noise,
            gene_scaling=gene_scaling,
            memory=memory,
            random_state=random_state,
        )
        self.hidden_units = hidden_units
        self.n_hidden_layers = n_hidden_layers
        self.activation = activation
        self.skip_connection = skip_connection
        self.dropout = dropout
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.cv = cv
        self.device = device
        self.verbose = verbose

    def _learn(self, data, groups):
        super()._learn(data, groups)
        self._decoding["skip_connection"] = self.skip_connection
        if self.cv is None:
            decoded, true = self._decoded(data.X), data.Y
        else:
            folds = held_out(self.cv, len(data.X), groups)
            parts = [self._decoded_apart(data, groups, *fold) for fold in folds]
            decoded, true = map(np.concatenate, zip(*parts, strict=True))
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        params = {name: getattr(self, name) for name in _NET}
        asked = true - decoded if self.skip_connection else true
        self.net_ = _ProfileNet(**params, random_state=seed).fit(decoded, asked)

    def _decoded(self, Z):
        """What the modules alone make of measurements."""
        return super()._make_decoder()(torch.from_numpy(Z)).numpy()

    def _decoded_apart(self, data, groups, train, test):
        """The same of those that were not among the profiles learned from, and the true ones."""
        other = copy(self)
        groups = None if groups is None else groups[train]
        SMAFRegressor._learn(other, data._replace(X=data.X[train], Y=data.Y[train]), groups)
        return other._decoded(data.X[test]), data.Y[test]

    def _make_decoder(self):
        skip_connection = self._decoding["skip_connection"]
        return partial(_corrected, super()._make_decoder(), self.net_, skip_connection)


def _corrected(decode, net, skip_connection, Z):
    decoded = decode(Z)
    found = torch.from_numpy(net.predict(decoded.numpy()))
    return decoded + found if skip_connection else found


class _ProfileNet(NetRegressor):
    """A multi-layer perceptron from decoded profiles to true ones."""

    _parameter_constraints: dict = {**NetRegressor._parameter_constraints, **_NET}
    # What is not asked of the user.
    gene_scaling, precision = "standard", "auto"
    validation_fraction, early_stopping, patience = 0.1, True, 20
    warm_start, checkpoint = False, None

    def __init__(
        self,
        hidden_units,
        n_hidden_layers,
        activation,
        dropout,
        lr,
        max_epochs,
        batch_size,
        device,
        verbose,
        random_state,
    ):
        self.hidden_units = hidden_units
        self.n_hidden_layers = n_hidden_layers
        self.activation = activation
        self.dropout = dropout
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def _make_module(self, n_inputs, n_outputs):
        return MLP(
            n_inputs,
            n_outputs,
            (self.hidden_units,) * self.n_hidden_layers,
            activation=self.activation,
            dropout=self.dropout,
            output_init="small",
        )

    def _make_net(self, module, params):
        params["criterion"] = losses.squared_error
        return training.SupervisedNet(module, **params)

    def _schedule(self):
        return [("lr", training.LinearDecay(final_ratio=0.01))]
