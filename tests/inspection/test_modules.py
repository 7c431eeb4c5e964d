"""Sizes, genes, enrichment and stability of modules: formulas, planted modules, bad input."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import NMF
from sklearn.exceptions import NotFittedError

from skgex import KSVD, KSVDRegressor
from skgex.inspection import (
    enrichment,
    match_modules,
    module_enrichment,
    module_genes,
    module_sizes,
    module_stability,
)

GENES = np.array([f"GENE{j}A" for j in range(300)])
SETS = {f"set {k}": GENES[10 * k : 10 * k + 10].tolist() for k in range(20)}


def random_modules(seed, n_modules=10, size=20):
    rng = np.random.default_rng(seed)
    return {f"m{k}": rng.choice(GENES, size, replace=False).tolist() for k in range(n_modules)}


def random_components(seed, n_modules=8, n_genes=30):
    return np.random.default_rng(seed).normal(size=(n_modules, n_genes))


# -- sizes and genes -------------------------------------------------------------------------
def test_effective_size_counts_equal_genes_and_discounts_weak_ones():
    sizes = module_sizes([[1, -1, 1, 0], [8, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(sizes.nonzero, [3, 3, 0, 1])
    weak = np.exp(-(0.8 * np.log(0.8) + 0.2 * np.log(0.1)))
    np.testing.assert_allclose(sizes.effective, [3, weak, 0, 1])


def test_module_genes_are_the_fewest_that_hold_the_share_of_the_norm():
    components = random_components(0)
    for share in (0.2, 0.5, 0.9):
        found = module_genes(components, GENES[:30], share=share)
        for k, u in enumerate(components):
            genes = found[f"module{k}"]
            held = np.append(0, np.sort(u**2)[::-1].cumsum()) / np.sum(u**2)
            assert held[len(genes)] >= share > held[len(genes) - 1]
            np.testing.assert_array_equal(genes, GENES[np.argsort(-np.abs(u))[: len(genes)]])


def test_module_genes_do_not_depend_on_scale_and_sign():
    components = random_components(1)
    expected = module_genes(components, GENES[:30])
    assert module_genes(-1e-170 * components, GENES[:30]) == expected
    assert module_genes(torch.tensor(1e9 * components), GENES[:30]) == expected


def test_the_whole_norm_is_held_by_all_genes_with_a_loading():
    (genes,) = module_genes([[0.0, 1e-12, 1, -2]], [*"abcd"], share=1).values()
    assert genes == ("d", "c", "b")


def test_half_of_equal_genes_hold_half_of_the_norm():
    for n_genes in range(2, 40, 2):
        (genes,) = module_genes(np.full((1, n_genes), 0.1), GENES[:n_genes]).values()
        assert len(genes) == n_genes // 2


def test_a_fitted_dictionary_brings_the_names_of_genes_and_modules():
    pd = pytest.importorskip("pandas", reason="tables with gene names are pandas'")
    profiles = pd.DataFrame(np.abs(random_components(2, 40)), columns=GENES[:30])
    for dictionary in (KSVD(5, n_nonzero=2, random_state=0), NMF(5, max_iter=1000)):
        dictionary.fit(profiles)
        found = module_genes(dictionary)
        assert list(found) == list(dictionary.get_feature_names_out())
        by_hand = module_genes(dictionary.components_, GENES[:30])
        assert list(found.values()) == list(by_hand.values())


# -- enrichment ------------------------------------------------------------------------------
def test_planted_modules_are_enriched_and_random_ones_are_not():
    modules = random_modules(0) | {f"planted {k}": SETS[f"set {k}"][2:] for k in range(6)}
    found = module_enrichment(modules, SETS, background=GENES, random_state=0)
    np.testing.assert_array_equal(found.enriched, np.arange(16) >= 10)
    assert found.share == 6 / 16
    assert (found.n_modules, found.n_best_sets) == (16, 6)
    assert found.p_value == 1 / 201
    assert found.chance < 0.02


def test_modules_are_enriched_as_the_table_of_all_their_tests_says():
    """Among modules of any size, some of which hold a part of a set."""
    rng = np.random.default_rng(3)
    modules = random_modules(3, 40, 12)
    for k, name in enumerate(modules):
        modules[name] += SETS[f"set {k % 20}"][: rng.integers(0, 10)]
    found = module_enrichment(modules, SETS, background=GENES, n_permutations=1)
    table = enrichment(modules, SETS, background=GENES).table
    below = np.asarray(table["q_value"]) < 0.05
    expected = set(np.asarray(table["list"])[below])
    assert 5 < len(expected) < 35
    assert {name for name, is_in in zip(modules, found.enriched, strict=True) if is_in} == expected


def test_modules_that_are_all_the_same_have_one_best_set():
    modules = {f"m{k}": [*SETS["set 3"], GENES[250 + k]] for k in range(12)}
    found = module_enrichment(modules, SETS, background=GENES, n_permutations=20)
    assert (found.share, found.n_best_sets) == (1, 1)


def test_chance_is_that_of_random_modules_of_the_same_sizes():
    """Modules that overlap are enriched together: by chance too, as they keep their overlaps."""
    modules = {name: genes[:4] for name, genes in random_modules(0, 1).items()}
    modules = {f"m{k}": modules["m0"] for k in range(5)}
    found = module_enrichment(
        modules, SETS, background=GENES, alpha=0.4, n_permutations=500, random_state=0
    )
    again = [
        module_enrichment(
            dict.fromkeys(modules, random_modules(seed, 1, 4)["m0"]),
            SETS,
            background=GENES,
            alpha=0.4,
            n_permutations=1,
        ).share
        for seed in range(500)
    ]
    assert set(again) == {0, 1}
    assert found.chance == pytest.approx(np.mean(again), abs=0.08)
    assert found.chance_std == pytest.approx(np.std(again), abs=0.1)


def test_p_values_of_random_modules_are_not_too_small():
    p_values = [
        module_enrichment(
            random_modules(seed), SETS, background=GENES, alpha=0.3, n_permutations=39
        ).p_value
        for seed in range(60)
    ]
    assert np.mean(np.array(p_values) <= 0.1) < 0.25


def test_the_same_seed_gives_the_same_chance():
    first, again, other = (
        module_enrichment(
            random_modules(0), SETS, background=GENES, alpha=0.4, random_state=seed
        ).chance
        for seed in (0, 0, 1)
    )
    assert first == again != other


# -- stability -------------------------------------------------------------------------------
def test_modules_in_another_order_scale_and_sign_are_matched():
    first = random_components(0)
    order = np.random.default_rng(1).permutation(8)
    second = (first * np.array([1, -2, 3, -4, 5, -6, 7, -8])[:, np.newaxis])[order]
    match = match_modules(first, second)
    np.testing.assert_array_equal(order[match.pairs[:, 1]], match.pairs[:, 0])
    np.testing.assert_allclose(match.similarity, 1)
    assert match.mean == pytest.approx(1)
    assert match.others < 0.3


@pytest.mark.parametrize(
    "dtype, unit", [(np.float32, 1e-30), (np.float32, 1e30), (np.float64, 1e-200)]
)
def test_similarities_do_not_depend_on_the_unit_of_loadings(dtype, unit):
    first, second = random_components(0), random_components(1)
    expected = match_modules(first, second)
    found = match_modules((unit * first).astype(dtype), (unit * second).astype(dtype))
    np.testing.assert_array_equal(found.pairs, expected.pairs)
    np.testing.assert_allclose(found.similarity, expected.similarity, rtol=1e-5)


def test_the_sum_of_similarities_is_largest_not_each_in_turn():
    """The best pair alone would leave two modules that have nothing in common."""
    first, second = [[1, 0, 0], [0.8, 0.6, 0]], [[0.9, 0.1, 0], [0.5, 0, 0.5]]
    match = match_modules(first, second)
    np.testing.assert_array_equal(match.pairs, [[0, 1], [1, 0]])


def test_a_module_without_a_counterpart_counts_as_unlike():
    first = np.eye(4)
    match = match_modules(first, first[:3])
    assert match.mean == 0.75
    assert (len(match.pairs), match.others) == (3, 0)
    assert match_modules(first[:3], first).mean == 0.75
    assert match_modules(first, [*first[:3], [0, 0, 0, 0]]).mean == 0.75


def test_modules_that_all_resemble_each_other_show_in_the_others():
    first, second = 5 + random_components(0), 5 + random_components(1)
    match = match_modules(first, second)
    assert match.mean > match.others > 0.9


def test_stability_is_the_mean_over_pairs_of_fits():
    fits = [random_components(seed) for seed in range(3)]
    pairs = [match_modules(fits[i], fits[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    mean, others = module_stability(fits)
    assert mean == pytest.approx(np.mean([pair.mean for pair in pairs]))
    assert others == pytest.approx(np.mean([pair.others for pair in pairs]))


# -- bad input -------------------------------------------------------------------------------
def test_bad_dictionaries():
    with pytest.raises(NotFittedError):
        module_sizes(KSVD(5))
    profiles = random_components(0, 20)
    regressor = KSVDRegressor(random_state=0, n_modules=5, n_nonzero=2)
    regressor.fit(profiles[:, :10], profiles)
    with pytest.raises(ValueError, match="dictionary is a KSVDRegressor, which has no modules"):
        module_sizes(regressor)
    assert len(module_sizes(regressor.dictionary_).nonzero) == 5
    with pytest.raises(ValueError, match="contains NaN"):
        module_sizes([[1, np.nan]])
    with pytest.raises(ValueError, match="modules of first have 3 genes, those of second 2"):
        match_modules(np.eye(3), np.eye(2))
    with pytest.raises(ValueError, match="dictionaries has 1 fits"):
        module_stability([np.eye(3)])


def test_bad_genes_of_modules():
    with pytest.raises(ValueError, match="gene_names is None"):
        module_genes(np.eye(3))
    with pytest.raises(ValueError, match=r"gene_names has shape \(2,\), but modules have 3 genes"):
        module_genes(np.eye(3), ["a", "b"])
    for share in (0, 1.1):
        with pytest.raises(ValueError, match="'share' parameter of module_genes must be"):
            module_genes(np.eye(3), [*"abc"], share=share)
    with pytest.raises(ValueError, match=r"modules\['b'\] is empty"):
        module_enrichment({"a": GENES[:3], "b": []}, SETS, background=GENES)
    with pytest.raises(ValueError, match=r"None of the 1 genes of modules\['b'\]"):
        module_enrichment({"a": GENES[:3], "b": ["x"]}, SETS, background=GENES)
    for params in ({"modules": [["a"]]}, {"alpha": 0.6}, {"n_permutations": 0}):
        (name,) = params
        with pytest.raises(ValueError, match=f"'{name}' parameter of module_enrichment must be"):
            module_enrichment(
                **{"modules": {"a": GENES[:3]}, "gene_sets": SETS, "background": GENES} | params
            )
