"""`skgex evaluate`: a saved model on another file."""

import typer

from skgex.cli import _options as options
from skgex.cli._options import Duplicates, Missing

EXAMPLE = "skgex evaluate --model model.skgex --data other.h5ad --report out/"


def evaluate(
    model: options.ModelFile,
    data: options.DataFile,
    report: options.Report = None,
    gene_ids: options.GeneIds = None,
    missing: options.MissingGenes = Missing.error,
    duplicates: options.DuplicatedGenes = Duplicates.error,
    orientation: options.DataOrientation = None,
):
    """Check a model on a file that it has not seen.

    Measured genes are compared with inferred ones: the file must hold the model's landmarks and
    at least some of its target genes.
    """
    from skgex.cli import _folder, _input, _panel, _report, _results
    from skgex.cli._html import Story
    from skgex.cli._input import say
    from skgex.cli._page import verdict

    if report is not None:
        _input.check_folder(report, "--report")
    _input.check_suffix(data, "--data")
    fitted = _panel.load_model(model)
    profiles = _input.read(data, orientation=orientation, gene_ids=gene_ids)
    profiles = _panel.match_ids(profiles, fitted.feature_names_in_, keep=gene_ids is not None)
    X, is_missing = _panel.align_panel(
        fitted, profiles, missing=missing.value, duplicates=duplicates.value
    )
    _panel.warn_of_drift(fitted, X, is_missing)
    positions, y_true, told = _measured_targets(fitted, profiles, duplicates.value)
    say(told)
    genes = fitted.target_names_[positions].astype(str)
    result = _results.judge(
        model.stem,
        fitted,
        fitted.predict(X)[:, positions],
        y_true,
        genes=genes,
        is_twin=_is_landmark(fitted, genes),
        baseline=_training_centre(fitted, positions),
    )
    say("")
    for table in _results.tables([result]):
        typer.echo(_results.as_text(*table))
    headline, sentences = verdict([result], y_true)
    typer.echo("\n".join([headline, *sentences]))
    if report is not None:
        story = Story(
            f"How well {model.name} infers {data.name}",
            (headline, sentences),
            {
                "Data": f"{data}: {_input.size_of(profiles)}",
                "Model": f"{model}: {type(fitted).__name__}, "
                f"{len(fitted.feature_names_in_):,} landmarks",
                "Genes": told,
                "Versions": _folder.versions(),
                "Command": _folder.command(),
            },
            [
                "The figures hold for this file. If any of its profiles were among those that "
                "the model was trained on, they flatter it.",
                "Each gene is compared with guessing its mean over the training data"
                + (" (here: over this file)." if fitted.gene_scaling is None else "."),
            ],
        )
        _report.write_report(report, [result], y_true, story)
        say(f"Report: {report / 'report.html'}")


def _measured_targets(fitted, profiles, duplicates):
    """Targets of the model that the file holds: their positions, values, and a sentence."""
    import numpy as np

    from skgex._utils._gene_ids import repeated, without_version
    from skgex._utils._naming import few
    from skgex.cli._panel import align
    from skgex.cli._task import refuse_flat
    from skgex.preprocessing import GeneAligner

    names = fitted.target_names_.astype(str)
    ambiguous = set(repeated(names.tolist()))
    unique = np.array([name for name in names if name not in ambiguous])
    if not set(map(without_version, unique)) & set(map(without_version, profiles.genes.tolist())):
        raise ValueError(
            f"The file has none of the {len(unique):,} genes that the model infers, such as "
            f"{few(unique)}: there is nothing to compare with."
        )
    aligner = GeneAligner(missing="nan", duplicates=duplicates)
    aligner.fit(np.zeros((1, len(unique))), genes=unique)
    values, found = align(aligner, profiles)
    has_gene = np.isin(unique, found.matched) & np.isfinite(values).all(axis=0)
    if not has_gene.any():
        raise ValueError("No gene that the model infers is measured completely in the file.")
    refuse_flat(values[:, has_gene], profiles.samples, "gene to compare with")
    where = {name: position for position, name in enumerate(names)}
    told = f"{has_gene.sum():,} of {len(names):,} genes that the model infers are measured."
    if n_left := len(found.matched) - int(has_gene.sum()):
        told += f" {n_left:,} more were left out, since values of theirs are missing or infinite."
    return np.array([where[name] for name in unique[has_gene]]), values[:, has_gene], told


def _is_landmark(fitted, genes):
    import numpy as np

    return np.isin(genes, np.asarray(fitted.feature_names_in_, dtype=str))


def _training_centre(fitted, positions):
    """What the model knows of each target's mean (its median with rank-gaussian scaling)."""
    import numpy as np

    if fitted.gene_scaling is None:
        return None
    zeros = np.zeros((1, fitted.n_outputs_))
    return fitted.y_scaler_.inverse_transform(zeros)[0, positions]
