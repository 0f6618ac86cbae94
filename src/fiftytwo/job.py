"""What passes between the runner and the process that runs a week: the job, and the names of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fiftytwo.evidence import Profile, Who

JOB, PROGRESS, RESULT, OUTPUT = "job.json", "progress.jsonl", "result.json", "output.txt"
EVIDENCE = "evidence.json"


@dataclass(frozen=True)
class Job:
    """What one run needs to know. All paths are absolute."""

    id: str
    week: int
    who: Who
    profile: Profile
    seed: int
    catalogue: Mapping[int, str]
    memory_bytes: int
    source_hash: str = ""
    build_only: bool = False
    files: Mapping[int, str] = field(default_factory=dict)  # week -> learner's file
    peers: Mapping[str, str] = field(default_factory=dict)  # solution name -> "module:attribute"
    needed: Mapping[int, str] = field(default_factory=dict)  # week -> run folder
    reference: Mapping[str, float] = field(default_factory=dict)  # check -> the reference's number

    @classmethod
    def read(cls, folder: Path) -> Job:
        """The job that was written into a run's folder."""
        data = json.loads((folder / JOB).read_text("utf-8"))
        for name in ("catalogue", "files", "needed"):
            data[name] = {int(key): value for key, value in data[name].items()}
        return cls(**data)

    def write(self, folder: Path) -> None:
        """Write the job into a run's folder."""
        (folder / JOB).write_text(json.dumps(asdict(self)), "utf-8")
