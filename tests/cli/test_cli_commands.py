"""Every command does on real files what its help says."""

import csv
import re
from functools import partial

import numpy as np
import pytest

import skgex as sg
from skgex import metrics, persistence
from skgex.cli import _methods
from skgex.datasets import ExpressionData, make_expression, read_expression, write_expression

N_LANDMARKS, N_TARGETS = 12, 20


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_compare_writes_a_whole_report(skgex, expression_file, tmp_path):
    report = tmp_path / "new" / "report"
    result = skgex(
        "compare", "--data", expression_file, "--methods", "ridge,knn", "--report", report
    )
    assert result.code == 0, result.err
    assert "[1/2] ridge" in result.err
    assert "160 training, 20 validation and 20 test profiles" in result.err
    rows = {row["method"]: row for row in read_table(report / "comparison.csv")}
    assert rows.keys() == {"ridge", "knn"}
    for name, row in rows.items():
        genes = read_table(report / f"genes_{name}.csv")
        assert len(genes) == N_TARGETS
        errors = np.array([float(gene["mae"]) for gene in genes])
        means = np.array([float(gene["mae_mean_predictor"]) for gene in genes])
        assert float(row["mae"]) == pytest.approx(errors.mean())
        assert float(row["mae_sd"]) == pytest.approx(errors.std())
        relative = float(row["relative_to_mean_predictor"])
        assert relative == pytest.approx(errors.mean() / means.mean())
        assert relative < 1
        assert f"{errors.mean():.4f} ± {errors.std():.4f}" in result.out
    best = min(rows, key=lambda name: float(rows[name]["mae"]))
    assert f"{best} infers best" in result.out
    html = (report / "report.html").read_text(encoding="utf-8")
    assert f"{best} infers best" in html
    for said in ("200 profiles x 32 genes", "160 training", "scikit-learn 1.", "column"):
        assert said in html
    pictures = {path.name for path in report.glob("*.png")}
    assert pictures == {
        "methods.png",
        "best_two.png",
        f"reliability_{best}.png",
        f"genes_{best}.png",
    }
    assert len(re.findall(r'src="data:image/png;base64,', html)) == len(pictures)
    assert not re.search(r'(src|href)="(?!data:)', html)
    assert "http" not in html
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report"]


def test_files_of_an_earlier_report_are_named(skgex, expression_file, tmp_path):
    words = ("compare", "--data", expression_file, "--report", tmp_path, "--methods")
    (tmp_path / "genes_of_mine.csv").write_text("TP53\n")
    assert "earlier report" not in skgex(*words, "ridge,least_squares").err
    (tmp_path / "genes_of_mine.csv").unlink()
    assert "earlier report" not in skgex(*words, "ridge,least_squares").err
    told = skgex(*words, "least_squares").err
    assert "still holds files of an earlier report" in told
    assert "'genes_ridge.csv'" in told
    assert (tmp_path / "genes_ridge.csv").exists()


def test_compare_shows_how_a_net_learned(skgex, expression_file, tmp_path, monkeypatch):
    small = partial(sg.DGEXRegressor, hidden_units=10, max_epochs=3)
    monkeypatch.setitem(_methods._GRIDS, "dgex", [small])
    code = skgex(
        "compare", "--data", expression_file, "--methods", "dgex", "--report", tmp_path / "out"
    ).code
    assert code == 0
    assert (tmp_path / "out" / "training_dgex.png").read_bytes().startswith(b"\x89PNG")


def test_compare_is_repeatable_and_the_seed_matters(skgex, expression_file):
    words = ("compare", "--data", expression_file, "--methods", "knn", "--seed")
    first, again, other = (skgex(*words, seed).out for seed in (1, 1, 2))
    mae = re.compile(r"knn +(\S+)")
    assert mae.search(first)[1] == mae.search(again)[1] != mae.search(other)[1]


def test_compare_holds_out_whole_groups(skgex, expression_file):
    result = skgex("compare", "--data", expression_file, "--methods", "knn", "--group", "study")
    assert "160 training, 20 validation and 20 test profiles, by whole groups" in result.err
    assert "(10 groups)" in result.err


def test_compare_simulates(skgex):
    result = skgex("compare", "--simulate", "--methods", "knn")
    assert result.code == 0
    assert "On 500 inferred genes" in result.out


