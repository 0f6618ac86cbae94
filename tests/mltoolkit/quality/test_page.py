from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.quality import check, diff, profile
from mltoolkit.quality.page.diff_page import diff_page
from mltoolkit.quality.page.profile_page import MOST_CARDS, profile_page
from mltoolkit.quality.page.writing import default_name, write_page

Write = Callable[..., Path]
Command = Callable[..., Any]
NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
_VOID = {"meta", "br", "link", "img", "input", "hr"}
_SVG = {"svg", "path", "rect", "title"}
_EXPECTED = _SVG | {
    *("html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "bdi", "main", "section"),
    *(
        "div",
        "span",
        "ol",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "article",
        "figure",
    ),
    *("figcaption", "footer", "small", "br", "i"),
}


class Page(HTMLParser):
    """A page taken apart: tags that are closed in order, attributes, text outside of styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _EXPECTED, tag
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _EXPECTED, tag
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data
            self.texts.append((self.open[-1], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def insist_on_self_contained(page: str) -> Page:
    """No script, no address but anchors within the page, every anchor there, every id once, pictures that speak."""
    parsed = Page(page)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in parsed.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert not {"src", "srcset", "action", "background", "xlink:href"} & set(attributes)
        if "href" in attributes:
            assert tag == "a"
            assert str(attributes["href"]).startswith("#")
            assert str(attributes["href"])[1:] in ids
        for name in ("aria-labelledby",):
            assert attributes.get(name, "main") in ids
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or (attributes["role"] == "img" and attributes["aria-label"])
    styles = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert len(styles) == 1
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]
    assert len(parsed.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    policy = [a["content"] for a in parsed.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert [a.get("lang") for a in parsed.all("html")] == ["en"]
    return parsed


def test_a_profile_is_one_page_that_needs_nothing(customers: pd.DataFrame) -> None:
    page = insist_on_self_contained(profile_page(profile(customers, "left"), now=NOW))
    headings = [text.strip() for tag, text in page.texts if tag in ("h2", "h3")]
    assert headings[0] == "At a glance"
    assert {"The columns in short", "Column by column"} <= set(headings)
    cards = [attributes["id"] for attributes in page.all("article")]
    assert cards == [f"column-{i}" for i in range(1, 8)]
    for name in customers.columns:
        assert page.text.count(name) >= 2
    assert f"{customers['age'].std():.4g}" in page.text
    assert "Histogram of age, " in str([a.get("aria-label") for a in page.all("svg")])
    assert "Made by datasanity on 4 March 2026, 05:06." in page.text
    assert "No class is rare, and no column gives the target away." in page.text


def test_the_same_facts_are_the_same_bytes(customers: pd.DataFrame) -> None:
    assert profile_page(profile(customers), now=NOW) == profile_page(profile(customers), now=NOW)


def test_findings_come_first_worst_first_with_their_lines(write: Write) -> None:
    path = write("id,age,city\n" + "".join(f"{i},{20 + i % 40},Oslo\n" for i in range(40)) + "41,XL,\n42,31,\n")
    found = check(path)
    page = insist_on_self_contained(profile_page(profile(path), found, bad=2, checked="checked by hand", now=NOW))
    assert page.text.index("Not clean") < page.text.index("At a glance") < page.text.index("Column by column")
    assert "1 error" in page.text
    assert "checked by hand" in page.text
    severities = [text for tag, text in page.texts if tag == "span" and text in ("error", "warning", "info")]
    first = severities[: len(found)]
    assert first == sorted(first, key=["error", "warning", "info"].index)
    assert "line 42" in page.text
    # Beside the list, each finding stands on the card of its column.
    assert page.text.count("1 value among numbers of another kind") + page.text.count("1 value among numbers") >= 2


def test_many_findings_of_one_kind_are_one() -> None:
    frame = pd.DataFrame({f"c{i}": [1] * 30 for i in range(40)} | {"n": range(30)})
    page = insist_on_self_contained(profile_page(profile(frame), check(frame), now=NOW))
    assert "40 columns; the most affected is c0" in page.text
    assert "and 28 more" in page.text


HOSTILE = [
    "<script>alert(1)</script>",
    "</style><b>x",
    "]]>",
    "--><img src=x onerror=alert(1)>",
    "&lt;&amp;\"'`",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u202c",
    "a\0b",
    "\x1b[31mred",
    "\u200bzero\u2028line",
    "javascript:alert(1)",
    "",
]


def test_hostile_names_and_values_are_shown_and_do_nothing(tmp_path: Path) -> None:
    frame = pd.DataFrame({name: HOSTILE * 4 for name in HOSTILE if name})
    frame["</title>"] = [f"{value} {i}" for i, value in enumerate(HOSTILE * 4)]
    facts, found = profile(frame, HOSTILE[0]), check(frame, HOSTILE[0])
    for page in (
        profile_page(facts, found, now=NOW),
        diff_page(diff(frame, frame.assign(**{"</title>": "<i>"})), now=NOW),
    ):
        parsed = insist_on_self_contained(page)
        page.encode()
        assert "<script>alert(1)</script>" in parsed.text
        assert "{{ 7 * 7 }}{% raw %}" in parsed.text
        for sign in "\0\x1b\u202e\u200b\u2028":
            assert sign not in page


@given(
    names=st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4, unique=True), value=st.text(max_size=30)
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_makes_a_page_that_is_whole(names: list[str], value: str) -> None:
    frame = pd.DataFrame({name: [value, "x", value] for name in names})
    insist_on_self_contained(profile_page(profile(frame), check(frame), now=NOW))


def test_long_names_and_values_are_cut() -> None:
    frame = pd.DataFrame({"n" * 100_000: ["v" * 1_000_000, "w"] * 5})
    page = profile_page(profile(frame), check(frame), now=NOW)
    assert len(page) < 60_000
    insist_on_self_contained(page)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": []}),
        pd.DataFrame({"a": [np.nan, None]}),
        pd.DataFrame({"a": [1.0]}),
        pd.DataFrame({"a": [1.7e308, -1.7e308, np.inf]}),
        pd.DataFrame({"a": [5, 5, 5]}),
        pd.DataFrame({"a": pd.to_datetime(["2020-01-01"] * 3)}),
        pd.DataFrame({"a": [True, False, None]}),
    ],
)
def test_small_and_odd_tables(frame: pd.DataFrame) -> None:
    insist_on_self_contained(profile_page(profile(frame), check(frame), now=NOW))
    insist_on_self_contained(diff_page(diff(frame, frame), now=NOW))
    insist_on_self_contained(diff_page(diff(frame, pd.DataFrame({"a": [1, 2, 3]})), now=NOW))


def test_a_very_wide_table_has_a_page_that_opens() -> None:
    frame = pd.DataFrame({f"c{i}": [i, 2, 3, 4] for i in range(MOST_CARDS + 50)})
    page = profile_page(profile(frame), now=NOW)
    parsed = insist_on_self_contained(page)
    assert len(parsed.all("article")) == MOST_CARDS
    assert "and 50 more columns: datasanity profile --json has them all" in parsed.text
    assert len(page) < 4_000_000


def test_two_tables_on_one_page(customers: pd.DataFrame) -> None:
    after = customers.assign(age=customers["age"] + 30, plan="pro").drop(columns="name")
    found = diff(customers, after)
    page = insist_on_self_contained(diff_page(found, bad=3, now=NOW))
    assert page.text.index("Changed") < page.text.index("At a glance")
    assert "Histograms of age before and now" in str([a.get("aria-label") for a in page.all("svg")])
    assert "7 → 6" in page.text
    assert len(page.all("article")) == 6
    (first, *_) = [text for tag, text in page.texts if tag == "bdi" and text in customers.columns and text != "name"]
    assert first in ("age", "plan")  # what has changed comes first


def test_what_is_there_is_not_overwritten_unless_it_is_a_page(tmp_path: Path, customers: pd.DataFrame) -> None:
    page = profile_page(profile(customers), now=NOW)
    target = tmp_path / "page.html"
    write_page(page, str(target))
    write_page(page, str(target))  # an own page is replaced
    assert target.read_text() == page
    thesis = tmp_path / "thesis.html"
    thesis.write_text("<html>years of work</html>")
    with pytest.raises(BadInput, match="is there already and is no page of datasanity; --force overwrites it"):
        write_page(page, str(thesis))
    assert thesis.read_text() == "<html>years of work</html>"
    write_page(page, str(thesis), force=True)
    assert thesis.read_text() == page
    with pytest.raises(BadInput, match="is a folder; expected the name of a page"):
        write_page(page, str(tmp_path))
    with pytest.raises(CannotRead, match="cannot be written"):
        write_page(page, str(thesis / "below" / "page.html"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "thesis.html"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("data/customers.csv.gz", "customers-profile.html"),
        ("a b?.parquet", "a-b-profile.html"),
        ("-", "table-profile.html"),
        ("duckdb:///shop.db?table=sales", "shop.db-table-sales-profile.html"),
        ("...", "table-profile.html"),
    ],
)
def test_what_a_page_is_called(file: str, name: str) -> None:
    assert default_name(file, "profile") == name


def test_profile_html(datasanity: Command, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a,b\n1,x\n2,y\n")
    page = tmp_path / "p.html"
    ended = datasanity("profile", path, "--html", "-o", page)
    assert (ended.status, ended.out, ended.err) == (0, "", f"open {page}\n")
    insist_on_self_contained(page.read_text())
    monkeypatch.chdir(tmp_path)
    assert datasanity("profile", path, "--html").status == 0
    assert (tmp_path / "table-profile.html").exists()
    assert datasanity("profile", path, "--html", "-o", path).status == 2
    assert path.read_text() == "a,b\n1,x\n2,y\n"
    assert "choose one" in datasanity("profile", path, "--html", "--json").err
    assert "-o is for the page that --html makes" in datasanity("profile", path, "-o", page).err


def test_report(datasanity: Command, write: Write, tmp_path: Path) -> None:
    good, bad = write("a,b\n1,x\n2,y\n3,z\n", "good.csv"), write("a,b\n1,x\n2,y\n1,x\n", "bad.csv")
    page = tmp_path / "r.html"
    assert datasanity("report", good, "-o", page).status == 0
    assert "Clean" in insist_on_self_contained(page.read_text()).text
    assert datasanity("report", bad, "-o", page).status == 1
    assert "1 row repeats an earlier row (33%)" in Page(page.read_text()).text
    assert datasanity("report", bad, "-o", page, "--fail-on", "error").status == 0
    assert datasanity("report", tmp_path / "none.csv", "-o", page).status == 2
    rules = write('[[rule]]\nrule = "column_values_to_be_between"\ncolumn = "a"\nmin_value = 2\n', "rules.toml")
    assert datasanity("report", good, "--rules", rules, "-o", page).status == 1
    text = Page(page.read_text()).text
    assert "and by 1 rule of rules.toml" in text
    assert "column_values_to_be_between" in text
    wrong = write('[[rule]]\nrule = "no_such"\n', "wrong.toml")
    ended = datasanity("report", good, "--rules", wrong, "-o", page)
    assert ended.status == 2
    assert "no_such" in ended.err


def test_a_page_on_standard_output(write: Write) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "mltoolkit.quality.cli", "report", str(write("a,é\n1,x\n2,y\n")), "-o", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    insist_on_self_contained(done.stdout.decode())


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_in_both_themes(customers: pd.DataFrame) -> None:
    page = profile_page(profile(customers), now=NOW)
    themes = re.findall(r":root \{(.*?)\}", page, flags=re.DOTALL)
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", theme))
        on = ("paper", "card")
        pairs = [
            (text, ground) for text in ("ink", "quiet", "link", "error", "warning", "info", "clean") for ground in on
        ]
        pairs += [(name, f"{name}-tint") for name in ("error", "warning", "info", "clean")]
        pairs += [("ink", f"{name}-tint") for name in ("error", "warning", "info", "clean")]
        pairs += [("ink", "faint"), ("card", "error"), ("card", "warning"), ("card", "clean")]
        low = {pair: contrast(*(colours[name] for name in pair)) for pair in pairs}
        assert min(low.values()) >= 4.5, {pair: value for pair, value in low.items() if value < 4.5}
        assert contrast(colours["bar"], colours["card"]) >= 3.0
