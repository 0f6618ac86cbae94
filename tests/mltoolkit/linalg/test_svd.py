"""Low rank against NumPy and against its theorem; images through a file that trusts nothing."""

import os
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
import sklearn.decomposition
from hypothesis import given
from hypothesis import strategies as st

from mltoolkit import datasets
from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.linalg import CompressedImage, compress_image, truncated_svd
from mltoolkit.linalg.svd import HEADER, MAGIC, MAX_SAMPLES, SAMPLE_TYPES

RNG = np.random.default_rng(7)
SOLVERS = ("gram", "randomized", "svd")
EXACT = ("gram", "svd")


def with_spectrum(m, n, s, rng=RNG):
    U, V = (np.linalg.qr(rng.standard_normal((side, len(s))))[0] for side in (m, n))
    return (U * s) @ V.T


TALL = with_spectrum(40, 8, np.geomspace(9.0, 0.5, 8))
SHAPES = {
    "tall": TALL,
    "wide": TALL.T,
    "square": with_spectrum(15, 15, np.geomspace(9.0, 0.2, 15)),
    "rank-deficient": with_spectrum(20, 12, [5.0, 3.0, 2.0]),
    "constant": np.full((6, 9), 4.0),
    "zero": np.zeros((4, 5)),
    "one row": TALL[:1],
    "one column": TALL[:, :1],
    "one entry": np.array([[-3.0]]),
    "huge": TALL * 1e200,
    "tiny": TALL * 1e-200,
    "nearly nothing": TALL * 1e-308,
    "far from zero": TALL + 1e6,
}


def oracle(a, k):
    U, s, Vt = np.linalg.svd(np.asarray(a, dtype=float), full_matrices=False)
    flip = np.sign(Vt[np.arange(k), np.argmax(np.abs(Vt[:k]), axis=1)])
    return U[:, :k] * flip, s[:k], Vt[:k] * flip[:, np.newaxis]


