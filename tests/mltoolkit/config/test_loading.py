"""Layers, conversions, and every mistake at its place."""

import datetime
import itertools
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from mltoolkit.config import load_config
from mltoolkit.errors import BadInput, CannotRead


class Optimizer(Enum):
    SGD = "sgd"
    ADAM = "adam"


class Train(BaseModel):
    epochs: Annotated[int, Field(gt=0)] = 1
    optimizer: Optimizer = Optimizer.SGD
    rates: list[float] = []
    mode: Literal["fast", "slow"] = "fast"
    resume: bool = False
    day: datetime.date | None = None


class Stage(BaseModel):
    name: str
    depth: int = 3


class Service(BaseModel):
    url: str
    token: SecretStr


class Settings(BaseModel):
    seed: int = 0
    title: str = ""
    out: Path | None = None
    inputs: list[Path] = []
    limit: int | None = 5
    train: Train = Train()
    stages: list[Stage] = []
    pair: tuple[int, str] = (0, "")
    tags: set[str] = set()
    named: dict[str, Stage] = {}
    service: Service | None = None


def write(folder, text, name="run.toml"):
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def complaint(*arguments, **options):
    with pytest.raises(BadInput) as caught:
        load_config(*arguments, **options)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return str(caught.value)


@pytest.mark.parametrize("present", list(itertools.product((False, True), repeat=3)))
@pytest.mark.parametrize("name", ["run.toml", "run.yaml", "run.yml"])
def test_an_override_beats_the_environment_beats_the_file_beats_the_default(tmp_path, present, name):
    file, variable, override = present
    text = {True: "[train]\nepochs = 2\n", False: ""}[file]
    if name != "run.toml":
        text = "train:\n  epochs: 2\n" if file else ""
    found = load_config(
        Settings,
        write(tmp_path, text, name),
        env_prefix="RUN_",
        environ={"RUN_TRAIN__EPOCHS": "3", "OTHER": "x"} if variable else {},
        overrides=["train.epochs=4"] if override else [],
    )
    assert found.train.epochs == (4 if override else 3 if variable else 2 if file else 1)


def test_without_any_layer_there_are_the_defaults():
    assert load_config(Settings) == Settings()


def test_the_environment_is_the_real_one_and_only_with_a_prefix(monkeypatch):
    monkeypatch.setenv("MLTOOLKIT_TEST_SEED", "9")
    monkeypatch.setenv("mltoolkit_test_train__resume", "yes")
    found = load_config(Settings, env_prefix="MLTOOLKIT_TEST_")
    assert (found.seed, found.train.resume) == (9, True)
    assert load_config(Settings).seed == 0


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("train.rates=0.1, 0.2", {"train": {"rates": [0.1, 0.2]}}),
        ("train.rates=[0.1, 0.2]", {"train": {"rates": [0.1, 0.2]}}),
        ("train.rates=", {"train": {"rates": []}}),
        ("train.optimizer=adam", {"train": {"optimizer": "adam"}}),
        ("train.resume=on", {"train": {"resume": True}}),
        ("train.day=2027-01-04", {"train": {"day": "2027-01-04"}}),
        ("train={epochs: 7, mode: slow}", {"train": {"epochs": 7, "mode": "slow"}}),
        ("stages=[{name: no}, {name: b, depth: 1}]", {"stages": [{"name": "no"}, {"name": "b", "depth": 1}]}),
        ("named={a: {name: x}}", {"named": {"a": {"name": "x"}}}),
        ("named.a.name=x", {"named": {"a": {"name": "x"}}}),
        ("pair=3,x", {"pair": (3, "x")}),
        ("tags=a,b,a", {"tags": {"a", "b"}}),
        ("title=[a, b]", {"title": "[a, b]"}),
        ("title=null", {"title": "null"}),
        ("title=a=b", {"title": "a=b"}),
        ("limit=null", {"limit": None}),
        (" seed = 3 ", {"seed": 3}),
        ("out=a/b", {"out": "a/b"}),
    ],
)
def test_text_is_converted_by_the_type_of_its_key(override, expected):
    assert load_config(Settings, overrides=[override]) == Settings.model_validate(expected)


