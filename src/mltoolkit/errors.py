"""The errors that the toolkit raises at its public edge.

Callers react by type; every message says what was wrong, what was expected and what to do next::

    ToolkitError
    ├── BadInput       (ValueError)       a value that the operation cannot take
    ├── MissingExtra   (ImportError)      an optional dependency that is not installed
    ├── NotConverged   (ArithmeticError)  an iteration that stopped before its tolerance
    └── CannotRead     (OSError)          a file, address or format that cannot be read

An estimator that is used before ``fit`` raises scikit-learn's own ``NotFittedError``, so that code
written against scikit-learn keeps working.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ToolkitError(Exception):
    """Base of every error that mltoolkit raises on purpose."""


class BadInput(ToolkitError, ValueError):
    """A value that the operation cannot take: wrong type, shape, range or name."""


class NotConverged(ToolkitError, ArithmeticError):
    """An iteration that used up its budget before it met its tolerance."""


class CannotRead(ToolkitError, OSError):
    """A file, address or format that cannot be read."""


class MissingExtra(ToolkitError, ImportError):
    """An optional dependency that is not installed.

    Parameters
    ----------
    package : str
        The distribution that is missing, such as ``"torch"``.
    extra : str
        The extra of this distribution that brings it, such as ``"deep"``.
    """

    def __init__(self, package: str, extra: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(f"{package} is not installed; get it with: pip install 'fiftytwo[{extra}]'")

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str]]:
        return (type(self), (self.package, self.extra))


def naming_the_extra(lookup: Callable[[str], Any], extra: str, *packages: str) -> Callable[[str], Any]:
    """A package's lazy ``__getattr__`` that says which extra brings a library it lacks.

    Parameters
    ----------
    lookup : function of a name
        The lazy ``__getattr__``, which imports the module that holds the name.
    extra : str
        The extra that brings the libraries, such as ``"deep"``.
    *packages : str
        The libraries, by the names they are imported by and installed as.

    Returns
    -------
    function of a name
        ``lookup``, but a missing library of ``packages`` raises :class:`MissingExtra`.
    """

    def find(name: str) -> Any:
        try:
            return lookup(name)
        except ModuleNotFoundError as error:
            if error.name not in packages:
                raise
            raise MissingExtra(error.name, extra) from error

    return find
