"""Composite measurements are the sums they say they are, with the noise that was asked for."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import clone
from sklearn.exceptions import DataDimensionalityWarning
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skgex.preprocessing import CompositeMeasurement, _composite_measurement


@pytest.fixture
def profiles():
    """Forty profiles of thirty genes in three modules."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 30)) + rng.normal(7, 0.3, size=(40, 30))
    return pd.DataFrame(X, columns=[f"G{i}" for i in range(30)])


def noise_of(measure, X):
    return measure.transform(X) - X @ measure.components_.T


# -- what is measured -------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["gaussian", "sparse"])
def test_measurements_are_sums_by_rows_of_unit_norm(profiles, kind, dtype):
    X = profiles.to_numpy(dtype=dtype)
    measure = CompositeMeasurement(8, kind=kind, random_state=0).fit(X)
    assert measure.components_.shape == (8, 30)
    np.testing.assert_allclose(np.linalg.norm(measure.components_, axis=1), 1)
    Z = measure.transform(X)
    assert Z.dtype == dtype
    np.testing.assert_allclose(Z, X @ measure.components_.T, rtol=1e-4)
    for sparse in (csr_array, csr_matrix):
        np.testing.assert_allclose(measure.transform(sparse(X)), Z, rtol=1e-4)


def test_gaussian_weights_spread_over_all_genes():
    A = CompositeMeasurement(200, random_state=0).fit(np.zeros((1, 500))).components_
    assert np.abs(A.mean()) < 1e-3
    np.testing.assert_allclose(A.std(axis=0).mean(), 1 / np.sqrt(500), rtol=0.02)


@pytest.mark.parametrize(("density", "n_held"), [(1.0, 30), (0.2, 6), (1e-9, 1)])
def test_sparse_rows_hold_their_share_of_genes_each_its_own(profiles, density, n_held):
    measure = CompositeMeasurement(20, kind="sparse", density=density, random_state=0)
    held = measure.fit(profiles).components_ != 0
    np.testing.assert_array_equal(held.sum(axis=1), n_held)
    assert n_held == 30 or len(np.unique(held, axis=0)) > 10


def test_names_and_data_frames(profiles):
    measure = CompositeMeasurement(3, random_state=0).set_output(transform="pandas")
    Z = measure.fit_transform(profiles)
    assert list(Z.columns) == ["measurement0", "measurement1", "measurement2"]
    pd.testing.assert_index_equal(Z.index, profiles.index)
    assert list(measure.get_feature_names_out()) == list(Z.columns)


def test_pipeline_infers_full_profiles_from_their_measurements(profiles):
    P, P_new = profiles[:30], profiles[30:]
    model = make_pipeline(CompositeMeasurement(10, random_state=0), Ridge()).fit(P, P)
    A = model[0].components_
    expected = Ridge().fit(P @ A.T, P).predict(P_new @ A.T)
    np.testing.assert_allclose(model.predict(P_new), expected)
    assert model.score(P_new, P_new) > 0.5


def test_equal_seeds_draw_equal_weights_whatever_the_profiles(profiles):
    measure = CompositeMeasurement(5, random_state=3)
    A = measure.fit(profiles).components_
    np.testing.assert_array_equal(clone(measure).fit(-profiles[:2]).components_, A)
    for other in (4, None, np.random.RandomState(0)):
        assert not np.isclose(
            clone(measure).set_params(random_state=other).fit(profiles).components_, A
        ).any()


def test_more_sums_than_genes_are_drawn_with_a_warning(profiles):
    with pytest.warns(DataDimensionalityWarning, match="n_measurements=31 sums of 30 genes"):
        measure = CompositeMeasurement(31).fit(profiles)
    assert measure.transform(profiles).shape == (40, 31)


# -- coherence --------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["gaussian", "sparse"])
def test_bound_of_coherence_holds(profiles, kind):
    free = CompositeMeasurement(10, kind=kind, density=0.5, random_state=0).fit(profiles)
    bound = clone(free).set_params(max_coherence=0.3).fit(profiles)
    for measure in (free, bound):
        correlation = np.corrcoef(measure.components_) - np.eye(10)
        np.testing.assert_allclose(measure.coherence_, np.abs(correlation).max())
        np.testing.assert_allclose(np.linalg.norm(measure.components_, axis=1), 1)
    assert bound.coherence_ <= 0.3 < free.coherence_


def test_bound_that_holds_already_changes_nothing(profiles):
    free = CompositeMeasurement(10, random_state=0).fit(profiles)
    bound = clone(free).set_params(max_coherence=free.coherence_ + 1e-9).fit(profiles)
    np.testing.assert_array_equal(bound.components_, free.components_)


