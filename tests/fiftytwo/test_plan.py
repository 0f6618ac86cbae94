"""The plan: fifty-two weeks in words, and what has landed."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest

from fiftytwo import plan
from fiftytwo.plan import Exercise, Question, Week

FIELDS = {"number", "slug", "title", "phase", "targets", "build", "assess"}
PHASES = {
    "Maths, Python, data": range(1, 5),
    "Software engineering, first models": range(5, 9),
    "Unsupervised learning, experiments": range(9, 13),
    "Deep learning": range(13, 17),
    "Transformers": range(17, 21),
    "Fine-tuning, retrieval, safety": range(21, 25),
    "Reinforcement learning": range(25, 29),
    "Data and model operations": range(29, 37),
    "Agents": range(37, 45),
    "Capstone and leadership": range(45, 53),
}


def sentences(text: str) -> int:
    return len(re.findall(r"[.?!](?:\s|$)", text))


def rows() -> list[dict[str, object]]:
    with resources.files("fiftytwo").joinpath("year.toml").open("rb") as file:
        return tomllib.load(file)["week"]


def test_the_file_has_exactly_the_seven_fields() -> None:
    assert all(set(row) == FIELDS for row in rows())


def test_all_weeks_are_there_in_order() -> None:
    assert [week.number for week in plan.year()] == list(range(1, 53))


def test_each_week_belongs_to_the_phase_of_the_design() -> None:
    found = {phase: [w.number for w in plan.year() if w.phase == phase] for phase in {w.phase for w in plan.year()}}
    assert found == {phase: list(numbers) for phase, numbers in PHASES.items()}


@pytest.mark.parametrize("week", plan.year(), ids=lambda week: week.folder)
def test_the_words_of_a_week(week: Week) -> None:
    assert re.fullmatch(r"[a-z]+", week.slug)
    assert week.folder == f"w{week.number:02d}_{week.slug}"
    assert 8 <= len(week.title) <= 52, "the title has to fit the table of fiftytwo plan"
    assert not week.title.endswith(".")
    assert 3 <= len(week.targets) <= 5
    assert len(set(week.targets)) == len(week.targets)
    assert all(2 <= len(target) <= 48 and not target.endswith(".") for target in week.targets)
    for text in (week.build, week.assess):
        assert 1 <= sentences(text) <= 2
        assert text == text.strip()
        assert text[0].isupper()
        assert text.endswith(".")


def test_slugs_and_titles_are_unique() -> None:
    for attribute in ("slug", "title", "build", "assess"):
        values = [getattr(week, attribute) for week in plan.year()]
        assert len(set(values)) == 52, attribute


def test_a_planned_week_keeps_its_words_and_gains_an_exercise() -> None:
    exercise = Exercise("mltoolkit.linalg.pca", ("PCA",))
    week = Week.planned(1, exercise=exercise, extras=("deep",), seconds=10.0)
    assert (week.title, week.exercise, week.extras) == (plan.year()[0].title, exercise, ("deep",))
    assert week.seconds == 10.0


@pytest.mark.parametrize(
    ("module", "file"), [("mltoolkit.linalg.pca", "pca.py"), ("mltoolkit.stats._resample", "resample.py")]
)
def test_the_learners_file_is_named_after_the_module(module: str, file: str) -> None:
    assert Exercise(module, ("f",)).file == file


def test_landed_weeks_are_weeks_of_the_year() -> None:
    for number, module in plan.landed().items():
        assert module == f"fiftytwo.weeks.{plan.year()[number - 1].folder}.lab"


@pytest.mark.parametrize("number", list(plan.landed()))
def test_a_landed_week_keeps_the_words_of_the_year(number: int) -> None:
    landed = plan.load(number)
    planned = plan.year()[number - 1]
    assert landed.week.number == number
    assert (landed.week.title, landed.week.targets) == (planned.title, planned.targets)
    assert len(landed.mistakes) >= 4
    assert landed.path.name == planned.folder
    assert plan.questions(landed)


def test_a_week_that_has_not_landed_says_so() -> None:
    with pytest.raises(
        LookupError, match=r"week 52 \(The next twelve months\) is planned but has not landed; landed: 1$"
    ):
        plan.load(52, {1: "fiftytwo.weeks.w01_pca.lab"})
    with pytest.raises(LookupError, match="has not landed; landed: none"):
        plan.load(7, {})


@pytest.mark.parametrize("number", [0, 53, -1])
def test_a_week_outside_the_year_says_so(number: int) -> None:
    with pytest.raises(LookupError, match=f"there is no week {number}; the year has weeks 1 to 52"):
        plan.load(number)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"kind": "single", "answer": 2, "options": ("a", "b")}, "answer 2 names no option"),
        ({"kind": "multiple", "answer": (), "options": ("a", "b")}, "names no option"),
        ({"kind": "single", "answer": 0, "options": ("a",)}, "needs at least two options"),
        ({"kind": "numeric", "answer": "two"}, "answer 'two' is not a number"),
        ({"kind": "code", "answer": "1"}, "needs code and the text that it prints"),
        ({"kind": "numeric", "answer": 1.0, "explanation": " "}, "has no explanation"),
    ],
)
def test_a_faulty_question_is_refused(given: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        Question(**{"id": "q", "prompt": "?", "explanation": "because", **given})  # type: ignore[arg-type]
