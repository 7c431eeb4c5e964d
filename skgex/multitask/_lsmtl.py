"""Deep-LSMTL: a sub-network infers each target gene from the others, and steers the net by it."""

from numbers import Integral, Real

import torch
from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _losses as losses
from skgex._nets import MLP
from skgex.base import fill_docstring
from skgex.multitask._base import NOT_NEGATIVE, MultiTaskNet, MultiTaskRegressor

_ERRORS = {"absolute": torch.abs, "squared": torch.square}


class LSMTLNet(MultiTaskNet):
    """Beside F: ``subnetwork``, G."""

    def task_objective(self, errors, forward):
        # ‖y − F(x)‖₁ + λ·R + γ‖V‖₁
        params, loss = self.params, errors.mean()
        if not self.players:
            return loss  # nothing to relate, or not asked for
        reconstruction = self._reconstruction(forward)
        self.record(relation_loss=reconstruction)
        V = self.subnetwork_.hidden[0][0].weight, self.subnetwork_.output.weight
        sparse = sum(v.abs().sum() for v in V) / len(errors) if params.gamma > 0 else 0
        return loss + params.lambda_mtl * reconstruction + params.gamma * sparse

    def _reconstruction(self, forward):
        X, Y, Y_hat, _, weight = forward
        beside = [X] if self.params.show_landmarks else []
        hidden = self._mask(Y)  # 1 − β

        def G(shown):  # the genes shown make up for those hidden, as after dropout
            share = 1 - hidden.float().mean(dim=1, keepdim=True)
            return self.output(self.subnetwork_, shown.masked_fill(hidden, 0) / share, *beside)

        def distance(A, B):  # over the hidden genes alone
            error = _ERRORS[self.params.reconstruction_loss](A - B)
            per_profile = error.masked_fill(~hidden, 0).sum(dim=1) / hidden.sum(dim=1)
            return losses.weighted_mean(per_profile, weight)

        match self.params.form:
            case "inferred":  # R = ‖(1−β)∘[F − G(β∘F)]‖
                return distance(Y_hat, G(Y_hat))
            case "both":  # ‖(1−β)∘[F − G(β∘F)]‖ + ‖(1−β)∘[y − G(β∘y)]‖
                return distance(Y_hat, G(Y_hat.detach())) + distance(Y, G(Y))
            case "measured":  # ‖(1−β)∘[F − G(β∘y)]‖ + ‖(1−β)∘[y − G(β∘y)]‖
                Y_tilde = G(Y)
                return distance(Y_hat, Y_tilde.detach()) + distance(Y, Y_tilde)

    def _mask(self, Y):
        """Which tasks are hidden from G in each profile: one at least, but never all."""
        hidden = torch.rand_like(Y) < self.params.mask_share
        one, other = torch.rand_like(Y).topk(2, dim=1).indices.split(1, dim=1)
        return hidden.scatter_(1, other, False).scatter_(1, one, True)


