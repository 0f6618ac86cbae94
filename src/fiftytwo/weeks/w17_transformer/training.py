"""The models of the comparison: their texts, their recipes, and what training them left.

Everything here gives plain data back, since the transformer may be a learner's and live in another process.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fiftytwo.weeks.w17_transformer.recurrent import Recurrent, flops_of, width_of
from mltoolkit.deep import torch_threads
from mltoolkit.llm.configuration import TransformerConfig
from mltoolkit.llm.gpt import GPT
from mltoolkit.llm.pretraining import Recipe, plain_recipe, pretrain, validation_loss

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

LENGTH = 64  # tokens that a model sees at once
_SAMPLE = 240  # characters to look at


@dataclass(frozen=True)
class Text:
    """A text as ids of its characters, split into what is learned from and a tenth to be judged by."""

    name: str
    characters: str
    train: Tensor
    validation: Tensor

    def encode(self, text: str) -> Tensor:
        """Ids of a text, shape (1, T)."""
        return torch.tensor([[self.characters.index(character) for character in text]])

    def decode(self, ids: Any) -> str:
        """The text of some ids."""
        return "".join(self.characters[int(i)] for i in np.asarray(ids).ravel())


@dataclass(frozen=True)
class Scale:
    """How large a profile's models are, and how long they learn."""

    hidden_size: int
    layers: int
    heads: int
    batch_size: int
    steps: int  # of the transformer
    plain_steps: int
    look_every: int
    windows: int | None  # of each look at the validation text


QUICK = Scale(hidden_size=96, layers=3, heads=3, batch_size=16, steps=200, plain_steps=220, look_every=40, windows=120)
FULL = Scale(hidden_size=128, layers=4, heads=4, batch_size=12, steps=900, plain_steps=2000, look_every=100,
             windows=300)  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """What training a model left.

    ``tokens`` (n,) and ``loss`` (n,), nats per character on the text that it did not learn from, of its looks at
    that text; ``flops``, operations that learning from one token costs.
    """

    name: str
    parameters: int
    flops: float
    tokens: NDArray[np.int64]
    loss: NDArray[np.float64]
    seconds: float
    sample: str
    weights: dict[str, Tensor] = field(repr=False)

    @property
    def compute(self) -> NDArray[np.float64]:
        """Floating-point operations up to each look, shape (n,)."""
        return np.asarray(self.tokens * self.flops, dtype=np.float64)

    @property
    def last(self) -> float:
        """Loss at the end."""
        return float(self.loss[-1])

    def tokens_until(self, loss: float) -> float:
        """Tokens after which the loss was first as low as this, between looks by a straight line; inf if never."""
        below = np.flatnonzero(self.loss <= loss)
        if not len(below):
            return float("inf")
        i = int(below[0])
        if i == 0:
            return float(self.tokens[0])
        share = (self.loss[i - 1] - loss) / (self.loss[i - 1] - self.loss[i])
        return float(self.tokens[i - 1] + share * (self.tokens[i] - self.tokens[i - 1]))


def text_of(lab: Lab) -> Text:
    """The text of the profile."""
    loaded = lab.data("tiny-shakespeare" if lab.full else "python-docs")
    characters = "".join(sorted(set(loaded.text)))
    index = {character: i for i, character in enumerate(characters)}
    ids = torch.tensor([index[character] for character in loaded.text])
    cut = 9 * len(ids) // 10
    return Text(loaded.title, characters, ids[:cut], ids[cut:])


def prose(text: str, length: int) -> str:
    """The first stretch of so many letters and single spaces, else the beginning."""
    found = re.search(rf"\b(?:[A-Za-z,']| (?! )){{{length}}}", text)
    return found[0] if found else text[:length]


def shape_of(text: Text, scale: Scale) -> TransformerConfig:
    """The transformer's shape."""
    return TransformerConfig(
        vocab_size=len(text.characters),
        hidden_size=scale.hidden_size,
        num_hidden_layers=scale.layers,
        num_attention_heads=scale.heads,
        max_position_embeddings=4 * LENGTH,
    )


def efficient(scale: Scale, steps: int | None = None) -> Recipe:
    """The transformer's recipe."""
    return Recipe(steps=steps or scale.steps, length=LENGTH, batch_size=scale.batch_size)


