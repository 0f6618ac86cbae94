"""Week 2's checks bite: the reference passes, the starter fails, every known mistake is caught and named."""

import io
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from fiftytwo import documents, judge, plan
from fiftytwo.lab import Lab
from fiftytwo.learner.stub import derive
from fiftytwo.learner.workbench import Bench
from fiftytwo.solution import Solution
from fiftytwo.weeks.w02_svd import drills, foreign, profiling, review
from fiftytwo.weeks.w02_svd.mistakes import mistakes
from mltoolkit.errors import CannotRead

WEEK = plan.load(2)
NAMES = WEEK.week.exercise.names


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.delenv("FIFTYTWO_IMAGE", raising=False)
    with threadpool_limits(1):
        yield


def judged(folder, solution, *, exercise_only=True):
    lab = Lab(WEEK.week, folder, Solution(WEEK.week, replaced=solution), draw=False)
    built = judge.BuiltOnDemand(lambda: WEEK.build(lab))
    return judge.assess(WEEK, lab, built, exercise_only=exercise_only), lab


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The reference's verdicts and what its run left behind."""
    with threadpool_limits(1):
        found, lab = judged(tmp_path_factory.mktemp("run"), {}, exercise_only=False)
        return {j.verdict.name: j for j in found}, lab


def test_the_reference_passes_every_check(reference):
    found, lab = reference
    assert {name: j.verdict.message for name, j in found.items() if j.verdict.outcome != "passed"} == {}
    assert len(found) >= 55
    assert {figure.name for figure in lab.ledger.figures} == {
        "Pictures at several ranks", "Quality by size", "Spectrum", "What it costs",
    }  # fmt: skip
    tables = {table.name: table for table in lab.ledger.tables}
    assert set(tables) == {"Quality and size", "Time and memory", "Data-frame drills"}
    assert len(tables["Time and memory"].rows) == 18
    assert len(tables["Data-frame drills"].rows) == len(drills.DRILLS) >= 10