@pytest.mark.parametrize("solver", ["auto", *SOLVERS])
@pytest.mark.parametrize("name", SHAPES)
def test_equals_numpy(name, solver):
    a = SHAPES[name]
    k = max(1, int(np.linalg.matrix_rank(a)) if "nothing" not in name else 8)
    U, s, Vt = truncated_svd(a, k, solver=solver, random_state=0)
    exact = oracle(a, k)
    assert U.shape == exact[0].shape
    assert Vt.shape == exact[2].shape
    np.testing.assert_allclose(s, exact[1], rtol=1e-9, atol=1e-13 * exact[1][0])
    np.testing.assert_allclose((U * s) @ Vt, (exact[0] * exact[1]) @ exact[2], atol=1e-9 * np.abs(a).max())
    if name in ("tall", "wide", "square", "rank-deficient", "one row", "huge", "tiny"):
        np.testing.assert_allclose(Vt, exact[2], atol=1e-8)
        np.testing.assert_allclose(U, exact[0], atol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", SHAPES)
def test_vectors_are_orthonormal_even_where_nothing_is_left(name, solver):
    a = SHAPES[name]
    k = min(a.shape)
    U, s, Vt = truncated_svd(a, k, solver=solver, random_state=0)
    np.testing.assert_allclose(U.T @ U, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(Vt @ Vt.T, np.eye(k), atol=1e-12)
    assert np.all(s >= 0)
    assert np.all(np.diff(s) <= 0)


matrices = st.tuples(st.integers(1, 25), st.integers(1, 25), st.integers(0, 2**32 - 1)).map(
    lambda t: np.random.default_rng(t[2]).standard_normal(t[:2]) * np.random.default_rng(t[2]).gamma(1.0, 3.0, t[1])
)


@given(matrices, st.data())
def test_the_error_is_the_discarded_spectrum(a, data):
    k = data.draw(st.integers(1, min(a.shape)))
    U, s, Vt = truncated_svd(a, k, solver=data.draw(st.sampled_from(EXACT)))
    total = float(np.sum(a**2))
    lost = float(np.sum((a - (U * s) @ Vt) ** 2))
    assert lost == pytest.approx(total - float(np.sum(s**2)), abs=1e-10 * max(total, 1.0))


@given(matrices, st.integers(0, 2**32 - 1), st.data())
def test_no_other_matrix_of_that_rank_is_closer(a, seed, data):
    k = data.draw(st.integers(1, min(a.shape)))
    U, s, Vt = truncated_svd(a, k)
    other = np.random.default_rng(seed)
    basis = np.linalg.qr(U + data.draw(st.sampled_from([1e-3, 0.1, 10.0])) * other.standard_normal(U.shape))[0]
    best = np.linalg.norm(a - (U * s) @ Vt)
    assert best <= np.linalg.norm(a - basis @ (basis.T @ a)) + 1e-12 * np.linalg.norm(a)


@given(matrices)
def test_mirrored_and_transposed_matrices_have_the_same_spectrum(a):
    k = min(a.shape)
    _, s, Vt = truncated_svd(a, k)
    np.testing.assert_allclose(truncated_svd(-a, k)[1], s, atol=1e-12 * max(s[0], 1.0))
    np.testing.assert_allclose(truncated_svd(a.T, k)[1], s, atol=1e-10 * max(s[0], 1.0))
    assert np.all(Vt[np.arange(k), np.argmax(np.abs(Vt), axis=1)] > 0)


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("k", [1, 10, 40])
def test_randomized_is_within_one_per_cent_of_the_best(decay, k):
    a = with_spectrum(150, 200, np.arange(1, 151) ** -decay)
    U, s, Vt = truncated_svd(a, k, solver="randomized", random_state=3)
    best = np.sqrt(np.sum(oracle(a, 150)[1][k:] ** 2))
    assert np.linalg.norm(a - (U * s) @ Vt) <= 1.01 * best


def test_randomized_repeats_with_a_seed_and_draws_from_a_generator():
    a = with_spectrum(60, 50, np.linspace(2.0, 1.0, 50))
    first, again = (truncated_svd(a, 5, solver="randomized", random_state=4)[2] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    drawn = truncated_svd(a, 5, solver="randomized", random_state=np.random.default_rng(4))[2]
    np.testing.assert_array_equal(first, drawn)
    assert np.any(first != truncated_svd(a, 5, solver="randomized", random_state=5)[2])


def test_what_squaring_cannot_see_goes_to_the_decomposition_itself():
    s = np.array([1.0, 1e-3, 1e-11, *np.geomspace(1e-12, 1e-13, 22)])
    a = with_spectrum(40, 25, s)
    np.testing.assert_allclose(truncated_svd(a, 3)[1], s[:3], rtol=1e-3)
    assert abs(truncated_svd(a, 3, solver="gram")[1][2] / s[2] - 1) > 0.05  # which is why


@pytest.mark.parametrize(
    ("shape", "k", "solver"),
    [
        ((50, 60), 10, "gram"),
        ((60, 50), 11, "svd"),
        ((1000, 1001), 50, "randomized"),
        ((1001, 1000), 51, "gram"),
        ((999, 1500), 1, "gram"),
    ],
)
def test_auto_picks_by_shape_and_rank(monkeypatch, shape, k, solver):
    from mltoolkit.linalg import svd

    used = []
    for name, function in list(svd._SOLVERS.items()):
        monkeypatch.setitem(svd._SOLVERS, name, lambda *a, n=name, f=function: used.append(n) or f(*a))
    truncated_svd(np.random.default_rng(0).standard_normal(shape), k)
    assert used[0] == solver
    assert len(set(used)) == 1


def test_scikit_learns_truncated_svd_agrees():
    peer = sklearn.decomposition.TruncatedSVD(3, algorithm="arpack", random_state=0).fit(TALL)
    _, s, Vt = truncated_svd(TALL, 3)
    np.testing.assert_allclose(s, peer.singular_values_, rtol=1e-9)
    np.testing.assert_allclose(np.abs(Vt), np.abs(peer.components_), atol=1e-8)


@pytest.mark.parametrize(
    "a",
    [np.round(TALL).astype(int), TALL[::2, ::-1], np.asfortranarray(TALL), TALL.tolist(), pd.DataFrame(TALL), TALL > 0],
    ids=["whole numbers", "a view", "by columns", "lists", "a frame", "yes and no"],
)
def test_any_matrix_of_numbers_is_taken_and_left_as_it_was(a):
    before = np.array(a)
    for part, exact in zip(truncated_svd(a, 2), oracle(before, 2), strict=True):
        np.testing.assert_allclose(part, exact, atol=1e-8)
    np.testing.assert_array_equal(np.array(a), before)


@pytest.mark.parametrize("solver", SOLVERS)
def test_read_only_data_is_taken_and_single_precision_is_rounded_once(solver):
    single = TALL.astype(np.float32)
    single.flags.writeable = False
    double = truncated_svd(single.astype(float), 3, solver=solver, random_state=0)
    for part, exact in zip(truncated_svd(single, 3, solver=solver, random_state=0), double, strict=True):
        assert part.dtype == np.float32
        np.testing.assert_array_equal(part, exact.astype(np.float32))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.where(TALL > 1, np.nan, TALL), 2), r"a holds \d+ times NaN or infinity, first at \[\d+, \d+\]"),
        ((np.where(TALL > 1, np.inf, TALL), 2), "NaN or infinity"),
        ((TALL[:0], 1), r"a has shape \(0, 8\); expected a matrix \(m, n\) with at least one row"),
        ((TALL[:, :0], 1), r"a has shape \(40, 0\)"),
        ((TALL[0], 1), r"a has shape \(8,\)"),
        ((TALL[np.newaxis], 1), r"a has shape \(1, 40, 8\)"),
        ((3.0, 1), r"a has shape \(\)"),
        ((TALL.astype(complex), 1), "a holds values of type complex128; expected real numbers"),
        ((np.array([["a"]]), 1), "a holds values of type <U1"),
        ((np.array([[None]]), 1), "a holds values of type object"),
        (([[1.0, 2.0], [3.0]], 1), "a is ragged"),
        ((TALL * 1e307, 1), r"whose singular values overflow; scale it down"),
        ((TALL.astype(np.float32) * np.float32(1e37), 1), r"whose singular values overflow"),
        ((TALL, 0), r"rank=0 is not between 1 and min\(m, n\) = 8"),
        ((TALL, 9), r"rank=9 is not between 1 and min\(m, n\) = 8"),
        ((TALL, -1), "rank=-1 is not between"),
        ((TALL, 2.0), "rank=2.0 is not an int"),
        ((TALL, True), "rank=True is not an int"),
        ((TALL, None), "rank=None is not an int"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(BadInput, match="^truncated_svd: .*" + message):
        truncated_svd(*arguments)


def test_all_faults_are_told_at_once():
    with pytest.raises(BadInput) as caught:
        truncated_svd([np.nan], 0, solver="fast", random_state=-1)
    for fault in ("first at [0]", "shape (1,)", "rank=0", "solver='fast' is none of auto, gram, randomized, svd"):
        assert fault in str(caught.value)
    assert "random_state=-1 is neither" in str(caught.value)
    with pytest.raises(BadInput, match=r"image has shape \(2, 2, 4\).*rank='all' is not an int"):
        compress_image(np.full((2, 2, 4), 0.5), "all")


# --- images


def picture(h, w, *channels):
    y, x = np.mgrid[:h, :w]
    waves = 0.5 + 0.25 * np.sin(x / 3.0) * np.cos(y / 5.0) + 0.2 * np.random.default_rng(1).random((h, w))
    grey = (255 * waves).astype(np.uint8)
    return np.stack([grey, grey[::-1], 255 - grey], axis=2) if channels else grey


IMAGES = {
    "grey": picture(24, 36),
    "grey, upright": picture(36, 24),
    "colour": picture(24, 36, 3),
    "colour, upright": picture(36, 24, 3),
    "colour, square": picture(20, 20, 3),
    "one pixel": picture(1, 1),
    "one pixel in colour": picture(1, 1, 3),
    "one row": picture(1, 30),
    "one column in colour": picture(30, 1, 3),
    "constant": np.full((9, 7), 200, dtype=np.uint8),
    "black": np.zeros((5, 6, 3), dtype=np.uint8),
    "floats": picture(24, 36) / 255.0,
    "single precision": (picture(24, 36, 3) / 255.0).astype(np.float32),
}


def sides(image):
    h, w = image.shape[:2]
    if image.ndim == 2:
        return h, w
    return (3 * h, w) if h <= w else (h, 3 * w)


def as_matrix(image):
    scaled = image / 255.0 if image.dtype == np.uint8 else image.astype(float)
    planes = [scaled] if image.ndim == 2 else [scaled[..., c] for c in range(3)]
    return np.vstack(planes) if image.shape[0] <= image.shape[1] else np.hstack(planes)


@pytest.mark.parametrize("name", IMAGES)
def test_the_factors_are_those_of_the_images_matrix(name):
    image = IMAGES[name]
    k = min(3, *sides(image))
    small = compress_image(image, k)
    U, s, Vt = oracle(as_matrix(image), k)
    assert (small.shape, small.dtype) == (image.shape, str(image.dtype))
    assert small.left.dtype == small.right.dtype == np.float16
    product = small.left.astype(float) @ small.right.astype(float)
    np.testing.assert_allclose(product, (U * s) @ Vt, atol=2e-3)
    np.testing.assert_allclose(np.sum(small.left.astype(float) ** 2, axis=0), s, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(np.sum(small.right.astype(float) ** 2, axis=1), s, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("name", IMAGES)
def test_all_terms_give_the_image_back(name):
    image = IMAGES[name]
    decoded = compress_image(image, min(sides(image))).decode()
    assert decoded.dtype == image.dtype
    np.testing.assert_allclose(decoded.astype(float), image, atol=1 if image.dtype == np.uint8 else 3e-3)


@pytest.mark.parametrize("name", IMAGES)
def test_bytes_are_as_predicted_in_memory_and_in_the_file(tmp_path, name):
    image = IMAGES[name]
    h, w = image.shape[:2]
    for k in {1, min(sides(image))}:
        small = compress_image(image, k)
        predicted = 2 * k * (h + w + (2 * min(h, w) if image.ndim == 3 else 0))
        small.save(tmp_path / "image.svd")
        assert small.nbytes == predicted
        assert (tmp_path / "image.svd").stat().st_size == HEADER.size + predicted


@pytest.mark.parametrize("name", IMAGES)
def test_a_round_trip_through_the_file_changes_nothing(tmp_path, name):
    image = IMAGES[name]
    small = compress_image(image, min(2, *sides(image)))
    small.save(tmp_path / "größe.svd")
    loaded = CompressedImage.load(str(tmp_path / "größe.svd"))
    np.testing.assert_array_equal(loaded.left, small.left)
    np.testing.assert_array_equal(loaded.right, small.right)
    assert (loaded.shape, loaded.dtype, loaded.nbytes) == (small.shape, small.dtype, small.nbytes)
    np.testing.assert_array_equal(loaded.decode(), small.decode())
    assert loaded.psnr(image) == small.psnr(image)


@pytest.mark.parametrize("name", ["grey", "colour", "colour, upright"])
def test_quality_rises_with_rank(name):
    image = IMAGES[name]
    quality = [compress_image(image, k).psnr(image) for k in (1, 2, 4, 8, 16)]
    assert np.all(np.diff(quality) > 0)


def test_psnr_by_its_definition():
    image = IMAGES["colour"]
    small = compress_image(image, 4)
    error = np.mean((image.astype(float) - small.decode().astype(float)) ** 2)
    assert small.psnr(image) == pytest.approx(10 * np.log10(255**2 / error), rel=1e-12)
    scaled = image / 255.0
    small = compress_image(scaled, 4)
    assert small.psnr(scaled) == pytest.approx(-10 * np.log10(np.mean((scaled - small.decode()) ** 2)), rel=1e-12)
    assert compress_image(IMAGES["black"], 1).psnr(IMAGES["black"]) == float("inf")


def test_the_same_image_gives_the_same_bytes(tmp_path):
    wide = np.random.default_rng(0).integers(0, 256, (1000, 1010), dtype=np.uint8)  # auto draws at random here
    for name in ("a", "b"):
        compress_image(wide, 3).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("kind", [np.int64, np.uint16, np.int8])
def test_whole_numbers_of_any_type_are_bytes(kind):
    image = (IMAGES["grey"] // 2).astype(kind)
    small = compress_image(image, 5)
    assert small.dtype == "uint8"
    np.testing.assert_array_equal(small.decode(), compress_image(image.astype(np.uint8), 5).decode())
    assert small.psnr(image) == small.psnr(image.tolist())


def test_a_view_that_cannot_be_written_is_taken():
    image = IMAGES["colour"][::2, ::-1]
    image.flags.writeable = False
    np.testing.assert_array_equal(compress_image(image, 4).decode(), compress_image(image.copy(), 4).decode())


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((3, 3), np.nan), "NaN or infinity"),
        (np.full((3, 3), 256), "from 256 to 256; expected whole numbers from 0 to 255"),
        (np.full((3, 3), -1), "from -1 to -1; expected whole"),
        (np.full((3, 3), 1.5), "from 1.5 to 1.5; expected floats from 0 to 1"),
        (np.full((3, 3), -0.5), "expected floats"),
        (np.full((3, 3), True), "image holds yes and no"),
        (np.full((3, 3, 4), 7), r"shape \(3, 3, 4\); expected \(h, w\) or \(h, w, 3\)"),
        (np.full((3, 3, 1), 7), r"shape \(3, 3, 1\)"),
        (np.full(3, 7), r"shape \(3,\)"),
        (np.zeros((0, 3), dtype=np.uint8), r"shape \(0, 3\)"),
        (np.zeros((3, 0, 3)), r"shape \(3, 0, 3\)"),
        (np.broadcast_to(np.uint8(7), (2**14, 2**14 + 1)), "image has 268,451,840 samples; at most 268,435,456"),
        ([["a"]], "expected real numbers"),
    ],
)
def test_what_is_no_image_is_refused(image, message):
    with pytest.raises(BadInput, match="^compress_image: .*" + message):
        compress_image(image, 1)


@pytest.mark.parametrize("k", [0, 25, 1.0, True])
def test_a_rank_that_the_image_does_not_have_is_refused(k):
    with pytest.raises(BadInput, match=rf"rank={k!r} is not (between 1 and the shorter side .* = 24|an int)"):
        compress_image(IMAGES["grey"], k)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (picture(5, 5), r"psnr: image has shape \(5, 5\); expected that of the compressed one, \(24, 36\)"),
        (picture(24, 36) / 255.0, "psnr: image holds float64 values; the compressed one uint8"),
        (np.full((24, 36), np.inf), "psnr: image holds 864 times NaN or infinity"),
        (np.full((2, 3), 0.5), r"image has shape .*; image holds float64"),
    ],
)
def test_only_what_is_alike_is_compared(image, message):
    with pytest.raises(BadInput, match=message):
        compress_image(IMAGES["grey"], 2).psnr(image)


