"""Which genes does a perturbation raise and lower most, and in how many states?"""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from skgex._utils._gene_ids import as_ids
from skgex._utils._naming import few
from skgex._utils._perturbed import as_states, check_known, in_shares, perturbed
from skgex._utils._tables import as_table
from skgex._utils._validation import as_host
from skgex.inspection._perturber_input import check_perturber

_LEAST = 1e-6  # share of a gene's range: less is what rounding leaves of profiles left alone
_DIRECTIONS = {"raised": 1, "lowered": -1}


class PerturbedGenes(NamedTuple):
    """Most perturbed genes of each source state; see :func:`perturbed_genes`."""

    states: np.ndarray
    genes: np.ndarray
    change: np.ndarray
    raised: dict
    lowered: dict
    table: object
    recurrence: object
    n_raised: int
    n_lowered: int

    def __str__(self):
        n_states = len(self.states)
        sources = f"{n_states} source state{'s' * (n_states != 1)}"
        lines = [
            f"{sources}: {self.n_raised:,} genes are among those raised most, "
            f"{self.n_lowered:,} among those lowered most (of {len(self.genes):,})"
        ]
        directions = np.asarray(self.recurrence["direction"])
        for direction in _DIRECTIONS:
            rows = np.flatnonzero(directions == direction)[:5]
            often = [
                f"{self.recurrence['gene'][row]} ({self.recurrence['n_states'][row]} of "
                f"{n_states} states)"
                for row in rows
            ]
            lines.append(f"most often {direction}: {', '.join(often) or 'none'}")
        return "\n".join(lines)


