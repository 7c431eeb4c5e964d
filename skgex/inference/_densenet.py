"""DenseNet: every layer sees the landmark genes and all hidden layers before it."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _losses as losses
from skgex import _training as training
from skgex._nets import ACTIVATIONS, DenseNet
from skgex.base import NetRegressor


class DenseNetRegressor(NetRegressor):
    """Densely connected net from landmark genes to target genes.

    Minimises ``mean_i mean_t |y_it − ŷ_it|`` with ``h_{l+1} = σ(norm([x, h_1, …, h_l] W_{l+1}))``
    and a linear output that sees ``[x, h_1, …, h_L]``, by Adam whose learning rate falls linearly.
    It is the base net of GGAN, SemiGAN and Deep-LSMTL, trained alone.

    Parameters
    ----------
    hidden_units : int, default=500
        Units of each hidden layer; the papers have 3,000 to 9,000.
    n_hidden_layers : int, default=2
        Number of hidden layers; the papers have 1 to 3.
    activation : {"silu", "leaky_relu", "relu", "tanh"}, default="silu"
        The papers have leaky ReLU of slope 0.2; on validation profiles SiLU with dropped inputs
        was better by one per cent on every split, see the benchmarks.
    normalization : {"batch", "weight"} or None, default="batch"
        Batch normalisation is Deep-LSMTL's, weight normalisation GGAN's.
    dropout : float, default=0.25
        Share of hidden outputs zeroed while training; the papers have 0.05, 0.1 and 0.25.
    input_dropout : float, default=0.05
        Share of landmark genes zeroed while training; the papers have none.
    loss : {"absolute", "squared"}, default="absolute"
        Averaged over genes.
    lr, lr_final : float, default=1e-3 and 1e-5
        Learning rate of the first and of the last epoch.
    gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of inputs and targets, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`.
    max_epochs : int, default=100
        The papers train 500 epochs.
    batch_size : int, default=100
    validation_fraction : float, default=0.1
        Share of the labelled profiles held out if ``early_stopping`` and no ``X_val`` is given.
    early_stopping : bool, default=True
        Stop after ``patience`` epochs without a lower validation error. The best validation epoch
        is restored whenever there are validation profiles.
    patience : int, default=20
    device : str or None, default=None
        None takes the fastest of cuda, mps and cpu.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of the matrix products in training; "auto" uses bfloat16 where hardware gains from it.
    random_state : int, RandomState instance or None, default=None
    verbose : bool or int, default=False
        Show a progress bar.
    warm_start : bool, default=False
        Continue from the weights and gene scales of the previous fit.
    checkpoint : path-like or None, default=None
        Folder for checkpoints; a fit that was killed continues from its last epoch when it is
        started again with the same data, parameters and integer ``random_state``.

    Attributes
    ----------
    module_ : torch.nn.Module
        The trained net, on the CPU, between scaled genes.
    x_scaler_, y_scaler_ : GeneScaler
    history_ : dict of list
        ``train_loss`` and, with validation profiles, ``valid_mae`` (scaled genes) of every epoch.
    best_epoch_, n_epochs_ : int
        Epoch whose weights were kept, and number of epochs trained.
    device_ : str
    n_features_in_, n_outputs_ : int
    feature_names_in_, target_names_ : ndarray of str
        Gene names, when ``X`` and ``y`` are tables.

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
        **NetRegressor._parameter_constraints,
        "hidden_units": [Interval(Integral, 1, None, closed="left")],
        "n_hidden_layers": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "normalization": [StrOptions({"batch", "weight"}), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "loss": [StrOptions({"absolute", "squared"})],
        "lr_final": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        hidden_units=500,
        n_hidden_layers=2,
        *,
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

    def _make_module(self, n_inputs, n_outputs):
        return DenseNet(
            n_inputs,
            n_outputs,
            (self.hidden_units,) * self.n_hidden_layers,
            activation=self.activation,
            normalization=self.normalization,
            dropout=self.dropout,
            input_dropout=self.input_dropout,
        )

    def _make_net(self, module, params):
        if self.normalization == "batch" and self.batch_size == 1:
            raise ValueError(
                "batch_size=1 leaves batch normalisation no spread to divide by. Raise "
                "batch_size, or set normalization='weight'."
            )
        absolute = self.loss == "absolute"
        params["criterion"] = losses.absolute_error if absolute else losses.squared_error
        return training.SupervisedNet(module, **params)

    def _schedule(self):
        return [("lr", training.LinearDecay(final_ratio=self.lr_final / self.lr))]
