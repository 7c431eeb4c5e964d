"""GGAN (Wang et al. 2018): a conditional GAN whose generator infers the target genes."""

from numbers import Integral, Real

import torch
from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _losses as losses
from skgex import _training as training
from skgex._nets import MLP
from skgex.base import FeedforwardRegressor, fill_docstring

_SHARE = Interval(Real, 0, 1, closed="left")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")


class GGANNet(training.PlayersNet):
    """``module`` is the generator G; the one other player is the critic D."""

    def __init__(self, module, *, params, **kwargs):
        self.params = params
        super().__init__(module, **kwargs)

    def play(self, batch):
        X, Y, *weight = batch
        params, adversarial_loss = self.params, losses.ADVERSARIAL[self.params.adversarial_loss]
        adversarial = params.lambda_adv > 0

        def mean(per_profile):
            return losses.weighted_mean(per_profile, *weight)

        def critic(X, Y):
            return self.output(self.critic_, X, Y)[:, 0]

        Y_hat = self.output(self.module_, X)
        if adversarial:  # D: ½[(D(x, y∘m) − 1)² + D(x, ŷ∘m)²]
            mask = self._mask(Y)
            shown = (Y * mask).requires_grad_(params.gradient_penalty > 0)
            real, fake = critic(X, shown), critic(X, Y_hat.detach() * mask)
            loss = mean(adversarial_loss.real(real) + adversarial_loss.fake(fake))
            self.record(critic_loss=loss)
            if params.gradient_penalty > 0:
                slope = mean(losses.squared_slope(real, at=shown))
                loss = loss + params.gradient_penalty / 2 * slope
            yield "critic", loss

        # G: ‖y − G(x)‖₁ + λ_adv·(D(x, ŷ∘m) − 1)² + λ_cons·‖G(x⊕u) − G(x⊕u′)‖²
        loss = absolute = mean(losses.absolute_error(Y_hat, Y))
        self.record(loss=absolute)
        if adversarial:
            pull = mean(adversarial_loss.pull(critic(X, Y_hat * mask)))
            self.record(adversarial_loss=pull)
            if len(self.history) > params.warm_up:
                if params.adversarial_scale == "gradient":
                    pull = losses.as_long_as(absolute, pull, at=Y_hat)
                else:
                    pull = pull / Y.shape[1]
                loss = loss + params.lambda_adv * pull
        if params.lambda_cons > 0:
            # Both draws have the same distribution: twice the gradient through one of them is, in
            # expectation, the gradient through both, and spares the other one's backward pass.
            with torch.no_grad():
                other = self.output(self.module_, X)
            consistency = mean(losses.squared_error(Y_hat, other))
            self.record(consistency_loss=consistency)
            loss = loss + params.lambda_cons * 2 * consistency
        yield "module", loss

    def _mask(self, Y):
        """Which targets the critic sees, 1/P(seen) or 0; fewer are hidden as training goes on."""
        start, end = self.params.mask_start, self.params.mask_end
        hidden = start + (end - start) * self.progress
        return (torch.rand_like(Y) >= hidden) / (1 - hidden)


