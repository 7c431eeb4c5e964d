"""SemiGAN's turns: what each minimises, which nets it trains, and what their norms see."""

from functools import partial

import numpy as np
import pytest
import torch

from skgex import SemiGANRegressor
from skgex.inference._semigan_net import make_players

from .semigan_game import WEIGHT, Game, U, absolute

NO_GENERATORS = dict(lambda_gx=0.0, lambda_gy=0.0, lambda_gxy=0.0, lambda_syn=0.0)
BATCH_NORM = dict(normalization="batch", gan_normalization="batch")

weighted = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
forms = pytest.mark.parametrize("form", ["least_squares", "non_saturating"])
# What critics minimise on real and on drawn profiles, and what pulls the generators.
REAL = {"least_squares": lambda s: (s - 1) ** 2 / 2, "non_saturating": lambda s: log1pexp(-s)}
DRAWN = {"least_squares": lambda s: s**2 / 2, "non_saturating": lambda s: log1pexp(s)}
PULL = {"least_squares": lambda s: (s - 1) ** 2, "non_saturating": lambda s: log1pexp(-s)}
log1pexp = partial(np.logaddexp, 0)


# -- critics -----------------------------------------------------------------------------------
@weighted
@forms
@pytest.mark.parametrize(
    "untied",
    [{}, dict(lambda_dx=2.0, lambda_dy=0.0, lambda_dxy=0.3)],
    ids=["tied", "untied"],
)
def test_critics_weigh_real_profiles_with_lambda_d_and_drawn_ones_with_lambda_g(
    untied, form, weight
):
    lambdas = dict(lambda_gx=0.5, lambda_gy=1.5, lambda_gxy=2.0)
    game = Game(weight=weight, adversarial_loss=form, **lambdas, **untied)
    player, loss = next(game.turns)
    assert player == "critics"
    real, drawn = game.score({"x": game.X, "y": game.Y}), game.score()
    real["x"], weights = game("D_x", game.U), {"y": game.weight, "xy": game.weight}
    expected = 0
    for name in ("x", "y", "xy"):
        lambda_g = lambdas[f"lambda_g{name}"]
        lambda_d = untied.get(f"lambda_d{name}", lambda_g)
        expected += lambda_d * np.average(REAL[form](real[name]), weights=weights.get(name))
        expected += lambda_g * DRAWN[form](drawn[name]).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert game.terms["critic_loss"].item() == pytest.approx(expected, rel=1e-5)


@weighted
@pytest.mark.parametrize("epoch", [2, 3])
def test_inferred_profiles_count_as_real_once_the_warm_up_is_over(epoch, weight):
    game = Game(epoch=epoch, weight=weight, lambda_gx=0.0, lambda_gy=0.0)
    _, loss = next(game.turns)
    scores, weights = game("D_xy", game.X, game.Y), game.weight
    if epoch > 2:
        inferred = torch.from_numpy(game("F", game.U))
        scores = np.r_[scores, game("D_xy", game.U, inferred)]
        weights = None if weight is None else np.r_[weights / weights.mean(), np.ones(70)]
    expected = np.average((scores - 1) ** 2 / 2, weights=weights)
    expected += (game.score()["xy"] ** 2 / 2).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_profiles_are_inferred_for_the_critic_as_they_will_be_for_the_user():
    game = Game(epoch=3, dropout=0.5, **BATCH_NORM)
    before = game.statistics("F")
    next(game.turns)
    F = game.nets["F"]
    assert F.training and all(torch.equal(before[k], v) for k, v in game.statistics("F").items())
    F.eval()
    shown = game.inputs["D_xy"][0][50:]
    assert torch.equal(shown, torch.cat([game.U, torch.from_numpy(game("F", game.U))], dim=1))


