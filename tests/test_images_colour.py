"""Colour: what is not sRGB becomes sRGB, what is stays to the bit, and what cannot be converted is refused by name."""

import io
import struct

import numpy as np
import pytest
from image_files import chunk, rgb_png, smooth
from PIL import Image, ImageCms, features

from benchmark.images import read_rgb
from benchmark.images.profiles import SRGB_PRIMARIES, Primaries, make_profile
from benchmark.types import PairError

RGB = smooth(30, 40)
P3 = Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
P3_TO_SRGB = np.array(
    [
        [1.2249401762805598, -0.2249401762805600, 0.0],
        [-0.0420569547096882, 1.0420569547096881, 0.0],
        [-0.0196375545903344, -0.0786360455506319, 1.0982736001409663],
    ]
)
"""Linear light; CSS Color Module Level 4, section 18."""
BT2020_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
"""Linear light; ITU-R BT.2407-0, equation 3."""
ROUNDING = 1
"""LittleCMS works in 14-bit fixed point and rounds to 8 bits once more: the last of 255 steps may differ."""


def linear(codes):
    value = codes / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def encoded(light):
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def converted(rgb, matrix, light=linear):
    return encoded(light(rgb.astype(float)) @ matrix.T)


def assert_close(rgb, expected, atol=ROUNDING):
    np.testing.assert_allclose(rgb.astype(float), np.rint(expected), rtol=0, atol=atol)


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


def curve_of_table(entries):
    """The curve of sRGB as a table, as the profiles of the nineties have it."""
    values = np.rint(65535 * linear(np.linspace(0, 255, entries))).astype(">u2")
    return b"curv" + struct.pack(">4xI", entries) + values.tobytes()


def with_curve(profile, curve):
    """A profile of `make_profile` with another transfer curve."""
    appended = bytearray(profile)
    for number in range(struct.unpack(">I", profile[128:132])[0]):
        at = 132 + 12 * number
        if profile[at + 1 : at + 4] == b"TRC":
            appended[at + 4 : at + 12] = struct.pack(">II", len(profile), len(curve))
    appended += curve + bytes(-len(curve) % 4)
    appended[:4] = struct.pack(">I", len(appended))
    return bytes(appended)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_display_p3_becomes_the_same_colours_in_srgb(tmp_path, name):
    options = {"lossless": True} if name.endswith("webp") else {}
    rgb = read_rgb(save(tmp_path / name, RGB, icc_profile=make_profile(P3), **options))
    assert_close(rgb, converted(RGB, P3_TO_SRGB))
    assert np.abs(rgb.astype(int) - RGB).max() > 10


def test_a_jpeg_is_decoded_first_and_converted_then(tmp_path):
    plain = read_rgb(save(tmp_path / "plain.jpg", RGB, quality=95))
    rgb = read_rgb(save(tmp_path / "p3.jpg", RGB, quality=95, icc_profile=make_profile(P3)))
    assert_close(rgb, converted(plain, P3_TO_SRGB))


def test_a_palette_is_converted(tmp_path):
    image = Image.fromarray(RGB).quantize(16)
    rgb = read_rgb(save(tmp_path / "p.png", image, icc_profile=make_profile(P3)))
    assert_close(rgb, converted(np.asarray(image.convert("RGB")), P3_TO_SRGB))


SRGB_PROFILES = {
    "LittleCMS": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    "parametric": make_profile(SRGB_PRIMARIES),
    "table of 1024": with_curve(make_profile(SRGB_PRIMARIES), curve_of_table(1024)),
    "table of 4096": with_curve(make_profile(SRGB_PRIMARIES), curve_of_table(4096)),
    "rounded primaries": make_profile(Primaries((0.6400, 0.3300), (0.3001, 0.5999), (0.1499, 0.0601))),
}


@pytest.mark.parametrize("kind", SRGB_PROFILES)
def test_srgb_in_any_form_stays_as_it_is_to_the_bit(tmp_path, kind):
    noise = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / "a.png", noise, icc_profile=SRGB_PROFILES[kind])
    np.testing.assert_array_equal(read_rgb(path), noise)
    grey = save(tmp_path / "g.png", noise[..., 0], icc_profile=SRGB_PROFILES[kind])
    np.testing.assert_array_equal(read_rgb(grey)[..., 1], noise[..., 0])


def test_primaries_a_little_off_are_not_srgb(tmp_path):
    near = Primaries((0.641, 0.33), (0.30, 0.599), (0.151, 0.06))
    noise = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert (read_rgb(save(tmp_path / "a.png", noise, icc_profile=make_profile(near))) != noise).any()