def test_the_starter_fails_every_check(tmp_path):
    scope = {}
    exec(compile(derive(Bench(WEEK.week, None).reference(), NAMES, 2), "svd.py", "exec"), scope)
    found, _ = judged(tmp_path, {name: scope[name] for name in NAMES})
    assert {j.verdict.outcome for j in found} == {"not attempted"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mistake", mistakes, ids=lambda mistake: mistake.name)
def test_each_mistake_is_caught_and_named(assert_caught_and_named, tmp_path, mistake):
    def make_lab(solution):
        return Lab(WEEK.week, tmp_path, Solution(WEEK.week, replaced=solution), draw=False)

    assert_caught_and_named(WEEK, mistake, make_lab)


def test_every_check_says_why_and_exercise_checks_give_hints(reference):
    for judgement in reference[0].values():
        verdict = judgement.verdict
        assert verdict.why.endswith(".")
        assert verdict.hint or not verdict.exercise


# --- documents


def test_both_documents_are_rendered_from_the_run(reference):
    found, lab = reference
    texts = {}
    for template, title, facts in lab.pending_documents:
        ledger = lab.ledger
        verdicts = [j.verdict for j in found.values()]
        texts[title] = documents.render(
            WEEK.path / template, metrics=ledger.metrics, tables=ledger.tables, verdicts=verdicts, data=ledger.data,
            facts=facts,
        )  # fmt: skip
        assert documents.typed_numbers(WEEK.path / template) == []
    assert set(texts) == {"Performance report", "Pull-request review"}
    assert "| gram |" in texts["Performance report"]
    assert texts["Pull-request review"].count("☐") + texts["Pull-request review"].count("■") > 20


def test_the_checklist_is_that_of_the_contributors_page():
    text = review.SOURCE.read_text("utf-8")
    groups = review.checklist(text)
    items = [item for group in groups.values() for item in group]
    assert len(items) == text.count("- [ ]")
    assert "The change is one idea." in items[1].text
    assert all(item.text.endswith(".") and "\n" not in item.text for item in items)
    assert sum(bool(item.checks) for item in items) == len(review.EVIDENCE)


def test_a_checklist_that_lost_what_the_week_answers_is_an_error():
    with pytest.raises(LookupError, match="no heading '## Pull-request review checklist'"):
        review.checklist("# Contributing\n")
    with pytest.raises(LookupError, match="has no item with 'held against an oracle', 'Edge cases are there'"):
        review.checklist("## Pull-request review checklist\n\n**Is it safe**\n\n- [ ] Foreign input is checked.\n")


# --- drills


@pytest.mark.parametrize("seed", range(5))
def test_pandas_and_sql_agree(seed):
    tables = drills.tables_of(np.random.default_rng(seed))
    for drill in drills.DRILLS:
        answer = drill.pandas(tables)
        assert len(answer) > 0
        assert drills.cells_that_differ(answer, drills.by_sql(tables, drill.sql), drill.keys) == 0, drill.name


def test_the_tables_hold_the_traps():
    tables = drills.tables_of(np.random.default_rng(52))
    orders, customers = tables["orders"], tables["customers"]
    assert orders["customer"].isna().any()
    assert customers["customer"].isna().any()
    assert customers["region"].isna().any()
    assert "west" not in set(customers["region"])
    assert orders.duplicated(["customer", "placed"]).any()
    assert orders.duplicated(["customer", "amount"]).any()
    assert not set(orders["customer"].dropna()) <= set(customers["customer"].dropna())
    assert orders.loc[orders["customer"] == 7, "amount"].isna().all()
    assert tables["rates"]["quoted"].min() > orders["placed"].min()


def test_the_careless_answer_to_a_drill_is_noticed():
    tables = drills.tables_of(np.random.default_rng(52))
    by_name = {drill.name: drill for drill in drills.DRILLS}
    careless = {
        "left join": tables["orders"].merge(tables["customers"], on="customer", how="left")[["id", "region"]],
        "group-by with a missing key": tables["customers"].groupby("region").size().reset_index(name="customers"),
        "sum of nothing": tables["orders"].groupby("customer")["amount"].sum().reset_index(name="spent"),
    }
    for name, answer in careless.items():
        drill = by_name[name]
        assert drills.cells_that_differ(answer, drills.by_sql(tables, drill.sql), drill.keys) > 0, name


def test_cells_are_compared_one_by_one():
    import pandas as pd

    left = pd.DataFrame({"k": [2, 1], "x": [np.nan, 1.0], "t": ["a", None]})
    assert drills.cells_that_differ(left, left[::-1], ("k",)) == 0
    assert drills.cells_that_differ(left, left.assign(x=[0.0, 1.0]), ("k",)) == 1
    assert drills.cells_that_differ(left, left.assign(t=["a", "b"], x=[5.0, 6.0]), ("k",)) == 3
    assert drills.cells_that_differ(left, left[:1], ("k",)) == 6
    assert drills.cells_that_differ(left, left.rename(columns={"x": "y"}), ("k",)) == 6


# --- costs


def test_memory_is_counted_in_sizes_of_the_matrix():
    def three_copies(a, rank, **_):
        copies = [np.array(a) for _ in range(3)]
        return copies[0][:, :rank], copies[1][0, :rank], copies[2][:rank]

    milliseconds, peak, times = profiling.measure(SimpleNamespace(truncated_svd=three_copies), 200, 300, 2, "svd")
    assert milliseconds >= 0
    assert times == pytest.approx(3.0, abs=0.05)
    assert peak == pytest.approx(3 * 200 * 300 * 8 / 2**20, rel=0.05)


# --- an image of the learner's own


def save(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


COLOUR = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def test_lossless_images_come_as_they_are(tmp_path):
    np.testing.assert_array_equal(foreign.read_image(save(tmp_path / "a.png", COLOUR)), COLOUR)
    np.testing.assert_array_equal(foreign.read_image(save(tmp_path / "a.bmp", COLOUR)), COLOUR)
    np.testing.assert_array_equal(foreign.read_image(save(tmp_path / "g.png", COLOUR[..., 0])), COLOUR[..., 0])


def test_transparent_is_white_and_a_turned_camera_is_turned_back(tmp_path):
    clear = np.dstack([COLOUR, np.zeros((30, 40), dtype=np.uint8)])
    np.testing.assert_array_equal(foreign.read_image(save(tmp_path / "clear.png", clear)), np.full((30, 40), 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    assert foreign.read_image(save(tmp_path / "turned.jpg", COLOUR, exif=exif)).shape == (40, 30, 3)


def test_large_images_are_scaled_down(tmp_path):
    big = np.zeros((100, 2 * foreign.LONGEST_SIDE), dtype=np.uint8)
    assert foreign.read_image(save(tmp_path / "big.png", big)).shape == (50, foreign.LONGEST_SIDE)


def png_that_claims(width, height):
    """A PNG of a few bytes whose header announces any size."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read as an image"),
        (b"not an image" * 9, "expected one of PNG, JPEG"),
        (png_that_claims(9000, 9000), "has 9000 x 9000 pixels; at most 67,108,864"),
        (png_that_claims(2**31 - 1, 2**31 - 1), "pixels"),
        (png_that_claims(20, 20), "cannot be read as an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be read as an image"),
    ],
    ids=["empty", "text", "large", "a bomb", "cut short", "a program"],
)
def test_what_is_no_image_is_refused_in_one_line(tmp_path, data, message):
    path = tmp_path / "mine.png"
    path.write_bytes(data)
    with pytest.raises(CannotRead, match=message) as caught:
        foreign.read_image(path)
    assert str(caught.value).startswith("mine.png ")
    assert "\n" not in str(caught.value)


def test_sixteen_bits_are_refused(tmp_path):
    path = save(tmp_path / "deep.png", np.full((4, 4), 40_000, dtype=np.uint16))
    with pytest.raises(CannotRead, match="has pixels of kind I;16; save it with 8 bits a channel"):
        foreign.read_image(path)


def test_any_cut_of_an_image_is_read_or_refused(tmp_path):
    sink = io.BytesIO()
    Image.fromarray(COLOUR).save(sink, "JPEG")
    data = sink.getvalue()
    path = tmp_path / "cut.jpg"
    for length in itertools.chain(range(0, len(data) - 1, 37), [len(data) - 20]):
        path.write_bytes(data[:length])
        with pytest.raises(CannotRead):
            foreign.read_image(path)


def test_an_image_that_is_named_joins_the_build(tmp_path, monkeypatch):
    from fiftytwo.weeks.w02_svd import photographs

    monkeypatch.setenv("FIFTYTWO_IMAGE", str(save(tmp_path / "holiday.png", COLOUR)))
    lab = Lab(WEEK.week, tmp_path, Solution(WEEK.week), draw=False)
    images = photographs.load(lab)
    np.testing.assert_array_equal(images["your own"], COLOUR)
    assert [used.title for used in lab.ledger.data][-1] == "holiday.png"
    steps = photographs.compress(lab, {"your own": images["your own"], "tiny": COLOUR[:2, :2, 0]})
    assert [step.rank for step in steps["your own"]] == [1, 5, 10, 20]
    assert [step.rank for step in steps["tiny"]] == [1]


def test_an_image_without_any_detail_breaks_nothing(tmp_path, monkeypatch):
    from fiftytwo.weeks.w02_svd import photographs

    monkeypatch.setenv("FIFTYTWO_IMAGE", str(save(tmp_path / "white.png", np.full((9, 9, 3), [255, 0, 0], np.uint8))))
    lab = Lab(WEEK.week, tmp_path, Solution(WEEK.week), draw=False)
    images = photographs.load(lab)
    photographs.show(lab, images, photographs.compress(lab, images))
    (table,) = lab.ledger.tables
    assert [row[-1] for row in table.rows if row[0] == photographs.OWN] == [None, None]


def test_small_photographs_of_the_full_profile(shared_data, tmp_path, monkeypatch):
    from fiftytwo.weeks.w02_svd import photographs

    monkeypatch.setattr(photographs, "_SMALL_COUNT", 20)
    lab = Lab(WEEK.week, tmp_path, Solution(WEEK.week), profile="full", draw=False)
    photographs.small_images(lab)
    (table,) = lab.ledger.tables
    quality = [row[3] for row in table.rows]
    assert quality == sorted(quality)
    assert [row[1] for row in table.rows] == [2 * k * (32 + 3 * 32) for k, *_ in table.rows]
    assert lab.ledger.data[0].name == "cifar10-subset"