def test_labelled_profiles_are_landmark_profiles_too_where_unlabelled_ones_are_few():
    few, many = Game(X_unlabeled=U[:10]), Game()
    for game, landmarks in ((few, torch.cat([few.X, few.U])), (many, many.U)):
        game.skip_to("generators")
        assert torch.equal(game.inputs["D_x"][0], landmarks)
        assert torch.equal(game.inputs["I"][0], landmarks)
        assert len(game.inputs["G_x"][0]) >= max(len(game.U), len(game.X))
        reconstructed = game("G_x", torch.from_numpy(game("I", landmarks)))
        expected = absolute(reconstructed, landmarks)
        assert game.terms["reconstruction_loss"].item() == pytest.approx(expected, rel=1e-5)


def test_without_unlabelled_profiles_the_labelled_ones_take_their_place():
    game = Game(X_unlabeled=None)
    assert sorted(game.U.tolist()) == sorted(game.X.tolist())


def test_half_the_gradient_penalty_weighs_the_critics_squared_slopes_at_real_profiles():
    params = dict(weight=WEIGHT, lambda_dx=0.5, lambda_dy=3.0, lambda_gxy=2.0)
    without = Game(gradient_penalty=0.0, **params)
    plain = next(without.turns)[1]
    game, expected = Game(gradient_penalty=6.0, **params), 0
    for name, shown, lambda_d, weight in (
        ("x", game.U, 0.5, None),
        ("y", game.Y, 3.0, game.weight),
        ("xy", torch.cat([game.X, game.Y], dim=1), 2.0, game.weight),
    ):
        critic = game.nets[f"D_{name}"]
        hidden, output = critic.hidden[0][0], critic.output
        with torch.no_grad():
            rises = torch.where(hidden(shown) > 0, 1.0, 0.2)
            slope = (rises * output.weight) @ hidden.weight
        squared = slope.square().sum(dim=1).numpy()
        expected += lambda_d * 6 / 2 * np.average(squared, weights=weight)
    assert (next(game.turns)[1] - plain).item() == pytest.approx(expected, rel=1e-4)
    # The history shows how the game stands, without the penalty.
    torch.testing.assert_close(game.terms["critic_loss"], without.terms["critic_loss"])


# -- generators and inverse net ------------------------------------------------------------------
@weighted
@forms
def test_generators_and_inverse_net_minimise_the_papers_six_terms(form, weight):
    lambdas = dict(lambda_gx=0.5, lambda_gy=1.5, lambda_gxy=2.0)
    lambdas |= dict(lambda_rec=0.7, lambda_tra=3.0, lambda_inv=5.0)
    game = Game(weight=weight, adversarial_loss=form, **lambdas)
    next(game.turns)
    players, loss = next(game.turns)
    assert players == ("generators", "inverse")
    z, drawn, score = game.inputs["G_x"][0], game.drawn(), game.score()
    z_u, z_l = (torch.from_numpy(game("I", profiles)) for profiles in (game.U, game.X))
    pull = sum(lambdas[f"lambda_g{name}"] * PULL[form](score[name]).mean() for name in score)
    terms = {
        "generator_loss": pull,
        "reconstruction_loss": absolute(game("G_x", z_u), game.U),
        "translation_loss": absolute(game("G_y", z_l), game.Y, game.weight),
        "inversion_loss": absolute(game("I", drawn["x"]), z),
    }
    for name, value in terms.items():
        assert game.terms[name].item() == pytest.approx(value, rel=1e-5), name
    expected = np.dot([1, 0.7, 3.0, 5.0], [*terms.values()])
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("term", "nets"),
    [
        ("gx", {"G_x"}),
        ("gy", {"G_y"}),
        ("gxy", {"G_x", "G_y"}),
        ("rec", {"G_x", "I"}),
        ("tra", {"G_y", "I"}),
        ("inv", {"I"}),
    ],
)
def test_each_term_trains_the_nets_it_is_about(term, nets):
    without, with_it = (Game(**{f"lambda_{term}": v}).gradients("generators") for v in (0.5, 5.0))
    changed = {
        name
        for name in ("G_x", "G_y", "I")
        for one, other in zip(without[name], with_it[name], strict=True)
        if not torch.equal(one, other)
    }
    assert changed == nets


