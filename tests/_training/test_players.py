"""The adversarial engine: who steps when, how fast and how far, and what is recorded."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from skgex import _losses as losses
from skgex import _training as training

RNG = np.random.default_rng(0)
X, Y = (torch.tensor(A, dtype=torch.float32) for A in RNG.normal(size=(2, 30, 3)))
WEIGHT = torch.linspace(0.1, 3, 30)
PLAYERS = ("module", "critic", "helper")


class ScriptedNet(training.PlayersNet):
    """Plays what a test writes down."""

    def __init__(self, module, *, script, **kwargs):
        self.script = script
        super().__init__(module, **kwargs)

    def play(self, batch):
        return self.script(self, *batch)


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def train(script, *tensors, batch_size=30, **params):
    """Train three linear maps: the module, a critic and a helper."""
    module, critic, helper = (nn.Linear(3, 3) for _ in PLAYERS)
    defaults = dict(optimizer=torch.optim.SGD, lr=0.1, max_epochs=1)
    net = ScriptedNet(
        module,
        script=script,
        players={"critic": critic, "helper": helper},
        criterion=losses.absolute_error,
        **(defaults | params),
    )
    batches = training.TensorBatches(tensors or (X, Y), batch_size)
    return net.fit(batches)


def flat(net):
    """All parameters of each player in one vector."""
    modules = {name: getattr(net, f"{name}_") for name in PLAYERS}
    return {
        name: torch.cat([p.detach().clone().ravel() for p in module.parameters()])
        for name, module in modules.items()
    }


def sum_of_parameters(net, *players):
    modules = [getattr(net, f"{name}_") for name in players]
    return sum(p.sum() for module in modules for p in module.parameters())


def turn(net, players, loss):
    """Take a turn and return what it added to each player's parameters."""
    before = flat(net)
    yield players, loss
    return {name: after - before[name] for name, after in flat(net).items()}


# -- turns -----------------------------------------------------------------------------------
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_a_turn_changes_its_own_players_and_nobody_else(optimizer):
    turns = ["critic", "module", ("module", "helper"), "critic", "helper"]
    changed = []

    def script(net, X, Y):
        for players in turns:
            loss = net.helper_(net.critic_(net.module_(X))).square().mean()
            added = yield from turn(net, players, loss)
            changed.append({name for name, change in added.items() if change.any()})
        net.record(loss=loss)

    train(script, optimizer=optimizer)
    assert changed == [{"critic"}, {"module"}, {"module", "helper"}, {"critic"}, {"helper"}]


def test_a_step_is_made_before_the_next_loss_is_computed():
    scores = []

    def script(net, X, Y):
        for _ in range(3):
            score = net.critic_(X).mean()
            scores.append(score.item())
            yield "critic", score
        gradient = torch.cat([X.mean(dim=0).repeat(3), torch.ones(3)]) / 3
        slope = gradient.square().sum().item()
        np.testing.assert_allclose(np.diff(scores), -0.1 * slope, rtol=1e-4)
        net.record(loss=score)

    train(script)
    assert len(scores) == 3


def test_a_turn_takes_only_its_own_gradient():
    def script(net, X, Y):
        for _ in range(3):  # gradients of earlier turns, of any player, do not add up
            yield ("module", "critic"), 7 * sum_of_parameters(net, *PLAYERS)
            added = yield from turn(net, "critic", sum_of_parameters(net, "critic"))
            torch.testing.assert_close(added["critic"], torch.full((12,), -0.1))
        net.record(loss=net.module_(X).mean())

    train(script)


def test_every_player_has_its_own_learning_rate():
    before, after = {}, {}

    def script(net, X, Y):
        before.update(flat(net))
        for name in ("critic", "helper", "module"):
            yield name, sum_of_parameters(net, name)
        after.update(flat(net))
        net.record(loss=net.module_(X).mean())

    train(script, learning_rates={"critic": 0.5})
    for name, lr in {"module": 0.1, "critic": 0.5, "helper": 0.1}.items():
        torch.testing.assert_close(before[name] - after[name], torch.full((12,), lr))


