"""What the agreement of relations with gene sets finds, what it does not, and its formula."""

import numpy as np
import pytest
from scipy.stats import binomtest

from skgex import gene_set_agreement
from skgex.datasets import write_gmt

N_GENES, N_SETS = 60, 6
GENES = np.array([f"GENE{j}A" for j in range(N_GENES)])
SETS = {f"set {k}": GENES[k::N_SETS].tolist() for k in range(N_SETS)}


def random_relations(seed, n_genes=N_GENES):
    return np.random.default_rng(seed).normal(size=(n_genes, n_genes))


def planted_relations(strength=5.0, seed=0):
    """Random relations, stronger between genes of a set, of either sign."""
    similarity = random_relations(seed)
    same = np.arange(N_GENES)[:, np.newaxis] % N_SETS == np.arange(N_GENES) % N_SETS
    sign = np.where(random_relations(seed + 1) > 0, 1, -1)
    return similarity + strength * same * sign


def overlapping_sets(seed=0, n_sets=15):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 20, n_sets)
    return {f"set {k}": rng.choice(GENES, n, replace=False).tolist() for k, n in enumerate(sizes)}


# -- what it finds ---------------------------------------------------------------------------
def test_planted_relations_of_either_sign_are_found():
    result = gene_set_agreement(planted_relations(20), GENES, SETS, n_related=9, random_state=0)
    assert result.share == 1
    assert result.chance == pytest.approx(9 / 59)
    assert result.ratio == pytest.approx(59 / 9)
    assert result.p_value == 1 / 1001
    assert result.n_genes == N_GENES
    np.testing.assert_array_equal(result.gene_share, 1)


def test_weak_planted_relations_are_found_in_part():
    result = gene_set_agreement(planted_relations(1), GENES, SETS, n_related=9, random_state=0)
    assert 1.2 < result.ratio < 5
    assert result.p_value < 0.01


def random_results(n_hubs=0, n_related=10):
    """Agreement of many random relations with random sets that overlap."""
    for seed in range(200):
        similarity = random_relations(1000 + seed)
        similarity[:n_hubs] += 10
        yield gene_set_agreement(
            similarity,
            GENES,
            overlapping_sets(seed),
            n_related=n_related,
            n_permutations=99,
            random_state=seed,
        )


def test_p_values_of_random_relations_are_evenly_spread():
    p_values = np.array([result.p_value for result in random_results()])
    assert np.mean(p_values <= 0.05) < 0.1
    assert np.mean(p_values <= 0.5) == pytest.approx(0.5, abs=0.1)


def test_hubs_do_not_make_random_relations_significant():
    """Every gene is related to the same three, whose sets alone decide the share."""
    results = list(random_results(n_hubs=3, n_related=3))
    assert np.mean([result.p_value <= 0.05 for result in results]) < 0.1
    pairs = [3 * result.n_genes for result in results]
    naive = [
        binomtest(round(r.share * n), n, r.chance, alternative="greater").pvalue
        for r, n in zip(results, pairs, strict=True)
    ]
    assert np.mean(np.array(naive) <= 0.05) > 0.2  # as if pairs were independent


# -- its formula -----------------------------------------------------------------------------
def test_numbers_are_those_of_a_loop():
    n, n_related = 12, 3
    similarity, names = random_relations(3, n), GENES[:n]
    sets = {"a": [*names[:4], "elsewhere"], "b": names[3:7], "c": names[[8, 0, 9]]}
    known = [g for g in range(n) if any(names[g] in genes for genes in sets.values())]
    assert len(known) == 9

    def together(g, h):
        return any(names[g] in genes and names[h] in genes for genes in sets.values())

    shares = np.full(n, np.nan)
    for gene in known:
        others = sorted((h for h in known if h != gene), key=lambda h: -abs(similarity[h, gene]))
        shares[gene] = np.mean([together(gene, other) for other in others[:n_related]])
    chance = np.mean([together(g, h) for g in known for h in known if g != h])

    result = gene_set_agreement(similarity, names, sets, n_related=n_related, random_state=0)
    np.testing.assert_allclose(result.gene_share, shares)
    assert result.share == pytest.approx(np.nanmean(shares))
    assert result.chance == pytest.approx(chance)
    assert result.ratio == pytest.approx(np.nanmean(shares) / chance)
    assert result.n_genes == len(known)


