"""Decoding by modules, whatever the dictionary: what is asked, what is chosen, what is refused."""

import pickle
from functools import partial

import numpy as np
import pytest

import skgex
from skgex import (
    SMAF,
    GeneScaler,
    SMAFRegressor,
    SparseNMF,
    SparseNMFRegressor,
    SVDRegressor,
)
from skgex.compressed_sensing._selection import held_out

from .measured import close, matrix, noisy

N, G, M = 120, 40, 16
A, B = matrix(M, g=G), matrix(10, 1, g=G)


def draw(n, seed):
    """Profiles of two of six modules each, none of them negative."""
    rng, shape = np.random.default_rng(seed), np.random.default_rng(100)
    modules = shape.gamma(2, size=(6, G)) * (shape.uniform(size=(6, G)) < 0.3)
    activities = rng.gamma(3, size=(n, 6)) * (rng.uniform(size=(n, 6)).argsort(axis=1) < 2)
    return activities @ modules + rng.uniform(0, 0.5, size=(n, G))


P, NEW = draw(N, 0), draw(40, 1)
SMALL = {
    "SVDRegressor": dict(n_modules=8, n_nonzero=4),
    "KSVDRegressor": dict(n_modules=12, n_nonzero=3, n_rounds=5, random_state=0),
    "SparseNMFRegressor": dict(n_modules=12, n_nonzero=4, random_state=0),
    "SMAFRegressor": dict(n_modules=12, n_nonzero=3, n_rounds=3, random_state=0),
}
Z = noisy(P, A, 0.1)


@pytest.fixture(params=SMALL)
def make(request):
    return partial(getattr(skgex, request.param), **SMALL[request.param])


# Singular vectors are not drawn.
drawn = pytest.mark.parametrize(
    "make", [name for name in SMALL if name != "SVDRegressor"], indirect=True
)


def error(profiles):
    return np.square(profiles - NEW).mean() / np.square(P.mean(axis=0) - NEW).mean()


# -- decoding ------------------------------------------------------------------------------------
@pytest.mark.parametrize("decode", ["factor", "lasso", "omp"])
def test_every_decoding_tells_more_than_the_mean_profile(make, decode):
    model = make(A, decode=decode).fit(Z, P)
    assert error(model.predict(noisy(NEW, A, 0.1, seed=5))) < 0.5


@pytest.mark.parametrize("decode", ["lasso", "omp"])
def test_residuals_of_modules_lower_the_error_where_genes_have_a_life_of_their_own(make, decode):
    own, new = (X + np.random.default_rng(9).gamma(1, 3, size=X.shape) for X in (P, NEW))
    full, alone = (
        make(A, decode=decode, residual=residual).fit(own @ A.T, own).predict(new @ A.T)
        for residual in (True, False)
    )
    assert np.square(full - new).mean() < 0.95 * np.square(alone - new).mean()


def test_what_decoding_allows_is_chosen_on_profiles_held_out_unless_it_is_given(make):
    pursuit = make(A, decode="omp").fit(Z, P)
    assert 1 <= pursuit.n_active_ < M
    lasso = make(A, decode="lasso").fit(Z, P)
    assert 0 < lasso.alpha_ < 1
    given = make(A, decode="omp", n_active=2).fit(Z, P)
    assert given.n_active_ == 2
    assert make(A, decode="lasso", alpha=0.2).fit(Z, P).alpha_ == 0.2
    same = make(A, decode="omp", n_active=pursuit.n_active_).fit(Z, P)
    np.testing.assert_array_equal(same.predict(Z), pursuit.predict(Z))
    for model, name in ((pursuit, "alpha_"), (lasso, "n_active_")):
        with pytest.raises(AttributeError, match="is there with decode="):
            getattr(model, name)


@pytest.mark.parametrize(
    "decode, name, values",
    [
        ("omp", "n_active", (1, 2, 3, 5, 8, 12, 15)),
        ("lasso", "alpha", (0.003, 0.01, 0.03, 0.1, 0.3)),
    ],
)
def test_the_choice_is_what_decodes_profiles_held_out_best(make, decode, name, values):
    choose = partial(make, A, decode=decode, gene_scaling=None, noise=0.1)
    (train, test), *_ = held_out(5, N)
    models = {v: choose(**{name: v}).fit(Z[train], P[train]) for v in values}
    errors = {v: np.square(m.predict(Z[test]) - P[test]).mean() for v, m in models.items()}
    assert getattr(choose().fit(Z, P), f"{name}_") == min(errors, key=errors.get)


