"""Lines of TOML and YAML, against files whose lines are known because they were put together here."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltoolkit.config import files
from mltoolkit.errors import CannotRead

TOML = '''\
# a comment
a = 1

"quoted key" = 2
b.c = 3
b.d.e = 4
text = """
[not a table]
x = 3
"""
array = [
  1,  # one
  { inner = 5 },
]
inline = { x = 1, y = { z = 2 } }
[table]
k = 1
[table.sub]
k = 2
[[many]]
name = "first"
[[many]]
name = "second"
[many.sub]
k = 3
[[many.more]]
k = 4
[[many.more]]
k = 5
[late.er]
'''


def test_the_lines_of_toml(tmp_path):
    (tmp_path / "x.toml").write_text(TOML, "utf-8")
    tree = files.read_tree(tmp_path / "x.toml")
    assert tree.values == tomllib.loads(TOML)
    wanted = {
        ("a",): 2, ("quoted key",): 4, ("b", "c"): 5, ("b", "d", "e"): 6, ("text",): 7, ("array",): 11,
        ("array", 0): 11, ("array", 1, "inner"): 11, ("inline", "y", "z"): 15, ("table",): 16, ("table", "k"): 17,
        ("table", "sub"): 18, ("table", "sub", "k"): 19, ("many",): 20, ("many", 0): 20, ("many", 0, "name"): 21,
        ("many", 1): 22, ("many", 1, "name"): 23, ("many", 1, "sub", "k"): 25, ("many", 1, "more", 0, "k"): 27,
        ("many", 1, "more", 1): 28, ("many", 1, "more", 1, "k"): 29, ("late",): 30, ("late", "er"): 30,
    }  # fmt: skip
    assert {key: tree.lines.get(key) for key in wanted} == wanted
    assert set(tree.lines) == set(keys_of(tree.values))


def keys_of(value, above=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*above, name)
        yield from keys_of(inner, (*above, name))


YAML = """\
# a comment
a: no
b:
  c: 1e3

  d: [1,
      2]
list:
  - x: 1
    y: 2
  -
    x: 3
base: &base {k: 1}
copy: *base
merged:
  <<: *base
  l: 2
"""


@pytest.mark.parametrize("name", ["x.yaml", "x.YML"])
def test_the_lines_of_yaml(tmp_path, name):
    (tmp_path / name).write_text("\ufeff" + YAML, "utf-8")
    tree = files.read_tree(tmp_path / name)
    assert tree.values["a"] == "no"
    assert tree.values["b"] == {"c": 1000.0, "d": [1, 2]}
    assert tree.values["merged"] == {"k": 1, "l": 2}
    wanted = {
        ("a",): 2, ("b",): 3, ("b", "c"): 4, ("b", "d"): 6, ("b", "d", 1): 7, ("list", 0): 9, ("list", 0, "y"): 10,
        ("list", 1, "x"): 12, ("base", "k"): 13, ("copy",): 14, ("merged", "l"): 17,
    }  # fmt: skip
    assert {key: tree.lines.get(key) for key in wanted} == wanted


def test_an_empty_file_sets_nothing(tmp_path):
    for name in ("x.toml", "x.yaml"):
        (tmp_path / name).write_text("# nothing yet\n")
        assert files.read_tree(tmp_path / name).values == {}


names = st.text(
    st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=("C", "Z")), min_size=1, max_size=6
)


@settings(max_examples=60)
@given(entries=st.lists(st.tuples(names, st.integers(0, 3)), min_size=1, max_size=12, unique_by=lambda e: e[0]))
def test_each_key_is_found_on_the_line_on_which_it_was_written(tmp_path_factory, entries):
    folder = tmp_path_factory.mktemp("files")
    for name, sign in (("x.toml", " ="), ("x.yaml", ":")):
        lines: list[str] = []
        wanted = {}
        for key, blank in entries:
            lines += ["# a comment"] * blank
            lines.append(f'"{key}"{sign} [1, "x"]')
            wanted[key] = len(lines)
        (folder / name).write_text("\n".join(lines), "utf-8")
        tree = files.read_tree(folder / name)
        assert {key: tree.lines[key,] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.toml", "a = 1\nb = \n", r"x.toml, line 2: not TOML \(Invalid value\)"),
        ("x.toml", "a = 1\na = 2\n", "line 2: not TOML .Cannot overwrite a value"),
        ("x.toml", 'a = 1\nb = """\nc', "line 3: not TOML"),
        ("x.yaml", "a: 1\nb: [1\nc: 2\n", "line 3: not YAML .expected"),
        ("x.yaml", "a: 1\nb: 2\na: secret\n", "line 3: the key a is given twice"),
        ("x.yaml", "a: 1\n---\nb: 2\n", "line 2: not YAML .but found another document"),
        ("x.yaml", "- 1\n- 2\n", "line 1: expected keys with values at the top level"),
        ("x.yaml", "a: !!python/object/apply:os.system [ls]\n", "line 1: not YAML .could not determine a constructor"),
        ("x.yaml", "a: &a\n  b: *a\n", "line 1: an anchor that contains itself"),
        ("x.yaml", "a: \x07\n", r"x.yaml: not YAML \(ReaderError\)"),
        ("x.json", "{}", "expected a file that ends in .toml, .yaml, .yml"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(CannotRead, match=message) as caught:
        files.read_tree(tmp_path / name)
    assert "secret" not in str(caught.value)


def test_aliases_cannot_fill_the_memory(tmp_path):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    (tmp_path / "x.yaml").write_text("\n".join(levels))
    with pytest.raises(CannotRead, match="more than 100000 entries once its aliases are followed"):
        files.read_tree(tmp_path / "x.yaml")


def test_files_that_are_not_there_not_utf8_or_folders(tmp_path):
    (tmp_path / "latin.toml").write_bytes(b'a = "\xe9"\n')
    (tmp_path / "folder.toml").mkdir()
    for name, message in (
        ("gone.toml", "there is no such file"),
        ("latin.toml", "not UTF-8 at byte 5; save it as UTF-8"),
        ("folder.toml", "Is a directory"),
    ):
        with pytest.raises(CannotRead, match=message):
            files.read_tree(tmp_path / name)
