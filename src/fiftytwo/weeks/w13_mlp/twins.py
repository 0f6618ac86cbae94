"""Checks of the network in PyTorch: the same numbers as by hand, and weights from the generator that it is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w13_mlp.networks import ACTIVATIONS, CLOSE, Network, listed, made, network, parts, truth
from mltoolkit.deep import torch_threads

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_CALL = "MLP(5, hidden, 4, activation={!r}, dtype=float64).set_weights(weights, biases)"


def twins(lab: Lab) -> Iterator[Check]:
    """Forward, gradients, initial weights, and that it can be trained."""
    nets = [network(lab.rng, activation) for activation in ACTIVATIONS]
    yield from _same(lab, nets)
    yield from _initial(lab)
    yield from _trains(lab, network(lab.rng, n=10))


def _twin(lab: Lab, net: Network, dtype: torch.dtype = torch.float64) -> Any:
    module = lab.solution.MLP(5, net.hidden, 4, activation=net.activation, dtype=dtype)
    return module.set_weights(list(net.weights), list(net.biases))


def _same(lab: Lab, nets: list[Network]) -> Iterator[Check]:
    yield Check(
        "PyTorch: logits",
        lambda: worst(
            (
                difference(_twin(lab, net).forward(torch.tensor(net.X)), torch.tensor(truth(net).logits),
                           call=f"{_CALL.format(net.activation)}.forward(x)", inputs=net.inputs)
                for net in nets
            ),
            CLOSE,
        ),
        at_most=CLOSE,
        why="A torch.nn.Linear computes x @ Wᵀ + b: its weight is the transpose of yours.",
        hint=("set_weights copies W.T into layer.weight, under torch.no_grad().",
              "An activation after every layer but the last."),
    )  # fmt: skip

    def pictures() -> Measurement:
        net = nets[0]
        x = torch.tensor(net.X).reshape(-1, 1, 5, 1)
        return difference(_twin(lab, net).forward(x), torch.tensor(truth(net).logits), inputs=net.inputs,
                          call=f"{_CALL.format('relu')}.forward(x of shape (n, 1, 5, 1))")  # fmt: skip

    yield Check(
        "PyTorch: pictures are read row by row",
        pictures,
        at_most=CLOSE,
        why="Batches of images come as (B, C, H, W).",
        hint=("x.flatten(1)",),
    )

    def gradients() -> Iterator[Measurement]:
        for net in nets:
            call = f"{_CALL.format(net.activation)}.loss_and_gradients(x, y)"
            found = parts(_twin(lab, net).loss_and_gradients(torch.tensor(net.X), torch.tensor(net.y)), call)
            if isinstance(found, Measurement):
                yield found
                return
            known = truth(net)
            yield difference(found[0], known.loss, call=f"{call}[0]", inputs=net.inputs)
            for part, expected in ((1, known.weight_gradients), (2, known.bias_gradients)):
                tensors = [torch.tensor(g) for g in expected]
                yield listed(found[part], tensors, CLOSE, call=f"{call}[{part}]", inputs=net.inputs)

    yield Check(
        "PyTorch: loss and gradients",
        lambda: worst(gradients(), CLOSE),
        at_most=CLOSE,
        why="Ten lines of chain rule, and one call that does the same.",
        hint=("functional.cross_entropy takes logits.", "torch.autograd.grad(loss, parameters) leaves .grad alone.",
              "Weight gradients come back NumPy's way round, (fan_in, fan_out)."),
    )  # fmt: skip

    def by_hand(net: Network) -> Measurement:
        call = f"NumpyMLP and MLP with the same weights, {net.activation}: weight gradients"
        mine = parts(made(lab, net).loss_and_gradients(net.X, net.y), call)
        theirs = parts(_twin(lab, net).loss_and_gradients(torch.tensor(net.X), torch.tensor(net.y)), call)
        if isinstance(mine, Measurement) or isinstance(theirs, Measurement):
            return Measurement(float("nan"), gate="no gradients to compare", call=call)
        return listed(mine[1], [g.numpy() for g in theirs[1]], 1e-12, call=call, inputs=net.inputs)

    yield Check(
        "by hand and by PyTorch agree",
        lambda: worst(map(by_hand, nets), 1e-12),
        at_most=1e-12,
        why="Two programs that share nothing but the mathematics give the same numbers to rounding.",
        hint=("Look at the checks of the gradients of each first.",),
    )

    def single() -> Measurement:
        net = nets[0]
        x = torch.tensor(net.X, dtype=torch.float32)
        logits = _twin(lab, net, torch.float32).forward(x)
        expected = torch.tensor(truth(net).logits, dtype=torch.float32)
        if getattr(logits, "dtype", None) != torch.float32:
            return Measurement(float("nan"), gate="expected float32 logits", call="MLP(..., dtype=float32).forward(x)")
        return difference(logits, expected, call="MLP(..., dtype=float32).forward(x)", inputs=net.inputs)

    yield Check(
        "PyTorch: single precision",
        single,
        at_most=1e-4,
        why="Training runs in float32 or less; the network must not bring its own type along.",
        hint=("Pass dtype on to each torch.nn.Linear.",),
    )


def drawn(solution: Any, activation: str, seed: int) -> tuple[list[Any], list[Any], bool]:
    """Weights and biases of a new network, as arrays, and whether the global generator was left alone."""
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(seed)
    module = solution.MLP(300, (200, 100), 50, activation=activation, generator=generator)
    alone = bool(torch.equal(before, torch.get_rng_state()))
    state = {name: tensor.detach().numpy() for name, tensor in module.named_parameters()}
    return [a for a in state.values() if a.ndim == 2], [a for a in state.values() if a.ndim == 1], alone


def _initial(lab: Lab) -> Iterator[Check]:
    def spread() -> Iterator[Measurement]:
        for activation, gain in (("relu", 2.0), ("tanh", 1.0)):
            weights, biases, _ = lab.solution.apply(drawn, activation, 0)
            call = f"MLP(300, (200, 100), 50, activation={activation!r}, generator=g)"
            for i, fan_in in enumerate((300, 200, 100)):
                got = round(float(np.mean(np.square(np.asarray(weights[i], dtype=float)))) * fan_in, 1)
                yield difference(got, gain, call=f"mean(layer {i} weights ** 2) · {fan_in} of {call}")
                yield difference(biases[i], np.zeros((200, 100, 50)[i]), call=f"layer {i} bias of {call}")

    yield Check(
        "PyTorch: spread of the initial weights",
        lambda: worst(spread(), 0.15),
        at_most=0.15,
        why="torch.nn.Linear's own start is a third of the variance that ReLU needs at the same width.",
        hint=("torch.nn.init.normal_(layer.weight, 0, gain / sqrt(fan_in), generator=generator); biases 0.",),
    )

    def repeats() -> Measurement:
        one, again, other = (lab.solution.apply(drawn, "relu", seed) for seed in (1, 1, 2))
        got = [bool(np.array_equal(one[0][0], again[0][0])), bool(np.array_equal(one[0][0], other[0][0])), bool(one[2])]
        call = "first weights of generators seeded 1 and 1, and 1 and 2; the global generator left alone"
        return Measurement(float(got == [True, False, True]), call=call, got=str(got), expected="[True, False, True]")

    yield Check(
        "PyTorch: initial weights come from the generator",
        repeats,
        equals=True,
        why="A global seed is shared with everything else that draws; one more draw elsewhere changes your run.",
        hint=("torch.nn.init functions take generator=.",
              "torch.nn.Linear draws weights of its own when made: torch.nn.utils.skip_init leaves them out."),
    )  # fmt: skip

    bad = [((0, (4,), 3), {}, "n_features"), ((4, (0,), 3), {}, "hidden"), ((4, (4,), 0), {}, "n_classes"),
           ((4, (4,), 3), {"activation": "step"}, "activation")]  # fmt: skip
    yield Check(
        "PyTorch: refuses bad widths",
        lambda: first_unclear(
            refusal(lambda given=given, options=options: lab.solution.MLP(*given, **options),  # type: ignore[misc]
                    call=f"MLP(*{given}, **{options})", mentions=(word,))
            for given, options, word in bad
        ),
        equals=True,
        why="A layer of width 0 makes a network that learns nothing and says nothing.",
        hint=("One ValueError that names each parameter that is out of its range.",),
    )  # fmt: skip


def learned_by_heart(solution: Any, net: Network, steps: int) -> list[float]:
    """Losses of a plain PyTorch loop on all samples."""
    module = solution.MLP(5, (32,), 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.02, weight_decay=0.0)
    x, y, losses = torch.tensor(net.X), torch.tensor(net.y), []
    with torch_threads(1):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = functional.cross_entropy(module(x), y)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(float(loss.detach()))
    return losses


def _trains(lab: Lab, net: Network) -> Iterator[Check]:
    yield Check(
        "ten samples by heart, PyTorch",
        lambda: float(lab.solution.apply(learned_by_heart, net, 300)[-1]),
        at_most=0.01,
        unit="nats",
        why="A network with more weights than samples can always learn them; if it does not, something is broken.",
        hint=("The layers live in a torch.nn.ModuleList, or their parameters are invisible to the optimizer.",),
    )

    def by_hand() -> Measurement:
        model = lab.solution.NumpyMLP((32,), learning_rate=0.02, epochs=300, batch_size=10, random_state=0)
        losses = model.fit(net.X, net.y).loss_curve_
        return Measurement(float(losses[-1]), call="NumpyMLP((32,), learning_rate=0.02, epochs=300).fit(X, y)"
                           ".loss_curve_[-1] on ten samples", inputs={"X": net.X, "y": net.y})  # fmt: skip

    yield Check(
        "ten samples by heart, by hand",
        by_hand,
        at_most=0.01,
        unit="nats",
        why="The first thing to try with any new network, before you look for a better architecture.",
        hint=("Look at the checks of the gradients and of the optimizers first.",),
    )
