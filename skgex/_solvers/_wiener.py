"""The Wiener decoder and mixtures of them: profiles from any linear measurement."""

import torch

_ALL = slice(None)
# Of the variance of a measurement: what posteriors take for nothing. Of measurements that depend
# on each other the rest of a direction is rounding, which must not tell clusters apart.
_NOTHING = 1e-7


class GaussianProfiles:
    """Mean and covariance of profiles; the covariance, genes × genes, is never formed.

    Parameters
    ----------
    mean : Tensor of shape (n_genes,)
    factor : Tensor of shape (rank, n_genes)
        ``factorᵀ factor`` is the covariance of the profiles.
    """

    def __init__(self, mean, factor):
        self.mean, self.factor = mean, factor
        self._seen = None, None

    @classmethod
    def of(cls, X):
        mean = X[0] + (X - X[0]).mean(dim=0)  # exact where profiles do not vary
        return cls(mean, _factor(X - mean))

    def through(self, A):
        """``S Aᵀ`` and ``A S Aᵀ`` of the sample covariance S, for a measurement A; ``A Aᵀ``."""
        if self._seen[0] is not A:
            self._seen = A, (*_through(self.factor, A), _gram(A))
        return self._seen[1]

    def decoder(self, A, noise, shrinkage, genes=_ALL):
        """The Wiener decoder of measurements by A with noise of that covariance.

        S is drawn towards the mean variance of a gene times the identity, by ``shrinkage``.
        """
        spherical = shrinkage * mean_variance(self.factor)
        to_genes, within, gram = self.through(A)
        return Wiener(
            self.mean[genes],
            A @ self.mean,
            (1 - shrinkage) * to_genes[genes] + spherical * A.T[genes],
            (1 - shrinkage) * within + spherical * gram + noise,
        )


class ProfileMixture:
    """A mixture of Gaussians: clusters of profiles, each with its mean and covariance.

    Parameters
    ----------
    means : Tensor of shape (n_clusters, n_genes)
    residuals : Tensor of shape (n_profiles, n_genes)
        Profiles less the mean of their cluster.
    labels : Tensor of shape (n_profiles,)
    """

    def __init__(self, means, residuals, labels):
        self.means, self.labels = means, labels
        self.sizes = torch.bincount(labels, minlength=len(means))
        self.pooled = _factor(residuals)
        self.factors = [_factor(residuals[labels == k]) for k in range(len(means))]
        self._seen = None, None

    @classmethod
    def of(cls, X, labels):
        members = torch.nn.functional.one_hot(labels).to(X.dtype)
        means = X[0] + members.T @ (X - X[0]) / members.sum(dim=0)[:, None]
        return cls(means, X - means[labels], labels)

    def through(self, A):
        """``S Aᵀ`` and ``A S Aᵀ`` of every cluster, and of all clusters pooled; ``A Aᵀ``."""
        if self._seen[0] is not A:
            parts = [_through(factor, A) for factor in (*self.factors, self.pooled)]
            self._seen = A, (parts[:-1], parts[-1], _gram(A))
        return self._seen[1]

    def decoder(self, A, noise, shrinkage, own, genes=_ALL):
        """The decoder of the mixture.

        The covariance of a cluster is ``own`` times that of its profiles, the rest that of all
        clusters pooled; then drawn towards the identity as that of :class:`GaussianProfiles`.
        """
        spherical = shrinkage * mean_variance(self.pooled)
        clusters, (pooled_to_genes, pooled_within), gram = self.through(A)
        spherical_to_genes, spherical_within = spherical * A.T[genes], spherical * gram
        decoders = []
        for mean, (to_genes, within) in zip(self.means, clusters, strict=True):
            to_genes = own * to_genes[genes] + (1 - own) * pooled_to_genes[genes]
            within = own * within + (1 - own) * pooled_within
            decoders.append(
                Wiener(
                    mean[genes],
                    A @ mean,
                    (1 - shrinkage) * to_genes + spherical_to_genes,
                    (1 - shrinkage) * within + spherical_within + noise,
                )
            )
        return WienerMixture(decoders, self.sizes / self.sizes.sum())


class FactorProfiles:
    """Profiles ``x = Uᵀw + e`` of modules U with Gaussian activities w, and residuals e.

    Parameters
    ----------
    modules : Tensor of shape (n_modules, n_genes)
        U.
    activities : GaussianProfiles
        Mean and covariance of w.
    residual_mean, residual_variance : Tensor of shape (n_genes,)
        Of e, which is independent between genes. Without the variance, genes would be told from
        modules alone, as if they were exact.
    """

    def __init__(self, modules, activities, residual_mean, residual_variance):
        self.modules, self.activities = modules, activities
        self.residual_variance = residual_variance
        self.mean = activities.mean @ modules + residual_mean

    def decoder(self, A, noise):
        """The Wiener decoder of measurements by A with noise of that covariance."""
        factor = self.activities.factor
        to_modules = factor.T @ (factor @ (self.modules @ A.T))
        to_genes = self.modules.T @ to_modules + self.residual_variance[:, None] * A.T
        return Wiener(self.mean, A @ self.mean, to_genes, A @ to_genes + noise)