@validate_params(
    {
        "estimator": [HasMethods(["fit", "transform"])],
        "n_genes": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def perturbed_genes(estimator, X, y, *, genes=None, n_genes=20):
    """Genes that a perturber raises and lowers most, for each source state.

    A gene's change is the mean, over the profiles of a source state, of how far its perturbed
    value lies from the measured one, in shares of its range among the training profiles.

    Parameters
    ----------
    estimator : fitted perturber
        Such as :class:`~skgex.perturbation.TSPG`.
    X : array-like of shape (n_profiles, n_genes)
        Profiles, best ones that the perturber was not trained on.
    y : array-like of shape (n_profiles,)
        Their states. All but the target state are source states.
    genes : array-like of str of shape (n_genes,), default=None
        Names of the genes. None takes those of the table that the perturber was fitted on, or
        of X.
    n_genes : int, default=20
        How many genes are listed at most, for each state and direction.

    Returns
    -------
    PerturbedGenes
        Tables are DataFrames when pandas is installed, else structured arrays.

        - ``states``, ``genes``: the source states, sorted, and names of all genes;
        - ``change``: array of shape (n_states, n_genes), the mean change in shares of the range;
          0 for a gene that did not vary among the training profiles;
        - ``raised``, ``lowered``: dictionaries of source state to names of genes, most changed
          first; as they are, lists for :func:`enrichment`, whose background is ``genes``. Only
          genes that rise or fall are listed, and a state of which none does is left out;
        - ``table``: the same lists with a row a gene, and the columns ``state``; ``direction``,
          "raised" or "lowered"; ``rank``, from 1; ``gene``; ``change``; and ``difference``, the
          mean change in the units of X;
        - ``recurrence``: how often a gene is listed, with a row a gene and direction, the most
          frequent first, and the columns ``gene``; ``direction``; ``n_states``, the number of
          lists that it is in, and ``share``, of all source states; ``mean_change``, over all
          source states;
        - ``n_raised``, ``n_lowered``: number of different genes in all lists of a direction.

    Raises
    ------
    ValueError
        If genes have no names, names or states are more or fewer than genes or profiles, or all
        profiles are of the target state.

    See Also
    --------
    enrichment : Gene sets that hold more of such a list than chance would have it.
    realism : Whether perturbed profiles look like real ones of the target state.

    Notes
    -----
    A gene that changes alike in most states tells of the target state, one that changes in few
    tells of these. Changes are mean changes: of a gene that rises in half of a state's profiles
    and falls in the other half, there is nothing to see.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex.inspection import perturbed_genes
    >>> from skgex.perturbation import GaussianTransport
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["healthy", "tumour"], 50)
    >>> X = rng.normal(8, 1, size=(100, 4))
    >>> X[50:] += [3, 0, -3, 0]
    >>> perturber = GaussianTransport("tumour").fit(X, y)
    >>> genes = ["MYC", "ACTB", "RB1", "GAPDH"]
    >>> found = perturbed_genes(perturber, X, y, genes=genes, n_genes=1)
    >>> found.raised, found.lowered
    ({'healthy': ['MYC']}, {'healthy': ['RB1']})
    >>> print(found)
    1 source state: 1 genes are among those raised most, 1 among those lowered most (of 4)
    most often raised: MYC (1 of 1 states)
    most often lowered: RB1 (1 of 1 states)
    """
    check_perturber(estimator, "estimator", ("target_", "x_scaler_"))
    X = as_host(X)
    y = as_states(y, X)
    check_known(y, estimator)
    states = np.unique(y[y != estimator.target_])
    if not len(states):
        raise ValueError(
            f"All {len(y)} profiles are of the target state {estimator.target_!r}: pass some of "
            "others, which are perturbed."
        )
    rows = np.flatnonzero(y != estimator.target_)
    before, y = _safe_indexing(X, rows), y[rows]
    change, difference = _mean_changes(estimator, before, y, states)
    names = _gene_names(estimator, X, genes, change.shape[1])

    listed = {
        direction: [_most(sign * change[row], n_genes) for row in range(len(states))]
        for direction, sign in _DIRECTIONS.items()
    }
    by_state = {
        direction: {
            state: names[own].tolist()
            for state, own in zip(states.tolist(), positions, strict=True)
            if len(own)
        }
        for direction, positions in listed.items()
    }
    recurrence, n_distinct = _recurrence(listed, names, change)
    return PerturbedGenes(
        states=states,
        genes=names,
        change=change,
        raised=by_state["raised"],
        lowered=by_state["lowered"],
        table=_listing(listed, states, names, change, difference),
        recurrence=recurrence,
        n_raised=n_distinct["raised"],
        n_lowered=n_distinct["lowered"],
    )


def _mean_changes(estimator, X, y, states):
    """Mean change of each state, in shares of the genes' range and in the units of X."""
    before, after = (
        np.asarray(values, dtype=np.float64) for values in (X, perturbed(estimator, X))
    )
    change = in_shares(estimator, after) - in_shares(estimator, before)
    return tuple(
        np.array([moved[y == state].mean(axis=0) for state in states])
        for moved in (change, after - before)
    )


def _gene_names(estimator, X, genes, n_genes):
    if genes is None:
        genes = getattr(estimator, "feature_names_in_", None)
    if genes is None:
        columns = getattr(X, "columns", ())
        genes = columns if all(isinstance(name, str) for name in columns) else ()
        if not len(genes):
            raise ValueError(
                "genes is None, and neither the perturber nor X knows names of genes: pass them, "
                "or a table whose columns are their names."
            )
    names = as_ids(genes)
    if names.shape != (n_genes,):
        raise ValueError(
            f"genes has shape {names.shape} ({few(names.flat)}), but there are {n_genes} genes: "
            "give one name a gene, in the order of the columns of X."
        )
    return names


def _most(rise, n_genes):
    """Positions of the genes that rise most, and rise at all."""
    order = np.argsort(-rise, kind="stable")[:n_genes]
    return order[rise[order] > _LEAST]


def _listing(listed, states, names, change, difference):
    """A row for each state, direction and gene, in this order."""
    lists = [
        (row, direction, listed[direction][row])
        for row in range(len(states))
        for direction in _DIRECTIONS
    ]
    sizes = [len(own) for _, _, own in lists]
    rows = np.repeat([row for row, _, _ in lists], sizes)
    genes = np.concatenate([own for _, _, own in lists])
    return as_table(
        {
            "state": states[rows],
            "direction": np.repeat([direction for _, direction, _ in lists], sizes),
            "rank": np.concatenate([np.arange(1, size + 1) for size in sizes]),
            "gene": names[genes],
            "change": change[rows, genes],
            "difference": difference[rows, genes],
        }
    )


def _recurrence(listed, names, change):
    """How often each gene is listed, and how many different ones are."""
    mean_change = change.mean(axis=0)
    genes, directions, counts = [], [], []
    n_distinct = {}
    for direction, positions in listed.items():
        n_states = np.bincount(np.concatenate(positions), minlength=len(names))
        order = np.lexsort([-np.abs(mean_change), -n_states])[: np.count_nonzero(n_states)]
        genes.append(order)
        directions.append(np.repeat(direction, len(order)))
        counts.append(n_states[order])
        n_distinct[direction] = len(order)
    genes, directions, counts = map(np.concatenate, (genes, directions, counts))
    table = {
        "gene": names[genes],
        "direction": directions,
        "n_states": counts,
        "share": counts / len(change),
        "mean_change": mean_change[genes],
    }
    return as_table(table), n_distinct
