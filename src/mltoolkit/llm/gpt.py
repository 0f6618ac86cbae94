"""The plain GPT of 2019, beside which the Llama-class transformer is measured.

Same interface, same order of parts as :mod:`mltoolkit.llm.transformer`, so that a diff is the list of what changed
since: learned positions, LayerNorm with offsets, one product for queries, keys and values, a GELU layer four times as
wide, and an embedding that is the output's matrix.

References
----------
Radford, A. et al. (2019). Language models are unsupervised multitask learners. OpenAI.
Karpathy, A. (2022). nanoGPT. https://github.com/karpathy/nanoGPT
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mltoolkit.errors import BadInput


class GPT(nn.Module):
    """A decoder with GPT-2's parts, without dropout: ids (B, T) in, logits (B, T, V) out.

    Parameters
    ----------
    vocab_size : int
        V.
    block_size : int, default 64
        The longest sequence in tokens; each position has an embedding of its own.
    width : int, default 128
        C.
    layers, heads : int, default 4
        ``heads`` divides ``width``.
    generator : torch.Generator, optional
        Where the first weights come from; a generator with seed 0 unless given. Normal with standard deviation 0.02,
        divided by √(2 · layers) for matrices that write into the residual stream.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        block_size: int = 64,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if width % heads:
            raise BadInput(f"GPT: heads={heads} does not divide width={width}")
        self.block_size = block_size
        self.tokens = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(block_size, width)
        self.layers = nn.ModuleList(_Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        generator = generator or torch.Generator().manual_seed(0)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                into_the_stream = name.endswith(("output.weight", "narrow.weight"))
                std = 0.02 / (math.sqrt(2 * layers) if into_the_stream else 1.0)
                nn.init.normal_(parameter, std=std, generator=generator)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the token after each token, shape (B, T, V)."""
        T = ids.shape[1]
        if self.block_size < T:
            raise BadInput(f"GPT: {T} tokens are more than block_size={self.block_size}")
        x = self.tokens(ids) + self.positions.weight[:T]
        for block in self.layers:
            x = block(x)
        return F.linear(self.norm(x), self.tokens.weight)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width, bias=False)
        self.together = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.before_wide = nn.LayerNorm(width, bias=False)
        self.wide = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.together(self.before_attention(x)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(mixed.transpose(1, 2).flatten(2))
        return x + self.narrow(F.gelu(self.wide(self.before_wide(x))))  # type: ignore[no-any-return]
