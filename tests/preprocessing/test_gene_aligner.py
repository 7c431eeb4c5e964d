"""Genes are matched by name, exactly, and what was not matched is said."""

import warnings

import numpy as np
import pandas as pd
import pytest

from skgex.preprocessing import GeneAligner


@pytest.fixture
def train():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(7, 2, size=(10, 4)), columns=["TP53", "MYC", "EGFR", "KRAS"])


@pytest.fixture
def new(train):
    """The same genes in another order, among others."""
    return train[["KRAS", "EGFR", "TP53", "MYC"]].assign(ACTB=1.0, GAPDH=2.0)


def test_columns_are_matched_by_name_without_a_word(train, new):
    aligner = GeneAligner().fit(train)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aligned = aligner.transform(new)
    np.testing.assert_array_equal(aligned, train)
    np.testing.assert_allclose(aligner.means_, train.mean())

    _, report = aligner.align(new)
    assert report.matched == list(train.columns)
    assert (report.missing, report.duplicated, report.ignored) == ([], [], ["ACTB", "GAPDH"])
    assert str(report) == "4 of 4 genes matched, 0 missing, 0 duplicated; 2 other columns ignored."


def test_a_reference_order_is_independent_of_the_training_table(train, new):
    aligner = GeneAligner(["MYC", "TP53"]).set_output(transform="pandas").fit(new)
    pd.testing.assert_frame_equal(aligner.transform(train), train[["MYC", "TP53"]])
    assert aligner.n_features_in_ == 6
    assert list(aligner.get_feature_names_out()) == ["MYC", "TP53"]


def test_arrays_take_the_columns_of_fit_or_are_told_names(train):
    X = train.to_numpy(dtype=np.float32)
    aligner = GeneAligner(["KRAS", "TP53"]).fit(X, genes=train.columns)
    assert aligner.transform(X).dtype == np.float32
    np.testing.assert_array_equal(aligner.transform(X), X[:, [3, 0]])
    aligned, _ = aligner.align(X[:, ::-1], train.columns[::-1])
    np.testing.assert_array_equal(aligned, X[:, [3, 0]])
    with pytest.raises(ValueError, match="no column names: pass the names"):
        aligner.align(X)
    with pytest.raises(ValueError, match="no column names: pass the names"):
        GeneAligner(["TP53", "KRAS"]).fit(X)
    with pytest.raises(ValueError, match="names 2 genes, but X has 4 columns"):
        aligner.align(X, ["TP53", "KRAS"])


def test_missing_genes_follow_the_policy(train, new):
    lacking = new.drop(columns=["MYC", "KRAS"])
    with pytest.raises(ValueError, match="X lacks 2 of the 4 reference genes: 'MYC', 'KRAS'"):
        GeneAligner().fit(train).transform(lacking)

    with pytest.warns(UserWarning, match=r"2 missing.*'MYC', 'KRAS'.*training means") as record:
        filled = GeneAligner(missing="mean").fit(train).transform(lacking)
    assert len(record) == 1
    np.testing.assert_allclose(filled[:, [1, 3]], np.tile(train[["MYC", "KRAS"]].mean(), (10, 1)))
    np.testing.assert_array_equal(filled[:, [0, 2]], train[["TP53", "EGFR"]])

    with pytest.warns(UserWarning, match=r"left empty \(NaN\)"):
        emptied = GeneAligner(missing="nan").fit(train).transform(lacking)
    assert np.isnan(emptied[:, [1, 3]]).all() and not np.isnan(emptied[:, [0, 2]]).any()


def test_means_that_nobody_measured_cannot_be_promised(train):
    with pytest.raises(ValueError, match="X lacks 1 of the 2"):
        GeneAligner(["TP53", "ACTB"], missing="mean").fit(train)


@pytest.mark.parametrize(("policy", "expected"), [("mean", [[2.0, 5.0]]), ("first", [[1.0, 5.0]])])
def test_duplicated_genes_follow_the_policy(policy, expected):
    table, names = [[1.0, 5.0, 3.0]], ["TP53", "MYC", "TP53"]
    with pytest.raises(ValueError, match="1 reference genes have several columns: 'TP53'"):
        GeneAligner().fit(table, genes=names)
    aligner = GeneAligner(duplicates=policy).fit(table, genes=names)
    assert list(aligner.genes_) == ["TP53", "MYC"]
    aligned, report = aligner.align(table, names)
    np.testing.assert_array_equal(aligned, expected)
    assert report.duplicated == ["TP53"] and report.n_ignored == 0


def test_duplicated_columns_of_a_data_frame(train):
    doubled = train.rename(columns={"KRAS": "TP53"})
    with pytest.raises(ValueError, match="1 reference genes have several columns: 'TP53'"):
        GeneAligner().fit(doubled)
    aligner = GeneAligner(duplicates="mean").fit(doubled)
    with pytest.warns(UserWarning, match=r"Duplicated genes \('TP53'\) were averaged"):
        aligned = aligner.transform(doubled)
    np.testing.assert_allclose(aligned[:, 0], doubled["TP53"].mean(axis=1))
    np.testing.assert_array_equal(aligned[:, 1:], train[["MYC", "EGFR"]])


def test_repeated_reference_genes_are_refused(train):
    with pytest.raises(ValueError, match="1 reference genes repeatedly: 'MYC'"):
        GeneAligner(["MYC", "TP53", "MYC"]).fit(train)


def test_ensembl_versions_are_ignored_when_asked():
    reference, table = ["ENSG00000141510.11", "RP11-34P13.7"], ["RP11-34P13.7", "ENSG00000141510"]
    aligner = GeneAligner().fit([[1.0, 2.0]], genes=reference)
    aligned, _ = aligner.align([[20.0, 10.0]], table)
    np.testing.assert_array_equal(aligned, [[10.0, 20.0]])
    assert list(aligner.genes_) == reference

    strict = GeneAligner(ignore_version=False).fit([[1.0, 2.0]], genes=reference)
    with pytest.raises(ValueError, match="1 of them would match with ignore_version=True"):
        strict.align([[20.0, 10.0]], table)
    with pytest.raises(ValueError, match="lacks 1 of the 2"):  # a clone's name is no version
        aligner.align([[1.0, 2.0]], ["RP11-34P13.8", "ENSG00000141510"])


def test_case_is_never_matched_silently(train):
    mouse = train.rename(columns=str.capitalize)
    with pytest.raises(ValueError, match="4 of them would match ignoring case"):
        GeneAligner().fit(train).transform(mouse)


@pytest.mark.parametrize(
    ("names", "description"),
    [
        (["ENSG00000141510", "ENSG00000136997"], "Ensembl ids such as 'ENSG00000141510'"),
        (["201746_at", "202431_s_at"], "Affymetrix probe sets such as '201746_at'"),
        (["7157", "4609"], "Entrez ids such as '7157'"),
    ],
)
@pytest.mark.parametrize("missing", ["error", "mean", "nan"])
def test_ids_of_another_kind_are_never_filled_in(train, names, description, missing):
    aligner = GeneAligner(missing=missing).fit(train)
    with pytest.raises(
        ValueError, match=f"gene symbols such as 'TP53', 'MYC', X has {description}"
    ):
        aligner.align([[1.0, 2.0]], names)


def test_nan_cells_pass_and_do_not_spoil_the_means(train):
    train.iloc[0, 1] = np.nan
    train["EGFR"] = np.nan
    aligner = GeneAligner().fit(train)
    np.testing.assert_allclose(aligner.means_, train.mean())
    np.testing.assert_array_equal(aligner.transform(train), train)
    train.iloc[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        aligner.transform(train)
