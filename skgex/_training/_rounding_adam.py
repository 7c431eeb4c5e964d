"""Adam for parameters that are stored in bfloat16."""

import torch

_ENTRIES = 2**22  # of a parameter that are in float32 at a time


class RoundingAdam(torch.optim.Optimizer):
    """Adam whose parameters and moments are rounded at random to bfloat16.

    An entry of bfloat16 has 8 significant bits: rounded to the nearest, a change below 0.4 per
    cent of it is lost, and a second moment with β₂ = 0.999 never falls. Rounded up or down, with
    odds that go by the distance, it changes by the right amount on average. Steps are made in
    float32, some million entries at a time.

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr, betas, eps
        As of :class:`torch.optim.Adam`; its other arguments are accepted and have no effect.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, **_):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step(parameter, group)

    def _step(self, parameter, group):
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = (torch.zeros_like(parameter) for _ in "12")
        state["step"] += 1
        t, (beta_1, beta_2) = state["step"].item(), group["betas"]
        tensors = parameter, parameter.grad, state["exp_avg"], state["exp_avg_sq"]
        for parts in zip(*(A.view(-1).split(_ENTRIES) for A in tensors), strict=True):
            value, slope, mean, square = (part.float() for part in parts)
            mean.lerp_(slope, 1 - beta_1)
            square.lerp_(slope.square(), 1 - beta_2)
            length = (square / (1 - beta_2**t)).sqrt_().add_(group["eps"])
            value.addcdiv_(mean, length, value=-group["lr"] / (1 - beta_1**t))
            for stored, exact in zip((parts[0], *parts[2:]), (value, mean, square), strict=True):
                stored.copy_(_round(exact))


def _round(exact):
    """float32 values rounded to one of their neighbours in bfloat16, their mean being exact."""
    bits = exact.view(torch.int32)
    bits += torch.randint_like(bits, 1 << 16)
    return bits.bitwise_and_(-1 << 16).view(torch.float32)
