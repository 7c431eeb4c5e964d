"""`skgex train`: one model for later use."""

import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from skgex.cli import _options as options
from skgex.cli._input import say
from skgex.cli._options import Scaling

EXAMPLE = "skgex train --data data.npz --landmarks panel.txt --output m.skgex"


def train(
    data: options.DataFile,
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="Model to write (NAME.skgex).")
    ],
    landmarks: options.Landmarks = None,
    targets: options.Targets = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="least_squares, ridge, lasso, kernel_ridge, knn, knn_gene, dgex, densenet, ggan, "
            "semigan, lsmtl, gomtl, cnmtl, amtl or amtfl.",
        ),
    ] = "ridge",
    scaling: options.GeneScaling = Scaling.standard,
    hold_out: Annotated[
        bool,
        typer.Option(
            "--hold-out/--all-profiles",
            help="Keep a tenth of the profiles aside and tell how well they are inferred, gene by "
            "gene in NAME.genes.csv beside the model; or learn from all profiles.",
        ),
    ] = True,
    group: options.Group = None,
    seed: options.Seed = 0,
    gene_ids: options.GeneIds = None,
    orientation: options.DataOrientation = None,
):
    """Train a model on a file and save it.

    The model remembers its landmarks and targets by name, so that `skgex infer` can match any
    panel to them. The file is safe to share: loading it executes nothing.
    """
    from skgex import persistence
    from skgex._utils._files import atomic_output
    from skgex.cli import _fitting, _input, _methods, _results
    from skgex.cli._task import make_task

    _input.check_output(output, "--output", (".skgex",))
    candidates = _methods.make_candidates(
        method,
        gene_scaling=scaling.value_or_none,
        random_state=seed,
        verbose=sys.stderr.isatty(),
    )
    profiles = _input.read(data, orientation=orientation, gene_ids=gene_ids)
    task = make_task(profiles, landmarks=landmarks, targets=targets)
    _say_better_ids(profiles)
    split, told = _fitting.split_task(task, group, seed)
    notes = f"{method} on {data.name}: {_input.size_of(profiles)}"
    notes += f"; scaling {scaling.value}; seed {seed}"

    say(f"Training {method} ...")
    start = perf_counter()
    X, Y = task.frames()
    candidates = _fitting.within_reach(method, candidates, task, split)
    model = _fit(candidates, X, Y, split, hold_out)
    seconds = perf_counter() - start
    say(f"Trained in {seconds:.1f} s.")
    genes_file = output.with_suffix(".genes.csv")
    if hold_out:
        result = _results.judge(
            method,
            model,
            model.predict(X.iloc[split.test]),
            task.Y[split.test],
            genes=task.target_genes,
            is_twin=task.is_twin,
            baseline=_fitting.training_means(task, split),
            fit_seconds=seconds,
        )
        say("")
        for table in _results.tables([result]):
            typer.echo(_results.as_text(*table))
        notes += f"; {told}; MAE {result.relative:.1%} of the mean predictor's on test profiles"
        with atomic_output(genes_file) as temporary:  # in place only once the model is
            result.genes.to_csv(temporary, index=False)
            persistence.save(model, output, notes=notes)
    else:
        persistence.save(model, output, notes=f"{notes}; all profiles")
    say(f"Model: {output}" + (f"; its genes: {genes_file}" if hold_out else ""))


def _say_better_ids(data):
    """Name the columns by whose ids other files would match the model, if its own are unusual."""
    from skgex.cli._task import names_genes

    named = [name for name, values in data.gene_table.items() if names_genes(values)]
    if named and data.gene_id_kind == "unknown":
        say(
            f"Panels will be matched by ids such as {data.genes[0]}. To match them by other ids, "
            f"pass --gene-ids with a column of the gene table: {', '.join(named)}."
        )


def _fit(candidates, X, Y, split, hold_out):
    """The best candidate, fitted on the training profiles or refitted on all."""
    from sklearn.base import clone

    from skgex.model_selection import select_candidate

    best = 0
    if hold_out or len(candidates) > 1:
        rows = (split.train, split.validation)
        (X_train, X_val), (Y_train, Y_val) = ([Z.iloc[r] for r in rows] for Z in (X, Y))
        model, best, *_ = select_candidate(candidates, X_train, Y_train, X_val, Y_val)
    return model if hold_out else clone(candidates[best]).fit(X, Y)
