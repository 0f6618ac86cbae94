"""When a text goes through compiled code, and what both kinds of compiled encoders do."""

from __future__ import annotations

from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_LARGE = 50_000  # characters or bytes from which compiled code makes good the time that loading it takes


class Encoder(Protocol):
    """Encodes whole texts."""

    def encode(self, text: bytes) -> NDArray[np.int32]:
        """Ids of a text in UTF-8."""


def worth_compiling(*texts: object) -> bool:
    """Whether texts are large together and numba is installed."""
    return sum(len(text) for text in texts if isinstance(text, str | bytes)) >= _LARGE and _has_numba()


@cache
def _has_numba() -> bool:
    try:
        import llvmlite  # type: ignore[import-untyped]  # noqa: F401
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


@cache
def kinds() -> NDArray[np.uint8]:
    """Kind of each code point, by the numbers of `_kernels`."""
    from mltoolkit.llm._pieces import _kernels
    from mltoolkit.llm.pieces import class_bytes

    of_byte = np.full(256, _kernels.LETTER, dtype=np.uint8)
    for byte, kind in ((b".", _kernels.OTHER), (b"'", _kernels.OTHER), (b"N", _kernels.NUMBER), (b" ", _kernels.BLANK),
                       (b"\n", _kernels.NEWLINE), (b"\t", _kernels.SPACE)):  # fmt: skip
        of_byte[byte[0]] = kind
    return of_byte[class_bytes()]
