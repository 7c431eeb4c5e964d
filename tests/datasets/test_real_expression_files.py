"""Files from the wild, where they are at hand."""

import numpy as np
import pytest

from skgex.datasets import read_expression, read_gmt, write_expression


@pytest.mark.parametrize(
    ("name", "shape", "kind"),
    [
        ("tcga_pan13_zscore", (5240, 1526), "symbol"),
        ("tcga_raw4_log2tpm", (1160, 1577), "symbol"),
        ("gtex_tissue", (3797, 1000), "Ensembl gene"),
        ("geuvadis_1000g_landmarks", (462, 943), "Ensembl gene"),
        ("l1000_assay_plate", (371, 978), "HG-U133 probe"),
        ("hgu133_compendium", (529, 10463), "unknown"),
    ],
)
def test_npz(shared_data, name, shape, kind):
    path = shared_data / name / "expression.npz"
    data = read_expression(path)
    assert data.X.shape == shape
    assert data.X.dtype == np.float32
    assert data.gene_id_kind == kind
    assert data.gene_table["is_landmark"].dtype == bool
    with np.load(path) as stored:
        vectors = {key for key in stored if stored[key].ndim == 1} - {"genes", "samples"}
        np.testing.assert_array_equal(data.X, stored["X"])
    assert data.sample_table.keys() | data.gene_table.keys() == vectors


def test_compendium_can_be_named_by_other_ids(shared_data):
    data = read_expression(
        shared_data / "hgu133_compendium" / "expression.npz", gene_ids="ensembl"
    )
    assert data.gene_id_kind == "Ensembl gene"
    assert len(data.duplicated_genes) > 0
    assert any("occur more than once" in note for note in data.notes)


def test_gct_of_a_real_plate(shared_data, tmp_path):
    folder = shared_data / "l1000_assay_plate"
    data = read_expression(next(folder.glob("*.gct.gz")))
    expected = read_expression(folder / "expression.npz")
    np.testing.assert_array_equal(data.X, expected.X)
    np.testing.assert_array_equal(data.genes, expected.genes)
    np.testing.assert_array_equal(data.samples, expected.samples)
    np.testing.assert_array_equal(
        data.gene_table["pr_gene_symbol"], expected.gene_table["symbols"]
    )
    assert np.isnan(data.sample_table["pert_dose"]).sum() == np.sum(
        expected.sample_table["w_pert_dose"] == "-666"
    )
    assert data.with_gene_ids("pr_gene_id").gene_id_kind == "Entrez"
    for suffix in ("gct", "gctx", "h5ad", "npz"):
        path = tmp_path / f"plate.{suffix}"
        write_expression(data, path)
        back = read_expression(path)
        np.testing.assert_array_equal(back.X, data.X)
        for name, values in data.sample_table.items():
            np.testing.assert_array_equal(back.sample_table[name], values)


def test_gmt(shared_data):
    hallmark = read_gmt(shared_data / "gene_sets" / "h.all.v6.2.symbols.gmt")
    assert len(hallmark) == 50
    assert all(32 <= len(genes) <= 200 for genes in hallmark.values())
