"""Give every profile the same distribution of values."""

import warnings

import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

_BATCH = 256  # profiles ranked at once


class QuantileNormalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Quantile normalisation on a fitted reference distribution.

    The reference is the mean over training profiles of the sorted profile. A profile is mapped on
    it by rank, so that every profile, of whatever platform, gets the same distribution of values:
    RNA-seq profiles that a normaliser fitted on arrays transforms lie on the arrays' scale.

    Parameters
    ----------
    ties : {"mean", "dgex", "dgex-rnaseq"}, default="mean"
        What tied genes of a profile get:

        - ``"mean"``: they share their mean rank, and a rank between two values of the reference
          gets the mean of the two;
        - ``"dgex"``: they share their mean rank, rounded down, as the arrays in the data of the
          original D-GEX study;
        - ``"dgex-rnaseq"``: the distinct values of the profile, of which gene *k* of *u* is the
          *k*-th smallest, are spread evenly over the reference, at position ``⌊k n_genes / u⌋``
          counted from 1. So were RNA-seq profiles mapped on the arrays' reference in that study.
          Many zeros then take up no more of the reference than any other value.

        The three agree on profiles without ties.

    Attributes
    ----------
    reference_ : ndarray of shape (n_genes,)
        The reference distribution, ascending.
    n_features_in_ : int
        Number of genes.
    feature_names_in_ : ndarray of str
        Their names, if X has string column names.

    See Also
    --------
    sklearn.preprocessing.QuantileTransformer : Equal distributions of genes, not of profiles.

    Notes
    -----
    Profiles to be transformed must hold the same genes as the training profiles: among other
    genes, ranks mean something else.

    References
    ----------
    Bolstad, B. M., Irizarry, R. A., Åstrand, M., Speed, T. P. (2003). A comparison of
    normalization methods for high density oligonucleotide array data based on variance and bias.
    Bioinformatics 19, 185-193.

    Chen, Y., Li, Y., Narayan, R., Subramanian, A., Xie, X. (2016). Gene expression inference with
    deep learning. Bioinformatics 32, 1832-1839.

    Examples
    --------
    >>> from skgex.preprocessing import QuantileNormalizer
    >>> normalizer = QuantileNormalizer().fit([[5.0, 2.0, 3.0], [4.0, 1.0, 6.0]])
    >>> normalizer.reference_
    array([1.5, 3.5, 5.5])
    >>> normalizer.transform([[0.0, 800.0, 90.0], [0.0, 0.0, 7.0]])
    array([[1.5, 5.5, 3.5],
           [2.5, 2.5, 5.5]])
    """

    _parameter_constraints: dict = {"ties": [StrOptions({"mean", "dgex", "dgex-rnaseq"})]}

    def __init__(self, *, ties="mean"):
        self.ties = ties

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Average the sorted profiles.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Training profiles.
        y : None
            Ignored.

        Returns
        -------
        self : QuantileNormalizer

        Raises
        ------
        ValueError
            If X holds NaN or inf.

        Warns
        -----
        UserWarning
            Once, if profiles have one value for all genes, for example zero.
        """
        X = self._check(X, reset=True)
        total = sum(
            np.sort(X[rows], axis=1).sum(axis=0, dtype=np.float64)
            for rows in gen_batches(len(X), _BATCH)
        )
        self.reference_ = total / len(X)
        return self

    def transform(self, X):
        """Map every profile on the reference.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Profiles with the genes of the training profiles.

        Returns
        -------
        ndarray of shape (n_samples, n_genes)

        Raises
        ------
        ValueError
            If X holds another number of genes, other gene names, NaN or inf.

        Warns
        -----
        UserWarning
            Once, if profiles have one value for all genes, for example zero.
        """
        check_is_fitted(self)
        X = self._check(X, reset=False)
        normalized = np.empty_like(X)
        for rows in gen_batches(len(X), _BATCH):
            normalized[rows] = self._quantiles(X[rows])
        return normalized

    def _check(self, X, reset):
        X = validate_data(self, X, reset=reset, dtype=(np.float64, np.float32))
        flat = np.flatnonzero(X.min(axis=1) == X.max(axis=1))
        if flat.size and X.shape[1] > 1:
            warnings.warn(
                f"{flat.size} profiles have one value for all genes, the first in row {flat[0]} "
                f"({X[flat[0], 0]:g}): they have no ranks to normalise by, and all their genes "
                "get one value again. Drop such failed samples first.",
                UserWarning,
                stacklevel=3,
            )
        return X

    def _quantiles(self, X):
        if self.ties == "dgex-rnaseq":
            rank = rankdata(X, method="dense", axis=1).astype(np.int64)
            n_distinct = rank.max(axis=1, keepdims=True)
            return self.reference_[rank * X.shape[1] // n_distinct - 1]
        rank = rankdata(X, method="average", axis=1) - 1
        lower = self.reference_[np.floor(rank).astype(np.int64)]
        if self.ties == "dgex":
            return lower
        return (lower + self.reference_[np.ceil(rank).astype(np.int64)]) / 2

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
