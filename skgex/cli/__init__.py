"""The command line: `skgex compare`, `train`, `infer`, `evaluate`, `perturb` and others."""

import sys

__all__ = ["main"]


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, default=None
        Words after the program's name; None takes those the program was called with.

    Returns
    -------
    code : int
        0 when all went well, 2 for bad input, 1 for an unexpected failure, 130 when interrupted.
    """
    try:
        import typer  # noqa: F401
    except ImportError:
        print(
            "skgex: error: the command line needs the package typer; run: "
            'pip install "skgex[cli]"',
            file=sys.stderr,
        )
        return 1
    from skgex.cli._app import app
    from skgex.cli._errors import run

    return run(app, sys.argv[1:] if argv is None else list(argv))