def test_targets_that_are_landmarks_are_reported_apart(skgex, simulated, tmp_path):
    symbols = simulated.gene_table["symbol"].copy()
    symbols[-3:] = symbols[:3]
    X = simulated.X.copy()
    X[:, -3:] = X[:, :3]
    data = ExpressionData(
        X,
        simulated.genes,
        simulated.samples,
        gene_table={**simulated.gene_table, "symbol": symbols},
    )
    write_expression(data, tmp_path / "twins.h5ad")
    result = skgex("compare", "--data", tmp_path / "twins.h5ad", "--methods", "least_squares")
    assert f"On {N_TARGETS - 3} inferred genes" in result.out
    twins = result.out[result.out.index("On 3 further genes that are also landmarks") :]
    error = float(re.search(r"least_squares +(\S+)", twins)[1])
    assert error < 1e-3


def test_landmarks_from_a_list_and_from_a_column(skgex, simulated, tmp_path):
    path = tmp_path / "panel.tsv"
    named = simulated.gene_table["symbol"][:N_LANDMARKS]
    path.write_text(
        "title\tsymbol\n" + "".join(f"gene {i}\t{name}\n" for i, name in enumerate(named))
        + "another\tNOTTHERE\n"
    )  # fmt: skip
    data = ExpressionData(
        simulated.X,
        simulated.genes,
        simulated.samples,
        gene_table={
            "symbol": simulated.gene_table["symbol"],
            "is_measured": simulated.gene_table["is_landmark"].astype(int),
            "is_wanted": np.arange(len(simulated.genes)) % 2,
        },
    )
    write_expression(data, tmp_path / "data.gctx")
    words = ("compare", "--data", tmp_path / "data.gctx", "--methods", "knn")
    listed = skgex(*words, "--gene-ids", "symbol", "--landmarks", path)
    assert "Landmarks: 12 genes, listed in panel.tsv (column 2); 1 more" in listed.err
    assert "such as NOTTHERE" in listed.err
    column = skgex(*words, "--landmarks", "is_measured")
    mae = re.compile(r"knn +(\S+) ± (\S+)")
    assert mae.search(listed.out).groups() == mae.search(column.out).groups()
    some = skgex(*words, "--landmarks", "is_measured", "--targets", "is_wanted")
    assert "On 10 inferred genes" in some.out


def test_unlabelled_profiles_are_learnt_from_only(skgex, simulated, tmp_path):
    X = simulated.X.copy()
    X[50:, N_LANDMARKS:] = np.nan
    data = ExpressionData(X, simulated.genes, simulated.samples, {}, simulated.gene_table)
    write_expression(data, tmp_path / "half.npz")
    result = skgex("compare", "--data", tmp_path / "half.npz", "--methods", "knn")
    assert result.code == 0, result.err
    assert "150 profiles are unlabelled" in result.err
    assert "190 training, 5 validation and 5 test profiles" in result.err
    assert "knn: n_neighbors=50 is left out, since there are only 40" in result.err


def test_train_tells_what_the_saved_model_reaches(skgex, expression_file, simulated, model_file):
    model = sg.load(model_file)
    np.testing.assert_array_equal(model.feature_names_in_, simulated.genes[:N_LANDMARKS])
    np.testing.assert_array_equal(model.target_names_, simulated.genes[N_LANDMARKS:])
    genes = read_table(model_file.with_suffix(".genes.csv"))
    assert [gene["gene"] for gene in genes] == simulated.genes[N_LANDMARKS:].tolist()
    assert "ridge on expression.npz" in persistence.describe(model_file)["notes"]


def test_train_on_all_profiles(skgex, expression_file, simulated, tmp_path):
    output = tmp_path / "knn.skgex"
    result = skgex(
        "train", "--data", expression_file, "--method", "knn", "--all-profiles",
        "--scaling", "rank-gaussian", "--output", output,
    )  # fmt: skip
    assert result.code == 0, result.err
    assert result.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["knn.skgex"]
    model = sg.load(output)
    oracle = sg.KNNRegressor(model.n_neighbors, gene_scaling="rank-gaussian").fit(
        simulated.X[:, :N_LANDMARKS], simulated.X[:, N_LANDMARKS:]
    )
    X = simulated.X[:7, :N_LANDMARKS]
    assert model.n_neighbors in (5, 10, 20, 50)
    np.testing.assert_allclose(
        model.set_params(**oracle.get_params()).predict(_frame(X, model)), oracle.predict(X)
    )


