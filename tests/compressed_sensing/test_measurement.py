"""What every regressor of compressed sensing promises of the measurement it decodes."""

import pickle
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline

import skgex
from skgex import CompositeMeasurement, LandmarkPanel
from skgex.compressed_sensing._estimation import PENALTIES
from skgex.compressed_sensing._selection import held_out

from .measured import NEW, SCALES, A, B, G, M, N, P, close, draw, matrix, noisy, scalings

# Those that choose by cross-validation.
choosing = pytest.mark.parametrize(
    "make", ["WienerRegressor", "WienerMixtureRegressor"], indirect=True
)


# -- the matrix, given or estimated ------------------------------------------------------------
@scalings
def test_matrix_is_recovered_from_more_profiles_than_genes_and_decodes_the_same(make, scaling):
    given = make(A, gene_scaling=scaling).fit(P @ A.T, P)
    estimated = make(gene_scaling=scaling).fit(P @ A.T + 5, P)  # the lab's zero may lie elsewhere
    close(given.measurement_matrix_, A)
    close(estimated.measurement_matrix_, A)
    close(estimated.predict(NEW @ A.T + 5), given.predict(NEW @ A.T))


def test_an_estimated_matrix_is_the_ridge_regression_that_tells_profiles_left_out_best(make):
    few = P[:10]
    for Z in (few @ A[:1].T, noisy(few, A[:1], 1.0)):
        model = make().fit(Z, few)
        largest = np.linalg.svd(few - few.mean(axis=0), compute_uv=False)[0] ** 2
        oracle = RidgeCV(PENALTIES * largest).fit(few, Z[:, 0])
        np.testing.assert_allclose(model.measurement_matrix_[0], oracle.coef_, atol=1e-6)


def test_landmarks_that_are_no_targets_tell_more_than_the_mean_of_few_profiles(make):
    profiles, new = draw(30, 5, g=60), draw(200, 6, g=60)
    landmarks, targets = np.arange(10), np.arange(10, 60)
    model = make().fit(profiles[:, landmarks], profiles[:, targets])
    error = np.square(model.predict(new[:, landmarks]) - new[:, targets]).mean()
    assert error < 0.3 * np.square(profiles[:, targets].mean(axis=0) - new[:, targets]).mean()


def test_directions_that_rounding_alone_spans_have_no_weight_in_an_estimated_matrix(make):
    profiles = P[:, :3] @ matrix(3, g=30)  # as float32 they fill all 30 directions
    Z = profiles[:, :M] + np.random.default_rng(0).normal(size=(N, M))
    single, double = (
        make().fit(Z.astype(dtype), profiles.astype(dtype)).measurement_matrix_
        for dtype in (np.float32, np.float64)
    )
    np.testing.assert_allclose(single, double, atol=1e-3)


def test_constant_genes_have_no_weight_in_an_estimated_matrix(make):
    constant = P.copy()
    constant[:, [0, 7]] = 3.3, 0.0
    for scaling in (None, "standard"):
        model = make(gene_scaling=scaling).fit(constant @ A.T, constant)
        expected = A.copy()
        expected[:, [0, 7]] = 0
        close(model.measurement_matrix_, expected)
        inferred = model.predict(constant @ A.T)
        close(inferred[:, [0, 7]], np.broadcast_to([3.3, 0.0], (N, 2)))


def test_the_callers_matrix_may_change_after_the_fit(make):
    own, Z = A.copy(), NEW @ A.T
    model = make(own).fit(P @ A.T, P)
    expected = model.predict(Z)
    own[:] = 0
    close(model.measurement_matrix_, A)
    np.testing.assert_array_equal(model.predict(Z), expected)


def test_matrices_may_be_lists_tables_and_tensors(make):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    expected = make(A).fit(P @ A.T, P).predict(NEW @ A.T)
    for given in (A.tolist(), pd.DataFrame(A), torch.from_numpy(A)):
        model = make(given).fit(P @ A.T, P)
        np.testing.assert_array_equal(model.predict(NEW @ A.T), expected)
        np.testing.assert_array_equal(model.predict(NEW @ A.T, measurement_matrix=given), expected)


# -- noise -------------------------------------------------------------------------------------
@pytest.mark.parametrize("sigma", [0.1, 1.0])
@scalings
def test_noise_is_estimated_in_the_units_of_the_genes(make, scaling, sigma):
    many = draw(2000, 4)
    Z = noisy(many, A, sigma)
    given = make(A, gene_scaling=scaling).fit(Z, many)
    assert given.noise_ == pytest.approx(sigma, rel=0.05)
    estimated = make(gene_scaling=scaling).fit(Z, many)
    assert estimated.noise_ == pytest.approx(sigma, rel=0.1)


