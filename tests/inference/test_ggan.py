"""GGAN: its objectives, its mask, its schedule, and the paper's size."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV

from skgex import DenseNetRegressor, GGANRegressor, persistence
from skgex import _training as training

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 6))
Y = np.tanh(X @ RNG.normal(size=(6, 8)))
PLAIN = dict(dropout=0.0, input_dropout=0.0, normalization=None)
EXTRAS = dict(
    adversarial_loss="non_saturating",
    critic_normalization="spectral",
    critic_lr=3e-3,
    gradient_penalty=0.1,
    max_grad_norm=0.5,
)


def ggan(**params):
    small = dict(hidden_units=16, critic_units=8, max_epochs=6, batch_size=40, random_state=0)
    return GGANRegressor(**(small | params))


def published(**params):
    small = dict(hidden_units=16, n_hidden_layers=2, critic_units=8, max_epochs=6, batch_size=40)
    return GGANRegressor.published(**(small | dict(random_state=0) | params))


class Game:
    """One batch of GGAN's game, turn by turn, on a net that has not trained yet."""

    def __init__(self, *tensors, epoch=1, **params):
        self.X, self.Y, *_ = tensors = [torch.as_tensor(t, dtype=torch.float32) for t in tensors]
        estimator = ggan(gene_scaling=None, **params)
        estimator.device_ = "cpu"
        data = estimator._training_data(*(t.numpy() for t in tensors[:2]))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            module = estimator._make_module(data.X.shape[1], data.Y.shape[1])
            net = estimator._make_net(module, estimator._net_params(module, data, 0)).initialize()
        for _ in range(epoch):
            net.history.new_epoch()
        self.seen, self.inferred, self.terms = [], [], {}
        if net.players:
            net.critic_.register_forward_pre_hook(lambda _, args: self.seen.append(*args))
        net.module_.register_forward_hook(lambda _, args, Y_hat: self.inferred.append(Y_hat))
        net.record = lambda **terms: self.terms.update(terms)
        self.net, self.turns = net, net.play(tensors)

    def score(self, Y):
        """What the critic says of targets, shape (n_profiles,)."""
        return self.net.critic_(torch.cat([self.X, Y], dim=1))[:, 0]

    def skip_to_the_generator(self):
        for player, loss in self.turns:
            if player == "module":
                return loss


# -- objectives ------------------------------------------------------------------------------
@pytest.mark.parametrize("weight", [None, RNG.uniform(0.1, 3, 120)], ids=["plain", "weighted"])
def test_both_players_minimise_the_papers_objective(weight):
    tensors = (X, Y) if weight is None else (X, Y, weight)
    params = dict(lambda_adv=3.0, lambda_cons=0.0, adversarial_scale="genes", mask_start=0.0)
    game = Game(*tensors, **PLAIN, **params)
    player, critic_loss = next(game.turns)
    assert player == "critic"
    (Y_hat,) = (inferred.detach() for inferred in game.inferred)
    with torch.no_grad():
        real, fake = (game.score(targets).numpy() for targets in (game.Y, Y_hat))
    expected = np.average(0.5 * ((real - 1) ** 2 + fake**2), weights=weight)
    assert critic_loss.item() == pytest.approx(expected, rel=1e-5)

    player, generator_loss = next(game.turns)
    assert player == "module"
    absolute = np.average(np.abs(Y - Y_hat.numpy()).mean(axis=1), weights=weight)
    adversarial = np.average((fake - 1) ** 2, weights=weight)
    assert generator_loss.item() == pytest.approx(absolute + 3 * adversarial / 8, rel=1e-5)
    assert game.terms["loss"].item() == pytest.approx(absolute, rel=1e-5)
    assert game.terms["adversarial_loss"].item() == pytest.approx(adversarial, rel=1e-5)
    assert next(game.turns, None) is None


def test_the_generator_meets_the_critic_after_its_step():
    game = Game(X, Y, critic_normalization=None)
    next(game.turns)
    with torch.no_grad():
        for parameter in game.net.critic_.parameters():
            parameter.zero_()
        game.net.critic_.output.bias.fill_(5)
    next(game.turns)
    assert game.terms["adversarial_loss"].item() == 16


