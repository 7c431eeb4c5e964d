"""TSPG for several targets and gene sets: who is asked, what they are trained on, and copies."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skgex.datasets import read_gmt

from .states import COPIES, GENES, OTHERS, STATES, TABLE, X, classifier, tspg, y

pytestmark = pytest.mark.filterwarnings(
    "ignore:Perturbed training profiles vary"  # nets that hardly train
)
SETS = {"first": GENES[:3], "second": [*GENES[:1:-1], "UNKNOWN", GENES[5], GENES[5]]}
SECOND = slice(2, 8)  # its columns


@pytest.fixture(scope="module")
def targets():
    return tspg(["lung", "brain"]).fit(TABLE, y)


@pytest.fixture(scope="module")
def sets():
    return tspg(gene_sets=SETS).fit(TABLE, y)


@pytest.fixture(scope="module")
def both():
    return tspg(["lung", "brain"], gene_sets=SETS).fit(TABLE, y)


# -- members ---------------------------------------------------------------------------------
def test_every_target_is_trained_as_if_alone(targets):
    for target in ("lung", "brain"):
        seed = targets.members_[None][target].random_state
        alone = tspg(target, random_state=seed).fit(TABLE, y)
        for method in ("transform", "perturb", "predict"):
            result = getattr(targets, method)(TABLE, target=target)
            np.testing.assert_array_equal(result, getattr(alone, method)(TABLE))
        assert targets.score(TABLE, y, target=target) == alone.score(TABLE, y)
        assert targets.members_[None][target].accuracy_ == alone.accuracy_


def test_every_gene_set_is_trained_on_its_genes_alone(both):
    member = both.members_["second"]["brain"]
    alone = tspg("brain", random_state=member.random_state).fit(TABLE.iloc[:, SECOND], y)
    result = both.transform(TABLE, target="brain", gene_set="second")
    np.testing.assert_array_equal(result, alone.transform(TABLE.iloc[:, SECOND]))
    assert member.feature_names_in_.tolist() == GENES[SECOND]
    change = both.perturb(TABLE, target="brain", gene_set="second")
    np.testing.assert_allclose(change, result - X[:, SECOND], atol=1e-9)
    other = TABLE.assign(GENE0=1e3)
    again = both.transform(other, target="brain", gene_set="second")
    np.testing.assert_array_equal(again, result)


def test_members_of_a_set_share_classifier_and_held_out_profiles(both):
    members = [member for of_set in both.members_.values() for member in of_set.values()]
    assert [member.target_ for member in members] == ["lung", "brain"] * 2
    for of_set in both.members_.values():
        assert of_set["lung"].classifier_ is of_set["brain"].classifier_
    for member in members:
        np.testing.assert_array_equal(member.held_out_, members[0].held_out_)
    assert not hasattr(both.classifier, "module_")


def test_results_have_a_row_a_member(both):
    results = both.results_
    assert results["gene_set"].tolist() == ["first", "first", "second", "second"]
    assert results["target"].tolist() == ["lung", "brain"] * 2
    assert results["n_genes"].tolist() == [3, 3, 6, 6]
    assert results["n_unmeasured"].tolist() == [0, 0, 1, 1]
    for _, row in results.iterrows():
        accuracy = both.members_[row["gene_set"]][row["target"]].accuracy_
        assert row[list(accuracy)].to_dict() == accuracy
        rows = dict(target=row["target"], gene_set=row["gene_set"])
        held_out = both.members_["first"]["lung"].held_out_
        assert both.score(TABLE[held_out], y[held_out], **rows) == accuracy["held_out_others"]


def test_results_of_several_targets_have_no_gene_set(targets):
    assert targets.results_["gene_set"].isna().all()
    assert targets.results_["n_genes"].tolist() == [8, 8]


def test_a_fitted_classifier_serves_every_target():
    f = classifier().fit(X, y)
    family = tspg(["lung", "liver"], classifier=f).fit(X, y)
    assert all(member.classifier_ is f for member in family.members_[None].values())


# -- who is asked ----------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["transform", "perturb", "predict", "score"])
@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "gene_set is not given: name one of 'first', 'second'"),
        (dict(gene_set="first"), "target is not given: name one of 'lung', 'brain'"),
        (dict(gene_set="third"), "gene_set = 'third' was not fitted: name one of 'first'"),
        (dict(gene_set="first", target="liver"), "target = 'liver' was not fitted: name one of"),
    ],
    ids=["nobody", "no target", "no such set", "no such target"],
)
def test_it_must_be_clear_who_is_asked(both, method, asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        getattr(both, method)(TABLE, **asked)


def test_a_single_member_need_not_be_named():
    single = tspg(["lung"], gene_sets={"first": GENES[:3]}).fit(TABLE, y)
    expected = single.transform(TABLE, target="lung", gene_set="first")
    np.testing.assert_array_equal(single.transform(TABLE), expected)
    assert single.transform(TABLE).shape == (60, 3)
    assert single.fit_transform(TABLE, y).shape == (60, 3)


def test_a_set_may_be_left_to_the_only_one_and_a_target_too(sets, targets):
    assert sets.transform(TABLE, gene_set="first").shape == (60, 3)
    assert targets.transform(TABLE, target="lung").shape == (60, 8)


@pytest.mark.parametrize("asked", [dict(target="brain"), dict(gene_set="first")], ids=str)
def test_a_single_generator_has_no_others_to_name(asked):
    single = tspg().fit(X, y)
    np.testing.assert_array_equal(single.transform(X, target="lung"), single.transform(X))
    with pytest.raises(ValueError, match="turns profiles into 'lung', with all genes"):
        single.transform(X, **asked)


def test_targets_may_be_numbers_and_repeat():
    codes = np.searchsorted(STATES, y)
    family = tspg(np.array([2, 0, 2])).fit(X, codes)
    assert list(family.members_[None]) == [2, 0]
    assert family.score(X, codes, target=np.int64(2)) > 0.5


# -- gene sets -------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [set, tuple, np.array, iter], ids=lambda kind: kind.__name__)
def test_a_set_may_be_any_collection_of_names(sets, kind):
    family = tspg(gene_sets={name: kind(list(genes)) for name, genes in SETS.items()})
    result = family.fit(TABLE, y).transform(TABLE, gene_set="second")
    np.testing.assert_array_equal(result, sets.transform(TABLE, gene_set="second"))


def write_gmt(path, sets=SETS):
    lines = ["\t".join([name, "of genes", *genes]) for name, genes in sets.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "path"])
def test_gene_sets_may_be_the_path_of_a_gmt_file(sets, tmp_path, kind):
    path = write_gmt(tmp_path / "sets.gmt")
    assert list(read_gmt(path)) == list(SETS)
    family = tspg(gene_sets=kind(path)).fit(TABLE, y)
    for name in SETS:
        expected = sets.transform(TABLE, gene_set=name)
        np.testing.assert_array_equal(family.transform(TABLE, gene_set=name), expected)


def test_the_gmt_file_may_be_gone_or_another_after_the_fit(sets, tmp_path):
    path = write_gmt(tmp_path / "sets.gmt")
    family = tspg(gene_sets=path).fit(TABLE, y)
    expected = sets.transform(TABLE, gene_set="first")
    write_gmt(path, {"first": GENES[4:7]})
    np.testing.assert_array_equal(family.transform(TABLE, gene_set="first"), expected)
    path.unlink()
    np.testing.assert_array_equal(family.transform(TABLE, gene_set="first"), expected)


# -- tables ----------------------------------------------------------------------------------
@pytest.mark.parametrize("when", ["before", "after"])
def test_tables_have_the_genes_of_the_set(sets, when):
    family = clone(sets)
    if when == "before":
        family.set_output(transform="pandas").fit(TABLE, y)
    else:
        family.fit(TABLE, y).set_output(transform="pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = family.transform(TABLE, gene_set="second")
    assert table.columns.tolist() == GENES[SECOND] and table.index.equals(TABLE.index)
    np.testing.assert_array_equal(table, sets.transform(TABLE, gene_set="second"))


def test_names_that_come_out_are_those_of_a_single_set():
    single = tspg(gene_sets={"first": GENES[:3]}).fit(TABLE, y)
    assert single.get_feature_names_out().tolist() == GENES[:3]


def test_several_targets_give_tables_and_tensors(targets):
    tables = clone(targets).fit(TABLE, y).set_output(transform="pandas")
    assert tables.transform(TABLE, target="brain").columns.tolist() == GENES
    family = tspg(["lung", "brain"]).fit(X, y)
    moved = family.transform(torch.from_numpy(X), target="brain")
    assert isinstance(moved, torch.Tensor)
    np.testing.assert_array_equal(moved.numpy(), family.transform(X, target="brain"))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [(GENES[::-1], "same order"), (GENES[:7], "missing"), ([*GENES[:7], "NEW"], "unseen")],
    ids=["order", "missing", "other"],
)
def test_other_genes_are_refused(both, columns, sentence):
    table = TABLE.reindex(columns=columns, fill_value=1.0)
    with pytest.raises(ValueError, match=sentence):
        both.transform(table, target="lung", gene_set="first")


# -- seeds and copies ------------------------------------------------------------------------
@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_copies_move_profiles_alike(duplicate, both, tmp_path):
    twin = duplicate(both, tmp_path)
    for name in SETS:
        asked = dict(target="brain", gene_set=name)
        np.testing.assert_array_equal(
            twin.transform(TABLE, **asked), both.transform(TABLE, **asked)
        )
    assert twin.results_.equals(both.results_)


def test_a_family_of_sets_that_are_no_lists_can_be_saved(tmp_path):
    family = tspg(gene_sets={"first": set(GENES[:3])}).fit(TABLE, y)
    twin = COPIES["saved"](family, tmp_path)
    np.testing.assert_array_equal(twin.transform(TABLE), family.transform(TABLE))


def test_the_seed_decides_the_result(both):
    again = clone(both).fit(TABLE, y)
    asked = dict(target="lung", gene_set="second")
    np.testing.assert_array_equal(again.transform(TABLE, **asked), both.transform(TABLE, **asked))
    assert again.results_.equals(both.results_)


def test_refitting_leaves_nothing_of_the_fit_before(targets):
    fresh = tspg().fit(TABLE, y)
    single = clone(targets).fit(TABLE, y).set_params(target="lung").fit(TABLE, y)
    assert vars(single).keys() == vars(fresh).keys()
    np.testing.assert_array_equal(single.transform(TABLE), fresh.transform(TABLE))
    family = single.set_params(target=["lung", "brain"]).fit(TABLE, y)
    assert vars(family).keys() == vars(targets).keys()


def test_a_family_fit_that_fails_leaves_no_half_of_it(targets):
    family = clone(targets).fit(TABLE, y)
    with pytest.raises(ValueError, match="lnug"):
        family.set_params(target=["lung", "lnug"]).fit(3 * TABLE + 5, y)
    before = targets.transform(TABLE, target="lung")
    if hasattr(family, "members_"):
        np.testing.assert_array_equal(family.transform(TABLE, target="lung"), before)


def test_profiles_of_the_target_are_left_out_of_the_score(both):
    asked = dict(target="lung", gene_set="second")
    others = both.score(TABLE[OTHERS], **asked)
    assert both.score(TABLE, y, **asked) == others