def test_bound_that_cannot_be_met_is_refused_after_bounded_tries(profiles):
    said = (
        r"max_coherence=0.01 was not met within max_tries=50 redraws: [12] of 10 rows met it, "
        r"the next was correlated 0\.\d+ .* 30 genes cannot have many uncorrelated rows"
    )
    with pytest.raises(ValueError, match=said):
        CompositeMeasurement(10, max_coherence=0.01, max_tries=50, random_state=0).fit(profiles)


# -- a matrix given by the lab ----------------------------------------------------------------
def test_given_matrix_is_taken_as_it_is(profiles):
    A = np.zeros((3, 30))
    A[0], A[1, :5], A[2, 5:] = 1, 2, 0.5
    for given in (A, A.tolist(), pd.DataFrame(A, columns=profiles.columns)):
        measure = CompositeMeasurement(measurement_matrix=given).fit(profiles)
        np.testing.assert_array_equal(measure.components_, A)
        np.testing.assert_allclose(measure.transform(profiles), profiles @ A.T)
    np.testing.assert_allclose(measure.coherence_, 1)  # rows 1 and 2 are mirror images
    assert CompositeMeasurement(measurement_matrix=A[:1]).fit(profiles).coherence_ == 0


# -- noise ------------------------------------------------------------------------------------
@pytest.mark.parametrize("snr", [0.5, 2, 10])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_has_the_ratio_asked_for(snr, dtype):
    X = np.random.default_rng(0).normal(3, 1, size=(600, 100)).astype(dtype)
    everything = CompositeMeasurement(measurement_matrix=np.eye(100), snr=snr, random_state=0)
    noise = everything.fit(X).transform(X) - X
    np.testing.assert_allclose(np.linalg.norm(X) / np.linalg.norm(noise), snr, rtol=1e-4)
    np.testing.assert_allclose(noise.std(axis=0).mean(), noise.std(), rtol=0.01)
    assert np.abs(np.corrcoef(noise) - np.eye(600)).max() < 0.7  # no profile has another's noise

    few = CompositeMeasurement(50, snr=snr, random_state=0).fit(X)
    expected = np.linalg.norm(X) * np.sqrt(50 / 100) / snr
    np.testing.assert_allclose(np.linalg.norm(noise_of(few, X)), expected, rtol=0.05)


def test_noise_is_not_in_the_fit(profiles):
    quiet = CompositeMeasurement(5, n_candidates=4, random_state=0).fit(profiles)
    noisy = clone(quiet).set_params(snr=0.1).fit(profiles)
    np.testing.assert_array_equal(noisy.components_, quiet.components_)
    np.testing.assert_array_equal(noisy.candidate_errors_, quiet.candidate_errors_)
    assert np.linalg.norm(noise_of(quiet, profiles)) < 1e-9


def test_same_profiles_are_measured_the_same_again(profiles):
    measure = CompositeMeasurement(5, snr=2.0, random_state=0)
    Z = measure.fit_transform(profiles)
    np.testing.assert_array_equal(measure.transform(profiles), Z)
    np.testing.assert_array_equal(clone(measure).fit(profiles[:3]).transform(profiles), Z)
    X = profiles.to_numpy()
    for same in (np.ascontiguousarray(X), np.asfortranarray(X), csr_array(X)):
        np.testing.assert_allclose(measure.transform(same), Z)


def test_other_profiles_do_not_get_the_same_noise(profiles):
    measure = CompositeMeasurement(20, snr=2.0, random_state=0).fit(profiles)
    train, test = noise_of(measure, profiles[:20]), noise_of(measure, profiles[20:])
    assert abs(np.corrcoef(train.to_numpy().ravel(), test.to_numpy().ravel())[0, 1]) < 0.2
    nearly = noise_of(measure, profiles[:20] + 1e-9).to_numpy()
    assert abs(np.corrcoef(train.to_numpy().ravel(), nearly.ravel())[0, 1]) < 0.2


def test_noise_can_be_repeated_anew_and_switched_off_under_the_same_weights(profiles):
    measure = CompositeMeasurement(5, snr=2.0, random_state=0).fit(profiles)
    Z = measure.transform(profiles)
    for seed in (1, None, np.random.RandomState(0)):
        measure.set_params(random_state=seed)
        assert not np.isclose(measure.transform(profiles), Z).any()
    assert not np.isclose(measure.transform(profiles), measure.transform(profiles)).any()
    measure.set_params(snr=None)
    np.testing.assert_allclose(measure.transform(profiles), profiles @ measure.components_.T)
    with pytest.raises(ValueError, match="'snr' parameter"):
        measure.set_params(snr=0).transform(profiles)


# -- the best of several matrices -------------------------------------------------------------
def brute_force_error(A, training, held_out):
    mean, S = training.mean(axis=0), np.cov(training.T, bias=True)
    ASA = A @ S @ A.T
    ridge = 1e-3 * np.mean(np.diag(ASA)) * np.eye(len(A))
    inferred = mean + (held_out - mean) @ A.T @ np.linalg.inv(ASA + ridge) @ A @ S
    return np.sum((inferred - held_out) ** 2) / np.sum((held_out - mean) ** 2)


