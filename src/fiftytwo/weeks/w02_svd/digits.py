"""Checks of truncated_svd at the edges: lost digits, huge and tiny values, small shapes, types, memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w02_svd.cases import EXACT, SOLVERS, Matrix, oracle, product, with_spectrum
from fiftytwo.weeks.w02_svd.parity import compare, decompose

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def edges(lab: Lab, cases: Mapping[str, Matrix]) -> Iterator[Check]:
    """Digits, sizes and types."""

    def kept_digits() -> Measurement:
        falling = np.concatenate([[1.0, 1e-3], np.geomspace(1e-9, 1e-12, 28)])
        last = with_spectrum(lab.rng, 40, 30, falling)
        near = with_spectrum(lab.rng, 40, 30, np.concatenate([[1.0, 0.9e-5, 0.5e-6], np.geomspace(1e-9, 1e-12, 27)]))

        def one(a: Matrix, k: int) -> Measurement:
            call, found = decompose(lab, a, k)
            if isinstance(found, Measurement):
                return found
            exact = oracle(a, k)[1][-1]
            return difference(found[1][-1] / exact, 1.0, call=f"{call}[1][-1] over NumPy's", inputs={"a": a})

        return worst((one(a, k) for a, k in ((last, 2), (last, 3), (near, 2), (near, 3), (last, 6))), 1e-6)

    yield Check(
        "digits that squaring loses",
        kept_digits,
        at_most=1e-6,
        why="A singular value of 1e-9 has the square 1e-18, and beside 1 that is rounding.",
        hint=(
            "When is the smallest kept singular value so small that its square has few digits left?",
            "When s[-1] <= 1e-5 * s[0], solver='auto' decomposes a itself.",
        ),
    )

    def any_size() -> Measurement:
        a = -np.abs(cases["tall"])  # the entry of largest magnitude is the smallest number
        a[0, 0] = 0.0
        return worst(
            (
                difference(
                    lab.solution.truncated_svd(a * scale, 2, solver=solver, random_state=0)[1] / scale,
                    oracle(a, 2)[1],
                    call=f"truncated_svd(a, 2, solver={solver!r}, random_state=0)[1] / {scale}",
                    inputs={"a": a * scale},
                )
                for scale in (1e200, 1e-200, 1e120, 1e-120, 1e60)
                for solver in ("gram", "randomized", "svd")
            ),
            EXACT,
        )

    yield Check(
        "huge and tiny values",
        any_size,
        at_most=EXACT,
        why="1e200 squared is infinite and 1e-200 squared is zero, but neither matrix is unusual to decompose.",
        hint=(
            "Divide by a power of two near the largest entry first, and multiply s by it at the end.",
            "np.frexp(largest)[1] is that power; np.ldexp multiplies by it without a rounding error.",
        ),
    )

    def peak_memory() -> Measurement:
        def one(shape: tuple[int, int], solver: str) -> Measurement:
            peak = lab.solution.apply(_peak_over_matrix, shape, solver)
            call = f"truncated_svd(a, 2, solver={solver!r}, random_state=0)"
            return Measurement(peak, call=call, expected=f"a peak of a few matrices of shape {shape}",
                               inputs={"a": np.ones(shape)})  # fmt: skip

        return worst((one(shape, solver) for shape in ((1500, 12), (12, 1500)) for solver in SOLVERS), 12.0)

    yield Check(
        "memory follows the matrix",
        peak_memory,
        at_most=12.0,
        unit="times the matrix",
        why="For a tall matrix the Gram matrix of its rows, or all of U, is larger than the matrix many times over.",
        hint=(
            "Which side is the shorter one? a @ a.T for a wide matrix, a.T @ a for a tall one.",
            "full_matrices=False gives only the vectors that belong to a singular value.",
        ),
    )

    def smallest_shapes() -> Measurement:
        shapes = {
            "zero": np.zeros((3, 4)),
            "constant": np.full((4, 3), -2.0),
            "one entry": np.array([[-5.0]]),
            "one row": np.array([[3.0, -4.0, 0.0]]),
            "one column": np.array([[0.0], [-2.0], [1.0]]),
        }

        def one(a: Matrix, solver: str) -> Measurement:
            call, found = decompose(lab, a, 1, solver=solver, random_state=0)
            if isinstance(found, Measurement):
                return found
            call = f"(lambda U, s, Vt: U * s @ Vt)(*{call})"
            return difference(product(found), product(oracle(a, 1)), call=call, inputs={"a": a})

        return worst((one(a, solver) for a in shapes.values() for solver in ("auto", *SOLVERS)), EXACT)

    yield Check(
        "the smallest shapes",
        smallest_shapes,
        at_most=EXACT,
        why="One row, one entry and nothing but zeros have a decomposition like any other matrix.",
        hint=("Is there a division by a singular value of zero, or a random matrix wider than a?",),
    )

    def single() -> Measurement:
        a = cases["long"].astype(np.float32)
        call, found = decompose(lab, a, 3)
        if isinstance(found, Measurement):
            return found
        kinds = ", ".join(str(part.dtype) for part in found)
        if kinds != "float32, float32, float32":
            return Measurement(np.nan, gate=f"expected float32 throughout, got {kinds}", call=call, inputs={"a": a})
        exact = oracle(a, 3)
        return worst(
            (difference(x, y, relative=True, call=call, inputs={"a": a}) for x, y in zip(found, exact, strict=True)),
            1e-6,
        )

    yield Check(
        "single precision",
        single,
        at_most=1e-6,
        why="float32 in gives float32 out, as accurate as its last digits allow.",
        hint=("Work in float64 and round once, at the end.", "part.astype(np.float32)"),
    )

    def any_numbers() -> Measurement:
        whole = np.round(3.0 * cases["long"]).astype(int)
        chosen = (whole, whole.astype(np.uint8), whole > 0, whole.astype(np.float16), cases["long"][::2, ::-1])
        return worst((compare(lab, a, 2, "s") for a in chosen), 1e-7)

    yield Check(
        "whole numbers, yes and no, a view",
        any_numbers,
        at_most=1e-7,
        why="Counts and pixels are numbers too, and bytes that are multiplied as bytes wrap around.",
        hint=("Convert to float64 before the first product.",),
    )

    def read_only() -> Measurement:
        a = cases["wide"].copy()
        a.flags.writeable = False
        changed = lab.solution.apply(_changes_its_input, cases["wide"])
        if changed:
            return Measurement(np.nan, gate=f"the matrix that was handed in is changed by {changed}", inputs={"a": a})
        return compare(lab, a, 2, "s")

    yield Check(
        "leaves its input alone",
        read_only,
        at_most=EXACT,
        why="Whoever hands in a matrix goes on working with it.",
        hint=("a -= ..., a /= ... and overwrite_a=True on a itself write into the caller's array.",),
    )


def _changes_its_input(solution: Any, a: Matrix) -> str:
    """The solvers that write into what they are given; runs where the solution lives."""
    changing = []
    for scale in (1.0, 1e200):
        for solver in ("svd", "gram", "randomized"):
            given = a * scale
            solution.truncated_svd(given, 2, solver=solver, random_state=0)
            if not np.array_equal(given, a * scale):
                changing.append(f"solver={solver!r}")
    return " and ".join(dict.fromkeys(changing))


def _peak_over_matrix(solution: Any, shape: tuple[int, int], solver: str) -> float:
    """The most that a call allocates, in sizes of its matrix; runs where the solution lives."""
    a = np.random.default_rng(0).standard_normal(shape)
    tracemalloc.start()
    try:
        solution.truncated_svd(a, 2, solver=solver, random_state=0)
        return float(tracemalloc.get_traced_memory()[1] / a.nbytes)
    finally:
        tracemalloc.stop()
