"""What the multi-task methods share: the base net F, and a view of how its tasks are related."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skgex import _losses as losses
from skgex import _training as training
from skgex.base import FeedforwardRegressor


class MultiTaskNet(training.PlayersNet):
    """The base net F and what a method learns of its tasks, in joint steps.

    ``module`` is F, the other players are what the method adds. A method states its
    :meth:`objective`, and in :meth:`constrain` what must hold after every step.
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
        yield ("module", *self.players), self.objective(errors, forward)
        self.constrain()

    def objective(self, errors, forward):
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

    A method names its net in ``_net``, makes what it adds to F in ``_make_players`` and says in
    ``_relations`` what it has learned of the tasks.
    """

    # Attributes that the relations of tasks are made of, kept from saved models unless asked for.
    _relation_names = ()

    @property
    def _not_saved(self):
        return () if getattr(self, "save_relations", True) else self._relation_names

    def _make_net(self, module, params):
        return self._net(
            module,
            players=self._make_players(module),
            learning_rates=self._learning_rates(),
            params=self,
            criterion=losses.absolute_error,
            **params,
        )

    def _make_players(self, module):
        """What the method learns beside F, by name: modules that training alone needs."""
        return {}

    def _learning_rates(self):
        """Of players that do not train with ``lr``."""
        return {}

    def _forget(self):
        super()._forget()
        self._forget_relations()

    def _forget_relations(self):
        for name in self._relation_names:
            vars(self).pop(name, None)

    def _keep(self, net, batches):
        super()._keep(net, batches)
        players = [getattr(net, f"{name}_") for name in ("module", *net.players)]
        self.n_parameters_ = sum(p.numel() for player in players for p in player.parameters())

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
            Names of the related genes, or their indices if they have no names.
        strengths : ndarray of shape (n,)
            Entries of ``task_similarity_``, those of largest magnitude first.

        Raises
        ------
        ValueError
            If there is no such target.
        """
        A, B = self._relation_factors()
        names = getattr(self, "target_names_", np.arange(self.n_outputs_))
        task = self._task_index(target)
        n = check_scalar(n, "n", Integral, min_val=1)
        strengths = A[:, task] if B is None else A @ B[:, task]
        order = np.argsort(-np.abs(strengths), kind="stable")
        order = order[order != task][:n]
        return RelatedTasks(names[order], strengths[order])

    def _relation_factors(self):
        check_is_fitted(self)
        if self.n_outputs_ == 1:
            return np.zeros((1, 1)), None
        if not all(hasattr(self, name) for name in self._relation_names):
            raise AttributeError(
                f"This {type(self).__name__} has no relations of its tasks: it was fitted with "
                "lambda_mtl=0, or loaded from a file that does not hold them. Raise lambda_mtl, "
                "or set save_relations=True before skgex.save."
            )
        return self._relations()

    def _task_index(self, target):
        names = getattr(self, "target_names_", None)
        if isinstance(target, str):
            where = np.flatnonzero(names == target) if names is not None else []
            if len(where) != 1:
                raise ValueError(
                    f"target={target!r} is not a target gene"
                    + (" of this model." if names is not None else ": y had no gene names.")
                    + " Pass a name of target_names_, or an index."
                )
            return where[0]
        last = self.n_outputs_ - 1
        return int(check_scalar(target, "target", Integral, min_val=0, max_val=last))
