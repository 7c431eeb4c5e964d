"""Deep-GO-MTL, Deep-CNMTL and Deep-AMTFL minimise their papers' objectives."""

import numpy as np
import pytest
import torch

from .one_step import RNG, Step, array, every_method, weighted_or_not

APPROX = dict(rel=1e-5)
OUTPUTS = pytest.mark.parametrize("normalization", [None, "weight"])


def shared(step):
    """``Σ_l mean_u ‖w_u^(l)‖²``."""
    return sum((W**2).sum(axis=1).mean() for W in step.hidden_weights())


@every_method
@weighted_or_not
def test_the_history_gets_the_mean_absolute_error_alone(method, weight):
    step = Step(method, weight)
    step.loss()
    assert step.net.terms_["loss"].item() == pytest.approx(step.errors().mean(), **APPROX)


@every_method
def test_the_net_and_what_is_learned_beside_it_make_one_joint_step(method):
    step = Step(method)
    ((players, _),) = step.net.play(step.batch)
    assert players == ("module", *step.net.players)


# -- GO-MTL ------------------------------------------------------------------------------------
@weighted_or_not
@OUTPUTS
def test_gomtl(weight, normalization):
    step = Step("GOMTL", weight, mu=0.3, lambda_shared=0.7, normalization=normalization)
    loss, W = step.loss(), step.task_weights()
    expected = (step.errors() + 0.3 * np.abs(W).sum(axis=1)).mean() + 0.7 * shared(step)
    assert loss.item() == pytest.approx(expected, **APPROX)


# -- CNMTL -------------------------------------------------------------------------------------
LAMBDAS = dict(lambda_mean=0.3, lambda_between=0.5, lambda_within=0.7)


def clustered(step, labels):
    """The objective of CNMTL, cluster by cluster."""
    W = step.task_weights()
    mean, between, within = W.mean(axis=0), 0, 0
    for k in np.unique(labels):
        centre = W[labels == k].mean(axis=0)
        between += (labels == k).sum() * ((centre - mean) ** 2).sum()
        within += ((W[labels == k] - centre) ** 2).sum()
    penalty = 0.3 * (mean**2).sum() + (0.5 * between + 0.7 * within) / len(W)
    return step.errors().mean() + penalty


@weighted_or_not
@OUTPUTS
@pytest.mark.parametrize("n_clusters", [1, 3, 8, 50])
def test_cnmtl(weight, n_clusters, normalization):
    params = dict(n_clusters=n_clusters, normalization=normalization, **LAMBDAS)
    step = Step("CNMTL", weight, **params)
    loss, labels = step.loss(), array(step.net.members_).argmax(axis=1)
    assert len(np.unique(labels)) == min(n_clusters, 8)
    assert loss.item() == pytest.approx(clustered(step, labels), **APPROX)


def test_a_cluster_without_tasks_costs_nothing_and_pulls_nowhere():
    step, labels = Step("CNMTL", **LAMBDAS), np.array([0, 2, 0, 2, 2, 3, 3, 0])
    step.net.members_ = torch.eye(5)[labels]  # nobody is in clusters 1 and 4
    loss = step.loss()
    assert loss.item() == pytest.approx(clustered(step, labels), **APPROX)
    (gradient,) = torch.autograd.grad(loss, step.F.output.weight)
    assert gradient.isfinite().all()


def test_clusters_follow_the_weights_in_every_epoch():
    step = Step("CNMTL", n_clusters=2)
    for labels in ([0, 0, 0, 0, 1, 1, 1, 1], [0, 1, 0, 1, 0, 1, 0, 1]):
        centres = torch.tensor([-1.0, 1.0])[labels][:, None]
        with torch.no_grad():
            step.F.output.weight.normal_(std=0.1).add_(centres)
        step.start_epoch()
        together = array(step.net.members_ @ step.net.members_.T)
        np.testing.assert_array_equal(together, np.equal.outer(labels, labels))


# -- AMTFL -------------------------------------------------------------------------------------
@weighted_or_not
@pytest.mark.parametrize("net", ["dense", "mlp"])
@OUTPUTS
def test_amtfl(weight, net, normalization):
    params = dict(alpha=0.3, gamma=0.5, mu=0.7, lambda_shared=0.9)
    step = Step("AMTFL", weight, net=net, normalization=normalization, **params)
    A = step.net.feedback_.A
    with torch.no_grad():
        A.copy_(torch.as_tensor(RNG.normal(size=A.shape)))
    loss, A, W = step.loss(), array(A), step.task_weights()
    Z, Y_hat = array(step.Z), array(step.Y_hat)
    assert Z.shape == (120, 6 + 2 * 16 if net == "dense" else 16)
    squares = ((Z - np.tanh(Y_hat @ A)) ** 2).mean(axis=1)
    reconstruction = np.average(squares, weights=weight)
    tasks = (1 + 0.3 * np.abs(A).sum(axis=1)) * step.errors() + 0.7 * np.abs(W).sum(axis=1)
    expected = tasks.mean() + 0.5 * reconstruction + 0.9 * shared(step)
    assert loss.item() == pytest.approx(expected, **APPROX)
    recorded = step.net.terms_["relation_loss"].item()
    assert recorded == pytest.approx(reconstruction, **APPROX)


def test_amtfl_draws_the_features_and_their_reconstruction_together():
    step = Step("AMTFL", alpha=0.0, gamma=100.0, mu=0.0, lambda_shared=0.0)
    A = step.net.feedback_.A
    found = torch.autograd.grad(step.loss(), [step.Z, A])
    Z = step.Z.detach().requires_grad_()
    Y_hat = step.F.output(Z)
    reconstruction = (Z - torch.tanh(Y_hat @ A)).square().mean()
    expected = (step.Y - Y_hat).abs().mean() + 100 * reconstruction
    torch.testing.assert_close(found, torch.autograd.grad(expected, [Z, A]))
