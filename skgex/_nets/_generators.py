"""Nets from latents to profiles and back: generators and encoders."""

import torch
from torch import nn

from skgex._nets._feedforward import MLP, _linear


class SkipMLP(MLP):
    """Multi-layer perceptron whose output layer also sees the input: a linear map and a net.

    Parameters
    ----------
    n_inputs, n_outputs : int
    hidden_units : sequence of int
    activation : {"tanh", "relu", "leaky_relu", "silu"}
    """

    def __init__(self, n_inputs, n_outputs, hidden_units, *, activation="silu"):
        super().__init__(n_inputs, n_outputs, hidden_units, activation=activation)
        names = ("n_inputs", "n_outputs", "hidden_units", "activation")
        self.config = {name: self.config[name] for name in names}
        self.output = _linear(self.output.in_features + n_inputs, n_outputs)

    def features(self, X):
        return torch.cat([X, super().features(X)], dim=1)


class VariationalAutoencoder(nn.Module):
    """Generator G of profiles from latents, and an encoder that infers the latents of a profile.

    ``x = G(w) + e`` with ``w ~ N(0, I)`` and ``e ~ N(0, diag ψ)``; the encoder approximates
    ``p(w | x)`` by a Gaussian with independent latents.

    Parameters
    ----------
    generator : SkipMLP
    encoder : SkipMLP
        To means and logarithms of variances of the latents.
    """

    def __init__(self, generator, encoder):
        super().__init__()
        self.generator, self.encoder = generator, encoder
        self.log_psi = nn.Parameter(torch.zeros(generator.output.out_features))

    def encode(self, X):
        """Mean and logarithm of the variance of the latents, two (n_profiles, n_latents)."""
        return self.encoder(X).chunk(2, dim=1)
