"""Sums over profiles: all that least squares and ridge need to know of the data."""

from dataclasses import dataclass

import torch

from skgex._utils._blocks import blocks

# Rows of one product, and targets of one block: they bound memory, long enough for fast products.
_ROWS = 4096
_TARGETS = 2048


@dataclass
class GramSums:
    """Centred second moments of weighted profiles, added up batch by batch.

    Two sums merge into the sum over both sets of profiles by the pairwise formula of Chan, Golub
    and LeVeque, which is associative up to rounding and stable however large the means are. A
    constant gene has an exactly zero moment. Products of landmarks with targets are taken in the
    dtype of the data; everything is accumulated in float64.

    Parameters
    ----------
    n : float
        Total weight of the profiles.
    x_mean : Tensor of shape (n_landmarks,)
    y_mean : Tensor of shape (n_targets,)
    xx : Tensor of shape (n_landmarks, n_landmarks)
        ``Σ w (x − x̄)(x − x̄)ᵀ``, the Gram matrix.
    xy : Tensor of shape (n_landmarks, n_targets)
        ``Σ w (x − x̄)(y − ȳ)ᵀ``.
    yy : Tensor of shape (n_targets,)
        ``Σ w (y − ȳ)²``.

    References
    ----------
    Chan, T. F., Golub, G. H., LeVeque, R. J. (1983). Algorithms for computing the sample variance:
    analysis and recommendations. The American Statistician 37(3).
    """

    n: float
    x_mean: torch.Tensor
    y_mean: torch.Tensor
    xx: torch.Tensor
    xy: torch.Tensor
    yy: torch.Tensor

    @classmethod
    def zeros(cls, n_landmarks, n_targets, device=None):
        """The sums over no profile."""
        shapes = (
            [n_landmarks],
            [n_targets],
            [n_landmarks] * 2,
            [n_landmarks, n_targets],
            [n_targets],
        )
        return cls(0.0, *(torch.zeros(s, dtype=torch.float64, device=device) for s in shapes))

    @classmethod
    def of(cls, X, Y, weight=None):
        """The sums over the profiles ``X`` and ``Y``; see :meth:`update`."""
        return cls.zeros(X.shape[1], Y.shape[1], X.device).update(X, Y, weight)

    def update(self, X, Y, weight=None):
        """Add profiles.

        Parameters
        ----------
        X : Tensor of shape (n_profiles, n_landmarks)
        Y : Tensor of shape (n_profiles, n_targets)
        weight : Tensor of shape (n_profiles,), default=None
            A weight of 2 counts a profile twice, a weight of 0 leaves it out.

        Returns
        -------
        self
        """
        weight = unit_weight(X) if weight is None else weight.double()
        for rows in blocks(len(X), _ROWS):
            self.merge(_sums(X[rows], Y[rows], weight[rows]))
        return self

    def merge(self, other):
        """Add the sums over other profiles of the same genes; returns self."""
        n = self.n + other.n
        if n == 0:
            return self
        dx, dy = other.x_mean - self.x_mean, other.y_mean - self.y_mean
        between = self.n * (other.n / n)
        self.xx += other.xx
        self.xx.addr_(dx, dx, alpha=between)
        self.xy += other.xy
        self.xy.addr_(dx, dy, alpha=between)
        self.yy += other.yy + between * dy.square()
        self.x_mean += dx * (other.n / n)
        self.y_mean += dy * (other.n / n)
        self.n = n
        return self

    def scaled(self, x_mean, x_scale):
        """The sums over the same profiles with landmarks ``(x − x_mean) / x_scale``."""
        return GramSums(
            self.n,
            (self.x_mean - x_mean) / x_scale,
            self.y_mean,
            self.xx / x_scale[:, None] / x_scale,
            self.xy / x_scale[:, None],
            self.yy,
        )


def merged(sums):
    """The sums over all profiles of several `GramSums`, which stay as they are."""
    first, *_ = sums = list(sums)
    total = GramSums.zeros(*first.xy.shape, first.xx.device)
    for part in sums:
        total.merge(part)
    return total


def scale_of(squares, n):
    """Standard deviation from ``Σ w (x − x̄)²``; 1 for a constant gene."""
    return torch.where(squares > 0, (squares / max(n, 1e-300)).sqrt(), 1.0)


def centred(A, weight):
    """Subtract the weighted mean of every column; returns the result and the mean in float64.

    The first row is subtracted first: a constant column becomes exactly zero, and a large mean
    costs no digits of what is left. What rounding leaves of the mean is then measured.
    """
    first = A[:1]
    share = (weight / weight.sum()).to(A.dtype)
    A = A - first
    shift = share @ A
    A -= shift
    return A, first[0].double() + shift.double() + (share @ A).double()


def rooted(A, weight):
    """Centred columns with rows times the root of their weight, and the mean."""
    A, mean = centred(A, weight)
    return A.mul_(weight.sqrt().to(A.dtype)[:, None]), mean


def unit_weight(X):
    """A weight of 1 for every profile."""
    return X.new_ones(len(X), dtype=torch.float64)


def target_blocks(n_targets):
    """Slices of the targets that go through a solver together."""
    return blocks(n_targets, _TARGETS)


def _sums(X, Y, weight):
    """`GramSums` of one batch, with ``xy`` in the dtype of the data."""
    if not weight.all():
        X, Y, weight = X[weight != 0], Y[weight != 0], weight[weight != 0]
    n_targets = Y.shape[1]
    if len(X) == 0:
        return GramSums.zeros(X.shape[1], n_targets, X.device)
    Xc, x_mean = centred(X.double(), weight)
    weighted = Xc * weight[:, None]
    sums = GramSums(
        weight.sum().item(),
        x_mean,
        x_mean.new_empty(n_targets),
        weighted.T @ Xc,
        Y.new_empty(X.shape[1], n_targets),
        x_mean.new_empty(n_targets),
    )
    weighted, weight = weighted.to(Y.dtype), weight.to(Y.dtype)
    for block in target_blocks(n_targets):
        Yc, sums.y_mean[block] = centred(Y[:, block], weight)
        sums.xy[:, block] = weighted.T @ Yc
        sums.yy[block] = (weight @ Yc.square_()).double()
    return sums
