"""SemiGAN's game, one batch of it, turn by turn."""

from functools import partial

import numpy as np
import torch

from skgex import SemiGANRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6))
Y = np.tanh(X @ RNG.normal(size=(6, 8)))
U = RNG.normal(size=(70, 6))
WEIGHT = RNG.uniform(0.1, 3, 50)


class Taught(SemiGANRegressor):
    """SemiGAN with a teacher that knows the answer at once."""

    def _teach(self, X, Y, U, generator):
        return U[:, :1].expand(-1, Y.shape[1])


class Game:
    """One batch of SemiGAN's game, turn by turn, on nets that have not trained yet.

    The batch is all of the data. Nets are plain functions unless a test says otherwise; a
    warm-up of two epochs is over in the third.
    """

    def __init__(self, *, epoch=1, X_unlabeled=U, weight=None, **params):
        torch.manual_seed(0)
        small = dict(hidden_units=16, latent_dim=4, gan_units=8, critic_units=8, batch_size=200)
        small |= dict(dropout=0.0, input_dropout=0.0, normalization=None, gan_normalization=None)
        small |= dict(gradient_penalty=0.0, gene_scaling=None)
        small |= dict(lambda_syn=0.1, teacher=None, warm_up=2)
        estimator = Taught(**(small | params))
        estimator.device_ = "cpu"
        data = estimator._training_data(X, Y, X_unlabeled=X_unlabeled, sample_weight=weight)
        module = estimator._make_module(6, 8)
        net = estimator._make_net(module, estimator._net_params(module, data, 0)).initialize()
        for _ in range(epoch):
            net.history.new_epoch()
        self.net, self.inputs, self.outputs = net, {}, {}
        net.terms_ = self.terms = {}
        parts = {"F": net.module_}
        if net.players:
            parts |= {f"D_{name}": critic for name, critic in net.critics_.items()}
            parts |= {f"G_{name}": critic for name, critic in net.generators_.items()}
            parts["I"] = net.inverse_
        self.nets = parts
        for name, part in parts.items():
            self.inputs[name], self.outputs[name] = [], []
            part.register_forward_hook(partial(self._listen, name))
        self.batch = next(iter(estimator._batches(data, 0)))
        (self.X, self.Y, *weight), (self.U, *self.taught) = self.batch
        self.weight = weight[0].numpy() if weight else None
        self.turns = net.play(self.batch)

    def _listen(self, name, net, inputs, output):
        self.inputs[name].append(inputs[0].detach())
        self.outputs[name].append(output)

    def __call__(self, name, *inputs):
        """What a net says of its inputs, as an array; a critic's scores are one-dimensional."""
        with torch.no_grad():
            output = self.nets[name](torch.cat(inputs, dim=1)).numpy()
        return output[:, 0] if name.startswith("D") else output

    def drawn(self):
        """The drawn profiles, from the latent that the generators were shown."""
        z = self.inputs["G_x"][0]
        return {name: torch.from_numpy(self(f"G_{name}", z)) for name in "xy"}

    def score(self, of=None):
        """What each critic says of the drawn profiles, or of others."""
        x, y = (of or self.drawn()).values()
        return {"x": self("D_x", x), "y": self("D_y", y), "xy": self("D_xy", x, y)}

    def skip_to(self, player):
        return next(loss for players, loss in self.turns if player in players)

    def gradients(self, player):
        """The gradient of every net in the turn of a player."""
        loss = self.skip_to(player)
        return {
            name: torch.autograd.grad(
                loss, [*net.parameters()], retain_graph=True, allow_unused=True
            )
            for name, net in self.nets.items()
        }

    def parameters(self):
        return {
            f"{name}.{key}": parameter.detach().clone()
            for name, net in self.nets.items()
            for key, parameter in net.named_parameters()
        }

    def statistics(self, of):
        """The running statistics of a net's batch normalisation."""
        buffers = self.nets[of].named_buffers()
        return {name: value.clone() for name, value in buffers if "running" in name}


def absolute(A, B, weight=None):
    """``‖a − b‖₁`` averaged over genes and profiles."""
    return np.average(np.abs(np.asarray(A) - np.asarray(B)).mean(axis=1), weights=weight)
