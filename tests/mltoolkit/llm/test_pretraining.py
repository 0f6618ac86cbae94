"""The two recipes and their parts: losses, optimizers, the plain GPT."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the extra llm")

from torch.nn import functional as F  # noqa: E402 - needs torch

from mltoolkit.errors import BadInput  # noqa: E402
from mltoolkit.llm import Transformer, TransformerConfig  # noqa: E402
from mltoolkit.llm.gpt import GPT  # noqa: E402
from mltoolkit.llm.muon import Muon  # noqa: E402
from mltoolkit.llm.pretraining import (  # noqa: E402
    Recipe,
    next_token_loss,
    optimizer_of,
    plain_recipe,
    pretrain,
    validation_loss,
)

CONFIG = TransformerConfig(vocab_size=11, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
TEXT = torch.arange(2000) * torch.arange(2000) % 11  # period 11: to be learned by heart


def test_the_loss_is_the_mean_cross_entropy():
    model, ids = Transformer(CONFIG), TEXT[:22].view(2, 11)
    logits = model(ids[:, :-1]).detach()
    known = -torch.log_softmax(logits, -1).gather(-1, ids[:, 1:, None]).mean()
    torch.testing.assert_close(next_token_loss(model, (ids[:, :-1], ids[:, 1:])).detach(), known)


def test_the_validation_loss_is_that_of_all_windows_however_they_are_batched():
    model = Transformer(CONFIG)
    known = torch.stack([
        F.cross_entropy(model(TEXT[None, i : i + 8])[0], TEXT[i + 1 : i + 9]).detach() for i in range(0, 65 * 8, 8)
    ]).mean()  # fmt: skip
    text = TEXT[: 65 * 8 + 5]
    for batch_size in (1, 7, 100):
        assert validation_loss(model, text, length=8, batch_size=batch_size) == pytest.approx(float(known), rel=1e-5)
    assert model.training
    assert validation_loss(model, text, length=8, most=1000) == pytest.approx(float(known), rel=1e-5)
    first = F.cross_entropy(model(TEXT[None, :8])[0], TEXT[1:9])
    assert validation_loss(model, text, length=8, most=1) == pytest.approx(float(first.detach()), rel=1e-5)


def test_a_text_without_a_window_is_refused():
    with pytest.raises(BadInput, match="8 tokens hold no window of 8"):
        validation_loss(Transformer(CONFIG), TEXT[:8], length=8)


def test_muon_gets_the_hidden_matrices_and_adam_the_rest():
    model = Transformer(CONFIG)
    optimizer = optimizer_of(model, Recipe(steps=1))
    assert isinstance(optimizer, Muon)
    matrices, others = (group["params"] for group in optimizer.param_groups)
    assert len(matrices) == 7
    assert {p.ndim for p in matrices} == {2}
    assert any(p is model.embed_tokens.weight for p in others)
    assert sum(p.numel() for group in optimizer.param_groups for p in group["params"]) == CONFIG.parameters()


def test_the_plain_recipe_decays_matrices_alone():
    wide, narrow = optimizer_of(Transformer(CONFIG), plain_recipe(2000)).param_groups
    assert (wide["weight_decay"], narrow["weight_decay"]) == (0.1, 0.0)
    assert wide["betas"] == (0.9, 0.99)
    assert plain_recipe(2000).tokens == 2000 * 12 * 64
    assert plain_recipe(10).warmup == 2


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_a_text_with_a_period_is_learned_and_again_to_the_bit(optimizer):
    recipe = Recipe(steps=60, length=16, batch_size=8, optimizer=optimizer, lr=0.02, warmup=5)

    def run():
        model = Transformer(CONFIG)
        history = pretrain(model, TEXT[:1500], recipe, validation=TEXT[1500:], validate_every=20, windows=10, seed=3)
        return [record.metrics["loss"] for record in history.records if "loss" in record.metrics], model

    losses, model = run()
    again, twin = run()
    assert losses == again
    assert losses[-1] < 0.6 < math.log(11)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_training_without_a_validation_text():
    history = pretrain(Transformer(CONFIG), TEXT, Recipe(steps=3, length=8, batch_size=2, warmup=1))
    assert all("loss" not in record.metrics for record in history.records)


def test_the_plain_gpt_sees_no_future_and_has_its_parameters():
    model, ids = GPT(11, block_size=16, width=8, layers=2, heads=2), TEXT[None, :12]
    changed = ids.clone()
    changed[0, 7:] = 3
    with torch.no_grad():
        assert torch.equal(model(ids)[:, :7], model(changed)[:, :7])
    assert sum(p.numel() for p in model.parameters()) == 11 * 8 + 16 * 8 + 2 * 12 * 64 + 5 * 8
    assert float(next_token_loss(model, (ids[:, :-1], ids[:, 1:])).detach()) == pytest.approx(math.log(11), abs=0.1)
    with pytest.raises(BadInput, match="17 tokens are more than block_size=16"):
        model(TEXT[None, :17])
    with pytest.raises(BadInput, match="does not divide"):
        GPT(11, width=8, heads=3)
