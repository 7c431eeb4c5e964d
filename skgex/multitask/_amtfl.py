"""Deep-AMTFL: the features of the net reconstructed from what the tasks make of them."""

import torch
from torch import nn

from skgex import _losses as losses
from skgex._nets import ACTIVATIONS
from skgex.base import fill_docstring
from skgex.multitask._base import NOT_NEGATIVE, MultiTaskNet, MultiTaskRegressor


class TaskFeedback(nn.Module):
    """``σ(ŶA)`` with A, (n_tasks, n_features): features from inferred targets."""

    def __init__(self, n_tasks, n_features, activation):
        super().__init__()
        self.A = nn.Parameter(torch.empty(n_tasks, n_features))
        # Small: what a task gives to others is dear while its error is large.
        nn.init.xavier_uniform_(self.A, gain=0.1)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, Y_hat):
        return self.activation(Y_hat @ self.A)


class AMTFLNet(MultiTaskNet):
    """Beside F: ``feedback``, which holds the matrix A."""

    def task_objective(self, errors, forward):
        # mean_t [(1 + α·‖a_t‖₁)·L_t + μ·‖w_t‖₁] + γ·mean (Z − σ(ŶA))² + λ·Σ_l mean_u ‖w_u^(l)‖²
        params = self.params
        sparse = self.task_weights.abs().sum(dim=1).mean()
        loss = params.mu * sparse + params.lambda_shared * self.shared_weights()
        if not self.players:
            return errors.mean() + loss
        given = self.feedback_.A.abs().sum(dim=1)
        Z_hat = self.output(self.feedback_, forward.Y_hat)
        reconstruction = losses.weighted_mean(
            losses.squared_error(Z_hat, forward.Z), forward.weight
        )
        self.record(relation_loss=reconstruction)
        return ((1 + params.alpha * given) * errors).mean() + params.gamma * reconstruction + loss


@fill_docstring
class DeepAMTFLRegressor(MultiTaskRegressor):
    """Deep-AMTFL: asymmetric multi-task feature learning.

    Minimises ``mean_t [(1 + α·‖a_t‖₁)·L_t + μ·‖w_t‖₁] + γ·mean (Z − σ(ŶA))² + λ·Σ_l mean_u
    ‖w_u^(l)‖²`` with the mean absolute error ``L_t`` of target gene t, its weights ``w_t`` in the
    last layer, the features Z that this layer sees (measured genes and all hidden layers, of a
    DenseNet), their reconstruction from the inferred targets Ŷ, and the weights ``w_u^(l)`` of
    unit u in hidden layer l, by Adam whose learning rate falls linearly. Row t of A, ``a_t``, is
    what task t gives to the features that all share, which costs more the larger its error. The
    paper has sums in place of these means; the guide has the factors between its weights and
    these.

    Parameters
    ----------
    %(architecture)s
    alpha : float, default=1e-3
        What an error costs more where a task gives to the features.
    gamma : float, default=0.1
        Weight of the reconstruction of the features.
    mu : float, default=1e-4
        Weight of the absolute values of a task's weights.
    lambda_shared : float, default=1e-4
        Weight of the squared weights of the hidden layers.
    save_relations : bool, default=False
        Whether :func:`skgex.save` stores A.
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
    relations_ : ndarray of shape (n_targets, n_features)
        A of the last epoch; not in a saved model unless ``save_relations``.

    References
    ----------
    Lee, H., Yang, E., Hwang, S. J. (2018). Deep asymmetric multi-task feature learning. ICML.

    Ghasedi Dizaji, K., Chen, W., Huang, H. (2020). Deep large-scale multi-task learning network
    for gene expression inference. RECOMB.

    Examples
    --------
    >>> from skgex import DeepAMTFLRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> net = DeepAMTFLRegressor(hidden_units=50, max_epochs=5, random_state=0).fit(X, Y)
    >>> net.predict(X).shape
    (200, 30)
    """

    _net = AMTFLNet
    _paper = dict(hidden_units=5000)
    _relation_names = ("relations_",)
    _relation_weight = "gamma"
    _parameter_constraints: dict = {
        **MultiTaskRegressor._parameter_constraints,
        "alpha": [NOT_NEGATIVE],
        "gamma": [NOT_NEGATIVE],
        "mu": [NOT_NEGATIVE],
        "lambda_shared": [NOT_NEGATIVE],
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
        alpha=1e-3,
        gamma=0.1,
        mu=1e-4,
        lambda_shared=1e-4,
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
        self.alpha = alpha
        self.gamma = gamma
        self.mu = mu
        self.lambda_shared = lambda_shared
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
        n_tasks, n_features = module.output.weight.shape
        return {"feedback": TaskFeedback(n_tasks, n_features, self.activation)}

    def _keep_relations(self, net, batches):
        self.relations_ = net.feedback_.A.detach().cpu().numpy()

    def _relations(self):
        return self.relations_, self.module_.output.weight.numpy().T
