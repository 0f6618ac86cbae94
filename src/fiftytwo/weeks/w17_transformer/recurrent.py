"""The recurrent peer: as many parameters, as many operations, and one step after another."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Recurrent(nn.Module):
    """An LSTM between an embedding and the same matrix as output: ids (B, T) in, logits (B, T, V) out.

    Parameters
    ----------
    vocab_size : int
        V.
    width : int
        C, of the embedding and of the state.
    generator : torch.Generator
        Where the first weights come from: normal with standard deviation 1 / √C. Forget gates start open, as Jozefowicz
        et al. (2015) found best.
    """

    def __init__(self, vocab_size: int, width: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocab_size, width)
        self.cell = nn.LSTM(width, width, batch_first=True)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=width**-0.5, generator=generator)
        offsets = dict(self.cell.named_parameters())
        with torch.no_grad():
            offsets["bias_ih_l0"].zero_()
            offsets["bias_hh_l0"].zero_()
            offsets["bias_ih_l0"][width : 2 * width] = 1.0  # input, forget, cell, output: PyTorch's order

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the token after each token, shape (B, T, V)."""
        states, _ = self.cell(self.embed_tokens(ids))
        return F.linear(states, self.embed_tokens.weight)


def width_of(parameters: int, vocab_size: int) -> int:
    """Width at which the peer has about this many parameters: the root of 8 C² + (8 + V) C = parameters."""
    b = 8 + vocab_size
    return round((math.sqrt(b * b + 32 * parameters) - b) / 16)


def flops_of(width: int, vocab_size: int) -> float:
    """Floating-point operations of the forward pass per token, matrix products alone."""
    return 2.0 * (8 * width * width + vocab_size * width)
