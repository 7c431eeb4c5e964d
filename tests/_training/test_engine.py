"""The engine: batches, schedules, best epoch, precision, checkpoints."""

import numpy as np
import pytest
import skorch
import torch
from sklearn.exceptions import NotFittedError

import skgex
from skgex import DenseNetRegressor, DGEXRegressor
from skgex import _losses as losses
from skgex import _training as training

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 6))
Y = np.tanh(X @ RNG.normal(size=(6, 8)))


def net(**params):
    return DenseNetRegressor(**(dict(hidden_units=16, max_epochs=6, random_state=0) | params))


@pytest.mark.parametrize(("lr_final", "last"), [(1e-4, 1e-4), (1e-2, 1e-3)])
def test_the_learning_rate_of_a_plain_schedule_falls_and_never_rises(lr_final, last):
    rates = []

    class Watch(skorch.callbacks.Callback):
        def on_batch_begin(self, net, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    settings = training.plain_schedule(
        "net",
        lr=1e-3,
        lr_final=lr_final,
        max_epochs=5,
        device="cpu",
        verbose=False,
        callbacks=[("watch", Watch())],
    )
    module = torch.nn.Linear(6, 8)
    trained = training.SupervisedNet(module, criterion=losses.squared_error, **settings)
    trained.fit(training.TensorBatches([torch.randn(20, 6), torch.randn(20, 8)], 20))
    assert rates[0] == pytest.approx(1e-3) and rates[-1] == pytest.approx(last)
    assert rates == sorted(rates, reverse=True)


# -- batches ---------------------------------------------------------------------------------
def test_batches_cover_every_row_once_in_a_new_order_each_epoch():
    rows = torch.arange(10)
    batches = training.TensorBatches([rows], 4, torch.Generator().manual_seed(0))
    first, second = (torch.cat([b[0] for b in batches]).tolist() for _ in range(2))
    assert sorted(first) == sorted(second) == rows.tolist()
    assert first != second
    assert len(batches) == 3


def test_a_last_batch_of_one_row_joins_the_batch_before_it():
    batches = training.TensorBatches([torch.arange(9)], 4)
    assert [len(b[0]) for b in batches] == [4, 5]


def test_a_single_row_is_a_batch():
    assert [len(b[0]) for b in training.TensorBatches([torch.arange(1)], 4)] == [1]


# -- learning --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "estimator",
    [
        DenseNetRegressor(64, max_epochs=80, dropout=0.0, random_state=0, early_stopping=False),
        DenseNetRegressor(
            64, max_epochs=80, dropout=0.0, normalization="weight", loss="squared", random_state=0
        ),
        DGEXRegressor(64, optimizer="adam", loss="absolute", random_state=0),
        DGEXRegressor(64, 1, batch_size=10, dropout=0.0, random_state=0),
        DGEXRegressor(64, 1, activation="relu", batch_size=10, dropout=0.0, random_state=0),
    ],
    ids=lambda e: repr(e)[:60],
)
def test_nets_learn(estimator):
    assert estimator.fit(X, Y).score(X, Y) > 0.8


def test_weights_of_zero_mean_unseen():
    weight = np.r_[np.ones(60), np.zeros(60)]
    Y_wrong = Y.copy()
    Y_wrong[60:] = 100.0
    params = dict(max_epochs=80, early_stopping=False, dropout=0.0, lr=0.01)
    trained = net(**params, gene_scaling=None).fit(X, Y_wrong, sample_weight=weight)
    assert np.abs(trained.predict(X[:60]) - Y[:60]).mean() < 0.3


@pytest.mark.parametrize("early_stopping", [True, False])
def test_profiles_of_weight_zero_are_left_out(early_stopping):
    weight = np.tile([2.0, 0.0, 0.5], 40)
    used = weight > 0
    Y_wrong = np.where(used[:, None], Y, 100.0)
    trained, expected = (net(early_stopping=early_stopping) for _ in range(2))
    trained.fit(X, Y_wrong, sample_weight=weight)
    expected.fit(X[used], Y[used], sample_weight=weight[used])
    np.testing.assert_array_equal(trained.predict(X), expected.predict(X))


