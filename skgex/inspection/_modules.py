"""Gene modules: their sizes, their genes, and whether another fit finds them."""

from itertools import combinations
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import check_is_fitted

from skgex._utils._gene_ids import as_ids
from skgex._utils._validation import as_host


class ModuleMatch(NamedTuple):
    """Which modules of two fits are alike; see :func:`match_modules`."""

    mean: float
    others: float
    pairs: np.ndarray
    similarity: np.ndarray


class ModuleSizes(NamedTuple):
    """How many genes modules have; see :func:`module_sizes`."""

    nonzero: np.ndarray
    effective: np.ndarray


def module_sizes(dictionary):
    """Number of genes of modules, counted and weighted.

    The effective size is ``exp(−Σ_g a_g log a_g)``, where ``a = |u| / Σ|u|`` are the absolute
    loadings of a module: s if s genes have the same loading and the others none, less if loadings
    differ [1]_.

    Parameters
    ----------
    dictionary : estimator or array-like of shape (n_modules, n_genes)
        A fitted dictionary such as :class:`~skgex.compressed_sensing.KSVD`, or its
        ``components_``.

    Returns
    -------
    ModuleSizes
        - ``nonzero``: number of genes whose loading is not zero, of each module;
        - ``effective``: effective size of each module; 0 if all loadings are zero.

    References
    ----------
    .. [1] Cleary, B., Cong, L., Cheung, A., Lander, E. S., Regev, A. (2017). Efficient generation
           of transcriptomic profiles by random composite measurements. Cell 171(6).

    Examples
    --------
    >>> from skgex.inspection import module_sizes
    >>> sizes = module_sizes([[1, -1, 0, 0], [3, 1, 1, 1]])
    >>> sizes.nonzero.tolist(), sizes.effective.round(2).tolist()
    ([2, 4], [2.0, 3.46])
    """
    components = np.abs(_components(dictionary, "dictionary"))
    total = components.sum(axis=1, keepdims=True)
    shares = components / np.where(total > 0, total, 1)
    entropy = -np.sum(shares * np.log(np.where(shares > 0, shares, 1)), axis=1)
    return ModuleSizes(
        nonzero=np.count_nonzero(components, axis=1),
        effective=np.where(total[:, 0] > 0, np.exp(entropy), 0),
    )


@validate_params(
    {"share": [Interval(Real, 0, 1, closed="right")]}, prefer_skip_nested_validation=True
)
def module_genes(dictionary, gene_names=None, *, share=0.5):
    """Genes that make up each module.

    They are the fewest that together hold a share of the module's squared norm ``Σ_g u_g²``, so
    that a few strong genes are told from many weak ones, whatever the scale, the sign and the
    sparsity of loadings.

    Parameters
    ----------
    dictionary : estimator or array-like of shape (n_modules, n_genes)
        A fitted dictionary such as :class:`~skgex.compressed_sensing.KSVD`, or its
        ``components_``.
    gene_names : array-like of str of shape (n_genes,), default=None
        Names of the genes. None takes those of the table that the dictionary was fitted to.
    share : float, default=0.5
        Between 0 and 1; 1 takes all genes whose loading is not zero.

    Returns
    -------
    dict of str to tuple of str
        Genes of each module, strongest first. Modules bear the names that the estimator gives
        them, or ``module0``, ``module1``, ...; one whose loadings are all zero is left out.

    Examples
    --------
    >>> from skgex.inspection import module_genes
    >>> components = [[0.1, 0.0, -0.9, 0.7], [0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.5, 0.4]]
    >>> module_genes(components, ["TP53", "MYC", "CDK4", "E2F1"])
    {'module0': ('CDK4',), 'module2': ('TP53', 'MYC')}
    """
    components = _components(dictionary, "dictionary")
    names = getattr(dictionary, "feature_names_in_", None) if gene_names is None else gene_names
    if names is None:
        raise ValueError(
            "gene_names is None, but the dictionary knows no names: pass those of its genes, or "
            "fit it to a table."
        )
    names = as_ids(names)
    if names.shape != components.shape[1:]:
        raise ValueError(
            f"gene_names has shape {names.shape}, but modules have {components.shape[1]} genes: "
            "give one name a gene, in the order of the loadings."
        )
    if hasattr(dictionary, "get_feature_names_out"):
        modules = dictionary.get_feature_names_out().tolist()
    else:
        modules = [f"module{k}" for k in range(len(components))]
    genes = {}
    for module, loadings in zip(modules, components, strict=True):
        order = np.argsort(-np.abs(loadings), kind="stable")[: np.count_nonzero(loadings)]
        held = np.cumsum(np.square(loadings[order] / np.max(np.abs(loadings), initial=1e-300)))
        if len(order):
            # Half of four equal genes are two, however their squares are rounded.
            n_genes = np.searchsorted(held, share * held[-1] * (1 - 1e-9)) + 1
            genes[module] = tuple(names[order[: n_genes if share < 1 else None]].tolist())
    return genes


