"""Do perturbed profiles look like real ones of the target state, or do they only pass for them?"""

import warnings
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from skgex._utils._naming import two_digits
from skgex._utils._perturbed import as_states
from skgex._utils._tables import as_table
from skgex.inspection._perturber_input import (
    as_classifiers,
    as_perturbers,
    as_profiles,
    called_target,
    check_states,
    common_target,
    perturbed_profiles,
)
from skgex.inspection._realism_reference import BASELINES, REAL, Reference

_IDEAL = {  # values of real profiles of the target state, where they are known
    "reaches": 1.0,
    "logistic": 1.0,
    "forest": 1.0,
    "neighbors": 1.0,
    "variance": 1.0,
    "correlation": np.nan,
    "identity": 1.0,
    "source_signal": 0.0,
    "size": np.nan,
    "auc": 0.5,
    "nn_real": 0.5,
    "nn_generated": 0.5,
}


class Realism(NamedTuple):
    """How realistic perturbed profiles are; see :func:`realism`."""

    table: object
    warnings: tuple
    correlation_ceiling: float
    target: object
    n_perturbed: int
    n_states: int
    n_real: int

    def __str__(self):
        ideal = _IDEAL | {"correlation": self.correlation_ceiling}
        columns = [["", *ideal], ["ideal", *map(two_digits, ideal.values())]]
        for row, method in enumerate(self.table["method"]):
            columns.append([method, *(two_digits(self.table[name][row]) for name in ideal)])
        widths = [max(map(len, column)) for column in columns]
        lines = (
            "  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])])
            for name, *cells in zip(*columns, strict=True)
        )
        return "\n".join(
            [
                f"{self.n_perturbed:,} profiles of {self.n_states} states made "
                f"{str(self.target)!r}, beside {self.n_real:,} real ones",
                *lines,
                *self.warnings,
            ]
        )


