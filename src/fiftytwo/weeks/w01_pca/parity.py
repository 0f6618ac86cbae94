"""Checks against scikit-learn: attributes, coordinates and options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference
from fiftytwo.weeks.w01_pca.cases import EXACT, SINGLE, oracle, rank, worst

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def basics(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    """What fit returns and learns first."""
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


def parity(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    """Each attribute on every shape of data."""

    def against_oracle(name: str) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            return worst(
                difference(getattr(lab.solution.PCA(k).fit(X), name), getattr(oracle(X, k), name),
                           call=f"PCA({k}).fit(X).{name}", inputs={"X": X})
                for X in cases.values() for k in (1, rank(X))
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
                hint=("With n_components=1 your share should be below 1.",
                "Divide by the total variance of all columns."))  # fmt: skip
    yield Check("singular values", against_oracle("singular_values_"), at_most=EXACT,
                why="They tie the two views together: singular values of the data, eigenvalues of its covariance.",
                hint=("How do σ² and the variance relate?", "np.sqrt(explained_variance_ * (n - 1))"))  # fmt: skip

    def all_components() -> Measurement:
        return worst(
            difference(lab.solution.PCA().fit(X).explained_variance_, oracle(X).explained_variance_,
                       call="PCA().fit(X).explained_variance_", inputs={"X": X})
            for X in cases.values()
        )  # fmt: skip

    yield Check("n_components=None keeps min(n, d)", all_components, at_most=EXACT,
                why="Directions without variance are kept too: their variance is 0, which is information.",
                hint=("There are never more than min(n, d) directions.",))  # fmt: skip

    def orthonormal() -> Measurement:
        return worst(
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
        return worst(
            difference(lab.solution.PCA(k).fit(X).transform(Y), oracle(X, k).transform(Y),
                       call=f"PCA({k}).fit(X).transform(Y)", inputs={"X": X, "Y": Y})
            for X in cases.values() for k, Y in ((1, X[:4]), (rank(X), X[::-1] + 1.0))
        )  # fmt: skip

    yield Check("transform", transformed, at_most=EXACT,
                why="New points get coordinates by the mean and the directions that were learned, not by their own.",
                hint=("Subtract mean_ from fit, not the mean of what is transformed.",
                "(X - mean_) @ components_.T"))  # fmt: skip

    def back_again() -> Measurement:
        return worst(
            difference(lab.solution.PCA(2).fit(X).inverse_transform(Z), oracle(X, 2).inverse_transform(Z),
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
                why="A direction and its opposite explain the same variance; without a rule, two runs cannot be "
                    "compared.",
                hint=("Mirror the data: the components should stay.",
                "np.argmax(np.abs(row)) finds the entry that must be positive."))  # fmt: skip


def options(lab: Lab, cases: Mapping[str, NDArray[np.float64]]) -> Iterator[Check]:
    """Shares, whitening, single precision, whole numbers, nothing that varies."""

    def counted() -> Measurement:
        X = cases["long"]
        shares = np.cumsum(oracle(X).explained_variance_ratio_)
        asked = [0.05, *(float(s) + e for s in shares[:-1] for e in (-1e-4, 1e-4)), 0.99999]
        return worst(
            difference(lab.solution.PCA(share).fit(X).n_components_, int(np.sum(shares <= share)) + 1,
                       call=f"PCA({share!r}).fit(X).n_components_", inputs={"X": X})
            for share in asked
        )  # fmt: skip

    yield Check("n_components as a share", counted, at_most=0.0,
                why="The fewest components whose shares add up to more than what was asked for.",
                hint=("Add the shares up with np.cumsum.",
                "np.searchsorted(added, share, side='right') + 1"))  # fmt: skip

    def white() -> Measurement:
        return worst(
            difference(lab.solution.PCA(k, whiten=True).fit(X).transform(X), oracle(X, k, whiten=True).transform(X),
                       call=f"PCA({k}, whiten=True).fit(X).transform(X)", inputs={"X": X})
            for X in cases.values() for k in (1, rank(X))
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
                              call="(lambda p: p.inverse_transform(p.transform(X)))(PCA(whiten=True).fit(X))",
                              inputs={"X": X})  # fmt: skip

        return worst(measure(data) for data in (cases["constant column"], X))

    yield Check("whiten and back", white_and_back, at_most=EXACT,
                why="inverse_transform undoes whitening too, also where a direction has no variance at all.",
                hint=("Multiply by what transform divided by, before you go back.",
                "Keep the divisor away from zero: np.maximum(sd, eps)."))  # fmt: skip

    def single() -> Measurement:
        X = cases["long"]
        pca = lab.solution.PCA(3).fit(X.astype(np.float32))
        names = ("mean_", "components_", "explained_variance_", "explained_variance_ratio_", "singular_values_")
        kinds = [str(getattr(pca, name).dtype) for name in names] + [str(pca.transform(X.astype(np.float32)).dtype)]
        if set(kinds) != {"float32"}:
            return Measurement(np.nan, gate=f"expected float32 throughout, got {', '.join(kinds)}",
                               call="PCA(3).fit(X.astype(np.float32))", inputs={"X": X})  # fmt: skip
        exact = oracle(X.astype(np.float32).astype(float), 3)
        return worst((difference(getattr(pca, name), getattr(exact, name), relative=True,
                                  call=f"PCA(3).fit(X.astype(np.float32)).{name}", inputs={"X": X})
                       for name in names), SINGLE)  # fmt: skip

    yield Check("single precision", single, at_most=SINGLE,
                why="float32 in gives float32 out, as accurate as its last digits allow.",
                hint=("Work in float64 and round once, at the end.", "result.astype(X.dtype)"))  # fmt: skip

    def whole_numbers() -> Measurement:
        X = np.round(cases["long"]).astype(int)
        return difference(lab.solution.PCA(2).fit(X).explained_variance_, oracle(X, 2).explained_variance_,
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
