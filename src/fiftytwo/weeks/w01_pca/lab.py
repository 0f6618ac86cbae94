"""Week 1: principal components of handwritten digits and of wine, and twelve questions to a data set.

The build draws what the components see; the assessment holds them against scikit-learn on every shape of
data that breaks a careless implementation: tall, wide, rank-deficient, with constant columns, far from
zero, in single precision, in a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, refusal
from fiftytwo.plan import Exercise, Week
from fiftytwo.weeks.w01_pca import figures
from fiftytwo.weeks.w01_pca.faults import clean_customers, planted
from mltoolkit.quality import eda_checklist

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

week = Week.planned(
    1,
    exercise=Exercise(
        "mltoolkit.linalg.pca",
        ("PCA",),
        hours=6.0,
        peers={"PCA": "sklearn.decomposition:PCA"},
        brief="""\
Write `PCA`, with scikit-learn's interface. A good order:

1. `__init__` stores its arguments and does nothing else.
2. `fit` with the singular value decomposition of the centred data. Set `mean_`, `components_`,
   `explained_variance_`, `explained_variance_ratio_`, `singular_values_`, `n_components_`, `n_samples_`
   and `solver_`. Most checks turn green here.
3. `transform` and `inverse_transform`, then `whiten`.
4. The covariance and the randomized solver, and the rule by which `"auto"` picks one.
5. `partial_fit`: the same result from a stream, in memory that does not grow.

