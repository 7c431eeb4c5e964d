"""GMT files of gene sets."""

import pytest

from skgex.datasets import read_gmt, write_gmt

SETS = {"apoptosis": ("CASP3", "BAX"), "cell cycle": ("CDK1",), "empty": ()}


@pytest.mark.parametrize("name", ["sets.gmt", "sets.gmt.gz"])
def test_round_trip(tmp_path, name):
    path = tmp_path / name
    write_gmt(SETS, path, descriptions={"apoptosis": "http://example.org"})
    assert read_gmt(path) == SETS
    _, descriptions = read_gmt(path, return_descriptions=True)
    assert descriptions == {"apoptosis": "http://example.org", "cell cycle": "na", "empty": "na"}


def test_blank_fields_and_repeated_genes_are_dropped(tmp_path):
    path = tmp_path / "sets.gmt"
    path.write_text("a\tHALLMARK\tTP53\t\tMYC\tTP53 \t\n\nb\t\tEGFR\n")
    assert read_gmt(path) == {"a": ("TP53", "MYC"), "b": ("EGFR",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tx\tTP53\nb TP53\n", "line 2 has one field"),
        ("a\tx\tTP53\na\tx\tMYC\n", "'a' occurs again in line 2"),
        ("", "is empty"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "sets.gmt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_gmt(path)
    assert str(path) in str(caught.value)


def test_other_contents_and_absent_files(tmp_path):
    path = tmp_path / "sets.gmt"
    with pytest.raises(FileNotFoundError, match="no file"):
        read_gmt(path)
    path.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(ValueError, match="looks like a zip archive"):
        read_gmt(path)


def test_a_tab_in_a_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot hold a tab"):
        write_gmt({"a\tb": ("TP53",)}, tmp_path / "sets.gmt")
    assert not list(tmp_path.iterdir())
