"""What is written is read back, and what other tools write is understood."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import skgex.datasets
from skgex.datasets import ExpressionData, read_expression, write_expression

GENES = ["TP53", "BRCA1", "EGFR", "MYC", "HLA-A"]


@pytest.fixture
def data():
    X = np.random.RandomState(0).normal(8, 2, size=(3, 5)).astype(np.float32)
    return ExpressionData(
        X,
        GENES,
        ["s 1", "s 2", "s 3"],
        sample_table={
            "dose": [0.1, np.nan, 10.0],
            "state": ["treated", "", "naïve"],
            "plate": ["007", "008", "009"],
            "count": [1, 2, 3],
        },
        gene_table={
            "is_landmark": [True, False, True, False, False],
            "title": ['tumor "protein", p53', "a", "b", "c", "d"],
        },
    )


def assert_same(table, expected):
    assert table.keys() == expected.keys()
    for name, values in expected.items():
        assert table[name].dtype.kind == values.dtype.kind, name
        np.testing.assert_array_equal(table[name], values)


@pytest.mark.parametrize("suffix", ["npz", "gct", "gct.gz", "gctx", "h5ad"])
def test_round_trip_of_everything(data, tmp_path, suffix):
    path = tmp_path / f"data.v1.{suffix}"
    write_expression(data, path)
    back = read_expression(path)
    assert back.X.dtype == np.float32
    np.testing.assert_array_equal(back.X, data.X)
    np.testing.assert_array_equal(back.genes, data.genes)
    np.testing.assert_array_equal(back.samples, data.samples)
    assert_same(back.sample_table, data.sample_table)
    assert_same(back.gene_table, data.gene_table)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "txt", "csv.gz", "TSV.GZ"])
def test_round_trip_of_a_plain_matrix(data, tmp_path, suffix):
    path = tmp_path / f"data.{suffix}"
    with pytest.warns(
        UserWarning,
        match=r"left out: the sample table \('dose', 'state', 'plate' and 1 more\) and the gene",
    ):
        write_expression(data, path)
    back = read_expression(path)
    np.testing.assert_array_equal(back.X, data.X)
    np.testing.assert_array_equal(back.genes, data.genes)
    np.testing.assert_array_equal(back.samples, data.samples)


@pytest.mark.parametrize("suffix", ["npz", "csv", "tsv.gz", "gct", "gctx", "h5ad"])
def test_missing_values(data, tmp_path, suffix):
    data.X[1, 2] = np.nan
    data = ExpressionData(data.X, data.genes, data.samples)
    path = tmp_path / f"data.{suffix}"
    write_expression(data, path)
    with pytest.raises(ValueError, match=r"1 of 15 values .* gene 'EGFR' in sample 's 2'"):
        read_expression(path)
    back = read_expression(path, missing="keep")
    np.testing.assert_array_equal(back.X, data.X)
    assert "Missing values: 1 of 15 (6.67%)." in back.notes


def test_infinite_values_are_refused_too(data, tmp_path):
    data.X[0, 0] = -np.inf
    path = tmp_path / "data.npz"
    write_expression(data, path)
    with pytest.raises(ValueError, match="the first is infinite, gene 'TP53'"):
        read_expression(path)
    assert "Infinite values: 1 of 15 (6.67%)." in read_expression(path, missing="keep").notes


def test_writing_twice_gives_the_same_bytes(data, tmp_path):
    one, two = tmp_path / "one.gct.gz", tmp_path / "two.gct.gz"
    write_expression(data, one)
    write_expression(data, two)
    assert one.read_bytes() == two.read_bytes()


def test_format_and_gene_ids_can_be_said(data, tmp_path):
    path = tmp_path / "data.bin"
    with pytest.raises(ValueError, match="does not tell the format"):
        write_expression(data, path)
    write_expression(data, path, format="npz")
    named = read_expression(path, format="npz", gene_ids="title")
    assert named.genes[1] == "a"
    with pytest.raises(ValueError, match="no column 'symbol'; it has 'is_landmark', 'title'"):
        read_expression(path, format="npz", gene_ids="symbol")


# csv and tsv -------------------------------------------------------------------------------------


def read_text(tmp_path, text, name="data.csv", **options):
    path = tmp_path / name
    path.write_text(text)
    return read_expression(path, **options)


def test_orientation_is_decided_by_the_ids_and_said(tmp_path):
    rows = read_text(tmp_path, "id,GSM1,GSM2\nTP53,1,2\nMYC,3,4\nEGFR,5,6\n")
    assert rows.genes.tolist() == ["TP53", "MYC", "EGFR"]
    np.testing.assert_array_equal(rows.X, [[1, 3, 5], [2, 4, 6]])
    assert rows.X.flags.c_contiguous
    assert any("genes-in-rows" in note and "symbol" in note for note in rows.notes)
    columns = read_text(tmp_path, "id,5720,55847,672\nx,1,2,3\n")
    assert columns.samples.tolist() == ["x"]
    assert any("samples-in-rows" in note and "Entrez" in note for note in columns.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,x1,x2\na,1,2\n", "neither axis looks like genes"),
        ("id,A375,MCF7,PC3\nTP53,1,2,3\nMYC,1,2,3\n", "both axes look like genes"),
    ],
)
def test_open_orientation_is_asked_for(tmp_path, text, message):
    with pytest.raises(ValueError, match=message + r".*orientation='samples-in-rows'"):
        read_text(tmp_path, text)
    data = read_text(tmp_path, text, orientation="genes-in-rows")
    assert data.genes.tolist() == [line.split(",")[0] for line in text.splitlines()[1:]]


def test_what_spreadsheets_and_R_write(tmp_path):
    expected = [[1.5, np.nan], [np.nan, 4e-5]]
    for text in (
        "TP53,MYC\na,1.5,NA\nb,,4e-5\n",  # R: no field above the row names
        '"","TP53","MYC"\n"a",1.5,NA\n"b",NaN,4e-05\n',
        "\ufeffid,TP53,MYC\r\na,1.5,#N/A\r\nb,na,0.00004\r\n\r\n",
    ):
        data = read_text(tmp_path, text, missing="keep")
        assert data.genes.tolist() == ["TP53", "MYC"]
        assert data.samples.tolist() == ["a", "b"]
        np.testing.assert_array_equal(data.X, np.float32(expected))


def test_ids_stay_text(tmp_path):
    data = read_text(tmp_path, "id,TP53,NA,MYC,BRCA1\n007,1,2,3,4\n1e3,1,2,3,4\n", missing="keep")
    assert data.samples.tolist() == ["007", "1e3"]
    assert data.genes.tolist() == ["TP53", "NA", "MYC", "BRCA1"]


def test_quoted_separators(tmp_path):
    data = read_text(tmp_path, 'id,"TP53",MYC\n"Smith, J",1,2\n')
    assert data.samples.tolist() == ["Smith, J"]


def test_a_last_line_without_break_is_noted(tmp_path):
    text = "id,TP53,MYC\na,1,2\nb,3,4"
    assert any("line break" in note for note in read_text(tmp_path, text).notes)
    assert not any("line break" in note for note in read_text(tmp_path, text + "\n").notes)


# GCT ---------------------------------------------------------------------------------------------


def test_gct_1_2(tmp_path):
    text = "#1.2\n2\t2\nName\tDescription\ta\tb\n200814_at\tPSME1\t1\tNA\n218597_s_at\tna\t3\t\n"
    data = read_text(tmp_path, text, "data.gct", missing="keep")
    np.testing.assert_array_equal(data.X, [[1, 3], [np.nan, np.nan]])
    assert data.gene_table["Description"].tolist() == ["PSME1", ""]
    assert data.gene_id_kind == "HG-U133 probe"


GCT = (
    "#1.3\n2\t3\t1\t3\n"
    "id\tpr_gene_id\ta\tb\tc\n"
    "dose\tna\t10\t-666\t0.5\n"
    "name\tna\tDMSO\t-666\tNA\n"
    "well\tna\tA01\tA02\tA03\n"
    "200814_at\t5720\t1.5\t2\t3\n"
    "218597_s_at\t55847\t4\t-666\t6\n"
)


def test_gct_1_3(tmp_path):
    data = read_text(tmp_path, GCT, "data.gct", gene_ids="pr_gene_id")
    np.testing.assert_array_equal(data.X, np.float32([[1.5, 4], [2, -666], [3, 6]]))
    assert data.genes.tolist() == ["5720", "55847"]
    np.testing.assert_array_equal(data.sample_table["dose"], [10, np.nan, 0.5])
    assert data.sample_table["name"].tolist() == ["DMSO", "", ""]
    # -666 means missing among annotations; among values it is kept, and said.
    assert any("exactly -666" in note for note in data.notes)


def test_gzip_is_recognised_by_content(tmp_path):
    path = tmp_path / "data.gct"
    path.write_bytes(gzip.compress(GCT.encode()))
    assert read_expression(path).X.shape == (3, 2)


# HDF5 --------------------------------------------------------------------------------------------


def test_gctx_of_other_tools(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "data.gctx"
    with h5py.File(path, "w") as file:
        file.attrs["version"] = np.bytes_("GCTX1.0")
        file["0/DATA/0/matrix"] = np.arange(6, dtype="f4").reshape(2, 3)
        file["0/META/ROW/id"] = np.array([5720, 55847, 7416])
        file["0/META/ROW/pr_gene_symbol"] = np.array([b"PSME1", b"CISD1", b"-666"])
        file["0/META/COL/id"] = ["x", "y"]
        file["0/META/COL/dose"] = np.array([-666, 10], dtype="i4")
    data = read_expression(path)
    np.testing.assert_array_equal(data.X, [[0, 1, 2], [3, 4, 5]])
    assert data.gene_id_kind == "Entrez"
    assert data.gene_table["pr_gene_symbol"].tolist() == ["PSME1", "CISD1", ""]
    np.testing.assert_array_equal(data.sample_table["dose"], [np.nan, 10])


def test_sparse_h5ad_becomes_dense_with_a_note(tmp_path):
    anndata = pytest.importorskip("anndata")
    pandas = pytest.importorskip("pandas")
    sparse = pytest.importorskip("scipy.sparse")
    X = np.array([[0, 1.5, 0], [2, 0, 0]], dtype=np.float32)
    obs = pandas.DataFrame(
        {"type": pandas.Categorical(["T", None]), "n": pandas.array([1, None], "Int64")},
        index=["a", "b"],
    )
    stored = anndata.AnnData(sparse.csr_matrix(X), obs=obs, var=pandas.DataFrame(index=GENES[:3]))
    stored.layers["counts"] = X
    stored.write_h5ad(tmp_path / "data.h5ad")
    data = read_expression(tmp_path / "data.h5ad")
    np.testing.assert_array_equal(data.X, X)
    assert data.sample_table["type"].tolist() == ["T", ""]
    np.testing.assert_array_equal(data.sample_table["n"], [1, np.nan])
    assert any("sparse (2 values)" in note for note in data.notes)
    assert any("layers['counts']" in note for note in data.notes)


# npz ---------------------------------------------------------------------------------------------


def test_npz_annotations_are_told_apart_by_length(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(
        path,
        X=np.ones((2, 3), np.float16),
        genes=np.array([b"TP53", b"MYC", b"EGFR"]),
        samples=["a", "b"],
        tissue=["lung", "skin"],
        is_landmark=[True, False, True],
        X_prenorm=np.zeros((2, 3)),
    )
    data = read_expression(path)
    assert data.X.dtype == np.float32
    assert data.genes.tolist() == ["TP53", "MYC", "EGFR"]
    assert list(data.sample_table) == ["tissue"]
    assert list(data.gene_table) == ["is_landmark"]
    assert any("X_prenorm" in note for note in data.notes)


def test_npz_keeps_tables_apart_where_length_or_name_do_not(tmp_path):
    path = tmp_path / "data.npz"
    data = ExpressionData(
        np.eye(2), ["TP53", "MYC"], ["a", "b"], {"id": ["x", "y"]}, {"id": [1, 2], "X": [3, 4]}
    )
    write_expression(data, path)
    back = read_expression(path)
    assert_same(back.sample_table, data.sample_table)
    assert_same(back.gene_table, data.gene_table)
    np.savez(path, X=np.eye(2), genes=["x", "y"], samples=["a", "b"], group=[0, 1])
    with pytest.raises(ValueError, match=r"as many samples as genes.*'group'.*'sample/group'"):
        read_expression(path)


def test_duplicated_genes_are_noted(tmp_path):
    data = read_text(tmp_path, "id,TP53,MYC,TP53\na,1,2,3\n")
    assert "1 gene ids occur more than once, such as TP53." in data.notes


_IMPORT_DATASETS_ALONE = """
import sys, types
import sklearn.utils
before = set(sys.modules)
package = sys.modules["skgex"] = types.ModuleType("skgex")
package.__path__ = [sys.argv[1]]
import skgex.datasets
print({"torch", "pandas", "h5py", "anndata"} & (sys.modules.keys() - before))
"""


def test_importing_datasets_loads_no_optional_package():
    folder = str(Path(skgex.datasets.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-c", _IMPORT_DATASETS_ALONE, folder],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "set()"
