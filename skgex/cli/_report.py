"""The report that compares methods: a folder with tables, pictures and one page."""

from skgex.cli._folder import drawn, report_folder, write_page
from skgex.cli._page import page
from skgex.cli._results import figures, ranked


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
    with report_folder(folder) as making:
        pd.DataFrame([_record(result) for result in ranked(results)]).to_csv(
            making / "comparison.csv", index=False
        )
        for result in results:
            result.genes.to_csv(making / f"genes_{result.name}.csv", index=False)
        write_page(making, page(results, pictures, story), pictures)


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
        yield drawn(
            plotting.MethodComparisonDisplay.from_reports(genes),
            "methods.png",
            "All methods, over genes",
            "Each shape shows how the genes' errors spread for one method, relative to guessing "
            "every gene's mean (1.0 on the axis): the further left, the better, and genes beyond "
            "1.0 are better left alone. The best method is on top. Every gene counts alike here, "
            "while genes of large errors weigh more in the table: the two means differ.",
        )
        second = others[0].name
        yield drawn(
            plotting.GenePairDisplay.from_reports(
                genes[second], genes[best.name], name_a=second, name_b=best.name
            ),
            "best_two.png",
            f"{best.name} against {second}, gene by gene",
            f"Each point is a gene. Below the dashed line {best.name} has the smaller error, "
            f"above it {second}. A cloud along the line means that the choice between the two "
            "matters little; points far from it are genes that one of them understands better.",
        )
    yield drawn(
        plotting.ReliabilityDisplay.from_report(best.genes[distinct]),
        f"reliability_{best.name}.png",
        f"Which genes can be trusted ({best.name})",
        "Genes from the most to the least reliable. Concordance is 1 where inferred equals "
        "measured, and 0 where the inferred values say nothing. A class asks for a small error "
        "too, so the curve rises again where the next class begins. The table genes_"
        f"{best.name}.csv gives the class of every gene.",
    )
    yield drawn(
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
            yield drawn(
                plotting.LossCurveDisplay.from_estimator(result.estimator),
                f"training_{result.name}.png",
                f"How {result.name} learned",
                "Training loss and error on the validation profiles, epoch by epoch; the weights "
                "of the marked epoch were kept. A validation error that rises while the training "
                "loss falls is over-fitting; one still falling at the end asks for more epochs. "
                "Adversarial nets have further losses, each explained in the user guide.",
            )