def transformer(lab: Lab, text: Text, scale: Scale) -> Curve:
    """Train the exercise's transformer, in whatever process it lives."""
    config, recipe = shape_of(text, scale), efficient(scale)
    found = lab.solution.apply(_train_transformer, config, text.train, text.validation, recipe, scale, lab.seed)
    forward = sum(config.flops(LENGTH).values())
    return _curve("transformer", config.parameters(), 3 * forward, text, found)


def plain(lab: Lab, text: Text, scale: Scale) -> Curve:
    """Train the plain GPT by the plain recipe."""
    V, C = len(text.characters), scale.hidden_size
    model = GPT(V, block_size=LENGTH, width=C, layers=scale.layers, heads=scale.heads, generator=_generator(lab.seed))
    recipe = plain_recipe(scale.plain_steps, length=LENGTH, batch_size=scale.batch_size)
    found = _train(model, text.train, text.validation, recipe, scale, lab.seed)
    forward = 2.0 * (12 * scale.layers * C * C + V * C) + 4.0 * scale.layers * C * (LENGTH + 1) / 2
    return _curve("plain GPT", _size(model), 3 * forward, text, found)


def recurrent(lab: Lab, text: Text, scale: Scale, beside: Curve, *, muon: bool) -> Curve:
    """Train the LSTM with as many parameters and as many operations as another model.

    With AdamW, as recurrent models are trained, or by the transformer's recipe: what the design is worth and what the
    optimizer is worth are two questions.
    """
    V = len(text.characters)
    width = width_of(beside.parameters, V)
    flops = 3 * flops_of(width, V)
    recipe = efficient(scale, round(scale.steps * beside.flops / flops))
    if not muon:
        recipe = replace(recipe, optimizer="adamw", lr=8e-3)
    model = Recurrent(V, width, generator=_generator(lab.seed))
    found = _train(model, text.train, text.validation, recipe, scale, lab.seed)
    return _curve("LSTM by Muon" if muon else "LSTM", _size(model), flops, text, found)


def _train_transformer(
    solution: Any, config: TransformerConfig, train: Tensor, validation: Tensor, recipe: Recipe, scale: Scale, seed: int
) -> dict[str, Any]:
    return _train(solution.Transformer(config, generator=_generator(seed)), train, validation, recipe, scale, seed)


def _train(
    model: nn.Module, train: Tensor, validation: Tensor, recipe: Recipe, scale: Scale, seed: int
) -> dict[str, Any]:
    """Train a model and give what it left as plain data."""
    with torch_threads(1):  # of models this small two threads wait for each other
        first = validation_loss(model, validation, length=LENGTH, most=scale.windows)
        started = time.perf_counter()
        history = pretrain(
            model, train, recipe, validation=validation, validate_every=scale.look_every, windows=scale.windows,
            seed=seed,
        )  # fmt: skip
        seconds = time.perf_counter() - started
    looks = [(record.step, float(record.metrics["loss"])) for record in history.records if "loss" in record.metrics]
    per_step = recipe.batch_size * recipe.length
    return {
        "tokens": np.array([0, *(step * per_step for step, _ in looks)]),
        "loss": np.array([first, *(loss for _, loss in looks)]),
        "seconds": seconds,
        "sample": sampled(model, validation[None, : LENGTH // 2], _SAMPLE, _generator(seed)),
        "weights": {name: tensor.detach() for name, tensor in model.state_dict().items()},
    }


@torch.no_grad()
def sampled(model: Callable[[Tensor], Tensor], ids: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Go on with a text by drawing one token after another from what the model expects, shape (1, T + count)."""
    for _ in range(count):
        expected = torch.softmax(model(ids[:, -LENGTH:])[:, -1] / 0.8, dim=-1)
        ids = torch.cat([ids, torch.multinomial(expected, 1, generator=generator)], dim=1)
    return ids


def _curve(name: str, parameters: int, flops: float, text: Text, found: dict[str, Any]) -> Curve:
    return Curve(
        name,
        parameters,
        flops,
        np.asarray(found["tokens"]),
        np.asarray(found["loss"]),
        float(found["seconds"]),
        text.decode(found["sample"]),
        dict(found["weights"]),
    )


def _size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
