"""A file that cannot be read gives one sentence that names it, and never a wrong answer."""

import gzip
import io
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from skgex.datasets import ExpressionData, read_expression, write_expression

GCT = (
    "#1.3\n2\t3\t1\t1\nid\tsymbol\ta\tb\tc\ndose\tna\t1\t2\t3\n"
    "200814_at\tPSME1\t1.5\t2\t3\n218597_s_at\tCISD1\t4\t5\t6\n"
)


@pytest.fixture
def refused(tmp_path):
    """Write a file and return the sentence by which it is refused."""

    def sentence(name, content, **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(ValueError, match=r"\S") as caught:
            read_expression(path, **options)
        message = str(caught.value)
        assert str(path) in message
        assert "\n" not in message
        return message

    return sentence


def small(n_samples=6, n_genes=4):
    X = np.random.RandomState(0).normal(size=(n_samples, n_genes))
    genes = ["TP53", "BRCA1", "EGFR", "MYC"][:n_genes]
    return ExpressionData(X, genes, [f"s{i}" for i in range(n_samples)])


def as_bytes(data, suffix, tmp_path):
    path = tmp_path / f"whole.{suffix}"
    write_expression(data, path)
    return path.read_bytes()


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*absent\.npz"):
        read_expression(tmp_path / "absent.npz")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_expression(tmp_path / "folder.csv")


@pytest.mark.parametrize("suffix", ["npz", "csv", "gct", "gct.gz", "gctx", "h5ad"])
def test_empty_file(refused, suffix):
    assert "is empty" in refused(f"data.{suffix}", b"")


@pytest.mark.parametrize("suffix", ["npz", "gctx", "h5ad"])
def test_text_under_a_binary_name(refused, suffix):
    assert "looks like text" in refused(f"data.{suffix}", GCT)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "gct", "gctx", "h5ad"])
def test_npz_under_another_name(refused, tmp_path, suffix):
    message = refused(f"data.{suffix}", as_bytes(small(), "npz", tmp_path))
    assert f"is not a {suffix} file" in message
    assert "zip archive (npz)" in message


def test_gct_and_csv_under_each_others_name(refused):
    assert "GCT file; pass format='gct'" in refused("data.tsv", GCT)
    assert "first line is 'id,TP53'" in refused("data.gct", "id,TP53\na,1\n")


def test_wrong_separator(refused):
    assert "another separator" in refused("data.csv", "id\tTP53\tMYC\na\t1\t2\n")


@pytest.mark.parametrize("suffix", ["npz", "csv.gz", "gct.gz", "gctx", "h5ad"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_truncated_anywhere(refused, tmp_path, suffix, share):
    whole = as_bytes(small(60), suffix, tmp_path)
    message = refused(f"data.{suffix}", whole[: max(5, int(share * len(whole)))])
    assert message.startswith("Cannot read")


@pytest.mark.parametrize("cut", range(5, len(GCT) - 3, 3))
def test_gct_truncated_anywhere(refused, cut):
    refused("data.gct", GCT[:cut])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2\t3\t1\t1", "3\t3\t1\t1", "declares 3 genes, but the body has 2 rows"),
        ("2\t3\t1\t1", "1\t3\t1\t1", "declares 1 genes, but the body has 2 rows"),
        ("2\t3\t1\t1", "2\t4\t1\t1", "declares 4 samples .* header has 5"),
        ("2\t3\t1\t1", "2\t3\t1\t2", "holds the text 'PSME1'|has 5 fields|body has 1 rows"),
        ("2\t3\t1\t1", "2\t3", "second line must give the dimensions"),
        ("2\t3\t1\t1", "-2\t3\t1\t1", "second line must give the dimensions"),
        ("2\t3\t1\t1", f"2\t3\t1\t{10**15}", "truncated"),
        ("2\t3\t1\t1", f"{10**15}\t3\t1\t1", f"declares {10**15} genes"),
        ("#1.3", "#1.7", "first line is '#1.7'"),
        ("\t5\t6", "\t5", "line 6 has 4 fields where 5 are expected"),
        ("\t5\t6", "\tfive\t6", "column 'b' holds the text 'five' in row '218597_s_at'"),
        ("\ta\tb\tc", "\ta\tb\ta", "1 occur more than once: 'a'"),
    ],
)
def test_gct_that_contradicts_itself(refused, old, new, message):
    assert re.search(message, refused("data.gct", GCT.replace(old, new)))


