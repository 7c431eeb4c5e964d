"""Gene and sample identifiers: one representation, and a guess at what kind they are."""

import re
from collections import Counter

import numpy as np

_PATTERNS = {
    "Ensembl gene": re.compile(r"ENS[A-Z]{0,6}G\d{11}(\.\d+)?"),
    "HG-U133 probe": re.compile(r"(\d{4,7}|AFFX-[\w.-]+?)(_[a-z])?_at"),
    "Entrez": re.compile(r"[1-9]\d{0,8}"),
    "symbol": re.compile(r"[A-Z][A-Za-z0-9]*([-.][A-Za-z0-9]+)*"),
}
_IN_WORDS = {
    "Ensembl gene": "Ensembl ids",
    "HG-U133 probe": "Affymetrix probe sets",
    "Entrez": "Entrez ids",
    "symbol": "gene symbols",
    "unknown": "names of no known kind",
}
_ENOUGH = 0.9
_VERSION = re.compile(r"(ENS[A-Z]*[EGPT]\d+)\.\d+")
_STEM = re.compile(r"[A-Za-z]*")


def as_ids(values):
    """Identifiers as a one-dimensional array of text: bytes decoded, 5720.0 written as 5720."""
    values = np.asarray(values)
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8")
    if values.dtype.kind == "f":
        return np.array([f"{v:.0f}" if v.is_integer() else str(v) for v in values.tolist()], str)
    if values.dtype.kind == "O":
        values = np.array([v.decode() if isinstance(v, bytes) else str(v) for v in values.flat])
    return values.astype(str)


def guess_id_kind(names):
    """Guess which vocabulary a list of names is written in.

    A kind is named when at least nine names in ten have its form. Two lookalikes are told
    apart: row numbers (1, 2, 3, ...) are no Entrez ids, and names with few different stems, such
    as ``S1, S2, S3``, are no symbols.

    Parameters
    ----------
    names : array-like of str of shape (n_names,)
        Gene ids, or whatever may be gene ids.

    Returns
    -------
    kind : {"Ensembl gene", "HG-U133 probe", "Entrez", "symbol", "unknown"}
        The kind of the majority. "Ensembl gene" allows version suffixes, "HG-U133 probe" stands
        for all Affymetrix 3' array probe sets.

    Examples
    --------
    >>> from skgex.datasets import guess_id_kind
    >>> guess_id_kind(["ENSG00000141510.17", "ENSG00000012048"])
    'Ensembl gene'
    >>> guess_id_kind(["TP53", "BRCA1", "HLA-DRB1"])
    'symbol'
    >>> guess_id_kind(["sample_1", "sample_2"])
    'unknown'
    """
    names = as_ids(names).tolist()
    for kind, pattern in _PATTERNS.items():
        n_matching = sum(pattern.fullmatch(name) is not None for name in names)
        if names and n_matching >= _ENOUGH * len(names) and not _counted(names, kind):
            return kind
    return "unknown"


def kind_in_words(names):
    """What the names look like, as a sentence says it: 'Ensembl ids', 'gene symbols'."""
    return _IN_WORDS[guess_id_kind(names)]


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


def _counted(names, kind):
    """Whether names of the form of ``kind`` were rather made by counting."""
    if kind == "Entrez":
        numbers = {int(name) for name in names if name.isdecimal()}
        return len(numbers) > 1 and max(numbers) - min(numbers) < 1.1 * len(names)
    if kind == "symbol":
        stems = {_STEM.match(name).group() for name in names}
        # Symbols come in thousands of families (ABCB1, BRCA1, CCND1): 2 stems in 5 names over
        # an array, fewer over a whole genome with its many RP11-, LINC and ZNF genes.
        n = len(set(names))
        return len(stems) <= min(n / 2, 5 + n / 4, 1000)
    return False
