"""What a pydantic model expects under a key: its types, its names, whether it is a secret or a path."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Annotated, Any, Union

from pydantic import AliasChoices, BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from mltoolkit.config.files import Key

_SEQUENCES = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Set)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def options(annotation: Any) -> list[Any]:
    """The types that an annotation allows, one by one: unions opened, ``Annotated`` and aliases taken off."""
    if isinstance(annotation, typing.TypeVar):
        return [Any]
    if hasattr(annotation, "__value__"):  # type X = ...
        return options(annotation.__value__)
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return options(typing.get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [kind for member in typing.get_args(annotation) for kind in options(member)]
    return [annotation]


def options_at(model: type[BaseModel], key: Key) -> list[Any]:
    """The types that the model allows under a key; empty where it knows no such key."""
    found: list[Any] = [model]
    for segment in key:
        found = [kind for option in found for kind in _below(option, segment)]
    return found


def names_at(model: type[BaseModel], key: Key) -> list[str]:
    """The keys that a table of the model may have."""
    return list(dict.fromkeys(name for option in options_at(model, key) for name in _names(option)))


def allows_any_key(model: type[BaseModel], key: Key) -> bool:
    """Whether the table under a key may have keys beyond its fields."""
    return any(_is_model(option) and option.model_config.get("extra") == "allow" for option in options_at(model, key))


def is_container(option: Any) -> bool:
    """Whether a type is a list, a set, a table or the like."""
    origin = typing.get_origin(option) or option
    return origin in (*_SEQUENCES, *_MAPPINGS) or _is_model(option)


def is_sequence(option: Any) -> bool:
    """Whether a type is a list, a tuple or a set."""
    return (typing.get_origin(option) or option) in _SEQUENCES


def is_path(option: Any) -> bool:
    """Whether a type is a path of the file system."""
    return isinstance(option, type) and issubclass(option, PurePath)


def holds_secret(option: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Whether a type is a secret or has one anywhere in it."""
    if isinstance(option, type) and issubclass(option, SecretStr | SecretBytes):
        return True
    inner: Sequence[Any] = typing.get_args(option)
    if _is_model(option):
        if option in seen:
            return False
        inner = [info.annotation for info in option.model_fields.values()]
        seen |= {option}
    return any(holds_secret(kind, seen) for annotation in inner for kind in options(annotation))


def _below(option: Any, segment: Any) -> Iterator[Any]:
    """The types that may stand under one more name or index."""
    if _is_model(option):
        for name, info in option.model_fields.items():
            if segment in _input_names(option, name, info):
                yield from options(info.annotation)
                return
        return
    origin, arguments = typing.get_origin(option), typing.get_args(option)
    if origin in _MAPPINGS and len(arguments) == 2:
        yield from options(arguments[1])
    elif origin in _SEQUENCES and isinstance(segment, int):
        if origin is tuple and Ellipsis not in arguments:
            arguments = arguments[segment : segment + 1]
        yield from options(arguments[0]) if arguments else ()


def _names(option: Any) -> Iterator[str]:
    if _is_model(option):
        for name, info in option.model_fields.items():
            yield from _input_names(option, name, info)


def _input_names(model: type[BaseModel], name: str, info: FieldInfo) -> Sequence[str]:
    """Under which keys a field is given: its alias, its name, or both."""
    alias = info.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    named = [choice for choice in choices if isinstance(choice, str)]
    config: Mapping[str, Any] = model.model_config
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    return [*named, name] if by_name and name not in named else named or [name]


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)