def test_consistency_compares_two_draws_of_dropout():
    game = Game(X, Y, lambda_adv=0.0, lambda_cons=0.5, dropout=0.5)
    loss = game.skip_to_the_generator()
    first, second = game.inferred
    assert not torch.equal(first, second)
    consistency = (first - second).square().mean()
    torch.testing.assert_close(game.terms["consistency_loss"], consistency)
    # The second draw is held fixed, so the first one's gradient counts twice.
    torch.testing.assert_close(loss, game.terms["loss"] + 2 * 0.5 * consistency)


@pytest.mark.parametrize("weight", [None, RNG.uniform(0.1, 3, 120)], ids=["plain", "weighted"])
def test_half_the_gradient_penalty_weighs_the_critics_squared_slope_at_real_targets(weight):
    tensors = (X, Y) if weight is None else (X, Y, weight)
    params = dict(mask_start=0.0, critic_normalization=None)
    game = Game(*tensors, gradient_penalty=6.0, **params)
    _, loss = next(game.turns)
    hidden, output = game.net.critic_.hidden[0][0], game.net.critic_.output
    with torch.no_grad():
        rises = torch.where(hidden(torch.cat([game.X, game.Y], dim=1)) > 0, 1.0, 0.2)
        slope = (rises * output.weight) @ hidden.weight[:, 6:]
    penalty = np.average(slope.square().sum(dim=1), weights=weight)
    assert (loss - game.terms["critic_loss"]).item() == pytest.approx(3 * penalty, rel=1e-4)


# -- the weight of the adversarial loss --------------------------------------------------------
def pull_on_inferences(game):
    """The adversarial gradient at the inferred targets, and that of the L1 loss."""
    (gradient,) = torch.autograd.grad(game.skip_to_the_generator(), game.inferred[0])
    absolute = torch.sign(game.inferred[0].detach() - game.Y) / game.Y.numel()
    return gradient - absolute, absolute


@pytest.mark.parametrize("n_targets", [100, 1000])
@pytest.mark.parametrize("critic", [dict(critic_units=8), dict(critic_units=64)], ids=str)
def test_lambda_adv_means_the_same_for_any_number_of_genes_and_any_critic(n_targets, critic):
    targets = RNG.normal(size=(40, n_targets))
    game = Game(X[:40], targets, lambda_adv=0.3, lambda_cons=0.0, mask_start=0.5, **critic)
    pull, absolute = pull_on_inferences(game)
    assert (pull.norm() / absolute.norm()).item() == pytest.approx(0.3, rel=1e-3)
    hidden = game.seen[-1][:, 6:] == 0
    assert pull[hidden].abs().max() < 1e-3 * pull.abs().max()  # a hidden target is not pulled


def test_both_scales_pull_in_the_direction_of_the_critic():
    scales = ("gradient", "genes")
    params = dict(lambda_adv=0.3, lambda_cons=0.0, mask_start=0.0, **PLAIN)
    scaled, plain = (
        pull_on_inferences(Game(X, Y, adversarial_scale=scale, **params))[0] for scale in scales
    )
    assert torch.cosine_similarity(scaled.ravel(), plain.ravel(), dim=0) > 0.9999


def test_critic_trains_but_does_not_pull_while_it_warms_up():
    params = dict(lambda_cons=0.0, lambda_adv=0.5, **PLAIN)
    without = ggan(**(params | dict(lambda_adv=0.0))).fit(X, Y)
    warm, whole = (ggan(warm_up=epochs, **params).fit(X, Y) for epochs in (3, 6))
    np.testing.assert_array_equal(whole.predict(X), without.predict(X))
    losses = [e.history_["train_loss"] for e in (warm, without)]
    assert losses[0][:3] == losses[1][:3] and losses[0][3:] != losses[1][3:]
    assert len(set(whole.history_["critic_loss"])) == 6


def test_without_its_own_losses_it_is_a_densenet():
    params = dict(dropout=0.2, input_dropout=0.1)
    plain = ggan(lambda_adv=0.0, lambda_cons=0.0, **params).fit(X, Y)
    params |= dict(hidden_units=16, max_epochs=6, batch_size=40, random_state=0)
    expected = DenseNetRegressor(**params).fit(X, Y)
    np.testing.assert_array_equal(plain.predict(X), expected.predict(X))
    assert plain.history_ == expected.history_


