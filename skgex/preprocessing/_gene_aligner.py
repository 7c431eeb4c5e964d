"""Bring any expression table into a reference gene order."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_array,
    check_is_fitted,
    validate_data,
)

from skgex._utils._gene_ids import kind_in_words, repeated, without_version
from skgex._utils._naming import few
from skgex.preprocessing._alignment_report import AlignmentReport

_DTYPES = (np.float64, np.float32)
_FILLINGS = {"mean": "filled with their training means", "nan": "left empty (NaN)"}
_MERGES = {"mean": "averaged", "first": "of which the first column was taken"}


class GeneAligner(TransformerMixin, BaseEstimator):
    """Bring any expression table into one gene order, by gene name.

    scikit-learn refuses columns in another order than at fit, and rightly so. This transformer,
    as the first step of a pipeline, matches columns by name instead and never guesses: what it
    cannot match is an error, or follows a stated policy and is reported.

    Parameters
    ----------
    genes : array-like of str, default=None
        Reference genes in their order. None takes the genes of the X given to `fit`.
    missing : {"error", "mean", "nan"}, default="error"
        What to do about reference genes that a table lacks: refuse it, fill in their means over
        the training profiles, or leave NaN. A table without any reference gene is always refused.
    duplicates : {"error", "mean", "first"}, default="error"
        What to do about reference genes with several columns in a table.
    ignore_version : bool, default=True
        Whether ``ENSG00000141510.18`` and ``ENSG00000141510`` are the same gene.

    Attributes
    ----------
    genes_ : ndarray of str
        Reference genes in their order.
    means_ : ndarray of shape (n_reference_genes,)
        Their means over the training profiles, NaN cells left out.
    n_features_in_ : int
        Number of columns of the X given to `fit`.
    feature_names_in_ : ndarray of str
        Their names, if they are all strings.

    See Also
    --------
    LandmarkPanel : Selects genes of profiles that are in order.

    Notes
    -----
    Upper and lower case are never matched with each other, since ``Tp53`` is the gene of a mouse;
    the error says how many genes would match. NaN cells pass through.

    An array has no gene names. :meth:`transform` takes its columns for those of the X given to
    `fit`; :meth:`align` is told their names.

    Examples
    --------
    >>> import pandas as pd
    >>> from skgex.preprocessing import GeneAligner
    >>> train = pd.DataFrame({"TP53": [5.0, 7.0], "MYC": [9.0, 8.0]})
    >>> aligner = GeneAligner(missing="mean").fit(train)
    >>> aligned, report = aligner.align([[8.5, 3.0]], ["MYC", "ACTB"])
    >>> aligned
    array([[6. , 8.5]])
    >>> print(report)
    1 of 2 genes matched, 1 missing, 0 duplicated; 1 other columns ignored. Missing genes
    ('TP53') were filled with their training means.
    """

    _parameter_constraints: dict = {
        "genes": ["array-like", None],
        "missing": [StrOptions({"error", "mean", "nan"})],
        "duplicates": [StrOptions({"error", "mean", "first"})],
        "ignore_version": ["boolean"],
    }

    def __init__(self, genes=None, *, missing="error", duplicates="error", ignore_version=True):
        self.genes = genes
        self.missing = missing
        self.duplicates = duplicates
        self.ignore_version = ignore_version

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, genes=None):
        """Learn the reference genes and their means.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Training profiles.
        y : None
            Ignored.
        genes : array-like of str, default=None
            Names of the columns of X. None takes those of a DataFrame; the columns of an array
            that is the reference itself may remain unnamed (``x0``, ``x1``, ...).

        Returns
        -------
        self : GeneAligner

        Raises
        ------
        ValueError
            If reference genes are repeated, or X lacks some whose means are to be learnt.
        """
        X, names = _split(X)
        X = validate_data(self, X, dtype=_DTYPES, ensure_all_finite="allow-nan")
        self._is_named = names is not None or genes is not None
        if self.genes is None and not self._is_named:
            names = _check_feature_names_in(self)  # x0, x1, ...
        self._columns_in = self._names(X, genes, default=names)
        if self.genes is None:
            first = {self._key(name): name for name in reversed(self._columns_in)}
            genes = [first[key] for key in dict.fromkeys(map(self._key, self._columns_in))]
        else:
            genes = [str(gene) for gene in self.genes]
        if again := repeated(map(self._key, genes)):
            raise ValueError(f"genes names {len(again)} reference genes repeatedly: {few(again)}.")
        self.genes_ = np.array(genes, dtype=object)
        # A mean that no profile informs cannot be filled in later.
        missing = "error" if self.missing == "mean" else self.missing
        aligned, _ = self._align(X, self._columns_in, missing)
        known = ~np.isnan(aligned)
        total = np.sum(aligned, axis=0, where=known, dtype=np.float64)
        self.means_ = np.full(len(genes), np.nan)
        np.divide(total, known.sum(axis=0), out=self.means_, where=known.any(axis=0))
        return self

    def transform(self, X):
        """Bring profiles into the reference order.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            A DataFrame with gene names as columns, in any order, or an array with the columns of
            the X given to `fit`. If that had no names either, columns are taken as they come.

        Returns
        -------
        ndarray of shape (n_samples, n_reference_genes)

        Raises
        ------
        ValueError
            If genes are missing or duplicated and the policy for them is "error".

        Warns
        -----
        UserWarning
            Once, if genes were filled in or merged, with their number and first names.
        """
        check_is_fitted(self)
        if self._is_named and _split(X)[1] is not None:
            aligned, report = self.align(X)
        else:
            X = validate_data(self, X, reset=False, dtype=_DTYPES, ensure_all_finite="allow-nan")
            aligned, report = self._align(X, self._columns_in, self.missing)
        if report.treatment:
            warnings.warn(str(report), UserWarning, stacklevel=2)
        return aligned

    def align(self, X, genes=None):
        """Bring a table into the reference order and report what was matched.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Profiles.
        genes : array-like of shape (n_genes,), default=None
            Names of the columns of X; None takes those of a DataFrame.

        Returns
        -------
        X_aligned : ndarray of shape (n_samples, n_reference_genes)
            float32 for float32, else float64.
        report : AlignmentReport

        Raises
        ------
        ValueError
            If genes are missing or duplicated and the policy for them is "error".
        """
        check_is_fitted(self)
        X, names = _split(X)
        X = check_array(X, dtype=_DTYPES, ensure_all_finite="allow-nan", input_name="X")
        return self._align(X, self._names(X, genes, default=names), self.missing)

    def get_feature_names_out(self, input_features=None):
        """Reference genes in their order.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored, but checked against the genes seen at fit.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return self.genes_

    def _names(self, X, genes, default):
        if genes is None and default is None:
            raise ValueError("X has no column names: pass the names of its columns as genes=.")
        names = [str(name) for name in (default if genes is None else genes)]
        if len(names) != X.shape[1]:
            raise ValueError(
                f"genes names {len(names)} genes, but X has {X.shape[1]} columns: name every "
                "column. A table of genes × samples must be transposed first."
            )
        return names

    def _key(self, name):
        return without_version(name) if self.ignore_version else name

    def _align(self, X, names, missing):
        columns = {}
        for column, name in enumerate(names):
            columns.setdefault(self._key(name), []).append(column)
        found = {gene: columns.get(self._key(gene), []) for gene in self.genes_}
        report = self._report(found, names, missing)

        has_gene = np.array([bool(some) for some in found.values()])
        aligned = np.empty((len(X), len(found)), dtype=X.dtype)
        aligned[:, has_gene] = X[:, [some[0] for some in found.values() if some]]
        if missing == "mean" and report.missing:
            aligned[:, ~has_gene] = self.means_[~has_gene]
        else:
            aligned[:, ~has_gene] = np.nan
        if self.duplicates == "mean":
            for j, some in enumerate(found.values()):
                if len(some) > 1:
                    aligned[:, j] = X[:, some].mean(axis=1, dtype=np.float64)
        return aligned, report

    def _report(self, found, names, missing):
        lacking = [gene for gene, some in found.items() if not some]
        several = [gene for gene, some in found.items() if len(some) > 1]
        if lacking and (missing == "error" or len(lacking) == len(found)):
            raise ValueError(self._explain(lacking, names))
        if several and self.duplicates == "error":
            raise ValueError(
                f"{len(several)} reference genes have several columns: {few(several)}. "
                "Pass duplicates='mean' to average them or duplicates='first' to take the first."
            )
        treatment = []
        if lacking:
            treatment.append(f"Missing genes ({few(lacking)}) were {_FILLINGS[missing]}.")
        if several:
            treatment.append(f"Duplicated genes ({few(several)}) were {_MERGES[self.duplicates]}.")
        used = {column for some in found.values() for column in some}
        return AlignmentReport(
            matched=[gene for gene, some in found.items() if some],
            missing=lacking,
            duplicated=several,
            ignored=[name for column, name in enumerate(names) if column not in used],
            treatment=" ".join(treatment),
        )

    def _explain(self, lacking, names):
        """Name the missing genes, the likeliest reasons and the ways out."""
        sentences = [
            f"X lacks {len(lacking)} of the {len(self.genes_)} reference genes: {few(lacking)}."
        ]
        if versions := set(map(without_version, lacking)) & set(map(without_version, names)):
            sentences.append(f"{len(versions)} of them would match with ignore_version=True.")
        if cases := set(map(str.casefold, lacking)) & set(map(str.casefold, names)):
            sentences.append(
                f"{len(cases)} of them would match ignoring case: rename the columns of X if they "
                "really are the same genes, of the same species."
            )
        elif (reference := kind_in_words(self.genes_)) != (table := kind_in_words(names)):
            sentences.append(
                f"The reference has {reference} such as {few(self.genes_[:2])}, X has {table} "
                f"such as {few(names[:2])}: translate the names first."
            )
        if len(lacking) == len(self.genes_):
            sentences.append(f"No gene was matched; the columns of X begin with {few(names)}.")
        else:
            sentences.append(
                "missing='nan' leaves such genes empty, missing='mean' fills in their means over "
                "training profiles that have them."
            )
        return " ".join(sentences)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _split(X):
    """X and its column names, or None where it has none made of strings."""
    names = [*getattr(X, "columns", ())]
    if not names or not all(isinstance(name, str) for name in names):
        return X, None
    # scikit-learn refuses repeated column names; here `duplicates` decides about them.
    return (np.asarray(X) if repeated(names) else X), names
