"""Over-representation: its numbers against scipy's, what counts, what is left out, bad input."""

import math
import sys

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact, hypergeom

from skgex.datasets import write_gmt
from skgex.inspection import enrichment
from skgex.inspection._enrichment import upper_tail

BACKGROUND = [f"GENE{j}A" for j in range(200)]


def random_lists(seed, n_lists, genes=BACKGROUND, largest=40):
    rng = np.random.default_rng(seed)
    return {
        f"{seed}.{k}": rng.choice(genes, rng.integers(2, largest), replace=False).tolist()
        for k in range(n_lists)
    }


def rows(result):
    """The table as a dictionary: (list,) set -> row."""
    columns = getattr(result.table, "columns", None)
    names = list(columns) if columns is not None else list(result.table.dtype.names)
    values = zip(*(result.table[name] for name in names), strict=True)
    table = [dict(zip(names, row, strict=True)) for row in values]
    return {(row.get("list"), row["set"]): row for row in table}


# -- its numbers -----------------------------------------------------------------------------
def test_p_value_is_that_of_the_urn_by_hand():
    """5 genes, 2 of the list, 3 of the set, both in it: C(3, 2) of C(5, 2) pairs."""
    found = enrichment(["a", "b"], {"set": ["a", "b", "c"]}, background=[*"abcde"])
    (row,) = rows(found).values()
    assert row["p_value"] == pytest.approx(math.comb(3, 2) / math.comb(5, 2))


def test_p_values_are_those_of_fisher_and_of_the_hypergeometric_distribution():
    (genes,), sets = random_lists(0, 1).values(), random_lists(1, 50)
    found = rows(enrichment(genes, sets, background=BACKGROUND))
    for name, members in sets.items():
        x, n, K, N = len({*genes} & {*members}), len(genes), len(members), len(BACKGROUND)
        if x == 0:
            assert (None, name) not in found
            continue
        row = found[None, name]
        assert (row["list_size"], row["set_size"], row["overlap"]) == (n, K, x)
        assert row["fold"] == pytest.approx((x / n) / (K / N))
        assert row["p_value"] == pytest.approx(hypergeom.sf(x - 1, N, K, n))
        cells = [[x, n - x], [K - x, N - K - n + x]]
        assert row["p_value"] == pytest.approx(fisher_exact(cells, "greater").pvalue)
        assert set(row["genes"]) == {*genes} & {*members}


def test_genes_in_common_are_those_of_their_list_and_set_in_the_order_of_the_set():
    lists, sets = random_lists(8, 30), random_lists(9, 40)
    lists["apart"] = ["GENE0A"]
    background = [name for name in BACKGROUND if name not in {"GENE3A", "GENE70A"}]
    table = rows(enrichment(lists, sets, background=background))
    measured = {*background}
    expected = {
        (own, name): tuple(gene for gene in sets[name] if gene in measured & {*lists[own]})
        for own in lists
        for name in sets
    }
    found = {pair: row["genes"] for pair, row in table.items()}
    assert found == {pair: genes for pair, genes in expected.items() if genes}
    assert all(row["overlap"] == len(row["genes"]) for row in table.values())


def test_q_values_are_benjamini_and_hochbergs_over_all_lists_and_sets():
    """Tests without a gene in common are not in the table, but count, with p-value 1."""
    lists, sets = random_lists(2, 12, largest=15), random_lists(3, 30, largest=15)
    lists["planted"] = sets["3.4"]
    found = enrichment(lists, sets, background=BACKGROUND)
    pairs = [(own, name) for own in lists for name in sets]
    p = [
        hypergeom.sf(len({*lists[a]} & {*sets[b]}) - 1, 200, len(sets[b]), len(lists[a]))
        for a, b in pairs
    ]
    q = dict(zip(pairs, false_discovery_control(p), strict=True))
    table = rows(found)
    assert found.n_tests == len(pairs) > len(table)
    assert {pair: row["q_value"] for pair, row in table.items()} == pytest.approx(
        {pair: q[pair] for pair in table}
    )
    assert next(iter(table)) == ("planted", "3.4")
    assert min(q[pair] for pair in pairs if pair not in table) == 1


@pytest.mark.parametrize("n_background", [3, 40, 20_000])
def test_tails_are_exact_for_lists_and_sets_of_any_size(n_background):
    rng = np.random.default_rng(0)
    n, K = rng.integers(1, n_background + 1, size=(2, 2000))
    n[::2] = np.minimum(n[::2], 100)
    least, most = np.maximum(0, n + K - n_background), np.minimum(n, K)
    x = rng.integers(least, most + 1)
    x[:1000] = rng.hypergeometric(K, n_background - K, n)[:1000]
    expected = hypergeom.sf(x - 1, n_background, K, n)
    found = upper_tail(x, n, K, n_background)
    assert (found >= 0).all() and (found <= 1).all()
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-290)
    roughly = upper_tail(x, n, K, n_background, enough=0.1)
    np.testing.assert_allclose(
        roughly[expected < 0.1], expected[expected < 0.1], rtol=1e-8, atol=1e-290
    )
    assert (roughly[expected >= 0.1] >= 0.1 * (1 - 1e-8)).all()
    assert (roughly <= expected * (1 + 1e-8) + 1e-290).all()


def test_p_values_of_random_lists_are_not_too_small():
    sets = random_lists(5, 20)
    table = rows(enrichment(random_lists(4, 400), sets, background=BACKGROUND))
    p = np.array([row["p_value"] for row in table.values()])
    for level in (0.001, 0.01, 0.1):
        assert np.count_nonzero(p <= level) < 1.2 * level * 400 * 20


