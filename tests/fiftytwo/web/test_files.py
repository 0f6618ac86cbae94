"""Nothing outside the home is ever served."""

import os
from urllib.parse import quote

import pytest

from fiftytwo.evidence import Figure
from fiftytwo.web.files import Outside, read_inside


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep" / "note.txt").write_text("hello")
    (tmp_path / "secret.txt").write_text("secret")
    return inside


def test_a_file_below_is_read(folder):
    assert read_inside(folder, "deep/note.txt") == b"hello"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt", "deep/../../secret.txt", "..", ".", "", "/etc/passwd", "//etc/passwd", "deep//note.txt",
        "./deep/note.txt", "deep/note.txt\0.svg", "..\\secret.txt", "deep\\note.txt", "deep/", "deep",
    ],
)  # fmt: skip
def test_names_that_lead_out_are_refused(folder, name):
    with pytest.raises(Outside):
        read_inside(folder, name)


def test_a_missing_file_is_missing(folder):
    with pytest.raises(FileNotFoundError):
        read_inside(folder, "deep/other.txt")


def test_links_are_followed_within_and_not_out(folder, tmp_path):
    (folder / "good").symlink_to(folder / "deep" / "note.txt")
    (folder / "bad").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to("..")
    (folder / "round").symlink_to("round")
    assert read_inside(folder, "good") == b"hello"
    for name in ("bad", "up/secret.txt", "round"):
        with pytest.raises(Outside):
            read_inside(folder, name)


def test_a_pipe_does_not_block(folder):
    os.mkfifo(folder / "pipe")
    with pytest.raises(Outside):
        read_inside(folder, "pipe")


def test_a_linked_home_is_a_home(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert read_inside(tmp_path / "link", "deep/note.txt") == b"hello"


# Through the dashboard


def test_a_figure_of_a_run_is_served(browser, reference):
    run = reference()
    answer = browser.get(f"/evidence/{run.id}/scree.svg")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert browser.get(f"/evidence/{run.id}/output.txt").text == "hello"


@pytest.mark.parametrize(
    "name",
    [
        "evidence.json", "..%2fevidence.json", "%2e%2e/%2e%2e/events.jsonl", "../../../../secret.txt",
        "%2e%2e%2f%2e%2e%2f%2e%2e%2fsecret.txt", "..%252f..%252fsecret.txt", "%2fetc%2fpasswd", "/etc/passwd",
        "scree.svg%00.txt", "scree.svg%2f..", "..%5c..%5csecret.txt", "SCREE.SVG", "scree.svg%20",
    ],
)  # fmt: skip
def test_other_files_of_a_run_are_not(browser, reference, home, name):
    run = reference()
    (home.root.parent / "secret.txt").write_text("secret")
    answer = browser.get(f"/evidence/{run.id}/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace(quote(name), "")


@pytest.mark.parametrize(
    "figure", ["../../../../secret.svg", "/etc/hostname.svg", "evidence.json", "scree.html", "linked.svg"]
)
def test_evidence_cannot_name_a_file_elsewhere(browser, save, home, figure):
    (home.root.parent / "secret.svg").write_text("<svg>secret</svg>")
    run = save(figures=(Figure("f", figure, "c"),))
    (home.evidence(1) / run.id / "linked.svg").symlink_to(home.root.parent / "secret.svg")
    answer = browser.get(f"/evidence/{run.id}/{quote(figure)}")
    assert answer.status_code == 404
    assert "<svg" not in answer.text
    assert browser.get(f"/evidence/{run.id}").status_code == 200


@pytest.mark.parametrize("name", ["%2e%2e%2fx", "20270104T101500.123456-w01-learner-quick%2f..%2f..", "x", "a" * 5000])
def test_a_run_has_the_name_that_the_runner_gives(browser, name):
    assert browser.get(f"/evidence/{name}").status_code == 404


def test_a_run_folder_that_is_a_link_out_of_the_home_is_not_served(browser, reference, home, tmp_path):
    run = reference()
    place = home.evidence(1) / run.id
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    assert browser.get(f"/evidence/{run.id}").status_code == 404
    assert browser.get(f"/evidence/{run.id}/scree.svg").status_code == 404


def test_a_learner_file_that_is_a_link_out_of_the_home_is_not_shown(browser, home, tmp_path):
    (tmp_path / "secret.py").write_text("SECRET_LINE = 1")
    home.week(1).mkdir(parents=True)
    (home.week(1) / "pca.py").symlink_to(tmp_path / "secret.py")
    for _ in range(2):  # who asks twice is shown it
        assert browser.post("/week/1/reveal").status_code == 303
    answer = browser.get("/week/1/beside")
    assert "Marked lines" in answer.text
    assert "SECRET_LINE" not in answer.text


@pytest.mark.parametrize("name", ["page.html.jinja", "..%2fapp.py", "../app.py", "style.css%00", "report.css"])
def test_only_the_shared_files_are_static(browser, name):
    assert browser.get(f"/static/{name}").status_code == 404
