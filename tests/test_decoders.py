"""The fast decoder: the same outcome as Pillow's for every file, image or refusal, word for word."""

import struct
import warnings

import numpy as np
import pytest
from photographs import LIVE_KODAK
from PIL import Image

from benchmark import images
from benchmark.decoders import plain_bmp
from benchmark.images import read_rgb
from benchmark.types import PairError

RNG = np.random.default_rng(20240917)
SIZES = [(1, 1), (1, 2), (2, 1), (3, 3), (4, 5), (5, 4), (7, 16), (33, 6), (64, 63)]
FIELDS_565 = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
FIELDS_888 = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)
VALUES = (0x00, 0x01, 0x18, 0x28, 0x80, 0xFE, 0xFF)
"""What header bytes are changed to: among them the limits, 24 bits and the size of the header."""


def bmp(rgb, *, bits=24, compression=0, header=40, top_down=False, tail=b"", gap=0, data=None, fields=b"", palette=b""):
    """A BMP file of uint8 RGB (H, W, 3), written by hand; `data` takes the place of its pixels."""
    height, width = rgb.shape[:2]
    if data is None:
        rows = rgb[..., ::-1] if bits == 24 else np.dstack([rgb[..., ::-1], rgb[..., :1]])
        rows = rows if top_down else rows[::-1]
        data = b"".join(row.tobytes() + bytes(-row.size % 4) for row in rows)
    info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits, compression, *[0] * 5)
    info += fields if header == 40 else fields.ljust(header - 40, b"\0")
    offset = 14 + len(info) + len(palette) + gap
    start = struct.pack("<2sIHHI", b"BM", offset + len(data) + len(tail), 0, 0, offset)
    return start + info + palette + bytes(gap) + data + tail


def noise(height, width):
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def kinds():
    """BMP files of every kind, by name, all of one 5 x 3 image."""
    rgb = noise(5, 3)
    grey = bytes(value for level in range(256) for value in (level, level, level, 0))
    colours = RNG.integers(0, 256, 1024, dtype=np.uint8).tobytes()
    indices = RNG.integers(0, 256, 5 * 4, dtype=np.uint8).tobytes()
    sixteen = RNG.integers(0, 256, 5 * 8, dtype=np.uint8).tobytes()
    runs = b"\x03\x07\x00\x00" * 5 + b"\x00\x01"
    core = b"BM" + struct.pack("<IHHI", 26 + 60, 0, 0, 26) + struct.pack("<IHHHH", 12, 3, 5, 1, 24)
    return {
        "plain": bmp(rgb),
        "top-down": bmp(rgb, top_down=True),
        "trailing bytes": bmp(rgb, tail=b"abc"),
        "gap before the pixels": bmp(rgb, gap=7),
        **{f"header of {size}": bmp(rgb, header=size) for size in (52, 56, 64, 108, 124)},
        "core header": core + RNG.integers(0, 256, 60, dtype=np.uint8).tobytes(),
        "24 bit fields": bmp(rgb, compression=3, fields=FIELDS_888),
        "32 bits": bmp(rgb, bits=32),
        "32 bit fields": bmp(rgb, bits=32, compression=3, fields=FIELDS_888),
        "32 bit fields, top-down": bmp(rgb, bits=32, compression=3, fields=FIELDS_888, top_down=True),
        "32 bit fields with alpha": bmp(
            rgb, bits=32, compression=3, header=108, fields=FIELDS_888 + struct.pack("<I", 0xFF000000)
        ),
        "16 bits": bmp(rgb, bits=16, data=sixteen),
        "16 bit fields": bmp(rgb, bits=16, compression=3, fields=FIELDS_565, data=sixteen),
        "grey": bmp(rgb, bits=8, palette=grey, data=indices),
        "palette": bmp(rgb, bits=8, palette=colours, data=indices),
        "4 bits": bmp(rgb, bits=4, palette=colours[:64], data=indices),
        "1 bit": bmp(rgb, bits=1, palette=colours[:8], data=indices),
        "run lengths": bmp(rgb, bits=8, compression=1, palette=colours, data=runs),
        "run lengths, 4 bits": bmp(rgb, bits=4, compression=2, palette=colours[:64], data=runs),
        "JPEG inside": bmp(rgb, compression=4),
    }


