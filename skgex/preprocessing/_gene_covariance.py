"""What genes tell of each other, and what is left of it once landmarks are measured."""

import numpy as np

from skgex._utils._blocks import blocks, gene_blocks

_ROWS = 4096  # profiles of one product
_LANDMARKS = 64  # for which memory is taken at once
_NOTHING = 1e-6  # share of a gene's variance that counts as none, for rounding's sake


class GeneCovariance:
    """The covariance C between genes, as landmarks are measured one after the other.

    Measuring gene j, with noise of variance λ, leaves ``C − v vᵀ`` with ``v = c / √(c_jj + λ)``
    and c the column of j. Where profiles are fewer than genes, C is never formed but is
    ``A (I − Uᵀ U) Aᵀ``, with a row of A a gene and a row of U a landmark; where they are not, it
    is ``C₀ − Vᵀ V``. A landmark takes two products of A, or one of C₀, with a vector.

    Parameters
    ----------
    X : ndarray of shape (n_profiles, n_genes)
    mean, factor : ndarray of shape (n_genes,)
        Genes are ``(x − mean) · factor``; a factor of 0 leaves a gene out.
    noise : float
        λ as a share of the mean variance of the genes that are not left out.

    Attributes
    ----------
    total : float
        Sum of the variances of all genes before any was measured.
    variance : ndarray of shape (n_genes,)
        What is left of them.
    """

    def __init__(self, X, mean, factor, noise):
        n_profiles, n_genes = X.shape
        factor = factor / np.sqrt(n_profiles)
        self._from_profiles = n_profiles < n_genes
        if self._from_profiles:
            self._A = np.empty((n_genes, n_profiles))
            for genes in gene_blocks(*X.shape):
                self._A[genes] = ((X[:, genes] - mean[genes]) * factor[genes]).T
            self._C = self._A.T @ self._A  # between profiles
            self.variance = _row_products(self._A, self._A)
            self._squares = np.empty(n_genes)
            for genes in gene_blocks(*X.shape):
                self._squares[genes] = _row_products(self._A[genes] @ self._C, self._A[genes])
        else:
            self._C = np.zeros((n_genes, n_genes))
            for rows in blocks(n_profiles, _ROWS):
                Z = (X[rows] - mean) * factor
                self._C += Z.T @ Z
            self.variance = self._C.diagonal().copy()
            self._squares = _row_products(self._C, self._C)
        self._nothing = _NOTHING * self.variance
        self.total = float(self.variance.sum())
        self._noise = noise * self.total / np.count_nonzero(factor)
        self._n_measured, self._measured = 0, np.empty((0, len(self._C)))  # U or V

    @property
    def explained(self):
        """Share of the variance of all genes that the measured ones explain."""
        return 1 - self.variance.sum() / self.total

    def told(self):
        """What each gene, if measured next, tells of the others: ``Σ_{g≠j} c_gj² / (c_jj + λ)``.

        As a share of the variance of all genes; 0 for a gene that the measured ones explain.
        """
        open_ = self.variance > self._nothing
        told = np.zeros(len(open_))
        others = (self._squares - self.variance**2)[open_]
        told[open_] = np.maximum(others, 0) / (self.variance[open_] + self._noise) / self.total
        return told

    def measure(self, gene):
        """Take out what a gene tells; nothing if the measured ones explain it already."""
        if self.variance[gene] <= self._nothing[gene]:
            return
        v, Cv = self._column(gene, np.sqrt(self.variance[gene] + self._noise))
        # The sums of squares of the rows of C − v vᵀ.
        self._squares += v * (v * (v @ v) - 2 * Cv)
        self.variance = np.maximum(self.variance - v**2, 0)

    def _column(self, gene, root):
        """``v = c / root`` and C v, both before v is taken out."""
        measured = self._measured[: self._n_measured]
        if self._from_profiles:
            row = self._A[gene]
            u = (row - (measured @ row) @ measured) / root
            Cu = self._C @ u
            self._remember(u)
            return self._A @ u, self._A @ (Cu - (measured @ Cu) @ measured)
        v = (self._C[gene] - measured[:, gene] @ measured) / root
        self._remember(v)
        return v, self._C @ v - (measured @ v) @ measured

    def _remember(self, row):
        if self._n_measured == len(self._measured):
            self._measured = np.concatenate([self._measured, np.empty((_LANDMARKS, len(row)))])
        self._measured[self._n_measured] = row
        self._n_measured += 1

    def eigenspace(self, share):
        """Coordinates of the genes along the fewest components that hold a share of the variance.

        Distances between genes are then those between their scaled profiles, but for what the
        other components hold. Asked for before any gene is measured.
        """
        values, vectors = np.linalg.eigh(self._C)
        values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
        n = 1 + np.searchsorted(np.cumsum(values), share * values.sum())
        if self._from_profiles:
            return self._A @ vectors[:, :n]
        return vectors[:, :n] * np.sqrt(values[:n])


def _row_products(A, B):
    return np.einsum("ij,ij->i", A, B)
