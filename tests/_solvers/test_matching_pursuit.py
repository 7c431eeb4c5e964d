"""Matching pursuit, against scikit-learn, scipy's NNLS and small loops."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls
from sklearn.linear_model import orthogonal_mp, orthogonal_mp_gram

from skgex._solvers import matching_pursuit

M, ATOMS, K = 20, 50, 6
FORMS = [{}, {"normalize": False}, {"nonnegative": True}]


@pytest.fixture(scope="module")
def problem():
    """Atoms of different norms, and profiles, as arrays."""
    rng = np.random.RandomState(0)
    D = rng.randn(M, ATOMS) * np.linspace(0.2, 3, ATOMS)
    return D, rng.randn(70, M)


def codes(D, Z, k=K, dtype=torch.float64, **kwargs):
    """Dense codes as an array, once the sparse ones are known to be in order."""
    found = matching_pursuit(*(torch.tensor(a, dtype=dtype) for a in (D, Z)), k, **kwargs)
    assert found.index.shape == found.value.shape == (len(Z), k)
    assert found.index.dtype == torch.int64 and found.value.dtype == dtype
    assert (found.index.sort(dim=1).values.diff(dim=1) > 0).all()  # no atom twice
    assert found.value.isfinite().all()
    dense = found.dense(D.shape[1])
    assert (dense.gather(1, found.index) == found.value).all()
    return dense.double().numpy()


def residual_norms(D, Z, W):
    return np.linalg.norm(Z - W @ D.T, axis=1)


def unit(D):
    return D / np.linalg.norm(D, axis=0)


@pytest.mark.parametrize("k", [1, K, M])
def test_atoms_and_coefficients_are_those_of_scikit_learn(problem, k):
    D, Z = problem
    D = unit(D)
    W = codes(D, Z, k)
    for expected in (
        orthogonal_mp_gram(D.T @ D, D.T @ Z.T, n_nonzero_coefs=k).T,
        orthogonal_mp(D, Z.T, n_nonzero_coefs=k).T,
    ):
        np.testing.assert_array_equal(W != 0, expected != 0)
        np.testing.assert_allclose(W, expected, rtol=1e-7, atol=1e-9)


def test_float32_differs_by_rounding(problem):
    D, Z = problem
    for form in FORMS:
        W, exact = codes(D, Z, dtype=torch.float32, **form), codes(D, Z, **form)
        np.testing.assert_array_equal(W != 0, exact != 0)
        np.testing.assert_allclose(W, exact, rtol=1e-3, atol=1e-4)


def test_what_is_left_is_orthogonal_to_the_chosen_atoms(problem):
    D, Z = problem
    W = codes(D, Z)
    assert ((W != 0).sum(axis=1) == K).all()
    correlation = (Z - W @ D.T) @ unit(D)
    assert np.abs(correlation[W != 0]).max() < 1e-12
    assert np.abs(correlation[W == 0]).max() > 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_few_atoms_are_found_again_and_no_others_added(dtype, nonnegative):
    rng = np.random.RandomState(1)
    D = rng.randn(60, 100) * rng.uniform(0.5, 2, 100)
    W = np.zeros((40, 100))
    for row in W:
        row[rng.choice(100, 4, replace=False)] = rng.uniform(1, 2, 4)
    if not nonnegative:
        W *= rng.choice([-1, 1], W.shape)
    found = codes(D, W @ D.T, 10, dtype, nonnegative=nonnegative)
    np.testing.assert_array_equal(found != 0, W != 0)  # 6 of 10 slots stay at zero
    np.testing.assert_allclose(found, W, atol=1e-4 if dtype == torch.float32 else 1e-12)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_the_scale_of_an_atom_changes_nothing_but_its_coefficient(problem, nonnegative):
    D, Z = problem
    scale = np.logspace(-3, 3, ATOMS)
    W = codes(D, Z, nonnegative=nonnegative)
    scaled = codes(D * scale, Z, nonnegative=nonnegative)
    np.testing.assert_allclose(scaled * scale, W, rtol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_the_scale_of_a_profile_scales_its_coefficients(problem, form):
    D, Z = problem
    scale = np.logspace(-8, 8, len(Z))[:, None]
    np.testing.assert_allclose(codes(D, Z * scale, **form), codes(D, Z, **form) * scale, rtol=1e-9)


@pytest.mark.parametrize("size", [1e-14, 0.3, 1.3])
def test_published_form_takes_the_diagonal_of_the_gram_for_ones(size):
    rng = np.random.RandomState(2)
    D = unit(rng.randn(40, 30)) * rng.uniform(0.8, 1.2, 30) * size
    Z = rng.randn(20, 40)
    expected = np.zeros((20, 30))
    H = D.T @ D
    np.fill_diagonal(H, 1)
    for z, w in zip(Z, expected, strict=True):
        support = []
        for _ in range(5):
            inverse = np.linalg.inv(H[support][:, support])
            pivots = 1 - np.sum(H[:, support] @ inverse * H[:, support], axis=1)
            pivots[support] = np.inf
            score = (D.T @ (z - D @ w)) ** 2 / np.abs(pivots)
            if pivots[score.argmax()] <= 0:
                break
            support.append(score.argmax())
            w[support] = np.linalg.solve(H[support][:, support], D[:, support].T @ z)
    W = codes(D, Z, 5, normalize=False)
    np.testing.assert_allclose(W, expected, rtol=1e-9, atol=1e-12 * size)
    assert (residual_norms(D, Z, codes(D, Z, 5)) < residual_norms(D, Z, W)).all()


def test_published_form_is_least_squares_for_unit_norms(problem):
    D, Z = problem
    D = unit(D)
    W = codes(D, Z, normalize=False)
    for z, w in zip(Z, W, strict=True):
        support = w.nonzero()[0]
        expected = np.linalg.lstsq(D[:, support], z, rcond=None)[0]
        np.testing.assert_allclose(w[support], expected, atol=1e-10)


@pytest.mark.parametrize("k", [1, 3, K, M])
def test_nonnegative_beats_clipped_coefficients(problem, k):
    D, Z = np.abs(problem[0]), np.abs(problem[1])
    W, clipped = codes(D, Z, k, nonnegative=True), codes(D, Z, k).clip(0)
    assert (W >= 0).all()
    assert (residual_norms(D, Z, W) <= residual_norms(D, Z, clipped) + 1e-12).all()
    correlation = (Z - W @ D.T) @ D
    assert np.abs(correlation[W > 0]).max() < 1e-10  # least squares of the atoms that stay
    optimal = correlation.max(axis=1) < 1e-10
    assert (optimal | ((W > 0).sum(axis=1) == k)).all()  # a dropped atom made room for another


def test_nonnegative_with_room_for_all_atoms_is_nnls(problem):
    D, Z = np.abs(problem[0]), np.abs(problem[1])
    expected = np.array([nnls(D, z)[0] for z in Z])
    np.testing.assert_allclose(codes(D, Z, M, nonnegative=True), expected, atol=1e-10)


def test_nonnegative_uses_no_atom_where_none_correlates_positively():
    D = np.abs(np.random.RandomState(3).randn(5, 8))
    assert (codes(D, -np.ones((2, 5)), 3, nonnegative=True) == 0).all()


@pytest.mark.parametrize("form", FORMS)
def test_chunks_do_not_matter(problem, form):
    D, Z = problem
    for chunk in (1, 32, 70):
        np.testing.assert_allclose(
            codes(D, Z, chunk=chunk, **form), codes(D, Z, **form), rtol=1e-9
        )
    assert codes(D, Z[:0], **form).shape == (0, ATOMS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("form", FORMS)
def test_zero_columns_and_zero_profiles_get_no_coefficient(problem, form, dtype):
    D, Z = problem[0].copy(), problem[1].copy()
    D[:, ::2], Z[3] = 0, 0
    W = codes(D, Z, M, dtype, **form)
    assert (W[:, ::2] == 0).all() and (W[3] == 0).all()
    assert (W[:3] != 0).any(axis=1).all()
    assert (codes(np.zeros((M, ATOMS)), Z, **form) == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_repeated_and_dependent_atoms_end_a_pursuit_at_the_best_fit(dtype, nonnegative):
    rng = np.random.RandomState(4)
    basis = np.abs(rng.randn(12, 3))
    D = np.hstack([basis, 2 * basis, basis @ rng.uniform(size=(3, 4))])  # rank 3
    Z = rng.randn(30, 12)
    W = codes(D, Z, 8, dtype, nonnegative=nonnegative)
    assert ((W != 0).sum(axis=1) <= 3).all()
    best = [
        nnls(D, z)[1] if nonnegative else np.linalg.norm(z - D @ np.linalg.pinv(D) @ z) for z in Z
    ]
    np.testing.assert_allclose(residual_norms(D, Z, W), best, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_nearly_equal_atoms_are_told_apart_up_to_rounding(dtype, nonnegative):
    rng = np.random.RandomState(5)
    D = np.abs(rng.randn(60, 4))[:, rng.randint(4, size=120)] + 1e-3 * rng.randn(60, 120)
    Z = (rng.uniform(size=(200, 120)) * (rng.uniform(size=(200, 120)) < 0.05)) @ D.T
    W = codes(D, Z, 20, dtype, nonnegative=nonnegative)
    tol = 1e-2 if dtype == torch.float32 else 1e-3
    assert (residual_norms(D, Z, W) <= tol * np.linalg.norm(Z, axis=1)).all()


def test_impossible_requests_are_refused(problem):
    D, Z = map(torch.from_numpy, problem)
    for k, atoms, most in ((0, ATOMS, M), (M + 1, ATOMS, M), (6, 5, 5)):
        with pytest.raises(ValueError, match=rf"n_nonzero is {k}, .* between 1 and {most}\."):
            matching_pursuit(D[:, :atoms], Z, k)
    with pytest.raises(ValueError, match="leave normalize at True"):
        matching_pursuit(D, Z, K, normalize=False, nonnegative=True)
