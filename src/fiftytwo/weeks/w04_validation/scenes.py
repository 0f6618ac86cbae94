"""A messy table on its way: delivered, checked by the command, mended, checked again, reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiftytwo.documents import markdown_text
from fiftytwo.weeks.w04_validation.orders import Messy, clean_orders, customers, planted
from fiftytwo.weeks.w04_validation.repairs import (
    BEERS,
    ORDERS,
    Repair,
    Repaired,
    apply,
    changes_elsewhere,
    finding_of,
    unaccounted,
)
from fiftytwo.weeks.w04_validation.suites import run_command
from mltoolkit.quality import Finding

if TYPE_CHECKING:
    from fiftytwo.lab import Lab


@dataclass(frozen=True)
class Scene:
    """A messy table with what is known about it, and the repairs that are meant for it."""

    name: str
    folder: Path
    frame: pd.DataFrame
    original: pd.DataFrame
    rules: str
    repairs: tuple[Repair, ...]

    @property
    def table(self) -> str:
        """File name of the messy table."""
        return f"{self.name}.csv"

    @property
    def mended(self) -> str:
        """File name of the mended one."""
        return f"{self.name}_mended.csv"


@dataclass(frozen=True)
class Mended:
    """A scene from first check to last.

    ``status`` and ``before`` are the exit status and the findings of the command on the messy table, ``after`` the
    findings in the mended one, ``repaired`` what each repair did.
    """

    scene: Scene
    status: int
    before: tuple[Finding, ...]
    repaired: tuple[Repaired, ...]
    after: tuple[Finding, ...]

    @property
    def pairs(self) -> list[tuple[Repair, Repaired]]:
        """Each repair with what it did."""
        return list(zip(self.scene.repairs, self.repaired, strict=True))

    @property
    def unaccounted(self) -> int:
        """Rows that the report names and that are neither mended nor named still, or the other way round."""
        return sum(unaccounted(repair, done, self.before, self.after) for repair, done in self.pairs)

    @property
    def elsewhere(self) -> int:
        """Cells outside of the named ones that changed, and findings that no repair was meant for that did."""
        strays = sum(done.strays for done in self.repaired)
        return strays + changes_elsewhere(self.before, self.after, self.scene.repairs)


def orders_scene(lab: Lab) -> tuple[Scene, Messy]:
    """The month of orders with every kind of fault planted, beside the other file and the rules."""
    rng = lab.rng
    messy = planted(clean_orders(rng), rng)
    folder = _workbench(lab, {"orders.csv": messy.frame, "customers.csv": customers()})
    lab.artifact("rules.toml").write_text(lab.solution.text("rules.toml"), "utf-8")
    return Scene("orders", folder, messy.frame, messy.original, "rules.toml", ORDERS), messy


def beers_scene(lab: Lab) -> Scene:
    """The list of craft beers as it was found, with its clean twin."""
    frames = lab.data("dirty-beers").frames
    folder = _workbench(lab, {"beers.csv": frames["dirty"]})
    lab.artifact("beers.toml").write_text((Path(__file__).parent / "beers.toml").read_text("utf-8"), "utf-8")
    return Scene("beers", folder, frames["dirty"], frames["clean"], "beers.toml", BEERS)


def _workbench(lab: Lab, frames: Mapping[str, pd.DataFrame]) -> Path:
    for name, frame in frames.items():
        frame.to_csv(lab.artifact(name), index=False)
    return lab.artifact("rules.toml").parent


def mend(lab: Lab, scene: Scene) -> Mended:
    """Check with the command, mend what the repairs are for, check again."""
    from mltoolkit.quality import check

    status, before = run_command(scene.folder, scene.table, scene.rules)
    frame, repaired = scene.frame, []
    for repair in scene.repairs:
        repaired.append(apply(repair, frame, scene.original))
        frame = repaired[-1].frame
    frame.to_csv(lab.artifact(scene.mended), index=False)
    after = check(scene.folder / scene.mended, rules=scene.folder / scene.rules)
    return Mended(scene, status, before, tuple(repaired), after)


def report(lab: Lab, mended: Mended) -> None:
    """Record the figures of the bug report, and ask for it."""
    scene = mended.scene
    rows, after = len(scene.frame), len(mended.repaired[-1].frame)
    lab.metric(f"{scene.name}: rows", rows)
    lab.metric(f"{scene.name}: rows after", after)
    lab.metric(f"{scene.name}: findings", len(mended.before))
    lab.metric(f"{scene.name}: findings after", len(mended.after))
    lab.table(
        _all_findings(mended),
        f"{scene.name}: findings before and after",
        f"Every rule of {scene.rules} that {scene.table} breaks, and what is left in {scene.mended}.",
    )
    issues = []
    frame = scene.frame
    for repair, done in mended.pairs:
        found, left = finding_of(repair, mended.before), finding_of(repair, mended.after)
        prefix = f"{scene.name}, {repair.name}"
        lab.metric(f"{prefix}: rows", found.count if found else 0)
        lab.metric(f"{prefix}: share", 100.0 * found.count / rows if found else 0.0, "%")
        lab.metric(f"{prefix}: rows after", left.count if left else 0)
        lab.metric(f"{prefix}: rows dropped", done.dropped)
        lab.metric(f"{prefix}: cells changed", done.changed)
        lab.metric(f"{prefix}: as in the original", done.restored)
        effect, unit = repair.effect
        lab.metric(f"{prefix}: {effect}", repair.size(frame), unit)
        lab.metric(f"{prefix}: {effect} after", repair.size(done.frame), unit)
        frame = done.frame
        lab.table(done.examples, f"{prefix}: examples", f"{repair.title}: the first rows, before and after.")
        issues.append({"prefix": prefix, "repair": repair, "finding": found, "lines": _lines(found),
                       "said": markdown_text(found.message) if found else "",
                       "left": markdown_text(left.message) if left else ""})  # fmt: skip
    title = f"Bug report: {scene.table}"
    lab.document("bug_report.md.jinja", title, scene=scene, issues=issues, status=mended.status)


def _lines(finding: Finding | None) -> str:
    if finding is None or not finding.rows:
        return "none"
    more = " and more" if finding.count > len(finding.rows) else ""
    return ", ".join(map(str, finding.rows)) + more


def _all_findings(mended: Mended) -> pd.DataFrame:
    """One row a finding: what it says, how many rows before and after."""
    left = {(f.rule, f.column): f.count for f in mended.after}
    rows: list[dict[str, Any]] = [
        {
            "column": finding.column or "(table)",
            "rule": finding.rule,
            "rows before": finding.count if finding.rows else None,
            "rows after": left.get((finding.rule, finding.column), 0) if finding.rows else None,
            "what was found": finding.message,
        }
        for finding in mended.before
    ]
    columns = ["column", "rule", "rows before", "rows after", "what was found"]
    return pd.DataFrame(rows, columns=columns, dtype=object)  # which keeps None where a rule counts no rows


def share_restored(mended: Sequence[Mended]) -> float:
    """Share of what repairs changed or dropped that now is as in the original."""
    done = [one for scene in mended for one in scene.repaired]
    touched = sum(one.changed + one.dropped for one in done)
    return float(np.divide(sum(one.restored for one in done), touched)) if touched else 0.0
