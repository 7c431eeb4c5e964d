"""Options that several commands share, each described once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Scaling(StrEnum):
    """Per-gene scaling, as typed."""

    standard = "standard"
    rank_gaussian = "rank-gaussian"
    none = "none"

    @property
    def value_or_none(self):
        """What the estimators' ``gene_scaling`` takes."""
        return None if self is Scaling.none else self.value


class Orientation(StrEnum):
    """Which axis of a table holds the samples."""

    samples_in_rows = "samples-in-rows"
    genes_in_rows = "genes-in-rows"


class Missing(StrEnum):
    """What to do about landmarks that a panel lacks."""

    error = "error"
    mean = "mean"


class Duplicates(StrEnum):
    """What to do about landmarks that a panel holds several times."""

    error = "error"
    mean = "mean"
    first = "first"


def _option(type, *names, help, metavar=None, min=None):
    return Annotated[type, typer.Option(*names, help=help, metavar=metavar, min=min)]


FORMATS = "npz, csv, tsv, gct, gctx or h5ad; text may be gzipped"

DataFile = _option(Path, "--data", metavar="FILE", help=f"Expression file ({FORMATS}).")
ModelFile = _option(Path, "--model", metavar="FILE", help="Model that `skgex train` saved.")
Landmarks = _option(
    str | None,
    "--landmarks",
    metavar="FILE|COLUMN",
    help="The measured genes: a text file with a gene a line, a tsv with a column of genes, or "
    "the name of a true/false column of the file's gene table.",
)
Targets = _option(
    str | None,
    "--targets",
    metavar="COLUMN",
    help="True/false column of the gene table that marks the genes to infer. Default: all genes "
    "that are no landmarks.",
)
Group = _option(
    str | None,
    "--group",
    metavar="COLUMN",
    help="Column of the sample table, such as study: whole groups are held out, which tells how "
    "well a study never seen is inferred.",
)
GeneScaling = _option(
    Scaling,
    "--scaling",
    help="Scale of each gene while learning. rank-gaussian suits heavy-tailed data.",
)
Seed = _option(int, "--seed", metavar="N", min=0, help="Seed of everything random.")
GeneIds = _option(
    str | None,
    "--gene-ids",
    metavar="COLUMN",
    help="Column of the gene table to name the genes by, such as symbol.",
)
DataOrientation = _option(
    Orientation | None,
    "--orientation",
    help="Which way round a csv or tsv file is. Default: told from the ids, or asked for.",
)
MissingGenes = _option(
    Missing,
    "--missing",
    help="Landmarks that the file lacks: refuse the file, or fill in their training means.",
)
DuplicatedGenes = _option(
    Duplicates,
    "--duplicates",
    help="Genes that the file holds several times: refuse it, average them, or take the first.",
)
Report = _option(
    Path | None,
    "--report",
    metavar="FOLDER",
    help="Folder for report.html (one self-contained page), tables and pictures.",
)
