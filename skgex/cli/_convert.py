"""`skgex convert`: an expression file in another format."""

from pathlib import Path
from typing import Annotated

import typer

from skgex.cli import _options as options

EXAMPLE = "skgex convert counts.csv.gz counts.gctx --orientation genes-in-rows"


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help=f"Expression file ({options.FORMATS}).")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="File to write; its name tells the format.")
    ],
    gene_ids: options.GeneIds = None,
    orientation: options.DataOrientation = None,
):
    """Write an expression file in another format.

    Its sample and gene tables are kept (csv and tsv have no place for them), and missing values
    stay missing.
    """
    from skgex.cli import _input
    from skgex.datasets import write_expression

    _input.check_output(target, "OUT")
    data = _input.read(source, option="IN", orientation=orientation, gene_ids=gene_ids)
    write_expression(data, target)
    typer.echo(f"{target}: {data.X.shape[0]:,} samples x {data.X.shape[1]:,} genes.")
