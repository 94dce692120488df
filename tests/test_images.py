"""The decoder: what each kind of file becomes, or why it is refused."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from benchmark.images import ImageBatch, read_rgb
from benchmark.types import PairError

RNG = np.random.default_rng(20240501)
RGB = RNG.integers(0, 256, (13, 17, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def save(path, array_or_image, **options):
    image = array_or_image if isinstance(array_or_image, Image.Image) else Image.fromarray(array_or_image)
    image.save(path, **options)
    return path


def png(path, *, width, height, depth, colour, rows):
    """Write a PNG of any bit depth from packed rows, without Pillow."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


def image_or_reason(path):
    try:
        return read_rgb(path)
    except PairError as error:
        return str(error)


def assert_refused(path, *words):
    with pytest.raises(PairError) as caught:
        read_rgb(path)
    message = str(caught.value)
    assert message.startswith(path.name)
    for word in words:
        assert word in message
    return message


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm"])
def test_lossless_rgb_comes_back_as_it_was(tmp_path, name):
    rgb = read_rgb(save(tmp_path / name, RGB))
    np.testing.assert_array_equal(rgb, RGB)
    assert rgb.dtype == np.uint8


@pytest.mark.parametrize("options", [{"quality": 90}, {"quality": 90, "progressive": True, "subsampling": 0}])
def test_jpeg_is_what_pillow_decodes(tmp_path, options):
    path = save(tmp_path / "a.jpg", RGB, **options)
    np.testing.assert_array_equal(read_rgb(path), np.array(Image.open(path)))


def test_lossless_webp_comes_back_as_it_was(tmp_path):
    np.testing.assert_array_equal(read_rgb(save(tmp_path / "a.webp", RGB, lossless=True)), RGB)


def test_the_content_decides_and_not_the_ending(tmp_path):
    path = tmp_path / "really_a.bmp"
    save(path, RGB, format="PNG")
    np.testing.assert_array_equal(read_rgb(path), RGB)


@pytest.mark.parametrize("name", ["g.png", "g.bmp", "g.tif", "g.pgm"])
def test_grey_becomes_three_equal_channels(tmp_path, name):
    rgb = read_rgb(save(tmp_path / name, GREY))
    np.testing.assert_array_equal(rgb, np.repeat(GREY[..., None], 3, axis=2))


@pytest.mark.parametrize("name", ["b.png", "b.bmp", "b.tif", "b.pbm"])
def test_one_bit_becomes_black_and_white(tmp_path, name):
    bits = GREY > 127
    rgb = read_rgb(save(tmp_path / name, Image.fromarray(bits)))
    np.testing.assert_array_equal(rgb, np.repeat(bits[..., None] * np.uint8(255), 3, axis=2))


