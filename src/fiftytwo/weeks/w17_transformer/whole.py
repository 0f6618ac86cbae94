"""Checks of the whole model, beside Hugging Face's Llama with the same random weights."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from mltoolkit.llm.cache import KVCache
from mltoolkit.llm.configuration import RopeScaling, TransformerConfig

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

PARITY = 1e-4  # of logits of size 1 to 10, in float32
_SMALL = {"vocab_size": 23, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4,
          "intermediate_size": 24, "max_position_embeddings": 64}  # fmt: skip
_VARIANTS: dict[str, dict[str, Any]] = {
    "tied": {},
    "untied": {"tie_word_embeddings": False},
    "two heads of keys": {"num_key_value_heads": 2},
    "one head of keys, wide heads": {"num_key_value_heads": 1, "head_dim": 6, "tie_word_embeddings": False},
    "short waves": {"rope_theta": 100.0, "num_key_value_heads": 2},
    "large eps": {"rms_norm_eps": 0.1},
}


def whole(lab: Lab) -> Iterator[Check]:
    """Logits, time's arrow, the cache, first weights, learning, refusals."""
    yield from _logits(lab)
    yield from _arrow(lab)
    yield from _cache(lab)
    yield from _first_weights(lab)
    yield from _learning(lab)
    yield from _refused(lab)


def shaped(**options: Any) -> TransformerConfig:
    """A small shape with some options changed."""
    return TransformerConfig(**(_SMALL | options))


def llama(config: TransformerConfig, seed: int) -> Any:
    """Hugging Face's Llama of a shape, with random weights."""
    transformers: Any = importlib.import_module("transformers")  # seconds to import, so not before it is asked for
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config.to_huggingface()))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.2, generator=generator)
            if parameter.ndim == 1:
                parameter.add_(1.0)
    return model.eval()


def weights_of(model: Any) -> dict[str, Tensor]:
    """Its weights under the names that Transformer has."""
    return {name.removeprefix("model."): tensor.detach() for name, tensor in model.state_dict().items()}


def some_ids(seed: int, *shape: int, below: int = 23) -> Tensor:
    """Random ids."""
    return torch.randint(below, shape, generator=torch.Generator().manual_seed(seed))


def logits_of(solution: Any, config: TransformerConfig, weights: dict[str, Tensor], ids: Tensor, **how: Any) -> Tensor:
    """Logits of a Transformer with these weights."""
    model = solution.Transformer(config)
    model.load_state_dict(weights)
    with torch.no_grad():
        result: Tensor = model(ids, **how)
    return result


def _logits(lab: Lab) -> Iterator[Check]:
    def beside(name: str, config: TransformerConfig) -> Measurement:
        peer, ids = llama(config, len(name)), some_ids(3, 2, 11)
        with torch.no_grad():
            known = peer(ids).logits
        found = lab.solution.apply(logits_of, config, weights_of(peer), ids)
        inputs = {"config": config, "ids": ids}
        return difference(found, known, call=f"Transformer(config)(ids), {name}", inputs=inputs)

    yield Check(
        "logits of a Llama with the same weights",
        lambda: worst((beside(name, shaped(**options)) for name, options in _VARIANTS.items()), PARITY),
        at_most=PARITY,
        why="One wrong sign anywhere, and published weights give noise.",
        hint=("x + self_attn(input_layernorm(x)), then x + mlp(post_attention_layernorm(x)), in every layer.",
              "The last norm comes before lm_head, which shares the embedding's matrix when it is tied.",
              "Look at the checks of the parts first; then compare layer by layer, with one layer, then two."),
    )  # fmt: skip
    scaling = RopeScaling(factor=4.0, original_max_position_embeddings=16)
    yield Check(
        "logits of a Llama with stretched waves",
        lambda: beside("llama3", shaped(rope_scaling=scaling, rope_theta=500.0)),
        at_most=PARITY,
        why="Models with long contexts are made of models with short ones by stretching.",
        hint=("Hand config.rope_scaling on to rotary_table.",),
    )


