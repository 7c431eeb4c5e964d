"""SemiGAN (Ghasedi Dizaji et al. 2018): inference that also learns from unlabelled profiles."""

from numbers import Integral, Real

import torch
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skgex import _losses as losses
from skgex import _training as training
from skgex.base import FeedforwardRegressor, fill_docstring
from skgex.inference._semigan_net import SemiGANNet, make_players
from skgex.inference._teacher import Teacher

_COUNT = [Interval(Integral, 1, None, closed="left")]
_WEIGHT = [Interval(Real, 0, None, closed="left")]
_CRITICS = ("x", "y", "xy")


@fill_docstring
class SemiGANRegressor(FeedforwardRegressor):
    """SemiGAN: a generative adversarial net that also learns from unlabelled profiles.

    Generators G_x, G_y draw a landmark and a target profile from one latent z; critics D_x, D_y,
    D_xy tell drawn from measured profiles; an inverse net I leads from landmarks to z; the
    inference net F, the only one that predicts, leads from landmarks to targets. In turn, on
    every batch of labelled (xˡ, yˡ) and unlabelled xᵘ, the players minimise

    - D: the adversarial losses of ``xᵘ | G_x(z)``, ``yˡ | G_y(z)`` and, with ``(xᵘ, F(xᵘ))`` among
      the real ones after ``warm_up`` epochs, ``(xˡ, yˡ) | (G_x(z), G_y(z))``,
    - G, I: ``λ_gx·A(D_x) + λ_gy·A(D_y) + λ_gxy·A(D_xy) + λ_rec·‖G_x(I(xᵘ)) − xᵘ‖₁ +
      λ_tra·‖G_y(I(xˡ)) − yˡ‖₁ + λ_inv·‖I(G_x(z)) − z‖₁``,
    - F: ``‖yˡ − F(xˡ)‖₁ + λ_syn·‖G_y(z) − F(G_x(z))‖₁ + λ_cons·‖F(xᵘ⊕e) − F(xᵘ⊕e′)‖² +
      λ_pseudo·‖T(xᵘ) − F(xᵘ)‖₁``

    with norms averaged over genes and two draws e, e′ of F's dropout. The last term is not in the
    paper: T is a teacher, and most of what unlabelled profiles are worth comes through it. Without
    unlabelled profiles ``xᵘ = xˡ``, and there is nothing to teach.

    Parameters
    ----------
    %(architecture)s
    latent_dim : int, default=64
        Length of z, drawn from a standard normal; not published.
    gan_units, n_gan_layers : int, default=250 and 2
        Hidden layers of the generators and the inverse net; the paper has 3 × 3,000.
    critic_units : int, default=250
        Units of the critics' hidden layer; the paper has 3,000.
    gan_normalization : {"batch", "weight"} or None, default="batch"
        Of generators and inverse net; the paper has weight normalisation.
    gradient_penalty : float, default=0.1
        Half of this weighs the critics' squared slope at real profiles (R1); the paper has none.
    gan_beta_1 : float, default=0.5
        Momentum (β₁ of Adam) of all players but F. With the paper's 0.9, weight normalisation and
        no gradient penalty, drawn profiles had four to ten times the spread of real ones.
    adversarial_loss : {"least_squares", "non_saturating"}, default="least_squares"
        The paper has the logarithmic one, of which "non_saturating" is the form that trains.
    lambda_dx, lambda_dy, lambda_dxy : float or None, default=None
        Weights of the real profiles in the critics' losses, those of drawn ones being
        ``lambda_gx`` and so on; None takes the same.
    lambda_gx, lambda_gy, lambda_gxy : float, default=1
        Weights of the three adversarial losses. With 0 for all three there is no generative part:
        it saves most of the time, and there is nothing to ``sample`` from.
    lambda_rec, lambda_tra, lambda_inv : float, default=1
        Weights of reconstruction, translation and inversion.
    lambda_syn : float, default=0
        Weight of synthetic pairs in F's loss, after ``warm_up``. The paper's term; on validation
        profiles 0.1 changed nothing and 1 did harm, see the benchmarks. With 0, nothing that F
        learns comes from the generative part.
    lambda_cons : float, default=0.1
        Weight of the consistency loss.
    synthetic_weights : {"critic", "uniform"}, default="critic"
        Whether a synthetic pair counts as much as D_xy believes in it, or all the same.
    warm_up : int, default=5
        Epochs before F learns from synthetic pairs and its inferences count as real.
    teacher : {"kernel"} or None, default="kernel"
        What infers the unlabelled profiles that F learns from: kernel ridge regression on the
        landmarks and on the hidden layers of an autoencoder that has learned, on all profiles, to
        infer hidden landmarks from the others. It sees no validation profile and no sample weight.
    lambda_pseudo : float, default=3
        Weight of the teacher's inferences on the unlabelled profiles. Where these are fewer than
        the labelled ones it falls with their number, as ``lambda_cons`` does.
    max_grad_norm : float or None, default=None
        Gradients of any player longer than this are shortened to it.
    lr, lr_final : float, default=1e-3 and 1e-5
        Learning rate of the first and of the last epoch; the paper has 5e-4 and 1e-5.
    %(gene_scaling)s
    max_epochs : int, default=100
        Passes over the unlabelled or the labelled profiles, whichever are more; the paper trains
        500.
    batch_size : int, default=100
        Of labelled profiles, and as many unlabelled ones; the paper has 200.
    %(schedule)s

    Attributes
    ----------
    %(fitted)s
    generators_ : list of torch.nn.Module
        G_x and G_y, if there is a generative part.

    References
    ----------
    Ghasedi Dizaji, K., Wang, X., Huang, H. (2018). Semi-supervised generative adversarial network
    for gene expression inference. KDD 2018.

    Examples
    --------
    >>> from skgex import SemiGANRegressor, make_expression
    >>> data, _ = make_expression(300, n_landmarks=20, n_targets=30, labelled=0.2, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]  # four rows of Y in five are NaN
    >>> model = SemiGANRegressor(hidden_units=50, max_epochs=5, random_state=0).fit(X, Y)
    >>> model.predict(X).shape
    (300, 30)
    >>> [profiles.shape for profiles in model.sample(4, random_state=0)]
    [(4, 20), (4, 30)]
    """

    _parameter_constraints: dict = {
        **FeedforwardRegressor._parameter_constraints,
        "latent_dim": _COUNT,
        "gan_units": _COUNT,
        "n_gan_layers": _COUNT,
        "critic_units": _COUNT,
        "gan_normalization": [StrOptions({"batch", "weight"}), None],
        "gradient_penalty": _WEIGHT,
        "gan_beta_1": [Interval(Real, 0, 1, closed="left")],
        "adversarial_loss": [StrOptions(set(losses.ADVERSARIAL))],
        **{f"lambda_d{name}": [*_WEIGHT, None] for name in _CRITICS},
        **{f"lambda_g{name}": _WEIGHT for name in _CRITICS},
        **{f"lambda_{name}": _WEIGHT for name in ("rec", "tra", "inv", "syn", "cons", "pseudo")},
        "synthetic_weights": [StrOptions({"critic", "uniform"})],
        "warm_up": [Interval(Integral, 0, None, closed="left")],
        "teacher": [StrOptions({"kernel"}), None],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        hidden_units=500,
        n_hidden_layers=2,
        *,
        net="dense",
        activation="silu",
        normalization="batch",
        dropout=0.25,
        input_dropout=0.05,
        latent_dim=64,
        gan_units=250,
        n_gan_layers=2,
        critic_units=250,
        gan_normalization="batch",
        gradient_penalty=0.1,
        gan_beta_1=0.5,
        adversarial_loss="least_squares",
        lambda_dx=None,
        lambda_dy=None,
        lambda_dxy=None,
        lambda_gx=1.0,
        lambda_gy=1.0,
        lambda_gxy=1.0,
        lambda_rec=1.0,
        lambda_tra=1.0,
        lambda_inv=1.0,
        lambda_syn=0.0,
        lambda_cons=0.1,
        synthetic_weights="critic",
        warm_up=5,
        teacher="kernel",
        lambda_pseudo=3.0,
        max_grad_norm=None,
        lr=1e-3,
        lr_final=1e-5,
        gene_scaling="standard",
        max_epochs=100,
        batch_size=100,
        validation_fraction=0.1,
        early_stopping=True,
        patience=20,
        device=None,
        precision="auto",
        random_state=None,
        verbose=False,
        warm_start=False,
        checkpoint=None,
    ):
        self.hidden_units = hidden_units
        self.n_hidden_layers = n_hidden_layers
        self.net = net
        self.activation = activation
        self.normalization = normalization
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.latent_dim = latent_dim
        self.gan_units = gan_units
        self.n_gan_layers = n_gan_layers
        self.critic_units = critic_units
        self.gan_normalization = gan_normalization
        self.gradient_penalty = gradient_penalty
        self.gan_beta_1 = gan_beta_1
        self.adversarial_loss = adversarial_loss
        self.lambda_dx = lambda_dx
        self.lambda_dy = lambda_dy
        self.lambda_dxy = lambda_dxy
        self.lambda_gx = lambda_gx
        self.lambda_gy = lambda_gy
        self.lambda_gxy = lambda_gxy
        self.lambda_rec = lambda_rec
        self.lambda_tra = lambda_tra
        self.lambda_inv = lambda_inv
        self.lambda_syn = lambda_syn
        self.lambda_cons = lambda_cons
        self.synthetic_weights = synthetic_weights
        self.warm_up = warm_up
        self.teacher = teacher
        self.lambda_pseudo = lambda_pseudo
        self.max_grad_norm = max_grad_norm
        self.lr = lr
        self.lr_final = lr_final
        self.gene_scaling = gene_scaling
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.checkpoint = checkpoint

    @classmethod
    def published(cls, hidden_units=3000, n_hidden_layers=3, **params):
        """The paper's nets and schedule, and its objective, which has no teacher.

        Parameters
        ----------
        hidden_units : int, default=3000
            Of the inference net, the generators, the inverse net and the critics.
        n_hidden_layers : int, default=3
            Of the inference net, the generators and the inverse net.
        **params
            Parameters of the constructor that override single settings. The weights of the
            paper's terms, dropout, the length of z and the warm-up are not published; the weights
            are 1 and dropout is 0.1.

        Returns
        -------
        SemiGANRegressor
            Unfitted.
        """
        published = dict(activation="leaky_relu", normalization="weight", input_dropout=0.1)
        published |= dict(gan_units=hidden_units, n_gan_layers=n_hidden_layers)
        published |= dict(critic_units=hidden_units, gan_normalization="weight", dropout=0.1)
        published |= dict(gradient_penalty=0.0, lambda_syn=1.0, lambda_cons=1.0, teacher=None)
        published |= dict(gan_beta_1=0.9, adversarial_loss="non_saturating")
        published |= dict(synthetic_weights="uniform", lr=5e-4, batch_size=200)
        published |= dict(max_epochs=500, early_stopping=False)
        return cls(hidden_units, n_hidden_layers, **(published | params))

    def _make_module(self, n_inputs, n_outputs):
        module = super()._make_module(n_inputs, n_outputs)
        if self.lambda_syn > 0 and not self._has_generators():
            raise ValueError(
                f"lambda_syn={self.lambda_syn} asks for synthetic pairs, but lambda_gx, lambda_gy "
                "and lambda_gxy are 0: there are no generators. Raise one of them, or set "
                "lambda_syn=0."
            )
        untrained = self.lambda_gxy == 0 and self.synthetic_weights == "critic"
        if self.lambda_syn > 0 and untrained:
            raise ValueError(
                "lambda_gxy=0 trains no critic of pairs that could weigh synthetic ones. Raise "
                "lambda_gxy, or set synthetic_weights='uniform'."
            )
        if self.lambda_syn > 0 and self.warm_up >= self.max_epochs:
            raise ValueError(
                f"warm_up={self.warm_up} leaves none of max_epochs={self.max_epochs} for "
                "synthetic pairs. Lower warm_up, raise max_epochs, or set lambda_syn=0."
            )
        if self._has_generators() and self.gan_normalization == "batch" and self.batch_size == 1:
            raise ValueError(
                "batch_size=1 leaves batch normalisation of the generators no spread to divide "
                "by. Raise batch_size, or set gan_normalization='weight'."
            )
        return module

    def _has_generators(self):
        return any(getattr(self, f"lambda_g{name}") > 0 for name in _CRITICS)

    def _batches(self, data, seed):
        generator = torch.Generator().manual_seed(seed)
        labelled = self._tensors(data.X, data.Y, data.weight)
        unlabelled = labelled[:1]
        if len(data.X_unlabeled):
            # Batch normalisation has no spread over one profile; twice the same has one.
            U = data.X_unlabeled
            unlabelled = self._tensors(U.repeat(2, axis=0) if len(U) == 1 else U)
            if self.teacher is not None and self.lambda_pseudo > 0:
                unlabelled.append(self._teach(*labelled[:2], *unlabelled, generator))
        return training.PairedBatches(
            training.TensorBatches(labelled, self.batch_size, generator),
            training.TensorBatches(unlabelled, self.batch_size, generator),
        )

    def _teach(self, X, Y, U, generator):
        """The teacher's inferences of the unlabelled profiles."""
        precision = training.resolve_precision(self.precision, X.device, units=500)
        return Teacher(torch.cat([X, U]), X, Y, generator, precision=precision)(U)

    def _make_net(self, module, params):
        sizes = module.config["n_inputs"], module.config["n_outputs"]
        players = make_players(*sizes, self) if self._has_generators() else {}
        if players and self.warm_start and hasattr(self, "generators_"):
            self._continue_generators(players["generators"])
        return SemiGANNet(
            module,
            players=players,
            player_params={"betas": (self.gan_beta_1, 0.999)},
            params=self,
            criterion=losses.absolute_error,
            **params,
        )

    def _continue_generators(self, generators):
        for G, fitted in zip(generators.values(), self.generators_, strict=True):
            if G.config != fitted.config:
                raise ValueError(
                    "warm_start=True continues the generators of the previous fit, but "
                    "latent_dim, gan_units, n_gan_layers or gan_normalization changed since. Set "
                    "warm_start=False to train new ones."
                )
            G.load_state_dict(fitted.state_dict())

    def _schedule(self):
        return [*super()._schedule(), *training.gradient_clipping(self.max_grad_norm)]

    def _net_params(self, module, data, seed):
        share = min(1.0, len(data.X_unlabeled) / len(data.X)) if len(data.X_unlabeled) else 1.0
        return super()._net_params(module, data, seed) | {"unlabelled_share": share}

    def _forget(self):
        super()._forget()
        vars(self).pop("generators_", None)

    def _keep(self, net, batches):
        super()._keep(net, batches)
        vars(self).pop("generators_", None)
        if self._has_generators():
            self.generators_ = [
                net.generators_[name].eval().requires_grad_(False).cpu() for name in "xy"
            ]

    def sample(self, n_samples=1, *, random_state=None):
        """Draw synthetic profiles.

        The generators are those of the last epoch, whichever epoch F was best in; to draw
        profiles, fit with ``early_stopping=False``.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        X : ndarray of shape (n_samples, n_landmarks)
        Y : ndarray of shape (n_samples, n_targets)
            In the units and with the dtype of the training profiles.
        """
        check_is_fitted(self)
        if not hasattr(self, "generators_"):
            raise ValueError(
                "This SemiGANRegressor has no generators to sample from: lambda_gx, lambda_gy and "
                "lambda_gxy are all 0 (as `skgex train` sets them). Fit it again with at least "
                "one of them above 0."
            )
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        rng = check_random_state(random_state)
        z = rng.standard_normal((n_samples, self.generators_[0].config["n_inputs"]))
        z = torch.from_numpy(z).float()
        with torch.inference_mode():
            X, Y = (G(z).numpy() for G in self.generators_)
        X, Y = self.x_scaler_.inverse_transform(X), self.y_scaler_.inverse_transform(Y)
        X, Y = (A.astype(self.dtype_, copy=False) for A in (X, Y))
        return X, Y.ravel() if self._y_ndim == 1 else Y