Bad input gets a `ValueError` that says what was wrong and what was expected. NumPy and SciPy are yours to
use; a finished PCA from a library is not the exercise.
""",
    ),
)

EXACT = 1e-8  # agreement with scikit-learn that double precision allows on data of this size
SINGLE = 1e-5  # relative agreement that results rounded once to single precision keep


@dataclass(frozen=True)
class Built:
    """What the build found out."""

    digits: NDArray[np.float64]
    shares: NDArray[np.float64]  # of the variance of the digits, component by component
    kept: int
    squared_error: float  # of the digits rebuilt from `kept` components, summed over pixels, per sample - 1
    discarded: float  # variance of the components that were left out
    streamed: NDArray[np.float64]  # variances learned block by block
    whole: NDArray[np.float64]  # the same, learned at once


def build(lab: Lab) -> Built:
    """Draw the spectrum, the map and the reconstructions; compare scaled with unscaled; learn from a stream."""
    name = "mnist" if lab.full else "digits"
    images = lab.data(name)
    digits = images.data[: images.train or len(images.data)].astype(float)
    labels = images.target[: len(digits)]
    kept = 50 if lab.full else 16
    pca = lab.solution.PCA(100 if lab.full else None).fit(digits)
    shares = pca.explained_variance_ratio_
    _draw_digits(lab, digits, labels, shares, kept)
    _compare_scaling(lab)
    few = lab.solution.PCA(kept).fit(digits)
    rebuilt = few.inverse_transform(few.transform(digits))
    total = float(np.sum(digits.var(axis=0, ddof=1)))
    stream = lab.solution.PCA(kept)
    for block in lab.progress(np.array_split(digits, 8), "streaming blocks"):
        stream.partial_fit(block)
    _record_variance(lab, shares)
    return Built(
        digits=digits,
        shares=shares,
        kept=kept,
        squared_error=float(np.sum((digits - rebuilt) ** 2) / (len(digits) - 1)),
        discarded=total - float(np.sum(few.explained_variance_)),
        streamed=stream.explained_variance_,
        whole=few.explained_variance_,
    )


def _draw_digits(
    lab: Lab, digits: NDArray[np.float64], labels: NDArray[Any], shares: NDArray[np.float64], kept: int
) -> None:
    side = int(np.sqrt(digits.shape[1]))
    lab.figure(
        figures.scree(shares),
        "Scree plot",
        f"Share of the variance along each component of the digits, and added up. {side} x {side} pixels are far from "
        "independent: a few directions carry most of what varies.",
    )
    plane = lab.solution.PCA(2).fit(digits)
    shown = lab.rng.permutation(len(digits))[:2000]
    lab.figure(
        figures.digit_map(plane.transform(digits[shown]), labels[shown]),
        "Map of the digits",
        "Each number is one image at its first two coordinates. Some digits stand apart, others overlap: "
        "two directions of largest variance are not chosen to separate classes.",
    )
    steps = (2, 8, kept, 4 * kept if not lab.full else 100)
    rows = [digits[:6]]
    for k in steps:
        model = lab.solution.PCA(k).fit(digits)
        rows.append(model.inverse_transform(model.transform(digits[:6])))
    lab.figure(
        figures.reconstructions(rows, ("original", *(f"{k} components" for k in steps)), side),
        "Reconstructions",
        "Six digits rebuilt from more and more components. What is lost is what varies least.",
    )


def _compare_scaling(lab: Lab) -> None:
    wine = lab.data("wine")
    scaled = (wine.data - wine.data.mean(axis=0)) / wine.data.std(axis=0)
    maps, loudest = [], []
    for data in (wine.data, scaled):
        model = lab.solution.PCA(2).fit(data)
        maps.append(model.transform(data))
        first = model.components_[0]
        loudest.append(wine.feature_names[int(np.argmax(np.abs(first)))])
        lab.metric(
            f"share of first component, {'scaled' if data is scaled else 'unscaled'}",
            model.explained_variance_ratio_[0],
        )
    lab.figure(
        figures.two_maps(maps, wine.target, wine.target_names),
        "Wine, unscaled and scaled",
        f"Unscaled, the first component is little but {loudest[0]}, whose numbers are the largest. With every column at "
        "variance one, the three cultivars come apart.",
    )
    lab.note(
        f"On the wine data as it is, the first component follows {loudest[0]}; with every column scaled to variance one "
        f"its largest entry is {loudest[1]}. PCA answers in the units it is given."
    )


def _record_variance(lab: Lab, shares: NDArray[np.float64]) -> None:
    import pandas as pd

    added = np.cumsum(shares)
    for share in (0.5, 0.8, 0.9, 0.95):
        if added[-1] > share:
            lab.metric(
                f"components for {share:.0%} of the variance", int(np.searchsorted(added, share, side="right")) + 1
            )
    rows = [k for k in (1, 2, 4, 8, 16, 32, 64) if k <= len(shares)]
    frame = pd.DataFrame({"components": rows, "share of variance": [float(added[k - 1]) for k in rows]})
    lab.table(frame, "Variance kept", "Share of the variance that the first components of the digits carry together.")


def assess(lab: Lab, built: Built) -> Iterator[Check]:
    """Hold the solution against scikit-learn, against identities, and against bad input; then ask the twelve questions."""
    cases = _cases(lab.rng)
    yield from _basics(lab, cases)
    yield from _parity(lab, cases)
    yield from _options(lab, cases)
    yield from _solvers(lab, cases)
    yield from _stream(lab, cases)
    yield from _refusals(lab)
    yield from _on_digits(built)
    yield from _checklist(lab)


def _cases(rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Data of every shape that breaks a careless implementation, smallest first."""
    tall = rng.standard_normal((12, 3)) * [3.0, 2.0, 1.0] + [1.0, -2.0, 5.0]
    constant = rng.standard_normal((15, 4)) * [4.0, 1.0, 2.0, 1.0] + 3.0
    constant[:, 1] = 7.0
    wide = rng.standard_normal((6, 20)) * np.linspace(3.0, 1.0, 20)
    deficient = rng.standard_normal((24, 3)) @ rng.standard_normal((3, 6)) + 1.0
    long = rng.standard_normal((80, 5)) * [5.0, 4.0, 3.0, 2.0, 1.0] - 2.0
    return {"tall": tall, "constant column": constant, "wide": wide, "rank-deficient": deficient, "long": long}


def _rank(X: NDArray[np.float64]) -> int:
    return int(np.linalg.matrix_rank(X - X.mean(axis=0)))


def _oracle(X: NDArray[Any], k: int | float | None = None, *, whiten: bool = False) -> Any:
    from sklearn.decomposition import PCA

    return PCA(k, whiten=whiten, svd_solver="full").fit(X)


def _worst(measurements: Iterable[Measurement], bound: float = EXACT) -> Measurement:
    """The first measurement that misses the bound or a gate, else the largest one."""
    largest: Measurement | None = None
    for measurement in measurements:
        if measurement.gate or not measurement.value <= bound:
            return measurement
        if largest is None or measurement.value > largest.value:
            largest = measurement
    assert largest is not None
    return largest


def _all(measurements: Iterable[Measurement]) -> Measurement:
    """The first refusal that was not clear, else the last one."""
    last: Measurement | None = None
    for last in measurements:
        if last.value != 1.0:
            break
    assert last is not None
    return last


