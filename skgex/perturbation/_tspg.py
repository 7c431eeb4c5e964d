"""TSPG (Targonski et al. 2019): a generator of the changes that turn profiles into a state."""

import warnings
from collections.abc import Mapping
from numbers import Integral, Real
from os import PathLike

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skgex import _training as training
from skgex._nets import MLP, GeneCurves, Hourglass
from skgex._utils._validation import check_units
from skgex.base import fill_docstring
from skgex.perturbation._base import Perturber
from skgex.perturbation._members import PerturberFamily
from skgex.perturbation._state_classifier import StateClassifier
from skgex.perturbation._states import hold_out
from skgex.perturbation._target_model import TargetModel
from skgex.perturbation._transport import GaussianTransport
from skgex.perturbation._tspg_net import TSPGNet

_NATURAL = Interval(Integral, 1, None, closed="left")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
# Perturbed profiles vary so much less, or more, than real ones that something went wrong.
_USUAL_VARIANCE = 0.5, 2.0


@fill_docstring
class TSPG(PerturberFamily, Perturber):
    """TSPG: learn what must change in profiles of any state to turn them into a target state.

    A generator G changes a profile, ``x_a = clip(x + P, 0, 1)``, such that a classifier f takes
    it for the target state t and a critic D for real. Of genes scaled to [0, 1], on every batch,

    - D minimises ``½(D(x) − 1)² + ½D(x_a)²``,
    - G minimises ``λ_gan (D(x_a) − 1)² + λ_adv max(max_{i≠t} f_i(x_a) − f_t(x_a), −κ)
      + λ_norm ‖P‖₂ + λ_td ‖x_a − r‖₁``

    with r a draw of the target state. Published are draws ``r ~ N(μ_t, Σ_t)`` that have nothing to
    do with x. The best answer to these is the same for all profiles, the median of every gene:
    they reach the target, but lose how they differ, and how genes go together. By default r is x
    itself, moved by the Gaussian transport map of its state (:class:`GaussianTransport`), every
    gene brought to its distribution in the target state; and G starts from that map, to which it
    learns to add a curve for every gene. Judge what comes out by
    :func:`~skgex.inspection.realism`.

    Parameters
    ----------
    target : str, number or list of these, default=None
        The state to turn others into, by its name in ``y``. For a list, one generator each is
        trained. None takes the last class, as scikit-learn takes it for the positive one.
    coupling : {"transport", "independent"}, default="transport"
        Whether a target draw is the transported profile, or independent of it, as published.
    generator : {"transport", "hourglass"}, default="transport"
        "transport" is ``P = T(x) − x + c(T(x))`` with the Gaussian transport map T and curves c,
        one a gene. "hourglass" is the paper's net, ``P = G(x)``.
    gene_sets : dict of str to iterable of str, or path-like, default=None
        Genes of each set, or the path of a GMT file: one generator, and one classifier, is trained
        for each set, on its genes alone. Needs ``X`` to be a table with gene names.
    classifier : classifier, default=None
        f. None trains a :class:`StateClassifier`. One that is not fitted is trained on the
        training profiles; a fitted one is used as it is. It needs the ``classes_`` of ``y`` and a
        torch ``module_`` from profiles (scaled by its ``x_scaler_``, if it has one) to a score for
        each class.
    lambda_gan, lambda_adv, lambda_norm, lambda_td : float, default=1, 1, 0 and 1
        Weights of the losses; 0 leaves one out. The paper has 1 for all. L_td is a sum over genes:
        averaged, it would be so weak that f is convinced by profiles that nothing else takes for
        the target state.
    confidence : float, default=0
        κ: by how much the score of the target state shall exceed the others, as published.
    real : {"target", "all"}, default="target"
        Which real profiles D sees: those of the target state, or all, as published.
    hidden_units : tuple of int, default=(512, 256, 128)
        Units of the hourglass on its way down, as published.
    n_residual_blocks : int, default=3
        At the bottom of the hourglass, as published.
    critic_units : tuple of int, default=(512, 256, 128)
        Units of D's hidden layers, as published.
    rank : int, default=50
    shrinkage : float in [0, 1], default=0.1
    prior : float, default=10
        Of the transport map; see :class:`GaussianTransport`.
    lr : float, default=2e-3
        Learning rate of G in the first epoch; the paper's, for the hourglass, is 2e-4.
    lr_final : float, default=1e-4
        That of the last epoch, if lower; it falls linearly, and D's with it.
    critic_lr : float, default=1e-4
        Learning rate of D in the first epoch, as published.
    max_epochs : int, default=150
    batch_size : int, default=128
        At most; an epoch is divided into equal batches.
    test_size : float in [0, 1), default=0.2
        Share of every state that is held out and takes no part, as published; see ``held_out_``
        and ``accuracy_``.
    original_units : bool, default=True
        Whether profiles and changes come in the units of ``X``, or in shares of a gene's training
        range.
    %(hardware)s

    Attributes
    ----------
    target_ : str or number
        The target state; of several, there is one in every member.
    classes_ : ndarray of shape (n_states,)
    classifier_ : classifier
        f.
    module_ : torch.nn.Module
        G, on the CPU.
    transport_ : GaussianTransport or None
        The transport map, where generator or coupling need it; it has no classifier.
    held_out_ : ndarray of bool of shape (n_profiles,)
        Profiles that were held out.
    accuracy_ : dict of float
        Share of perturbed profiles that f takes for the target: of all training profiles
        ("train"), of those held out ("held_out"), and of those held out that were not of the
        target state ("held_out_others"), NaN where there are none.
    variance_ratio_ : float
        Total variance of perturbed training profiles over that of real ones of the target state.
    target_mean_ : ndarray of shape (n_genes,)
        μ_t, in the units of ``X``.
    n_target_ : int
        Training profiles of the target state.
    members_ : dict of dict of TSPG
        With several targets or gene sets: ``members_[gene_set][target]``; without gene sets the
        one key is None.
    gene_positions_ : dict of ndarray of int
        Columns of the genes of each set.
    results_ : DataFrame, or structured array without pandas
        A row a member: ``gene_set``, ``target``, ``n_genes``, ``n_unmeasured``, and the columns
        of ``accuracy_``.
    history_ : dict of list
        Losses of every epoch: ``train_loss`` is the whole of G's, beside ``critic_loss``,
        ``adversarial_loss``, ``state_loss``, ``size_loss`` and ``distance_loss``.
    x_scaler_ : GeneScaler
    device_ : str
    n_features_in_ : int
    feature_names_in_ : ndarray of str

    Warns
    -----
    ConvergenceWarning
        If perturbed profiles vary less than half, or more than twice, as much as real ones.

    References
    ----------
    Targonski, C., Shealy, B. T., Smith, M. C., Feltus, F. A. (2019). Cellular state
    transformations using generative adversarial networks. arXiv:1907.00118.

    Examples
    --------
    >>> import numpy as np
    >>> from skgex import TSPG
    >>> rng = np.random.default_rng(0)
    >>> healthy, tumour = rng.normal(8, 1, (60, 20)), rng.normal(10, 1, (60, 20))
    >>> X, y = np.concatenate([healthy, tumour]), np.repeat(["healthy", "tumour"], 60)
    >>> tspg = TSPG("tumour", max_epochs=20, random_state=0).fit(X, y)
    >>> tspg.perturb(healthy).shape, tspg.score(healthy)
    ((60, 20), 1.0)
    """

    _parameter_constraints: dict = {
        **Perturber._parameter_constraints,
        "target": [str, Real, "boolean", "array-like", None],
        "coupling": [StrOptions({"transport", "independent"})],
        "generator": [StrOptions({"transport", "hourglass"})],
        "gene_sets": [Mapping, str, PathLike, None],
        "classifier": [HasMethods(["fit", "predict"]), None],
        "lambda_gan": [_NOT_NEGATIVE],
        "lambda_adv": [_NOT_NEGATIVE],
        "lambda_norm": [_NOT_NEGATIVE],
        "lambda_td": [_NOT_NEGATIVE],
        "confidence": [_NOT_NEGATIVE],
        "real": [StrOptions({"target", "all"})],
        "hidden_units": ["array-like"],
        "n_residual_blocks": [Interval(Integral, 0, None, closed="left")],
        "critic_units": ["array-like"],
        "rank": [_NATURAL],
        "shrinkage": [Interval(Real, 0, 1, closed="both")],
        "prior": [_NOT_NEGATIVE],
        "lr": [_POSITIVE],
        "lr_final": [_POSITIVE],
        "critic_lr": [_POSITIVE],
        "max_epochs": [_NATURAL],
        "batch_size": [_NATURAL],
        "test_size": [Interval(Real, 0, 1, closed="left")],
        "device": [str, torch.device, None],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        target=None,
        *,
        coupling="transport",
        generator="transport",
        gene_sets=None,
        classifier=None,
        lambda_gan=1.0,
        lambda_adv=1.0,
        lambda_norm=0.0,
        lambda_td=1.0,
        confidence=0.0,
        real="target",
        hidden_units=(512, 256, 128),
        n_residual_blocks=3,
        critic_units=(512, 256, 128),
        rank=50,
        shrinkage=0.1,
        prior=10.0,
        lr=2e-3,
        lr_final=1e-4,
        critic_lr=1e-4,
        max_epochs=150,
        batch_size=128,
        test_size=0.2,
        original_units=True,
        device=None,
        precision="auto",
        random_state=None,
        verbose=False,
    ):
        self.target = target
        self.coupling = coupling
        self.generator = generator
        self.gene_sets = gene_sets
        self.classifier = classifier
        self.lambda_gan = lambda_gan
        self.lambda_adv = lambda_adv
        self.lambda_norm = lambda_norm
        self.lambda_td = lambda_td
        self.confidence = confidence
        self.real = real
        self.hidden_units = hidden_units
        self.n_residual_blocks = n_residual_blocks
        self.critic_units = critic_units
        self.rank = rank
        self.shrinkage = shrinkage
        self.prior = prior
        self.lr = lr
        self.lr_final = lr_final
        self.critic_lr = critic_lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.test_size = test_size
        self.original_units = original_units
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    @classmethod
    def published(cls, target=None, **params):
        """The paper's generator, draws, weights and learning rates.

        Parameters
        ----------
        target : str, number or list of these, default=None
            The state to turn others into.
        **params
            Parameters of the constructor that override single settings.

        Returns
        -------
        TSPG
            Unfitted.
        """
        published = dict(coupling="independent", generator="hourglass", real="all")
        published |= dict(lambda_norm=1.0, lr=2e-4, lr_final=2e-4)
        return cls(target, **(published | params))

    @_fit_context(prefer_skip_nested_validation=False)  # the classifier checks its own
    def fit(self, X, y):
        """Train classifier and generator.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Profiles of all states; a table with gene names for ``gene_sets``.
        y : array-like of shape (n_profiles,)
            State of each profile.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a target is no state, a state has fewer than 3 profiles, states are not those of
            the profiles row by row, or no gene of a set was measured.
        FloatingPointError
            If training diverges.
        """
        table = X
        X, y = self._validated(X, y)
        if self._is_family():
            return self._fit_members(table, y)
        self._check_settings()
        random_state = check_random_state(self.random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        self.held_out_ = hold_out(y, self.test_size, random_state)
        kept = ~self.held_out_
        Z = self._scaled(X[kept], y[kept])
        self.device_ = str(training.resolve_device(self.device))
        with training.forked_rng(seed, torch.device(self.device_)):
            self.classifier_ = self._fitted_classifier(X[kept], y[kept], seed)
        start, draws = self._starts_and_draws(X[kept], Z, y[kept])
        is_target = y[kept] == self.target_
        with training.forked_rng(seed, torch.device(self.device_)):
            net = self._make_net(Z, start, is_target)
            net.fit(self._batches(seed, Z, start, draws))
        self.module_ = training.finished(net.module_)
        self.history_ = net.losses()
        self._judge(X, y)
        return self

    # -- pieces of fit -------------------------------------------------------------------------
    def _check_settings(self):
        """Refuse settings that make no game."""
        if not any((self.lambda_gan, self.lambda_adv, self.lambda_norm, self.lambda_td)):
            raise ValueError(
                "lambda_gan, lambda_adv, lambda_norm and lambda_td are all 0, which leaves the "
                "generator nothing to learn: give one of them a weight."
            )
        if self.batch_size == 1:
            raise ValueError(
                "batch_size=1 leaves batch normalisation nothing to compare: give 2 or more."
            )
        check_units(self.critic_units, "critic_units")
        if self.generator == "hourglass":
            check_units(self.hidden_units, "hidden_units", fewest=1)

    def _default_classifier(self, n_profiles, n_genes, seed):
        return StateClassifier(
            device=self.device,
            precision=self.precision,
            random_state=seed,
            verbose=self.verbose,
        )

    def _starts_and_draws(self, X, Z, y):
        """What perturbations start from, and a draw of the target state each, or None."""
        if "transport" not in (self.coupling, self.generator):
            self.transport_ = None
            return Z, None
        self.transport_ = GaussianTransport(
            self.target_,
            rank=self.rank,
            shrinkage=self.shrinkage,
            prior=self.prior,
            marginals=self.coupling == "transport",
        )
        self.transport_._fit_alone(X, y)
        moved = self.transport_._to_target(Z, y)
        draws = None
        if self.coupling == "transport":
            draws = self.transport_._matched(moved.copy(), y).clip(0, 1)
        return (moved if self.generator == "transport" else Z), draws

    def _make_net(self, Z, start, is_target):
        n_genes = Z.shape[1]
        if self.generator == "transport":
            module = GeneCurves(n_genes)
            shares = np.linspace(0.01, 0.99, len(module.knots))
            knots = np.quantile(start[~is_target], shares, axis=0)
            module.knots.copy_(torch.from_numpy(knots))
        else:
            module = Hourglass(n_genes, self.hidden_units, self.n_residual_blocks)
        players = {}
        if self.lambda_gan > 0:
            look = dict(activation="leaky_relu", normalization="batch")
            players["critic"] = MLP(n_genes, 1, tuple(self.critic_units), **look)
        f = TargetModel(self.classifier_, self.x_scaler_)
        device = torch.device(self.device_)
        widest = max((n_genes, *self.critic_units))
        return TSPGNet(
            module,
            players=players,
            learning_rates={"critic": self.critic_lr},
            params=self,
            criterion=None,
            state_scores=f.module.to(device),
            target=f.classes.tolist().index(self.target_),
            target_profiles=torch.as_tensor(Z[is_target], dtype=torch.float32, device=device),
            precision=training.resolve_precision(self.precision, device, widest),
            **training.plain_schedule(
                "TSPG",
                lr=self.lr,
                lr_final=self.lr_final,
                max_epochs=self.max_epochs,
                device=self.device_,
                verbose=self.verbose,
            ),
        )

    def _batches(self, seed, *arrays):
        """Batches of equal size: a last one of few profiles would have wild statistics."""
        tensors = [
            torch.as_tensor(array, dtype=torch.float32, device=self.device_)
            for array in arrays
            if array is not None
        ]
        n_batches = -(-len(tensors[0]) // self.batch_size)
        batch_size = -(-len(tensors[0]) // n_batches)
        generator = torch.Generator().manual_seed(seed)
        return training.TensorBatches(tensors, batch_size, generator)

    def _judge(self, X, y):
        """How many reach the target, and whether they vary as real ones do."""
        Z = self._shares(X)
        moved = self._move(Z).clip(0, 1)
        reached = self._recognised(moved) == self.target_
        others = self.held_out_ & (y != self.target_)
        groups = dict(train=~self.held_out_, held_out=self.held_out_, held_out_others=others)
        self.accuracy_ = {
            name: float(reached[rows].mean()) if rows.any() else float("nan")
            for name, rows in groups.items()
        }
        kept, is_target = ~self.held_out_, y == self.target_
        real = Z[kept & is_target].var(axis=0).sum()
        varied = moved[kept & ~is_target].var(axis=0).sum()
        self.variance_ratio_ = float(varied / real) if real > 0 else float("nan")
        low, high = _USUAL_VARIANCE
        if not low <= self.variance_ratio_ <= high and real > 0:
            warnings.warn(
                f"Perturbed training profiles vary {self.variance_ratio_:.2g} times as much as "
                f"real ones of {self.target_!r}, so that they are not realistic, whatever the "
                "classifier says. Train for more epochs, take coupling='transport', or try "
                "another random_state.",
                ConvergenceWarning,
                stacklevel=4,  # the line that calls fit
            )

    # -- use -----------------------------------------------------------------------------------
    def _move(self, Z):
        start = Z
        if self.generator == "transport":
            start = self.transport_._to_target(Z, self._recognised(Z)).astype(Z.dtype)
        return start + training.forward(self.module_, start, self.device_)

    def _recognised(self, Z):
        return TargetModel(self.classifier_, self.x_scaler_).predict(Z, self.device_)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "module_") or hasattr(self, "members_")
