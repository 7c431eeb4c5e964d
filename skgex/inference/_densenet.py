"""DenseNet: every layer sees the landmark genes and all hidden layers before it."""

from sklearn.utils._param_validation import StrOptions

from skgex import _losses as losses
from skgex import _training as training
from skgex.base import FeedforwardRegressor, fill_docstring


@fill_docstring
class DenseNetRegressor(FeedforwardRegressor):
    """Densely connected net from landmark genes to target genes.

    Minimises ``mean_i mean_t |y_it − ŷ_it|`` with ``h_{l+1} = σ(norm([x, h_1, …, h_l] W_{l+1}))``
    and a linear output that sees ``[x, h_1, …, h_L]``, by Adam whose learning rate falls linearly.
    It is the base net of GGAN, SemiGAN and Deep-LSMTL, trained alone.

    Parameters
    ----------
    %(architecture)s
    loss : {"absolute", "squared"}, default="absolute"
        Averaged over genes.
    lr, lr_final : float, default=1e-3 and 1e-5
        Learning rate of the first and of the last epoch.
    %(gene_scaling)s
    max_epochs : int, default=100
        The papers train 500 epochs.
    batch_size : int, default=100
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
    >>> from skgex import DenseNetRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> DenseNetRegressor(hidden_units=50, max_epochs=5, random_state=0).fit(X, Y).predict(X).shape
    (200, 30)
    """

    _parameter_constraints: dict = {
        **FeedforwardRegressor._parameter_constraints,
        "loss": [StrOptions({"absolute", "squared"})],
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
        loss="absolute",
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
        self.loss = loss
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
        """The papers' largest net and schedule.

        Parameters
        ----------
        hidden_units : int, default=9000
        n_hidden_layers : int, default=3
        **params
            Parameters of the constructor that override single settings.

        Returns
        -------
        DenseNetRegressor
            Unfitted.
        """
        published = dict(activation="leaky_relu", input_dropout=0.0, dropout=0.25)
        published |= dict(max_epochs=500, batch_size=100, early_stopping=False)
        return cls(hidden_units, n_hidden_layers, **(published | params))

    def _make_net(self, module, params):
        absolute = self.loss == "absolute"
        params["criterion"] = losses.absolute_error if absolute else losses.squared_error
        return training.SupervisedNet(module, **params)
