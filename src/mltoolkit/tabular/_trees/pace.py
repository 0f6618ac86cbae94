"""The compiled twin of a readable function, where numba is installed."""

from __future__ import annotations

import importlib
from typing import Any, TypeVar

Function = TypeVar("Function")


def pick(name: str, readable: Function) -> Function:
    """The function of this name in ``_kernels``, or the readable one where numba does not import."""
    try:
        kernels: Any = importlib.import_module("mltoolkit.tabular._trees._kernels")
    except ImportError:
        return readable
    twin: Function = getattr(kernels, name)
    return twin
