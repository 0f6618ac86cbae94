"""How much week 5 measures: its own settings, read by the config that it builds."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mltoolkit.config import load_config

FILE = Path(__file__).with_name("settings.toml")


class Sizes(BaseModel):
    """The sizes of one profile."""

    model_config = ConfigDict(frozen=True)

    cases: int = Field(ge=3)
    kills: int = Field(ge=1)
    rows: int = Field(ge=100)
    queries: int = Field(ge=10)
    tests: tuple[str, ...] = Field(min_length=1)  # what pytest runs, relative to the checkout
    measured: tuple[str, ...] = Field(min_length=1)  # the modules whose coverage is measured
    slow_tests: bool


class Settings(BaseModel):
    """The sizes of both profiles."""

    model_config = ConfigDict(frozen=True)

    quick: Sizes
    full: Sizes


def sizes(*, full: bool) -> Sizes:
    """The sizes of a profile.

    Only the file is read: the evidence names the file by its hash, so no variable of the environment may change a
    run behind its back.
    """
    settings: Settings = load_config(Settings, FILE)
    return settings.full if full else settings.quick
