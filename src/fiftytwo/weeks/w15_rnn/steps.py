"""Checks of clipping and of truncated steps along streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst

if TYPE_CHECKING:
    from torch import Tensor

    from fiftytwo.lab import Lab

_CLOSE = 1e-5
_EXACT = 1e-9  # streams are trained in double precision
_WINDOW = 5


def clipping(lab: Lab) -> Iterator[Check]:
    """The length of all gradients together, and what is done to it."""
    import torch

    from fiftytwo.weeks.w15_rnn import probes

    generator = torch.Generator().manual_seed(0)
    long: list[Tensor | None] = [3 * torch.randn(*shape, generator=generator) for shape in ((4, 3), (5,), (2, 2, 2))]
    short: list[Tensor | None] = [0.01 * gradient for gradient in long if gradient is not None]
    zeros: list[Tensor | None] = [0.0 * gradient for gradient in long if gradient is not None]

    def compared(gradients: list[Tensor | None], max_norm: float, how: str) -> Measurement:
        norm, after = lab.solution.apply(probes.clipped, gradients, max_norm, how)
        known, wanted = probes.clipped(probes.Oracle, gradients, max_norm, how)
        given = "model.parameters()" if how == "iterator" else "[w1, w2, ...]"
        inputs = {f"gradient_{i}": gradient for i, gradient in enumerate(gradients) if gradient is not None}
        pairs: list[tuple[str, Any, Any]] = [
            (f"gradient {i} after clip_grad_norm({given}, {max_norm})", got, expected)
            for i, (got, expected) in enumerate(zip(after, wanted, strict=True))
            if expected is not None
        ]
        pairs.append((f"clip_grad_norm({given}, {max_norm})", norm, known))
        return worst((difference(got, want, call=call, inputs=inputs) for call, got, want in pairs), _CLOSE)

    hint = (
        "One length for all parameters: the root of the sum of all squares.",
        "Multiply every gradient by max_norm / length, and only when that is below 1.",
        "A generator can be gone through once: make a list of the gradients first.",
    )
    cases: tuple[tuple[str, list[Tensor | None], float, str, str], ...] = (
        ("a long gradient is shortened", long, 1.0, "list", "One factor for all keeps the direction."),
        ("a short gradient stays", short, 1.0, "list", "Clipping is a limit, not a normalisation."),
        ("parameters that come as a generator", long, 0.5, "iterator", "model.parameters() is one."),
        ("a parameter without gradient", [None, *long], 2.0, "list", "Frozen weights have none."),
        ("a gradient of zeros", zeros, 1.0, "list",
         "A division by its length would make NaN of it."),
        ("no gradient at all", [None, None], 1.0, "list", "Before the first backward pass there is none."),
    )  # fmt: skip
    for title, gradients, max_norm, how, why in cases:
        yield Check(
            f"clip_grad_norm: {title}",
            lambda g=gradients, m=max_norm, how=how: compared(g, m, how),  # type: ignore[misc]
            at_most=_CLOSE,
            why=why,
            hint=hint,
        )
    yield Check(
        "clip_grad_norm: refuses a length of 0 or below",
        lambda: first_unclear(
            refusal(
                lambda bad=bad: lab.solution.apply(probes.clipped, long, bad, "list"),  # type: ignore[misc]
                call=f"clip_grad_norm(parameters, {bad})",
                mentions=("max_norm",),
            )
            for bad in (0.0, -1.0, float("nan"))
        ),
        equals=True,
        why="A limit of 0 stops training without a word, and one below turns it round.",
        hint=("Ask `not max_norm > 0`, which NaN fails too, and name max_norm in the message.",),
    )


def streams(lab: Lab) -> Iterator[Check]:
    """Windows, the state between them, and the gradient that ends at each."""
    import torch

    from fiftytwo.weeks.w15_rnn import probes

    generator = torch.Generator().manual_seed(3)
    text = torch.randint(0, 7, (3, 24), generator=generator)
    x, y = text[:, :23], text[:, 1:]
    inputs = {"x": x, "y": y}

    def compared(what: str, core: str = "lstm", pieces: tuple[int, ...] = (23,), **options: Any) -> Measurement:
        given = {"window": _WINDOW, "rate": 0.5, "clip_norm": None, "momentum": 0.0} | options
        args = (core, x, y, pieces, *given.values())
        found = lab.solution.apply(probes.streamed, *args)
        known = probes.streamed(probes.Oracle, *args)
        call = f"truncated_bptt(model, x, y, optimizer, window={given['window']}, clip_norm={given['clip_norm']})"
        got, expected = (np.asarray(each[what], dtype=float) for each in (found, known))
        return difference(got, expected, call=f"{what} after {call}", inputs=inputs)

    def cut() -> Measurement:
        second = lab.solution.apply(_second_gradient, x, y, _WINDOW)
        _, truncated = probes.full_gradient(x, y, _WINDOW)
        return difference(
            second, truncated, call="the gradient of the second window, state carried from the first", inputs=inputs
        )

    hint = (
        "For each window: zero the gradients, forward with the state, mean cross-entropy, backward, clip, step.",
        "Carry the state into the next window, but detached: state = tuple(s.detach() for s in state).",
        "The returned losses are those before each step, one a window; the last window may be shorter.",
    )
    cases: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("losses of one window", {"what": "losses", "window": 23}, "With one window it is a plain step."),
        ("losses of each window", {"what": "losses"}, "The second window is predicted from what the first left."),
        ("weights afterwards", {"what": "weights"}, "Every window takes its own step, with its own gradient."),
        ("state afterwards", {"what": "state"}, "The next call goes on from here."),
        ("weights with momentum", {"what": "weights", "rate": 0.1, "momentum": 0.9},
         "A gradient that was not zeroed counts twice, and momentum remembers it."),
        ("a state that is one tensor", {"what": "weights", "core": "gru"}, "An LSTM carries two tensors, a GRU one."),
        ("two calls are one", {"what": "weights", "pieces": (10, 13)}, "A stream may be trained on in pieces."),
        ("clipped before the step", {"what": "weights", "rate": 2.0, "clip_norm": 0.05},
         "What is clipped after the step has done its damage."),
        ("windows of one character", {"what": "losses", "window": 1}, "The shortest memory that still learns."),
    )  # fmt: skip
    for title, options, why in cases:
        yield Check(
            f"truncated_bptt: {title}",
            lambda options=options: compared(**options),  # type: ignore[misc]
            at_most=_EXACT,
            why=why,
            hint=hint,
        )
    yield Check(
        "truncated_bptt: the gradient ends where the window begins",
        cut,
        at_most=_EXACT,
        why="Cut, a step costs the same after a million characters; whole, the gradient differs and the graph grows.",
        hint=hint[1:2],
    )

    def left_out() -> float:
        full, truncated = probes.full_gradient(x, y, _WINDOW)
        return float((full - truncated).norm() / full.norm())

    yield Check(
        "share of a gradient that the cut leaves out",
        left_out,
        at_least=0.01,
        why="The cut gradient is not the whole one: what lies before the window is read and not learned from.",
        exercise=False,
    )
    yield Check(
        "truncated_bptt: the state that comes back has no graph",
        lambda: bool(lab.solution.apply(_has_graph, x, y)),
        equals=False,
        why="A graph that comes along keeps all its numbers in memory.",
        hint=hint[1:2],
    )
    yield Check(
        "truncated_bptt: refuses streams that do not fit",
        lambda: first_unclear(
            refusal(
                lambda a=a, b=b, w=w: lab.solution.apply(probes.streamed, "lstm", a, b, (30,), w, 0.1, None),  # type: ignore[misc]
                call=f"truncated_bptt(model, <x {tuple(a.shape)}>, <y {tuple(b.shape)}>, optimizer, window={w})",
                mentions=mentions,
            )
            for a, b, w, mentions in (
                (x, y[:, :9], 5, ("shape",)),
                (x[:, :0], y[:, :0], 5, ("shape", "empty")),
                (x, y, 0, ("window",)),
            )
        ),
        equals=True,
        why="Streams of different lengths would be compared with the wrong characters.",
        hint=("x and y have one shape (B, T) with T of at least 1, and window is at least 1.",),
    )


def _second_gradient(solution: Any, x: Any, y: Any, window: int) -> Any:
    """Gradient of the second window at the first weights, read off a step of length 1."""
    import torch

    from fiftytwo.weeks.w15_rnn import probes

    model = probes.Streamer("lstm", seed=1)
    still = torch.optim.SGD(model.parameters(), lr=0.0)
    _, state = solution.truncated_bptt(model, x[:, :window], y[:, :window], still, window=window)
    before = torch.cat([p.detach().flatten() for p in model.parameters()])
    part = slice(window, 2 * window)
    step = torch.optim.SGD(model.parameters(), lr=1.0)
    solution.truncated_bptt(model, x[:, part], y[:, part], step, window=window, state=state)
    return before - torch.cat([p.detach().flatten() for p in model.parameters()])


def _has_graph(solution: Any, x: Any, y: Any) -> bool:
    from fiftytwo.weeks.w15_rnn import probes

    return bool(probes.streamed(solution, "lstm", x, y, (23,), _WINDOW, 0.1, None)["graph"])
