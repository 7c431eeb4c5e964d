"""Weights of composite measurements: given or drawn, and judged by what they tell."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import _get_feature_names

_RIDGE = 1e-3  # of the Wiener estimate, relative to the mean variance of a measurement


def check_matrix(matrix, n_genes, genes=None):
    """Return a lab's matrix as an array, if it measures these genes in this order."""
    names = _get_feature_names(matrix)
    A = check_array(matrix, dtype=np.float64, copy=True, input_name="measurement_matrix")
    if A.shape[1] != n_genes:
        raise ValueError(
            f"measurement_matrix has shape {A.shape}, but X has {n_genes} genes: it must have a "
            "row for each measurement and a column for each gene."
        )
    differ = [] if names is None or genes is None else np.flatnonzero(names != genes)
    if len(differ):
        first = differ[0]
        raise ValueError(
            f"{len(differ)} columns of measurement_matrix are named other than those of X, the "
            f"first {str(names[first])!r} where X has {str(genes[first])!r}: bring them into the "
            "order of X, measurement_matrix[X.columns]."
        )
    empty = np.flatnonzero(~A.any(axis=1))
    if empty.size:
        raise ValueError(
            f"{empty.size} rows of measurement_matrix are all zero, the first is row {empty[0]}: "
            "they measure nothing, drop them."
        )
    return A


def draw_matrix(rng, n_rows, n_genes, density, max_coherence=None, max_tries=0):
    """Draw Gaussian rows of unit norm, each over a share of the genes.

    One row after the other is redrawn until its absolute correlation with all rows before it is
    within ``max_coherence``, at most ``max_tries`` times in all.
    """
    A = _draw_rows(rng, n_rows, n_genes, density)
    if max_coherence is None:
        return A
    directions = _directions(A)
    n_tries = 0
    for i in range(1, n_rows):
        lowest = 1.0
        while (found := _largest(directions[:i] @ directions[i])) > max_coherence:
            lowest = min(lowest, found)
            if n_tries == max_tries:
                raise ValueError(
                    f"max_coherence={max_coherence:g} was not met within max_tries={max_tries} "
                    f"redraws: {i} of {n_rows} rows met it, the next was correlated {lowest:.3g} "
                    f"with one of them at best. {n_genes} genes cannot have many uncorrelated "
                    "rows: allow a larger max_coherence, or draw fewer rows."
                )
            n_tries += 1
            A[i] = _draw_rows(rng, 1, n_genes, density)
            directions[i] = _directions(A[i : i + 1])
    return A


def _draw_rows(rng, n_rows, n_genes, density):
    rows = rng.standard_normal((n_rows, n_genes))
    n_held = max(1, round(density * n_genes))
    if n_held < n_genes:
        order = rng.random_sample(rows.shape).argpartition(n_held, axis=1)
        np.put_along_axis(rows, order[:, n_held:], 0, axis=1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def coherence(A):
    """Largest absolute correlation between two rows."""
    directions = _directions(A)
    correlation = directions @ directions.T
    np.fill_diagonal(correlation, 0)
    return _largest(correlation)


def _directions(rows):
    """Rows centred and of unit norm, so that their products are correlations."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    equal_weights = norm < 1e-8 * np.linalg.norm(rows, axis=1, keepdims=True)
    return centred / np.where(equal_weights, np.inf, norm)


def _largest(correlation):
    return min(float(np.abs(correlation).max()), 1.0)  # beyond 1 by rounding only


def held_out_error(A, training, held_out):
    """Error of the linear minimum-error estimate of held-out profiles, ‖X̂ − X‖² / ‖X − μ‖².

    With T the centred training profiles' measurements, ``A S Aᵀ`` is ``TᵀT / n``: the covariance
    S of the genes is never formed.
    """
    mean = training.mean(axis=0)
    training, held_out = training - mean, held_out - mean
    measured = training @ A.T
    gram = measured.T @ measured
    # Where profiles do not vary, any ridge makes the estimate their mean.
    gram[np.diag_indices_from(gram)] += _RIDGE * np.trace(gram) / len(A) or 1.0
    inferred = (held_out @ A.T) @ np.linalg.solve(gram, measured.T @ training)
    return np.sum((inferred - held_out) ** 2) / max(np.sum(held_out**2), np.finfo(float).tiny)
