"""Kernel ridge regression that learns, from few profiles, which features and kernels matter."""

from math import log

import torch


class RelevanceKernelRidge:
    """Kernel ridge regression on several views of a profile, tuned by its leave-one-out error.

    ``f(x) = b + Σ_i c_i k(x, x_i)`` with
    ``k(x, x') = Σ_v α_v ⟨w_v∘v, w_v∘v'⟩ − β_v ‖u_v∘v − u_v∘v'‖`` over the views v of x: a linear
    kernel, and the negative distance, which bends without a bandwidth to choose. Centred on the
    training profiles both are positive semi-definite there. The weights α, β, and the relevances
    w, u of the features of the first view, minimise the absolute leave-one-out error over all
    targets, which is in closed form, by Adam on their logarithms.

    Parameters
    ----------
    views : sequence of Tensor of shape (n_profiles, n_features_v)
        The features of the first view have relevances; those of the others count the same.
    Y : Tensor of shape (n_profiles, n_targets)
    n_tuning : int
        Profiles, the first ones, on which the weights are learned: every step inverts a matrix of
        that size.
    n_steps : int
        Steps of Adam.
    lr : float
        Length of a step of the logarithms.
    penalty : float
        Weight of the mean squared logarithm of the relevances.

    Attributes
    ----------
    errors_ : list of float
        Mean absolute leave-one-out error before every step.
    """

    def __init__(self, views, Y, *, n_tuning=600, n_steps=40, lr=0.08, penalty=0.01):
        self.means = [view.mean(dim=0) for view in views]
        self.views = self._centred_views(views)
        self.intercept = Y.mean(dim=0)
        Y = Y - self.intercept
        options = dict(dtype=Y.dtype, device=Y.device)
        self.log_weights = torch.full((len(views), 2), 1 - log(2 * len(views)), **options)
        self.log_relevance = torch.zeros(2, views[0].shape[1], **options)
        few = [view[:n_tuning] for view in self.views]
        self.scales = [_spread(view) for view in few]
        self._tune(few, Y[:n_tuning], n_steps, lr, penalty)
        K = self._kernel(self.views, self.views)
        self.kernel_mean = K.mean(dim=0)
        K = self._centred(K)
        K.diagonal().add_(1)
        self.dual = torch.cholesky_solve(Y, torch.linalg.cholesky(K))

    def __call__(self, views):
        """Inferred targets of other profiles, given the same views of them."""
        K = self._kernel(self._centred_views(views), self.views)
        return torch.addmm(self.intercept, self._centred(K), self.dual)

    # -- learning the weights ------------------------------------------------------------------
    def _tune(self, views, Y, n_steps, lr, penalty):
        learned = [self.log_weights, self.log_relevance]
        eye = torch.eye(len(Y), dtype=Y.dtype, device=Y.device)
        fixed = [self._pair(v, view, view) for v, view in enumerate(views) if v > 0]
        self.errors_ = []
        with torch.enable_grad():
            for tensor in learned:
                tensor.requires_grad_()
            optimizer = torch.optim.Adam(learned, lr=lr)
            for _ in range(n_steps):
                K = self._weighted([self._pair(0, views[0], views[0]), *fixed])
                K = K - K.mean(dim=0) - K.mean(dim=1, keepdim=True) + K.mean()
                C = torch.cholesky_inverse(torch.linalg.cholesky(K + eye))
                # The intercept takes the constant direction. Residuals are [C Y]_i / C_ii.
                C = C - 1 / len(Y)
                error = ((C @ Y) / C.diagonal()[:, None]).abs().mean()
                self.errors_.append(error.item())
                optimizer.zero_grad()
                (error + penalty * 2 * self.log_relevance.square().mean()).backward()
                optimizer.step()
        for tensor in learned:
            tensor.requires_grad_(False)

    # -- the kernel ----------------------------------------------------------------------------
    def _centred_views(self, views):
        return [view - mean for view, mean in zip(views, self.means, strict=True)]

    def _kernel(self, left, right):
        pairs = zip(left, right, strict=True)
        return self._weighted([self._pair(v, A, B) for v, (A, B) in enumerate(pairs)])

    def _pair(self, v, A, B):
        """The linear and the distance kernel of view ``v``, on the scale of its spread."""
        linear, distance = (A, B), (A, B)
        if v == 0:
            linear, distance = ((A * r, B * r) for r in self.log_relevance.exp())
        square, length = self.scales[v]
        return linear[0] @ linear[1].T / square, _distance(*distance) * (-2 / length)

    def _weighted(self, pairs):
        kernels = [kernel for pair in pairs for kernel in pair]
        weights = self.log_weights.exp().flatten()
        return sum(weight * kernel for weight, kernel in zip(weights, kernels, strict=True))

    def _centred(self, K):
        """``K`` between any profiles and those of training, centred on the latter."""
        return K - K.mean(dim=1, keepdim=True) - (self.kernel_mean - self.kernel_mean.mean())


def _spread(view):
    """Mean squared norm and mean distance, the units of the two kernels."""
    tiny = torch.finfo(view.dtype).tiny
    square = view.square().sum(dim=1).mean()
    return square.clamp_min(tiny), _distance(view, view).mean().clamp_min(tiny)


def _distance(A, B):
    """``‖a − b‖`` for every pair of rows; its slope is zero, not NaN, where they are equal."""
    scale = A.square().sum(dim=1)[:, None] + B.square().sum(dim=1)
    squared = scale - 2 * A @ B.T
    # Equal rows differ by rounding, and by how much depends on how many there are beside them: the
    # root of it is not small.
    equal = squared <= 100 * torch.finfo(A.dtype).eps * scale
    return squared.masked_fill(equal, 1e-9).sqrt()
