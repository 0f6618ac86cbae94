"""Layers of settings become one typed object, or one error that names every mistake.

From the weakest to the strongest: the model's own defaults, the file, the environment, the overrides. Each value
remembers where it came from, so a mistake is reported at its own place::

    2 mistakes in the settings:
      run.toml, line 3: train.optimiser is no known key; did you mean train.optimizer?
      environment variable APP_TRAIN__EPOCHS: train.epochs should be greater than 0, got '-1'

What a value may be is pydantic's business; this module layers, places and words. Values of secrets, and of
keys that nobody knows (a misspelt secret is one), appear in no message.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from mltoolkit.config import fields
from mltoolkit.config.files import Key, read_tree
from mltoolkit.errors import BadInput

Model = TypeVar("Model", bound=BaseModel)
_SHORTEST = 4  # characters; hiding every "a" of a message would make it unreadable
_HIDDEN = "**********"  # as pydantic shows a secret


class Source(NamedTuple):
    """Where a value came from; sources sort in the order in which a person looks for mistakes."""

    layer: int  # 0 the file, 1 the environment, 2 the overrides
    position: int
    text: str


class Mistake(NamedTuple):
    """One mistake and its place."""

    source: Source
    text: str


def load_config(
    model: type[Model],
    path: Path | str | None = None,
    *,
    env_prefix: str | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Model:
    """Settings from a file, the environment and overrides, checked against a pydantic model.

    Parameters
    ----------
    model : subclass of pydantic.BaseModel
        Names, types, bounds and defaults. Keys that it does not have are mistakes, unless it says
        ``extra="allow"``.
    path : Path or str, optional
        A ``.toml``, ``.yaml`` or ``.yml`` file. YAML is read by version 1.2: ``no`` and ``on`` are texts.
    env_prefix : str, optional
        With ``"APP_"``, the variable ``APP_TRAIN__EPOCHS`` sets ``train.epochs``; upper and lower case are the
        same. Every variable with the prefix has to be a known key, so take a prefix that nothing else
        uses. None (the default) leaves the environment out.
    overrides : sequence of str
        Such as ``"train.epochs=5"``, from a command line; of two for one key the later holds. A number
        as a segment is an index into a list that the file has: ``"models.0.depth=3"``.
    environ : mapping of str to str, optional
        In place of ``os.environ``.

    Returns
    -------
    model
        An instance of the model.

    Raises
    ------
    CannotRead
        When the file cannot be read as TOML or YAML.
    BadInput
        When anything in it is wrong: all mistakes of all layers at once, each with its place (file and
        line, variable or override), its key, and for an unknown key the nearest one that is known.

    Notes
    -----
    Text from the environment and from overrides is converted by the type of its key: numbers, yes and no,
    dates, enums and paths as pydantic reads them; lists as ``a,b`` or ``[a, b]``; tables as ``{a: 1}``;
    ``null`` is None where the type allows it. A list or table replaces the one below it as a whole.

    A relative path is taken from the file's folder when it stands in the file, and left as it is
    elsewhere; a leading ``~`` is the user's home in both.

    Examples
    --------
    >>> from pydantic import BaseModel
    >>> class Train(BaseModel):
    ...     epochs: int = 10
    ...     rates: list[float] = [0.1]
    >>> load_config(Train, overrides=["rates=0.3,0.1"], env_prefix="APP_", environ={"APP_EPOCHS": "3"})
    Train(epochs=3, rates=[0.3, 0.1])
    """
    layers = _Layers(model)
    if path is not None:
        layers.add_file(Path(path))
    if env_prefix is not None:
        layers.add_environment(env_prefix, os.environ if environ is None else environ)
    layers.add_overrides(overrides)
    try:
        loaded = model.model_validate(layers.values, extra="forbid")
    except ValidationError as error:
        layers.note(error.errors(include_url=False))
        if not layers.mistakes:  # nothing but keys beyond the fields of models that allow them
            return model.model_validate(layers.values)
    if layers.mistakes:
        raise BadInput(layers.report()) from None
    return loaded


@dataclass
class _Layers:
    """The settings so far, where each came from, and the mistakes so far."""

    model: type[BaseModel]
    values: dict[Any, Any] = field(default_factory=dict)
    sources: dict[Key, Source] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    file: Source = field(default_factory=lambda: Source(0, 0, ""))

    def add_file(self, path: Path) -> None:
        """The file's values, with relative paths taken from its folder."""
        tree = read_tree(path)
        self.file = Source(0, 0, str(path))
        self.sources = {key: Source(0, line, f"{path}, line {line}") for key, line in tree.lines.items()}
        self.values = _with_paths(self.model, tree.values, (), path.parent)

    def add_environment(self, prefix: str, environ: Mapping[str, str]) -> None:
        """Every variable that begins with the prefix."""
        variables = sorted(name for name in environ if name.upper().startswith(prefix.upper()))
        for i, name in enumerate(variables):
            source = Source(1, i, f"environment variable {name}")
            self._put(name[len(prefix) :].split("__"), environ[name], source, any_case=True)

    def add_overrides(self, overrides: Iterable[str]) -> None:
        """Each ``key=value`` in turn."""
        for i, override in enumerate(overrides):
            key, equals, text = override.partition("=")
            if not equals or not key.strip():  # what it says is not repeated: it may be a secret
                place = Source(2, i, f"override {i + 1}")
                self.mistakes.append(Mistake(place, "expected key=value, such as train.epochs=5"))
                continue
            source = Source(2, i, f"override {key.strip()}")
            self._put(key.strip().split("."), text.strip(), source, any_case=False)

    def _put(self, segments: list[str], text: str, source: Source, *, any_case: bool) -> None:
        """Set one value, converted as far as its type needs it."""
        key: Key = ()
        at: Any = self.values
        for segment in segments:
            key = (*key, self._segment(key, at, segment, any_case))
            if isinstance(at, list) and not _has(at, key[-1]):
                entries = f"entries 0 to {len(at) - 1}" if at else "no entries"
                self.mistakes.append(Mistake(source, f"{_dotted(key)}: the list has {entries}"))
                return
            at = at[key[-1]] if _has(at, key[-1]) else {}
        options = fields.options_at(self.model, key)
        if not options and not fields.allows_any_key(self.model, key[:-1]):
            self.mistakes.append(Mistake(source, self._unknown(key)))
            return
        try:
            value = _from_text(text, options)
        except ValueError as error:
            self.mistakes.append(Mistake(source, f"{_dotted(key)} {error}"))
            return
        _set(self.values, key, value)
        self.sources = {k: s for k, s in self.sources.items() if k[: len(key)] != key}
        self.sources[key] = source

    def _segment(self, above: Key, at: Any, segment: str, any_case: bool) -> Any:
        """A name as the model spells it, or an index into a list."""
        if isinstance(at, list) and segment.isdecimal():
            return int(segment)
        if any_case:
            same = [name for name in fields.names_at(self.model, above) if name.lower() == segment.lower()]
            present = [name for name in at if str(name).lower() == segment.lower()] if isinstance(at, dict) else []
            return (same + present + [segment.lower()])[0]
        return segment

    def note(self, errors: Iterable[Mapping[str, Any]]) -> None:
        """What pydantic found, one mistake a key."""
        found: dict[tuple[Source, Key], list[str]] = {}
        for error in errors:
            key = self._key_of(error)
            unknown = error["type"] == "extra_forbidden"
            if unknown and fields.allows_any_key(self.model, key[:-1]):
                continue
            text = self._unknown(key) if unknown else _worded(self.model, key, error)
            texts = found.setdefault((self._source_of(key), key), [])
            texts += [text] if text not in texts else []
        for (source, _), texts in found.items():
            self.mistakes.append(Mistake(source, _joined(texts)))

    def _key_of(self, error: Mapping[str, Any]) -> Key:
        """The key that an error is about; pydantic's location also names the members of unions."""
        key: Key = ()
        at: Any = self.values
        for i, part in enumerate(error["loc"]):
            if _has(at, part):
                key, at = (*key, part), at[part]
            elif error["type"] == "missing" and i == len(error["loc"]) - 1:
                key = (*key, part)
        return key

    def _source_of(self, key: Key) -> Source:
        """Where a key was set; for one that is missing, where the table is that should have it."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.sources:
                return self.sources[key[:length]]
            below = [source for k, source in self.sources.items() if k[:length] == key[:length]]
            if below:
                return min(below)
        return self.file

    def _unknown(self, key: Key) -> str:
        for length in range(1, len(key)):  # the first name that is wrong is the one to tell
            if not fields.options_at(self.model, key[:length]):
                key = key[:length]
                break
        names = fields.names_at(self.model, key[:-1])
        near = difflib.get_close_matches(str(key[-1]), names, n=1, cutoff=0.6)
        known = f"did you mean {_dotted((*key[:-1], near[0]))}?" if near else f"known: {', '.join(names) or 'none'}"
        return f"{_dotted(key)} is no known key; {known}"

    def report(self) -> str:
        """All mistakes in the order of their places, with no secret in them."""
        secrets = sorted(_secrets(self.model, self.values, ()), key=len, reverse=True)
        lines = []
        for source, text in sorted(self.mistakes):
            for secret in secrets:  # a check that the model brings may quote one
                text = text.replace(secret, _HIDDEN)
            lines.append(f"{source.text}: {text}" if source.text else text)
        count = f"{len(lines)} mistakes" if len(lines) > 1 else "1 mistake"
        return "\n  ".join([f"{count} in the settings:", *lines])


def _with_paths(model: type[BaseModel], value: Any, key: Key, folder: Path) -> Any:
    """The value with its paths taken from a folder."""
    if isinstance(value, dict):
        return {name: _with_paths(model, inner, (*key, name), folder) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_paths(model, inner, (*key, i), folder) for i, inner in enumerate(value)]
    if isinstance(value, str) and any(map(fields.is_path, fields.options_at(model, key))):
        return str(folder / Path(value).expanduser())
    return value


def _from_text(text: str, options: Sequence[Any]) -> Any:
    """A text as far as its type needs it: pydantic converts single values itself."""
    if text == "null" and type(None) in options:
        return None
    if any(map(fields.is_path, options)):
        return str(Path(text).expanduser())
    if str in options or not any(map(fields.is_container, options)):
        return text
    if text[:1] in ("[", "{"):
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            return YAML(typ="base", pure=True).load(text)  # every single value stays a text
        except YAMLError:
            raise ValueError("is not a list such as [a, b] or a table such as {a: 1}") from None
    if any(map(fields.is_sequence, options)):
        return [part.strip() for part in text.split(",")] if text else []
    return text


def _has(at: Any, part: Any) -> bool:
    if isinstance(at, list):
        return isinstance(part, int) and 0 <= part < len(at)
    return isinstance(at, dict) and part in at


def _set(values: dict[Any, Any], key: Key, value: Any) -> None:
    """Set a value below nested tables and lists, which are made where there are none."""
    at: Any = values
    for part in key[:-1]:
        if not _has(at, part) or not isinstance(at[part], dict | list):
            at[part] = {}
        at = at[part]
    at[key[-1]] = value


def _worded(model: type[BaseModel], key: Key, error: Mapping[str, Any]) -> str:
    """One of pydantic's errors in a line: the key, what it should be, what was given."""
    name = _dotted(key) or "the settings"
    if error["type"] == "missing":
        return f"{name} is missing"
    secret = any(map(fields.holds_secret, fields.options_at(model, key)))
    own_check = error["type"] in ("value_error", "assertion_error")
    if own_check and secret and key:
        return f"{name} is refused by a check of its own"
    text = re.sub(r"^(Value error|Assertion failed), |, unable to parse .*$", "", error["msg"])
    text = re.sub(r"a valid dictionary.*", "a table", text).replace("a valid list", "a list")
    text = f"{name}: {text}" if own_check else f"{name} {text[0].lower()}{text[1:]}".replace(" input should", " should")
    text = " ".join(text.split())
    near = _nearest_choice(error)
    given = error["input"]
    if isinstance(given, dict | list):
        shown = "" if own_check else f", got a {'table' if isinstance(given, dict) else 'list'}"
    else:
        shown = "" if secret else f", got {given!r:.60}"
    return text + shown + near


def _nearest_choice(error: Mapping[str, Any]) -> str:
    """The choice of an enum that was probably meant."""
    choices = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    near = difflib.get_close_matches(str(error["input"]), choices, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _joined(texts: Sequence[str]) -> str:
    """What several members of a union say about one value, as one sentence."""
    first, *others = texts
    return first + "".join(f"; or {text}" for text in others)


def _secrets(model: type[BaseModel], value: Any, key: Key) -> set[str]:
    """Every secret in the settings that is long enough to be one, as text."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {secret for name, inner in items for secret in _secrets(model, inner, (*key, name))}
    hidden = any(fields.holds_secret(option) for option in fields.options_at(model, key))
    return {str(value)} if hidden and len(str(value)) >= _SHORTEST else set()


def _dotted(key: Key) -> str:
    return ".".join(map(str, key))
