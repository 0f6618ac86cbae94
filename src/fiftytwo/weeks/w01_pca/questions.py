"""The twelve questions: measured on planted faults, then asked of a real data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fiftytwo.evidence import Check
from fiftytwo.weeks.w01_pca.faults import clean_customers, planted
from mltoolkit.quality import eda_checklist

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


def twelve_questions(lab: Lab) -> Iterator[Check]:
    """The twelve questions: measured on planted faults, then asked of a real data set."""
    import pandas as pd

    clean = clean_customers(lab.rng)
    false_alarms = [item.name for item in eda_checklist(clean, target="churned") if not item.clear]
    rows = []
    for name, what, frame in planted(clean):
        items = {item.name: item for item in eda_checklist(frame, target="churned")}
        rows.append((name, what, not items[name].clear, items[name].detail))
    table = pd.DataFrame(rows, columns=["question", "fault that was planted", "found", "what the checklist said"])
    lab.table(
        table, "Planted faults", "One fault at a time in a clean table of customers, and what the checklist made of it."
    )
    data, target = (lab.data("titanic"), "Survived") if lab.full else (lab.data("wine"), "target")
    answers = eda_checklist(data.frame, target=target)
    shown = pd.DataFrame(
        [(i, a.name, "clear" if a.clear else "look", a.detail) for i, a in enumerate(answers, 1)],
        columns=["no.", "question", "answer", "computed from the data"],
    )
    lab.table(shown, "Checklist", f"Twelve questions, asked of {data.title}.")
    lab.metric("rows of the data set", len(data.frame))
    lab.metric("columns of the data set", data.frame.shape[1])
    lab.metric("questions answered clear", sum(answer.clear for answer in answers))
    lab.document("eda.md.jinja", "Exploratory data analysis: twelve questions", title=data.title, dataset=data.name,
    target=target,
                 open=[answer for answer in answers if not answer.clear])  # fmt: skip
    yield Check("planted faults found", float(table["found"].sum()), equals=12, exercise=False,
                why="A checklist is worth its twelve lines only if each can fail.")  # fmt: skip
    yield Check("false alarms on the clean table", float(len(false_alarms)), equals=0, exercise=False,
                why="A checklist that cries wolf is soon ignored.")  # fmt: skip
    yield Check("questions answered", float(len(answers)), equals=12, exercise=False,
                why="Every question is answered by computing it from the data.")  # fmt: skip
