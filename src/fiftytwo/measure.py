"""Measure what a call gave against what it should have given.

Every function returns a :class:`~fiftytwo.evidence.Measurement`. A gate of type and shape comes before
any comparison of values, so that a wrong shape is reported as that and never as a crash inside a check.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from fiftytwo.evidence import Measurement


def difference(
    got: Any,
    expected: Any,
    *,
    call: str,
    inputs: Mapping[str, Any] | None = None,
    relative: bool = False,
) -> Measurement:
    """Largest absolute (or relative) difference between two numeric results.

    Parameters
    ----------
    got, expected : array-like or number
        ``expected`` sets the type and shape that ``got`` must have: an array wants an array of the
        same shape with a numeric dtype, a tensor a tensor, a number wants a number. NaN equals NaN and an
        infinity equals itself; any other non-finite value in ``got`` gives an infinite difference.
    call : str
        The call as the learner would type it.
    inputs : mapping, optional
        The arguments that reproduce the call.
    relative : bool, default False
        Divide each difference by the largest magnitude in ``expected``.

    Returns
    -------
    Measurement
        ``value`` is the largest difference, or ``nan`` when the gate was not passed.
    """
    fault = ""
    if is_tensor(expected) and not is_tensor(got):
        fault = f"expected a tensor of shape {tuple(expected.shape)}, got {describe_type(got)}"
    got, expected = as_array(got), as_array(expected)
    details: dict[str, Any] = {"call": call, "got": got, "expected": expected, "inputs": dict(inputs or {})}
    fault = fault or _gate(got, expected)
    if fault:
        return Measurement(float("nan"), gate=fault, **details)
    left, right = _floats(got), np.asarray(expected, dtype=float)
    if right.size == 0:
        return Measurement(0.0, **details)
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(left - right)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    gaps = np.where(same, 0.0, np.where(np.isfinite(gaps), gaps, np.inf))
    if relative:
        scale = np.max(np.abs(right[np.isfinite(right)]), initial=0.0)
        with np.errstate(over="ignore"):
            gaps = gaps / scale if scale > 0 else gaps
    worst = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
    where = "[" + ", ".join(str(int(i)) for i in worst) + "]" if worst and gaps[worst] > 0 else ""
    return Measurement(float(gaps[worst]), where=where, **details)


def refusal(
    action: Callable[[], Any],
    *,
    call: str,
    error: type[Exception] = ValueError,
    mentions: tuple[str, ...] = (),
    inputs: Mapping[str, Any] | None = None,
) -> Measurement:
    """Whether a call refuses bad input with the right error and a message that names the trouble.

    Parameters
    ----------
    action : function without arguments
        Makes the call.
    error : exception type, default ValueError
        What must be raised; one of the toolkit's own counts by its name when it comes from the learner's
        process. ``NotImplementedError`` passes through, so that a stub stays a stub.
    mentions : tuple of str
        Words of which the message must contain at least one, in any case.

    Returns
    -------
    Measurement
        ``value`` is 1.0 for a clear refusal, else 0.0.
    """
    wanted = error.__name__ + (f" that mentions {' or '.join(map(repr, mentions))}" if mentions else "")
    details: dict[str, Any] = {"call": call, "expected": wanted, "inputs": dict(inputs or {})}
    try:
        action()
    except NotImplementedError:
        raise
    except Exception as raised:
        if getattr(raised, "ends_the_process", False):
            raise
        name = getattr(raised, "type_name", "") or type(raised).__name__
        text = str(raised)
        expected = isinstance(raised, error) or name == error.__name__
        clear = expected and (not mentions or any(word.lower() in text.lower() for word in mentions))
        return Measurement(float(clear), got=f"{error.__name__ if expected else name}: {text}", **details)
    return Measurement(0.0, got="returned without an error", **details)


def worst(measurements: Iterable[Measurement], bound: float) -> Measurement:
    """The first measurement that misses the bound or a gate, else the largest one."""
    largest: Measurement | None = None
    for measurement in measurements:
        if measurement.gate or not measurement.value <= bound:
            return measurement
        if largest is None or measurement.value > largest.value:
            largest = measurement
    assert largest is not None
    return largest


def first_unclear(refusals: Iterable[Measurement]) -> Measurement:
    """The first refusal (or any yes or no) that was not clear, else the last one."""
    last: Measurement | None = None
    for last in refusals:
        if last.value != 1.0:
            break
    assert last is not None
    return last


def is_tensor(value: Any) -> bool:
    """Whether a value is a PyTorch tensor; asks without importing PyTorch."""
    return any(f"{kind.__module__}.{kind.__name__}" == "torch.Tensor" for kind in type(value).__mro__)


def as_array(value: Any) -> Any:
    """A tensor as an array of its values, anything else as it is."""
    if not is_tensor(value):
        return value
    tensor = value.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() and tensor.element_size() < 4 else tensor).numpy()


def _floats(got: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A result that passed the gate as floats; a whole number beyond their range is infinite."""
    try:
        return np.asarray(got, dtype=np.float64)
    except OverflowError:
        return np.asarray(np.inf if got > 0 else -np.inf)


def _gate(got: Any, expected: Any) -> str:
    """The fault of type or shape in one sentence, or an empty string."""
    if isinstance(expected, numbers.Number) and not isinstance(expected, np.ndarray):
        if isinstance(got, np.ndarray) and got.ndim == 0:
            got = got.item()
        if not isinstance(got, numbers.Real):
            return f"expected a number, got {describe_type(got)}"
        return ""
    wanted = np.asarray(expected)
    if not isinstance(got, np.ndarray):
        return f"expected an array of shape {wanted.shape}, got {describe_type(got)}"
    if got.dtype.kind not in "buif":
        return f"expected numbers, got an array of dtype {got.dtype}"
    if got.shape != wanted.shape:
        return f"expected shape {wanted.shape}, got {got.shape}"
    return ""


def describe_type(value: Any) -> str:
    """A value's type in the words of an error message."""
    if value is None:
        return "None (is a return missing?)"
    name = getattr(value, "type_name", None)  # a handle to an object in the learner's process
    if isinstance(name, str):
        return f"an object of type {name}"
    return f"{type(value).__name__} {value!r:.60}" if np.isscalar(value) else type(value).__name__