def test_profiles_decoded_by_modules_alone_are_made_of_as_many_as_allowed(make):
    model = make(A, decode="omp", n_active=1, residual=False, gene_scaling=None).fit(Z, P)
    U = model.dictionary_.components_
    for profile in model.predict(Z):
        share = U @ profile / np.linalg.norm(U, axis=1) / np.linalg.norm(profile)
        assert np.abs(share).max() == pytest.approx(1)


def test_fewer_measurements_after_the_fit_allow_fewer_modules(make):
    model = make(A, decode="omp").fit(Z, P)
    model._sparsity = 11
    assert model.n_active_ == 11
    model.set_measurement(A[:3])
    assert model.n_active_ == 2
    assert np.isfinite(model.predict(NEW @ A[:3].T)).all()


@pytest.mark.parametrize("decode", ["factor", "lasso", "omp"])
def test_constant_genes_come_back_as_they_are(make, decode):
    constant = P.copy()
    constant[:, [0, 7]] = 3.3, 0.0
    model = make(A, decode=decode).fit(constant @ A.T, constant)
    found = model.predict(NEW @ A.T)[:, [0, 7]]
    np.testing.assert_array_equal(found, np.broadcast_to([3.3, 0.0], found.shape))


@pytest.mark.parametrize("decode", ["factor", "lasso", "omp"])
def test_measurements_that_repeat_each_other_do_no_harm(make, decode):
    twice = np.vstack([A, A[:2], A[:1] + A[1:2]])
    model = make(twice, decode=decode, noise=0.0).fit(P @ twice.T, P)
    assert error(model.predict(NEW @ twice.T)) < 0.5