def test_gamma_2_2_with_the_primaries_of_srgb_is_not_srgb(tmp_path):
    rgb = read_rgb(save(tmp_path / "a.png", RGB, icc_profile=make_profile(SRGB_PRIMARIES, 2.2)))
    assert_close(rgb, converted(RGB, np.eye(3), lambda codes: (codes / 255) ** 2.2))


def test_a_grey_profile_is_converted_and_refused_for_colours(tmp_path):
    grey = make_grey_profile(1.8)
    ramp = np.arange(256, dtype=np.uint8)[None]
    rgb = read_rgb(save(tmp_path / "g.png", ramp, icc_profile=grey))
    assert_close(rgb[..., 1], encoded((ramp / 255) ** 1.8))
    assert (rgb == rgb[..., :1]).all()
    assert_refused(save(tmp_path / "c.png", RGB, icc_profile=grey), "for grey")


def make_grey_profile(gamma):
    """A profile of grey light that is the code value to the power of gamma, by hand."""
    white = b"XYZ " + struct.pack(">4x3i", 63190, 65536, 54061)
    curve = b"curv" + struct.pack(">4xIH2x", 1, round(gamma * 256))
    offset = 128 + 4 + 2 * 12
    table = struct.pack(">I4sII4sII", 2, b"wtpt", offset, 20, b"kTRC", offset + 20, len(curve))
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x3i",
        offset + 20 + len(curve),
        0x02400000,
        *(b"mntr", b"GRAY", b"XYZ "),
        b"acsp",
        63190,
        65536,
        54061,
    )
    return header.ljust(128, b"\0") + table + white + curve


def test_profiles_that_are_damaged_or_of_another_kind_are_refused(tmp_path):
    assert_refused(save(tmp_path / "a.png", RGB, icc_profile=b"no profile" * 20), "profile", "cannot be read")
    broken = write(tmp_path / "c.png", rgb_png(RGB, chunk(b"iCCP", b"name\0\0" + b"no zlib stream")))
    assert_refused(broken, "damaged colour profile")
    whole = save(tmp_path / "whole.jpg", RGB, icc_profile=make_profile(P3)).read_bytes()
    at = whole.index(b"ICC_PROFILE\0") + 12
    assert whole[at : at + 2] == b"\1\1"
    assert_refused(write(tmp_path / "cut.jpg", whole[:at] + b"\1\2" + whole[at + 2 :]), "ICC")
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert_refused(save(tmp_path / "b.png", RGB, icc_profile=lab), "profile for Lab")


def test_white_black_and_greys_keep_their_place(tmp_path):
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert_close(read_rgb(save(tmp_path / "a.png", ramp, icc_profile=make_profile(P3))), ramp)


def fixed(*values):
    return struct.pack(f">{len(values)}I", *(round(100_000 * value) for value in values))


SRGB_CORNERS = fixed(0.3127, 0.329, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3_CORNERS = fixed(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def test_gamma_of_a_png_is_applied(tmp_path):
    rgb = read_rgb(write(tmp_path / "a.png", rgb_png(RGB, chunk(b"gAMA", fixed(1 / 1.8)))))
    assert_close(rgb, encoded((RGB / 255) ** 1.8))


@pytest.mark.parametrize(
    "chunks",
    [
        chunk(b"gAMA", fixed(0.45455)),
        chunk(b"gAMA", fixed(0.45455)) + chunk(b"cHRM", SRGB_CORNERS),
        chunk(b"cHRM", SRGB_CORNERS),
        chunk(b"sRGB", b"\0") + chunk(b"gAMA", fixed(1.0)),
        chunk(b"cICP", bytes([1, 13, 0, 1])) + chunk(b"gAMA", fixed(1.0)),
        chunk(b"cICP", bytes([1, 1, 0, 1])),
    ],
)
def test_png_chunks_that_mean_srgb_leave_the_pixels_alone(tmp_path, chunks):
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "a.png", rgb_png(RGB, chunks))), RGB)


def test_primaries_of_a_png_are_applied(tmp_path):
    rgb = read_rgb(write(tmp_path / "a.png", rgb_png(RGB, chunk(b"cHRM", P3_CORNERS))))
    assert_close(rgb, converted(RGB, P3_TO_SRGB))
    both = read_rgb(
        write(tmp_path / "b.png", rgb_png(RGB, chunk(b"gAMA", fixed(1 / 2.2)) + chunk(b"cHRM", P3_CORNERS)))
    )
    expected = converted(RGB, P3_TO_SRGB, lambda codes: (codes / 255) ** 2.2)
    # Exponent 1/.45455 for 2.2 moves the darkest codes by less than a step more.
    assert_close(both, expected, atol=2)


