"""The quiz: every landed week's questions hold, answers are judged fairly, and reviews come when they should."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fiftytwo import plan
from fiftytwo.cli import cli
from fiftytwo.home import Home
from fiftytwo.learner import quiz
from fiftytwo.plan import Question

MONDAY = datetime(2027, 1, 4, 20, tzinfo=UTC)
QUIZ = """
[[question]]
id = "one"
kind = "single"
prompt = "Which divisor has the sample variance?"
options = ["n", "n - 1"]
answer = 1
explanation = "The mean was estimated from the same data."

[[question]]
id = "some"
kind = "multiple"
prompt = "Which are even?"
options = ["1", "2", "3", "4"]
answer = [1, 3]
explanation = "Two divides them."

[[question]]
id = "number"
kind = "numeric"
prompt = "What is a third?"
answer = 0.3333
tolerance = 0.001
explanation = "One by three."

[[question]]
id = "code"
kind = "code"
prompt = "What does it print?"
code = '''
for i in range(2):
    print(i)
'''
answer = "0\\n1"
explanation = "Ranges start at 0."
"""


@pytest.fixture
def landed(tmp_path, monkeypatch):
    """Two weeks that have nothing but a quiz each."""
    for name, text in {"w01_q": QUIZ, "w02_q": QUIZ.replace('id = "', 'id = "w02-')}.items():
        folder = tmp_path / "weeks" / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / "lab.py").write_text("raise AssertionError('the quiz imports no week')")
        (folder / "quiz.toml").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path / "weeks"))
    catalogue = {1: "w01_q.lab", 2: "w02_q.lab"}
    monkeypatch.setattr(plan, "landed", lambda: catalogue)
    yield catalogue
    for name in ("w01_q", "w02_q"):
        sys.modules.pop(name, None)


def ask(*words, answers=""):
    return CliRunner().invoke(cli, ["quiz", *words], input=answers)


@pytest.mark.parametrize("number", plan.landed())
def test_every_landed_week_has_a_quiz_that_holds(number, capsys):
    questions = quiz.week_questions(number)
    assert len(questions) >= 8
    assert {question.kind for question in questions} == {"single", "multiple", "numeric", "code"}
    for question in questions:
        assert len(question.explanation.split()) >= 5, question.id
        assert question.prompt.strip(), question.id
        if question.kind == "code":
            exec(compile(question.code, question.id, "exec"), {})
            assert capsys.readouterr().out.strip() == str(question.answer).strip(), question.id
        if question.kind == "numeric":
            assert quiz.is_right(question, question.answer)
            assert question.tolerance >= 0


def test_no_two_questions_share_a_name():
    names = [question.id for number in plan.landed() for question in quiz.week_questions(number)]
    assert len(names) == len(set(names))


def test_a_question_without_an_explanation_is_refused():
    with pytest.raises(ValueError, match="has no explanation"):
        Question("q", "numeric", "?", 1, " ")


NUMERIC = Question("n", "numeric", "?", 0.25, "because of it", tolerance=0.01)
SINGLE = Question("s", "single", "?", 1, "because of it", options=("a", "b", "c"))
MULTIPLE = Question("m", "multiple", "?", (0, 2), "because of it", options=("a", "b", "c"))
CODE = Question("c", "code", "?", "[1, 2]\n3", "because of it", code="print()")


@pytest.mark.parametrize(
    ("question", "text", "right"),
    [
        (NUMERIC, "0.25", True),
        (NUMERIC, " 1/4\n", True),
        (NUMERIC, "25%", True),
        (NUMERIC, "0.26", True),
        (NUMERIC, "2.6e-1", True),
        (NUMERIC, "0.2601", False),
        (NUMERIC, "−0.25", False),
        (SINGLE, "2", True),
        (SINGLE, "b", True),
        (SINGLE, "B", True),
        (SINGLE, "1", False),
        (MULTIPLE, "1 3", True),
        (MULTIPLE, "3,1", True),
        (MULTIPLE, "13", True),
        (MULTIPLE, "ac", True),
        (MULTIPLE, "1 3 3", True),
        (MULTIPLE, "1", False),
        (MULTIPLE, "1 2 3", False),
        (CODE, "[1, 2]\n3", True),
        (CODE, "[1, 2] \r\n3\n", True),
        (CODE, "[1,2]\n3", False),
    ],
)
def test_answers_are_read_and_judged(question, text, right):
    assert quiz.is_right(question, quiz.read_answer(question, text)) is right


@pytest.mark.parametrize(
    ("question", "text", "message"),
    [
        (NUMERIC, "many", "expected a number, such as 0.25, 1/4 or 25%, got 'many'"),
        (NUMERIC, "1/0", "expected a number"),
        (NUMERIC, "inf", "expected a finite number"),
        (NUMERIC, "", "expected a number"),
        (SINGLE, "4", "expected numbers from 1 to 3, got '4'"),
        (SINGLE, "1 2", "expected one number from 1 to 3"),
        (SINGLE, "²", "expected numbers"),
        (MULTIPLE, "", "expected the numbers of all that hold"),
        (MULTIPLE, "0", "expected numbers from 1 to 3"),
    ],
)
def test_what_is_no_answer_is_told_and_not_counted(question, text, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        quiz.read_answer(question, text)


@given(st.text(max_size=20))
def test_any_text_is_an_answer_or_refused_in_one_line(text):
    for question in (NUMERIC, SINGLE, MULTIPLE, CODE):
        try:
            given = quiz.read_answer(question, text)
        except ValueError as error:
            message = str(error)
            assert "expected" in message
        else:
            assert quiz.is_right(question, given) in (True, False)


def answer(home, catalogue, name, right, now):
    (item,) = [item for item in quiz.items(home, now, catalogue) if item.question.id == name]
    given = item.question.answer if right else 0
    return quiz.mark(home, item, given, now)


def test_what_is_known_comes_later_each_time_and_what_was_missed_tomorrow(home, landed):
    now, gaps = MONDAY, []
    for _ in range(5):
        due = answer(home, landed, "one", True, now).due
        gaps.append((due - now.date()).days)
        now = datetime.combine(due, now.timetz())
    assert gaps == sorted(gaps)
    assert gaps[0] >= 1
    assert gaps[-1] > 20
    missed = answer(home, landed, "one", False, now)
    assert not missed.right
    assert (missed.due - now.date()).days == 1


def test_the_same_answers_give_the_same_dates(tmp_path, landed):
    def year(root):
        home = Home(root)
        for day, right in enumerate([True, False, True, True]):
            answer(home, landed, "some", right, MONDAY + timedelta(days=4 * day))
        return [(item.question.id, item.due, item.answered, item.right) for item in quiz.items(home, MONDAY, landed)]

    assert year(tmp_path / "a") == year(tmp_path / "b")
    assert ("some", date(2027, 1, 16) + timedelta(days=1), 4, 3) <= year(tmp_path / "c")[1]


def test_a_day_is_the_learners_own(home, landed):
    from zoneinfo import ZoneInfo

    late = datetime(2027, 1, 4, 23, 30, tzinfo=ZoneInfo("America/Los_Angeles"))
    due = answer(home, landed, "one", False, late).due
    assert due == date(2027, 1, 5)
    items = quiz.items(home, late + timedelta(hours=1), landed)
    assert quiz.is_due(items[0], late + timedelta(hours=1))
    assert not quiz.is_due(items[0], late)


def test_a_sitting_takes_the_weeks_questions_and_what_is_due(home, landed):
    answer(home, landed, "w02-one", False, MONDAY - timedelta(days=3))
    answer(home, landed, "w02-some", False, MONDAY - timedelta(days=5))
    answer(home, landed, "one", True, MONDAY)
    every = quiz.items(home, MONDAY, landed)

    def names(**options):
        return [item.question.id for item in quiz.sitting(every, MONDAY, **options)]

    assert names(week=1) == ["one", "some", "number", "code", "w02-some", "w02-one"]
    assert names(fresh=(1,)) == ["some", "number", "code", "w02-some", "w02-one"]
    assert names(due_only=True) == ["w02-some", "w02-one"]
    assert names(due_only=True, week=1) == []
    assert names(week=1, limit=2) == ["one", "some"]
    assert names() == ["w02-some", "w02-one"]
    assert quiz.next_due(every, MONDAY)[1] == 1


def test_a_log_that_was_edited_or_merged_is_read_as_far_as_it_goes(home, landed):
    for facts in ({"question": 3, "right": True}, {"question": "one"}, {"question": "one", "right": "yes"}):
        home.log("quiz", 1, **facts)
    home.log("quiz", 1, time="yesterday", question="one", right=True)
    home.log("quiz", 1, time=MONDAY.isoformat(), question="one", right=True)
    home.log("quiz", 1, time=(MONDAY - timedelta(days=9)).isoformat(), question="one", right=False)
    home.log("quiz", 1, time=MONDAY.isoformat(), question="gone since", right=False)
    (item, *_) = quiz.items(home, MONDAY, landed)
    assert (item.answered, item.right) == (2, 1)


def test_in_a_pipe_questions_are_printed_and_lines_are_answers(home, landed):
    shown = ask("1", answers="2\n1 3\n\nnonsense\n")
    assert shown.exit_code == 0, shown.output
    for part in (
        "1/4  week 1  one\nWhich divisor has the sample variance?\n  1. n\n  2. n - 1\n   Right. It comes again on ",
        "   Not right. It comes again on ",
        "   Answer: 2. 2; 4. 4\n   Two divides them.\n",
        "    for i in range(2):\n        print(i)\n",
        "   Answer:\n     0\n     1\n   Ranges start at 0.",
        "1 of 3 right. Missed: some, code",
        "1 not answered. A terminal",
    ):
        assert part in shown.output, (part, shown.output)
    assert [event.facts["question"] for event in home.events("quiz")] == ["one", "some", "code"]


def test_without_answers_nothing_is_kept_or_given_away(home, landed):
    shown = ask()
    assert "4 not answered" in shown.output
    assert "Two divides them." not in shown.output
    assert not home.root.exists()
    rows = json.loads(ask("--json", "--limit", "2").stdout)
    assert [row["id"] for row in rows] == ["one", "some"]
    assert "answer" not in rows[0]


def test_when_nothing_is_due_the_next_day_is_named(home, landed):
    assert ask("--due").output == "Nothing is due: no question was answered yet. Begin: fiftytwo quiz 1\n"
    ask("1", answers="1\n")
    shown = ask("--due").output
    assert shown.startswith("Nothing is due today. Next: 1 question on ")


def test_a_week_that_is_not_there_is_one_line(landed):
    shown = ask("51")
    assert shown.exit_code == 2
    assert "week 51" in shown.stderr
    assert shown.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_one_key_answers_and_q_stops(home, tmp_path):
    script = "from fiftytwo.cli import main\nmain()\n"
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script, "quiz", "1"], stdin=slave, stdout=slave, stderr=slave,
        env={**os.environ, "TERM": "dumb"},
    )  # fmt: skip
    os.close(slave)
    said = b""

    def seen(text, seconds):
        """Whether the text comes up in time; what is behind it stays for the next look."""
        nonlocal said
        deadline = time.monotonic() + seconds
        while text not in said:
            if not select.select([master], [], [], max(deadline - time.monotonic(), 0.0))[0]:
                return False
            said += os.read(master, 4096)
        said = said.partition(text)[2]
        return True

    def press(keys, answer):
        """A key that is pressed before the terminal listens for single keys is lost, so it is pressed again."""
        for _ in range(30):
            os.write(master, keys)
            if seen(answer, 2.0):
                return
        pytest.fail(f"{keys!r} is not heard: {said.decode()}")

    first = quiz.week_questions(1)[0]
    assert first.kind == "single"
    assert seen(b"q to stop: ", 60.0), said
    press(str(int(first.answer) + 1).encode(), b"Right.")
    assert seen(b"2/9", 60.0), said
    assert seen(b"q to stop: ", 60.0), said
    press(b"q\n", b"1 of 1 right.")
    assert process.wait(60) == 0
    os.close(master)
    assert [event.facts["right"] for event in home.events("quiz")] == [True]
