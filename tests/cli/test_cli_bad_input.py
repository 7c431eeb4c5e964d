"""Bad input is one sentence, an exit code, and nothing left behind."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import skgex as sg
from skgex.cli import _input, main
from skgex.datasets import ExpressionData, write_expression

N_LANDMARKS = 12


@pytest.fixture
def broken(simulated, tmp_path):
    """Write the simulated data with something done to its values, genes or table."""

    def write(change, name="broken.npz"):
        parts = {
            "X": simulated.X.copy(),
            "genes": simulated.genes.copy(),
            "gene_table": dict(simulated.gene_table),
        }
        change(parts)
        data = ExpressionData(
            parts["X"], parts["genes"], simulated.samples, gene_table=parts["gene_table"]
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # csv has no place for the tables
            write_expression(data, tmp_path / name)
        return tmp_path / name

    return write


def set_value(sample, gene, value):
    def change(parts):
        parts["X"][sample, gene] = value

    return change


def repeat_landmark(parts):
    parts["genes"][1] = parts["genes"][0]


def forget_landmarks(parts):
    del parts["gene_table"]["is_landmark"]


def zero_profile(parts):
    parts["X"][7] = 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_value(3, 4, np.nan), ["missing", "'LM0005'", "'S0004'"]),
        (set_value(3, 4, np.inf), ["infinite", "'LM0005'", "'S0004'"]),
        (set_value(3, 20, np.nan), ["genes to infer", "'TG0009'", "'S0004'"]),
        (repeat_landmark, ["1 landmarks occur more than once", "'LM0001'", "--gene-ids"]),
        (forget_landmarks, ["does not say which genes are landmarks", "--landmarks"]),
        (zero_profile, ["same value in every landmark", "'S0008'"]),
    ],
)
@pytest.mark.parametrize("command", ["compare", "train"])
def test_values_and_genes_that_cannot_be_learnt_from(
    refused, broken, tmp_path, command, change, said
):
    path = broken(change)
    output = tmp_path / "m.skgex"
    where = ("--output", output) if command == "train" else ("--report", tmp_path / "report")
    sentence = refused(command, "--data", path, *where)
    assert all(words in sentence for words in said), sentence
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_text_in_a_numeric_column(refused, broken, tmp_path):
    path = broken(lambda parts: None, "table.csv")
    lines = path.read_text().splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[3], "n.d.", 1)
    path.write_text("\n".join(lines) + "\n")
    sentence = refused(
        "compare", "--data", path, "--orientation", "samples-in-rows", "--report", tmp_path / "out"
    )
    assert "'n.d.'" in sentence
    assert "'LM0003'" in sentence
    assert "'S0005'" in sentence
    assert not (tmp_path / "out").exists()


def test_an_open_orientation_is_asked_for(refused, broken):
    sentence = refused("compare", "--data", broken(lambda parts: None, "table.csv"))
    assert "--orientation samples-in-rows" in sentence
    assert "orientation=" not in sentence


@pytest.mark.parametrize("suffix", ["gct", "gctx", "h5ad", "npz"])
def test_a_truncated_file(refused, broken, tmp_path, suffix):
    path = broken(lambda parts: None, f"cut.{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    output = tmp_path / "out.npz"
    for words in (("compare", "--data", path), ("info", path), ("convert", path, output)):
        assert str(path) in refused(*words)
    assert not output.exists()


def test_ids_of_another_kind(refused, simulated, model_file, tmp_path):
    probes = ExpressionData(
        simulated.X, [f"{200000 + i}_at" for i in range(32)], simulated.samples
    )
    write_expression(probes, tmp_path / "probes.gct")
    words = ("--model", model_file, "--data", tmp_path / "probes.gct")
    output = tmp_path / "out.npz"
    for policy in ("error", "mean"):
        sentence = refused("infer", *words, "--output", output, "--missing", policy)
        assert "Affymetrix probe sets" in sentence
        assert "translate the names first" in sentence
    refused("evaluate", *words)
    assert not output.exists()


def test_lists_and_columns_of_landmarks_that_do_not_fit(refused, expression_file, tmp_path):
    words = ("compare", "--data", expression_file, "--methods", "knn", "--landmarks")
    assert "neither a file that exists nor" in refused(*words, "nowhere.txt")
    assert "'state'" not in refused(*words, "symbol")
    assert "must be a true/false column" in refused(*words, "symbol")
    (tmp_path / "others.txt").write_text("TP53\nMYC\n")
    assert "None of the 2 genes listed" in refused(*words, tmp_path / "others.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00\x01")
    assert "not a text file" in refused(*words, tmp_path / "binary.txt")
    (tmp_path / "empty.txt").write_text("\n")
    assert "lists no genes" in refused(*words, tmp_path / "empty.txt")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--methods", "ridge,magic"), "no method 'magic'"),
        (("--methods", " , "), "--methods is empty"),
        (("--group", "batch"), "--group 'batch' is not in the sample table, which has"),
        (("--targets", "wanted"), "--targets 'wanted' is not in the gene table"),
        (("--gene-ids", "entrez"), "no column 'entrez'"),
        (("--scaling", "log"), "--scaling"),
        (("--seed", "one"), "--seed"),
        (("--no-such-option",), "No such option"),
        (("--simulate",), "one of the two"),
    ],
)
def test_unknown_words(refused, expression_file, words, said):
    assert said in refused("compare", "--data", expression_file, *words)


def test_nothing_to_compare(refused):
    assert "--data" in refused("compare")
    assert "No such command" in refused("predict")


def test_words_that_are_refused_lead_to_the_help_of_their_command(refused):
    assert refused("train", "-d", "x.csv").endswith("No such option: -d. Try: skgex train --help")
    assert refused("compare", "x.csv").endswith("Try: skgex compare --help")
    sentence = refused("info", "x.csv", "--orientation", "genes_in_rows")
    assert "'--orientation': 'genes_in_rows' is not one of" in sentence


def test_a_file_of_landmarks_alone_teaches_nothing(refused, simulated, tmp_path):
    write_expression(simulated.select_genes(slice(N_LANDMARKS)), tmp_path / "panel.npz")
    sentence = refused("compare", "--data", tmp_path / "panel.npz")
    assert "No genes to infer are left among the 12 genes, of which 12 are landmarks" in sentence


def test_too_few_profiles(refused, simulated, tmp_path):
    for n, said in ((2, "at least 3 are needed"), (4, "at least 2 of each")):
        write_expression(simulated.select_samples(slice(0, n)), tmp_path / "few.npz")
        assert said in refused("compare", "--data", tmp_path / "few.npz")


def test_a_model_that_is_none(refused, expression_file, model_file, tmp_path):
    output = tmp_path / "out.npz"
    words = ("--data", expression_file, "--output", output, "--model")
    assert "is not a skgex archive" in refused("infer", *words, expression_file)
    assert "There is no file" in refused("infer", *words, tmp_path / "absent.skgex")
    cut = tmp_path / "cut.skgex"
    cut.write_bytes(model_file.read_bytes()[:-50])
    assert str(cut) in refused("infer", *words, cut)
    nameless = tmp_path / "nameless.skgex"
    sg.save(sg.LeastSquaresRegressor().fit(np.eye(5), np.eye(5)), nameless)
    assert "without the names of its genes" in refused("infer", *words, nameless)
    assert not output.exists()


def test_a_model_without_means_cannot_fill_in(refused, expression_file, simulated, tmp_path):
    model = tmp_path / "m.skgex"
    assert main(
        ["train", "--data", str(expression_file), "--scaling", "none", "--output", str(model)]
    ) == 0  # fmt: skip
    write_expression(simulated.select_genes(slice(2, None)), tmp_path / "short.npz")
    sentence = refused(
        "infer", "--model", model, "--data", tmp_path / "short.npz", "--missing", "mean",
        "--output", tmp_path / "out.npz",
    )  # fmt: skip
    assert "does not know their training means" in sentence
    assert not (tmp_path / "out.npz").exists()


def test_outputs_are_refused_before_any_work(refused, model_file, tmp_path):
    """The inputs do not even exist: the sentence about the output shows that it came first."""
    absent = tmp_path / "absent.npz"
    (tmp_path / "file").write_text("")
    train = ("train", "--data", absent, "--output")
    infer = ("infer", "--model", model_file, "--data", absent, "--output")
    for words in (infer, ("convert", absent)):
        assert "does not tell the format" in refused(*words, tmp_path / "out.xlsx")
    assert "end in .skgex" in refused(*train, tmp_path / "model.pkl")
    for words in ((*train, "no/where.skgex"), (*infer, "no/where.npz")):
        assert "there is no folder 'no'" in refused(*words)
    (tmp_path / "folder.npz").mkdir()
    assert "is a folder" in refused(*infer, tmp_path / "folder.npz")
    compare = ("compare", "--data", absent, "--report")
    assert "is a file" in refused(*compare, tmp_path / "file")
    assert "is a file" in refused(*compare, tmp_path / "file" / "report")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.npz"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_the_right_to_write(refused, expression_file, tmp_path):
    tmp_path.chmod(0o500)
    words = ("train", "--data", expression_file, "--output", tmp_path / "m.skgex")
    assert "no right to write" in refused(*words)


def test_the_panel_is_never_overwritten(refused, expression_file, model_file):
    before = expression_file.read_bytes()
    words = ("infer", "--model", model_file, "--data", expression_file)
    assert "name another file" in refused(*words, "--output", expression_file)
    assert expression_file.read_bytes() == before


def test_a_failed_report_leaves_nothing(refused, expression_file, tmp_path, monkeypatch):
    from skgex.cli import _report

    def full(*args):
        raise OSError(28, "No space left on device", "report.html")

    monkeypatch.setattr(_report, "page", full)
    words = ("compare", "--data", expression_file, "--methods", "least_squares", "--report")
    assert "No space left on device" in refused(*words, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_program_and_an_interruption(
    skgex, refused, expression_file, tmp_path, monkeypatch
):
    def fail(error):
        def raising(*args, **kwargs):
            raise error

        monkeypatch.setattr(_input, "read", raising)

    words = ("convert", expression_file, tmp_path / "out.npz")
    fail(RuntimeError("the sky\nfell"))
    assert "RuntimeError: the sky fell" in refused(*words, code=1)
    assert "--debug" in refused(*words, code=1)
    result = skgex(*words, "--debug")
    assert result.code == 1
    assert "Traceback" in result.err
    fail(KeyboardInterrupt())
    assert "interrupted" in refused(*words, code=130)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_stops_the_training_of_a_net(tmp_path):
    words = ["compare", "--simulate", "--methods", "densenet", "--report", str(tmp_path / "out")]
    # Ctrl-C comes in the third epoch. Its handler is set, since a background job ignores it.
    done = python(
        "import os, signal, sys\n"
        "from skgex import _training\n"
        "from skgex.cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def press(self, net, **kwargs):\n"
        "    if len(net.history) == 3: os.kill(os.getpid(), signal.SIGINT)\n"
        "_training.BestEpoch.on_epoch_begin = press\n"
        f"sys.exit(main({words}))"
    )
    assert done.returncode == 130, done.stderr
    assert "skgex: error: interrupted" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_help_needs_none_of_the_heavy_packages():
    commands = ("compare", "train", "infer", "evaluate", "perturb", "convert", "info")
    done = python(
        "import sys; from skgex.cli import main\n"
        f"for name in {commands}: assert main([name, '--help']) == 0\n"
        "heavy = {'torch', 'sklearn', 'pandas', 'numpy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Example: skgex ") == len(commands)


@pytest.mark.parametrize("columns", [80, 100])
def test_help_fits_the_terminal_with_the_example_on_one_line(skgex, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in ("compare", "train", "infer", "evaluate", "perturb", "convert", "info"):
        lines = skgex(command, "--help").out.rstrip().splitlines()
        assert max(map(len, lines)) <= columns
        assert lines[-1].startswith(f"  Example: skgex {command} ")


def test_help_names_every_method(skgex):
    from skgex.cli._methods import DEFAULT_METHODS, METHODS

    for command in ("compare", "train"):
        text = " ".join(skgex(command, "--help").out.split())
        assert all(name in text for name in METHODS)
    assert ",".join(DEFAULT_METHODS) in "".join(skgex("compare", "--help").out.split())


def test_files_are_converted_without_torch(expression_file, tmp_path):
    words = ["convert", str(expression_file), str(tmp_path / "out.gct")]
    done = python(
        f"import sys; from skgex.cli import main; assert main({words}) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    assert done.returncode == 0, done.stderr


def test_without_typer_the_extra_is_named():
    done = python(
        "import sys; sys.modules['typer'] = None\n"
        "from skgex.cli import main; sys.exit(main(['info', 'x']))"
    )
    assert done.returncode == 1
    assert 'pip install "skgex[cli]"' in done.stderr
    assert done.stderr.count("\n") == 1
