"""A week for tests: quick, complete, and able to misbehave on request through SAMPLE_MODE."""

import os
import time
from dataclasses import dataclass

import numpy as np

from fiftytwo import Check, Exercise, Week, difference, refusal
from mltoolkit.errors import CannotRead, MissingExtra

week = Week(
    1, "Scaling", "Tests", ("mean", "scale"), slug="sample", build="Scale.", assess="Check.",
    exercise=Exercise(
        "w01_sample.reference", ("Scaler",), seconds=3.0, peers={"Scaler": "w01_sample.reference:Scaler"}
    ),
    seconds=90.0, memory_bytes=2**30,
)  # fmt: skip
X = np.array([1.0, 2.0, 4.0, 9.0])


@dataclass(frozen=True)
class Built:
    scaled: np.ndarray


def build(lab):
    misbehave(os.environ.get("SAMPLE_MODE", ""))
    for _ in lab.progress(range(3), "scaling"):
        scaled = lab.solution.Scaler().fit(X).transform(X)
    lab.metric("largest", float(np.max(scaled)), "sd")
    lab.artifact("scaled.txt").write_text(str(scaled))
    lab.document("scaled.md.jinja", "Scaled")  # quotes a check, which a comparison of builds does not have
    return Built(scaled)


def misbehave(mode):
    if mode == "crash":
        os.abort()
    if mode == "raise":
        raise ValueError("the build broke\non two lines")
    if mode == "hang":
        time.sleep(600)
    if mode == "bomb":
        hoard = []
        while True:
            hoard.append(np.ones(4_000_000))
    if mode == "data":
        raise CannotRead("dataset 'moon' is not here; put it into FIFTYTWO_DATA/moon")
    if mode == "extra":
        raise MissingExtra("torch", "deep")
    if mode == "exit":
        os._exit(3)


def assess(lab, built):
    def scaler():
        return lab.solution.Scaler()

    def fitted(name, expected):
        call = f"Scaler().fit(X).{name}"
        return lambda: difference(getattr(scaler().fit(X), name), expected, call=call, inputs={"X": X})

    def scaled():
        expected = (X - X.mean()) / X.std(ddof=1)
        return difference(built.scaled, expected, call="Scaler().fit(X).transform(X)", inputs={"X": X})

    def refuses():
        return refusal(lambda: scaler().fit([np.nan]), call="Scaler().fit([nan])", mentions=("NaN",)).value == 1

    yield Check("mean", fitted("mean_", X.mean()), at_most=1e-12, why="It is subtracted.", hint=("sum", "divide"))
    yield Check("scale", fitted("scale_", X.std(ddof=1)), at_most=1e-12, why="The mean costs one.", hint=("count",))
    yield Check("scaled", scaled, at_most=1e-12, why="Both together.")
    yield Check("refuses NaN", refuses, equals=True, why="Bad input is told.")
    yield Check("four samples", lambda: len(X), equals=4, why="Says nothing about the learner.", exercise=False)
