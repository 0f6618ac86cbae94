"""What each head of a trained transformer looks at."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mltoolkit.llm.transformer import MultiHeadAttention, Transformer, apply_rotary, rotary_table


@torch.no_grad()
def attention_weights(model: Transformer, ids: Tensor) -> NDArray[np.float64]:
    """The weights of every head.

    Parameters
    ----------
    model : Transformer
    ids : Tensor of shape (1, T)

    Returns
    -------
    ndarray of shape (layers, H, T, T)
        Row t of a head says how much of each token goes into token t; rows add up to 1.
    """
    entering: list[Tensor] = []

    def keep(_module: Any, inputs: tuple[Tensor, ...]) -> None:
        entering.append(inputs[0])

    attentions = [module for module in model.modules() if isinstance(module, MultiHeadAttention)]
    hooks = [attention.register_forward_pre_hook(keep) for attention in attentions]
    try:
        model(ids)
    finally:
        for hook in hooks:
            hook.remove()
    T, D = ids.shape[1], model.config.head_size
    cos, sin = rotary_table(torch.arange(T), D, theta=model.config.rope_theta, scaling=model.config.rope_scaling)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    layers = []
    for attention, x in zip(attentions, entering, strict=True):
        q, k = (
            apply_rotary(projection(x).view(T, -1, D).transpose(0, 1), cos, sin)
            for projection in (attention.q_proj, attention.k_proj)
        )
        k = k.repeat_interleave(len(q) // len(k), dim=0)
        scores = (q @ k.mT / math.sqrt(D)).masked_fill(future, -math.inf)
        layers.append(torch.softmax(scores, dim=-1))
    return torch.stack(layers).double().numpy()


def reach(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far back each head looks on average, in tokens, shape (layers, H)."""
    T = weights.shape[-1]
    back = np.arange(T)[:, None] - np.arange(T)
    return np.asarray((weights * np.maximum(back, 0)).sum(axis=-1).mean(axis=-1))
