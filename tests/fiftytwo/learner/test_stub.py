"""Starters: derived from the reference, free of its bodies, and the same when derived again."""

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiftytwo import plan
from fiftytwo.learner.stub import derive, unwritten
from fiftytwo.learner.workbench import Bench


@pytest.mark.parametrize("number", plan.landed())
def test_every_landed_weeks_starter_compiles_and_deriving_again_changes_nothing(number):
    bench = Bench.of(number, None)
    starter = bench.starter()
    compile(starter, bench.exercise.file, "exec")
    assert derive(starter, bench.exercise.names, number) == starter
    assert unwritten(starter)
    public = {node.name for node in ast.parse(starter).body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert public == set(bench.exercise.names)
    for name in bench.exercise.names:
        assert name in {path.partition(".")[0] for path in unwritten(starter)}


def test_week_one_keeps_the_docstrings_and_nothing_of_the_bodies():
    bench = Bench.of(1, None)
    starter, reference = bench.starter(), bench.reference()
    assert "Learn the components of X." in starter
    assert 'raise NotImplementedError("week 1: write PCA.fit")' in starter
    bodies = [line.strip() for line in reference.splitlines() if " = " in line and "Parameters" not in line]
    code = "\n".join(ast.unparse(node) for node in ast.walk(ast.parse(starter)) if isinstance(node, ast.Assign))
    assert not [line for line in bodies if line in code]
    for trace in ("eigh", "linalg.svd", "searchsorted", "_scatter", "argmax"):
        assert trace not in starter.replace("numpy.linalg", "")


REFERENCE = '''
"""What it is.

Two paragraphs.
"""

from __future__ import annotations

import numpy as np
from mltoolkit.errors import BadInput

LIMIT = 3  # public
_SECRET = 4


def _helper(x):
    return x


@decorate(
    _SECRET_FREE,
)
def area(
    width: float,
    *,
    height: float = 1.0,
) -> float:
    """Area, größer als 0.

    Blank lines stay:

    so.
    """
    # first check
    if width < 0:
        raise BadInput("no")
    return width * height


async def wait(x): return x


def only_words():
    """Nothing but words."""


class Shape:
    """A shape."""

    sides: int = 4

    def __init__(self, a):
        self.a = a

    @property
    def size(self) -> int:
        """Its size."""
        return self._measure()

    @staticmethod
    def make():
        return Shape(_helper(1))

    class Inner:
        """Inside."""

        def run(self):
            return 1

    def _measure(self):
        return 2

    def __len__(self):
        return 3


class Other:
    """Not asked for."""
'''


def test_all_kinds_of_definitions():
    starter = derive(REFERENCE, ("area", "wait", "only_words", "Shape"), 9)
    assert starter == textwrap.dedent('''\

        """What it is.

        Two paragraphs.
        """

        from __future__ import annotations

        import numpy as np

        LIMIT = 3  # public


        @decorate(
            _SECRET_FREE,
        )
        def area(
            width: float,
            *,
            height: float = 1.0,
        ) -> float:
            """Area, größer als 0.

            Blank lines stay:

            so.
            """
            raise NotImplementedError("week 9: write area")


        async def wait(x):
            raise NotImplementedError("week 9: write wait")


        def only_words():
            """Nothing but words."""
            raise NotImplementedError("week 9: write only_words")


        class Shape:
            """A shape."""

            sides: int = 4

            def __init__(self, a):
                raise NotImplementedError("week 9: write Shape.__init__")

            @property
            def size(self) -> int:
                """Its size."""
                raise NotImplementedError("week 9: write Shape.size")

            @staticmethod
            def make():
                raise NotImplementedError("week 9: write Shape.make")

            class Inner:
                """Inside."""

                def run(self):
                    raise NotImplementedError("week 9: write Shape.Inner.run")
    ''')
    assert derive(starter, ("area", "wait", "only_words", "Shape"), 9) == starter
    assert unwritten(starter) == (
        "area", "wait", "only_words", "Shape.__init__", "Shape.size", "Shape.make", "Shape.Inner.run",
    )  # fmt: skip


def test_windows_line_ends_do_not_matter():
    assert derive(REFERENCE.replace("\n", "\r\n"), ("area",), 9) == derive(REFERENCE, ("area",), 9)


def test_what_is_written_is_no_longer_unwritten():
    starter = derive(REFERENCE, ("area", "only_words"), 9)
    assert unwritten(starter.replace('raise NotImplementedError("week 9: write area")', "return 1")) == ("only_words",)


@given(
    st.lists(st.sampled_from(["public", "_private", "other"]), min_size=1, max_size=6, unique=True), st.integers(0, 4)
)
def test_deriving_again_changes_nothing_whatever_stands_around(names, blank):
    source = ("\n" * blank).join(
        f'def {name}(x):\n    """Say {name}."""\n\n    y = x\n\n    return y\n' for name in names
    )
    if "public" not in names:
        return
    starter = derive(source, ("public",), 3)
    assert derive(starter, ("public",), 3) == starter
    assert unwritten(starter) == ("public",)
