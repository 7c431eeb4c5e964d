"""Fits of the multi-task methods: what penalties change, edge cases, further training."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from skgex import DenseNetRegressor
from skgex import _training as training

from .one_step import NO_DROPOUT, SMALL, X, Y, every_method, small

NOTHING = {
    "LSMTL": dict(lambda_mtl=0.0, gamma=0.0),
    "GOMTL": dict(mu=0.0, lambda_shared=0.0),
    "CNMTL": dict(lambda_mean=0.0, lambda_between=0.0, lambda_within=0.0),
    "AMTL": dict(alpha=0.0, lambda_mtl=0.0),
    "AMTFL": dict(alpha=0.0, gamma=0.0, mu=0.0, lambda_shared=0.0),
}


# -- penalties ---------------------------------------------------------------------------------
# What LSMTL, AMTL and AMTFL learn beside the net draws from the generator of dropout too.
@pytest.mark.parametrize(
    ("method", "params"),
    [("GOMTL", {}), ("CNMTL", {}), *((method, NO_DROPOUT) for method in NOTHING)],
    ids=str,
)
def test_without_its_penalties_it_is_a_densenet(method, params):
    trained = small(method, **NOTHING[method], **params).fit(X, Y)
    expected = DenseNetRegressor(**SMALL, **params).fit(X, Y)
    # Bit for bit, as 8 is a power of two: the mean over profiles of the mean over genes is
    # otherwise rounded otherwise than that over genes of that over profiles.
    np.testing.assert_array_equal(trained.predict(X), expected.predict(X))
    assert trained.history_["valid_mae"] == expected.history_["valid_mae"]


@every_method
def test_with_its_penalties_it_is_another_net(method):
    penalties = dict.fromkeys(NOTHING[method], 0.1)
    plain, penalised = (
        small(method, **NO_DROPOUT, **params).fit(X, Y) for params in (NOTHING[method], penalties)
    )
    assert np.abs(plain.predict(X) - penalised.predict(X)).max() > 1e-3


def long_fit(method, **params):
    settings = NOTHING[method] | dict(max_epochs=60, lr=5e-3, early_stopping=False)
    return small(method, **(settings | params)).fit(X, Y)


def weights(trained):
    return trained.module_.output.weight.numpy()


@pytest.mark.parametrize("method", ["GOMTL", "AMTFL"])
def test_mu_makes_the_weights_of_tasks_few(method):
    few, many = (np.abs(weights(long_fit(method, mu=mu))) for mu in (0.1, 0.0))
    assert few.sum() < 0.5 * many.sum()
    assert (few < 0.01).mean() > 0.4 > 4 * (many < 0.01).mean()


@pytest.mark.parametrize("method", ["GOMTL", "AMTFL"])
def test_lambda_shared_shrinks_the_hidden_layers(method):
    def squares(lambda_shared):
        trained = long_fit(method, lambda_shared=lambda_shared, normalization=None)
        return sum(layer[0].weight.square().sum().item() for layer in trained.module_.hidden)

    assert squares(0.1) < 0.5 * squares(0.0)


def spread(W):
    """‖w̄‖², and the squares between and within three clusters of tasks."""
    clusters = KMeans(3, n_init=10, random_state=0).fit(W)
    mean, centres = W.mean(axis=0), clusters.cluster_centers_[clusters.labels_]
    return np.array([(mean**2).sum(), ((centres - mean) ** 2).sum(), ((W - centres) ** 2).sum()])


@pytest.mark.parametrize("penalty", ["mean", "between", "within"])
def test_each_penalty_of_cnmtl_shrinks_its_own_spread(penalty):
    plain, strong = (
        spread(weights(long_fit("CNMTL", **{f"lambda_{penalty}": value}))) for value in (0.0, 0.5)
    )
    _, between, within = shrunk = strong / plain
    assert shrunk[["mean", "between", "within"].index(penalty)] < 0.6
    if penalty == "mean":
        assert between > 0.8 and within > 0.8
    if penalty == "within":  # clusters stay apart
        assert within < 0.5 * between


def test_gamma_of_lsmtl_makes_the_weights_of_the_subnetwork_few():
    def sizes(gamma):
        G = long_fit("LSMTL", lambda_mtl=0.3, gamma=gamma).subnetwork_
        return np.concatenate(
            [p.numpy().ravel() for p in (G.hidden[0][0].weight, G.output.weight)]
        )

    few, many = (np.abs(sizes(gamma)) for gamma in (0.1, 0.0))
    assert few.sum() < 0.5 * many.sum() and (few < 0.01).mean() > 0.4


@pytest.mark.parametrize(
    ("method", "params"),
    [
        *(("LSMTL", dict(lambda_mtl=0.3, form=form)) for form in ("inferred", "both", "measured")),
        ("LSMTL", dict(lambda_mtl=0.3, reconstruction_loss="squared", show_landmarks=False)),
        ("AMTFL", dict(gamma=0.5)),
    ],
    ids=str,
)
def test_the_reconstruction_gets_better_in_training(method, params):
    history = long_fit(method, **params).history_["relation_loss"]
    assert len(history) == 60 and history[-1] < 0.7 * history[0]


# -- learning ----------------------------------------------------------------------------------
@every_method
@pytest.mark.parametrize(
    "params",
    [{}, dict(net="mlp"), dict(normalization="weight"), dict(precision="bfloat16")],
    ids=str,
)
def test_it_learns_a_nonlinear_function_far_better_than_the_mean(method, params):
    rng = np.random.default_rng(1)
    landmarks = rng.normal(size=(500, 6))
    targets = np.tanh(landmarks @ rng.normal(size=(6, 8)))
    trained = small(method, hidden_units=64, max_epochs=30, lr=1e-2, **params)
    trained.fit(landmarks[:400], targets[:400])
    assert trained.score(landmarks[400:], targets[400:]) > 0.7


@every_method
@pytest.mark.parametrize("n_targets", [1, 2])
def test_one_and_two_targets_are_learned(method, n_targets):
    rng = np.random.default_rng(1)
    landmarks = rng.normal(size=(200, 6))
    targets = np.tanh(landmarks[:, :n_targets])
    trained = small(method, max_epochs=60, lr=1e-2).fit(landmarks, targets)
    assert trained.score(landmarks, targets) > 0.7
    assert all(np.isfinite(losses).all() for losses in trained.history_.values())


# -- further training and checkpoints ----------------------------------------------------------
@every_method
def test_warm_start_continues_the_net(method):
    trained = small(method, warm_start=True, max_epochs=20, lr=5e-3).fit(X, Y)
    before = trained.predict(X)
    trained.set_params(max_epochs=1, lr=1e-7, lr_final=1e-7).fit(X, Y)
    assert trained.n_epochs_ == 1
    for inferred, expected in zip(trained.predict(X).T, before.T, strict=True):
        assert np.corrcoef(inferred, expected)[0, 1] > 0.99


class Killed(Exception):
    pass


@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("LSMTL", {}),
        ("LSMTL", dict(form="inferred", gamma=1e-3, early_stopping=False)),
        ("GOMTL", {}),
        ("CNMTL", dict(lambda_within=0.1)),
        ("AMTL", dict(relations_lr=0.05, lambda_mtl=1.0)),
        ("AMTL", dict(relations_lr=0.05, lambda_mtl=1.0, relations_dtype="bfloat16")),
        ("AMTFL", {}),
    ],
    ids=str,
)
def test_a_killed_fit_resumes_to_the_same_weights(method, params, epoch, tmp_path, monkeypatch):
    expected = small(method, **params).fit(X, Y)
    original = training.Checkpoint.on_epoch_end

    def die(self, net, **kwargs):
        original(self, net, **kwargs)
        if len(net.history) == epoch:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(training.Checkpoint, "on_epoch_end", die)
        small(method, checkpoint=tmp_path, **params).fit(X, Y)
    resumed = small(method, checkpoint=tmp_path, **params).fit(X, Y)
    for name, tensor in expected.module_.state_dict().items():
        assert torch.equal(resumed.module_.state_dict()[name], tensor), name
    np.testing.assert_array_equal(resumed.task_similarity_, expected.task_similarity_)
    assert resumed.history_ == expected.history_
    assert not list(tmp_path.iterdir())
