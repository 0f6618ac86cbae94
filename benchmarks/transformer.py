"""Week 17: training a transformer beside a loop in nanoGPT's style.

The peer is a GPT of 2019 (learned positions, LayerNorm, one product for queries, keys and values, PyTorch's fused
attention, GELU) in a plain loop: random windows stacked one by one, autocast, AdamW at 1e-3 with nanoGPT's settings,
clipping, a cosine. Ours is ``pretrain``: the Llama-class transformer, whose attention is written out, through Trainer
and Windows.

*Tokens a second*, 6 layers, 6 heads, 384 wide, windows of 256. Equal: parameters to 2%, the same number of tokens a
step and of steps, and both have begun to learn. A handful of steps says nothing about the loss; the second row does.

*Time to the same loss*, 4 layers, 4 heads, 128 wide, windows of 64. Ours gets 60% of the peer's tokens. Equal:
parameters to 2%, and our loss at the end is no higher than the peer's, on the same text that neither has learned from.

The text is Python's own documentation, so nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from harness import Row, main
from mltoolkit import datasets
from mltoolkit.deep import warmup_cosine
from mltoolkit.llm import Transformer, TransformerConfig
from mltoolkit.llm.gpt import GPT
from mltoolkit.llm.pretraining import Recipe, plain_recipe, pretrain, validation_loss

TEXT = datasets.load("python-docs").text
CHARACTERS = sorted(set(TEXT))
IDS = torch.tensor([CHARACTERS.index(character) for character in TEXT])
CUT = 9 * len(IDS) // 10
LEARNED, JUDGED = IDS[:CUT], IDS[CUT:]
GUESSING = math.log(len(CHARACTERS))  # the loss of a model that knows nothing


@dataclass(frozen=True)
class Size:
    """Both models' size."""

    width: int
    layers: int
    heads: int
    length: int
    batch_size: int


LARGE = Size(384, 6, 6, 256, 8)
SMALL = Size(128, 4, 4, 64, 12)


def autocast(precision: str) -> Any:
    """Products in bfloat16, or nothing."""
    return torch.autocast("cpu", dtype=torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


def peer(size: Size, steps: int, precision: str) -> nn.Module:
    """The loop by hand."""
    torch.manual_seed(1)
    model = GPT(len(CHARACTERS), block_size=size.length, width=size.width, layers=size.layers, heads=size.heads)
    recipe = plain_recipe(steps)
    schedule = warmup_cosine(recipe.warmup, steps, recipe.floor)
    wide, narrow = [p for p in model.parameters() if p.ndim >= 2], [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": wide, "weight_decay": 0.1}, {"params": narrow, "weight_decay": 0.0}],
        lr=recipe.lr,
        betas=recipe.betas,
    )
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * schedule(step)
        starts = torch.randint(len(LEARNED) - size.length - 1, (size.batch_size,))
        x = torch.stack([LEARNED[i : i + size.length] for i in starts])
        y = torch.stack([LEARNED[i + 1 : i + 1 + size.length] for i in starts])
        with autocast(precision):
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model


def ours(size: Size, recipe: Recipe, precision: Any) -> nn.Module:
    """The toolkit's recipe."""
    config = TransformerConfig(
        vocab_size=len(CHARACTERS), hidden_size=size.width, num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
    )  # fmt: skip
    model = Transformer(config)
    pretrain(model, LEARNED, recipe, precision=precision)
    return model


def judged(length: int, *, most: float | None = None) -> Callable[[nn.Module, nn.Module], str]:
    """Whether the two are of one size, and ours predicts no worse; or both better than ``most``, where it is given."""

    def same(mine: nn.Module, theirs: nn.Module) -> str:
        sizes = [sum(p.numel() for p in model.parameters()) for model in (mine, theirs)]
        if abs(sizes[0] / sizes[1] - 1) > 0.02:
            return f"{sizes[0]:,} and {sizes[1]:,} parameters"
        losses = [validation_loss(model, JUDGED, length=length, most=64) for model in (mine, theirs)]
        print(f"validation loss {losses[0]:.3f} (ours) and {losses[1]:.3f} nats per character")
        fine = losses[0] <= losses[1] if most is None else max(losses) < most
        return "" if fine else f"losses {losses[0]:.3f} and {losses[1]:.3f}"

    return same


def throughput(precision: str, steps: int) -> Row:
    """Tokens a second at 10.6 million parameters."""
    recipe = Recipe(steps=steps, length=LARGE.length, batch_size=LARGE.batch_size, optimizer="adamw", lr=5e-4, warmup=1)
    return Row(
        f"tokens a second, 6L/6H/384, {precision}",
        f"{steps} steps of {LARGE.batch_size} x {LARGE.length} characters",
        f"loop in nanoGPT's style, F.scaled_dot_product_attention, AdamW, {precision}",
        lambda: ours(LARGE, recipe, precision),
        lambda: peer(LARGE, steps, precision),
        judged(LARGE.length, most=GUESSING),
        0.95,
    )


def to_the_loss(steps: int) -> Row:
    """Time until the peer's loss, with 60% of its tokens."""
    recipe = Recipe(steps=6 * steps // 10, length=SMALL.length, batch_size=SMALL.batch_size, optimizer="adamw", lr=4e-3)
    return Row(
        "time to the plain recipe's loss, 4L/4H/128, fp32",
        f"{SMALL.batch_size} x {SMALL.length} characters a step; {recipe.steps} steps of ours, {steps} of the peer's",
        "loop in nanoGPT's style with nanoGPT's settings",
        lambda: ours(SMALL, recipe, "fp32"),
        lambda: peer(SMALL, steps, "fp32"),
        judged(SMALL.length),
        1.5,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    rows = [throughput("bf16", 4), throughput("fp32", 4), to_the_loss(200)]
    main("transformer", rows, ("fiftytwo", "torch", "numpy"), pairs=5)
