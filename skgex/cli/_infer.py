"""`skgex infer`: from a panel to full profiles."""

from pathlib import Path
from typing import Annotated

import typer

from skgex.cli import _options as options
from skgex.cli._options import Duplicates, Missing

EXAMPLE = "skgex infer --model model.skgex --data plate.gct --output full.gctx"


def infer(
    model: options.ModelFile,
    data: options.DataFile,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Profiles to write; the name's end (.csv, .tsv, .gct, .gctx, .h5ad, .npz) is "
            "the format.",
        ),
    ],
    gene_ids: options.GeneIds = None,
    missing: options.MissingGenes = Missing.error,
    duplicates: options.DuplicatedGenes = Duplicates.error,
    orientation: options.DataOrientation = None,
):
    """Infer full profiles from a panel of landmarks.

    Genes are matched by name, in any order; other genes of the file are ignored. The output holds
    the landmarks as they were measured and the inferred genes; the column `measured` of its gene
    table (not in csv and tsv) tells them apart.
    """
    from skgex.cli import _input, _panel
    from skgex.cli._input import say
    from skgex.datasets import write_expression

    _input.check_output(output, "--output")
    _input.check_suffix(data, "--data")
    if output.exists() and data.exists() and output.samefile(data):
        raise ValueError("--output is the panel file itself: name another file.")
    fitted = _panel.load_model(model)
    panel = _input.read(data, orientation=orientation, gene_ids=gene_ids)
    panel = _panel.match_ids(panel, fitted.feature_names_in_, keep=gene_ids is not None)
    X, is_missing = _panel.align_panel(
        fitted, panel, missing=missing.value, duplicates=duplicates.value
    )
    _panel.warn_of_drift(fitted, X, is_missing)
    say(f"Inferring {fitted.n_outputs_:,} genes of {len(X):,} profiles ...")
    profiles = _profiles(panel, X.loc[:, ~is_missing], fitted.predict(X), fitted.target_names_)
    write_expression(profiles, output)
    n_measured = int(profiles.gene_table["measured"].sum())
    typer.echo(
        f"{output}: {len(X):,} profiles, {n_measured:,} measured and "
        f"{profiles.X.shape[1] - n_measured:,} inferred genes."
    )


def _profiles(panel, measured, inferred, targets):
    """Measured and inferred genes side by side; of a gene that is both, the measurement."""
    import numpy as np

    from skgex.cli._input import say
    from skgex.datasets import ExpressionData

    targets = np.asarray(targets, dtype=str)
    is_new = ~np.isin(targets, np.asarray(measured.columns, dtype=str))
    if not is_new.all():
        say(f"{(~is_new).sum():,} genes to infer were measured as well: the measurement is kept.")
    values = np.concatenate([measured.to_numpy(), inferred[:, is_new]], axis=1)
    return ExpressionData(
        values.astype(inferred.dtype, copy=False),
        [*measured.columns, *targets[is_new]],
        panel.samples,
        sample_table=panel.sample_table,
        gene_table={"measured": np.arange(values.shape[1]) < measured.shape[1]},
    )
