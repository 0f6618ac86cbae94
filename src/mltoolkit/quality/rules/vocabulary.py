"""The rules there are, by name, with the arguments that each takes.

Names and arguments are those of Great Expectations without the leading ``expect_``, so a suite maps onto it
one to one. One rule is ours: ``column_values_to_exist_in_file``, a foreign key into another file.

A rule judges rows (each row is right or wrong, and ``mostly`` may forgive a share of them), or a column or
table as a whole, through one observed value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Domain = Literal["column", "pair", "columns", "table"]
Family = Literal[
    "columns", "rows", "types", "nulls", "uniqueness", "ranges", "sets", "patterns", "lengths", "dates", "order",
    "across columns", "keys", "distribution",
]  # fmt: skip
ArgumentKind = Literal[
    "bound", "number", "count", "positive", "share", "flag", "text", "regex", "regexes", "format", "values", "names",
    "type", "types", "pairs", "quantiles", "partition", "match_on", "pair_gaps", "row_gaps", "file",
]  # fmt: skip


@dataclass(frozen=True)
class Argument:
    """One argument: what it may be, and whether the rule needs it."""

    name: str
    kind: ArgumentKind
    required: bool = False


@dataclass(frozen=True)
class Kind:
    """One rule of the vocabulary.

    ``by_row`` says whether it judges row by row; ``bounded`` whether it takes bounds, of which at least one
    has to be given.
    """

    name: str
    family: Family
    domain: Domain
    arguments: tuple[Argument, ...]
    by_row: bool
    bounded: bool = False
    ours: bool = False

    def argument(self, name: str) -> Argument | None:
        """An argument by name, the columns included."""
        return next((a for a in (*_DOMAINS[self.domain], *self.arguments) if a.name == name), None)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every argument's name, the columns first."""
        return tuple(argument.name for argument in (*_DOMAINS[self.domain], *self.arguments))

    @property
    def required(self) -> tuple[str, ...]:
        """The arguments that have to be given."""
        return tuple(a.name for a in (*_DOMAINS[self.domain], *self.arguments) if a.required)


_DOMAINS: dict[Domain, tuple[Argument, ...]] = {
    "column": (Argument("column", "text", True),),
    "pair": (Argument("column_A", "text", True), Argument("column_B", "text", True)),
    "columns": (Argument("column_list", "names", True),),
    "table": (),
}
_MOSTLY = (Argument("mostly", "share"),)
_STRICT = (Argument("strict_min", "flag"), Argument("strict_max", "flag"))
_BOUNDS = (Argument("min_value", "bound"), Argument("max_value", "bound"), *_STRICT)
_NUMBERS = (Argument("min_value", "number"), Argument("max_value", "number"), *_STRICT)
_COUNTS = (Argument("min_value", "count"), Argument("max_value", "count"))
_SHARES = (Argument("min_value", "share"), Argument("max_value", "share"), *_STRICT)
_PAIR_GAPS = (Argument("ignore_row_if", "pair_gaps"),)
_ROW_GAPS = (Argument("ignore_row_if", "row_gaps"),)


def _rows(name: str, family: Family, domain: Domain, *arguments: Argument, **options: bool) -> Kind:
    return Kind(name, family, domain, (*arguments, *_MOSTLY), by_row=True, **options)


def _whole(name: str, family: Family, domain: Domain, *arguments: Argument, **options: bool) -> Kind:
    return Kind(name, family, domain, arguments, by_row=False, **options)


_VALUE_SET = Argument("value_set", "values", True)