def test_noise_free_measurements_have_no_noise(make):
    assert make(A).fit(P @ A.T, P).noise_ < 1e-12
    assert make().fit(P @ A.T, P).noise_ < 1e-12


def test_noise_counts_the_degrees_of_freedom_that_an_estimated_matrix_takes(make):
    variances, profiles = [], P[:20, :3] @ matrix(3, g=60)  # they differ in 3 of 60 directions
    for seed in range(10):
        noise = np.random.default_rng(seed).normal(size=(20, M))
        model = make().fit(profiles[:, :M] + noise, profiles)
        variances.append(model.noise_**2 * np.square(model.measurement_matrix_).sum() / M)
    assert np.mean(variances) == pytest.approx(1, rel=0.1)


def test_noise_given_by_hand_is_taken_as_it_is(make):
    Z = noisy(P, A, 0.5)
    expected = make(A).fit(Z, P)
    by_hand = make(A, noise=expected.noise_).fit(P @ A.T, P)
    assert by_hand.noise_ == expected.noise_
    close(by_hand.predict(NEW @ A.T), expected.predict(NEW @ A.T))
    assert make(noise=0.25).fit(Z, P).noise_ == 0.25


def test_knowing_the_noise_lowers_the_error(make):
    errors, many = [], matrix(12)
    Z, Z_new = noisy(P, many, 1.0), noisy(NEW, many, 1.0, seed=7)
    for noise in ("estimate", 0.0):
        model = make(many, noise=noise).fit(Z, P)
        errors.append(np.square(model.predict(Z_new) - NEW).mean())
    assert errors[0] < 0.8 * errors[1]


# -- another measurement -----------------------------------------------------------------------
@scalings
@pytest.mark.parametrize("m", [3, 9])
def test_a_new_matrix_decodes_as_if_it_had_been_fitted(make, scaling, m):
    other = matrix(m, 8)
    Z_other = noisy(NEW, other, 0.3)
    model = make(A, gene_scaling=scaling).fit(noisy(P, A, 0.3), P)
    same = dict(gene_scaling=scaling, noise=model.noise_)
    expected = make(other, **same).fit(P @ other.T, P).predict(Z_other)
    close(model.predict(Z_other, measurement_matrix=other), expected)
    assert model.set_measurement(other) is model
    assert model.n_features_in_ == m
    close(model.predict(Z_other), expected)


def test_an_estimated_matrix_may_be_replaced_too(make):
    Z = noisy(P, A, 0.3) + 5
    model = make().fit(Z, P)
    expected = make(B, noise=model.noise_).fit(P @ B.T, P).predict(NEW @ B.T)
    close(model.predict(NEW @ B.T, measurement_matrix=B), expected)
    close(model.set_measurement(B).predict(NEW @ B.T), expected)


def test_predicting_by_another_matrix_leaves_the_estimator_as_it_was(make):
    model = make().fit(noisy(P, A, 0.3), P)
    expected, before = model.predict(NEW @ A.T), dict(vars(model))
    model.predict(NEW @ B.T, measurement_matrix=B)
    assert vars(model).keys() == before.keys()
    assert all(value is before[name] for name, value in vars(model).items())
    np.testing.assert_array_equal(model.predict(NEW @ A.T), expected)


def test_fitting_again_returns_to_the_matrix_of_the_parameters(make):
    model = make(A).fit(P @ A.T, P)
    expected = model.predict(NEW @ A.T)
    model.set_measurement(B).fit(P @ A.T, P)
    np.testing.assert_array_equal(model.predict(NEW @ A.T), expected)


def test_a_matrix_that_is_refused_changes_nothing(make, monkeypatch):
    model = make(A).fit(P @ A.T, P)
    expected = model.predict(NEW @ A.T)
    with pytest.raises(ValueError, match="columns"):
        model.set_measurement(B[:, 1:])
    np.testing.assert_array_equal(model.predict(NEW @ A.T), expected)

    def refused(self):
        raise ValueError("refused late")

    with monkeypatch.context() as patch, pytest.raises(ValueError, match="refused late"):
        patch.setattr(type(model), "_prepare", refused)
        model.set_measurement(B)
    np.testing.assert_array_equal(model.predict(NEW @ A.T), expected)


def test_standard_scaling_makes_decoding_independent_of_the_units_of_genes(make):
    model = partial(make, gene_scaling="standard", noise=0.0)
    expected = model(A).fit(P @ A.T, P).predict(NEW @ A.T)
    Q = P * SCALES + 3
    found = model(A / SCALES).fit(Q @ (A / SCALES).T, Q)
    close((found.predict((NEW * SCALES + 3) @ (A / SCALES).T) - 3) / SCALES, expected)


