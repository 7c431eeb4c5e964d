"""What every regressor promises beyond scikit-learn's checks."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skgex
from skgex.compressed_sensing._base import SensingRegressor

REGRESSORS = {
    "LeastSquaresRegressor": {},
    "RidgeRegressor": {},
    "RidgeRegressorCV": {},
    "LassoRegressor": dict(alpha=0.01),
    "KernelRidgeRegressor": {},
    "KNNRegressor": {},
    "KNNGeneRegressor": {},
    "DGEXRegressor": dict(hidden_units=16, max_epochs=3, optimizer="adam", random_state=0),
    "DenseNetRegressor": dict(hidden_units=16, max_epochs=3, random_state=0),
    "GGANRegressor": dict(hidden_units=16, critic_units=8, max_epochs=3, random_state=0),
    "SemiGANRegressor": dict(
        hidden_units=16, latent_dim=4, gan_units=8, critic_units=8, max_epochs=3, random_state=0
    ),
    "DeepLSMTLRegressor": dict(hidden_units=16, subnetwork_units=16, max_epochs=3, random_state=0),
    "DeepGOMTLRegressor": dict(hidden_units=16, max_epochs=3, random_state=0),
    "DeepCNMTLRegressor": dict(hidden_units=16, max_epochs=3, random_state=0),
    "DeepAMTLRegressor": dict(hidden_units=16, block_size=2, max_epochs=3, random_state=0),
    "DeepAMTFLRegressor": dict(hidden_units=16, max_epochs=3, random_state=0),
    "WienerRegressor": {},
    "WienerMixtureRegressor": dict(n_clusters=3, own_share=0.3, random_state=0),
    "SVDRegressor": {},
    "KSVDRegressor": dict(n_nonzero=2, random_state=0),
    "CSGMRegressor": dict(latent_dim=4, hidden_units=16, max_epochs=5, n_steps=20, random_state=0),
    "ResidualRegressor": dict(
        residual_estimator=skgex.DGEXRegressor(
            16, max_epochs=3, optimizer="adam", gene_scaling=None, random_state=0
        ),
        random_state=0,
    ),
}


@pytest.fixture(params=REGRESSORS)
def regressor(request):
    return getattr(skgex, request.param)(**REGRESSORS[request.param])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(8, 2, (60, 7))
    Y = np.tanh(X - 8) @ rng.normal(size=(7, 5)) + 0.1 * rng.normal(size=(60, 5)) + 6
    return X, Y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_have_the_dtype_of_x(regressor, data, dtype):
    X, Y = (a.astype(dtype) for a in data)
    assert regressor.fit(X, Y).predict(X).dtype == dtype


def test_one_dimensional_targets_give_one_dimensional_predictions(regressor, data):
    X, Y = data
    assert regressor.fit(X, Y[:, 0]).predict(X).shape == (60,)


def test_tensors_in_tensors_out(regressor, data):
    X, Y = data
    expected = clone(regressor).fit(X, Y).predict(X)
    inferred = regressor.fit(torch.tensor(X), torch.tensor(Y)).predict(torch.tensor(X))
    assert isinstance(inferred, torch.Tensor)
    np.testing.assert_array_equal(inferred.numpy(), expected)


def test_bfloat16_tensors_are_read_as_float32(regressor, data):
    X, Y = (torch.tensor(A).bfloat16() for A in data)
    inferred = regressor.fit(X, Y).predict(X)
    assert inferred.dtype == torch.float32
    np.testing.assert_array_equal(inferred, regressor.predict(X.float().numpy()))


def test_rank_gaussian_scaling_keeps_predictions_in_the_training_range(regressor, data):
    X, Y = data
    inferred = regressor.set_params(gene_scaling="rank-gaussian").fit(X, Y).predict(X * 10)
    assert (inferred >= Y.min(axis=0) - 1e-9).all()
    assert (inferred <= Y.max(axis=0) + 1e-9).all()


@pytest.mark.parametrize("scaling", ["standard", "rank-gaussian"])
def test_gene_scaling_makes_predictions_equivariant_to_units(regressor, data, scaling):
    X, Y = data
    regressor.set_params(gene_scaling=scaling)
    expected = clone(regressor).fit(X, Y).predict(X)
    inferred = clone(regressor).fit(X * 4 + 2, Y * 8 - 16).predict(X * 4 + 2)
    np.testing.assert_allclose(inferred, expected * 8 - 16, rtol=2e-3, atol=2e-3)


def test_supervised_methods_take_unlabelled_rows_for_no_targets(regressor, data):
    X, Y = data
    if isinstance(regressor, skgex.SemiGANRegressor):
        pytest.skip("it learns from unlabelled rows")
    regressor.set_params(gene_scaling=None)
    Y_partly = np.vstack([Y, np.full((20, 5), np.nan)])
    X_more = np.vstack([X, X[:20]])
    expected = clone(regressor).fit(X, Y).predict(X)
    np.testing.assert_allclose(clone(regressor).fit(X_more, Y_partly).predict(X), expected)


def test_unlabelled_rows_inform_the_scale_of_measured_genes(regressor, data):
    X, Y = data
    if isinstance(regressor, SensingRegressor):
        pytest.skip("it takes measurements as they are")
    Y_partly = np.vstack([Y, np.full((60, 5), np.nan)])
    regressor.fit(np.vstack([X, X + 100]), Y_partly)
    np.testing.assert_allclose(regressor.x_scaler_.mean_, X.mean(axis=0) + 50)
    np.testing.assert_allclose(regressor.y_scaler_.mean_, Y.mean(axis=0))


def test_partly_nan_row_is_refused_by_its_number(regressor, data):
    X, Y = data
    Y = Y.copy()
    Y[7, 2] = np.nan
    with pytest.raises(ValueError, match="row 7 with 1 of 5 targets missing"):
        regressor.fit(X, Y)


def test_no_labelled_row_is_refused(regressor, data):
    X, Y = data
    with pytest.raises(ValueError, match="no labelled profile"):
        regressor.fit(X, np.full_like(Y, np.nan))


def test_one_labelled_row_is_refused(regressor, data):
    X, Y = data
    Y = Y.copy()
    Y[1:] = np.nan
    with pytest.raises(ValueError, match="1 labelled row"):
        regressor.fit(X, Y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_inf_in_measured_genes_are_refused(regressor, data, value):
    X, Y = data
    regressor.fit(X, Y)
    X = X.copy()
    X[3, 2] = value
    with pytest.raises(ValueError, match="X contains"):
        clone(regressor).fit(X, Y)
    with pytest.raises(ValueError, match="X contains"):
        regressor.predict(X)


def test_infinite_targets_are_refused_by_their_row(regressor, data):
    X, Y = data
    Y = Y.copy()
    Y[7, 2] = np.inf
    with pytest.raises(ValueError, match=r"Input y contains infinity .* row 7"):
        regressor.fit(X, Y)


def test_constant_genes_are_inferred_as_constant(regressor, data):
    X, Y = data
    X, Y = X.copy(), Y.copy()
    X[:, 0], Y[:, 0] = 3.0, 5.0
    inferred = regressor.fit(X, Y).predict(X)
    assert np.isfinite(inferred).all()
    np.testing.assert_allclose(inferred[:, 0], 5.0, atol=1e-6)


def test_all_zero_profile_is_legal(regressor, data):
    X, Y = data
    regressor.fit(X, Y)
    assert np.isfinite(regressor.predict(np.zeros((1, 7)))).all()


def test_tables_keep_gene_names_and_refuse_another_order(regressor, data):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    X, Y = data
    X = pd.DataFrame(X, columns=[f"LM{i}" for i in range(7)])
    Y = pd.DataFrame(Y, columns=[f"TG{i}" for i in range(5)])
    regressor.fit(X, Y)
    assert list(regressor.feature_names_in_) == list(X.columns)
    assert list(regressor.target_names_) == list(Y.columns)
    with pytest.raises(ValueError, match="order"):
        regressor.predict(X[X.columns[::-1]])


@pytest.mark.parametrize("name", ["DenseNetRegressor", "RidgeRegressorCV", "KernelRidgeRegressor"])
def test_validation_tables_must_have_the_order_of_the_training_tables(name, data):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    regressor = getattr(skgex, name)(**REGRESSORS[name])
    X = pd.DataFrame(data[0], columns=[f"LM{i}" for i in range(7)])
    Y = pd.DataFrame(data[1], columns=[f"TG{i}" for i in range(5)])
    for X_val, y_val, said in ((X.iloc[:, ::-1], Y, "X_val"), (X, Y.iloc[:, ::-1], "y_val")):
        with pytest.raises(ValueError, match=f"{said} has other genes, or another order"):
            regressor.fit(X, Y, X_val=X_val, y_val=y_val)
    regressor.fit(X, Y, X_val=X.to_numpy(), y_val=Y)


def test_refitting_on_arrays_forgets_gene_names(regressor, data):
    pd = pytest.importorskip("pandas", reason="tables need pandas")
    X, Y = data
    regressor.fit(X, pd.DataFrame(Y, columns=list("abcde"))).fit(X, Y)
    assert not hasattr(regressor, "target_names_")


def test_works_in_a_pipeline_and_a_grid_search(regressor, data):
    X, Y = data
    pipe = make_pipeline(StandardScaler(), regressor)
    step = pipe.steps[-1][0]
    grid = {f"{step}__gene_scaling": ["standard", None]}
    search = GridSearchCV(pipe, grid, cv=KFold(2)).fit(X, Y)
    assert search.predict(X).shape == Y.shape


def test_same_seed_same_predictions(regressor, data):
    X, Y = data
    first = clone(regressor).fit(X, Y).predict(X)
    torch.rand(3)
    np.testing.assert_array_equal(clone(regressor).fit(X, Y).predict(X), first)


def test_global_random_state_is_untouched(regressor, data):
    X, Y = data
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    regressor.fit(X, Y).predict(X)
    np.testing.assert_array_equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_save_and_load_predict_the_same(regressor, data, tmp_path):
    X, Y = data
    skgex.save(regressor.fit(X, Y), tmp_path / "model.skgex")
    loaded = skgex.load(tmp_path / "model.skgex")
    assert repr(loaded) == repr(regressor)
    np.testing.assert_array_equal(loaded.predict(X), regressor.predict(X))


def test_cross_validation_in_processes(data):
    X, Y = data
    net = skgex.DenseNetRegressor(16, max_epochs=3, random_state=0)
    one = cross_validate(net, X, Y, cv=3)["test_score"]
    two = cross_validate(net, X, Y, cv=3, n_jobs=2)["test_score"]
    np.testing.assert_allclose(one, two, rtol=1e-3)
