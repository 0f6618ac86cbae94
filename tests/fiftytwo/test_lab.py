"""A file of the user's own: recorded by name and fingerprint, refused where it cannot be read."""

import hashlib
from dataclasses import replace

import pytest

from fiftytwo import plan
from fiftytwo.lab import Lab
from mltoolkit.errors import CannotRead

WEEK = replace(plan.year()[1], reads=("FIFTYTWO_IMAGE",))


@pytest.fixture
def lab(tmp_path):
    return Lab(WEEK, tmp_path, None)


def test_a_file_is_recorded_with_its_fingerprint_and_without_its_folder(lab, tmp_path, monkeypatch):
    path = tmp_path / "ein bild.png"
    path.write_bytes(b"pixels")
    monkeypatch.setenv("FIFTYTWO_IMAGE", str(path))
    assert lab.file("FIFTYTWO_IMAGE") == path
    (used,) = lab.ledger.data
    assert (used.name, used.title, used.source) == ("FIFTYTWO_IMAGE", "ein bild.png", "the user's own")
    assert used.sha256 == hashlib.sha256(b"pixels").hexdigest()


@pytest.mark.parametrize("value", [None, ""])
def test_no_variable_no_file(lab, monkeypatch, value):
    if value is None:
        monkeypatch.delenv("FIFTYTWO_IMAGE", raising=False)
    else:
        monkeypatch.setenv("FIFTYTWO_IMAGE", value)
    assert lab.file("FIFTYTWO_IMAGE") is None
    assert lab.ledger.data == []


def test_what_is_no_file_is_refused(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("FIFTYTWO_IMAGE", str(tmp_path / "none.png"))
    with pytest.raises(CannotRead, match=r"FIFTYTWO_IMAGE names '.*none\.png', which is not a file here; correct or"):
        lab.file("FIFTYTWO_IMAGE")
    monkeypatch.setenv("FIFTYTWO_IMAGE", str(tmp_path))
    with pytest.raises(CannotRead, match="is not a file here"):
        lab.file("FIFTYTWO_IMAGE")


def test_only_what_the_week_lists_is_read(lab):
    with pytest.raises(LookupError, match="week 2 does not list HOME in its reads"):
        lab.file("HOME")
