"""The transformer beside PyTorch's attention and Hugging Face's Llama, and what must hold whatever the weights."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the extra llm")

from hypothesis import given, settings  # noqa: E402 - needs torch
from hypothesis import strategies as st  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from mltoolkit.errors import BadInput  # noqa: E402
from mltoolkit.llm import (  # noqa: E402
    KVCache,
    MultiHeadAttention,
    RMSNorm,
    SwiGLU,
    Transformer,
    TransformerConfig,
    apply_rotary,
    rotary_table,
    scaled_dot_product_attention,
)

SMALL = TransformerConfig(vocab_size=23, hidden_size=16, num_key_value_heads=2, num_hidden_layers=2,
                          max_position_embeddings=64)  # fmt: skip


def normal(seed, *shape, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def ids_of(seed, *shape):
    return torch.randint(23, shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=40)
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.integers(0, 4), st.integers(1, 6),
    st.integers(1, 5), st.booleans(),
)  # fmt: skip
def test_attention_equals_pytorchs_with_its_gradients(B, G, times, T, earlier, D, E, causal):
    S = T + earlier
    q, k, v = normal(1, B, G * times, T, D), normal(2, B, G, S, D), normal(3, B, G, S, E)
    allowed = torch.ones(T, S, dtype=torch.bool).tril(S - T) if causal else None
    onto = normal(4, B, G * times, T, E)
    results = []
    for ours in (True, False):
        leaves = [part.clone().requires_grad_() for part in (q, k, v)]
        if ours:
            out = scaled_dot_product_attention(*leaves, causal=causal)
        else:
            wide = [leaves[0], *(part.repeat_interleave(times, 1) for part in leaves[1:])]
            out = F.scaled_dot_product_attention(*wide, attn_mask=allowed)
        (out * onto).sum().backward()
        results.append([out.detach(), *(leaf.grad for leaf in leaves)])
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-4)


def test_attention_without_heads_or_batch():
    q, k, v = normal(1, 3, 4), normal(2, 5, 4), normal(3, 5, 2)
    torch.testing.assert_close(scaled_dot_product_attention(q, k, v), F.scaled_dot_product_attention(q, k, v))


def test_masks_of_every_rank_meet_grouped_heads():
    q, k, v = normal(1, 2, 4, 3, 4), normal(2, 2, 2, 5, 4), normal(3, 2, 2, 5, 4)
    wide = [part.repeat_interleave(2, 1) for part in (k, v)]
    for shape in ((3, 5), (1, 5), (4, 3, 5), (1, 3, 5), (2, 4, 3, 5), (2, 1, 1, 5), (1, 4, 3, 1)):
        mask = normal(5, *shape)
        known = F.scaled_dot_product_attention(q, *wide, attn_mask=mask.expand(2, 4, 3, 5))
        torch.testing.assert_close(scaled_dot_product_attention(q, k, v, mask=mask), known)


def test_views_that_are_not_contiguous_and_no_batch_at_all():
    q, k, v = (normal(i, 2, 5, 3, 4).transpose(1, 2) for i in range(3))
    torch.testing.assert_close(
        scaled_dot_product_attention(q, k, v, causal=True), F.scaled_dot_product_attention(q, k, v, is_causal=True)
    )
    assert scaled_dot_product_attention(*(normal(i, 0, 2, 3, 4) for i in range(3))).shape == (0, 2, 3, 4)


def test_a_query_that_may_look_nowhere_gets_zeros_and_leaves_the_gradient_finite():
    q, k, v = (normal(i, 1, 3, 4).requires_grad_() for i in range(3))
    allowed = torch.tensor([[True, True, True], [False, False, False], [True, False, False]])
    out = scaled_dot_product_attention(q, k, v, mask=allowed)
    assert torch.equal(out[0, 1], torch.zeros(4))
    out.sum().backward()
    assert torch.isfinite(q.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_attention_keeps_the_dtype(dtype):
    q, k, v = (normal(i, 1, 2, 7, 8, dtype=dtype) for i in range(3))
    found = scaled_dot_product_attention(q, k, v, causal=True)
    assert found.dtype == dtype
    known = F.scaled_dot_product_attention(q.double(), k.double(), v.double(), is_causal=True)
    torch.testing.assert_close(found.double(), known, atol=0.02 if dtype != torch.float64 else 1e-12, rtol=0)


def test_all_faults_of_shapes_are_named_at_once():
    with pytest.raises(BadInput) as refused:
        scaled_dot_product_attention(normal(1, 1, 3, 5, 4), normal(2, 1, 2, 3, 5), normal(3, 1, 2, 4, 5), causal=True)
    for words in ("q (1, 3, 5, 4), k (1, 2, 3, 5), v (1, 2, 4, 5)", "same size D", "agree in all but the last",
                  "heads of k divide", "T is at most S"):  # fmt: skip
        assert words in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((normal(1, 4), normal(1, 4), normal(1, 4)), {}, "at least two"),
        ((normal(1, 2, 4), normal(1, 2, 4), normal(1, 2, 4).double()), {}, "dtypes"),
        ((torch.zeros(2, 4, dtype=torch.int64),) * 3, {}, "floating"),
        ((normal(1, 2, 4),) * 3, {"mask": torch.ones(3, 2)}, r"mask \(3, 2\) broadcasts to \(2, 2\)"),
        ((normal(1, 2, 4),) * 3, {"mask": torch.ones(1, 2, 2)}, "mask"),
        ((normal(1, 2, 1, 2, 4), normal(1, 3, 1, 2, 4), normal(1, 3, 1, 2, 4)), {}, "before the heads"),
    ],
)
def test_single_faults_are_named(arguments, options, words):
    with pytest.raises(BadInput, match=words):
        scaled_dot_product_attention(*arguments, **options)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 1000))
def test_rotated_scores_depend_on_the_distance(m, n, shift):
    q, k = normal(1, 1, 8, dtype=torch.float64), normal(2, 1, 8, dtype=torch.float64)

    def score(at, other):
        one = apply_rotary(q, *rotary_table(torch.tensor([at]), 8))
        return float((one * apply_rotary(k, *rotary_table(torch.tensor([other]), 8))).sum())

    assert score(m + shift, n + shift) == pytest.approx(score(m, n), abs=2e-3)


def test_rotation_keeps_lengths_and_position_zero():
    x = normal(1, 2, 3, 5, 6)
    cos, sin = rotary_table(torch.arange(5), 6)
    turned = apply_rotary(x, cos, sin)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned[..., 0, :], x[..., 0, :])


@pytest.mark.parametrize("width", [0, 3])
def test_a_head_without_pairs_is_refused(width):
    with pytest.raises(BadInput, match="even number"):
        rotary_table(torch.arange(2), width)


def test_norm_is_pytorchs_in_every_dtype_and_zero_stays_zero():
    x, norm = normal(1, 3, 8) + 2, RMSNorm(8, 1e-3)
    torch.testing.assert_close(norm(x), F.rms_norm(x, (8,), norm.weight, 1e-3))
    assert norm.bfloat16()(x.bfloat16()).dtype == torch.bfloat16
    assert torch.equal(RMSNorm(4)(torch.zeros(2, 4)), torch.zeros(2, 4))


def test_modules_stand_alone():
    x = normal(1, 2, 5, 16)
    assert SwiGLU(16, 20)(x).shape == x.shape
    cos, sin = rotary_table(torch.arange(5), SMALL.head_size)
    assert MultiHeadAttention(SMALL)(x, cos, sin).shape == x.shape


@settings(max_examples=25)
@given(st.integers(1, 15), st.integers(0, 100))
def test_the_future_changes_nothing(t, seed):
    model, ids = Transformer(SMALL), ids_of(seed, 1, 16)
    changed = ids.clone()
    changed[:, t:] = (changed[:, t:] + 1 + seed) % 23
    with torch.no_grad():
        assert torch.equal(model(ids)[:, :t], model(changed)[:, :t])


def test_the_same_generator_gives_the_same_weights_and_leaves_no_trace_of_others():
    def flat(seed):
        model = Transformer(SMALL, generator=torch.Generator().manual_seed(seed))
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    torch.manual_seed(1)
    first = flat(4)
    torch.manual_seed(2)
    assert torch.equal(first, flat(4))
    assert not torch.equal(first, flat(5))
    assert torch.equal(Transformer(SMALL).norm.weight, Transformer(SMALL).norm.weight)


def test_first_weights_have_the_stated_spread():
    config = TransformerConfig(vocab_size=100, hidden_size=64, num_hidden_layers=8)
    model = Transformer(config)
    assert float(model.layers[3].self_attn.q_proj.weight.detach().std()) == pytest.approx(1 / 8, rel=0.05)
    assert float(model.layers[3].mlp.down_proj.weight.detach().std()) == pytest.approx(1 / 8 / 4, rel=0.05)
    assert sum(p.numel() for p in model.parameters()) == config.parameters()


@settings(max_examples=20)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_any_pieces_with_a_cache_give_the_logits_of_the_whole(pieces):
    model, ids = Transformer(SMALL), ids_of(3, 2, sum(pieces))
    cache = KVCache(SMALL.num_hidden_layers)
    with torch.no_grad():
        found = torch.cat([model(piece, cache) for piece in ids.split(pieces, dim=1)], dim=1)
        torch.testing.assert_close(found, model(ids), atol=1e-5, rtol=0)
    assert cache.length == sum(pieces)


def test_reduced_precision_runs_through():
    model, ids = Transformer(SMALL), ids_of(1, 2, 9)
    with torch.no_grad():
        wide = model(ids)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert float((model(ids).float() - wide).abs().max()) < 0.2
        assert float((model.bfloat16()(ids).float() - wide).abs().max()) < 0.2


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (torch.zeros(2, 3), "whole numbers"),
        (torch.tensor([1, 2]), r"\(B, T\).*\(2,\)"),
        (torch.zeros(1, 0, dtype=torch.int64), "at least one token"),
        (torch.tensor([[0, 23]]), "0 to 22, got 0 to 23"),
        (torch.tensor([[-1, 2]]), "got -1 to 2"),
        (torch.zeros(1, 65, dtype=torch.int64), "65 tokens are more than max_position_embeddings=64"),
    ],
)
def test_ids_that_mean_nothing_are_refused(ids, words):
    with pytest.raises(BadInput, match=words):
        Transformer(SMALL)(ids)


def test_a_cache_counts_towards_the_longest_sequence():
    model, cache = Transformer(SMALL), KVCache(2)
    with torch.no_grad():
        model(ids_of(1, 1, 60), cache)
        with pytest.raises(BadInput, match="66 tokens"):
            model(ids_of(1, 1, 6), cache)


def test_the_first_loss_is_near_that_of_guessing():
    ids = ids_of(2, 8, 33)
    loss = F.cross_entropy(Transformer(SMALL)(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    assert float(loss.detach()) == pytest.approx(math.log(23), abs=1.0)