def test_held_out_profiles_keep_their_weight():
    weight = RNG.uniform(0.1, 5, size=len(X))
    trained = net(max_epochs=1, validation_fraction=0.5, precision="float32")
    with pytest.MonkeyPatch.context() as patch:
        shown = []
        with_validation = type(trained)._with_validation

        def spy(self, *args):
            shown.append(with_validation(self, *args))
            return shown[-1]

        patch.setattr(type(trained), "_with_validation", spy)
        patch.setattr(type(trained), "_predict_chunk", 7)
        trained.fit(X, Y, sample_weight=weight)
    (data,) = shown
    Y_hat = trained.module_(torch.tensor(data.X_val, dtype=torch.float32)).numpy()
    error = np.abs(Y_hat - data.Y_val).mean(axis=1)
    assert trained.history_["valid_mae"][0] == pytest.approx(
        np.average(error, weights=data.weight_val), rel=1e-5
    )
    assert sorted([*data.weight, *data.weight_val]) == sorted(weight)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_two_profiles_are_always_left_to_train_on(n):
    trained = net(validation_fraction=0.95).fit(X[:n], Y[:n])
    assert ("valid_mae" in trained.history_) == (n > 2)


def test_batch_normalisation_needs_batches():
    with pytest.raises(ValueError, match="batch_size=1 leaves batch normalisation no spread"):
        net(batch_size=1).fit(X, Y)
    assert net(batch_size=1, normalization="weight", max_epochs=1).fit(X[:9], Y[:9]).n_epochs_ == 1


def test_best_epoch_is_restored():
    trained = net(max_epochs=30, lr=0.05).fit(X, Y, X_val=X[:20], y_val=Y[:20])
    scaled = trained.y_scaler_.transform(Y[:20]) - trained.y_scaler_.transform(
        trained.predict(X[:20])
    )
    assert trained.best_epoch_ == 1 + np.argmin(trained.history_["valid_mae"])
    assert np.abs(scaled).mean() == pytest.approx(min(trained.history_["valid_mae"]), rel=1e-4)


def test_early_stopping_ends_after_patience():
    noise = RNG.normal(size=Y.shape)
    trained = net(max_epochs=200, patience=3, lr=0.01).fit(X, noise)
    assert trained.n_epochs_ == trained.best_epoch_ + 3
    assert trained.n_epochs_ < 200


def test_without_early_stopping_all_profiles_train():
    trained = net(early_stopping=False).fit(X, Y)
    assert "valid_mae" not in trained.history_
    assert trained.n_epochs_ == trained.best_epoch_ == 6


def test_validation_profiles_must_come_in_pairs():
    with pytest.raises(ValueError, match="X_val and y_val belong together"):
        net().fit(X, Y, X_val=X)


def test_validation_targets_must_fit():
    with pytest.raises(ValueError, match="y_val has 3 targets, but y has 8"):
        net().fit(X, Y, X_val=X, y_val=Y[:, :3])


def test_divergence_is_an_error_that_says_what_to_do():
    with pytest.raises(FloatingPointError, match="Lower lr"):
        DGEXRegressor(16, 1, lr=1e6, gene_scaling=None, random_state=0).fit(X * 100, Y * 1e6)


def test_divergence_in_the_last_epoch_is_seen_on_validation_profiles():
    wild = net(max_epochs=1, batch_size=200, lr=1e30, normalization=None, gene_scaling=None)
    with pytest.raises(FloatingPointError, match="valid_mae is"):
        wild.fit(X, Y)


@pytest.fixture
def interrupted(monkeypatch):
    """Fit as if the user pressed Ctrl-C in the second batch."""

    def fit(estimator, X, Y):
        train_step, steps = training.SupervisedNet.train_step, []

        def interrupt(self, batch, **kwargs):
            if steps:
                raise KeyboardInterrupt
            steps.append(train_step(self, batch, **kwargs))
            return steps[0]

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(training.SupervisedNet, "train_step", interrupt)
            estimator.fit(X, Y)

    return fit


def test_ctrl_c_leaves_no_old_net_beside_new_scales(interrupted):
    trained = net(batch_size=20).fit(X, Y)
    interrupted(trained, X * 100, Y * 100)
    with pytest.raises(NotFittedError):
        trained.predict(X)


