"""SemiGAN: synthetic profiles, bad values, copies, checkpoints and the paper's setting."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import skgex
from skgex import SemiGANRegressor, persistence
from skgex import _training as training
from skgex.inference import _semigan

from .semigan_profiles import (
    EXTRAS,
    NO_GENERATORS,
    SMALL,
    QuickTeacher,
    U,
    X,
    Y,
    assert_same,
    fit,
    semigan,
)

PARTLY_NAN = np.where(np.eye(60, 8) > 0, np.nan, Y)


def published(**params):
    return SemiGANRegressor.published(**(dict(SMALL, n_hidden_layers=1, random_state=0) | params))


# -- synthetic profiles --------------------------------------------------------------------------
@pytest.fixture(scope="module")
def trained():
    params = dict(gan_units=32, critic_units=32, max_epochs=60, lr=3e-3, early_stopping=False)
    return fit(**params)


def test_samples_have_the_units_and_the_dtype_of_the_data(trained):
    A, B = trained.sample(500, random_state=0)
    assert A.shape == (500, 6) and B.shape == (500, 8)
    assert A.dtype == B.dtype == np.float64
    for drawn, real in ((A, np.vstack([X, U])), (B, Y)):
        assert (np.abs(drawn.mean(axis=0) - real.mean(axis=0)) < real.std(axis=0)).all()
        assert (np.abs(np.log2(drawn.std(axis=0) / real.std(axis=0))) < 1.5).all()
    single = fit((X.astype(np.float32), Y.astype(np.float32)), max_epochs=1)
    assert [profiles.dtype for profiles in single.sample(2)] == [np.float32] * 2


def test_samples_of_one_dimensional_targets_are_one_dimensional():
    A, b = fit((X, Y[:, 0]), max_epochs=1).sample(5)
    assert A.shape == (5, 6) and b.shape == (5,)


def test_random_state_decides_the_sample(trained):
    first, again, other = (trained.sample(5, random_state=seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert [profiles.shape for profiles in trained.sample()] == [(1, 6), (1, 8)]
    assert not np.array_equal(*(trained.sample()[0] for _ in range(2)))


def test_sampling_leaves_global_generators_alone(trained):
    states = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    trained.sample(5, random_state=0)
    after = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    for one, other in zip(states, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_parameters_set_after_fit_do_not_change_the_sample(trained):
    changed = copy.deepcopy(trained).set_params(latent_dim=9, **NO_GENERATORS)
    np.testing.assert_array_equal(
        changed.sample(5, random_state=0)[0], trained.sample(5, random_state=0)[0]
    )


@pytest.mark.parametrize("n_samples", [0, -1, 2.5, None])
def test_a_bad_number_of_samples_is_a_sentence(trained, n_samples):
    with pytest.raises((ValueError, TypeError), match="n_samples"):
        trained.sample(n_samples)


def test_there_is_nothing_to_sample_without_generators_or_before_fit():
    with pytest.raises(ValueError, match=r"no generators .* lambda_gx, lambda_gy and lambda_gxy"):
        fit(max_epochs=1, **NO_GENERATORS).sample(3)
    with pytest.raises(NotFittedError):
        semigan().sample(3)
    refitted = fit(max_epochs=1)
    with pytest.raises(ValueError, match="partly NaN"):
        refitted.fit(X, PARTLY_NAN)
    with pytest.raises(NotFittedError):
        refitted.sample(3)


# -- bad values --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((f"lambda_{name}", -1) for name in ("rec", "tra", "inv", "syn", "cons", "pseudo")),
        *((f"lambda_{player}{name}", -0.1) for player in "dg" for name in ("x", "y", "xy")),
        ("lambda_syn", np.nan),
        ("lambda_gx", None),
        ("gradient_penalty", -1),
        ("gan_beta_1", 1.0),
        ("latent_dim", 0),
        ("gan_units", 0),
        ("n_gan_layers", 0),
        ("critic_units", 0),
        ("gan_normalization", "spectral"),
        ("adversarial_loss", "wasserstein"),
        ("synthetic_weights", "best"),
        ("teacher", "ridge"),
        ("warm_up", -1),
        ("max_grad_norm", 0),
    ],
)
def test_a_bad_value_is_a_sentence_that_names_the_argument(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of SemiGANRegressor must be"):
        fit(**{name: value})


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (NO_GENERATORS, "lambda_syn=0.1 asks for synthetic pairs, but .* no generators"),
        (dict(lambda_gxy=0.0), "lambda_gxy=0 trains no critic .* synthetic_weights='uniform'"),
    ],
    ids=["no generators", "no critic of pairs"],
)
def test_synthetic_pairs_that_cannot_be_drawn_or_weighed_are_a_sentence(params, said):
    params = dict(params, lambda_syn=0.1)
    with pytest.raises(ValueError, match=said):
        fit(**params)
    assert fit(**params | dict(lambda_syn=0.0, max_epochs=1)).n_epochs_ == 1


def test_uniform_synthetic_pairs_need_no_critic_of_pairs():
    trained = fit(lambda_gxy=0.0, synthetic_weights="uniform")
    assert np.isfinite(trained.history_["synthetic_loss"][-1])


@pytest.mark.parametrize("name", ["DGEX", "DenseNet", "GGAN", "SemiGAN"])
def test_a_weight_that_leaves_one_labelled_profile_is_a_sentence_for_every_net(name):
    weight, Y_partly = np.ones(60), Y.copy()
    weight[1:30], Y_partly[30:] = 0, np.nan
    net = getattr(skgex, f"{name}Regressor")(hidden_units=4, max_epochs=1)
    with pytest.raises(ValueError, match="sample_weight leaves 1 labelled profile of positive"):
        net.fit(X, Y_partly, sample_weight=weight)


def test_a_warm_up_that_leaves_no_epoch_for_synthetic_pairs_is_refused():
    with pytest.raises(ValueError, match="warm_up=6 leaves none of max_epochs=6"):
        fit(warm_up=6)


# -- copies, further training, checkpoints -------------------------------------------------------
def saved_and_loaded(estimator, folder):
    persistence.save(estimator, folder / "semigan.skgex")
    return persistence.load(folder / "semigan.skgex")


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda e, _: pickle.loads(pickle.dumps(e)),
        lambda e, _: copy.deepcopy(e),
        saved_and_loaded,
    ],
    ids=["pickle", "deepcopy", "save"],
)
@pytest.mark.parametrize("make", [semigan, published], ids=["default", "published"])
def test_copies_infer_and_sample_the_same_and_draw_no_random_numbers(duplicate, make, tmp_path):
    fitted = make().fit(X, Y, X_unlabeled=U)
    state = torch.get_rng_state()
    assert_same(duplicate(fitted, tmp_path), fitted)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_clone_is_unfitted_and_fits_the_same():
    fitted = fit()
    twin = clone(fitted)
    assert not hasattr(twin, "generators_") and not hasattr(twin, "module_")
    assert_same(twin.fit(X, Y, X_unlabeled=U), fitted)


def test_warm_start_continues_the_inference_net_and_the_generators():
    def outputs(estimator):
        return np.hstack([estimator.predict(X), *estimator.sample(60, random_state=0)])

    once = fit(warm_start=True)
    before = outputs(once)
    once.set_params(lr=1e-7, lr_final=1e-7, max_epochs=1, warm_up=0).fit(X, Y, X_unlabeled=U)
    for values, expected in zip(outputs(once).T, before.T, strict=True):
        assert np.corrcoef(values, expected)[0, 1] > 0.95


def test_a_cold_fit_that_fails_leaves_no_generators_to_continue():
    failed = fit((X * 9, Y))
    with pytest.raises(ValueError, match="partly NaN"):
        failed.fit(X, PARTLY_NAN)
    assert_same(failed.set_params(warm_start=True).fit(X, Y, X_unlabeled=U), fit())


class Killed(Exception):
    pass


@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize(
    "params",
    [{}, EXTRAS, dict(teacher="kernel"), NO_GENERATORS],
    ids=["default", "extras", "teacher", "no generators"],
)
def test_a_killed_fit_resumes_to_the_same_weights(params, epoch, tmp_path, monkeypatch):
    monkeypatch.setattr(_semigan, "Teacher", QuickTeacher)
    expected = fit(**params)
    original = training.Checkpoint.on_epoch_end

    def die(self, net, **kwargs):
        original(self, net, **kwargs)
        if len(net.history) == epoch:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(training.Checkpoint, "on_epoch_end", die)
        fit(checkpoint=tmp_path, **params)
    assert_same(fit(checkpoint=tmp_path, **params), expected)
    assert not list(tmp_path.iterdir())


# -- the paper's setting -------------------------------------------------------------------------
def test_published_has_the_papers_settings_and_takes_others():
    settings = dict(
        net="dense",
        hidden_units=3000,
        n_hidden_layers=3,
        activation="leaky_relu",
        normalization="weight",
        gan_units=3000,
        n_gan_layers=3,
        gan_normalization="weight",
        critic_units=3000,
        gradient_penalty=0.0,
        gan_beta_1=0.9,
        adversarial_loss="non_saturating",
        synthetic_weights="uniform",
        teacher=None,
        lr=5e-4,
        lr_final=1e-5,
        max_epochs=500,
        batch_size=200,
        early_stopping=False,
    )
    assert settings.items() <= SemiGANRegressor.published().get_params().items()
    other = SemiGANRegressor.published(hidden_units=1000, lambda_syn=0.5)
    assert (other.hidden_units, other.gan_units, other.critic_units) == (1000, 1000, 1000)
    assert (other.lambda_syn, other.lr) == (0.5, 5e-4)