@pytest.mark.parametrize("decode", ["factor", "lasso", "omp"])
def test_saved_decoders_decode_the_same_by_any_matrix(make, decode, tmp_path):
    model = make(A, decode=decode).fit(Z, P)
    skgex.save(model, tmp_path / "model.skgex")
    for same in (skgex.load(tmp_path / "model.skgex"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(same.predict(Z), model.predict(Z))
        np.testing.assert_array_equal(
            same.predict(NEW @ B.T, measurement_matrix=B),
            model.predict(NEW @ B.T, measurement_matrix=B),
        )


# -- modules are learned once --------------------------------------------------------------------
def test_memory_keeps_modules_for_other_measurements_and_decodings(make, tmp_path, monkeypatch):
    learned, dictionary = [], make()._dictionary
    learn = dictionary._learn

    def counting(self, X, n_modules):
        learned.append(len(X))
        return learn(self, X, n_modules)

    monkeypatch.setattr(dictionary, "_learn", counting)
    first = make(A, memory=str(tmp_path)).fit(Z, P)
    make(B, memory=str(tmp_path)).fit(P @ B.T, P)
    same = make(A, memory=str(tmp_path), decode="omp", n_active=2, noise=0.5).fit(Z, P)
    assert learned == [N]
    np.testing.assert_array_equal(same.dictionary_.components_, first.dictionary_.components_)
    make(A, memory=str(tmp_path), n_nonzero=2).fit(Z, P)
    assert learned == [N, N]


@drawn
def test_memory_needs_a_seed_that_says_which_draw_it_keeps(make, tmp_path):
    for seed in (None, np.random.RandomState(0)):
        with pytest.raises(ValueError, match="memory keeps what was learned for a seed"):
            make(A, memory=str(tmp_path)).set_params(random_state=seed).fit(Z, P)


def test_modules_are_those_of_the_dictionary_alone(make):
    model = make(A, gene_scaling=None).fit(Z, P)
    names = model._dictionary._get_param_names()
    alone = model._dictionary(**{name: getattr(model, name) for name in names}).fit(P)
    np.testing.assert_array_equal(model.dictionary_.components_, alone.components_)


# -- the published pipelines ---------------------------------------------------------------------
def test_the_published_decoder_takes_modules_as_they_are():
    model = SVDRegressor.published(A, n_modules=4, n_active=4)
    assert (model.decode, model.normalize, model.residual) == ("omp", False, False)
    assert SMAFRegressor.published(A).relative_to == "data"
    published, normalised = (
        SVDRegressor.published(A, n_modules=12, n_active=5, normalize=normalize)
        .fit(P @ A.T, P)
        .predict(NEW @ A.T)
        for normalize in (False, True)
    )
    assert error(published) > error(normalised)


# -- non-negative dictionaries -------------------------------------------------------------------
@pytest.mark.parametrize("dictionary", [SMAF, SparseNMF])
def test_modules_are_not_negative_and_of_unit_norm(dictionary):
    X = GeneScaler("range").fit_transform(P)
    U = dictionary(12, 3, random_state=0).fit(X).components_
    assert (U >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(U, axis=1), 1)


def test_activities_of_nmf_are_not_negative_nor_is_what_they_make():
    X = GeneScaler("range").fit_transform(P)
    nmf = SparseNMF(6, 3, random_state=0).fit(X)
    activities = nmf.transform(X)
    assert (activities >= 0).all() and (activities > 0).any(axis=0).all()
    assert np.square(X - nmf.inverse_transform(activities)).mean() < 0.5 * X.var(axis=0).mean()


@pytest.mark.parametrize("name", ["SMAFRegressor", "SparseNMFRegressor"])
def test_range_scaling_makes_decoding_independent_of_the_units_of_genes(name):
    scale, shift = np.linspace(0.5, 2, G), np.linspace(-30, 5, G)
    regressor = partial(getattr(skgex, name), decode="omp", noise=0.0, **SMALL[name])
    expected = regressor(A).fit(P @ A.T, P).predict(NEW @ A.T)
    other, inner = P * scale + shift, A / scale
    found = regressor(inner).fit(other @ inner.T, other)
    found = found.predict((NEW * scale + shift) @ inner.T)
    close((found - shift) / scale, expected)


@pytest.mark.parametrize("name", ["SMAFRegressor", "SparseNMFRegressor"])
def test_negative_profiles_are_refused_where_nothing_scales_them(name):
    regressor = getattr(skgex, name)(A, gene_scaling=None, **SMALL[name])
    with pytest.raises(ValueError, match=r"Negative values in data passed to .*'range'"):
        regressor.fit((P - 1) @ A.T, P - 1)


# -- what is refused -----------------------------------------------------------------------------
def test_as_many_active_modules_as_measurements_are_refused(make):
    with pytest.raises(ValueError, match=f"n_active={M}.*any {M} measurements"):
        make(A, decode="omp", n_active=M).fit(Z, P)
    model = make(A, decode="omp", n_active=4).fit(Z, P)
    with pytest.raises(ValueError, match=r"n_active=4.*any 3 measurements"):
        model.predict(Z[:, :3], measurement_matrix=A[:3])


def test_more_modules_than_profiles_are_refused(make):
    few = slice(10)
    with pytest.raises(ValueError, match=r"n_modules=40, but 10 profiles .* at most 10"):
        make(A).set_params(n_modules=40).fit(Z[few], P[few])
    assert (
        len(make(A, decode="lasso").set_params(n_modules=None).fit(Z[few], P[few]).predict(Z)) == N
    )


def test_too_strict_a_smaf_or_nmf_says_what_to_change():
    X = GeneScaler("range").fit_transform(P)
    with pytest.raises(ValueError, match=r"sparsity=1000000\.0 leaves no module"):
        SparseNMF(4, sparsity=1e6).fit(X)
    with pytest.raises(ValueError, match="no gene needs a module: choose a lower one"):
        SMAF(4, tolerance=0.99, relative_to="data").fit(np.tile(X[:10], 20))


def test_studies_are_held_out_whole_to_choose(make, monkeypatch):
    groups, seen = np.arange(N) % 4, []
    learned = SVDRegressor._learned_dictionary

    def counting(self, X):
        seen.append(len(X))
        return learned(self, X)

    monkeypatch.setattr(make.func, "_learned_dictionary", counting)
    make(A, decode="omp").fit(Z, P, groups=groups)
    assert seen == [N, 90]


@drawn
def test_a_seed_decides(make):
    one, same, other = (
        make(A).set_params(random_state=seed).fit(Z, P).predict(Z) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    if make.func is not SparseNMFRegressor:  # which hardly draws
        assert not np.array_equal(one, other)
