"""Encoders, scaler, pipeline and its file: held against scikit-learn, brute force, and every awkward input."""

import decimal
import fractions
import json
import math
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.preprocessing as peer
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.tabular import (
    FeaturePipeline,
    HashingEncoder,
    RobustScaler,
    TargetEncoder,
    load_pipeline,
    save_pipeline,
)
from mltoolkit.tabular import _pipeline_files as files
from mltoolkit.tabular.columns import Table, category_key, number_of

# Why scikit-learn's checks are not met: fit_transform is cross-fitted, as its own TargetEncoder's is; a cell that is
# no number is a BadInput (a ValueError) that names its column, and no TypeError; a pipeline finds columns by name.
_CROSS_FITTED = ("check_transformer_general", "check_transformer_data_not_an_array")
_NAMED = ("check_dtype_object",)


def documented(estimator, check):
    name = getattr(check, "func", check).__name__
    if name in _CROSS_FITTED and "TargetEncoder" in repr(estimator):
        return "fit_transform is cross-fitted"
    if name in _NAMED and type(estimator) in (RobustScaler, FeaturePipeline):
        return "a BadInput that names the column"
    return ""


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        TargetEncoder(),
        TargetEncoder(smooth=2.0),
        HashingEncoder(8),
        RobustScaler(),
        RobustScaler(fill=0.0),
        FeaturePipeline([("scale", RobustScaler(), "all")]),
        FeaturePipeline([("target", TargetEncoder(), "all"), ("hash", HashingEncoder(4), "all")]),
    ]
)
def test_scikit_learns_own_checks(estimator, check):
    reason = documented(estimator, check)
    if reason:
        pytest.skip(reason)
    with np.errstate(all="ignore"):
        check(estimator)


def people(seed, n):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "city": rng.choice(np.array(["Bonn", "Köln", "", "東京", None], dtype=object), n),
            "code": rng.integers(0, 9, n),
            "income": rng.lognormal(3, 1, n),
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.normal(40, 9, n)),
        }
    )
    return frame, rng.integers(0, 2, n)


def pipeline(**options):
    return FeaturePipeline(
        [
            ("scale", RobustScaler(fill=0.0), ["income", "age"]),
            ("target", TargetEncoder(**options), ["city", "code"]),
            ("hash", HashingEncoder(5), ["city"]),
        ]
    )


# ---------------------------------------------------------------- categories and numbers


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("3", "3"), (3, "3"), (3.0, "3"), (np.int8(3), "3"), (np.float32(3), "3"), (decimal.Decimal(3), "3"),
        (fractions.Fraction(1, 2), "0.5"), (0.5, "0.5"), (True, "1"), (np.bool_(False), "0"), (-0.0, "0"),
        (float("inf"), "inf"), (1e300, str(int(1e300))), (10**30, str(10**30)), ("", ""), ("é", "é"),
        (None, None), (float("nan"), None), (np.float64("nan"), None), (pd.NA, None), (pd.NaT, None),
        (decimal.Decimal("NaN"), None), (np.datetime64("NaT"), None),
        (np.datetime64("2024-01-02"), "2024-01-02 00:00:00"),
        (pd.Timestamp("2024-01-02"), "2024-01-02 00:00:00"), (np.str_("a"), "a"),
        (fractions.Fraction(1, 3), "1/3"),
    ],
)  # fmt: skip
def test_a_category_goes_by_one_text_whatever_its_type(value, key):
    assert category_key(value) == key


@given(st.floats() | st.integers() | st.booleans())
def test_equal_numbers_are_equal_categories(value):
    if isinstance(value, float) and math.isnan(value):
        assert category_key(value) is None
        return
    for other in (int(value) if float(value).is_integer() else value, np.array([value], dtype=object)[0]):
        if other == value:
            assert category_key(other) == category_key(value)


def test_a_number_is_no_text_and_a_gap_is_nan():
    assert number_of(3) == 3.0
    assert number_of(True) == 1.0
    assert number_of(decimal.Decimal("0.5")) == 0.5
    assert all(math.isnan(number_of(gap)) for gap in (None, pd.NA, pd.NaT, float("nan")))
    for bad, words in (("3", "a text"), ([1], "list"), (1j, "complex"), (10**400, "beyond")):
        with pytest.raises(BadInput, match=words):
            number_of(bad)


