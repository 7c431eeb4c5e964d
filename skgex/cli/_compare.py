"""`skgex compare`: several methods on one file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from skgex.cli import _options as options
from skgex.cli._options import Scaling

EXAMPLE = "skgex compare --data data.gctx --methods ridge,knn --report out/"


def compare(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help=f"Expression file that holds landmarks and targets ({options.FORMATS}).",
        ),
    ] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Use simulated data instead of a file.")
    ] = False,
    landmarks: options.Landmarks = None,
    targets: options.Targets = None,
    group: options.Group = None,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="NAMES",
            help="Comma-separated: least_squares, ridge, lasso, kernel_ridge, knn, knn_gene, "
            "dgex, densenet, ggan, semigan, lsmtl, gomtl, cnmtl, amtl, amtfl. "
            "Default: ridge,knn,kernel_ridge,dgex,densenet.",
        ),
    ] = None,
    scaling: options.GeneScaling = Scaling.standard,
    seed: options.Seed = 0,
    gene_ids: options.GeneIds = None,
    orientation: options.DataOrientation = None,
    report: options.Report = None,
):
    """Compare methods on one file.

    Which method infers best, and which genes can be trusted? The profiles are split into
    training, validation and test profiles: every method learns from the first, chooses its
    settings on the second, and is judged once on the third.
    """
    if (data is None) != simulate:
        raise ValueError(
            "Name an expression file with --data FILE, or pass --simulate to see the command at "
            "work on simulated data (one of the two)."
        )
    from skgex.cli import _fitting, _folder, _input, _methods, _report, _results
    from skgex.cli._html import Story
    from skgex.cli._input import say
    from skgex.cli._page import verdict
    from skgex.cli._task import column_of, make_task

    if report is not None:
        _input.check_folder(report, "--report")
    names = _methods.DEFAULT_METHODS if methods is None else _names(methods)
    settings = dict(
        gene_scaling=scaling.value_or_none, random_state=seed, verbose=sys.stderr.isatty()
    )
    candidates = {name: _methods.make_candidates(name, **settings) for name in names}

    profiles = (
        _simulated(seed)
        if simulate
        else _input.read(data, orientation=orientation, gene_ids=gene_ids)
    )
    task = make_task(profiles, landmarks=landmarks, targets=targets)
    split, told = _fitting.split_task(task, group, seed)
    results = _fitting.fit_methods(candidates, task, split)

    say("")
    for table in _results.tables(results):
        typer.echo(_results.as_text(*table))
    groups = None
    if group is not None:
        groups = column_of(profiles.sample_table, group, "--group", "sample")[split.test]
    headline, sentences = verdict(results, task.Y[split.test], groups)
    typer.echo("\n".join([headline, *sentences]))
    if report is not None:
        story = Story(
            "Inferring genes from landmarks: methods compared",
            (headline, sentences),
            {
                "Data": f"{'simulated' if simulate else data}: {_input.size_of(profiles)}",
                "Landmarks": f"{len(task.landmarks):,} genes, {task.told_by}",
                "Inferred": f"{len(task.targets):,} genes, {task.is_twin.sum():,} of them also "
                "measured as landmarks",
                "Split": told,
                "Gene scaling": scaling.value,
                "Seed": str(seed),
                "Versions": _folder.versions(),
                "Command": _folder.command(),
            },
            _caveats(len(split.test), group),
        )
        _report.write_report(report, results, task.Y[split.test], story)
        say(f"Report: {report / 'report.html'}")


def _names(methods):
    """Names of the methods asked for, each once."""
    names = [name.strip() for name in methods.split(",") if name.strip()]
    if not names:
        raise ValueError("--methods is empty: name at least one, such as ridge.")
    return list(dict.fromkeys(names))


def _simulated(seed):
    from skgex.datasets import make_expression

    return make_expression(1000, n_landmarks=100, n_targets=500, random_state=seed)[0]


def _caveats(n_test, group):
    split = (
        "Profiles were held out at random, so profiles of the same study, batch or donor may "
        "stand on both sides. On a study never seen, errors are usually larger: hold out whole "
        "studies with --group."
        if group is None
        else f"Whole groups of {group!r} were held out, which tells how a group never seen is "
        "inferred. With few groups, another seed may give quite different figures: try some."
    )
    return [
        f"All figures come from {n_test:,} profiles that no method learned from. {split}",
        "They hold for data like these: the same platform, units and normalisation, and similar "
        "tissues. A gene with high reliability here may be inferred badly elsewhere.",
        "Inferred values are drawn towards the gene's mean. They understate differences, and "
        "are no independent measurements: confirm by measuring what a conclusion rests on.",
        "The best of several methods was picked on the same profiles that judged it, which "
        "flatters it slightly.",
    ]
