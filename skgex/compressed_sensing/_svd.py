"""Singular vectors as modules: the dictionary that explains most of all profiles together."""

import numpy as np
import torch
from scipy.linalg import eigh

from skgex.base import fill_docstring
from skgex.compressed_sensing._dictionary import Dictionary, rescaled
from skgex.compressed_sensing._dictionary_regressor import DictionaryRegressor

# Of the largest singular value: what a Gram matrix in float64, of squares, tells to 1e-7.
_TOLD = 1e-4


class SVDDictionary(Dictionary):
    """The first right singular vectors of the profiles, as gene modules.

    They lower ``‖X − W U‖²`` most of all dictionaries of their size, were all of them used in
    every profile; profiles are not centred.

    Parameters
    ----------
    n_modules : int, default=None
        At most the number of profiles and of genes; None is 100, or as many as there can be.
    n_nonzero : int, default=15
        Modules of a profile at most.

    Attributes
    ----------
    components_ : ndarray of shape (n_modules, n_genes)
        Modules: orthogonal, of unit norm, those that explain most first.
    singular_values_ : ndarray of shape (n_modules,)
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Gene names, if X is a table.

    References
    ----------
    Cleary, B., Cong, L., Cheung, A., Lander, E. S., Regev, A. (2017). Efficient generation of
    transcriptomic profiles by random composite measurements. Cell 171(6).

    Examples
    --------
    >>> from skgex import SVDDictionary, make_expression
    >>> profiles = make_expression(100, 20, 30, random_state=0)[0].X
    >>> activities = SVDDictionary(20, n_nonzero=3).fit_transform(profiles)
    >>> activities.shape, int((activities != 0).sum(axis=1).max())
    ((100, 20), 3)
    """

    _parameter_constraints: dict = {**Dictionary._parameter_constraints}
    _knows_unit = True

    def __init__(self, n_modules=None, n_nonzero=15):
        self.n_modules = n_modules
        self.n_nonzero = n_nonzero

    def _learn(self, X, n_modules):
        X, exponent = rescaled(X.numpy())
        values, U = _leading(torch.from_numpy(X), n_modules)
        largest = U.abs().argmax(dim=1, keepdim=True)
        U = U * U.gather(1, largest).sign()  # otherwise signs depend on the machine
        self.singular_values_ = np.ldexp(values.numpy(), exponent.item())
        return U.contiguous()

    def _most_modules(self, X):
        return min(X.shape)


def _leading(X, n):
    """The first n singular values, and the right singular vectors in rows.

    A few of many come from the Gram matrix of the smaller side, some ten times as fast as all of
    them from the profiles.
    """
    smaller = min(X.shape)
    if 2 * n <= smaller:
        profiles, wide = X.double(), len(X) == smaller
        gram = profiles @ profiles.T if wide else profiles.T @ profiles
        # LAPACK through torch knows all eigenvectors or none.
        squares, V = eigh(gram.numpy(), subset_by_index=(smaller - n, smaller - 1))
        V = torch.from_numpy(V)
        if squares[0] > _TOLD**2 * squares[-1]:
            # Once more, within the space that they span, without squares.
            _, values, U = torch.linalg.svd(
                V.T @ profiles if wide else profiles @ V, full_matrices=False
            )
            return values.to(X.dtype), (U if wide else U @ V.T).to(X.dtype)
    _, values, U = torch.linalg.svd(X, full_matrices=False)
    return values[:n], U[:n]


@fill_docstring
class SVDRegressor(DictionaryRegressor):
    """Profiles from measurements, by the first singular vectors of the profiles.

    :class:`SVDDictionary` takes modules U from the training profiles; a measurement ``z = A x`` is
    decoded by them as ``decode`` says. What the 2019 report calls k-SVD is
    ``SVDRegressor.published(A, n_modules=15)``: the first 15 of them, all in use.

    Parameters
    ----------
    %(measurement)s
    n_modules : int, default=None
        At most the number of profiles and of genes; None is 100, or as many as there can be.
    n_nonzero : int, default=15
        Modules of a profile at most.
    %(decode)s
    %(noise)s
    %(linear_scaling)s
    %(memory)s

    Attributes
    ----------
    dictionary_ : SVDDictionary
    n_active_, alpha_ : int and float
        For "omp" and for "lasso".
    %(measured)s

    References
    ----------
    Cleary, B., Cong, L., Cheung, A., Lander, E. S., Regev, A. (2017). Efficient generation of
    transcriptomic profiles by random composite measurements. Cell 171(6).

    Examples
    --------
    >>> from skgex import CompositeMeasurement, SVDRegressor, make_expression
    >>> from sklearn.pipeline import make_pipeline
    >>> profiles = make_expression(200, 20, 80, random_state=0)[0].X
    >>> decoder = make_pipeline(CompositeMeasurement(30, random_state=0), SVDRegressor())
    >>> decoder.fit(profiles, profiles).predict(profiles).shape
    (200, 100)
    """

    _dictionary = SVDDictionary
    _parameter_constraints: dict = {
        **DictionaryRegressor._parameter_constraints,
        **SVDDictionary._parameter_constraints,
    }

    def __init__(
        self,
        measurement_matrix=None,
        *,
        n_modules=None,
        n_nonzero=15,
        decode="factor",
        n_active=None,
        alpha=None,
        residual=True,
        normalize=True,
        noise="estimate",
        gene_scaling=None,
        memory=None,
    ):
        self.measurement_matrix = measurement_matrix
        self.n_modules = n_modules
        self.n_nonzero = n_nonzero
        self.decode = decode
        self.n_active = n_active
        self.alpha = alpha
        self.residual = residual
        self.normalize = normalize
        self.noise = noise
        self.gene_scaling = gene_scaling
        self.memory = memory