@pytest.mark.parametrize("kind", ["object", "str", "category", "float", "Int64"])
def test_codes_are_the_same_from_every_kind_of_column(kind):
    values = {"object": np.array(["b", None, "a", "b"], dtype=object), "str": ["b", None, "a", "b"]}
    column = pd.Series(
        values.get(kind, [2, None, 1, 2]), dtype=None if kind == "object" else kind.replace("float", "f8")
    )
    codes, keys = Table(pd.DataFrame({"x": column})).codes("x")
    named = [None if code < 0 else keys[code] for code in codes]
    assert named in (["b", None, "a", "b"], ["2", None, "1", "2"])


def test_polars_columns_give_the_same_codes_and_numbers():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "t": ["b", None, "a", "b"],
            "f": [2.0, float("nan"), None, 2.5],
            "i": [1, None, 3, 1],
            "b": [True, None, False, True],
        }
    )
    table = Table(frame.with_columns(c=pl.col("t").cast(pl.Categorical)))
    for name, expected in {"t": ["b", None, "a", "b"], "c": ["b", None, "a", "b"], "f": ["2", None, None, "2.5"],
                           "i": ["1", None, "3", "1"], "b": ["1", None, "0", "1"]}.items():  # fmt: skip
        codes, keys = table.codes(name)
        assert [None if code < 0 else keys[code] for code in codes] == expected
    numbers = table.select(["f", "i", "b"]).numbers()
    np.testing.assert_array_equal(numbers, [[2.0, 1, 1], [np.nan, np.nan, np.nan], [np.nan, 3, 0], [2.5, 1, 1]])
    assert [table.type_of(name) for name in ("t", "f", "b")] == ["category", "number", "number"]
    with pytest.raises(BadInput, match=r"column 't': .* a text"):
        table.select(["t"]).numbers()


def test_every_column_that_is_no_number_is_named():
    frame = pd.DataFrame({"a": ["x"], "b": [1.0], "c": [pd.Timestamp("2024-01-01")]})
    with pytest.raises(BadInput, match=r"column 'a': 'x' is a text.*; column 'c'"):
        Table(frame).numbers()


def test_a_frame_with_a_name_twice_is_refused():
    with pytest.raises(BadInput, match="more than once: a"):
        Table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


# ---------------------------------------------------------------- target encoder