@pytest.mark.parametrize("text", ["high", "1,5", "True", "2020-01-02", "<0.1"])
def test_text_in_a_numeric_column(refused, text):
    content = f"id\tTP53\tMYC\na\t1\t2\nb\t3\t{text}\n"
    message = refused("data.tsv", content)
    assert f"column 'MYC' holds the text '{text}' in row 'b'" in message
    assert "leave out columns of text" in message


def test_decimal_comma_in_quotes(refused):
    content = 'id,TP53,MYC\n"a",1,"2,5"\n'
    assert "line 2 holds the text '2,5'" in refused("data.csv", content)


def test_rows_of_different_length(refused):
    assert "line 3 has 2 fields where 3" in refused("data.csv", "id,TP53,MYC\na,1,2\nb,3\n")
    assert "header has 3 fields" in refused("data.csv", "id,TP53,MYC\na,1,2,3,4\nb,3,4,5,6\n")
    assert "line 3 has 4 fields where 3" in refused("data.csv", "id,TP53,MYC\na,1,2\nb,3,4,5\n")
    assert "no rows of values" in refused("data.csv", "id,TP53,MYC\n")


def test_a_table_without_names_loses_none_of_its_values(refused):
    """Without names, the first column or line of values would be read as names."""
    data = small().to_frame()
    message = refused("data.csv", data.to_csv(index=False))
    assert "first column holds values such as" in message
    assert "first line holds values such as" in refused("data.csv", data.T.to_csv(header=False))


def test_numbers_that_are_names_are_read(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("id,TP53,BRCA1,MYC\n1.1,0.25,0.5,0.75\n1.2,0.5,0.75,0.25\n")
    assert read_expression(path).samples.tolist() == ["1.1", "1.2"]


def test_a_list_of_genes_is_no_table(refused):
    message = refused("genes.txt", "TP53\nMYC\n")
    assert "line 2 has 1 fields where at least 2 are expected" in message


def test_duplicated_samples(refused):
    assert "more than once: 'a'" in refused("data.csv", "id,TP53,MYC\na,1,2\na,3,4\n")


def test_not_text(refused):
    assert "not UTF-8" in refused("data.csv", b"id,TP53\na,\xff\xfe\n")


def test_npz_of_python_objects_is_not_unpickled(tmp_path, refused):
    np.savez(tmp_path / "x.npz", X=np.eye(2), genes=np.array(["a", None]), samples=["x", "y"])
    message = refused("data.npz", (tmp_path / "x.npz").read_bytes())
    assert "'genes' holds Python objects" in message


def test_npz_without_its_arrays(tmp_path, refused):
    np.savez(tmp_path / "x.npz", X=np.eye(2))
    message = refused("data.npz", (tmp_path / "x.npz").read_bytes())
    assert "no array 'genes' and no array 'samples'" in message


def test_npz_of_an_impossible_size_is_not_allocated(refused):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**6)}
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("X.npy", header.getvalue() + bytes(80))
    assert "does not fit the bytes stored" in refused("data.npz", archive.getvalue())


@pytest.mark.parametrize("chunks", [None, (1000, 1000)])
def test_gctx_of_an_impossible_size_is_not_allocated(tmp_path, refused, chunks):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.gctx", "w") as file:
        file.create_dataset("0/DATA/0/matrix", (2, 10**12), "f4", chunks=chunks and (2, 10**6))
        file["0/META/ROW/id"] = ["TP53"]
        file["0/META/COL/id"] = ["x", "y"]
    refused("data.gctx", (tmp_path / "x.gctx").read_bytes())


def test_hdf5_without_the_parts_of_its_format(tmp_path, refused):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["0/DATA/0/matrix"] = np.eye(2)
    whole = (tmp_path / "x.h5").read_bytes()
    assert "no /0/META/ROW/id" in refused("data.gctx", whole)
    assert "no matrix X" in refused("data.h5ad", whole)