@pytest.mark.parametrize("depth", [2, 4])
def test_grey_of_few_bits_is_spread_over_the_full_range(tmp_path, depth):
    largest = 2**depth - 1
    values = list(range(largest + 1))
    packed = int("".join(f"{value:0{depth}b}" for value in values), 2).to_bytes(len(values) * depth // 8, "big")
    path = png(tmp_path / "g.png", width=len(values), height=1, depth=depth, colour=0, rows=[packed])
    np.testing.assert_array_equal(read_rgb(path)[0, :, 0], [value * 255 // largest for value in values])


@pytest.mark.parametrize("name", ["p.png", "p.gif", "p.bmp", "p.tif"])
def test_palette_becomes_its_colours(tmp_path, name):
    image = Image.fromarray(RGB).quantize(16)
    np.testing.assert_array_equal(read_rgb(save(tmp_path / name, image)), np.array(image.convert("RGB")))


def test_palette_with_a_transparent_colour_in_use_is_refused(tmp_path):
    image = Image.fromarray(RGB).quantize(16)
    used = int(np.array(image)[0, 0])
    assert_refused(save(tmp_path / "p.png", image, transparency=used), "transparent")


def test_palette_with_opaque_transparency_table_is_read(tmp_path):
    image = Image.fromarray(RGB).quantize(16)
    path = save(tmp_path / "p.png", image, transparency=bytes([255] * 16))
    np.testing.assert_array_equal(read_rgb(path), np.array(image.convert("RGB")))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_opaque_alpha_is_dropped(tmp_path, name):
    opaque = np.dstack([RGB, np.full(GREY.shape, 255, np.uint8)])
    np.testing.assert_array_equal(read_rgb(save(tmp_path / name, opaque)), RGB)


@pytest.mark.parametrize("channels", [2, 4])
def test_one_transparent_pixel_is_refused(tmp_path, channels):
    image = np.full((5, 6, channels), 255, np.uint8)
    image[4, 5, -1] = 254
    assert_refused(save(tmp_path / "a.png", image), "transparent", "background")


def test_a_transparent_key_colour_is_refused_where_it_is_used(tmp_path):
    path = save(tmp_path / "key.png", RGB, transparency=tuple(int(value) for value in RGB[0, 0]))
    assert_refused(path, "transparent")
    absent = np.zeros_like(RGB)
    np.testing.assert_array_equal(read_rgb(save(tmp_path / "no.png", absent, transparency=(1, 2, 3))), absent)


def test_16_bit_png_is_refused(tmp_path):
    grey = save(tmp_path / "grey16.png", GREY.astype(np.uint16) * 257)
    assert_refused(grey, "16-bit", "8 bits")
    rows = [bytes(12) for _ in range(2)]
    assert_refused(png(tmp_path / "rgb16.png", width=2, height=2, depth=16, colour=2, rows=rows), "16-bit")


def test_16_bit_and_float_tiff_are_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    for name, array, word in [
        ("grey16.tif", GREY.astype(np.uint16), "16-bit"),
        ("rgb16.tif", RGB.astype(np.uint16), ""),
        ("float.tif", GREY.astype(np.float32), "32-bit"),
    ]:
        tifffile.imwrite(tmp_path / name, array)
        assert_refused(tmp_path / name, word)


def test_deep_ppm_is_refused(tmp_path):
    (tmp_path / "deep.ppm").write_bytes(b"P6 2 1 65535\n" + bytes(12))
    assert_refused(tmp_path / "deep.ppm", "16-bit")
    (tmp_path / "deep.pgm").write_bytes(b"P5 2 1 1023\n" + bytes(4))
    assert_refused(tmp_path / "deep.pgm")
    (tmp_path / "plain.ppm").write_bytes(b"P3 1 1 255\n1 2 3\n")
    np.testing.assert_array_equal(read_rgb(tmp_path / "plain.ppm"), [[[1, 2, 3]]])


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "c.jpg"), ("CMYK", "c.tif"), ("LAB", "l.tif")])
def test_colour_that_needs_a_profile_is_refused(tmp_path, mode, name):
    assert_refused(save(tmp_path / name, Image.new(mode, (8, 8))), mode, "profile")


def test_a_format_without_a_rule_is_refused_by_name(tmp_path):
    assert_refused(save(tmp_path / "a.tga", RGB), "TGA", "PNG")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["o.png", "o.tif", "o.jpg"])
def test_exif_orientation_is_applied(tmp_path, name, orientation):
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, 1),
    }
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:8, :8] = 200
    stored[8:, 16:, 1] = 120
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"tiffinfo": {274: orientation}} if name.endswith("tif") else {"exif": exif}
    if name.endswith("jpg"):
        options |= {"quality": 100, "subsampling": 0}
    rgb = read_rgb(save(tmp_path / name, stored, **options))
    np.testing.assert_allclose(rgb.astype(int), turns[orientation](stored).astype(int), atol=3)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.tif", "a.webp"])
def test_several_frames_are_refused(tmp_path, name):
    frames = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
    assert_refused(save(tmp_path / name, frames[0], save_all=True, append_images=frames[1:]), "2 frames")


@pytest.mark.parametrize("name", ["t.png", "t.jpg", "t.bmp", "t.webp", "t.gif", "t.tif"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path, name, kept):
    large = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / name, large)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert_refused(path, "cannot be decoded")


def test_what_is_no_image_is_refused_in_words_without_a_path(tmp_path):
    (tmp_path / "text.png").write_text("this is not a picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    for name, word in [("text.png", "not an image"), ("empty.png", "not an image"), ("folder.png", "directory")]:
        assert str(tmp_path) not in assert_refused(tmp_path / name, word)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path):
    assert_refused(tmp_path / "nowhere.png", "no such file", str(tmp_path))


