"""Checks of training: initial weights, batches, the loss curve, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w13_mlp.networks import CLOSE, Network, listed, made, network, trained, truth

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_TINY = 1e-7  # a rate at which no step changes what the next one sees
_DEFAULTS: dict[str, Any] = {
    "hidden": (100,), "activation": "relu", "optimizer": "adam", "learning_rate": 0.001, "momentum": 0.9,
    "weight_decay": 0.0, "batch_size": 32, "epochs": 50, "random_state": None,
}  # fmt: skip


def fitting(lab: Lab) -> Iterator[Check]:
    """Initial weights, then epochs, then the estimator's manners."""
    yield from _initial(lab)
    yield from _steps(lab, network(lab.rng, "tanh", n=12))
    yield from _epochs(lab, network(lab.rng, n=10))
    yield from _manners(lab, network(lab.rng, n=12))
    yield from _refusals(lab, network(lab.rng, n=12))


def _initial(lab: Lab) -> Iterator[Check]:
    def spread(activation: str, gain: float) -> Iterator[Measurement]:
        model = lab.solution.NumpyMLP((300, 200), activation=activation).initialize(400, 250, lab.rng)
        call = f"NumpyMLP((300, 200), activation={activation!r}).initialize(400, 250, rng)"
        for i, fan_in in enumerate((400, 300, 200)):
            got = round(float(np.mean(np.square(model.weights_[i]))) * fan_in, 1)  # to the digit that draws agree on
            yield difference(got, gain, call=f"mean({call}.weights_[{i}] ** 2) · {fan_in}")
        for i, b in enumerate(model.biases_):
            yield difference(b, np.zeros((300, 200, 250)[i]), call=f"{call}.biases_[{i}]")

    yield Check(
        "spread of the initial weights, ReLU and GELU",
        lambda: worst((m for name in ("relu", "gelu") for m in spread(name, 2.0)), 0.15),
        at_most=0.15,
        why="ReLU drops half of what it reads; a variance of 2 / fan_in gives it back, layer after layer.",
        hint=("rng.normal(0, sqrt(2 / fan_in), (fan_in, fan_out)); biases begin at 0.",
              "Equal weights stay equal for ever: every unit would see the same gradient."),
    )  # fmt: skip
    yield Check(
        "spread of the initial weights, tanh",
        lambda: worst(spread("tanh", 1.0), 0.15),
        at_most=0.15,
        why="tanh is a straight line near 0 and drops nothing.",
        hint=("gain² is 1 for tanh, 2 for ReLU and GELU.",),
    )

    def repeats() -> Measurement:
        drawn = [
            lab.solution.NumpyMLP((4,)).initialize(3, 2, np.random.default_rng(seed)).weights_[0] for seed in (1, 1, 2)
        ]
        got = [bool(np.array_equal(drawn[0], drawn[1])), bool(np.array_equal(drawn[0], drawn[2]))]
        call = "NumpyMLP((4,)).initialize(3, 2, default_rng(s)).weights_[0]: same for s = 1 and 1, for s = 1 and 2"
        return Measurement(float(got == [True, False]), call=call, got=str(got), expected="[True, False]")

    yield Check(
        "initial weights come from the generator",
        repeats,
        equals=True,
        why="A run that cannot be repeated cannot be debugged.",
        hint=("Draw from the generator that is handed in, never from numpy.random itself.",),
    )


def _weights_of(model: Any) -> list[Any]:
    return [*model.weights_, *model.biases_]


def _steps(lab: Lab, net: Network) -> Iterator[Check]:
    rows: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
        ("sgd", {"momentum": 0.9, "weight_decay": 0.01}, "SGD", {"momentum": 0.9, "weight_decay": 0.01}),
        ("adam", {"weight_decay": 0.01}, "AdamW", {"weight_decay": 0.01}),
    ]
    for optimizer, options, peer, theirs in rows:

        def measured(
            optimizer: str = optimizer, options: Any = options, peer: str = peer, theirs: Any = theirs
        ) -> Measurement:
            model = made(lab, net, optimizer=optimizer, learning_rate=0.05, batch_size=50, **options)
            for _ in range(4):
                model.partial_fit(net.X, net.y)
            call = f"weights after 4 × partial_fit, optimizer={optimizer!r}, one batch an epoch"
            expected = trained(net, peer, 4, lr=0.05, **theirs)
            return listed(_weights_of(model), expected, 1e-9, call=call, inputs=net.inputs)

        yield Check(
            f"four epochs of one batch, {optimizer}",
            measured,
            at_most=1e-9,
            why="Gradient, optimizer and its memory together: four steps of PyTorch are four steps of yours.",
            hint=("The optimizer lives on from one partial_fit to the next; set_weights begins a new one.",
                  "A batch may be larger than the data."),
        )  # fmt: skip


