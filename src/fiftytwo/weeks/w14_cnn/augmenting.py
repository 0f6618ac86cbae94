"""Checks of the augmentations: what may come out, how often, and what must stay as it was.

Nothing here depends on the order in which an implementation draws, only on what the draws must do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from fiftytwo.evidence import Check, Measurement
from fiftytwo.measure import first_unclear, refusal
from fiftytwo.weeks.w14_cnn.probes import augmented, manners

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

_MANY = 3000  # pictures for a frequency
_HEIGHT, _WIDTH = 7, 6


def augmenting(lab: Lab) -> Iterator[Check]:
    """Crops, flips and holes; then manners and bad input."""
    yield from _crops(lab)
    yield from _flips(lab)
    yield from _holes(lab)
    yield from _manners(lab)


def numbered(count: int, channels: int = 2) -> Tensor:
    """Pictures of which each pixel has a number of its own, above 0, the same in every picture."""
    one = torch.arange(1.0, channels * _HEIGHT * _WIDTH + 1.0).reshape(1, channels, _HEIGHT, _WIDTH)
    return one.repeat(count, 1, 1, 1)


def _result(lab: Lab, name: str, images: Tensor, options: dict[str, Any], seed: int = 0) -> tuple[Tensor, str]:
    """What came out, and the fault of type or shape, if any."""
    found = lab.solution.apply(augmented, name, images, options, seed)
    if not isinstance(found, Tensor) or found.shape != images.shape or found.dtype != images.dtype:
        kind = f"{found.dtype} of shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        return images, f"expected {images.dtype} of shape {tuple(images.shape)}, got {kind}"
    return found, ""


def offsets(found: Tensor, images: Tensor, padding: int) -> Tensor:
    """Row and column of each crop in the padded picture, shape (B, 2); -1 where it is no crop of it."""
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    places = torch.full((len(images), 2), -1)
    for row in range(2 * padding + 1):
        for column in range(2 * padding + 1):
            window = padded[:, :, row : row + images.shape[2], column : column + images.shape[3]]
            same = (window == found).flatten(1).all(1)
            places[same] = torch.tensor([row, column])
    return places


def _crops(lab: Lab) -> Iterator[Check]:
    def places(count: int, padding: int) -> tuple[Tensor, Measurement | None]:
        images = numbered(count)
        found, fault = _result(lab, "random_crop", images, {"padding": padding})
        call = f"random_crop(images, {padding}, generator=g)"
        bad = Measurement(float("nan"), gate=fault, call=call) if fault else None
        return offsets(found, images, padding), bad

    def are_crops() -> Measurement:
        at, bad = places(300, 3)
        share = float((at[:, 0] >= 0).double().mean())
        return bad or Measurement(share, call="share of random_crop(images, 3, generator=g) that are crops", got=share,
                                  inputs={"images": numbered(2)})  # fmt: skip

    yield Check(
        "a crop is a window of the padded picture",
        are_crops,
        equals=1.0,
        why="What moves out at one side is lost, and zeros come in at the other; nothing wraps round.",
        hint=("Pad all pictures at once, then take rows top + 0 .. top + H - 1 and the columns alike.",
              "padded[b, c, rows, columns] with index arrays that broadcast to (B, C, H, W) does them all."),
    )  # fmt: skip

    def apart() -> Measurement:
        at, bad = places(300, 2)
        number = len({(int(row), int(column)) for row, column in at})
        return bad or Measurement(number, call="places in a batch of 300, random_crop(images, 2, generator=g)",
                                  got=number)  # fmt: skip

    yield Check(
        "each picture has a place of its own",
        apart,
        between=(24, 25),
        unit="places",
        why="One draw for the whole batch shows the network as many places as there are batches, not pictures.",
        hint=("Draw B rows and B columns, not one.", "There are (2 · padding + 1)² places."),
    )

    def uniform() -> Measurement:
        at, bad = places(_MANY, 1)
        counts = np.bincount((3 * at[:, 0] + at[:, 1]).clamp(min=0).numpy(), minlength=9)
        expected = _MANY / 9.0
        return bad or Measurement(float(np.sum((counts - expected) ** 2) / expected), got=counts,
                                  call="counts of the nine places, random_crop(images, 1, generator=g)")  # fmt: skip

    yield Check(
        "places are equally frequent",
        uniform,
        at_most=40.0,
        unit="chi²",
        why="With eight degrees of freedom more than 40 comes up by chance three times in a million.",
        hint=("Rows and columns are uniform on 0 .. 2 · padding, both ends included.",),
    )


def _flips(lab: Lab) -> Iterator[Check]:
    def turned(count: int, p: float) -> tuple[Tensor, Tensor, str]:
        images = numbered(count)
        found, fault = _result(lab, "random_flip", images, {"p": p})
        same, mirrored = ((found == other).flatten(1).all(1) for other in (images, images.flip(3)))
        return same, mirrored, fault

    def are_mirrored() -> Measurement:
        same, mirrored, fault = turned(200, 0.5)
        share = float((same | mirrored).double().mean())
        return Measurement(float("nan") if fault else share, gate=fault, got=share,
                           call="share of random_flip(images, generator=g) that are pictures or their mirror images",
                           inputs={"images": numbered(2)})  # fmt: skip

    yield Check(
        "a flip goes left to right",
        are_mirrored,
        equals=1.0,
        why="A car may drive the other way; it does not stand on its head.",
        hint=("images.flip(3) turns the columns round.", "torch.where(turned[:, None, None, None], ..., images)"),
    )

    def share(p: float) -> Callable[[], Measurement]:
        def measure() -> Measurement:
            _, mirrored, fault = turned(_MANY, p)
            found = float(mirrored.double().mean())
            return Measurement(float("nan") if fault else found, gate=fault, got=found,
                               call=f"share turned by random_flip(images, {p}, generator=g)")  # fmt: skip

        return measure

    for p, spread in ((0.25, 0.04), (0.5, 0.05)):
        yield Check(
            f"a share of {p:g} is turned",
            share(p),
            equals=p,
            tolerance=spread,
            why="Each picture has its own draw: five standard errors leave no room for luck.",
            hint=("torch.rand(B, generator=generator) < p", "One draw for the batch turns all or none."),
        )

    def ends() -> Measurement:
        found = [float(turned(50, p)[1].double().mean()) for p in (0.0, 1.0)]
        return Measurement(float(found == [0.0, 1.0]), call="shares turned by p = 0 and by p = 1", got=str(found),
                           expected="[0.0, 1.0]")  # fmt: skip

    yield Check(
        "never and always",
        ends,
        equals=True,
        why="With 0 and 1 an augmentation can be switched off and tested.",
        hint=("rand is at least 0 and less than 1, so compare with <.",),
    )


def holes(found: Tensor, images: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Whether each picture has one blank square (cut off at the edge, perhaps) and nothing else, and its area."""
    blank = (found == 0).all(1)
    clean = torch.where((found == 0).any(1, keepdim=True), 0.0, images)
    right = (clean == found).flatten(1).all(1)
    rows, columns = blank.any(2), blank.any(1)
    right &= (blank == rows[:, :, None] & columns[:, None, :]).flatten(1).all(1)
    for side in (rows, columns):
        length, places = side.shape[1], side.sum(1)
        starts = side[:, 0].long() + (side[:, 1:] & ~side[:, :-1]).sum(1)
        touches, together = side[:, 0] | side[:, -1], starts <= 1
        whole = places == min(size, length)
        # At an edge at least about half of the square is inside, since its centre is a pixel of the picture.
        cut = touches & (places >= size // 2) & (places <= min(size, length))
        right &= together & (whole | cut)
    return right, blank.flatten(1).sum(1)


def _mean_area(size: int) -> float:
    """Pixels that a square hides on average, with its centre on any pixel."""
    sides = []
    for length in (_HEIGHT, _WIDTH):
        first = np.arange(length) - size // 2
        sides.append(np.mean(np.minimum(first + size, length) - np.maximum(first, 0)))
    return float(np.prod(sides))


def _holes(lab: Lab) -> Iterator[Check]:
    def are_squares() -> Measurement:
        for size in (3, 4, 1):
            images = numbered(200)
            found, fault = _result(lab, "cutout", images, {"size": size})
            right, _ = holes(found, images, size)
            share, call = (
                float(right.double().mean()),
                f"share of cutout(images, {size}, generator=g) with one blank square",
            )
            if fault or share < 1.0:
                return Measurement(float("nan") if fault else share, gate=fault, got=share, call=call,
                                   inputs={"images": numbered(2)})  # fmt: skip
        return Measurement(1.0)

    yield Check(
        "a hole is a square, through all channels",
        are_squares,
        equals=1.0,
        why="The network must find the class without what was there, in any colour.",
        hint=("Rows from centre - size // 2 on, size of them; columns alike; what lies outside is lost.",
              "(B, H, 1) & (B, 1, W) is the mask; images.masked_fill(mask[:, None], 0) the result."),
    )  # fmt: skip

    def apart() -> Measurement:
        images = numbered(300)
        found, fault = _result(lab, "cutout", images, {"size": 1})
        blank = (found == 0).any(1).flatten(1)
        number = int((blank.any(0)).sum())
        return Measurement(float("nan") if fault else number, gate=fault, got=number,
                           call="different places in a batch of 300, cutout(images, 1, generator=g)")  # fmt: skip

    yield Check(
        "each picture has a hole of its own",
        apart,
        between=(40, 42),
        unit="places",
        why="One square for the batch hides the same corner of every picture.",
        hint=("Draw B centres.", "The centre may be any of the H · W pixels."),
    )

    def area() -> Measurement:
        images = numbered(_MANY)
        found, fault = _result(lab, "cutout", images, {"size": 4})
        mean = float(holes(found, images, 4)[1].double().mean())
        known = _mean_area(4)
        return Measurement(float("nan") if fault else mean / known, gate=fault, got=mean, expected=known,
                           call="mean area of cutout(images, 4, generator=g), in pixels")  # fmt: skip

    yield Check(
        "holes reach over the edge",
        area,
        between=(0.95, 1.05),
        unit="of the expected area",
        why="If squares had to lie inside, the border of a picture would be hidden less often than its middle.",
        hint=("Draw the centre, not the corner, from all pixels of the picture.",),
    )


def _manners(lab: Lab) -> Iterator[Check]:
    images = numbered(64)
    trials: list[tuple[str, dict[str, Any]]] = [("random_crop", {"padding": 2}), ("random_flip", {"p": 0.5}),
                                                ("cutout", {"size": 3})]  # fmt: skip

    def behaves() -> Measurement:
        for name, options in trials:
            fault = str(lab.solution.apply(manners, name, images, options))
            if fault:
                return Measurement(0.0, call=f"{name}(images, generator=g)", got=fault, expected="none of these")
        return Measurement(1.0)

    yield Check(
        "draws come from the generator alone",
        behaves,
        equals=True,
        why="A run that cannot be repeated cannot be debugged.",
        hint=("Every torch.rand and torch.randint takes generator=generator.", "Work on new tensors."),
    )

    def nothing() -> Measurement:
        for name, options in (("random_crop", {"padding": 0}), ("cutout", {"size": 0})):
            for given in (images, images[:0]):
                found, fault = _result(lab, name, given, options)
                if fault or not torch.equal(found, given):
                    call = f"{name}({len(given)} images, {next(iter(options.values()))}, generator=g)"
                    return Measurement(0.0, call=call, got=fault or "other pictures", expected="the same pictures")
        return Measurement(1.0)

    yield Check(
        "an augmentation of size 0 changes nothing",
        nothing,
        equals=True,
        why="Then one setting switches it off, and an ablation needs no second code path.",
        hint=("Nothing needs a case of its own, neither size 0 nor an empty batch.",),
    )

    def defaults() -> Measurement:
        many = numbered(600)
        crops = offsets(_result(lab, "random_crop", many, {})[0], many, 4)
        turned = _result(lab, "random_flip", many, {})[0] != many
        squares = _result(lab, "cutout", torch.ones(600, 1, 20, 20), {})[0] == 0
        got = [
            int(crops.min()),
            int(crops.max()),
            round(2.0 * float(turned.flatten(1).any(1).double().mean())) / 2.0,
            int(squares.any(3).flatten(1).sum(1).max()),
        ]
        expected = [0, 8, 0.5, 8]
        call = "first and last place of crops, share of flips, rows of the largest hole, by default"
        return Measurement(float(got == expected), call=call, got=str(got), expected=str(expected))

    yield Check(
        "defaults of the augmentations",
        defaults,
        equals=True,
        why="Who writes random_crop(images) relies on what the page says: 4 pixels, one half, 8 pixels.",
        hint=("Keep the signatures of the starter.",),
    )

    def refused() -> Measurement:
        one = images[0]
        cases = [
            ("random_crop(one image, 2)", "random_crop", one, {"padding": 2}, ("shape", "dimension", "batch")),
            ("random_crop(images, -1)", "random_crop", images, {"padding": -1}, ("padding",)),
            ("random_crop(images, 1.5)", "random_crop", images, {"padding": 1.5}, ("padding",)),
            ("cutout(images, 2.5)", "cutout", images, {"size": 2.5}, ("size",)),
            ("random_flip(images, None)", "random_flip", images, {"p": None}, ("p=", "p ", "probab")),
            ("random_flip(images, 1.5)", "random_flip", images, {"p": 1.5}, ("p=", "p ", "probab")),
            ("random_flip(one image)", "random_flip", one, {"p": 0.5}, ("shape", "dimension", "batch")),
            ("cutout(images, -2)", "cutout", images, {"size": -2}, ("size",)),
            ("cutout(one image, 2)", "cutout", one, {"size": 2}, ("shape", "dimension", "batch")),
        ]  # fmt: skip
        return first_unclear(
            refusal(lambda name=name, given=given, o=o: lab.solution.apply(augmented, name, given, o),  # type: ignore[misc]
                    call=call, mentions=words)
            for call, name, given, o, words in cases
        )  # fmt: skip

    yield Check(
        "augmentations refuse what cannot be",
        refused,
        equals=True,
        why="A picture without its batch would be cut across its channels.",
        hint=("A ValueError that names the parameter, or the shape that was expected.",),
    )
