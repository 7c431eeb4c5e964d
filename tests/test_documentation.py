"""What the documentation shows is true: its code runs and prints what it says."""

import re
import shlex
from contextlib import chdir, redirect_stdout
from importlib import import_module
from io import StringIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from skgex.cli import main
from skgex.datasets import ExpressionData, make_expression, write_expression, write_gmt

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PUBLIC = (
    *("inference", "multitask", "compressed_sensing", "perturbation", "ensemble"),
    *("inspection", "preprocessing"),
    *("model_selection", "metrics", "datasets", "plotting"),
)


def blocks(page, *languages):
    return [block for block in FENCE.findall(page.read_text("utf-8")) if block[0] in languages]


def assert_same_text(found, expected):
    """Words equal, numbers to the digits that are shown."""
    found, expected = found.split(), expected.split()
    assert len(found) == len(expected)
    for word, shown in zip(found, expected, strict=True):
        if re.fullmatch(r"-?\d+\.\d+", shown):
            assert float(word) == pytest.approx(float(shown), abs=0.011)
        else:
            assert word == shown


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem
)
def test_python_runs_and_prints_what_is_shown(page, tmp_path):
    pytest.importorskip("pandas", reason="the pages use tables with gene names")
    plt = pytest.importorskip("matplotlib.pyplot", reason="the pages draw")
    names, printed = {}, StringIO()
    with chdir(tmp_path):
        for language, text in blocks(page, "python", "text"):
            if language == "text":
                assert_same_text(printed.getvalue(), text)
                continue
            printed = StringIO()
            with redirect_stdout(printed):
                exec(compile(text, page.name, "exec"), names)
    plt.close("all")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that the pages speak of, small."""
    pytest.importorskip("typer", reason="the command line needs typer")
    folder = tmp_path_factory.mktemp("files")
    data, _ = make_expression(80, n_landmarks=8, n_targets=16, random_state=0)
    rng = np.random.default_rng(0)
    letters = [chr(65 + i) for i in range(26)]
    symbols = ["".join(rng.choice(letters, 4)) + str(i) for i in range(24)]
    states = np.where(data.sample_table["state"] == "state1", "tumour", "healthy")
    data = ExpressionData(data.X, symbols, data.samples)
    write_expression(data.select_samples(slice(60)), folder / "profiles.csv")
    write_expression(data.select_samples(slice(60, None)), folder / "other_study.csv")
    panel = data.select_genes(slice(8)).select_samples(slice(60, None))
    write_expression(panel, folder / "panel.gct")
    (folder / "landmarks.txt").write_text("\n".join(symbols[:8]))
    rows = map(",".join, zip(data.samples, states, strict=True))
    (folder / "states.csv").write_text("\n".join(["sample,state", *rows]))
    sets = {"HALLMARK_HYPOXIA": symbols[:8], "HALLMARK_DNA_REPAIR": symbols[6:]}
    write_gmt(sets, folder / "hallmarks.gmt")
    return folder


def commands(page):
    lines = "".join(text for _, text in blocks(page, "console")).splitlines()
    return [line for line in lines if line.startswith("skgex ")]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem
)
def test_commands_run_in_their_order_and_write_what_they_name(page, folder, capsys):
    with chdir(folder):
        for line in commands(page):
            words = shlex.split(line)[1:]
            assert main(words) == 0, f"{line}\n{capsys.readouterr().err}"
            for option, value in pairwise(words):
                assert option not in ("--output", "--report") or Path(value).exists()


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_in_the_api_reference(package):
    listed = (ROOT / "docs" / "api.md").read_text("utf-8")
    for name in import_module(f"skgex.{package}").__all__:
        assert f"\n   {name}\n" in listed or f"`{name}`" in listed, name


def test_every_example_has_cells_and_says_what_it_does_not_show():
    examples = sorted((ROOT / "examples").glob("plot_*.py"))
    assert len(examples) >= 4
    for example in examples:
        text = example.read_text("utf-8")
        assert "# %%" in text and "What this does not show" in text, example.name
