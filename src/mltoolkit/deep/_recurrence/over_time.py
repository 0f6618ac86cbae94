"""A recurrence over all times at once, with its gradient by hand.

Forward, a step is one product with the past and the gates, written where it will be needed again. Backward, the steps
leave their gates' gradients behind, and the gradient of the weights is one product over all times at the end: autograd
would make T small ones and add them up. Factors of the gradient that no step has to wait for are computed for all
times before the first step.

Arrays are time-major: ``T`` times, ``B`` rows, ``H`` hidden; ``projected`` is what the input says to each gate.
All three functions have the same order and names, so that a diff shows the difference between the cells.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class RNNOverTime(torch.autograd.Function):
    """h' = tanh(a + b), with a the input's share and b the past's."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Hidden states of shape (T, B, H), from ``projected`` of the same shape and h of shape (B, H)."""
        T, B, H = projected.shape
        hidden = projected.new_empty(T + 1, B, H)
        hidden[0] = h
        gates = projected if bias is None else projected + bias
        for t in range(T):
            torch.addmm(gates[t], hidden[t], weight.T, out=hidden[t + 1]).tanh_()
        ctx.save_for_backward(hidden, weight)
        return hidden[1:].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all four arguments."""
        hidden, weight = ctx.saved_tensors
        slope = 1 - hidden[1:] ** 2
        grad_gates = torch.empty_like(slope)
        grad_h = torch.zeros_like(hidden[0])
        for t in reversed(range(len(grad))):
            grad_h += grad[t]
            torch.mul(grad_h, slope[t], out=grad_gates[t])
            torch.mm(grad_gates[t], weight, out=grad_h)
        flat = grad_gates.flatten(0, 1)
        return grad_gates, grad_h, flat.T @ hidden[:-1].flatten(0, 1), flat.sum(0) if ctx.needs_input_grad[3] else None


class LSTMOverTime(torch.autograd.Function):
    """c' = f c + i g and h' = o tanh(c'), gates in the order i, f, g, o."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, h: Tensor, c: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
        """Hidden states of shape (T, B, H) and the last c, from ``projected`` of shape (T, B, 4H)."""
        T, B, H = projected.shape[0], projected.shape[1], projected.shape[2] // 4
        hidden, cells, squashed = (projected.new_empty(T + extra, B, H) for extra in (1, 1, 0))
        hidden[0], cells[0] = h, c
        gates = projected.clone() if bias is None else projected + bias
        for t in range(T):
            gate = gates[t]
            gate.addmm_(hidden[t], weight.T)
            gate[:, : 2 * H].sigmoid_()
            gate[:, 2 * H : 3 * H].tanh_()
            gate[:, 3 * H :].sigmoid_()
            i, f, g, o = gate.chunk(4, dim=1)
            torch.mul(f, cells[t], out=cells[t + 1])
            torch.tanh(cells[t + 1].addcmul_(i, g), out=squashed[t])
            torch.mul(o, squashed[t], out=hidden[t + 1])
        ctx.save_for_backward(gates, hidden, cells, squashed, weight)
        return hidden[1:].clone(), cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, grad_c: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all five arguments."""
        gates, hidden, cells, squashed, weight = ctx.saved_tensors
        H = hidden.shape[2]
        i, f, g, o = gates.chunk(4, dim=2)
        # What dc is multiplied by on its way to i, f and g, what dh on its way to o and to c.
        grad_gates = torch.empty_like(gates)
        to_i, to_f, to_g, to_o = grad_gates.chunk(4, dim=2)
        torch.mul(i * (1 - i), g, out=to_i)
        torch.mul(f * (1 - f), cells[:-1], out=to_f)
        torch.mul(1 - g * g, i, out=to_g)
        torch.mul(o * (1 - o), squashed, out=to_o)
        to_c = o * (1 - squashed * squashed)
        grad_c, grad_h = grad_c.clone(), torch.zeros_like(hidden[0])
        for t in reversed(range(len(grad))):
            grad_h += grad[t]
            grad_c.addcmul_(grad_h, to_c[t])
            gate = grad_gates[t]
            gate[:, : 3 * H].view(-1, 3, H).mul_(grad_c[:, None])
            gate[:, 3 * H :].mul_(grad_h)
            grad_c.mul_(f[t])
            torch.mm(gate, weight, out=grad_h)
        flat = grad_gates.flatten(0, 1)
        grad_weight = flat.T @ hidden[:-1].flatten(0, 1)
        return grad_gates, grad_h, grad_c, grad_weight, flat.sum(0) if ctx.needs_input_grad[4] else None


class GRUOverTime(torch.autograd.Function):
    """h' = (1 - z) n + z h with n = tanh(a_n + r b_n), gates in the order r, z, n."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Hidden states of shape (T, B, H), from ``projected`` of shape (T, B, 3H) and h of shape (B, H)."""
        T, B, H = projected.shape[0], projected.shape[1], projected.shape[2] // 3
        hidden, from_past = projected.new_empty(T + 1, B, H), projected.new_empty(T, B, 3 * H)
        hidden[0] = h
        gates = projected.clone()
        for t in range(T):
            gate, past = gates[t], from_past[t]
            if bias is None:
                torch.mm(hidden[t], weight.T, out=past)
            else:
                torch.addmm(bias, hidden[t], weight.T, out=past)
            gate[:, : 2 * H].add_(past[:, : 2 * H]).sigmoid_()
            r, z, n = gate.chunk(3, dim=1)
            n.addcmul_(r, past[:, 2 * H :]).tanh_()
            torch.lerp(n, hidden[t], z, out=hidden[t + 1])
        ctx.save_for_backward(gates, hidden, from_past, weight)
        return hidden[1:].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all four arguments."""
        gates, hidden, from_past, weight = ctx.saved_tensors
        H = hidden.shape[2]
        r, z, n = gates.chunk(3, dim=2)
        # What dh is multiplied by on its way to r, z and n; the past's share of n passes r as well.
        grad_gates = torch.empty_like(gates)
        to_r, to_z, to_n = grad_gates.chunk(3, dim=2)
        torch.mul(1 - z, 1 - n * n, out=to_n)
        torch.mul(to_n * from_past[:, :, 2 * H :], r * (1 - r), out=to_r)
        torch.mul(hidden[:-1] - n, z * (1 - z), out=to_z)
        grad_past = grad_gates.clone()
        grad_past[:, :, 2 * H :].mul_(r)
        grad_h = torch.zeros_like(hidden[0])
        for t in reversed(range(len(grad))):
            grad_h += grad[t]
            past = grad_past[t]
            past.view(-1, 3, H).mul_(grad_h[:, None])
            grad_gates[t].view(-1, 3, H).mul_(grad_h[:, None])
            torch.addmm(grad_h.mul_(z[t]), past, weight, out=grad_h)
        flat = grad_past.flatten(0, 1)
        grad_weight = flat.T @ hidden[:-1].flatten(0, 1)
        return grad_gates, grad_h, grad_weight, flat.sum(0) if ctx.needs_input_grad[3] else None