def _frame(X, model):
    import pandas as pd

    return pd.DataFrame(X, columns=model.feature_names_in_)


@pytest.fixture
def panel(simulated):
    """The landmarks in another order, among genes the model does not know."""
    order = np.random.RandomState(1).permutation(N_LANDMARKS)
    rest = np.random.RandomState(2).normal(8, 1, size=(30, 5)).astype(np.float32)
    return ExpressionData(
        np.hstack([rest, simulated.X[:30, :N_LANDMARKS][:, order]]),
        [*(f"OTHER{i}" for i in range(5)), *simulated.genes[:N_LANDMARKS][order]],
        simulated.samples[:30],
        {"dose": np.arange(30.0)},
    )


@pytest.mark.parametrize("suffix", ["csv", "tsv.gz", "gct", "gctx", "h5ad", "npz"])
def test_infer_matches_genes_by_name(skgex, simulated, panel, model_file, tmp_path, suffix):
    write_expression(panel, tmp_path / "plate.gct")
    output = tmp_path / f"profiles.{suffix}"
    result = skgex(
        "infer", "--model", model_file, "--data", tmp_path / "plate.gct", "--output", output
    )
    assert result.code == 0, result.err
    assert "12 of 12 genes matched, 0 missing, 0 duplicated; 5 other columns" in result.err
    assert "looks like the training data" in result.err
    is_table = suffix in ("csv", "tsv.gz")
    profiles = read_expression(output, orientation="samples-in-rows" if is_table else None)
    model = sg.load(model_file)
    X = simulated.X[:30, :N_LANDMARKS]
    np.testing.assert_array_equal(profiles.genes, simulated.genes)
    np.testing.assert_array_equal(profiles.samples, panel.samples)
    np.testing.assert_array_equal(profiles.X[:, :N_LANDMARKS], X)
    np.testing.assert_allclose(
        profiles.X[:, N_LANDMARKS:], model.predict(_frame(X, model)), rtol=1e-6
    )
    if not is_table:
        np.testing.assert_array_equal(
            profiles.gene_table["measured"], simulated.gene_table["is_landmark"]
        )
        np.testing.assert_array_equal(profiles.sample_table["dose"], np.arange(30.0))


def test_infer_finds_the_column_whose_ids_match(skgex, panel, model_file, tmp_path):
    renamed = ExpressionData(
        panel.X,
        [f"{i + 200000}_at" for i in range(len(panel.genes))],
        panel.samples,
        gene_table={"title": [f"t{i}" for i in range(17)], "symbol": panel.genes},
    )
    write_expression(renamed, tmp_path / "plate.gct")
    words = ("infer", "--model", model_file, "--data", tmp_path / "plate.gct", "--output")
    result = skgex(*words, tmp_path / "out.npz")
    assert result.code == 0, result.err
    assert "match 0 of 12 landmarks, its column 'symbol' matches 12" in result.err
    told = skgex(*words, tmp_path / "told.npz", "--gene-ids", "symbol")
    assert told.code == 0
    assert (tmp_path / "told.npz").read_bytes() == (tmp_path / "out.npz").read_bytes()


def test_missing_landmarks_are_named_and_filled_only_when_asked(
    skgex, refused, panel, simulated, model_file, tmp_path
):
    lacking = simulated.genes[:2].tolist()
    write_expression(panel.select_genes(~np.isin(panel.genes, lacking)), tmp_path / "short.gct")
    words = ("infer", "--model", model_file, "--data", tmp_path / "short.gct")
    output = tmp_path / "out.npz"
    sentence = refused(*words, "--output", output)
    assert "filled" not in skgex(*words, "--output", output).err
    assert all(gene in sentence for gene in lacking)
    assert "--missing mean" in sentence
    assert not output.exists()

    result = skgex(*words, "--output", output, "--missing", "mean")
    assert result.code == 0, result.err
    assert f"Landmarks without a measurement: {', '.join(lacking)}." in result.err
    assert "17% of the landmarks hold their training means" in result.err
    model, profiles = sg.load(model_file), read_expression(output)
    X = simulated.X[:30, :N_LANDMARKS].copy()
    X[:, :2] = model.x_scaler_.mean_[:2]
    np.testing.assert_array_equal(profiles.genes, simulated.genes[2:])
    np.testing.assert_allclose(
        profiles.X[:, N_LANDMARKS - 2 :], model.predict(_frame(X, model)), rtol=1e-5
    )


