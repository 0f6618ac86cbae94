"""Pages of the documentation that are made when the site is built, and a look at what was built.

MkDocs calls the ``on_`` functions (``hooks`` in mkdocs.yml). What they make is written nowhere by hand:

- the library reference, one page for each package whose ``__init__.py`` names a public face; the faces are read as
  syntax trees and the docstrings by griffe, so that no extra needs to be installed;
- the benchmarks page, from ``benchmarks/results``;
- ``CONTRIBUTING.md`` and ``CHANGELOG.md`` as pages, with their links into ``docs`` made right.

After the build every page is searched for scripts, styles, fonts and pictures from elsewhere: the site must work
without a network.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = ROOT / "src" / "mltoolkit"
RESULTS = ROOT / "benchmarks" / "results"
# Modules that are a public face themselves: their names are listed because no __init__.py lists them.
MODULES = ("errors", "io")
LOADING = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src")}
ELSEWHERE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
NOT_LOADED = {"canonical", "alternate", "next", "prev", "license", "author", "edit"}


@dataclass(frozen=True)
class Face:
    """What a package or module shows: public name -> where it is defined, as ``"mltoolkit.linalg.pca.PCA"``."""

    module: str
    summary: str
    names: Mapping[str, str]

    @property
    def title(self) -> str:
        """The module's name after ``mltoolkit.``."""
        return self.module.partition(".")[2]


def faces(packages: Path = PACKAGES) -> list[Face]:
    """Every public face of the library, sorted by name."""
    found = [_lazy_face(file) for file in packages.glob("*/__init__.py")]
    found += [_plain_face(packages / f"{name}.py") for name in MODULES]
    return sorted((face for face in found if face.names), key=lambda face: face.module)


def _lazy_face(file: Path) -> Face:
    """The names that a package gives to ``lazy_loader.attach``."""
    tree = ast.parse(file.read_text("utf-8"))
    module = f"mltoolkit.{file.parent.name}"
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "submod_attrs":
            for inner, shown in ast.literal_eval(node.value).items():
                names |= {name: f"{module}.{inner}.{name}" for name in shown}
    return Face(module, ast.get_docstring(tree) or "", dict(sorted(names.items(), key=lambda item: item[0].lower())))


