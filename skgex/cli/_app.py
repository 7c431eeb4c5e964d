"""The program: its commands, and what holds for all of them."""

from typing import Annotated

import typer

from skgex.cli import _compare, _convert, _evaluate, _infer, _info, _perturb, _train

app = typer.Typer(
    name="skgex",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(asked):
    if asked:
        from skgex import __version__

        typer.echo(f"skgex {__version__}")
        raise typer.Exit


@app.callback()
def skgex(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error arose (at any command).")
    ] = False,
):
    """Measure a few genes, infer the rest.

    Start with `compare`: it tells on your own file which method infers best and which genes can
    be trusted. Then `train` a model with that method, and `infer` full profiles from new panels.
    `perturb` turns profiles of one cell state into another.
    """


for _command in (_compare, _train, _infer, _evaluate, _perturb, _convert, _info):
    _name = _command.__name__.rpartition("._")[-1]
    app.command(_name, epilog=f"Example: {_command.EXAMPLE}")(getattr(_command, _name))
