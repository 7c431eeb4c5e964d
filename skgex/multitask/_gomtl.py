"""Deep-GO-MTL: few weights for every task, over layers that all tasks share."""

from skgex.base import fill_docstring
from skgex.multitask._base import NOT_NEGATIVE, MultiTaskNet, MultiTaskRegressor


class GOMTLNet(MultiTaskNet):
    """Nothing is learned beside F."""

    def task_objective(self, errors, forward):
        # mean_t [L_t + μ·‖w_t‖₁] + λ·Σ_l mean_u ‖w_u^(l)‖²
        sparse = self.task_weights.abs().sum(dim=1).mean()
        params = self.params
        return errors.mean() + params.mu * sparse + params.lambda_shared * self.shared_weights()


@fill_docstring
class DeepGOMTLRegressor(MultiTaskRegressor):
    """Deep-GO-MTL: grouping and overlap of tasks, by few weights for each.

    Minimises ``mean_t [L_t + μ·‖w_t‖₁] + λ·Σ_l mean_u ‖w_u^(l)‖²`` with the mean absolute error
    ``L_t`` of target gene t, its weights ``w_t`` in the last layer, and the weights ``w_u^(l)`` of
    unit u in hidden layer l, which all tasks share, by Adam whose learning rate falls linearly.
    The paper has sums in place of these means; the guide has the factors between its weights and
    these.

    Parameters
    ----------
    %(architecture)s
    mu : float, default=1e-3
        Weight of the absolute values of a task's weights.
    lambda_shared : float, default=1e-3
        Weight of the squared weights of the hidden layers. Batch normalisation undoes their scale;
        this then acts on the learning rate.
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

    References
    ----------
    Kumar, A., Daumé III, H. (2012). Learning task grouping and overlap in multi-task learning.
    ICML.

    Ghasedi Dizaji, K., Chen, W., Huang, H. (2020). Deep large-scale multi-task learning network
    for gene expression inference. RECOMB.

    Examples
    --------
    >>> from skgex import DeepGOMTLRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> net = DeepGOMTLRegressor(hidden_units=50, max_epochs=5, random_state=0).fit(X, Y)
    >>> net.predict(X).shape
    (200, 30)
    """

    _net = GOMTLNet
    _paper = dict(hidden_units=8000)
    _parameter_constraints: dict = {
        **MultiTaskRegressor._parameter_constraints,
        "mu": [NOT_NEGATIVE],
        "lambda_shared": [NOT_NEGATIVE],
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
        mu=1e-3,
        lambda_shared=1e-3,
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
        self.mu = mu
        self.lambda_shared = lambda_shared
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