def test_duplicated_landmarks_follow_the_stated_policy(
    skgex, refused, panel, simulated, model_file, tmp_path
):
    twice = ExpressionData(
        np.hstack([panel.X, panel.X[:, -1:] + 2]), [*panel.genes, panel.genes[-1]], panel.samples
    )
    write_expression(twice, tmp_path / "twice.gct")
    words = ("infer", "--model", model_file, "--data", tmp_path / "twice.gct", "--output")
    assert "--duplicates mean" in refused(*words, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()
    for policy, shift in (("first", 0), ("mean", 1)):
        assert skgex(*words, tmp_path / "out.npz", "--duplicates", policy).code == 0
        profiles = read_expression(tmp_path / "out.npz").select_genes([panel.genes[-1]])
        np.testing.assert_allclose(profiles.X.ravel(), panel.X[:, -1] + shift, rtol=1e-6)


@pytest.mark.parametrize("scaling", ["standard", "rank-gaussian"])
def test_infer_warns_of_values_unlike_the_training_data(
    skgex, expression_file, panel, tmp_path, scaling
):
    model = tmp_path / "m.skgex"
    skgex("train", "--data", expression_file, "--output", model, "--scaling", scaling)
    panel.X *= 100
    write_expression(panel, tmp_path / "raw.gct")
    result = skgex(
        "infer", "--model", model, "--data", tmp_path / "raw.gct", "--output", tmp_path / "o.csv"
    )
    assert result.code == 0
    assert "warning: the panel looks unlike the training data: 100.0%" in result.err


def test_evaluate_compares_with_the_measured_values(skgex, simulated, panel, model_file, tmp_path):
    other = simulated.select_samples(slice(100, None)).select_genes(slice(None, None, -1))
    write_expression(other, tmp_path / "other.gctx")
    report = tmp_path / "report"
    result = skgex(
        "evaluate", "--model", model_file, "--data", tmp_path / "other.gctx", "--report", report
    )
    assert result.code == 0, result.err
    assert "20 of 20 genes that the model infers are measured" in result.err
    model = sg.load(model_file)
    X, Y = np.split(simulated.X[100:], [N_LANDMARKS], axis=1)
    errors = metrics.gene_mean_absolute_error(Y, model.predict(_frame(X, model)))
    assert f"{errors.mean():.4f} ± {errors.std():.4f}" in result.out
    means = metrics.gene_mean_absolute_error(Y, np.broadcast_to(model.y_scaler_.mean_, Y.shape))
    assert f"{errors.mean() / means.mean():.3f}" in result.out
    assert "<html" in (report / "report.html").read_text()


def test_evaluate_on_some_of_the_genes(skgex, simulated, model_file, tmp_path):
    write_expression(simulated.select_genes(slice(0, 20)), tmp_path / "some.npz")
    result = skgex("evaluate", "--model", model_file, "--data", tmp_path / "some.npz")
    assert "8 of 20 genes that the model infers are measured" in result.err
    assert "On 8 inferred genes" in result.out


def test_convert_keeps_values_names_and_tables(skgex, expression_file, simulated, tmp_path):
    previous = expression_file
    for suffix in ("gct.gz", "h5ad", "gctx", "npz"):
        assert skgex("convert", previous, tmp_path / f"data.{suffix}").code == 0
        previous = tmp_path / f"data.{suffix}"
    back = read_expression(previous)
    np.testing.assert_array_equal(back.X, simulated.X)
    np.testing.assert_array_equal(back.genes, simulated.genes)
    for name, values in simulated.gene_table.items():
        np.testing.assert_array_equal(back.gene_table[name], values)


def test_convert_to_csv_says_what_is_left_out(skgex, refused, expression_file, tmp_path):
    path = tmp_path / "data.csv"
    result = skgex("convert", expression_file, path, "--gene-ids", "symbol")
    assert result.code == 0
    assert "skgex: warning: A comma-separated file holds values and ids alone" in result.err
    assert skgex("convert", path, tmp_path / "back.npz").code == 0
    assert "--orientation" in refused("convert", _unclear(path), tmp_path / "unclear.npz")
    assert not (tmp_path / "unclear.npz").exists()


def _unclear(path):
    """The same table under ids that could be anything."""
    rows = path.read_text().splitlines()
    rows[0] = ",".join(["id", *(f"x{i}" for i in range(rows[0].count(",")))])
    unclear = path.with_name("unclear.csv")
    unclear.write_text("\n".join(rows) + "\n")
    return unclear


def test_info_says_what_a_file_is(skgex, expression_file, model_file, tmp_path):
    out = skgex("info", expression_file).out
    assert "an expression file" in out
    assert "200 samples x 32 genes" in out
    assert "is_landmark: true for 12 of 32" in out
    out = skgex("info", model_file).out
    assert "a model, RidgeRegressorCV" in out
    assert "measures 12 genes: LM0001" in out
    assert "infers 20 genes: TG0001" in out
    sg.write_gmt({"cycle": ["CCND1", "CDK4"], "p53": ["TP53"]}, tmp_path / "sets.gmt")
    out = skgex("info", tmp_path / "sets.gmt").out
    assert "2 gene sets of 1 to 2 genes" in out


def test_info_describes_columns_and_what_they_lack(skgex, tmp_path):
    columns = {
        "dose": [0.5, np.nan, 2.0],
        "plate": ["P1", "P1", "P1"],
        "well": ["A01", "", "B07"],
        "batch": [np.nan] * 3,
    }
    data = ExpressionData(np.eye(3, 2), ["TP53", "MYC"], ["a", "b", "c"], sample_table=columns)
    write_expression(data, tmp_path / "data.npz")
    out = skgex("info", tmp_path / "data.npz").out
    assert "dose: numbers from 0.5 to 2; 1 missing" in out
    assert "plate: 'P1' throughout" in out
    assert "well: 2 different, such as 'A01' and 'B07'; 1 missing" in out
    assert "batch: missing throughout" in out


def test_train_names_ids_that_panels_may_have(skgex, expression_file, tmp_path):
    words = ("train", "--data", expression_file, "--output", tmp_path / "m.skgex")
    hint = "Panels will be matched by ids such as LM0001"
    told = skgex(*words).err
    assert hint in told
    assert "pass --gene-ids with a column of the gene table: symbol." in told
    assert hint not in skgex(*words, "--gene-ids", "symbol").err


def test_few_test_profiles_are_called_a_rough_guess(skgex, tmp_path):
    words = ("compare", "--data", tmp_path / "few.npz", "--methods", "least_squares")
    for n_profiles, is_rough in ((290, True), (300, False)):
        data, _ = make_expression(n_profiles, 5, 10, random_state=0)
        write_expression(data, tmp_path / "few.npz")
        assert ("that is a rough guess" in skgex(*words).out) == is_rough


def test_the_way_from_a_plate_of_the_assay_to_profiles(skgex, shared_data, tmp_path):
    """Train on a compendium, infer on a real L1000 plate whose ids are probes."""
    data = read_expression(shared_data / "hgu133_compendium" / "expression.npz")
    keep = data.gene_table["dgex_landmark"].copy()
    keep[-200:] = True
    data = data.select_genes(keep).select_samples(slice(None, None, 4))
    write_expression(data, tmp_path / "small.npz")
    model = tmp_path / "m.skgex"
    assert skgex(
        "train", "--data", tmp_path / "small.npz", "--landmarks", "dgex_landmark",
        "--gene-ids", "symbols", "--output", model,
    ).code == 0  # fmt: skip
    plate = next((shared_data / "l1000_assay_plate").glob("*.gct.gz"))
    output = tmp_path / "profiles.gctx"
    result = skgex("infer", "--model", model, "--data", plate, "--output", output)
    assert result.code == 0, result.err
    assert "its column 'pr_gene_symbol' matches 943" in result.err
    profiles = read_expression(output)
    measured = profiles.gene_table["measured"]
    assert measured.sum() == 943
    source = read_expression(plate, gene_ids="pr_gene_symbol")
    np.testing.assert_array_equal(
        profiles.X[:, measured], source.select_genes(profiles.genes[measured]).X
    )
    assert len(np.unique(profiles.genes)) == len(profiles.genes)
