"""Whatever the bytes of a file, the command ends with 0, 1 or 2, and with one line where it cannot read.

The cases are what a search of 20,000 generated files turned up; the properties go on searching, for longer where
``FUZZ_EXAMPLES`` says how many files each of them tries.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Command = Callable[..., Any]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))

FOUND = {
    "infinite numbers beside a target": b"c0\tc1\n" + b"-inf\tx\n1e999\ty\n" * 12,
    "a spread beyond the largest float": b"c0\n2.5\n2.5\n-1e308\n-1e308\n2.5\n-1e308\nNA\n" + b"-1e308\n2.5\n" * 9,
    "a number that is no integer of 64 bits": b"a,b\n123456789012345678901234567890,1\n1,2\n",
    "a quote that ends a file": b'a,b\n1,"',
    "two quotes that end a file": b'a,b\n1,"x""',
    "carriage returns alone": b"a,b\r1,2\r3,4",
    "half a letter of UTF-16": "a,b\n1,2\n".encode("utf-16") + b"\0",
    "a surrogate in UTF-8": b"a,b\n\xed\xa0\x80,1\n",
    "a date of the year 0": b"when\n0000-00-00\n0000-01-01\n2024-01-01\n2024-01-02\n",
    "a zone that is none": b"when\n2024-01-01T10:00+99:99\n2024-01-01T10:00+01:00\n",
    "an hour that is none": b"when\n2024-01-01T25:00\n2024-01-01T24:00\n",
    "digits of another script": "n\n१\n२\n३\n".encode(),
    "a line separator inside a cell": "a,b\nx\u2028y,1\n".encode(),
    "one name and nothing else": b"a",
    "delimiters alone": b",,,\n,,,\n,,,",
    "a header of one empty cell": b'""\n1\n2\n',
    "a control character that some take for white space": b"a,b\n1,\x1f\n2,\x1f7\n3,x\n" * 9,
    "a mark and nothing else": b"\xff\xfe",
    "a mark of UTF-32": b"\xff\xfe\0\0",
}


@pytest.mark.parametrize("content", FOUND.values(), ids=FOUND.keys())
def test_what_a_search_turned_up(datasanity: Command, tmp_path: Path, content: bytes) -> None:
    judge(datasanity, tmp_path, content)


def judge(datasanity: Command, folder: Path, content: bytes) -> None:
    path = folder / "any.csv"
    path.write_bytes(content)
    statuses = set()
    for arguments in (["profile"], ["check"], ["check", "--json"], ["profile", "--json"]):
        ended = datasanity(arguments[0], path, *arguments[1:])
        statuses.add(ended.status == 2)
        assert ended.status in ((0, 2) if arguments[0] == "profile" else (0, 1, 2))
        if ended.status == 2:
            assert ended.out == ""
            assert ended.err.count("\n") == 1
            assert str(path) in ended.err, ended.err  # our own words, not an error that nobody foresaw
        else:
            assert ended.err == ""
            assert ended.out
    assert len(statuses) == 1


searching = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=EXAMPLES)


@searching
@given(st.binary(max_size=300))
def test_any_bytes(datasanity: Command, tmp_path: Path, content: bytes) -> None:
    judge(datasanity, tmp_path, content)


PIECES = [
    *(b",", b";", b"\t", b"|", b"\n", b"\r\n", b"\r", b'"', b'""', b"\0", b" ", b"'", b"\\"),
    *(b"a", b"age", b"1", b"2.5", b"-3", b"1e999", b"-inf", b"nan", b"NA", b"007", b"1e308", b"-1e308"),
    *(b"2020-01-02", b"0000-00-00", b"9999-12-31", b"31/12/2020", b"12/31/2020", b"99/99/9999", b"12 Jan 2020"),
    *(b"2020-01-01T25:00", b"2020-01-01T10:00+99:99", b"true", b"no", b"9007199254740993", b"1" * 40),
    *(
        b"\xff",
        b"\xfe",
        b"\xc3\xa9",
        b"\xc3\x83\xc2\xa9",
        b"\xef\xbb\xbf",
        b"\xef\xbf\xbd",
        b"\xed\xa0\x80",
        b"\x1b[31m",
    ),
    *(b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", "é,ü".encode("utf-16-le")),
]


@searching
@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
def test_the_pieces_that_files_break_on(datasanity: Command, tmp_path: Path, content: bytes) -> None:
    judge(datasanity, tmp_path, content)


@searching
@given(st.randoms(use_true_random=False), st.sampled_from([b",", b";", b"\t"]), st.integers(1, 4), st.integers(0, 40))
def test_tables_with_odd_cells(
    datasanity: Command, tmp_path: Path, draw: random.Random, delimiter: bytes, width: int, rows: int
) -> None:
    cells = [[draw.choice(PIECES[13:]) for _ in range(draw.randint(1, 5))] for _ in range(width)]
    lines = [[b"c%d" % i for i in range(width)], *([draw.choice(column) for column in cells] for _ in range(rows))]
    content = bytearray(b"\n".join(delimiter.join(line) for line in lines))
    for _ in range(draw.choice([0, 0, 2])):
        content[draw.randrange(len(content))] = draw.randrange(256)
    judge(datasanity, tmp_path, bytes(content))
