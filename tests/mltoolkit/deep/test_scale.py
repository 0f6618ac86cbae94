"""Checkpoints, accumulation and precision beyond what the week checks: messages, types, oddities."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from safetensors import safe_open  # noqa: E402 - comes with the extra
from safetensors.torch import save  # noqa: E402
from torch import nn  # noqa: E402

from mltoolkit.deep import Checkpoint, accumulate, autocast  # noqa: E402
from mltoolkit.errors import BadInput, CannotRead  # noqa: E402

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4) | st.integers(-5, 5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=PLAIN)
def test_plain_data_comes_back_with_its_types(tmp_path_factory: Any, value: Any) -> None:
    path = tmp_path_factory.mktemp("plain") / "a.safetensors"
    if any(0xD800 <= ord(c) <= 0xDFFF for c in repr(value)):
        return
    found = Checkpoint.load(Checkpoint.save(path, model=nn.Linear(1, 1), extra=value)).extra
    assert repr(found) == repr(value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.bool])
def test_tensors_of_any_type_and_layout(tmp_path: Path, dtype: torch.dtype) -> None:
    base = torch.arange(24).reshape(2, 3, 4).to(dtype)
    values = {"view": base[:, 1], "turned": base.permute(2, 0, 1), "point": base[0, 0, 1], "none": base[:0]}
    found = Checkpoint.load(Checkpoint.save(tmp_path / "a.safetensors", model=nn.Linear(1, 1), extra=values)).extra
    for name, value in values.items():
        assert found[name].dtype == dtype
        assert torch.equal(found[name], value)


def test_special_numbers_and_arrays(tmp_path: Path) -> None:
    extra = {"nan": float("nan"), "inf": -np.inf, "array": np.arange(4, dtype=np.int16), "count": np.int64(3)}
    found = Checkpoint.load(Checkpoint.save(tmp_path / "a.safetensors", model=nn.Linear(1, 1), extra=extra)).extra
    assert np.isnan(found["nan"])
    assert found["inf"] == -np.inf
    assert found["count"] == 3
    assert found["array"].dtype == np.int16
    assert found["array"].tolist() == [0, 1, 2, 3]


def test_what_cannot_be_kept_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(BadInput, match=r"data has the key \(1, 2\).*extra\.f is of type function"):
        Checkpoint.save(path, model=nn.Linear(1, 1), extra={"f": lambda: 0}, data={(1, 2): 0})
    assert list(tmp_path.iterdir()) == []


def test_shared_weights_are_kept_once(tmp_path: Path) -> None:
    model = nn.ModuleDict({"a": nn.Linear(50, 50, bias=False), "b": nn.Linear(50, 50, bias=False)})
    model["b"].weight = model["a"].weight
    path = Checkpoint.save(tmp_path / "a.safetensors", model=model)
    with safe_open(path, "pt") as file:
        assert [name for name in file.keys() if name.startswith("model")] == ["model.a.weight"]  # noqa: SIM118
    assert set(Checkpoint.load(path).model) == {"a.weight", "b.weight"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a whole checkpoint"),
        (b"hello", "not a whole checkpoint"),
        (save({"w": torch.ones(2)}), "its header does not say 'mltoolkit checkpoint 1'"),
        (save({"w": torch.ones(2)}, {"format": "mltoolkit checkpoint 1"}), "not a whole checkpoint"),
        (b"\xff" * 100, "not a whole checkpoint"),
        ((2**63).to_bytes(8, "little") + b"{}", "not a whole checkpoint"),
    ],
)
def test_foreign_files_are_refused_in_words(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "step-1.safetensors"
    path.write_bytes(content)
    with pytest.raises(CannotRead, match=message):
        Checkpoint.load(path)
    with pytest.raises(CannotRead, match="no checkpoint can be read"):
        Checkpoint.latest(tmp_path)


def test_missing_files_and_changed_values(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="there is no such file; expected a checkpoint"):
        Checkpoint.load(tmp_path / "a.safetensors")
    path = Checkpoint.save(tmp_path / "a.safetensors", model=nn.Linear(4, 4), step=3)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CannotRead, match="its checksum does not fit"):
        Checkpoint.load(path)


def test_a_state_that_was_edited_is_refused(tmp_path: Path) -> None:
    path = Checkpoint.save(tmp_path / "a.safetensors", model=nn.Linear(4, 4), step=3)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["state"] = header["__metadata__"]["state"].replace('"step":3', '"step":9')
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    with pytest.raises(CannotRead, match="its checksum does not fit"):
        Checkpoint.load(path)


def test_every_single_byte_counts(tmp_path: Path) -> None:
    path = Checkpoint.save(tmp_path / "a.safetensors", model=nn.Linear(1, 1))
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(CannotRead):
            Checkpoint.load(path)


def test_latest_passes_over_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Checkpoint.save(tmp_path / "good.safetensors", model=nn.Linear(1, 1), step=1)
    (tmp_path / "torn.safetensors").write_bytes(b"x")
    (tmp_path / ".hidden.safetensors").write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        found = Checkpoint.latest(tmp_path)
    assert found is not None
    assert found.step == 1
    assert [record.args[0].args[0].count("torn") for record in caplog.records] == [1]  # type: ignore[index, union-attr]


def test_restore_names_every_misfit_and_changes_nothing(tmp_path: Path) -> None:
    found = Checkpoint.load(Checkpoint.save(tmp_path / "a.safetensors", model=nn.Linear(3, 2)))
    other = nn.Linear(4, 2, bias=False)
    before = other.weight.detach().clone()
    optimizer = torch.optim.SGD(other.parameters())
    with pytest.raises(
        BadInput, match=r"the model has no bias; weight has shape \(2, 3\).*\(2, 4\); it holds no optim"
    ):
        found.restore(model=other, optimizer=optimizer)
    assert torch.equal(before, other.weight)
    with pytest.raises(BadInput, match="it holds no bias"):
        Checkpoint.load(Checkpoint.save(tmp_path / "b.safetensors", model=other)).restore(model=nn.Linear(4, 2))


def test_accumulate_refuses_nothing_to_do() -> None:
    with pytest.raises(BadInput, match="got 0 batches, 0 counts and a total of 0"):
        accumulate(nn.Linear(1, 1), lambda model, batch: model(batch[0]).mean(), [])
    with pytest.raises(BadInput, match="got 1 batches, 2 counts"):
        accumulate(nn.Linear(1, 1), lambda model, batch: model(batch[0]).mean(), [(torch.ones(2, 1),)], counts=[1, 1])


def test_bfloat16_products_are_as_near_as_eight_bits() -> None:
    draws = torch.Generator().manual_seed(0)
    a, b = torch.rand(64, 64, generator=draws), torch.rand(64, 64, generator=draws)
    with autocast("bf16"):
        found = (a @ b).float()
    gap = ((found - a @ b) / (a @ b)).abs().max()
    assert 0 < gap < 2**-6
