"""guess_id_kind tells vocabularies apart, and genes from names made by counting."""

import numpy as np
import pytest

from skgex.datasets import guess_id_kind

SYMBOLS = ["TP53", "BRCA1", "HLA-DRB1", "C1orf112", "MT-CO1", "RP11-368I23.2", "Trp53", "A2M"]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["ENSG00000141510", "ENSG00000012048.23", "ENSMUSG00000059552"], "Ensembl gene"),
        (["200814_at", "218597_s_at", "AFFX-BioB-5_at", "39402_at"], "HG-U133 probe"),
        (["5720", "55847", "7416", "672"], "Entrez"),
        (SYMBOLS, "symbol"),
        ([f"GSM{i}" for i in range(100, 160)], "unknown"),
        ([f"S{i}" for i in range(60)], "unknown"),
        (["GSM1", "GSM2"], "unknown"),
        (["Control1", "Control2", "Treated1", "Treated2"], "unknown"),
        ([f"TCGA-{i:02d}-A9KO" for i in range(60)], "unknown"),
        ([f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)], "unknown"),
        ([str(i) for i in range(1, 40)], "unknown"),
        (["patient 1", "patient 2"], "unknown"),
        ([], "unknown"),
    ],
)
def test_kind(names, kind):
    assert guess_id_kind(names) == kind


def test_a_few_odd_names_do_not_change_the_kind():
    names = [f"ENSG{i:011d}" for i in range(95)] + ["__no_feature"] * 5
    assert guess_id_kind(names) == "Ensembl gene"
    assert guess_id_kind(names + ["__ambiguous"] * 20) == "unknown"


def test_numbers_and_bytes_are_read_as_text():
    assert guess_id_kind(np.array([5720.0, 55847.0])) == "Entrez"
    assert guess_id_kind(np.array([b"TP53", b"BRCA1"])) == "symbol"