@settings(max_examples=60)
@given(
    seed=st.integers(),
    title=st.text(max_size=12).map(str.strip),
    rates=st.lists(st.floats(allow_nan=False), max_size=4),
)
def test_whatever_is_written_as_an_override_is_read_back(seed, title, rates):
    overrides = [f"seed={seed}", f"title={title}", "train.rates=" + ",".join(map(repr, rates))]
    found = load_config(Settings, overrides=overrides)
    assert (found.seed, found.title, found.train.rates) == (seed, title, rates)


def test_a_list_of_the_file_is_changed_by_index_or_replaced_as_a_whole(tmp_path):
    path = write(tmp_path, '[[stages]]\nname = "a"\n[[stages]]\nname = "b"\n')
    found = load_config(
        Settings, path, env_prefix="X_", environ={"X_STAGES__0__NAME": "c"}, overrides=["stages.1.depth=9"]
    )
    assert found.stages == [Stage(name="c"), Stage(name="b", depth=9)]
    assert load_config(Settings, path, overrides=["stages=[]"]).stages == []
    text = complaint(Settings, path, overrides=["stages.2.depth=1", "stages.x.depth=1", "train.rates.0=1"])
    assert "override stages.2.depth: stages.2: the list has entries 0 to 1" in text
    assert "override stages.x.depth: stages.x: the list has entries 0 to 1" in text


def test_an_index_into_an_empty_list_is_a_mistake(tmp_path):
    text = complaint(Settings, write(tmp_path, "stages = []\n"), overrides=["stages.0.depth=1"])
    assert text == "1 mistake in the settings:\n  override stages.0.depth: stages.0: the list has no entries"


def test_an_override_replaces_what_is_wrong_below_it(tmp_path):
    path = write(tmp_path, 'train = 3\nstages = "x"\n')
    found = load_config(Settings, path, overrides=["train.epochs=2", "stages=[]"])
    assert found.train.epochs == 2


def test_paths_of_a_file_start_at_its_folder_and_others_where_the_user_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = write(tmp_path, f'out = "results/a.csv"\ninputs = ["b", "{tmp_path}/c", "~/d"]\ntitle = "results"\n')
    found = load_config(Settings, path)
    assert found.out == tmp_path / "results" / "a.csv"
    assert found.inputs == [tmp_path / "b", tmp_path / "c", tmp_path / "home" / "d"]
    assert found.title == "results"
    found = load_config(Settings, path, overrides=["out=~/x"], env_prefix="P_", environ={"P_INPUTS": "a"})
    assert (found.out, found.inputs) == (tmp_path / "home" / "x", [Path("a")])


TOML = """\
sede = 7
seed = "seven"

[train]
epochs = 0
optimizer = "adm"
mode = "fsat"
rates = [
  0.1,
  "fast",
]
day = "soon"

[[stages]]
depth = "deep"
[[stages]]
name = "b"
[stages.extra]
a = 1

[service]
token = 5
urll = "x"
"""
YAML = """\
sede: 7
seed: seven

train:
  epochs: 0
  optimizer: adm
  mode: fsat
  rates:

    - 0.1
    - fast
  day: [3]

stages:
- depth: deep
- name: b

  extra:
    a: 1

service:
  token: [5]
  urll: x
"""


