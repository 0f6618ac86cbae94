"""The cache grows, forgets, and keeps the rows that it is told to."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra llm")

from mltoolkit.errors import BadInput  # noqa: E402 - needs torch
from mltoolkit.llm import KVCache  # noqa: E402


def part(start, tokens, rows=2):
    values = torch.arange(start, start + tokens, dtype=torch.float32)
    return values[None, None, :, None].expand(rows, 3, tokens, 4) + torch.arange(rows)[:, None, None, None] * 1000


def test_what_was_appended_comes_back_across_many_growths():
    cache, start = KVCache(2), 0
    for tokens in (1, 5, 60, 1, 200, 3):
        for layer in (0, 1):
            k, v = cache.append(layer, part(start, tokens), -part(start, tokens))
        start += tokens
        assert torch.equal(k, part(0, start))
        assert torch.equal(v, -part(0, start))
        assert cache.length == start
    assert cache.nbytes >= 2 * 2 * k.nbytes
    assert repr(cache) == "KVCache(layers=2, length=270)"


def test_length_is_that_of_the_layer_that_lags():
    cache = KVCache(2)
    cache.append(0, part(0, 3), part(0, 3))
    assert cache.length == 0


def test_cropping_forgets_and_goes_on():
    cache = KVCache(1)
    cache.append(0, part(0, 8), part(0, 8))
    cache.crop(5)
    k, _ = cache.append(0, part(90, 1), part(90, 1))
    assert k[0, 0, :, 0].tolist() == [0, 1, 2, 3, 4, 90]
    with pytest.raises(BadInput, match="0 to 6, got 7"):
        cache.crop(7)


def test_rows_are_kept_and_doubled():
    cache = KVCache(2)
    cache.append(0, part(0, 2), part(0, 2))
    cache.reorder(torch.tensor([1, 1, 0]))
    k, _ = cache.append(0, part(2, 1, rows=3), part(2, 1, rows=3))
    assert k[:, 0, 0, 0].tolist() == [1000, 1000, 0]


def test_another_batch_is_refused():
    cache = KVCache(1)
    cache.append(0, part(0, 2), part(0, 2))
    with pytest.raises(BadInput, match=r"holds .* \(2, 3, 2, 4\) and got \(1, 3, 2, 4\)"):
        cache.append(0, part(0, 2, rows=1), part(0, 2, rows=1))
    with pytest.raises(BadInput, match="at least 1"):
        KVCache(0)


def test_no_gradient_is_kept():
    cache = KVCache(1)
    k, v = cache.append(0, part(0, 2).clone().requires_grad_(), part(0, 2).clone().requires_grad_())
    assert not k.requires_grad
    assert not v.requires_grad
