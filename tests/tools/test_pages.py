"""The made pages of the documentation: every public name, every result, and nothing from elsewhere."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


pages = tool("pages")


def test_every_lazy_face_has_its_page() -> None:
    found = {face.module: face for face in pages.faces()}
    lazy = {
        f"mltoolkit.{file.parent.name}"
        for file in (ROOT / "src" / "mltoolkit").glob("*/__init__.py")
        if "lazy_loader" in file.read_text("utf-8")
    }
    assert lazy <= set(found)
    for module in lazy:
        assert set(found[module].names) == set(importlib.import_module(module).__all__)


def test_every_name_is_read_from_its_own_module() -> None:
    for face in pages.faces():
        text = pages.reference_page(face)
        for name, path in face.names.items():
            assert re.search(rf"^::: {re.escape(path)}$", text, re.M)
            file = ROOT / "src" / Path(*path.split(".")[:-1]).with_suffix(".py")
            assert re.search(rf"\b{name}\b", file.read_text("utf-8")), path


def test_the_index_links_every_name() -> None:
    found = pages.faces()
    text = pages.reference_index(found)
    for face in found:
        for name in face.names:
            assert f"({face.title}.md#{face.module}.{name})" in text


def row(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "name": "a | b", "workload": "10 <rows>", "peer": "f(*x, _y_)", "goal": 2.0, "difference": "",
        "seconds": [[0.001, 0.003], [0.002, 0.004], [0.003, 0.009]], "ratio_median": 3.0, "ratio_least": 2.0,
    }  # fmt: skip
    return whole | changes


def record(*rows: dict[str, object]) -> dict[str, object]:
    machine = {"system": "Linux", "processor": "Abacus", "cores": 2, "memory_bytes": 8 * 2**30}
    return {"benchmark": "two_words", "date": "2027-01-04T10:00:00+00:00", "threads": 1, "machine": machine,
            "versions": {"numpy": "2.4.6"}, "rows": rows}  # fmt: skip


def test_benchmarks_are_shown_as_they_were_measured(tmp_path: Path) -> None:
    rows = [
        row(),
        row(goal=4.0),
        row(goal=None, name="why"),
        row(ratio_median=None, ratio_least=None, seconds=[], difference="2 of 3 differ"),
    ]
    (tmp_path / "two_words.json").write_text(json.dumps(record(*rows)))
    text = pages.benchmarks_page(tmp_path)
    assert "**1 of 3 goals are met.**" in text
    assert "## Two words" in text
    assert "a &#124; b" in text
    assert "10 &#60;rows>" in text
    assert "2 ms ours, 4 ms theirs" in text
    assert text.count("| 3 | 2 |") == 3
    assert "| 3 | 2 |  |" in text
    assert "4<br>**missed**" in text
    assert "not equal: 2 of 3 differ" in text
    assert "2027-01-04 · Abacus, 2 cores, 8 GiB, Linux · one thread a side · numpy 2.4.6" in text


def test_benchmarks_without_results(tmp_path: Path) -> None:
    assert "Nothing was measured yet." in pages.benchmarks_page(tmp_path)


def test_the_kept_results_can_be_shown() -> None:
    text = pages.benchmarks_page()
    for file in (ROOT / "benchmarks" / "results").glob("*.json"):
        for measured in json.loads(file.read_text("utf-8"))["rows"]:
            assert pages._cell(measured["name"]) in text


def test_root_pages_link_inside_the_site() -> None:
    assert "](docs/" not in pages.root_page("CONTRIBUTING.md")
    assert "](architecture.md)" in pages.root_page("CONTRIBUTING.md")
    assert pages.root_page("CHANGELOG.md").startswith("# Changelog")


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<script src="https://a.b/c.js"></script>', ["https://a.b/c.js"]),
        ('<link rel="stylesheet" href="//a.b/c.css">', ["//a.b/c.css"]),
        ("<img alt='' src='http://a.b/c.png'>", ["http://a.b/c.png"]),
        ("<style>@import 'https://a.b/c.css'; a { background: url(https://a.b/d.png) }</style>", 2),
        ('<a href="https://a.b/">a link</a> <link rel="canonical" href="https://a.b/">', []),
        ('<script src="assets/a.js"></script><img src="report.png">', []),
    ],
)
def test_what_a_page_loads_from_elsewhere_is_seen(html: str, found: list[str] | int) -> None:
    seen = pages.loads_from_elsewhere(html)
    assert len(seen) == found if isinstance(found, int) else seen == found


def test_the_site_is_built_without_a_warning_and_without_a_network(tmp_path: Path) -> None:
    pytest.importorskip("mkdocstrings", reason="needs the extra docs: make docs builds the site too")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    config = load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(tmp_path / "site"))
    build(config)
    for face in pages.faces():
        html = (tmp_path / "site" / "reference" / f"{face.title}.html").read_text("utf-8")
        for name, path in face.names.items():
            assert f'id="{face.module}.{name}"' in html
            assert f'id="{path}"' in html


class TestDocstrings:
    @pytest.fixture
    def as_markdown(self) -> object:
        pytest.importorskip("griffe", reason="needs the extra docs")
        return tool("docstrings").as_markdown

    def test_roles_are_code(self, as_markdown) -> None:
        assert as_markdown("See :func:`f` and :class:`~a.b.C`.") == "See `f` and `C`."

    def test_a_literal_block_is_a_block_of_code(self, as_markdown) -> None:
        text = "Such as::\n\n    [a]\n    b = 1\n\n      c\n\nAfter."
        assert as_markdown(text) == "Such as:\n\n```text\n[a]\nb = 1\n\n  c\n```\n\nAfter."

    def test_a_simple_table_is_a_table(self, as_markdown) -> None:
        text = "Of:\n\n===  =====\na    b\n===  =====\n1    x | y\n2    long words here\n===  =====\nAfter."
        assert as_markdown(text) == (
            "Of:\n\n| a | b |\n| --- | --- |\n| 1 | x &#124; y |\n| 2 | long words here |\nAfter."
        )

    def test_parameters_that_share_a_description_each_have_it(self, as_markdown) -> None:
        text = "a, *b : int\n    One.\n    Two.\nc, d\n    Three.\n\nReturns\n-------\nint\n    e, f\n"
        assert as_markdown(text) == (
            "a : int\n    One.\n    Two.\n*b : int\n    One.\n    Two.\n"
            "c\n    Three.\nd\n    Three.\n\nReturns\n-------\nint\n    e, f\n"
        )

    def test_a_type_is_code_as_a_whole(self, as_markdown) -> None:
        assert as_markdown("x : like ``y``\n    Not ``z``.\n") == "x : like y\n    Not ``z``.\n"

    def test_other_text_stays(self, as_markdown) -> None:
        text = "Σ x_i / n,\n\n  an indented line\n\nParameters\n----------\nx : int\n    A number: any."
        assert as_markdown(text) == text
