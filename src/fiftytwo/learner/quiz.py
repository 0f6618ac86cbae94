"""The quiz: which questions are asked today, whether an answer is right, and when each comes again.

Every answer is an event in the home's log. When a question is due follows from its answers alone, which
are replayed through the scheduler of the library ``fsrs`` (Free Spaced Repetition Scheduler, version 6)
with its random fuzz off: the same answers at the same moments always give the same dates. Its steps of
minutes give way to one of a day, since a sitting is a matter of days: what is missed today comes tomorrow.
"""

from __future__ import annotations

import importlib.util
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fiftytwo import plan
from fiftytwo.home import Home

if TYPE_CHECKING:
    from fsrs import Card, Scheduler

KIND = "quiz"  # of the events
SITTING = 20  # questions at a time, unless the learner says otherwise
_LONGEST_DAYS = 182  # within a year that has an end, nothing is put off for longer than half of it

Given = int | float | str | tuple[int, ...]


@dataclass(frozen=True)
class Item:
    """A question with its week and what is known of it: ``due`` is ``None`` until it was answered once."""

    week: int
    question: plan.Question
    due: date | None = None
    answered: int = 0
    right: int = 0


@dataclass(frozen=True)
class Marked:
    """An answer, judged and kept."""

    item: Item
    given: Given
    right: bool
    due: date  # when the question comes again


@dataclass(frozen=True)
class Memory:
    """What the reviews so far amount to, for one question."""

    card: Card
    answered: int
    right: int


def week_questions(number: int, catalogue: Mapping[int, str] | None = None) -> tuple[plan.Question, ...]:
    """A landed week's questions, read without importing its code; none where it has no quiz yet.

    Raises
    ------
    LookupError
        When the week has not landed.
    ValueError
        When the quiz is not what :class:`~fiftytwo.plan.Question` takes.
    """
    modules = plan.landed() if catalogue is None else catalogue
    if number not in modules:
        raise LookupError(plan.unknown_week(number, modules))
    spec = importlib.util.find_spec(modules[number])
    if spec is None or spec.origin is None:
        return ()
    return _read(Path(spec.origin).with_name("quiz.toml"))


@cache
def _read(file: Path) -> tuple[plan.Question, ...]:
    from pydantic import TypeAdapter

    try:
        rows = tomllib.loads(file.read_text("utf-8"))["question"]
    except FileNotFoundError:
        return ()
    return TypeAdapter(tuple[plan.Question, ...]).validate_python(rows)


def items(home: Home, now: datetime, catalogue: Mapping[int, str] | None = None) -> list[Item]:
    """Every question of every landed week, in the order of the year, with what is known of each.

    Parameters
    ----------
    home : Home
        Its log holds the answers.
    now : datetime
        With a time zone: due dates are the learner's own days.
    catalogue : mapping of int to str, optional
        Landed weeks; :func:`fiftytwo.plan.landed` unless a test says otherwise.
    """
    known = memories(home)
    found = []
    for number in plan.landed() if catalogue is None else catalogue:
        for question in week_questions(number, catalogue):
            memory = known.get(question.id)
            if memory is None:
                found.append(Item(number, question))
            else:
                due = memory.card.due.astimezone(now.tzinfo).date()
                found.append(Item(number, question, due, memory.answered, memory.right))
    return found


def is_due(item: Item, now: datetime) -> bool:
    """Whether an answered question comes again today; what was due yesterday still is."""
    return item.due is not None and item.due <= now.date()


def sitting(
    every: Sequence[Item],
    now: datetime,
    *,
    week: int | None = None,
    fresh: Sequence[int] = (),
    due_only: bool = False,
    limit: int = SITTING,
) -> list[Item]:
    """The questions to ask now: the week's first, then what is due over all weeks, longest overdue first.

    Parameters
    ----------
    every : sequence of Item
        From :func:`items`.
    now : datetime
        The moment of the sitting.
    week : int, optional
        Ask all of this week's questions, known or not.
    fresh : sequence of int
        Without ``week``: weeks whose questions are asked as far as they were never answered.
    due_only : bool, default False
        Nothing but what is due, of ``week`` alone where one is named.
    limit : int, default 20
        At most so many.
    """
    due = sorted((item for item in every if is_due(item, now)), key=lambda item: (item.due or date.max, item.week))
    if due_only:
        return [item for item in due if week is None or item.week == week][:limit]
    if week is not None:
        first = [item for item in every if item.week == week]
    else:
        first = [item for item in every if item.week in fresh and item.due is None]
    return (first + [item for item in due if item not in first])[:limit]


def next_due(every: Sequence[Item], now: datetime) -> tuple[date, int] | None:
    """The next day after today on which questions are due, and how many; ``None`` when none ever is."""
    later = [item.due for item in every if item.due is not None and item.due > now.date()]
    return (min(later), later.count(min(later))) if later else None


