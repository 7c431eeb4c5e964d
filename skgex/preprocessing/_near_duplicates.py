"""Profiles that were deposited more than once."""

from numbers import Integral, Real

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils import check_array, gen_batches
from sklearn.utils._param_validation import Interval, validate_params

_CLUSTER_SIZE = 1000  # comparing so few profiles with each other costs next to nothing
_BATCH = 1024  # rows and columns of one block of distances


@validate_params(
    {
        "X": ["array-like"],
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def drop_near_duplicates(X, *, n_clusters=100, threshold=1.0, random_state=0):
    """Indices of the profiles that remain when near-duplicates are dropped.

    Public collections hold the same sample several times. Profiles are clustered (k-means), and
    inside a cluster the later of any two that are closer than `threshold` is dropped, so that a
    duplicate cannot stand in the training set and the test set alike.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_genes)
        Profiles.
    n_clusters : int, default=100
        Number of clusters, which save comparisons in large collections: at most one for every
        1,000 profiles is made. Profiles of different clusters are not compared; 1 compares all.
    threshold : float, default=1.0
        Euclidean distance below which two profiles are one. The default is that of the D-GEX
        study, for about 10,000 genes on a log2 scale: a root mean square difference of .01.
    random_state : int, RandomState instance or None, default=0
        Seed of the clustering.

    Returns
    -------
    kept : ndarray of shape (n_kept,)
        Ascending row indices: ``X[kept]`` is free of near-duplicates, and
        ``np.delete(np.arange(len(X)), kept)`` is what was dropped.

    Notes
    -----
    As in the original, a profile is compared with all earlier ones of its cluster, dropped ones
    included: of a chain of profiles each close to the next, only the first remains.

    Distances are taken block by block; memory does not grow with the square of a cluster.

    References
    ----------
    Chen, Y., Li, Y., Narayan, R., Subramanian, A., Xie, X. (2016). Gene expression inference with
    deep learning. Bioinformatics 32, 1832-1839.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex.preprocessing import drop_near_duplicates
    >>> X = np.array([[0.0, 0.0], [5.0, 5.0], [0.1, 0.0], [9.0, 0.0]])
    >>> drop_near_duplicates(X)
    array([0, 1, 3])
    """
    X = check_array(X, dtype=(np.float64, np.float32), input_name="X")
    labels = MiniBatchKMeans(
        n_clusters=min(n_clusters, 1 + len(X) // _CLUSTER_SIZE),
        random_state=random_state,
        n_init=1,
    ).fit_predict(X)
    dropped = np.zeros(len(X), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        center = X[members].mean(axis=0, dtype=np.float64)
        for later in gen_batches(len(members), _BATCH):
            block = X[members[later]] - center
            for earlier in gen_batches(later.stop, _BATCH):
                close = _squared_distances(block, X[members[earlier]] - center) < threshold**2
                first_later = later.start - earlier.start
                dropped[members[later]] |= np.tril(close, k=first_later - 1).any(axis=1)
    return np.flatnonzero(~dropped)


def _squared_distances(A, B):
    """By the expansion of the square: rows near the origin lose few digits in it."""
    squares = np.einsum("ij,ij->i", A, A)[:, np.newaxis] + np.einsum("ij,ij->i", B, B)
    return squares - 2 * A @ B.T
