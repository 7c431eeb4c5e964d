"""Sparse non-negative matrix factorisation: modules that only ever add up."""

import warnings
from numbers import Integral, Real

import torch
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from skgex.base import fill_docstring
from skgex.compressed_sensing._dictionary import Dictionary, rescaled
from skgex.compressed_sensing._dictionary_regressor import DictionaryRegressor

_PARAMS = {
    "sparsity": [Interval(Real, 0, None, closed="left")],
    "n_rounds": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


class SparseNMF(Dictionary):
    """Sparse non-negative dictionary of gene modules.

    Lowers ``½ ‖X − W U‖² + λ (n_genes ‖W‖₁ + n_profiles ‖U‖₁)`` over modules, the rows of U, and
    activities W, neither of them negative, by :class:`sklearn.decomposition.NMF`; modules are then
    brought to unit norm, and those that are empty, or that no profile uses, dropped. Profiles that
    are all zero have one module, which is empty. Activities of profiles are found anew, at most
    ``n_nonzero`` each.

    Parameters
    ----------
    n_modules : int, default=None
        At most the number of profiles; None is 100, or as many as there are profiles.
    n_nonzero : int, default=15
        Modules of a profile at most.
    sparsity : float, default=1e-5
        λ, for genes between 0 and 1. Genes in a unit that makes them s times as large have the
        same modules with ``s ** 1.5`` times the penalty.
    n_rounds : int, default=200
        Passes over all values at most.
    random_state : int, RandomState instance or None, default=None
        Draws what is in place of zeros to start with.

    Attributes
    ----------
    components_ : ndarray of shape (n_modules, n_genes)
        Modules, not negative, of unit norm.
    n_iter_ : int
        Passes made.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Gene names, if X is a table.

    References
    ----------
    Hoyer, P. O. (2004). Non-negative matrix factorization with sparseness constraints. Journal of
    Machine Learning Research 5.

    Cichocki, A., Phan, A.-H. (2009). Fast local algorithms for large scale nonnegative matrix and
    tensor factorizations. IEICE Transactions on Fundamentals E92-A(3).

    Examples
    --------
    >>> from skgex import GeneScaler, SparseNMF, make_expression
    >>> profiles = GeneScaler("range").fit_transform(make_expression(100, 20, 30)[0].X)
    >>> modules = SparseNMF(20, n_nonzero=3, random_state=0).fit(profiles)
    >>> modules.transform(profiles).min() >= 0
    np.True_
    """

    _parameter_constraints: dict = {**Dictionary._parameter_constraints, **_PARAMS}
    _nonnegative_profiles = True
    _nonnegative_activities = True
    _knows_unit = True

    def __init__(
        self, n_modules=None, n_nonzero=15, *, sparsity=1e-5, n_rounds=200, random_state=None
    ):
        self.n_modules = n_modules
        self.n_nonzero = n_nonzero
        self.sparsity = sparsity
        self.n_rounds = n_rounds
        self.random_state = random_state

    def _learn(self, X, n_modules):
        if not X.any():
            self.n_iter_ = 0
            return X[:1]
        X, exponent = rescaled(X.numpy())
        # Both factors of profiles s times as large are √s times as large. A penalty that leaves
        # nothing in any case need not leave float32.
        penalty = min(self.sparsity * 2.0 ** min(-1.5 * exponent.item(), 900), 1e6)
        nmf = NMF(
            n_modules,
            init="nndsvda" if n_modules <= min(X.shape) else "random",
            alpha_W=penalty,
            l1_ratio=1,
            max_iter=self.n_rounds,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():  # a few passes short of the end make no other modules
            warnings.simplefilter("ignore", ConvergenceWarning)
            W = nmf.fit_transform(X)
        self.n_iter_ = nmf.n_iter_
        U = torch.from_numpy(nmf.components_)
        norm = torch.linalg.vector_norm(U, dim=1, keepdim=True)
        kept = (norm[:, 0] > 0) & torch.from_numpy(W.any(axis=0))
        if not kept.any():
            raise ValueError(
                f"sparsity={self.sparsity} leaves no module at all. Lower it, or bring genes to "
                "[0, 1], which its default is for."
            )
        return U[kept] / norm[kept]


@fill_docstring
class SparseNMFRegressor(DictionaryRegressor):
    """Profiles from measurements, by a sparse non-negative dictionary of modules.

    :class:`SparseNMF` learns modules U from the training profiles; a measurement ``z = A x`` is
    decoded by them as ``decode`` says. Activities are not negative for "lasso", nor for "omp"
    unless ``normalize=False``, as ``published`` has it: that pursuit knows no signs.

    Parameters
    ----------
    %(measurement)s
    n_modules : int, default=None
        At most the number of profiles; None is 100, or as many as there are profiles.
    n_nonzero : int, default=15
        Modules of a profile at most.
    sparsity : float, default=1e-5
        Penalty on modules and activities, for genes between 0 and 1.
    n_rounds : int, default=200
        Passes over all values at most.
    %(decode)s
    %(noise)s
    %(range_scaling)s
    %(memory)s
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    dictionary_ : SparseNMF
    n_active_, alpha_ : int and float
        For "omp" and for "lasso".
    %(measured)s

    References
    ----------
    Hoyer, P. O. (2004). Non-negative matrix factorization with sparseness constraints. Journal of
    Machine Learning Research 5.

    Examples
    --------
    >>> from skgex import CompositeMeasurement, SparseNMFRegressor, make_expression
    >>> from sklearn.pipeline import make_pipeline
    >>> profiles = make_expression(200, 20, 80, random_state=0)[0].X
    >>> measure = CompositeMeasurement(30, random_state=0)
    >>> decoder = make_pipeline(measure, SparseNMFRegressor(n_modules=20, random_state=0))
    >>> decoder.fit(profiles, profiles).predict(profiles).shape
    (200, 100)
    """

    _dictionary = SparseNMF
    _parameter_constraints: dict = {
        **DictionaryRegressor._parameter_constraints,
        **SparseNMF._parameter_constraints,
        "gene_scaling": [StrOptions({"range"}), None],
    }

    def __init__(
        self,
        measurement_matrix=None,
        *,
        n_modules=None,
        n_nonzero=15,
        sparsity=1e-5,
        n_rounds=200,
        decode="factor",
        n_active=None,
        alpha=None,
        residual=True,
        normalize=True,
        noise="estimate",
        gene_scaling="range",
        memory=None,
        random_state=None,
    ):
        self.measurement_matrix = measurement_matrix
        self.n_modules = n_modules
        self.n_nonzero = n_nonzero
        self.sparsity = sparsity
        self.n_rounds = n_rounds
        self.decode = decode
        self.n_active = n_active
        self.alpha = alpha
        self.residual = residual
        self.normalize = normalize
        self.noise = noise
        self.gene_scaling = gene_scaling
        self.memory = memory
        self.random_state = random_state
