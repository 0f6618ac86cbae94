"""What a model expects under a key, for annotations of every kind."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Optional, TypeVar

import pytest
from pydantic import BaseModel, Field, SecretBytes, SecretStr
from typing_extensions import TypeAliasType

from mltoolkit.config import fields

Count = TypeAliasType("Count", int)
T = TypeVar("T")


class Inner(BaseModel):
    x: Annotated[int | None, Field(gt=0)] = None


class Outer(BaseModel):
    one: Inner
    maybe: Optional[Inner] = None  # noqa: UP045 - both ways to write it
    many: Sequence[Inner] = ()
    pair: tuple[Inner, str] = (Inner(), "")
    row: tuple[int, ...] = ()
    bare: list = []
    table: Mapping[str, Inner] = {}
    alias: Count = 0


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (("one",), [Inner]),
        (("one", "x"), [int, type(None)]),
        (("maybe", "x"), [int, type(None)]),
        (("many", 3, "x"), [int, type(None)]),
        (("pair", 0), [Inner]),
        (("pair", 1), [str]),
        (("pair", 2), []),
        (("row", 7), [int]),
        (("bare", 0), []),
        (("table", "any", "x"), [int, type(None)]),
        (("alias",), [int]),
        (("one", "y"), []),
        (("one", "x", "y"), []),
        (("many", "name"), []),
    ],
)
def test_the_types_under_a_key(key, expected):
    assert fields.options_at(Outer, key) == expected


def test_names_of_a_table():
    assert fields.names_at(Outer, ("many", 0)) == ["x"]
    assert fields.names_at(Outer, ("alias",)) == []


def test_a_type_variable_may_be_anything():
    assert fields.options(T) == [Any]


@pytest.mark.parametrize(
    ("annotation", "secret"),
    [
        (SecretStr, True),
        (SecretBytes | None, True),
        (dict[str, list[SecretStr]], True),
        (Annotated[SecretStr, "note"], True),
        (Inner, False),
        (Callable[[int], str], False),
        (list[str], False),
    ],
)
def test_secrets_are_found_however_deep(annotation, secret):
    assert any(map(fields.holds_secret, fields.options(annotation))) is secret


@pytest.mark.parametrize(("option", "path"), [(Path, True), (PurePosixPath, True), (str, False), (list[Path], False)])
def test_paths(option, path):
    assert fields.is_path(option) is path
