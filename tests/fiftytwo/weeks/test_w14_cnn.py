"""Week 14's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import json
import re

import numpy as np
import pytest

pytest.importorskip("torch")
import torch  # noqa: E402

from fiftytwo import documents, judge, plan  # noqa: E402
from fiftytwo.lab import Lab  # noqa: E402
from fiftytwo.learner.stub import derive  # noqa: E402
from fiftytwo.learner.workbench import Bench  # noqa: E402
from fiftytwo.solution import Solution  # noqa: E402
from fiftytwo.weeks.w14_cnn import augmenting, experiments, shapes  # noqa: E402
from fiftytwo.weeks.w14_cnn.mistakes import mistakes  # noqa: E402
from mltoolkit.deep import cnn  # noqa: E402

WEEK = plan.load(14)
NAMES = WEEK.week.exercise.names


def lab_of(folder, replaced=None, profile="quick"):
    return Lab(WEEK.week, folder, Solution(WEEK.week, replaced=replaced), profile=profile)


def judged(lab, *, exercise_only=True, until_wrong=False):
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    found = {}
    for one in judge.assess(WEEK, lab, built, exercise_only=exercise_only):
        found[one.verdict.name] = one
        if until_wrong and one.verdict.outcome == "wrong":
            break
    return found
