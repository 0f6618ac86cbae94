"""A clean table of orders, and copies of it with known faults in known rows.

The table keeps the contract that ``rules.toml`` opens with. Each kind of fault breaks one sentence of the
contract, in columns of its own, so that a finding can be held against what was planted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROWS = 400
_LOST = 63
CHANNELS = {"web": 0.6, "shop": 0.3, "phone": 0.1}  # the shares of a usual month
CITIES = {
    "NO": ("Bergen", "Tromsø", "Bodø"),
    "SE": ("Malmö", "Västerås", "Lund"),
    "DK": ("Århus", "Køge", "Odense"),
    "DE": ("München", "Köln", "Bremen"),
    "PL": ("Gdańsk", "Kraków", "Poznań"),
}
CURRENCIES = {"NO": "NOK", "SE": "SEK", "DK": "DKK", "DE": "EUR", "PL": "PLN"}
STATUSES = ("paid", "open", "refunded")
_HEADER_LINES = 1
_CUSTOMERS = 120
_FIRST_CUSTOMER = 1001
_GRAMS = 1000.0


@dataclass(frozen=True)
class Fault:
    """What was planted: its kind, the columns that it shows in, and the lines of the file.

    ``lines`` is empty for a fault of the table as a whole. ``partners`` are lines that a rule may name too:
    of two rows with one key, nobody can say which is the copy.
    """

    kind: str
    columns: tuple[str, ...]
    lines: tuple[int, ...]
    partners: tuple[int, ...] = ()


@dataclass(frozen=True)
class Messy:
    """A table with faults, what they are, and what the same rows were before (a row sent twice was not there)."""

    frame: pd.DataFrame
    original: pd.DataFrame
    faults: tuple[Fault, ...]


def customers() -> pd.DataFrame:
    """The other file: everybody who has an account."""
    numbers = np.arange(_FIRST_CUSTOMER, _FIRST_CUSTOMER + _CUSTOMERS)
    return pd.DataFrame({"customer_id": numbers, "since": 2015 + numbers % 9})


def clean_orders(rng: np.random.Generator) -> pd.DataFrame:
    """A month of orders in which everything is as the contract says; every cell is text, as in a file."""
    country = rng.choice(list(CITIES), ROWS, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    customer = rng.integers(_FIRST_CUSTOMER, _FIRST_CUSTOMER + _CUSTOMERS, ROWS)
    ordered = np.datetime64("2024-03-01") + rng.integers(0, 31, ROWS)
    shipped = ordered + rng.integers(0, 6, ROWS)
    columns = {
        "order_id": [f"A-{10001 + i}" for i in range(ROWS)],
        "customer_id": customer,
        "email": [f"customer{number}@example.org" for number in customer],
        "country": country,
        "currency": [CURRENCIES[code] for code in country],
        "postcode": [f"{code}-{rng.integers(10_000):04d}" for code in country],
        "city": [rng.choice(CITIES[code]) for code in country],
        "sku": [f"RO-{number:05d}" for number in rng.integers(100, 140, ROWS)],
        "quantity": rng.integers(1, 13, ROWS),
        "unit_price": [f"{price:.2f}" for price in rng.uniform(3.0, 55.0, ROWS)],
        "weight_kg": [f"{weight:.3f}" for weight in rng.gamma(3.0, 0.6, ROWS).clip(0.25, 9.0)],
        "channel": rng.choice(list(CHANNELS), ROWS, p=list(CHANNELS.values())),
        "status": rng.choice(STATUSES, ROWS, p=[0.8, 0.15, 0.05]),
        "ordered_on": ordered,
        "shipped_on": shipped,
        "invoiced_on": shipped + 1,
    }  # fmt: skip
    return pd.DataFrame({name: np.asarray(values).astype(str) for name, values in columns.items()}, dtype=str)


def planted(clean: pd.DataFrame, rng: np.random.Generator, kinds: Sequence[str] | None = None) -> Messy:
    """Plant faults of the given kinds (all of them unless told) in rows of their own.

    Parameters
    ----------
    clean : DataFrame
        As :func:`clean_orders` makes it.
    rng : Generator
        Chooses the rows.
    kinds : sequence of str, optional
        Some of :data:`KINDS`.
    """
    wanted = set(KINDS if kinds is None else kinds)
    faults = []
    if "rows lost" in wanted:  # first, since it moves all lines
        clean = clean.iloc[np.sort(rng.permutation(ROWS)[: ROWS - _LOST])].reset_index(drop=True)
        faults.append(Fault("rows lost", (), ()))
    frame, free = clean.copy(), list(rng.permutation(len(clean)))
    for kind, (columns, change) in _CELLS.items():
        if kind in wanted:
            shows = frame["city"].map(str.isascii).to_numpy() if kind == "broken encoding" else None
            rows = [row for row in free if shows is None or not shows[row]][: _COUNTS.get(kind, 4)]
            free = [row for row in free if row not in rows]
            for i, row in enumerate(sorted(rows)):
                frame.loc[row, columns[-1]] = change(frame.loc[row], i)
            faults.append(Fault(kind, columns, _lines(rows)))
    if "distribution shift" in wanted:
        web = frame.index[frame["channel"] == "web"].to_numpy()
        frame.loc[rng.permutation(web)[: len(web) // 2], "channel"] = "phone"
        faults.append(Fault("distribution shift", ("channel",), ()))
    if "sent twice" in wanted:
        rows = sorted(free[:2])
        frame = pd.concat([frame, frame.loc[rows]], ignore_index=True)
        copies = range(len(frame) - len(rows), len(frame))
        faults.append(Fault("sent twice", ("order_id",), _lines(copies), partners=_lines(rows)))
    return Messy(frame, clean, tuple(faults))


def broken_text(text: str) -> str:
    """A text whose UTF-8 was read as Windows-1252."""
    return text.encode("utf-8").decode("cp1252")


def _lines(rows: Sequence[int] | NDArray[np.intp] | range) -> tuple[int, ...]:
    return tuple(sorted(int(row) + 1 + _HEADER_LINES for row in rows))


def _one_of(*values: str) -> Callable[[pd.Series, int], str]:
    return lambda _, i: values[i % len(values)]


def _other_currency(row: pd.Series, i: int) -> str:
    others = [currency for currency in CURRENCIES.values() if currency != row["currency"]]
    return others[i % len(others)]


def _day_before(row: pd.Series, i: int) -> str:
    return str(np.datetime64(row["ordered_on"]) - (i + 1))


def _in_grams(row: pd.Series, _: int) -> str:
    return f"{float(row['weight_kg']) * _GRAMS:.0f}"


# Kind -> the columns that it shows in, and the new value of the last of them.
_CELLS: dict[str, tuple[tuple[str, ...], Callable[[pd.Series, int], str]]] = {
    "missing value": (("email",), _one_of("")),
    "unknown customer": (("customer_id",), _one_of("9001", "9017", "1", "9001")),
    "unknown category": (("status",), _one_of("Paid", "cancelled", "PAID", "?")),
    "wrong pair": (("country", "currency"), _other_currency),
    "wrong format": (("postcode",), _one_of("NO5003", "5003-NO", "no-5003", "NO-50031", "N0-5003")),
    "broken encoding": (("city",), lambda row, _: broken_text(row["city"])),
    "cut off": (("sku",), lambda row, i: row["sku"][: 4 + i % 3]),
    "number in words": (("quantity",), _one_of("two", "a dozen", "6 pcs", "3,5")),
    "out of range": (("unit_price",), _one_of("-12.50", "0.00", "1249.00", "-3.00")),
    "wrong unit": (("weight_kg",), _in_grams),
    "wrong order of dates": (("ordered_on", "shipped_on"), _day_before),
    "impossible date": (("invoiced_on",), _one_of("2024-02-30", "31.03.2024", "2024-13-01", "soon")),
}  # fmt: skip
_COUNTS = {"missing value": 5, "wrong format": 5, "broken encoding": 5, "wrong unit": 5}

KINDS = (*_CELLS, "sent twice", "rows lost", "distribution shift")
