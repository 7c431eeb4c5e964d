"""Deep-AMTL: the weights of each task as a combination of those of others."""

from contextlib import nullcontext
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from skgex import _training as training
from skgex.base import fill_docstring
from skgex.multitask._base import NOT_NEGATIVE, MultiTaskNet, MultiTaskRegressor


class TaskRelations(nn.Module):
    """B, (n_tasks, n_tasks), as blocks of columns: a step that trains one leaves the rest alone.

    Column t says how the weights of task t are combined from those of the others.
    """

    def __init__(self, n_tasks, block_size, dtype):
        super().__init__()
        self.starts = list(range(0, n_tasks, block_size))
        widths = [min(block_size, n_tasks - start) for start in self.starts]
        self.blocks = nn.ParameterList(torch.zeros(n_tasks, w, dtype=dtype) for w in widths)

    @torch.no_grad()
    def constrain(self, k):
        """``B ≥ 0`` with a zero diagonal, in block ``k``."""
        block, start = self.blocks[k], self.starts[k]
        block.clamp_(min=0)[start : start + block.shape[1]].fill_diagonal_(0)


class AMTLNet(MultiTaskNet):
    """Beside F: ``relations``, the matrix B."""

    def task_objective(self, errors, forward):
        # mean_t [(1 + α·‖b_t‖₁)·L_t + λ·‖(W − WB)_t‖²], the sums over columns from one block
        if not self.players:
            return errors.mean()
        B, params = self.relations_, self.params
        self.block_ = k = int(torch.randint(len(B.blocks), ()))
        block, start = B.blocks[k], B.starts[k]
        W = self.task_weights
        # One product with B, so that it has one gradient: [W; L]ᵀB, a row for each of its columns.
        stacked = torch.cat([W, errors[:, None]], dim=1).to(block.dtype)
        # One block is left as it is: a cast to bfloat16 would be half a copy of B.
        with self.autocast() if len(B.blocks) > 1 else nullcontext():
            combined = (block.T @ stacked).float()
        residual = W[start : start + block.shape[1]] - combined[:, :-1]
        given, distance = combined[:, -1].sum(), residual.square().sum()
        penalty = params.alpha * given + params.lambda_mtl * distance
        return errors.mean() + len(B.blocks) / len(W) * penalty

    def constrain(self):
        if self.players:
            self.relations_.constrain(self.block_)


@fill_docstring
class DeepAMTLRegressor(MultiTaskRegressor):
    """Deep-AMTL: asymmetric multi-task learning.

    Minimises ``mean_t [(1 + α·‖b_t‖₁)·L_t] + λ·‖W − WB‖_F²/T`` over the net and B ≥ 0 with a zero
    diagonal, with the mean absolute error ``L_t`` of target gene t and the weights W of the last
    layer, a column a task, by Adam whose learning rate falls linearly. Column t of B makes the
    weights of task t from those of others; row t, ``b_t``, is what task t gives to others, which
    costs more the larger its error: hard tasks give little.

    B has T² entries. A step sees ``block_size`` of its columns, drawn at random, in place of the
    sums over all of them, whose expectation they are; only these have a gradient, and are moved.

    Parameters
    ----------
    %(architecture)s
    alpha : float, default=0.01
        What an error costs more where a task gives to others.
    lambda_mtl : float, default=0.1
        Weight of the combination of weights.
    block_size : int or None, default=256
        Columns of B in a step; None takes all of them, as the paper does, which costs T /
        ``block_size`` times as many operations.
    relations_dtype : {"float32", "bfloat16"}, default="float32"
        Of B, its gradient and the two moments that Adam keeps for it: 16·T² bytes, or 8·T² with
        "bfloat16", whose steps are rounded at random so that small ones are not lost.
    relations_lr : float, default=1e-3
        First learning rate of B, which falls as the net's does; times the root of the number of
        blocks, as each moves in one of so many steps only.
    save_relations : bool, default=False
        Whether :func:`skgex.save` stores B.
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
    relations_ : ndarray of shape (n_targets, n_targets)
        B of the last epoch; not in a saved model unless ``save_relations``.

    References
    ----------
    Lee, G., Yang, E., Hwang, S. J. (2016). Asymmetric multi-task learning based on task
    relatedness and loss. ICML.

    Ghasedi Dizaji, K., Chen, W., Huang, H. (2020). Deep large-scale multi-task learning network
    for gene expression inference. RECOMB.

    Examples
    --------
    >>> from skgex import DeepAMTLRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> net = DeepAMTLRegressor(hidden_units=50, max_epochs=5, random_state=0).fit(X, Y)
    >>> net.predict(X).shape
    (200, 30)
    """

    _net = AMTLNet
    _paper = dict(hidden_units=7000, block_size=None)
    _relation_names = ("relations_",)
    _relation_weight = "lambda_mtl"
    _parameter_constraints: dict = {
        **MultiTaskRegressor._parameter_constraints,
        "alpha": [NOT_NEGATIVE],
        "lambda_mtl": [NOT_NEGATIVE],
        "block_size": [Interval(Integral, 1, None, closed="left"), None],
        "relations_dtype": [StrOptions({"float32", "bfloat16"})],
        "relations_lr": [Interval(Real, 0, None, closed="neither")],
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
        alpha=0.01,
        lambda_mtl=0.1,
        block_size=256,
        relations_dtype="float32",
        relations_lr=1e-3,
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
        self.lambda_mtl = lambda_mtl
        self.block_size = block_size
        self.relations_dtype = relations_dtype
        self.relations_lr = relations_lr
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
        dtype = getattr(torch, self.relations_dtype)
        return {"relations": TaskRelations(n_tasks, self.block_size or n_tasks, dtype)}

    def _player_params(self):
        # A column moves in one of n_blocks steps only.
        n_blocks = -(-self.n_outputs_ // (self.block_size or self.n_outputs_))
        params = dict(learning_rates={"relations": self.relations_lr * n_blocks**0.5})
        if self.relations_dtype == "bfloat16":
            params["optimizers"] = {"relations": training.RoundingAdam}
        return params

    def _keep_relations(self, net, batches):
        B = net.relations_
        # What B was trained with goes first: it is up to three times as large.
        net.relations_optimizer_.state.clear()
        for block in B.blocks:
            block.grad = None
        self.relations_ = np.empty((self.n_outputs_, self.n_outputs_), np.float32)
        for start, block in zip(B.starts, B.blocks, strict=True):
            columns = slice(start, start + block.shape[1])
            torch.from_numpy(self.relations_)[:, columns].copy_(block.detach())

    def _relations(self):
        return self.relations_, None
