"""Held-out errors of ridge regression for many alphas from one eigendecomposition per split."""

from typing import NamedTuple

import torch

from skgex._solvers._gram import GramSums, blocks, merged, rooted, unit_weight
from skgex._solvers._ridge import RidgeFactor

# Up to so many sets of profiles that splits share, each is summed once.
_MAX_SHARED = 20
# Wider than elsewhere, since every block of targets repeats the sums over landmarks.
_TARGETS = 4096


class Profiles(NamedTuple):
    """Some rows of landmarks, targets and weights, which are taken when they are needed."""

    X: torch.Tensor
    Y: torch.Tensor
    weight: torch.Tensor
    rows: torch.Tensor

    @classmethod
    def all(cls, X, Y, weight=None):
        weight = unit_weight(X) if weight is None else weight.double()
        return cls(X, Y, weight, torch.arange(len(X), device=X.device))

    def take(self, rows):
        """The profiles at some of the rows."""
        return self._replace(rows=self.rows[rows])

    def landmarks(self):
        return self.X[self.rows]

    def targets(self, block):
        return self.Y[self.rows, block]

    def weights(self):
        return self.weight[self.rows]

    def sums(self, block):
        return GramSums.of(self.landmarks(), self.targets(block), self.weights())


def held_out_errors(splits, alphas, error="mse"):
    """Mean error of every target over held-out profiles, for every alpha.

    Parameters
    ----------
    splits : sequence of (Profiles, Profiles)
        Training profiles, all of one pair of arrays, and held-out profiles.
    alphas : Tensor of shape (n_alphas,) in float64
        Positive.
    error : {"mse", "mae"}

    Returns
    -------
    Tensor of shape (n_alphas, n_targets)
        The mean is taken over the held-out profiles of all splits, by their weight.
    """
    training, held_out = zip(*splits, strict=True)
    X, Y = training[0].X, training[0].Y
    is_dual = max(len(part.rows) for part in training) <= X.shape[1]
    models = (_DualModels if is_dual else _PrimalModels)(training)
    power = 2 if error == "mse" else 1
    judges = [
        _Judge(part, x_mean, factor, power)
        for part, x_mean, factor in zip(held_out, models.x_means, models.factors, strict=True)
    ]
    errors = alphas.new_zeros(len(alphas), Y.shape[1])
    for block in blocks(Y.shape[1], _TARGETS):
        for judge, (cross, y_mean) in zip(judges, models.crosses(block), strict=True):
            judge.add_errors(errors[:, block], alphas, block, cross, y_mean)
    return errors / sum(part.weights().sum() for part in held_out)


class _PrimalModels:
    """The ridge regressions of the splits, from the sums over what their training sets share."""

    def __init__(self, training):
        self.shared, self.parts = _shared(training)
        sums = list(self._sums(slice(0, 0)))
        self.x_means = [s.x_mean for s in sums]
        self.factors = [RidgeFactor.of_gram(s.xx, training[0].X.dtype) for s in sums]

    def _sums(self, block):
        shared = [part.sums(block) for part in self.shared]
        return (merged(shared[i] for i in part) for part in self.parts)

    def crosses(self, block):
        """For each split, what `RidgeFactor.scores` takes, and the mean of the targets."""
        return ((sums.xy, sums.y_mean) for sums in self._sums(block))


class _DualModels:
    """The ridge regressions of the splits, from the kernels of their training sets."""

    def __init__(self, training):
        self.training = training
        landmarks = [rooted(part.landmarks(), part.weights()) for part in training]
        self.x_means = [x_mean for _, x_mean in landmarks]
        self.factors = [RidgeFactor.of_kernel(X) for X, _ in landmarks]

    def crosses(self, block):
        return (rooted(part.targets(block), part.weights()) for part in self.training)


class _Judge:
    """The errors of one split's ridge regressions on its held-out profiles."""

    def __init__(self, held_out, x_mean, factor, power):
        self.held_out, self.factor, self.power = held_out, factor, power
        X = held_out.landmarks()
        # |w^(1/p) (y − ŷ)|^p adds up to the weighted error.
        self.root = held_out.weights().pow(1 / power)[:, None].to(X.dtype)
        self.inputs = (X - x_mean.to(X.dtype)) @ factor.basis * self.root
        self.Q = None
        if power == 2 and len(X) > 2 * self.inputs.shape[1]:
            # ‖r − QRw‖² = ‖Qᵀr − Rw‖² + what no w reaches: R stands for many profiles.
            self.Q, self.inputs = torch.linalg.qr(self.inputs)

    def add_errors(self, errors, alphas, block, cross, y_mean):
        dtype = self.inputs.dtype
        scores = self.factor.scores(cross).to(dtype)
        targets = (self.held_out.targets(block) - y_mean.to(dtype)).mul_(self.root)
        if self.Q is not None:
            squares = targets.square().sum(dim=0)
            targets = self.Q.T @ targets
            errors += (squares - targets.square().sum(dim=0)).clamp_min(0)
        for error, shrinkage in zip(errors, self.factor.shrinkage(alphas).T, strict=True):
            residual = torch.addmm(targets, self.inputs * shrinkage.to(dtype), scores, alpha=-1)
            error += residual.square_().sum(dim=0) if self.power == 2 else residual.abs_().sum(dim=0)


def _shared(training):
    """Sets of rows that are in the same training sets, and which of them make up each one."""
    if len(training) <= _MAX_SHARED:
        n = len(training[0].X)
        counts = torch.stack([torch.bincount(part.rows, minlength=n) for part in training])
        patterns, which = counts.unique(dim=1, return_inverse=True)
        used = patterns.any(dim=0).nonzero().ravel().tolist()
        if len(used) <= len(training) and counts.max() == 1:
            everything = Profiles.all(*training[0][:3])
            shared = [everything.take((which == pattern).nonzero().ravel()) for pattern in used]
            return shared, [patterns[i, used].nonzero().ravel().tolist() for i in range(len(training))]
    return list(training), [[i] for i in range(len(training))]