@pytest.mark.parametrize(("text", "name", "rate", "stage"), [(TOML, "run.toml", 8, 14), (YAML, "run.yaml", 11, 15)])
def test_every_mistake_of_a_file_is_told_with_line_and_key_in_order(tmp_path, text, name, rate, stage):
    path = write(tmp_path, text, name)
    got = "a list" if name == "run.yaml" else "'soon'"
    lines = complaint(Settings, path).splitlines()
    assert lines[0] == "13 mistakes in the settings:"
    told = [line.removeprefix(f"  {path}, line ") for line in lines[1:]]
    assert told[:5] == [
        "1: sede is no known key; did you mean seed?",
        "2: seed should be a valid integer, got 'seven'",
        "5: train.epochs should be greater than 0, got 0",
        "6: train.optimizer should be 'sgd' or 'adam', got 'adm'; did you mean 'adam'?",
        "7: train.mode should be 'fast' or 'slow', got 'fsat'; did you mean 'fast'?",
    ]
    assert told[5] == f"{rate}: train.rates.1 should be a valid number, got 'fast'"
    assert told[6].startswith("12: train.day should be ")
    assert told[6].endswith(f", got {got}")
    assert f"{stage}: stages.0.name is missing" in told
    assert "15: stages.0.depth should be a valid integer, got 'deep'" in told
    assert "18: stages.1.extra is no known key; known: name, depth" in told
    assert any(line.endswith("service.url is missing") for line in told)
    assert any(line.endswith("service.urll is no known key; did you mean service.url?") for line in told)
    assert any("service.token should be a valid string" in line for line in told)
    numbers = [int(line.partition(":")[0]) for line in told]
    assert numbers == sorted(numbers)


def test_mistakes_of_all_layers_are_told_at_once_and_in_the_order_of_the_layers(tmp_path):
    path = write(tmp_path, "sede = 7\n")
    text = complaint(
        Settings,
        path,
        env_prefix="RUN_",
        environ={"RUN_SEED": "x", "RUN_TRIAN__EPOCHS": "1", "RUN_TRAIN__RESUME": "perhaps"},
        overrides=["train.epochs=-1", "no equals sign", "=3", "train.rates=[1", "stages=3"],
    )
    assert text.splitlines() == [
        "9 mistakes in the settings:",
        f"  {path}, line 1: sede is no known key; did you mean seed?",
        "  environment variable RUN_SEED: seed should be a valid integer, got 'x'",
        "  environment variable RUN_TRAIN__RESUME: train.resume should be a valid boolean, unable to interpret input, "
        "got 'perhaps'",
        "  environment variable RUN_TRIAN__EPOCHS: trian is no known key; did you mean train?",
        "  override train.epochs: train.epochs should be greater than 0, got '-1'",
        "  override 2: expected key=value, such as train.epochs=5",
        "  override 3: expected key=value, such as train.epochs=5",
        "  override train.rates: train.rates is not a list such as [a, b] or a table such as {a: 1}",
        "  override stages: stages.0 should be a table, got '3'",
    ]


SECRET = "correct horse battery"


class Guarded(BaseModel):
    password: SecretStr
    service: Service | None = None
    services: dict[str, Service] = {}

    @field_validator("password")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) > 3:
            raise ValueError(f"{value.get_secret_value()} is too long")
        return value

    @model_validator(mode="after")
    def _never(self) -> "Guarded":
        raise ValueError(f"the token {self.service and self.service.token.get_secret_value()} is refused")


@pytest.mark.parametrize(
    "text",
    [
        f'password = "{SECRET}"',
        f'pasword = "{SECRET}"',
        f'password = ["{SECRET}"]',
        f'password = "abc"\nservice = "{SECRET}"',
        f'password = "abc"\n[service]\nurl = "u"\ntoken = "{SECRET}"',
        f'password = "abc"\n[service]\nurl = "u"\ntoken = "t"\ntoekn = "{SECRET}"',
        f'password = "abc"\n[services.x]\nurl = "u"\ntoken = ["{SECRET}"]',
        f'password = "abc"\nservices = "{SECRET}"',
        f'password = "{SECRET}\n',
        f'password = "a"\npassword = "{SECRET}"\n',
    ],
)
def test_no_message_repeats_a_secret(tmp_path, text):
    with pytest.raises((BadInput, CannotRead)) as caught:
        load_config(Guarded, write(tmp_path, text))
    assert SECRET not in str(caught.value)
    yaml = text.replace(" = ", ": ").replace("[service]\n", "service:\n  ").replace("\ntoken", "\n  token")
    with pytest.raises((BadInput, CannotRead)) as caught:
        load_config(Guarded, write(tmp_path, yaml, "run.yaml"))
    assert SECRET not in str(caught.value)
    key, _, value = text.splitlines()[-1].partition(" = ")
    for options in (
        {"overrides": [f"{key}={value}", SECRET]},
        {"env_prefix": "G_", "environ": {f"G_{key}": value}},
    ):
        with pytest.raises(BadInput) as caught:
            load_config(Guarded, **options)
        assert SECRET not in str(caught.value)


