"""SMAF and its lasso at a tolerance, against scikit-learn's path, scipy's NNLS and their sum."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls
from scipy.stats import entropy
from sklearn.linear_model import lars_path, orthogonal_mp

from skgex._solvers import matching_pursuit, nonnegative_lasso_at_tolerance, smaf

N, GENES, D = 40, 60, 12
DTYPES = [torch.float32, torch.float64]


def planted(n=N, g=GENES, d=D, k=3, noise=0.05, seed=0):
    """Profiles in [0, 1] of sparse modules with sparse activities."""
    rng = np.random.RandomState(seed)
    U = rng.uniform(size=(g, d)) * (rng.uniform(size=(g, d)) < 0.4)
    W = np.zeros((d, n))
    for w in W.T:
        w[rng.choice(d, k, replace=False)] = rng.uniform(0.5, 2, k)
    X = (U @ W).T
    X += noise * X.std() * rng.uniform(size=X.shape)
    return X / X.max(), W


def centred(X):
    return np.square(X - X.mean(axis=0)).sum(axis=0)


def tensors(*arrays, dtype=torch.float64):
    return [torch.tensor(a, dtype=dtype) for a in arrays]


def loadings(W, X, tolerance, U0=None, dtype=torch.float64, **kwargs):
    """The solution as arrays, once its residual is known to be that of its loadings."""
    U0 = None if U0 is None else torch.tensor(U0, dtype=dtype)
    found = nonnegative_lasso_at_tolerance(*tensors(W, X, tolerance, dtype=dtype), U0, **kwargs)
    U, residual, infeasible = (a.numpy() for a in found)
    assert U.shape == (X.shape[1], len(W)) and found[0].dtype == found[1].dtype == dtype
    assert np.isfinite(U).all() and (U >= 0).all()
    exact = np.square(X - (U @ W).T).sum(axis=0)
    rounding = 50 * torch.finfo(dtype).eps * np.square(X).sum(axis=0)
    assert (np.abs(residual - exact) <= rounding).all()
    return U.astype(np.float64), exact, infeasible


def reference(W, x, tolerance):
    """Along the path of least angle regression to the tolerance, or else least squares."""
    coefs = lars_path(W.T, x, method="lasso", positive=True)[2].T
    residuals = [x - u @ W for u in coefs]
    for i, r in enumerate(residuals):
        if r @ r <= tolerance:
            if i == 0:
                return coefs[0]
            before, move = residuals[i - 1], r - residuals[i - 1]
            a, b, c = move @ move, 2 * before @ move, before @ before - tolerance
            share = (-b - np.sqrt(b * b - 4 * a * c)) / (2 * a)
            return coefs[i - 1] + share * (coefs[i] - coefs[i - 1])
    return nnls(W.T, x)[0]


@pytest.fixture(scope="module")
def problem():
    """Activities and profiles, with tolerances of which all but the last few can be reached."""
    X, W = planted()
    W = W + 0.1 * np.random.RandomState(1).randn(*W.shape)
    least = np.array([nnls(W.T, x)[1] ** 2 for x in X.T])
    energy = np.square(X).sum(axis=0)
    share = np.random.RandomState(2).uniform(0.02, 0.9, GENES)
    tolerance = least + share * (energy - least)
    tolerance[-5:] = 0.5 * least[-5:]
    return W, X, tolerance


def test_loadings_are_those_of_the_path_at_the_tolerance(problem):
    W, X, tolerance = problem
    U, residual, infeasible = loadings(*problem, rtol=1e-9)
    expected = np.array([reference(W, x, t) for x, t in zip(X.T, tolerance, strict=True)])
    np.testing.assert_allclose(U, expected, atol=1e-5 * U.max())
    np.testing.assert_allclose(residual[:-5], tolerance[:-5], rtol=1e-7)
    np.testing.assert_array_equal(infeasible, [False] * (GENES - 5) + [True] * 5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_defaults_are_within_a_percent(problem, dtype):
    W, X, tolerance = problem
    U, residual, infeasible = loadings(*problem, dtype=dtype)
    expected = np.array([reference(W, x, t) for x, t in zip(X.T, tolerance, strict=True)])
    least = np.square(X - (expected @ W).T).sum(axis=0)
    np.testing.assert_allclose(residual, np.maximum(tolerance, least), rtol=0.011)
    np.testing.assert_allclose(U.sum(), expected.sum(), rtol=0.01)
    assert infeasible[-5:].all() and not infeasible[:-5].any()


def test_loadings_solve_the_penalised_problem_of_some_penalty(problem):
    W, X, _ = problem
    U, *_ = loadings(*problem, rtol=1e-9)
    correlation = (X - (U @ W).T).T @ W.T
    penalty = (U * correlation).sum(axis=1) / U.sum(axis=1)  # of ½‖x − Wᵀu‖² + λ‖u‖₁
    assert (penalty[:-5] > 0).all()
    slack = 1e-5 * np.abs(X.T @ W.T).max(axis=1)
    assert (correlation.max(axis=1) <= penalty + slack).all()
    assert (np.abs(correlation - penalty[:, None])[U > 0] < slack.max()).all()


@pytest.mark.parametrize("scale", [0.0, 0.3, 1.0, 30.0])
def test_the_start_does_not_matter(problem, scale):
    expected, *_ = loadings(*problem, rtol=1e-8)
    U0 = scale * expected + scale * np.random.RandomState(3).uniform(size=expected.shape)
    U, *_ = loadings(*problem, U0, rtol=1e-8)
    np.testing.assert_allclose(U, expected, atol=1e-4 * expected.max())


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_scale_of_a_gene_scales_its_loadings(problem, dtype):
    W, X, tolerance = problem
    scale = 2.0 ** np.arange(-30, 30)  # exactly
    U, *_ = loadings(W, X, tolerance, dtype=dtype)
    scaled, *_ = loadings(W, X * scale, tolerance * scale**2, dtype=dtype)
    np.testing.assert_allclose(scaled / scale[:, None], U, rtol=1e-4, atol=1e-4 * U.max())


@pytest.mark.parametrize("dtype", DTYPES)
def test_genes_within_the_tolerance_or_with_no_module_have_no_loadings(problem, dtype):
    W, X, tolerance = np.abs(problem[0]), problem[1].copy(), problem[2].copy()
    X[:, 0], X[:, 1] = 0, -X[:, 1]
    tolerance[0], tolerance[2] = 0, np.square(X[:, 2]).sum() * 1.001
    U, _, infeasible = loadings(W, X, tolerance, np.ones((GENES, D)), dtype)
    assert (U[:3] == 0).all() and (U[3:].sum(axis=1) > 0).all()
    np.testing.assert_array_equal(infeasible[:3], [False, True, False])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tolerance_of_zero_is_least_squares(problem, dtype):
    W, X, _ = problem
    X = X.copy()
    X[:, 0] = W.T @ np.arange(D)  # reaches it
    _, residual, infeasible = loadings(W, X, np.zeros(GENES), dtype=dtype, max_iter=1000)
    least = np.array([nnls(W.T, x)[1] ** 2 for x in X.T])
    np.testing.assert_allclose(residual[1:], least[1:], rtol=0.011)
    assert infeasible[1:].all() and residual[0] < 1e-5 * np.square(X[:, 0]).sum()
    assert dtype == torch.float64 or not infeasible[0]


def test_idle_and_repeated_modules_do_no_harm(problem):
    W, X, tolerance = problem
    doubled = np.concatenate([W, np.zeros((3, N)), W[:4]])
    U, residual, _ = loadings(doubled, X, tolerance, rtol=1e-6, max_iter=5000)
    expected, same, _ = loadings(W, X, tolerance, rtol=1e-6, max_iter=5000)
    assert (U[:, D : D + 3] == 0).all()
    U[:, :4] += U[:, -4:]
    np.testing.assert_allclose(U[:, :D], expected, atol=1e-3 * expected.max())
    np.testing.assert_allclose(residual, same, rtol=1e-5)


def published(X, W, k, k_min, tolerance, energy, total, n_rounds):
    """SMAF, a gene and a profile at a time."""
    for _ in range(n_rounds):
        U = np.array([reference(W, x, tolerance * e) for x, e in zip(X.T, energy, strict=True)])
        U = U[:, U.any(axis=0)]
        U /= np.linalg.norm(U, axis=0)
        for j in range(min(k, U.shape[1]), k_min - 1, -1):
            fewer = orthogonal_mp(U, X.T, n_nonzero_coefs=j).reshape(-1, len(X))
            misfit = np.square(X.T - U @ fewer).sum() / total
            if j == k or misfit <= tolerance:
                W = fewer
        U, W = U[:, W.any(axis=1)], W[W.any(axis=1)]
    return U, W


FORMS = [("centred", 0.05), ("centred", 0.2), ("data", 0.01)]


def compare(X, start, tolerance, relative_to, dtype, within, **kwargs):
    """Misfits and shares of non-zeros beside those of the published algorithm."""
    total = np.square(X).sum() if relative_to == "data" else centred(X).sum()
    energy = np.full(GENES, total / N) if relative_to == "data" else centred(X)
    U, W = published(X, start, 4, 2, tolerance, energy, total, 5)
    x, init = tensors(X, start, dtype=dtype)
    form = dict(tolerance=tolerance, relative_to=relative_to, n_nonzero_min=2, n_rounds=5)
    found = smaf(x, D, 4, init=init, **form, **kwargs)
    assert found.U.shape == U.shape and found.W.shape == W.shape
    misfit = np.square(X.T - U @ W).sum() / total
    np.testing.assert_allclose(found.misfit[-1], misfit, rtol=within)
    np.testing.assert_allclose((found.W != 0).sum(), (W != 0).sum(), rtol=within)
    np.testing.assert_allclose((found.U > 0).sum(), (U > 1e-9).sum(), rtol=within)


@pytest.mark.parametrize("relative_to, tolerance", FORMS)
def test_solved_exactly_it_is_the_published_algorithm(relative_to, tolerance):
    X, _ = planted()
    start = np.random.RandomState(0).uniform(size=(D, N))
    compare(X, start, tolerance, relative_to, torch.float64, 1e-4, rtol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("relative_to, tolerance", FORMS)
def test_defaults_are_within_a_percent_of_the_published_algorithm(relative_to, tolerance, dtype):
    X, W = planted()
    start = W + 0.1 * np.random.RandomState(0).uniform(size=W.shape)
    compare(X, start, tolerance, relative_to, dtype, 0.01)


@pytest.fixture(scope="module")
def profiles():
    return torch.tensor(planted()[0])


def fit(X, tolerance=0.2, seed=0, k=4, **kwargs):
    return smaf(
        X, D, k, tolerance=tolerance, generator=torch.Generator().manual_seed(seed), **kwargs
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("relative_to", ["centred", "data"])
def test_modules_are_as_promised(profiles, relative_to, dtype):
    X = profiles.to(dtype)
    found = fit(X, relative_to=relative_to, tolerance=0.02, n_rounds=6)
    U, W = found.U, found.W
    assert U.dtype == W.dtype == found.misfit.dtype == dtype and found.misfit.shape == (6,)
    assert (U >= 0).all() and W.any(dim=1).all() and U.shape[1] == len(W) <= D
    torch.testing.assert_close(U.norm(dim=0), torch.ones_like(U[0]))
    assert ((W != 0).sum(dim=0) <= 4).all()
    energy = X.square().sum() if relative_to == "data" else torch.tensor(centred(X.numpy())).sum()
    torch.testing.assert_close(found.misfit[-1], (X.T - U @ W).square().sum() / energy)
    assert found.misfit[-1] < 0.5 * found.misfit[0]


def test_a_seed_decides_and_no_other_state(profiles):
    state = torch.random.get_rng_state()
    first, second, other = (fit(profiles, seed=s, n_rounds=2) for s in (0, 0, 1))
    assert first.U.equal(second.U) and first.W.equal(second.W)
    assert first.misfit[-1] != other.misfit[-1]
    assert state.equal(torch.random.get_rng_state())


def test_profiles_get_as_few_modules_as_fit(profiles):
    found = fit(profiles, tolerance=0.5, k=8, n_nonzero_min=1)
    k = int((found.W != 0).sum(dim=0).max())
    assert 1 < k < 8 and found.misfit[-1] <= 0.5
    fewer = matching_pursuit(found.U, profiles, k - 1).dense(found.U.shape[1])
    assert (profiles - fewer @ found.U.T).square().sum() > 0.5 * centred(profiles.numpy()).sum()
    lowest = fit(profiles, tolerance=0.5, k=8, n_nonzero_min=k + 1)
    assert (lowest.W != 0).sum(dim=0).max() == k + 1
    for unlowered in (
        fit(profiles, tolerance=0.5),
        fit(profiles, tolerance=0.001, n_nonzero_min=1),
    ):
        assert (unlowered.W != 0).sum(dim=0).max() == 4


def test_modules_below_their_least_size_halve_the_tolerance(profiles):
    U = fit(profiles, n_rounds=1).U.numpy()
    size = np.exp(entropy(U, axis=0)).mean()
    for share, tolerance in ((0.999, 0.2), (1.001, 0.1)):
        found = fit(profiles, n_rounds=2, module_size_min=share * size)
        assert found.tolerance == tolerance
    assert fit(profiles, n_rounds=4, module_size_min=GENES).tolerance == 0.2 / 8


def test_a_gene_of_low_expression_has_modules_unless_the_tolerance_is_that_of_the_data(profiles):
    X = profiles * torch.linspace(0.01, 1, GENES)
    with_modules = {
        form: fit(X, 0.05, relative_to=form).U.any(dim=1) for form in ("centred", "data")
    }
    assert with_modules["centred"].all()
    assert not with_modules["data"][:5].any() and with_modules["data"][-5:].all()


def test_modules_without_activity_are_dropped():
    X, W = planted()
    X, init = tensors(X, np.concatenate([W, np.zeros((2, N)), np.full((1, N), -1.0)]))
    found = smaf(X, D + 3, 3, tolerance=0.05, init=init, n_rounds=1)
    assert found.U.shape == (GENES, D) and found.W.shape == (D, N)


def test_infeasible_genes_are_those_that_no_loadings_fit(profiles):
    assert not fit(profiles, tolerance=0.9).infeasible.any()
    assert fit(profiles, tolerance=1e-4).infeasible.all()


def test_impossible_requests_are_refused(profiles):
    with pytest.raises(ValueError, match=r"X has negative values, down to -1, .* 0 to 1"):
        fit(profiles - 1 - profiles.min())
    for tolerance in (0, 1):
        with pytest.raises(ValueError, match=f"tolerance is {tolerance}: choose"):
            fit(profiles, tolerance=tolerance)
    for k, k_min in ((D + 1, 1), (0, 0), (3, 4)):
        with pytest.raises(ValueError, match=rf"n_nonzero is {k} and n_nonzero_min {k_min}, "):
            fit(profiles, k=k, n_nonzero_min=k_min)
    with pytest.raises(ValueError, match="at which no gene needs a module"):
        fit(profiles[:2], tolerance=0.9, relative_to="data")


@pytest.mark.parametrize("relative_to", ["centred", "data"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_is_one_module_that_is_empty(relative_to, dtype):
    X = torch.zeros(D, GENES, dtype=dtype)
    found = fit(X, relative_to=relative_to)
    assert found.U.equal(X.new_zeros(GENES, 1)) and found.W.equal(X.new_zeros(1, D))
    assert found.misfit.equal(X.new_zeros(10)) and found.tolerance == 0.2
    assert not found.infeasible.any() and found.infeasible.shape == (GENES,)


@pytest.mark.parametrize("dtype", DTYPES)
def test_profiles_that_do_not_vary_have_modules_and_a_finite_misfit(profiles, dtype):
    found = fit(profiles[:1].repeat(D, 1).to(dtype))
    assert found.misfit.isfinite().all()
    torch.testing.assert_close((found.U @ found.W).T[0], profiles[0].to(dtype), atol=1e-3, rtol=0)
