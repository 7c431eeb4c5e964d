"""A folder with tables, pictures and one self-contained page."""

import os
import re
import shlex
import shutil
import sys
import tempfile
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from skgex._utils._naming import few
from skgex.cli._input import warn
from skgex.cli._page import Picture, page
from skgex.cli._results import figures, ranked


class Story(NamedTuple):
    """What the report's page says beside the figures.

    Attributes
    ----------
    title : str
    verdict : tuple of (str, list of str)
        Headline and sentences.
    facts : dict of str to str
        What was done: data, landmarks, split, seed, versions.
    caveats : list of str
        How far the figures reach.
    """

    title: str
    verdict: tuple
    facts: dict
    caveats: list


def write_report(folder, results, y_true, story):
    """Write ``comparison.csv``, a table of genes for each method, pictures and ``report.html``.

    Parameters
    ----------
    folder : Path
        Created if need be. All files are made elsewhere first, so that it never holds a part.
    results : list of Judged
    y_true : ndarray of shape (n_test, n_targets)
        Measured values of the profiles that the results are about.
    story : Story
    """
    import pandas as pd

    pictures = list(_pictures(results, y_true))
    earlier = _files_of_report(folder)
    with _whole_folder(folder) as making:
        pd.DataFrame([_record(result) for result in ranked(results)]).to_csv(
            making / "comparison.csv", index=False
        )
        for result in results:
            result.genes.to_csv(making / f"genes_{result.name}.csv", index=False)
        for picture in pictures:
            (making / picture.file).write_bytes(picture.png)
        html = page(results, pictures, story)
        (making / "report.html").write_text(html, encoding="utf-8")
        written = {file.name for file in making.iterdir()}
    if left := sorted(earlier - written):
        warn(
            f"{str(folder)!r} still holds files of an earlier report, of which this one says "
            f"nothing: {few(left)}. Delete them, or write every report into a folder of its own."
        )


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


def _record(result):
    """A row of comparison.csv: distinct targets, and those that are also landmarks apart."""
    record = figures(result, result.distinct)
    seconds = record.pop("fit_seconds")
    record |= {f"n_{word}": n for word, n in result.reliability.items()}
    if not result.distinct.all():
        twins = figures(result, ~result.distinct)
        names = ("n_genes", "mae", "mae_sd", "relative_to_mean_predictor", "concordance")
        record |= {f"also_landmark_{name}": twins[name] for name in names}
    chosen = {"alpha_", "n_neighbors", "best_epoch_"}
    settings = {name: getattr(result.estimator, name, None) for name in sorted(chosen)}
    found = (
        f"{name.rstrip('_')}={value:.6g}" for name, value in settings.items() if _is_number(value)
    )
    return {**record, "fit_seconds": seconds, "chosen": "; ".join(found)}


def _is_number(value):
    return isinstance(value, int | float)


def _pictures(results, y_true):
    """Draw what the page shows, in its order."""
    import matplotlib

    matplotlib.use("Agg")
    from skgex import plotting

    best, *others = ranked(results)
    distinct = best.distinct
    genes = {result.name: result.genes[distinct] for result in ranked(results)}
    if others:
        yield _picture(
            plotting.MethodComparisonDisplay.from_reports(genes),
            "methods.png",
            "All methods, over genes",
            "Each shape shows how the genes' errors spread for one method, relative to guessing "
            "every gene's mean (1.0 on the axis): the further left, the better, and genes beyond "
            "1.0 are better left alone. The best method is on top. Every gene counts alike here, "
            "while genes of large errors weigh more in the table: the two means differ.",
        )
        second = others[0].name
        yield _picture(
            plotting.GenePairDisplay.from_reports(
                genes[second], genes[best.name], name_a=second, name_b=best.name
            ),
            "best_two.png",
            f"{best.name} against {second}, gene by gene",
            f"Each point is a gene. Below the dashed line {best.name} has the smaller error, "
            f"above it {second}. A cloud along the line means that the choice between the two "
            "matters little; points far from it are genes that one of them understands better.",
        )
    yield _picture(
        plotting.ReliabilityDisplay.from_report(best.genes[distinct]),
        f"reliability_{best.name}.png",
        f"Which genes can be trusted ({best.name})",
        "Genes from the most to the least reliable. Concordance is 1 where inferred equals "
        "measured, and 0 where the inferred values say nothing. A class asks for a small error "
        "too, so the curve rises again where the next class begins. The table genes_"
        f"{best.name}.csv gives the class of every gene.",
    )
    yield _picture(
        plotting.PredictionDisplay.from_predictions(
            y_true[:, distinct],
            best.predictions[:, distinct],
            genes=best.genes["gene"][distinct].to_numpy(),
        ),
        f"genes_{best.name}.png",
        f"Nine genes as {best.name} infers them",
        "Measured (across) against inferred (up) values of the test profiles: three of the best, "
        "three of the middle and three of the worst genes. Points on the dashed line are exact; a "
        "flat cloud means that the gene is inferred as little more than its mean.",
    )
    for result in ranked(results):
        if hasattr(result.estimator, "history_"):
            yield _picture(
                plotting.LossCurveDisplay.from_estimator(result.estimator),
                f"training_{result.name}.png",
                f"How {result.name} learned",
                "Training loss and error on the validation profiles, epoch by epoch; the weights "
                "of the marked epoch were kept. A validation error that rises while the training "
                "loss falls is over-fitting; one still falling at the end asks for more epochs. "
                "Adversarial nets have further losses, each explained in the user guide.",
            )


def _files_of_report(folder):
    """Names of the tables and pictures of the report that stands in ``folder``, if one does."""
    if not (Path(folder) / "report.html").exists():
        return set()
    named = r"(methods|best_two|(genes|reliability|training)_.+)\.png|genes_.+\.csv"
    return {file.name for file in Path(folder).iterdir() if re.fullmatch(named, file.name)}


def _picture(display, file, title, caption):
    import matplotlib.pyplot as plt

    png = BytesIO()
    display.figure_.savefig(png, format="png", dpi=120)
    plt.close(display.figure_)
    return Picture(file, title, caption, png.getvalue())


@contextmanager
def _whole_folder(folder):
    """Yield a temporary folder whose files go to ``folder`` when the block succeeds."""
    folder = Path(folder).absolute()
    beside = next(parent for parent in folder.parents if parent.is_dir())
    making = Path(tempfile.mkdtemp(dir=beside, prefix=f".{folder.name}-"))
    try:
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
        shutil.rmtree(making, ignore_errors=True)
