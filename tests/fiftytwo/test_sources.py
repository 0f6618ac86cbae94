"""A fingerprint changes with every source that can change a result, and with no other."""

import pytest

from fiftytwo import sources
from fiftytwo.plan import landed


def test_every_landed_week_has_a_fingerprint_of_its_own():
    prints = {sources.fingerprint(module) for module in landed().values()}
    assert len(prints) == len(landed()) > 0
    assert all(len(p) == 64 for p in prints)


def test_it_reaches_through_lazy_packages_to_the_exercise_and_the_judge():
    names = sources._closure("fiftytwo.weeks.w01_pca.lab")
    assert {"mltoolkit.linalg.pca", "fiftytwo.judge", "fiftytwo.measure", "mltoolkit.errors"} <= names
    assert not {"fiftytwo.cli", "fiftytwo.report.site"} & names


def test_extra_files_and_own_files_count(tmp_path):
    file = tmp_path / "pca.py"
    file.write_text("a = 1")
    module = "fiftytwo.weeks.w01_pca.lab"
    plain, first = sources.fingerprint(module), sources.fingerprint(module, [file])
    file.write_text("a = 2")
    assert len({plain, first, sources.fingerprint(module, [file])}) == 3


def test_study_notes_do_not_count_and_templates_do():
    files = {file.name for file in sources._files("fiftytwo.weeks.w01_pca.lab")}
    assert "lab.py" in files
    assert "mistakes.py" in files
    assert "study.md" not in files


def test_a_module_that_is_not_there():
    with pytest.raises(ModuleNotFoundError):
        sources.fingerprint("fiftytwo.weeks.w99_nothing.lab")
