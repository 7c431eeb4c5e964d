"""Delimited text, plain or gzip-compressed: opened, read with every row checked, written."""

import csv
import gzip
import io
from contextlib import contextmanager

import numpy as np

from skgex._utils._optional import optional

_CUT = (
    "The last line does not end with a line break: if the file was cut short, its last value is "
    "cut too and rows may be absent."
)


def open_text(path):
    """Open a text file for reading; gzip is recognised by content, not by name."""
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return (gzip.open if compressed else open)(path, "rt", encoding="utf-8-sig")


@contextmanager
def text_output(path):
    """Open a text file for writing, compressed when its name ends in .gz."""
    with open(path, "wb") as file:
        if str(path).endswith(".gz"):
            # Neither time nor name in the header: the same data give the same bytes.
            file = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6)
        with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
            yield text


def split_fields(line, delimiter, quotes):
    """Fields of one line; GCT knows no quotes, csv does."""
    line = line.rstrip("\r\n")
    if quotes and '"' in line:
        return next(csv.reader([line], delimiter=delimiter))
    return line.split(delimiter)


class _NumericBody(io.TextIOBase):
    """What pandas' parser sees of a table: its numbers alone.

    Every row is checked for its number of fields, which pandas would fill up silently, and its
    leading ids are put aside.
    """

    def __init__(self, lines, delimiter, n_ids, n_fields, line_number, quotes):
        self.lines, self.delimiter, self.quotes = lines, delimiter, quotes
        self.n_ids, self.n_fields, self.line_number = n_ids, n_fields, line_number
        self.ids, self.is_ended = [], True

    def readable(self):
        return True

    def read(self, size=-1):
        chunk, length = [], 0
        while (size < 0 or length < size) and (line := self.lines.readline()):
            self.line_number += 1
            if numbers := self._numbers(line):
                chunk.append(numbers)
                length += len(numbers)
        return "".join(chunk)

    def _numbers(self, line):
        if not line.strip():
            return ""
        if self.quotes and '"' in line:
            fields = split_fields(line, self.delimiter, quotes=True)
            n_fields, ids, numbers = len(fields), fields[: self.n_ids], fields[self.n_ids :]
            if text := [field for field in numbers if self.delimiter in field]:
                raise ValueError(
                    f"line {self.line_number} holds the text {text[0]!r} where a number is "
                    "expected."
                )
            numbers = self.delimiter.join(numbers) + line[len(line.rstrip("\r\n")) :]
        else:
            n_fields = line.count(self.delimiter) + 1
            *ids, numbers = line.split(self.delimiter, self.n_ids)
        if self.n_fields is None:
            self.n_fields = n_fields
        if n_fields != self.n_fields or n_fields <= self.n_ids:
            least = self.n_ids + 1
            expected = self.n_fields if self.n_fields >= least else f"at least {least}"
            raise ValueError(
                f"line {self.line_number} has {n_fields} fields where {expected} are "
                "expected; the file is truncated or damaged, or has another separator."
            )
        self.ids.append(ids)
        self.is_ended = numbers.endswith("\n")
        return numbers if self.is_ended else numbers + "\n"


def read_numbers(lines, delimiter, *, n_ids=1, n_fields=None, line_number=0, quotes=False):
    """Read the rest of a table: some ids, then numbers, in every row.

    Parameters
    ----------
    lines : text file
        Positioned at the first row.

    delimiter : str
        What separates the fields.

    n_ids : int, default=1
        Number of leading text fields.

    n_fields : int, default=None
        Number of fields of every row; None takes it from the first.

    line_number : int, default=0
        Number of lines read before, for messages.

    quotes : bool, default=False
        Whether double quotes protect a field.

    Returns
    -------
    ids : list of n_ids ndarrays of str of shape (n_rows,)

    numbers : DataFrame of shape (n_rows, n_fields - n_ids)
        Not yet checked for text, see :func:`as_matrix`.

    notes : list of str
        What speaks for a file cut within its last number.
    """
    pandas = optional("pandas", "Reading csv, tsv and gct files")
    body = _NumericBody(lines, delimiter, n_ids, n_fields, line_number, quotes)
    try:
        frame = pandas.read_csv(
            body, sep=delimiter, header=None, na_values=["na"], quoting=csv.QUOTE_NONE,
            low_memory=False, index_col=False, skip_blank_lines=False,
        )  # fmt: skip
    except pandas.errors.EmptyDataError:
        raise ValueError("it holds no rows of values; the file is truncated.") from None
    ids = [np.array(column, dtype=str) for column in zip(*body.ids, strict=True)]
    notes = [] if body.is_ended else [_CUT]
    return ids, frame, notes


def as_matrix(frame, row_names, column_names):
    """Values of a parsed table as float32, or a sentence that names the first text among them."""
    pandas = optional("pandas", "Reading csv, tsv and gct files")
    for position in np.flatnonzero([dtype.kind not in "iuf" for dtype in frame.dtypes]):
        column = frame.iloc[:, position]
        numbers = pandas.to_numeric(column.astype(str), errors="coerce")
        if (text := numbers.isna() & column.notna()).any():
            row = int(np.argmax(text))
            raise ValueError(
                f"column {str(column_names[position])!r} holds the text "
                f"{str(column.iloc[row])!r} in row {str(row_names[row])!r} where a number is "
                "expected; leave out columns of text, and write NA for a missing value."
            )
        frame = frame.astype({frame.columns[position]: np.float64})
    return frame.to_numpy(dtype=np.float32)


def number_texts(row):
    """Shortest texts that give the numbers back; NaN is written NA."""
    texts = row.astype(str).tolist()
    return ["NA" if text == "nan" else text for text in texts]
