"""Deep-AMTL: its objective in blocks of B, the constraints of B, and how much memory it takes."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .one_step import NO_DROPOUT, RNG, Step, X, Y, array, small, weighted_or_not

PENALTIES = dict(alpha=0.3, lambda_mtl=0.7)
B = RNG.uniform(size=(8, 8)) * (1 - np.eye(8))


def at_b(*args, **params):
    """A step at relations that are not zero."""
    step, start = Step("AMTL", *args, **(PENALTIES | params)), 0
    for block in blocks(step):
        block.data.copy_(torch.tensor(B[:, start : start + block.shape[1]]))
        start += block.shape[1]
    return step


def blocks(step):
    return list(step.net.relations_.blocks)


def relations(step):
    return array(torch.cat(blocks(step), dim=1).float())


def draw(step):
    """One step's loss, and its gradients at the weights of the net and at each block of B."""
    loss, weights = step.loss(), list(step.F.parameters())
    gradients = torch.autograd.grad(loss, [*weights, *blocks(step)], allow_unused=True)
    return loss.item(), gradients[: len(weights)], gradients[len(weights) :]


# -- the objective -----------------------------------------------------------------------------
@weighted_or_not
@pytest.mark.parametrize("normalization", [None, "weight"])
@pytest.mark.parametrize("block_size", [None, 8, 256])
def test_all_columns_give_the_papers_objective(block_size, normalization, weight):
    step = at_b(weight, block_size=block_size, normalization=normalization)
    loss, W = step.loss(), step.task_weights().T  # a column a task
    tasks = (1 + 0.3 * np.abs(B).sum(axis=1)) * step.errors()
    expected = tasks.mean() + 0.7 * ((W - W @ B) ** 2).sum() / 8
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_the_net_and_b_both_follow_the_slope_of_the_whole_objective():
    step = at_b(block_size=None)
    _, *found = draw(step)
    W, (relations,) = step.F.output.weight.T, blocks(step)
    errors = (step.Y - step.F(step.X)).abs().mean(dim=0)
    loss = ((1 + 0.3 * relations.sum(dim=1)) * errors).mean()
    loss = loss + 0.7 * (W - W @ relations).square().sum() / 8
    expected = torch.autograd.grad(loss, [*step.F.parameters(), relations])
    torch.testing.assert_close([*found[0], *found[1]], list(expected))


