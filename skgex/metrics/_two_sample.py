"""Can generated profiles be told from real ones? A classifier tries."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy.stats import norm
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from skgex.metrics._genes import _check_values


class TwoSampleResult(NamedTuple):
    """How well a classifier tells real from generated profiles; see :func:`two_sample_test`."""

    auc: float
    auc_std: float
    p_value: float
    accuracy: float

    def __str__(self):
        return f"AUC {self.auc:.3f} ± {self.auc_std:.3f} (p = {self.p_value:.2g})"


@validate_params(
    {
        "classifier": [HasMethods(["fit", "predict"]), None],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,  # the classifier is still to check its own parameters
)
def two_sample_test(
    real, generated, *, classifier=None, n_components=None, cv=5, random_state=None
):
    """Classifier two-sample test: how well are generated profiles told from real ones?

    A classifier learns to tell as many real from as many generated profiles, and is judged on
    folds that it has not seen. The area under its ROC curve is the share of pairs, one real and
    one generated profile, that it puts in the right order: .5 where the two cannot be told apart
    (by this classifier), 1 where they always are.

    Parameters
    ----------
    real : array-like of shape (n_real, n_genes)
        Measured profiles, best ones that the generator was not trained on.
    generated : array-like of shape (n_generated, n_genes)
        Generated profiles, genes in the same order and unit. If there are more of one kind, as
        many as there are of the other are drawn.
    classifier : classifier, default=None
        Anything with ``predict_proba`` or ``decision_function``; where its ``random_state`` is
        None, it is set. None takes logistic regression with ``C=0.1`` of standardised genes, which
        sees weighted sums of genes, hence shifted means. Spreads and correlations take a
        classifier with a bent boundary, such as a forest or quadratic discriminant analysis.
    n_components : int, default=None
        Compare the leading principal components of real profiles, each scaled to variance 1,
        instead of genes: the structure that a generator with few latent dimensions can have. A
        third of the real profiles, and any that are too many, give the components and take no
        further part: profiles lie further out along components that were fitted to them than
        new ones do, by which alone a classifier would know them.
    cv : int, default=5
        Number of folds, stratified and shuffled.
    random_state : int, RandomState instance or None, default=None
        Draws profiles and folds.

    Returns
    -------
    TwoSampleResult
        - ``auc``: area under the ROC curve, mean over folds. Well below .5 means copies: a real
          profile left out is taken for generated because its copy was learned as such;
        - ``auc_std``: population standard deviation over folds;
        - ``p_value``: of an AUC as large or larger if both came from one distribution, see Notes;
        - ``accuracy``: share of profiles that are recognised, mean over folds; by chance .5.

    Raises
    ------
    ValueError
        If genes differ in number or in name, a value is NaN or infinite, fewer than ``cv``
        profiles of a kind are left to compare, or they are too few for the components.

    Notes
    -----
    The p-value takes the mean AUC for normal. In one fold of m real and n generated profiles, an
    AUC by chance has the variance (m + n + 1) / 12mn of Mann and Whitney's statistic. Folds are
    not independent: any two profiles of different folds meet twice, once when either is left out,
    which doubles the variance of the mean. Left out of account, this would find a difference
    between equal samples in about 12 of 100 tests at the 5 % level.

    References
    ----------
    Lopez-Paz, D., Oquab, M. (2017). Revisiting classifier two-sample tests. ICLR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex.metrics import two_sample_test
    >>> rng = np.random.default_rng(0)
    >>> real, alike, shifted = (rng.normal(mean, size=(200, 20)) for mean in (0, 0, 1))
    >>> two_sample_test(real, alike, random_state=0).p_value > 0.05
    True
    >>> two_sample_test(real, shifted, random_state=0).auc > 0.95
    True
    """
    real, generated = _check_genes(real, generated)
    random_state = check_random_state(random_state)
    real_rows, rows = (random_state.permutation(len(A)) for A in (real, generated))
    seed = random_state.randint(np.iinfo(np.int32).max)
    n_fit = 0 if n_components is None else max(len(real) // 3, len(real) - len(generated))
    n = min(len(real) - n_fit, len(generated))
    if n < cv:
        used = f" ({n_fit} of them for the components)" if n_fit else ""
        raise ValueError(
            f"real has {len(real)} profiles{used} and generated {len(generated)}: cv={cv} folds "
            f"need at least {cv} of each to compare. Give more profiles, or lower cv."
        )
    drawn = real[real_rows[n_fit : n_fit + n]], generated[rows[:n]]
    profiles, is_real = np.concatenate(drawn, dtype=np.float64), np.repeat([1, 0], n)
    if n_components is not None:
        profiles = _components(real[real_rows[:n_fit]], n_components, seed).transform(profiles)
    if classifier is None:
        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    folds = StratifiedKFold(cv, shuffle=True, random_state=seed)
    folds = list(folds.split(profiles, is_real))
    scores = cross_validate(
        _seeded(classifier, seed),
        profiles,
        is_real,
        cv=folds,
        scoring=("roc_auc", "accuracy"),
        error_score="raise",
    )
    auc = scores["test_roc_auc"]
    by_chance = 2 * sum(_variance_by_chance(is_real[test]) for _, test in folds) / cv**2
    return TwoSampleResult(
        auc=float(auc.mean()),
        auc_std=float(auc.std()),
        p_value=float(norm.sf((auc.mean() - 0.5) / np.sqrt(by_chance))),
        accuracy=float(scores["test_accuracy"].mean()),
    )


def _check_genes(real, generated):
    names = [getattr(profiles, "columns", None) for profiles in (real, generated)]
    real, generated = _check_values(real, "real"), _check_values(generated, "generated")
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            f"real has {real.shape[1]} genes (columns) and generated {generated.shape[1]}: both "
            "must hold the same genes in the same order."
        )
    if all(n is not None for n in names) and list(names[0]) != list(names[1]):
        raise ValueError(
            "real and generated have different columns, or the same in another order: bring both "
            "into one gene order first, for example generated[real.columns]."
        )
    return real, generated


def _components(real, n_components, seed):
    largest = min(len(real) - 1, real.shape[1])
    if n_components > largest:
        raise ValueError(
            f"n_components={n_components} is too large: {len(real)} real profiles of "
            f"{real.shape[1]} genes are at hand to find components, which allows at most "
            f"{max(0, largest)}. Give more real profiles, or lower n_components."
        )
    return PCA(n_components, whiten=True, random_state=seed).fit(real)


def _seeded(classifier, seed):
    """A copy of the classifier in which everything random has a seed."""
    classifier = clone(classifier)
    unseeded = [
        name
        for name, value in classifier.get_params().items()
        if name.endswith("random_state") and value is None
    ]
    return classifier.set_params(**dict.fromkeys(unseeded, seed))


def _variance_by_chance(is_real):
    m = is_real.sum()
    n = len(is_real) - m
    return (m + n + 1) / (12 * m * n)