# -- what counts -----------------------------------------------------------------------------
def test_only_measured_genes_count_and_each_once():
    """The list holds 1 gene and the set 2 that were not measured."""
    genes, sets = ["A1", "B1", "elsewhere"], {"s": ["A1", "C1", "out", "side"]}
    found = enrichment(genes, sets, background=["A1", "B1", "C1", "D1"])
    again = enrichment(genes * 2, {"s": sets["s"] * 3}, background=["A1", "B1", "C1", "D1"] * 2)
    for result in (found, again):
        assert (result.n_genes, result.n_unknown, result.n_background) == (2, 1, 4)
        (row,) = rows(result).values()
        assert (row["list_size"], row["set_size"], row["overlap"]) == (2, 2, 1)
        assert row["genes"] == ("A1",)
        assert row["p_value"] == pytest.approx(5 / 6)


def test_sets_without_measured_genes_or_of_other_sizes_are_left_out_and_not_tested():
    sets = {"one": BACKGROUND[:1], "ten": BACKGROUND[:10], "most": BACKGROUND, "none": ["X", "Y"]}
    found = enrichment(BACKGROUND[:5], sets, background=BACKGROUND)
    assert (found.n_sets, found.n_sets_left_out, found.n_tests) == (3, 1, 3)
    found = enrichment(BACKGROUND[:5], sets, background=BACKGROUND, min_size=2, max_size=10)
    assert (found.n_sets, found.n_sets_left_out, found.n_tests) == (1, 3, 1)
    assert [name for _, name in rows(found)] == ["ten"]


def test_rows_are_sorted_by_p_value():
    p = np.asarray(
        enrichment(random_lists(6, 5), random_lists(7, 40), background=BACKGROUND).table["p_value"]
    )
    assert len(p) > 50 and (np.diff(p) >= 0).all()


def test_a_list_without_a_gene_in_any_set_has_an_empty_table():
    found = enrichment(BACKGROUND[:3], {"set": BACKGROUND[5:9]}, background=BACKGROUND)
    assert len(found.table) == 0
    assert str(found).startswith("0 of 1 tests have q < 0.05 (3 genes of 200 measured ones")


def test_sets_may_be_a_gmt_file_and_the_table_a_structured_array(tmp_path, monkeypatch):
    (genes,), sets = random_lists(0, 1).values(), random_lists(1, 50)
    write_gmt(sets, tmp_path / "sets.gmt")
    expected = rows(enrichment(genes, sets, background=BACKGROUND))
    monkeypatch.setitem(sys.modules, "pandas", None)
    found = enrichment(np.array(genes), str(tmp_path / "sets.gmt"), background=BACKGROUND)
    assert isinstance(found.table, np.ndarray)
    assert rows(found) == expected


def test_entrez_ids_may_be_numbers():
    found = enrichment([7157, 672], {"set": ["7157", "672"]}, background=[7157.0, 672.0, 5.0])
    assert found.n_genes == found.table["overlap"][0] == 2


# -- bad input -------------------------------------------------------------------------------
def test_bad_lists_and_background():
    sets = {"set": BACKGROUND[:10]}
    with pytest.raises(ValueError, match="genes is empty"):
        enrichment([], sets, background=BACKGROUND)
    with pytest.raises(ValueError, match=r"genes\['b'\] is empty"):
        enrichment({"a": BACKGROUND[:2], "b": []}, sets, background=BACKGROUND)
    with pytest.raises(ValueError, match="genes has no list"):
        enrichment({}, sets, background=BACKGROUND)
    with pytest.raises(ValueError, match="genes is the text 'GENE1A': pass a list"):
        enrichment("GENE1A", sets, background=BACKGROUND)
    with pytest.raises(ValueError, match="background is empty"):
        enrichment(BACKGROUND[:2], sets, background=[])
    ensembl = [f"ENSG{j:011d}" for j in range(30)]
    with pytest.raises(ValueError, match=r"None of the 30 genes of genes \(Ensembl ids: 'ENSG000"):
        enrichment(ensembl, sets, background=BACKGROUND)
    with pytest.raises(ValueError, match=r"None of the 30 genes of genes\['b'\]"):
        enrichment({"a": BACKGROUND[:2], "b": ensembl}, sets, background=BACKGROUND)


def test_bad_sets():
    with pytest.raises(ValueError, match=r"gene_sets\['set'\] is the text 'GENE1A'"):
        enrichment(BACKGROUND[:2], {"set": "GENE1A"}, background=BACKGROUND)
    ensembl = [f"ENSG{j:011d}" for j in range(30)]
    with pytest.raises(ValueError, match=r"No set has a measured gene.*gene_sets has Ensembl ids"):
        enrichment(BACKGROUND[:2], {"set": ensembl}, background=BACKGROUND)
    with pytest.raises(ValueError, match="gene_sets has no gene at all"):
        enrichment(BACKGROUND[:2], {}, background=BACKGROUND)
    with pytest.raises(ValueError, match=r"min_size=20 to max_size=30 measured genes.* up to 10"):
        enrichment(
            BACKGROUND[:2],
            {"set": BACKGROUND[:10]},
            background=BACKGROUND,
            min_size=20,
            max_size=30,
        )
    for params in ({"min_size": 0}, {"max_size": 0}, {"gene_sets": [["a", "b"]]}):
        (name,) = params
        with pytest.raises(ValueError, match=f"'{name}' parameter of enrichment must be"):
            enrichment(BACKGROUND, **{"gene_sets": {}, "background": BACKGROUND} | params)
