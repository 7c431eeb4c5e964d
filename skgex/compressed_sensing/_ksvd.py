"""K-SVD: modules learned so that few of them make each profile."""

from numbers import Integral

import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skgex import _solvers as solvers
from skgex.base import fill_docstring
from skgex.compressed_sensing._dictionary import Dictionary
from skgex.compressed_sensing._dictionary_regressor import DictionaryRegressor

_PARAMS = {
    "n_rounds": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


class KSVD(Dictionary):
    """K-SVD dictionary of gene modules.

    Lowers ``‖X − W U‖²`` with unit-norm modules in the rows of U and at most ``n_nonzero``
    activities in each row of W, in turn: W by orthogonal matching pursuit, and every module with
    its activities along the main direction of the profiles that use it.

    Parameters
    ----------
    n_modules : int, default=None
        At most the number of profiles; None is 100, or as many as there are profiles.
    n_nonzero : int, default=15
        Modules of a profile at most.
    n_rounds : int, default=20
        Rounds.
    random_state : int, RandomState instance or None, default=None
        Draws the profiles that modules start as.

    Attributes
    ----------
    components_ : ndarray of shape (n_modules, n_genes)
        Modules, of unit norm.
    errors_ : list of float
        ``‖X − W U‖² / ‖X‖²`` of every round.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Gene names, if X is a table.

    References
    ----------
    Aharon, M., Elad, M., Bruckstein, A. (2006). K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation. IEEE Transactions on Signal Processing 54(11).

    Rubinstein, R., Zibulevsky, M., Elad, M. (2008). Efficient implementation of the K-SVD
    algorithm using batch orthogonal matching pursuit. Technical report, Technion.

    Examples
    --------
    >>> from skgex import KSVD, make_expression
    >>> profiles = make_expression(100, 20, 30, random_state=0)[0].X
    >>> activities = KSVD(20, n_nonzero=3, random_state=0).fit_transform(profiles)
    >>> activities.shape, int((activities != 0).sum(axis=1).max())
    ((100, 20), 3)
    """

    _parameter_constraints: dict = {**Dictionary._parameter_constraints, **_PARAMS}

    def __init__(self, n_modules=None, n_nonzero=15, *, n_rounds=20, random_state=None):
        self.n_modules = n_modules
        self.n_nonzero = n_nonzero
        self.n_rounds = n_rounds
        self.random_state = random_state

    def _learn(self, X, n_modules):
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        n_nonzero = min(self.n_nonzero, n_modules, X.shape[1])
        generator = torch.Generator().manual_seed(seed)
        U, self.errors_ = solvers.ksvd(X, n_modules, n_nonzero, generator, n_rounds=self.n_rounds)
        return U


@fill_docstring
class KSVDRegressor(DictionaryRegressor):
    """Profiles from measurements, by a K-SVD dictionary of modules.

    :class:`KSVD` learns modules U from the training profiles; a measurement ``z = A x`` is decoded
    by them as ``decode`` says.

    Parameters
    ----------
    %(measurement)s
    n_modules : int, default=None
        At most the number of profiles; None is 100, or as many as there are profiles.
    n_nonzero : int, default=15
        Modules of a profile at most.
    n_rounds : int, default=20
        Rounds of K-SVD.
    %(decode)s
    %(noise)s
    %(linear_scaling)s
    %(memory)s
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    dictionary_ : KSVD
    n_active_, alpha_ : int and float
        For "omp" and for "lasso".
    %(measured)s

    References
    ----------
    Aharon, M., Elad, M., Bruckstein, A. (2006). K-SVD: an algorithm for designing overcomplete
    dictionaries for sparse representation. IEEE Transactions on Signal Processing 54(11).

    Examples
    --------
    >>> from skgex import CompositeMeasurement, KSVDRegressor, make_expression
    >>> from sklearn.pipeline import make_pipeline
    >>> profiles = make_expression(200, 20, 80, random_state=0)[0].X
    >>> measure = CompositeMeasurement(30, random_state=0)
    >>> decoder = make_pipeline(measure, KSVDRegressor(random_state=0))
    >>> decoder.fit(profiles, profiles).predict(profiles).shape
    (200, 100)
    """

    _dictionary = KSVD
    _parameter_constraints: dict = {
        **DictionaryRegressor._parameter_constraints,
        **KSVD._parameter_constraints,
    }

    def __init__(
        self,
        measurement_matrix=None,
        *,
        n_modules=None,
        n_nonzero=15,
        n_rounds=20,
        decode="factor",
        n_active=None,
        alpha=None,
        residual=True,
        normalize=True,
        noise="estimate",
        gene_scaling=None,
        memory=None,
        random_state=None,
    ):
        self.measurement_matrix = measurement_matrix
        self.n_modules = n_modules
        self.n_nonzero = n_nonzero
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
