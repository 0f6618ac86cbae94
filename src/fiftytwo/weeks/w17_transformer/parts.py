"""Checks of the parts: rotary positions, RMSNorm, the gated layer, and attention with heads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w17_transformer.attending import CLOSE, drawn, past_only
from mltoolkit.llm.configuration import RopeScaling, TransformerConfig

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_FAR = 1e-4  # angles of float32 at positions in the thousands


def parts(lab: Lab) -> Iterator[Check]:
    """Each part beside its formula."""
    yield from _rotary(lab)
    yield from _norm(lab)
    yield from _gate(lab)
    yield from _heads(lab)


def turned(x: Tensor, positions: Tensor, theta: float) -> Tensor:
    """Rotary positions as complex numbers in double precision: halves are real and imaginary parts."""
    real, imaginary = x.double().chunk(2, dim=-1)
    D = x.shape[-1]
    angles = positions.double()[:, None] * theta ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
    result = torch.complex(real, imaginary) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([result.real, result.imag], dim=-1).float()


def _rotary(lab: Lab) -> Iterator[Check]:
    def table(D: int, theta: float) -> Iterator[Measurement]:
        positions = torch.tensor([0, 1, 2, 7, 100])
        found = lab.solution.rotary_table(positions, D, theta=theta)
        angles = positions.double()[:, None] * theta ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
        for i, (name, known) in enumerate((("cos", angles.cos()), ("sin", angles.sin()))):
            call = f"rotary_table(positions, {D}, theta={theta:g})[{i}]  # {name}"
            yield difference(found[i], known.float(), call=call, inputs={"positions": positions})

    yield Check(
        "angles of rotary positions",
        lambda: worst((one for D, theta in ((2, 10000.0), (8, 10000.0), (16, 500.0)) for one in table(D, theta)), _FAR),
        at_most=_FAR,
        why="Each pair of a head is a clock hand; the first turns fast, the last hardly at all.",
        hint=("Pair i turns by position · theta^(-2i / D) radians.", "The shape is (T, D / 2)."),
    )  # fmt: skip

    def applied(D: int) -> Measurement:
        (x,) = drawn(D, (2, 3, 5, D))
        positions = torch.arange(3, 8)
        cos, sin = lab.solution.rotary_table(positions, D)
        call = f"apply_rotary(x, *rotary_table(positions, {D}))"
        found = lab.solution.apply_rotary(x, cos, sin)
        return difference(found, turned(x, positions, 10000.0), call=call, inputs={"x": x, "positions": positions})

    yield Check(
        "turning pairs",
        lambda: worst((applied(D) for D in (2, 4, 16)), CLOSE),
        at_most=CLOSE,
        why="Weights know which entries are a pair; another pairing turns trained weights into noise.",
        hint=("Entry i of the first half and entry i of the second half are a pair.",
              "(a, b) becomes (a cos - b sin, b cos + a sin)."),
    )  # fmt: skip

    def relative() -> Measurement:
        q, k = drawn(5, (1, 8), (1, 8))

        def score(m: int, n: int) -> float:
            ends = [
                lab.solution.apply_rotary(x, *lab.solution.rotary_table(torch.tensor([p]), 8))
                for x, p in ((q, m), (k, n))
            ]
            return float((ends[0] * ends[1]).sum())

        found = np.array([score(9 + shift, 2 + shift) for shift in (0, 1, 50, 300)])
        known = np.full(4, float((turned(q, torch.tensor([7]), 10000.0) * k).sum()))
        return difference(found, known, call="q at position m + s times k at position n + s, for s = 0, 1, 50, 300")

    yield Check(
        "a score depends on the distance alone",
        relative,
        at_most=_FAR,
        why="Turning both hands by the same angle leaves the angle between them: that is why rotations were chosen.",
        hint=("Look at the check of turning pairs first.",),
    )

    def stretched() -> Iterator[Measurement]:
        scaling = RopeScaling(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                              original_max_position_embeddings=64)  # fmt: skip
        positions = torch.tensor([1, 10, 100])
        found = lab.solution.rotary_table(positions, 16, theta=1000.0, scaling=scaling)
        angles = positions.double()[:, None] * _llama3(16, 1000.0, scaling)
        for i, known in enumerate((angles.cos(), angles.sin())):
            call = f"rotary_table(positions, 16, theta=1000, scaling=scaling)[{i}]"
            yield difference(found[i], known.float(), call=call, inputs={"positions": positions, "scaling": scaling})

    yield Check(
        "long waves stretched as in Llama 3",
        lambda: worst(stretched(), _FAR),
        at_most=_FAR,
        why="Slow hands that never came round in pretraining are slowed further; fast ones count words and stay.",
        hint=("A wave's length is 2π over its frequency.",
              "Shorter than L / high_freq_factor: as it is. Longer than L / low_freq_factor: frequency / factor.",
              "Between: blend = (L / wavelength - low) / (high - low) of the one and 1 - blend of the other."),
    )  # fmt: skip


def _llama3(D: int, theta: float, scaling: RopeScaling) -> Tensor:
    """Stretched frequencies, one wave after another."""
    frequencies = []
    for i in range(0, D, 2):
        frequency = theta ** (-i / D)
        wave = 2 * math.pi / frequency
        share = scaling.original_max_position_embeddings / wave
        if share < scaling.low_freq_factor:
            frequency /= scaling.factor
        elif share <= scaling.high_freq_factor:
            blend = (share - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
            frequency = (1 - blend) * frequency / scaling.factor + blend * frequency
        frequencies.append(frequency)
    return torch.tensor(frequencies, dtype=torch.float64)


def of_a_module(solution: Any, name: str, args: tuple[Any, ...], weights: dict[str, Tensor], given: Any) -> Tensor:
    """What a module of this name gives with these weights: ``given`` are its positional arguments."""
    module = getattr(solution, name)(*args)
    module.load_state_dict(weights)
    with torch.no_grad():
        result: Tensor = module(*given)
    return result


def _norm(lab: Lab) -> Iterator[Check]:
    def compared(scale: float, shift: float, eps: float) -> Measurement:
        x, weight = drawn(3, (2, 4, 6), (6,))
        x = x * scale + shift
        found = lab.solution.apply(of_a_module, "RMSNorm", (6, eps), {"weight": weight}, (x,))
        known = F.rms_norm(x, (6,), weight, eps)
        call = f"RMSNorm(6, {eps:g})(x)"
        return difference(found, known, call=call, inputs={"x": x, "weight": weight})

    yield Check(
        "RMSNorm",
        lambda: worst((compared(s, m, e) for s, m, e in ((1, 0, 1e-5), (1, 5, 1e-5), (1e-3, 0, 1e-5), (3, 0, 0.5))),
                      CLOSE),
        at_most=CLOSE,
        why="It sets the size of a vector and leaves its direction; a mean is part of the direction.",
        hint=("x / √(mean(x²) + eps) · weight, over the last axis.", "No mean is taken off: that would be LayerNorm.",
              "eps is added to the mean square, before the root."),
    )  # fmt: skip

    def half() -> Measurement:
        x, weight = drawn(4, (3, 1024), (1024,), dtype=torch.bfloat16)
        found = lab.solution.apply(_half_norm, weight, x)
        known = F.rms_norm(x.float(), (1024,), weight.float(), 1e-5)
        call = "RMSNorm(1024).bfloat16()(x)"
        return difference(found, known, call=call, inputs={"x": x, "weight": weight}, relative=True)

    yield Check(
        "RMSNorm in half precision",
        half,
        at_most=0.02,
        why="A sum of squares in eight bits loses what it adds; the sum is kept wide and only the answer is narrow.",
        hint=("x.float() before the square, .to(x.dtype) at the end.",),
    )


def _half_norm(solution: Any, weight: Tensor, x: Tensor) -> Tensor:
    module = solution.RMSNorm(1024).bfloat16()
    module.load_state_dict({"weight": weight})
    with torch.no_grad():
        result: Tensor = module(x)
    return result


def _gate(lab: Lab) -> Iterator[Check]:
    def compared() -> Measurement:
        x, gate, up, down = drawn(6, (2, 3, 4), (7, 4), (7, 4), (4, 7))
        weights = {"gate_proj.weight": gate, "up_proj.weight": up, "down_proj.weight": down}
        found = lab.solution.apply(of_a_module, "SwiGLU", (4, 7), weights, (x,))
        z = x.double() @ gate.double().T
        known = ((z / (1 + torch.exp(-z))) * (x.double() @ up.double().T)) @ down.double().T
        return difference(found, known.float(), call="SwiGLU(4, 7)(x)", inputs={"x": x} | weights)

    yield Check(
        "the gated layer",
        compared,
        at_most=1e-4,
        why="One product decides how much of the other passes.",
        hint=("down(silu(gate(x)) * up(x)): the SiLU is on the gate.", "No offsets: nn.Linear(..., bias=False)."),
    )


def _heads(lab: Lab) -> Iterator[Check]:
    def compared(G: int, causal: bool) -> Measurement:
        config = TransformerConfig(vocab_size=4, hidden_size=12, num_attention_heads=4, num_key_value_heads=G,
                                   head_dim=4)  # fmt: skip
        x, *matrices = drawn(G, (2, 5, 12), (16, 12), (4 * G, 12), (4 * G, 12), (12, 16))
        q, k, v, o = (0.3 * matrix for matrix in matrices)
        weights = {"q_proj.weight": q, "k_proj.weight": k, "v_proj.weight": v, "o_proj.weight": o}
        found = lab.solution.apply(heads_of, config, weights, x, causal)
        call = f"MultiHeadAttention(config)(x, cos, sin{'' if causal else ', causal=False'})"
        return difference(found, attended(x, q, k, v, o, G, causal), call=call,
                          inputs={"config": config, "x": x} | weights)  # fmt: skip

    yield Check(
        "attention with heads and positions",
        lambda: worst((compared(G, True) for G in (4, 2, 1)), 1e-4),
        at_most=1e-4,
        why="Each head reads a slice of the width and looks for something of its own.",
        hint=("(B, T, H · D) → view (B, T, H, D) → transpose(1, 2): (B, H, T, D).",
              "Queries and keys are turned; values are not.",
              "Back: transpose(1, 2), flatten the last two axes, o_proj."),
    )  # fmt: skip
    yield Check(
        "attention with heads, both ways",
        lambda: compared(2, False),
        at_most=1e-4,
        why="Objectives that fill gaps look to both sides.",
        hint=("Hand causal on to scaled_dot_product_attention.",),
    )


def heads_of(solution: Any, config: TransformerConfig, weights: dict[str, Tensor], x: Tensor, causal: bool) -> Tensor:
    """What MultiHeadAttention gives, at positions from 0 on."""
    module = solution.MultiHeadAttention(config)
    module.load_state_dict(weights)
    cos, sin = solution.rotary_table(torch.arange(x.shape[1]), config.head_size)
    with torch.no_grad():
        result: Tensor = module(x, cos, sin, causal=causal)
    return result


def attended(x: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, G: int, causal: bool) -> Tensor:
    """The same head by head: slices of the products, turned as complex numbers, through PyTorch's attention."""
    T, D, H = x.shape[1], 4, q.shape[0] // 4
    positions, heads = torch.arange(T), []
    for h in range(H):
        g = h // (H // G)
        mine, shared = slice(h * D, (h + 1) * D), slice(g * D, (g + 1) * D)
        queries, keys = turned(x @ q[mine].T, positions, 10000.0), turned(x @ k[shared].T, positions, 10000.0)
        allowed = past_only(T, T) if causal else None
        heads.append(F.scaled_dot_product_attention(queries, keys, x @ v[shared].T, attn_mask=allowed))
    return torch.cat(heads, dim=-1) @ o.T
