"""Torch modules. Each keeps its constructor arguments in ``config`` so that it can be rebuilt."""

from skgex._nets._feedforward import ACTIVATIONS, MLP, DenseNet, evaluating, frozen_statistics
from skgex._nets._gene_curves import GeneCurves
from skgex._nets._generators import SkipMLP, VariationalAutoencoder
from skgex._nets._hourglass import Hourglass

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "DenseNet",
    "GeneCurves",
    "Hourglass",
    "SkipMLP",
    "VariationalAutoencoder",
    "evaluating",
    "frozen_statistics",
]
