"""Each kind of bad input, once through the library and once at the command line.

What cannot be used is refused by one sentence that says what and where, what is legal is told;
either way no wrong answer and nothing half-written is left behind.
"""

import os
import resource
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

import skgex
from skgex.cli import main
from skgex.datasets import ExpressionData, make_expression, read_expression, write_expression
from skgex.metrics import gene_report, profile_pearson
from skgex.preprocessing import GeneAligner, LandmarkPanel, QuantileNormalizer

N_LANDMARKS, N_TARGETS = 6, 8
SHALLOW = [
    skgex.LeastSquaresRegressor,
    skgex.RidgeRegressor,
    skgex.RidgeRegressorCV,
    skgex.LassoRegressor,
    skgex.KernelRidgeRegressor,
    skgex.KNNRegressor,
    skgex.KNNGeneRegressor,
]
shallow = pytest.mark.parametrize("Regressor", SHALLOW)


@pytest.fixture(scope="module")
def data():
    return make_expression(60, N_LANDMARKS, N_TARGETS, n_modules=3, random_state=0)[0]


@pytest.fixture(scope="module")
def frames(data):
    profiles = data.to_frame()
    return profiles.iloc[:, :N_LANDMARKS], profiles.iloc[:, N_LANDMARKS:]


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    """A model file, trained at the command line."""
    folder = tmp_path_factory.mktemp("model")
    write_expression(data, folder / "data.npz")
    path = folder / "ridge.skgex"
    assert main(["train", "--data", str(folder / "data.npz"), "--output", str(path)]) == 0
    return path


@pytest.fixture
def command(capsys, tmp_path):
    """Run a command on a file; return its exit code and all that it printed."""

    def run(name, data, *words):
        path = data
        if isinstance(data, ExpressionData):
            path = tmp_path / "data.npz"
            write_expression(data, path)
        capsys.readouterr()
        code = main([str(word) for word in (name, "--data", path, *words)])
        printed = "".join(capsys.readouterr())
        assert "Traceback" not in printed
        return code, printed

    return run


@pytest.fixture
def refused(command, tmp_path):
    """Run a command that must refuse its input; return the sentence that says why."""

    def run(name, data, *words):
        if name in ("infer", "train"):
            words += ("--output", tmp_path / ("out.npz" if name == "infer" else "out.skgex"))
        before = set(tmp_path.iterdir()) | {tmp_path / "data.npz"}
        code, printed = command(name, data, *words)
        assert code == 2, printed
        [sentence] = [line for line in printed.splitlines() if "skgex: error:" in line]
        assert set(tmp_path.iterdir()) <= before
        return sentence

    return run


def changed(data, sample, gene, value):
    """The data with other values; a slice stands for all samples or genes."""
    X = data.X.copy()
    X[sample, gene] = value
    return ExpressionData(
        X, data.genes, data.samples, gene_table=data.gene_table, sample_table=data.sample_table
    )


def renamed(data, genes):
    return ExpressionData(data.X, genes, data.samples, gene_table=data.gene_table)


# -- NaN or infinity --------------------------------------------------------------------------
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
@shallow
def test_nan_and_inf_in_the_library(data, frames, Regressor, value, word):
    X, Y = frames
    bad = changed(data, 3, 4, value).to_frame().iloc[:, :N_LANDMARKS]
    with pytest.raises(ValueError, match=f"Input X contains {word}"):
        Regressor().fit(bad, Y)
    with pytest.raises(ValueError, match=f"Input X contains {word}"):
        Regressor().fit(X, Y).predict(bad)


@pytest.mark.parametrize(("value", "word"), [(np.nan, "missing"), (np.inf, "infinite")])
def test_nan_and_inf_in_a_file(data, model, command, refused, tmp_path, value, word):
    bad = changed(data, 3, 4, value)
    write_expression(bad, tmp_path / "data.npz")
    with pytest.raises(ValueError, match=f"the first is {word}, gene 'LM0005' in sample 'S0004'"):
        read_expression(tmp_path / "data.npz")
    for name, words in (
        ("compare", ()),
        ("train", ()),
        ("infer", ("--model", model)),
        ("evaluate", ("--model", model)),
    ):
        sentence = refused(name, bad, *words)
        assert f"the first is {word}, gene 'LM0005' in sample 'S0004'" in sentence
    # A gene that is only compared with is left out, and told.
    code, told = command("evaluate", changed(data, 3, 9, value), "--model", model)
    assert code == 0, told
    assert "7 of 8 genes that the model infers are measured. 1 more were left out" in told


# -- genes missing or duplicated --------------------------------------------------------------
def test_missing_genes_in_the_library(frames):
    X, Y = frames
    short = X.drop(columns="LM0002")
    with pytest.raises(ValueError, match="now missing:\n- LM0002"):
        skgex.RidgeRegressor().fit(X, Y).predict(short)
    with pytest.raises(ValueError, match="lacks 1 of the 6 reference genes: 'LM0002'"):
        GeneAligner().fit(X).transform(short)


