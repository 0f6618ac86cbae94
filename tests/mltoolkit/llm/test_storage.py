"""Weights move to Hugging Face's Llama and back, and files that do not fit are named."""

import json

import pytest

torch = pytest.importorskip("torch", reason="needs the extra llm")
transformers = pytest.importorskip("transformers", reason="needs the extra llm")
pytest.importorskip("safetensors", reason="needs the extra llm")

from safetensors.torch import load_file, save_file  # noqa: E402

from mltoolkit.errors import BadInput, CannotRead  # noqa: E402
from mltoolkit.llm import RopeScaling, Transformer, TransformerConfig  # noqa: E402

OPTIONS = {"vocab_size": 23, "hidden_size": 16, "num_hidden_layers": 2, "max_position_embeddings": 64}
VARIANTS = {
    "tied": {},
    "untied, shared keys": {"tie_word_embeddings": False, "num_key_value_heads": 2},
    "wide heads": {"head_dim": 6, "num_key_value_heads": 1},
    "stretched": {"rope_scaling": RopeScaling(factor=4.0, original_max_position_embeddings=16), "rope_theta": 500.0},
}


def shaped(**options):
    return TransformerConfig(**(OPTIONS | options))


def ids():
    return torch.randint(23, (2, 20), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", autouse=True)
def _quiet():
    transformers.utils.logging.disable_progress_bar()
    yield
    transformers.utils.logging.enable_progress_bar()


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
@torch.no_grad()
def test_what_is_saved_opens_as_a_llama_and_comes_back(tmp_path, options):
    model = Transformer(shaped(**options), generator=torch.Generator().manual_seed(3))
    model.save(tmp_path / "new" / "folder")
    peer = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "new" / "folder").eval()
    assert type(peer).__name__ == "LlamaForCausalLM"
    torch.testing.assert_close(peer(ids()).logits, model(ids()), atol=1e-5, rtol=0)
    for again in (Transformer.load(tmp_path / "new" / "folder"), Transformer.from_huggingface(peer)):
        assert torch.equal(again(ids()), model(ids()))
        assert again.config.to_huggingface() == model.config.to_huggingface()


@torch.no_grad()
def test_a_llamas_folder_opens_here_whole_and_in_shards(tmp_path):
    peer = transformers.LlamaForCausalLM(transformers.LlamaConfig(**shaped().to_huggingface())).eval()
    for name, size in (("whole", "1GB"), ("shards", "4KB")):
        peer.save_pretrained(tmp_path / name, max_shard_size=size)
        found = Transformer.from_huggingface(tmp_path / name)
        torch.testing.assert_close(found(ids()), peer(ids()).logits, atol=1e-5, rtol=0)
    assert (tmp_path / "shards" / "model.safetensors.index.json").exists()


def test_the_copy_is_independent_and_keeps_half_precision(tmp_path):
    model = Transformer(shaped()).bfloat16()
    model.save(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "bfloat16"
    again = Transformer.load(tmp_path)
    assert again.embed_tokens.weight.dtype == torch.bfloat16
    assert again.lm_head.weight is again.embed_tokens.weight
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(CannotRead, match=r"config\.json cannot be read"):
        Transformer.load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CannotRead, match="is not JSON"):
        Transformer.load(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(CannotRead, match="holds list"):
        Transformer.load(tmp_path)
    Transformer(shaped()).save(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(CannotRead, match=r"model\.safetensors cannot be read as safetensors"):
        Transformer.load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(CannotRead, match=r"model\.safetensors"):
        Transformer.load(tmp_path)


def test_an_index_may_not_leave_its_folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(shaped().to_huggingface()))
    index = {"weight_map": {"model.norm.weight": "../other/model.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CannotRead, match="outside of its folder"):
        Transformer.load(tmp_path)


def test_weights_that_do_not_fit_are_all_named(tmp_path):
    Transformer(shaped()).save(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["model.norm.bias"] = torch.zeros(16)
    weights["model.layers.0.mlp.up_proj.weight"] = torch.zeros(3, 3)
    del weights["model.norm.weight"]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(BadInput) as refused:
        Transformer.load(tmp_path)
    for words in ("norm.weight is missing", "norm.bias is left over", "(3, 3), expected (48, 16)"):
        assert words in str(refused.value)
    save_file({}, tmp_path / "model.safetensors")
    with pytest.raises(BadInput, match=r"and \d+ more"):
        Transformer.load(tmp_path)


def test_angles_in_older_files_are_left_out(tmp_path):
    Transformer(shaped()).save(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.zeros(2)
    save_file(weights, tmp_path / "model.safetensors")
    Transformer.load(tmp_path)


@pytest.mark.parametrize("thing", [3, torch.nn.Linear(2, 2)])
def test_what_is_no_model_is_refused(thing):
    with pytest.raises(BadInput, match="expected a folder or a LlamaForCausalLM"):
        Transformer.from_huggingface(thing)
