"""Checks that what is no distribution is refused, clearly, and with all its faults at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import refusal
from fiftytwo.weeks.w04_validation.cases import first_unclear

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_ONE = ("entropy", "mutual_information")
_TWO = ("cross_entropy", "kl_divergence", "js_divergence")


def refusals(lab: Lab) -> Iterator[Check]:
    """Bad weights, shapes, bases, axes and labels."""

    def refuse(call: str, mentions: tuple[str, ...], action: Callable[[], Any], **inputs: Any) -> Measurement:
        return refusal(action, call=call, mentions=mentions, inputs=inputs)

    def bad(p: Any, *mentions: str) -> Callable[[], Measurement]:
        good = np.ones(np.shape(p)) if np.size(p) else np.ones(3)

        def measure() -> Measurement:
            s = lab.solution
            calls = [refuse(f"{name}(p)", mentions, lambda name=name: getattr(s, name)(p), p=p)  # type: ignore[misc]
                     for name in _ONE]  # fmt: skip
            for name in _TWO:
                calls.append(refuse(f"{name}(p, q)", mentions, lambda name=name: getattr(s, name)(p, good),  # type: ignore[misc]
                                    p=p, q=good))  # fmt: skip
                calls.append(refuse(f"{name}(q, p)", mentions, lambda name=name: getattr(s, name)(good, p),  # type: ignore[misc]
                                    p=p, q=good))  # fmt: skip
            return first_unclear(calls)

        return measure

    for name, p, mentions in (
        ("a negative number", np.array([[2.0, -1.0], [1.0, 2.0]]), ("negative", "below 0", "< 0")),
        ("NaN", np.array([[2.0, math.nan], [1.0, 2.0]]), ("NaN", "missing", "finite")),
        ("infinity", np.array([[2.0, math.inf], [1.0, 2.0]]), ("inf", "finite")),
        ("nothing", np.ones((0, 2)), ("empty", "no values", "no value", "size")),
        ("all zero", np.zeros((2, 2)), ("zero", "sum")),
        ("texts", np.array([["1", "2"], ["3", "4"]]), ("number", "numeric", "dtype", "type")),
    ):
        yield Check(f"refuses {name}", bad(p, *mentions), equals=True,
                    why="A weight that cannot be one comes from a fault upstream, and NaN would hide where.",
                    hint=("Look at the array before you normalise it.",
                          "Raise a ValueError that names the argument and what it holds."))  # fmt: skip

    yield from _arguments(lab, refuse)


def _arguments(lab: Lab, refuse: Callable[..., Measurement]) -> Iterator[Check]:
    p, q, table = np.array([1.0, 2.0]), np.array([1.0, 2.0, 3.0]), np.array([[0, 1], [0, 1]])

    def shapes() -> Measurement:
        s = lab.solution
        return first_unclear((
            *(refuse(f"{name}(p, q)", ("shape",), lambda name=name: getattr(s, name)(p, q), p=p, q=q)
              for name in _TWO),
            *(refuse(f"{name}(p, q)", ("shape",), lambda name=name: getattr(s, name)(p, p[:, np.newaxis]), p=p, q=q)
              for name in _TWO),
            refuse("mutual_information(p)", ("dimension", "shape"), lambda: s.mutual_information(p), p=p),
            refuse("entropy(1.0)", ("number", "scalar", "dimension", "array"), lambda: s.entropy(1.0)),
        ))  # fmt: skip

    yield Check("refuses shapes that do not fit", shapes, equals=True,
                why="NumPy would stretch one to fit the other, and the result would mean nothing.",
                hint=("Compare p.shape with q.shape before anything else.",))  # fmt: skip

    def bases() -> Measurement:
        s = lab.solution
        wrong: tuple[Any, ...] = (1, 0, -2, 0.5, math.nan, math.inf, float("inf"), True, "2")
        calls = [refuse(f"entropy(p, base={base!r})", ("base",), lambda base=base: s.entropy(p, base=base), p=p)
                 for base in wrong]  # fmt: skip
        calls += [refuse(f"{name}(p, p, base=1)", ("base",), lambda name=name: getattr(s, name)(p, p, base=1), p=p)
                  for name in _TWO]  # fmt: skip
        calls += [
            refuse("mutual_information(x, base=1)", ("base",), lambda: s.mutual_information(table, base=1), x=table),
            refuse("mutual_information(p, p, base=1)", ("base",), lambda: s.mutual_information(p, p, base=1), p=p),
        ]
        return first_unclear(calls)

    yield Check("refuses a base that is none", bases, equals=True,
                why="log 1 is 0, and below 1 every sign turns round.",
                hint=("A number greater than 1; True is a number to Python.",))  # fmt: skip

    def axes() -> Measurement:
        s = lab.solution
        return first_unclear((
            refuse("entropy(p, axis=1)", ("axis",), lambda: s.entropy(p, axis=1), p=p),
            refuse("entropy(p, axis=-2)", ("axis",), lambda: s.entropy(p, axis=-2), p=p),
            refuse("entropy(p, axis=0.5)", ("axis",), lambda: s.entropy(p, axis=0.5), p=p),
            refuse("kl_divergence(p, p, axis=2)", ("axis",), lambda: s.kl_divergence(p, p, axis=2), p=p),
            refuse("entropy(x, axis=0)", ("zero", "sum"), lambda: s.entropy(table, axis=0), x=table),
        ))  # fmt: skip

    yield Check("refuses an axis without distributions", axes, equals=True,
                why="A column that is all zero is no distribution, however good the others are.",
                hint=("Is each column given something?", "p.any(axis=axis) is False where all are zero."))  # fmt: skip

    def labels() -> Measurement:
        s = lab.solution
        x = ["a", "b", "a"]
        return first_unclear((
            refuse("mutual_information(x, y)", ("length", "shape"), lambda: s.mutual_information(x, ["c", "d"]), x=x,
                   y=["c", "d"]),
            refuse("mutual_information(x, y)", ("missing", "NaN", "None"),
                   lambda: s.mutual_information(x, ["c", None, "d"]), x=x, y=["c", None, "d"]),
            refuse("mutual_information(x, y)", ("missing", "NaN", "None"),
                   lambda: s.mutual_information([1.0, math.nan, 2.0], x), x=[1.0, math.nan, 2.0], y=x),
            refuse("mutual_information(x, y)", ("dimension", "shape"),
                   lambda: s.mutual_information([x], [x]), x=[x], y=[x]),
            refuse("mutual_information('ab', 'cd')", ("dimension", "shape"), lambda: s.mutual_information("ab", "cd")),
            refuse("mutual_information([], [])", ("empty", "no label", "at least"),
                   lambda: s.mutual_information([], [])),
        ))  # fmt: skip

    yield Check("refuses labels that do not pair", labels, equals=True,
                why="A missing label is no label of its own: what to do about it is the caller's decision.",
                hint=("Compare the two lengths, then look for None and NaN (the value that is not equal to itself).",
                      ))  # fmt: skip

    def at_once() -> Measurement:
        bad = np.array([-1.0, math.nan])
        s = lab.solution
        x, y = ["a", None, "b"], ["c", None]
        return first_unclear((
            *(refuse("kl_divergence(p, q, base=1)", (word,), lambda: s.kl_divergence(bad, q, base=1), p=bad, q=q)
              for word in ("negative", "NaN", "shape", "base")),
            *(refuse(f"entropy(p, axis={axis})", (word,), lambda axis=axis: s.entropy(bad[:1], axis=axis), p=bad[:1])
              for axis in (1, -2, 5) for word in ("negative", "axis")),
            *(refuse("kl_divergence(x, p)", words, lambda: s.kl_divergence(["a", "b"], bad), x=["a", "b"], p=bad)
              for words in (("number", "numeric", "dtype", "type"), ("negative",), ("NaN",))),
            *(refuse("mutual_information(z, y)", words, lambda: s.mutual_information([x], y), z=[x], y=y)
              for words in (("dimension", "shape"), ("missing", "NaN", "None"))),
            *(refuse("mutual_information(x, y, base=1)", words, lambda: s.mutual_information(x, y, base=1), x=x, y=y)
              for words in (("missing", "NaN", "None"), ("length", "shape"), ("base",))),
        ))  # fmt: skip

    yield Check("names all faults at once", at_once, equals=True,
                why="Whoever fixes one fault and runs into the next has been told too little.",
                hint=("Collect the faults in a list; raise once, at the end.",))  # fmt: skip
