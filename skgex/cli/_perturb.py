"""`skgex perturb`: what turns profiles of any state into those of a target state."""

from pathlib import Path
from typing import Annotated

import typer

from skgex.cli import _options as options

EXAMPLE = "skgex perturb --data x.npz --labels type --target KIRC --report out"


def perturb(
    data: options.DataFile,
    labels: Annotated[
        str,
        typer.Option(
            "--labels",
            metavar="COLUMN|FILE",
            help="The state of every profile: a column of the file's sample table, or a csv or "
            "tsv file of sample ids and states, matched by id.",
        ),
    ],
    target: Annotated[
        str, typer.Option("--target", metavar="STATE", help="The state to turn others into.")
    ],
    gene_sets: Annotated[
        Path | None,
        typer.Option(
            "--gene-sets",
            metavar="FILE",
            help="Gene sets (.gmt): which are enriched in the genes that change most?",
        ),
    ] = None,
    gene_set: Annotated[
        list[str] | None,
        typer.Option(
            "--gene-set",
            metavar="NAME",
            help="A set of --gene-sets whose genes alone get a fit of their own; may be repeated. "
            "'all' fits every set, which may take long.",
        ),
    ] = None,
    top: Annotated[
        int,
        typer.Option(
            "--top", metavar="N", min=1, help="How many raised and lowered genes a state to list."
        ),
    ] = 20,
    min_samples: Annotated[
        int,
        typer.Option(
            "--min-samples", metavar="N", min=4, help="States of fewer profiles are left out."
        ),
    ] = 5,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            help="The form of TSPG that its authors describe. It reaches the target, but its "
            "profiles look less real.",
        ),
    ] = False,
    epochs: Annotated[
        int, typer.Option("--epochs", metavar="N", min=1, help="Passes over the profiles.")
    ] = 150,
    seed: options.Seed = 0,
    gene_ids: options.GeneIds = None,
    orientation: options.DataOrientation = None,
    report: options.Report = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "--out",
            metavar="FILE",
            help="Perturbed profiles to write, of all states but the target, in the units of the "
            "data; the name's end is the format.",
        ),
    ] = None,
):
    """Turn profiles into another state, and tell what changes.

    TSPG learns from four fifths of every state how to change any profile into one of the target
    state. The rest is perturbed and held against real profiles of the target: do they look real,
    or do they only pass for them? Which genes are raised and lowered, and of which sets are they?
    """
    from skgex.cli import _input, _perturbing
    from skgex.cli._gene_sets import enriched, read_sets
    from skgex.cli._input import say
    from skgex.cli._perturb_verdict import verdict
    from skgex.cli._states import make_states

    if report is not None:
        _input.check_folder(report, "--report")
    if output is not None:
        _check_output(output, data, Path(labels), gene_sets)
    if gene_set and gene_sets is None:
        raise ValueError("--gene-set names a set of a file: pass --gene-sets FILE.gmt as well.")
    profiles = _input.read(data, orientation=orientation, gene_ids=gene_ids)
    states = make_states(profiles, labels, target, min_samples)
    sets = None if gene_sets is None else read_sets(gene_sets, gene_set or [], states.data)
    result = _perturbing.fit_and_judge(
        states,
        published=published,
        max_epochs=epochs,
        seed=seed,
        n_genes=top,
        gene_sets={} if sets is None else sets.chosen,
    )
    enrichments = None if sets is None else enriched(result.genes, sets.sets, top)

    say("")
    for text in _perturbing.as_texts(result, enrichments):
        typer.echo(f"{text}\n")
    advice = "Leave out --published." if published else "Train longer (--epochs)."
    told = verdict(result.realism, _perturbing.NAME, _perturbing.MAP, advice=advice)
    typer.echo("\n".join([told[0], *told[1]]))
    if report is not None:
        from skgex.cli import _folder, _perturb_report
        from skgex.cli._html import Story

        facts = {
            "Data": f"{data}: {_input.size_of(profiles)}",
            "States": states.told,
            "Method": f"TSPG{', published form' * published}, {epochs} epochs",
            "Split": f"{result.n_training:,} training and {len(result.y):,} held-out profiles, a "
            "fifth of every state",
            "Gene sets": "none" if sets is None else sets.told,
            "Seed": str(seed),
            "Versions": _folder.versions(),
            "Command": _folder.command(),
        }
        story = Story(f"Turning profiles into {target}", told, facts, _caveats(target, sets))
        _perturb_report.write_report(report, result, enrichments, story, seed=seed)
        say(f"Report: {report / 'report.html'}")
    if output is not None:
        _write(output, states, result.tspg)


def _check_output(output, *inputs):
    from skgex.cli import _input

    _input.check_output(output, "--output")
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise ValueError(f"--output is the file {str(path)!r} itself: name another one.")


def _write(output, states, tspg):
    """Write perturbed profiles of all states but the target."""
    from dataclasses import replace

    from skgex.cli import _input
    from skgex.datasets import write_expression

    others = states.names != states.target
    data = states.data.select_samples(others)
    held_out = tspg.held_out_[others]
    table = {**data.sample_table, "source_state": states.names[others], "held_out": held_out}
    X = tspg.transform(states.X[others])
    write_expression(replace(data, X=X, sample_table=table), output)
    marked = " (column held_out of its sample table)" * (not _input.is_plain_table(output))
    typer.echo(
        f"{output}: {len(X):,} profiles of all other states made {states.target}, of which "
        f"{held_out.sum():,} were held out{marked}."
    )


def _caveats(target, sets):
    caveats = [
        "Figures and pictures come from profiles that took no part in training. They were held "
        "out at random, so profiles of the same study, batch or donor may stand on both sides.",
        "What is learned is how states differ in these data. If they were measured in different "
        "studies or laboratories, or as mixtures of different cells, that is part of the "
        "difference, and of what changes.",
        "What changes between two states need not cause the change: that a gene is raised here "
        f"does not say that raising it turns a cell into {target}.",
        "Perturbed profiles are inferred, not measured, and never leave the range that a gene has "
        "in the training profiles.",
    ]
    if sets is not None:
        caveats.append(
            "Enrichment takes genes for independent. Those of a set are correlated and change "
            "together, so that small q-values come too easily; and a list of a few genes misses "
            "sets that change a little as a whole."
        )
    return caveats
