"""Formats and depth: what is read, what is refused since its decoder would cut it to 8 bits, and what needs an extra."""

import builtins
import struct
import sys

import cv2
import numpy as np
import pytest
from image_files import chunk, png_bytes, smooth
from PIL import Image, features

from benchmark.images import read_rgb
from benchmark.images.jxl import jxl_depth
from benchmark.types import PairError

RGB = smooth(30, 40)
needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")


def save(path, image, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def write(path, content):
    path.write_bytes(content)
    return path


def assert_refused(path, *words):
    with pytest.raises(PairError) as caught:
        read_rgb(path)
    for word in (path.name, *words):
        assert word in str(caught.value)


def assert_near(rgb, expected):
    """The same picture after lossy coding at high quality: 35 dB, where another picture or channel order has 10."""
    assert rgb.shape == expected.shape
    assert 10 * np.log10(255**2 / np.mean((rgb.astype(float) - expected) ** 2)) > 35


@needs_avif
def test_avif_of_8_bits_is_read_and_of_10_refused(tmp_path):
    assert_near(read_rgb(save(tmp_path / "a.avif", RGB, quality=98, subsampling="4:4:4")), RGB)
    if not cv2.imwrite(str(tmp_path / "b.avif"), RGB[..., ::-1].astype(np.uint16) << 2, [cv2.IMWRITE_AVIF_DEPTH, 10]):
        pytest.skip("this OpenCV writes no AVIF")
    assert_refused(tmp_path / "b.avif", "10-bit", "8 bits")


@needs_avif
def test_the_orientation_of_an_avif_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = []
    rgb = read_rgb(save(tmp_path / "a.avif", RGB, quality=98, exif=exif, subsampling="4:4:4"), turned=turned.append)
    assert_near(rgb, np.rot90(RGB, -1))
    assert turned == [tmp_path / "a.avif"]


@pytest.mark.parametrize("name", ["a.jp2", "a.j2k"])
def test_jpeg_2000_of_8_bits_comes_back_as_it_was(tmp_path, name):
    np.testing.assert_array_equal(read_rgb(save(tmp_path / name, RGB)), RGB)
    np.testing.assert_array_equal(read_rgb(save(tmp_path / f"g{name}", RGB[..., 0]))[..., 2], RGB[..., 0])


def test_jpeg_2000_of_other_depths_is_refused(tmp_path):
    assert_refused(save(tmp_path / "a.jp2", RGB[..., 0].astype(np.uint16) * 257), "16-bit")
    content = save(tmp_path / "c.j2k", RGB).read_bytes()
    assert content[42] == 7  # depth less one, of the first component
    assert_refused(write(tmp_path / "d.j2k", content[:42] + b"\x0b" + content[43:]), "12-bit")
    assert_refused(write(tmp_path / "e.j2k", content[:42] + b"\x87" + content[43:]), "signed 8-bit")
    assert_refused(write(tmp_path / "f.j2k", content[:42] + b"\x03\x01\x01\x03\x01\x01\x03" + content[49:]), "4-bit")


@pytest.mark.parametrize("name", ["t.jp2", "t.j2k", pytest.param("t.avif", marks=needs_avif)])
@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_a_truncated_modern_file_is_refused(tmp_path, name, kept):
    content = save(tmp_path / name, smooth(90, 120)).read_bytes()
    assert_refused(write(tmp_path / name, content[: int(kept * len(content))]), "cannot be decoded")


def test_jpeg_xl_is_read_and_its_depth_known(tmp_path):
    pytest.importorskip("pillow_jxl")
    np.testing.assert_array_equal(read_rgb(save(tmp_path / "a.jxl", RGB, lossless=True)), RGB)
    np.testing.assert_array_equal(read_rgb(save(tmp_path / "c.jxl", RGB, lossless=True, use_container=True)), RGB)
    assert_near(read_rgb(save(tmp_path / "b.jxl", RGB, quality=95)), RGB)
    assert_refused(save(tmp_path / "d.jxl", RGB[..., 0].astype(np.uint16) * 257, lossless=True), "16-bit")
    content = (tmp_path / "a.jxl").read_bytes()
    assert_refused(write(tmp_path / "t.jxl", content[: len(content) // 2]), "cannot be decoded", "JPEG XL")


def bits(*fields):
    """Bytes of (value, width) fields, lowest bit first, as a JPEG XL header has them."""
    value = position = 0
    for number, width in fields:
        value, position = value | number << position, position + width
    return b"\xff\x0a" + value.to_bytes(position // 8 + 1, "little")


SIZE = [(1, 1), (3, 5), (1, 3)]
"""SizeHeader: in units of 8, 32 high, as wide."""
NO_EXTRA_FIELDS = [(0, 1), (0, 1)]


@pytest.mark.parametrize(
    ("fields", "depth"),
    [
        ([*SIZE, (1, 1)], 8),
        ([(0, 1), (1, 2), (700, 13), (0, 3), (0, 2), (40, 9), (1, 1)], 8),
        ([*SIZE, *NO_EXTRA_FIELDS, (0, 1), (0, 2)], 8),
        ([*SIZE, *NO_EXTRA_FIELDS, (0, 1), (2, 2)], 12),
        ([*SIZE, *NO_EXTRA_FIELDS, (0, 1), (3, 2), (15, 6)], 16),
        ([*SIZE, *NO_EXTRA_FIELDS, (1, 1), (0, 2)], 32),
        ([*SIZE, (0, 1), (1, 1), (5, 3), (1, 1), *SIZE, (0, 1), (0, 1), (0, 1), (1, 2)], 10),
    ],
)
def test_the_depth_of_a_jpeg_xl_header_is_found(fields, depth):
    """Headers by hand from ISO/IEC 18181-1, tables D.1 to D.3."""
    assert jxl_depth(bits(*fields)) == depth
    box = bits(*fields)
    contained = b"\x00\x00\x00\x0cJXL \r\n\x87\n" + struct.pack(">I4s", 8 + len(box), b"jxlc") + box
    assert jxl_depth(contained) == depth


def test_a_jpeg_xl_that_claims_billions_of_pixels_is_refused_before_it_is_decoded(tmp_path):
    pytest.importorskip("pillow_jxl")
    huge = bits((0, 1), (3, 2), (59_999, 30), (0, 3), (3, 2), (59_999, 30), (1, 1))
    assert_refused(write(tmp_path / "a.jxl", huge + bytes(40)), "3600000000 pixels", "exceeds limit")
    wide = bits((0, 1), (3, 2), (19_999, 30), (7, 3), (1, 1))
    assert_refused(write(tmp_path / "b.jxl", wide + bytes(40)), "800000000 pixels")


def test_an_animated_jpeg_xl_is_refused():
    with pytest.raises(ValueError, match="animated"):
        jxl_depth(bits(*SIZE, (0, 1), (1, 1), (0, 3), (0, 1), (0, 1), (1, 1)))


def test_heic_of_8_bits_is_read_and_of_10_refused(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    assert_near(read_rgb(save(tmp_path / "a.heic", RGB, quality=98, chroma=444)), RGB)
    deep = pillow_heif.from_bytes(mode="RGB;16", size=(40, 30), data=(RGB.astype(np.uint16) * 257).tobytes())
    deep.save(tmp_path / "b.heic")
    assert_refused(tmp_path / "b.heic", "10-bit")


@pytest.mark.parametrize(
    ("start", "module", "words"),
    [
        (b"\xff\x0a" + bytes(40), "pillow_jxl", ["JPEG XL", "iqa-benchmark[jxl]"]),
        (
            struct.pack(">I8sI4s", 24, b"ftypheic", 0, b"mif1") + bytes(40),
            "pillow_heif",
            ["HEIC", "iqa-benchmark[heic]"],
        ),
    ],
)
def test_a_format_that_needs_an_extra_names_it(tmp_path, monkeypatch, start, module, words):
    ordinary = builtins.__import__
    monkeypatch.setitem(sys.modules, module, None)
    assert_refused(write(tmp_path / "a", start), *words)
    assert builtins.__import__ is ordinary


def test_openexr_is_refused_by_name(tmp_path):
    assert_refused(write(tmp_path / "a.exr", b"\x76\x2f\x31\x01" + bytes(60)), "OpenEXR", "8 bits")


def test_a_16_bit_png_is_refused_wherever_its_header_stands(tmp_path):
    rows = [bytes(12), bytes(12)]
    deep = png_bytes(rows, width=2, depth=16, colour=2)
    assert_refused(write(tmp_path / "a.png", deep), "16-bit")
    misplaced = png_bytes(rows, width=2, depth=16, colour=2, before=chunk(b"tEXt", b"Comment\0 a text of some length"))
    assert_refused(write(tmp_path / "b.png", misplaced), "begins with the chunk tEXt", "IHDR")


def test_signed_and_float_tiff_are_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    for name, dtype in [("signed.tif", np.int8), ("float.tif", np.float16)]:
        tifffile.imwrite(tmp_path / name, (RGB[..., 0] // 2).astype(dtype))
        assert_refused(tmp_path / name)
    assert_refused(tmp_path / "signed.tif", "signed", "unsigned 8 bits")
    tifffile.imwrite(tmp_path / "plain.tif", RGB)
    np.testing.assert_array_equal(read_rgb(tmp_path / "plain.tif"), RGB)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_the_transparent_grey_of_a_png_counts_in_its_own_depth(tmp_path, depth):
    largest = 2**depth - 1
    values = [0, largest] * 8
    row = int("".join(f"{value:0{depth}b}" for value in values), 2).to_bytes(16 * depth // 8, "big")
    key = chunk(b"tRNS", struct.pack(">H", largest))
    path = write(tmp_path / "a.png", png_bytes([row], width=16, depth=depth, colour=0, between=key))
    assert_refused(path, "transparent", "--background")
    np.testing.assert_array_equal(read_rgb(path, background="9,8,7"), [[[0, 0, 0], [9, 8, 7]] * 8])
    absent = png_bytes([row[:0] + bytes(len(row))], width=16, depth=depth, colour=0, between=key)
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "b.png", absent)), np.zeros((1, 16, 3)))


def test_the_primary_picture_of_an_mpo_is_read(tmp_path):
    thumbnail = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    path = save(tmp_path / "a.jpg", RGB, format="MPO", save_all=True, append_images=[thumbnail], quality=95)
    with Image.open(path) as image:
        assert (image.format, image.n_frames) == ("MPO", 2)
        primary = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_rgb(path), primary)
    assert_near(primary, RGB)


@pytest.mark.parametrize(
    ("background", "colour"), [("white", (255, 255, 255)), ("black", (0, 0, 0)), ("255,0,7", (255, 0, 7))]
)
def test_transparency_is_composed_on_the_background_in_code_values(tmp_path, background, colour):
    values = np.arange(256, dtype=np.uint8)
    rgba = np.stack([values[::-1], values, values // 2, values], axis=-1)[None]
    rgb = read_rgb(save(tmp_path / "a.png", rgba), background=background)
    alpha = rgba[..., 3:] / 255
    np.testing.assert_array_equal(rgb, np.rint(rgba[..., :3] * alpha + np.array(colour) * (1 - alpha)))
    np.testing.assert_array_equal(rgb[0, 255], rgba[0, 255, :3])