def test_a_check_of_the_models_own_is_quoted_where_nothing_is_secret(tmp_path):
    class Range(BaseModel):
        low: int
        high: int
        even: int = 0

        @field_validator("even")
        @classmethod
        def _even(cls, value: int) -> int:
            if value % 2:
                raise AssertionError("has to\nbe even")
            return value

        @model_validator(mode="after")
        def _ordered(self) -> "Range":
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    assert complaint(Range, overrides=["low=1", "high=0"]).endswith("  the settings: low is above high")
    assert complaint(Range, overrides=["low=1", "high=2", "even=3"]).endswith(
        "override even: even: has to be even, got '3'"
    )


def test_keys_beyond_the_fields_are_taken_where_the_model_says_so(tmp_path):
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        known: int = 0
        inner: Stage | None = None

    path = write(tmp_path, "other = 3\n")
    found = load_config(Open, path, overrides=["more=4"])
    assert found.model_extra == {"other": 3, "more": "4"}
    text = complaint(Open, write(tmp_path, 'other = 3\n[inner]\nname = "a"\nnmae = "b"\n'))
    assert text.splitlines()[1:] == [f"  {path}, line 4: inner.nmae is no known key; did you mean inner.name?"]


def test_aliases_are_the_keys(tmp_path):
    class Aliased(BaseModel):
        learning_rate: float = Field(alias="learning-rate")
        batch: int = Field(1, validation_alias=AliasChoices("batch", "batch-size"))

    class Both(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        rate: float = Field(alias="learning-rate")

    path = write(tmp_path, "learning-rate = 0.5\nbatch-size = 3\n")
    assert load_config(Aliased, path).batch == 3
    assert "did you mean learning-rate?" in complaint(Aliased, overrides=["learning-rat=0.5"])
    assert load_config(Both, overrides=["rate=2"]).rate == load_config(Both, overrides=["learning-rate=2"]).rate


def test_members_of_a_union_are_told_as_alternatives(tmp_path):
    class Either(BaseModel):
        value: int | list[int] = 0

    text = complaint(Either, write(tmp_path, 'value = "x"\n'))
    assert text.splitlines()[1].endswith("value should be a valid integer, got 'x'; or value should be a list, got 'x'")


def test_a_model_that_holds_itself_is_walked_once(tmp_path):
    path = write(tmp_path, 'name = "a"\n[[children]]\nname = "b"\n[[children.children]]\nname = 3\n')
    text = complaint(Tree, path)
    assert text.splitlines()[1].endswith("line 5: children.0.children.0.name should be a valid string, got 3")


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


def test_anything_may_stand_under_any():
    class Loose(BaseModel):
        value: Any = None
        table: dict[str, Any] = {}

    found = load_config(Loose, overrides=["value=3", "table.a=1", "table.b={c: 2}"])
    assert found.value == "3"
    assert found.table["a"] == "1"


def test_a_missing_key_names_the_file_that_should_have_it(tmp_path):
    class Needs(BaseModel):
        seed: int

    path = write(tmp_path, "")
    assert complaint(Needs, path) == f"1 mistake in the settings:\n  {path}: seed is missing"
    assert complaint(Needs) == "1 mistake in the settings:\n  seed is missing"
