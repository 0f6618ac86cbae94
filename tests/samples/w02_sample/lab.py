"""A week that needs the first one's artifact."""

import tomllib

from fiftytwo import Check, Exercise, Week

week = Week(2, "After scaling", "Tests", ("reading",), slug="sample", build="Read.", assess="Check.",
            exercise=Exercise("w02_sample.reference", ("double",), texts=("limits.toml",)),
            needs=(1,), seconds=90.0)  # fmt: skip


def build(lab):
    return lab.needs(1).artifact("scaled.txt").read_text()


def assess(lab, built):
    yield Check("was left", lambda: built.startswith("["), equals=True, why="Week 1 hands on.")
    yield Check("doubles", lambda: lab.solution.double(2), equals=4, why="Its own exercise.")
    yield Check("on whose code", lambda: lab.solution.Scaler().fit([1.0, 3.0]).mean_, equals=2.0, why="Parts.")
    yield Check("limits", lambda: tomllib.loads(lab.solution.text("limits.toml"))["largest"], equals=21, why="A text.")
