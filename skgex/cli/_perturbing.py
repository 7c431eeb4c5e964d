"""Fit perturbers on the profiles of a file, and judge what they make of held-out ones."""

import sys
import warnings
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from skgex._utils._naming import two_digits
from skgex.cli._input import say
from skgex.cli._results import as_text
from skgex.inspection import perturbed_genes, realism
from skgex.perturbation import TSPG, GaussianTransport

NAME, MAP = "TSPG", "transport map"
ALL_GENES = "all genes"
_MEASURES = ("variance", "correlation", "auc", "nn_real", "nn_generated")


@dataclass
class Perturbed:
    """A perturber, and what it makes of the profiles held out.

    Attributes
    ----------
    tspg : TSPG
    X, y : DataFrame of shape (n_held_out, n_genes), ndarray of shape (n_held_out,)
        Profiles held out, and their states.
    n_training : int
    realism : Realism
    genes : PerturbedGenes
    sets : DataFrame
        A row for the fit on all genes, and one for each gene set that was fitted.
    """

    tspg: TSPG
    X: pd.DataFrame
    y: np.ndarray
    n_training: int
    realism: object
    genes: object
    sets: pd.DataFrame


def fit_and_judge(states, *, published, max_epochs, seed, n_genes, gene_sets):
    """Fit TSPG and the transport map on the same training profiles, and judge both.

    Parameters
    ----------
    states : States
    published : bool
        Whether TSPG takes its published form.
    max_epochs : int
    seed : int
    n_genes : int
        How many of the most raised and lowered genes are listed for each state.
    gene_sets : dict of str to tuple of str
        Sets on whose genes alone TSPG is fitted again.

    Returns
    -------
    Perturbed
    """
    make = TSPG.published if published else TSPG
    make_tspg = make(
        states.target, max_epochs=max_epochs, random_state=seed, verbose=sys.stderr.isatty()
    )
    X, y = states.X, states.names
    say(f"Training {NAME} ...")
    start = perf_counter()
    tspg = _fitted(make_tspg, X, y)
    held_out = tspg.held_out_
    train = dict(X_train=X[~held_out], y_train=y[~held_out])
    say(f"Trained in {perf_counter() - start:.1f} s; {held_out.sum():,} profiles were held out.")
    transport = GaussianTransport(states.target, classifier=tspg.classifier_)
    transport.fit(*train.values())
    X_test, y_test = X[held_out], y[held_out]
    found = _judged({NAME: tspg, MAP: transport}, X_test, y_test, seed, **train)
    rows = [_row(ALL_GENES, tspg, found, 0)]
    for number, (name, genes) in enumerate(gene_sets.items(), start=1):
        columns = X.columns[X.columns.isin(genes)]
        say(f"[{number}/{len(gene_sets)}] {name}, {len(columns):,} measured genes ...")
        # With the same seed, the same profiles are held out.
        alone = _fitted(make_tspg, X[columns], y)
        parts = dict(X_train=train["X_train"][columns], y_train=train["y_train"])
        judged = _judged({NAME: alone}, X_test[columns], y_test, seed, baselines=False, **parts)
        rows.append(_row(name, alone, judged, len(genes) - len(columns)))
    return Perturbed(
        tspg,
        X_test,
        y_test,
        len(y) - len(y_test),
        found,
        perturbed_genes(tspg, X_test, y_test, n_genes=n_genes),
        pd.DataFrame(rows),
    )


def as_texts(result, enrichments):
    """What was found, for the terminal.

    Parameters
    ----------
    result : Perturbed
    enrichments : tuple of (Enrichment, Enrichment) or None

    Yields
    ------
    str
    """
    yield str(result.realism._replace(warnings=()))  # which the verdict tells
    yield str(result.genes)
    if enrichments is not None:
        pooled, _ = enrichments
        yield "\n".join(_enriched(pooled, direction) for direction in ("raised", "lowered"))
    if len(result.sets) > 1:
        shares = result.sets[["train", "held_out", "held_out_others"]].map("{:.1%}".format)
        others = result.sets[["variance", "auc"]].map(two_digits)
        n_genes = result.sets["n_genes"].map("{:,}".format)
        rows = pd.concat([result.sets["gene_set"], n_genes, shares, others], axis=1)
        head = ("genes of", "number", "training", "held out", "of other states", "variance", "auc")
        title = f"single sets, how many reach {result.tspg.target_}"
        yield as_text(title, rows.to_numpy().tolist(), head).rstrip()


def _enriched(found, direction):
    own = found.table[(found.table["list"] == direction) & (found.table["q_value"] < 0.05)]
    listed = [
        f"{row.set} ({row.overlap} of {row.set_size}, q = {row.q_value:.2g})"
        for row in own.head(5).itertuples()
    ]
    more = f" and {len(own) - 5:,} more" * (len(own) > 5)
    return f"enriched in the most {direction}: {', '.join(listed) or 'no set (q < 0.05)'}{more}"


def _fitted(tspg, X, y):
    from sklearn.base import clone

    with warnings.catch_warnings():  # what it warns of is measured, and told in the verdict
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(tspg).fit(X, y)


def _judged(perturbers, X, y, seed, **params):
    with warnings.catch_warnings():  # the sentences are part of the result
        warnings.simplefilter("ignore", UserWarning)
        return realism(perturbers, X, y, random_state=seed, **params)


def _row(name, tspg, found, n_unmeasured):
    """A row of the table of gene sets."""
    first = found.table.iloc[0]
    row = {"gene_set": name, "target": tspg.target_, "n_genes": tspg.n_features_in_}
    row |= {"n_unmeasured": n_unmeasured} | tspg.accuracy_
    row |= {measure: first[measure] for measure in _MEASURES}
    return row | {"correlation_ceiling": found.correlation_ceiling}