def _epochs(lab: Lab, net: Network) -> Iterator[Check]:
    def same_rows() -> Measurement:
        rows = replace(net, X=np.repeat(net.X[:1], 10, axis=0), y=np.repeat(net.y[:1], 10))
        model = made(lab, rows, optimizer="sgd", momentum=0.0, learning_rate=_TINY, batch_size=4)
        model.partial_fit(rows.X, rows.y, classes=np.arange(4))
        expected = 3.0 * truth(rows).weight_gradients[0]  # batches of 4, 4 and 2, each with the same mean gradient
        return difference((rows.weights[0] - model.weights_[0]) / _TINY, expected, inputs=rows.inputs,
                          call="(weights before - after) / learning_rate, 10 equal rows, batch_size=4")  # fmt: skip

    yield Check(
        "steps in an epoch",
        same_rows,
        at_most=1e-4,
        why="Ten samples in batches of four are three steps; the last two samples count too.",
        hint=("range(0, n, batch_size), and the last slice may be short.",),
    )

    def each_once() -> Measurement:
        even = replace(net, X=np.tile(net.X, (2, 1))[:12], y=np.tile(net.y, 2)[:12])
        model = made(lab, even, optimizer="sgd", momentum=0.0, learning_rate=_TINY, batch_size=3)
        model.partial_fit(even.X, even.y)
        expected = 4.0 * truth(even).weight_gradients[0]
        return difference((even.weights[0] - model.weights_[0]) / _TINY, expected, inputs=even.inputs,
                          call="(weights before - after) / learning_rate, 12 rows, batch_size=3")  # fmt: skip

    yield Check(
        "each sample once an epoch",
        each_once,
        at_most=1e-4,
        why="An epoch is a pass over the data: drawing with replacement misses a third of it.",
        hint=("rng.permutation(n), cut into slices.",),
    )

    def curve() -> Measurement:
        model = made(lab, net, optimizer="sgd", learning_rate=0.0, batch_size=4)
        model.partial_fit(net.X, net.y)
        call = "partial_fit(X, y).loss_curve_[-1] at learning_rate=0, 10 rows, batch_size=4"
        return difference(float(model.loss_curve_[-1]), truth(net).loss, call=call, inputs=net.inputs)

    yield Check(
        "the loss curve is a mean over samples",
        curve,
        at_most=CLOSE,
        why="A mean over batches would count the samples of a short last batch more than others.",
        hint=("Add up loss · len(batch), divide by n.",),
    )

    def ordered() -> Measurement:
        def after(seed: int) -> Any:
            model = made(lab, net, optimizer="sgd", learning_rate=0.1, batch_size=2, random_state=seed)
            return model.partial_fit(net.X, net.y).weights_[0]

        one, again, other = after(1), after(1), after(2)
        got = [bool(np.array_equal(one, again)), bool(np.allclose(one, other, rtol=0.0, atol=1e-12))]
        call = "weights_[0] after an epoch: same for random_state 1 and 1, for 1 and 2"
        return Measurement(float(got == [True, False]), call=call, got=str(got), expected="[True, False]",
                           inputs=net.inputs)  # fmt: skip

    yield Check(
        "random_state orders the samples",
        ordered,
        equals=True,
        why="Data often comes sorted by class; a network that sees one class at a time forgets the others.",
        hint=("A new permutation in every epoch, from default_rng(random_state).",),
    )

    def anew() -> Measurement:
        options = {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.0, "batch_size": 2, "random_state": 3}
        model = made(lab, net, **options).partial_fit(net.X, net.y)
        middle = replace(net, weights=tuple(model.weights_), biases=tuple(model.biases_))
        second = np.asarray(model.partial_fit(net.X, net.y).weights_[0])
        first_again = np.asarray(made(lab, middle, **options).partial_fit(net.X, net.y).weights_[0])
        same = bool(np.allclose(second, first_again, rtol=0.0, atol=1e-12))
        return Measurement(float(not same), got=str(same), expected="False", inputs=net.inputs,
                           call="the second epoch takes the samples in the order of the first")  # fmt: skip

    yield Check(
        "a new order in every epoch",
        anew,
        equals=True,
        why="The same batches over and over pull the weights along the same few paths.",
        hint=("Keep one generator for the life of the fit; a new one from the seed repeats itself.",),
    )


