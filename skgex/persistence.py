"""Save and load fitted estimators without pickle: safetensors and JSON, nothing executed."""

import warnings
from importlib.metadata import version

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from skgex._utils._archive import read_archive, read_document, write_archive
from skgex._utils._encoding import Decoder, Encoder

__all__ = ["save", "load", "describe"]


def save(estimator, path, *, notes=None):
    """Save a fitted estimator or pipeline to one file that is safe to share.

    The file is a safetensors archive: arrays, and one JSON document with the estimator's class,
    parameters, fitted attributes, gene names in order and the versions it was made with. Equal
    estimators give equal bytes.

    Parameters
    ----------
    estimator : estimator of skgex or scikit-learn
        Fitted; also a :class:`~sklearn.pipeline.Pipeline` of such.
    path : str or path-like
        The file is whole or absent whatever happens; an older one is replaced only at the end.
    notes : str, default=None
        What a later reader should know: the data, the platform, the licence.

    Raises
    ------
    TypeError
        When something of the estimator cannot be saved, a function for instance; the sentence
        names it.
    OSError
        When the file cannot be written.

    See Also
    --------
    load : The way back.
    describe : Read what a file holds without loading it.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.linear_model import Ridge
    >>> from skgex import persistence
    >>> path = os.path.join(tempfile.mkdtemp(), "ridge.skgex")
    >>> persistence.save(Ridge().fit([[0.0], [1.0]], [0.0, 3.0]), path, notes="two points")
    >>> persistence.load(path).predict([[2.0]])
    array([3.])
    >>> persistence.describe(path)["notes"]
    'two points'
    """
    if not isinstance(estimator, BaseEstimator):
        raise TypeError(f"`estimator` must be an estimator, got {type(estimator).__name__}.")
    if not isinstance(notes, str | None):
        raise TypeError(f"`notes` must be a str or None, got {type(notes).__name__}.")
    encoder = Encoder()
    try:
        encoded = encoder.encode(estimator)
    except RecursionError as error:
        raise TypeError(
            f"Cannot save this {type(estimator).__name__}: it holds itself, or is nested too deep."
        ) from error
    document = {
        "kind": "model",
        "class": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "notes": notes,
        "versions": {
            "skgex": version("skgex"),
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "torch": version("torch"),
        },
        "feature_names": _names(estimator, "feature_names_in_"),
        "target_names": _names(estimator, "target_names_"),
        "estimator": encoded,
    }
    write_archive(path, document, encoder.arrays)


def load(path):
    """Load an estimator that :func:`save` wrote.

    Nothing in the file is executed: classes come from skgex and scikit-learn only, everything else
    is numbers and text. Weights are placed on the CPU.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    estimator : estimator
        Predicts what the saved one predicted.

    Raises
    ------
    ValueError
        When the file is not a model, is damaged, or holds what this version cannot rebuild.

    Warns
    -----
    InconsistentVersionWarning
        When it was saved under another minor version of scikit-learn.
    """
    document, arrays = read_archive(path)
    _check_model(document, path)
    saved = document["versions"]["scikit-learn"]
    if saved.split(".")[:2] != sklearn.__version__.split(".")[:2]:
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=document["class"],
                current_sklearn_version=sklearn.__version__,
                original_sklearn_version=saved,
            )
        )
    try:
        estimator = Decoder(arrays).decode(document["estimator"])
        if not isinstance(estimator, BaseEstimator):
            raise ValueError("what it holds is not an estimator.")
    # Decoding has no effect outside itself, so whatever fails in it is the file's fault.
    except Exception as error:
        reason = str(error) if type(error) is ValueError else f"it is malformed ({error!r})."
        raise ValueError(
            f"Cannot load {str(path)!r}, saved by skgex {document['versions']['skgex']}: {reason}"
        ) from error
    return estimator


def describe(path):
    """Tell what a model file holds, without loading its weights.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    description : dict
        ``class``, ``notes``, ``versions`` (of the packages it was saved with), ``feature_names``
        and ``target_names`` (lists in the order of columns, or None).

    Raises
    ------
    ValueError
        When the file is not a model.
    """
    document = read_document(path)
    _check_model(document, path)
    return {
        name: document[name]
        for name in ("class", "notes", "versions", "feature_names", "target_names")
    }


def _check_model(document, path):
    match document:
        case {
            "kind": "model",
            "class": str(),
            "notes": _,
            "versions": {"skgex": str(), "scikit-learn": str()},
            "feature_names": _,
            "target_names": _,
            "estimator": dict(),
        }:
            return
    raise ValueError(
        f"{str(path)!r} is a skgex archive but not a model (kind: {document.get('kind')!r:.40}). "
        "Pass a file that skgex.save wrote."
    )


def _names(estimator, attribute):
    """Gene names of an estimator, or of the last step of a pipeline."""
    for owner in (estimator, getattr(estimator, "_final_estimator", None)):
        if (names := getattr(owner, attribute, None)) is not None:
            return [str(name) for name in names]
    return None
