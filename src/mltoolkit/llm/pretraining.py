"""Teach a model to predict the next token, by one of two recipes.

*plain* is what a GPT of 2019 is trained with: AdamW, a thousandth as its rate, warmed up and then lowered along a
cosine. *efficient* gets further with each token: Muon for the matrices, a high rate, and a rate that falls to zero.
The recipe is data, so a run can say what it did.

References
----------
Karpathy, A. (2022). nanoGPT. https://github.com/karpathy/nanoGPT
Jordan, K. et al. (2024). Muon: an optimizer for hidden layers in neural networks.
Hägele, A. et al. (2024). Scaling laws and compute-optimal training beyond fixed training durations. arXiv:2405.18392.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mltoolkit.deep import History, Trainer, Windows, warmup_cosine
from mltoolkit.deep.scale import Precision
from mltoolkit.errors import BadInput
from mltoolkit.llm.muon import Muon

_BEYOND_THE_HIDDEN = ("embed_tokens", "tokens", "positions", "lm_head")  # tables, whose rows stand for themselves


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained.

    Parameters
    ----------
    steps : int
        Steps of the optimizer.
    length : int, default 64
        T, tokens of a window.
    batch_size : int, default 12
        B, windows of a step.
    optimizer : {"muon", "adamw"}, default "muon"
        ``"muon"`` orthogonalizes the steps of the hidden matrices; tables and vectors go by Adam.
    lr : float, default 0.02
        Highest rate of the matrices.
    table_lr : float, default 0.003
        Highest rate of tables and vectors; used by ``"muon"`` alone.
    betas : (float, float), default (0.9, 0.95)
        Of Adam.
    weight_decay : float, default 0.1
        Decoupled, of matrices.
    warmup : int, default 20
        Steps in which the rate rises from 0.
    floor : float, default 0.0
        Rate at the end over the highest.
    clip_norm : float, default 1.0
    """

    steps: int
    length: int = 64
    batch_size: int = 12
    optimizer: Literal["muon", "adamw"] = "muon"
    lr: float = 0.02
    table_lr: float = 0.003
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    warmup: int = 20
    floor: float = 0.0
    clip_norm: float = 1.0

    @property
    def tokens(self) -> int:
        """Tokens that the model learns from."""
        return self.steps * self.batch_size * self.length


def plain_recipe(steps: int, *, length: int = 64, batch_size: int = 12) -> Recipe:
    """The settings of nanoGPT for a small model on characters."""
    return Recipe(
        steps=steps, length=length, batch_size=batch_size, optimizer="adamw", lr=1e-3, betas=(0.9, 0.99),
        warmup=min(100, max(1, steps // 4)), floor=0.1,
    )  # fmt: skip


def next_token_loss(model: Callable[[Tensor], Tensor], batch: tuple[Tensor, ...]) -> Tensor:
    """Mean cross-entropy of the next token in nats.

    Parameters
    ----------
    model : function of ids (B, T) that returns logits (B, T, V)
    batch : (Tensor, Tensor), each of shape (B, T)
        Ids, and the same one token ahead.

    Returns
    -------
    Tensor of shape ()
    """
    ids, ahead = batch
    return F.cross_entropy(model(ids).float().flatten(0, 1), ahead.flatten())


@torch.no_grad()
def validation_loss(
    model: nn.Module, ids: Tensor, *, length: int, batch_size: int = 64, most: int | None = None
) -> float:
    """Mean loss over a text, in windows that follow one another.

    Parameters
    ----------
    model : Module
        Gives logits for ids; put into evaluation mode meanwhile.
    ids : Tensor of shape (n,)
        At least ``length + 1`` tokens. What is left behind the last whole window is not looked at.
    length : int
        T, tokens of a window. The model sees nothing from before its window.
    batch_size : int, default 64
        Windows at once.
    most : int, optional
        Look at this many windows only, spread evenly over the text.

    Returns
    -------
    float
        Nats per token.

    Raises
    ------
    BadInput
        When the text is shorter than one window.
    """
    windows = (len(ids) - 1) // length
    if windows < 1:
        raise BadInput(f"validation_loss: {len(ids)} tokens hold no window of {length} and the token after it")
    count = windows if most is None else min(most, windows)
    starts = torch.linspace(0, windows - 1, count).round().long() * length
    index = starts[:, None] + torch.arange(length + 1)
    device, was_training = next(model.parameters()).device, model.training
    model.eval()
    total = 0.0
    for rows in torch.split(index, batch_size):
        tokens = ids[rows].long().to(device)
        total += len(rows) * float(next_token_loss(model, (tokens[:, :-1], tokens[:, 1:])))
    model.train(was_training)
    return total / count


def optimizer_of(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimizer that a recipe asks for, over a model's parameters.

    Parameters
    ----------
    model : Module
        Parameters named after a table (``embed_tokens``, ``lm_head`` and the like) and those of one axis count as
        tables and vectors, all others as matrices.
    recipe : Recipe
    """
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and name.split(".")[0] not in _BEYOND_THE_HIDDEN]
    hidden = {id(p) for p in matrices}
    others = [p for _, p in named if id(p) not in hidden]
    if recipe.optimizer == "muon":
        return Muon(
            matrices, others, lr=recipe.lr, adam_lr=recipe.table_lr, betas=recipe.betas,
            weight_decay=recipe.weight_decay,
        )  # fmt: skip
    wide = [p for _, p in named if p.ndim >= 2]
    narrow = [p for _, p in named if p.ndim < 2]
    groups = [{"params": wide, "weight_decay": recipe.weight_decay}, {"params": narrow, "weight_decay": 0.0}]
    kept = [group for group in groups if group["params"]]
    return torch.optim.AdamW(kept, lr=recipe.lr, betas=recipe.betas, fused=True)


def pretrain(
    model: nn.Module,
    ids: Tensor,
    recipe: Recipe,
    *,
    validation: Tensor | None = None,
    validate_every: int | None = None,
    windows: int | None = None,
    precision: Precision = "fp32",
    seed: int = 0,
) -> History:
    """Train a model on one long text.

    Parameters
    ----------
    model : Module
        Trained in place.
    ids : Tensor of shape (n,)
    recipe : Recipe
    validation : Tensor of shape (m,), optional
        A text that the model does not learn from; its loss goes into the history.
    validate_every : int, optional
        Steps from one look at it to the next.
    windows : int, optional
        Windows of each look; all of them unless given.
    precision : {"fp32", "bf16", "fp16"}, default "fp32"
        See :class:`~mltoolkit.deep.Trainer`.
    seed : int, default 0
        Of the order of the windows.

    Returns
    -------
    History
    """

    def validate(current: nn.Module) -> dict[str, float]:
        assert validation is not None
        return {"loss": validation_loss(current, validation, length=recipe.length, most=windows)}

    trainer = Trainer(
        model,
        next_token_loss,
        optimizer_of(model, recipe),
        schedule=warmup_cosine(recipe.warmup, recipe.steps, recipe.floor),
        precision=precision,
        clip_norm=recipe.clip_norm,
        seed=seed,
    )
    return trainer.fit(
        Windows(ids, recipe.length, recipe.batch_size, seed),
        steps=recipe.steps,
        validate=None if validation is None else validate,
        validate_every=validate_every,
    )
