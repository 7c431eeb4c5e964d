"""Columns of the sample and gene tables: between the text of a file and typed arrays."""

import re

import numpy as np

# -666 is how the Connectivity Map's files say "not known".
_MISSING = ("", "na", "n/a", "nan", "-666", "-666.0")
# An exponent needs its sign, or a well called 1E02 would become the number 100.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]\d+)?")
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,14})")
_CODE = re.compile(r"[+-]?0\d.*")


def is_missing_text(texts):
    """Mask of the entries that say "not known"."""
    return np.isin(np.char.lower(np.char.strip(texts)), _MISSING)


def parse_column(texts):
    """Give a column of text its type: bool, integer, float with NaN, or text with ``""``.

    Codes with leading zeros (007) stay text.
    """
    texts = np.asarray(texts, dtype=str)
    values, where = np.unique(texts, return_inverse=True)
    missing = is_missing_text(values)
    present = values[~missing].tolist()
    if present and {value.lower() for value in present} <= {"true", "false"} and all(~missing):
        return (np.char.lower(values) == "true")[where]
    if present and all(map(_INTEGER.fullmatch, present)) and all(~missing):
        return values.astype(np.int64)[where]
    if all(_NUMBER.fullmatch(value) and not _CODE.fullmatch(value) for value in present):
        return np.where(missing, "nan", values).astype(np.float64)[where]
    return np.where(missing, "", values)[where]


def without_missing_code(values):
    """Replace -666 in a typed column: NaN among numbers, ``""`` among texts."""
    values = np.asarray(values)
    if values.dtype.kind in "iuf" and np.any(values == -666):
        return np.where(values == -666, np.nan, values)
    if values.dtype.kind == "U":
        return np.where(is_missing_text(values), "", values)
    return values


def format_column(values):
    """Text of a column for a tab-separated file: missing entries are written NA."""
    texts = np.asarray(values).astype(str)
    # A tab or line break inside a text would shift every field behind it.
    texts = np.array([" ".join(re.split(r"[\t\r\n]", text)) for text in texts.tolist()], dtype=str)
    return np.where(is_missing_text(texts), "NA", texts)
