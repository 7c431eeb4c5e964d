"""`skgex perturb` on small simulated files."""

import csv
import re
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest

import skgex as sg
from skgex.cli import _folder, main
from skgex.cli._states import make_states
from skgex.datasets import ExpressionData, read_expression, write_expression, write_gmt
from skgex.inspection import Realism, realism

TARGET, EPOCHS, N_NAMELESS, N_RARE = "state2", 3, 4, 3


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def states(simulated):
    """State of each sample: some have none, and one state is rare."""
    names = simulated.sample_table["state"].copy()
    names[:N_NAMELESS] = ""
    names[names == "state4"] = np.where(np.arange(np.sum(names == "state4")) < N_RARE, "rare", "")
    return dict(zip(simulated.samples.tolist(), names.tolist(), strict=True))


@pytest.fixture(scope="module")
def files(simulated, states, tmp_path_factory):
    """Labels in another order than the profiles, with a surplus sample, and gene sets."""
    folder = tmp_path_factory.mktemp("perturb")
    order = np.random.RandomState(0).permutation(simulated.samples).tolist()
    lines = ["sample,tissue", "S9999,state1", *(f"{s},{states[s]}" for s in order if states[s])]
    (folder / "states.csv").write_text("\n".join(lines) + "\n")
    genes = simulated.genes.tolist()
    sets = {"EARLY": [*genes[:8], "NOT1", "NOT2"], "LATE": genes[20:], "ELSEWHERE": ["NOT3"]}
    write_gmt(sets, folder / "sets.gmt")
    write_gmt({"ELSEWHERE": ["TP53", "MYC"]}, folder / "others.gmt")
    return folder


