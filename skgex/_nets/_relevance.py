"""Layer-wise relevance propagation: what every input contributes to what a net infers."""

from typing import NamedTuple

import torch
from torch import nn

from skgex._nets._feedforward import DenseNet

_CHUNK_BYTES = 2**27  # what a net makes of a chunk of profiles


class Layer(NamedTuple):
    """``h = σ(W a + b)``, with normalisation resolved; the output layer has no σ."""

    weight: torch.Tensor
    bias: torch.Tensor
    activation: nn.Module | None = None


class Relevance:
    """What each input of a feed-forward net contributes to some of its outputs.

    An output's relevance is its value. A unit ``h_j = σ(z_j)``, ``z_j = Σ_i w_ij a_i + b_j``,
    hands what it gets on to its inputs a, in a DenseNet x and all hidden layers before it: the
    share ``w_ij a_i / (z_j + ε sign z_j)`` to input i, by rule "epsilon", while the bias and ε
    keep theirs. As ``σ(0) = 0``, the relevance of every unit is ``a_i g_i`` with

        ``g_i = Σ_j w_ij c_j g_j``, ``c_j = h_j / (z_j + ε sign z_j)``,

    where nothing explodes, even without ε. With ``c_j = σ′(z_j)``, rule "gradient_input", g is the
    gradient. Both are linear in the outputs: the sum over a group of them takes one pass.

    Parameters
    ----------
    layers : sequence of Layer
        The last of them is the output layer.
    is_dense : bool
        Whether a layer sees the inputs and all hidden layers before it, or the last one only.
    rule : {"epsilon", "gradient_input"}
    epsilon : float
        Of rule "epsilon".
    baseline : Tensor of shape (n_inputs,), default=None
        Inputs without relevance: what counts are deviations from them. None is zero.
    """

    def __init__(self, layers, *, is_dense=False, rule="epsilon", epsilon=0.0, baseline=None):
        self.baseline = baseline
        if baseline is not None:  # what it makes of units is constant, as a bias is
            self.baseline = baseline = baseline.to(layers[0].weight)
            layers = [
                layer._replace(bias=layer.bias + layer.weight[:, : len(baseline)] @ baseline)
                if is_dense or number == 0
                else layer
                for number, layer in enumerate(layers)
            ]
        *self.hidden, self.output = layers
        self.is_dense, self.rule = is_dense, rule
        self.epsilon = epsilon if rule == "epsilon" else 0.0

    @classmethod
    def of_net(cls, net, *, device="cpu", **params):
        """Of an `MLP` or a `DenseNet` that has been trained."""
        layers = [_folded(linear, norm, sigma) for linear, norm, sigma, _ in net.hidden]
        layers.append(_folded(net.output))
        layers = [Layer(W.to(device), b.to(device), sigma) for W, b, sigma in layers]
        return cls(layers, is_dense=isinstance(net, DenseNet), **params)

    @property
    def device(self):
        return self.output.weight.device

    @property
    def dtype(self):
        return self.output.weight.dtype

    @property
    def chunk(self):
        """Number of profiles to pass at once, so that memory stays bounded."""
        n_units = sum(len(layer.bias) for layer in self.hidden)
        return max(64, _CHUNK_BYTES // (4 * (n_units + self.output.weight.shape[1])))

    def __call__(self, X, groups):
        """Pass relevance back from each group of outputs.

        Parameters
        ----------
        X : Tensor of shape (n_profiles, n_inputs)
        groups : iterable of Tensor of int
            Positions of the outputs in each group.

        Yields
        ------
        Tensor of shape (n_profiles, n_inputs)
            For each group, relevance for the sum of its outputs. Over inputs it adds up to that
            sum, less what biases and ε keep.
        """
        # Gradients are switched off in the parts: here they would be so for the caller, too.
        X = X.detach() if self.baseline is None else X.detach() - self.baseline
        A, slopes = self._forward(X)
        for outputs in groups:
            yield X * self._backward(A, slopes, outputs)

    @torch.no_grad()
    def _forward(self, X):
        """What the output layer sees, and the slopes c of every hidden layer."""
        A, slopes = X, []
        for W, b, sigma in self.hidden:
            z = torch.addmm(b, A, W.T)
            h = sigma(z)
            slopes.append(self._slopes(z, h, sigma))
            A = torch.cat([A, h], dim=1) if self.is_dense else h
        return A, slopes

    def _slopes(self, z, h, sigma):
        if self.rule == "epsilon":
            return self._quotient(h, z)
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            return torch.autograd.grad(sigma(z).sum(), z)[0]

    @torch.no_grad()
    def _backward(self, A, slopes, outputs):
        """g of the inputs, for the sum of some outputs."""
        W = self.output.weight[outputs]
        if self.epsilon:
            z = torch.addmm(self.output.bias[outputs], A, W.T)
            g = self._quotient(z, z) @ W
        else:
            g = W.sum(dim=0, keepdim=True)  # of all profiles
        for layer, c in zip(reversed(self.hidden), reversed(slopes), strict=True):
            W = layer.weight
            if self.is_dense:
                n_before = W.shape[1]
                g = torch.addmm(g[:, :n_before], c * g[:, n_before:], W)
            else:
                g = (c * g) @ W
        return g

    def _quotient(self, h, z):
        """``h / (z + ε sign z)``, and 0 at zero."""
        z = z + self.epsilon * z.sign()
        return h / z.masked_fill(z == 0, 1)


@torch.no_grad()
def _folded(linear, norm=None, sigma=None):
    """A linear map and the batch normalisation behind it as one layer."""
    # Weight and spectral normalisation make the weight anew whenever it is read.
    W, b = linear.weight, linear.bias
    if isinstance(norm, nn.BatchNorm1d):
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        W, b = W * scale[:, None], norm.bias - scale * norm.running_mean  # in place of a bias
    return Layer(W.detach(), b.detach(), sigma)
