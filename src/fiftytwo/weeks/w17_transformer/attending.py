"""Checks of scaled dot-product attention, beside PyTorch's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

CLOSE = 1e-5  # in float32, of values of size 1
_SHAPES = ((1, 1, 1, 1, 2), (1, 1, 3, 3, 4), (2, 3, 5, 5, 8), (2, 2, 4, 9, 6), (1, 4, 17, 17, 16))  # B, H, T, S, D


def attention(lab: Lab) -> Iterator[Check]:
    """Values, masks, heads, gradients, extremes, refusals."""
    yield from _values(lab)
    yield from _masks(lab)
    yield from _heads(lab)
    yield from _gradients(lab)
    yield from _extremes(lab)
    yield from _refused(lab)


def drawn(seed: int, *shapes: tuple[int, ...], dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Normal tensors of these shapes, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]


def _queries_keys_values(seed: int, shape: tuple[int, ...]) -> list[Tensor]:
    B, H, T, S, D = shape
    return drawn(seed, (B, H, T, D), (B, H, S, D), (B, H, S, D))


def past_only(T: int, S: int) -> Tensor:
    """Where the last T of S positions may look, shape (T, S)."""
    return torch.arange(S) <= torch.arange(S - T, S)[:, None]


def _compared(lab: Lab, q: Tensor, k: Tensor, v: Tensor, options: dict[str, Any], known: Tensor) -> Measurement:
    found = lab.solution.scaled_dot_product_attention(q, k, v, **options)
    named = "".join(f", {name}={value if isinstance(value, bool) else name}" for name, value in options.items())
    inputs = {"q": q, "k": k, "v": v} | {n: value for n, value in options.items() if isinstance(value, Tensor)}
    return difference(found, known, call=f"scaled_dot_product_attention(q, k, v{named})", inputs=inputs)


def _values(lab: Lab) -> Iterator[Check]:
    def whole(shape: tuple[int, ...]) -> Measurement:
        q, k, v = _queries_keys_values(sum(shape), shape)
        return _compared(lab, q, k, v, {}, F.scaled_dot_product_attention(q, k, v))

    yield Check(
        "attention to everything",
        lambda: worst((whole(shape) for shape in _SHAPES), CLOSE),
        at_most=CLOSE,
        why="Each query gets a mean of the values, weighted by how well the keys match.",
        hint=("Scores are q @ k transposed in its last two axes.",
              "Divide by √D: a sum of D products has a standard deviation of √D.",
              "softmax over the last axis, the keys: each query's weights add up to one."),
    )  # fmt: skip

    def wider() -> Measurement:
        q, k, v = drawn(3, (2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 7))
        return _compared(lab, q, k, v, {}, F.scaled_dot_product_attention(q, k, v))

    yield Check(
        "values of another width than the keys",
        wider,
        at_most=CLOSE,
        why="What is compared and what is passed on are two things.",
        hint=("Scale by the size of the queries, not of the values.",),
    )


def _masks(lab: Lab) -> Iterator[Check]:
    def causal(shape: tuple[int, ...]) -> Measurement:
        q, k, v = _queries_keys_values(sum(shape), shape)
        allowed = past_only(shape[2], shape[3])
        return _compared(lab, q, k, v, {"causal": True}, F.scaled_dot_product_attention(q, k, v, attn_mask=allowed))

    yield Check(
        "causal attention",
        lambda: worst((causal(shape) for shape in _SHAPES if shape[2] == shape[3]), CLOSE),
        at_most=CLOSE,
        why="A model that sees the token it predicts learns to copy it.",
        hint=("Set scores above the diagonal to minus infinity before the softmax.",
              "A token sees itself: the diagonal stays.",
              "torch.ones(T, T, dtype=torch.bool).triu(1) is True exactly where nobody may look."),
    )  # fmt: skip
    yield Check(
        "causal attention of the last queries",
        lambda: worst((causal(shape) for shape in ((2, 2, 4, 9, 6), (1, 1, 1, 5, 4), (1, 2, 2, 3, 4))), CLOSE),
        at_most=CLOSE,
        why="In decoding, new tokens ask and all earlier ones answer: the queries are the last of the positions.",
        hint=("Query t of T stands at position S - T + t.", "triu(S - T + 1) in place of triu(1)."),
    )

    def masked(kind: str) -> Measurement:
        q, k, v = _queries_keys_values(7, (2, 3, 4, 6, 8))
        allowed = torch.rand(2, 1, 4, 6, generator=torch.Generator().manual_seed(8)) < 0.6
        allowed[..., 0] = True
        added = drawn(9, (4, 6))[0] * 2
        mask = allowed if kind == "bools" else added
        return _compared(lab, q, k, v, {"mask": mask}, F.scaled_dot_product_attention(q, k, v, attn_mask=mask))

    yield Check(
        "a mask of bools",
        lambda: masked("bools"),
        at_most=CLOSE,
        why="Padding in a batch, documents in a row: who may look where is data.",
        hint=("True means that a query may look; where it is False the score is minus infinity.",),
    )
    yield Check(
        "a mask of numbers",
        lambda: masked("numbers"),
        at_most=CLOSE,
        why="A bias on the scores is how distances, or anything else, can be made to count.",
        hint=("It is added to the scores after they were scaled.",),
    )


def _heads(lab: Lab) -> Iterator[Check]:
    def grouped(H: int, G: int, causal: bool, masked: bool) -> Measurement:
        q, k, v = drawn(H + G, (2, H, 5, 4), (2, G, 5, 4), (2, G, 5, 4))
        options: dict[str, Any] = {"causal": causal} if causal else {}
        allowed = past_only(5, 5) if causal else torch.ones(5, 5, dtype=torch.bool)
        if masked:
            options["mask"] = drawn(5, (2, H, 5, 5))[0] > -1.0
            options["mask"][..., 0] = True
            allowed = allowed & options["mask"]
        keys, values = (part.repeat_interleave(H // G, dim=1) for part in (k, v))
        known = F.scaled_dot_product_attention(q, keys, values, attn_mask=allowed)
        return _compared(lab, q, k, v, options, known)

    yield Check(
        "grouped heads",
        lambda: worst((grouped(H, G, c, m) for H, G in ((4, 2), (6, 3), (4, 1), (8, 2)) for c in (False, True)
                       for m in (False, True)), CLOSE),
        at_most=CLOSE,
        why="Heads of queries share keys and values: the cache of a long text shrinks by that factor.",
        hint=("Of H query heads and G key heads, the first H / G share key head 0, the next H / G key head 1.",
              "k.repeat_interleave(H // G, dim=-3); repeat would put the groups in another order."),
    )  # fmt: skip


def gradients_of(solution: Any, q: Tensor, k: Tensor, v: Tensor, onto: Tensor, causal: bool) -> list[Tensor]:
    """Gradients of sum(attention · onto) with respect to q, k and v."""
    leaves = [part.clone().requires_grad_() for part in (q, k, v)]
    (solution.scaled_dot_product_attention(*leaves, causal=causal) * onto).sum().backward()
    return [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]


class _PyTorchs:
    """PyTorch's attention under the exercise's name."""

    @staticmethod
    def scaled_dot_product_attention(q: Tensor, k: Tensor, v: Tensor, *, causal: bool) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


def _gradients(lab: Lab) -> Iterator[Check]:
    def compared(causal: bool) -> Iterator[Measurement]:
        q, k, v, onto = drawn(11, *[(2, 2, 6, 4)] * 4)
        found = lab.solution.apply(gradients_of, q, k, v, onto, causal)
        known = gradients_of(_PyTorchs, q, k, v, onto, causal)
        for name, mine, theirs in zip("qkv", found, known, strict=True):
            call = f"gradient for {name} of (scaled_dot_product_attention(q, k, v, causal={causal}) * onto).sum()"
            yield difference(mine, theirs, call=call, inputs={"q": q, "k": k, "v": v, "onto": onto})

    yield Check(
        "gradients of attention",
        lambda: worst((one for causal in (False, True) for one in compared(causal)), CLOSE),
        at_most=CLOSE,
        why="Training sees attention through its gradients alone.",
        hint=("Stay with tensors: a detour through NumPy or .item() cuts the graph.",),
    )


def _extremes(lab: Lab) -> Iterator[Check]:
    def large() -> Measurement:
        q, k, v = _queries_keys_values(13, (1, 2, 4, 4, 8))
        q, k = 100 * q, 100 * k
        known = F.scaled_dot_product_attention(q.double(), k.double(), v.double()).float()
        return _compared(lab, q, k, v, {}, known)

    yield Check(
        "scores in the thousands",
        large,
        at_most=1e-2,
        why="The exponential of 1,000 is infinite; the softmax is not.",
        hint=("torch.softmax takes the largest score off first. exp() of the scores themselves overflows.",),
    )

    def nowhere() -> Measurement:
        q, k, v = _queries_keys_values(17, (1, 2, 3, 4, 4))
        allowed = torch.ones(3, 4, dtype=torch.bool)
        allowed[1] = False
        known = F.scaled_dot_product_attention(q, k, v)
        known[:, :, 1] = 0.0
        return _compared(lab, q, k, v, {"mask": allowed}, known)

    yield Check(
        "a query that may look nowhere",
        nowhere,
        at_most=CLOSE,
        why="A row of padding is a row of minus infinities, and its softmax 0/0: one NaN, and the whole batch is gone.",
        hint=("Where every score of a row is minus infinity, the weights are zeros.",),
    )

    def half() -> Measurement:
        q, k, v = (part.bfloat16() for part in _queries_keys_values(19, (1, 2, 9, 9, 16)))
        found = lab.solution.scaled_dot_product_attention(q, k, v, causal=True)
        call = "scaled_dot_product_attention(q, k, v, causal=True) of bfloat16"
        if isinstance(found, Tensor) and found.dtype != torch.bfloat16:
            return Measurement(math.nan, gate=f"expected bfloat16, got {found.dtype}", call=call, got=found)
        known = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), is_causal=True)
        return difference(found, known, call=call, inputs={"q": q, "k": k, "v": v})

    yield Check(
        "half precision stays half precision",
        half,
        at_most=0.03,
        why="On an accelerator activations are bfloat16; the answer has the dtype of the question.",
        hint=("Compute the softmax in float32 and turn the weights back into the dtype of v.",),
    )


def _refused(lab: Lab) -> Iterator[Check]:
    def call(*shapes: tuple[int, ...], **options: Any) -> Callable[[], Any]:
        return lambda: lab.solution.scaled_dot_product_attention(*drawn(1, *shapes), **options)

    def all_of_them() -> Iterator[Measurement]:
        cases: tuple[tuple[str, Callable[[], Any]], ...] = (
            ("q and k of different D", call((1, 2, 3, 4), (1, 2, 3, 5), (1, 2, 3, 5))),
            ("two values for three keys", call((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 2, 4))),
            ("three heads of queries, two of keys", call((1, 3, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4))),
            ("more queries than positions", call((1, 2, 5, 4), (1, 2, 3, 4), (1, 2, 3, 4), causal=True)),
        )
        for what, action in cases:
            yield refusal(action, call=f"scaled_dot_product_attention: {what}", mentions=("shape", "(1,", "[1,"))

    yield Check(
        "shapes that do not fit are refused",
        lambda: first_unclear(all_of_them()),
        equals=True,
        why="Some of them would broadcast, and compute something that nobody asked for.",
        hint=("Raise ValueError and say which shapes came in, such as tuple(q.shape).",
              "Ask for: equal D, as many values as keys, H divisible by G, T at most S when causal."),
    )  # fmt: skip