def _manners(lab: Lab, net: Network) -> Iterator[Check]:
    def defaults() -> Measurement:
        got = dict(lab.solution.NumpyMLP().get_params())
        got["hidden"] = tuple(got.get("hidden", ()))
        return Measurement(float(got == _DEFAULTS), call="NumpyMLP().get_params()", got=str(got),
                           expected=str(_DEFAULTS))  # fmt: skip

    yield Check(
        "defaults as documented",
        defaults,
        equals=True,
        why="Who writes NumpyMLP() relies on what the page says: the numbers are part of the contract.",
        hint=("The signature of your starter has them; keep it, and inherit from BaseEstimator.",),
    )

    def texts() -> Measurement:
        names = np.array(["ant", "bee", "cat", "dog"])[net.y]
        model = lab.solution.NumpyMLP((16,), learning_rate=0.03, epochs=80, random_state=0)
        same = bool(model.fit(net.X, names) == model)
        p = np.asarray(model.predict_proba(net.X))
        chosen = model.classes_[np.argmax(p, axis=1)]
        got = [same, [str(c) for c in model.classes_], bool(np.array_equal(model.predict(net.X), chosen)),
               bool(np.allclose(p.sum(axis=1), 1.0)), bool(np.mean(model.predict(net.X) == names) > 0.9),
               len(model.loss_curve_)]  # fmt: skip
        wanted = [True, ["ant", "bee", "cat", "dog"], True, True, True, 80]
        call = ("fit(X, texts): returns itself, classes_, predict is the likeliest class, rows add up to 1, learns, "
                "len(loss_curve_)")  # fmt: skip
        return Measurement(float(got == wanted), call=call, got=str(got), expected=str(wanted), inputs=net.inputs)

    yield Check(
        "classes may be texts",
        texts,
        equals=True,
        why="Labels come as they come; the model numbers them and gives them back.",
        hint=("np.unique(y, return_inverse=True) gives sorted classes and their codes.",
              "predict returns self.classes_[codes].", "fit begins with new weights and a new, empty loss_curve_."),
    )  # fmt: skip

    def later_classes() -> Measurement:
        model = lab.solution.NumpyMLP((4,), random_state=0)
        two = net.y < 2
        model.partial_fit(net.X[two], net.y[two], classes=np.arange(4))
        got = [[int(c) for c in model.classes_], tuple(np.shape(model.predict_proba(net.X)))]
        return Measurement(float(got == [[0, 1, 2, 3], (12, 4)]), got=str(got), expected="[[0, 1, 2, 3], (12, 4)]",
                           call="partial_fit(X of two classes, y, classes=[0, 1, 2, 3]): classes_, shape of "
                           "predict_proba(X)")  # fmt: skip

    yield Check(
        "partial_fit knows classes to come",
        later_classes,
        equals=True,
        why="A stream shows its classes one after another; the last layer is made once.",
        hint=("At the first call classes_ is np.unique(classes), where classes are given.",),
    )

    def repeats() -> Measurement:
        fits = [lab.solution.NumpyMLP((6,), epochs=3, batch_size=4, random_state=seed) for seed in (5, 5)]
        one, other = (np.asarray(model.fit(net.X, net.y).weights_[0]) for model in fits)
        again = np.asarray(fits[0].fit(net.X, net.y).weights_[0])
        return worst(
            (
                difference(found, one, call="NumpyMLP((6,), random_state=5).fit(X, y).weights_[0], twice",
                           inputs=net.inputs)
                for found in (other, again)
            ),
            0.0,
        )  # fmt: skip

    yield Check(
        "the same random_state, the same weights",
        repeats,
        at_most=0.0,
        why="Then a difference between two runs has a cause that can be found.",
        hint=("One np.random.default_rng(self.random_state) in fit draws weights and orders.",),
    )


