"""Torch modules. Each keeps its constructor arguments in ``config`` so that it can be rebuilt."""

from skgex._nets._feedforward import ACTIVATIONS, MLP, DenseNet, evaluating, frozen_statistics
from skgex._nets._generators import SkipMLP, VariationalAutoencoder

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "DenseNet",
    "SkipMLP",
    "VariationalAutoencoder",
    "evaluating",
    "frozen_statistics",
]