# -- the mask --------------------------------------------------------------------------------
@pytest.mark.parametrize(("epoch", "hidden"), [(1, 0.9), (3, 0.5), (5, 0.1)])
def test_share_of_hidden_targets_falls_linearly(epoch, hidden):
    profiles = RNG.normal(size=(100, 6))
    masks = dict(max_epochs=5, mask_start=0.9, mask_end=0.1)
    game = Game(profiles, np.ones((100, 200)), epoch=epoch, **masks, **PLAIN)
    game.skip_to_the_generator()
    real, fake, pulled = game.seen
    mask = real[:, 6:]
    assert (mask == 0).float().mean() == pytest.approx(hidden, abs=0.015)
    torch.testing.assert_close(mask.unique(), torch.tensor([0, 1 / (1 - hidden)]))
    assert (mask == 0).any(dim=1).all() and (mask == 0).any(dim=0).all()  # drawn gene by gene
    for inputs in (fake, pulled):  # inferred targets wear the same mask, landmarks none
        torch.testing.assert_close(inputs[:, 6:], game.inferred[0] * mask)
    for inputs in game.seen:
        assert torch.equal(inputs[:, :6], game.X)


def test_the_mask_is_another_one_in_every_batch():
    masks = [Game(X, np.ones((120, 8)), mask_start=0.5) for _ in range(2)]
    for game in masks:
        next(game.turns)
    assert not torch.equal(masks[0].seen[0], masks[1].seen[0])


# -- fitting ---------------------------------------------------------------------------------
def test_history_has_every_loss_of_every_epoch():
    names = {"train_loss", "critic_loss", "adversarial_loss", "consistency_loss"}
    trained = ggan(early_stopping=False).fit(X, Y)
    assert set(trained.history_) == names
    assert {len(values) for values in trained.history_.values()} == {6}
    assert set(ggan(lambda_cons=0.0).fit(X, Y).history_) == names - {"consistency_loss"} | {
        "valid_mae"
    }


@pytest.mark.parametrize("make", [ggan, lambda **p: ggan(**EXTRAS, **p)], ids=["plain", "extras"])
def test_the_seed_decides_the_result(make):
    first, again, other = (make(random_state=seed).fit(X, Y) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.predict(X), again.predict(X))
    assert first.history_ == again.history_
    assert not np.allclose(first.predict(X), other.predict(X))


@pytest.mark.parametrize(
    "params",
    [
        {},
        dict(lambda_adv=0.5, **EXTRAS),
        dict(lambda_adv=1.0, adversarial_scale="genes", normalization="weight", lambda_cons=1.0),
        dict(precision="bfloat16", net="mlp", critic_normalization=None, gradient_penalty=1.0),
    ],
    ids=["default", "extras", "genes", "bfloat16"],
)
def test_it_learns_a_nonlinear_function_far_better_than_the_mean(params):
    rng = np.random.default_rng(1)
    landmarks = rng.normal(size=(500, 6))
    targets = np.tanh(landmarks @ rng.normal(size=(6, 8)))
    trained = ggan(hidden_units=64, max_epochs=40, lr=5e-3, **params)
    trained.fit(landmarks[:400], targets[:400])
    assert trained.score(landmarks[400:], targets[400:]) > 0.7


def test_clipping_reaches_the_generator():
    # Adam divides by the gradient's length plus 1e-8: shorter ones hardly move the weights.
    def moved(**params):
        start, end = (ggan(max_epochs=n, early_stopping=False, **params) for n in (1, 6))
        states = (e.fit(X, Y).module_.output.weight for e in (start, end))
        return torch.dist(*states).item()

    assert moved(max_grad_norm=1e-12) < 1e-3 * moved()


