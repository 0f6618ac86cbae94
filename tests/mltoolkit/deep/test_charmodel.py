"""The character model: beside PyTorch's own parts, on disk, and writing."""

import json

import pytest
import torch
from torch import nn

from mltoolkit.deep import CharModel, as_streams
from mltoolkit.errors import CannotRead

TEXT = "a rose is a rose is a rose\n" * 40


def model(core="lstm", **options):
    torch.manual_seed(0)
    return CharModel(CharModel.vocabulary_of(TEXT), core=core, **{"hidden_size": 6, **options})


@pytest.mark.parametrize("core", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("embedding", [None, 5])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_table_for_each_character_is_the_product_for_each_position(core, embedding, layers):
    ours = model(core, embedding_size=embedding, num_layers=layers).double()
    V = len(ours.vocabulary)
    peer = getattr(nn, core.upper())(embedding or V, 6, layers, batch_first=True).double()
    peer.load_state_dict(ours.core.state_dict())
    ids = ours.encode(TEXT[:30]).view(3, 10)
    weight = torch.eye(V).double() if embedding is None else ours.embedding.weight.detach().clone().requires_grad_()
    head = nn.Linear(6, V).double()
    head.load_state_dict(ours.head.state_dict())
    hidden, state = peer(nn.functional.embedding(ids, weight))
    expected = head(hidden)
    logits, found = ours(ids)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(found, state)
    for out in (logits, expected):
        nn.functional.cross_entropy(out.flatten(0, 1), ids.roll(-1).flatten()).backward()
    for a, b in zip(ours.core.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    if embedding:
        torch.testing.assert_close(ours.embedding.weight.grad, weight.grad)


def test_forget_gates_begin_open():
    plain, opened = model(forget_bias=0.0), model(forget_bias=2.0)
    gap = opened.core.bias_ih_l0 - plain.core.bias_ih_l0
    assert gap.tolist() == pytest.approx([0.0] * 6 + [2.0] * 6 + [0.0] * 12, abs=1e-6)
    assert torch.equal(model("gru", forget_bias=2.0).core.bias_ih_l0, model("gru").core.bias_ih_l0)


def test_the_vocabulary_is_the_training_texts_and_has_a_place_for_others():
    one = model()
    assert one.vocabulary == "\ufffd" + "\n aeiors"
    assert one.encode("aß\U0001f600").tolist() == [one.vocabulary.index("a"), 0, 0]
    assert one.decode(one.encode("rose\n")) == "rose\n"
    closed = CharModel("abc")
    with pytest.raises(ValueError, match=r"encode: 'xy' not in the vocabulary; build one with vocabulary_of"):
        closed.encode("axby")


@pytest.mark.parametrize("window", [1, 7, 500])
@pytest.mark.parametrize("streams", [1, 4])
def test_nats_are_those_of_one_long_run(window, streams):
    one = model(dropout=0.5)
    ids = one.encode(TEXT)
    x, y = as_streams(ids, streams)
    one.eval()
    with torch.no_grad():
        expected = nn.functional.cross_entropy(one(x)[0].flatten(0, 1), y.flatten())
    one.train()
    assert one.nats(ids, streams=streams, window=window) == pytest.approx(float(expected), abs=1e-5)
    assert one.training


def test_streams_go_on_where_the_one_before_ended():
    x, y = as_streams(torch.arange(14), 4)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert (y - x == 1).all()
    for bad in (torch.arange(4), torch.zeros(2, 9)):
        with pytest.raises(ValueError, match=r"expected \(N,\) with N > 4 for 4 streams"):
            as_streams(bad, 4)
    with pytest.raises(ValueError, match="streams=0"):
        as_streams(torch.arange(9), 0)


def test_a_model_on_disk_is_the_same_model(tmp_path):
    one = model("gru", embedding_size=4, num_layers=2, dropout=0.3)
    one.save(tmp_path / "kept")
    back = CharModel.load(tmp_path / "kept")
    assert back.config == one.config
    assert not back.training
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["config.json", "model.safetensors"]
    ids = one.encode(TEXT[:50])[None]
    one.eval()
    assert torch.equal(back(ids)[0], one(ids)[0])
    one.save(tmp_path / "kept")  # over an older one


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(CannotRead, match=r"config\.json"):
        CharModel.load(tmp_path)
    model().save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    for change, words in (({"hidden_size": 7}, "state_dict"), ({"core": "cnn"}, "core='cnn'"), ({"size": 3}, "size")):
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}), "utf-8")
        with pytest.raises(CannotRead, match=f"is no character model: .*{words}.*; save it again"):
            CharModel.load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(CannotRead, match="is no character model"):
        CharModel.load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(CannotRead, match="is no character model"):
        CharModel.load(tmp_path)


def test_samples_follow_their_generator_and_never_have_the_unknown_character():
    one = model()
    first, again = (one.sample(80, temperature=3.0, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    assert first == again
    assert len(first) == 80
    assert "\ufffd" not in first
    assert one.sample(0) == ""
    with pytest.raises(ValueError, match=r"prompt='' .*temperature=0"):
        one.sample(3, prompt="", temperature=0)


def test_a_low_temperature_takes_the_likeliest():
    one = model().eval()
    written = one.sample(5, prompt="ro", temperature=1e-4)
    ids = one.encode("ro" + written)[None]
    with torch.no_grad():
        logits, _ = one(ids)
    assert logits[0, 1:-1, 1:].argmax(1).add(1).tolist() == ids[0, 2:].tolist()


def test_bad_arguments_are_told_together():
    with pytest.raises(ValueError, match=r"vocabulary must be .*; core='x' must be one of 'rnn', 'lstm', 'gru'"):
        CharModel("aa", core="x")
    with pytest.raises(ValueError, match="embedding_size=0"):
        CharModel("ab", embedding_size=0)
    for shape in ((3,), (2, 0)):
        with pytest.raises(ValueError, match=r"expected \(B, T\), not empty"):
            model()(torch.zeros(shape, dtype=torch.int64))
