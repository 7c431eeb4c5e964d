"""Mixtures of Wiener decoders: the formula, clusters that help, and how they are chosen."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GroupKFold, KFold

import skgex
from skgex import WienerMixtureRegressor, WienerRegressor

G, M, K = 12, 4, 3
RNG = np.random.default_rng(0)
CENTRES, A = 2 * RNG.normal(size=(K, G)) + 8, RNG.normal(size=(M, G)) / np.sqrt(G)
MODULES = RNG.normal(size=(K, 2, G))


def draw(n, seed):
    """Profiles of three groups, each with modules of its own, and their groups."""
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(K, size=n))
    activities = rng.normal(size=(n, 1, 2))
    profiles = CENTRES[groups] + (activities @ MODULES[groups])[:, 0]
    return profiles + 0.3 * rng.normal(size=(n, G)), groups


(P, GROUPS), (NEW, _) = draw(150, 1), draw(80, 2)


def noisy(P, sigma=0.5, A=A, seed=3):
    return (P + sigma * np.random.default_rng(seed).normal(size=P.shape)) @ A.T


def mixture(A=A, **params):
    params = dict(n_clusters=K, own_share=0.3, shrinkage=0.1, random_state=0) | params
    return WienerMixtureRegressor(A, **params)


def formula(model, P, Z, own, shrinkage, sigma, scale=1.0):
    """Decode by the clusters of a model, with genes × genes covariances."""
    scaled, B, C = P / scale, A * scale, []
    labels, noise = model.labels_, sigma**2 * A @ A.T
    clusters = [scaled[labels == k] for k in range(labels.max() + 1)]
    C = [np.cov(X.T, ddof=0) for X in clusters]
    pooled = sum(len(X) * S for X, S in zip(clusters, C, strict=True)) / len(P)
    found, likelihood = [], []
    for X, S in zip(clusters, C, strict=True):
        S = own * S + (1 - own) * pooled
        S = (1 - shrinkage) * S + shrinkage * pooled.trace() / G * np.eye(G)
        within, mean = B @ S @ B.T + noise, X.mean(axis=0)
        found.append(mean + (Z - B @ mean) @ np.linalg.solve(within, B @ S))
        likelihood.append(len(X) * multivariate_normal(B @ mean, within).pdf(Z))
    posterior = np.array(likelihood) / np.sum(likelihood, axis=0)
    return scale * np.einsum("kn,kng->ng", posterior, found)


def error(model, sigma=0.5):
    return np.square(model.predict(noisy(NEW, sigma)) - NEW).mean()


# -- the decoder -------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype, tol", [(np.float64, 1e-4), (np.float32, 5e-3)])
@pytest.mark.parametrize("scaling", [None, "standard"])
@pytest.mark.parametrize("own", [0.0, 0.3, 1.0])
def test_decodes_as_the_formula_says(own, scaling, dtype, tol):
    model = mixture(own_share=own, noise=0.5, gene_scaling=scaling)
    model.fit(noisy(P).astype(dtype), P.astype(dtype))
    scale = P.std(axis=0) if scaling else 1.0
    expected = formula(model, P, noisy(NEW), own, 0.1, 0.5, scale)
    np.testing.assert_allclose(model.predict(noisy(NEW)), expected, atol=tol)


@pytest.mark.parametrize("given", [True, False], ids=["given", "estimated"])
@pytest.mark.parametrize("scaling", [None, "standard"])
def test_one_cluster_is_the_wiener_decoder(scaling, given):
    matrix, params = A if given else None, dict(shrinkage=0.1, gene_scaling=scaling)
    for own in (0.0, 0.7, None):
        one = mixture(matrix, n_clusters=1, own_share=own, **params).fit(noisy(P), P)
        wiener = WienerRegressor(matrix, **params).fit(noisy(P), P)
        np.testing.assert_allclose(one.predict(noisy(NEW)), wiener.predict(noisy(NEW)))
        assert one.noise_ == wiener.noise_


def test_groups_of_profiles_are_found():
    model = mixture().fit(noisy(P), P)
    assert adjusted_rand_score(model.labels_, GROUPS) > 0.8
    assert model.means_.shape == (K, G) and model.n_clusters_ == K
    for k in range(K):
        np.testing.assert_allclose(model.means_[k], P[model.labels_ == k].mean(axis=0))


@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_clustered_profiles_are_decoded_better_than_by_one_gaussian(sigma):
    wiener = WienerRegressor(A).fit(noisy(P, sigma), P)
    found = mixture(own_share=None, shrinkage=None).fit(noisy(P, sigma), P)
    assert error(found, sigma) < 0.8 * error(wiener, sigma)


def test_equal_seeds_find_equal_clusters_and_others_may_not():
    params = dict(n_clusters=12, own_share=None)
    first = mixture(**params).fit(noisy(P), P)
    again = mixture(**params).fit(noisy(P), P)
    np.testing.assert_array_equal(again.labels_, first.labels_)
    np.testing.assert_array_equal(again.cv_errors_, first.cv_errors_)
    np.testing.assert_array_equal(again.predict(noisy(NEW)), first.predict(noisy(NEW)))
    other = mixture(**params, random_state=1).fit(noisy(P), P)
    assert not np.array_equal(other.labels_, first.labels_)


def test_loaded_models_decode_and_take_other_matrices(tmp_path):
    model = mixture().fit(noisy(P), P)
    skgex.save(model, tmp_path / "mixture.skgex")
    assert "_decoder" not in vars(skgex.load(tmp_path / "mixture.skgex"))
    loaded = skgex.load(tmp_path / "mixture.skgex")
    np.testing.assert_array_equal(loaded.predict(noisy(NEW)), model.predict(noisy(NEW)))
    other = A[:2] + 1
    loaded.set_measurement(other)
    expected = model.predict(noisy(NEW, A=other), measurement_matrix=other)
    np.testing.assert_array_equal(loaded.predict(noisy(NEW, A=other)), expected)


# -- what is chosen ----------------------------------------------------------------------------
def test_the_candidate_of_the_least_held_out_error_is_chosen():
    model = mixture(n_clusters=None, own_share=None, shrinkage=None).fit(noisy(P), P)
    assert len(model.candidates_) == len(model.cv_errors_) == len(set(model.candidates_))
    shares = {(n_clusters, own) for n_clusters, own, _ in model.candidates_}
    assert len([n_clusters for n_clusters, _ in shares if n_clusters == 1]) == 1
    chosen = model.candidates_[model.cv_errors_.argmin()]
    assert chosen == (model.n_clusters_, model.own_share_, model.shrinkage_)
    assert model.n_clusters_ == 10
    n_clusters, own, rho = chosen
    by_hand = mixture(n_clusters=n_clusters, own_share=own, shrinkage=rho).fit(noisy(P), P)
    np.testing.assert_array_equal(by_hand.predict(noisy(NEW)), model.predict(noisy(NEW)))
    assert by_hand.candidates_ == [chosen] and by_hand.cv_errors_ is None


@pytest.mark.parametrize("n, sizes", [(100, {1}), (150, {1, 10}), (450, {1, 10, 30})])
def test_clusters_to_choose_among_have_ten_training_profiles_each(n, sizes):
    profiles, _ = draw(n, 4)
    model = mixture(n_clusters=None, own_share=0.3, noise=0.0).fit(noisy(profiles), profiles)
    assert {n_clusters for n_clusters, *_ in model.candidates_} == sizes


def test_one_gaussian_is_chosen_where_there_are_no_clusters():
    rng = np.random.default_rng(5)
    profiles = rng.normal(size=(150, 2)) @ MODULES[0] + 0.3 * rng.normal(size=(150, G))
    model = mixture(n_clusters=None, shrinkage=0.001, own_share=0.6)
    assert model.fit(noisy(profiles), profiles).n_clusters_ == 1


def test_whole_studies_are_held_out_where_they_are_told():
    studies = np.arange(150) // 15
    params = dict(n_clusters=None, own_share=None, shrinkage=None)
    model = mixture(**params, cv=GroupKFold(3)).fit(noisy(P), P, groups=studies)
    splits = list(GroupKFold(3).split(P, groups=studies))
    expected = mixture(**params, cv=splits).fit(noisy(P), P)
    np.testing.assert_array_equal(model.cv_errors_, expected.cv_errors_)
    at_random = mixture(**params).fit(noisy(P), P)
    assert model.cv_errors_.min() > at_random.cv_errors_.min()
    same = mixture(**params, cv=KFold(3, shuffle=True, random_state=0)).fit(noisy(P), P)
    np.testing.assert_array_equal(same.cv_errors_, at_random.cv_errors_)


# -- bad input ---------------------------------------------------------------------------------
def test_more_clusters_than_profiles_are_refused():
    Y = np.vstack([P[:20], np.full((5, G), np.nan)])
    with pytest.raises(ValueError, match="n_clusters=21, but there are only 20 labelled profiles"):
        mixture(n_clusters=21).fit(noisy(P[:25]), Y)
    model = mixture(n_clusters=20, own_share=None).fit(noisy(P[:20]), P[:20])
    assert model.n_clusters_ == 20 and np.isfinite(model.predict(noisy(NEW))).all()


@pytest.mark.filterwarnings("error")
def test_repeated_profiles_share_a_cluster():
    repeated = np.repeat(P[::40], 5, axis=0)
    model = mixture(n_clusters=10).fit(noisy(repeated, 0.0), repeated)
    assert 4 <= model.n_clusters_ == len(model.means_) < 10
    np.testing.assert_allclose(model.predict(noisy(repeated, 0.0)), repeated, atol=1e-3)


def test_two_profiles_are_enough():
    model = WienerMixtureRegressor(A).fit(noisy(P[:2]), P[:2])
    assert model.n_clusters_ == 1 and np.isfinite(model.predict(noisy(NEW))).all()


def test_a_measurement_far_from_all_clusters_is_decoded_to_numbers():
    for sigma in (0.0, 0.5):
        model = mixture(shrinkage=0.0, noise=sigma).fit(noisy(P, sigma), P)
        assert np.isfinite(model.predict(1e6 * noisy(NEW))).all()
