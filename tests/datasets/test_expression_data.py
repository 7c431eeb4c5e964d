"""ExpressionData keeps values, names and tables together."""

import numpy as np
import pytest

from skgex.datasets import ExpressionData


@pytest.fixture
def data():
    return ExpressionData(
        np.arange(12, dtype=np.float32).reshape(3, 4),
        genes=["TP53", "BRCA1", "EGFR", "TP53"],
        samples=["a", "b", "c"],
        sample_table={"tissue": ["lung", "skin", "lung"]},
        gene_table={"entrez": [7157, 672, 1956, 7157], "alias": ["P53", "", "HER1", "na"]},
    )


@pytest.mark.parametrize(
    ("given", "kept"), [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("i8", "f8"), ("?", "f8")]
)
def test_values_become_float_without_loss(given, kept):
    assert ExpressionData(np.ones((1, 2), given), ["x", "y"], ["a"]).X.dtype == kept


def test_to_frame_has_genes_as_columns(data):
    frame = data.to_frame()
    assert frame.loc["b", "EGFR"] == 6
    assert frame.shape == (3, 4)
    frame.loc["b", "EGFR"] = 0
    assert data.X[1, 2] == 6  # a copy


@pytest.mark.parametrize(
    ("selection", "columns"),
    [
        (["EGFR", "BRCA1"], [2, 1]),
        ("EGFR", [2]),
        (["TP53"], [0, 3]),  # an id that names two columns selects both
        (np.array([False, True, True, False]), [1, 2]),
        ([3, 0], [3, 0]),
        ([-1], [3]),
        (slice(1, 3), [1, 2]),
        ([], []),
    ],
)
def test_select_genes(data, selection, columns):
    selected = data.select_genes(selection)
    np.testing.assert_array_equal(selected.X, data.X[:, columns])
    np.testing.assert_array_equal(selected.genes, data.genes[columns])
    np.testing.assert_array_equal(
        selected.gene_table["entrez"], data.gene_table["entrez"][columns]
    )
    np.testing.assert_array_equal(selected.sample_table["tissue"], data.sample_table["tissue"])


def test_select_samples(data):
    lung = data.select_samples(data.sample_table["tissue"] == "lung")
    assert lung.samples.tolist() == ["a", "c"]
    np.testing.assert_array_equal(lung.X, data.X[[0, 2]])
    assert data.select_samples(["c"]).sample_table["tissue"].tolist() == ["lung"]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (["TP53", "KRAS", "MYC"], "2 of the 3 selected gene names .* 'KRAS', 'MYC'"),
        ([9], "There are 4 genes; position 9"),
        ([True, False], r"gene mask must have shape \(4,\)"),
    ],
)
def test_impossible_selection(data, selection, message):
    with pytest.raises(ValueError, match=message):
        data.select_genes(selection)


def test_with_gene_ids_keeps_every_gene_named(data):
    named = data.with_gene_ids("alias")
    assert named.genes.tolist() == ["P53", "BRCA1", "HER1", "TP53"]
    assert named.gene_table["former_id"].tolist() == data.genes.tolist()
    assert "2 without an entry" in named.notes[-1]
    assert data.with_gene_ids("entrez").genes.tolist() == ["7157", "672", "1956", "7157"]
    with pytest.raises(ValueError, match="no column 'symbol'; it has 'entrez', 'alias'"):
        data.with_gene_ids("symbol")


def test_duplicated_genes_are_legal_and_named(data):
    assert data.duplicated_genes.tolist() == ["TP53"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"X": np.ones(4)}, "shape .*4.* dtype float64"),
        ({"X": [["a"] * 4] * 3}, "must be a numeric array"),
        ({"genes": ["x"]}, r"X has 4 columns, but genes has shape \(1,\)"),
        ({"samples": ["a", "b", "a"]}, "1 occur more than once: 'a'"),
        ({"sample_table": {"age": [1, 2]}}, r"sample_table\['age'\] has shape \(2,\)"),
        ({"gene_table": {"is_landmark": [True]}}, r"gene_table\['is_landmark'\]"),
    ],
)
def test_inconsistent_parts_are_refused(changed, message):
    parts = {"X": np.ones((3, 4)), "genes": list("wxyz"), "samples": list("abc")}
    with pytest.raises(ValueError, match=message):
        ExpressionData(**parts | changed)


def test_repr_is_one_line(data):
    assert repr(data) == "ExpressionData(3 samples x 4 genes, float32, gene ids: symbol)"
