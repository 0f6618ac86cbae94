"""The site: every page is whole, safe, and opens from a disk; the swap leaves no half site."""

import itertools
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from fiftytwo import plan
from fiftytwo.evidence import Verdict
from fiftytwo.report import site as site_module
from fiftytwo.report.site import replace_folder, write_report
from mltoolkit.errors import CannotRead

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """A page's elements, with a complaint for each that is not closed where it should be."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.faults = [], [], []
        self.feed(text)
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def all(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


def pages(folder):
    return {path.name: Page(path.read_text("utf-8")) for path in sorted(folder.glob("*.html"))}


def test_every_week_has_a_page(site):
    assert set(pages(site)) == {"index.html", *(f"week{n:02d}.html" for n in range(1, 53))}


def test_tags_are_balanced_and_ids_unique(site):
    for name, page in pages(site).items():
        assert page.faults == [], name
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(ids) == len(set(ids)), name


def test_links_and_pictures_lead_somewhere(site):
    parsed = pages(site)
    for name, page in parsed.items():
        ids = {attributes.get("id") for _, attributes in page.elements}
        for attributes in page.all("a", "link", "img"):
            address = urlsplit(attributes.get("href") or attributes["src"])
            if address.scheme:
                assert address.scheme == "https", name
                continue
            assert not address.fragment or address.fragment in ids, (name, address)
            assert not address.path or (site / unquote(address.path)).is_file(), (name, address)
        for attributes in (a for _, a in page.elements if "aria-labelledby" in a):
            assert attributes["aria-labelledby"] in ids


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(site):
    for name, page in pages(site).items():
        assert not page.all("script", "iframe", "object", "embed", "base", "form"), name
        loaded = [a.get("src") or a["href"] for a in page.all("img", "link", "source")]
        assert not [address for address in loaded if re.match(r"(?i)\w+:|//", address)], name
        assert not [key for _, a in page.elements for key in a if key.startswith("on") or key == "style"], name
    css = (site / "style.css").read_text("utf-8")
    assert "url(" not in css
    assert "@import" not in css


def test_texts_are_escaped(site):
    text = (site / "week01.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "&lt;b&gt;Duplicates?&lt;/b&gt;" in text
    assert "<script" not in text
    assert r"\<script>alert(1)" in (site / "REPORT.md").read_text("utf-8")


def test_headings_are_in_order(site):
    for name, page in pages(site).items():
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1, name
        assert levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name


def test_landmarks_and_tables_are_named(site):
    for name, page in pages(site).items():
        assert len(page.all("main")) == 1, name
        assert page.all("html")[0]["lang"] == "en", name
        assert all(a.get("scope") in ("row", "col") for a in page.all("th")), name
        assert all(a.get("alt") for a in page.all("img")), name
        assert all(a.get("aria-label") or a.get("aria-labelledby") for a in page.all("nav")), name
        assert page.all("a")[0] == {"class": "skip", "href": "#content"}, name


def test_numbers_are_formatted(site):
    for path in (site / "week01.html", site / "index.html", site / "REPORT.md"):
        text = re.sub(r"<[^>]+>", " ", path.read_text("utf-8"))
        assert not re.findall(r"\d\.\d{7,}", text), path.name
    text = (site / "week01.html").read_text("utf-8")
    for shown in ("4.44e-16", "30.1 dB", "≥ 30 dB", "12,345", "0.0469", "410 MiB", "8 GiB", "7.2 s", "0.000557"):
        assert shown in text, shown


def test_the_week_shows_what_the_run_left(site):
    text = (site / "week01.html").read_text("utf-8")
    for shown in (
        "reference: passed, 4 of 4 checks",
        "you: failed, 1 of 3 checks",
        "Share of the variance by component, with the broken-stick line.",
        "no longer kept",
        "You divide by n; the sample variance divides by n − 1.",
        "pca.py, line 41: raise NotImplementedError",
        "PCA(2).fit(X).explained_variance_",
        "openblas 0.3.30 Haswell, 2 threads",
        "CC BY 4.0",
        "<code>0123456789ab</code>",
        "2027-01-04 09:15 UTC",
        "Three pixels are constant",
        "What the digits are, and what they are not",
        "could not run here",
        "<math",
        "about 6 hours",
    ):
        assert shown in text, shown
    assert (site / "figures/week01/01-scree.svg").read_text("utf-8").startswith("<svg")


def test_the_year_names_every_week_and_its_state(site):
    text = (site / "index.html").read_text("utf-8")
    assert text.count('class="cell planned"') == 51
    assert text.count('class="cell passed"') == 1
    assert "you: failed, 1 of 3 checks" in text
    assert "fiftytwo check 1" in text
    assert all(week.title in text for week in plan.year())


def test_a_planned_week_is_shown_as_such(site):
    week = plan.year()[51]
    text = (site / "week52.html").read_text("utf-8")
    assert "planned, not landed yet" in text
    for shown in (week.title, week.phase, week.build, week.assess, *week.targets):
        assert shown in text
    assert 'href="week51.html"' in text
    assert "week53" not in text
    assert 'id="checks"' not in text


def test_an_empty_home_says_what_to_type(home, demo):
    index = write_report(home, catalogue=demo)
    assert "To begin, type:</p>" in re.sub(r" <code>fiftytwo run 1</code>", "", index.read_text("utf-8"))
    week = index.with_name("week01.html").read_text("utf-8")
    assert "fiftytwo run 1" in week
    assert "fiftytwo start 1" in week
    assert not (home.root / "fiftytwo.db").exists()
    assert write_report(home, catalogue={}).read_text("utf-8").count("fiftytwo plan") == 1


def test_a_learner_alone_sees_the_reference_numbers(home, save, demo, runs):
    save(runs.learner())
    text = write_report(home, catalogue=demo).with_name("week01.html").read_text("utf-8")
    assert "1.2e-13" in text
    assert "landed, not run yet" in text


def test_an_untouched_starter_is_one_box_and_not_a_wall(home, save, demo, runs):
    run = runs.learner()
    missing = tuple(replace(run.verdicts[2], name=f"check {n}") for n in range(20))
    save(replace(run, verdicts=missing))
    text = write_report(home, catalogue=demo).with_name("week01.html").read_text("utf-8")
    assert text.count('<details class="failure') == 1
    assert "</span> 20 checks</h4>" in text
    assert text.count("PCA.partial_fit raises NotImplementedError") == 1
    assert "<summary>all 20 by name</summary>check 0 · check 1 · " in text


def test_starters_left_in_several_places_are_told_apart(home, save, demo, runs):
    run = runs.learner()
    missing = tuple(replace(run.verdicts[2], name=f"check {n}", message=f"write part {n}") for n in range(3))
    save(replace(run, verdicts=missing))
    text = write_report(home, catalogue=demo).with_name("week01.html").read_text("utf-8")
    assert text.count("<details") == 1
    assert "<dt>check 2</dt><dd>write part 2 <code>pca.py, line 41: raise NotImplementedError</code></dd>" in text


def test_a_crash_that_ends_many_checks_is_said_once(home, save, demo, runs):
    run = runs.learner()
    crashes = [
        Verdict(
            f"check {n}", "crashed", None, "≤ 1", message="SyntaxError: invalid syntax", frame=f"pca.py, line {line}"
        )
        for n, line in enumerate([7, 7, 7, 9])
    ]
    save(replace(run, verdicts=tuple(crashes)))
    text = write_report(home, catalogue=demo).with_name("week01.html").read_text("utf-8")
    assert text.count("<details") == 2
    assert "<dd>check 0 · check 1 · check 2</dd>" in text
    assert "<pre>pca.py, line 9</pre>" in text


def test_only_the_first_failure_is_open_and_hints_are_counted_not_told(home, save, demo, runs):
    run = runs.learner()
    hints = ("a first secret", "a second secret")
    save(replace(run, verdicts=tuple(replace(verdict, hint=hints) for verdict in run.verdicts)))
    text = write_report(home, catalogue=demo).with_name("week01.html").read_text("utf-8")
    assert [tag.endswith(" open>") for tag in re.findall("<details[^>]*>", text)] == [True, False]
    assert text.count("<dt>hints</dt><dd>2") == 2
    assert text.count("2, one at a time: <code>fiftytwo hint 1</code>") == 1
    assert "secret" not in text


@pytest.mark.parametrize(
    ("who", "place"),
    [("learner", "week01"), ("reference", "evidence/week01/20270104T101500.123456-w01-learner-quick")],
)
def test_the_replay_script_is_named_from_the_home(home, save, demo, runs, who, place):
    save(replace(runs.learner(), who=who))
    text = write_report(home, catalogue=demo).with_name("week01.html").read_text("utf-8")
    assert f"<pre>{place}/counterexample/replay.py</pre>" in text


@pytest.mark.parametrize(
    ("reference", "learner", "state"),
    [
        ("passed", None, "passed"),
        ("failed", None, "failed"),
        ("could not run here", None, "absent"),
        (None, "failed", "landed"),
        (None, "passed", "yours"),
        ("passed", "passed", "yours"),
        ("failed", "passed", "failed"),
    ],
)
def test_states(home, save, demo, runs, reference, learner, state):
    if reference:
        save(replace(runs.reference(), status=reference))
    if learner:
        save(replace(runs.learner(), status=learner))
    assert f'class="cell {state}"' in write_report(home, catalogue=demo).read_text("utf-8")


def test_a_run_on_ones_own_parts_says_what_each_result_rests_on(home, save, demo, runs):
    reference = runs.reference()
    verdicts = (replace(reference.verdicts[0], parts=("Scaler", "double")), *reference.verdicts[1:])
    save(replace(reference, id="20270109T000000.000000-w01-mine-quick", who="mine", verdicts=verdicts,
                 parts={"Scaler": "learner", "double": "reference"}))  # fmt: skip
    page = write_report(home, catalogue=demo).with_name("week01.html").read_text("utf-8")
    assert '<h2 id="mine">On your own parts</h2>' in page
    assert "<td>Scaler (yours), double</td>" in page
    assert '<a href="#mine">' in page


def test_a_run_that_ended_early_says_why(home, save, demo, runs):
    save(replace(runs.reference(), status="failed", reason="killed after 300 s", verdicts=()))
    index = write_report(home, catalogue=demo, markdown=True)
    for name in ("index.html", "week01.html", "REPORT.md"):
        assert "killed after 300 s" in index.with_name(name).read_text("utf-8"), name


def test_a_week_that_cannot_be_imported_does_not_end_the_report(home):
    index = write_report(home, catalogue={1: "no_such_module.lab"})
    assert "ModuleNotFoundError: No module named" in index.with_name("week01.html").read_text("utf-8")


def test_a_profile_is_kept_to(home, save, demo, runs):
    save(runs.reference())
    index = write_report(home, profile="full", catalogue=demo, markdown=True)
    for name in ("index.html", "week01.html", "REPORT.md"):
        text = index.with_name(name).read_text("utf-8")
        assert "No run of the full profile yet." in text, name
        assert "fiftytwo run 1 --profile full" in text, name
    assert "Newest runs" in write_report(home, profile="quick", catalogue=demo).read_text("utf-8")


def test_a_figure_may_not_leave_its_run(home, save, demo, runs):
    (home.root).mkdir()
    (home.root / "secret.svg").write_text("secret", "utf-8")
    run = runs.reference()
    figures = tuple(replace(run.figures[0], file=file) for file in ("../../../secret.svg", "/etc/passwd"))
    save(replace(run, figures=figures))
    folder = write_report(home, catalogue=demo).parent
    assert not (folder / "figures").exists()


def test_an_earlier_report_is_replaced_as_a_whole(site, home, demo):
    (site / "stale.html").write_text("old", "utf-8")
    assert (site / "REPORT.md").exists()
    write_report(home, catalogue=demo)
    assert not (site / "stale.html").exists()
    assert not (site / "REPORT.md").exists()
    assert [path.name for path in home.root.iterdir() if path.name.startswith(".report")] == []
    assert site.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_failure_leaves_the_old_site(site, home, demo, monkeypatch):
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}

    def fail(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(site_module, "week_page", fail)
    with pytest.raises(OSError, match="No space left"):
        write_report(home, catalogue=demo)
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before
    assert [path.name for path in home.root.iterdir() if path.name.startswith(".report")] == []


def test_a_swap_that_fails_puts_the_old_folder_back(tmp_path, monkeypatch):
    place = tmp_path / "report"
    place.mkdir()
    (place / "a").write_text("old", "utf-8")
    move = Path.replace

    def refuse(self, target):
        if self.suffix == ".new":
            raise OSError("busy")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="busy"):
        replace_folder(place, lambda folder: (folder / "a").write_text("new", "utf-8"))
    assert (place / "a").read_text("utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("file", ["thesis.txt", "index.html"])
def test_a_folder_that_is_no_report_is_left_alone(home, demo, tmp_path, file):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / file).write_text("mine", "utf-8")
    with pytest.raises(CannotRead, match=r"mine is there already and is not a report; name an empty or new folder"):
        write_report(home, folder, catalogue=demo)
    assert (folder / file).read_text("utf-8") == "mine"


def test_a_link_to_the_report_stays_a_link(home, demo, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_report(home, tmp_path / "link", catalogue=demo)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/index.html").is_file()


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast_in_both_themes(theme):
    """WCAG 2.2 level AA asks for 4.5 to 1."""
    css = Path(site_module.__file__).with_name("templates").joinpath("style.css").read_text("utf-8")
    pairs_of_colours = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", css)
    colours = {name: both[theme] for name, *both in pairs_of_colours}
    names = ("ink", "quiet", "link", "yours", "passed", "failed", "absent", "landed", "planned")
    pairs = [(name, ground) for name in names for ground in ("paper", "card")]
    pairs += [(name, f"{name}-tint") for name in ("yours", "passed", "failed", "absent")]
    pairs += [(text, ground) for ground in colours if ground.endswith("tint") for text in ("ink", "quiet")]
    pairs += [("ink", "code")]
    for text, ground in pairs:
        light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
