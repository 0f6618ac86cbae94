"""A Llama-class transformer, piece by piece: attention, rotary positions, RMSNorm, SwiGLU, and the decoder of these.

What differs from the transformer of 2017, and why:

- normalization comes before each part (the residual stream itself is never rescaled, so depth trains), by the root
  mean square alone;
- positions turn queries and keys instead of being added to the input, so that scores depend on distances;
- the second layer of each block is gated: SiLU of one product times another;
- several heads of queries may share one head of keys and values, which makes the cache of decoding smaller;
- no offsets anywhere, and the output layer may be the embedding's matrix.

Parameters have the names that Hugging Face's Llama has, less the prefix ``model.``, so that weights move both ways.
Shapes: B batch, T tokens, S tokens that are looked at, C width, H heads, G heads of keys and values, D head size,
V vocabulary.

References
----------
Vaswani, A. et al. (2017). Attention is all you need. arXiv:1706.03762.
Su, J. et al. (2021). RoFormer: enhanced transformer with rotary position embedding. arXiv:2104.09864.
Zhang, B., Sennrich, R. (2019). Root mean square layer normalization. arXiv:1910.07467.
Shazeer, N. (2020). GLU variants improve transformer. arXiv:2002.05202.
Ainslie, J. et al. (2023). GQA: training generalized multi-query transformer models. arXiv:2305.13245.
Touvron, H. et al. (2023). LLaMA: open and efficient foundation language models. arXiv:2302.13971.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mltoolkit.errors import BadInput
from mltoolkit.llm.cache import KVCache
from mltoolkit.llm.configuration import RopeScaling, TransformerConfig
from mltoolkit.llm.storage import Pretrained


def scaled_dot_product_attention(
    q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False, mask: Tensor | None = None
) -> Tensor:
    """Means of the values, weighted by how well each query matches each key: softmax(q kᵀ / √D) v.

    Parameters
    ----------
    q : Tensor of shape (..., H, T, D)
        Queries; (T, D) where there are no heads.
    k : Tensor of shape (..., G, S, D)
        Keys. G divides H: each head of keys serves H / G neighbouring heads of queries, the first the first H / G.
    v : Tensor of shape (..., G, S, E)
        Values.
    causal : bool, default False
        Queries are the last T of the S positions, and none sees a later one: query t sees keys 0 to S - T + t. With
        T = S that is PyTorch's ``is_causal``; with T < S PyTorch takes the queries for the first T instead.
    mask : Tensor, optional
        Broadcasts to (..., H, T, S). Of bools: True where a query may look. Of numbers: added to the scores.

    Returns
    -------
    Tensor of shape (..., H, T, E)
        In the dtype of ``q``. A query that may look nowhere gets zeros. Weights are computed in at least float32.

    Raises
    ------
    BadInput
        When shapes or dtypes do not fit together; all faults at once.

    Examples
    --------
    >>> import torch
    >>> q = k = torch.zeros(1, 3, 2)
    >>> v = torch.tensor([[[0.0], [3.0], [6.0]]])
    >>> scaled_dot_product_attention(q, k, v, causal=True).flatten().tolist()
    [0.0, 1.5, 3.0]
    """
    _check_attention(q, k, v, causal, mask)
    shape = (*q.shape[:-1], v.shape[-1])
    T, S = q.shape[-2], k.shape[-2]
    if q.ndim > 2 and q.shape[-3] != k.shape[-3]:
        # A head of keys meets its queries by broadcasting; no copy of it is made.
        groups = k.shape[-3]
        q = q.reshape(*q.shape[:-3], groups, -1, *q.shape[-2:])
        k, v = k.unsqueeze(-3), v.unsqueeze(-3)
        if mask is not None and mask.ndim > 2:
            mask = mask.reshape(*mask.shape[:-3], groups if mask.shape[-3] > 1 else 1, -1, *mask.shape[-2:])
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-2, -1)
    if scores.dtype in (torch.float16, torch.bfloat16):
        scores = scores.float()
    if causal and T > 1:
        # Added in place: the gradient passes an addition as it is, and the product needs no copy of its result.
        scores += torch.full((T, S), -math.inf, dtype=scores.dtype, device=q.device).triu_(S - T + 1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:  # a row of minus infinities is 0/0; it sees nothing
        weights = weights.masked_fill((scores == -math.inf).all(-1, keepdim=True), 0.0)
    return (weights.to(v.dtype) @ v).reshape(shape)


def rotary_table(
    positions: Tensor, head_dim: int, *, theta: float = 10000.0, scaling: RopeScaling | None = None
) -> tuple[Tensor, Tensor]:
    """Cosines and sines by which each pair of a head is turned at each position.

    Pair i turns by ``position · theta^(-2i / D)``: the first pair once in 2π tokens, the last once in about 2π · theta.

    Parameters
    ----------
    positions : Tensor of shape (T,), whole numbers
    head_dim : int
        D, an even number.
    theta : float, default 10000.0
    scaling : RopeScaling, optional
        Llama 3's stretching of long wavelengths.

    Returns
    -------
    cos, sin : Tensor of shape (T, D / 2), float32

    Raises
    ------
    BadInput
        When ``head_dim`` is odd or below 2.
    """
    if head_dim < 2 or head_dim % 2:
        raise BadInput(f"rotary_table: head_dim is an even number of at least 2, got {head_dim}")
    exponents = torch.arange(0, head_dim, 2, device=positions.device).float() / head_dim
    frequencies = 1.0 / theta**exponents
    if scaling is not None:
        frequencies = _stretched(frequencies, scaling)
    angles = positions.float()[:, None] * frequencies
    return angles.cos(), angles.sin()


def apply_rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair of a head by its angle.

    Entry i of the first half and entry i of the second half are a pair, as in Hugging Face's Llama. (The paper pairs
    neighbours instead. Weights trained with one pairing are noise under the other.)

    Parameters
    ----------
    x : Tensor of shape (..., T, D)
        Queries or keys.
    cos, sin : Tensor of shape (T, D / 2)
        From :func:`rotary_table`.

    Returns
    -------
    Tensor of shape (..., T, D)
        In the dtype of ``x``, and as long as ``x`` in every pair.
    """
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class RMSNorm(nn.Module):
    """Divide by the root mean square of the last axis, and multiply by a learned weight.

    No mean is taken off: y = x / √(mean(x²) + eps) · weight, computed in at least float32.

    Parameters
    ----------
    size : int
        C, the length of the last axis.
    eps : float, default 1e-5

    Attributes
    ----------
    weight : Parameter of shape (C,)
        Ones at first.
    """

    def __init__(self, size: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., C) to (..., C), in the dtype of ``x``."""
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        scaled = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return scaled.to(x.dtype) * self.weight.to(x.dtype)


class SwiGLU(nn.Module):
    """The gated layer: down(SiLU(gate(x)) · up(x)), with SiLU(z) = z / (1 + exp(-z)).

    Parameters
    ----------
    size : int
        C, width of input and output.
    hidden : int
        Width in between.

    Attributes
    ----------
    gate_proj, up_proj : Linear from C to hidden, without offsets
    down_proj : Linear from hidden to C, without offsets
    """

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(size, hidden, bias=False)
        self.up_proj = nn.Linear(size, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., C) to (..., C)."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))  # type: ignore[no-any-return]


class MultiHeadAttention(nn.Module):
    """Attention of H heads side by side, with rotary positions and grouped heads.

    Parameters
    ----------
    config : TransformerConfig
    layer : int, default 0
        Which layer of the model this is; its place in a cache.

    Attributes
    ----------
    q_proj : Linear from C to H · D, without offsets
        Rows 0 to D - 1 of its weight make head 0, the next D head 1, and so on.
    k_proj, v_proj : Linear from C to G · D, without offsets
    o_proj : Linear from H · D to C, without offsets
    """

    def __init__(self, config: TransformerConfig, layer: int = 0) -> None:
        super().__init__()
        self.layer = layer
        self.head_size = config.head_size
        C, wide, narrow = config.hidden_size, config.num_attention_heads, config.kv_heads
        self.q_proj = nn.Linear(C, wide * self.head_size, bias=False)
        self.k_proj = nn.Linear(C, narrow * self.head_size, bias=False)
        self.v_proj = nn.Linear(C, narrow * self.head_size, bias=False)
        self.o_proj = nn.Linear(wide * self.head_size, C, bias=False)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, *, causal: bool = True, cache: KVCache | None = None
    ) -> Tensor:
        """Let each token look at the tokens before it.

        Parameters
        ----------
        x : Tensor of shape (B, T, C)
        cos, sin : Tensor of shape (T, D / 2)
            From :func:`rotary_table`, for the positions of these T tokens.
        causal : bool, default True
            False lets each token look at all.
        cache : KVCache, optional
            Keys and values of earlier tokens; those of these T tokens are added.

        Returns
        -------
        Tensor of shape (B, T, C)
        """
        q, k, v = (
            projection(x).view(*x.shape[:2], -1, self.head_size).transpose(1, 2)  # (B, heads, T, D)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = apply_rotary(q, cos, sin), apply_rotary(k, cos, sin)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)
        mixed = scaled_dot_product_attention(q, k, v, causal=causal)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Transformer(Pretrained):
    """A decoder of the Llama family: ids in, logits of the next token out.

    Parameters
    ----------
    config : TransformerConfig
    generator : torch.Generator, optional
        Where the first weights come from; a generator with seed 0 unless given. Matrices are normal with standard
        deviation 1 / √C (the embedding too, so that a tied output starts near uniform); those that write into the
        residual stream, two a layer, are divided by √(2 · layers), so that its variance does not grow with depth.

    Attributes
    ----------
    config : TransformerConfig
    embed_tokens : Embedding of V tokens, C wide
    layers : ModuleList of blocks
        Each has ``input_layernorm``, ``self_attn``, ``post_attention_layernorm`` and ``mlp``, and computes
        ``x + self_attn(input_layernorm(x))``, then ``x + mlp(post_attention_layernorm(x))``.
    norm : RMSNorm
        Before the output.
    lm_head : Linear from C to V, without offsets
        Its weight is that of ``embed_tokens`` when the two are tied.

    Examples
    --------
    >>> import torch
    >>> model = Transformer(TransformerConfig(vocab_size=65, hidden_size=32, num_hidden_layers=2))
    >>> model(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 65])
    """

    def __init__(self, config: TransformerConfig, *, generator: torch.Generator | None = None) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(_Block(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.embed_tokens.weight
        self._draw(generator or torch.Generator().manual_seed(0))

    def forward(self, ids: Tensor, cache: KVCache | None = None, *, causal: bool = True) -> Tensor:
        """Logits of the token after each token.

        Parameters
        ----------
        ids : Tensor of shape (B, T), whole numbers from 0 to V - 1
        cache : KVCache, optional
            Of ``KVCache(config.num_hidden_layers)``. ``ids`` then go on where it ends, and are added to it. Without
            gradients.
        causal : bool, default True
            False lets each token look at all, for objectives that fill in gaps.

        Returns
        -------
        Tensor of shape (B, T, V)

        Raises
        ------
        BadInput
            When ids have another shape, dtype or range, or the sequence is longer than the model's positions.
        """
        start = 0 if cache is None else cache.length
        self._check(ids, start)
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)
        cos, sin = rotary_table(
            positions, self.config.head_size, theta=self.config.rope_theta, scaling=self.config.rope_scaling
        )
        x = self.embed_tokens(ids)
        for block in self.layers:
            x = block(x, cos, sin, causal, cache)
        return self.lm_head(self.norm(x))  # type: ignore[no-any-return]

    def _draw(self, generator: torch.Generator) -> None:
        """First weights, in the order of the parameters."""
        depth = math.sqrt(2 * self.config.num_hidden_layers)
        for name, parameter in self.named_parameters():  # a tied matrix comes once
            if parameter.ndim == 2:
                into_the_stream = name.endswith(("o_proj.weight", "down_proj.weight"))
                std = self.config.hidden_size**-0.5 / (depth if into_the_stream else 1.0)
                nn.init.normal_(parameter, std=std, generator=generator)

    def _check(self, ids: Tensor, start: int) -> None:
        faults = []
        if ids.ndim != 2 or ids.shape[1] == 0:
            faults.append(f"ids have shape (B, T) with at least one token, got {tuple(ids.shape)}")
        elif start + ids.shape[1] > self.config.max_position_embeddings:
            faults.append(
                f"{start + ids.shape[1]} tokens are more than max_position_embeddings="
                f"{self.config.max_position_embeddings}; cut the text or raise it"
            )
        if ids.dtype not in (torch.int64, torch.int32):
            faults.append(f"ids are whole numbers (int64 or int32), got {ids.dtype}")
        elif ids.device.type == "cpu" and ids.numel():  # elsewhere a look at the values would wait for the device
            low, high = int(ids.min()), int(ids.max())
            if low < 0 or high >= self.config.vocab_size:
                faults.append(f"ids lie in 0 to {self.config.vocab_size - 1}, got {low} to {high}")
        if faults:
            raise BadInput("Transformer.forward: " + "; ".join(faults))


class _Block(nn.Module):
    """Attention, then the gated layer; each reads a normalized copy of the stream and adds to the stream."""

    def __init__(self, config: TransformerConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = MultiHeadAttention(config, layer)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = SwiGLU(config.hidden_size, config.gated_size)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, causal: bool, cache: KVCache | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, causal=causal, cache=cache)
        return x + self.mlp(self.post_attention_layernorm(x))  # type: ignore[no-any-return]


def _stretched(frequencies: Tensor, scaling: RopeScaling) -> Tensor:
    """Llama 3's frequencies: long waves longer by ``factor``, short ones as they are, a blend between."""
    turns = scaling.original_max_position_embeddings * frequencies / (2 * math.pi)  # within the original length
    blend = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    blend = blend.clamp(0.0, 1.0)
    return (1 - blend) * frequencies / scaling.factor + blend * frequencies


