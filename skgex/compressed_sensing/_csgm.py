"""CSGM (Bora et al. 2017): the profile of a generator that explains a measurement best."""

from copy import deepcopy
from numbers import Integral, Real
from types import SimpleNamespace

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skgex import _training as training
from skgex.base import fill_docstring
from skgex.compressed_sensing._base import SensingRegressor
from skgex.compressed_sensing._generative import train_generator
from skgex.compressed_sensing._inversion import invert, whitening

_POSITIVE = Interval(Real, 0, None, closed="neither")
_NATURAL = Interval(Integral, 1, None, closed="left")
# What a generator depends on, beside profiles and seed.
_NETS = ("latent_dim", "hidden_units", "n_hidden_layers", "max_epochs", "batch_size", "lr")
_PARAMS = {"vae": _NETS, "gan": (*_NETS, "critic_steps", "gradient_penalty")}


@fill_docstring
class CSGMRegressor(SensingRegressor):
    """CSGM: compressed sensing with a generative model of profiles.

    A generator G of profiles from latents ``w ~ N(0, I)`` is trained first, as a variational
    autoencoder or against a critic; of each gene it leaves a variance ψ unexplained. A
    measurement ``z = A (x + e)`` is then decoded by the latents that are most probable,
    ``ŵ = argmin ½ (z − A G(w))ᵀ C⁻¹ (z − A G(w)) + ½ ‖w‖²``, ``C = A diag(ψ) Aᵀ + σ² A Aᵀ``, and
    what they leave of the measurement is spread over the genes that may have caused it:
    ``x̂ = G(ŵ) + diag(ψ) Aᵀ C⁻¹ (z − A G(ŵ))``. The paper's plain form knows no ψ.

    Parameters
    ----------
    %(measurement)s
    generator : {"vae", "gan"}, default="vae"
        Trained as a variational autoencoder, or as a Wasserstein generative adversarial network
        with gradient penalty, whose ψ is what the generator leaves of training profiles.
    decode : {"map", "plain"}, default="map"
        "map" as above. "plain" takes ``x̂ = G(ŵ)`` of the latents that minimise
        ``‖z − A G(w)‖² / n_measurements + λ ‖w‖²``, as the paper does.
    latent_dim : int, default=32
    hidden_units : int, default=256
        Units of each hidden layer of generator, encoder and critic. The output layers of
        generator and encoder see their inputs too.
    n_hidden_layers : int, default=2
    max_epochs : int, default=100
    batch_size : int, default=128
        Smaller where an epoch would have fewer than 8 batches.
    lr : float, default=1e-3
        Learning rate of the first epoch, which falls linearly.
    critic_steps : int, default=2
        Steps of the critic for each of the generator; only for "gan".
    gradient_penalty : float, default=10
        Weight of the critic's ``(‖slope‖ − 1)²`` between real and generated profiles.
    n_restarts : int, default=2
        Starts of every decoding: at zero, and at latents drawn once for all measurements. The
        best is kept for each measurement.
    n_steps : int, default=150
        Steps of Adam from every start.
    latent_penalty : float, default=0.001
        λ of "plain".
    %(noise)s
    gene_scaling : {"standard", "range", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of profiles, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`. "rank-gaussian" only without a matrix.
    %(memory)s
    device : str or None, default=None
        None takes the fastest of cuda, mps and cpu.
    random_state : int, RandomState instance or None, default=None
    verbose : bool or int, default=False
        Show a progress bar.

    Attributes
    ----------
    generator_ : torch.nn.Module
        G, from latents to scaled genes.
    residual_variance_ : ndarray of shape (n_genes,)
        ψ of scaled genes.
    history_ : dict of list
        Losses of every epoch of the training: ``train_loss`` is the negative evidence lower bound
        of a variational autoencoder, and how far the critic of a "gan" tells real from generated
        profiles.
    device_ : str
    %(measured)s

    References
    ----------
    Bora, A., Jalal, A., Price, E., Dimakis, A. G. (2017). Compressed sensing using generative
    models. ICML.

    Kingma, D. P., Welling, M. (2014). Auto-encoding variational Bayes. ICLR.

    Gulrajani, I. et al. (2017). Improved training of Wasserstein GANs. NeurIPS.

    Examples
    --------
    >>> from skgex import CSGMRegressor, CompositeMeasurement, make_expression
    >>> from sklearn.pipeline import make_pipeline
    >>> profiles = make_expression(200, 20, 80, random_state=0)[0].X
    >>> decoder = CSGMRegressor(latent_dim=8, hidden_units=32, max_epochs=10, random_state=0)
    >>> decoder = make_pipeline(CompositeMeasurement(30, random_state=0), decoder)
    >>> decoder.fit(profiles, profiles).predict(profiles).shape
    (200, 100)
    """

    _parameter_constraints: dict = {
        **SensingRegressor._parameter_constraints,
        "generator": [StrOptions({"vae", "gan"})],
        "decode": [StrOptions({"map", "plain"})],
        "latent_dim": [_NATURAL],
        "hidden_units": [_NATURAL],
        "n_hidden_layers": [_NATURAL],
        "max_epochs": [_NATURAL],
        "batch_size": [_NATURAL],
        "lr": [_POSITIVE],
        "critic_steps": [_NATURAL],
        "gradient_penalty": [Interval(Real, 0, None, closed="left")],
        "n_restarts": [_NATURAL],
        "n_steps": [_NATURAL],
        "latent_penalty": [Interval(Real, 0, None, closed="left")],
        "memory": [None, str, HasMethods(["cache"])],
        "device": [str, torch.device, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        measurement_matrix=None,
        *,
        generator="vae",
        decode="map",
        latent_dim=32,
        hidden_units=256,
        n_hidden_layers=2,
        max_epochs=100,
        batch_size=128,
        lr=1e-3,
        critic_steps=2,
        gradient_penalty=10.0,
        n_restarts=2,
        n_steps=150,
        latent_penalty=1e-3,
        noise="estimate",
        gene_scaling="standard",
        memory=None,
        device=None,
        random_state=None,
        verbose=False,
    ):
        self.measurement_matrix = measurement_matrix
        self.generator = generator
        self.decode = decode
        self.latent_dim = latent_dim
        self.hidden_units = hidden_units
        self.n_hidden_layers = n_hidden_layers
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.critic_steps = critic_steps
        self.gradient_penalty = gradient_penalty
        self.n_restarts = n_restarts
        self.n_steps = n_steps
        self.latent_penalty = latent_penalty
        self.noise = noise
        self.gene_scaling = gene_scaling
        self.memory = memory
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train a generator of the profiles.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_profiles, n_measurements)
            Measurements.
        y : array-like or torch.Tensor of shape (n_profiles, n_genes) or (n_profiles,)
            The profiles measured. Rows that are all NaN are left out.

        Returns
        -------
        self

        Raises
        ------
        FloatingPointError
            If training diverges.
        """
        return self._fit_measured(X, y)

    def _learn(self, data):
        # What is asked for now holds for later measurements too.
        names = ("decode", "n_restarts", "n_steps", "latent_penalty")
        self._decoding = {name: getattr(self, name) for name in names}
        self.device_ = str(training.resolve_device(self.device))
        self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        train = self._cached(train_generator, ignore=["verbose"])
        params = {name: getattr(self, name) for name in _PARAMS[self.generator]}
        self.generator_, self.residual_variance_, self.history_ = train(
            data.Y,
            kind=self.generator,
            params=params,
            seed=self._seed,
            device=self.device_,
            verbose=bool(self.verbose),
        )

    def _make_decoder(self):
        G, A = self.generator_, torch.from_numpy(self._A)
        # One draw for all measurements: what is inferred depends on no other row.
        asked = SimpleNamespace(**self._decoding)
        shape = asked.n_restarts, G.config["n_inputs"]
        starts = np.random.RandomState(self._seed).normal(size=shape)
        starts[0] = 0
        descent = dict(starts=torch.from_numpy(starts).to(A), n_steps=asked.n_steps)
        device = training.present_device(self.device_, A.dtype)
        if asked.decode == "plain":
            V, psi = torch.eye(len(A)).double(), None
            descent |= dict(misfit=1 / len(A), penalty=asked.latent_penalty)
        else:  # ½ rᵀ C⁻¹ r = ½ ‖V r‖²
            psi = torch.from_numpy(self.residual_variance_)
            V = whitening(A, psi, self._noise_covariance())
            descent |= dict(misfit=0.5, penalty=0.5)
        return GenerativeDecoder(G, A, V, psi, device=device, **descent)


class GenerativeDecoder:
    """``x̂ = G(ŵ) + diag(ψ) Aᵀ Vᵀ V (z − A G(ŵ))``; without ψ, the first term alone.

    ŵ has the least ``misfit ‖V (z − A G(w))‖² + penalty ‖w‖²``. G ends in a linear map of features
    f, so that ``V (z − A G(w)) = t − M f(w)``: no step of the descent goes through all genes.
    """

    def __init__(self, generator, A, V, psi=None, *, device, **descent):
        self.generator, self.V, self.device, self.descent = generator, V, device, descent
        VA = V @ A.double()
        self.M = VA @ generator.output.weight.double()
        self.offset = VA @ generator.output.bias.double()
        self.to_genes = None if psi is None else VA * psi

    def __call__(self, Z):
        to = dict(device=self.device, dtype=Z.dtype)
        G = deepcopy(self.generator).to(**to)
        T = Z.double() @ self.V.T - self.offset
        descent = self.descent | {"starts": self.descent["starts"].to(**to)}
        W, _ = invert(G.features, self.M.to(**to), T.to(**to), **descent)
        with torch.no_grad():
            features = G.features(W)
            X = G.output(features).cpu()
        if self.to_genes is not None:
            X += ((T - features.cpu().double() @ self.M.T) @ self.to_genes).to(Z.dtype)
        return X
