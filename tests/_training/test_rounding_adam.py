"""Adam in bfloat16: on average the steps of Adam in float32."""

import pytest
import torch

from skgex._training import RoundingAdam
from skgex._training._rounding_adam import _round


def test_rounding_gives_a_neighbour_and_is_right_on_average():
    torch.manual_seed(0)
    exact = torch.tensor([1.001, -3.3, 1e-8, 0.0])
    rounded = torch.stack([_round(exact.clone()) for _ in range(4000)])
    assert torch.equal(rounded, rounded.bfloat16().float())
    assert ((rounded - exact).abs() <= exact.abs() * 2**-7).all()
    torch.testing.assert_close(rounded.mean(dim=0), exact, rtol=2e-4, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_steps_are_those_of_adam(dtype):
    torch.manual_seed(0)
    start = torch.randn(3000).bfloat16()
    ours, exact = (start.to(d, copy=True).requires_grad_() for d in (dtype, torch.float32))
    optimizers = RoundingAdam([ours], lr=1e-4, fused=True), torch.optim.Adam([exact], lr=1e-4)
    for step in range(300):  # each moves less than a half of what bfloat16 can tell apart
        slope = torch.randn(3000) + (1 if step < 200 else -1)
        ours.grad, exact.grad = slope.to(dtype), slope.clone()
        for optimizer in optimizers:
            optimizer.step()
    moved, expected = ours.float() - start.float(), exact - start.float()
    assert moved.mean().item() == pytest.approx(expected.mean().item(), rel=0.05)
    state = optimizers[0].state[ours]
    assert state["exp_avg_sq"].dtype == dtype
    expected = optimizers[1].state[exact]["exp_avg_sq"].mean().item()
    assert state["exp_avg_sq"].float().mean().item() == pytest.approx(expected, rel=0.03)


def test_parameters_without_a_gradient_are_left_alone():
    parameter = torch.ones(3).bfloat16().requires_grad_()
    optimizer = RoundingAdam([parameter])
    optimizer.step()
    assert torch.equal(parameter, torch.ones(3).bfloat16()) and not optimizer.state
