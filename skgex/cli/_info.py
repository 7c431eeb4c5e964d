"""`skgex info`: what a file is, in plain words."""

from pathlib import Path
from typing import Annotated

import typer

from skgex.cli import _options as options

EXAMPLE = "skgex info expression.h5ad"


def info(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help=f"Expression file ({options.FORMATS}), model (.skgex) or gene sets (.gmt).",
        ),
    ],
    orientation: options.DataOrientation = None,
):
    """Say in plain words what a file holds."""
    name = file.name.lower().removesuffix(".gz")
    if not file.exists():
        raise FileNotFoundError(f"There is no file {str(file)!r}.")
    if name.endswith(".skgex"):
        lines = _of_model(file)
    elif name.endswith(".gmt"):
        lines = _of_gene_sets(file)
    else:
        lines = _of_expression(file, orientation)
    for line in lines:
        typer.echo(line)


def _of_expression(file, orientation):
    import numpy as np

    from skgex.cli._input import check_suffix
    from skgex.datasets import read_expression

    check_suffix(file, "FILE")
    data = read_expression(file, missing="keep", orientation=orientation)
    yield f"{file}: an expression file."
    yield from data.notes
    if np.isfinite(data.X).any():
        finite = data.X[np.isfinite(data.X)]
        low, middle, high = np.quantile(finite, [0, 0.5, 1])
        yield f"Values from {low:.4g} to {high:.4g}, half of them below {middle:.4g}."
    for what, table in (("sample", data.sample_table), ("gene", data.gene_table)):
        if table:
            yield f"Columns of the {what} table:"
            yield from (f"  {name}: {_column(values)}" for name, values in table.items())


def _column(values):
    """A column in a few words."""
    import numpy as np

    if values.dtype.kind == "b":
        return f"true for {values.sum():,} of {len(values):,}"
    is_number = values.dtype.kind in "iuf"
    known = values[np.isfinite(values) if is_number else values.astype(str) != ""]
    missing = f"; {len(values) - len(known):,} missing" * (len(known) < len(values))
    if not len(known):
        return "missing throughout"
    if is_number:
        return f"numbers from {known.min():.4g} to {known.max():.4g}{missing}"
    distinct = np.unique(known.astype(str)).tolist()
    if len(distinct) == 1:
        return f"{distinct[0]!r}{missing or ' throughout'}"
    return f"{len(distinct):,} different, such as {distinct[0]!r} and {distinct[-1]!r}{missing}"


def _of_model(file):
    from skgex import persistence

    found = persistence.describe(file)
    yield f"{file}: a model, {found['class'].rpartition('.')[-1]}."
    if found["notes"]:
        yield f"Notes: {found['notes']}."
    for what, names in (
        ("measures", found["feature_names"]),
        ("infers", found["target_names"]),
    ):
        if names:
            yield f"It {what} {len(names):,} genes: {', '.join(names[:5])}, ..."
        else:
            yield f"It does not name the genes it {what}."
    yield f"Saved with {', '.join(' '.join(item) for item in found['versions'].items())}."


def _of_gene_sets(file):
    import numpy as np

    from skgex.datasets import read_gmt

    sets = read_gmt(file)
    if not sets:
        raise ValueError(f"{str(file)!r} holds no gene set.")
    sizes = [len(genes) for genes in sets.values()]
    yield f"{file}: {len(sets):,} gene sets of {min(sizes):,} to {max(sizes):,} genes."
    n_genes = len(set().union(*sets.values()))
    yield f"{n_genes:,} different genes; half of the sets have {np.median(sizes):g} or fewer."
    yield f"For example {next(iter(sets))}: {', '.join(next(iter(sets.values()))[:5])}, ..."
