"""Small simulated files, and the command line called in this process."""

from typing import NamedTuple

import numpy as np
import pytest

from skgex.cli import main
from skgex.datasets import ExpressionData, make_expression, write_expression

N_LANDMARKS, N_TARGETS = 12, 20


class Run(NamedTuple):
    """What a run of the command line left."""

    code: int
    out: str
    err: str


@pytest.fixture
def skgex(capsys):
    """Run ``skgex`` with words and return the exit code and what was printed."""

    def run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Run(code, *capsys.readouterr())

    return run


@pytest.fixture
def refused(skgex):
    """Run ``skgex`` on bad input and return the one sentence that says so."""

    def run(*words, code=2):
        result = skgex(*words)
        assert result.code == code, result.err
        sentences = [line for line in result.err.splitlines() if line.startswith("skgex: error:")]
        assert len(sentences) == 1
        assert "Traceback" not in result.out + result.err
        return sentences[0]

    return run


@pytest.fixture(scope="session")
def simulated():
    data, _ = make_expression(200, N_LANDMARKS, N_TARGETS, n_modules=4, random_state=0)
    symbols = np.array([f"{c}{d}X{i}" for i, (c, d) in enumerate(_letters(len(data.genes)))])
    return ExpressionData(
        data.X,
        data.genes,
        data.samples,
        {**data.sample_table, "study": np.array([f"study{i % 10}" for i in range(200)])},
        {**data.gene_table, "symbol": symbols},
    )


def _letters(n):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [(alphabet[i % 26], alphabet[i * 7 % 26]) for i in range(n)]


@pytest.fixture(scope="session")
def expression_file(simulated, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "expression.npz"
    write_expression(simulated, path)
    return path


@pytest.fixture(scope="session")
def model_file(expression_file, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "ridge.skgex"
    assert main(["train", "--data", str(expression_file), "--output", str(path)]) == 0
    return path
