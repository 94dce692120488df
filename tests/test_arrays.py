"""Images in memory become the pixels that a file of theirs would give, or are refused with what to do."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.arrays import images_of
from benchmark.types import UserError

RGB = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
GREY = np.arange(35, dtype=np.uint8).reshape(5, 7)


def one(value, **options):
    images, is_batch = images_of(value, **options)
    assert not is_batch
    assert images.dtype == np.uint8
    return images[0]


def test_uint8_rgb_is_taken_as_it_is():
    np.testing.assert_array_equal(one(RGB), RGB)


@pytest.mark.parametrize("grey", [GREY, GREY[..., np.newaxis], Image.fromarray(GREY), torch.from_numpy(GREY)])
def test_grey_becomes_three_equal_channels(grey):
    np.testing.assert_array_equal(one(grey), np.stack([GREY] * 3, axis=2))


def test_a_tensor_has_its_channels_first():
    np.testing.assert_array_equal(one(torch.from_numpy(RGB).permute(2, 0, 1)), RGB)


def test_a_batch_is_told_from_an_image():
    images, is_batch = images_of(np.stack([RGB, RGB[::-1]]))
    assert is_batch
    np.testing.assert_array_equal(images[1], RGB[::-1])
    tensors, is_batch = images_of(torch.from_numpy(np.stack([RGB, RGB[::-1]])).permute(0, 3, 1, 2))
    assert is_batch
    np.testing.assert_array_equal(tensors, images)


@pytest.mark.parametrize(
    ("data_range", "scaled"),
    [
        (1.0, lambda rgb: rgb / 255.0),
        (1, lambda rgb: (rgb / 255.0).astype(np.float32)),
        (255, lambda rgb: rgb.astype(np.float64)),
        ((-1, 1), lambda rgb: rgb / 127.5 - 1.0),
        ((-1.0, 1.0), lambda rgb: (rgb / 127.5 - 1.0).astype(np.float32)),
        (1.0, lambda rgb: torch.from_numpy(rgb).permute(2, 0, 1).float() / 255),
    ],
)
def test_floats_on_the_8_bit_levels_give_the_levels(data_range, scaled):
    every_level = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    np.testing.assert_array_equal(one(scaled(every_level), data_range=data_range), every_level)


def test_floats_between_levels_are_rounded_halves_up():
    np.testing.assert_array_equal(one(np.array([[0.4, 0.5, 254.49, 254.5]]), data_range=255)[0, :, 0], [0, 1, 254, 255])


@pytest.mark.parametrize(
    ("value", "options", "words"),
    [
        (RGB / 255.0, {}, "declare it: data_range=1.0"),
        (RGB.astype(np.int64), {}, r"image\.astype\(np\.uint8\)"),
        (RGB.astype(np.uint16), {}, "uint16"),
        (RGB > 3, {}, "got bool"),
        (RGB.astype(float), {"data_range": 1.0}, "got 0 to 104"),
        (np.full((4, 4), np.nan), {"data_range": 1.0}, "NaN"),
        (RGB / 255.0, {"data_range": "1"}, "data_range: expected a number"),
        (RGB / 255.0, {"data_range": (1, 1)}, "below the largest"),
        (np.moveaxis(RGB, 2, 0), {}, "channels come first"),
        (torch.from_numpy(RGB), {}, "channels come last"),
        (np.zeros((4, 4, 4), np.uint8), {}, "transparency"),
        (np.zeros(4, np.uint8), {}, r"got \(4,\)"),
        (np.zeros((0, 4, 3), np.uint8), {}, "with pixels"),
        ([[1, 2], [3, 4]], {}, "got list"),
        (Image.new("RGBA", (4, 4), (1, 2, 3, 4)), {}, "transparent"),
        (Image.new("I;16", (4, 4)), {}, "I;16"),
        (Image.new("CMYK", (4, 4)), {}, "CMYK"),
    ],
)
def test_what_would_need_a_guess_is_refused_with_what_to_do(value, options, words):
    with pytest.raises(UserError, match=words):
        images_of(value, **options)