def read_answer(question: plan.Question, text: str) -> Given:
    """What a learner typed, as an answer of the question's kind.

    Options are named by their number from 1 or by their letter; several as ``1 3``, ``1,3`` or ``ac``. A number may
    be a decimal, a fraction such as ``3/4`` or a percentage.

    Raises
    ------
    ValueError
        When the text is no answer of that kind; the message says what is expected.
    """
    words = text.strip()
    if question.kind == "code":
        return text.strip("\r\n")
    if question.kind == "numeric":
        return _number(words)
    chosen = tuple(sorted({_option(word, question) for word in _split(words, len(question.options))}))
    if question.kind == "single":
        if len(chosen) != 1:
            raise ValueError(f"expected one number from 1 to {len(question.options)}, got {words!r}")
        return chosen[0]
    if not chosen:
        raise ValueError(f"expected the numbers of all that hold, from 1 to {len(question.options)}, such as: 1 3")
    return chosen


def _split(words: str, options: int) -> list[str]:
    parts = [part for part in re.split(r"[\s,;]+", words) if part]
    if len(parts) == 1 and len(parts[0]) > 1 and options < 10:  # 13 is 1 and 3 where there are no thirteen
        return list(parts[0])
    return parts


def _option(word: str, question: plan.Question) -> int:
    index = int(word) - 1 if word.isdecimal() else ord(word.lower()) - ord("a") if len(word) == 1 else -1
    if not 0 <= index < len(question.options):
        raise ValueError(f"expected numbers from 1 to {len(question.options)}, got {word!r}")
    return index


def _number(words: str) -> float:
    text = words.replace("−", "-").replace(" ", "")
    try:
        if text.endswith("%"):
            return float(text[:-1]) / 100
        over, slash, under = text.partition("/")
        value = float(over) / float(under) if slash else float(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"expected a number, such as 0.25, 1/4 or 25%, got {words!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {words!r}")
    return value


def is_right(question: plan.Question, given: Given) -> bool:
    """Whether an answer is right: a number within the tolerance, a text line for line, all options that hold."""
    answer = question.answer
    if question.kind == "numeric":
        assert isinstance(given, int | float)
        assert isinstance(answer, int | float)
        # One part in a billion for what decimals lose on the way into a double.
        return abs(given - answer) <= question.tolerance + 1e-9 * max(1.0, abs(answer))
    if question.kind == "code":
        return _lines(str(given)) == _lines(str(answer))
    if question.kind == "multiple":
        wanted = answer if isinstance(answer, tuple) else (answer,)
        return isinstance(given, tuple) and set(given) == set(wanted)
    return given == answer


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def answer_text(question: plan.Question) -> str:
    """The right answer in words."""
    answer = question.answer
    if question.kind in ("single", "multiple"):
        chosen = answer if isinstance(answer, tuple) else (answer,)
        return "; ".join(f"{int(i) + 1}. {question.options[int(i)]}" for i in chosen)
    if question.kind == "numeric":
        margin = f" (± {question.tolerance:g})" if question.tolerance else ""
        return f"{answer:.10g}{margin}"
    return str(answer)


def mark(home: Home, item: Item, given: Given, now: datetime) -> Marked:
    """Judge an answer, keep it as an event, and say when the question comes again."""
    from fsrs import Rating

    right = is_right(item.question, given)
    known = memories(home).get(item.question.id)
    card = known.card if known else _fresh(item.question.id)
    moment = now.astimezone(UTC)
    card, _ = _scheduler().review_card(card, Rating.Good if right else Rating.Again, moment)
    due = card.due.astimezone(now.tzinfo).date()
    facts = {"question": item.question.id, "right": right, "due": due.isoformat()}
    home.log(KIND, item.week, time=moment.isoformat(), **facts)
    return Marked(item, given, right, due)


def memories(home: Home) -> dict[str, Memory]:
    """Question id -> what its answers so far amount to, replayed from the log."""
    from fsrs import Rating

    scheduler = _scheduler()
    known: dict[str, Memory] = {}
    for event in home.events(KIND):
        name, right = event.facts.get("question"), event.facts.get("right")
        try:
            moment = datetime.fromisoformat(event.time).astimezone(UTC)
        except ValueError:  # a line edited by hand
            continue
        if not isinstance(name, str) or not isinstance(right, bool):
            continue
        old = known.get(name)
        card = old.card if old else _fresh(name)
        if card.last_review is not None and moment < card.last_review:
            moment = card.last_review  # two machines whose clocks disagree, merged
        card, _ = scheduler.review_card(card, Rating.Good if right else Rating.Again, moment)
        known[name] = Memory(card, (old.answered if old else 0) + 1, (old.right if old else 0) + right)
    return known


def _fresh(name: str) -> Card:
    from fsrs import Card

    return Card(card_id=sum(name.encode()))  # an id of its own would cost a millisecond and the clock


@cache
def _scheduler() -> Scheduler:
    from fsrs import Scheduler

    day = (timedelta(days=1),)
    return Scheduler(enable_fuzzing=False, learning_steps=day, relearning_steps=day, maximum_interval=_LONGEST_DAYS)
