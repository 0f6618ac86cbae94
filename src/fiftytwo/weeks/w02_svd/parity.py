"""Checks of truncated_svd against NumPy and against its theorem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w02_svd.cases import EXACT, SOLVERS, Factors, Matrix, oracle, parts, product, rank, with_spectrum

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_NAMES = ("U", "s", "Vt")


def decompose(lab: Lab, a: NDArray[Any], k: int, **options: Any) -> tuple[str, Factors | Measurement]:
    """The call as the learner would type it, and the three arrays it gave or what is wrong with them."""
    said = "".join(f", {name}={value!r}" for name, value in options.items())
    call = f"truncated_svd(a, {k}{said})"
    return call, parts(lab.solution.truncated_svd(a, k, **options), a, k, call=call)


def compare(lab: Lab, a: NDArray[Any], k: int, *names: str, relative: bool = False, **options: Any) -> Measurement:
    """The largest difference of the named arrays from NumPy's."""
    call, found = decompose(lab, a, k, **options)
    if isinstance(found, Measurement):
        return found
    exact = dict(zip(_NAMES, oracle(a, k), strict=True))
    mine = dict(zip(_NAMES, found, strict=True))
    return worst(
        (
            difference(
                mine[name], exact[name], relative=relative, call=f"{call}[{_NAMES.index(name)}]", inputs={"a": a}
            )
            for name in names
        ),
        EXACT,
    )


def basics(lab: Lab, cases: Mapping[str, Matrix]) -> Iterator[Check]:
    """What comes back, and whether it is NumPy's."""

    def three_arrays() -> Measurement:
        call, found = decompose(lab, cases["tall"], 2)
        return found if isinstance(found, Measurement) else Measurement(1.0, call=call)

    yield Check(
        "returns U, s and Vt",
        three_arrays,
        equals=True,
        why="Everybody who decomposes a matrix expects these three, in this order and these shapes.",
        hint=("For a of shape (m, n): (m, k), (k,) and (k, n).", "return U[:, :rank], s[:rank], Vt[:rank]"),
    )

    def everywhere(name: str) -> Measurement:
        return worst((compare(lab, a, k, name) for a in cases.values() for k in (1, rank(a))), EXACT)

    yield Check(
        "singular values",
        lambda: everywhere("s"),
        at_most=EXACT,
        why="They say how much each direction carries, largest first.",
        hint=(
            "Are yours in falling order?",
            "Eigenvalues of a.T @ a are the squares of the singular values of a.",
        ),
    )
    yield Check(
        "right singular vectors",
        lambda: everywhere("Vt"),
        at_most=EXACT,
        why="The third array has the vectors as rows, in the order of the singular values, with settled signs.",
        hint=(
            "np.linalg.svd gives Vt, with vectors as rows; np.linalg.eigh gives them as columns.",
            "Flip each row whose entry of largest magnitude is negative.",
        ),
    )
    yield Check(
        "left singular vectors",
        lambda: everywhere("U"),
        at_most=EXACT,
        why="Each column belongs to a row of Vt: whoever flips one flips the other.",
        hint=("U[:, i] * s[i] is a @ Vt[i].", "signs = np.sign(...); U * signs and Vt * signs[:, np.newaxis]"),
    )

    def settled() -> Measurement:
        a = cases["long"]
        _, plus = decompose(lab, a, 4)
        call, minus = decompose(lab, -a, 4)
        if isinstance(plus, Measurement) or isinstance(minus, Measurement):
            return plus if isinstance(plus, Measurement) else minus  # type: ignore[return-value]
        return difference(minus[2], plus[2], call=call.replace("(a", "(-a") + "[2]", inputs={"a": a})

    yield Check(
        "signs are settled",
        settled,
        at_most=EXACT,
        why="A pair of vectors and its opposite give the same product; without a rule, two runs cannot be compared.",
        hint=("Mirror the matrix: the rows of Vt should stay.", "np.argmax(np.abs(Vt), axis=1)"),
    )
    yield from _theorem(lab, cases)


