"""A suite as Great Expectations takes it.

Names and arguments are its own already, so what is left is what JSON or Great Expectations cannot hold: a date
becomes a moment in ISO 8601 (it is compared with columns that pandas loaded as dates, by ``parse_dates``); an
infinite bound becomes None; a foreign key becomes the set of the keys it may take. Bounds that are texts it does
not know, so such a rule is left out.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

from mltoolkit.errors import ToolkitError
from mltoolkit.quality.rules.arguments import comparable
from mltoolkit.quality.rules.suite import Rule, Suite

_MOST_KEYS = 1_000
_SEVERITIES = {"error": "critical", "warning": "warning"}


def export(suite: Suite) -> dict[str, Any]:
    """The suite as plain data; what is left out is listed under ``meta["left_out"]``."""
    expectations, out = _parts(suite)
    meta: dict[str, Any] = {"notes": "written by datasanity"}
    if out:
        meta["left_out"] = [
            {"rule": rule.rule, "column": rule.subject, "line": rule.line, "reason": reason} for rule, reason in out
        ]
    return {"name": suite.name, "expectations": expectations, "meta": meta}


def left_out(suite: Suite) -> tuple[tuple[Rule, str], ...]:
    """The rules that are not exported, each with the reason."""
    return tuple(_parts(suite)[1])


def _parts(suite: Suite) -> tuple[list[dict[str, Any]], list[tuple[Rule, str]]]:
    expectations: list[dict[str, Any]] = []
    out: list[tuple[Rule, str]] = []
    for rule in suite.rules:
        reason, exported = "", rule
        if rule.kind.ours:
            exported, reason = _in_set(rule, suite)
        elif any(isinstance(rule.arguments.get(bound), str) for bound in ("min_value", "max_value")):
            reason = "Great Expectations has no bounds that are texts"
        if reason:
            out.append((rule, reason))
        else:
            expectations.append(_expectation(exported))
    return expectations, out


def _expectation(rule: Rule) -> dict[str, Any]:
    meta = {key: text for key, text in (("name", rule.name), ("notes", rule.note)) if text}
    kwargs = {key: _plain(value) for key, value in rule.arguments.items()}
    expectation = {"type": f"expect_{rule.rule}", "kwargs": kwargs, "severity": _SEVERITIES[rule.severity]}
    return {**expectation, "meta": meta} if meta else expectation


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date):
        return comparable(value).isoformat()
    if isinstance(value, float) and math.isinf(value):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _in_set(rule: Rule, suite: Suite) -> tuple[Rule, str]:
    """A foreign key as a set, or the reason why it cannot be one."""
    from mltoolkit.quality.rules.foreign import key_texts

    try:
        keys, too_many = key_texts(rule, suite.folder, _MOST_KEYS)
    except ToolkitError as error:
        return rule, f"the file of the keys cannot be used: {error}"
    if too_many:
        return rule, f"{rule.arguments['file']} holds more than {_MOST_KEYS:,} keys, too many for a set"
    arguments = {"column": rule.arguments["column"], "value_set": keys}
    if "mostly" in rule.arguments:
        arguments["mostly"] = rule.arguments["mostly"]
    return Rule("column_values_to_be_in_set", arguments, rule.severity, rule.name, rule.note, (), rule.line), ""