def match_modules(first, second):
    """Modules of two fits, matched one to one.

    The similarity of two modules is the absolute cosine ``|uᵀv| / (‖u‖ ‖v‖)`` of their loadings,
    and the matching is that of the largest sum of similarities.

    Parameters
    ----------
    first, second : estimator or array-like of shape (n_modules, n_genes)
        Fitted dictionaries such as :class:`~skgex.compressed_sensing.KSVD`, or their
        ``components_``, of the same genes in the same order. They may have different
        numbers of modules.

    Returns
    -------
    ModuleMatch
        - ``mean``: sum of the similarities of matched modules over the larger number of modules,
          so that a module without a counterpart counts as 0;
        - ``others``: mean similarity of modules that are not matched; NaN if there are none.
          Modules that all resemble the mean profile match well with whatever other fit;
        - ``pairs``: array of shape (n_pairs, 2), positions of matched modules;
        - ``similarity``: array of shape (n_pairs,).

    See Also
    --------
    module_stability : Of more than two fits.

    Examples
    --------
    >>> from skgex.inspection import match_modules
    >>> match = match_modules([[1, 0, 0], [0, 3, 4]], [[0, -4, -3], [2, 0, 0]])
    >>> match.pairs.tolist(), match.similarity.round(2).tolist(), round(match.mean, 2)
    ([[0, 1], [1, 0]], [1.0, 0.96], 0.98)
    """
    first, second = _components(first, "first"), _components(second, "second")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"The modules of first have {first.shape[1]} genes, those of second "
            f"{second.shape[1]}: match fits to the same genes."
        )
    similarity = np.abs(_unit_norm(first) @ _unit_norm(second).T)
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    matched = similarity[rows, columns]
    n_others = similarity.size - len(rows)
    others = (similarity.sum() - matched.sum()) / n_others if n_others else np.nan
    return ModuleMatch(
        mean=float(matched.sum() / max(similarity.shape)),
        others=float(others),
        pairs=np.column_stack([rows, columns]),
        similarity=matched,
    )


def module_stability(dictionaries):
    """How alike the modules of several fits are, such as those of several seeds.

    Parameters
    ----------
    dictionaries : list of estimators or array-likes of shape (n_modules, n_genes)
        Two or more, as of :func:`match_modules`.

    Returns
    -------
    mean : float
        Mean of :func:`match_modules`' ``mean`` over all pairs of fits: 1 if all find the same
        modules.
    others : float
        That of its ``others``: how alike modules are that are not matched.

    Examples
    --------
    >>> from skgex import KSVD, make_expression
    >>> from skgex.inspection import module_stability
    >>> profiles = make_expression(100, 20, 30, random_state=0)[0].X
    >>> fits = [KSVD(10, n_nonzero=3, random_state=seed).fit(profiles) for seed in range(3)]
    >>> mean, others = module_stability(fits)
    >>> others < mean < 1
    True
    """
    dictionaries = list(dictionaries)
    if len(dictionaries) < 2:
        raise ValueError(
            f"dictionaries has {len(dictionaries)} fits: pass two or more to be compared."
        )
    matches = [match_modules(first, second) for first, second in combinations(dictionaries, 2)]
    return tuple(
        float(np.mean([getattr(match, name) for match in matches])) for name in ("mean", "others")
    )


def _components(dictionary, argument):
    """Modules × genes of a fitted dictionary, or as they are."""
    if hasattr(dictionary, "fit"):
        check_is_fitted(dictionary)
        if not hasattr(dictionary, "components_"):
            raise ValueError(
                f"{argument} is a {type(dictionary).__name__}, which has no modules: pass a "
                "dictionary, such as the dictionary_ of a regressor, or its components_."
            )
        dictionary = dictionary.components_
    # In float32 squares of loadings in units of 1e-30 would be nothing.
    return check_array(as_host(dictionary), dtype=np.float64, input_name=argument)


def _unit_norm(components):
    largest = np.abs(components).max(axis=1, keepdims=True)
    components = components / np.where(largest > 0, largest, 1)
    norm = np.linalg.norm(components, axis=1, keepdims=True)
    return components / np.where(norm > 0, norm, 1)
