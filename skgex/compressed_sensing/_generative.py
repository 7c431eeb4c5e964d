"""Generators of profiles: how they are trained."""

from math import log, pi
from types import SimpleNamespace

import numpy as np
import torch

from skgex import _losses as losses
from skgex import _training as training
from skgex._nets import MLP, SkipMLP, VariationalAutoencoder
from skgex.compressed_sensing._inversion import invert

# Of the variance of a gene: the least that a generator leaves unexplained. Nothing less is ever
# learned of profiles that were measured.
_LEAST_PSI = 1e-4
# In an epoch, by smaller ones if need be: few profiles take as many steps as more of them.
_FEWEST_BATCHES = 8
# Longer gradients are shortened: one batch must not throw the latents out of their prior.
_LONGEST_GRADIENT = 100.0
# Training profiles, drawn at random, that tell what a generator leaves unexplained.
_INVERTED = 500


class VAENet(training.SupervisedNet):
    """``module`` is a variational autoencoder; batches are ``(X, X)``.

    Its objective is the negative evidence lower bound: the whole of it from the first step on.
    While the divergence counts for less, as in a warm-up, latents run away from their prior, and
    much later the generator still ignores most of them.
    """

    def __init__(self, module, **kwargs):
        super().__init__(module, criterion=losses.squared_error, **kwargs)

    def objective(self, batch):
        X, _ = batch
        mean, log_variance = self.module_.encode(X)
        W = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        misfit = gaussian_misfit(X, self.module_.generator(W), self.module_.log_psi)
        return (misfit + divergence(mean, log_variance)).mean()

    @property
    def generator_(self):
        return self.module_.generator

    def psi(self, X):
        """Learned beside the generator."""
        return self.module_.log_psi.detach().clamp_min(log(_LEAST_PSI)).exp()


def gaussian_misfit(X, mean, log_variance):
    """``−log p(x)`` of every profile under independent Gaussians, one of each gene."""
    log_variance = log_variance.clamp_min(log(_LEAST_PSI))
    scaled = (X - mean).square() * (-log_variance).exp()
    return 0.5 * (scaled + log_variance + log(2 * pi)).sum(dim=1)