def test_a_critic_that_diverges_is_named():
    with pytest.raises(FloatingPointError, match=r"critic_loss is (inf|nan)"):
        ggan(critic_lr=1e10, warm_up=6).fit(X, Y)
    with pytest.raises(FloatingPointError, match="Training diverged"):
        ggan(critic_lr=1e10).fit(X, Y)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lambda_adv", -1),
        ("lambda_adv", np.nan),
        ("lambda_cons", -0.1),
        ("adversarial_scale", "pixels"),
        ("adversarial_loss", "wasserstein"),
        ("mask_start", 1.0),
        ("mask_end", -0.1),
        ("warm_up", -1),
        ("critic_units", 0),
        ("critic_normalization", "batch"),
        ("critic_lr", 0),
        ("gradient_penalty", -1),
        ("max_grad_norm", 0),
    ],
)
def test_a_bad_value_is_a_sentence_that_names_the_argument(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of GGANRegressor must be"):
        ggan(**{name: value}).fit(X, Y)


def test_grid_search_in_parallel():
    grid = {"lambda_adv": [0.0, 0.1]}
    search = GridSearchCV(ggan(max_epochs=2), grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(X, Y)
    alone = ggan(max_epochs=2, **search.best_params_).fit(X, Y)
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] != scores[1]


# -- copies and checkpoints --------------------------------------------------------------------
def saved_and_loaded(estimator, folder):
    persistence.save(estimator, folder / "ggan.skgex")
    return persistence.load(folder / "ggan.skgex")


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda e, _: pickle.loads(pickle.dumps(e)),
        lambda e, _: copy.deepcopy(e),
        saved_and_loaded,
    ],
    ids=["pickle", "deepcopy", "save"],
)
def test_copies_infer_the_same_and_draw_no_random_numbers(duplicate, tmp_path):
    trained = published().fit(X, Y)
    state = torch.get_rng_state()
    twin = duplicate(trained, tmp_path)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(twin.predict(X), trained.predict(X))
    assert twin.history_ == trained.history_


class Killed(Exception):
    pass


@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize(
    "make",
    [ggan, published, lambda **p: ggan(**EXTRAS, **p)],
    ids=["default", "published", "extras"],
)
def test_a_killed_fit_resumes_to_the_same_weights(make, epoch, tmp_path, monkeypatch):
    expected = make().fit(X, Y)
    original = training.Checkpoint.on_epoch_end

    def die(self, net, **kwargs):
        original(self, net, **kwargs)
        if len(net.history) == epoch:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(training.Checkpoint, "on_epoch_end", die)
        make(checkpoint=tmp_path).fit(X, Y)
    resumed = make(checkpoint=tmp_path).fit(X, Y)
    for name, tensor in expected.module_.state_dict().items():
        assert torch.equal(resumed.module_.state_dict()[name], tensor), name
    assert resumed.history_ == expected.history_
    assert not list(tmp_path.iterdir())


# -- the paper's setting -----------------------------------------------------------------------
def test_published_has_the_papers_size():
    paper = GGANRegressor.published()
    with torch.device("meta"):
        generator, critic = paper._make_module(943, 9520), paper._make_critic(943, 9520)
    sizes = [sum(p.numel() for p in net.parameters()) for net in (generator, critic)]
    # Weight normalisation gives every unit a length; every unit has a bias.
    inputs = 943 + (943 + 9000) + (943 + 18000)
    assert sizes[0] == 9000 * (inputs + 3 * 2) + 9520 * (943 + 27000 + 2)
    assert sizes[1] == 3000 * (943 + 9520 + 2) + (3000 + 2)


def test_published_has_the_papers_settings_and_takes_others():
    settings = dict(
        net="dense",
        hidden_units=9000,
        n_hidden_layers=3,
        activation="leaky_relu",
        normalization="weight",
        critic_normalization="weight",
        adversarial_loss="least_squares",
        adversarial_scale="genes",
        mask_end=0.0,
        warm_up=0,
        gradient_penalty=0.0,
        critic_lr=None,
        lr=5e-4,
        lr_final=1e-5,
        max_epochs=500,
        batch_size=200,
        early_stopping=False,
    )
    paper = GGANRegressor.published().get_params()
    assert settings.items() <= paper.items()
    assert paper["dropout"] in (0.05, 0.1, 0.25)
    assert paper["lambda_cons"] in (1, 10, 50) and paper["lambda_adv"] in (0.1, 1, 5)
    other = GGANRegressor.published(hidden_units=3000, lambda_adv=5.0)
    assert (other.hidden_units, other.lambda_adv, other.lr) == (3000, 5.0, 5e-4)
