"""The teacher of SemiGAN: what the labels, and the shape of all profiles, say about the others."""

import torch

from skgex import _losses as losses
from skgex import _training as training
from skgex._nets import MLP
from skgex._solvers import RelevanceKernelRidge

_HIDDEN_SHARE = 0.5


class MaskedReconstruction(training.SupervisedNet):
    """Infer the hidden half of the landmarks from the other half."""

    def objective(self, batch):
        X = batch[0]
        hidden = torch.rand_like(X) < _HIDDEN_SHARE
        with self.autocast():
            X_hat = self.module_(X.masked_fill(hidden, 0) / (1 - _HIDDEN_SHARE))
        return losses.weighted_mean((X_hat.float() - X).abs(), hidden.float())


class Teacher:
    """Kernel ridge regression on the landmarks and on what an autoencoder sees in them.

    An autoencoder learns to infer hidden landmarks on all profiles, labelled or not; its hidden
    layers are a second view of a profile. How much which gene and which view matters is learned on
    the labelled profiles, see :class:`RelevanceKernelRidge`. There is nothing to choose, and no
    validation profile is asked for.

    Parameters
    ----------
    X_all : Tensor of shape (n_all, n_landmarks)
        Scaled landmarks of all profiles.
    X, Y : Tensor of shape (n_profiles, n_landmarks) and (n_profiles, n_targets)
        Scaled labelled profiles.
    generator : torch.Generator
        Draws batches, and the labelled profiles if there are more than ``max_profiles``.
    precision : {"float32", "bfloat16"}
    max_epochs, max_steps : int
        Of the autoencoder; whichever comes first, but one epoch at least.
    units : sequence of int
        Its hidden layers.
    max_profiles : int
        Labelled profiles that the kernel is spanned by.
    """

    def __init__(
        self,
        X_all,
        X,
        Y,
        generator,
        *,
        precision="float32",
        max_epochs=150,
        max_steps=5000,
        units=(500, 500),
        batch_size=128,
        max_profiles=4000,
    ):
        encoder = MLP(X.shape[1], X.shape[1], units, activation="silu", dropout=0.1).to(X.device)
        batches = training.TensorBatches([X_all, X_all], batch_size, generator)
        self.net_ = MaskedReconstruction(
            encoder,
            criterion=losses.absolute_error,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            lr=1e-3,
            max_epochs=min(max_epochs, max(1, round(max_steps / len(batches)))),
            device=X.device,
            precision=precision,
            callbacks=[("lr", training.LinearDecay(final_ratio=0.01))],
        ).fit(batches)
        self.encoder_ = encoder.eval().requires_grad_(False)
        order = torch.randperm(len(X), generator=generator)[:max_profiles].to(X.device)
        self.kernel_ridge_ = RelevanceKernelRidge(self._views(X[order]), Y[order])

    def _views(self, X):
        with torch.no_grad():
            return X, self.encoder_.features(X)

    def __call__(self, X, chunk=4096):
        """Inferred targets, (n_profiles, n_targets)."""
        Y = X.new_empty(len(X), len(self.kernel_ridge_.intercept))
        for rows, inferred in zip(X.split(chunk), Y.split(chunk), strict=True):
            inferred.copy_(self.kernel_ridge_(self._views(rows)))
        return Y
