"""Checks of the three cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst

if TYPE_CHECKING:
    from torch import Tensor

    from fiftytwo.lab import Lab

CLOSE = 1e-5  # single precision: sums in another order differ in the seventh digit
EXACT = 1e-10  # double precision
GATES: Mapping[str, int] = {"RNNCell": 1, "LSTMCell": 4, "GRUCell": 3}
_PARTS: Mapping[str, int] = {"RNNCell": 1, "LSTMCell": 2, "GRUCell": 1}
_STEP: Mapping[str, tuple[str, ...]] = {
    "RNNCell": (
        "Two products, two biases, one tanh.",
        "x has a row for each element of the batch: x @ weight_ih.T + bias_ih.",
    ),
    "LSTMCell": (
        "The rows of the weights come in the order input, forget, candidate, output.",
        "c' = sigmoid(f) * c + sigmoid(i) * tanh(g).",
        "h' = sigmoid(o) * tanh(c'): the new c, and squashed.",
    ),
    "GRUCell": (
        "The rows of the weights come in the order reset, update, candidate.",
        "n = tanh(a_n + r * b_n): the reset gate multiplies the past's share after the product, its bias included.",
        "h' = (1 - z) * n + z * h: an update gate at 1 keeps the past.",
    ),
}


def cells(lab: Lab) -> Iterator[Check]:
    """Parameters, one step, many steps, gradients, precision and refusals of each cell."""
    for name in GATES:
        yield from _parameters(lab, name)
        yield from _values(lab, name)
        yield from _edges(lab, name)


def _case(name: str, steps: int, *, seed: int = 0, double: bool = False, bias: bool = True, scale: float = 1.0) -> Any:
    """Weights, input (T, B, I) and a state."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    kind = torch.float64 if double else torch.float32
    I, H, B = 3, 5, 4  # noqa: E741 - the letters of the docstrings

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=kind)

    rows = GATES[name] * H
    weights = {"weight_ih": draw(rows, I), "weight_hh": draw(rows, H)}
    weights |= {"bias_ih": draw(rows), "bias_hh": draw(rows)} if bias else {}
    return weights, scale * draw(steps, B, I), tuple(draw(B, H) for _ in range(_PARTS[name]))


def _parameters(lab: Lab, name: str) -> Iterator[Check]:
    from fiftytwo.weeks.w15_rnn import probes

    rows = GATES[name] * 5

    def named() -> Measurement:
        expected = {"bias_hh": (rows,), "bias_ih": (rows,), "weight_hh": (rows, 5), "weight_ih": (rows, 3)}
        got = dict(sorted(lab.solution.apply(probes.shapes, name, (3, 5)).items()))
        return Measurement(
            float(got == expected), got=str(got), expected=str(expected), call=f"{name}(3, 5).state_dict(), as shapes"
        )

    yield Check(
        f"{name}: names and shapes of the parameters",
        named,
        equals=True,
        why="With PyTorch's names and shapes, weights go from one to the other.",
        hint=("Assign nn.Parameter objects called weight_ih, weight_hh, bias_ih and bias_hh.",
              f"The weights have {GATES[name]} x H rows."),
    )  # fmt: skip

    def spread() -> float:
        found = lab.solution.apply(probes.drawn, name, (300, 400))
        return max(float(abs(weight).max()) for weight in found.values()) * 20.0

    yield Check(
        f"{name}: size of the first weights",
        spread,
        between=(0.5, 1.0001),
        unit="of 1/√H",
        why="Weights between -1/√H and 1/√H leave the gates where their slope is steep, whatever H is.",
        hint=("Draw from the uniform distribution between -1/√H and 1/√H.",),
    )


def _values(lab: Lab, name: str) -> Iterator[Check]:
    def compared(keys: tuple[str, ...], **options: Any) -> Measurement:
        from fiftytwo.weeks.w15_rnn import probes

        given = {key: options.pop(key) for key in ("steps", "stateless", "bound")}
        bias = options.get("bias", True)
        weights, x, state = _case(name, given["steps"], **options)
        state = None if given["stateless"] else state
        found = lab.solution.apply(probes.run, name, weights, x, state, bias)
        known = probes.run(probes.Oracle, name, weights, x, state, bias)
        inputs = {"x": x, **weights} | ({} if state is None else dict(zip("hc", state, strict=False)))

        def one(key: str) -> Measurement:
            what = "the states" if key == "states" else f"the {key.replace('grad ', 'gradient of ')}"
            call = f"{what}, {given['steps']} steps of {name}(3, 5{'' if bias else ', bias=False'}) with these weights"
            return difference(found.get(key), known[key], call=call, inputs=inputs)

        wanted = [key for key in known if key == "states"] if keys == ("states",) else [k for k in known if k in keys]
        return worst(map(one, wanted), given["bound"])

    plain: dict[str, Any] = {"stateless": False, "bound": CLOSE}
    states = ("states",)
    weights = ("grad weight_ih", "grad weight_hh", "grad bias_ih", "grad bias_hh")
    cases: tuple[tuple[str, tuple[str, ...], dict[str, Any], str], ...] = (
        ("one step", states, {"steps": 1}, "A cell is its equations; a step shows each of them."),
        ("one step from nothing", states, {"steps": 1, "stateless": True}, "A text begins without a past."),
        ("thirty steps", states, {"steps": 30}, "Small errors of a step would grow here."),
        ("gradients of the weights", weights, {"steps": 8}, "Training sees the cell through its gradients."),
        ("gradients of input and state", ("grad x", "grad h", "grad c"), {"steps": 8},
         "What flows back through the state is what reaches earlier times."),
        ("without biases", states, {"steps": 3, "bias": False}, "A normalised layer brings its own shift."),
        ("double precision", states, {"steps": 3, "double": True, "bound": EXACT},
         "Weights of another precision keep it: nothing inside falls back to single."),
        ("huge input", (*states, *weights), {"steps": 3, "scale": 1e4, "double": True, "bound": 1e-6},
         "Gates saturate; they do not overflow."),
    )  # fmt: skip
    for title, keys, options, why in cases:
        yield Check(
            f"{name}: {title}",
            lambda keys=keys, options=options: compared(keys, **{**plain, **options}),  # type: ignore[misc]
            at_most=options.get("bound", CLOSE),
            why=why,
            hint=_STEP[name],
        )


def _edges(lab: Lab, name: str) -> Iterator[Check]:
    import torch

    from fiftytwo.weeks.w15_rnn import probes

    def refused() -> Measurement:
        bad = torch.zeros(2, 6)
        states = (bad,) * _PARTS[name]
        state: Any = states if len(states) > 1 else states[0]
        calls: tuple[tuple[str, tuple[Any, ...], tuple[str, ...]], ...] = (
            (f"{name}(3, 5)(torch.zeros(2, 4))", (torch.zeros(2, 4),), ("(2, 4)", "[2, 4]", "2x4")),
            (f"{name}(3, 5)(torch.zeros(2, 3), <zeros of (2, 6)>)", (torch.zeros(2, 3), state),
             ("(2, 6)", "[2, 6]", "2x6")),
        )  # fmt: skip
        return first_unclear(
            refusal(lambda given=given: lab.solution.apply(probes.one_step, name, (3, 5), *given),  # type: ignore[misc]
                    call=call, mentions=mentions)
            for call, given, mentions in calls
        )  # fmt: skip

    yield Check(
        f"{name}: refuses other shapes",
        refused,
        equals=True,
        why="A message that shows the shape saves the search through ten layers.",
        hint=("Compare x.shape and the state's with (B, I) and (B, H); raise ValueError with the shape in its text.",),
    )
