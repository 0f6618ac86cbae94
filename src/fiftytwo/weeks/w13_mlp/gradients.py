"""Checks of the hand-written network: logits, loss and gradients against automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, worst
from fiftytwo.weeks.w13_mlp.networks import ACTIVATIONS, CLOSE, Network, listed, made, network, parts, shifted, truth

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_CALL = "NumpyMLP(hidden, activation={!r}).set_weights(weights, biases)"


def gradients(lab: Lab) -> Iterator[Check]:
    """Forward, backward, finite differences, and logits far apart."""
    nets = [network(lab.rng, activation) for activation in ACTIVATIONS]
    yield from _forward(lab, nets)
    yield from _backward(lab, nets)
    yield from _edges(lab, nets[0])
    yield from _far_apart(lab, network(lab.rng, scale=3e3))


def _call(net: Network) -> str:
    return _CALL.format(net.activation)


def _forward(lab: Lab, nets: list[Network]) -> Iterator[Check]:
    def keeps() -> Measurement:
        net = nets[0]
        model = made(lab, net)
        got = [*model.weights_, *model.biases_] if model is not None else None
        call = f"[*{_call(net)}.weights_, *biases_]"
        return listed(got, [*net.weights, *net.biases], 0.0, call=call, inputs=net.inputs)

    yield Check(
        "set_weights keeps the weights",
        keeps,
        at_most=0.0,
        why="Every check below hands in weights of its own, so that it depends on no luck.",
        hint=("Keep float64 copies in weights_ and biases_, two lists.", "End with: return self"),
    )
    yield Check(
        "logits",
        lambda: worst(
            (
                difference(made(lab, net).forward(net.X), truth(net).logits, call=f"{_call(net)}.forward(X)",
                           inputs=net.inputs)
                for net in nets
            ),
            CLOSE,
        ),
        at_most=CLOSE,
        why="A layer is one matrix product, a bias and a function; the last layer has no function.",
        hint=("H @ W + b, then the activation, layer by layer.", "The last layer's sums are the logits: no activation.",
              "GELU is x · Φ(x) with the exact normal distribution: scipy.special.erf."),
    )  # fmt: skip

    def losses() -> Iterator[Measurement]:
        for net in nets:
            call = f"{_call(net)}.loss_and_gradients(X, y)"
            found = parts(made(lab, net).loss_and_gradients(net.X, net.y), call)
            if isinstance(found, Measurement):
                yield found
                return
            yield difference(found[0], truth(net).loss, call=f"{call}[0]", inputs=net.inputs)

    yield Check(
        "loss",
        lambda: worst(losses(), CLOSE),
        at_most=CLOSE,
        why="The mean over samples: its size must not depend on the batch.",
        hint=("logsumexp(z) - z[y] for each row, then the mean.",),
    )


def _gradient(lab: Lab, net: Network, part: int, bound: float = CLOSE) -> Measurement:
    call = f"{_call(net)}.loss_and_gradients(X, y)"
    found = parts(made(lab, net).loss_and_gradients(net.X, net.y), call)
    if isinstance(found, Measurement):
        return found
    expected = (truth(net).weight_gradients, truth(net).bias_gradients)[part - 1]
    return listed(found[part], expected, bound, call=f"{call}[{part}]", inputs=net.inputs)


def _backward(lab: Lab, nets: list[Network]) -> Iterator[Check]:
    for net in nets:
        yield Check(
            f"weight gradients, {net.activation}",
            lambda net=net: _gradient(lab, net, 1),  # type: ignore[misc]
            at_most=CLOSE,
            why="Automatic differentiation applies the same chain rule, without a human to forget a factor.",
            hint=("Begin with (softmax(Z) - onehot(y)) / n at the last sums.",
                  "W's gradient is (what the layer read)ᵀ @ errors.",
                  "Backwards through a layer: errors @ Wᵀ, times the slope at the sums before the activation."),
        )  # fmt: skip
    yield Check(
        "bias gradients",
        lambda: worst((_gradient(lab, net, 2) for net in nets), CLOSE),
        at_most=CLOSE,
        why="A bias is a weight whose input is always 1.",
        hint=("errors.sum(axis=0), layer by layer.",),
    )

    def directions(net: Network) -> Iterator[Measurement]:
        rng, step = lab.rng, 1e-5
        found = parts(made(lab, net).loss_and_gradients(net.X, net.y), _call(net))
        if isinstance(found, Measurement):
            yield found
            return
        for _ in range(3):
            direction = [rng.standard_normal(a.shape) for a in (*net.weights, *net.biases)]
            ahead, behind = (
                float(made(lab, shifted(net, s, direction)).loss_and_gradients(net.X, net.y)[0]) for s in (step, -step)
            )
            slope = sum(float(np.sum(g * d)) for g, d in zip([*found[1], *found[2]], direction, strict=True))
            yield difference(slope, (ahead - behind) / (2.0 * step), inputs=net.inputs,
                             call="gradients · direction, beside (loss(θ + hδ) - loss(θ - hδ)) / 2h")  # fmt: skip

    yield Check(
        "finite differences",
        lambda: worst((m for net in nets[1:] for m in directions(net)), 1e-6),
        at_most=1e-6,
        why="The oldest test of a gradient: move a little along it and see what the loss does.",
        hint=("This compares your gradients with your own loss; the checks above say which part is off.",),
    )


def _edges(lab: Lab, net: Network) -> Iterator[Check]:
    one, plain = network(lab.rng, n=1), network(lab.rng, hidden=())
    deep = network(lab.rng, "tanh", hidden=(3, 8, 2, 5))
    for name, case, why in (
        ("one sample", one, "A batch of one is where a forgotten axis shows."),
        ("no hidden layer", plain, "Then the network is logistic regression, whose gradient you wrote in week 7."),
        ("five layers", deep, "The loop over layers must not know how many there are."),
    ):
        yield Check(
            name,
            lambda case=case: worst((_gradient(lab, case, part) for part in (1, 2)), CLOSE),  # type: ignore[misc]
            at_most=CLOSE,
            why=why,
            hint=("Look at the checks of the gradients above first.",),
        )

    def at_zero() -> Measurement:
        X = net.X.copy()
        X[0] = 0.0
        biases = (np.where(np.arange(7) < 4, 0.0, net.biases[0]), *net.biases[1:])
        return _gradient(lab, Network("relu", net.weights, biases, X, net.y), 1)

    yield Check(
        "the slope of ReLU at 0",
        at_zero,
        at_most=CLOSE,
        why="At the kink any slope from 0 to 1 is defensible; every library agreed on 0.",
        hint=("Z > 0, not Z >= 0.",),
    )


def _far_apart(lab: Lab, net: Network) -> Iterator[Check]:
    def probabilities() -> Measurement:
        logits = truth(net).logits
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return difference(made(lab, net).predict_proba(net.X), powers / powers.sum(axis=1, keepdims=True),
                          call=f"{_call(net)}.predict_proba(X)", inputs=net.inputs)  # fmt: skip

    def loss() -> Measurement:
        call = f"{_call(net)}.loss_and_gradients(X, y)"
        found = parts(made(lab, net).loss_and_gradients(net.X, net.y), call)
        if isinstance(found, Measurement):
            return found
        return difference(found[0], truth(net).loss, call=f"{call}[0]", inputs=net.inputs, relative=True)

    checks: list[tuple[str, Callable[[], Any]]] = [
        ("probabilities at logits of 10,000", probabilities),
        ("loss at logits of 10,000", loss),
        ("gradients at logits of 10,000", lambda: worst((_gradient(lab, net, part, 1e-6) for part in (1, 2)), 1e-6)),
    ]
    for name, measured in checks:
        yield Check(
            name,
            measured,
            at_most=1e-6,
            why="exp(710) is already too large for a float, and early in training logits go anywhere.",
            hint=("Subtract each row's largest logit before exp: the softmax does not change.",
                  "The loss from the logits: logsumexp(z) - z[y], never the logarithm of a rounded probability."),
        )  # fmt: skip
