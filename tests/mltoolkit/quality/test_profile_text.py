from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mltoolkit.quality import profile
from mltoolkit.quality.figures import share, short, size, span, visible
from mltoolkit.quality.highlights import highlights
from mltoolkit.quality.terminal import fill, fitting_blocks, spark

Write = Callable[..., Path]
Command = Callable[..., Any]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def as_wide_as(width: int) -> None:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setenv("TERM", "xterm-256color")

    return as_wide_as


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def unusual() -> pd.DataFrame:
    n = 400
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "価格": rng.lognormal(5, 1.5, n).round(2),
            "naïve café": rng.choice(["東京", "Zürich", "São Paulo"], n),
            "an extraordinarily long name of a column that nobody would type twice": rng.integers(0, 5, n),
            "👩‍👩‍👧 family": rng.normal(size=n),
            "empty": [None] * n,
            "constant": ["x"] * n,
            "mostly": [1] * (n - 1) + [2],
            "when": pd.date_range("2021-01-01", periods=n, freq="h"),
            "gaps": np.where(np.arange(n) % 3 == 0, np.nan, np.arange(n)),
            "mixed": [str(i) if i % 9 else "n/k" for i in range(n)],
        }
    )


def test_what_to_look_at_first() -> None:
    topics = {note.topic: note for note in highlights(profile(unusual()))}
    frame = unusual()
    names = {topic: [frame.columns[i] for i, _ in note.columns] for topic, note in topics.items()}
    assert names["empty"] == ["empty"]
    assert names["missing"] == ["gaps"]
    assert names["mixed types"] == ["mixed"]
    assert names["constant"] == ["constant"]
    assert names["nearly constant"] == ["mostly"]
    assert names["all different"] == ["when", "gaps"] or "when" in names["all different"]
    assert "価格" in names["skew"]
    assert topics["missing"].columns[0][1] == "34%"
    assert list(topics)[:3] == ["empty", "missing", "mixed types"]


def test_nothing_is_said_of_a_table_without_anything(customers: pd.DataFrame) -> None:
    assert highlights(profile(customers)) == ()


@pytest.mark.parametrize("width", [40, 57, 80, 100, 140, 240])
def test_pages_of_any_width_are_aligned(
    datasanity: Command, tmp_path: Path, terminal: Callable[[int], None], width: int
) -> None:
    path = tmp_path / "t.parquet"
    unusual().to_parquet(path)
    terminal(width)
    lines = plain(datasanity("profile", path).out).splitlines()
    assert max(cell_len(line) for line in lines) <= max(width, len(str(path)))
    titles = [i for i, line in enumerate(lines) if line.startswith("─")]
    assert len(titles) >= 3
    # All titles of numbers stand above figures that end in the same column.
    title = next(line for line in lines if line.startswith("numbers") and "min" in line)
    row = next(line for line in lines[lines.index(title) :] if line.startswith("価格"))
    for name in ("min", "max"):
        if f" {name}" in title:
            end = title.index(f" {name}") + len(name) + 1
            assert row[end - row[:end].count("価") - row[:end].count("格") - 1] != " ", (title, row)


def test_every_figure_is_there_at_eighty_columns(
    datasanity: Command, tmp_path: Path, terminal: Callable[[int], None]
) -> None:
    path = tmp_path / "t.parquet"
    unusual().to_parquet(path)
    terminal(80)
    words = set(plain(datasanity("profile", path).out).split())
    titles = {"spread", "missing", "min", "median", "max", "mean", "sd", "distinct", "5%", "25%", "75%", "95%", "skew"}
    assert titles <= words


