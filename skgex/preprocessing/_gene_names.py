"""What can be told from gene names alone."""

import re
from collections import Counter

_VERSION = re.compile(r"(ENS[A-Z]*[EGPT]\d+)\.\d+")

# First match wins.
_KINDS = {
    "Ensembl ids": re.compile(r"ENS[A-Z]*[EGPT]\d{6,}(\.\d+)?"),
    "Affymetrix probe sets": re.compile(r"(AFFX-)?\w+_at"),
    "Entrez ids": re.compile(r"\d+"),
    "RefSeq ids": re.compile(r"[NX][MR]_\d+(\.\d+)?"),
    "gene symbols": re.compile(r"[A-Za-z][A-Za-z0-9./@-]*"),
}


def repeated(names):
    """Names that occur more than once, each told once, in order of appearance."""
    return [name for name, count in Counter(names).items() if count > 1]


def without_version(name):
    """An Ensembl id without its version; any other name as it is.

    >>> without_version("ENSG00000141510.18"), without_version("RP11-34P13.7")
    ('ENSG00000141510', 'RP11-34P13.7')
    """
    match = _VERSION.fullmatch(name)
    return match[1] if match else name


def kind(names):
    """What most of the names look like, for example 'Ensembl ids'."""
    kinds = Counter(
        next((kind for kind, look in _KINDS.items() if look.fullmatch(name)), "other names")
        for name in names
    )
    return kinds.most_common(1)[0][0] if kinds else "no names"
