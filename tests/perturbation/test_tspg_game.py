"""TSPG's game: its losses, whom it draws, and the paper's sizes, by plain formulas."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from skgex import TSPG, StateClassifier
from skgex import _losses as losses
from skgex.perturbation._tspg_net import TSPGNet

from .states import CODES, GENERATOR_IDS, GENERATORS, X, classifier, tspg, y

pytestmark = pytest.mark.filterwarnings(
    "ignore:Perturbed training profiles vary"  # nets that hardly train
)
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class Game:
    """One batch of TSPG's game, all profiles, turn by turn, on nets that have not trained yet."""

    def __init__(self, **params):
        params = dict(test_size=0, max_epochs=1, classifier=classifier(max_epochs=5)) | params
        self.estimator = tspg(**params).fit(X, y)
        Z = self.estimator.x_scaler_.transform(X)
        start, draws = self.estimator._starts_and_draws(X, Z, y)
        self.target_profiles = Z[CODES == 2]
        self.net = self.estimator._make_net(Z, start, CODES == 2).initialize()
        if not params.get("generator"):
            torch.nn.init.normal_(self.net.module_.heights, std=0.3)
        self.net.history.new_epoch()
        self.net.terms_ = self.terms = {}
        self.made, self.drawn, self.seen = [], draws, []
        self.net.module_.register_forward_hook(lambda *args: self.made.append(args[-1].detach()))
        if self.net.players:
            self.net.critic_.register_forward_pre_hook(lambda _, args: self.seen.append(*args))
        independent = self.net._independent_draws

        def draw(n_profiles):
            self.drawn = independent(n_profiles)
            return self.drawn

        self.net._independent_draws = draw
        self.X, self.start, *_ = batch = [
            torch.as_tensor(a, dtype=torch.float32) for a in (Z, start, draws) if a is not None
        ]
        self.turns = self.net.play(batch)

    def perturbed(self):
        """What the generator has made of the profiles, before and after they are clipped."""
        (added,) = self.made
        moved = (self.start + added).numpy()
        return moved, moved.clip(0, 1)

    def score(self, Z):
        """What the critic says of profiles."""
        with torch.no_grad():
            return self.net.critic_(torch.as_tensor(Z, dtype=torch.float32))[:, 0].numpy()

    def states(self, Z):
        """What f says of profiles, in its own units."""
        profiles = self.estimator.x_scaler_.inverse_transform(np.asarray(Z, dtype=np.float64))
        return self.estimator.classifier_.decision_function(profiles)


def margin(scores, target, confidence):
    others = np.delete(scores, target, axis=1).max(axis=1)
    return np.maximum(others - scores[:, target], -confidence)


# -- losses ----------------------------------------------------------------------------------
@pytest.mark.parametrize("confidence", [0.0, 0.7])
@pytest.mark.parametrize("target", [0, 2])
def test_margin_is_by_how_much_another_state_wins_and_no_less_than_the_confidence(
    target, confidence
):
    scores = RNG.normal(size=(50, 4))
    result = losses.targeted_margin(torch.from_numpy(scores), target, confidence).numpy()
    np.testing.assert_allclose(result, margin(scores, target, confidence))
    assert result.min() == -confidence and result.max() > 0


def test_margin_leaves_scores_as_they_are_and_pulls_the_best_two_apart():
    scores = torch.tensor([[1.0, 3.0, 2.0], [0.0, 1.0, 5.0]], requires_grad=True)
    losses.targeted_margin(scores, 2).sum().backward()
    assert torch.equal(scores.grad, torch.tensor([[0.0, 1.0, -1.0], [0.0, 0.0, 0.0]]))
    assert scores.isfinite().all()


def test_cross_entropy_is_that_of_every_profile():
    scores, states = RNG.normal(size=(9, 3)), RNG.integers(0, 3, 9)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    result = losses.cross_entropy(*map(torch.from_numpy, (scores, states)))
    np.testing.assert_allclose(result, -np.log(probabilities[np.arange(9), states]))


