"""Checks of the layers against PyTorch's, on shapes that a careless index would get wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import difference, first_unclear, refusal, worst
from fiftytwo.weeks.w14_cnn.probes import gradients, seconds

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

EXACT = 1e-9  # double precision, sums of a few hundred numbers of size 1
SINGLE = 1e-4  # the same in single precision


@dataclass(frozen=True)
class Case:
    """A call: shapes of input and filters, and the options."""

    x: tuple[int, ...]
    weight: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def tensors(self, *, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
        """Input, filters and bias."""
        draws = torch.Generator().manual_seed(sum(self.x) * 31 + sum(self.weight))
        shapes = (self.x, self.weight, self.weight[:1])
        x, weight, bias = (torch.randn(shape, generator=draws, dtype=dtype) for shape in shapes)
        return x, weight, bias

    @property
    def call(self) -> str:
        """The call as text, without its tensors."""
        return "".join(f", {name}={value}" for name, value in self.options.items())


_PLAIN = [Case((1, 1, 4, 4), (1, 1, 2, 2)), Case((2, 3, 5, 7), (4, 3, 3, 2)), Case((3, 2, 6, 6), (5, 2, 1, 1)),
          Case((2, 3, 4, 5), (2, 3, 4, 5))]  # fmt: skip
_STRIDES = [Case((2, 2, 7, 8), (3, 2, 3, 3), {"stride": 2}), Case((1, 2, 9, 8), (2, 2, 2, 3), {"stride": (3, 2)}),
            Case((1, 1, 5, 5), (1, 1, 1, 1), {"stride": 3})]  # fmt: skip
_PADDINGS = [Case((2, 2, 4, 5), (3, 2, 3, 3), {"padding": 1}), Case((1, 2, 5, 4), (2, 2, 3, 2), {"padding": (2, 0)}),
             Case((2, 1, 6, 7), (2, 1, 3, 3), {"stride": (2, 1), "padding": (0, 1)}),
             Case((1, 1, 1, 1), (1, 1, 3, 3), {"padding": 1})]  # fmt: skip
_DILATIONS = [Case((2, 2, 7, 8), (3, 2, 3, 2), {"dilation": 2}),
              Case((1, 2, 9, 9), (2, 2, 2, 3), {"dilation": (3, 2), "stride": 2, "padding": 1})]  # fmt: skip
_GROUPS = [Case((2, 4, 5, 5), (6, 2, 3, 3), {"groups": 2}),
           Case((1, 3, 5, 4), (6, 1, 2, 2), {"groups": 3, "padding": 1})]  # fmt: skip
_POOLS = [Case((2, 3, 6, 6), (), {"kernel_size": 2}), Case((1, 2, 7, 5), (), {"kernel_size": 3}),
          Case((1, 2, 6, 8), (), {"kernel_size": (2, 3)})]  # fmt: skip
_POOL_STRIDES = [Case((2, 2, 7, 8), (), {"kernel_size": 3, "stride": 2}),
                 Case((1, 1, 6, 6), (), {"kernel_size": 2, "stride": 1}),
                 Case((1, 2, 8, 9), (), {"kernel_size": (2, 3), "stride": (1, 2)})]  # fmt: skip
_POOL_PADDINGS = [Case((2, 2, 6, 7), (), {"kernel_size": 3, "stride": 2, "padding": 1}),
                  Case((1, 1, 5, 5), (), {"kernel_size": (2, 4), "padding": (1, 2)}),
                  Case((1, 2, 4, 4), (), {"kernel_size": 2, "stride": 2, "padding": (0, 1)})]  # fmt: skip


def layers(lab: Lab) -> Iterator[Check]:
    """Convolution, then pooling: values, gradients, arrays, bad input."""
    yield from _convolution(lab)
    yield from _kinds_of_input(lab)
    yield from _pooling(lab)
    yield from _refusals(lab)


def _convolved(lab: Lab, cases: list[Case], *, bias: bool = False) -> Callable[[], Measurement]:
    def one(case: Case) -> Measurement:
        x, weight, offset = case.tensors()
        inputs = {"x": x, "weight": weight} | ({"bias": offset} if bias else {})
        got = lab.solution.conv2d(*inputs.values(), **case.options)
        expected = F.conv2d(x, weight, offset if bias else None, **case.options)
        return difference(got, expected, call=f"conv2d({', '.join(inputs)}{case.call})", inputs=inputs)

    return lambda: worst(map(one, cases), EXACT)


def _convolution(lab: Lab) -> Iterator[Check]:
    def by_hand() -> Measurement:
        x = torch.tensor([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [4.0, 0.0, 1.0]]]], dtype=torch.float64)
        weight = torch.tensor([[[[1.0, 0.0], [2.0, -1.0]]]], dtype=torch.float64)
        expected = torch.tensor([[[[0.0, 1.0], [8.0, 0.0]]]], dtype=torch.float64)
        return difference(lab.solution.conv2d(x, weight), expected, call="conv2d(x, weight)",
                          inputs={"x": x, "weight": weight})  # fmt: skip

    yield Check(
        "one filter, by hand",
        by_hand,
        at_most=EXACT,
        why="Each output is the sum of products of the filter with the window under it, the filter not turned round.",
        hint=("Lay the filter on the top left corner: multiply, add up.",
              "Windows: for each place (i, j) in the filter the slice x[:, :, i : i + H', j : j + W'].",
              "Stack the kh · kw slices, flatten channels and places, and multiply by weight.reshape(O, -1)."),
    )  # fmt: skip
    for name, cases, why, hint in (
        ("convolution equals PyTorch's", _PLAIN, "Channels are added up, pictures and filters are kept apart.",
         "Columns are (B, C · kh · kw, H' · W'), in the order of weight.reshape(O, -1): channel first, then row."),
        ("strides", _STRIDES, "A stride leaves out windows, so layers grow smaller without pooling.",
         "H' = (H - kh) // stride + 1, and the slices end at i + stride · (H' - 1) + 1 with step stride."),
        ("padding", _PADDINGS, "Zeros around the picture let a filter see its edge, and keep its size.",
         "torch.nn.functional.pad takes the last dimension first: (left, right, top, bottom)."),
        ("dilation", _DILATIONS, "A filter with gaps sees more of the picture at the same cost.",
         "Place (i, j) of the filter begins at (i · dilation, j · dilation); a window is dilation · (k - 1) + 1 wide."),
        ("groups", _GROUPS, "Filters that see a part of the channels, down to one each, make small networks.",
         "Reshape filters to (groups, O / groups, ...) and columns to (B, groups, C / groups · kh · kw, ...)."),
    ):  # fmt: skip
        yield Check(name, _convolved(lab, cases), at_most=EXACT, why=why,
                    hint=("The message names the first shape that differs.", hint))  # fmt: skip
    yield Check(
        "bias",
        _convolved(lab, [_PLAIN[1], _PADDINGS[2], _GROUPS[0]], bias=True),
        at_most=EXACT,
        why="One number a filter, added wherever it looked.",
        hint=("Give it the shape (O, 1, 1) so that it broadcasts over rows and columns.",),
    )

    def learns() -> Measurement:
        def one(case: Case) -> Iterator[Measurement]:
            given = case.tensors()
            shape = F.conv2d(*given, **case.options).shape
            weights = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
            found = lab.solution.apply(gradients, "conv2d", given, dict(case.options), weights)
            known = gradients(F, "conv2d", given, dict(case.options), weights)
            for name, got, expected in zip(("x", "weight", "bias"), found, known, strict=True):
                yield difference(got, expected, inputs=dict(zip(("x", "weight", "bias"), given, strict=True)),
                                 call=f"gradient of conv2d(x, weight, bias{case.call}) for {name}")  # fmt: skip

        return worst((m for case in (_PLAIN[1], _PADDINGS[2], _DILATIONS[1], _GROUPS[1]) for m in one(case)), EXACT)

    yield Check(
        "gradients of a convolution",
        learns,
        at_most=EXACT,
        why="A layer that cannot tell its filters what to change learns nothing.",
        hint=("Stay with tensors from input to output: .numpy() or .data on the way cuts the gradient off.",
              "Slices, stack, reshape and @ are all differentiable."),
    )  # fmt: skip


def _kinds_of_input(lab: Lab) -> Iterator[Check]:
    def single() -> Measurement:
        x, weight, bias = Case((2, 6, 9, 8), (4, 6, 3, 3)).tensors(dtype=torch.float32)
        trials = {
            "x": (x, weight, bias),
            "x in channels_last": (x.contiguous(memory_format=torch.channels_last), weight, bias),
            "x.transpose(2, 3)": (x.transpose(2, 3), weight, bias),
            "no picture": (x[:0], weight, bias),
        }
        return worst(
            (
                difference(lab.solution.conv2d(*given, padding=1), F.conv2d(*given, padding=1),
                           call=f"conv2d({name}, weight, bias, padding=1) in single precision")
                for name, given in trials.items()
            ),
            SINGLE,
        )  # fmt: skip

    yield Check(
        "any layout of memory",
        single,
        at_most=SINGLE,
        why="What a tensor holds does not depend on the order in which it lies in memory.",
        hint=("Use reshape where view complains.", "An empty batch gives an empty result of the right shape."),
    )

    def arrays() -> Measurement:
        x, weight, bias = (tensor.numpy() for tensor in Case((2, 2, 5, 6), (3, 2, 2, 3)).tensors())
        x.setflags(write=False)
        kept = weight.copy()
        expected = F.conv2d(torch.from_numpy(x.copy()), torch.from_numpy(weight), torch.from_numpy(bias)).numpy()
        found = lab.solution.conv2d(x, weight, bias)
        pooled = F.max_pool2d(torch.from_numpy(x.copy()), 2).numpy()
        return worst(
            (
                difference(found, expected, call="conv2d(x, weight, bias) of arrays, x read-only"),
                difference(lab.solution.max_pool2d(x, 2), pooled, call="max_pool2d(x, 2) of a read-only array"),
                difference(weight, kept, call="weight after conv2d(x, weight, bias)"),
            ),
            EXACT,
        )

    yield Check(
        "arrays in, arrays out",
        arrays,
        at_most=EXACT,
        why="Whoever calls with NumPy wants NumPy back.",
        hint=("torch.tensor(x) copies, also read-only memory.", "Return .numpy() when x was an array."),
    )

    def quick() -> float:
        x, weight, _ = Case((16, 8, 32, 32), (16, 8, 3, 3)).tensors(dtype=torch.float32)
        ours, theirs = lab.solution.apply(seconds, x, weight)
        return float(ours / theirs)

    yield Check(
        "time of a convolution over PyTorch's",
        quick,
        at_most=200.0,
        unit="times",
        why="One product of matrices runs at the machine's speed; a loop over pixels is thousands of times slower.",
        hint=("Loop over the kh · kw places of the filter, never over pixels, pictures or filters.",),
    )  # fmt: skip


def _pooling(lab: Lab) -> Iterator[Check]:
    def pooled(cases: list[Case], shift: float = 0.0) -> Callable[[], Measurement]:
        def one(case: Case) -> Measurement:
            x = Case(case.x, (1,)).tensors()[0] + shift
            return difference(lab.solution.max_pool2d(x, **case.options), F.max_pool2d(x, **case.options),
                              call=f"max_pool2d(x{case.call})", inputs={"x": x})  # fmt: skip

        return lambda: worst(map(one, cases), EXACT)

    yield Check(
        "pooling equals PyTorch's",
        pooled(_POOLS),
        at_most=EXACT,
        why="The strongest answer of a window is what the next layer gets to see.",
        hint=("The stride is kernel_size when none is given.", "Rows that fill no whole window are left out.",
              "The windows of conv2d serve again: take the largest over the places."),
    )  # fmt: skip
    yield Check(
        "strides of pooling",
        pooled(_POOL_STRIDES),
        at_most=EXACT,
        why="Windows may overlap, and both directions may have their own step.",
        hint=("stride and kernel_size are independent numbers or pairs.",),
    )
    yield Check(
        "padding of pooling",
        pooled(_POOL_PADDINGS, shift=-4.0),
        at_most=EXACT,
        why="The border must never win: with zeros it beats every negative picture.",
        hint=("Pad with minus infinity.",),
    )

    def not_a_number() -> Measurement:
        x = torch.zeros(1, 1, 2, 4, dtype=torch.float64)
        x[0, 0, 1, 1] = float("nan")
        expected = torch.tensor([[[[float("nan"), 0.0]]]], dtype=torch.float64)
        return difference(lab.solution.max_pool2d(x, 2), expected, call="max_pool2d(x with NaN, 2)", inputs={"x": x})

    yield Check(
        "NaN is not swept away",
        not_a_number,
        at_most=EXACT,
        why="A fault that pooling hides is found layers later.",
        hint=("torch.max and amax pass NaN on; comparisons of your own do not.",),
    )

    def learns() -> Measurement:
        def one(case: Case) -> Measurement:
            x = Case(case.x, (1,)).tensors()[0]
            shape = F.max_pool2d(x, **case.options).shape
            weights = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
            found = lab.solution.apply(gradients, "max_pool2d", [x], dict(case.options), weights)
            known = gradients(F, "max_pool2d", [x], dict(case.options), weights)
            return difference(found[0], known[0], call=f"gradient of max_pool2d(x{case.call})",
                              inputs={"x": x, "weights": weights})  # fmt: skip

        return worst(map(one, (_POOLS[0], _POOL_STRIDES[0], _POOL_PADDINGS[0])), EXACT)

    yield Check(
        "gradient of pooling",
        learns,
        at_most=EXACT,
        why="Only the pixel that won its window is told to change; where windows overlap, wins add up.",
        hint=("Keep to tensors; amax and max over the stacked windows are differentiable.",),
    )


def _refusals(lab: Lab) -> Iterator[Check]:
    x, weight = torch.zeros(1, 2, 5, 5), torch.zeros(3, 2, 3, 3)

    def conv(*tensors: Tensor, **options: Any) -> Any:
        return lab.solution.conv2d(*tensors, **options)

    def pool(*given: Any, **options: Any) -> Any:
        return lab.solution.max_pool2d(*given, **options)

    trials: list[tuple[str, Callable[[], Any], tuple[str, ...]]] = [
        ("conv2d(x of 3 dimensions, weight)", lambda: conv(x[0], weight), ("shape", "dimension")),
        ("conv2d(x of whole numbers, weight)", lambda: conv(x.long(), weight.long()), ("float", "int64")),
        ("conv2d(x, weight of another dtype)", lambda: conv(x, weight.double()), ("dtype", "float64")),
        ("conv2d(x of 2 channels, weight for 3)", lambda: conv(x, torch.zeros(3, 3, 3, 3)), ("channel",)),
        ("conv2d(x, weight, bias of 2 for 3 filters)", lambda: conv(x, weight, torch.zeros(2)), ("bias",)),
        ("conv2d(x of 5 × 5, weight of 7 × 7)", lambda: conv(x, torch.zeros(3, 2, 7, 7)), ("fit", "window", "kernel",
                                                                                           "large")),
        ("conv2d(x, weight, stride=0)", lambda: conv(x, weight, stride=0), ("stride",)),
        ("conv2d(x, weight, padding=-1)", lambda: conv(x, weight, padding=-1), ("padding",)),
        ("conv2d(x, weight, dilation=0)", lambda: conv(x, weight, dilation=0), ("dilation",)),
        ("conv2d(x, weight, groups=2)", lambda: conv(x, weight, groups=2), ("group",)),
        ("max_pool2d(x, 2, padding=2)", lambda: pool(x, 2, padding=2), ("padding",)),
        ("max_pool2d(x, 0)", lambda: pool(x, 0), ("kernel",)),
        ("max_pool2d(x, 6)", lambda: pool(x, 6), ("fit", "window", "kernel", "large")),
        ("conv2d(x, weight, stride=0, padding=-1)", lambda: conv(x, weight, stride=0, padding=-1), ("stride",)),
        ("conv2d(x, weight, stride=0, padding=-1)", lambda: conv(x, weight, stride=0, padding=-1), ("padding",)),
    ]  # fmt: skip
    yield Check(
        "layers refuse what does not fit",
        lambda: first_unclear(refusal(action, call=call, mentions=words) for call, action, words in trials),
        equals=True,
        why="A shape that is broadcast by chance trains for hours before anybody wonders.",
        hint=("A ValueError whose text names the argument.", "Collect all faults first, then raise once."),
    )