# --- the file


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "image.svd"
    compress_image(IMAGES["colour"], 3).save(path)
    return path


def forge(path, *, payload=None, **fields):
    """A file with other header fields whose checksum fits all the same."""
    data = path.read_bytes()
    names = ("magic", "version", "kind", "channels", "height", "width", "rank", "crc")
    header = dict(zip(names, HEADER.unpack_from(data), strict=True)) | fields
    head = HEADER.pack(*header.values())[:24]
    body = data[HEADER.size :] if payload is None else payload
    path.write_bytes(head + struct.pack("<I", zlib.crc32(head + body)) + body)


def test_the_file_is_what_its_documentation_says(file):
    data = file.read_bytes()
    magic, version, kind, channels, height, width, rank, crc = HEADER.unpack_from(data)
    assert (magic, version, SAMPLE_TYPES[kind], channels) == (MAGIC, 1, "uint8", 3)
    assert (height, width, rank, HEADER.size) == (24, 36, 3, 28)
    assert crc == zlib.crc32(data[:24] + data[28:])
    small = compress_image(IMAGES["colour"], 3)
    assert data[28:] == small.left.astype("<f2").tobytes() + small.right.astype("<f2").tobytes()


def test_every_cut_and_every_changed_byte_is_noticed(file):
    data = file.read_bytes()
    for length in [*range(60), len(data) - 1]:
        file.write_bytes(data[:length])
        with pytest.raises(CannotRead, match=r"image\.svd (is cut short|is no compressed image)"):
            CompressedImage.load(file)
    for at in [*range(60), len(data) - 1]:
        file.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        with pytest.raises(CannotRead):
            CompressedImage.load(file)
    file.write_bytes(data + b"\0")
    with pytest.raises(CannotRead, match="goes on after its end: 677 bytes, where its header announces 676"):
        CompressedImage.load(file)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_refused_or_read_and_never_crash(tmp_path_factory, data, magic):
    path = tmp_path_factory.mktemp("any") / "bytes"
    path.write_bytes((MAGIC if magic else b"") + data)
    with pytest.raises(CannotRead):
        CompressedImage.load(path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"magic": b"\x89PNG\r\n\x1a\n"}, "is no compressed image: expected its first bytes"),
        ({"version": 2}, "has version 2 of the format; this software reads version 1"),
        ({"kind": 3}, "damaged: its header announces sample type 3"),
        ({"channels": 2}, "announces 2 channels"),
        ({"channels": 0}, "announces 0 channels"),
        ({"height": 0}, "damaged: its header announces rank 3"),
        ({"width": 0}, "announces rank 3"),
        ({"rank": 0}, "rank 0"),
        ({"rank": 37}, "rank 37"),
        ({"kind": 9, "channels": 9, "rank": 0}, "sample type 9, 9 channels, rank 0"),
        ({"height": 2**32 - 1, "width": 2**32 - 1}, "4294967295 x 4294967295 pixels"),
        ({"height": 1, "width": MAX_SAMPLES // 3 + 1, "rank": 1}, f"1 x {MAX_SAMPLES // 3 + 1} pixels"),
        (
            {"height": 9000, "width": 9000, "rank": 9000},
            "is cut short: 676 bytes, where its header announces 648000028",
        ),
        ({"width": 35}, "goes on after its end"),
    ],
)
def test_an_impossible_header_is_refused_before_memory_is_asked_for(file, fields, message):
    forge(file, **fields)
    with pytest.raises(CannotRead, match=message):
        CompressedImage.load(file)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_factors_that_are_no_numbers_are_refused(file, value):
    numbers = np.frombuffer(file.read_bytes()[HEADER.size :], dtype="<f2").copy()
    numbers[5] = value
    forge(file, payload=numbers.tobytes())
    with pytest.raises(CannotRead, match="a factor holds NaN or infinity"):
        CompressedImage.load(file)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(CannotRead, match=r"none\.svd: there is no such file"):
        CompressedImage.load(tmp_path / "none.svd")
    with pytest.raises(CannotRead, match="is not a file"):
        CompressedImage.load(tmp_path)
    with pytest.raises(CannotRead):
        CompressedImage.load("a\0b")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotRead, match="pipe is not a file"):  # and nobody waits for a writer
        CompressedImage.load(tmp_path / "pipe")


def test_saving_replaces_a_file_at_the_very_end(tmp_path, file, monkeypatch):
    other = tmp_path / "second name"
    other.hardlink_to(file)
    before = file.read_bytes()
    compress_image(IMAGES["grey"], 2).save(file)
    assert other.read_bytes() == before
    assert CompressedImage.load(file).shape == (24, 36)
    now = file.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="the disk is full"):
        compress_image(IMAGES["colour"], 2).save(file)
    assert file.read_bytes() == now
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.svd", "second name"]


def test_a_photograph_in_a_tenth_of_its_size():
    photograph = datasets.load("photographs").images[1]
    small = compress_image(photograph, 20)
    assert small.nbytes < photograph.nbytes / 10
    assert small.psnr(photograph) > 26
