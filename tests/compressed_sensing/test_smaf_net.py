"""SMAF and a net behind it: what the net is given, and that it helps."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold

import skgex
from skgex import SMAFNetRegressor, SMAFRegressor

N, G = 240, 20
close = np.testing.assert_allclose


def draw(n, seed):
    """Profiles of three kinds, whose modules are active to the square."""
    shape, rng = np.random.default_rng(0), np.random.default_rng(seed)
    modules, kinds = shape.uniform(size=(3, G)), shape.uniform(0, 3, (3, G))
    kind = kinds[rng.integers(3, size=n)]
    return kind + rng.uniform(0, 1.5, (n, 3)) ** 2 @ modules + 0.05 * rng.normal(size=(n, G)) + 1


def matrix(m, seed):
    return np.random.default_rng(seed).normal(size=(m, G)) / np.sqrt(G)


P, NEW, A, B = draw(N, 1), draw(100, 2), matrix(4, 0), matrix(7, 1)
SMALL = dict(n_modules=10, n_nonzero=4, n_rounds=2, gene_scaling=None, random_state=0)
QUICK = dict(hidden_units=32, n_hidden_layers=2, batch_size=40, max_epochs=5)


def smaf_net(matrix=A, **params):
    return SMAFNetRegressor(matrix, **(SMALL | QUICK | params))


def error(inferred):
    return np.square(inferred - NEW).mean()


def test_it_infers_what_the_net_makes_of_what_smaf_decodes():
    model, smaf = (
        estimator.fit(P @ A.T, P) for estimator in (smaf_net(), SMAFRegressor(A, **SMALL))
    )
    decoded = smaf.predict(NEW @ A.T)
    close(model.predict(NEW @ A.T), model.net_.predict(decoded), atol=1e-9)
    close(model.dictionary_.components_, smaf.dictionary_.components_)
    added = smaf_net(skip_connection=True).fit(P @ A.T, P)
    close(added.predict(NEW @ A.T), decoded + added.net_.predict(decoded), atol=1e-9)


@pytest.mark.parametrize("scaling, skip", [("range", False), (None, True)])
def test_the_net_corrects_smaf(scaling, skip):
    params = dict(max_epochs=200, gene_scaling=scaling, skip_connection=skip)
    model = smaf_net(**params).fit(P @ A.T, P)
    smaf = SMAFRegressor(A, **(SMALL | dict(gene_scaling=scaling))).fit(P @ A.T, P)
    assert error(model.predict(NEW @ A.T)) < 0.8 * error(smaf.predict(NEW @ A.T))


@pytest.mark.parametrize("skip", [False, True])
def test_the_net_learns_from_held_out_profiles_where_splits_are_given(skip):
    splits = list(KFold(3).split(P))
    params = dict(SMALL, decode="omp", n_active=2)
    model = smaf_net(**params, noise=0.0, cv=splits, skip_connection=skip).fit(P @ A.T, P)
    decoded = np.empty_like(P)
    for train, test in splits:
        other = SMAFRegressor(A, **params, noise=0.0).fit(P[train] @ A.T, P[train])
        decoded[test] = other.predict(P[test] @ A.T)
    expected = clone(model.net_).fit(decoded, P - decoded if skip else P)
    close(model.net_.predict(P), expected.predict(P), atol=1e-9)
    as_published = smaf_net(**params, noise=0.0, skip_connection=skip).fit(P @ A.T, P)
    assert not np.allclose(as_published.net_.predict(P), expected.predict(P), atol=1e-3)


def test_studies_are_held_out_whole_to_choose_modules_and_to_teach_the_net():
    groups, params = np.arange(N) % 4, dict(SMALL, decode="omp", noise=0.0)
    model = smaf_net(**params, cv=3).fit(P @ A.T, P, groups=groups)
    told = SMAFRegressor(A, **params).fit(P @ A.T, P, groups=groups)
    assert model.n_active_ == told.n_active_
    decoded, true = [], []
    folds = GroupKFold(3, shuffle=True, random_state=0).split(P, groups=groups)
    for train, test in folds:
        other = SMAFRegressor(A, **params).fit(P[train] @ A.T, P[train], groups=groups[train])
        decoded.append(other.predict(P[test] @ A.T))
        true.append(P[test])
    expected = clone(model.net_).fit(np.concatenate(decoded), np.concatenate(true))
    close(model.net_.predict(P), expected.predict(P), atol=1e-9)


def test_splits_of_other_profiles_than_the_labelled_ones_are_refused():
    Y = P.copy()
    Y[:40] = np.nan
    model = smaf_net(cv=list(KFold(3).split(P)))
    with pytest.raises(ValueError, match="cv names profile 239, but there are 200 labelled"):
        model.fit(P @ A.T, Y)


@pytest.mark.parametrize("skip", [False, True])
def test_another_measurement_is_decoded_by_the_same_modules_and_net(skip):
    model = smaf_net(skip_connection=skip, max_epochs=100).fit(P @ A.T, P)
    smaf = SMAFRegressor(A, **SMALL).fit(P @ A.T, P)
    decoded = smaf.predict(NEW @ B.T, measurement_matrix=B)
    expected = model.net_.predict(decoded) + skip * decoded
    close(model.predict(NEW @ B.T, measurement_matrix=B), expected, atol=1e-9)
    model.set_params(skip_connection=not skip)  # for the next fit
    close(model.set_measurement(B).predict(NEW @ B.T), expected, atol=1e-9)
    assert error(expected) < 0.5 * error(P.mean(axis=0))


@pytest.mark.parametrize("estimated", [False, True])
def test_saved_and_pickled_decoders_decode_the_same_and_other_matrices_too(estimated, tmp_path):
    model = smaf_net(None if estimated else A, skip_connection=True).fit(P @ A.T, P)
    skgex.save(model, tmp_path / "model.skgex")
    for same in (skgex.load(tmp_path / "model.skgex"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(same.predict(NEW @ A.T), model.predict(NEW @ A.T))
        found, expected = (
            decoder.predict(NEW @ B.T, measurement_matrix=B) for decoder in (same, model)
        )
        np.testing.assert_array_equal(found, expected)


def test_modules_are_by_default_those_of_smaf():
    params, smaf = SMAFNetRegressor().get_params(), SMAFRegressor().get_params()
    assert {name: params[name] for name in smaf} == smaf


def test_the_seed_decides():
    first, again, other = (
        smaf_net(random_state=seed).fit(P @ A.T, P).predict(NEW @ A.T) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_profiles_that_are_nan_are_left_out(dtype):
    Y = P.copy()
    Y[:40] = np.nan
    found = smaf_net().fit((P @ A.T).astype(dtype), Y.astype(dtype)).predict(NEW @ A.T)
    expected = smaf_net().fit((P[40:] @ A.T).astype(dtype), P[40:].astype(dtype))
    np.testing.assert_array_equal(found, expected.predict(NEW @ A.T))
    assert found.dtype == dtype


def test_genes_that_do_not_vary_come_back():
    constant = P.copy()
    constant[:, [0, 7]] = 3.3, 0.0
    model = smaf_net().fit(constant @ A.T, constant)
    close(model.predict(NEW @ A.T)[:, [0, 7]], np.broadcast_to([3.3, 0.0], (100, 2)))


@pytest.mark.parametrize("cv", [None, 5])
def test_a_handful_of_profiles_is_enough(cv):
    model = smaf_net(cv=cv, n_modules=None).fit(P[:4] @ A.T, P[:4])
    assert np.isfinite(model.predict(NEW @ A.T)).all()


def test_the_published_net_has_three_hidden_layers_of_500_units_without_dropout():
    model = SMAFNetRegressor.published(A, n_modules=10, n_rounds=1, max_epochs=1, n_active=3)
    module = model.fit(P @ A.T, P).net_.module_
    expected = (G + 1) * 500 + 2 * 501 * 500 + 501 * G
    assert sum(parameter.numel() for parameter in module.parameters()) == expected
    assert module.config["activation"] == "relu" and module.config["dropout"] == 0
    assert (model.decode, model.relative_to, model.cv) == ("omp", "data", None)


@pytest.mark.parametrize(
    "params", [dict(hidden_units=0), dict(dropout=1.0), dict(lr=0.0), dict(skip_connection="yes")]
)
def test_settings_that_no_net_can_have_are_refused(params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of SMAFNetRegressor"):
        smaf_net(**params).fit(P @ A.T, P)