def _theorem(lab: Lab, cases: Mapping[str, Matrix]) -> Iterator[Check]:
    def eckart_young() -> Measurement:
        def one(a: Matrix, k: int, solver: str) -> Measurement:
            call, found = decompose(lab, a, k, solver=solver)
            if isinstance(found, Measurement):
                return found
            lost = float(np.sum((a - product(found)) ** 2))
            discarded = float(np.sum(oracle(a, min(a.shape))[1][k:] ** 2))
            return difference(
                lost / discarded,
                1.0,
                call=f"(lambda U, s, Vt: np.sum((a - U * s @ Vt) ** 2))(*{call})",
                inputs={"a": a},
            )

        ranks = (1, 3)
        full = [a for a in cases.values() if rank(a) == min(a.shape)]
        return worst((one(a, k, solver) for a in full for k in ranks for solver in ("auto", "svd", "gram")), 1e-9)

    yield Check(
        "Eckart-Young",
        eckart_young,
        at_most=1e-9,
        why="The squared error is the sum of the discarded σ²: no matrix of this rank comes closer.",
        hint=(
            "Do U, s and Vt belong together, column by column and row by row?",
            "Did you keep the largest singular values?",
        ),
    )

    def orthonormal() -> Measurement:
        def one(a: Matrix, solver: str) -> Iterator[Measurement]:
            k = min(a.shape)
            call, found = decompose(lab, a, k, solver=solver, random_state=0)
            if isinstance(found, Measurement):
                yield found
                return
            U, _, Vt = found
            yield difference(U.T @ U, np.eye(k), call=f"(lambda U, s, Vt: U.T @ U)(*{call})", inputs={"a": a})
            yield difference(Vt @ Vt.T, np.eye(k), call=f"(lambda U, s, Vt: Vt @ Vt.T)(*{call})", inputs={"a": a})

        degenerate = {**cases, "zero": np.zeros((3, 4)), "constant": np.full((6, 4), 3.0)}
        return worst((m for a in degenerate.values() for solver in SOLVERS for m in one(a, solver)), 1e-10)

    yield Check(
        "vectors are orthonormal",
        orthonormal,
        at_most=1e-10,
        why="Also where a singular value is zero: then a @ v / σ is 0 / 0, and U needs its columns from elsewhere.",
        hint=(
            "Is there a division by s? What happens where s is 0?",
            "Project a onto the space that you found and decompose the small matrix: svd(Q.T @ a) needs no division.",
        ),
    )