KINDS = kinds()
TAKEN = {"plain", "top-down", "trailing bytes", "gap before the pixels"} | {
    name for name in KINDS if "header of" in name
}


def outcome(path):
    """The image, or why there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read_rgb(path)
        except PairError as error:
            return str(error)


@pytest.fixture
def assert_as_pillow(tmp_path, monkeypatch):
    """Assert that a file's bytes have the same outcome with and without the fast decoder; tell whether it took them."""
    path = tmp_path / "file"

    def check(content, what):
        path.unlink(missing_ok=True)  # a file that is overwritten costs many file systems a wait for the disk
        path.write_bytes(content)
        ours = outcome(path)
        with monkeypatch.context() as without:
            without.setattr(images, "plain_bmp", lambda path: None)
            pillows = outcome(path)
        assert type(ours) is type(pillows), f"{what}: {ours!r:.200} and not {pillows!r:.200}"
        if isinstance(ours, str):
            assert ours == pillows, what
        else:
            np.testing.assert_array_equal(ours, pillows, err_msg=what)
            assert ours.dtype == np.uint8
            assert ours.flags.c_contiguous
        return plain_bmp(path) is not None

    return check


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_plain_bmp_comes_back_as_it_was_at_any_width(tmp_path, height, width, top_down):
    rgb = noise(height, width)
    (tmp_path / "a.bmp").write_bytes(bmp(rgb, top_down=top_down))
    np.testing.assert_array_equal(plain_bmp(tmp_path / "a.bmp"), rgb)


def test_what_pillow_writes_is_taken_and_comes_back_as_it_was(tmp_path):
    for reference in sorted((LIVE_KODAK / "ref").glob("*.png"))[:3]:
        rgb = np.asarray(Image.open(reference).convert("RGB"))
        Image.fromarray(rgb).save(tmp_path / "a.bmp")
        np.testing.assert_array_equal(plain_bmp(tmp_path / "a.bmp"), rgb)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_bmp_is_what_pillow_makes_of_it(kind, assert_as_pillow):
    assert assert_as_pillow(KINDS[kind], kind) == (kind in TAKEN)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bmp_that_ends_anywhere_is_what_pillow_makes_of_it(kind, assert_as_pillow):
    size = len(KINDS[kind])
    for length in [*range(0, size, max(1, size // 128)), size - 1]:
        assert_as_pillow(KINDS[kind][:length], f"{kind}, first {length} bytes")


@pytest.mark.parametrize("kind", ["plain", "top-down", "header of 124", "32 bits"])
def test_a_bmp_with_any_header_byte_changed_is_what_pillow_makes_of_it(kind, assert_as_pillow):
    for position in range(54):
        for value in VALUES:
            content = bytearray(KINDS[kind])
            content[position] = value
            assert_as_pillow(bytes(content), f"{kind}, byte {position} set to {value}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bmp_with_bytes_changed_at_random_is_what_pillow_makes_of_it(kind, assert_as_pillow):
    random = np.random.default_rng(len(KINDS[kind]))
    for trial in range(60):
        content = bytearray(KINDS[kind])
        for position in random.integers(0, len(content), random.integers(1, 4)):
            content[position] = random.integers(0, 256)
        assert_as_pillow(bytes(content), f"{kind}, trial {trial}")


def test_other_formats_are_left_to_pillow(tmp_path):
    for suffix in ("png", "jpg", "tif", "gif", "webp", "ppm"):
        Image.fromarray(noise(8, 8)).save(tmp_path / f"a.{suffix}")
        assert plain_bmp(tmp_path / f"a.{suffix}") is None
    (tmp_path / "empty").touch()
    assert plain_bmp(tmp_path / "empty") is None


def test_a_bmp_that_claims_too_many_pixels_is_refused_in_pillows_words(tmp_path):
    content = bytearray(KINDS["plain"])
    content[18:26] = struct.pack("<ii", 60_000, 60_000)
    (tmp_path / "bomb.bmp").write_bytes(content)
    with pytest.raises(PairError, match="exceeds limit"):
        read_rgb(tmp_path / "bomb.bmp")


def test_decoding_prints_nothing(tmp_path, capfd):
    for name, content in KINDS.items():
        (tmp_path / "a.bmp").write_bytes(content[: 3 * len(content) // 4 if "header" in name else None])
        outcome(tmp_path / "a.bmp")
    assert capfd.readouterr() == ("", "")
