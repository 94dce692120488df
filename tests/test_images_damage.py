"""Damage that decoders paper over: refused, never filled in. What merely looks odd is read as ever."""

import struct
import zlib

import numpy as np
import pytest
from image_files import PNG_SIGNATURE, chunk, smooth
from photographs import LIVE_KODAK
from PIL import Image

from benchmark.images import read_rgb
from benchmark.types import PairError

RGB = smooth(96, 130)
NOISE = np.random.default_rng(5).integers(0, 256, (96, 130, 3), dtype=np.uint8)
END = b"\xff\xd9"


def save(path, image, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def write(path, content):
    path.write_bytes(content)
    return path


def assert_refused(path, *words):
    with pytest.raises(PairError) as caught:
        read_rgb(path)
    for word in (path.name, "cannot be decoded", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True}])
def test_a_jpeg_has_the_pixels_of_pillow_to_the_bit(tmp_path, subsampling, options):
    for height, width in [(96, 130), (1, 1), (7, 33), (17, 16)]:
        for picture in (RGB, NOISE):
            for quality in (10, 75, 100):
                crop = np.ascontiguousarray(picture[:height, :width])
                path = save(tmp_path / "a.jpg", crop, quality=quality, subsampling=subsampling, **options)
                np.testing.assert_array_equal(read_rgb(path), np.asarray(Image.open(path)))
        grey = save(tmp_path / "g.jpg", NOISE[:height, :width, 0], quality=75, **options)
        np.testing.assert_array_equal(read_rgb(grey), np.asarray(Image.open(grey).convert("RGB")))


def test_a_jpeg_that_stores_rgb_has_the_pixels_of_pillow(tmp_path):
    path = save(tmp_path / "a.jpg", NOISE, keep_rgb=True, quality=90)
    np.testing.assert_array_equal(read_rgb(path), np.asarray(Image.open(path)))


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_jpeg_that_ends_early_is_refused_even_with_an_end_marker(tmp_path, kept, options):
    content = save(tmp_path / "a.jpg", NOISE, quality=90, **options).read_bytes()
    cut = content[: int(kept * len(content))].rstrip(b"\xff")
    assert_refused(write(tmp_path / "b.jpg", cut + END))
    assert_refused(write(tmp_path / "c.jpg", cut))


def test_most_jpegs_with_an_overwritten_scan_are_refused(tmp_path):
    """JPEG has no checksum: what still decodes to the right number of blocks cannot be told. Most does not."""
    photograph = np.asarray(Image.open(LIVE_KODAK / "ref" / "bikes.png").convert("RGB"))[:256, :384]
    content = save(tmp_path / "a.jpg", photograph, quality=90).read_bytes()
    start, random, reasons = content.index(b"\xff\xda") + 20, np.random.default_rng(1), []
    for _ in range(60):
        damaged, at = bytearray(content), random.integers(start, len(content) - 60)
        damaged[at : at + 40] = random.integers(0, 255, 40, dtype=np.uint8).tobytes()
        try:
            read_rgb(write(tmp_path / "b.jpg", bytes(damaged)))
        except PairError as error:
            reasons.append(str(error))
    assert len(reasons) >= 48  # four in five; the bytes and places are the same in every run
    assert all("b.jpg: cannot be decoded (" in reason for reason in reasons)