@fill_docstring
class GGANRegressor(FeedforwardRegressor):
    """GGAN: a conditional generative adversarial network that infers target genes.

    A generator G infers, a critic D tells measured from inferred targets of the same landmarks,
    through a mask m that hides ever fewer targets. In turn, on every batch,

    - D minimises ``½[(D(x, y∘m) − 1)² + D(x, G(x)∘m)²]``,
    - G minimises ``‖y − G(x)‖₁ + λ_adv·(D(x, G(x)∘m) − 1)² + λ_cons·‖G(x⊕u) − G(x⊕u′)‖²``

    with norms averaged over genes and two draws u, u′ of G's dropout, by Adam whose learning rate
    falls linearly. Only G is kept. The L1 loss alone already aims at the best mean absolute error;
    what the other terms add to it is shown in the benchmarks.

    Parameters
    ----------
    %(architecture)s
    lambda_adv : float, default=0.02
        Weight of the adversarial loss, on the scale of ``adversarial_scale``; 0 trains no critic.
    lambda_cons : float, default=0.1
        Weight of the consistency loss; 0 leaves it out.
    adversarial_scale : {"gradient", "genes"}, default="gradient"
        With "gradient", the critic's pull on the inferred genes is ``lambda_adv`` times as long as
        that of the L1 loss, in every batch: the same weight means the same for any number of genes
        and any critic. With "genes", the plain weighted sum with norms that are sums over genes,
        divided by their number: the paper's objective, whose adversarial term then is
        ``lambda_adv`` divided by the number of targets.
    adversarial_loss : {"least_squares", "non_saturating"}, default="least_squares"
    mask_start, mask_end : float, default=0.9 and 0
        Share of targets hidden from the critic in the first and in the last epoch, linear in
        between; those shown are scaled up by the inverse of their share. The paper starts "high".
    warm_up : int, default=0
        Epochs in which the critic trains, but does not yet pull at the generator.
    critic_units : int, default=250
        Units of the critic's hidden layer; the paper has a third of the generator's width.
    critic_normalization : {"weight", "spectral"} or None, default="weight"
    critic_lr : float or None, default=None
        Learning rate of the critic, which falls as the generator's does; None takes ``lr``.
    gradient_penalty : float, default=0
        Half of this weighs the critic's squared slope at measured targets (R1).
    max_grad_norm : float or None, default=None
        Gradients of either net longer than this are shortened to it.
    lr, lr_final : float, default=1e-3 and 1e-5
        Learning rate of the first and of the last epoch; the paper has 5e-4 and 1e-5.
    %(gene_scaling)s
    max_epochs : int, default=100
        The paper trains 500 epochs.
    batch_size : int, default=100
        The paper has 200.
    %(schedule)s

    Attributes
    ----------
    %(fitted)s

    References
    ----------
    Wang, X., Ghasedi Dizaji, K., Huang, H. (2018). Conditional generative adversarial network for
    gene expression inference. Bioinformatics 34(17).

    Examples
    --------
    >>> from skgex import GGANRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> GGANRegressor(hidden_units=50, max_epochs=5, random_state=0).fit(X, Y).predict(X).shape
    (200, 30)
    """

    _parameter_constraints: dict = {
        **FeedforwardRegressor._parameter_constraints,
        "lambda_adv": [_NOT_NEGATIVE],
        "lambda_cons": [_NOT_NEGATIVE],
        "adversarial_scale": [StrOptions({"gradient", "genes"})],
        "adversarial_loss": [StrOptions(set(losses.ADVERSARIAL))],
        "mask_start": [_SHARE],
        "mask_end": [_SHARE],
        "warm_up": [Interval(Integral, 0, None, closed="left")],
        "critic_units": [Interval(Integral, 1, None, closed="left")],
        "critic_normalization": [StrOptions({"weight", "spectral"}), None],
        "critic_lr": [Interval(Real, 0, None, closed="neither"), None],
        "gradient_penalty": [_NOT_NEGATIVE],
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
        lambda_adv=0.02,
        lambda_cons=0.1,
        adversarial_scale="gradient",
        adversarial_loss="least_squares",
        mask_start=0.9,
        mask_end=0.0,
        warm_up=0,
        critic_units=250,
        critic_normalization="weight",
        critic_lr=None,
        gradient_penalty=0.0,
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
        self.lambda_adv = lambda_adv
        self.lambda_cons = lambda_cons
        self.adversarial_scale = adversarial_scale
        self.adversarial_loss = adversarial_loss
        self.mask_start = mask_start
        self.mask_end = mask_end
        self.warm_up = warm_up
        self.critic_units = critic_units
        self.critic_normalization = critic_normalization
        self.critic_lr = critic_lr
        self.gradient_penalty = gradient_penalty
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
    def published(cls, hidden_units=9000, n_hidden_layers=3, **params):
        """The paper's largest net, its middle weights and its schedule.

        Parameters
        ----------
        hidden_units : int, default=9000
        n_hidden_layers : int, default=3
        **params
            Parameters of the constructor that override single settings, for instance
            ``lambda_adv`` (the paper selects among 0.1, 1 and 5), ``lambda_cons`` (1, 10 and 50)
            and ``dropout`` (0.05, 0.1 and 0.25).

        Returns
        -------
        GGANRegressor
            Unfitted.
        """
        published = dict(activation="leaky_relu", normalization="weight", critic_units=3000)
        published |= dict(dropout=0.1, input_dropout=0.1, lambda_adv=1.0, lambda_cons=10.0)
        published |= dict(adversarial_scale="genes", lr=5e-4, batch_size=200)
        published |= dict(max_epochs=500, early_stopping=False)
        return cls(hidden_units, n_hidden_layers, **(published | params))

    def _make_critic(self, n_landmarks, n_targets):
        return MLP(
            n_landmarks + n_targets,
            1,
            (self.critic_units,),
            activation="leaky_relu",
            normalization=self.critic_normalization,
        )

    def _make_net(self, module, params):
        sizes = module.config["n_inputs"], module.config["n_outputs"]
        return GGANNet(
            module,
            players={"critic": self._make_critic(*sizes)} if self.lambda_adv > 0 else {},
            learning_rates={"critic": self.critic_lr or self.lr},
            params=self,
            criterion=losses.absolute_error,
            **params,
        )

    def _schedule(self):
        return [*super()._schedule(), *training.gradient_clipping(self.max_grad_norm)]
