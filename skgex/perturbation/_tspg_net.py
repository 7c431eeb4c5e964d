"""The players of TSPG: a generator of perturbations against a critic and a classifier."""

import torch

from skgex import _losses as losses
from skgex import _training as training


class TSPGNet(training.PlayersNet):
    """``module`` is the generator G; the one other player is the critic D.

    Batches are ``(X, start)``, profiles and what the perturbation starts from, or ``(X, start,
    R)`` with a target draw for each.

    Parameters
    ----------
    module : torch.nn.Module
        From what the perturbation starts from to what is added to it.
    params : TSPG
        Whose weights of the losses are taken.
    state_scores : callable
        f: from profiles to a score for every state.
    target : int
        Position of the target state among these scores.
    target_profiles : Tensor of shape (n_target, n_genes)
        Training profiles of the target state.
    **kwargs
        Of :class:`PlayersNet`.
    """

    def __init__(self, module, *, params, state_scores, target, target_profiles, **kwargs):
        self.params = params
        self.target = target
        self.state_scores = state_scores
        self.target_profiles = target_profiles
        super().__init__(module, **kwargs)

    def play(self, batch):
        X, start, *drawn = batch
        params = self.params
        moved = start + self.output(self.module_, start)
        X_a = moved.clamp(0, 1)
        loss = X.new_zeros(())

        if params.lambda_gan > 0:  # D: ½(D(x) − 1)² + ½D(x_a)²
            real = X if params.real == "all" else self._real(len(X))
            on_real, on_fake = self._critic(real), self._critic(X_a.detach())
            least_squares = losses.ADVERSARIAL["least_squares"]
            critic_loss = (least_squares.real(on_real) + least_squares.fake(on_fake)).mean()
            self.record(critic_loss=critic_loss)
            yield "critic", critic_loss

        # G: λ_gan (D(x_a) − 1)² + λ_adv max(max_{i≠t} f_i − f_t, −κ)
        #    + λ_norm ‖P‖₂ + λ_td ‖x_a − r‖₁
        if params.lambda_gan > 0:
            pull = least_squares.pull(self._critic(X_a)).mean()
            self.record(adversarial_loss=pull)
            loss = loss + params.lambda_gan * pull
        if params.lambda_adv > 0:
            scores = self.output(self.state_scores, X_a)
            margin = losses.targeted_margin(scores, self.target, params.confidence).mean()
            self.record(state_loss=margin)
            loss = loss + params.lambda_adv * margin
        if params.lambda_norm > 0:
            size = (moved - X).norm(dim=1).mean()
            self.record(size_loss=size)
            loss = loss + params.lambda_norm * size
        if params.lambda_td > 0:
            R = drawn[0] if drawn else self._independent_draws(len(X))
            distance = (X_a - R).abs().sum(dim=1).mean()
            self.record(distance_loss=distance)
            loss = loss + params.lambda_td * distance
        self.record(loss=loss)
        yield "module", loss

    @staticmethod
    def weight_of(batch):
        return len(batch[0])  # a third tensor holds draws, no weights

    def _critic(self, X):
        return self.output(self.critic_, X)[:, 0]

    def _real(self, n_profiles):
        rows = torch.randint(len(self.target_profiles), (n_profiles,), device=self.device)
        return self.target_profiles[rows]

    def _independent_draws(self, n_profiles):
        """``r ~ N(μ_t, Σ_t)`` clipped to [0, 1]: ``μ_t + X_cᵀε/√(n − 1)`` needs no Σ_t."""
        mean = self.target_profiles.mean(dim=0)
        centred = (self.target_profiles - mean) / max(1, len(self.target_profiles) - 1) ** 0.5
        normal = torch.randn(n_profiles, len(centred), device=centred.device)
        return (mean + normal @ centred).clamp(0, 1)
