"""Week 17's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import re

import numpy as np
import pytest

from fiftytwo import documents, judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.solution import Solution

torch = pytest.importorskip("torch", reason="needs the extra llm")
pytest.importorskip("transformers", reason="needs the extra llm")

from fiftytwo.weeks.w17_transformer import looking, peers, recurrent, training  # noqa: E402 - needs torch
from fiftytwo.weeks.w17_transformer.mistakes import mistakes  # noqa: E402
from mltoolkit.llm import Transformer, TransformerConfig, scaled_dot_product_attention, transformer  # noqa: E402
from mltoolkit.llm.pretraining import next_token_loss  # noqa: E402

WEEK = plan.load(17)
NAMES = WEEK.week.exercise.names
TINY = training.Scale(
    hidden_size=32, layers=2, heads=2, batch_size=8, steps=30, plain_steps=30, look_every=15, windows=8
)


def make_lab(folder, replaced=None):
    return Lab(WEEK.week, folder, Solution(WEEK.week, replaced=replaced))


def judged(lab, *, exercise_only=True):
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=exercise_only)}


def test_the_reference_passes_every_check(tmp_path):
    found = judged(make_lab(tmp_path))
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 30
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint


def test_the_starter_fails_every_check(tmp_path):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 17), "transformer.py", "exec"), scope)
    found = judged(make_lab(tmp_path, {name: scope[name] for name in NAMES}))
    assert {j.verdict.outcome for j in found.values()} == {"not attempted"}


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: make_lab(tmp_path, solution))


def test_a_small_build_leaves_figures_documents_and_a_model(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "QUICK", TINY)
    lab = make_lab(tmp_path)
    built = WEEK.build(lab)
    assert {f.name for f in lab.ledger.figures} == {
        "Learning", "What the heads look at", "Where parameters and operations go"
    }  # fmt: skip
    assert {t.name for t in lab.ledger.tables} == {"Models"}
    for curve in (built.transformer, built.plain, built.recurrent, built.recurrent_by_muon):
        assert curve.last < curve.loss[0]
        assert len(curve.sample) == 32 + 240
    assert built.recurrent.parameters == pytest.approx(built.transformer.parameters, rel=0.02)
    assert built.recurrent.compute[-1] == pytest.approx(built.transformer.compute[-1], rel=0.05)
    model = Transformer.load(lab.folder / "artifacts" / "char-transformer")
    assert torch.equal(model.embed_tokens.weight, built.transformer.weights["embed_tokens.weight"])
    characters = (lab.folder / "artifacts" / "char-transformer" / "characters.txt").read_text("utf-8")
    assert len(characters) == model.config.vocab_size
    template, _, facts = lab.pending_documents[0]
    verdicts = [judge.judge(check).verdict for check in WEEK.assess(lab, built) if not check.exercise]
    text = documents.render(
        WEEK.path / template, metrics=lab.ledger.metrics, tables=lab.ledger.tables, verdicts=verdicts,
        data=lab.ledger.data, facts=facts,
    )  # fmt: skip
    assert "goes on from the same beginning" in text


def test_no_number_is_typed_into_a_document():
    assert list(documents.typed_numbers(WEEK.path / "comparison.md.jinja")) == []


def test_tokens_until_a_loss_lie_on_the_line_between_two_looks():
    curve = training.Curve("x", 1, 2.0, np.array([0, 100, 200]), np.array([4.0, 2.0, 1.0]), 1.0, "", {})
    assert curve.tokens_until(1.5) == 150
    assert curve.tokens_until(5.0) == 0
    assert curve.tokens_until(0.5) == np.inf
    assert curve.compute.tolist() == [0, 200, 400]


def test_weights_of_the_heads_rebuild_what_attention_gives():
    config = TransformerConfig(vocab_size=9, hidden_size=16, num_hidden_layers=2, num_key_value_heads=2)
    model, ids = Transformer(config), torch.arange(9)[None]
    seen = {}
    first = model.layers[0].self_attn
    hooks = [first.v_proj.register_forward_hook(lambda m, i, o: seen.update(v=o)),
             first.o_proj.register_forward_pre_hook(lambda m, i: seen.update(mixed=i[0]))]  # fmt: skip
    weights = looking.attention_weights(model, ids)
    for hook in hooks:
        hook.remove()
    assert weights.shape == (2, 4, 9, 9)
    np.testing.assert_allclose(weights.sum(-1), 1.0, rtol=1e-5)
    assert not np.triu(weights, 1).any()
    v = seen["v"].detach().view(9, 2, 4).transpose(0, 1).repeat_interleave(2, 0).double().numpy()
    mixed = (weights[0] @ v).transpose(1, 0, 2).reshape(9, 16)
    np.testing.assert_allclose(mixed, seen["mixed"][0].detach().numpy(), atol=1e-5)


def test_reach_is_the_mean_distance():
    weights = np.zeros((1, 2, 3, 3))
    weights[0, 0] = np.eye(3)
    weights[0, 1, :, 0] = 1.0
    np.testing.assert_allclose(looking.reach(weights), [[0.0, 1.0]])


def test_the_recurrent_peer_has_the_size_and_the_operations_that_are_claimed():
    width = recurrent.width_of(100_000, 60)
    model = recurrent.Recurrent(60, width, generator=torch.Generator().manual_seed(1))
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(100_000, rel=0.01)
    assert recurrent.flops_of(width, 60) == 2 * (8 * width**2 + 60 * width)
    ids = torch.arange(12)[None]
    changed = ids.clone()
    changed[0, 7:] = 1
    with torch.no_grad():
        assert torch.equal(model(ids)[:, :7], model(changed)[:, :7])
        assert float(next_token_loss(model, (ids[:, :-1], ids[:, 1:]))) < 6.0


def test_the_peer_of_compare_is_pytorchs_attention():
    q, k, v = (torch.randn(1, heads, T, 4, generator=torch.Generator().manual_seed(i))
               for i, (heads, T) in enumerate(((4, 2), (2, 5), (2, 5))))  # fmt: skip
    for options in (
        {},
        {"causal": True},
        {"causal": True, "mask": torch.tensor([[True, False, True, True, True]] * 2)},
    ):
        torch.testing.assert_close(
            peers.scaled_dot_product_attention(q, k, v, **options), scaled_dot_product_attention(q, k, v, **options)
        )


def test_a_scale_is_drawn_from_its_text(tmp_path):
    text = training.text_of(make_lab(tmp_path))
    assert text.decode(text.encode("def f(x):")) == "def f(x):"
    assert len(text.train) > 8 * len(text.validation)


def test_the_example_of_the_study_note_prints_what_it_says(capsys):
    code = re.search(r"```python\n(.*?)```", (WEEK.path / "study.md").read_text("utf-8"), re.S)[1]
    exec(compile(code, "study.md", "exec"), {})
    assert capsys.readouterr().out.strip() == "tensor([10.0000, 16.6976])"


def test_the_exercise_names_are_the_modules_public_face():
    assert set(NAMES) <= set(dir(transformer))