def test_ctrl_c_in_further_training_leaves_the_net_as_it_was(interrupted):
    trained = net(batch_size=20, warm_start=True).fit(X, Y)
    expected = trained.predict(X)
    interrupted(trained, X, Y)
    np.testing.assert_array_equal(trained.predict(X), expected)


# -- schedules -------------------------------------------------------------------------------
class Net:
    """Just enough of a net for a callback."""

    max_epochs = 5
    _optimizers = ("optimizer",)

    def __init__(self):
        self.optimizer_ = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        self.history = []

    @property
    def lr_(self):
        return self.optimizer_.param_groups[0]["lr"]


def test_linear_decay_starts_at_lr_and_ends_at_its_share():
    schedule, stub, lrs = training.LinearDecay(0.2), Net(), []
    for _ in range(5):
        stub.history.append(None)
        schedule.on_epoch_begin(stub)
        lrs.append(stub.lr_)
    np.testing.assert_allclose(lrs, [1.0, 0.8, 0.6, 0.4, 0.2])


def test_decay_on_rise_follows_the_training_error():
    class History(list):
        def __getitem__(self, key):
            return [row[key[1]] for row in self]

    schedule, stub = training.DecayOnRise(factor=0.5, floor=0.3), Net()
    stub.history = History()
    expected = [1.0, 1.0, 0.5, 0.5, 0.3]
    for loss, lr in zip([3, 2, 4, 1, 2], expected, strict=True):
        stub.history.append({"train_loss": loss})
        schedule.on_epoch_end(stub)
        assert stub.lr_ == lr
    stub.optimizer_.param_groups[0]["lr"] = 0.1  # a rate below the floor is not raised to it
    stub.history.append({"train_loss": 9})
    schedule.on_epoch_end(stub)
    assert stub.lr_ == 0.1


def test_dgex_trains_upper_layers_three_times_as_fast():
    estimator = DGEXRegressor(8, 2)
    estimator.device_ = "cpu"
    data = estimator._training_data(X, Y)
    module = estimator._make_module(6, 8)
    skorch_net = estimator._make_net(module, estimator._net_params(module, data, 0)).initialize()
    lr = {id(p): g["lr"] for g in skorch_net.optimizer_.param_groups for p in g["params"]}
    lr = {name[:8]: lr[id(p)] for name, p in module.named_parameters()}
    assert lr["hidden.0"] == pytest.approx(3e-4)
    assert lr["hidden.1"] == lr["output.w"] == lr["output.b"] == pytest.approx(9e-4)


# -- precision and device --------------------------------------------------------------------
def test_bfloat16_stays_near_float32():
    exact = net(hidden_units=64, max_epochs=30, precision="float32").fit(X, Y).predict(X)
    fast = net(hidden_units=64, max_epochs=30, precision="bfloat16").fit(X, Y).predict(X)
    assert np.abs(exact - fast).mean() < 0.05 * Y.std()
    assert not np.array_equal(exact, fast)


def test_auto_precision_is_exact_for_narrow_nets():
    assert training.resolve_precision("auto", torch.device("cpu"), 255) == "float32"


def test_unknown_device_is_a_sentence():
    with pytest.raises(ValueError, match="device='abacus' cannot be used"):
        net(device="abacus").fit(X, Y)


def test_prediction_falls_back_on_the_cpu(monkeypatch):
    if not torch.cuda.is_available():
        assert training.present_device("cuda").type == "cpu"
    # Apple's GPUs have no float64.
    module = "skgex._training._device.resolve_device"
    monkeypatch.setattr(module, lambda device: torch.device(device))
    assert training.present_device("mps", torch.float32).type == "mps"
    assert training.present_device("mps", torch.float64).type == "cpu"


def test_training_on_the_cpu_seeds_no_other_device(monkeypatch):
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    net(device="cpu", max_epochs=1).fit(X, Y)
    assert not seeded


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", ["DenseNet", "DeepLSMTL", "DeepCNMTL", "DeepAMTL", "DeepAMTFL"])
def test_gpu_and_cpu_agree(method):
    params = dict(hidden_units=64, max_epochs=20, precision="float32", dropout=0.0, random_state=0)
    make = getattr(skgex, f"{method}Regressor")
    cpu, gpu = (make(**params, device=device).fit(X, Y) for device in ("cpu", "cuda"))
    assert gpu.device_ == "cuda"
    np.testing.assert_allclose(cpu.predict(X), gpu.predict(X), atol=0.1)


