"""The measured genes as a step of a pipeline."""

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skgex._utils._gene_ids import repeated
from skgex._utils._naming import few


class LandmarkPanel(SelectorMixin, BaseEstimator):
    """Measure a panel of landmark genes: select their columns from full profiles.

    ``make_pipeline(LandmarkPanel(genes), regressor).fit(P, P)`` infers whole profiles from a few
    of their genes, and can be compared with any other measurement of the same profiles.

    Parameters
    ----------
    genes : array-like of str, int or bool, default=None
        The landmark genes: names of columns, positions of columns, or a mask with one entry a
        column. None keeps all genes. Names need column names to refer to: pass a DataFrame.

    Attributes
    ----------
    n_features_in_ : int
        Number of genes of the full profiles.
    feature_names_in_ : ndarray of str
        Their names, if X has string column names.

    See Also
    --------
    GeneAligner : Brings profiles into another gene order.

    Notes
    -----
    As in every selector of scikit-learn, the selected columns keep the order they have in X, not
    the order of `genes`; :meth:`get_feature_names_out` tells it. NaN passes through, since which
    genes must be complete is for the next step to say.

    Examples
    --------
    >>> import pandas as pd
    >>> from skgex.preprocessing import LandmarkPanel
    >>> profiles = pd.DataFrame({"TP53": [5.0, 6.0], "MYC": [9.0, 8.0], "EGFR": [7.0, 7.5]})
    >>> panel = LandmarkPanel(["EGFR", "TP53"]).fit(profiles)
    >>> panel.transform(profiles)
    array([[5. , 7. ],
           [6. , 7.5]])
    >>> panel.get_feature_names_out()
    array(['TP53', 'EGFR'], dtype=object)
    """

    _parameter_constraints: dict = {"genes": ["array-like", None]}

    def __init__(self, genes=None):
        self.genes = genes

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the panel's columns in X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_genes)
            Full profiles.
        y : None
            Ignored.

        Returns
        -------
        self : LandmarkPanel

        Raises
        ------
        ValueError
            If `genes` is empty, names a gene twice or names one that X does not have.
        """
        validate_data(self, X, accept_sparse="csr", ensure_all_finite="allow-nan")
        self._support = np.zeros(self.n_features_in_, dtype=bool)
        self._support[self._columns()] = True
        return self

    def _columns(self):
        if self.genes is None:
            return slice(None)
        genes = np.asarray(self.genes)
        if genes.ndim != 1 or genes.size == 0:
            raise ValueError(
                f"genes must be a list of at least one gene, found shape {genes.shape}; "
                "genes=None keeps all."
            )
        if genes.dtype.kind == "b":
            return self._from_mask(genes)
        if genes.dtype.kind not in "iuUOT":
            raise ValueError(
                f"genes must hold names, integer positions or booleans, found dtype {genes.dtype}."
            )
        if again := repeated(genes.tolist()):
            raise ValueError(f"genes names {len(again)} genes more than once: {few(again)}.")
        return self._from_positions(genes) if genes.dtype.kind in "iu" else self._from_names(genes)

    def _from_mask(self, mask):
        if mask.size != self.n_features_in_ or not mask.any():
            raise ValueError(
                f"genes is a mask of {mask.size} entries, {mask.sum()} of them true: it must have "
                f"one entry for each of the {self.n_features_in_} columns of X and select some."
            )
        return mask

    def _from_positions(self, positions):
        outside = positions[(positions < 0) | (positions >= self.n_features_in_)]
        if outside.size:
            raise ValueError(
                f"genes holds {outside.size} positions outside X, whose {self.n_features_in_} "
                f"columns are counted from 0: {few(outside)}."
            )
        return positions

    def _from_names(self, names):
        if not hasattr(self, "feature_names_in_"):
            raise ValueError(
                "genes holds names, but X has no column names to find them in: pass X as a "
                "DataFrame whose columns are gene names, or genes as integer positions."
            )
        names = [str(name) for name in names]
        measured, wanted = set(self.feature_names_in_), set(names)
        unknown = [name for name in names if name not in measured]
        if unknown:
            raise ValueError(
                f"{len(unknown)} of the {len(names)} genes of the panel are not among the "
                f"{self.n_features_in_} columns of X: {few(unknown)}. The columns of X look like "
                f"{few(self.feature_names_in_)}."
            )
        return np.array([name in wanted for name in self.feature_names_in_])

    def _get_support_mask(self):
        check_is_fitted(self)
        return self._support

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
