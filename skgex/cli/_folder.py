"""A report's folder: written whole or not at all, and with what it takes to repeat it."""

import os
import re
import shlex
import shutil
import sys
import tempfile
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from skgex._utils._naming import few
from skgex.cli._html import Picture
from skgex.cli._input import warn

# Tables and pictures of any report.
_NAMES = re.compile(
    r"(methods|best_two|state_map|transition|perturbed_genes|enrichment"
    r"|(genes|reliability|training)_.+)\.png"
    r"|(genes_.+|realism|perturbed_genes|enrichment|gene_sets)\.csv"
)


@contextmanager
def report_folder(folder):
    """Yield a temporary folder whose files go to ``folder`` when the block succeeds.

    Files of an earlier report that stay beside the new one are warned of.
    """
    earlier = _files_of_report(folder)
    with _whole_folder(folder) as making:
        yield making
        written = {file.name for file in making.iterdir()}
    if left := sorted(earlier - written):
        warn(
            f"{str(folder)!r} still holds files of an earlier report, of which this one says "
            f"nothing: {few(left)}. Delete them, or write every report into a folder of its own."
        )


def write_page(folder, html, pictures):
    """Write ``report.html``, and its pictures as files of their own."""
    for picture in pictures:
        (folder / picture.file).write_bytes(picture.png)
    (folder / "report.html").write_text(html, encoding="utf-8")


def drawn(display, file, title, caption):
    """The picture of a display, which is closed."""
    import matplotlib.pyplot as plt

    png = BytesIO()
    display.figure_.savefig(png, format="png", dpi=120)
    plt.close(display.figure_)
    return Picture(file, title, caption, png.getvalue())


def command():
    """What the user typed."""
    return shlex.join(["skgex", *sys.argv[1:]])


def versions():
    """Versions that a reader needs to repeat the figures."""
    import platform
    from importlib.metadata import version

    packages = ("skgex", "numpy", "scikit-learn", "torch")
    return ", ".join(
        [*(f"{p} {version(p)}" for p in packages), f"Python {platform.python_version()}"]
    )


def _files_of_report(folder):
    """Names of the tables and pictures of the report that stands in ``folder``, if one does."""
    if not (Path(folder) / "report.html").exists():
        return set()
    return {file.name for file in Path(folder).iterdir() if _NAMES.fullmatch(file.name)}


@contextmanager
def _whole_folder(folder):
    """Yield a temporary folder whose files go to ``folder`` when the block succeeds."""
    folder = Path(folder).absolute()
    beside = next(parent for parent in folder.parents if parent.is_dir())
    making = None
    try:
        making = Path(tempfile.mkdtemp(dir=beside, prefix=f".{folder.name}-"))
        yield making
        folder.mkdir(parents=True, exist_ok=True)
        # The page comes last: where it is new, so is all that it speaks of.
        for file in sorted(making.iterdir(), key=lambda file: file.suffix == ".html"):
            os.replace(file, folder / file.name)
    except OSError as error:
        raise type(error)(
            f"Cannot write the report to {str(folder)!r} ({error.strerror or error}). Nothing was "
            "left half-written; free some space or choose another place, then try again."
        ) from error
    finally:
        if making is not None:
            shutil.rmtree(making, ignore_errors=True)