# -- warm start and checkpoints --------------------------------------------------------------
def test_warm_start_continues():
    once = net(early_stopping=False, warm_start=True).fit(X, Y)
    loss = once.history_["train_loss"][-1]
    assert once.fit(X, Y).history_["train_loss"][0] < 1.5 * loss


def test_warm_start_refuses_other_targets():
    with pytest.raises(ValueError, match=r"y has 3 targets, but this .* was fitted on 8"):
        net(warm_start=True).fit(X, Y).fit(X, Y[:, :3])


def test_warm_start_refuses_another_net():
    trained = net(warm_start=True).fit(X, Y)
    expected = trained.predict(X)
    with pytest.raises(ValueError, match="but dropout, hidden_units changed since"):
        trained.set_params(hidden_units=8, dropout=0.5).fit(X, Y)
    np.testing.assert_array_equal(trained.predict(X), expected)


class Killed(Exception):
    pass


def killed_fit(estimator, monkeypatch, epoch):
    """Fit and die right after the checkpoint of ``epoch``."""
    original = training.Checkpoint.on_epoch_end

    def die(self, net, **kwargs):
        original(self, net, **kwargs)
        if len(net.history) == epoch:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(training.Checkpoint, "on_epoch_end", die)
        estimator.fit(X, Y)


@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize(
    "make",
    [net, lambda **p: DGEXRegressor(16, max_epochs=8, random_state=0, **p)],
    ids=["adam", "sgd"],
)
def test_killed_fit_resumes_to_the_same_weights(make, epoch, tmp_path, monkeypatch):
    expected = make().fit(X, Y)
    killed_fit(make(checkpoint=tmp_path), monkeypatch, epoch)
    assert len(list(tmp_path.iterdir())) == 1
    resumed = make(checkpoint=tmp_path).fit(X, Y)
    np.testing.assert_array_equal(resumed.predict(X), expected.predict(X))
    assert resumed.history_["train_loss"] == expected.history_["train_loss"]
    assert not list(tmp_path.iterdir())


def test_checkpoint_of_another_fit_is_not_taken(tmp_path, monkeypatch):
    killed_fit(net(checkpoint=tmp_path), monkeypatch, 3)
    expected = net(lr=0.01).fit(X, Y).predict(X)
    np.testing.assert_array_equal(net(lr=0.01, checkpoint=tmp_path).fit(X, Y).predict(X), expected)
    assert len(list(tmp_path.iterdir())) == 1


def test_checkpoint_of_further_training_is_not_taken_for_the_first(tmp_path, monkeypatch):
    params = dict(checkpoint=tmp_path, warm_start=True)
    expected = net(**params).fit(X, Y).predict(X)
    killed_fit(net(**params).fit(X, Y), monkeypatch, 3)
    np.testing.assert_array_equal(net(**params).fit(X, Y).predict(X), expected)


def test_checkpoint_of_a_gpu_resumes_on_the_cpu(tmp_path, monkeypatch):
    expected = net().fit(X, Y).predict(X)
    generators = training.Checkpoint._generators
    with monkeypatch.context() as patch:
        on_gpu = {"cuda": torch.zeros(16, dtype=torch.uint8)}
        patch.setattr(
            training.Checkpoint, "_generators", lambda self, net: generators(self, net) | on_gpu
        )
        killed_fit(net(checkpoint=tmp_path), monkeypatch, 3)
    restored = []
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda *args: restored.append(args))
    resumed = net(checkpoint=tmp_path, device="cpu").fit(X, Y)
    np.testing.assert_array_equal(resumed.predict(X), expected)
    assert not restored


def test_checkpoint_needs_a_seed(tmp_path):
    with pytest.raises(ValueError, match="integer random_state"):
        net(checkpoint=tmp_path, random_state=None).fit(X, Y)


def test_progress_bar_shows_the_losses(capsys):
    net(verbose=1).fit(X, Y)
    assert "valid_mae" in capsys.readouterr().err
