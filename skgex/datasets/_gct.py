"""GCT 1.2 and 1.3, the Connectivity Map's text format: genes in rows, annotated on both sides."""

import csv

import numpy as np

from ._expression import ExpressionData
from ._metadata import format_column, is_missing_text, parse_column
from ._text import as_matrix, number_texts, open_text, read_numbers, text_output


def read_gct(path):
    """Read a GCT file; its declared dimensions are checked, never trusted."""
    with open_text(path) as lines:
        version, n_genes, n_samples, n_gene_fields, n_sample_fields = _declaration(lines)
        header = _fields(lines)
        n_ids = 1 + n_gene_fields
        if len(header) != n_ids + n_samples:
            raise ValueError(
                f"line 2 declares {n_samples} samples and {n_gene_fields} gene columns, which "
                f"makes {n_ids + n_samples} fields, but the header has {len(header)}."
            )
        sample_table = {}
        for _ in range(n_sample_fields):
            name, *values = _fields(lines)
            if len(values) != len(header) - 1:
                raise ValueError(
                    f"the sample annotation {name!r} has {len(values) + 1} fields where "
                    f"{len(header)} are expected; the file is truncated or damaged."
                )
            sample_table[name] = parse_column(values[n_gene_fields:])
        (genes, *described), frame, notes = read_numbers(
            lines, "\t", n_ids=n_ids, n_fields=len(header), line_number=3 + n_sample_fields
        )
    if len(genes) != n_genes:
        raise ValueError(f"line 2 declares {n_genes} genes, but the body has {len(genes)} rows.")
    samples = np.array(header[n_ids:], dtype=str)
    gene_table = dict(zip(header[1:n_ids], map(parse_column, described), strict=True))
    if np.array_equal(sample_table.get("id"), samples):
        del sample_table["id"]
    if version == "#1.2" and is_missing_text(described[0]).all():
        gene_table = {}
    X = np.ascontiguousarray(as_matrix(frame, genes, samples).T)
    note = f"Orientation: genes-in-rows, as GCT {version[1:]} prescribes."
    return ExpressionData(X, genes, samples, sample_table, gene_table, (note, *notes))


def _declaration(lines):
    """First two lines: version, numbers of genes, samples, gene columns, sample rows."""
    version = lines.readline().strip()
    if version not in ("#1.2", "#1.3"):
        raise ValueError(f"its first line is {version[:40]!r}, expected '#1.2' or '#1.3'.")
    declared = lines.readline().strip()
    sizes = [int(size) for size in declared.split() if size.isdecimal()]
    if len(sizes) != (4 if version == "#1.3" else 2) or len(sizes) != len(declared.split()):
        raise ValueError(f"its second line must give the dimensions, but is {declared[:80]!r}.")
    return (version, *sizes) if version == "#1.3" else (version, *sizes, 1, 0)


def _fields(lines):
    if not (line := lines.readline()):
        raise ValueError("it ends before its first row of values; the file is truncated.")
    return line.rstrip("\r\n").split("\t")


def write_gct(data, path):
    """Write GCT 1.3 with both tables."""
    genes, samples = data.genes.tolist(), data.samples.tolist()
    gene_columns = [format_column(values).tolist() for values in data.gene_table.values()]
    with text_output(path) as file:
        # Without quoting, a tab or line break inside an id is refused instead of written.
        writer = csv.writer(
            file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
        )
        try:
            writer.writerow(["#1.3"])
            writer.writerow(
                [len(genes), len(samples), len(data.gene_table), len(data.sample_table)]
            )
            writer.writerow(["id", *data.gene_table, *samples])
            for name, values in data.sample_table.items():
                writer.writerow([name, *["na"] * len(gene_columns), *format_column(values)])
            for gene, row, *described in zip(genes, data.X.T, *gene_columns, strict=True):
                writer.writerow([gene, *described, *number_texts(row)])
        except csv.Error as error:
            raise ValueError(
                "An id or a column name contains a tab or a line break, which GCT cannot hold; "
                "rename it, or write npz."
            ) from error
