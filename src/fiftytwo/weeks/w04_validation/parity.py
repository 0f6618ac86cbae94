"""Checks of the five functions against SciPy and scikit-learn, and against the identities that tie them together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w04_validation.cases import (
    EXACT,
    divergence_of,
    entropy_of,
    extreme_pairs,
    information_of,
    joint_tables,
    js_of,
    pairs_of,
    worst,
)

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_BASES: tuple[float | None, ...] = (None, 2, 10)
Oracle = Callable[[Any, Any, float | None], float]


def entropies(lab: Lab) -> Iterator[Check]:
    """One distribution: the unit, zeros, the axis."""
    pairs = pairs_of(lab.rng)

    def one(p: Any, expected: Any, arguments: str = "", **options: Any) -> Measurement:
        return difference(lab.solution.entropy(p, **options), expected, call=f"entropy(p{arguments})", inputs={"p": p})

    yield Check("entropy of a fair coin", lambda: one(np.array([1, 1]), 1.0, ", base=2", base=2), at_most=EXACT,
                why="One toss of a fair coin is one bit: that is what the unit means.",
                hint=("Divide the counts by their sum first.", "-np.sum(p * np.log(p)) / np.log(base)"))  # fmt: skip

    def zeros() -> Measurement:
        p = np.array([2, 0, 2])
        return worst((one(p, math.log(2)), one(np.array([0, 7]), 0.0)))

    yield Check("entropy with zeros", zeros, at_most=EXACT,
                why="What never happens surprises nobody: 0 log 0 counts as 0.",
                hint=("What does 0 * np.log(0) give?", "Add up only where p > 0."))  # fmt: skip
    yield Check("entropy", lambda: worst(
                    one(p, entropy_of(p, base), f", base={base}", base=base)
                    for pair in pairs.values() for p in pair for base in _BASES),
                at_most=EXACT, why="Counts or probabilities, any base: the same answer as SciPy's.",
                hint=("Is the result negative, or off by a factor?",
                      "log_b x = log x / log b; None stands for e."))  # fmt: skip

    def along() -> Measurement:
        import scipy.stats

        p = lab.rng.integers(0, 5, (3, 4)) + np.eye(3, 4, dtype=int)
        p[:, 3] += 1
        axes = (one(p, scipy.stats.entropy(p, axis=axis), f", axis={axis}", axis=axis) for axis in (0, 1, -1, -2, None))
        return worst((one(p, scipy.stats.entropy(p)), *axes))

    yield Check("entropy along an axis", along, at_most=EXACT,
                why="A table holds many distributions; the axis says which way they run.",
                hint=("axis=0 runs down each column, so the result has one number a column.",
                      "p / p.sum(axis=axis, keepdims=True)", "axis=None takes the whole table as one."))  # fmt: skip


def divergences(lab: Lab) -> Iterator[Check]:
    """Two distributions: parity, then what happens at zero and along an axis."""
    pairs = pairs_of(lab.rng)
    oracles: Mapping[str, Oracle] = {
        "kl_divergence": divergence_of,
        "cross_entropy": lambda p, q, base: entropy_of(p, base) + divergence_of(p, q, base),
        "js_divergence": js_of,
    }
    hints = {
        "kl_divergence": ("Which of the two is in front of the logarithm?", "np.sum(p * np.log(p / q)) where p > 0"),
        "cross_entropy": ("The shares are p's, the logarithms q's.", "-np.sum(p * np.log(q)) where p > 0"),
        "js_divergence": ("It is made of two KL divergences, from the average of the two shares.",
                          "Divide each by its own sum before you average them.",
                          "SciPy's jensenshannon is its square root."),
    }  # fmt: skip
    titles = {
        "kl_divergence": "KL divergence",
        "cross_entropy": "cross-entropy",
        "js_divergence": "JS divergence",
    }
    whys = {
        "kl_divergence": "The price of believing q where p is true; the order of the arguments matters.",
        "cross_entropy": "What a classifier is trained to lower: surprise under the belief, weighted by the truth.",
        "js_divergence": "Symmetric and finite, so it can compare two months neither of which is the truth.",
    }

    def two(name: str, p: Any, q: Any, expected: Any, arguments: str = "", **options: Any) -> Measurement:
        found = getattr(lab.solution, name)(p, q, **options)
        return difference(found, expected, call=f"{name}(p, q{arguments})", inputs={"p": p, "q": q})

    for name, oracle in oracles.items():

        def parity(name: str = name, oracle: Oracle = oracle) -> Measurement:
            return worst(two(name, p, q, oracle(p, q, base), f", base={base}", base=base)
                         for p, q in pairs.values() for base in _BASES)  # fmt: skip

        yield Check(titles[name], parity, at_most=EXACT, why=whys[name], hint=hints[name])

    def impossible() -> Measurement:
        p, q = np.array([1, 1, 0]), np.array([2, 0, 2])
        return worst((
            two("kl_divergence", p, q, math.inf), two("cross_entropy", p, q, math.inf),
            two("kl_divergence", np.array([0, 4]), np.array([0, 1]), 0.0),
            two("cross_entropy", np.array([0, 4]), np.array([0, 1]), 0.0),
            two("js_divergence", np.array([0, 4]), np.array([3, 0]), math.log(2)),
        ))  # fmt: skip

    yield Check("what q calls impossible", impossible, at_most=EXACT,
                why="Where q is 0 and p is not, no surprise is large enough; where both are 0, nothing happens.",
                hint=("Three cases: p = 0, q = 0 with p > 0, both positive.",
                      "np.log(0) is -inf with a warning: np.errstate(divide='ignore') keeps it quiet."))  # fmt: skip

    def by_axis() -> Measurement:
        rng = lab.rng
        p, q = rng.integers(1, 9, (3, 4)), rng.integers(1, 9, (3, 4))

        def along(oracle: Oracle, axis: int) -> Any:
            left, right = (p.T, q.T) if axis == 0 else (p, q)
            return np.array([oracle(a, b, None) for a, b in zip(left, right, strict=True)])

        return worst((
            *(two(name, p, q, along(oracle, 0)) for name, oracle in oracles.items()),
            *(two(name, p, q, along(oracle, axis), f", axis={axis}", axis=axis)
              for name, oracle in oracles.items() for axis in (0, 1)),
        ))  # fmt: skip

    yield Check("divergences along an axis", by_axis, at_most=EXACT,
                why="Each row, or each column, is a pair of distributions of its own.",
                hint=("Normalise p and q along the same axis, then add up along it.",))  # fmt: skip


def information(lab: Lab) -> Iterator[Check]:
    """Mutual information of tables and of labels."""
    tables = joint_tables(lab.rng)

    def of_table(table: Any, expected: float, base: float | None = None) -> Measurement:
        found = lab.solution.mutual_information(table, base=base)
        return difference(found, expected, call=f"mutual_information(x, base={base})", inputs={"x": table})

    def of_tables() -> Measurement:
        return worst(
            of_table(table, information_of(table) / math.log(base or math.e), base)
            for table in tables.values() for base in _BASES
        )  # fmt: skip

    yield Check("mutual information of a table", of_tables, at_most=EXACT,
                why="How much one variable tells about the other, from counts of the pairs alone.",
                hint=("Divide the table by its sum; the margins are sums over rows and over columns.",
                      "Compare the table with np.outer(rows, columns).",
                      "A row that is all zero is fine; a table that is all zero is not."))  # fmt: skip

    def of_labels() -> Measurement:
        from sklearn.metrics import mutual_info_score

        rng = lab.rng
        x = rng.integers(0, 4, 60)
        y = np.where(rng.random(60) < 0.7, x, rng.integers(0, 4, 60))
        words = np.array(["å", "b", "c", "d"])[x]
        return worst(
            difference(lab.solution.mutual_information(a, b, base=base),
                       float(mutual_info_score(a, b)) / math.log(base or math.e),
                       call=f"mutual_information(x, y, base={base})", inputs={"x": a, "y": b})
            for a, b in ((x, y), (words, y), (words, words), (list(words), list(y))) for base in (None, 2)
        )  # fmt: skip

    yield Check("mutual information of labels", of_labels, at_most=EXACT,
                why="Usually there are two columns and no table: labels have to be counted first.",
                hint=("Count the pairs, then use what you have for tables.",
                      "np.unique(labels, return_inverse=True) turns labels into numbers from 0."))  # fmt: skip


def identities(lab: Lab) -> Iterator[Check]:
    """What must hold between the five, whatever the data."""
    pairs, tables = pairs_of(lab.rng), joint_tables(lab.rng)

    def chain() -> Measurement:
        s = lab.solution
        return worst(
            difference(s.cross_entropy(p, q, base=2), s.entropy(p, base=2) + s.kl_divergence(p, q, base=2),
                       call="cross_entropy(p, q, base=2)", inputs={"p": p, "q": q})
            for p, q in (*pairs.values(), *extreme_pairs().values())
        )  # fmt: skip

    yield Check("cross-entropy = entropy + divergence", chain, at_most=EXACT,
                why="Surprise under a wrong belief is what the world costs anyway plus what the error costs.",
                hint=("Which of the three misses its own check above?",))  # fmt: skip

    def product() -> Measurement:
        s = lab.solution
        return worst(
            difference(s.mutual_information(table), s.kl_divergence(table, _independent(table), axis=None),
                       call="mutual_information(x)", inputs={"x": table})
            for table in tables.values()
        )  # fmt: skip

    yield Check("information = KL(joint ‖ product)", product, at_most=EXACT,
                why="Two variables tell about each other exactly as far as their table is not a product.",
                hint=("Is the whole table one distribution?", "kl_divergence(joint, product, axis=None)"))  # fmt: skip

    def symmetric() -> Measurement:
        s = lab.solution
        return worst((
            *(difference(s.js_divergence(p, q), s.js_divergence(q, p), call="js_divergence(p, q)",
                         inputs={"p": p, "q": q}) for p, q in pairs.values()),
            *(difference(s.mutual_information(table), s.mutual_information(table.T), call="mutual_information(x)",
                         inputs={"x": table}) for table in tables.values()),
        ))  # fmt: skip

    yield Check("symmetries", symmetric, at_most=EXACT,
                why="JS and mutual information have no first and second; KL does.",
                hint=("js: both are measured from the same halfway point, with the same weight.",))  # fmt: skip


def _independent(table: Any) -> Any:
    return np.outer(table.sum(axis=1), table.sum(axis=0))


def extremes(lab: Lab) -> Iterator[Check]:
    """Huge counts, tiny probabilities, no distance at all, and inputs that stay as they are."""

    def parity() -> Measurement:
        s = lab.solution
        measured = []
        for p, q in extreme_pairs().values():
            both = {"p": p, "q": q}
            measured += [
                difference(s.entropy(p), entropy_of(p), call="entropy(p)", inputs=both),
                difference(s.kl_divergence(p, q), divergence_of(p, q), call="kl_divergence(p, q)", inputs=both),
                difference(s.js_divergence(p, q), js_of(p, q), call="js_divergence(p, q)", inputs=both),
            ]
        far = np.array([1e-300, 1e300])
        even = np.array([1.0, 1.0])
        measured.append(difference(s.kl_divergence(even, far), 300 * math.log(10) - math.log(2),
                                   call="kl_divergence(p, q)", inputs={"p": even, "q": far}))  # fmt: skip
        table = np.diag([1e308, 1e308])
        measured.append(difference(s.mutual_information(table), math.log(2), call="mutual_information(x)",
                                   inputs={"x": table}))  # fmt: skip
        return worst(measured)

    yield Check("huge counts and tiny probabilities", parity, at_most=EXACT,
                why="A sum of counts can overflow, and a share can be too small for a double and still not be zero.",
                hint=("Divide by the largest weight before you add up.",
                      "log(q / sum) = log(q) - log(sum): the right side still works where q / sum is 0.",
                      "Convert integers to float before you add them."))  # fmt: skip

    def never_negative() -> Measurement:
        rng = lab.rng
        lowest, at = math.inf, Measurement(0.0)
        for _ in range(60):
            p = rng.random(7)
            for name, q in (("kl_divergence", p * 3.0), ("js_divergence", p * 7.0)):
                value = getattr(lab.solution, name)(p, q)
                measured = difference(value, 0.0, call=f"{name}(p, q)", inputs={"p": p, "q": q})
                if measured.gate or value < 0.0:
                    return Measurement(measured.value if measured.gate else float(value), call=measured.call,
                                       got=value, expected=0.0, inputs=measured.inputs, gate=measured.gate)  # fmt: skip
                if value < lowest:
                    lowest, at = float(value), Measurement(float(value), call=measured.call)
        return at

    yield Check("no divergence is negative", never_negative, at_least=0.0,
                why="A tiny negative number is rounding; a square root taken of it later is NaN.",
                hint=("np.maximum(result, 0.0)",))  # fmt: skip

    def untouched() -> bool:
        p, q = np.array([1.0, 3.0, 0.0]), np.array([2.0, 2.0, 4.0])
        return all(
            lab.solution.apply(_leaves_alone, name, p, q) for name in ("entropy", "kl_divergence", "js_divergence")
        )

    yield Check("inputs stay as they are", untouched, equals=True,
                why="Whoever calls with an array still needs it afterwards.",
                hint=("p /= p.sum() changes the caller's array; p = p / p.sum() makes a new one.",))  # fmt: skip


def _leaves_alone(solution: Any, name: str, p: Any, q: Any) -> bool:
    """Call the function where the solution lives, and see whether its arguments are still the same there."""
    before = p.copy(), q.copy()
    getattr(solution, name)(*((p,) if name == "entropy" else (p, q)))
    return bool((p == before[0]).all() and (q == before[1]).all())
