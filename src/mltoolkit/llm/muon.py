"""Muon: momentum whose matrices are made orthogonal before they are applied, with AdamW for everything else.

The momentum of a weight matrix is nearly of low rank: a few directions take all of the step. Muon replaces it by the
nearest matrix with orthonormal rows or columns, so that rare directions move as far as frequent ones. The exact answer
is U Vᵀ of a singular value decomposition. Five steps of a polynomial in M Mᵀ, matrix products alone, bring every
singular value close enough to 1.

References
----------
Jordan, K. et al. (2024). Muon: an optimizer for hidden layers in neural networks. https://kellerjordan.github.io/posts/muon/
Liu, J. et al. (2025). Muon is scalable for LLM training. arXiv:2502.16982.
Loshchilov, I., Hutter, F. (2019). Decoupled weight decay regularization. arXiv:1711.05101.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from mltoolkit.errors import BadInput

# x → a x + b x³ + c x⁵ has its slope of a at 0, which lifts small singular values fast, and wavers about 1.
_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonalized(matrices: Tensor, steps: int = 5) -> Tensor:
    """Bring all singular values of matrices close to 1 and leave their singular vectors (Newton-Schulz).

    Parameters
    ----------
    matrices : Tensor of shape (..., n, m)
    steps : int, default 5

    Returns
    -------
    Tensor of shape (..., n, m)
        Singular values that were above about 1% of the Frobenius norm end between 0.7 and 1.2.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: Tensor = matrices.mT if tall else matrices  # the smaller Gram matrix
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.mT if tall else x


class Muon(Optimizer):
    """Muon for the matrices of a network, AdamW for its embedding, its output and its vectors.

    Parameters
    ----------
    matrices : iterable of Parameter
        Of two axes each.
    others : iterable of Parameter, optional
    lr : float, default 0.02
        Rate of the matrices. A step has a root mean square of about ``lr · 0.2`` whatever the shape (Liu et al.).
    momentum : float, default 0.95
        Of the matrices, with Nesterov's look ahead.
    adam_lr : float, default 3e-3
        Rate of the others.
    betas : (float, float), default (0.9, 0.95)
    eps : float, default 1e-8
    weight_decay : float, default 0.0
        Decoupled, of matrices; the others have none.

    Raises
    ------
    BadInput
        When a number is out of range or a matrix has not two axes; all faults at once.
    """

    def __init__(
        self,
        matrices: Iterable[torch.nn.Parameter],
        others: Iterable[torch.nn.Parameter] = (),
        *,
        lr: float = 0.02,
        momentum: float = 0.95,
        adam_lr: float = 3e-3,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        matrices, others = list(matrices), list(others)
        faults = [f"{name} is above 0, got {x}" for name, x in (("lr", lr), ("adam_lr", adam_lr)) if not x > 0]
        rates = (("momentum", momentum), ("betas[0]", betas[0]), ("betas[1]", betas[1]))
        faults += [f"{name} lies in 0 to 1, below 1, got {x}" for name, x in rates if not 0 <= x < 1]
        faults += [f"a matrix has two axes, got shape {tuple(p.shape)}" for p in matrices if p.ndim != 2]
        if weight_decay < 0:
            faults.append(f"weight_decay is at least 0, got {weight_decay}")
        if faults:
            raise BadInput("Muon: " + "; ".join(faults))
        common = {"betas": betas, "eps": eps, "momentum": momentum}
        groups: list[dict[str, Any]] = [
            {"params": matrices, "lr": lr, "weight_decay": weight_decay, "orthogonal": True},
            {"params": others, "lr": adam_lr, "weight_decay": 0.0, "orthogonal": False},
        ]
        super().__init__([group for group in groups if group["params"]], common | {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step; gradients that are None are left out."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            (self._orthogonal if group["orthogonal"] else self._adam)(group, moving)
        return loss

    def _orthogonal(self, group: dict[str, Any], moving: list[Tensor]) -> None:
        """Matrices of one shape are made orthogonal together: one batched product in place of many small ones."""
        shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for p in moving:
            shapes[p.shape].append(p)
        for (n, m), parameters in shapes.items():
            ahead = []
            for p in parameters:
                state, gradient = self.state[p], p.grad
                assert gradient is not None
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(gradient, 1 - group["momentum"])
                ahead.append(torch.lerp(gradient, state["momentum"], group["momentum"]))
            steps = orthogonalized(torch.stack(ahead))
            rate = group["lr"] * 0.2 * max(n, m) ** 0.5
            for p, step in zip(parameters, steps, strict=True):
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(step, alpha=-rate)

    def _adam(self, group: dict[str, Any], moving: list[Tensor]) -> None:
        first, second = group["betas"]
        for p in moving:
            state = self.state[p]
            if not state:
                state |= {"step": 0, "mean": torch.zeros_like(p), "square": torch.zeros_like(p)}
            state["step"] += 1
            state["mean"].lerp_(p.grad, 1 - first)
            state["square"].mul_(second).addcmul_(p.grad, p.grad, value=1 - second)
            unbiased = (state["square"] / (1 - second ** state["step"])).sqrt_().add_(group["eps"])
            p.addcdiv_(state["mean"], unbiased, value=-group["lr"] / (1 - first ** state["step"]))
