"""Torch modules. Each keeps its constructor arguments in ``config`` so that it can be rebuilt."""

from skgex._nets._feedforward import ACTIVATIONS, MLP, DenseNet, evaluating, frozen_statistics

__all__ = ["ACTIVATIONS", "MLP", "DenseNet", "evaluating", "frozen_statistics"]
