"""The target model f of TSPG: which state is a profile in?"""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from skgex import _losses as losses
from skgex import _training as training
from skgex._nets import MLP
from skgex._utils._validation import as_host, check_units, forget_fit
from skgex.base import fill_docstring
from skgex.perturbation._states import states_to_learn
from skgex.preprocessing import GeneScaler

_NATURAL = Interval(Integral, 1, None, closed="left")
_FLOATS = [np.float64, np.float32]
# In an epoch, by smaller ones if need be: few profiles take as many steps as more of them.
_FEWEST_BATCHES = 8


@fill_docstring
class StateClassifier(ClassifierMixin, BaseEstimator):
    """A net that tells the state of a profile: tissue, tumour type, healthy or not.

    A multi-layer perceptron f of scaled genes, trained by Adam to minimise the cross-entropy
    ``−log softmax(f(x))_y`` of the state y, averaged over profiles. It is the model that
    :class:`TSPG` has to convince, and a classifier in its own right.

    Parameters
    ----------
    hidden_units : tuple of int, default=(1024, 512, 128)
        Units of each hidden layer, as published.
    dropout : float, default=0
        Share of hidden outputs zeroed while training.
    gene_scaling : {"range", "standard"} or None, default="range"
        Per-gene scaling; see :class:`~skgex.preprocessing.GeneScaler`. The paper has "range".
    class_weight : dict, "balanced" or None, default=None
        Weight of every state in the loss, by name; "balanced" gives each the same in sum.
    lr : float, default=1e-3
        Learning rate of the first epoch, as published; it falls linearly to a hundredth.
    max_epochs : int, default=50
        The paper does not say.
    batch_size : int, default=128
        Smaller where an epoch would have fewer than 8 batches.
    %(hardware)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_states,)
    module_ : torch.nn.Module
        f, on the CPU, from scaled genes to a score for every state.
    x_scaler_ : GeneScaler
    history_ : dict of list
        ``train_loss`` of every epoch.
    device_ : str
    n_features_in_ : int
    feature_names_in_ : ndarray of str

    References
    ----------
    Targonski, C., Shealy, B. T., Smith, M. C., Feltus, F. A. (2019). Cellular state
    transformations using generative adversarial networks. arXiv:1907.00118.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex import StateClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(8, 1, (50, 20)), rng.normal(10, 1, (50, 20))])
    >>> y = np.repeat(["healthy", "tumour"], 50)
    >>> StateClassifier(hidden_units=(32,), random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    _parameter_constraints: dict = {
        "hidden_units": ["array-like"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "gene_scaling": [StrOptions({"range", "standard"}), None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": [_NATURAL],
        "batch_size": [_NATURAL],
        "device": [str, torch.device, None],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_units=(1024, 512, 128),
        *,
        dropout=0.0,
        gene_scaling="range",
        class_weight=None,
        lr=1e-3,
        max_epochs=50,
        batch_size=128,
        device=None,
        precision="auto",
        random_state=None,
        verbose=False,
    ):
        self.hidden_units = hidden_units
        self.dropout = dropout
        self.gene_scaling = gene_scaling
        self.class_weight = class_weight
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the net.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
        y : array-like of shape (n_profiles,)
            State of each profile.
        sample_weight : array-like of shape (n_profiles,), default=None
            Weight of each profile in the loss; 0 leaves it out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are fewer than 2 states, or states are not those of the profiles row by row.
        FloatingPointError
            If training diverges.
        """
        forget_fit(self)
        check_units(self.hidden_units, "hidden_units")
        X, codes, weight = self._validated(X, y, sample_weight)
        self.x_scaler_ = GeneScaler(self.gene_scaling).fit(X, sample_weight=weight)
        self.device_ = str(training.resolve_device(self.device))
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        with training.forked_rng(seed, torch.device(self.device_)):
            Z = torch.as_tensor(
                self.x_scaler_.transform(X), dtype=torch.float32, device=self.device_
            )
            tensors = [Z, torch.as_tensor(codes, device=self.device_)]
            if weight is not None:
                tensors.append(torch.as_tensor(weight, dtype=torch.float32, device=self.device_))
            batch_size = min(self.batch_size, max(2, -(-len(Z) // _FEWEST_BATCHES)))
            generator = torch.Generator().manual_seed(seed)
            net = self._make_net(Z.shape[1])
            net.fit(training.TensorBatches(tensors, batch_size, generator))
        self.module_ = training.finished(net.module_)
        self.history_ = net.losses()
        return self

    def _validated(self, X, y, sample_weight):
        states = states_to_learn(y, X, self)
        X = validate_data(self, as_host(X), dtype=_FLOATS)
        self.dtype_ = X.dtype
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            X, states, weight = (values[weight > 0] for values in (X, states, weight))
        if self.class_weight is not None:
            weight = compute_sample_weight(self.class_weight, states) * (
                1.0 if weight is None else weight
            )
        self.classes_, codes = np.unique(states, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has 1 class, {self.classes_.tolist()[0]!r}: telling states from each other "
                "takes profiles of at least 2."
            )
        return X, codes, weight

    def _make_net(self, n_genes):
        module = MLP(
            n_genes,
            len(self.classes_),
            tuple(self.hidden_units),
            activation="relu",
            dropout=self.dropout,
        )
        widest = max((*self.hidden_units, n_genes))
        device = torch.device(self.device_)
        return training.SupervisedNet(
            module,
            criterion=losses.cross_entropy,
            precision=training.resolve_precision(self.precision, device, widest),
            **training.plain_schedule(
                "StateClassifier",
                lr=self.lr,
                lr_final=0.01 * self.lr,
                max_epochs=self.max_epochs,
                device=self.device_,
                verbose=self.verbose,
            ),
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "module_")

    def _scores(self, X):
        check_is_fitted(self)
        X = validate_data(self, as_host(X), reset=False, dtype=_FLOATS)
        Z = self.x_scaler_.transform(X.astype(self.dtype_, copy=False))
        return training.forward(self.module_, Z, self.device_)

    def decision_function(self, X):
        """Scores of the states, before they become probabilities.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)

        Returns
        -------
        ndarray of shape (n_profiles, n_states), or (n_profiles,) for 2 states
            For 2 states, how far the score of the second exceeds that of the first.
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X):
        """Probabilities of the states.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)

        Returns
        -------
        ndarray of shape (n_profiles, n_states)
            In the order of ``classes_``.
        """
        return torch.from_numpy(self._scores(X)).softmax(dim=1).numpy()

    def predict(self, X):
        """The most probable state of every profile.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)

        Returns
        -------
        ndarray of shape (n_profiles,)
        """
        best = self._scores(X).argmax(axis=1)
        return self.classes_[best]
