"""The error tree: callers may react by our types or by Python's."""

from __future__ import annotations

import pickle

import pytest

from mltoolkit import errors
from mltoolkit.errors import BadInput, CannotRead, MissingExtra, NotConverged, ToolkitError, naming_the_extra

TREE = {BadInput: ValueError, MissingExtra: ImportError, NotConverged: ArithmeticError, CannotRead: OSError}


@pytest.mark.parametrize(("ours", "pythons"), TREE.items(), ids=lambda kind: kind.__name__)
def test_each_error_is_ours_and_pythons(ours: type[ToolkitError], pythons: type[Exception]) -> None:
    assert issubclass(ours, ToolkitError)
    assert issubclass(ours, pythons)
    others = set(TREE.values()) - {pythons}
    assert not issubclass(ours, tuple(others))


def test_the_docstring_shows_the_whole_tree() -> None:
    defined = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ToolkitError)}
    assert defined == {*TREE, ToolkitError}
    for error, base in TREE.items():
        line = next(line for line in str(errors.__doc__).splitlines() if f"── {error.__name__} " in line)
        assert f"({base.__name__})" in line


@pytest.mark.parametrize("error", [BadInput("a"), NotConverged("a"), CannotRead("a"), ToolkitError("a")])
def test_the_message_is_the_text_alone(error: ToolkitError) -> None:
    assert str(error) == "a"
    assert str(pickle.loads(pickle.dumps(error))) == "a"


def test_a_missing_extra_says_how_to_get_it_and_survives_another_process() -> None:
    error = MissingExtra("torch", "deep")
    assert str(error) == "torch is not installed; get it with: pip install 'fiftytwo[deep]'"
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.package, copy.extra) == (MissingExtra, str(error), "torch", "deep")


def test_a_lazy_face_names_the_extra_of_a_library_it_lacks_and_of_no_other() -> None:
    def lookup(name: str) -> str:
        if name == "known":
            return "found"
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    find = naming_the_extra(lookup, "deep", "torch")
    assert find("known") == "found"
    with pytest.raises(MissingExtra, match=r"torch is not installed; get it with: pip install 'fiftytwo\[deep\]'"):
        find("torch")
    with pytest.raises(ModuleNotFoundError, match="numpy") as raised:
        find("numpy")
    assert not isinstance(raised.value, MissingExtra)