_ALL = (
    _whole("table_row_count_to_be_between", "rows", "table", *_COUNTS, *_STRICT, bounded=True),
    _whole("table_row_count_to_equal", "rows", "table", Argument("value", "count", True)),
    _whole("table_column_count_to_be_between", "columns", "table", *_COUNTS, bounded=True),
    _whole("table_column_count_to_equal", "columns", "table", Argument("value", "count", True)),
    _whole("table_columns_to_match_ordered_list", "columns", "table", Argument("column_list", "names", True)),
    _whole(
        "table_columns_to_match_set", "columns", "table",
        Argument("column_set", "names", True), Argument("exact_match", "flag"),
    ),
    _whole("column_to_exist", "columns", "column", Argument("column_index", "count")),
    _rows("column_values_to_be_of_type", "types", "column", Argument("type_", "type", True)),
    _rows("column_values_to_be_in_type_list", "types", "column", Argument("type_list", "types", True)),
    _rows("column_values_to_not_be_null", "nulls", "column"),
    _rows("column_values_to_be_null", "nulls", "column"),
    _whole("column_proportion_of_non_null_values_to_be_between", "nulls", "column", *_SHARES, bounded=True),
    _rows("column_values_to_be_unique", "uniqueness", "column"),
    _rows("compound_columns_to_be_unique", "uniqueness", "columns", *_ROW_GAPS),
    _rows("select_column_values_to_be_unique_within_record", "across columns", "columns", *_ROW_GAPS),
    _rows("column_values_to_be_between", "ranges", "column", *_BOUNDS, bounded=True),
    _rows("column_values_to_be_in_set", "sets", "column", _VALUE_SET),
    _rows("column_values_to_not_be_in_set", "sets", "column", _VALUE_SET),
    _whole("column_distinct_values_to_be_in_set", "sets", "column", _VALUE_SET),
    _whole("column_distinct_values_to_contain_set", "sets", "column", _VALUE_SET),
    _whole("column_distinct_values_to_equal_set", "sets", "column", _VALUE_SET),
    _whole("column_most_common_value_to_be_in_set", "sets", "column", _VALUE_SET, Argument("ties_okay", "flag")),
    _rows("column_values_to_match_regex", "patterns", "column", Argument("regex", "regex", True)),
    _rows("column_values_to_not_match_regex", "patterns", "column", Argument("regex", "regex", True)),
    _rows(
        "column_values_to_match_regex_list", "patterns", "column",
        Argument("regex_list", "regexes", True), Argument("match_on", "match_on"),
    ),
    _rows("column_values_to_not_match_regex_list", "patterns", "column", Argument("regex_list", "regexes", True)),
    _rows("column_values_to_be_json_parseable", "patterns", "column"),
    _rows("column_value_lengths_to_be_between", "lengths", "column", *_COUNTS, *_STRICT, bounded=True),
    _rows("column_value_lengths_to_equal", "lengths", "column", Argument("value", "count", True)),
    _rows(
        "column_values_to_match_strftime_format", "dates", "column", Argument("strftime_format", "format", True)
    ),
    _rows("column_values_to_be_dateutil_parseable", "dates", "column"),
    _rows("column_values_to_be_increasing", "order", "column", Argument("strictly", "flag")),
    _rows("column_values_to_be_decreasing", "order", "column", Argument("strictly", "flag")),
    _rows(
        "column_pair_values_a_to_be_greater_than_b", "across columns", "pair",
        Argument("or_equal", "flag"), *_PAIR_GAPS,
    ),
    _rows("column_pair_values_to_be_equal", "across columns", "pair", *_PAIR_GAPS),
    _rows(
        "column_pair_values_to_be_in_set", "across columns", "pair",
        Argument("value_pairs_set", "pairs", True), *_PAIR_GAPS,
    ),
    _rows(
        "multicolumn_sum_to_equal", "across columns", "columns", Argument("sum_total", "number", True), *_ROW_GAPS
    ),
    _rows(
        "column_values_to_exist_in_file", "keys", "column",
        Argument("file", "file", True), Argument("key", "text", True), ours=True,
    ),
    _whole("column_min_to_be_between", "distribution", "column", *_BOUNDS, bounded=True),
    _whole("column_max_to_be_between", "distribution", "column", *_BOUNDS, bounded=True),
    _whole("column_mean_to_be_between", "distribution", "column", *_NUMBERS, bounded=True),
    _whole("column_median_to_be_between", "distribution", "column", *_NUMBERS, bounded=True),
    _whole("column_stdev_to_be_between", "distribution", "column", *_NUMBERS, bounded=True),
    _whole("column_sum_to_be_between", "distribution", "column", *_NUMBERS, bounded=True),
    _whole("column_unique_value_count_to_be_between", "distribution", "column", *_COUNTS, *_STRICT, bounded=True),
    _whole("column_proportion_of_unique_values_to_be_between", "distribution", "column", *_SHARES, bounded=True),
    _whole(
        "column_quantile_values_to_be_between", "distribution", "column", Argument("quantile_ranges", "quantiles", True)
    ),
    _whole(
        "column_kl_divergence_to_be_less_than", "distribution", "column",
        Argument("partition_object", "partition", True), Argument("threshold", "positive", True),
        Argument("tail_weight_holdout", "share"), Argument("internal_weight_holdout", "share"),
    ),
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}

# Names of a value's type, as people write it for NumPy, pandas or Python, and what it is called here.
TYPES = {
    "integer": ("int", "integer", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                "Int8Dtype", "Int16Dtype", "Int32Dtype", "Int64Dtype"),
    "float": ("float", "float16", "float32", "float64", "double", "Float32Dtype", "Float64Dtype"),
    "boolean": ("bool", "boolean", "bool_", "BooleanDtype"),
    "date": ("datetime64", "datetime64[ns]", "datetime64[us]", "datetime", "date", "Timestamp"),
    "text": ("str", "string", "str_", "StringDtype"),
}  # fmt: skip
TYPE_NAMES = {name: kind for kind, names in TYPES.items() for name in names}