def test_bytes_left_over_in_a_jpeg_are_refused_unless_they_are_zeros(tmp_path):
    path = save(tmp_path / "a.jpg", RGB, quality=90)
    content, expected = path.read_bytes(), read_rgb(path)
    assert content.endswith(END)
    assert_refused(write(tmp_path / "b.jpg", content[:-2] + b"left over" + END), "extraneous")
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "c.jpg", content[:-2] + bytes(9) + END)), expected)
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "d.jpg", content + b"behind the end")), expected)
    cut = content[: len(content) // 2] + bytes(9) + END
    assert_refused(write(tmp_path / "e.jpg", cut))


def test_scan_headers_of_some_phones_are_read_and_do_not_hide_damage(tmp_path):
    """A sequential image whose scan header names no coefficients: libjpeg warns, and decodes them all."""
    path = save(tmp_path / "a.jpg", RGB, quality=90)
    content, expected = path.read_bytes(), read_rgb(path)
    start = content.index(b"\xff\xda")
    end = start + 2 + int.from_bytes(content[start + 2 : start + 4], "big")
    assert content[end - 3 : end] == bytes([0, 63, 0])
    odd = content[: end - 3] + bytes([0, 0, 0]) + content[end:]
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "b.jpg", odd)), expected)
    both = odd[:-2] + bytes(5) + END
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "c.jpg", both)), expected)
    assert_refused(write(tmp_path / "d.jpg", odd[: len(odd) // 2] + END))
    assert_refused(write(tmp_path / "e.jpg", odd[:-2] + b"left over" + END), "extraneous")


def test_a_png_with_a_changed_byte_of_image_data_is_refused(tmp_path):
    content = save(tmp_path / "a.png", NOISE, compress_level=0).read_bytes()
    for place in (0.2, 0.5, 0.95):
        damaged = bytearray(content)
        damaged[int(place * len(content))] ^= 0x10
        assert_refused(write(tmp_path / "b.png", bytes(damaged)), "checksum", "IDAT")


def test_a_png_without_its_end_is_refused_and_bytes_behind_it_are_not(tmp_path):
    content = save(tmp_path / "a.png", RGB).read_bytes()
    assert_refused(write(tmp_path / "b.png", content[:-12]), "IEND")
    assert_refused(write(tmp_path / "c.png", content[:-2]), "IEND")
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "d.png", content + b"more")), RGB)


@pytest.mark.parametrize("interlaced", [0, 1])
def test_a_png_whose_data_end_early_in_whole_chunks_is_refused(tmp_path, interlaced):
    def made(data):
        header = struct.pack(">IIBBBBB", 130, 96, 8, 2, 0, 0, interlaced)
        image_data = chunk(b"IDAT", zlib.compress(data))
        return PNG_SIGNATURE + chunk(b"IHDR", header) + image_data + chunk(b"IEND", b"")

    passes = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)]
    parts = [RGB[top::down, left::across] for left, across, top, down in passes] if interlaced else [RGB]
    rows = [b"\0" + row.tobytes() for part in parts for row in part]
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "a.png", made(b"".join(rows)))), RGB)
    for kept in (len(rows) // 2, len(rows) - 1):
        assert_refused(write(tmp_path / "b.png", made(b"".join(rows[:kept]))), "early")
    assert_refused(write(tmp_path / "c.png", made(b"".join(rows)[:-7])))
    black = [bytes(len(row)) for row in rows]
    assert not read_rgb(write(tmp_path / "d.png", made(b"".join(black)))).any()


@pytest.mark.parametrize(("kind", "values"), [(b"P2", 1), (b"P3", 3)])
def test_a_text_image_cut_inside_its_last_number_is_refused(tmp_path, kind, values):
    text = kind + b"\n2 1\n255\n" + b" ".join([b"123"] * (2 * values)) + b"\n"
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "a.ppm", text)), np.full((1, 2, 3), 123))
    for length in range(len(text) - 8, len(text)):
        assert_refused(write(tmp_path / "b.ppm", text[:length]))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_compressed_tiff_with_overwritten_data_is_refused(tmp_path, compression):
    content = bytearray(save(tmp_path / "a.tif", RGB, compression=compression).read_bytes())
    content[200:240] = bytes(range(200, 240))
    assert_refused(write(tmp_path / "b.tif", bytes(content)))


def test_jpeg_inside_a_tiff_is_read_and_its_damage_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    path = save(tmp_path / "a.tif", RGB, compression="jpeg", quality=90)
    np.testing.assert_array_equal(read_rgb(path), np.asarray(Image.open(path).convert("RGB")))
    with tifffile.TiffFile(path) as tiff:
        start, length = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
    content = path.read_bytes()
    middle, end = start + length // 2, start + length
    assert content[end - 2 : end] == END
    cut = content[:middle] + END + bytes(end - middle - 2) + content[end:]
    assert_refused(write(tmp_path / "b.tif", cut), "JPEG")