# -- profiles ----------------------------------------------------------------------------------
@choosing
def test_profiles_that_are_nan_are_left_out_and_so_are_their_groups(make):
    labelled = np.arange(N) % 4 != 0
    Y, studies = np.where(labelled[:, None], P, np.nan), np.arange(N) % 7
    model = make(A, cv=GroupKFold(3)).set_params(shrinkage=None)
    found = clone(model).fit(P @ A.T, Y, groups=studies)
    expected = clone(model).fit(P[labelled] @ A.T, P[labelled], groups=studies[labelled])
    np.testing.assert_array_equal(found.cv_errors_, expected.cv_errors_)
    np.testing.assert_array_equal(found.predict(NEW @ A.T), expected.predict(NEW @ A.T))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(model).fit(P @ A.T, Y, groups=studies[:-1])
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        clone(model).fit(P @ A.T, Y)
    by_number = clone(model).set_params(cv=3).fit(P @ A.T, Y, groups=studies)
    whole = [set(studies[labelled][test]) for _, test in held_out(3, 90, studies[labelled])]
    assert sum(map(len, whole)) == 7  # no study is in two of the folds
    assert not np.array_equal(
        by_number.cv_errors_, clone(model).set_params(cv=3).fit(P @ A.T, Y).cv_errors_
    )


@choosing
def test_splits_made_for_other_profiles_are_refused_in_a_sentence(make):
    labelled = np.arange(N) % 4 != 0
    Y = np.where(labelled[:, None], P, np.nan)
    model = make(A, cv=list(KFold(3).split(P))).set_params(shrinkage=None)
    with pytest.raises(ValueError, match=r"cv names profile 119, but there are 90 labelled"):
        model.fit(P @ A.T, Y)


def test_landmarks_are_rows_of_the_identity_and_come_back_as_measured(make):
    panel = np.eye(G)[[3, 0, 12]]
    model = make(panel).fit(P[:, [3, 0, 12]], P)
    inferred = model.predict(NEW[:, [3, 0, 12]])
    close(inferred[:, [3, 0, 12]], NEW[:, [3, 0, 12]])
    assert np.square(inferred - NEW).mean() < 0.65 * np.square(P.mean(axis=0) - NEW).mean()
    pipe = make_pipeline(LandmarkPanel([3, 0, 12]), make()).fit(P, P)
    close(pipe.predict(NEW), inferred)


def test_whole_profiles_in_whole_profiles_out(make):
    pipe = make_pipeline(CompositeMeasurement(M, snr=10, random_state=0), make()).fit(P, P)
    assert pipe.score(NEW, NEW) > 0.3
    step = pipe.steps[-1][0]
    grid = {"compositemeasurement__n_measurements": [2, M], f"{step}__noise": ["estimate", 0.5]}
    search = GridSearchCV(pipe, grid, cv=2).fit(P, P)
    assert search.best_params_["compositemeasurement__n_measurements"] == M
    measure = pipe[0].set_params(snr=None)
    pipe = make_pipeline(measure, make(measure.components_, noise=0.5)).fit(P, P)
    np.testing.assert_array_equal(pipe[-1].measurement_matrix_, measure.components_)


def test_single_and_double_precision_decode_the_same(make):
    Z, Z_new, models = noisy(P, A, 0.3), noisy(NEW, A, 0.3), []
    for dtype in (np.float32, np.float64):
        models.append(make(A).fit(Z.astype(dtype), P.astype(dtype)))
        assert models[-1].measurement_matrix_.dtype == dtype
        assert models[-1].predict(Z_new).dtype == dtype
    single, double = (model.predict(Z_new) for model in models)
    np.testing.assert_allclose(single, double, rtol=2e-3)


