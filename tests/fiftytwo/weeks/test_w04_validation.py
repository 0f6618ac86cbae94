"""Week 4's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fiftytwo import judge, plan
from fiftytwo.documents import render, typed_numbers
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive, derive_text, is_text_starter
from fiftytwo.learner.workbench import Bench
from fiftytwo.weeks.w04_validation import repairs, suites
from fiftytwo.weeks.w04_validation.mistakes import mistakes
from fiftytwo.weeks.w04_validation.orders import KINDS, ROWS, clean_orders, customers, planted
from fiftytwo.weeks.w04_validation.suites import run_command, score, side_by_side
from mltoolkit.errors import CannotRead
from mltoolkit.quality import Finding, check, load_rules
from mltoolkit.stats import information

WEEK = plan.load(4)
NAMES = WEEK.week.exercise.names
RULES = (WEEK.path / "rules.toml").read_text("utf-8")


def solution_of(replaced=None):
    """The reference with some names, or its rules, replaced."""
    replaced = dict(replaced or {})
    solution = SimpleNamespace(**{name: replaced.get(name, getattr(information, name)) for name in NAMES})
    solution.text = lambda name: replaced.get(name, RULES)
    solution.apply = lambda function, *args: function(solution, *args)
    return solution


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Judge any solution as week 4's: all checks, or the learner's."""

    def of(solution, *, exercise_only=True):
        lab = Lab(WEEK.week, tmp_path_factory.mktemp("run"), solution, draw=not exercise_only)
        built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
        if exercise_only:
            return {j.verdict.name: j for j in judge.assess(WEEK, lab, built, exercise_only=True)}, lab
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = {j.verdict.name: j for j in judge.assess(WEEK, lab, WEEK.build(lab), exercise_only=False)}
        return found, lab

    return of


@pytest.fixture(scope="module")
def reference(judged):
    return judged(solution_of(), exercise_only=False)


def test_the_reference_passes_every_check(reference):
    found, lab = reference
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 50
    assert {figure.name for figure in lab.ledger.figures} == {"Which column has moved", "What tells what"}
    assert set(lab.ledger.artifacts) == {"orders.csv", "customers.csv", "rules.toml", "orders_mended.csv"}


def test_the_bug_report_is_made_of_evidence(reference):
    found, lab = reference
    (template, title, facts), = lab.pending_documents  # fmt: skip
    text = render(
        WEEK.path / template,
        metrics=lab.ledger.metrics,
        tables=lab.ledger.tables,
        verdicts=[j.verdict for j in found.values()],
        data=lab.ledger.data,
        facts=facts,
    )
    assert typed_numbers(WEEK.path / template) == []
    assert title == "Bug report: orders.csv"
    for issue in repairs.ORDERS:
        assert issue.title in text
        assert issue.cause in text
    assert "ends with exit status 1 and 15 findings" in text
    assert "| rows that break the rule | 5 | 0 |" in text
    assert "nan" not in text.lower().replace("finance", "")


def test_the_starter_fails_every_check(judged):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 4), "information.py", "exec"), scope)
    starter = solution_of({name: scope[name] for name in NAMES})

    def text(name):
        raise NotImplementedError(f"week 4: write {name}")

    starter.text = text
    found, _ = judged(starter)
    assert {j.verdict.outcome for j in found.values()} == {"not attempted"}


def test_the_starter_of_the_rules_is_the_contract():
    starter = derive_text(RULES)
    assert is_text_starter(starter)
    assert [f"{i:>2}." in starter for i in range(1, 16)] == [True] * 15
    assert len(load_rules(RULES)) == 15


@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    assert_caught_and_named(WEEK, mistake, lambda solution: Lab(WEEK.week, tmp_path, solution_of(solution), draw=False))


def test_rules_with_a_fault_are_reported_by_line(judged):
    found, _ = judged(solution_of({"rules.toml": '[[rule]]\nrule = "column_values_to_be_uniq"\ncolumn = "order_id"\n'}))
    verdict = found["rules.toml can be read"].verdict
    assert verdict.outcome == "crashed"
    assert "rules.toml" in verdict.message
    assert "line 2: rule: there is no rule 'column_values_to_be_uniq'" in verdict.message
    assert "/" not in verdict.message
    assert verdict.frame == ""


@pytest.fixture
def folder(tmp_path):
    customers().to_csv(tmp_path / "customers.csv", index=False)
    (tmp_path / "rules.toml").write_text(RULES, "utf-8")
    return tmp_path


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_fault_alone_breaks_one_rule_and_is_named_in_full(folder, seed):
    rng = np.random.default_rng(seed)
    clean = clean_orders(rng)
    path = folder / "orders.csv"
    clean.to_csv(path, index=False)
    assert check(path, rules=folder / "rules.toml") == ()
    for kind in KINDS:
        messy = planted(clean, rng, [kind])
        messy.frame.to_csv(path, index=False)
        findings = check(path, rules=folder / "rules.toml")
        assert [len(findings), score(findings, messy).recall, score(findings, messy).precision] == [1, 1.0, 1.0], kind


def test_what_is_planted_is_what_differs():
    rng = np.random.default_rng(3)
    clean = clean_orders(rng)
    assert len(clean) == ROWS
    messy = planted(clean, rng)
    assert {fault.kind for fault in messy.faults} == set(KINDS)
    assert len(KINDS) >= 10
    differs = messy.frame.iloc[: len(messy.original)] != messy.original
    for fault in messy.faults:
        if fault.lines and fault.kind != "sent twice":
            rows = [line - 2 for line in fault.lines]
            assert differs.index[differs[fault.columns[-1]]].tolist() == rows
    assert not set(differs.columns[differs.any()]) - {fault.columns[-1] for fault in messy.faults if fault.columns}