def _refusals(lab: Lab, net: Network) -> Iterator[Check]:
    X, y, model = net.X, net.y, lab.solution.NumpyMLP
    holed = X.copy()
    holed[2, 1] = np.nan
    trials: list[tuple[str, Callable[[], Any], str, tuple[str, ...]]] = [
        ("NaN", lambda: model().fit(holed, y), "NumpyMLP().fit(X with NaN, y)", ("nan",)),
        ("one class", lambda: model().fit(X, np.zeros(12, dtype=int)), "NumpyMLP().fit(X, zeros)", ("class",)),
        ("other columns", lambda: made(lab, net).forward(X[:, :3]), "set_weights(...).forward(X[:, :3])",
         ("feature", "column", "shape")),
        ("an unknown class", lambda: made(lab, net).loss_and_gradients(X, y + 1), "loss_and_gradients(X, y + 1)",
         ("label", "class")),
        ("use before fit", lambda: model().predict(X), "NumpyMLP().predict(X)", ("fit",)),
        ("weights that do not fit", lambda: model((3,)).set_weights(list(net.weights), list(net.biases)),
         "NumpyMLP((3,)).set_weights(weights of (7, 6))", ("hidden", "layer", "shape")),
        ("weights the wrong way round", lambda: model(net.hidden).set_weights([w.T for w in net.weights],
                                                                             list(net.biases)),
         "set_weights([w.T for w in weights], biases)", ("shape",)),
    ]  # fmt: skip
    for name, action, call, words in trials:
        yield Check(
            f"refuses {name}",
            lambda action=action, call=call, words=words: refusal(action, call=call, mentions=words),  # type: ignore[misc]
            equals=True,
            why="Bad data that goes in quietly comes out as a wrong figure, later and elsewhere.",
            hint=("sklearn.utils.validation has validate_data, check_is_fitted and more.", f"Mention {words[-1]!r}."),
        )
    bad: list[dict[str, Any]] = [
        {"hidden": (0,)}, {"hidden": (2.5,)}, {"hidden": 10}, {"activation": "step"}, {"optimizer": "lion"},
        {"learning_rate": -1.0}, {"learning_rate": float("nan")}, {"momentum": 1.0}, {"weight_decay": -0.1},
        {"batch_size": 0}, {"batch_size": 2.5}, {"epochs": 0},
    ]  # fmt: skip
    both = {"activation": "step", "epochs": 0}
    yield Check(
        "refuses bad parameters",
        lambda: first_unclear(
            refusal(lambda row=row: model(**row).fit(X, y), call=f"NumpyMLP(**{row}).fit(X, y)", mentions=(word,))  # type: ignore[misc]
            for row, word in [*((row, next(iter(row))) for row in bad), (both, "activation"), (both, "epochs")]
        ),
        equals=True,
        why="All faults are told at once, so that nobody mends them one run at a time.",
        hint=("Check in fit, not in __init__; collect the faults in a list.",),
    )

    def diverged() -> Measurement:
        far = model((8,), optimizer="sgd", learning_rate=1e200, epochs=20, random_state=0)
        return refusal(lambda: far.fit(X, y), error=ArithmeticError, mentions=("learning_rate", "learning rate"),
                       call="NumpyMLP((8,), optimizer='sgd', learning_rate=1e200).fit(X, y)")  # fmt: skip

    yield Check(
        "says when the loss is no longer finite",
        diverged,
        equals=True,
        why="Weights that became NaN predict the first class for ever, without a word.",
        hint=("from mltoolkit.errors import NotConverged", "Look at the loss after each epoch: math.isfinite.",
              "Silence NumPy's own warnings around the loop with np.errstate, and say it in words."),
    )  # fmt: skip