def _arrow(lab: Lab) -> Iterator[Check]:
    config = shaped(num_key_value_heads=2)

    def leak() -> Measurement:
        weights, ids = weights_of(llama(config, 1)), some_ids(5, 1, 12)
        base = np.asarray(lab.solution.apply(logits_of, config, weights, ids))
        gap = 0.0
        for t in (1, 5, 11):
            changed = ids.clone()
            changed[0, t:] = (changed[0, t:] + 1) % 23
            found = np.asarray(lab.solution.apply(logits_of, config, weights, changed))
            gap = max(gap, float(np.max(np.abs(found - base)[:, :t])))
        call = "largest change of logits before t when ids[:, t:] change"
        return Measurement(gap, call=call, got=gap, inputs={"config": config, "ids": ids})

    yield Check(
        "the future changes nothing",
        leak,
        at_most=1e-6,
        why="A leak makes the training loss fall wonderfully, and the model useless.",
        hint=(
            "Look at the check of causal attention first.",
            "causal=True is what forward does unless told otherwise.",
        ),
    )

    def both_ways() -> Measurement:
        weights, ids = weights_of(llama(config, 1)), some_ids(5, 1, 12)
        changed = ids.clone()
        changed[0, 11] = (changed[0, 11] + 1) % 23
        one, two = (np.asarray(lab.solution.apply(_seeing_all, config, weights, given)) for given in (ids, changed))
        gap = float(np.min(np.max(np.abs(one - two), axis=-1)))
        return Measurement(gap, call="least change of logits when the last id changes, causal=False", got=gap)

    yield Check(
        "causal=False looks both ways",
        both_ways,
        at_least=1e-3,
        why="Filling a gap needs both sides of it.",
        hint=("Hand causal on through every block.",),
    )


def _seeing_all(solution: Any, config: TransformerConfig, weights: dict[str, Tensor], ids: Tensor) -> Tensor:
    return logits_of(solution, config, weights, ids, causal=False)


def _cache(lab: Lab) -> Iterator[Check]:
    def compared(pieces: tuple[int, ...]) -> Measurement:
        config = shaped(num_key_value_heads=2)
        weights, ids = weights_of(llama(config, 2)), some_ids(7, 2, sum(pieces))
        whole = lab.solution.apply(logits_of, config, weights, ids)
        found = lab.solution.apply(in_pieces, config, weights, ids, pieces)
        call = f"torch.cat([model(piece, cache) for piece in ids.split({pieces}, dim=1)], dim=1)"
        return difference(found, whole, call=call, inputs={"config": config, "ids": ids})

    yield Check(
        "piece by piece with a cache",
        lambda: worst((compared(pieces) for pieces in ((12,), (1,) * 12, (5, 4, 3))), 1e-5),
        at_most=1e-5,
        why="A chat that computed every earlier token anew would cost the square of its length.",
        hint=("The first new token stands at position cache.length: angles begin there.",
              "k, v = cache.append(self.layer, k, v), after the keys were turned.",
              "Read cache.length before the layers append to it."),
    )  # fmt: skip


def in_pieces(
    solution: Any, config: TransformerConfig, weights: dict[str, Tensor], ids: Tensor, pieces: tuple[int, ...]
) -> Tensor:
    """Logits of one piece after another, with one cache."""
    model = solution.Transformer(config)
    model.load_state_dict(weights)
    cache = KVCache(config.num_hidden_layers)
    with torch.no_grad():
        return torch.cat([model(piece, cache) for piece in torch.split(ids, list(pieces), dim=1)], dim=1)


def _first_weights(lab: Lab) -> Iterator[Check]:
    def counts() -> Measurement:
        shapes = [shaped(**options) for options in _VARIANTS.values()]
        found = np.array([int(lab.solution.apply(_count, config)) for config in shapes])
        known = np.array([config.parameters() for config in shapes])
        return difference(found, known, call="parameters of Transformer(config), for six shapes")

    yield Check(
        "parameters are those of the shape",
        counts,
        at_most=0.0,
        why="Equal size is what makes a comparison of models one of designs.",
        hint=("No offsets anywhere.", "A tied output has no matrix of its own: self.lm_head.weight = "
              "self.embed_tokens.weight."),
    )  # fmt: skip

    def start() -> Measurement:
        losses = np.asarray(lab.solution.apply(_losses_at_the_start, (1, 8)))
        value = float(np.max(np.abs(losses - math.log(64))))
        call = "first loss of Transformer(config) on random ids, less ln V, for 1 and 8 layers"
        return Measurement(value, call=call, got=losses, expected=np.full(2, math.log(64)))

    yield Check(
        "the first loss is that of guessing",
        start,
        at_most=1.0,
        unit="nats",
        why="A model that starts out sure of something spends its first steps unlearning it.",
        hint=("Small normal weights: a standard deviation of 0.02, or of 1 / √C.",
              "Divide those of o_proj and down_proj by √(2 · layers)."),
    )  # fmt: skip

    def again() -> Measurement:
        found = np.asarray(lab.solution.apply(_drawn_again, shaped()))
        return difference(found, np.array([0.0, 1.0]), call="[same seed: weights differ, other seed: weights differ]")

    yield Check(
        "first weights come from the generator",
        again,
        at_most=0.0,
        why="A run that cannot be repeated cannot be debugged.",
        hint=("nn.init.normal_(parameter, std=..., generator=generator)",),
    )


