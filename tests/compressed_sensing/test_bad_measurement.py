"""Measurements that no decoder can use are refused by a sentence; scant ones are decoded."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from .measured import NEW, A, B, G, P, close, matrix, noisy, scalings


# -- bad input ---------------------------------------------------------------------------------
def spoiled(value, row=2):
    bad = A.copy()
    bad[row] = value
    return bad


BAD = {
    "genes": (A[:, 1:], "measurement_matrix has 14 columns, but y has 15 genes. Pass"),
    "transposed": (A.T, "measurement_matrix has 6 columns, but y has 15 genes. Pass"),
    "zeros": (spoiled(0.0), "nothing but zeros in row 2, which measures no gene. Drop it"),
    "nan": (spoiled(np.nan), "measurement_matrix contains NaN"),
    "inf": (spoiled(np.inf), "measurement_matrix contains infinity"),
    "one row": (A[0], "Expected 2D array, got 1D array instead"),
}


@pytest.mark.parametrize("given, said", BAD.values(), ids=BAD)
def test_bad_matrices_are_refused_by_fit_and_after_it(make, given, said):
    with pytest.raises(ValueError, match=said):
        make(given).fit(P @ A.T, P)
    model = make(A).fit(P @ A.T, P)
    with pytest.raises(ValueError, match=said):
        model.set_measurement(given)
    with pytest.raises(ValueError, match=said):
        model.predict(NEW @ A.T, measurement_matrix=given)


def test_matrix_and_measurements_must_agree(make):
    with pytest.raises(ValueError, match=r"matrix has 9 rows, but X has 6 measurements. Pass one"):
        make(B).fit(P @ A.T, P)
    model = make(A).fit(P @ A.T, P)
    with pytest.raises(ValueError, match=r"X has 5 features, but .* expecting 6"):
        model.predict(NEW @ A[:5].T)
    with pytest.raises(ValueError, match=r"X has 6 features, but .* expecting 9"):
        model.predict(NEW @ A.T, measurement_matrix=B)
    with pytest.raises(ValueError, match=r"X has 6 features, but .* expecting 9"):
        model.set_measurement(B).predict(NEW @ A.T)


def test_no_matrix_measures_ranks(make):
    said = "gene_scaling='rank-gaussian' bends genes: no matrix says what was measured"
    with pytest.raises(ValueError, match=said):
        make(A, gene_scaling="rank-gaussian").fit(P @ A.T, P)
    model = make(gene_scaling="rank-gaussian").fit(P @ A.T, P)
    with pytest.raises(ValueError, match=said):
        model.set_measurement(B)
    with pytest.raises(ValueError, match=said):
        model.predict(NEW @ B.T, measurement_matrix=B)


def test_nothing_is_decoded_before_fit(make):
    for ask in (
        lambda model: model.predict(NEW @ A.T),
        lambda model: model.predict(NEW @ A.T, measurement_matrix=A),
        lambda model: model.set_measurement(A),
    ):
        with pytest.raises(NotFittedError):
            ask(make(A))


@pytest.mark.parametrize("noise", [-0.1, np.nan, np.inf, "known"])
def test_noise_that_is_none_is_refused(make, noise):
    with pytest.raises(ValueError, match="'noise' parameter"):
        make(A, noise=noise).fit(P @ A.T, P)


# -- degenerate data ---------------------------------------------------------------------------
given_or_not = pytest.mark.parametrize("given", [True, False], ids=["given", "estimated"])


@given_or_not
@scalings
def test_profiles_that_do_not_vary_come_back(make, scaling, given):
    constant = np.repeat(P[:1], 12, axis=0)
    model = make(A if given else None, gene_scaling=scaling).fit(constant @ A.T, constant)
    close(model.predict(constant @ A.T), constant)
    assert np.isfinite(model.predict(NEW @ A.T)).all()


@given_or_not
def test_two_profiles_are_enough(make, given):
    two = P[:2]
    params = dict(n_clusters=1) if "n_clusters" in make().get_params() else {}
    model = make(A if given else None, **params).fit(two @ A.T, two)
    assert np.isfinite(model.predict(NEW @ A.T)).all()
    assert np.square(model.predict(two @ A.T) - two).mean() < np.square(two - two.mean(0)).mean()


@pytest.mark.parametrize("y", [P[:, 0], P[:, :1]], ids=["1-D", "2-D"])
def test_one_gene_is_told_from_its_multiple(make, y):
    model = make([[3.0]]).fit(3 * P[:, :1], y)
    inferred = model.predict(3 * NEW[:, :1])
    assert inferred.shape == (len(NEW), 1)[: y.ndim]
    close(inferred.ravel(), NEW[:, 0])


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-6), (np.float32, 1e-3)])
@given_or_not
def test_more_measurements_than_genes_tell_whole_profiles(make, given, dtype, rtol):
    many = matrix(2 * G, 9)
    model = make(many if given else None).fit((P @ many.T).astype(dtype), P.astype(dtype))
    np.testing.assert_allclose(model.predict(NEW @ many.T), NEW, rtol=rtol)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_measurement_made_twice_tells_what_it_tells_once(make, dtype):
    Z, Z_new = noisy(P, A, 0.3), noisy(NEW, A, 0.3)
    once = make(A).fit(Z, P).predict(Z_new)
    again = 1e-3 * np.random.default_rng(0).normal(size=Z_new.shape)  # it never comes out the same
    twice, Z = np.vstack([A, A]), np.hstack([Z, Z]).astype(dtype)
    found = make(twice).fit(Z, P.astype(dtype)).predict(np.hstack([Z_new, Z_new + again]))
    np.testing.assert_allclose(found, once, atol=0.02)
