"""Feed-forward nets from measured genes to inferred genes: the plain MLP and the DenseNet."""

from contextlib import contextmanager
from functools import partial

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

ACTIVATIONS = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "leaky_relu": partial(nn.LeakyReLU, 0.2),
}


class MLP(nn.Module):
    """Multi-layer perceptron: each hidden layer sees the one before it.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Number of measured genes and of inferred genes.
    hidden_units : sequence of int
        Width of each hidden layer; may be empty, which leaves a linear map.
    activation : {"tanh", "relu", "leaky_relu", "silu"}
    normalization : {"batch", "weight", "spectral"} or None
        Batch normalisation between linear map and activation, or weight or spectral normalisation
        of every linear map, the output's too.
    dropout, input_dropout : float
        Share of hidden outputs, and of inputs, that are zeroed while training.
    output_init : {"xavier", "small"} or float
        "small" draws the output weights from U(±1e-4) as D-GEX does; a number is the bound.
    """

    def __init__(
        self,
        n_inputs,
        n_outputs,
        hidden_units,
        *,
        activation="tanh",
        normalization=None,
        dropout=0.0,
        input_dropout=0.0,
        output_init="xavier",
    ):
        super().__init__()
        self.config = dict(
            n_inputs=n_inputs,
            n_outputs=n_outputs,
            hidden_units=tuple(hidden_units),
            activation=activation,
            normalization=normalization,
            dropout=dropout,
            input_dropout=input_dropout,
            output_init=output_init,
        )
        self.input_dropout = nn.Dropout(input_dropout)
        self.hidden = nn.ModuleList()
        width = n_inputs
        for units in hidden_units:
            linear = _linear(width, units, normalization, bias=normalization != "batch")
            norm = nn.BatchNorm1d(units) if normalization == "batch" else nn.Identity()
            self.hidden.append(
                nn.Sequential(linear, norm, ACTIVATIONS[activation](), nn.Dropout(dropout))
            )
            width = self._next_width(width, units)
        bound = {"xavier": None, "small": 1e-4}.get(output_init, output_init)
        self.output = _linear(width, n_outputs, normalization, bound=bound)

    def __reduce__(self):
        # Parametrised layers (weight and spectral normalisation) cannot be pickled; this can.
        frozen = [name for name, p in self.named_parameters() if not p.requires_grad]
        return _rebuild, (type(self), self.config, self.state_dict(), self.training, frozen)

    @staticmethod
    def _next_width(width, units):
        return units

    def features(self, X):
        """What the output layer sees, (n_profiles, n_features)."""
        H = self.input_dropout(X)
        for layer in self.hidden:
            H = layer(H)
        return H

    def forward(self, X):
        return self.output(self.features(X))


class DenseNet(MLP):
    """Densely connected net: each layer sees the input and all hidden layers before it.

    ``h_{l+1} = σ([x, h_1, …, h_l] W_{l+1})``, and the output layer sees them all too. Parameters
    are those of :class:`MLP`.
    """

    @staticmethod
    def _next_width(width, units):
        return width + units

    def features(self, X):
        H = self.input_dropout(X)
        for layer in self.hidden:
            H = torch.cat([H, layer(H)], dim=1)
        return H


def _rebuild(cls, config, state, training, frozen):
    with torch.device("meta"):  # draws no random numbers
        net = cls(**config)
    net.load_state_dict(state, assign=True)
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return net.train(training)


@contextmanager
def evaluating(module):
    """Put a net that is being trained into evaluation mode inside the block."""
    module.eval()
    try:
        yield
    finally:
        module.train()


@contextmanager
def frozen_statistics(module):
    """Leave the running statistics of batch normalisation as they are inside the block.

    For profiles that a net should learn from, but not take for the kind it will infer.
    """
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm1d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _linear(n_in, n_out, normalization=None, *, bias=True, bound=None):
    """Linear map, Xavier-uniform unless a bound is given, biases zero."""
    linear = nn.Linear(n_in, n_out, bias=bias)
    if bound is None:
        nn.init.xavier_uniform_(linear.weight)
    else:
        nn.init.uniform_(linear.weight, -bound, bound)
    if bias:
        nn.init.zeros_(linear.bias)
    parametrization = {"weight": weight_norm, "spectral": spectral_norm}.get(normalization)
    return parametrization(linear) if parametrization else linear