@pytest.mark.parametrize("block_size", [1, 3, 7])
def test_blocks_are_drawn_alike_and_give_the_papers_objective_on_average(block_size):
    step, n_blocks = at_b(block_size=block_size), -(-8 // block_size)
    counts, draws = [0] * n_blocks, {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(60 * n_blocks):
            loss, of_F, of_B = draw(step)
            (k,) = (k for k, gradient in enumerate(of_B) if gradient is not None)
            counts[k] += 1
            draws[k] = loss, of_F, of_B[k]
    assert min(counts) > 30 and max(counts) < 90
    losses, of_F, of_B = zip(*(draws[k] for k in range(n_blocks)), strict=True)
    expected_loss, expected_of_F, (expected_of_B,) = draw(at_b(block_size=None))
    assert np.mean(losses) == pytest.approx(expected_loss, rel=1e-5)
    for gradients, expected in zip(zip(*of_F, strict=True), expected_of_F, strict=True):
        torch.testing.assert_close(torch.stack(gradients).mean(dim=0), expected)
    torch.testing.assert_close(torch.cat(of_B, dim=1) / n_blocks, expected_of_B)


# -- steps -------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("block_size", [None, 3])
def test_relations_are_never_negative_and_no_task_is_related_to_itself(block_size, dtype):
    step = at_b(block_size=block_size, relations_dtype=dtype, relations_lr=0.1)
    shrunk = grown = False
    for _ in range(20):
        before = relations(step)
        step.train()
        after = relations(step)
        assert after.min() == 0 and not after.diagonal().any()
        shrunk, grown = shrunk or (after < before).any(), grown or (after > before).any()
    assert shrunk and grown


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("block_size", [None, 3])
def test_fitted_relations_keep_the_constraints(block_size, dtype):
    params = dict(relations_lr=0.05, lambda_mtl=1.0, relations_dtype=dtype, max_epochs=20)
    trained = small("AMTL", block_size=block_size, **params).fit(X, Y)
    assert trained.relations_.shape == (8, 8) and trained.relations_.dtype == np.float32
    assert trained.relations_.min() == 0 and not trained.relations_.diagonal().any()
    assert trained.relations_.max() > 0.1
    assert np.isfinite(trained.predict(X)).all()


def test_a_step_moves_one_block_and_leaves_the_others_alone():
    step, moved = at_b(relations_lr=0.1), set()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(20):  # Adam's memory of earlier steps moves nothing either
            before = [block.detach().clone() for block in blocks(step)]
            step.train()
            changed = [not torch.equal(*pair) for pair in zip(before, blocks(step), strict=True)]
            assert sum(changed) == 1
            moved.add(changed.index(True))
    assert moved == {0, 1, 2}


def test_relations_have_a_learning_rate_of_their_own_that_falls_with_the_nets():
    def added(relations_lr, epochs):
        step = at_b(block_size=None, relations_lr=relations_lr, max_epochs=3, lr_final=1e-4)
        for _ in range(epochs - 1):
            step.start_epoch()
        before = relations(step)
        step.train()
        return np.abs(relations(step) - before).max()

    assert added(0.01, epochs=1) == pytest.approx(0.01, rel=1e-3)  # Adam's first step
    assert added(0.02, epochs=1) == pytest.approx(0.02, rel=1e-3)
    assert added(0.01, epochs=3) == pytest.approx(0.001, rel=1e-2)


# -- memory ------------------------------------------------------------------------------------
class LargestTensor(TorchDispatchMode):
    """The entries of the largest tensor that is made inside the block."""

    def __init__(self):
        super().__init__()
        self.size, self.as_large_as, self.known = 0, Counter(), set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, torch.Tensor):
                self.size = max(self.size, tensor.numel())
                inputs = {a.data_ptr() for a in args if isinstance(a, torch.Tensor)}
                if tensor.data_ptr() not in inputs:  # neither a view nor in place
                    self.as_large_as[tensor.numel()] += 1
        return made


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_step_makes_nothing_as_large_as_b(dtype):
    targets = RNG.normal(size=(120, 400))
    params = dict(block_size=20, relations_dtype=dtype, hidden_units=8)
    step = Step("AMTL", Y=targets, **params)
    with LargestTensor() as whole:
        step.train()
    assert whole.size <= targets.size < 400 * 400 / 3


def test_as_a_whole_b_has_one_gradient_and_no_other_copy():
    step = Step("AMTL", Y=RNG.normal(size=(120, 400)), block_size=None, hidden_units=8)
    step.train()  # the moments are there now
    with LargestTensor() as whole:
        step.train()
    assert whole.as_large_as[400 * 400] == 1


@pytest.mark.parametrize("params", [dict(block_size=3), dict(relations_dtype="bfloat16")], ids=str)
def test_blocks_and_rounding_learn_the_relations_that_b_as_a_whole_learns(params):
    rng = np.random.default_rng(0)
    landmarks = rng.normal(size=(300, 8))
    targets = (landmarks @ rng.normal(size=(8, 4)))[:, np.arange(12) % 4]
    targets += 0.5 * rng.normal(size=targets.shape)
    common = dict(max_epochs=150, lr=5e-3, alpha=1e-3, early_stopping=False, dropout=0.0)
    whole, other = (
        small("AMTL", **(common | dict(block_size=None) | own)).fit(landmarks, targets)
        for own in ({}, params)
    )
    found = np.corrcoef(whole.relations_.ravel(), other.relations_.ravel())[0, 1]
    assert found > 0.9
    assert other.relations_.sum() == pytest.approx(whole.relations_.sum(), rel=0.25)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_only_the_drawn_block_has_a_gradient_and_only_those_drawn_have_moments(dtype):
    step, seen = at_b(relations_dtype=dtype), set()
    optimizer = step.net.relations_optimizer_
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(10):
            step.train()
            (k,) = (k for k, block in enumerate(blocks(step)) if block.grad is not None)
            seen.add(k)
            state = optimizer.state_dict()["state"]
            assert set(state) == seen
            for k, moments in state.items():
                for name in ("exp_avg", "exp_avg_sq"):
                    assert moments[name].shape == blocks(step)[k].shape
                    assert moments[name].dtype == getattr(torch, dtype)
    assert seen == {0, 1, 2}
    assert {block.dtype for block in blocks(step)} == {getattr(torch, dtype)}
    assert sum(block.numel() for block in blocks(step)) == 8 * 8


# -- what the penalties do ---------------------------------------------------------------------
def fitted(**params):
    """A fit whose odd targets are hard: all noise but a little."""
    rng = np.random.default_rng(0)
    S = np.tanh(X @ rng.normal(size=(6, 3))).repeat(4, axis=1)
    hard = np.arange(12) % 2 == 1
    noisy = S + np.where(hard, 3, 0.3) * rng.normal(size=S.shape)
    settings = dict(block_size=None, relations_lr=1e-2, lr=5e-3, lambda_mtl=1.0)
    settings |= dict(max_epochs=60, early_stopping=False)
    return small("AMTL", **(settings | params)).fit(X, noisy), hard


def test_the_larger_alpha_the_less_hard_tasks_give_to_others():
    shares = []
    for alpha in (0.0, 0.1, 0.3):
        trained, hard = fitted(alpha=alpha)
        given = trained.relations_.sum(axis=1)
        shares.append(given[hard].sum() / given.sum())
    assert shares[0] > 0.45 and shares[1] < 0.45 and shares[2] < 0.25


def test_lambda_mtl_makes_the_weights_of_each_task_a_combination_of_others():
    def left_over(lambda_mtl):
        trained, _ = fitted(lambda_mtl=lambda_mtl, alpha=0.0, **NO_DROPOUT)
        W = trained.module_.output.weight.numpy().T
        return ((W - W @ trained.relations_) ** 2).sum() / (W**2).sum()

    assert left_over(1.0) < 0.7 * left_over(1e-3)