def test_a_pipe_gets_no_colour_and_no_white_space_at_ends(datasanity: Command, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    unusual().to_parquet(path)
    out = datasanity("profile", path).out
    assert "\x1b" not in out
    assert [line for line in out.splitlines() if line != line.rstrip()] == []


def test_a_terminal_gets_colour(datasanity: Command, write: Write, terminal: Callable[[int], None]) -> None:
    terminal(80)
    assert "\x1b[36m" in datasanity("profile", write("a\n1\n2\n2\n3\n")).out


def test_an_output_without_unicode_gets_ascii(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from mltoolkit.quality.profile_text import print_profile

    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    monkeypatch.setattr("sys.stdout", stream)
    print_profile(profile(unusual()))
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert "\\u4fa1\\u683c" in text  # a name that cannot be written is escaped
    assert re.search(r"[_.\-=+*#@]{6,}", text)


def test_all_columns_of_a_wide_table(datasanity: Command, write: Write) -> None:
    path = write(",".join(f"c{i}" for i in range(90)) + "\n" + "\n".join(",".join(["1", "2"] * 45) for _ in range(3)))
    assert "c89" not in datasanity("profile", path).out
    assert "c89" in datasanity("profile", path, "--all").out


def test_hundreds_of_columns_are_summed_up(datasanity: Command, tmp_path: Path) -> None:
    frame = pd.DataFrame({f"c{i}": [1.0, np.nan, 3.0, 4.0] * 10 for i in range(500)})
    frame.to_parquet(tmp_path / "t.parquet")
    lines = datasanity("profile", tmp_path / "t.parquet").out.splitlines()
    (missing,) = [line for line in lines if line.startswith("missing ")]
    shown = missing.count("25%")
    assert missing.endswith(f"and {500 - shown} more")
    assert len(lines) < 80


@given(st.lists(st.integers(0, 1000), max_size=40), st.integers(1, 20))
def test_a_small_histogram(counts: list[int], width: int) -> None:
    bars = spark(counts, width)
    if sum(counts) == 0:
        assert bars == ""
        return
    assert len(bars) == min(width, len(counts))
    assert "█" in bars
    assert set(bars) <= set(" ▁▂▃▄▅▆▇█")
    if len(counts) <= width:
        assert [bar == " " for bar in bars] == [count == 0 for count in counts]


def test_bins_are_shared_out_evenly() -> None:
    assert spark([1] * 24, 10) == "█" * 10
    assert spark([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"
    assert spark([0, 1000, 1], 3) == " █▁"


@given(st.lists(st.text("abcé東 ", min_size=1, max_size=9), min_size=1, max_size=12), st.integers(8, 60), st.booleans())
def test_a_line_is_filled_and_no_more(parts: list[str], width: int, tally: bool) -> None:
    line = fill(parts, width, tally=tally)
    whole = ", ".join(parts)
    assert line == whole or cell_len(line) <= max(width, 18)
    if cell_len(whole) <= width:
        assert line == whole
    elif tally and len(parts) > 1:
        assert re.search(r"and \d+ more$", line)
    else:
        assert line.endswith("…")


def test_columns_find_their_place_in_blocks() -> None:
    cells = {"a": ["11111"], "b": ["2"], "c": ["333"], "d": ["4"]}
    assert list(fitting_blocks(cells, ["c", "b"], 100)) == [["a", "b", "c", "d"]]
    assert list(fitting_blocks(cells, ["c", "b"], 8)) == [["b", "c"], ["a"], ["d"]]
    assert list(fitting_blocks(cells, [], 1)) == [["a"], ["b"], ["c"], ["d"]]


def test_figures_as_people_read_them() -> None:
    assert [share(*pair) for pair in ((0, 9), (9, 9), (1, 3), (1, 30), (1, 9999), (9999, 10_000), (0, 0))] == [
        "<0.1%", "100%", "33%", "3.3%", "<0.1%", "99%", "100%",
    ]  # fmt: skip
    assert [size(n) for n in (0, 1, 1023, 2048, 5 * 2**20, 3 * 2**30)] == [
        "0 bytes", "1 byte", "1,023 bytes", "2.0 KiB", "5.0 MiB", "3.0 GiB",
    ]  # fmt: skip
    later = ("2024-01-01", "2020-02-01", "2020-01-01T05:00:00", "2020-01-01")
    assert [span("2020-01-01", end) for end in later] == [
        "4.0 years", "31 days", "5 hours", "0 seconds",
    ]  # fmt: skip
    assert visible("a\x1bb\u202ec") == "a\ufffdb\ufffdc"
    assert short("x" * 10**6, 10) == "x" * 9 + "…"
    assert short(" a") == "' a'"
    assert short("") == "''"


def test_titles_stand_upright_over_short_names(datasanity: Command, write: Write) -> None:
    rows = "\n".join(f"{i},{i % 3},2024-01-{i % 28 + 1:02d},word {i % 5}" for i in range(60))
    lines = datasanity("profile", write(f"a,b,c,d\n{rows}\n")).out.splitlines()
    for title in ("numbers", "dates", "texts"):
        assert any(line.startswith(f"{title}  ") for line in lines), title
