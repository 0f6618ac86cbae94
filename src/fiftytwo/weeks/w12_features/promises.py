"""What a model promises on the rows it was trained on, and what it keeps, by how its categories were encoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from fiftytwo.weeks.w12_features.credit import Subject, subjects
from fiftytwo.weeks.w12_features.probes import steps
from mltoolkit.metrics import roc_auc

if TYPE_CHECKING:
    from fiftytwo.lab import Lab

WAYS = ("left out", "encoded by their own rows", "cross-fitted", "hashed")


def promised(lab: Lab) -> Mapping[str, Mapping[str, tuple[float, float]]]:
    """Table -> way -> ROC-AUC on training rows and on new rows."""
    return {
        subject.name: {way: _areas(lab, subject, way) for way in WAYS}
        for subject in lab.progress(subjects(lab), "promises")
    }


def _areas(lab: Lab, subject: Subject, way: str) -> tuple[float, float]:
    train, new = lab.solution.apply(
        _features, _plan(subject, way), way == "encoded by their own rows", subject.train, subject.train_y, subject.test
    )
    model = LogisticRegression(C=1.0, max_iter=2_000).fit(train, subject.train_y)
    return (
        roc_auc(subject.train_y, model.predict_proba(train)[:, 1]),
        roc_auc(subject.test_y, model.predict_proba(new)[:, 1]),
    )


def _plan(subject: Subject, way: str) -> list[tuple[str, str, Mapping[str, Any], list[str]]]:
    folds = KFold(5, shuffle=True, random_state=0)
    plan: list[tuple[str, str, Mapping[str, Any], list[str]]] = [
        ("scale", "RobustScaler", {"fill": 0.0}, subject.numbers),
        ("few", "TargetEncoder", {"cv": folds}, subject.few),
    ]
    if way == "hashed":
        plan.append(("many", "HashingEncoder", {"n_features": 64}, subject.many))
    elif way != "left out":
        plan.append(("many", "TargetEncoder", {"cv": folds, "smooth": 2.0}, subject.many))
    return plan


def _features(
    solution: Any, plan: Any, naive: bool, train: Any, y: Any, new: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features of training rows and of new ones; the naive way encodes the former by themselves."""
    pipeline = solution.FeaturePipeline(steps(solution, plan))
    fitted = pipeline.fit_transform(train, y)
    if naive:
        fitted = pipeline.transform(train)
    # An amount a hundred times the usual one is worth no more than one ten times as large.
    return np.clip(np.asarray(fitted, float), -10, 10), np.clip(np.asarray(pipeline.transform(new), float), -10, 10)
