"""Five formats: what is written comes back, what cannot be held is refused, what is torn is named."""

import os
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltoolkit import io
from mltoolkit.errors import BadInput, CannotRead, MissingExtra

FRAME = pd.DataFrame(
    {
        "whole": [1, -2, 3],
        "float": [0.1, np.nan, 1 / 3],
        "größe": ["NA", 'é, "quoted"\nline', "null"],
        "yes": [True, False, True],
    }
)
DATED = FRAME.assign(day=pd.to_datetime(["2020-01-01", "2021-06-30", "2022-12-31"]))
TABLES = {
    "csv": (io.write_csv, io.read_csv),
    "parquet": (io.write_parquet, io.read_parquet),
    "delta": (io.write_delta, io.read_delta),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_comes_back_as_it_was(tmp_path, kind):
    write, read = TABLES[kind]
    path = tmp_path / "folder" / kind
    frame = FRAME if kind == "csv" else DATED
    write(frame, path)
    pd.testing.assert_frame_equal(read(path), frame, check_dtype=kind != "delta")
    write(frame.iloc[:1], str(path))
    assert len(read(str(path))) == 1


@settings(max_examples=40)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_floats_of_a_csv_come_back_to_the_last_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    io.write_csv(pd.DataFrame({"x": values}), path)
    np.testing.assert_array_equal(io.read_csv(path)["x"].to_numpy(float), values)


def test_parquet_keeps_an_index_and_csv_refuses_to_lose_one(tmp_path):
    named = FRAME.set_index("größe")
    io.write_parquet(named, tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(io.read_parquet(tmp_path / "x.parquet"), named)
    for lost in (named, FRAME.set_axis(["a", "b", "c"]), FRAME.set_index(["whole", "yes"])):
        with pytest.raises(BadInput, match=r"the index of the frame would be lost; call reset_index\(\) first"):
            io.write_csv(lost, tmp_path / "x.csv")
    io.write_csv(FRAME[FRAME["whole"] > 0], tmp_path / "x.csv")  # a plain numbering with gaps carries nothing
    assert io.read_csv(tmp_path / "x.csv").index.tolist() == [0, 1]


@pytest.mark.parametrize("kind", TABLES)
def test_columns_without_a_name_of_their_own_are_refused_all_at_once(tmp_path, kind):
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "a", 7])
    with pytest.raises(BadInput, match="column name 7 is no text; column name 'a' occurs 2 times"):
        TABLES[kind][0](frame, tmp_path / "x")
    with pytest.raises(BadInput, match="the frame has no columns"):
        TABLES[kind][0](pd.DataFrame(), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_a_column_of_mixed_types_is_refused_and_the_old_table_stays(tmp_path, kind):
    write, read = TABLES[kind]
    write(FRAME, tmp_path / "x")
    with pytest.raises(BadInput, match=f"write_{kind}: .*[Cc]onver"):
        write(pd.DataFrame({"a": [1, "x", None]}), tmp_path / "x")
    assert len(read(tmp_path / "x")) == 3


def test_versions_of_a_delta_table(tmp_path):
    path = tmp_path / "table"
    assert io.write_delta(FRAME[["whole"]], path) == 0
    assert io.write_delta(FRAME[["whole"]], path, mode="append") == 1
    assert io.write_delta(FRAME[["yes"]], path) == 2
    assert [len(io.read_delta(path, version=v)) for v in (0, 1, 2)] == [3, 6, 3]
    assert list(io.read_delta(path).columns) == ["yes"]
    with pytest.raises(CannotRead, match="version 7 of a Delta table"):
        io.read_delta(path, version=7)
    with pytest.raises(BadInput, match="write_delta: Cannot cast schema"):
        io.write_delta(FRAME, path, mode="append")
    with pytest.raises(BadInput, match="mode='ignore' is neither overwrite nor append"):
        io.write_delta(FRAME, path, mode="ignore")
    assert io.write_delta(FRAME, path) == 3


def test_delta_names_its_extra_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "deltalake", None)
    for action in (lambda: io.write_delta(FRAME, tmp_path / "x"), lambda: io.read_delta(tmp_path / "x")):
        with pytest.raises(MissingExtra, match=r"deltalake is not installed; .*fiftytwo\[quality\]"):
            action()


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60)
@given(value=plain)
def test_plain_data_comes_back_from_json(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "x.json"
    io.write_json(value, path)
    assert io.read_json(path) == value


def test_json_takes_numpy_and_tuples_and_writes_for_people(tmp_path):
    io.write_json({"a": np.float64(0.5), "b": np.arange(3), "c": (1, np.bool_(True))}, tmp_path / "x.json")
    assert io.read_json(tmp_path / "x.json") == {"a": 0.5, "b": [0, 1, 2], "c": [1, True]}
    assert (tmp_path / "x.json").read_text("utf-8").startswith('{\n  "a": 0.5')


def test_json_names_every_value_that_it_cannot_hold(tmp_path):
    bad = {"a": [1.0, float("nan")], "b": {1: 2}, "c": {"d": object()}, "e": np.array([np.inf]), "f": "\ud800"}
    with pytest.raises(BadInput) as caught:
        io.write_json(bad, tmp_path / "x.json")
    for part in (r"$.a[1] is nan", "$.b has the key 1", "$.c.d is of type object", "$.e[0] is inf", "$.f holds half a"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1,\n "b": }', r"x.json, line 2, column 7: not JSON \(Expecting value\)"),
        (b"", "line 1, column 1: not JSON"),
        (b"[NaN]", "it holds NaN"),
        (b'"\xff"', "cannot be read as JSON"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(tmp_path, data, message):
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(CannotRead, match=message):
        io.read_json(tmp_path / "x.json")


def test_an_object_comes_back_from_joblib_and_a_changed_file_is_refused_unread(tmp_path):
    path = tmp_path / "x.joblib"
    checksum = io.write_joblib({"a": np.arange(5), "b": "text"}, path)
    found = io.read_joblib(path, sha256=checksum)
    np.testing.assert_array_equal(found["a"], np.arange(5))
    assert io.read_joblib(path)["b"] == "text"
    io.write_joblib(_Loud(), path)
    with pytest.raises(CannotRead, match="it was changed since it was written"):
        io.read_joblib(path, sha256=checksum)
    assert not _Loud.ran


class _Loud:
    """Runs when it is unpickled."""

    ran = False

    def __reduce__(self):
        return (_ran, ())


def _ran():
    _Loud.ran = True


READERS = {
    "CSV": io.read_csv,
    "Parquet": io.read_parquet,
    "JSON": io.read_json,
    "joblib": io.read_joblib,
}


@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_is_not_there_or_is_a_folder_is_said(tmp_path, kind):
    with pytest.raises(CannotRead, match=f"gone: there is no such file; expected {kind}"):
        READERS[kind](tmp_path / "gone")
    with pytest.raises(CannotRead, match=f"cannot be read as {kind}"):
        READERS[kind](tmp_path)


def test_a_folder_that_is_no_delta_table_is_said(tmp_path):
    with pytest.raises(CannotRead, match="cannot be read as Delta table"):
        io.read_delta(tmp_path)


@pytest.mark.parametrize("kind", ["parquet", "json", "joblib"])
def test_every_torn_file_is_noticed(tmp_path, kind):
    path = tmp_path / "x"
    {"parquet": io.write_parquet, "json": lambda f, p: io.write_json(f.to_dict("list"), p), "joblib": io.write_joblib}[
        kind
    ](FRAME[["whole", "yes"]], path)
    whole = path.read_bytes().rstrip(b"\n")
    read = {"parquet": io.read_parquet, "json": io.read_json, "joblib": io.read_joblib}[kind]
    for length in range(0, len(whole), max(1, len(whole) // 25)):
        path.write_bytes(whole[:length])
        with pytest.raises(CannotRead):
            read(path)


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2,3\n4\n5,6,7,8\n", b"a\n\xff\xfe\n"])
def test_what_is_no_csv_is_said(tmp_path, data):
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(CannotRead, match=r"x.csv: cannot be read as CSV \("):
        io.read_csv(tmp_path / "x.csv")


def test_leftovers_are_removed_once_they_are_old(tmp_path):
    keep = [tmp_path / name for name in ("file.part", ".file.part", ".x.csv.abcdefgh.part.txt")]
    old, young = tmp_path / ".x.csv.abcdefgh.part", tmp_path / ".x.csv.abcd_fgh.part"
    for path in (*keep, old, young):
        path.write_text("")
    os.utime(old, (1, 1))
    assert io.remove_leftovers(tmp_path) == [old]
    assert io.remove_leftovers(tmp_path, older_than=0.0) == [young]
    assert sorted(tmp_path.iterdir()) == sorted(keep)


def test_leftovers_look_as_atomic_path_names_them(tmp_path):
    with io.atomic_path(tmp_path / "x.csv") as temporary:
        assert list(tmp_path.glob(".*.????????.part")) == [temporary]
        assert io.remove_leftovers(tmp_path) == []
        temporary.write_text("x")


def test_csv_is_plain_for_other_programs(tmp_path):
    io.write_csv(pd.DataFrame({"a": [1.5, None], "b": ["x", "é"]}), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_bytes() == "a,b\n1.5,x\n,é\n".encode()
