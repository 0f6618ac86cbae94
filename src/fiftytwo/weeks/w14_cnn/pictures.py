"""The pictures of a run, cut into those to learn from, to stop by and to judge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiftytwo.weeks.w14_cnn.shapes import KINDS, draw

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True)
class Pictures:
    """Pictures of shape (n, 32, 32, 3), values 0 to 255, and their classes, by part."""

    name: str
    classes: tuple[str, ...]
    parts: Mapping[str, Part]  # "training", "validation", "test"

    @property
    def moments(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel of the training part."""
        pixels = self.parts["training"][0].reshape(-1, 3)
        return pixels.mean(axis=0).tolist(), pixels.std(axis=0).tolist()


def pictures(lab: Lab) -> Pictures:
    """Drawn shapes in the quick profile; in full the CIFAR-10 subset, a tenth of its training part held back."""
    if not lab.full:
        sizes = {"training": 200, "validation": 200, "test": 600}
        images, labels = draw(lab.rng, sum(sizes.values()))
        return Pictures("drawn shapes", tuple(KINDS), _cut(images, labels, np.arange(len(labels)), sizes))
    data = lab.data("cifar10-subset")
    images, labels = np.asarray(data.images), np.asarray(data.target, dtype=np.int64)
    order = np.concatenate([lab.rng.permutation(data.train), np.arange(data.train, len(labels))])
    held = data.train // 10
    sizes = {"training": data.train - held, "validation": held, "test": len(labels) - data.train}
    return Pictures("CIFAR-10 subset", data.target_names, _cut(images, labels, order, sizes))


def _cut(
    images: NDArray[np.uint8], labels: NDArray[np.int64], order: NDArray[np.int64], sizes: Mapping[str, int]
) -> dict[str, Part]:
    ends = np.cumsum(list(sizes.values()))
    rows = {part: order[end - size : end] for (part, size), end in zip(sizes.items(), ends, strict=True)}
    return {part: (np.ascontiguousarray(images[at]), labels[at]) for part, at in rows.items()}
