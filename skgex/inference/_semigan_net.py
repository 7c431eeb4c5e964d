"""SemiGAN's game: critics, generators, inverse net and inference net take turns."""

from functools import partial

import torch
from torch import nn

from skgex import _losses as losses
from skgex import _training as training
from skgex._nets import MLP, evaluating, frozen_statistics


def make_players(n_landmarks, n_targets, params):
    """The nets that train beside the inference net, by player."""
    x, y, z = n_landmarks, n_targets, params.latent_dim
    deep = (params.gan_units,) * params.n_gan_layers

    def net(n_inputs, n_outputs, units=deep, normalization=params.gan_normalization):
        shape = n_inputs, n_outputs, units
        return MLP(*shape, activation="leaky_relu", normalization=normalization)

    # Critics know no batch normalisation: it would let a profile's score depend on the others.
    normalization = "weight" if params.gan_normalization == "weight" else None
    critic = partial(net, n_outputs=1, units=(params.critic_units,), normalization=normalization)
    return {
        "critics": nn.ModuleDict({"x": critic(x), "y": critic(y), "xy": critic(x + y)}),
        "generators": nn.ModuleDict({"x": net(z, x), "y": net(z, y)}),
        "inverse": net(x, z),
    }


class SemiGANNet(training.PlayersNet):
    """``module`` is the inference net F; batches are ``(labelled, unlabelled)``.

    ``unlabelled_share`` weighs what F learns from unlabelled profiles: where they are fewer than
    the labelled ones and recur in every epoch, they count no more than these.
    """

    def __init__(self, module, *, params, unlabelled_share=1.0, **kwargs):
        self.params = params
        self.unlabelled_share = unlabelled_share
        super().__init__(module, **kwargs)

    @staticmethod
    def weight_of(batch):
        # Batches of validation profiles have no unlabelled part.
        labelled = batch[0] if isinstance(batch[0], tuple) else batch
        return training.SupervisedNet.weight_of(labelled)

    def play(self, batch):
        (X, Y, *weight), (U, *taught) = batch
        mean = partial(losses.weighted_mean, weight=weight[0] if weight else None)
        synthetic = None
        if self.players:
            synthetic = yield from self._play_generators(X, Y, U, mean, weight)
        yield "module", self._inference_loss(X, Y, U, *taught, mean=mean, synthetic=synthetic)

    def _play_generators(self, X, Y, U, mean, weight):
        """Turns of critics, generators and inverse net; returns synthetic pairs."""
        p, adversarial = self.params, losses.ADVERSARIAL[self.params.adversarial_loss]
        G_x, G_y = (partial(self.output, self.generators_[name]) for name in "xy")
        inverse = partial(self.output, self.inverse_)

        def D(name, *profiles):
            return self.output(self.critics_[name], *profiles)[:, 0]

        # Labelled profiles are landmark profiles too, where unlabelled ones are few.
        landmarks = torch.cat([X, U]) if self.unlabelled_share < 1 else U
        z = torch.randn(len(landmarks), p.latent_dim, device=U.device)
        X_z, Y_z = G_x(z), G_y(z)
        drawn = {"x": (X_z,), "y": (Y_z,), "xy": (X_z, Y_z)}

        # D_x, D_y, D_xy: real against drawn; once F is warm, (xᵘ, F(xᵘ)) counts as real too.
        real = {"x": (landmarks,), "y": (Y,), "xy": (X, Y)}
        weigh = {"x": torch.mean, "y": mean, "xy": mean}
        if self._is_warm():
            with torch.no_grad(), evaluating(self.module_):
                inferred = self.output(self.module_, U)
            real["xy"] = torch.cat([X, U]), torch.cat([Y, inferred])
            if weight:
                both = torch.cat([weight[0] / weight[0].mean(), torch.ones_like(U[:, 0])])
                weigh["xy"] = partial(losses.weighted_mean, weight=both)
        loss, penalty = 0.0, 0.0
        for name in drawn:
            weight_real, weight_drawn = self._critic_weights(name)
            fake = [profiles.detach() for profiles in drawn[name]]
            shown = torch.cat(real[name], dim=1).requires_grad_(p.gradient_penalty > 0)
            score = D(name, shown)
            loss = loss + weight_real * weigh[name](adversarial.real(score))
            loss = loss + weight_drawn * adversarial.fake(D(name, *fake)).mean()
            if p.gradient_penalty > 0:
                slope = weigh[name](losses.squared_slope(score, at=shown))
                penalty = penalty + weight_real * p.gradient_penalty / 2 * slope
        self.record(critic_loss=loss)
        loss = loss + penalty
        yield "critics", loss

        # G_x, G_y, I_x: three adversarial terms + λ_rec·‖G_x(I_x(xᵘ)) − xᵘ‖₁
        #   + λ_tra·‖G_y(I_x(xˡ)) − yˡ‖₁ + λ_inv·‖I_x(G_x(z)) − z‖₁, the last for I_x alone.
        pull = sum(
            weight * adversarial.pull(D(name, *drawn[name])).mean()
            for name, weight in (("x", p.lambda_gx), ("y", p.lambda_gy), ("xy", p.lambda_gxy))
        )
        # Latents of real profiles are not drawn from the prior that `sample` draws from.
        with frozen_statistics(self.generators_):
            reconstruction = losses.absolute_error(G_x(inverse(landmarks)), landmarks).mean()
            translation = mean(losses.absolute_error(G_y(inverse(X)), Y))
        inversion = losses.absolute_error(inverse(X_z.detach()), z).mean()
        self.record(generator_loss=pull, reconstruction_loss=reconstruction)
        self.record(translation_loss=translation, inversion_loss=inversion)
        yield (
            ("generators", "inverse"),
            pull
            + p.lambda_rec * reconstruction
            + p.lambda_tra * translation
            + p.lambda_inv * inversion,
        )

        X_z, Y_z = X_z.detach(), Y_z.detach()
        if p.synthetic_weights == "uniform":
            return X_z, Y_z, 1.0
        with torch.no_grad():
            score = D("xy", X_z, Y_z)
        least_squares = p.adversarial_loss == "least_squares"
        return X_z, Y_z, score.clamp(0, 1) if least_squares else score.sigmoid()

    def _inference_loss(self, X, Y, U, taught=None, *, mean, synthetic):
        # ‖yˡ − F(xˡ)‖₁ + λ_syn·‖G_y(z) − F(G_x(z))‖₁ + λ_cons·‖F(xᵘ⊕e) − F(xᵘ⊕e′)‖²
        #   and, with a teacher, λ_pseudo·‖T(xᵘ) − F(xᵘ)‖₁
        p, F = self.params, partial(self.output, self.module_)
        loss = 0.0
        if p.lambda_syn > 0 and synthetic is not None and self._is_warm():
            X_z, Y_z, belief = synthetic
            with frozen_statistics(self.module_):
                error = (belief * losses.absolute_error(F(X_z), Y_z)).mean()
            self.record(synthetic_loss=error)
            loss = loss + p.lambda_syn * error
        on_unlabelled = taught is not None or p.lambda_cons > 0
        # One pass for both, so that they share the statistics of batch normalisation.
        inferred = F(torch.cat([X, U]) if on_unlabelled else X)
        Y_hat, Y_u = inferred[: len(X)], inferred[len(X) :]
        error = mean(losses.absolute_error(Y_hat, Y))
        self.record(loss=error)
        loss = loss + error
        if taught is not None:
            error = losses.absolute_error(Y_u, taught).mean()
            self.record(pseudo_loss=error)
            loss = loss + self.unlabelled_share * p.lambda_pseudo * error
        if p.lambda_cons > 0:
            with torch.no_grad():  # one draw carries the gradient of both, as in GGAN
                other = F(torch.cat([X, U]))[len(X) :]
            error = losses.squared_error(Y_u, other).mean()
            self.record(consistency_loss=error)
            loss = loss + self.unlabelled_share * p.lambda_cons * 2 * error
        return loss

    def _critic_weights(self, name):
        """Weights of the real and of the drawn profiles in the loss of one critic."""
        real, drawn = (getattr(self.params, f"lambda_{player}{name}") for player in "dg")
        return (drawn if real is None else real), drawn

    def _is_warm(self):
        return len(self.history) > self.params.warm_up
