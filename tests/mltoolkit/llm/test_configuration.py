"""Shapes: their faults, their counts, and the way to and from Hugging Face's entries. Needs no PyTorch."""

import pytest

from mltoolkit.errors import BadInput
from mltoolkit.llm.configuration import RopeScaling, TransformerConfig

LLAMA_OLD = {
    "model_type": "llama", "vocab_size": 100, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "rope_theta": 500000.0,
    "rms_norm_eps": 1e-5, "tie_word_embeddings": False, "hidden_act": "silu",
    "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "rope_type": "llama3",
                     "original_max_position_embeddings": 64},
}  # fmt: skip


def test_all_faults_of_type_are_named_at_once():
    with pytest.raises(BadInput) as refused:
        TransformerConfig(vocab_size=0, hidden_size=2.5, num_hidden_layers=True, rope_theta=1, rms_norm_eps=-1.0,
                          rope_scaling={"factor": 8}, tie_word_embeddings=1)  # fmt: skip
    text = str(refused.value)
    for name in ("vocab_size", "hidden_size", "num_hidden_layers", "rope_theta", "rms_norm_eps", "rope_scaling",
                 "tie_word_embeddings"):  # fmt: skip
        assert name in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_attention_heads": 3}, "does not divide hidden_size=128"),
        ({"num_key_value_heads": 3}, "num_key_value_heads=3 does not divide num_attention_heads=4"),
        ({"head_dim": 5}, "5 wide"),
        ({"hidden_size": 12}, "3 wide"),
        ({"rope_theta": float("nan")}, "rope_theta"),
        ({"rms_norm_eps": float("inf")}, "rms_norm_eps"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(options, words):
    with pytest.raises(BadInput, match=words):
        TransformerConfig(vocab_size=10, **options)


def test_two_faults_of_shape_are_named_at_once():
    with pytest.raises(BadInput, match=r"num_key_value_heads=2.*; num_attention_heads=3"):
        TransformerConfig(vocab_size=10, num_attention_heads=3, num_key_value_heads=2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"factor": 0.5}, "at least 1"),
        ({"low_freq_factor": 4.0}, "above low_freq_factor"),
        ({"factor": -1, "high_freq_factor": "x"}, "factor is a number above 0, got -1; high_freq_factor"),
    ],
)
def test_stretching_out_of_range_is_refused(options, words):
    with pytest.raises(BadInput, match=words):
        RopeScaling(**options)


def test_defaults_follow_from_the_width():
    config = TransformerConfig(vocab_size=65, hidden_size=128)
    assert (config.kv_heads, config.head_size, config.gated_size) == (4, 32, 344)
    assert TransformerConfig(vocab_size=65, hidden_size=96, num_attention_heads=3).gated_size == 256
    assert TransformerConfig(vocab_size=65, intermediate_size=10).gated_size == 10


def test_parameters_and_operations_are_those_of_a_count_by_hand():
    config = TransformerConfig(
        vocab_size=10, hidden_size=8, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=6,
        intermediate_size=12, tie_word_embeddings=False,
    )  # fmt: skip
    assert config.parts() == {
        "embedding": 80, "attention matrices": 3 * (24 * 8 + 12 * 8 + 12 * 8 + 8 * 24), "gated layers": 3 * 3 * 8 * 12,
        "norms": 7 * 8, "output": 80,
    }  # fmt: skip
    assert config.parameters() == 80 + 1728 + 864 + 56 + 80
    assert config.flops(3) == {
        "attention matrices": 2 * 1728, "attention scores and sums": 3 * 2 * 2 * 4 * 6 * 2, "gated layers": 2 * 864,
        "output": 160,
    }  # fmt: skip


@pytest.mark.parametrize("scaling", [None, RopeScaling(factor=2.0, original_max_position_embeddings=64)])
def test_entries_come_back_as_they_went(scaling):
    config = TransformerConfig(vocab_size=10, num_key_value_heads=2, rope_scaling=scaling, rope_theta=123.0,
                               rms_norm_eps=1e-3, tie_word_embeddings=False, head_dim=6)  # fmt: skip
    back = TransformerConfig.from_huggingface(config.to_huggingface())
    assert back.to_huggingface() == config.to_huggingface()
    assert back.rope_scaling == scaling


def test_older_entries_are_understood():
    config = TransformerConfig.from_huggingface(LLAMA_OLD)
    assert config.rope_theta == 500000.0
    assert config.rope_scaling == RopeScaling(original_max_position_embeddings=64)
    assert not config.tie_word_embeddings
    bare = {k: v for k, v in LLAMA_OLD.items() if k not in ("rope_theta", "rope_scaling", "tie_word_embeddings")}
    plain = TransformerConfig.from_huggingface(bare)
    assert (plain.rope_theta, plain.rope_scaling, plain.tie_word_embeddings) == (10000.0, None, False)


def test_a_model_of_another_kind_is_refused_with_every_reason():
    entries = LLAMA_OLD | {"model_type": "mistral", "hidden_act": "gelu", "attention_bias": True, "mlp_bias": True,
                           "rope_scaling": {"type": "yarn", "factor": 4.0}, "vocab_size": None,
                           "partial_rotary_factor": 0.5}  # fmt: skip
    with pytest.raises(BadInput) as refused:
        TransformerConfig.from_huggingface(entries)
    for word in ("'mistral'", "'gelu'", "attention_bias", "mlp_bias", "'yarn'", "vocab_size is missing",
                 "partial_rotary_factor"):  # fmt: skip
        assert word in str(refused.value)
