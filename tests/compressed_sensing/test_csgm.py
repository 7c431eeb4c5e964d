"""CSGM: its objectives, what it decodes, and generators that are kept."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

import skgex
from skgex import CSGMRegressor, WienerRegressor
from skgex import _solvers as solvers
from skgex._nets import MLP, SkipMLP, VariationalAutoencoder
from skgex.compressed_sensing import _csgm
from skgex.compressed_sensing._generative import VAENet, WassersteinNet, unexplained
from skgex.compressed_sensing._inversion import invert, whitening

from .measured import NEW, A, B, G, M, P, close, draw, noisy

SMALL = dict(latent_dim=8, hidden_units=32, max_epochs=40, lr=1e-2, n_steps=60, random_state=0)
kinds = pytest.mark.parametrize("kind", ["vae", "gan"])


def csgm(A=A, **params):
    return CSGMRegressor(A, **(SMALL | params))


def linear_generator(W, mean):
    """``G(w) = mean + wᵀ W`` as a net whose hidden layer is ignored."""
    net = SkipMLP(*W.shape, (3,)).double().eval().requires_grad_(False)
    net.output.weight.zero_()[:, : len(W)] = W.T
    net.output.bias.copy_(mean)
    return net


def perfect_crowd(n, k):
    """Latents with mean 0 and covariance I to the last digit."""
    W = np.random.default_rng(5).normal(size=(n, k))
    return np.linalg.qr(W - W.mean(axis=0))[0] * np.sqrt(n)


# -- training ------------------------------------------------------------------------------------
def test_the_autoencoder_minimises_the_negative_evidence_lower_bound():
    X = torch.from_numpy(draw(20, 3)).float()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = VariationalAutoencoder(SkipMLP(2, G, (5,)), SkipMLP(G, 4, (5,)))
        module.log_psi.data.normal_(0, 0.3)
        net = VAENet(module).initialize()
        torch.manual_seed(1)
        found = float(net.objective((X, X)).detach())
        torch.manual_seed(1)
        e = torch.randn(20, 2).double().numpy()
    mean, log_variance = (part.detach().double().numpy() for part in module.encode(X))
    W = torch.from_numpy(mean + np.exp(log_variance / 2) * e).float()
    residual = (X - module.generator(W)).detach().double().numpy()
    psi = module.log_psi.detach().double().exp().numpy()
    misfit = 0.5 * (residual**2 / psi + np.log(2 * np.pi * psi)).sum(axis=1)
    divergence = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1)
    assert found == pytest.approx((misfit + divergence).mean(), rel=1e-5)


def test_the_critic_is_fined_for_slopes_other_than_one_and_plays_more_often():
    X = torch.from_numpy(draw(20, 3)).float()
    params = type("Params", (), dict(latent_dim=2, critic_steps=3, gradient_penalty=7.0))
    critic = MLP(G, 1, ())  # its slope is the same everywhere
    players = {"critic": critic}
    net = WassersteinNet(SkipMLP(2, G, (5,)), players=players, params=params).initialize()
    net.generated = []
    net.module_.register_forward_hook(lambda _, args, x: net.generated.append(x.detach()))
    net.terms_, turns = {}, []
    with torch.random.fork_rng():
        for turn in net.play((X, X)):
            turns.append(turn)
    assert [player for player, _ in turns] == ["critic"] * 3 + ["module"]
    slope = float(critic.output.weight.detach().norm())
    with torch.no_grad():
        real, fake = float(critic(X).mean()), [float(critic(x).mean()) for x in net.generated]
    expected = [7 * (slope - 1) ** 2 - real + score for score in fake[:3]] + [-fake[3]]
    assert [float(loss.detach()) for _, loss in turns] == pytest.approx(expected, abs=1e-5)


@kinds
def test_training_makes_profiles_like_those_it_has_seen(kind):
    model = csgm(generator=kind, gene_scaling=None, max_epochs=60).fit(P @ A.T, P)
    W = torch.from_numpy(np.random.default_rng(0).normal(size=(4000, 8)))
    made = model.generator_(W).numpy()
    made += np.random.default_rng(1).normal(size=made.shape) * np.sqrt(model.residual_variance_)
    C = np.cov(P.T)
    assert np.abs(made.mean(axis=0) - P.mean(axis=0)).max() < 0.4 * np.sqrt(C.diagonal().max())
    assert np.linalg.norm(np.cov(made.T) - C) < 0.5 * np.linalg.norm(C)
    losses = model.history_["train_loss"]
    assert len(losses) == 60
    if kind == "vae":  # a critic knows nothing at first
        assert losses[-1] < losses[0] - 5


def test_what_a_generator_leaves_unexplained_is_found_from_profiles():
    rng = np.random.default_rng(0)
    W, psi = torch.from_numpy(rng.normal(size=(2, 40))), rng.uniform(0.05, 0.5, 40)
    X = rng.normal(size=(500, 2)) @ W.numpy() + np.sqrt(psi) * rng.normal(size=(500, 40))
    found = unexplained(linear_generator(W, torch.zeros(40)), torch.from_numpy(X))
    np.testing.assert_allclose(found, psi, rtol=0.35)


# -- decoding ------------------------------------------------------------------------------------
def test_whitening_makes_the_misfit_a_sum_of_squares():
    psi, noise = np.random.default_rng(0).uniform(0.1, 1, G), 0.04 * A @ A.T
    C, r = A * psi @ A.T + noise, np.random.default_rng(1).normal(size=M)
    V = whitening(*map(torch.from_numpy, (A, psi, noise))).numpy()
    assert np.square(V @ r).sum() == pytest.approx(r @ np.linalg.solve(C, r))


def test_a_linear_generator_is_decoded_as_factor_analysis_is():
    W, psi = np.random.default_rng(0).normal(size=(3, G)), np.linspace(0.1, 1, G)
    noise = torch.from_numpy(0.3**2 * A @ A.T)
    W, mean, psi, measure = map(torch.from_numpy, (W, P.mean(axis=0), psi, A))
    activities = solvers.GaussianProfiles(torch.zeros(3).double(), torch.eye(3).double())
    wiener = solvers.FactorProfiles(W, activities, mean, psi).decoder(measure, noise)
    starts, V = torch.randn(2, 3, generator=torch.Generator()), whitening(measure, psi, noise)
    decoder = _csgm.GenerativeDecoder(
        linear_generator(W, mean), measure, V, psi, device="cpu", starts=starts, n_steps=300
    )
    Z = torch.from_numpy(noisy(NEW, A, 0.3))
    np.testing.assert_allclose(decoder(Z), wiener(Z), atol=1e-4)


def test_latents_minimise_the_objective_of_map_and_of_plain():
    Z = noisy(NEW, A, 0.3)[:4]
    for decode in ("map", "plain"):
        model = csgm(decode=decode, gene_scaling=None, noise=0.3, n_steps=300).fit(P @ A.T, P)
        decoder, noise = model._decoder, 0.3**2 * A @ A.T
        C = np.linalg.inv(A * model.residual_variance_ @ A.T + noise)

        def objective(W, decode=decode, G=model.generator_, C=C):
            r = Z - G(torch.from_numpy(W)).numpy() @ A.T
            if decode == "map":
                return 0.5 * np.einsum("ni,ij,nj->n", r, C, r) + 0.5 * (W**2).sum(axis=1)
            return (r**2).mean(axis=1) + 1e-3 * (W**2).sum(axis=1)

        T = torch.from_numpy(Z) @ decoder.V.T - decoder.offset
        W, values = invert(decoder.generator.features, decoder.M, T, **decoder.descent)
        W = W.numpy()
        np.testing.assert_allclose(values, objective(W), rtol=1e-6)
        for seed in range(20):
            step = 0.1 * np.random.default_rng(seed).normal(size=W.shape)
            assert (objective(W + step) >= objective(W) - 1e-3).all()


def test_of_all_restarts_each_profile_keeps_its_own_best():
    model = csgm(decode="plain", n_steps=5).fit(P @ A.T, P)
    decoder = model._decoder
    T = torch.from_numpy(NEW @ A.T - model._offset) @ decoder.V.T - decoder.offset
    starts = 3 * torch.from_numpy(np.random.default_rng(0).normal(size=(4, 8)))

    def run(starts):
        descent = decoder.descent | dict(starts=starts)
        return invert(decoder.generator.features, decoder.M, T, **descent)

    alone = [run(start[None]) for start in starts]
    best = torch.stack([values for _, values in alone]).argmin(dim=0)
    assert len(set(best.tolist())) > 1
    W, values = run(starts)
    for row, start in enumerate(best):
        torch.testing.assert_close(W[row], alone[start][0][row])
        torch.testing.assert_close(values[row], alone[start][1][row])


@pytest.mark.parametrize("decode", ["map", "plain"])
def test_no_profile_has_an_influence_on_another_whatever_the_chunks(decode, monkeypatch):
    model, Z = csgm(decode=decode).fit(P @ A.T, P), noisy(NEW, A, 0.3)
    expected = model.predict(Z)
    close(np.vstack([model.predict(row[None]) for row in Z[:3]]), expected[:3])
    monkeypatch.setattr("skgex.compressed_sensing._inversion._CHUNK", 7 * 8)
    close(model.predict(Z), expected)


def test_only_map_explains_noise_free_measurements_in_full():
    model = csgm(latent_dim=2).fit(P @ A.T, P)
    close(model.predict(NEW @ A.T) @ A.T, NEW @ A.T)
    plain = csgm(latent_dim=2, decode="plain").fit(P @ A.T, P).predict(NEW @ A.T)
    assert np.abs(plain @ A.T - NEW @ A.T).max() > 0.1


def test_what_bends_with_a_measurement_is_told_from_it_as_no_linear_estimate_can():
    rng = np.random.default_rng(0)
    W = rng.normal(size=(2, 40))

    def bent(n):
        t = rng.normal(size=(n, 1))
        return np.hstack([t, t**2]) @ W + 0.1 * rng.normal(size=(n, 40))

    X, new = bent(400), bent(100)
    A = np.linalg.pinv(W).T[:1]  # tells t, and nothing of t²
    linear = WienerRegressor(A).fit(X @ A.T, X).predict(new @ A.T)
    params = dict(latent_dim=2, hidden_units=32, max_epochs=60, lr=3e-3, random_state=0)
    found = CSGMRegressor(A, **params).fit(X @ A.T, X).predict(new @ A.T)
    assert np.square(found - new).mean() < 0.3 * np.square(linear - new).mean()


# -- estimator -----------------------------------------------------------------------------------
@kinds
def test_same_seed_same_bits_another_seed_another_generator(kind):
    Z = noisy(P, A, 0.3)
    params = dict(generator=kind, max_epochs=3)
    state = torch.get_rng_state()
    first = csgm(**params).fit(Z, P).predict(Z)
    np.testing.assert_array_equal(torch.get_rng_state(), state)
    torch.rand(3)
    np.testing.assert_array_equal(csgm(**params).fit(Z, P).predict(Z), first)
    assert np.abs(csgm(**params | dict(random_state=1)).fit(Z, P).predict(Z) - first).max() > 0


@kinds
def test_both_generators_decode_scant_profiles_and_another_matrix_and_are_saved(kind, tmp_path):
    model = csgm(generator=kind, max_epochs=3, latent_dim=30)
    for n, g in ((2, G), (30, 1), (120, G)):
        own = np.abs(A[: min(M, g), :g])
        inferred = clone(model).set_params(measurement_matrix=own)
        inferred = inferred.fit(P[:n, :g] @ own.T, P[:n, :g]).predict(NEW[:, :g] @ own.T)
        assert np.isfinite(inferred).all()
    model.fit(P @ A.T, P).set_measurement(B)
    skgex.save(model, tmp_path / "model.skgex")
    loaded = skgex.load(tmp_path / "model.skgex")
    np.testing.assert_array_equal(loaded.predict(NEW @ B.T), model.predict(NEW @ B.T))


def test_memory_keeps_one_generator_for_all_measurements(tmp_path, monkeypatch):
    fits = []
    fit = VAENet.fit
    monkeypatch.setattr(VAENet, "fit", lambda net, X: fits.append(1) or fit(net, X))
    model = csgm(memory=str(tmp_path), max_epochs=2)
    expected = csgm(B, max_epochs=2).fit(P @ B.T, P).predict(NEW @ B.T)
    for measure, decode, noise in ((A, "map", 0.1), (B, "plain", 0.0), (B, "map", "estimate")):
        params = dict(measurement_matrix=measure, decode=decode, noise=noise)
        found = clone(model).set_params(**params).fit(P @ measure.T, P)
    np.testing.assert_array_equal(found.predict(NEW @ B.T), expected)
    assert len(fits) == 2
    for other in (dict(max_epochs=3), dict(random_state=1)):
        clone(model).set_params(**other).fit(P @ A.T, P)
    clone(model).fit(P[1:] @ A.T, P[1:])
    assert len(fits) == 5


@pytest.mark.parametrize(
    "name, value",
    [
        ("generator", "flow"),
        ("decode", "sparse"),
        ("latent_dim", 0),
        ("n_restarts", 0),
        ("n_steps", 0),
        ("latent_penalty", -1.0),
        ("gradient_penalty", -1.0),
        ("lr", 0.0),
        ("memory", 3),
    ],
)
def test_parameters_that_mean_nothing_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        csgm(**{name: value}).fit(P @ A.T, P)


def test_training_that_diverges_says_so():
    with pytest.raises(FloatingPointError, match=r"Training diverged.*Lower lr"):
        csgm(lr=1e30).fit(P @ A.T, P)
