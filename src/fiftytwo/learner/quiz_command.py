"""``fiftytwo quiz``: ask, judge, explain; in a pipe, print the questions and read answers from a file."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import click

from fiftytwo import plan, progress
from fiftytwo.console import fail, here
from fiftytwo.home import Home
from fiftytwo.learner import quiz
from fiftytwo.learner.quiz import Item, Marked

_WIDTH = 79
_ASKED = {
    "single": "one number",
    "multiple": "the numbers of all that hold, such as 1 3",
    "numeric": "a number",
    "code": "what it prints",
}


@click.command("quiz")
@click.argument("week", type=int, required=False)
@click.option("--due", is_flag=True, help="Only what is due for review.")
@click.option("--limit", type=click.IntRange(1), default=quiz.SITTING, show_default=True, help="Questions at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list of the questions, without answers; asks nothing.")
def command(week: int | None, due: bool, limit: int, as_json: bool) -> None:
    """Questions of the week, and those due for review.

    What you answer comes again when you are about to forget it: after days, then weeks, then months, and
    tomorrow when you missed it. Without WEEK: new questions of the weeks that you began, and what is due.
    In a pipe the questions are printed; answers, one a line, are read from standard input.

    \b
    Examples:
      fiftytwo quiz                what is new and what is due
      fiftytwo quiz 7              all questions of week 7
      fiftytwo quiz --due --limit 5
    """
    home = Home.find()
    now = datetime.now().astimezone()
    if week is not None and week not in plan.landed():
        fail(plan.unknown_week(week, plan.landed()))
    every = quiz.items(home, now)
    chosen = quiz.sitting(every, now, week=week, fresh=_begun(home), due_only=due, limit=limit)
    if as_json:
        click.echo(json.dumps([as_data(item) for item in chosen], ensure_ascii=False, indent=1))
        return
    if not chosen:
        click.echo(_nothing(every, now, due))
        return
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    marked = list(_ask(home, chosen, interactive))
    _closing(home, chosen, marked, interactive)


def _begun(home: Home) -> tuple[int, ...]:
    """Weeks whose new questions are asked: those that were started, or the first where none was."""
    started = progress.standing(home).started
    return started or tuple(list(plan.landed())[:1])


def as_data(item: Item) -> dict[str, Any]:
    """A question for programs, without its answer."""
    question = item.question
    return {
        "id": question.id,
        "week": item.week,
        "kind": question.kind,
        "prompt": question.prompt,
        "options": list(question.options),
        "code": question.code,
        "due": item.due.isoformat() if item.due else None,
        "answered": item.answered,
        "right": item.right,
    }


def _ask(home: Home, chosen: Sequence[Item], interactive: bool) -> Iterator[Marked]:
    for number, item in enumerate(chosen, 1):
        click.echo("\n".join(_question(number, len(chosen), item)))
        given = _prompted(item.question) if interactive else _piped(item.question)
        if given is None:
            if interactive:
                return
            click.echo("")
            continue
        marked = quiz.mark(home, item, given, datetime.now().astimezone())
        for line in _verdict(marked):
            click.echo(line)
        click.echo("")
        yield marked


def _question(number: int, total: int, item: Item) -> Iterator[str]:
    question = item.question
    yield click.style(f"{number}/{total}  week {item.week}  {question.id}", dim=True)
    yield from _wrapped(question.prompt)
    for line in question.code.strip("\n").splitlines():
        yield f"    {line}"
    for index, option in enumerate(question.options, 1):
        yield from _wrapped(option, first=f"  {index}. ", rest="     ")


def _prompted(question: plan.Question) -> quiz.Given | None:
    """An answer from the terminal; ``None`` ends the sitting. One key is enough where one option is asked for."""
    while True:
        click.echo(f"{_ASKED[question.kind]}, q to stop: ", nl=False)
        try:
            if question.kind == "single" and len(question.options) < 10:
                text = click.getchar(echo=False)
                click.echo(text if text.isprintable() else "")
            else:
                text = _typed(question)
        except EOFError:  # Ctrl-D
            click.echo("")
            return None
        if text.strip() in ("q", "Q"):
            return None
        try:
            return quiz.read_answer(question, text)
        except ValueError as error:
            click.echo(str(error))


def _typed(question: plan.Question) -> str:
    """A line, or as many lines as the code prints."""
    lines = 1 if question.kind != "code" else max(1, len(str(question.answer).strip().splitlines()))
    text = [input()]
    while len(text) < lines and text[0].strip() != "q":
        text.append(input())
    return "\n".join(text)


def _piped(question: plan.Question) -> quiz.Given | None:
    """An answer from standard input, one line; an empty line or the end leaves the question open."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    line = sys.stdin.readline()
    if not line.strip():
        return None
    text = line.rstrip("\n").replace("\\n", "\n") if question.kind == "code" else line
    try:
        return quiz.read_answer(question, text)
    except ValueError as error:
        click.echo(f"   not counted: {error}")
        return None


def _verdict(marked: Marked) -> Iterator[str]:
    question = marked.item.question
    word = click.style("Right.", fg="green") if marked.right else click.style("Not right.", fg="red")
    yield f"   {word} It comes again on {day(marked.due)}."
    if not marked.right:
        text = quiz.answer_text(question)
        yield from (
            _wrapped(text, first="   Answer: ", rest="           ")
            if "\n" not in text
            else (
                "   Answer:",
                *(f"     {line}" for line in text.splitlines()),
            )
        )
    yield from _wrapped(question.explanation, first="   ", rest="   ")


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _WIDTH, initial_indent=first, subsequent_indent=rest) or [first]


def day(when: date) -> str:
    """A day as people write it, such as ``"Mon 4 Jan 2027"``."""
    return f"{when:%a} {when.day} {when:%b} {when.year}"


def _nothing(every: Sequence[Item], now: datetime, due_only: bool) -> str:
    if not every:
        return "No landed week has a quiz yet."
    following = quiz.next_due(every, now)
    if following is None:
        return "Nothing is due: no question was answered yet. Begin: fiftytwo quiz 1"
    when, count = following
    said = f"Nothing is due today. Next: {count} question{'s' if count != 1 else ''} on {day(when)}."
    return said if due_only else f"{said} All of a week again: fiftytwo quiz 1"


def _closing(home: Home, chosen: Sequence[Item], marked: Sequence[Marked], interactive: bool) -> None:
    if marked:
        right = sum(one.right for one in marked)
        missed = [one.item.question.id for one in marked if not one.right]
        click.echo(f"{right} of {len(marked)} right." + (f" Missed: {', '.join(missed)}" if missed else ""))
        following = min(one.due for one in marked)
        click.echo(f"Kept in {here(home.root / 'events.jsonl')}; the first of them comes again on {day(following)}.")
    left = len(chosen) - len(marked)
    if left and not interactive:
        click.echo(f"{left} not answered. A terminal asks them one by one; a pipe sends an answer a line.")
