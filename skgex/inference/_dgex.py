"""D-GEX (Chen et al. 2016): a multi-layer perceptron from landmark to target genes."""

from numbers import Integral, Real

import torch
from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _losses as losses
from skgex import _training as training
from skgex._nets import ACTIVATIONS, MLP
from skgex.base import NetRegressor, fill_docstring


@fill_docstring
class DGEXRegressor(NetRegressor):
    """D-GEX: a multi-layer perceptron from landmark genes to target genes.

    Minimises ``mean_i Σ_t (y_it − ŷ_it)²`` with ``ŷ = W_{L+1} h_L``, ``h_l = tanh(W_l h_{l−1})``
    and dropout on every ``h_l``, by stochastic gradient descent as published: momentum 0.5,
    the learning rate of every layer but the first three times as high, all multiplied by 0.9
    whenever the training error rises. The epoch with the lowest validation error is kept.

    Parameters
    ----------
    hidden_units : int, default=500
        Units of each hidden layer; the paper has 3,000, 6,000 and 9,000.
    n_hidden_layers : int, default=2
        Number of hidden layers; the paper has 1 to 3.
    activation : {"tanh", "relu", "leaky_relu", "silu"}, default="tanh"
        "relu" makes it the plain net of other comparisons.
    dropout : float, default=0.1
        Share of hidden outputs zeroed while training; the paper has 0.1 and 0.25.
    loss : {"squared", "absolute"}, default="squared"
        "squared" is summed over genes, as published; "absolute" is averaged over genes.
    optimizer : {"sgd", "adam"}, default="sgd"
        "sgd" is the published one; "adam" decays linearly to a hundredth of ``lr``.
    lr : float or None, default=None
        Learning rate; None takes 5e-4 for one hidden layer and 3e-4 for more (published) with
        "sgd", and 1e-3 with "adam".
    gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
        Per-gene scaling of inputs and targets, inverted on output; see
        :class:`~skgex.preprocessing.GeneScaler`. The paper standardises.
    max_epochs : int, default=200
    batch_size : int, default=200
    %(schedule)s

    Attributes
    ----------
    %(fitted)s

    References
    ----------
    Chen, Y., Li, Y., Narayan, R., Subramanian, A., Xie, X. (2016). Gene expression inference with
    deep learning. Bioinformatics 32(12).

    Examples
    --------
    >>> from skgex import DGEXRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> DGEXRegressor(hidden_units=50, max_epochs=5, random_state=0).fit(X, Y).predict(X).shape
    (200, 30)
    """

    _parameter_constraints: dict = {
        **NetRegressor._parameter_constraints,
        "hidden_units": [Interval(Integral, 1, None, closed="left")],
        "n_hidden_layers": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "loss": [StrOptions({"squared", "absolute"})],
        "optimizer": [StrOptions({"sgd", "adam"})],
        "lr": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        hidden_units=500,
        n_hidden_layers=2,
        *,
        activation="tanh",
        dropout=0.1,
        loss="squared",
        optimizer="sgd",
        lr=None,
        gene_scaling="standard",
        max_epochs=200,
        batch_size=200,
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
        self.dropout = dropout
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
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
        """The paper's largest net, trained as published.

        Parameters
        ----------
        hidden_units : int, default=9000
        n_hidden_layers : int, default=3
        **params
            Parameters of the constructor that override single settings.

        Returns
        -------
        DGEXRegressor
            Unfitted.
        """
        published = dict(max_epochs=200, dropout=0.1, early_stopping=False, batch_size=200)
        return cls(hidden_units, n_hidden_layers, **(published | params))

    def _make_module(self, n_inputs, n_outputs):
        return MLP(
            n_inputs,
            n_outputs,
            (self.hidden_units,) * self.n_hidden_layers,
            activation=self.activation,
            dropout=self.dropout,
            output_init="small",
        )

    def _make_net(self, module, params):
        squared = self.loss == "squared"
        params["criterion"] = losses.summed_squared_error if squared else losses.absolute_error
        params["lr"] = lr = self._learning_rate()
        if self.optimizer == "sgd":
            params["optimizer"] = torch.optim.SGD
            params["optimizer__momentum"] = 0.5
            higher = [("hidden.[1-9]*", {"lr": 3 * lr}), ("output.*", {"lr": 3 * lr})]
            params["optimizer__param_groups"] = higher[self.n_hidden_layers == 1 :]
        return training.SupervisedNet(module, **params)

    def _learning_rate(self):
        if self.lr is not None:
            return self.lr
        if self.optimizer == "adam":
            return 1e-3
        return 5e-4 if self.n_hidden_layers == 1 else 3e-4

    def _schedule(self):
        if self.optimizer == "sgd":
            return [("lr", training.DecayOnRise(factor=0.9, floor=1e-5))]
        return [("lr", training.LinearDecay(final_ratio=0.01))]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # The published learning rate is made for thousands of profiles: two hundred epochs of one
        # step each, on a data set as small as a batch, leave the net near its start.
        tags.regressor_tags.poor_score = self.optimizer == "sgd"
        return tags