def _plain_face(file: Path) -> Face:
    """The public functions and classes of a module, in the order in which it defines them."""
    tree = ast.parse(file.read_text("utf-8"))
    module = f"mltoolkit.{file.stem}"
    names = {
        node.name: f"{module}.{node.name}"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    return Face(module, (ast.get_docstring(tree) or "").partition("\n")[0], names)


def reference_page(face: Face) -> str:
    """A page that has griffe read every name of a face."""
    lines = [f"# {face.module}", "", face.summary, ""]
    for name, path in face.names.items():
        shown = f"{face.module}.{name}"
        # The anchor under which a reader of the import line looks for it.
        lines += [f'<a id="{shown}"></a>', "", f"::: {path}", "    options:", f"      heading: {shown}"]
        lines += [f"      toc_label: {name}", ""]
    return "\n".join(lines)


def reference_index(found: list[Face]) -> str:
    """The list of all public names, each with a link to its docstring."""
    lines = [
        "# The library",
        "",
        "`mltoolkit` is what the weeks build, to import at work. Everything here is read from the docstrings, so",
        "`help(mltoolkit.linalg.PCA)` says the same on a terminal. Importing a package loads nothing heavy, and a",
        "name that needs an extra says which one and how to get it.",
        "",
    ]
    for face in found:
        page = f"{face.title}.md"
        lines += [f"## [{face.module}]({page})", "", face.summary, ""]
        lines += [" · ".join(f"[`{name}`]({page}#{face.module}.{name})" for name in face.names), ""]
    return "\n".join(lines)


def benchmarks_page(results: Path = RESULTS) -> str:
    """The newest results as tables: one for each file of results, with machine, date and versions."""
    records = [json.loads(file.read_text("utf-8")) for file in sorted(results.glob("*.json"))]
    rows = [row for record in records for row in record["rows"]]
    set_goals = [row for row in rows if row["goal"] is not None]
    met = sum(_met(row) for row in set_goals)
    lines = [
        "# Benchmarks",
        "",
        "Ours beside the strongest peer that does the same work: in one process, in turn, after a warm-up of each, and",
        "only once both results were found equal. The ratio is the peer's time over ours, as the median of all pairs",
        "and as the least of them; above 1, ours is faster. A goal is the ratio that was set before the measuring;",
        "a row without one explains another.",
        "`make bench` measures again; this page is made from its files.",
        "",
        f"**{met} of {len(set_goals)} goals are met.**" if rows else "Nothing was measured yet.",
        "",
    ]
    for record in records:
        lines += [*_benchmark(record), ""]
    return "\n".join(lines)


def _benchmark(record: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {_title(record['benchmark'])}"
    yield ""
    yield "| what | beside | ratio | least | goal |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for row in record["rows"]:
        what = f"{_cell(row['name'])}<br><small>{_cell(row['workload'])}</small>"
        peer = f"<code>{_cell(row['peer'])}</code><br><small>{_seconds(row)}</small>"
        goal = "" if row["goal"] is None else _ratio(row["goal"])
        if row["ratio_median"] is None:
            yield f"| {what} | {peer} | not equal: {_cell(row['difference'])} | | {goal} |"
            continue
        if goal:
            goal += "<br>met" if _met(row) else "<br>**missed**"
        yield f"| {what} | {peer} | {_ratio(row['ratio_median'])} | {_ratio(row['ratio_least'])} | {goal} |"
    machine = record["machine"]
    memory = machine["memory_bytes"] / 2**30
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    threads = "one thread a side" if record["threads"] == 1 else f"{record['threads']} threads a side"
    yield ""
    yield (
        f"{record['date'][:10]} · {machine['processor']}, {machine['cores']} cores, {memory:.0f} GiB, "
        f"{machine['system']} · {threads} · {versions}"
    )
    yield "{ .measured }"


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return words.upper() if len(words) <= 3 else words[:1].upper() + words[1:]


def _met(row: Mapping[str, Any]) -> bool:
    return row["ratio_median"] is not None and row["ratio_median"] >= row["goal"]


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _seconds(row: Mapping[str, Any]) -> str:
    if not row["seconds"]:
        return ""
    ours, peer = (statistics.median(pair[side] for pair in row["seconds"]) for side in (0, 1))
    return f"{_time(ours)} ours, {_time(peer)} theirs"


def _time(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _cell(text: str) -> str:
    """Text as it can stand in a cell of a table that takes HTML."""
    return re.sub(r"[&<|*_`]", lambda match: f"&#{ord(match[0])};", text)


def root_page(name: str) -> str:
    """A Markdown file of the checkout's root, with its links as they must be inside ``docs``."""
    text = (ROOT / name).read_text("utf-8")
    return re.sub(r"\]\(docs/([^)]+)\)", r"](\1)", text)


def made_pages() -> dict[str, str]:
    """Every page that is made, by its path inside ``docs``."""
    found = faces()
    pages = {f"reference/{face.title}.md": reference_page(face) for face in found}
    pages["reference/index.md"] = reference_index(found)
    pages["benchmarks.md"] = benchmarks_page()
    pages["contributing.md"] = root_page("CONTRIBUTING.md")
    pages["changelog.md"] = root_page("CHANGELOG.md")
    return pages


class _Loads(HTMLParser):
    """What a page loads from elsewhere, whatever is merely linked."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "link" and values.get("rel") in NOT_LOADED:
            return
        self.found += [value for key, value in attributes if (tag, key) in LOADING and value and ELSEWHERE.match(value)]


def loads_from_elsewhere(html: str) -> list[str]:
    """Addresses of scripts, styles and pictures that a page would fetch from another host."""
    parser = _Loads()
    parser.feed(html)
    return parser.found + re.findall(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\"')\s]+)", html)


def on_config(config: Any) -> Any:
    """MkDocs: the reference's pages in the navigation, one for each face."""
    pages = [{face.module: f"reference/{face.title}.md"} for face in faces()]
    for entry in config.nav:
        if "Library" in entry:
            entry["Library"] = ["reference/index.md", *pages]
    return config


def on_files(files: Any, *, config: Any) -> Any:
    """MkDocs: the pages that are made."""
    from mkdocs.structure.files import File

    for path, text in made_pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_post_build(*, config: Any) -> None:
    """MkDocs: no page may need a network."""
    from mkdocs.exceptions import PluginError

    site = Path(config.site_dir)
    built = [*site.rglob("*.html"), *site.rglob("*.css")]
    found = {str(file.relative_to(site)): loads for file in sorted(built)
             if (loads := loads_from_elsewhere(file.read_text("utf-8")))}  # fmt: skip
    if found:
        raise PluginError(f"pages that need a network: {found}")
