"""Checks that bad input is refused, clearly, and that what is just within the limits is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear, refusal

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def refusals(lab: Lab) -> Iterator[Check]:
    """Bad data, bad parameters, use before fit."""
    X = np.arange(12.0).reshape(6, 2) ** 2

    def refuse(
        call: str, mentions: tuple[str, ...], inputs: Mapping[str, Any], action: Callable[[], Any]
    ) -> Measurement:
        return refusal(action, call=call, mentions=mentions, inputs=inputs)

    def bad_data(value: NDArray[Any], *mentions: str) -> Callable[[], Measurement]:
        def attempt(method: str) -> Measurement:
            call = f"PCA().{method}(X)"
            return refuse(call, mentions, {"X": value}, lambda: getattr(lab.solution.PCA(), method)(value))

        def measure() -> Measurement:
            return first_unclear(map(attempt, ("fit", "partial_fit")))

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
        mentions = ("feature", "column")
        wants = ("(n, 1)", "shape")
        both = {"X": X, "Y": wide}
        return first_unclear((
            refuse("PCA(1).fit(X).transform(Y)", mentions, both, lambda: pca.transform(wide)),
            refuse("PCA(1).fit(X).transform(X * np.nan)", ("NaN",), both, lambda: pca.transform(X * np.nan)),
            refuse("PCA(1).fit(X).inverse_transform(Y)", wants, both, lambda: pca.inverse_transform(wide)),
            refuse("PCA(1).fit(X).inverse_transform(Y[0])", wants, both, lambda: pca.inverse_transform(wide[0])),
            refuse("PCA(1).fit(X).inverse_transform(Y[:, :0])", wants, both,
                   lambda: pca.inverse_transform(wide[:, :0])),
            refuse("PCA(1).fit(X).inverse_transform(Y[:, :1, np.newaxis])", wants, both,
                   lambda: pca.inverse_transform(wide[:, :1, np.newaxis])),
            refuse("PCA(1).partial_fit(X).partial_fit(X[:0])", ("sample", "empty", "row"), both,
                   lambda: stream.partial_fit(X[:0])),
            refuse("PCA(1).partial_fit(X).partial_fit(Y)", mentions, both, lambda: stream.partial_fit(wide)),
        ))  # fmt: skip

    yield Check("refuses other columns", other_columns, equals=True,
                why="A model of two columns has nothing to say about three.",
                hint=("Compare with n_features_in_.", "validate_data(self, X, reset=False)"))  # fmt: skip

    def before_fit() -> Measurement:
        mentions = ("not fitted", "fit")
        return first_unclear((
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

        def attempt(given: dict[str, Any], mentions: tuple[str, ...]) -> Measurement:
            call = "PCA(" + ", ".join(f"{name}={value!r}" for name, value in given.items()) + ").fit(X)"
            return refuse(call, mentions, {"X": X}, lambda: lab.solution.PCA(**given).fit(X))

        return first_unclear(attempt(given, mentions) for given, mentions in wrong)

    yield Check("refuses bad parameters", bad_parameters, equals=True,
                why="All faults are told at once, when the shape of the data is known.",
                hint=("An int is between 1 and min(n, d); a float strictly between 0 and 1; True is neither.",
                      "Collect the faults in a list and raise one ValueError at the end.",
                      "Name each as name=value."))  # fmt: skip

    def good_limits() -> Measurement:
        two = X[4:]
        return first_unclear((
            *(Measurement(float(lab.solution.PCA(k).fit(X).n_components_ == kept), inputs={"X": X},
                          call=f"PCA({k}).fit(X).n_components_", expected=str(kept))
              for k, kept in ((1, 1), (2, 2), (0.001, 1), (0.999999, 2), (np.int64(2), 2))),
            *(Measurement(float(getattr(lab.solution.PCA(1), method)(two).n_samples_ == 2), inputs={"X": two},
                          call=f"PCA(1).{method}(X).n_samples_", expected="2")
              for method in ("fit", "partial_fit")),
        ))  # fmt: skip

    yield Check("takes the limits", good_limits, equals=True, why="What is just within the range is within the range.",
                hint=("1 and min(n, d) are allowed; so is an integer from NumPy.",))  # fmt: skip