def test_missing_genes_in_a_file(data, model, refused):
    sentence = refused("infer", data.select_genes(slice(2, None)), "--model", model)
    assert "lacks 2 of the model's 6 landmarks: 'LM0001', 'LM0002'" in sentence
    assert "--missing mean" in sentence


def test_duplicated_genes_in_the_library(frames):
    X, Y = frames
    twice = X.rename(columns={"LM0002": "LM0001"})
    with pytest.raises(ValueError, match="'LM0001' 2 times"):
        skgex.RidgeRegressor().fit(twice, Y)
    with pytest.raises(ValueError, match="1 reference genes have several columns: 'LM0001'"):
        GeneAligner(["LM0001"], missing="nan").fit(X).transform(twice)


def test_duplicated_genes_in_a_file(data, model, refused):
    genes = data.genes.copy()
    genes[1] = genes[0]
    twice = renamed(data, genes)
    for name in ("compare", "train"):
        assert "1 landmarks occur more than once in the file: 'LM0001'" in refused(name, twice)
    sentence = refused("infer", twice, "--model", model)
    assert "several columns: 'LM0001'. Pass --duplicates mean" in sentence


# -- too few samples --------------------------------------------------------------------------
@shallow
def test_too_few_samples_in_the_library(frames, Regressor):
    X, Y = frames
    with pytest.raises(ValueError, match=r"1 sample.* a minimum of 2 is required"):
        Regressor().fit(X[:1], Y[:1])
    if Regressor is skgex.KNNRegressor:
        with pytest.raises(ValueError, match=r"only 5 labelled .* Set n_neighbors to at most 5"):
            Regressor(n_neighbors=6).fit(X[:5], Y[:5])


def test_too_few_samples_in_a_file(data, model, command, refused):
    for name in ("compare", "train"):
        assert "at least 3 are needed" in refused(name, data.select_samples(slice(2)))
        assert "at least 2 of each are needed" in refused(name, data.select_samples(slice(9)))
    # One profile can be inferred and judged, but tells nothing of single genes.
    code, told = command("evaluate", data.select_samples(slice(1)), "--model", model)
    assert code == 0, told
    assert "No gene varies among the test profiles: which to trust cannot be told." in told
    assert "can be trusted" not in told


# -- a constant gene --------------------------------------------------------------------------
@shallow
def test_constant_genes_in_the_library(data, Regressor):
    constant = changed(data, slice(None), [2, 8], 7).to_frame()
    X, Y = constant.iloc[:, :N_LANDMARKS], constant.iloc[:, N_LANDMARKS:]
    inferred = Regressor().fit(X, Y).predict(X)
    assert np.isfinite(inferred).all()
    if Regressor is not skgex.KNNGeneRegressor:  # which looks for it among other genes
        np.testing.assert_allclose(inferred[:, 2], 7, atol=1e-5)
    with pytest.warns(UndefinedMetricWarning, match="for 1 of 8 genes") as told:
        report = gene_report(Y, inferred)
    assert len(told) == 1
    assert report["reliability"][2] == "undefined"


def test_constant_genes_in_a_file(data, command):
    constant = changed(data, slice(None), [2, 8], 7)
    code, told = command("compare", constant, "--methods", "ridge,least_squares")
    assert code == 0, told
    assert "1 landmarks never vary and tell nothing: 'LM0003'." in told
    assert "1 genes to infer never vary, so that their reliability cannot be" in told
    assert told.count("Concordance is undefined (NaN) for 1 of 8 genes") == 1


# -- an all-zero profile ----------------------------------------------------------------------
@shallow
def test_an_all_zero_profile_in_the_library(frames, Regressor):
    X, Y = frames
    zero = X.iloc[:1] * 0
    assert np.isfinite(Regressor().fit(X, Y).predict(zero)).all()
    with pytest.warns(UserWarning, match="1 profiles have one value for all genes"):
        QuantileNormalizer().fit(X).transform(zero)
    with pytest.warns(UndefinedMetricWarning, match="for 1 of 1 profiles"):
        assert np.isnan(profile_pearson(zero, X.iloc[:1])).all()


@pytest.mark.parametrize(
    ("genes", "words"),
    [
        (slice(None), "same value in every landmark"),
        (slice(N_LANDMARKS, None), "same value in every gene to"),
    ],
)
def test_an_all_zero_profile_in_a_file(data, model, refused, genes, words):
    zero = changed(data, 7, genes, 0)
    commands = [("compare",), ("train",), ("evaluate", "--model", model)]
    if genes.start is None:
        commands.append(("infer", "--model", model))
    for name, *more in commands:
        sentence = refused(name, zero, *more)
        assert words in sentence
        assert "'S0008' with 0: they were not measured" in sentence


# -- text in a numeric column -----------------------------------------------------------------
def test_text_in_the_library(frames):
    X, Y = frames
    text = X.astype(object)
    text.iloc[3, 1] = "n.d."
    with pytest.raises(ValueError, match=r"could not convert string to float: 'n\.d\.'"):
        skgex.RidgeRegressor().fit(text, Y)
    with pytest.raises(ValueError, match="X must be a numeric array"):
        ExpressionData(text.to_numpy(), X.columns, X.index)