@fill_docstring
class DeepLSMTLRegressor(MultiTaskRegressor):
    """Deep-LSMTL: deep large-scale multi-task learning.

    A sub-network G: T → K → T infers target genes from the other targets, and the net F is drawn
    to what it infers. Minimises ``‖y − F(x)‖₁ + λ·R + γ·‖V‖₁/T`` over F and G, jointly, by Adam
    whose learning rate falls linearly, with norms averaged over genes, G's weights V, a random
    mask β of the targets that G sees in a profile, divided by their share, and R over those that
    it does not, by ``form``:

    - "inferred", as published: ``‖(1−β)∘[F(x) − G(β∘F(x))]‖``,
    - "both": the same, without a gradient through G's input, and ``‖(1−β)∘[y − G(β∘y)]‖``,
    - "measured": ``‖(1−β)∘[F(x) − G(β∘y)]‖``, without a gradient to G, and
      ``‖(1−β)∘[y − G(β∘y)]‖``.

    In the last form F learns each target gene from its measurement and from what the measurements
    of other genes say of it, which has less noise. So that this is no other quantity than the one
    that F infers, G must know the landmarks as well (``show_landmarks``). Inference needs F alone,
    and costs what F costs.

    Parameters
    ----------
    %(architecture)s
    form : {"inferred", "both", "measured"}, default="measured"
        What G reads and learns to reconstruct; see above.
    lambda_mtl : float, default=0.3
        Weight λ of the reconstruction; 0 trains F alone, and learns no relations. The
        paper selects among 0.1, 1 and 10.
    mask_share : float, default=0.5
        Share of targets that are hidden from G, and reconstructed, in each profile; one at least,
        and never all. The paper hides "one or a few".
    show_landmarks : bool, default=True
        Whether G sees the landmarks beside β∘y; not in the paper. Its relations are then between
        what the landmarks leave open of the targets.
    subnetwork_units : int, default=500
        Hidden units K of G. The paper selects among 500, 1,000 and 2,000.
    reconstruction_loss : {"absolute", "squared"}, default="absolute"
        The paper has the squared one, whose optimum is the mean where that of F's own is the
        median.
    gamma : float, default=0
        Weight of the absolute values of G's weights; in the paper's text, but not in its Eq. 5.
    save_relations : bool, default=False
        Whether :func:`skgex.save` stores G.
    lr, lr_final : float, default=1e-3 and 1e-5
        Learning rate of the first and of the last epoch.
    %(gene_scaling)s
    max_epochs : int, default=100
        The paper trains 500 epochs.
    batch_size : int, default=100
    %(schedule)s

    Attributes
    ----------
    %(fitted)s
    %(tasks)s
    subnetwork_ : torch.nn.Module
        G of the last epoch; not in a saved model unless ``save_relations``.

    References
    ----------
    Ghasedi Dizaji, K., Chen, W., Huang, H. (2020). Deep large-scale multi-task learning network
    for gene expression inference. RECOMB.

    Examples
    --------
    >>> from skgex import DeepLSMTLRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> net = DeepLSMTLRegressor(hidden_units=50, max_epochs=5, random_state=0).fit(X, Y)
    >>> net.predict(X).shape
    (200, 30)
    """

    _net = LSMTLNet
    _paper = dict(
        hidden_units=9000,
        form="inferred",
        reconstruction_loss="squared",
        show_landmarks=False,
        mask_share=0.0,
        lambda_mtl=1.0,
        subnetwork_units=1000,
    )
    _relation_names = ("subnetwork_", "_subnetwork_slopes")
    _relation_weight = "lambda_mtl"
    _parameter_constraints: dict = {
        **MultiTaskRegressor._parameter_constraints,
        "form": [StrOptions({"inferred", "both", "measured"})],
        "lambda_mtl": [NOT_NEGATIVE],
        "mask_share": [Interval(Real, 0, 1, closed="left")],
        "show_landmarks": ["boolean"],
        "subnetwork_units": [Interval(Integral, 1, None, closed="left")],
        "reconstruction_loss": [StrOptions(set(_ERRORS))],
        "gamma": [NOT_NEGATIVE],
        "save_relations": ["boolean"],
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
        form="measured",
        lambda_mtl=0.3,
        mask_share=0.5,
        show_landmarks=True,
        subnetwork_units=500,
        reconstruction_loss="absolute",
        gamma=0.0,
        save_relations=False,
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
        self.form = form
        self.lambda_mtl = lambda_mtl
        self.mask_share = mask_share
        self.show_landmarks = show_landmarks
        self.subnetwork_units = subnetwork_units
        self.reconstruction_loss = reconstruction_loss
        self.gamma = gamma
        self.save_relations = save_relations
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

    def _make_players(self, module):
        n_tasks = module.config["n_outputs"]
        n_shown = n_tasks + (module.config["n_inputs"] if self.show_landmarks else 0)
        units = (self.subnetwork_units,)
        return {"subnetwork": MLP(n_shown, n_tasks, units, activation="leaky_relu")}

    def _keep_relations(self, net, batches):
        G = net.subnetwork_.eval().requires_grad_(False)
        self._subnetwork_slopes = self._mean_slopes(G, batches)
        self.subnetwork_ = G.cpu()

    def _mean_slopes(self, G, batches):
        """``mean_i σ′(V₁ y_i)`` of G's hidden units over the measured training profiles, (K,)."""
        linear, _, sigma, _ = G.hidden[0]
        slopes, total = 0, 0
        for X, Y, *weight in batches:
            shown = torch.cat([Y, X], dim=1) if self.show_landmarks else Y
            weight = weight[0] if weight else Y.new_ones(len(Y))
            slopes = slopes + weight @ torch.where(linear(shown) > 0, 1.0, sigma.negative_slope)
            total = total + weight.sum()
        return (slopes / total).cpu().numpy()

    def _relations(self):
        """The mean slope of G: ``∂G_j/∂y_i`` is V₁·diag(mean σ′)·V₂, as G has one hidden layer."""
        G = self.subnetwork_
        V_1, V_2 = (layer.weight.numpy().T for layer in (G.hidden[0][0], G.output))
        return V_1[: self.n_outputs_] * self._subnetwork_slopes, V_2
