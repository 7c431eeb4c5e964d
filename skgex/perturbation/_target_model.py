"""The classifier f as a function that gradients pass through."""

from copy import deepcopy

import numpy as np
import torch

from skgex import _training as training


class TargetModel:
    """Scores of the states, from profiles that are scaled to [0, 1].

    Parameters
    ----------
    classifier : classifier with a ``module_``
        Whose module takes profiles scaled by its ``x_scaler_``, or as they are if it has none.
    scaler : GeneScaler
        What has brought the profiles to [0, 1].

    Raises
    ------
    ValueError
        If the classifier has no torch module, or one that does not give a score for each class.
    """

    def __init__(self, classifier, scaler):
        module = getattr(classifier, "module_", None)
        if not isinstance(module, torch.nn.Module):
            raise ValueError(
                f"classifier, a {type(classifier).__name__}, has no torch module_ that gradients "
                "could pass through: pass a StateClassifier, or another net with a module_."
            )
        self.classes = np.asarray(classifier.classes_)
        scale, shift = scaler.scale_, scaler.minimum_
        own = getattr(classifier, "x_scaler_", None)
        if own is not None and own.method is not None:
            divisor = own.scale_ + (own.scale_ == 0)
            subtracted = own.mean_ if own.method == "standard" else own.minimum_
            scale, shift = scale / divisor, (shift - subtracted) / divisor
        self.module = _Rescaled(deepcopy(module).cpu(), scale, shift)
        self.module.eval().requires_grad_(False)
        n_scores = tuple(self.module(torch.zeros(2, len(scale))).shape)
        if n_scores != (2, len(self.classes)):
            raise ValueError(
                f"classifier, a {type(classifier).__name__}, has {len(self.classes)} classes, but "
                f"its module_ makes an output of shape {n_scores} of 2 profiles: it must give one "
                "score for each class."
            )

    def predict(self, Z, device):
        """States of scaled profiles, an ndarray."""
        best = training.forward(self.module, Z, device).argmax(axis=1)
        return self.classes[best]


class _Rescaled(torch.nn.Module):
    def __init__(self, module, scale, shift):
        super().__init__()
        self.module = module
        for name, values in (("scale", scale), ("shift", shift)):
            self.register_buffer(name, torch.as_tensor(values, dtype=torch.float32))

    def forward(self, Z):
        return self.module(Z * self.scale + self.shift)
