"""Week 15's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from fiftytwo.plan import Mistake
from mltoolkit.deep.rnn import GRUCell, LSTMCell, RNNCell, clip_grad_norm, truncated_bptt


def _shares(cell: Any, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """What input and past say to the gates."""
    return (
        nn.functional.linear(x, cell.weight_ih, cell.bias_ih),
        nn.functional.linear(h, cell.weight_hh, cell.bias_hh),
    )


class OneBias(RNNCell):
    """The bias of the past left out."""

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """Add one bias."""
        super().forward(x, state)
        h = x.new_zeros(len(x), self.hidden_size) if state is None else state
        return torch.tanh(nn.functional.linear(x, self.weight_ih, self.bias_ih) + h @ self.weight_hh.T)


class _LSTM(LSTMCell):
    """A cell whose last lines are its own."""

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Check, then the gates."""
        super().forward(x, state)
        zeros = x.new_zeros(len(x), self.hidden_size)
        h, c = (zeros, zeros) if state is None else state
        from_input, from_past = _shares(self, x, h)
        return self._gated((from_input + from_past).chunk(4, dim=1), c)

    def _gated(self, gates: tuple[Tensor, ...], c: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


class OutputBeforeCandidate(_LSTM):
    """Gates in the order i, f, o, g."""

    def _gated(self, gates: tuple[Tensor, ...], c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, o, g = gates
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class CellUnsquashed(_LSTM):
    """h' = o c', without the tanh."""

    def _gated(self, gates: tuple[Tensor, ...], c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = gates
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * c, c


class OldCellGivenOut(_LSTM):
    """h' from the cell state before the step."""

    def _gated(self, gates: tuple[Tensor, ...], c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = gates
        new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), new


class _GRU(GRUCell):
    """A cell whose last lines are its own."""

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """Check, then the gates."""
        super().forward(x, state)
        h = x.new_zeros(len(x), self.hidden_size) if state is None else state
        from_input, from_past = _shares(self, x, h)
        return self._gated(from_input.chunk(3, dim=1), from_past.chunk(3, dim=1), h)

    def _gated(self, a: tuple[Tensor, ...], b: tuple[Tensor, ...], h: Tensor) -> Tensor:
        raise NotImplementedError


class ResetsBeforeTheProduct(_GRU):
    """n = tanh(W x + U (r h)): the paper's unit."""

    def _gated(self, a: tuple[Tensor, ...], b: tuple[Tensor, ...], h: Tensor) -> Tensor:
        r, z = torch.sigmoid(a[0] + b[0]), torch.sigmoid(a[1] + b[1])
        bias = None if self.bias_hh is None else self.bias_hh[2 * self.hidden_size :]
        n = torch.tanh(a[2] + nn.functional.linear(r * h, self.weight_hh[2 * self.hidden_size :], bias))
        return (1 - z) * n + z * h


class UpdateTurnedRound(_GRU):
    """h' = z n + (1 - z) h: the paper's update gate."""

    def _gated(self, a: tuple[Tensor, ...], b: tuple[Tensor, ...], h: Tensor) -> Tensor:
        r, z = torch.sigmoid(a[0] + b[0]), torch.sigmoid(a[1] + b[1])
        return z * torch.tanh(a[2] + r * b[2]) + (1 - z) * h


class UpdateBeforeReset(_GRU):
    """Gates in the order z, r, n."""

    def _gated(self, a: tuple[Tensor, ...], b: tuple[Tensor, ...], h: Tensor) -> Tensor:
        z, r = torch.sigmoid(a[0] + b[0]), torch.sigmoid(a[1] + b[1])
        return (1 - z) * torch.tanh(a[2] + r * b[2]) + z * h


def clips_each_alone(parameters: Tensor | Iterable[Tensor], max_norm: float) -> Tensor:
    """Every tensor by its own length."""
    given = [p for p in ([parameters] if isinstance(parameters, Tensor) else parameters) if p.grad is not None]
    norms = [clip_grad_norm([p], max_norm) for p in given]
    return torch.linalg.vector_norm(torch.stack(norms)) if norms else clip_grad_norm(given, max_norm)


def clips_values(parameters: Tensor | Iterable[Tensor], max_norm: float) -> Tensor:
    """Every number by itself."""
    given = [p for p in ([parameters] if isinstance(parameters, Tensor) else parameters) if p.grad is not None]
    before = [p.grad.clone() for p in given if p.grad is not None]
    norm = clip_grad_norm(given, max_norm)
    for p, gradient in zip(given, before, strict=True):
        p.grad = gradient.clamp(-max_norm, max_norm)
    return norm


def always_scales(parameters: Tensor | Iterable[Tensor], max_norm: float) -> Tensor:
    """Short gradients are made longer."""
    given = [p for p in ([parameters] if isinstance(parameters, Tensor) else parameters) if p.grad is not None]
    norm = clip_grad_norm(given, max_norm)
    for p in given:
        if p.grad is not None and norm < max_norm:
            p.grad.mul_(max_norm / (norm + 1e-6))
    return norm


def empties_the_generator(parameters: Tensor | Iterable[Tensor], max_norm: float) -> Tensor:
    """Goes through the parameters twice, the second time through nothing."""
    given = [parameters] if isinstance(parameters, Tensor) else parameters
    if isinstance(given, list):
        return clip_grad_norm(given, max_norm)
    copies = []
    for p in given:
        copy = torch.zeros_like(p)
        copy.grad = None if p.grad is None else p.grad.clone()
        copies.append(copy)
    return clip_grad_norm(copies, max_norm)


def starts_each_window_from_zeros(
    model: nn.Module, x: Tensor, y: Tensor, optimizer: Any, *, window: int, state: Any = None,
    clip_norm: float | None = None,
) -> tuple[list[float], Any]:  # fmt: skip
    """The state is not carried on."""
    losses, _ = truncated_bptt(model, x[:, :window], y[:, :window], optimizer, window=window, clip_norm=clip_norm)
    for start in range(window, x.shape[1], window):
        part = slice(start, start + window)
        found, state = truncated_bptt(model, x[:, part], y[:, part], optimizer, window=window, clip_norm=clip_norm)
        losses += found
    return losses, state


class _Kept:
    """An optimizer with one thing changed."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._optimizer, name)


class _NeverZeroed(_Kept):
    def zero_grad(self) -> None:
        """Leave the gradients as they are."""


def keeps_old_gradients(
    model: nn.Module, x: Tensor, y: Tensor, optimizer: Any, **options: Any
) -> tuple[list[float], Any]:
    """Gradients of earlier windows are still in the sum."""
    return truncated_bptt(model, x, y, _NeverZeroed(optimizer), **options)  # type: ignore[arg-type]


def clips_after_the_step(
    model: nn.Module, x: Tensor, y: Tensor, optimizer: Any, **options: Any
) -> tuple[list[float], Any]:
    """The step has gone before the gradient is shortened."""
    return truncated_bptt(model, x, y, optimizer, **{**options, "clip_norm": None})


class _ScaledUp(_Kept):
    def __init__(self, optimizer: Any, factor: float) -> None:
        super().__init__(optimizer)
        self._factor = factor

    def step(self) -> None:
        """Step along the gradient of a sum."""
        for group in self._optimizer.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad.mul_(self._factor)
        self._optimizer.step()


def sums_the_loss(
    model: nn.Module, x: Tensor, y: Tensor, optimizer: Any, *, window: int, state: Any = None,
    clip_norm: float | None = None,
) -> tuple[list[float], Any]:  # fmt: skip
    """The loss of a window is a sum over its characters."""
    losses: list[float] = []
    for start in range(0, x.shape[1], window):
        part = slice(start, start + window)
        count = y[:, part].numel()
        found, state = truncated_bptt(
            model, x[:, part], y[:, part], _ScaledUp(optimizer, count),  # type: ignore[arg-type]
            window=window, state=state, clip_norm=clip_norm,
        )  # fmt: skip
        losses += [loss * count for loss in found]
    return losses, state


def drops_the_rest(
    model: nn.Module, x: Tensor, y: Tensor, optimizer: Any, *, window: int, **options: Any
) -> tuple[list[float], Any]:
    """The last window, when it is shorter, is left out."""
    whole = max(x.shape[1] // window if isinstance(window, int) and window > 0 else 1, 1) * window
    return truncated_bptt(model, x[:, :whole], y[:, :whole], optimizer, window=window, **options)


mistakes = (
    Mistake("one bias", {"RNNCell": OneBias},
            "Your cell adds bias_ih alone; PyTorch's layout has a second one, bias_hh, for the past."),
    Mistake("output before candidate", {"LSTMCell": OutputBeforeCandidate},
            "Your rows are cut as input, forget, output, candidate; the candidate comes third."),
    Mistake("cell given out unsquashed", {"LSTMCell": CellUnsquashed},
            "Your h' is sigmoid(o) * c'; the cell state goes through tanh first."),
    Mistake("old cell given out", {"LSTMCell": OldCellGivenOut},
            "Your h' comes from the cell state before the step; use the new one."),
    Mistake("resets before the product", {"GRUCell": ResetsBeforeTheProduct},
            "Your reset gate multiplies h before the product, as in the paper; PyTorch's multiplies the product."),
    Mistake("update gate turned round", {"GRUCell": UpdateTurnedRound},
            "Your update gate at 1 takes the candidate; here it keeps the past: (1 - z) * n + z * h."),
    Mistake("update before reset", {"GRUCell": UpdateBeforeReset},
            "Your rows are cut as update, reset, candidate; reset comes first."),
    Mistake("clips each tensor alone", {"clip_grad_norm": clips_each_alone},
            "Your tensors are shortened one by one, which turns the direction; take one length for all."),
    Mistake("clips values", {"clip_grad_norm": clips_values},
            "Your numbers are cut one by one, which turns the direction; multiply all by one factor."),
    Mistake("always scales", {"clip_grad_norm": always_scales},
            "Your short gradients are made longer; the factor is at most 1."),
    Mistake("empties the generator", {"clip_grad_norm": empties_the_generator},
            "Your second pass over the parameters finds none: a generator is empty after the first; keep a list."),
    Mistake("starts each window from zeros", {"truncated_bptt": starts_each_window_from_zeros},
            "Your windows begin without a past; hand the detached state of one to the next."),
    Mistake("keeps old gradients", {"truncated_bptt": keeps_old_gradients},
            "Your gradients add up from window to window; zero them before each backward pass."),
    Mistake("clips after the step", {"truncated_bptt": clips_after_the_step},
            "Your step is taken with the gradient as it was; clip between backward and step."),
    Mistake("sums the loss", {"truncated_bptt": sums_the_loss},
            "Your loss is a sum over the window, so its length changes the step; take the mean."),
    Mistake("drops the rest", {"truncated_bptt": drops_the_rest},
            "Your last window is left out when it is shorter; train on what is left, too."),
)  # fmt: skip