@pytest.mark.parametrize("again", [False, True], ids=["fitted", "set_measurement"])
def test_saved_and_pickled_decoders_decode_the_same_and_other_matrices_too(make, again, tmp_path):
    model = make().fit(noisy(P, A, 0.3), P)
    m = A
    if again:
        m = model.set_measurement(B).measurement_matrix_
    skgex.save(model, tmp_path / "model.skgex")
    for same in (skgex.load(tmp_path / "model.skgex"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(same.predict(NEW @ m.T), model.predict(NEW @ m.T))
        for M_other in (A[:2], B):
            found, expected = (
                decoder.predict(NEW @ M_other.T, measurement_matrix=M_other)
                for decoder in (same, model)
            )
            np.testing.assert_array_equal(found, expected)


def test_tensors_in_tensors_out_with_another_matrix(make):
    model = make(A).fit(P @ A.T, P)
    found = model.predict(torch.from_numpy(NEW @ B.T), measurement_matrix=torch.from_numpy(B))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_array_equal(found, model.predict(NEW @ B.T, measurement_matrix=B))


# -- tables ------------------------------------------------------------------------------------
def test_tables_are_decoded_by_another_matrix_without_a_warning(make):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    model = make(A).fit(pd.DataFrame(P @ A.T).add_prefix("a"), pd.DataFrame(P).add_prefix("g"))
    Z = pd.DataFrame(NEW @ B.T).add_prefix("b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.predict(Z, measurement_matrix=pd.DataFrame(B).add_prefix("g"))
    close(found, model.predict(NEW @ B.T, measurement_matrix=B))
    assert list(model.feature_names_in_) == [f"a{i}" for i in range(M)]
    assert not hasattr(model.set_measurement(B), "feature_names_in_")


def test_a_matrix_whose_genes_stand_in_another_order_is_refused(make):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    Y = pd.DataFrame(P).add_prefix("g")
    swapped = pd.DataFrame(A, columns=Y.columns)[Y.columns[::-1]]
    said = "measurement_matrix has other genes, or another order, than y"
    with pytest.raises(ValueError, match=said):
        make(swapped).fit(P @ A.T, Y)
    model = make(A).fit(P @ A.T, Y)
    with pytest.raises(ValueError, match=said):
        model.set_measurement(swapped)
    with pytest.raises(ValueError, match=said):
        model.predict(NEW @ A.T, measurement_matrix=swapped)


def test_a_matrix_whose_measurements_stand_in_another_order_is_refused(make):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    Z, Y = pd.DataFrame(P @ A.T).add_prefix("a"), pd.DataFrame(P).add_prefix("g")
    named = pd.DataFrame(A, index=Z.columns, columns=Y.columns)
    said = "The rows of measurement_matrix are named .* but the columns of X are"
    with pytest.raises(ValueError, match=said):
        make(named[::-1]).fit(Z, Y)
    model = make(named).fit(Z, Y)
    with pytest.raises(ValueError, match=said):
        model.predict(Z.iloc[:, ::-1], measurement_matrix=named)
    again = model.predict(Z.iloc[:, ::-1], measurement_matrix=named[::-1])
    close(again, model.predict(Z))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close(model.set_measurement(named).predict(Z), again)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(Z.iloc[:, ::-1])


# -- units -------------------------------------------------------------------------------------
@pytest.mark.parametrize("unit", [1e-30, 1e-18, 1e18, 1e30])
def test_units_that_single_precision_cannot_square_change_nothing(make, unit):
    single = np.float32
    expected = make(A, gene_scaling="standard").fit((P @ A.T).astype(single), P.astype(single))
    expected = expected.predict(NEW @ A.T)
    far = make(A, gene_scaling="standard")
    far.fit((unit * P @ A.T).astype(single), (unit * P).astype(single))
    found = far.predict(unit * NEW @ A.T)
    assert found.dtype == single
    error = np.square(found.astype(float) / unit - NEW).mean()
    assert error < 1.1 * np.square(expected - NEW).mean()


# -- parameters set after the fit --------------------------------------------------------------
def test_what_was_asked_for_in_the_fit_holds_for_later_measurements(make):
    model = make(A).fit(noisy(P, A, 0.3), P)
    expected = model.predict(NEW @ B.T, measurement_matrix=B)
    model.set_params(gene_scaling="rank-gaussian", noise=100.0)
    for name, other in {"decode": "omp", "residual": False, "n_steps": 1, "shrinkage": 1}.items():
        if name in model.get_params():
            model.set_params(**{name: other})
    np.testing.assert_array_equal(model.predict(NEW @ B.T, measurement_matrix=B), expected)
    np.testing.assert_array_equal(model.set_measurement(B).predict(NEW @ B.T), expected)


# -- a matrix that cannot be -----------------------------------------------------------------
def test_a_matrix_that_explains_less_than_the_mean_is_warned_of(make):
    for wrong in (A[:, ::-1], 10 * A):
        with pytest.warns(UserWarning, match="explains less of X than the mean of X does"):
            make(wrong).fit(P @ A.T, P)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(A).fit(noisy(P, A, 5.0), P)


def test_a_transposed_matrix_is_recognised_by_its_names(make):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    Y = pd.DataFrame(P).add_prefix("g")
    with pytest.raises(ValueError, match=r"genes of y in its rows: pass measurement_matrix\.T"):
        make(pd.DataFrame(A, columns=Y.columns).T).fit(P @ A.T, Y)


def test_a_decoder_that_was_given_a_table_is_saved_with_its_numbers(make, tmp_path):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    Y = pd.DataFrame(P).add_prefix("g")
    model = make(pd.DataFrame(A, columns=Y.columns)).fit(P @ A.T, Y)
    skgex.save(model, tmp_path / "model.skgex")
    same = skgex.load(tmp_path / "model.skgex")
    np.testing.assert_array_equal(same.predict(NEW @ A.T), model.predict(NEW @ A.T))
    np.testing.assert_array_equal(same.measurement_matrix, A)
    assert list(same.target_names_) == list(Y.columns)