def test_a_false_alarm_costs_precision_and_a_miss_recall(folder):
    rng = np.random.default_rng(5)
    messy = planted(clean_orders(rng), rng, ["missing value", "rows lost"])
    lines = messy.faults[1].lines
    right = Finding("column_values_to_not_be_null", "email", "error", 5, 0.01, "", lines)
    table = Finding("table_row_count_to_be_between", None, "error", 339, 1.0, "")
    assert score([right, table], messy) == suites.Score(found=6, planted=6, right=6, named=6)
    assert score([right], messy).recall == 5 / 6
    wrong = Finding("column_values_to_be_in_set", "status", "error", 30, 0.1, "", (2, 3, 4, 5, 6))
    assert score([right, table, wrong], messy).precision == 6 / 36
    partly = Finding("column_values_to_not_be_null", "email", "error", 4, 0.01, "", (*lines[:3], 1))
    assert score([partly], messy) == suites.Score(found=3, planted=6, right=3, named=4)
    assert score([], messy).precision == 1.0


def test_the_command_says_why_it_cannot_use_the_rules(folder):
    clean_orders(np.random.default_rng(0)).to_csv(folder / "orders.csv", index=False)
    with pytest.raises(CannotRead, match=r"there is no such rules file"):
        run_command(folder, "orders.csv", "nowhere.toml")


def test_a_disagreement_of_the_engines_is_seen(folder):
    rng = np.random.default_rng(1)
    messy = planted(clean_orders(rng), rng)
    messy.frame.to_csv(folder / "orders.csv", index=False)
    rows, left_out = side_by_side(folder / "orders.csv", load_rules(folder / "rules.toml"))
    assert (len(rows), left_out) == (15, 0)
    assert all(row.agree for row in rows)
    by_row = rows[0]
    for other in (
        suites.Second(True),
        suites.Second(False, by_row.theirs.count + 1, by_row.theirs.lines),
        suites.Second(False, by_row.theirs.count, by_row.theirs.lines[1:]),
        suites.Second(False, by_row.theirs.count, by_row.theirs.lines, fault="it raised"),
    ):
        assert not suites.Beside(by_row.ours, other).agree
    divergence = rows[-1]
    assert not suites.Beside(divergence.ours, suites.Second(False, observed=divergence.theirs.observed + 1e-3)).agree
    mixed = '[[rule]]\nrule = "column_values_to_be_between"\ncolumn = "quantity"\nmin_value = 1\n'
    (row,), _ = side_by_side(folder / "orders.csv", load_rules(mixed))
    assert row.theirs.fault


def test_a_repair_that_strays_is_seen():
    frame = pd.DataFrame({"a": ["1", "x", "3"], "b": ["p", "q", "r"]}, dtype=str)
    original = frame.assign(a=["1", "2", "3"])
    good = repairs.Repair(
        "x", "A letter", ("column_values_to_match_regex", "a"), ("a",), "", ("rows", ""), len, "", "",
        where=repairs.regex_mask("a", "x"), change=lambda rows: rows.assign(a="2"),
    )  # fmt: skip
    done = repairs.apply(good, frame, original)
    assert (done.lines, done.changed, done.dropped, done.strays, done.restored) == ((3,), 1, 0, 0, 1)
    careless = repairs.Repair(**{**vars(good), "change": lambda rows: rows.assign(a="7", b="z")})
    done = repairs.apply(careless, frame, original)
    assert (done.changed, done.strays, done.restored) == (2, 1, 0)
    before = [Finding("column_values_to_match_regex", "a", "error", 1, 0.3, "", (3,))]
    other = Finding("column_values_to_match_regex", "b", "error", 1, 0.3, "", (3,))
    assert repairs.unaccounted(good, done, before, []) == 0
    assert repairs.unaccounted(good, done, [Finding("r", "a", "error", 2, 0.3, "", (2, 3))], []) > 0
    assert repairs.unaccounted(good, done, [], []) > 0
    assert repairs.changes_elsewhere([*before, other], [other], [good]) == 0
    assert repairs.changes_elsewhere(before, [other], [good]) == 1


def test_the_real_tables_are_mended_too(tmp_path, shared_data):
    lab = Lab(WEEK.week, tmp_path, solution_of(), profile="full")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        built = WEEK.build(lab)
        found = {j.verdict.name: j.verdict for j in judge.assess(WEEK, lab, built, exercise_only=False)}
    assert {name: verdict.message for name, verdict in found.items() if verdict.outcome != "passed"} == {}
    assert {"beers: the fixes change nothing else", "hospital: Great Expectations agrees"} <= set(found)
    figures = {metric.name: metric.value for metric in lab.ledger.metrics}
    assert figures["beers, state in city: rows"] == 127
    assert figures["beers, state in city: as in the original"] == 254
    assert figures["what ZipCode leaves open about City, clean"] == 0.0
    assert figures["what ZipCode leaves open about City, messy"] > 0.1


def test_the_note_is_of_a_readable_length():
    words = (WEEK.path / "study.md").read_text("utf-8").split()
    assert 600 <= len(words) <= 1500


def test_every_check_says_why_and_gives_hints(reference):
    found, _ = reference
    for one in found.values():
        assert one.verdict.why.endswith(".")
        assert one.verdict.hint or not one.verdict.exercise
