"""The shape of a transformer, in the names that Hugging Face's ``config.json`` of a Llama uses.

Needs no PyTorch: a shape can be planned, checked and counted before anything heavy is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from mltoolkit.errors import BadInput

_MULTIPLE = 8  # a width of the gated layer that the hardware's vectors divide


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """Llama 3's way of stretching rotary positions to texts longer than those of pretraining.

    Wavelengths above ``original_max_position_embeddings / low_freq_factor`` are multiplied by ``factor``,
    those below ``original_max_position_embeddings / high_freq_factor`` stay, and between them the frequency
    is blended linearly.

    Parameters
    ----------
    factor : float, default 8.0
        At least 1.
    low_freq_factor : float, default 1.0
        Above 0.
    high_freq_factor : float, default 4.0
        Above ``low_freq_factor``.
    original_max_position_embeddings : int, default 8192
        Length in tokens that the model was pretrained on.

    Raises
    ------
    BadInput
        When a value is out of its range; all faults at once.
    """

    factor: float = 8.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_position_embeddings: int = 8192

    def __post_init__(self) -> None:
        faults = [
            f"{field.name} is a number above 0, got {getattr(self, field.name)!r}"
            for field in fields(self)
            if not _is_positive(getattr(self, field.name))
        ]
        if not faults and self.factor < 1:
            faults.append(f"factor is at least 1, got {self.factor!r}")
        if not faults and self.high_freq_factor <= self.low_freq_factor:
            faults.append(
                f"high_freq_factor is above low_freq_factor, got {self.high_freq_factor!r} and {self.low_freq_factor!r}"
            )
        if faults:
            raise BadInput("RopeScaling: " + "; ".join(faults))


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """The shape of a :class:`~mltoolkit.llm.Transformer`.

    Parameters
    ----------
    vocab_size : int
        V, the number of different tokens.
    hidden_size : int, default 128
        C, the width of the residual stream.
    num_hidden_layers : int, default 4
    num_attention_heads : int, default 4
        H, heads of the queries.
    num_key_value_heads : int, optional
        Heads of the keys and values, a divisor of H; H itself unless given. 1 is multi-query attention.
    head_dim : int, optional
        D, width of one head, an even number; C / H unless given.
    intermediate_size : int, optional
        Width of the gated layer; 8/3 of C, rounded up to a multiple of 8, unless given. With three matrices that is
        as many parameters as two matrices of 4 C.
    max_position_embeddings : int, default 2048
        The longest sequence in tokens.
    rope_theta : float, default 10000.0
        Base of the rotary wavelengths, above 1: they run from 2π to about 2π · ``rope_theta`` tokens.
    rope_scaling : RopeScaling, optional
        Llama 3's stretching of long wavelengths.
    rms_norm_eps : float, default 1e-5
        Added to the mean square before its root is taken, at least 0.
    tie_word_embeddings : bool, default True
        Whether the output layer is the embedding's matrix, transposed.

    Raises
    ------
    BadInput
        When a value has the wrong type or is out of range; all faults at once.

    Examples
    --------
    >>> config = TransformerConfig(vocab_size=65, hidden_size=128)
    >>> config.kv_heads, config.head_size, config.gated_size
    (4, 32, 344)
    >>> config.parameters()
    800000
    """

    vocab_size: int
    hidden_size: int = 128
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    intermediate_size: int | None = None
    max_position_embeddings: int = 2048
    rope_theta: float = 10000.0
    rope_scaling: RopeScaling | None = None
    rms_norm_eps: float = 1e-5
    tie_word_embeddings: bool = True

    def __post_init__(self) -> None:
        faults = list(self._faults_of_type()) or list(self._faults_of_shape())
        if faults:
            raise BadInput("TransformerConfig: " + "; ".join(faults))

    def _faults_of_type(self) -> Iterator[str]:
        optional = ("num_key_value_heads", "head_dim", "intermediate_size")
        for name in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                     "max_position_embeddings", *optional):  # fmt: skip
            value = getattr(self, name)
            if name in optional and value is None:
                continue
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                yield f"{name} is a whole number of at least 1, got {value!r}"
        if not _is_positive(self.rope_theta) or self.rope_theta <= 1:
            yield f"rope_theta is a number above 1, got {self.rope_theta!r}"
        if not _is_positive(self.rms_norm_eps) and self.rms_norm_eps != 0:
            yield f"rms_norm_eps is a number of at least 0, got {self.rms_norm_eps!r}"
        if self.rope_scaling is not None and not isinstance(self.rope_scaling, RopeScaling):
            yield f"rope_scaling is a RopeScaling or None, got {self.rope_scaling!r}"
        if not isinstance(self.tie_word_embeddings, bool):
            yield f"tie_word_embeddings is True or False, got {self.tie_word_embeddings!r}"

    def _faults_of_shape(self) -> Iterator[str]:
        if self.num_attention_heads % self.kv_heads:
            yield f"num_key_value_heads={self.kv_heads} does not divide num_attention_heads={self.num_attention_heads}"
        if self.head_dim is None and self.hidden_size % self.num_attention_heads:
            yield (
                f"num_attention_heads={self.num_attention_heads} does not divide hidden_size={self.hidden_size}; "
                "change one, or give head_dim"
            )
        elif self.head_size % 2:
            yield f"a head is {self.head_size} wide, and rotary positions turn pairs: choose an even width"

    @property
    def kv_heads(self) -> int:
        """Heads of the keys and values."""
        return self.num_attention_heads if self.num_key_value_heads is None else self.num_key_value_heads

    @property
    def head_size(self) -> int:
        """D, the width of one head."""
        return self.hidden_size // self.num_attention_heads if self.head_dim is None else self.head_dim

    @property
    def gated_size(self) -> int:
        """Width of the gated layer."""
        if self.intermediate_size is not None:
            return self.intermediate_size
        return -(-8 * self.hidden_size // (3 * _MULTIPLE)) * _MULTIPLE

    def parts(self) -> dict[str, int]:
        """Parameters by part: embedding, attention matrices, gated layers, norms and output (0 when it is tied)."""
        C, D, layers = self.hidden_size, self.head_size, self.num_hidden_layers
        return {
            "embedding": self.vocab_size * C,
            "attention matrices": layers * 2 * C * D * (self.num_attention_heads + self.kv_heads),
            "gated layers": layers * 3 * C * self.gated_size,
            "norms": (2 * layers + 1) * C,
            "output": 0 if self.tie_word_embeddings else self.vocab_size * C,
        }

    def parameters(self) -> int:
        """How many numbers the model learns; a tied matrix counts once."""
        return sum(self.parts().values())

    def flops(self, length: int) -> dict[str, float]:
        """Floating-point operations of the forward pass by part, per token of a sequence.

        Parameters
        ----------
        length : int
            T, tokens in the sequence. A token sees (T + 1) / 2 tokens on average.

        Returns
        -------
        dict of str to float
            A multiplication and an addition count as two. Matrix products alone are counted; the backward pass costs
            twice as much again. The table look-up of the embedding is no arithmetic.
        """
        parts, layers = self.parts(), self.num_hidden_layers
        seen = (length + 1) / 2
        return {
            "attention matrices": 2.0 * parts["attention matrices"],
            "attention scores and sums": 4.0 * layers * self.num_attention_heads * self.head_size * seen,
            "gated layers": 2.0 * parts["gated layers"],
            "output": 2.0 * self.vocab_size * self.hidden_size,
        }

    def to_huggingface(self) -> dict[str, Any]:
        """The entries of a ``config.json`` that ``transformers`` opens as a Llama."""
        rope: dict[str, Any] = {"rope_theta": float(self.rope_theta), "rope_type": "default"}
        if self.rope_scaling is not None:
            rope |= {"rope_type": "llama3"}
            rope |= {field.name: getattr(self.rope_scaling, field.name) for field in fields(RopeScaling)}
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_size,
            "intermediate_size": self.gated_size,
            "max_position_embeddings": self.max_position_embeddings,
            "rope_parameters": rope,
            "rms_norm_eps": self.rms_norm_eps,
            "tie_word_embeddings": self.tie_word_embeddings,
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": None,
            "eos_token_id": None,
            "dtype": "float32",
        }

    @classmethod
    def from_huggingface(cls, entries: Mapping[str, Any]) -> TransformerConfig:
        """The shape that a Llama's ``config.json`` describes.

        Parameters
        ----------
        entries : mapping of str to object
            Its entries. Both places of the rotary settings are known: ``rope_parameters``, and the older
            ``rope_theta`` with ``rope_scaling``.

        Raises
        ------
        BadInput
            When it describes a model of another kind, or misses an entry; all faults at once.
        """
        faults = list(_foreign(entries))
        needed = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
        faults += [f"{name} is missing" for name in needed if entries.get(name) is None]
        if faults:
            raise BadInput("not a Llama that this can hold: " + "; ".join(faults))
        rope = _rope_of(entries)
        names = {field.name for field in fields(cls)} - {"rope_theta", "rope_scaling"}
        given = {name: entries[name] for name in names if entries.get(name) is not None}
        given.setdefault("tie_word_embeddings", False)  # what transformers takes a missing entry for
        given.setdefault("rms_norm_eps", 1e-6)
        scaling = None
        if rope.get("rope_type") == "llama3":
            known = {field.name for field in fields(RopeScaling)}
            scaling = RopeScaling(**{name: value for name, value in rope.items() if name in known})
        return cls(rope_theta=float(rope.get("rope_theta") or 10000.0), rope_scaling=scaling, **given)


def _rope_of(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Rotary settings from wherever a ``config.json`` keeps them."""
    found = {"rope_theta": entries.get("rope_theta"), **(entries.get("rope_scaling") or {})}
    found |= entries.get("rope_parameters") or {}
    found.setdefault("rope_type", found.get("type", "default"))
    return found


def _foreign(entries: Mapping[str, Any]) -> Iterator[str]:
    """What a ``config.json`` asks for that this transformer does not do."""
    kind = entries.get("model_type", "llama")
    if kind != "llama":
        yield f"model_type is {kind!r}, expected 'llama'"
    if entries.get("hidden_act", "silu") != "silu":
        yield f"hidden_act is {entries['hidden_act']!r}, expected 'silu'"
    for name in ("attention_bias", "mlp_bias"):
        if entries.get(name):
            yield f"{name} is set, and the matrices here have no offsets"
    rope = _rope_of(entries)
    if rope["rope_type"] not in ("default", "llama3"):
        yield f"rope_type is {rope['rope_type']!r}, expected 'default' or 'llama3'"
    if float(rope.get("partial_rotary_factor") or entries.get("partial_rotary_factor") or 1.0) != 1.0:
        yield "partial_rotary_factor is not 1, and here a whole head is turned"


def _is_positive(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) < float("inf")