def test_p_value_is_the_share_of_orders_that_reach_as_much():
    """Four genes, one related to each: all 24 orders of names are known."""
    names, sets = list("abcd"), {"pair": ["a", "b"], "alone": ["c"], "other": ["d"]}
    similarity = np.zeros((4, 4))
    similarity[1, 0] = 1  # b tells about a
    result = gene_set_agreement(
        similarity, names, sets, n_related=1, n_permutations=5000, random_state=0
    )
    assert (result.share, result.n_genes) == (1, 1)
    assert result.chance == pytest.approx(2 / 12)
    assert result.p_value == pytest.approx(1 / 6, abs=0.02)


def test_a_gene_is_related_by_its_column_and_never_to_itself():
    names, sets = list("abcd"), {"one": ["a", "b"], "two": ["c", "d"]}
    similarity = 0.1 * np.ones((4, 4)) + 9 * np.eye(4)
    similarity[[1, 0, 3, 2], [0, 1, 2, 3]] = 1  # partners tell about each other
    similarity[2, 0] = 2  # but c tells most about a
    result = gene_set_agreement(similarity, names, sets, n_related=1)
    np.testing.assert_array_equal(result.gene_share, [0, 1, 1, 1])


def test_zero_is_no_relation():
    similarity = np.zeros((N_GENES, N_GENES))
    similarity[6, 0] = similarity[1, 0] = similarity[12, 6] = 1
    result = gene_set_agreement(similarity, GENES, SETS, n_related=5)
    assert result.n_genes == 2
    assert result.share == pytest.approx(2 / 3)
    np.testing.assert_array_equal(np.flatnonzero(~np.isnan(result.gene_share)), [0, 6])
    np.testing.assert_array_equal(result.gene_share[[0, 6]], [0.5, 1])


# -- what it does not depend on --------------------------------------------------------------
def test_order_of_genes_and_of_sets_does_not_matter():
    similarity, sets = planted_relations(1), overlapping_sets()
    order = np.random.default_rng(1).permutation(N_GENES)
    first = gene_set_agreement(similarity, GENES, sets, random_state=0)
    other = gene_set_agreement(
        similarity[np.ix_(order, order)],
        GENES[order],
        dict(reversed([(name, genes[::-1]) for name, genes in sets.items()])),
        random_state=0,
    )
    assert other[:3] == pytest.approx(first[:3])
    assert other.p_value == pytest.approx(first.p_value, abs=0.05)  # other orders are drawn
    assert other.n_genes == first.n_genes
    np.testing.assert_array_equal(other.gene_share, first.gene_share[order])


def test_genes_in_no_set_take_no_part():
    """However strongly everything is related to them."""
    similarity = np.full((N_GENES + 20, N_GENES + 20), 1e6)
    similarity[:N_GENES, :N_GENES] = planted_relations(1)
    names = [*GENES, *(f"OTHER{j}" for j in range(20))]
    result = gene_set_agreement(similarity, names, SETS, random_state=0)
    alone = gene_set_agreement(planted_relations(1), GENES, SETS, random_state=0)
    assert result[:5] == alone[:5]
    assert np.isnan(result.gene_share[N_GENES:]).all()
    np.testing.assert_array_equal(result.gene_share[:N_GENES], alone.gene_share)


def test_many_genes_are_looked_up_in_blocks_with_the_same_result(monkeypatch):
    whole = gene_set_agreement(planted_relations(1), GENES, SETS, random_state=0)
    monkeypatch.setattr("skgex._utils._blocks._BLOCK_BYTES", 8 * 7 * N_GENES)
    parts = gene_set_agreement(planted_relations(1), GENES, SETS, random_state=0)
    np.testing.assert_array_equal(parts.gene_share, whole.gene_share)
    assert parts[:5] == whole[:5]