@pytest.mark.parametrize("smooth", ["auto", 0.0, 0.5, 20.0])
@pytest.mark.parametrize("target", ["binary", "text", "continuous", "far", "multiclass"])
@pytest.mark.parametrize("n", [20, 300])
def test_encodings_are_scikit_learns(smooth, target, n):
    rng = np.random.default_rng(n)
    X, y = people(n, n)
    X = X[["city", "code"]]
    y = {"binary": y, "text": np.array(["no", "yes"])[y], "continuous": rng.normal(size=n),
         "far": rng.normal(1e5, 1.0, n), "multiclass": rng.integers(0, 4, n)}[target]  # fmt: skip
    close = 1e-9 if target != "far" else 1e-8
    for cv in (KFold(5), KFold(3, shuffle=True, random_state=1), *([StratifiedKFold(2)] if target == "binary" else [])):
        ours, theirs = TargetEncoder(smooth, cv=cv), peer.TargetEncoder(smooth=smooth, cv=cv)
        np.testing.assert_allclose(ours.fit_transform(X, y), theirs.fit_transform(X, y), atol=close, rtol=0)
        new = pd.DataFrame({"city": np.array(["Bonn", "nowhere", None], dtype=object), "code": [1, 99, 2]})
        for frame in (X, new):
            np.testing.assert_allclose(ours.transform(frame), theirs.transform(frame), atol=close, rtol=0)
        assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
        assert ours.target_type_ == theirs.target_type_


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(1, 6), st.floats(0, 10))
def test_smoothing_draws_every_category_between_its_mean_and_the_prior(seed, n, categories, smooth):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"c": rng.integers(0, categories, n)})
    y = rng.normal(size=n)
    encoder = TargetEncoder(smooth, target_type="continuous").fit(X, y)
    means = pd.Series(y).groupby(X["c"]).mean()
    for value, mean in means.items():
        encoded = encoder.transform(pd.DataFrame({"c": [value]}))[0, 0]
        assert min(mean, y.mean()) - 1e-9 <= encoded <= max(mean, y.mean()) + 1e-9


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(5, 40), st.sampled_from(["auto", 3.0]))
def test_no_feature_knows_its_own_target(seed, n, smooth):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"c": rng.integers(0, 4, n)})
    y = rng.normal(size=n)
    encoder = TargetEncoder(smooth, cv=KFold(5), target_type="continuous")
    before = encoder.fit_transform(X, y)
    y[n // 2] += 100.0
    after = encoder.fit_transform(X, y)
    assert after[n // 2, 0] == pytest.approx(before[n // 2, 0], abs=1e-9)


def test_dealt_folds_are_even_in_every_class_and_the_same_each_time():
    X, y = people(1, 203)
    encoder = TargetEncoder(cv=5, random_state=4)
    first, again = (encoder.fit_transform(X[["city"]], y) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (encoder.set_params(random_state=5).fit_transform(X[["city"]], y) != first).any()
    from mltoolkit.tabular._target_means import dealt

    fold = dealt(203, y, 5, np.random.default_rng(0))
    for k in (0, 1):
        counts = np.bincount(fold[y == k], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_two_rows_are_enough_and_one_is_not():
    X = pd.DataFrame({"c": ["a", "a"]})
    assert TargetEncoder(1.0).fit_transform(X, [0.5, 1.5]).tolist() == [[1.5], [0.5]]
    with pytest.raises(ValueError, match="at least two rows"):
        TargetEncoder().fit_transform(X[:1], [0.5])


@pytest.mark.parametrize("cv", [ShuffleSplit(3, random_state=0), TimeSeriesSplit(3)])
def test_a_splitter_that_does_not_partition_is_refused(cv):
    X, y = people(0, 40)
    with pytest.raises(ValueError, match="test each row once"):
        TargetEncoder(cv=cv).fit_transform(X[["city"]], y)


@pytest.mark.parametrize(
    ("y", "options", "words"),
    [
        ([0.5, np.nan, 1.0], {}, "NaN"), ([0.5, np.inf, 1.0], {}, "infinity"), ([0, 1], {}, "(?i)inconsistent"),
        (None, {}, "y is None"), ([None, "a", "b"], {}, "missing"),
        ([0, 1, 2], {"target_type": "binary"}, "3 distinct"),
        (["a", "b", "c"], {"target_type": "continuous"}, "'a' is a text"),
        ([0, 1, 0], {"smooth": -1, "cv": 1, "target_type": "x", "random_state": -1},
         r"smooth=-1 .*; target_type='x' .*; cv=1 .*; random_state=-1"),
        ([0, 1, 0], {"smooth": True}, "smooth=True"), ([0, 1, 0], {"cv": None}, "cv=None"),
    ],
)  # fmt: skip
def test_bad_targets_and_parameters_are_refused(y, options, words):
    with pytest.raises(ValueError, match=words):
        TargetEncoder(**options).fit(pd.DataFrame({"c": ["a", "b", "c"]}), y)


def test_lists_of_mixed_cells_and_lists_in_cells():
    encoder = TargetEncoder(0.0).fit([["a", 1], ["b", 1], ["a", 2.0]], [0.0, 1.0, 0.5])
    assert encoder.transform([["a", 2]]).tolist() == [[0.25, 0.5]]
    with pytest.raises(BadInput, match="column 'x' holds what cannot be a category"):
        TargetEncoder().fit(pd.DataFrame({"x": [[1], [2]]}), [0, 1])


# ---------------------------------------------------------------- hashing


def test_the_hash_is_the_same_in_every_process():
    code = (
        "import pandas as pd; from mltoolkit.tabular import HashingEncoder;"
        "X = pd.DataFrame({'city': ['Bonn', 'Köln', None], 'code': [1, 2, 3]});"
        "print(HashingEncoder(8).fit(X).transform(X).tolist())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    X = pd.DataFrame({"city": ["Bonn", "Köln", None], "code": [1, 2, 3]})
    assert found == {f"{HashingEncoder(8).fit(X).transform(X).tolist()}\n"}


@settings(max_examples=30)
@given(st.lists(st.text() | st.none() | st.integers(), min_size=1, max_size=20), st.integers(1, 40), st.booleans())
def test_each_cell_adds_one_in_one_place(values, size, signed):
    X = pd.DataFrame({"a": np.array([*values, None], dtype=object)[:-1]})
    out = HashingEncoder(size, signed=signed).fit(X).transform(X)
    assert out.shape == (len(values), size)
    assert (np.abs(out).sum(axis=1) == 1).all()
    assert signed or (out >= 0).all()


def test_signs_make_inner_products_right_on_average():
    words = pd.DataFrame({"w": [f"word {i}" for i in range(2_000)]})
    out = HashingEncoder(16).fit(words).transform(words)
    products = out @ out.T
    other = products[~np.eye(len(out), dtype=bool)]
    assert abs(other.mean()) < 0.01
    assert (np.diag(products) == 1).all()


def test_bad_parameters_of_the_hash_are_told_at_once():
    with pytest.raises(ValueError, match=r"n_features=0 .*; signed=1 "):
        HashingEncoder(0, signed=1).fit([["a"]])


# ---------------------------------------------------------------- scaler


@pytest.mark.parametrize("quantiles", [(25.0, 75.0), (5.0, 90.0)])
@pytest.mark.parametrize("centering", [True, False])
@pytest.mark.parametrize("scaling", [True, False])
def test_scaled_numbers_are_scikit_learns(quantiles, centering, scaling):
    rng = np.random.default_rng(0)
    X = rng.standard_cauchy((101, 4)) * [1.0, 1e6, 1e-6, 1.0] + [0, 1e6, 0, 3]
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 3] = 7.0
    options = {"with_centering": centering, "with_scaling": scaling, "quantile_range": quantiles}
    ours, theirs = RobustScaler(**options).fit(X), peer.RobustScaler(**options).fit(X)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(ours.fit_transform(X), ours.transform(X))


@pytest.mark.parametrize("make", [np.asfortranarray, lambda X: X[::2], lambda X: X.astype(np.float32), np.asarray])
def test_layouts_and_types_do_not_matter(make):
    X = make(np.arange(24.0).reshape(8, 3) ** 2)
    X.flags.writeable = False
    expected = peer.RobustScaler().fit_transform(X.astype(float))
    np.testing.assert_allclose(RobustScaler().fit_transform(X), expected, rtol=1e-12)


def test_a_tiny_range_is_scaled_and_rounding_is_not():
    X = np.array([[1.0, 0.1 + 0.2], [2.0, 0.3], [3.0, 0.3], [4.0, 0.3], [5.0, 0.1 + 0.2]]) * [1e-20, 1.0]
    scaled = RobustScaler().fit(X)
    assert scaled.scale_.tolist() == [pytest.approx(2e-20), 1.0]


@pytest.mark.parametrize(
    ("X", "options", "words"),
    [
        (pd.DataFrame({"a": ["1"], "b": [1.0], "c": ["x"]}), {}, "'a'.*'c'"),
        (pd.DataFrame({"a": [np.inf, 1.0], "b": [1.0, 2.0]}), {}, "'a' holds infinity"),
        (pd.DataFrame({"a": [np.nan, np.nan], "b": [1.0, 2.0]}), {}, "'a' has no value"),
        (np.array([[-1.7e308], [0.0], [1.7e308]]), {"quantile_range": (0, 100)}, "wider than a float"),
        (np.ones((2, 1)), {"quantile_range": (75, 25), "with_scaling": 1, "fill": "x"},
         "with_scaling=1 .*quantile_range=.*fill='x'"),
        (np.empty((0, 2)), {}, "0 sample"), (np.ones(3), {}, "(?i)1D"),
        (pd.DataFrame({"a": []}), {}, "shape"),
    ],
)  # fmt: skip
def test_what_the_scaler_refuses(X, options, words):
    with pytest.raises(ValueError, match=words):
        RobustScaler(**options).fit(X)


# ---------------------------------------------------------------- pipeline


def test_the_pipeline_is_scikit_learns_column_transformer():
    X, y = people(0, 200)
    ours = pipeline(cv=KFold(4))
    theirs = ColumnTransformer(
        [
            (
                "scale",
                make_pipeline(peer.RobustScaler(), SimpleImputer(strategy="constant", fill_value=0.0)),
                ["income", "age"],
            ),
            ("target", peer.TargetEncoder(cv=KFold(4)), ["city", "code"]),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(ours.fit_transform(X, y).iloc[:, :4], theirs.fit_transform(X, y), atol=1e-9)
        np.testing.assert_allclose(ours.transform(X).iloc[:, :4], theirs.transform(X), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "city": st.sampled_from(["Bonn", "Köln", "x", "", None, 3, 2.5, True]),
                "code": st.integers(-3, 12) | st.none() | st.floats(-2, 12),
                "income": st.floats(-1e9, 1e9) | st.integers(-(2**60), 2**60) | st.none() | st.just(math.nan),
                "age": st.floats(allow_nan=True, allow_infinity=False, width=32) | st.none() | st.booleans(),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_one_row_has_the_bits_of_the_batch(rows):
    X, y = people(3, 120)
    fitted = pipeline().fit(X, y)
    frame = pd.DataFrame(
        {name: np.array([*(row[name] for row in rows), None], dtype=object)[:-1] for name in X.columns}
    )
    batch = fitted.transform(frame).to_numpy()
    one = np.array([fitted.transform_one(row) for row in rows])
    assert np.ascontiguousarray(batch).tobytes() == one.tobytes()


def test_foreign_transformers_work_in_both_paths():
    X, y = people(0, 60)
    mixed = FeaturePipeline(
        [("fill", SimpleImputer(), ["age", "income"]), ("one", peer.OneHotEncoder(handle_unknown="ignore"), ["code"])]
    ).fit(X, y)
    batch = mixed.transform(X)
    assert list(batch.columns[:3]) == ["fill__age", "fill__income", "one__code_0"]
    for i in (0, 1, 7):
        np.testing.assert_array_equal(mixed.transform_one(X.iloc[i].to_dict()), batch.iloc[i])
    array = FeaturePipeline([("fill", SimpleImputer(), "all")]).fit(X[["age", "income"]].to_numpy())
    assert array.transform_one({"x0": 1.0, "x1": 2}).tolist() == [1.0, 2.0]


def test_frames_keep_their_kind_and_index_and_arrays_stay_arrays():
    pl = pytest.importorskip("polars")
    X, y = people(0, 30)
    X.index = pd.Index(range(100, 130), name="id")
    fitted = pipeline().fit(X, y)
    out = fitted.transform(X)
    assert out.index.equals(X.index)
    assert list(out.columns) == list(fitted.get_feature_names_out())
    other = fitted.transform(pl.from_pandas(X))
    assert isinstance(other, pl.DataFrame)
    np.testing.assert_array_equal(other.to_numpy(), out.to_numpy())
    assert isinstance(fitted.set_output(transform="polars").transform(X), pl.DataFrame)
    assert isinstance(clone(fitted).fit(X, y).transform(X), pl.DataFrame)
    back = fitted.set_output(transform="pandas").transform(pl.from_pandas(X))
    assert isinstance(back, pd.DataFrame)
    assert isinstance(fitted.set_output(transform="default").set_output().transform(X), pd.DataFrame)
    with pytest.raises(BadInput, match="'arrow'"):
        fitted.set_output(transform="arrow")
    array = FeaturePipeline([("scale", RobustScaler(), ["x1"])]).fit_transform(np.arange(6.0).reshape(3, 2))
    assert array.tolist() == [[-1.0], [0.0], [1.0]]


def test_the_schema_says_what_each_column_held():
    X, y = people(0, 30)
    assert pipeline().fit(X, y).schema_ == {"income": "number", "age": "number", "city": "category", "code": "number"}


def test_a_gap_turns_whole_numbers_into_floats_and_nothing_changes():
    X, y = people(0, 60)
    fitted = pipeline().fit(X, y)
    floats = X.assign(code=X["code"].astype(float))
    floats.loc[0, "code"] = np.nan
    np.testing.assert_array_equal(fitted.transform(floats).iloc[1:], fitted.transform(X).iloc[1:])


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "steps is not a list"), (None, "steps is not a list"), ([("a", RobustScaler())], "step 0 is not"),
        ([("a", RobustScaler(), ["income"]), ("a", 3, ["nope", "age"]), ("c", RobustScaler(), "age")],
         r"'a' is used twice; step 'a' has no fit.*; step 'a' wants 'nope'.*; step 'c': columns is 'age'"),
        ([("a", RobustScaler(), ["city"]), ("b", RobustScaler(), ["city", "age"])], "step 'a': .*step 'b': "),
    ],
)  # fmt: skip
def test_all_faults_of_the_steps_are_told_at_once(steps, words):
    with pytest.raises(BadInput, match=words):
        FeaturePipeline(steps).fit(*people(0, 30))


def test_what_a_fitted_pipeline_refuses():
    X, y = people(0, 30)
    fitted = pipeline().fit(X, y)
    with pytest.raises(BadInput, match="X lacks 'income', 'city'"):
        fitted.transform(X.drop(columns=["income", "city"]))
    with pytest.raises(BadInput, match="step 'scale': column 'age'"):
        fitted.transform(X.assign(age="old"))
    row = X.iloc[0].to_dict()
    with pytest.raises(BadInput, match="the row lacks 'age', 'city'; give None"):
        fitted.transform_one({"income": 1.0, "code": 1})
    with pytest.raises(BadInput, match="column 'income' holds infinity; column 'age'"):
        fitted.transform_one({**row, "income": math.inf, "age": "old"})
    with pytest.raises(NotFittedError):
        pipeline().transform_one(row)
    with pytest.raises(BadInput, match="input_features"):
        fitted.get_feature_names_out(["a"])


# ---------------------------------------------------------------- files


@pytest.fixture
def saved(tmp_path):
    X, y = people(0, 80)
    fitted = pipeline(cv=KFold(3)).fit(X, y)
    path = tmp_path / "größe" / "pipeline"
    return X, fitted, path, save_pipeline(fitted, path, format="joblib")


@pytest.mark.parametrize("format", ["skops", "joblib"])
def test_a_pipeline_comes_back_to_the_bit(tmp_path, format):
    if format == "skops":
        pytest.importorskip("skops")
    X, y = people(0, 80)
    fitted = pipeline(cv=KFold(3)).fit(X, y)
    digest = save_pipeline(fitted, tmp_path / "p", format=format)
    loaded = load_pipeline(tmp_path / "p", columns=X, sha256=digest)
    assert loaded.transform(X).to_numpy().tobytes() == fitted.transform(X).to_numpy().tobytes()
    row = X.iloc[0].to_dict()
    assert loaded.transform_one(row).tobytes() == fitted.transform_one(row).tobytes()
    assert loaded.schema_ == fitted.schema_
    if format == "skops":
        load_pipeline(tmp_path / "p")
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_changed_byte_goes_unnoticed(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("files") / "p"
    save_pipeline(FeaturePipeline([("s", RobustScaler(), "all")]).fit([[1.0], [2.0]]), path, format="joblib")
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    with pytest.raises(CannotRead, match=r"checksum|no pipeline file|another version"):
        load_pipeline(path)


def test_files_that_are_refused(saved, tmp_path):
    X, _, path, digest = saved
    with pytest.raises(CannotRead, match="there is no such file"):
        load_pipeline(tmp_path / "nothing")
    with pytest.raises(CannotRead, match="cannot be read"):
        load_pipeline(tmp_path)
    with pytest.raises(CannotRead, match=r"is a pickle, .*pass sha256"):
        load_pipeline(path)
    with pytest.raises(CannotRead, match="not the file that was saved"):
        load_pipeline(path, sha256="0" * 64)
    with pytest.raises(BadInput, match="column 'age' is missing; column 'city' is missing"):
        load_pipeline(path, sha256=digest, columns=["income", "code"])
    with pytest.raises(BadInput, match="column 'income' is a category, the pipeline was fitted on a number"):
        load_pipeline(path, sha256=digest, columns=X.assign(income="much"))
    for content, words in ((pickle.dumps(3), "a bare pickle"), (b"", "something else"),
                           (b"PK\3\4", "something else"),
                           (files.MAGIC.replace(b"1", b"2"), "another version"),
                           (files.MAGIC, "checksum")):  # fmt: skip
        path.write_bytes(content)
        with pytest.raises(CannotRead, match=words):
            load_pipeline(path)


def rewritten(path, **facts):
    """The file with other facts and a checksum that fits: what an attacker, or another machine, would write."""
    known, payload = files.unpack(path, path.read_bytes())
    content = files.pack({**known, **facts}, payload)
    path.write_bytes(content)
    import hashlib

    return hashlib.sha256(content).hexdigest()


def test_another_version_is_refused_where_it_matters(saved):
    _, _, path, _ = saved
    known, _ = files.unpack(path, path.read_bytes())
    assert set(known["versions"]) == {"numpy", "python"}
    digest = rewritten(path, versions={"numpy": "1.26.4", "python": "2.7.18"})
    with pytest.raises(CannotRead, match=r"numpy 1.26.4 wrote it, .* is here; python 2.7.18 wrote it"):
        load_pipeline(path, sha256=digest)
    numpy = known["versions"]["numpy"].split(".")
    digest = rewritten(path, versions={"numpy": f"{numpy[0]}.{numpy[1]}.999"})
    load_pipeline(path, sha256=digest)  # the third number is for repairs
    digest = rewritten(path, versions={"a-library-that-is-gone": "1.0"})
    with pytest.raises(CannotRead, match="none is here"):
        load_pipeline(path, sha256=digest)


def test_versions_are_those_of_the_transformers(tmp_path):
    X, y = people(0, 30)
    fitted = FeaturePipeline([("fill", SimpleImputer(), ["age"])]).fit(X, y)
    assert set(files.versions(fitted, "skops")) == {"scikit-learn"}
    assert files.versions(pipeline().fit(X, y), "skops") == {}


@pytest.mark.parametrize("facts", [{"schema": []}, {"versions": None}, {"format": "csv"}])
def test_a_description_that_nobody_wrote_is_refused(saved, facts):
    path = saved[2]
    with pytest.raises(CannotRead, match="description"):
        load_pipeline(path, sha256=rewritten(path, **facts))


def test_a_pickle_that_calls_itself_skops_is_not_run(saved):
    pytest.importorskip("skops")
    path = saved[2]
    rewritten(path, format="skops")
    with pytest.raises(CannotRead, match="skops cannot read it"):
        load_pipeline(path)


def test_classes_that_nobody_trusts_are_named(tmp_path):
    skops = pytest.importorskip("skops.io")
    X, y = people(0, 30)
    fitted = pipeline().fit(X, y)
    fitted.extra = pathlike = tmp_path  # a class that is no part of a pipeline
    payload = skops.dumps(fitted)
    name = skops.get_untrusted_types(data=payload)
    (tmp_path / "p").write_bytes(files.pack({"format": "skops", "schema": {}, "versions": {}}, payload))
    foreign = [one for one in name if "mltoolkit" not in one and "KFold" not in one]
    assert foreign
    assert pathlike
    with pytest.raises(CannotRead, match=r"not trusted: .*Path"):
        load_pipeline(tmp_path / "p")


def test_what_is_no_pipeline_is_refused_even_with_its_checksum(tmp_path):
    import hashlib
    import io

    import joblib

    sink = io.BytesIO()
    joblib.dump({"not": "a pipeline"}, sink)
    content = files.pack({"format": "joblib", "schema": {}, "versions": {}}, sink.getvalue())
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(CannotRead, match="holds a dict; expected a FeaturePipeline"):
        load_pipeline(tmp_path / "p", sha256=hashlib.sha256(content).hexdigest())
    (tmp_path / "p").write_bytes(files.pack({"format": "joblib", "schema": {}, "versions": {}}, b"torn"))
    with pytest.raises(CannotRead, match="joblib cannot read it"):
        load_pipeline(tmp_path / "p", sha256=hashlib.sha256((tmp_path / "p").read_bytes()).hexdigest())


def test_what_cannot_be_saved_leaves_the_old_file(saved):
    _, fitted, path, digest = saved
    fitted.steps_[0][1].connection = lambda: None
    with pytest.raises(BadInput, match="joblib cannot hold the pipeline"):
        save_pipeline(fitted, path, format="joblib")
    load_pipeline(path, sha256=digest)
    with pytest.raises(BadInput, match="format='csv'"):
        save_pipeline(fitted, path, format="csv")
    with pytest.raises(NotFittedError):
        save_pipeline(pipeline(), path)


def test_the_description_is_readable_without_any_library(saved):
    lines = saved[2].read_bytes().split(b"\n", 3)
    assert lines[0] + b"\n" == files.MAGIC
    assert json.loads(lines[2])["schema"]["income"] == "number"