def test_the_optimisers_of_the_others_may_differ_from_that_of_the_module():
    added = {}

    def script(net, X, Y):
        for name in PLAYERS:
            change = yield from turn(net, name, sum_of_parameters(net, name))
            added[name] = change[name].mean().item()
        net.record(loss=net.module_(X).mean())

    train(script, player_params={"maximize": True})
    assert added == pytest.approx({"module": -0.1, "critic": 0.1, "helper": 0.1}, rel=1e-4)


# -- schedules and clipping ------------------------------------------------------------------
def test_linear_decay_lowers_the_rate_of_every_player():
    steps = {name: [] for name in PLAYERS}

    def script(net, X, Y):
        for name in PLAYERS:
            added = yield from turn(net, name, sum_of_parameters(net, name))
            steps[name].append(-added[name].mean().item())
        net.record(loss=net.module_(X).mean())

    decay = [("lr", training.LinearDecay(0.1))]
    train(script, learning_rates={"critic": 0.5}, max_epochs=3, callbacks=decay)
    np.testing.assert_allclose(steps["module"], [0.1, 0.055, 0.01], rtol=1e-4)
    np.testing.assert_allclose(steps["critic"], [0.5, 0.275, 0.05], rtol=1e-4)
    np.testing.assert_allclose(steps["helper"], [0.1, 0.055, 0.01], rtol=1e-4)


@pytest.mark.parametrize(
    ("scale", "max_norm", "length"), [(100, 2, 2), (0.1, 2, 0.1), (5, None, 5)]
)
def test_clipping_shortens_the_gradient_of_each_player(scale, max_norm, length):
    def script(net, X, Y):
        for players in (*PLAYERS, ("critic", "helper")):
            everyone = sum_of_parameters(net, *PLAYERS) / 12**0.5  # a gradient of length 1 each
            added = yield from turn(net, players, scale * everyone)
            lengths = {name: change.norm().item() for name, change in added.items()}
            names = (players,) if isinstance(players, str) else players
            expected = {name: length if name in names else 0 for name in PLAYERS}
            assert lengths == pytest.approx(expected, rel=1e-4)
        net.record(loss=net.module_(X).mean())

    train(script, lr=1.0, callbacks=training.gradient_clipping(max_norm))


