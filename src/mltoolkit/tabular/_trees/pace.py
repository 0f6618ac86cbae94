"""The compiled twin of a readable function, where numba is installed."""

from __future__ import annotations

from typing import TypeVar

Function = TypeVar("Function")


def pick(name: str, readable: Function) -> Function:
    """The function of this name in ``_kernels``, or the readable one where numba does not import."""
    try:
        import mltoolkit.tabular._trees._kernels as _kernels  # a statement: a run's sources are found by imports
    except ImportError:
        return readable
    twin: Function = getattr(_kernels, name)
    return twin
