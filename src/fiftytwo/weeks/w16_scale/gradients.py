"""What accumulated gradients and reduced precision must do; these functions run where the solution lives.

Each takes the solution and returns plain data, which :mod:`~fiftytwo.weeks.w16_scale.steps` holds against its bound.
"""

from __future__ import annotations

import contextlib
import tempfile
import weakref
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

SIZES = ((8, 8, 8), (16, 5, 3), (1, 23), (24,))


def data(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """24 rows of 6 columns, and a target that grows along them: batches differ, and so do their means."""
    draws = torch.Generator().manual_seed(16)
    x = torch.randn(24, 6, generator=draws, dtype=torch.float64)
    return x.to(dtype), (torch.arange(24.0, dtype=torch.float64)[:, None] / 4 + x[:, :1] ** 2).to(dtype)


def network(dtype: torch.dtype = torch.float64) -> nn.Module:
    """The same small network each time."""
    with torch.random.fork_rng([]):
        torch.manual_seed(5)
        return nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 1)).to(dtype)


def mean_square(model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
    """The mean over the rows of a batch."""
    return nn.functional.mse_loss(model(batch[0]), batch[1])


def flat(model: nn.Module) -> Tensor:
    """All gradients in one row; a missing one is zero."""
    return torch.cat(
        [(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in model.parameters()]
    ).detach()


def cut(sizes: tuple[int, ...], x: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The first rows in batches of these sizes."""
    n = sum(sizes)
    return list(zip(torch.split(x[:n], list(sizes)), torch.split(y[:n], list(sizes)), strict=True))


def one_batch(sizes: tuple[int, ...]) -> tuple[Tensor, float]:
    """Gradient and loss of the rows as one batch: the oracle, by plain PyTorch."""
    x, y = data()
    model, n = network(), sum(sizes)
    loss = mean_square(model, (x[:n], y[:n]))
    torch.autograd.backward(loss)
    return flat(model), float(loss.detach())


def accumulated(solution: Any, sizes: tuple[int, ...]) -> tuple[Tensor, float]:
    """Gradient and loss of the rows as batches of these sizes."""
    model = network()
    loss = solution.accumulate(model, mean_square, cut(sizes, *data()))
    return flat(model), loss


def counted(solution: Any) -> tuple[Tensor, float]:
    """Batches whose means are over tokens, with a stated total of which they are a part."""
    model = network()
    loss = solution.accumulate(model, mean_square, cut((6, 6), *data()), counts=[3, 9], total=24)
    return flat(model), loss


def counted_oracle() -> tuple[Tensor, float]:
    """The same by hand."""
    model = network()
    first, second = cut((6, 6), *data())
    loss = (3 * mean_square(model, first) + 9 * mean_square(model, second)) / 24
    torch.autograd.backward(loss)
    return flat(model), float(loss.detach())


def added(solution: Any) -> Tensor:
    """Gradients after a second call without clearing."""
    model = network()
    for _ in range(2):
        solution.accumulate(model, mean_square, cut((8, 8), *data()))
    return flat(model)


def graphs_alive(solution: Any) -> int:
    """How many earlier graphs still hold their memory when a loss is computed; the most over five batches."""
    graphs: list[Any] = []
    most = 0
    keep: Any = _Kept.apply

    def loss(model: Any, batch: tuple[Tensor, ...]) -> Tensor:
        nonlocal most
        most = max(most, sum(graph() is not None for graph in graphs))
        hidden = keep(model[0](batch[0]), graphs)
        return nn.functional.mse_loss(model[2](torch.tanh(hidden)), batch[1])

    solution.accumulate(network(), loss, cut((4, 4, 4, 4, 4), *data()))
    return most


class _Token:
    """Lives as long as the graph that holds it."""


class _Kept(torch.autograd.Function):
    """The identity; its place in the graph holds a token that can be watched."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, graphs: list[Any]) -> Tensor:
        ctx.token = _Token()
        graphs.append(weakref.ref(ctx.token))
        return x.clone()

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


class Doubler:
    """A scaler whose scale is known."""

    def scale(self, loss: Tensor) -> Tensor:
        """1,024 times the loss."""
        return 1024.0 * loss


def scaled(solution: Any) -> tuple[Tensor, float]:
    """Gradient and loss with a scaler; the gradient is scaled, the loss is not."""
    model = network()
    loss = solution.accumulate(model, mean_square, cut((5, 9), *data()), scaler=Doubler())
    return flat(model), loss


def exchanges(solution: Any) -> list[bool]:
    """Whether DDP would average gradients at the forward pass of each of four batches."""
    flags: list[bool] = []

    def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        flags.append(bool(model.require_backward_grad_sync))
        return mean_square(model, batch)

    # A group of one: what is asked is how often it would speak, not what it would hear.
    with tempfile.TemporaryDirectory() as folder:
        dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=0, world_size=1)
        try:
            solution.accumulate(nn.parallel.DistributedDataParallel(network()), loss, cut((4, 4, 4, 4), *data()))
        finally:
            dist.destroy_process_group()
    return flags


def precisions(solution: Any) -> dict[str, str]:
    """The dtypes that meet in a step with each precision."""
    found = {}
    for precision in ("fp32", "bf16"):
        model = network(torch.float32)
        seen: list[Tensor] = []

        def loss(model: nn.Module, batch: tuple[Tensor, ...], seen: list[Tensor] = seen) -> Tensor:
            out: Tensor = model(batch[0])
            seen.append(out)
            return nn.functional.mse_loss(out.float(), batch[1])

        solution.accumulate(model, loss, cut((8, 8), *data(torch.float32)), precision=precision)
        first = next(model.parameters())
        grad = "none" if first.grad is None else _short(first.grad)
        found[precision] = f"products {_short(seen[0])}, weights {_short(first)}, gradients {grad}"
    return found


PRECISIONS = {
    "fp32": "products float32, weights float32, gradients float32",
    "bf16": "products bfloat16, weights float32, gradients float32",
}


def _short(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def contexts(solution: Any) -> dict[str, str]:
    """What products and losses come out as within and after the block."""
    x, found = torch.ones(4, 4), {}
    for precision in ("fp32", "bf16"):
        with solution.autocast(precision):
            found[f"a product in {precision}"] = _short(x @ x)
            found[f"a loss in {precision}"] = _short(nn.functional.mse_loss(x @ x, x))
    with contextlib.suppress(ZeroDivisionError), solution.autocast("bf16"):
        raise ZeroDivisionError
    found["a product after an error"] = _short(x @ x)
    with solution.autocast("bf16"), solution.autocast("fp32"):
        pass
    found["a product after nested blocks"] = _short(x @ x)
    return found


CONTEXTS = {
    "a product in fp32": "float32",
    "a loss in fp32": "float32",
    "a product in bf16": "bfloat16",
    "a loss in bf16": "float32",
    "a product after an error": "float32",
    "a product after nested blocks": "float32",
}