@pytest.mark.parametrize("name", ["f.png", "f.jpg", "f.bmp", "f.gif", "f.tif", "f.webp", "f.ppm", "f.avif", "f.jp2"])
def test_damaged_files_give_an_image_or_a_pair_error_and_nothing_else(tmp_path, name):
    content = save(tmp_path / name, RGB).read_bytes()
    rng = np.random.default_rng(7)
    for _ in range(150):
        damaged = bytearray(content)
        for position in rng.integers(0, len(content), 3):
            damaged[position] = rng.integers(0, 256)
        (tmp_path / name).write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = image_or_reason(tmp_path / name)
        if isinstance(outcome, str):
            assert outcome.startswith(name)
        else:
            assert outcome.dtype == np.uint8
            assert outcome.shape[2] == 3


@pytest.mark.slow
def test_a_hundred_megapixels_are_read_without_a_warning(tmp_path):
    path = tmp_path / "large.bmp"
    save(path, Image.new("L", (10_000, 10_000), 77))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rgb = read_rgb(path)
    assert rgb.shape == (10_000, 10_000, 3)
    assert rgb[0, 0].tolist() == [77, 77, 77]


def test_a_file_that_claims_billions_of_pixels_is_refused(tmp_path):
    path = png(tmp_path / "bomb.png", width=60_000, height=60_000, depth=8, colour=0, rows=[b"\0"])
    assert_refused(path, "exceeds limit")


def test_reading_changes_no_setting_of_pillow_or_warnings(tmp_path):
    before = (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, list(warnings.filters))
    read_rgb(save(tmp_path / "a.png", RGB))
    large = save(tmp_path / "a.bmp", Image.new("RGB", (1300, 1300)))
    assert large.stat().st_size > 4 * 2**20
    read_rgb(large)
    assert before == (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, list(warnings.filters))


def test_reading_leaves_no_file_open(tmp_path):
    path = save(tmp_path / "a.png", RGB)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        read_rgb(path)
        path.write_bytes(path.read_bytes()[:60])
        assert_refused(path)


def test_luma_is_bt601_unrounded_and_full_range():
    luma = ImageBatch(RGB[None]).luma
    expected = RGB.astype(np.float64) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(luma[0], expected, rtol=0, atol=1e-12)
    extremes = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    np.testing.assert_array_equal(ImageBatch(extremes[None]).luma[0], [[0.0, 255.0]])


def test_luma_of_grey_is_exactly_its_grey_whatever_the_size():
    grey = np.arange(256, dtype=np.uint8)
    for shape in [(16, 16), (1, 256), (256, 1)]:
        rgb = np.repeat(grey.reshape(*shape, 1), 3, axis=2)
        np.testing.assert_array_equal(ImageBatch(np.stack([rgb, 255 - rgb])).luma[1], 255.0 - grey.reshape(shape))
    np.testing.assert_array_equal(ImageBatch(np.full((1, 1, 1, 3), 7, np.uint8)).luma, [[[7.0]]])


def test_what_metrics_share_is_made_once_and_forgotten_with_the_views():
    batch, made = ImageBatch(RGB[None]), []
    assert batch.shared("mean", lambda: made.append(1) or 1.5) == 1.5
    assert batch.shared("mean", lambda: made.append(1) or 2.5) == 1.5
    batch.forget_views()
    assert batch.shared("mean", lambda: made.append(1) or 3.5) == 3.5
    assert len(made) == 2


def test_tensors_are_float32_between_0_and_1_and_ordinary_whoever_asks_first():
    import torch

    batch = ImageBatch(RGB[None])
    with torch.inference_mode():
        tensor, luma = batch.tensor, batch.luma_tensor
    torch.testing.assert_close(
        tensor, torch.from_numpy(RGB.copy()).permute(2, 0, 1)[None].float() / 255, rtol=0, atol=0
    )
    torch.testing.assert_close(luma[0, 0].double(), torch.from_numpy(batch.luma[0] / 255), rtol=0, atol=6e-8)
    assert not tensor.is_inference()
    assert not luma.is_inference()
    assert batch.tensor is tensor


@pytest.mark.parametrize("wrong", [RGB, RGB[None].astype(float), RGB[None].transpose(0, 3, 1, 2)])
def test_a_batch_of_another_shape_or_type_is_refused(wrong):
    with pytest.raises(ValueError, match="uint8 images of shape"):
        ImageBatch(wrong)