def test_the_same_seed_gives_the_same_p_value():
    similarity = random_relations(0)
    first, again, other = (
        gene_set_agreement(similarity, GENES, SETS, random_state=seed).p_value
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_sets_of_a_gmt_file_are_those_of_the_dictionary(tmp_path):
    path = tmp_path / "sets.gmt"
    write_gmt(SETS, path)
    expected = gene_set_agreement(planted_relations(1), GENES, SETS, random_state=0)
    for file in (path, str(path)):
        result = gene_set_agreement(planted_relations(1), GENES, file, random_state=0)
        assert str(result) == str(expected)


# -- bad input -------------------------------------------------------------------------------
def test_bad_relations():
    similarity = random_relations(0)
    with pytest.raises(ValueError, match=r"square table of genes × genes .* shape \(60, 59\)"):
        gene_set_agreement(similarity[:, 1:], GENES, SETS)
    with pytest.raises(ValueError, match=r"gene_names has shape \(59,\), but .* has 60 genes"):
        gene_set_agreement(similarity, GENES[1:], SETS)
    with pytest.raises(ValueError, match="gene_names has 1 names more than once: 'GENE1A'"):
        gene_set_agreement(similarity, [GENES[1], *GENES[1:]], SETS)
    with pytest.raises(ValueError, match="numbers only"):
        gene_set_agreement(np.full((60, 60), "high"), GENES, SETS)
    with pytest.raises(ValueError, match="similarity is 0 between all 60 genes"):
        gene_set_agreement(np.eye(60), GENES, SETS)
    similarity[2, 3] = np.nan
    with pytest.raises(ValueError, match="1 NaN or infinite values, the first in row 2, column 3"):
        gene_set_agreement(similarity, GENES, SETS)


def test_bad_sets():
    similarity = random_relations(0)
    ensembl = {"set": [f"ENSG{j:011d}" for j in range(30)]}
    with pytest.raises(ValueError, match=r"gene_names has gene symbols .* has Ensembl ids"):
        gene_set_agreement(similarity, [f"{chr(65 + j % 26)}{j}X" for j in range(60)], ensembl)
    with pytest.raises(ValueError, match="gene_sets has no gene at all"):
        gene_set_agreement(similarity, GENES, {})
    with pytest.raises(ValueError, match=r"gene_sets\['set'\] is the text 'GENE1A'"):
        gene_set_agreement(similarity, GENES, {"set": "GENE1A"})
    with pytest.raises(ValueError, match="No set holds two of the 60 genes"):
        gene_set_agreement(similarity, GENES, {g: [g] for g in GENES})
    with pytest.raises(ValueError, match="n_related=10 is too large: 10 of the 60 genes are in a"):
        gene_set_agreement(similarity, GENES, {"set": GENES[:10]})
    for params in ({"n_related": 0}, {"n_permutations": 0}, {"gene_sets": [["a", "b"]]}):
        (name,) = params
        with pytest.raises(ValueError, match=f"'{name}' parameter of gene_set_agreement must be"):
            gene_set_agreement(similarity, GENES, **{"gene_sets": SETS} | params)


def test_the_labels_of_a_table_must_be_the_names_given():
    pd = pytest.importorskip("pandas", reason="tables of relations are pandas'")
    names, sets = [f"g{j}" for j in range(6)], {"a": ["g0", "g1", "g2"], "b": ["g3", "g4", "g5"]}
    values = np.kron(np.eye(2), np.ones((3, 3)))
    table = pd.DataFrame(values, index=names, columns=names)
    arguments = dict(n_related=2, n_permutations=9, random_state=0)
    assert gene_set_agreement(table, names, sets, **arguments).share == 1
    with pytest.raises(ValueError, match="columns have other names, or another order, than"):
        gene_set_agreement(table.iloc[::-1, ::-1], names, sets, **arguments)
    with pytest.raises(ValueError, match="other genes in its rows than in its columns"):
        gene_set_agreement(table.iloc[::-1], names, sets, **arguments)
