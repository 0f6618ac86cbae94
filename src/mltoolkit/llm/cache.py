"""Keys and values of the tokens so far, so that a new token costs one token's work.

Buffers grow by doubling: n appended tokens are copied O(n) times in all, not O(n²).
"""

from __future__ import annotations

from torch import Tensor

from mltoolkit.errors import BadInput

_LEAST = 64  # tokens of a first buffer


class KVCache:
    """What attention has seen: keys and values of each layer, rotated already.

    Parameters
    ----------
    layers : int
        Layers of the model, at least 1.

    Attributes
    ----------
    length : int
        Tokens that every layer holds; the position of the next token.

    Examples
    --------
    >>> import torch
    >>> cache = KVCache(layers=1)
    >>> k, v = cache.append(0, torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4))
    >>> k.shape, cache.length
    (torch.Size([1, 2, 3, 4]), 3)
    """

    def __init__(self, layers: int) -> None:
        if layers < 1:
            raise BadInput(f"KVCache: layers is at least 1, got {layers}")
        self._buffers: list[tuple[Tensor, Tensor] | None] = [None] * layers
        self._lengths = [0] * layers

    def __repr__(self) -> str:
        return f"KVCache(layers={len(self._lengths)}, length={self.length})"

    @property
    def length(self) -> int:
        """Tokens that every layer holds."""
        return min(self._lengths)

    @property
    def nbytes(self) -> int:
        """Memory of the buffers in bytes."""
        return sum(part.nbytes for pair in self._buffers if pair is not None for part in pair)

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add the keys and values of new tokens to a layer, and give all of them.

        Parameters
        ----------
        layer : int
        keys, values : Tensor of shape (B, heads, T, D)
            Of T new tokens.

        Returns
        -------
        keys, values : Tensor of shape (B, heads, earlier + T, D)
            Views of the buffers; the next ``append`` may leave them behind.

        Raises
        ------
        BadInput
            When a batch of another shape is appended.
        """
        start, new = self._lengths[layer], keys.shape[2]
        found = self._buffers[layer]
        if found is not None and (found[0].shape[:2] != keys.shape[:2] or found[0].shape[3] != keys.shape[3]):
            held, given = tuple(found[0].shape), tuple(keys.shape)
            raise BadInput(
                f"KVCache: layer {layer} holds (B, heads, T, D) = {(*held[:2], start, held[3])} and got {given}; "
                "use a cache for one batch from its first token on"
            )
        if found is None or start + new > found[0].shape[2]:
            found = _grown(found, keys, values, start)
            self._buffers[layer] = found
        for buffer, part in zip(found, (keys, values), strict=True):
            buffer[:, :, start : start + new] = part.detach()
        self._lengths[layer] = start + new
        return found[0][:, :, : start + new], found[1][:, :, : start + new]

    def crop(self, length: int) -> None:
        """Forget all tokens from position ``length`` on: a draft that was refused, a beam that was left.

        Raises
        ------
        BadInput
            When the cache holds fewer tokens than that.
        """
        if not 0 <= length <= self.length:
            raise BadInput(f"KVCache.crop: length lies in 0 to {self.length}, got {length}")
        self._lengths = [length] * len(self._lengths)

    def reorder(self, rows: Tensor) -> None:
        """Keep these rows of the batch, in this order; a row may be kept twice (beams).

        Parameters
        ----------
        rows : Tensor of shape (B',), whole numbers below B
        """
        self._buffers = [
            None if pair is None else (pair[0].index_select(0, rows), pair[1].index_select(0, rows))
            for pair in self._buffers
        ]


def _grown(found: tuple[Tensor, Tensor] | None, keys: Tensor, values: Tensor, start: int) -> tuple[Tensor, Tensor]:
    """Buffers with room for the new tokens, twice as long as what is needed now."""
    B, heads, new, D = keys.shape
    room = max(_LEAST, 2 * (start + new))
    grown = (keys.new_empty(B, heads, room, D), values.new_empty(B, heads, room, D))
    if found is not None:
        for buffer, old in zip(grown, found, strict=True):
            buffer[:, :, :start] = old[:, :, :start]
    return grown
