"""A recurrence over all times at once, with its gradient by hand.

Forward, a step is one product with the past and the gates, written where it will be needed again. Backward, the steps
leave their gates' gradients behind, and the gradient of the weights is one product over all times at the end: autograd
would make T small ones and add them up. The arrays of one step fit into the processor's cache and those of all times
do not, so whatever is not a product is computed step by step.

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
        grad_gates = torch.empty_like(grad)
        grad_h = torch.zeros_like(hidden[0])
        for t in reversed(range(len(grad))):
            grad_h += grad[t]
            torch.mul(grad_h, 1 - hidden[t + 1] * hidden[t + 1], out=grad_gates[t])
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
        grad_gates = torch.empty_like(gates)
        grad_c, grad_h = grad_c.clone(), torch.zeros_like(hidden[0])
        for t in reversed(range(len(grad))):
            grad_h += grad[t]
            i, f, g, o = gates[t].chunk(4, dim=1)
            to_i, to_f, to_g, to_o = grad_gates[t].chunk(4, dim=1)
            grad_c.addcmul_(grad_h, o * (1 - squashed[t] * squashed[t]))
            torch.mul(grad_c * g, i * (1 - i), out=to_i)
            torch.mul(grad_c * cells[t], f * (1 - f), out=to_f)
            torch.mul(grad_c * i, 1 - g * g, out=to_g)
            torch.mul(grad_h * squashed[t], o * (1 - o), out=to_o)
            grad_c.mul_(f)
            torch.mm(grad_gates[t], weight, out=grad_h)
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
        gates = torch.empty_like(projected)
        for t in range(T):
            gate, given, past = gates[t], projected[t], from_past[t]
            if bias is None:
                torch.mm(hidden[t], weight.T, out=past)
            else:
                torch.addmm(bias, hidden[t], weight.T, out=past)
            torch.add(given[:, : 2 * H], past[:, : 2 * H], out=gate[:, : 2 * H]).sigmoid_()
            r, z, n = gate.chunk(3, dim=1)
            torch.addcmul(given[:, 2 * H :], r, past[:, 2 * H :], out=n).tanh_()
            torch.lerp(n, hidden[t], z, out=hidden[t + 1])
        ctx.save_for_backward(gates, hidden, from_past, weight)
        return hidden[1:].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all four arguments."""
        gates, hidden, from_past, weight = ctx.saved_tensors
        H = hidden.shape[2]
        grad_gates, grad_past = torch.empty_like(gates), torch.empty_like(gates)
        grad_h = torch.zeros_like(hidden[0])
        for t in reversed(range(len(grad))):
            grad_h += grad[t]
            r, z, n = gates[t].chunk(3, dim=1)
            to_r, to_z, to_n = grad_gates[t].chunk(3, dim=1)
            torch.mul(grad_h * (1 - z), 1 - n * n, out=to_n)
            torch.mul(to_n * from_past[t, :, 2 * H :], r * (1 - r), out=to_r)
            torch.mul(grad_h * (hidden[t] - n), z * (1 - z), out=to_z)
            past = grad_past[t]
            past[:, : 2 * H] = grad_gates[t, :, : 2 * H]
            torch.mul(to_n, r, out=past[:, 2 * H :])  # the past's share of n passes the reset gate as well
            torch.addmm(grad_h.mul_(z), past, weight, out=grad_h)
        flat = grad_past.flatten(0, 1)
        grad_weight = flat.T @ hidden[:-1].flatten(0, 1)
        return grad_gates, grad_h, grad_weight, flat.sum(0) if ctx.needs_input_grad[3] else None