def _basics(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    X = cases["tall"]

    def returns_itself() -> bool:
        pca = lab.solution.PCA(2)
        return bool(pca.fit(X) == pca)

    def measure(name: str, expected: Any) -> Callable[[], Measurement]:
        return lambda: difference(
            getattr(lab.solution.PCA(2).fit(X), name), expected, call=f"PCA(2).fit(X).{name}", inputs={"X": X}
        )

    yield Check("fit returns the estimator", returns_itself, equals=True,
                why="Chains such as PCA(2).fit(X).transform(X) depend on it.",
                hint=("What does fit return when nothing is said?", "End it with: return self"))  # fmt: skip
    yield Check("mean_", measure("mean_", X.mean(axis=0)), at_most=EXACT,
                why="Every later step works on X - mean_.",
                hint=("One number per column, not per row.", "X.mean(axis=0)"))  # fmt: skip
    yield Check("n_components_", measure("n_components_", 2), equals=0,
                why="With n_components=None or a share, only fit knows how many components there are.",
                hint=("Set it in fit, once you know how many rows components_ has.",))  # fmt: skip
    yield Check("n_samples_", measure("n_samples_", len(X)), equals=0,
                why="Turning variances back into singular values needs n.",
                hint=("It is the number of rows of X.",))  # fmt: skip


def _parity(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    def against_oracle(name: str) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return _worst(
                difference(getattr(lab.solution.PCA(k).fit(X), name), getattr(_oracle(X, k), name),
                           call=f"PCA({k}).fit(X).{name}", inputs={"X": X})
                for X in cases.values() for k in (1, _rank(X))
            )  # fmt: skip

        return measure

    yield Check("explained variance", against_oracle("explained_variance_"), at_most=EXACT,
                why="It is the sample variance along each component, so its divisor is n - 1.",
                hint=("Compare your first value with the variance of the first column of transform(X).",
                      "The mean was estimated from the same data: that costs one degree of freedom.",
                      "singular_values_ ** 2 / (n - 1)"))  # fmt: skip
    yield Check("components", against_oracle("components_"), at_most=EXACT,
                why="The directions themselves, as rows, by falling variance, with the sign rule applied.",
                hint=("Is the shape (k, d), with one component a row?",
                      "np.linalg.eigh sorts ascending; np.linalg.svd descending. Which one do you have?",
                      "Flip each row whose entry of largest magnitude is negative."))  # fmt: skip
    yield Check("share of variance", against_oracle("explained_variance_ratio_"), at_most=EXACT,
                why="A share is of everything that varies, the discarded directions included.",
                hint=("With n_components=1 your share should be below 1.", "Divide by the total variance of all columns."))  # fmt: skip
    yield Check("singular values", against_oracle("singular_values_"), at_most=EXACT,
                why="They tie the two views together: singular values of the data, eigenvalues of its covariance.",
                hint=("How do σ² and the variance relate?", "np.sqrt(explained_variance_ * (n - 1))"))  # fmt: skip

    def all_components() -> Measurement:
        return _worst(
            difference(lab.solution.PCA().fit(X).explained_variance_, _oracle(X).explained_variance_,
                       call="PCA().fit(X).explained_variance_", inputs={"X": X})
            for X in cases.values()
        )  # fmt: skip

    yield Check("n_components=None keeps min(n, d)", all_components, at_most=EXACT,
                why="Directions without variance are kept too: their variance is 0, which is information.",
                hint=("There are never more than min(n, d) directions.",))  # fmt: skip

    def orthonormal() -> Measurement:
        return _worst(
            (difference(_gram(lab.solution.PCA().fit(X).components_), np.eye(min(X.shape)),
                        call="(lambda C: C @ C.T)(PCA().fit(X).components_)", inputs={"X": X})
             for X in cases.values()), 1e-10,
        )  # fmt: skip

    yield Check("components are orthonormal", orthonormal, at_most=1e-10,
                why="Coordinates along orthonormal directions keep lengths and angles.",
                hint=("components_ @ components_.T should be the identity.",
                      "Do not rescale the rows that svd or eigh gave you."))  # fmt: skip
    yield from _coordinates(lab, cases)


def _gram(C: Any) -> Any:
    return C @ C.T if isinstance(C, np.ndarray) and C.ndim == 2 else C


def _coordinates(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    def transformed() -> Measurement:
        return _worst(
            difference(lab.solution.PCA(k).fit(X).transform(Y), _oracle(X, k).transform(Y),
                       call=f"PCA({k}).fit(X).transform(Y)", inputs={"X": X, "Y": Y})
            for X in cases.values() for k, Y in ((1, X[:4]), (_rank(X), X[::-1] + 1.0))
        )  # fmt: skip

    yield Check("transform", transformed, at_most=EXACT,
                why="New points get coordinates by the mean and the directions that were learned, not by their own.",
                hint=("Subtract mean_ from fit, not the mean of what is transformed.", "(X - mean_) @ components_.T"))  # fmt: skip

    def back_again() -> Measurement:
        return _worst(
            difference(lab.solution.PCA(2).fit(X).inverse_transform(Z), _oracle(X, 2).inverse_transform(Z),
                       call="PCA(2).fit(X).inverse_transform(Z)", inputs={"X": X, "Z": Z})
            for X in cases.values() for Z in (np.array([[1.0, -2.0], [0.0, 0.5]]),)
        )  # fmt: skip

    yield Check("inverse_transform", back_again, at_most=EXACT,
                why="Coordinates lead back to the closest point in the plane of the components.",
                hint=("What undoes subtracting the mean?", "Z @ components_ + mean_"))  # fmt: skip

    def same_for_negative() -> Measurement:
        X = cases["long"]
        return difference(lab.solution.PCA().fit(-X).components_, lab.solution.PCA().fit(X).components_,
                          call="PCA().fit(-X).components_ - PCA().fit(X).components_", inputs={"X": X})  # fmt: skip

    yield Check("signs are settled", same_for_negative, at_most=EXACT,
                why="A direction and its opposite explain the same variance; without a rule, two runs cannot be compared.",
                hint=("Mirror the data: the components should stay.", "np.argmax(np.abs(row)) finds the entry that must be positive."))  # fmt: skip


def _options(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    def counted() -> Measurement:
        X = cases["long"]
        shares = np.cumsum(_oracle(X).explained_variance_ratio_)
        asked = [0.05, *(float(s) + e for s in shares[:-1] for e in (-1e-4, 1e-4)), 0.99999]
        return _worst(
            difference(lab.solution.PCA(share).fit(X).n_components_, int(np.sum(shares <= share)) + 1,
                       call=f"PCA({share!r}).fit(X).n_components_", inputs={"X": X})
            for share in asked
        )  # fmt: skip

    yield Check("n_components as a share", counted, at_most=0.0,
                why="The fewest components whose shares add up to more than what was asked for.",
                hint=("Add the shares up with np.cumsum.", "np.searchsorted(added, share, side='right') + 1"))  # fmt: skip

    def white() -> Measurement:
        return _worst(
            difference(lab.solution.PCA(k, whiten=True).fit(X).transform(X), _oracle(X, k, whiten=True).transform(X),
                       call=f"PCA({k}, whiten=True).fit(X).transform(X)", inputs={"X": X})
            for X in cases.values() for k in (1, _rank(X))
        )  # fmt: skip

    yield Check("whiten", white, at_most=EXACT,
                why="Whitened coordinates have variance one, so no direction is louder than another.",
                hint=("Divide by the standard deviation, not by the variance, nor by the singular value.",
                      "transform(X) / np.sqrt(explained_variance_)"))  # fmt: skip

    def white_and_back() -> Measurement:
        X = cases["long"]

        def measure(X: NDArray[np.float64]) -> Measurement:
            pca = lab.solution.PCA(whiten=True).fit(X)
            return difference(pca.inverse_transform(pca.transform(X)), X,
                              call="(lambda p: p.inverse_transform(p.transform(X)))(PCA(whiten=True).fit(X))", inputs={"X": X})  # fmt: skip

        return _worst(measure(data) for data in (cases["constant column"], X))

    yield Check("whiten and back", white_and_back, at_most=EXACT,
                why="inverse_transform undoes whitening too, also where a direction has no variance at all.",
                hint=("Multiply by what transform divided by, before you go back.", "Keep the divisor away from zero: np.maximum(sd, eps)."))  # fmt: skip

    def single() -> Measurement:
        X = cases["long"]
        pca = lab.solution.PCA(3).fit(X.astype(np.float32))
        names = ("mean_", "components_", "explained_variance_", "explained_variance_ratio_", "singular_values_")
        kinds = [str(getattr(pca, name).dtype) for name in names] + [str(pca.transform(X.astype(np.float32)).dtype)]
        if set(kinds) != {"float32"}:
            return Measurement(np.nan, gate=f"expected float32 throughout, got {', '.join(kinds)}",
                               call="PCA(3).fit(X.astype(np.float32))", inputs={"X": X})  # fmt: skip
        oracle = _oracle(X.astype(np.float32).astype(float), 3)
        return _worst((difference(getattr(pca, name), getattr(oracle, name), relative=True,
                                  call=f"PCA(3).fit(X.astype(np.float32)).{name}", inputs={"X": X})
                       for name in names), SINGLE)  # fmt: skip

    yield Check("single precision", single, at_most=SINGLE,
                why="float32 in gives float32 out, as accurate as its last digits allow.",
                hint=("Work in float64 and round once, at the end.", "result.astype(X.dtype)"))  # fmt: skip

    def whole_numbers() -> Measurement:
        X = np.round(cases["long"]).astype(int)
        return difference(lab.solution.PCA(2).fit(X).explained_variance_, _oracle(X, 2).explained_variance_,
                          call="PCA(2).fit(X).explained_variance_", inputs={"X": X})  # fmt: skip

    yield Check("whole numbers", whole_numbers, at_most=EXACT, why="Counts are data too.",
                hint=("Convert X to float before you subtract in place.",))  # fmt: skip

    def nothing_varies() -> Measurement:
        X = np.full((5, 3), 2.5)
        pca = lab.solution.PCA(2).fit(X)
        values = np.concatenate([pca.explained_variance_, pca.explained_variance_ratio_, pca.singular_values_])
        return difference(values, np.zeros(6), call="PCA(2).fit(X).explained_variance_ratio_", inputs={"X": X})

    yield Check("constant data", nothing_varies, at_most=0.0,
                why="A share of nothing is nothing, not NaN.",
                hint=("0 / 0 is NaN; what should it be here?",))  # fmt: skip


def _solvers(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    for solver in ("svd", "covariance", "randomized"):

        def measure(solver: str = solver) -> Measurement:
            def one(X: NDArray[np.float64], name: str) -> Measurement:
                pca = lab.solution.PCA(2, solver=solver, random_state=0).fit(X)
                return difference(getattr(pca, name), getattr(_oracle(X, 2), name), inputs={"X": X},
                                  call=f"PCA(2, solver={solver!r}, random_state=0).fit(X).{name}")  # fmt: skip

            names = ("components_", "explained_variance_", "explained_variance_ratio_", "mean_")
            return _worst(
                one(X, name) for X in (cases["tall"], cases["wide"], cases["rank-deficient"]) for name in names
            )

        yield Check(f"solver {solver}", measure, at_most=EXACT,
                    why="Three ways, one answer: only time and accuracy differ.",
                    hint=("Each solver yields variances and directions; the rest of fit is shared.",
                          "covariance: eigh of the centred Gram matrix over n - 1. randomized: svd of Q.T @ A.",
                          "Halko, Martinsson and Tropp, algorithms 4.4 and 5.1"))  # fmt: skip

    def chosen() -> Measurement:
        rng = lab.rng
        square = rng.standard_normal((1000, 3)) @ rng.standard_normal((3, 1000)) + 0.01 * rng.standard_normal(
            (1000, 1000)
        )
        doubtful = np.repeat(cases["rank-deficient"], 3, axis=0)
        nearly = cases["long"] * [1.0, 1.0, 1.0, 1.0, 2e-6]
        rows = [
            (cases["long"], None, "covariance"), (cases["long"][:49], None, "svd"), (cases["long"][:50], 2, "covariance"),
            (cases["wide"], 2, "svd"), (doubtful, None, "svd"), (doubtful, 3, "covariance"), (nearly, None, "svd"),
            (nearly, 4, "covariance"), (square, 3, "randomized"), (square, 100, "randomized"), (square[:, :999], 3, "svd"),
            (np.repeat(square[:, :101], 2, axis=0)[:1010], 101, "covariance"),
        ]  # fmt: skip
        right = 0
        for X, k, expected in rows:
            got = lab.solution.PCA(k, random_state=0).fit(X).solver_
            if got != expected:
                call = f"PCA({k}, random_state=0).fit(X).solver_"
                return Measurement(right, call=call, got=str(got), expected=expected, inputs={"X": X})
            right += 1
        return Measurement(right)

    yield Check("auto picks by shape", chosen, equals=12,
                why="n ≫ d makes the covariance cheap, a few components of a big matrix make the projection cheap.",
                hint=("The rule stands in the docstring of PCA, with its limits.",
                      "The kept variance that decides for svd is the smallest one you would keep."))  # fmt: skip

    def repeatable() -> Measurement:
        X = lab.rng.standard_normal((60, 40))
        first, second = (lab.solution.PCA(3, solver="randomized", random_state=7).fit(X).components_ for _ in range(2))
        return difference(first, second, inputs={"X": X},
                          call="PCA(3, solver='randomized', random_state=7).fit(X).components_")  # fmt: skip

    yield Check("random_state repeats", repeatable, at_most=0.0, why="The same seed gives the same bits.",
                hint=("Draw from check_random_state(random_state), never from np.random itself.",))  # fmt: skip

    def close() -> Measurement:
        X = lab.rng.standard_normal((300, 200)) * np.geomspace(1.0, 0.5, 200)
        exact = _oracle(X, 5).explained_variance_
        got = lab.solution.PCA(5, solver="randomized", random_state=0).fit(X).explained_variance_
        return difference(got, exact, relative=True, inputs={"X": X},
                          call="PCA(5, solver='randomized', random_state=0).fit(X).explained_variance_")  # fmt: skip

    yield Check("randomized on a slow spectrum", close, at_most=0.01,
                why="Power iterations separate directions whose variances lie close together.",
                hint=("Multiply by A and by A.T a few times, with a QR step after each.", "Ask for ten columns more than you keep."))  # fmt: skip

    def far_from_zero() -> Measurement:
        X = cases["long"]
        shifted = X + 1e6
        return difference(lab.solution.PCA().fit(shifted).explained_variance_, _oracle(shifted).explained_variance_,
                          call="PCA().fit(X).explained_variance_", inputs={"X": shifted})  # fmt: skip

    yield Check("far from zero", far_from_zero, at_most=1e-6,
                why="Centre first, multiply then: the other way round, the digits cancel.",
                hint=("X.T @ X - n * outer(mean, mean) subtracts two huge numbers.", "(X - mean).T @ (X - mean)"))  # fmt: skip


def _stream(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    X = cases["long"] + 1e3

    def streamed() -> Measurement:
        oracle = _oracle(X, 3)
        pca = lab.solution.PCA(3)
        for block in (X[:7], X[7:8], X[8:50], X[50:]):
            pca.partial_fit(block)
        call = "[p.partial_fit(b) for p in [PCA(3)] for b in (X[:7], X[7:8], X[8:50], X[50:])][-1]"
        names = (
            "mean_",
            "components_",
            "explained_variance_",
            "explained_variance_ratio_",
            "singular_values_",
            "n_samples_",
        )
        expected = {name: getattr(oracle, name) for name in names}
        return _worst(
            difference(getattr(pca, name), expected[name], call=f"{call}.{name}", inputs={"X": X}) for name in names
        )

    yield Check("a stream equals the whole", streamed, at_most=EXACT,
                why="Blocks of any size, even of one row, add up to the result of all rows at once.",
                hint=("Two scatter matrices add up once the distance between their means is made good.",
                      "S = S_a + S_b + outer(δ, δ) · n_a n_b / (n_a + n_b), with δ = mean_b - mean_a"))  # fmt: skip

    def anew() -> Measurement:
        pca = lab.solution.PCA(2).partial_fit(X[:30])
        pca.fit(X[30:])
        got = pca.partial_fit(X[:40]).mean_
        return difference(got, X[:40].mean(axis=0), inputs={"X": X},
                          call="PCA(2).partial_fit(X[:30]).fit(X[30:]).partial_fit(X[:40]).mean_")  # fmt: skip

    yield Check("fit ends a stream", anew, at_most=EXACT, why="fit forgets what came before, as everywhere in scikit-learn.",
                hint=("Drop the stream's state in fit.",))  # fmt: skip

    def many_blocks() -> Measurement:
        data = lab.rng.standard_normal((5000, 3)) * [3.0, 2.0, 1.0]
        got = lab.solution.PCA(2).partial_fit(data).explained_variance_
        return difference(got, _oracle(data, 2).explained_variance_, inputs={"X": data},
                          call="PCA(2).partial_fit(X).explained_variance_")  # fmt: skip

    yield Check("a long block", many_blocks, at_most=EXACT, why="Every row of a block counts, however long it is.",
                hint=("If you work in pieces, does the last one reach the end?",))  # fmt: skip


def _refusals(lab: Lab) -> Iterator[Check]:
    X = np.arange(12.0).reshape(6, 2) ** 2

    def refuse(
        call: str, mentions: tuple[str, ...], inputs: Mapping[str, Any], action: Callable[[], Any]
    ) -> Measurement:
        return refusal(action, call=call, mentions=mentions, inputs=inputs)

    def bad_data(value: NDArray[Any], *mentions: str) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return _all(
                refuse(
                    f"PCA().{method}(X)", mentions, {"X": value}, lambda m=method: getattr(lab.solution.PCA(), m)(value)
                )
                for method in ("fit", "partial_fit")
            )

        return measure

    for name, value, mentions in (
        ("NaN", np.where(X == 4.0, np.nan, X), ("NaN", "missing")),
        ("infinity", np.where(X == 4.0, np.inf, X), ("inf",)),
        ("no rows", X[:0], ("0 sample", "empty", "no rows", "n_samples")),
        ("no columns", X[:, :0], ("0 feature", "empty", "no column", "n_features")),
        ("one row", X[:1], ("1 sample", "n_samples", "one row", "two rows")),
        ("one dimension", X[:, 0], ("1D", "2D", "dimension", "shape")),
    ):
        yield Check(f"refuses {name}", bad_data(value, *mentions), equals=True,
                    why="Bad data that goes in quietly comes out as a wrong figure, later and elsewhere.",
                    hint=("sklearn.utils.validation.validate_data checks all of this.",
                          "validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)"))  # fmt: skip

    def other_columns() -> Measurement:
        pca = lab.solution.PCA(1).fit(X)
        stream = lab.solution.PCA(1).partial_fit(X)
        wide = np.ones((3, 3))
        mentions = ("features", "columns", "shape")
        return _all((
            refuse("PCA(1).fit(X).transform(Y)", mentions, {"X": X, "Y": wide}, lambda: pca.transform(wide)),
            refuse("PCA(1).fit(X).transform(Y)", ("NaN",), {"X": X, "Y": X * np.nan}, lambda: pca.transform(X * np.nan)),
            refuse("PCA(1).fit(X).inverse_transform(Y)", ("(n, 1)", "shape"), {"X": X, "Y": wide}, lambda: pca.inverse_transform(wide)),
            refuse("PCA(1).fit(X).inverse_transform(Y)", ("(n, 1)", "shape"), {"X": X, "Y": wide[0]}, lambda: pca.inverse_transform(wide[0])),
            refuse("PCA(1).partial_fit(X).partial_fit(Y)", mentions, {"X": X, "Y": wide}, lambda: stream.partial_fit(wide)),
        ))  # fmt: skip

    yield Check("refuses other columns", other_columns, equals=True,
                why="A model of two columns has nothing to say about three.",
                hint=("Compare with n_features_in_.", "validate_data(self, X, reset=False)"))  # fmt: skip

    def before_fit() -> Measurement:
        mentions = ("not fitted", "fit")
        return _all((
            refuse("PCA().transform(X)", mentions, {"X": X}, lambda: lab.solution.PCA().transform(X)),
            refuse("PCA().inverse_transform(X)", mentions, {"X": X}, lambda: lab.solution.PCA().inverse_transform(X)),
        ))  # fmt: skip

    yield Check("refuses use before fit", before_fit, equals=True,
                why="NotFittedError says what to do; AttributeError only says that something is missing.",
                hint=("sklearn.utils.validation.check_is_fitted(self)",))  # fmt: skip

    def bad_parameters() -> Measurement:
        wrong: list[tuple[dict[str, Any], tuple[str, ...]]] = [
            *(({"n_components": k}, ("n_components",)) for k in (0, 3, -1, 0.0, 1.0, 1.5, -0.5, True, "two")),
            ({"solver": "magic"}, ("solver",)),
            ({"solver": "randomized"}, ("n_components",)),
            ({"solver": "randomized", "n_components": 0.5}, ("n_components",)),
            ({"n_components": 9, "solver": "magic"}, ("n_components=9",)),
            ({"n_components": 9, "solver": "magic"}, ("solver='magic'",)),
        ]

        def text(given: Mapping[str, Any]) -> str:
            return "PCA(" + ", ".join(f"{name}={value!r}" for name, value in given.items()) + ").fit(X)"

        return _all(
            refuse(text(given), mentions, {"X": X}, lambda g=given: lab.solution.PCA(**g).fit(X))
            for given, mentions in wrong
        )

    yield Check("refuses bad parameters", bad_parameters, equals=True,
                why="All faults are told at once, when the shape of the data is known.",
                hint=("An int is between 1 and min(n, d); a float strictly between 0 and 1; True is neither.",
                      "Collect the faults in a list and raise one ValueError at the end, with name=value of each."))  # fmt: skip

    def good_limits() -> Measurement:
        return _all(
            Measurement(float(lab.solution.PCA(k).fit(X).n_components_ == kept), call=f"PCA({k}).fit(X).n_components_",
                        expected=str(kept), inputs={"X": X})
            for k, kept in ((1, 1), (2, 2), (0.001, 1), (0.999999, 2), (np.int64(2), 2))
        )  # fmt: skip

    yield Check("takes the limits", good_limits, equals=True, why="What is just within the range is within the range.",
                hint=("1 and min(n, d) are allowed; so is an integer from NumPy.",))  # fmt: skip


def _on_digits(built: Built) -> Iterator[Check]:
    def shares() -> Measurement:
        oracle = _oracle(built.digits, len(built.shares))
        return difference(
            built.shares, oracle.explained_variance_ratio_, call="PCA().fit(digits).explained_variance_ratio_"
        )

    yield Check("spectrum of the digits", shares, at_most=EXACT, why="The same on real data as on made-up data.",
                hint=("Look at the checks above this one first.",))  # fmt: skip

    def balance() -> Measurement:
        return difference(built.squared_error / built.discarded, 1.0,
                          call=f"squared reconstruction error of PCA({built.kept}) over the discarded variance")  # fmt: skip

    yield Check("what is lost is what was discarded", balance, at_most=1e-9,
                why="Reconstruction error equals the variance of the directions left out: PCA hides nothing.",
                hint=("Both sides are sums over all pixels, divided by n - 1.",))  # fmt: skip
    yield Check("digits in a stream", lambda: difference(built.streamed, built.whole, call="PCA(k).partial_fit(block)", relative=True),
                at_most=EXACT, why="Eight blocks give what the whole gives.", hint=("See: a stream equals the whole.",))  # fmt: skip


def _checklist(lab: Lab) -> Iterator[Check]:
    """The twelve questions: measured on planted faults, then asked of a real data set."""
    import pandas as pd

    clean = clean_customers(lab.rng)
    false_alarms = [item.name for item in eda_checklist(clean, target="churned") if not item.clear]
    rows = []
    for name, what, frame in planted(clean):
        items = {item.name: item for item in eda_checklist(frame, target="churned")}
        rows.append((name, what, not items[name].clear, items[name].detail))
    table = pd.DataFrame(rows, columns=["question", "fault that was planted", "found", "what the checklist said"])
    lab.table(
        table, "Planted faults", "One fault at a time in a clean table of customers, and what the checklist made of it."
    )
    data, target = (lab.data("titanic"), "Survived") if lab.full else (lab.data("wine"), "target")
    answers = eda_checklist(data.frame, target=target)
    shown = pd.DataFrame(
        [(i, a.name, "clear" if a.clear else "look", a.detail) for i, a in enumerate(answers, 1)],
        columns=["no.", "question", "answer", "computed from the data"],
    )
    lab.table(shown, "Checklist", f"Twelve questions, asked of {data.title}.")
    lab.metric("rows of the data set", len(data.frame))
    lab.metric("columns of the data set", data.frame.shape[1])
    lab.metric("questions answered clear", sum(answer.clear for answer in answers))
    lab.document("eda.md.jinja", "Exploratory data analysis: twelve questions", title=data.title, dataset=data.name, target=target,
                 open=[answer for answer in answers if not answer.clear])  # fmt: skip
    yield Check("planted faults found", float(table["found"].sum()), equals=12, exercise=False,
                why="A checklist is worth its twelve lines only if each can fail.")  # fmt: skip
    yield Check("false alarms on the clean table", float(len(false_alarms)), equals=0, exercise=False,
                why="A checklist that cries wolf is soon ignored.")  # fmt: skip
    yield Check("questions answered", float(len(answers)), equals=12, exercise=False,
                why="Every question is answered by computing it from the data.")  # fmt: skip
