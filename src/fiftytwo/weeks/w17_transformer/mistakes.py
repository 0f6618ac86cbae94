"""Week 17's well-known wrong answers, each a few lines over the reference."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fiftytwo.plan import Mistake
from mltoolkit.llm.cache import KVCache
from mltoolkit.llm.transformer import (
    MultiHeadAttention,
    RMSNorm,
    SwiGLU,
    Transformer,
    apply_rotary,
    rotary_table,
    scaled_dot_product_attention,
)


def _attention(
    *, ahead: int = 0, scaled: bool = True, axis: int = -1, tiled: bool = False, upper_left: bool = False
) -> Callable[..., Tensor]:
    """Attention with one thing changed; what the reference refuses is refused here too."""

    def attend(q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False, mask: Tensor | None = None) -> Tensor:
        scaled_dot_product_attention(q, k, v, causal=causal, mask=mask)
        T, S = q.shape[-2], k.shape[-2]
        if q.ndim > 2:
            times = q.shape[-3] // k.shape[-3]
            k, v = (
                torch.cat([part] * times, dim=-3) if tiled else part.repeat_interleave(times, dim=-3) for part in (k, v)
            )
        scores = (q @ k.mT).float() / (math.sqrt(q.shape[-1]) if scaled else 1.0)
        if causal:
            first = 1 + ahead + (0 if upper_left else S - T)
            scores = scores.masked_fill(torch.ones(T, S, dtype=torch.bool).triu(first), -math.inf)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
        weights = torch.softmax(scores, dim=axis).nan_to_num(0.0)
        return weights.to(v.dtype) @ v

    return attend


class TakesTheMeanOff(RMSNorm):
    """LayerNorm's habit."""

    def forward(self, x: Tensor) -> Tensor:
        """Centre first."""
        return super().forward(x - x.mean(-1, keepdim=True))


class AddsEpsBehindTheRoot(RMSNorm):
    """The small number in the wrong place."""

    def forward(self, x: Tensor) -> Tensor:
        """Divide by the root plus eps."""
        wide = x.float()
        return (wide / (wide.square().mean(-1, keepdim=True).sqrt() + self.eps)).to(x.dtype) * self.weight


class NarrowSums(RMSNorm):
    """The sum of squares in the dtype of the input."""

    def forward(self, x: Tensor) -> Tensor:
        """Add up the squares one by one, in the precision that came in."""
        if x.dtype == torch.float32:
            return super().forward(x)
        total = torch.zeros_like(x[..., 0])
        for entry in x.unbind(-1):
            total = total + entry * entry
        return x * torch.rsqrt(total / x.shape[-1] + self.eps)[..., None] * self.weight


def pairs_neighbours(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """The paper's pairing: entries 0 and 1, 2 and 3, and so on."""
    order = torch.arange(x.shape[-1]).view(-1, 2).T.flatten()
    return apply_rotary(x[..., order], cos, sin)[..., torch.argsort(order)]


def turns_back(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """The other sign."""
    return apply_rotary(x, cos, -sin)


def angles_by_width(positions: Tensor, head_dim: int, **options: Any) -> tuple[Tensor, Tensor]:
    """Exponents i / D in place of 2i / D."""
    theta = options.pop("theta", 10000.0)
    return rotary_table(positions, head_dim, theta=math.sqrt(theta), **options)


class GatesTheOther(SwiGLU):
    """SiLU on the wrong product."""

    def forward(self, x: Tensor) -> Tensor:
        """Swap gate and up."""
        return self.down_proj(self.gate_proj(x) * F.silu(self.up_proj(x)))  # type: ignore[no-any-return]


class TurnsValuesToo(MultiHeadAttention):
    """Rotary positions on the values."""

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, *, causal: bool = True, cache: KVCache | None = None
    ) -> Tensor:
        """Turn all three."""
        parts = (projection(x).view(*x.shape[:2], -1, self.head_size).transpose(1, 2)
                 for projection in (self.q_proj, self.k_proj, self.v_proj))  # fmt: skip
        q, k, v = (apply_rotary(part, cos, sin) for part in parts)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)
        mixed = scaled_dot_product_attention(q, k, v, causal=causal)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class MixesTokensIntoHeads(MultiHeadAttention):
    """One view where a view and a transposition are needed."""

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, *, causal: bool = True, cache: KVCache | None = None
    ) -> Tensor:
        """View (B, T, H · D) as (B, H, T, D)."""
        B, T, _ = x.shape
        q, k, v = (projection(x).view(B, -1, T, self.head_size)
                   for projection in (self.q_proj, self.k_proj, self.v_proj))  # fmt: skip
        q, k = apply_rotary(q, cos, sin), apply_rotary(k, cos, sin)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)
        mixed = scaled_dot_product_attention(q, k, v, causal=causal)
        return self.o_proj(mixed.reshape(B, T, -1))  # type: ignore[no-any-return]