def test_gctx_whose_parts_disagree(tmp_path, refused):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.gctx", "w") as file:
        file["0/DATA/0/matrix"] = np.ones((3, 2))
        file["0/META/ROW/id"] = ["TP53", "MYC", "EGFR"]
        file["0/META/COL/id"] = ["x", "y"]
    assert "shape (3, 2), but it names 2 samples and 3" in refused(
        "data.gctx", (tmp_path / "x.gctx").read_bytes()
    )


def test_gctx_with_values_never_written(tmp_path, refused):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.gctx", "w") as file:
        matrix = file.create_dataset("0/DATA/0/matrix", (4, 2), "f4", chunks=(2, 2))
        matrix[:2] = 1  # the other chunk would be read as zeros
        file["0/META/ROW/id"] = ["TP53", "MYC"]
        file["0/META/COL/id"] = ["w", "x", "y", "z"]
    message = refused("data.gctx", (tmp_path / "x.gctx").read_bytes())
    assert "only 1 of 2 chunks are stored" in message


def test_h5ad_of_another_dialect(tmp_path, refused):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5ad", "w") as file:
        file["X"] = np.eye(2)
        file.attrs["encoding-type"] = "zarr"
        file.attrs["encoding-version"] = "9"
    assert "anndata does not understand" in refused(
        "data.h5ad", (tmp_path / "x.h5ad").read_bytes()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"missing": "drop"}, "missing must be 'error' or 'keep', got 'drop'"),
        ({"orientation": "rows"}, "orientation must be 'samples-in-rows' or 'genes-in-rows'"),
        ({"orientation": "genes-in-rows"}, "npz file states its orientation itself"),
        ({"format": "xlsx"}, "format must be .* got 'xlsx'"),
    ],
)
def test_wrong_arguments(tmp_path, options, message):
    write_expression(small(), tmp_path / "data.npz")
    with pytest.raises(ValueError, match=message):
        read_expression(tmp_path / "data.npz", **options)


_WRITE_WITH_LITTLE_SPACE = """
import resource, signal, sys
from skgex.datasets import read_expression, write_expression
data = read_expression(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
write_expression(data, sys.argv[2])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a matter of POSIX")
@pytest.mark.parametrize("suffix", ["npz", "csv", "gct.gz", "gctx", "h5ad"])
def test_full_disk_leaves_the_old_file(tmp_path, suffix):
    source, path = tmp_path / "large.npz", tmp_path / f"data.{suffix}"
    write_expression(small(2000), source)
    write_expression(small(), path)
    before = path.read_bytes()
    run = subprocess.run(
        [sys.executable, "-c", _WRITE_WITH_LITTLE_SPACE, source, path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "OSError" in run.stderr.splitlines()[-1]
    assert f"Cannot write {str(path)!r}" in run.stderr.splitlines()[-1]
    assert path.read_bytes() == before
    assert set(tmp_path.iterdir()) == {source, path}


@pytest.mark.parametrize("suffix", ["gct", "gctx"])
def test_names_that_a_format_cannot_hold(tmp_path, suffix):
    bad = "a\tb" if suffix == "gct" else "a/b"
    data = ExpressionData([[1.0]], ["TP53"], ["x"], sample_table={bad: [1]})
    with pytest.raises(ValueError, match="rename it"):
        write_expression(data, tmp_path / f"data.{suffix}")
    assert not list(tmp_path.iterdir())


def test_only_expression_data_can_be_written(tmp_path):
    with pytest.raises(TypeError, match="must be an ExpressionData, got ndarray"):
        write_expression(np.eye(2), tmp_path / "data.npz")


@pytest.mark.parametrize(
    ("suffix", "package"),
    [("csv", "pandas"), ("gct", "pandas"), ("gctx", "h5py"), ("h5ad", "anndata")],
)
def test_an_absent_package_is_named_with_what_to_install(tmp_path, monkeypatch, suffix, package):
    path = tmp_path / f"data.{suffix}"
    write_expression(small(), path)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        ImportError, match=rf'needs the package {package}.*pip install "skgex\[bio\]"'
    ):
        read_expression(path)


def test_truncated_gzip(refused):
    refused("data.csv.gz", gzip.compress(b"id,TP53,MYC\na,1,2\n")[:-9])