def test_both_generators_draw_from_one_latent_which_is_another_one_in_every_batch():
    game = Game()
    game.skip_to("generators")
    z, z_y = game.inputs["G_x"][0], game.inputs["G_y"][0]
    assert z.shape == (70, 4) and torch.equal(z, z_y)
    assert z.mean().abs() < 0.2 and abs(z.std() - 1) < 0.2
    next(game.net.play(game.batch))
    assert not torch.equal(game.inputs["G_x"][-1], z)


# -- the inference net -----------------------------------------------------------------------
@weighted
@forms
@pytest.mark.parametrize("synthetic_weights", ["critic", "uniform"])
def test_the_inference_net_learns_from_labels_synthetic_pairs_and_the_teacher(
    synthetic_weights, form, weight
):
    params = dict(synthetic_weights=synthetic_weights, adversarial_loss=form, teacher="kernel")
    params |= dict(lambda_syn=0.3, lambda_pseudo=2.0, lambda_cons=0.7, weight=weight)
    game = Game(epoch=3, **params)
    with torch.no_grad():  # some scores leave the range of a belief
        game.nets["D_xy"].output.weight.mul_(9)
    loss = game.skip_to("module")
    drawn, belief = game.drawn(), game.score()["xy"]
    assert belief.min() < 0 and belief.max() > 1
    belief = np.clip(belief, 0, 1) if form == "least_squares" else 1 / (1 + np.exp(-belief))
    belief = belief if synthetic_weights == "critic" else 1
    terms = {
        "loss": absolute(game("F", game.X), game.Y, game.weight),
        "synthetic_loss": (belief * np.abs(game("F", drawn["x"]) - drawn["y"].numpy()).T).mean(),
        "pseudo_loss": absolute(game("F", game.U), game.U[:, :1]),
        "consistency_loss": 0,  # nothing is dropped here
    }
    for name, value in terms.items():
        assert game.terms[name].item() == pytest.approx(value, rel=1e-5), name
    assert loss.item() == pytest.approx(np.dot([1, 0.3, 2, 0], [*terms.values()]), rel=1e-5)
    assert next(game.turns, None) is None


@pytest.mark.parametrize(
    ("epoch", "params"),
    [(2, {}), (3, dict(lambda_syn=0.0))],
    ids=["warming up", "lambda_syn=0"],
)
def test_synthetic_pairs_wait_for_the_warm_up(epoch, params):
    game = Game(epoch=epoch, **(dict(lambda_cons=0.0, lambda_syn=9.0) | params))
    loss = game.skip_to("module")
    assert loss.item() == pytest.approx(absolute(game("F", game.X), game.Y), rel=1e-5)
    assert "synthetic_loss" not in game.terms


def test_consistency_compares_two_draws_of_dropout_on_unlabelled_profiles():
    game = Game(lambda_cons=0.5, dropout=0.5)
    loss = game.skip_to("module")
    first, second = (output[-70:] for output in game.outputs["F"])
    assert all(torch.equal(shown[-70:], game.U) for shown in game.inputs["F"])
    assert not torch.equal(first, second)
    consistency = (first - second).square().mean()
    torch.testing.assert_close(game.terms["consistency_loss"], consistency)
    # The second draw is held fixed, so the first one's gradient counts twice.
    torch.testing.assert_close(loss, game.terms["loss"] + 2 * 0.5 * consistency)


@pytest.mark.parametrize(("n", "share"), [(10, 0.2), (50, 1), (70, 1)])
def test_few_unlabelled_profiles_teach_the_inference_net_in_proportion_to_their_number(n, share):
    params = dict(teacher="kernel", lambda_pseudo=2.0, lambda_cons=0.5, dropout=0.5)
    game = Game(X_unlabeled=U[:n], **params)
    loss, terms = game.skip_to("module"), game.terms
    unlabelled = 2 * terms["pseudo_loss"] + 2 * 0.5 * terms["consistency_loss"]
    torch.testing.assert_close(loss, terms["loss"] + share * unlabelled)