def divergence(mean, log_variance):
    """``KL(N(mean, variance) ‖ N(0, I))`` of every row."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)


class WassersteinNet(training.PlayersNet):
    """``module`` is the generator G; the one other player is the critic D. Batches: ``(X, X)``.

    D maximises ``E D(x) − E D(G(w)) − λ E (‖∇D‖ − 1)²``, the last at profiles between real and
    generated ones, in several steps for each of G, which maximises ``E D(G(w))``.
    """

    def __init__(self, module, *, params, **kwargs):
        self.params = params
        super().__init__(module, criterion=losses.squared_error, **kwargs)

    def play(self, batch):
        X, _ = batch
        D, params = self.critic_, self.params
        for _ in range(params.critic_steps):
            fake = self._draw(X).detach()
            share = torch.rand(len(X), 1, device=X.device)
            between = (share * X + (1 - share) * fake).requires_grad_()
            slope = losses.squared_slope(D(between)[:, 0], at=between)
            penalty = ((slope + 1e-12).sqrt() - 1).square().mean()
            real, generated = D(torch.cat([X, fake])).chunk(2)
            distance = real.mean() - generated.mean()
            yield "critic", params.gradient_penalty * penalty - distance
        self.record(loss=distance, penalty=penalty)
        yield "module", -D(self._draw(X)).mean()

    def _draw(self, X):
        return self.module_(torch.randn(len(X), self.params.latent_dim, device=X.device))

    @property
    def generator_(self):
        return self.module_

    def psi(self, X):
        """What the generator leaves of the profiles: training it knows of none."""
        return unexplained(self.module_, X)


def train_generator(X, *, kind, params, seed, device, verbose=False):
    """Train a generator of profiles, ``x = G(w) + e`` with latents w ~ N(0, I).

    Parameters
    ----------
    X : ndarray of shape (n_profiles, n_genes)
    kind : {"vae", "gan"}
    params : dict
        Of the nets and their training, by the names that :class:`CSGMRegressor` has for them.
    seed : int
    device : str
    verbose : bool

    Returns
    -------
    generator : SkipMLP
        G, in evaluation mode and frozen, on the CPU, in the dtype of the profiles.
    psi : ndarray of shape (n_genes,)
        Variance of e; 0 of constant genes.
    history : dict of list
        Losses of every epoch.
    """
    params = SimpleNamespace(**params)
    mean = X[0] + (X - X[0]).mean(axis=0)  # exact where profiles do not vary
    # One scale for all genes: what they weigh beside each other is for gene_scaling to say.
    spread = np.sqrt((X - mean).var(axis=0, dtype=np.float64).mean())
    scale = np.where(np.ptp(X, axis=0) > 0, spread, 0).astype(X.dtype)
    scaled = (X - mean) / np.where(scale > 0, scale, 1)
    with training.forked_rng(seed, torch.device(device)):
        scaled = torch.as_tensor(scaled, dtype=torch.float32, device=device)
        order = torch.Generator().manual_seed(seed)
        batch_size = min(params.batch_size, max(2, len(scaled) // _FEWEST_BATCHES))
        batches = training.TensorBatches((scaled, scaled), batch_size, order)
        net = _NETS[kind](scaled.shape[1], params, device, verbose).fit(batches)
        generator = net.generator_.eval().requires_grad_(False)
        psi = net.psi(scaled).cpu().numpy()
    generator = generator.cpu().to(torch.from_numpy(X[:0]).dtype)
    generator.output.weight.mul_(torch.from_numpy(scale)[:, None])
    generator.output.bias.mul_(torch.from_numpy(scale)).add_(torch.from_numpy(mean))
    return generator, (psi * scale**2).astype(X.dtype), net.losses()


def _vae(n_genes, params, device, verbose):
    encoder = SkipMLP(n_genes, 2 * params.latent_dim, _hidden(params))
    module = VariationalAutoencoder(_generator(n_genes, params), encoder)
    # ψ has far to go from 1, and takes steps of its own.
    groups = [("log_psi", {"lr": 5 * params.lr})]
    return VAENet(module, optimizer__param_groups=groups, **_settings(params, device, verbose))


def _gan(n_genes, params, device, verbose):
    players = {"critic": MLP(n_genes, 1, _hidden(params), activation="leaky_relu")}
    settings = _settings(params, device, verbose) | dict(optimizer__betas=(0.5, 0.9))
    return WassersteinNet(_generator(n_genes, params), players=players, params=params, **settings)


_NETS = {"vae": _vae, "gan": _gan}


def _generator(n_genes, params):
    return SkipMLP(params.latent_dim, n_genes, _hidden(params))


def _hidden(params):
    return (params.hidden_units,) * params.n_hidden_layers


def _settings(params, device, verbose):
    """Of the schedule, the same for every generator."""
    return training.plain_schedule(
        "CSGMRegressor",
        lr=params.lr,
        lr_final=0.01 * params.lr,
        max_epochs=params.max_epochs,
        device=device,
        verbose=verbose,
        callbacks=training.gradient_clipping(_LONGEST_GRADIENT),
    )


def unexplained(generator, X, n_rounds=2, n_steps=100):
    """ψ: what the generator leaves of profiles, each explained by its most probable latents.

    ψ says what is probable, and is found from it: two rounds.
    """
    X = X[torch.randperm(len(X), device=X.device)[:_INVERTED]]
    psi = torch.full_like(X[0], 0.5)
    starts = X.new_zeros(1, generator.config["n_inputs"])
    for _ in range(n_rounds):
        white = psi.rsqrt()
        M = generator.output.weight * white[:, None]
        targets = (X - generator.output.bias) * white
        W, _ = invert(generator.features, M, targets, starts, n_steps=n_steps)
        psi = (X - generator(W)).square().mean(dim=0).clamp_min(_LEAST_PSI)
    return psi
