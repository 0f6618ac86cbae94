"""Calls into the solution where it lives: what comes back is plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]


def shapes(solution: Any, name: str, args: tuple[Any, ...]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a new cell's parameters."""
    cell = getattr(solution, name)(*args)
    return {key: tuple(weight.shape) for key, weight in cell.state_dict().items()}


def drawn(solution: Any, name: str, args: tuple[Any, ...]) -> dict[str, Tensor]:
    """A new cell's parameters as they are drawn."""
    torch.manual_seed(0)
    return {key: weight.detach().clone() for key, weight in getattr(solution, name)(*args).state_dict().items()}


def run(
    solution: Any, name: str, weights: Mapping[str, Tensor], x: Tensor, state: State | None, bias: bool = True
) -> dict[str, Tensor]:
    """Go through x of shape (T, B, I) step by step: states of each step, and gradients of a fixed sum of them."""
    kind = getattr(solution, name)
    hidden = next(iter(weights.values())).shape[0] // {"RNNCell": 1, "LSTMCell": 4, "GRUCell": 3}[name]
    cell = kind(x.shape[2], hidden) if bias else kind(x.shape[2], hidden, bias=False)
    cell = cell.to(x.dtype)
    cell.load_state_dict(dict(weights))
    x = x.clone().requires_grad_()
    begun = tuple(part.clone().requires_grad_() for part in state or ())
    now: Any = begun if len(begun) > 1 else begun[0] if begun else None
    steps = []
    for at in x:
        now = cell(at, now)
        steps.append(torch.stack(now) if isinstance(now, tuple) else now[None])
    states = torch.stack(steps)
    (states * weighting(states)).sum().backward()  # type: ignore[no-untyped-call]
    found = {"states": states, "grad x": x.grad}
    found |= {f"grad {letter}": part.grad for letter, part in zip("hc", begun, strict=False)}
    found |= {f"grad {key}": weight.grad for key, weight in cell.named_parameters()}
    return {key: value.detach().clone() for key, value in found.items() if value is not None}


def weighting(like: Tensor) -> Tensor:
    """Fixed weights between -1 and 1, so that no two numbers count alike."""
    return torch.linspace(-1.0, 1.0, like.numel(), dtype=like.dtype).view_as(like)


def one_step(solution: Any, name: str, args: tuple[Any, ...], *given: Any) -> Any:
    """One call of a new cell."""
    return getattr(solution, name)(*args)(*given)


def clipped(
    solution: Any, gradients: list[Tensor | None], max_norm: float, how: str
) -> tuple[float, list[Tensor | None]]:
    """The length that comes back, and the gradients after clipping; handed over as a list or as an iterator."""
    parameters = []
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros(3) if gradient is None else torch.zeros_like(gradient))
        parameter.grad = None if gradient is None else gradient.clone()
        parameters.append(parameter)
    norm = solution.clip_grad_norm(iter(parameters) if how == "iterator" else parameters, max_norm)
    return float(norm), [None if p.grad is None else p.grad.clone() for p in parameters]


class Streamer(nn.Module):
    """A small model of PyTorch's own parts, the same on both sides."""

    def __init__(self, core: str, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.embedding = nn.Embedding(7, 4)
        self.core = (nn.LSTM if core == "lstm" else nn.GRU)(4, 6, batch_first=True)
        self.head = nn.Linear(6, 7)
        self.double()

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Logits, and the state."""
        out, state = self.core(self.embedding(x), state)
        return self.head(out), state


def streamed(
    solution: Any, core: str, x: Tensor, y: Tensor, pieces: tuple[int, ...], window: int, rate: float,
    clip_norm: float | None, momentum: float = 0.0,
) -> dict[str, Any]:  # fmt: skip
    """Train along streams, in one call or in several that hand the state on."""
    model = Streamer(core, seed=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum)
    state, losses, start = None, [], 0
    for piece in pieces:
        part = slice(start, start + piece)
        found, state = solution.truncated_bptt(
            model, x[:, part], y[:, part], optimizer, window=window, state=state, clip_norm=clip_norm
        )
        losses += [float(loss) for loss in found]
        start += piece
    parts = state if isinstance(state, tuple) else (state,)
    return {
        "losses": losses,
        "weights": torch.cat([p.detach().flatten() for p in model.parameters()]),
        "state": torch.stack([part.detach() for part in parts]),
        "graph": any(part.requires_grad for part in parts),
    }


class Oracle:
    """What PyTorch's own parts give for the same calls."""

    RNNCell, LSTMCell, GRUCell = nn.RNNCell, nn.LSTMCell, nn.GRUCell

    @staticmethod
    def clip_grad_norm(parameters: Any, max_norm: float) -> Tensor:
        """PyTorch's clipping."""
        return nn.utils.clip_grad_norm_(parameters, max_norm)

    @staticmethod
    def truncated_bptt(
        model: nn.Module,
        x: Tensor,
        y: Tensor,
        optimizer: Any,
        *,
        window: int,
        state: Any = None,
        clip_norm: float | None = None,
    ) -> tuple[list[float], Any]:
        """Window after window, each by autograd alone."""
        losses = []
        for a, b in zip(torch.split(x, window, dim=1), torch.split(y, window, dim=1), strict=True):
            optimizer.zero_grad()
            logits, state = model(a, state)
            state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            loss = nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), b.reshape(-1))
            loss.backward()  # type: ignore[no-untyped-call]
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
            optimizer.step()
            losses.append(loss.item())
        return losses, state


def full_gradient(x: Tensor, y: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Gradient of the second window's loss: through the first window, and cut where it begins."""
    found = []
    for cut in (False, True):
        model = Streamer("lstm", seed=1)
        _, state = model(x[:, :window])
        if cut:
            state = tuple(part.detach() for part in state)
        logits, _ = model(x[:, window : 2 * window], state)
        nn.functional.cross_entropy(logits.flatten(0, 1), y[:, window : 2 * window].flatten()).backward()  # type: ignore[no-untyped-call]
        found.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    return found[0], found[1]