class StartsAnew(Transformer):
    """Positions from 0 in every call."""

    def forward(self, ids: Tensor, cache: KVCache | None = None, *, causal: bool = True) -> Tensor:
        """Take the angles of 0 to T - 1, whatever the cache holds."""
        self._check(ids, 0 if cache is None else cache.length)
        cos, sin = rotary_table(torch.arange(ids.shape[1]), self.config.head_size, theta=self.config.rope_theta,
                                scaling=self.config.rope_scaling)  # fmt: skip
        x = self.embed_tokens(ids)
        for block in self.layers:
            x = block(x, cos, sin, causal, cache)
        return self.lm_head(self.norm(x))  # type: ignore[no-any-return]


class ForgetsTheLastNorm(Transformer):
    """The output reads the stream as it is."""

    def forward(self, ids: Tensor, cache: KVCache | None = None, *, causal: bool = True) -> Tensor:
        """Leave out the norm before the output."""
        known, self.norm = self.norm, nn.Identity()  # type: ignore[assignment]
        try:
            return super().forward(ids, cache, causal=causal)
        finally:
            self.norm = known


class DrawsLargeEmbeddings(Transformer):
    """PyTorch's own first weights of an embedding, which are normal with standard deviation 1."""

    def __init__(self, config: Any, *, generator: torch.Generator | None = None) -> None:
        super().__init__(config, generator=generator)
        with torch.no_grad():
            self.embed_tokens.weight.mul_(math.sqrt(config.hidden_size))


mistakes = (
    Mistake(
        "sees one token ahead",
        {"scaled_dot_product_attention": _attention(ahead=1)},
        "Your mask begins one diagonal too high: each token sees the one that it should predict.",
    ),
    Mistake(
        "does not scale",
        {"scaled_dot_product_attention": _attention(scaled=False)},
        "Scores are not divided by √D, so the softmax saturates as heads grow wide.",
    ),
    Mistake(
        "softmax over the queries",
        {"scaled_dot_product_attention": _attention(axis=-2)},
        "Your softmax runs over the queries: each key's weights add up to one, and each query's to anything.",
    ),
    Mistake(
        "tiles the heads of keys",
        {"scaled_dot_product_attention": _attention(tiled=True)},
        "Keys are repeated as k0 k1 k0 k1 where k0 k0 k1 k1 is meant: repeat_interleave, not repeat.",
    ),
    Mistake(
        "takes queries for the first positions",
        {"scaled_dot_product_attention": _attention(upper_left=True)},
        "With fewer queries than keys your mask begins at the upper left; new tokens are the last positions.",
    ),
    Mistake(
        "takes the mean off",
        {"RMSNorm": TakesTheMeanOff},
        "Your norm centres its input first: that is LayerNorm, and no Llama was trained with it.",
    ),
    Mistake(
        "adds eps behind the root",
        {"RMSNorm": AddsEpsBehindTheRoot},
        "eps belongs under the root, to the mean square.",
    ),
    Mistake(
        "sums squares in half precision",
        {"RMSNorm": NarrowSums},
        "The sum of squares is kept in the input's eight bits; compute it in float32.",
    ),
    Mistake(
        "pairs neighbours",
        {"apply_rotary": pairs_neighbours},
        "Entries 0 and 1 are turned together; here entry i of the first half belongs to entry i of the second half.",
    ),
    Mistake(
        "turns the other way",
        {"apply_rotary": turns_back},
        "Your rotation has the other sign: (a cos - b sin, b cos + a sin).",
    ),
    Mistake(
        "halves the exponents",
        {"rotary_table": angles_by_width},
        "The exponent of pair i is 2i / D, not i / D.",
    ),
    Mistake(
        "gates the other product",
        {"SwiGLU": GatesTheOther},
        "SiLU is applied to up(x); it belongs on gate(x).",
    ),
    Mistake(
        "turns values too",
        {"MultiHeadAttention": TurnsValuesToo},
        "Values are turned as well; positions decide where to look, not what is passed on.",
    ),
    Mistake(
        "mixes tokens into heads",
        {"MultiHeadAttention": MixesTokensIntoHeads},
        "A view of (B, T, H · D) as (B, H, T, D) deals tokens out to heads; view (B, T, H, D), then transpose.",
    ),
    Mistake(
        "starts anew with a cache",
        {"Transformer": StartsAnew},
        "Positions begin at 0 in each call; with a cache they begin at cache.length.",
    ),
    Mistake(
        "forgets the last norm",
        {"Transformer": ForgetsTheLastNorm},
        "The output layer reads the residual stream before the last norm.",
    ),
    Mistake(
        "draws large embeddings",
        {"Transformer": DrawsLargeEmbeddings},
        "The embedding keeps PyTorch's standard deviation of 1, so a tied output starts out sure of the wrong thing.",
    ),
)