def test_callbacks_see_the_gradient_of_every_turn():
    seen = []

    class Watch(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            seen.append({id(p) for _, p in named_parameters if p.grad is not None})

    def script(net, X, Y):
        for players in ("critic", ("helper", "module")):
            yield players, sum_of_parameters(net, *PLAYERS)
        net.record(loss=net.module_(X).mean())

    net = train(script, callbacks=[("watch", Watch())])
    order = (net.critic_, net.helper_, net.module_)
    assert seen == [{id(p) for p in module.parameters()} for module in order]


def test_progress_goes_from_nothing_to_everything():
    progress = []

    def script(net, X, Y):
        progress.append(net.progress)
        net.record(loss=net.module_(X).mean())
        yield "module", net.module_(X).mean()

    train(script, max_epochs=5)
    train(script, max_epochs=1)
    assert progress == [0, 0.25, 0.5, 0.75, 1, 0]


def test_outputs_in_bfloat16_show_the_newest_weights():
    def script(net, X, Y):
        before = net.output(net.critic_, X)
        yield "critic", before.mean()
        after = net.output(net.critic_, X)
        assert after.dtype == torch.float32
        assert not torch.equal(after, net.critic_(X))
        assert after.mean() < before.mean() - 0.01
        net.record(loss=after.mean())

    train(script, precision="bfloat16")


# -- history ---------------------------------------------------------------------------------
@pytest.mark.parametrize("tensors", [(X, Y), (X, Y, WEIGHT)], ids=["plain", "weighted"])
def test_the_history_has_the_mean_of_each_term_over_profiles(tensors):
    def script(net, X, Y, *weight):
        mean = losses.weighted_mean(Y.mean(dim=1), *weight)
        net.record(loss=mean, double_loss=2 * mean)
        yield "module", net.module_(X).mean()

    net = train(script, *tensors, batch_size=20, max_epochs=2)
    expected = np.average(Y.numpy().mean(axis=1), weights=WEIGHT if len(tensors) > 2 else None)
    history = net.losses()
    assert set(history) == {"train_loss", "double_loss"}
    np.testing.assert_allclose(history["train_loss"], [expected] * 2, rtol=1e-5)
    np.testing.assert_allclose(history["double_loss"], [2 * expected] * 2, rtol=1e-5)


def record_late(value):
    """A script whose second term begins in the second epoch."""

    def script(net, X, Y):
        loss = net.module_(X).square().mean()
        net.record(loss=loss)
        if len(net.history) > 1:
            net.record(late_loss=torch.tensor(value))
        yield "module", loss

    return script


def test_a_term_that_begins_late_is_in_the_history():
    history = train(record_late(5.0), max_epochs=3).losses()
    assert len(history["late_loss"]) == len(history["train_loss"]) == 3
    assert history["late_loss"][1:] == [5.0, 5.0]


def test_a_term_that_begins_late_and_diverges_is_named():
    with pytest.raises(FloatingPointError, match="late_loss is inf in epoch 2"):
        train(record_late(np.inf), max_epochs=3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_any_term_that_diverges_is_named(value):
    def script(net, X, Y):
        loss = net.module_(X).square().mean()
        net.record(loss=loss, odd_loss=torch.tensor(value))
        yield "module", loss

    with pytest.raises(FloatingPointError, match=f"odd_loss is {value} in epoch 1"):
        train(script, max_epochs=3)


# -- pairs of batches ------------------------------------------------------------------------
def pairs(n_labelled, n_unlabelled, seed=0):
    generator = torch.Generator().manual_seed(seed)
    kinds = (torch.arange(n) for n in (n_labelled, n_unlabelled))
    return training.PairedBatches(*(training.TensorBatches([k], 2, generator) for k in kinds))


def epoch(batches):
    """The rows that an epoch shows, of each kind."""
    return [torch.cat([rows for (rows,) in kind]) for kind in zip(*batches, strict=True)]


@pytest.mark.parametrize("longer", [0, 1], ids=["labelled", "unlabelled"])
def test_an_epoch_is_one_pass_over_the_longer_kind(longer):
    sizes = (20, 8) if longer == 0 else (8, 20)
    batches = pairs(*sizes)
    for _ in range(2):
        rows = epoch(batches)
        assert len(batches) == 10
        assert sorted(rows[longer].tolist()) == list(range(20))
        shorter = rows[1 - longer].tolist()
        first, second, begun = shorter[:8], shorter[8:16], shorter[16:]
        assert sorted(first) == sorted(second) == list(range(8))
        assert first != second  # it restarts in a new order
        assert len(set(begun)) == 4


def test_the_seed_decides_the_pairs_and_no_epoch_is_like_another():
    one, twin, other = pairs(6, 20), pairs(6, 20), pairs(6, 20, seed=1)
    first, again = torch.cat(epoch(one)), torch.cat(epoch(twin))
    assert torch.equal(first, again)
    assert not torch.equal(first, torch.cat(epoch(one)))
    assert not torch.equal(first, torch.cat(epoch(other)))


def test_pairs_continue_from_the_state_of_their_generator():
    one = pairs(6, 20)
    epoch(one)
    twin = pairs(6, 20, seed=7)
    twin.generator.set_state(one.generator.get_state())
    for expected, rows in zip(epoch(one), epoch(twin), strict=True):
        assert torch.equal(expected, rows)