def _check_attention(q: Tensor, k: Tensor, v: Tensor, causal: bool, mask: Tensor | None) -> None:
    named = {"q": q, "k": k, "v": v}
    shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in named.items())
    faults = []
    if min(tensor.ndim for tensor in named.values()) < 2 or len({tensor.ndim for tensor in named.values()}) > 1:
        faults.append("q, k and v have the same number of axes, at least two")
    else:
        if q.shape[-1] != k.shape[-1]:
            faults.append("q and k end in the same size D")
        if k.shape[:-1] != v.shape[:-1]:
            faults.append("k and v agree in all but the last axis")
        if q.ndim > 2 and (k.shape[-3] == 0 or q.shape[-3] % k.shape[-3]):
            faults.append("the heads of k divide those of q")
        if q.shape[:-3] != k.shape[:-3]:
            faults.append("q and k agree before the heads")
        if causal and q.shape[-2] > k.shape[-2]:
            faults.append("with causal=True the queries are the last of the keys' positions, so T is at most S")
    if len({tensor.dtype for tensor in named.values()}) > 1 or not q.is_floating_point():
        faults.append(f"dtypes are floating and the same, got {q.dtype}, {k.dtype}, {v.dtype}")
    if mask is not None and not faults:
        wanted = (*q.shape[:-1], k.shape[-2])
        if mask.ndim > len(wanted) or any(
            m not in (1, n) for m, n in zip(mask.shape[::-1], wanted[::-1], strict=False)
        ):
            faults.append(f"mask {tuple(mask.shape)} broadcasts to {wanted}")
    if faults:
        raise BadInput(f"scaled_dot_product_attention of {shapes}: expected that " + "; ".join(faults))
