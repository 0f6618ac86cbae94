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

    def seeds_differ() -> Measurement:
        a = with_spectrum(lab.rng, 60, 40, np.linspace(2.0, 1.0, 40))
        drawn = []
        for seed in (1, 2):
            call, found = decompose(lab, a, 3, solver="randomized", random_state=seed)
            if isinstance(found, Measurement):
                return found
            drawn.append(found[2])
        if np.any(drawn[0] != drawn[1]):
            return Measurement(1.0, call=call)
        exact = np.allclose(drawn[0], oracle(a, 3)[2], rtol=0.0, atol=1e-12)
        got = "the exact vectors: nothing was drawn" if exact else "the same bits as with random_state=1"
        return Measurement(0.0, call=call, got=got, expected="other last digits", inputs={"a": a})

    yield Check(
        "another seed draws anew",
        seeds_differ,
        equals=True,
        why="A random method whose result never changes hides how far it can be trusted.",
        hint=(
            "Is the seed fixed inside your function, or is nothing drawn at all?",
            "rng.standard_normal((n, rank + 10)) is where solver='randomized' begins.",
        ),
    )
    yield Check(
        "auto picks by shape and rank",
        lambda: _chosen(lab),
        equals=8,
        why="The fastest solver depends on how many of the terms are asked for.",
        hint=(
            "The rule stands in the docstring of truncated_svd, with its limits.",
            "The result has to be the chosen solver's to the last bit.",
        ),
    )


def _chosen(lab: Lab) -> Measurement:
    """For how many matrices auto gives what the solver gives that its rule names."""
    rng = lab.rng
    small, big = rng.standard_normal((50, 60)), rng.standard_normal((1001, 1001))
    exact = ("gram", "svd")
    cases = (
        (small, 10, exact, "gram"),
        (small, 11, exact, "svd"),
        (small.T, 10, exact, "gram"),
        (small.T, 11, exact, "svd"),
        (big, 2, ("randomized",), "randomized"),
        (big[:1000], 50, ("randomized",), "randomized"),
        (big[:1000].T, 51, ("gram",), "gram"),
        (big[:999], 1, ("gram",), "gram"),
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
        if nearest != expected or distances[nearest] > EXACT:  # randomized is far from exact on noise
            got = f"what solver={nearest!r} gives" if nearest != expected else "something else"
            wanted = f"what solver={expected!r} gives"
            return Measurement(right, call=call, got=got, expected=wanted, inputs={"a": a})
    return Measurement(len(cases))