# -- the objective ---------------------------------------------------------------------------
@pytest.mark.parametrize("coupling", ["transport", "independent"])
@pytest.mark.parametrize("generator", ["transport", "hourglass"])
@pytest.mark.parametrize("real", ["target", "all"])
def test_both_players_minimise_the_papers_objective(coupling, generator, real):
    weights = dict(lambda_gan=0.7, lambda_adv=1.3, lambda_norm=0.4, lambda_td=0.2)
    game = Game(coupling=coupling, generator=generator, real=real, confidence=0.5, **weights)
    player, critic_loss = next(game.turns)
    assert player == "critic"
    moved, x_a = game.perturbed()
    on_real, on_fake = game.score(game.seen[0]), game.score(x_a)
    expected = np.mean(0.5 * (on_real - 1) ** 2 + 0.5 * on_fake**2)
    assert critic_loss.item() == pytest.approx(expected, rel=1e-5)

    player, loss = next(game.turns)
    assert player == "module"
    expected = dict(
        critic_loss=expected,
        adversarial_loss=np.mean((on_fake - 1) ** 2),
        state_loss=margin(game.states(x_a), 2, 0.5).mean(),
        size_loss=np.linalg.norm(moved - game.X.numpy(), axis=1).mean(),
        distance_loss=np.abs(x_a - np.asarray(game.drawn)).sum(axis=1).mean(),
    )
    terms = {name: term.item() for name, term in game.terms.items()}
    assert loss.item() == terms.pop("loss")
    assert terms == pytest.approx(expected, rel=1e-4)
    weighed = zip(weights.values(), list(expected.values())[1:], strict=True)
    assert loss.item() == pytest.approx(sum(w * term for w, term in weighed), rel=1e-4)
    assert next(game.turns, None) is None


def test_the_critic_sees_real_profiles_of_the_target_state_or_of_all():
    for real in ("target", "all"):
        game = Game(real=real)
        next(game.turns)
        seen = {tuple(profile) for profile in game.seen[0].tolist()}
        target = {tuple(profile) for profile in np.float32(game.target_profiles).tolist()}
        everything = {tuple(profile) for profile in game.X.tolist()}
        assert seen == everything if real == "all" else seen <= target and len(seen) > 10


def test_the_generator_meets_the_critic_after_its_step():
    game = Game(lambda_adv=0.0, lambda_td=0.0)
    next(game.turns)
    with torch.no_grad():
        for parameter in game.net.critic_.parameters():
            parameter.zero_()
        game.net.critic_.output.bias.fill_(5)
    assert next(game.turns)[1].item() == 16


@pytest.mark.parametrize("params", GENERATORS, ids=GENERATOR_IDS)
def test_the_loss_of_one_player_does_not_train_the_other(params):
    game = Game(**params)
    generator = [*game.net.module_.parameters()]
    _, critic_loss = next(game.turns)
    gradients = torch.autograd.grad(critic_loss, generator, allow_unused=True)
    assert not any(g is not None and g.any() for g in gradients)
    _, loss = next(game.turns)
    assert any(g.any() for g in torch.autograd.grad(loss, generator))
    assert not any(p.requires_grad for p in game.net.state_scores.module.parameters())


@pytest.mark.parametrize(
    ("weight", "term"),
    [
        ("lambda_gan", "adversarial_loss"),
        ("lambda_adv", "state_loss"),
        ("lambda_norm", "size_loss"),
        ("lambda_td", "distance_loss"),
    ],
)
def test_a_loss_of_weight_zero_is_left_out(weight, term):
    ones = dict.fromkeys(("lambda_gan", "lambda_adv", "lambda_norm", "lambda_td"), 1.0)
    whole, part = (tspg(**(ones | more)).fit(X, y).history_ for more in ({}, {weight: 0.0}))
    left_out = {term, "critic_loss"} if weight == "lambda_gan" else {term}
    assert whole.keys() - part.keys() == left_out
    assert {len(values) for values in whole.values()} == {3}