@validate_params(
    {
        "classifier": [HasMethods("predict"), None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "max_genes": [Interval(Integral, 3, None, closed="left")],
        "baselines": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def realism(
    perturbers,
    X,
    y,
    *,
    X_train,
    y_train,
    classifier=None,
    target=None,
    n_neighbors=5,
    max_genes=2000,
    baselines=True,
    random_state=None,
):
    """Measure how realistic profiles are that were perturbed to a target state.

    Held-out profiles of the target state are the real ones; those of all other states are
    perturbed, and then called target by classifiers, held against the real ones, and against
    themselves before. That they are called target proves little: the target's mean profile,
    given for every sample, often is. Genes are compared in shares of their range in `X_train`.

    Parameters
    ----------
    perturbers : fitted perturber, array-like, or dict of str to either
        Perturbers of one target state, by name; or perturbed profiles, one for each row of X, of
        which those of the target state are not looked at.
    X : array-like of shape (n_profiles, n_genes)
        Held-out profiles of the target state and of others, which no perturber was trained on.
    y : array-like of shape (n_profiles,)
        Their states.
    X_train : array-like of shape (n_training_profiles, n_genes)
        The training profiles.
    y_train : array-like of shape (n_training_profiles,)
        Their states, among them all states of `y`.
    classifier : fitted classifier, default=None
        The classifier f of profiles in the units of X. None takes ``classifier_`` of each
        perturber; what has none is shown to that of the first perturber that has one.
    target : str or number, default=None
        The target state. None takes ``target_`` of the perturbers.
    n_neighbors : int, default=5
        Number of nearest training profiles that vote.
    max_genes : int, default=2000
        At most so many genes are drawn, to correlate all pairs of them.
    baselines : bool, default=True
        Whether to measure the same of the profiles as they are ("identity"), of the mean μ_t of
        the target's training profiles ("constant mean"), of ``x + μ_t − μ_s`` ("mean
        difference"; s is the source state) and of random profiles of the target's mean and
        covariance ("Gaussian draw"), the last two clipped to the training range. A last row says
        how many of the real profiles are taken for the target ("real profiles"): with few genes
        not even all of these are. Pass a :class:`~skgex.perturbation.GaussianTransport` among the
        perturbers, too: it is the baseline to beat.
    random_state : int, RandomState instance or None, default=None
        Draws genes, folds, forests and the Gaussian.

    Returns
    -------
    Realism
        ``print`` shows it as text.

        - ``table``: a DataFrame when pandas is installed, else a structured array, with a row a
          method and the columns ``method``; ``is_baseline``, of rows that are no perturber; and

          - ``reaches``: share that f calls target; NaN where there is no f;
          - ``logistic``, ``forest``, ``neighbors``: share that three others call target, which
            no perturber was trained against: logistic regression, a random forest, and the vote
            of the nearest training profiles;
          - ``variance``: variance, summed over genes, over that of the real profiles;
          - ``correlation``: of the correlations between any two genes with those in real ones,
            but for genes that do not vary in either;
          - ``identity``: correlation between the deviations ``x − mean`` and ``x_a − mean`` from
            the means of the profiles of a source state, over all its genes and profiles; mean
            over states of three profiles or more. 1 if all that a profile has of its own is
            kept; NaN if no perturbed profile has anything of its own;
          - ``source_signal``: share of the variance that the source state still explains, ε²,
            adjusted for the number of states; NaN for a single one;
          - ``size``: mean of ``‖x_a − x‖₁ / ‖μ_t − μ_s‖₁``;
          - ``auc``: area under the ROC curve of a forest that tells real from perturbed profiles
            along 10 principal components of the target's training profiles: .5 if it cannot;
          - ``nn_real``, ``nn_generated``: share of the real, and of the perturbed profiles,
            whose nearest other profile is of the same kind, where as many of both are there
            (mean over all draws): both .5 at best. Both are 1 where the kinds lie apart, and
            only the second is high where perturbed profiles lie too close together;

        - ``warnings``: sentences about what passes for the target and does not look like it;
        - ``correlation_ceiling``: ``correlation`` of training profiles of the target;
        - ``target``, ``n_perturbed``, ``n_states``, ``n_real``: the target state, numbers of
          perturbed profiles, of their source states, and of real profiles.

    Raises
    ------
    ValueError
        If a value is NaN or infinite; genes, states or profiles do not match; perturbers have
        different targets; or there are no held-out profiles of the target, or only such.

    Warns
    -----
    UserWarning
        With the sentences of ``warnings``: for perturbed profiles that f or the logistic
        regression calls target nine times in ten, while their variance is less than half or more
        than twice that of real ones, their correlation less than half its ceiling (if that is
        above .2), or ``neighbors`` below .5; and for fewer than 5 profiles, real or perturbed,
        where what compares the two is NaN.

    Notes
    -----
    Genes that do not vary in `X_train` are left out, but f sees them: as they are in perturbed
    profiles, and with their training value in those of the baselines.

    Few real profiles tell little: 20 of them leave a standard error of about .1 in ``nn_real``
    and in ``auc``. Training profiles lie further out along components that were fitted to them
    than others do, and so do profiles that are made after their covariance: where there are few,
    the ``auc`` of such profiles is above .5.

    References
    ----------
    Lopez-Paz, D., Oquab, M. (2017). Revisiting classifier two-sample tests. ICLR 2017.

    Xu, Q., Huang, G., Yuan, Y., Guo, C., Sun, Y., Wu, F., Weinberger, K. (2018). An empirical
    study on evaluation metrics of generative adversarial networks. arXiv 1806.07755.

    Examples
    --------
    Told for every sample, the mean profile of a state passes for it, and is no sample of it:

    >>> import warnings
    >>> import numpy as np
    >>> from skgex import make_expression
    >>> from skgex.inspection import realism
    >>> data, _ = make_expression(300, 10, 40, n_states=3, random_state=0)
    >>> X, y = data.X, data.sample_table["state"]
    >>> train = dict(X_train=X[:200], y_train=y[:200])
    >>> mean = X[:200][y[:200] == "state1"].mean(axis=0)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     found = realism(
    ...         np.tile(mean, (100, 1)), X[200:], y[200:], **train, target="state1"
    ...     )
    >>> float(found.table["logistic"][0]), abs(float(found.table["variance"][0].round(3)))
    (1.0, 0.0)
    >>> print(found.warnings[0])
    perturbed: the perturbed profiles are called 'state1' by a logistic regression (100%), but
    their variance is 0.00 of that of real ones, 100% of them are nearest to another of them: not
    realistic.
    """
    perturbers = as_perturbers(perturbers, (*BASELINES, REAL) if baselines else ())
    target = common_target(perturbers, target)
    X, values, training = as_profiles(X, X_train)
    y, y_train = as_states(y, X), as_states(y_train, X_train, "y_train", "X_train")
    check_states(y, y_train, target)
    if n_neighbors > len(y_train):
        raise ValueError(
            f"n_neighbors={n_neighbors}, but X_train has {len(y_train)} profiles: lower it."
        )
    classifiers, common = as_classifiers(classifier, perturbers, target)
    sources = np.flatnonzero(y != target)
    perturbed = {name: perturbed_profiles(name, p, X, sources) for name, p in perturbers.items()}
    reference = Reference(
        values[y == target],
        values[sources],
        y[sources],
        training,
        y_train,
        target,
        n_neighbors=n_neighbors,
        max_genes=max_genes,
        random_state=check_random_state(random_state).randint(np.iinfo(np.int32).max),
    )
    own = called_target(common, values[y == target], X, target)
    real = {"method": REAL, "is_baseline": True, "reaches": own} | reference.measures_of_real()
    rows, notes = [], reference.notes()
    for name in [*perturbed, *(BASELINES if baselines else ())]:
        is_baseline = name not in perturbed
        P = reference.baseline(name) if is_baseline else perturbed[name]
        f = common if is_baseline else classifiers[name]
        row = {"method": name, "is_baseline": is_baseline}
        row |= {"reaches": called_target(f, P, X, target)} | reference.measures(P)
        notes += [] if is_baseline else _doubts(row, real, target)
        rows.append(row)
    if baselines:
        rows.append(real)
    for note in notes:
        warnings.warn(note, UserWarning, stacklevel=3)
    return Realism(
        table=as_table({column: np.array([row[column] for row in rows]) for column in rows[0]}),
        warnings=tuple(notes),
        correlation_ceiling=reference.correlation_ceiling,
        target=target,
        n_perturbed=len(sources),
        n_states=len(np.unique(y[sources])),
        n_real=int(np.sum(y == target)),
    )


def _doubts(row, real, target):
    """A sentence on profiles that pass for the target and do not look like it."""
    judges = {"reaches": "f", "logistic": "a logistic regression"}
    passed = [f"{who} ({row[name]:.0%})" for name, who in judges.items() if row[name] >= 0.9]
    faults, ceiling = [], real["correlation"]
    if row["variance"] < 0.5 or row["variance"] > 2:
        faults.append(f"their variance is {row['variance']:.2f} of that of real ones")
    if row["variance"] < 0.5 and row["nn_generated"] > 0.95:
        faults.append(f"{row['nn_generated']:.0%} of them are nearest to another of them")
    if ceiling > 0.2 and row["correlation"] < ceiling / 2:
        faults.append(
            f"their gene-gene correlations agree with real ones by {row['correlation']:.2f} "
            f"(training profiles: {ceiling:.2f})"
        )
    if row["neighbors"] < 0.5 * real["neighbors"]:
        faults.append(f"only {row['neighbors']:.0%} of them have neighbors of that state")
    if not passed or not faults:
        return []
    return [
        f"{row['method']}: the perturbed profiles are called {str(target)!r} by "
        f"{' and '.join(passed)}, but {', '.join(faults)}: not realistic."
    ]