def solvers(lab: Lab, cases: Mapping[str, Matrix]) -> Iterator[Check]:
    """Each solver, the rule between them, and what sets them apart."""
    for solver in SOLVERS:

        def measure(solver: str = solver) -> Measurement:
            chosen = (cases["tall"], cases["wide"], cases["rank-deficient"], cases["long"][:, :9])
            return worst((compare(lab, a, 2, *_NAMES, solver=solver, random_state=0) for a in chosen), EXACT)

        yield Check(
            f"solver {solver}",
            measure,
            at_most=EXACT,
            why="Three ways, one answer: only time and accuracy differ.",
            hint=(
                "Each solver finds a space; the sign rule is shared.",
                "gram: eigh of a @ a.T or a.T @ a, whichever is smaller. randomized: QR of a @ (a thin random matrix).",
                "Halko, Martinsson and Tropp, algorithms 4.4 and 5.1",
            ),
        )

    def within_one_per_cent() -> Measurement:
        def one(decay: float, k: int) -> Measurement:
            a = with_spectrum(lab.rng, 120, 140, np.arange(1, 121) ** -decay)
            call, found = decompose(lab, a, k, solver="randomized", random_state=0)
            if isinstance(found, Measurement):
                return found
            best = float(np.sqrt(np.sum(oracle(a, 120)[1][k:] ** 2)))
            return Measurement(
                float(np.linalg.norm(a - product(found))) / best, call=f"{call}, its error over the best one",
                expected="at most 1.01", inputs={"a": a},
            )  # fmt: skip

        return worst((one(decay, k) for decay in (0.5, 1.0, 2.0) for k in (1, 5, 20)), 1.01)

    yield Check(
        "randomized within 1% of the best",
        within_one_per_cent,
        at_most=1.01,
        why="Power iterations separate directions whose singular values lie close together.",
        hint=(
            "Ask for ten columns more than you keep.",
            "Multiply by a.T and by a a few times, with a QR step after each.",
        ),
    )

    def repeatable() -> Measurement:
        a = with_spectrum(lab.rng, 60, 40, np.linspace(2.0, 1.0, 40))
        drawn = []
        for seed in (7, np.random.default_rng(7), np.random.default_rng(7)):
            call, found = decompose(lab, a, 3, solver="randomized", random_state=seed)
            if isinstance(found, Measurement):
                return found
            drawn.append(found[2])
        call = "truncated_svd(a, 3, solver='randomized', random_state=7)[2]"
        return worst((difference(other, drawn[0], call=call, inputs={"a": a}) for other in drawn[1:]), 0.0)

    yield Check(
        "random_state repeats",
        repeatable,
        at_most=0.0,
        why="The same seed gives the same bits, whether it comes as an int or as a Generator.",
        hint=("rng = np.random.default_rng(random_state) takes both.",),
    )

    def seeds_differ() -> bool:
        a = with_spectrum(lab.rng, 60, 40, np.linspace(2.0, 1.0, 40))
        first, second = (lab.solution.truncated_svd(a, 3, solver="randomized", random_state=seed)[2] for seed in (1, 2))
        return bool(np.any(first != second))

    yield Check(
        "another seed draws anew",
        seeds_differ,
        equals=True,
        why="A random method whose result never changes hides how far it can be trusted.",
        hint=("Is the seed fixed inside your function?",),
    )
    yield Check(
        "auto picks by shape and rank",
        lambda: _chosen(lab),
        equals=7,
        why="The fastest solver depends on how many of the terms are asked for.",
        hint=(
            "The rule stands in the docstring of truncated_svd, with its limits.",
            "The result has to be the chosen solver's to the last bit.",
        ),
    )


def _chosen(lab: Lab) -> Measurement:
    """For how many matrices auto gives what the solver gives that its rule names."""
    rng = lab.rng
    small, big = rng.standard_normal((50, 60)), rng.standard_normal((1000, 1001))
    exact, either = ("gram", "svd"), ("gram", "randomized")
    cases = (
        (small, 10, exact, "gram"),
        (small, 11, exact, "svd"),
        (small.T, 10, exact, "gram"),
        (small.T, 11, exact, "svd"),
        (big, 50, either, "randomized"),
        (big.T, 51, either, "gram"),
        (big[:999], 1, either, "gram"),
    )
    for right, (a, k, possible, expected) in enumerate(cases):
        call, found = decompose(lab, a, k, random_state=0)
        if isinstance(found, Measurement):
            return found
        distances = {}
        for solver in possible:
            other = decompose(lab, a, k, solver=solver, random_state=0)[1]
            if isinstance(other, Measurement):
                return other
            distances[solver] = max(float(np.max(np.abs(x - y))) for x, y in zip(found, other, strict=True))
        nearest = min(distances, key=lambda solver: distances[solver])
        if nearest != expected:
            got, wanted = f"what solver={nearest!r} gives", f"what solver={expected!r} gives"
            return Measurement(right, call=call, got=got, expected=wanted, inputs={"a": a})
    return Measurement(len(cases))


def numbers(lab: Lab, cases: Mapping[str, Matrix]) -> Iterator[Check]:
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
        a = cases["tall"]
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
