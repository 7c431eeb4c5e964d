"""Bring a panel file into the genes of a model, saying what was matched."""

import numpy as np

from skgex._utils._gene_ids import kind_in_words, without_version
from skgex._utils._naming import few
from skgex.cli._input import say, warn
from skgex.cli._task import check_measured
from skgex.preprocessing import GeneAligner

# A training profile has about one value in 16,000 beyond this many standard deviations.
_FAR = 4.0
_MUCH_OUTSIDE, _FAR_SHIFT, _MUCH_FILLED = 0.01, 1.0, 0.1


def load_model(path):
    """Load a model that knows its genes by name."""
    from skgex import persistence

    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    model = persistence.load(path)
    lacking = [
        n for n in ("feature_names_in_", "target_names_", "x_scaler_") if not hasattr(model, n)
    ]
    if lacking:
        raise ValueError(
            f"--model {str(path)!r} holds a {type(model).__name__} without the names of its "
            "genes: train it with `skgex train`, or fit it on tables with gene names."
        )
    return model


def match_ids(data, genes, *, keep):
    """Name the genes of a file by whichever ids the model's genes are in.

    Parameters
    ----------
    data : ExpressionData
    genes : array-like of str
        Genes of the model.
    keep : bool
        Take the file's ids as they are.

    Returns
    -------
    ExpressionData

    Raises
    ------
    ValueError
        When no gene of the model is in the file under any of its ids.
    """
    wanted = set(map(without_version, genes))

    def n_matched(names):
        return len(wanted.intersection(map(without_version, map(str, names))))

    named = {} if keep else {column: data.with_gene_ids(column) for column in data.gene_table}
    found = {column: n_matched(other.genes) for column, other in named.items()}
    best = max(found, key=found.get, default=None)
    own = n_matched(data.genes)
    if max(own, *found.values(), 0) == 0:
        raise ValueError(
            f"The file has none of the model's {len(wanted):,} landmarks. These are "
            f"{kind_in_words(genes)} such as {few(genes[:2])}, the file has "
            f"{kind_in_words(data.genes)} such as {few(data.genes[:2])}: translate "
            "the names first, or train the model with --gene-ids on the kind of ids that panels "
            "have."
        )
    if best is None or found[best] <= own:
        return data
    say(
        f"The ids of the file match {own:,} of {len(wanted):,} landmarks, its column {best!r} "
        f"matches {found[best]:,}: genes are matched by {best!r}."
    )
    return named[best]


def align_panel(model, data, *, missing, duplicates):
    """Measured values in the order of the model's landmarks.

    Parameters
    ----------
    model : estimator
    data : ExpressionData
    missing : {"error", "mean"}
        What to do about landmarks that the file lacks.
    duplicates : {"error", "mean", "first"}

    Returns
    -------
    X : DataFrame of shape (n_profiles, n_landmarks)
    is_missing : ndarray of bool of shape (n_landmarks,)
        Landmarks that hold their training means.
    """
    import pandas as pd

    landmarks = np.asarray(model.feature_names_in_)
    means = model.x_scaler_.inverse_transform(np.zeros((1, len(landmarks))))
    aligner = GeneAligner(missing="mean", duplicates=duplicates).fit(means, genes=landmarks)
    wanted = set(map(without_version, landmarks))
    of_panel = np.array([without_version(gene) in wanted for gene in data.genes.tolist()])
    check_measured(data.X[:, of_panel], data.genes[of_panel], data.samples)
    X, report = align(aligner, data)
    is_missing = np.isin(landmarks, report.missing)
    if report.missing:
        if missing == "error":
            raise ValueError(
                f"The file lacks {report.n_missing:,} of the model's {len(landmarks):,} "
                f"landmarks: {few(report.missing, 10)}. Pass --missing mean to fill in their "
                "training means, or train a model on the genes that the panel has."
            )
        if model.gene_scaling is None:
            raise ValueError(
                f"The file lacks {report.n_missing:,} landmarks ({few(report.missing)}), and the "
                "model does not know their training means, since it was trained with --scaling "
                "none: measure them, or train with another scaling."
            )
        if is_missing.mean() > _MUCH_FILLED:
            warn(
                f"{is_missing.mean():.0%} of the landmarks hold their training "
                "means, which draws every inferred profile towards the average one."
            )
        say(f"Landmarks without a measurement: {', '.join(report.missing)}.")
    say(str(report))
    return pd.DataFrame(X, index=data.samples, columns=landmarks), is_missing


def align(aligner, data):
    """Align the genes of a file and report on it; what is infinite there counts as missing."""
    return aligner.align(np.where(np.isinf(data.X), np.nan, data.X), data.genes)


def warn_of_drift(model, X, is_missing):
    """Say with a figure when the panel's values look unlike those the model was trained on."""
    scaler = model.x_scaler_
    if scaler.method is None:
        say(
            "Whether the values are on the scale of the training data cannot be checked: the "
            "model was trained with --scaling none."
        )
        return
    values = X.to_numpy()
    if scaler.method == "standard":
        low, high = scaler.mean_ - _FAR * scaler.scale_, scaler.mean_ + _FAR * scaler.scale_
    else:
        low, high = scaler.quantiles_[:, 0], scaler.quantiles_[:, -1]
    outside = (((values < low) | (values > high))[:, ~is_missing]).mean()
    shift = np.abs(scaler.transform(values).mean(axis=0))[~is_missing].mean()
    told = (
        f"{outside:.1%} of the panel's values lie outside the range of the training data, and a "
        f"gene's mean is off by {shift:.2f} standard deviations on average"
    )
    if outside > _MUCH_OUTSIDE or shift > _FAR_SHIFT:
        warn(
            f"the panel looks unlike the training data: {told}. Bring it to the "
            "same units and normalisation first, or do not trust what is inferred."
        )
    else:
        say(f"The panel looks like the training data: {told}.")