@pytest.fixture(scope="module")
def run(expression_file, files):
    """One whole run, with everything that it can write."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(
            ["perturb", "--data", str(expression_file), "--labels", str(files / "states.csv"),
             "--target", TARGET, "--gene-sets", str(files / "sets.gmt"), "--gene-set", "early",
             "--epochs", str(EPOCHS), "--top", "6", "--report", str(files / "report"),
             "--out", str(files / "perturbed.npz")]
        )  # fmt: skip
    assert code == 0, err.getvalue()
    return SimpleNamespace(out=out.getvalue(), err=err.getvalue(), report=files / "report")


@pytest.fixture(scope="module")
def by_hand(simulated, states):
    """The same fit in Python, states taken sample by sample."""
    names = np.array([states[sample] for sample in simulated.samples.tolist()])
    kept = simulated.select_samples(np.isin(names, ["state1", "state2", "state3"]))
    y = np.array([states[sample] for sample in kept.samples.tolist()])
    tspg = sg.TSPG(TARGET, max_epochs=EPOCHS, random_state=0).fit(kept.to_frame(), y)
    return SimpleNamespace(data=kept, y=y, tspg=tspg)


def test_states_are_matched_by_sample_id_and_profiles_written_in_units_of_the_file(
    run, files, by_hand
):
    written = read_expression(files / "perturbed.npz")
    others = by_hand.y != TARGET
    np.testing.assert_array_equal(written.samples, by_hand.data.samples[others])
    np.testing.assert_array_equal(written.genes, by_hand.data.genes)
    expected = by_hand.tspg.transform(by_hand.data.to_frame()[others])
    np.testing.assert_allclose(written.X, expected, rtol=1e-4)
    np.testing.assert_array_equal(written.sample_table["source_state"], by_hand.y[others])
    np.testing.assert_array_equal(written.sample_table["held_out"], by_hand.tspg.held_out_[others])
    n_held_out = np.sum(by_hand.tspg.held_out_ & others)
    assert f"{others.sum()} profiles of all other states" in run.out
    assert f"of which {n_held_out} were held out (column held_out" in run.out


def test_what_is_left_out_is_told(run, states):
    names = list(states.values())
    assert f"{names.count('')} profiles without a state are left out" in run.err
    assert (
        f"1 states with fewer than 5 profiles are left out (--min-samples): rare ({N_RARE})."
        in (run.err)
    )
    assert "1 samples of states.csv are not in the data, such as S9999" in run.err
    assert "1 gene sets have no measured gene and are left out: 'ELSEWHERE'" in run.err
    assert "warning" not in run.err


def test_the_report_is_one_whole_page_with_its_tables(run):
    pictures = {"state_map.png", "transition.png", "perturbed_genes.png", "enrichment.png"}
    tables = {"realism.csv", "perturbed_genes.csv", "enrichment.csv", "gene_sets.csv"}
    assert {path.name for path in run.report.iterdir()} == pictures | tables | {"report.html"}
    html = (run.report / "report.html").read_text(encoding="utf-8")
    assert len(re.findall(r'src="data:image/png;base64,', html)) == len(pictures)
    assert not re.search(r'(src|href)="(?!data:)', html)
    assert "http" not in html
    headline = next(line for line in run.out.splitlines() if "held-out profiles reach" in line)
    assert headline in html
    for said in ("transport map", "constant mean", "scikit-learn 1.", "states.csv", "EARLY"):
        assert said in html


def test_realism_is_that_of_held_out_profiles_beside_the_transport_map(run, by_hand):
    rows = {row["method"]: row for row in read_table(run.report / "realism.csv")}
    assert {"TSPG", "transport map", "constant mean", "identity"} < rows.keys()
    share = by_hand.tspg.accuracy_["held_out_others"]
    assert float(rows["TSPG"]["reaches"]) == pytest.approx(share)
    shown = next(line for line in run.out.splitlines() if line.startswith("reaches"))
    assert shown.split()[2] == f"{share:.2f}"


def test_perturbed_genes_come_from_held_out_profiles(run, by_hand):
    rows = read_table(run.report / "perturbed_genes.csv")
    assert {row["state"] for row in rows} == {"state1", "state3"}
    assert {row["rank"] for row in rows} == set("123456")
    own = by_hand.tspg.held_out_ & (by_hand.y == "state1")
    change = by_hand.tspg.perturb(by_hand.data.to_frame()[own]).mean(axis=0)
    first = next(row for row in rows if (row["state"], row["direction"]) == ("state1", "raised"))
    position = by_hand.data.genes.tolist().index(first["gene"])
    assert float(first["difference"]) == pytest.approx(change[position], rel=1e-3)


def test_gene_sets_get_a_fit_only_if_they_are_named(run, by_hand):
    rows = read_table(run.report / "gene_sets.csv")
    assert [row["gene_set"] for row in rows] == ["all genes", "EARLY"]
    assert (rows[1]["n_genes"], rows[1]["n_unmeasured"]) == ("8", "2")
    for name, share in by_hand.tspg.accuracy_.items():
        assert float(rows[0][name]) == pytest.approx(share)
    genes = by_hand.data.genes[:8]
    alone = sg.TSPG(TARGET, max_epochs=EPOCHS, random_state=0)
    alone.fit(by_hand.data.to_frame()[genes], by_hand.y)
    assert float(rows[1]["train"]) == pytest.approx(alone.accuracy_["train"])
    np.testing.assert_array_equal(alone.held_out_, by_hand.tspg.held_out_)


def test_all_sets_are_tested_against_the_measured_genes(run, simulated):
    rows = read_table(run.report / "enrichment.csv")
    assert {row["set"] for row in rows} <= {"EARLY", "LATE"}
    assert {row["state"] for row in rows} == {"(all states)", "state1", "state3"}
    for row in rows:
        n_genes = len(simulated.genes)
        fold = int(row["overlap"]) * n_genes / (int(row["list_size"]) * int(row["set_size"]))
        assert float(row["fold"]) == pytest.approx(fold)
        assert len(row["genes"].split()) == int(row["overlap"])


def test_published_form_from_a_column_to_a_csv(skgex, expression_file, tmp_path, monkeypatch):
    from skgex.cli import _perturbing

    # Whose forests take most of the time.
    monkeypatch.setattr(_perturbing, "realism", partial(realism, baselines=False))
    output = tmp_path / "perturbed.csv"
    result = skgex(
        "perturb", "--data", expression_file, "--labels", "state", "--target", "state1",
        "--published", "--epochs", "1", "--min-samples", "50", "--output", output,
    )  # fmt: skip
    assert result.code == 0, result.err
    assert "column 'state': state1 (target" in result.err
    written = read_expression(output, orientation="samples-in-rows")
    assert f"{len(written.samples)} profiles of all other states" in result.out
    assert "column held_out" not in result.out  # a csv has no place for it
    assert [path.name for path in tmp_path.iterdir()] == ["perturbed.csv"]


# -- bad input --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--target", "State2"), "--target 'State2' is no state among those of states.csv. Did"),
        (("--target", "thyroid"), "The states are 'rare', 'state1', 'state2', 'state3'"),
        (("--target", "rare"), "'rare' has 3 profiles in states.csv, fewer than --min-samples 5"),
        (("--min-samples", "60"), "--min-samples 60"),
        (("--labels", "tissue"), "neither a column of the sample table, which has 'state'"),
        (("--labels", "platform", "--target", "platform1"), "there is no other state"),
        (("--gene-set", "EARLIER"), "--gene-set 'EARLIER' is not in"),
        (("--gene-set", "EARLIER"), "Did you mean 'EARLY'"),
        (("--gene-sets", "others.gmt"), "Columns of its gene table that name genes: symbol."),
        (("--gene-set", "ELSEWHERE"), "--gene-set 'ELSEWHERE' has no measured gene"),
        (("--out", "sets.gmt"), "--out"),
        (("--report", "states.csv"), "is a file"),
        (("--seed", "-1"), "--seed"),
        (("--out", "no/where.npz"), "there is no folder 'no'"),
        (("--min-samples", "3"), "--min-samples"),
    ],
)
def test_words_that_do_not_fit(
    refused, expression_file, files, tmp_path, monkeypatch, words, said
):
    monkeypatch.chdir(files)
    before = sorted(files.iterdir())
    options = {
        "--labels": "states.csv", "--target": TARGET, "--gene-sets": "sets.gmt",
        "--report": tmp_path / "report", "--out": tmp_path / "out.npz",
    } | dict(zip(words[::2], words[1::2], strict=True))  # fmt: skip
    sentence = refused("perturb", "--data", expression_file, *sum(options.items(), ()))
    assert said in sentence
    assert list(tmp_path.iterdir()) == []
    assert sorted(files.iterdir()) == before


def test_a_target_too_small_to_be_judged_is_told_before_training(simulated, tmp_path, capsys):
    rows = np.flatnonzero(simulated.sample_table["state"] == TARGET)
    lines = [f"{simulated.samples[row]},{TARGET}" for row in rows[:10]]
    others = np.flatnonzero(simulated.sample_table["state"] == "state1")
    lines += [f"{simulated.samples[row]},state1" for row in others]
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    make_states(simulated, str(tmp_path / "labels.csv"), TARGET, 5)
    assert f"a fifth of the 10 profiles of {TARGET} is held out" in capsys.readouterr().err


def test_a_set_without_a_file_of_sets(refused, expression_file):
    words = ("perturb", "--data", expression_file, "--labels", "state", "--target", "state1")
    assert "pass --gene-sets FILE.gmt" in refused(*words, "--gene-set", "EARLY")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["sample,tissue", "P1,state1", "P2,state2"], "None of the samples in"),
        (["sample,tissue,donor", "S0001,state1,d1"], "2 columns beside the sample ids"),
        (["S0001", "S0002"], "sample ids alone"),
        (["S0001,state1", "S0001,state2"], "gives 1 samples several states: 'S0001'"),
        ([], "is empty"),
    ],
)
def test_files_of_labels_that_do_not_fit(refused, expression_file, tmp_path, lines, said):
    path = tmp_path / "labels.csv"
    path.write_text("".join(f"{line}\n" for line in lines))
    words = ("perturb", "--data", expression_file, "--labels", path, "--target", TARGET)
    assert said in refused(*words)


def test_a_missing_value_is_named(refused, simulated, tmp_path):
    X = simulated.X.copy()
    X[7, 3] = np.nan
    data = ExpressionData(X, simulated.genes, simulated.samples, simulated.sample_table)
    write_expression(data, tmp_path / "data.npz")
    words = ("perturb", "--data", tmp_path / "data.npz", "--labels", "state", "--target", TARGET)
    sentence = refused(*words, "--report", tmp_path / "out")
    assert "1 values of genes are missing or infinite" in sentence
    assert "'LM0004' in sample 'S0008'" in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["data.npz"]


def test_neither_data_nor_labels_nor_sets_are_overwritten(refused, expression_file, files):
    sets = files / "sets.txt"
    sets.write_bytes((files / "sets.gmt").read_bytes())
    for path in (expression_file, files / "states.csv", sets):
        before = path.read_bytes()
        words = ("--data", expression_file, "--labels", files / "states.csv", "--target", TARGET)
        words += ("--gene-sets", sets)
        assert "name another one" in refused("perturb", *words, "--output", path)
        assert path.read_bytes() == before


# -- labels -----------------------------------------------------------------------------------
def test_labels_with_further_columns_and_without_a_header(simulated, states, tmp_path):
    from skgex.cli._states import make_states

    path = tmp_path / "labels.tsv"
    rows = [f"d{i % 3}\t{s}\t{name}" for i, (s, name) in enumerate(states.items())]
    path.write_text("\n".join(reversed(rows)))
    found = make_states(simulated, str(path), TARGET, 5)
    expected = [states[sample] for sample in found.data.samples.tolist()]
    assert found.names.tolist() == expected
    assert found.target == TARGET
    assert set(expected) == {"state1", "state2", "state3"}


def test_numbers_are_states_too(simulated):
    from skgex.cli._states import make_states

    dose = np.where(np.arange(200) < 3, np.nan, np.arange(200) % 2)
    simulated = ExpressionData(simulated.X, simulated.genes, simulated.samples, {"dose": dose})
    found = make_states(simulated, "dose", "1", 5)
    np.testing.assert_array_equal(found.names, np.where(np.arange(3, 200) % 2, "1", "0"))


# -- verdict ----------------------------------------------------------------------------------
def judged(warnings=(), n_real=50, **figures):
    """Realism of 100 profiles; what is not given is as in real ones."""
    import pandas as pd

    real = dict(
        reaches=1.0, logistic=1.0, forest=1.0, neighbors=1.0, variance=1.0, correlation=0.8,
        identity=0.9, source_signal=0.0, size=1.0, auc=0.5, nn_real=0.5, nn_generated=0.5,
    )  # fmt: skip
    rows = [
        {"method": "TSPG", **real, **figures},
        {"method": "transport map", **real},
        {"method": "constant mean", **real},
    ]
    return Realism(pd.DataFrame(rows), tuple(warnings), 0.8, "Thyroid", 100, 3, n_real)


def verdict(*args, **figures):
    from skgex.cli._perturb_verdict import verdict

    headline, sentences = verdict(
        judged(*args, **figures), "TSPG", "transport map", advice="Do better."
    )
    return headline, " ".join(sentences)


@pytest.mark.parametrize(
    ("figures", "headline", "sentence"),
    [
        ({}, "All 100 held-out profiles reach Thyroid, and they look real.", "variance is 1.00"),
        ({"reaches": 0.994}, "99 of 100 held-out profiles reach Thyroid, and they look", ""),
        ({"reaches": 0.1}, "10 of 100 held-out profiles reach Thyroid: the pert", "Do better."),
        ({"auc": 0.95}, "resemble real ones, but can be told from them", "forest tells them"),
        ({"nn_generated": 0.9}, "resemble real ones", "90% of them are nearest to another"),
        ({"correlation": 0.3}, "resemble real ones", "genes do not go together"),
        ({"reaches": 0.8}, "80 of 100", "only 80% get there"),
        ({"neighbors": 0.2}, "but they do not look real", "only 20% have neighbors of Thyroid"),
        ({"variance": 0.1, "warnings": ["TSPG: no."]}, "do not look real", "they vary too little"),
        ({"auc": np.nan, "variance": np.nan, "n_real": 2}, "too few profiles", "only 2 real"),
    ],
)
def test_the_verdict_never_rests_on_shares_alone(figures, headline, sentence):
    found, sentences = verdict(**figures)
    assert headline in found
    assert sentence in sentences
    assert "proves nothing by itself: the mean Thyroid profile" in sentences


@pytest.mark.parametrize(
    ("auc", "said"), [(0.55, "does about as well"), (0.8, "does better"), (0.2, "does worse")]
)
def test_the_verdict_names_what_needs_no_training(auc, said):
    assert f"The transport map, which trains nothing, {said}" in verdict(auc=auc)[1]


def test_every_measure_of_realism_is_explained():
    from skgex.cli._perturb_verdict import MEASURES

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), np.repeat(["a", "b"], 20)
    found = realism(X[::2], X[::2], y[::2], X_train=X, y_train=y, target="a", baselines=False)
    assert [*found.table.columns] == ["method", "is_baseline", *MEASURES]


def test_a_folder_beside_which_nothing_can_be_written_is_named(monkeypatch, tmp_path):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_folder.tempfile, "mkdtemp", refuse)
    with (
        pytest.raises(PermissionError, match=r"Cannot write the report to .*Permission denied"),
        _folder._whole_folder(tmp_path / "report"),
    ):
        pytest.fail("nothing to write into")
    assert list(tmp_path.iterdir()) == []
