"""Many findings of one kind as one: a table of hundreds of columns has hundreds of findings, and few kinds."""

from __future__ import annotations

from collections.abc import Sequence

from mltoolkit.quality.findings import Finding

TOGETHER = 5  # findings of one kind from which they share a line


def group_findings(found: Sequence[Finding]) -> list[list[Finding]]:
    """Findings in their order; many of one severity and rule as one group, at the place of the first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        groups.setdefault((finding.severity, finding.rule), []).append(finding)
    return [
        part
        for group in groups.values()
        for part in ([group] if len(group) > TOGETHER else [[finding] for finding in group])
    ]
