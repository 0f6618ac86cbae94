"""Columns of any table, read in one way: what training, serving and every kind of frame agree on.

Half of all training/serving skew is a question of types: a code that is 3 in the warehouse arrives as 3.0 because
its column has a gap, as "3" from a form, or as true. Two rules settle it here, and the batch and the one-row path
use the same two functions:

- a *category* is a text. Equal numbers are equal categories, so 3, 3.0, numpy.int64(3) and "3" are one, and True is
  1. None, NaN, NaT and pandas.NA are one thing: missing.
- a *number* is a number. A text that looks like one is refused, since somebody decided somewhere that it is text.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from mltoolkit.errors import BadInput

Codes = tuple[NDArray[np.intp], list[str]]


def category_key(value: Any) -> str | None:
    """The text that a category goes by.

    Parameters
    ----------
    value : object
        One cell.

    Returns
    -------
    str or None
        None for what is missing. A whole number is written without a point, whatever its type.

    Examples
    --------
    >>> [category_key(value) for value in ("a", 3, 3.0, True, 0.5, None, float("nan"))]
    ['a', '3', '3', '1', '0.5', None, None]
    """
    if isinstance(value, str):
        return str(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return _key_of_float(float(value))
    if isinstance(value, numbers.Number):  # Decimal and Fraction; equal to a float means the same category
        number = float(value)  # type: ignore[arg-type]
        exact: Any = value
        return None if math.isnan(number) else _key_of_float(number) if exact == number else str(value)
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(pd.Timestamp(value))
    return str(value)


def _key_of_float(number: float) -> str | None:
    if math.isnan(number):
        return None
    return str(int(number)) if number.is_integer() else repr(number)


def number_of(value: Any) -> float:
    """A cell as a float; NaN for what is missing.

    Raises
    ------
    BadInput
        When the cell is no number: a text, a date, any other object.
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return math.nan
    if isinstance(value, numbers.Number | np.bool_) and not isinstance(value, complex | np.complexfloating):
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            raise BadInput(f"{str(value)[:20]}... is beyond the range of a float") from None
    raise BadInput(f"{str(value)[:60]!r} is {_named(value)}, expected a number")


def _named(value: Any) -> str:
    return "a text" if isinstance(value, str) else f"of type {type(value).__name__}"


class Table:
    """Named columns of a pandas or polars frame or of a 2-D array, with what was read from them kept.

    Parameters
    ----------
    source : pandas.DataFrame, polars.DataFrame or ndarray of shape (n, d)
        The columns of an array are called ``x0``, ``x1``, and so on.
    names : sequence of str, optional
        Which columns, in which order; all of them by default.

    Attributes
    ----------
    names : tuple of str
    n_rows : int
    kind : {"pandas", "polars", "array"}
    """

    def __init__(self, source: Any, names: Sequence[str] | None = None) -> None:
        self.source = source
        self.kind = frame_kind(source)
        self.n_rows = int(source.shape[0])
        found = [f"x{j}" for j in range(source.shape[1])] if self.kind == "array" else list(source.columns)
        self._place = {str(name): j for j, name in enumerate(found)}
        if len(self._place) < len(found):
            twice = sorted({str(name) for name in found if found.count(name) > 1})
            raise BadInput(f"column names occur more than once: {', '.join(twice) or 'as a number and as a text'}")
        self.names: tuple[str, ...] = tuple(self._place) if names is None else tuple(names)
        self._codes: dict[str, Codes] = {}

    def select(self, names: Sequence[str]) -> Table:
        """The same table with these columns; what was read is shared."""
        part = object.__new__(Table)
        part.__dict__.update(self.__dict__)
        part.names = tuple(names)
        return part

    def frame(self) -> Any:
        """The columns in the kind of frame that they came in."""
        places = [self._place[name] for name in self.names]
        if self.kind == "array":
            return self.source[:, places]
        return self.source.iloc[:, places] if self.kind == "pandas" else self.source.select(list(self.names))

    def column(self, name: str) -> Any:
        """One column: a Series, or an array of shape (n,)."""
        if self.kind == "pandas":
            return self.source.iloc[:, self._place[name]]
        return self.source[name] if self.kind == "polars" else np.ascontiguousarray(self.source[:, self._place[name]])

    def codes(self, name: str) -> Codes:
        """A category column as whole numbers.

        Returns
        -------
        codes : ndarray of shape (n,)
            Which key each row has; -1 where the value is missing.
        keys : list of str
            The distinct keys in the order in which they first occur.

        Raises
        ------
        BadInput
            When the column holds something that is no single value, such as lists.
        """
        if name not in self._codes:
            try:
                codes, values = _factorized(self.column(name))
            except TypeError as error:
                raise BadInput(f"column {name!r} holds what cannot be a category ({error})") from None
            self._codes[name] = _merged(codes, [category_key(value) for value in values])
        return self._codes[name]

    def numbers(self) -> NDArray[np.float64]:
        """All columns as floats, shape (n, d), NaN where a value is missing.

        Raises
        ------
        BadInput
            When columns hold something else than numbers; each of them is named.
        """
        out = np.empty((self.n_rows, len(self.names)), order="F")
        faults = []
        for j, name in enumerate(self.names):
            try:
                out[:, j] = _floats(self.column(name))
            except BadInput as fault:
                faults.append(f"column {name!r}: {fault}")
        if faults:
            raise BadInput("; ".join(faults))
        return out

    def type_of(self, name: str) -> str:
        """What a column holds: ``"number"``, ``"time"`` or ``"category"``."""
        column = self.column(name)
        if self.kind == "polars":
            dtype = column.dtype
            return (
                "number"
                if dtype.is_numeric() or str(dtype) == "Boolean"
                else "time"
                if dtype.is_temporal()
                else "category"
            )
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return "time"
        if column.dtype == object:
            return _type_of_objects(np.asarray(column, dtype=object))
        return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "category"