@pytest.mark.parametrize("n_measurements", [2, 35])
@pytest.mark.filterwarnings("ignore:n_measurements=35")
def test_kept_matrix_reconstructs_held_out_profiles_best(profiles, n_measurements, monkeypatch):
    drawn, original = [], _composite_measurement.held_out_error

    def spy(A, training, held_out):
        drawn.append((A.copy(), training, held_out))
        return original(A, training, held_out)

    monkeypatch.setattr(_composite_measurement, "held_out_error", spy)
    measure = CompositeMeasurement(n_measurements, n_candidates=6, random_state=2).fit(profiles)
    assert len(drawn) == 6
    for _, training, held_out in drawn:
        assert len(held_out) == 8
        together = np.vstack([training, held_out])
        np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(profiles, axis=0))
    errors = [brute_force_error(*candidate) for candidate in drawn]
    np.testing.assert_allclose(measure.candidate_errors_, errors, rtol=1e-6)
    assert len(np.unique(np.round(errors, 6))) == 6
    np.testing.assert_array_equal(measure.components_, drawn[np.argmin(errors)][0])

    alone = clone(measure).set_params(n_candidates=1).fit(profiles)
    np.testing.assert_array_equal(alone.components_, drawn[0][0])
    assert alone.candidate_errors_ is None


def test_candidates_keep_to_the_bound_and_can_be_chosen_by_sparse_or_constant_profiles(profiles):
    measure = CompositeMeasurement(5, n_candidates=4, max_coherence=0.3, random_state=0)
    A = measure.fit(profiles).components_
    assert measure.coherence_ <= 0.3
    np.testing.assert_array_equal(measure.fit(csr_array(profiles.to_numpy())).components_, A)
    np.testing.assert_array_equal(measure.fit(np.ones((5, 30))).candidate_errors_, 0)


# -- bad input --------------------------------------------------------------------------------
def matrix(**changes):
    A = np.random.default_rng(0).normal(size=(4, 30))
    for row, value in changes.items():
        A[int(row[1:])] = value
    return A


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"n_measurements": 0}, r"'n_measurements' .* int in the range \[1, inf\)\. Got 0"),
        ({"kind": "sparse", "density": 0.0}, r"'density' .* range \(0.0, 1.0\]\. Got 0.0"),
        ({"snr": 0}, r"'snr' .* Got 0"),
        ({"snr": -2.0}, r"'snr' .* Got -2.0"),
        ({"kind": "binary"}, "'kind' .* Got 'binary'"),
        ({"measurement_matrix": matrix()[:, :7]}, r"shape \(4, 7\), but X has 30 genes"),
        ({"measurement_matrix": matrix().T}, r"shape \(30, 4\), but X has 30 genes"),
        ({"measurement_matrix": matrix()[0]}, "Expected 2D array"),
        ({"measurement_matrix": matrix(_2=np.nan)}, "measurement_matrix contains NaN"),
        ({"measurement_matrix": matrix(_1=0, _3=0)}, "2 rows .* all zero, the first is row 1"),
        ({"measurement_matrix": csr_array(matrix())}, "'measurement_matrix' .* array-like"),
        (
            {"measurement_matrix": matrix(), "n_candidates": 2},
            "n_candidates=2 matrices cannot be drawn when measurement_matrix is given",
        ),
        (
            {"measurement_matrix": matrix(_1=matrix()[0]), "max_coherence": 0.9},
            "measurement_matrix are correlated 1, above max_coherence=0.9",
        ),
    ],
)
def test_bad_parameters_are_explained(profiles, params, sentence):
    with pytest.raises(ValueError, match=sentence):
        CompositeMeasurement(**params).fit(profiles)


def test_matrix_of_genes_in_another_order_is_refused(profiles):
    A = pd.DataFrame(matrix(), columns=profiles.columns)
    said = "2 columns .* the first 'G3' where X has 'G1': .* measurement_matrix"
    order = [0, 3, 2, 1, *range(4, 30)]
    with pytest.raises(ValueError, match=said):
        CompositeMeasurement(measurement_matrix=A.iloc[:, order]).fit(profiles)


def test_too_few_profiles_to_choose_by_are_refused(profiles):
    with pytest.raises(ValueError, match=r"at least 5, found n_samples=4: pass more profiles"):
        CompositeMeasurement(5, n_candidates=2).fit(profiles[:4])


def test_nan_is_refused(profiles):
    measure = CompositeMeasurement(5).fit(profiles)
    profiles.iloc[2, 3] = np.nan
    for step in (measure.fit, measure.transform):
        with pytest.raises(ValueError, match="Input X contains NaN"):
            step(profiles)
