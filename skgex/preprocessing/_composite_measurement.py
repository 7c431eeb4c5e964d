"""Random sums of genes, measured in place of the genes, as a step of a pipeline."""

import warnings
from itertools import chain
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.exceptions import DataDimensionalityWarning
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from skgex._utils._fingerprint import fingerprint
from skgex.preprocessing._measurement_matrix import (
    check_matrix,
    coherence,
    draw_matrix,
    held_out_error,
)

_BATCH = 256  # profiles whose noise is drawn at once
_FEWEST_PROFILES = 5  # of which a fifth can be held out


class CompositeMeasurement(TransformerMixin, BaseEstimator):
    """Measure a few weighted sums of all genes: Z = (X + N) Aᵀ.

    X are profiles, the rows of A random weights of unit norm, or a lab's own, and N the noise of
    measuring, if any. ``make_pipeline(CompositeMeasurement(100), regressor).fit(P, P)`` infers
    whole profiles from 100 numbers each, and can be compared with a panel of landmark genes.

    Parameters
    ----------
    n_measurements : int, default=100
        Number of sums; that of a given `measurement_matrix` prevails.
    kind : {"gaussian", "sparse"}, default="gaussian"
        Every weight is Gaussian, or only those of the genes that a row holds.
    density : float, default=0.1
        Share of the genes that each row of a sparse matrix holds, at least one; drawn anew for
        every row.
    measurement_matrix : array-like of shape (n_measurements, n_genes), default=None
        Weights as the lab has them, taken as they are; then nothing is drawn. The columns of a
        DataFrame must be the genes of X, in their order.
    max_coherence : float, default=None
        The largest absolute correlation that two rows may have; original: 0.2. Rows are redrawn
        until it holds. Rows over few genes are correlated by chance, about 1 / √n_genes.
    max_tries : int, default=10000
        Rows that a matrix may have redrawn before `max_coherence` counts as out of reach.
    n_candidates : int, default=1
        Draw so many matrices and keep the one from whose noise-free measurements the profiles are
        reconstructed best: a random fifth is held out, and inferred by the linear minimum-error
        (Wiener) estimate ``μ + S Aᵀ (A S Aᵀ + ε I)⁻¹ (z − A μ)``, with the mean μ and covariance
        S of the others and ε a thousandth of the mean variance of their measurements.
    snr : float, default=None
        ``‖X‖_F / ‖N‖_F``, for the profiles measured together; original: 2. None measures without
        noise. Noise is for :meth:`transform` alone, which reads `snr` anew each time.
    random_state : int, RandomState instance or None, default=None
        Seed of the weights, the held-out profiles and the noise; see Notes.

    Attributes
    ----------
    components_ : ndarray of shape (n_measurements, n_genes)
        The weights A.
    coherence_ : float
        Largest absolute correlation between two rows. A row of equal weights counts as
        uncorrelated.
    candidate_errors_ : ndarray of shape (n_candidates,) or None
        Held-out error of every matrix drawn, ``‖X̂ − X‖² / ‖X − μ‖²``; None if there was no choice.
    n_features_in_ : int
        Number of genes of the full profiles.
    feature_names_in_ : ndarray of str
        Their names, if X has string column names.

    See Also
    --------
    LandmarkPanel : Measures single genes.

    Notes
    -----
    With an integer `random_state` the noise is decided by it and by all the profiles measured
    together: the same profiles get the same noise again, while training and test profiles, or two
    folds, do not share theirs. ``set_params(random_state=...)`` after `fit` gives the same
    profiles other noise under the same weights. Without an integer every call draws anew.

    References
    ----------
    Cleary, B., Cong, L., Cheung, A., Lander, E. S., Regev, A. (2017). Efficient generation of
    transcriptomic profiles by random composite measurements. Cell 171, 1424-1436.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgex import CompositeMeasurement, RidgeRegressorCV, make_expression
    >>> profiles = make_expression(100, n_landmarks=20, n_targets=30, random_state=0)[0].X
    >>> measure = CompositeMeasurement(10, random_state=0)
    >>> measure.fit_transform(profiles).shape
    (100, 10)
    >>> model = make_pipeline(measure, RidgeRegressorCV()).fit(profiles[:80], profiles[:80])
    >>> model.predict(profiles[80:]).shape
    (20, 50)
    """

    _parameter_constraints: dict = {
        "n_measurements": [Interval(Integral, 1, None, closed="left")],
        "kind": [StrOptions({"gaussian", "sparse"})],
        "density": [Interval(Real, 0, 1, closed="right")],
        "measurement_matrix": ["array-like", None],
        "max_coherence": [Interval(Real, 0, 1, closed="right"), None],
        "max_tries": [Interval(Integral, 1, None, closed="left")],
        "n_candidates": [Interval(Integral, 1, None, closed="left")],
        "snr": [Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_measurements=100,
        *,
        kind="gaussian",
        density=0.1,
        measurement_matrix=None,
        max_coherence=None,
        max_tries=10_000,
        n_candidates=1,
        snr=None,
        random_state=None,
    ):
        self.n_measurements = n_measurements
        self.kind = kind
        self.density = density
        self.measurement_matrix = measurement_matrix
        self.max_coherence = max_coherence
        self.max_tries = max_tries
        self.n_candidates = n_candidates
        self.snr = snr
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Draw the weights, or take the lab's.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_genes)
            Full profiles. Their values matter only if `n_candidates` > 1.
        y : None
            Ignored.

        Returns
        -------
        self : CompositeMeasurement

        Raises
        ------
        ValueError
            If `measurement_matrix` does not fit X or is not to be chosen among candidates,
            `max_coherence` cannot be met, or the profiles are too few to choose by.

        Warns
        -----
        DataDimensionalityWarning
            If more sums than genes are drawn.
        """
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32))
        self.candidate_errors_ = None
        given = self.measurement_matrix is not None
        self.components_ = self._given() if given else self._drawn(X)
        self.coherence_ = coherence(self.components_)
        return self

    def _given(self):
        if self.n_candidates > 1:
            raise ValueError(
                f"n_candidates={self.n_candidates} matrices cannot be drawn when "
                "measurement_matrix is given: pass n_candidates=1, or measurement_matrix=None."
            )
        genes = getattr(self, "feature_names_in_", None)
        A = check_matrix(self.measurement_matrix, self.n_features_in_, genes)
        found = coherence(A)
        if self.max_coherence is not None and found > self.max_coherence:
            raise ValueError(
                f"Two rows of measurement_matrix are correlated {found:.3g}, above "
                f"max_coherence={self.max_coherence:g}, and none is redrawn in a given matrix: "
                "pass another matrix, or max_coherence=None."
            )
        return A

    def _drawn(self, X):
        n_samples, n_genes = X.shape
        if self.n_measurements > n_genes:
            warnings.warn(
                f"n_measurements={self.n_measurements} sums of {n_genes} genes are drawn: without "
                "noise they tell no more than the genes themselves. Is X samples × genes?",
                DataDimensionalityWarning,
                stacklevel=4,
            )
        rng = check_random_state(self.random_state)
        if self.n_candidates == 1:
            return self._matrix(rng)
        if n_samples < _FEWEST_PROFILES:
            raise ValueError(
                f"n_candidates={self.n_candidates} matrices are compared on a held-out fifth of "
                f"the profiles, which takes at least {_FEWEST_PROFILES}, found "
                f"n_samples={n_samples}: pass more profiles, or n_candidates=1."
            )
        first = best = self._matrix(rng)  # the only one if no choice were asked for
        profiles = (X.toarray() if issparse(X) else X).astype(np.float64, copy=False)
        held_out, training = np.split(profiles[rng.permutation(n_samples)], [n_samples // 5])
        errors = []
        for A in chain([first], (self._matrix(rng) for _ in range(self.n_candidates - 1))):
            error = held_out_error(A, training, held_out)
            best = A if error < min(errors, default=np.inf) else best
            errors.append(error)
        self.candidate_errors_ = np.array(errors)
        return best

    def _matrix(self, rng):
        density = self.density if self.kind == "sparse" else 1.0
        shape = (self.n_measurements, self.n_features_in_)
        return draw_matrix(rng, *shape, density, self.max_coherence, self.max_tries)

    def transform(self, X):
        """Measure profiles.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_genes)
            Full profiles with the genes of the training profiles.

        Returns
        -------
        ndarray of shape (n_samples, n_measurements)
            In the precision of X.

        Raises
        ------
        ValueError
            If X holds another number of genes, other gene names, NaN or inf.
        """
        check_is_fitted(self)
        self._validate_params()  # `snr` may have been set since fit
        X = validate_data(
            self, X, reset=False, accept_sparse="csr", dtype=(np.float64, np.float32)
        )
        A = self.components_.astype(X.dtype, copy=False)
        measured = safe_sparse_dot(X, A.T, dense_output=True)
        if self.snr is not None:
            measured += self._measured_noise(X.toarray() if issparse(X) else X, A)
        return measured

    def _measured_noise(self, X, A):
        """Return N Aᵀ; of N itself, as large as X, only a batch of rows at a time exists."""
        rng = self._noise_generator(X)
        measured = np.empty((len(X), len(A)), dtype=X.dtype)
        squared_norm = 0.0
        for rows in gen_batches(len(X), _BATCH):
            noise = rng.standard_normal(X[rows].shape, dtype=X.dtype)
            measured[rows] = noise @ A.T
            squared_norm += float(np.vdot(noise, noise))
        return measured * float(np.linalg.norm(X) / (self.snr * np.sqrt(squared_norm)))

    def _noise_generator(self, X):
        if isinstance(self.random_state, Integral):
            return np.random.default_rng([int(self.random_state), int(fingerprint(X), 16)])
        rng = check_random_state(self.random_state)
        return np.random.default_rng(rng.randint(2**32, size=4, dtype=np.uint32))

    def get_feature_names_out(self, input_features=None):
        """Names of the measurements.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the genes; only checked.

        Returns
        -------
        ndarray of str
            ``measurement0``, ``measurement1``, ...
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return np.array([f"measurement{i}" for i in range(len(self.components_))], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