@pytest.mark.parametrize(("primaries", "matrix"), [(12, P3_TO_SRGB), (9, BT2020_TO_BT709)])
def test_coded_primaries_of_a_png_come_before_its_profile(tmp_path, primaries, matrix):
    path = save(tmp_path / "a.png", RGB, icc_profile=make_profile(SRGB_PRIMARIES, 1.0))
    content = path.read_bytes()
    path.write_bytes(content[:33] + chunk(b"cICP", bytes([primaries, 13, 0, 1])) + content[33:])
    # BT.2407 prints four decimals: an error of 5e-5 of linear light is up to .17 of a step in the darkest codes.
    assert_close(read_rgb(path), converted(RGB, matrix))


@pytest.mark.parametrize(
    ("chunks", "word"),
    [
        (chunk(b"cICP", bytes([9, 16, 0, 1])), "HDR (PQ)"),
        (chunk(b"cICP", bytes([9, 18, 0, 1])), "HDR (HLG)"),
        (chunk(b"cICP", bytes([99, 13, 0, 1])), "primaries 99"),
        (chunk(b"cICP", bytes([1, 13, 0, 0])), "full-range"),
        (chunk(b"gAMA", fixed(0)), "gAMA"),
        (chunk(b"gAMA", b"\0"), "gAMA"),
        (chunk(b"cHRM", fixed(0.3, 0.3, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3)), "make no sense"),
        (chunk(b"cHRM", fixed(0.3, 0.3, 0.1, 0, 0.2, 0.2, 0.3, 0.3)), "make no sense"),
    ],
)
def test_png_chunks_without_a_rule_are_refused_by_name(tmp_path, chunks, word):
    assert_refused(write(tmp_path / "a.png", rgb_png(RGB, chunks)), word)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_the_coded_colour_of_an_avif_is_converted_or_refused(tmp_path):
    content = save(tmp_path / "a.avif", RGB, quality=95).read_bytes()
    plain = read_rgb(tmp_path / "a.avif")
    at = content.index(b"colrnclx") + 8
    assert content[at : at + 4] == bytes([0, 1, 0, 13])
    path = write(tmp_path / "p3.avif", content[:at] + bytes([0, 12, 0, 13]) + content[at + 4 :])
    assert_close(read_rgb(path), converted(plain, P3_TO_SRGB))
    assert_refused(write(tmp_path / "pq.avif", content[:at] + bytes([0, 9, 0, 16]) + content[at + 4 :]), "HDR (PQ)")


def test_the_profile_of_a_jp2_is_converted(tmp_path):
    content = save(tmp_path / "a.jp2", RGB).read_bytes()
    profile = make_profile(P3)
    box = struct.pack(">I4sBBB", len(profile) + 11, b"colr", 2, 0, 0) + profile
    header = content.index(b"jp2h") - 4
    size = int.from_bytes(content[header : header + 4], "big")
    inside = content[header + 8 : header + size]
    at = inside.index(b"colr") - 4
    kept = inside[:at] + inside[at + int.from_bytes(inside[at : at + 4], "big") :]
    made = struct.pack(">I4s", 8 + len(kept) + len(box), b"jp2h") + kept + box
    path = write(tmp_path / "p3.jp2", content[:header] + made + content[header + size :])
    assert_close(read_rgb(path), converted(RGB, P3_TO_SRGB))


def test_a_bmp_with_a_profile_is_refused_and_one_without_is_read(tmp_path):
    content = bytearray(save(tmp_path / "a.bmp", RGB).read_bytes())
    long_header = content[:14] + struct.pack("<I", 124) + content[18:54] + bytes(84) + content[54:]
    long_header[10:14] = struct.pack("<I", 138)
    np.testing.assert_array_equal(read_rgb(write(tmp_path / "v5.bmp", bytes(long_header))), RGB)
    long_header[70:74] = b"DEBM"
    assert_refused(write(tmp_path / "icc.bmp", bytes(long_header)), "profile")


def test_the_conversion_is_made_before_transparency_is_composed(tmp_path):
    alpha = np.full((*RGB.shape[:2], 1), 128, np.uint8)
    image = Image.open(io.BytesIO(save(tmp_path / "x.png", np.dstack([RGB, alpha])).read_bytes()))
    path = save(tmp_path / "a.png", image, icc_profile=make_profile(P3))
    opaque = np.rint(converted(RGB, P3_TO_SRGB))
    assert_close(read_rgb(path, background="10,20,30"), (opaque * 128 + np.array([10, 20, 30]) * 127) / 255)
