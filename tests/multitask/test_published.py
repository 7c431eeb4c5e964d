"""The papers' sizes and settings of the multi-task methods."""

import pytest
import torch

import skgex

from .one_step import X, Y, every_method, small

# Table 2 of Deep-LSMTL: parameters of nets with two hidden layers, 943 landmarks, 9,520 targets.
TABLE_2 = {
    3000: dict(GOMTL=8.08e7, CNMTL=8.08e7, AMTL=1.71e8, AMTFL=1.47e8, LSMTL=9.98e7),
    6000: dict(GOMTL=1.70e8, CNMTL=1.70e8, AMTL=2.61e8, AMTFL=2.94e8, LSMTL=1.89e8),
    9000: dict(GOMTL=2.78e8, AMTL=3.69e8, LSMTL=2.97e8),
}
LARGEST = dict(LSMTL=9000, GOMTL=8000, CNMTL=4000, AMTL=7000, AMTFL=5000)


def published(method, *args, **params):
    return getattr(skgex, f"Deep{method}Regressor").published(*args, **params)


@pytest.mark.parametrize(
    ("units", "method", "count"),
    [(units, *row) for units, rows in TABLE_2.items() for row in rows.items()],
)
def test_published_nets_have_the_papers_number_of_parameters(units, method, count):
    estimator = published(method, units, 2)
    with torch.device("meta"):  # takes no memory
        module = estimator._make_module(943, 9520)
        parts = [module, *estimator._make_players(module).values()]
    n_parameters = sum(p.numel() for part in parts for p in part.parameters())
    # To the third digit; the paper cuts some figures (1.706e8 and 1.896e8) and rounds others.
    assert abs(n_parameters - count) < 10 ** (len(str(int(count))) - 3)


@pytest.mark.parametrize(
    ("method", "params", "beside"),
    [
        ("GOMTL", {}, 0),
        ("CNMTL", {}, 0),
        ("AMTL", dict(block_size=3), 8 * 8),
        ("AMTL", dict(block_size=None), 8 * 8),
        ("AMTL", dict(relations_dtype="bfloat16"), 8 * 8),
        ("AMTFL", {}, 8 * (6 + 2 * 16)),
        ("LSMTL", dict(show_landmarks=False), (8 + 1) * 12 + (12 + 1) * 8),
        ("LSMTL", dict(show_landmarks=True), (8 + 6 + 1) * 12 + (12 + 1) * 8),
    ],
    ids=str,
)
def test_n_parameters_counts_what_was_trained(method, params, beside):
    trained = small(method, max_epochs=1, **params).fit(X, Y)
    # Batch normalisation has a scale and a shift per unit, and makes a bias needless.
    net = 16 * (6 + 2) + 16 * (6 + 16 + 2) + 8 * (6 + 2 * 16 + 1)
    assert trained.n_parameters_ == net + beside


@every_method
def test_published_has_the_papers_settings_and_takes_others(method):
    settings = dict(
        hidden_units=LARGEST[method],
        n_hidden_layers=3,
        net="dense",
        activation="leaky_relu",
        normalization="batch",
        input_dropout=0.0,
        lr=1e-3,
        lr_final=1e-5,
        max_epochs=500,
        batch_size=100,
        early_stopping=False,
    )
    paper = published(method).get_params()
    assert settings.items() <= paper.items()
    assert paper["dropout"] in (0.05, 0.1, 0.25)
    other = published(method, 3000, 2, dropout=0.05, lr=5e-4)
    changed = dict(hidden_units=3000, n_hidden_layers=2, dropout=0.05, lr=5e-4)
    assert other.get_params() == paper | changed


def test_published_methods_have_the_papers_objectives():
    lsmtl = published("LSMTL").get_params()
    settings = dict(form="inferred", reconstruction_loss="squared", mask_share=0.0, gamma=0.0)
    settings |= dict(show_landmarks=False)
    assert settings.items() <= lsmtl.items()
    assert lsmtl["lambda_mtl"] in (0.1, 1, 10)
    assert lsmtl["subnetwork_units"] in (500, 1000, 2000)
    amtl = published("AMTL").get_params()
    assert dict(block_size=None, relations_dtype="float32").items() <= amtl.items()


@every_method
def test_published_nets_train(method):
    params = dict(max_epochs=2, batch_size=40, random_state=0)
    trained = published(method, 16, 3, **params).fit(X, Y)
    assert trained.n_epochs_ == 2 and trained.predict(X).shape == Y.shape
