"""A decoder and what it leaves, of profiles that are measured in another way than in training."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

import skgex
from skgex import KNNRegressor, ResidualRegressor

close = np.testing.assert_allclose


@pytest.fixture(scope="module")
def measured():
    """Profiles, and two ways of measuring them."""
    profiles = skgex.make_expression(200, 10, 20, random_state=0)[0].X.astype(float)
    return profiles, *(np.random.default_rng(m).normal(size=(m, 30)) for m in (8, 12))


def decoder(A, **params):
    params = dict(residual_inputs="inferred", shrinkage=0.5, random_state=0) | params
    return ResidualRegressor(skgex.WienerRegressor(A, shrinkage=0.1), KNNRegressor(3), **params)


@pytest.mark.parametrize("scaling", ["range", "rank-gaussian", None])
def test_another_measurement_is_decoded_by_the_same_estimators(measured, scaling, tmp_path):
    P, A, B = measured
    model = decoder(A, gene_scaling=scaling).fit(P @ A.T, P)
    before = model.predict(P @ A.T)
    decoded = skgex.WienerRegressor(A, shrinkage=0.1).fit(P @ A.T, P)
    first = model.y_scaler_.transform(decoded.set_measurement(B).predict(P @ B.T))
    expected = first + 0.5 * model.residual_estimator_.predict(first)
    expected = model.y_scaler_.inverse_transform(expected)
    close(model.predict(P @ B.T, measurement_matrix=B), expected)
    found = model.predict(torch.from_numpy(P @ B.T), measurement_matrix=torch.from_numpy(B))
    close(found.numpy(), expected)
    np.testing.assert_array_equal(model.predict(P @ A.T), before)
    model.set_params(residual_inputs="measured")  # for the next fit
    close(model.set_measurement(B).predict(P @ B.T), expected)
    assert model.n_features_in_ == 12
    skgex.save(model, tmp_path / "model.skgex")
    close(skgex.load(tmp_path / "model.skgex").predict(P @ B.T), expected)
    close(model.predict(P @ A.T, measurement_matrix=A), before)
    with pytest.raises(ValueError, match=r"X has 8 features, but .* expecting 12"):
        model.predict(P @ A.T)


def test_names_of_another_measurement_are_known_and_its_genes_are_those_of_y(measured):
    pd = pytest.importorskip("pandas")
    P, A, B = measured
    genes, sums = [f"g{i}" for i in range(30)], [f"sum{i}" for i in range(12)]
    Z, Z_new = pd.DataFrame(P @ A.T).add_prefix("old"), pd.DataFrame(P @ B.T, columns=sums)
    model = decoder(A).fit(Z, pd.DataFrame(P, columns=genes))
    table = pd.DataFrame(B, sums, genes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = model.predict(P @ B.T, measurement_matrix=B)
        close(model.predict(Z_new, measurement_matrix=table), expected)
        close(model.predict(P @ B.T, measurement_matrix=table), expected)
        before = model.predict(Z)
    for use in (model.set_measurement, lambda A: model.predict(Z_new, measurement_matrix=A)):
        with pytest.raises(ValueError, match="measurement_matrix has other genes, or another"):
            use(table[genes[::-1]])
    np.testing.assert_array_equal(model.predict(Z), before)
    model.set_measurement(table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close(model.predict(Z_new), expected)
    assert model.feature_names_in_.tolist() == sums
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(Z_new[sums[::-1]])
    assert not hasattr(model.set_measurement(B), "feature_names_in_")


def test_a_matrix_that_is_refused_changes_nothing(measured):
    P, A, B = measured
    model = decoder(A).fit(P @ A.T, P)
    before = model.predict(P @ A.T)
    with pytest.raises(ValueError, match="measurement_matrix has 29 columns"):
        model.set_measurement(B[:, 1:])
    assert model.n_features_in_ == 8
    np.testing.assert_array_equal(model.predict(P @ A.T), before)


def test_a_measurement_is_fixed_where_the_second_sees_it_or_the_first_cannot_change(measured):
    P, A, B = measured
    for model in (
        decoder(A, residual_inputs="measured"),
        decoder(A).set_params(estimator=Ridge()),
    ):
        assert not hasattr(model.fit(P @ A.T, P), "set_measurement")
        with pytest.raises(ValueError, match="needs residual_inputs='inferred' and an estimator"):
            model.predict(P @ B.T, measurement_matrix=B)
