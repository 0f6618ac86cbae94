"""Batches and windows: every row once, an order that seed and epoch decide, shares that add up."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from mltoolkit.deep import Batches, Windows  # noqa: E402 - needs torch
from mltoolkit.errors import BadInput  # noqa: E402


@given(rows=st.integers(1, 40), size=st.integers(1, 12), seed=st.integers(0, 9), epoch=st.integers(0, 3))
def test_every_row_comes_once(rows: int, size: int, seed: int, epoch: int) -> None:
    batches = Batches(torch.arange(rows), torch.arange(rows) * 2, batch_size=size, seed=seed)
    found = list(batches.epoch(epoch))
    assert len(found) == len(batches)
    x = torch.cat([batch[0] for batch in found])
    assert sorted(x.tolist()) == list(range(rows))
    assert torch.equal(torch.cat([batch[1] for batch in found]), 2 * x)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return [int(i) for (rows,) in Batches(torch.arange(50), batch_size=7, seed=seed).epoch(epoch) for i in rows]

    assert order(0, 1) == order(0, 1)
    orders = [order(seed, epoch) for seed in range(3) for epoch in range(3)]
    assert len({tuple(o) for o in orders}) == 9


@given(rows=st.integers(1, 30), size=st.integers(1, 9), world=st.integers(1, 4), start=st.integers(0, 3))
def test_shares_of_all_ranks_are_the_batch_and_a_late_start_is_the_rest(
    rows: int, size: int, world: int, start: int
) -> None:
    batches = Batches(torch.arange(rows), batch_size=size, seed=3)
    whole = [rows for (rows,) in batches.epoch(2)][start:]
    shares = zip(*(batches.epoch(2, start=start, rank=rank, world=world) for rank in range(world)), strict=True)
    for expected, parts in zip(whole, shares, strict=True):
        together = torch.cat([part[0] for part in parts])
        assert sorted(together.tolist()) == sorted(expected.tolist())
        assert max(len(p[0]) for p in parts) - min(len(p[0]) for p in parts) <= 1


def test_drop_last_and_no_shuffle() -> None:
    batches = Batches(torch.arange(10), batch_size=4, shuffle=False, drop_last=True)
    assert [rows.tolist() for (rows,) in batches.epoch(5)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert len(batches) == 2


def test_a_transform_draws_the_same_for_the_same_batch() -> None:
    def noisy(x: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor]:
        return (x + torch.rand(len(x), generator=generator),)

    batches = Batches(torch.zeros(12), batch_size=4, transform=noisy)
    whole = [x for (x,) in batches.epoch(1)]
    (last,) = [x for (x,) in batches.epoch(1, start=2)]
    assert torch.equal(last, whole[2])
    assert not torch.equal(whole[0], whole[1])
    assert not torch.equal(next(batches.epoch(0))[0], whole[0])


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(BadInput, match=r"batch_size=0 is below 1; seed=-1 is negative; the tensors have 3 and 4 rows"):
        Batches(torch.zeros(3), torch.zeros(4), batch_size=0, seed=-1)
    with pytest.raises(BadInput, match="no tensor was given"):
        Batches(batch_size=1)
    with pytest.raises(BadInput, match="0 rows give no batch of 4"):
        Batches(torch.zeros(0), batch_size=4)
    with pytest.raises(BadInput, match="3 rows give no batch of 4"):
        Batches(torch.zeros(3), batch_size=4, drop_last=True)


@given(n=st.integers(2, 60), length=st.integers(1, 10), size=st.integers(1, 5), epoch=st.integers(0, 2))
def test_windows_predict_the_next_token(n: int, length: int, size: int, epoch: int) -> None:
    if n <= length:
        return
    windows = Windows(torch.arange(n, dtype=torch.int32), length, size, seed=1)
    found = list(windows.epoch(epoch))
    assert len(found) == len(windows)
    for x, y in found:
        assert x.shape == y.shape == (len(x), length)
        assert x.dtype == torch.int64
        assert torch.equal(y, x + 1)
    starts = sorted(int(row[0]) for x, _ in found for row in x)
    assert all(b - a == length for a, b in itertools.pairwise(starts))
    assert starts[-1] + length < n


def test_windows_move_their_cuts_and_find_their_place() -> None:
    windows = Windows(torch.arange(101), 10, 4)
    firsts = {min(int(x.min()) for x, _ in windows.epoch(epoch)) for epoch in range(12)}
    assert len(firsts) > 3
    assert torch.equal(next(windows.epoch(3, start=1))[0], list(windows.epoch(3))[1][0])
    parts = [next(windows.epoch(0, rank=rank, world=2))[0] for rank in range(2)]
    assert {int(r[0]) for p in parts for r in p} == {int(r[0]) for r in next(windows.epoch(0))[0]}


def test_windows_in_order_cover_the_sequence() -> None:
    windows = Windows(torch.arange(23), 5, 2, shuffle=False)
    assert torch.cat([x.flatten() for x, _ in windows.epoch(7)]).tolist() == list(range(20))


@pytest.mark.parametrize(
    ("ids", "length", "message"),
    [
        (torch.arange(5), 5, "5 ids are too few for a window of 5"),
        (torch.zeros(9), 2, r"dtype torch.float32; expected \(n,\) and integers"),
        (torch.zeros(3, 3, dtype=torch.int64), 2, r"shape \(3, 3\)"),
        (torch.arange(9), 0, "length=0 is below 1"),
    ],
)
def test_windows_refuse_what_is_no_sequence(ids: torch.Tensor, length: int, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Windows(ids, length, 2)
