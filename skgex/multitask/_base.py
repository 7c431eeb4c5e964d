"""What the multi-task methods share: the base net F, and a view of how its tasks are related."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skgex import _losses as losses
from skgex import _training as training
from skgex.base import FeedforwardRegressor

NOT_NEGATIVE = Interval(Real, 0, None, closed="left")


class MultiTaskNet(training.PlayersNet):
    """The base net F and what a method learns of its tasks, in joint steps.

    ``module`` is F, the other players are what the method adds. A method states its
    :meth:`task_objective`, and in :meth:`constrain` what must hold after every step.
    """

    def __init__(self, module, *, params, **kwargs):
        self.params = params
        super().__init__(module, **kwargs)

    def play(self, batch):
        X, Y, *weight = batch
        with self.autocast():
            Z = self.module_.features(X)
            Y_hat = self.module_.output(Z)
        forward = Forward(X, Y, Y_hat.float(), Z.float(), *weight)
        errors = losses.task_absolute_error(forward.Y_hat, Y, *weight)
        self.record(loss=errors.mean())
        yield ("module", *self.players), self.task_objective(errors, forward)
        self.constrain()

    def task_objective(self, errors, forward):
        """The loss to minimise.

        Parameters
        ----------
        errors : Tensor of shape (n_tasks,)
            ``L_t``, the mean absolute error of each task on the batch.
        forward : Forward
            What F made of the batch.
        """
        raise NotImplementedError

    def constrain(self):
        """Project what was learned back onto its constraints."""

    @property
    def task_weights(self):
        """``W``, (n_tasks, n_features): a row a task; the papers have a column."""
        return self.module_.output.weight

    def shared_weights(self):
        """``Σ_l mean_u ‖w_u^(l)‖²`` over the units u of every hidden layer l."""
        weights = (layer[0].weight for layer in self.module_.hidden)
        return sum(weight.square().sum(dim=1).mean() for weight in weights)


class Forward(NamedTuple):
    """What F made of a batch: Y inferred, and the features Z under the last layer."""

    X: object
    Y: object
    Y_hat: object
    Z: object
    weight: object = None


class RelatedTasks(NamedTuple):
    """Target genes that tell most about one of them: names (or indices), and how much."""

    tasks: np.ndarray
    strengths: np.ndarray


class MultiTaskRegressor(FeedforwardRegressor):
    """A net whose target genes are tasks that learn from each other.

    A method names its net in ``_net`` and the settings of its paper in ``_paper``. One that learns
    relations beside F makes the modules that hold them in ``_make_players``, keeps them in
    ``_keep_relations`` under ``_relation_names``, and says in ``_relations`` what they mean;
    ``_relation_weight`` is the parameter without which it has nothing to learn.
    """

    _paper = dict(hidden_units=9000)
    _relation_names = ()
    _relation_weight = None

    @classmethod
    def published(cls, hidden_units=None, n_hidden_layers=3, **params):
        """The paper's net and schedule.

        Weights of penalties that it does not state, and dropout, stay at their defaults.

        Parameters
        ----------
        hidden_units : int, default=None
            None takes those of the largest net that the paper trained with this method.
        n_hidden_layers : int, default=3
        **params
            Parameters of the constructor that override single settings. The paper selects
            ``dropout`` among 0.05, 0.1 and 0.25.

        Returns
        -------
        estimator
            Unfitted.
        """
        published = dict(n_hidden_layers=n_hidden_layers, activation="leaky_relu")
        published |= dict(input_dropout=0.0, max_epochs=500, batch_size=100, early_stopping=False)
        published |= cls._paper
        if hidden_units is not None:
            published["hidden_units"] = hidden_units
        return cls(**(published | params))

    def _make_net(self, module, params):
        return self._net(
            module,
            players=self._make_players(module) if self._learns_relations() else {},
            params=self,
            criterion=losses.absolute_error,
            **self._player_params(),
            **params,
        )

    def _make_players(self, module):
        """Modules that the method learns beside F, by name: training alone needs them."""
        return {}

    def _player_params(self):
        """Arguments of the net for its players."""
        return {}

    def _learns_relations(self):
        weight = self._relation_weight
        return self.n_outputs_ > 1 and weight is not None and getattr(self, weight) > 0

    def _forget(self):
        super()._forget()
        for name in self._relation_names:
            vars(self).pop(name, None)

    def _keep(self, net, batches):
        super()._keep(net, batches)
        players = [getattr(net, f"{name}_") for name in ("module", *net.players)]
        self.n_parameters_ = sum(p.numel() for player in players for p in player.parameters())
        for name in self._relation_names:
            vars(self).pop(name, None)
        if net.players:
            self._keep_relations(net, batches)

    @property
    def _not_saved(self):
        return () if getattr(self, "save_relations", True) else self._relation_names

    def __dir__(self):
        # A notebook that shows an estimator evaluates all its attributes; this one is T × T.
        return [name for name in super().__dir__() if name != "task_similarity_"]

    # -- how the tasks are related -------------------------------------------------------------
    def _relations(self):
        """Factors (A, B) of the task × task map ``A @ B``, for scaled genes; B may be None.

        Those of the last layer's weights, by their cosines, unless a method has learned its own.
        """
        W = self.module_.output.weight.numpy()
        W = W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), np.finfo(W.dtype).tiny)
        return W, W.T

    @property
    def task_similarity_(self):
        """How much each target gene tells about each other, (n_targets, n_targets)."""
        A, B = self._relation_factors()
        similarity = A.copy() if B is None else A @ B
        np.fill_diagonal(similarity, 0)
        return similarity

    def related_tasks(self, target, n=10):
        """The target genes that tell most about one of them.

        Parameters
        ----------
        target : int or str
            Index of a target gene, or its name if ``y`` was a table.
        n : int, default=10

        Returns
        -------
        tasks : ndarray of shape (n,)
            Names of the related genes, or their indices if they have no names; fewer than n if
            fewer are related at all.
        strengths : ndarray of shape (n,)
            Entries of ``task_similarity_``, those of largest magnitude first.

        Raises
        ------
        ValueError
            If there is no such target.
        AttributeError
            If the relations were not learned, or not saved.
        """
        A, B = self._relation_factors()
        names = getattr(self, "target_names_", np.arange(self.n_outputs_))
        task = self._task_index(target)
        n = check_scalar(n, "n", Integral, min_val=1)
        strengths = A[:, task] if B is None else A @ B[:, task]
        order = np.argsort(-np.abs(strengths), kind="stable")
        order = order[(order != task) & (strengths[order] != 0)][:n]
        return RelatedTasks(names[order], strengths[order])

    def _relation_factors(self):
        check_is_fitted(self)
        if self.n_outputs_ == 1:
            return np.zeros((1, 1)), None
        if not all(hasattr(self, name) for name in self._relation_names):
            weight = self._relation_weight
            why = (
                f"it was fitted with {weight}=0. Raise {weight} and fit it again."
                if getattr(self, weight) == 0
                else "it was loaded from a file that does not hold them. Save the fitted model "
                "with save_relations=True, or fit it again."
            )
            raise AttributeError(
                f"This {type(self).__name__} has no relations of its tasks: {why}"
            )
        return self._relations()

    def _task_index(self, target):
        names = getattr(self, "target_names_", None)
        if isinstance(target, str):
            where = np.flatnonzero(names == target) if names is not None else []
            if len(where) != 1:
                if names is None:
                    what = "is a name, but y had no gene names. Pass an index."
                elif target in getattr(self, "feature_names_in_", ()):
                    what = "is a landmark, not a target gene. Pass a name of target_names_."
                else:
                    what = "is not a target gene of this model. Pass a name of target_names_."
                raise ValueError(f"target={target!r} {what}")
            return where[0]
        last = self.n_outputs_ - 1
        return int(check_scalar(target, "target", Integral, min_val=0, max_val=last))