class Wiener:
    """``x̂ = μ + C_xz C_zz⁻¹ (z − Aμ)``: the linear estimate with the least squared error.

    It is the conditional mean of a Gaussian profile, given its measurement.

    Parameters
    ----------
    mean : Tensor of shape (n_genes,)
    measured_mean : Tensor of shape (n_measurements,)
    to_genes : Tensor of shape (n_genes, n_measurements)
        ``C_xz``, covariance of genes with measurements.
    within : Tensor of shape (n_measurements, n_measurements)
        ``C_zz``, covariance of measurements, noise included.
    """

    def __init__(self, mean, measured_mean, to_genes, within):
        self.mean, self.measured_mean, self.within = mean, measured_mean, within.double()
        # Measurements that depend on each other would be told apart by rounding alone.
        rounding = max(torch.finfo(mean.dtype).eps, len(within) * torch.finfo(torch.float64).eps)
        chol = _cholesky(self.within, rounding * self.within.diagonal().mean())
        self.gain = torch.cholesky_solve(to_genes.double().T, chol).to(mean.dtype)

    def __call__(self, Z):
        """Profiles of measurements (n_profiles, n_measurements)."""
        return torch.addmm(self.mean, Z - self.measured_mean, self.gain)

    def linear(self):
        """The decoder as arrays: coefficients (n_genes, n_measurements), and an intercept."""
        return self.gain.T.numpy(), (self.mean - self.measured_mean @ self.gain).numpy()


class WienerMixture:
    """``x̂ = Σ_k p(k | z) x̂_k``: the conditional mean of a mixture of Gaussians.

    Parameters
    ----------
    decoders : list of Wiener
    prior : Tensor of shape (n_clusters,)
    """

    def __init__(self, decoders, prior):
        self.decoders, self.prior = decoders, prior.double()
        scale = sum(
            share * decoder.within.diagonal().mean()
            for share, decoder in zip(self.prior, decoders, strict=True)
        )
        self._chols = [_cholesky(decoder.within, _NOTHING * scale) for decoder in decoders]

    def posterior(self, Z):
        """``p(k | z)`` of measurements, (n_profiles, n_clusters)."""
        scores = []
        for decoder, chol, share in zip(self.decoders, self._chols, self.prior, strict=True):
            residual = (Z - decoder.measured_mean).double().T
            white = torch.linalg.solve_triangular(chol, residual, upper=False)
            log_likelihood = -0.5 * white.square().sum(dim=0) - chol.diagonal().log().sum()
            scores.append(log_likelihood + share.log())
        return torch.stack(scores, dim=1).softmax(dim=1).to(Z.dtype)

    def __call__(self, Z, negligible=1e-6):
        posterior = self.posterior(Z)
        posterior[posterior < negligible] = 0
        posterior /= posterior.sum(dim=1, keepdim=True)
        X = Z.new_zeros(len(Z), len(self.decoders[0].mean))
        for decoder, weight in zip(self.decoders, posterior.T, strict=True):
            (rows,) = torch.nonzero(weight, as_tuple=True)
            X[rows] += weight[rows, None] * decoder(Z[rows])
        return X


def mean_variance(factor):
    """Mean variance of a gene, not zero."""
    return (factor.square().sum() / factor.shape[1]).clamp_min(_least(factor.dtype))


def _least(dtype):
    """A variance that stands for none, and may still be multiplied, divided by and squared."""
    return torch.finfo(dtype).tiny ** 0.5


def _factor(centred):
    """Rows whose products sum to the covariance; no more of them than there are genes."""
    factor = centred / max(1, len(centred)) ** 0.5
    return torch.linalg.qr(factor, mode="r").R if len(factor) > factor.shape[1] else factor


def _through(factor, A):
    """``S Aᵀ`` and ``A S Aᵀ`` of the covariance ``S = factorᵀ factor``.

    Computed in float64: measurements that say nearly the same make ``A S Aᵀ`` nearly singular.
    """
    factor = factor.double()
    measured = factor @ A.double().T
    return (factor.T @ measured).to(A.dtype), measured.T @ measured


def _gram(A):
    return A.double() @ A.double().T


def _cholesky(C, least):
    """Cholesky factor of a covariance with ``least`` on its diagonal, or more if need be."""
    least = max(float(least), _least(C.dtype))
    eye = torch.eye(len(C), dtype=C.dtype, device=C.device)
    for _ in range(6):
        chol, info = torch.linalg.cholesky_ex(C + least * eye)
        if not info:
            return chol
        least *= 100
    return torch.linalg.cholesky(C)  # which says what is wrong
