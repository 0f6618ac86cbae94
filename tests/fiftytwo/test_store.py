"""The store: what is written is read back, and the index can always be made again."""

import json
import math
from dataclasses import replace

import pytest

from fiftytwo.evidence import Run, Verdict
from fiftytwo.store import EVIDENCE, Store, from_json, to_json

RUN = Run(
    id="20270104T091500.000000-w01-reference-quick",
    week=1,
    who="reference",
    profile="quick",
    status="passed",
    started="2027-01-04T09:15:00+00:00",
    seconds=1.5,
    seed=52,
    verdicts=(Verdict("fit", "passed", 0.25, "≤ 1", hint=("a",)), Verdict("far", "wrong", math.inf, "≤ 1")),
)


def save(home, run, **files):
    folder = home.root / "evidence" / ".running" / run.id
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return Store(home).save(run, folder)


def numbered(i, **changes):
    return replace(RUN, id=RUN.id.replace("T091500", f"T0915{i:02d}"), **changes)


def test_a_run_survives_the_way_through_json():
    assert from_json(to_json(RUN)) == RUN
    json.loads(to_json(RUN), parse_constant=pytest.fail)


def test_evidence_of_a_later_version_is_refused():
    row = json.loads(to_json(RUN)) | {"schema": 99}
    with pytest.raises(ValueError, match="update fiftytwo"):
        from_json(json.dumps(row))


def test_latest_and_history(home):
    store = Store(home)
    assert store.latest(1, who="reference") is None
    assert store.history() == []
    save(home, RUN)
    save(home, numbered(1, who="learner", status="failed"))
    assert store.latest(1, who="reference") == RUN
    assert store.latest(1, who="reference", profile="full") is None
    assert store.latest(1, who="learner", status="passed") is None
    assert [(row.who, row.passed, row.counted) for row in store.history(1)] == [("learner", 1, 2), ("reference", 1, 2)]


@pytest.mark.parametrize("damage", ["delete", "garbage"])
def test_a_lost_database_is_made_again(home, damage):
    save(home, RUN)
    database = home.root / "fiftytwo.db"
    database.unlink() if damage == "delete" else database.write_bytes(b"not a database " * 100)
    assert Store(home).latest(1, who="reference") == RUN
    assert Store(home).rebuild() == 1


def test_a_damaged_folder_falls_back_to_the_run_before(home):
    save(home, RUN)
    newer = numbered(1)
    (save(home, newer) / EVIDENCE).write_text("{torn")
    assert Store(home).latest(1, who="reference") == RUN


def test_old_figures_go_and_measurements_stay(home):
    folders = [save(home, numbered(i, status="passed" if i == 1 else "failed"), figure="svg") for i in range(8)]
    assert [(f / "figure").exists() for f in folders] == [False, True, False, True, True, True, True, True]
    assert all((f / EVIDENCE).exists() for f in folders)


def test_a_database_elsewhere_is_named_by_its_address(home, tmp_path, monkeypatch):
    monkeypatch.setenv("FIFTYTWO_DATABASE", f"sqlite:///{tmp_path / 'cohort.db'}")
    save(home, RUN)
    assert (tmp_path / "cohort.db").exists()
    assert not (home.root / "fiftytwo.db").exists()
    assert Store(home).latest(1, who="reference") == RUN