def test_text_in_a_file(frames, model, refused, tmp_path):
    text = frames[0].astype(object)
    text.iloc[3, 1] = "n.d."
    path = tmp_path / "text.csv"
    text.to_csv(path)
    said = "column 'LM0002' holds the text 'n.d.' in row 'S0004' where a number is expected"
    with pytest.raises(ValueError, match=said):
        read_expression(path, orientation="samples-in-rows")
    words = ("--orientation", "samples-in-rows")
    assert said in refused("infer", path, "--model", model, *words)
    assert said in refused("compare", path, *words)


# -- a truncated file -------------------------------------------------------------------------
@pytest.mark.parametrize("suffix", ["gct", "gct.gz", "gctx", "h5ad"])
def test_a_truncated_file(data, model, refused, tmp_path, suffix):
    path = tmp_path / f"panel.{suffix}"
    write_expression(data, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(ValueError, match=f"Cannot read .*panel.{suffix}' as {suffix[:4]}") as told:
        read_expression(path)
    assert str(told.value).replace("\n", " ") in refused("infer", path, "--model", model)
    assert str(path) in refused("compare", path)


# -- gene ids of another kind -----------------------------------------------------------------
PROBES = [f"{200000 + i}_at" for i in range(N_LANDMARKS + N_TARGETS)]


@pytest.mark.parametrize("missing", ["error", "mean", "nan"])
def test_ids_of_another_kind_in_the_library(frames, missing):
    X, _ = frames
    aligner = GeneAligner(missing=missing).fit(X)
    with pytest.raises(ValueError, match=r"Affymetrix probe sets such as .*translate"):
        aligner.align(X.to_numpy(), PROBES[:N_LANDMARKS])


@pytest.mark.parametrize("name", ["infer", "evaluate"])
@pytest.mark.parametrize("missing", ["error", "mean"])
def test_ids_of_another_kind_in_a_file(data, model, refused, name, missing):
    sentence = refused(name, renamed(data, PROBES), "--model", model, "--missing", missing)
    assert "The file has none of the model's 6 landmarks" in sentence
    assert "Affymetrix probe sets such as '200000_at', '200001_at': translate" in sentence


# -- genes that the model never saw -----------------------------------------------------------
def test_genes_never_seen_in_the_library(frames):
    X, Y = frames
    fitted = skgex.RidgeRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="unseen at fit time:\n- TP53"):
        fitted.predict(X.assign(TP53=1.0))
    with pytest.raises(ValueError, match=r"1 of the 2 genes of the panel .*'TP53'"):
        LandmarkPanel(["LM0001", "TP53"]).fit(X)


def test_genes_never_seen_in_a_file(data, model, command, refused, tmp_path):
    other = [*data.genes[:N_LANDMARKS], *(f"NEW{i}" for i in range(N_TARGETS))]
    sentence = refused("evaluate", renamed(data, other), "--model", model)
    assert "The file has none of the 8 genes that the model infers, such as 'TG0001'" in sentence
    output = tmp_path / "full.npz"
    code, told = command("infer", renamed(data, other), "--model", model, "--output", output)
    assert code == 0, told
    assert "8 other columns ignored" in told
    np.testing.assert_array_equal(read_expression(output).genes, data.genes)


# -- a full disk ------------------------------------------------------------------------------
@contextmanager
def full_disk(n_bytes=2000):
    """Let no file grow beyond some bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", ["npz", "csv", "gct", "gctx", "h5ad"])
@pytest.mark.filterwarnings("ignore:A comma-separated file")
def test_a_full_disk_while_writing_profiles(data, tmp_path, suffix):
    path = tmp_path / f"data.{suffix}"
    path.write_text("what stood here before")
    with (
        full_disk(),
        pytest.raises(OSError, match=f"Cannot write .*data.{suffix}.*free some space"),
    ):
        write_expression(data, path)
    assert path.read_text() == "what stood here before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_while_saving_a_model(frames, tmp_path):
    fitted = skgex.RidgeRegressor().fit(*frames)
    with full_disk(), pytest.raises(OSError, match=r"Cannot write .*m\.skgex.*free some space"):
        skgex.save(fitted, tmp_path / "m.skgex")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["train", "infer", "compare", "evaluate"])
def test_a_full_disk_at_the_command_line(data, model, refused, tmp_path, name):
    write_expression(data, tmp_path / "data.npz")
    words = ("--model", model) if name in ("infer", "evaluate") else ()
    if name == "compare":
        words += ("--methods", "ridge")
    if name in ("compare", "evaluate"):
        words += ("--report", tmp_path / "report")
    with full_disk():
        sentence = refused(name, tmp_path / "data.npz", *words)
    named = {"train": "out.skgex", "infer": "out.npz"}.get(name, "report")
    assert str(tmp_path / named) in sentence
    assert "Nothing was left half-written; free some space or choose another place" in sentence
    assert os.listdir(tmp_path) == ["data.npz"]