def test_nothing_is_inconsistent_where_nothing_is_dropped():
    game = Game(X_unlabeled=U + 1, **BATCH_NORM)
    game.skip_to("module")
    assert game.terms["consistency_loss"].item() == pytest.approx(0, abs=1e-10)


def test_without_generators_the_inference_net_plays_alone():
    game = Game(epoch=3, **NO_GENERATORS)
    assert [*game.nets] == ["F"]
    assert [players for players, _ in game.turns] == ["module"]


# -- who learns, and from whom -----------------------------------------------------------------
@pytest.mark.parametrize("params", [{}, BATCH_NORM], ids=["plain", "batch norm"])
def test_in_its_turn_every_net_learns_in_all_its_parameters_and_no_other_net_does(params):
    game = Game(epoch=3, gradient_penalty=0.1, **params)
    play, changed = game.net.play, []

    def watched(batch):
        for players, loss in play(batch):
            before = game.parameters()
            yield players, loss
            after = game.parameters()
            changed.append([name for name in after if not torch.equal(before[name], after[name])])

    game.net.play = watched
    game.net.train_step(game.batch)
    turns = (["D_x", "D_y", "D_xy"], ["G_x", "G_y", "I"], ["F"])
    trained = [[n for n in game.parameters() if n.split(".")[0] in names] for names in turns]
    assert [sorted(names) for names in changed] == [sorted(names) for names in trained]


def test_running_statistics_of_the_inference_net_see_measured_profiles_only():
    warm, cold = (Game(epoch=epoch, **BATCH_NORM) for epoch in (3, 2))
    start = warm.statistics("F")
    for game in (warm, cold):
        game.skip_to("module")
    assert "synthetic_loss" in warm.terms and "synthetic_loss" not in cold.terms
    for name, value in cold.statistics("F").items():
        assert torch.equal(warm.statistics("F")[name], value), name
        assert not torch.equal(start[name], value), name


@pytest.mark.parametrize("name", ["G_x", "G_y"])
def test_running_statistics_of_the_generators_see_latents_as_sample_draws_them(name):
    game = Game(**BATCH_NORM)
    start = game.statistics(name)
    next(game.turns)
    drawn = game.statistics(name)
    assert not any(torch.equal(start[key], value) for key, value in drawn.items())
    next(game.turns)
    assert len(game.inputs[name]) == 2
    assert all(torch.equal(drawn[key], value) for key, value in game.statistics(name).items())


def test_gan_beta_1_is_the_momentum_of_all_players_but_the_inference_net():
    net = Game(gan_beta_1=0.7).net
    optimizers = [getattr(net, f"{name}_optimizer_") for name in (*net.players,)]
    momenta = [o.param_groups[0]["betas"][0] for o in (*optimizers, net.optimizer_)]
    assert momenta == [0.7, 0.7, 0.7, 0.9]


# -- the paper's setting -------------------------------------------------------------------------
def test_published_has_the_papers_sizes():
    paper = SemiGANRegressor.published()
    with torch.device("meta"):
        nets = make_players(943, 9520, paper) | {"module": paper._make_module(943, 9520)}
    counts = {name: sum(p.numel() for p in net.parameters()) for name, net in nets.items()}

    def mlp(n_inputs, n_outputs):
        # Weight normalisation gives every unit a length; every unit has a bias.
        return 3000 * (n_inputs + 2 + 2 * (3000 + 2)) + n_outputs * (3000 + 2)

    inputs = 943 + (943 + 3000) + (943 + 6000)
    assert counts["module"] == 3000 * (inputs + 3 * 2) + 9520 * (943 + 9000 + 2)
    assert counts["generators"] == mlp(64, 943) + mlp(64, 9520)
    assert counts["inverse"] == mlp(943, 64)
    assert counts["critics"] == sum(3000 * (n + 2) + 3000 + 2 for n in (943, 9520, 943 + 9520))