def _count(solution: Any, config: TransformerConfig) -> int:
    return sum(parameter.numel() for parameter in solution.Transformer(config).parameters())


def _losses_at_the_start(solution: Any, depths: tuple[int, ...]) -> list[float]:
    ids, losses = some_ids(9, 8, 33, below=64), []
    for layers in depths:
        config = TransformerConfig(vocab_size=64, hidden_size=32, num_hidden_layers=layers)
        model = solution.Transformer(config, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            losses.append(float(F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())))
    return losses


def _drawn_again(solution: Any, config: TransformerConfig) -> list[float]:
    def weights(seed: int, outside: int) -> Tensor:
        torch.manual_seed(outside)
        model = solution.Transformer(config, generator=torch.Generator().manual_seed(seed))
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    first = weights(1, 5)
    return [float(not torch.equal(first, weights(1, 6))), float(not torch.equal(first, weights(2, 5)))]


def _learning(lab: Lab) -> Iterator[Check]:
    def learned() -> Measurement:
        loss = float(lab.solution.apply(_by_heart, 60))
        return Measurement(loss, call="loss on eight sequences after 60 steps of AdamW on them", got=loss)

    yield Check(
        "learns eight sequences by heart",
        learned,
        at_most=0.3,
        unit="nats",
        why="What cannot learn a handful by heart has a gradient that does not arrive.",
        hint=("Every parameter needs a gradient: look for detach, .data and no_grad.",),
    )


def _by_heart(solution: Any, steps: int) -> float:
    config = TransformerConfig(vocab_size=16, hidden_size=32, num_hidden_layers=2, num_key_value_heads=2)
    model = solution.Transformer(config, generator=torch.Generator().manual_seed(3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    ids = some_ids(11, 8, 13, below=16)
    ids[:, 0] = torch.arange(8)  # the first token says which sequence it is
    loss = torch.tensor(math.inf)
    for _ in range(steps):
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return float(loss.detach())


def _refused(lab: Lab) -> Iterator[Check]:
    cases: tuple[tuple[str, Callable[[], Tensor], tuple[str, ...]], ...] = (
        ("numbers with a point", lambda: torch.zeros(1, 3), ("whole", "integer", "int64", "dtype", "float")),
        ("an id that is V", lambda: torch.tensor([[0, 23]]), ("23", "22", "vocab")),
        ("an id below 0", lambda: torch.tensor([[0, -1]]), ("-1", "22", "negative")),
        ("one axis", lambda: torch.tensor([1, 2]), ("shape", "(2,)", "axes", "dim")),
        ("too many tokens", lambda: torch.zeros(1, 65, dtype=torch.int64), ("64", "max_position")),
    )

    def all_of_them() -> Iterator[Measurement]:
        for what, ids, mentions in cases:
            yield refusal(
                lambda ids=ids: lab.solution.Transformer(shaped()).forward(ids()),  # type: ignore[misc]
                call=f"Transformer(config).forward(ids) with {what}",
                mentions=mentions,
            )

    yield Check(
        "ids that mean nothing are refused",
        lambda: first_unclear(all_of_them()),
        equals=True,
        why="Index out of range in self, somewhere in a library, names neither the id nor the limit.",
        hint=("Look at ids.ndim, ids.dtype, the smallest and the largest id, and the length, before anything else.",
              "Raise ValueError and say what was expected."),
    )  # fmt: skip