def frame_kind(source: Any) -> str:
    """``"pandas"``, ``"polars"`` or ``"array"``."""
    package = type(source).__module__.partition(".")[0]
    return package if package in ("pandas", "polars") and hasattr(source, "columns") else "array"


def read_table(estimator: Any, X: Any, *, reset: bool) -> Table:
    """A table from whatever an estimator is handed, with scikit-learn's checks of names and of width.

    Parameters
    ----------
    estimator : object
        Its ``n_features_in_`` and ``feature_names_in_`` are set, or held against X.
    X : pandas.DataFrame, polars.DataFrame, Table, or array-like of shape (n, d)
    reset : bool
        True in ``fit``.

    Returns
    -------
    Table

    Raises
    ------
    BadInput, ValueError, TypeError
        When X has no rows or columns, is sparse, complex or not 2-D, or has other columns than in ``fit``.
    """
    if isinstance(X, Table):
        _check_names(estimator, X, reset)
        return X
    if frame_kind(X) == "array":
        if isinstance(X, list | tuple):  # an array of a list would turn numbers beside texts into texts
            X = np.array(X, dtype=object)
        return Table(validate_data(estimator, X, dtype=None, ensure_all_finite=False, reset=reset))
    validate_data(estimator, X, skip_check_array=True, reset=reset)
    if 0 in X.shape:
        raise BadInput(f"{type(estimator).__name__}: the frame has shape {X.shape}; expected rows and columns")
    return Table(X)


def _check_names(estimator: Any, table: Table, reset: bool) -> None:
    if reset:
        estimator.n_features_in_ = len(table.names)
        if table.kind != "array":
            estimator.feature_names_in_ = np.array(table.names, dtype=object)
    elif estimator.n_features_in_ != len(table.names):
        raise BadInput(f"got {len(table.names)} columns, was fitted with {estimator.n_features_in_}")


def names_of(estimator: Any) -> list[str]:
    """Names of the columns that an estimator was fitted with."""
    named = getattr(estimator, "feature_names_in_", None)
    return [f"x{j}" for j in range(estimator.n_features_in_)] if named is None else [str(name) for name in named]


def _factorized(column: Any) -> tuple[NDArray[Any], Sequence[Any]]:
    """Codes (-1 where pandas or Arrow call it missing) and distinct values."""
    if type(column).__module__.partition(".")[0] == "polars":
        import pyarrow as pa

        try:
            array = column.to_arrow()
        except Exception:  # a column of Python objects
            return _factorized(np.array(column.to_list(), dtype=object))
        encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        codes = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        return codes, encoded.dictionary.to_pylist()
    if isinstance(getattr(column, "dtype", None), pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), list(column.cat.categories)
    codes, values = pd.factorize(column)
    return codes, list(values)


def _merged(codes: NDArray[Any], keys: Sequence[str | None]) -> Codes:
    """Values that share a key get one code; those without a key are missing."""
    place: dict[str, int] = {}
    moved = np.array([-1 if key is None else place.setdefault(key, len(place)) for key in keys] + [-1], dtype=np.intp)
    if len(place) == len(keys):
        return codes.astype(np.intp, copy=False), list(place)
    return moved[codes], list(place)


def _floats(column: Any) -> NDArray[np.float64]:
    """A column as floats; faults are raised without the column's name."""
    if type(column).__module__.partition(".")[0] == "polars":
        if column.dtype.is_numeric() or str(column.dtype) == "Boolean":
            return np.asarray(column.cast(_polars().Float64).to_numpy(), dtype=np.float64)
        return _floats_of_objects(np.array(column.to_list(), dtype=object))
    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype.kind != "c":
        if isinstance(column, pd.Series):
            return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        return np.asarray(column, dtype=np.float64)
    return _floats_of_objects(np.asarray(column, dtype=object))


def _floats_of_objects(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.array([number_of(value) for value in values], dtype=np.float64)


def _type_of_objects(values: NDArray[Any]) -> str:
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred in ("integer", "floating", "mixed-integer-float", "decimal", "boolean"):
        return "number"
    return "time" if inferred in ("datetime", "datetime64", "date") else "category"


def _polars() -> Any:
    import polars

    return polars


def framed(values: NDArray[np.float64], names: Sequence[str], like: Table, kind: str) -> Any:
    """Columns of floats as a frame: ``"pandas"`` (with the index of ``like``), ``"polars"`` or ``"array"``."""
    if kind == "pandas":
        index = like.source.index if like.kind == "pandas" else None
        return pd.DataFrame(values, columns=list(names), index=index, copy=False)
    if kind == "polars":
        return _polars().DataFrame({name: values[:, j] for j, name in enumerate(names)})
    return values


def missing_columns(wanted: Sequence[str], given: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Which wanted columns are not there, in their order."""
    return [name for name in wanted if name not in given]
