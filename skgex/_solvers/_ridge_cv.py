"""Held-out errors of ridge regression for many alphas from one eigendecomposition per split."""

from typing import NamedTuple

import torch

from skgex._solvers._gram import GramSums, merged, rooted, target_blocks, unit_weight
from skgex._solvers._ridge import RidgeFactor

# Up to so many sets of profiles that splits share, each is summed once.
_MAX_SHARED = 20


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


def held_out_errors(splits, alphas, error="mse", target_weight=None):
    """Mean error of every target over held-out profiles, for every alpha.

    Parameters
    ----------
    splits : sequence of (Profiles, Profiles)
        Training profiles, all of one pair of arrays, and held-out profiles.
    alphas : Tensor of shape (n_alphas,) in float64
        Positive.
    error : {"mse", "mae"}
    target_weight : Tensor of shape (n_targets,) in float64, default=None
        Sum the errors over targets by this weight. Squared errors then take no prediction: the
        time hardly depends on the number of alphas.

    Returns
    -------
    Tensor of shape (n_alphas, n_targets) or (n_alphas,)
        The mean is taken over the held-out profiles of all splits, by their weight.
    """
    training, held_out = zip(*splits, strict=True)
    X, Y = training[0].X, training[0].Y
    is_dual = max(len(part.rows) for part in training) <= X.shape[1]
    models = (_DualModels if is_dual else _PrimalModels)(training)
    in_sum = error == "mse" and target_weight is not None
    checks = [
        _HeldOutErrors(part, x_mean, factor, 2 if error == "mse" else 1, in_sum)
        for part, x_mean, factor in zip(held_out, models.x_means, models.factors, strict=True)
    ]
    errors = alphas.new_zeros(len(alphas), *([] if in_sum else [Y.shape[1]]))
    for block in target_blocks(Y.shape[1]):
        for check, (cross, y_mean) in zip(checks, models.crosses(block), strict=True):
            if in_sum:
                errors += check.summed_errors(alphas, block, cross, y_mean, target_weight[block])
            else:
                errors[:, block] += check.errors(alphas, block, cross, y_mean)
    if target_weight is not None and not in_sum:
        errors = errors @ target_weight
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


class _HeldOutErrors:
    """The errors of one split's ridge regressions on its held-out profiles."""

    def __init__(self, held_out, x_mean, factor, power, in_sum):
        self.held_out, self.factor, self.power = held_out, factor, power
        X = held_out.landmarks()
        # |w^(1/p) (y − ŷ)|^p adds up to the weighted error.
        self.root = held_out.weights().pow(1 / power)[:, None].to(X.dtype)
        self.inputs = (X - x_mean.to(X.dtype)) @ factor.basis * self.root
        self.gram = (self.inputs.T @ self.inputs).double() if in_sum else None
        self.Q = None
        if power == 2 and not in_sum and len(X) > 2 * self.inputs.shape[1]:
            # ‖r − QRw‖² = ‖Qᵀr − Rw‖² + what no w reaches: R stands for many profiles.
            self.Q, self.inputs = torch.linalg.qr(self.inputs)

    def errors(self, alphas, block, cross, y_mean):
        """Errors of shape (n_alphas, n_targets), from the residual of every alpha."""
        scores, targets = self._scores_and_targets(block, cross, y_mean)
        errors = alphas.new_zeros(len(alphas), targets.shape[1])
        if self.Q is not None:
            squares = targets.square().sum(dim=0)
            targets = self.Q.T @ targets
            errors += (squares - targets.square().sum(dim=0)).clamp_min(0)
        power = torch.square_ if self.power == 2 else torch.abs_
        for error, shrinkage in zip(errors, self.factor.shrinkage(alphas).T, strict=True):
            inputs = self.inputs * shrinkage.to(scores.dtype)
            error += power(torch.addmm(targets, inputs, scores, alpha=-1)).sum(dim=0)
        return errors

    def summed_errors(self, alphas, block, cross, y_mean, target_weight):
        """Squared errors of shape (n_alphas,), summed over targets by their weight.

        ``Σ_t ω_t ‖r_t − Z diag(s) u_t‖²`` is quadratic in the shrinkage ``s``, the only part that
        depends on alpha.
        """
        scores, targets = self._scores_and_targets(block, cross, y_mean)
        weighted = scores * target_weight.to(scores.dtype)
        constant = targets.square().sum(dim=0, dtype=torch.float64) @ target_weight
        linear = ((self.inputs.T @ targets).mul_(weighted)).sum(dim=1, dtype=torch.float64)
        quadratic = self.gram * (weighted @ scores.T)
        s = self.factor.shrinkage(alphas).T
        return (constant - 2 * s @ linear + (s @ quadratic * s).sum(dim=1)).clamp_min(0)

    def _scores_and_targets(self, block, cross, y_mean):
        dtype = self.inputs.dtype
        targets = (self.held_out.targets(block) - y_mean.to(dtype)).mul_(self.root)
        return self.factor.scores(cross).to(dtype), targets


def _shared(training):
    """Sets of rows that are in the same training sets, and which of them make up each one."""
    if len(training) <= _MAX_SHARED:
        n = len(training[0].X)
        counts = torch.stack([torch.bincount(part.rows, minlength=n) for part in training])
        patterns, which = counts.unique(dim=1, return_inverse=True)
        used = patterns.any(dim=0).nonzero().ravel().tolist()
        if len(used) <= len(training) and counts.max() == 1:
            rows = [(which == pattern).nonzero().ravel() for pattern in used]
            shared = [training[0]._replace(rows=some) for some in rows]
            return shared, [member.nonzero().ravel().tolist() for member in patterns[:, used]]
    return list(training), [[i] for i in range(len(training))]
