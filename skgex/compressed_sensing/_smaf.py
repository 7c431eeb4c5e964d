"""SMAF: sparse modules of genes, and few of them active in a profile."""

from numbers import Integral, Real

import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _solvers as solvers
from skgex.base import fill_docstring
from skgex.compressed_sensing._dictionary import Dictionary
from skgex.compressed_sensing._dictionary_regressor import DictionaryRegressor

_PARAMS = {
    "tolerance": [Interval(Real, 0, 1, closed="neither")],
    "relative_to": [StrOptions({"centred", "data"})],
    "n_nonzero_min": [Interval(Integral, 1, None, closed="left"), None],
    "module_size_min": [Interval(Real, 0, None, closed="left")],
    "n_rounds": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


class SMAF(Dictionary):
    """Sparse module activity factorisation: gene modules that profiles are made of.

    Every round, in turn, with W for activities (n_modules, n_profiles) and λ for ``tolerance``:

    1. for every gene ``min ‖u_i‖₁`` where ``‖x_i − Wᵀu_i‖² ≤ λ E_i`` and ``u_i ≥ 0``;
    2. modules are scaled to unit norm;
    3. for every profile ``min_w ‖x − U w‖²`` where ``‖w‖₀ ≤ k``, by orthogonal matching pursuit,
       with k as far below ``n_nonzero`` as ``‖X − U W‖² ≤ λ E`` allows;
    4. λ is halved if modules are smaller than ``module_size_min``.

    Modules that no gene loads on, or no profile uses, are dropped. Profiles that are all zero have
    one module, which is empty.

    Parameters
    ----------
    n_modules : int, default=None
        To start with, at most the number of profiles; None is 150, or as many as there are
        profiles. The paper has up to 500.
    n_nonzero : int, default=5
        k, modules of a profile at most. The paper has 5 and 15.
    tolerance : float, default=0.2
        λ. With "centred", 0.02 is for accuracy, 0.3 and more for sparser modules.
    relative_to : {"centred", "data"}, default="centred"
        What λ is a share of. "centred": ``E_i`` is the energy of gene i about its mean, and E the
        sum over genes. "data", as published: E is ``‖X‖²``, and ``E_i`` is ``‖X‖² / n_profiles``
        for every gene, so that genes of low expression, or all genes where profiles are few, may
        be in no module.
    n_nonzero_min : int, default=None
        The lowest k; the paper has 5. None keeps k at ``n_nonzero``.
    module_size_min : float, default=0
        Least mean size of a module, the exponential of the entropy of its loadings.
    n_rounds : int, default=10
        Rounds.
    random_state : int, RandomState instance or None, default=None
        Draws the activities to start with.

    Attributes
    ----------
    components_ : ndarray of shape (n_modules, n_genes)
        Modules, not negative, of unit norm; those that are left.
    tolerance_ : float
        λ of the last round.
    misfits_ : list of float
        ``‖X − U W‖² / E`` of every round.
    n_infeasible_ : int
        Genes that no loadings brought to their tolerance in the last round.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Gene names, if X is a table.

    References
    ----------
    Cleary, B., Cong, L., Cheung, A., Lander, E. S., Regev, A. (2017). Efficient generation of
    transcriptomic profiles by random composite measurements. Cell 171(6).

    Examples
    --------
    >>> from skgex import GeneScaler, SMAF, make_expression
    >>> profiles = GeneScaler("range").fit_transform(make_expression(100, 20, 30)[0].X)
    >>> modules = SMAF(20, n_nonzero=3, random_state=0).fit(profiles)
    >>> bool((modules.components_ == 0).any()), modules.transform(profiles).shape[0]
    (True, 100)
    """

    _parameter_constraints: dict = {**Dictionary._parameter_constraints, **_PARAMS}
    _default_n_modules = 150
    _nonnegative_profiles = True

    def __init__(
        self,
        n_modules=None,
        n_nonzero=5,
        *,
        tolerance=0.2,
        relative_to="centred",
        n_nonzero_min=None,
        module_size_min=0,
        n_rounds=10,
        random_state=None,
    ):
        self.n_modules = n_modules
        self.n_nonzero = n_nonzero
        self.tolerance = tolerance
        self.relative_to = relative_to
        self.n_nonzero_min = n_nonzero_min
        self.module_size_min = module_size_min
        self.n_rounds = n_rounds
        self.random_state = random_state

    def _learn(self, X, n_modules):
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        n_nonzero = min(self.n_nonzero, n_modules, X.shape[1])
        n_nonzero_min = self.n_nonzero_min and min(self.n_nonzero_min, n_nonzero)
        modules = solvers.smaf(
            X,
            n_modules,
            n_nonzero,
            tolerance=self.tolerance,
            relative_to=self.relative_to,
            n_nonzero_min=n_nonzero_min,
            n_rounds=self.n_rounds,
            module_size_min=self.module_size_min,
            generator=torch.Generator().manual_seed(seed),
        )
        self.tolerance_, self.misfits_ = modules.tolerance, modules.misfit.tolist()
        self.n_infeasible_ = int(modules.infeasible.sum())
        return modules.U.T.contiguous()


@fill_docstring
class SMAFRegressor(DictionaryRegressor):
    """Profiles from measurements, by sparse modules of genes.

    :class:`SMAF` learns modules U from the training profiles; a measurement ``z = A x`` is decoded
    by them as ``decode`` says. ``SMAFRegressor.published(A)`` is the published pipeline.

    Parameters
    ----------
    %(measurement)s
    %(smaf)s
    %(decode)s
    %(noise)s
    %(range_scaling)s
    %(memory)s
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    dictionary_ : SMAF
    n_active_, alpha_ : int and float
        For "omp" and for "lasso".
    %(measured)s

    References
    ----------
    Cleary, B., Cong, L., Cheung, A., Lander, E. S., Regev, A. (2017). Efficient generation of
    transcriptomic profiles by random composite measurements. Cell 171(6).

    Examples
    --------
    >>> from skgex import CompositeMeasurement, SMAFRegressor, make_expression
    >>> from sklearn.pipeline import make_pipeline
    >>> profiles = make_expression(200, 20, 80, random_state=0)[0].X
    >>> measure = CompositeMeasurement(30, random_state=0)
    >>> decoder = make_pipeline(measure, SMAFRegressor(n_modules=20, random_state=0))
    >>> decoder.fit(profiles, profiles).predict(profiles).shape
    (200, 100)
    """

    _dictionary = SMAF
    _parameter_constraints: dict = {
        **DictionaryRegressor._parameter_constraints,
        **SMAF._parameter_constraints,
        "gene_scaling": [StrOptions({"range"}), None],
    }
    # The smaller of the paper's two settings; the other has 500 modules, 15 of them and no fewer
    # than 5 in a profile, and a tolerance of 0.1.
    _paper = dict(n_nonzero=5, n_active=5, tolerance=5e-4, relative_to="data")

    def __init__(
        self,
        measurement_matrix=None,
        *,
        n_modules=None,
        n_nonzero=5,
        tolerance=0.2,
        relative_to="centred",
        n_nonzero_min=None,
        module_size_min=0,
        n_rounds=10,
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
        self.tolerance = tolerance
        self.relative_to = relative_to
        self.n_nonzero_min = n_nonzero_min
        self.module_size_min = module_size_min
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