@pytest.mark.parametrize("coupling", ["transport", "independent"])
def test_the_history_has_the_mean_of_each_term_over_profiles(coupling):
    still = dict(lr=1e-12, lr_final=1e-12, critic_lr=1e-12, test_size=0, max_epochs=2)
    weights = dict(lambda_norm=1.0, coupling=coupling, confidence=100.0)
    estimator = tspg(batch_size=7, original_units=False, **still, **weights).fit(X, y)
    Z = estimator.x_scaler_.transform(X)
    start, draws = estimator._starts_and_draws(X, Z, y)
    scores = estimator.classifier_.decision_function(estimator.x_scaler_.inverse_transform(start))
    expected = dict(
        size_loss=np.linalg.norm(start - Z, axis=1).mean(),
        state_loss=margin(scores, 2, 100.0).mean(),
    )
    if coupling == "transport":
        expected["distance_loss"] = np.abs(start.clip(0, 1) - draws).sum(axis=1).mean()
    for name, value in expected.items():
        assert estimator.history_[name] == pytest.approx([value] * 2, rel=1e-3), name


# -- draws of the target state -----------------------------------------------------------------
def draws(profiles, n):
    net = SimpleNamespace(target_profiles=torch.as_tensor(profiles, dtype=torch.float32))
    return TSPGNet._independent_draws(net, n).numpy()


@pytest.mark.parametrize("n", [3, 40], ids=["fewer profiles than genes", "more"])
def test_independent_draws_have_mean_and_covariance_of_the_target_state(n):
    mixing = RNG.normal(size=(4, 4))
    profiles = 0.5 + 0.03 * RNG.normal(size=(n, 4)) @ mixing
    drawn = draws(profiles, 100_000)
    covariance = np.cov(profiles.T)
    size = np.trace(covariance)
    np.testing.assert_allclose(drawn.mean(axis=0), profiles.mean(axis=0), atol=0.02 * size**0.5)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.02 * size)


def test_independent_draws_stay_within_the_range():
    drawn = draws(RNG.uniform(0, 1, size=(20, 4)), 1000)
    assert drawn.min() == 0 and drawn.max() == 1


def test_draws_of_very_many_genes_are_combinations_of_profiles():
    """Of 300,000 genes a covariance matrix would have 360 GB."""
    profiles = 0.5 + 0.01 * RNG.normal(size=(3, 300_000))
    drawn = draws(profiles, 2)
    assert drawn.shape == (2, 300_000)
    basis = np.linalg.svd(profiles - profiles.mean(axis=0), full_matrices=False)[2][:2]
    residual = drawn - profiles.mean(axis=0)
    np.testing.assert_allclose(residual @ basis.T @ basis, residual, atol=1e-6)


# -- the paper's setting -----------------------------------------------------------------------
def n_parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_published_players_have_the_papers_sizes():
    """By hand: weights, and biases where no batch normalisation with 2 numbers a unit follows."""
    f = StateClassifier(max_epochs=1)
    estimator = TSPG.published("lung", classifier=f, max_epochs=1, test_size=0).fit(X, y)
    Z = estimator.x_scaler_.transform(X)
    players = estimator._make_net(Z, Z, CODES == 2).players
    down = (8 + 2) * 512 + (512 + 2) * 256 + (256 + 2) * 128
    blocks, up = 6 * (128 + 2) * 128, (128 + 2) * 256 + (256 + 2) * 512 + (512 + 1) * 8
    assert n_parameters(estimator.module_) == down + blocks + up
    assert n_parameters(players["critic"]) == down + (128 + 1)
    expected = (8 + 1) * 1024 + (1024 + 1) * 512 + (512 + 1) * 128 + (128 + 1) * 3
    assert n_parameters(estimator.classifier_.module_) == expected


def test_published_settings_are_the_papers():
    published = TSPG.published("lung")
    weights = [getattr(published, f"lambda_{name}") for name in ("gan", "adv", "norm", "td")]
    assert weights == [1, 1, 1, 1] and published.confidence == 0
    assert (published.lr, published.lr_final, published.critic_lr) == (2e-4, 2e-4, 1e-4)
    assert (published.batch_size, published.max_epochs, published.test_size) == (128, 150, 0.2)
    assert (published.real, published.coupling) == ("all", "independent")
    other = TSPG.published("lung", lambda_norm=0.5, max_epochs=3)
    assert (other.lambda_norm, other.max_epochs, other.target) == (0.5, 3, "lung")
    assert TSPG.published().target is None
