"""The distortion types: functions ``(image, strength, rng) -> image`` of float64 RGB (H, W, 3) in [0, 1].

`strength` lies in [0, 1], from barely visible to destroyed, and maps to the physical parameter named in the docstring,
mostly on a logarithmic scale. The result may leave [0, 1]. Their order is part of the recipe: a seed draws by it.
"""

from __future__ import annotations

import io

import numpy as np

from asna.distortion_registry import DISTORTIONS, WEIGHTS, between, distortion, to_uint8

__all__ = ["DISTORTIONS", "WEIGHTS", "to_uint8"]


def _convolve(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    from scipy.signal import fftconvolve

    pad = [(side // 2, side - 1 - side // 2) for side in kernel.shape]
    padded = np.pad(image, [*pad, (0, 0)], mode="symmetric")
    return fftconvolve(padded, kernel[:, :, None] / kernel.sum(), mode="valid", axes=(0, 1))


@distortion(weight=4.0)
def gaussian_blur(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur, sigma 0.3 to 15 pixels."""
    from scipy.ndimage import gaussian_filter1d

    sigma = between(0.3, 15.0, strength)
    return gaussian_filter1d(gaussian_filter1d(image, sigma, axis=0), sigma, axis=1)


@distortion()
def motion_blur(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Blur along a line of random direction, 1.5 to 45 pixels long."""
    half = between(1.5, 45.0, strength) / 2
    angle = rng.uniform(0.0, np.pi)
    reach = int(np.ceil(half))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = -columns * np.sin(angle) + rows * np.cos(angle)
    kernel = np.clip(half + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return _convolve(image, kernel)


@distortion()
def lens_blur(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Defocus: a disc of radius 0.6 to 22 pixels."""
    radius = between(0.6, 22.0, strength)
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return _convolve(image, np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1))


@distortion()
def box_blur(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Moving average over a square of 2 to 41 pixels."""
    side = round(between(2.0, 41.0, strength))
    return _convolve(image, np.ones((side, side)))


@distortion(weight=4.0)
def white_noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Independent Gaussian noise in every channel, standard deviation 0.008 to 2 of the full range."""
    return image + between(0.008, 2.0, strength) * rng.standard_normal(image.shape)


@distortion()
def poisson_noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Photon noise: 5,000 down to 1 photons at white."""
    photons = between(5000.0, 1.0, strength)
    return rng.poisson(image * photons) / photons


@distortion()
def impulse_noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Salt and pepper in every channel, 0.05 % to 60 % of the values."""
    hit = rng.random(image.shape) < between(0.0005, 0.6, strength)
    return np.where(hit, rng.integers(0, 2, image.shape), image)


@distortion()
def speckle_noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Multiplicative Gaussian noise, standard deviation 0.02 to 2 of the value."""
    return image * (1 + between(0.02, 2.0, strength) * rng.standard_normal(image.shape))


@distortion()
def correlated_noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise smoothed over 0.6 to 2.5 pixels, standard deviation 0.008 to 0.7 of the full range."""
    from scipy.ndimage import gaussian_filter

    reach = rng.uniform(0.6, 2.5)
    noise = gaussian_filter(rng.standard_normal(image.shape), (reach, reach, 0))
    return image + between(0.008, 0.7, strength) * noise / noise.std()


@distortion()
def chroma_noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise in the colour differences alone (BT.601), standard deviation 0.01 to 0.8."""
    from skimage.color import rgb2ycbcr, ycbcr2rgb

    ycbcr = rgb2ycbcr(image)
    ycbcr[..., 1:] += 224 * between(0.01, 0.8, strength) * rng.standard_normal(ycbcr[..., 1:].shape)
    return ycbcr2rgb(ycbcr)


def _codec(image: np.ndarray, **options) -> np.ndarray:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(file, **options)
    return np.asarray(Image.open(file).convert("RGB")) / 255.0


@distortion(weight=4.0)
def jpeg(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """JPEG with 4:2:0 chroma, quality 96 down to 1, finer at the low end."""
    return _codec(image, format="JPEG", quality=round(1 + 95 * (1 - strength) ** 2), subsampling=2)


@distortion(weight=2.0)
def jpeg2000(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """JPEG 2000 (irreversible), compressed 4 to 400 times."""
    ratio = between(4.0, 400.0, strength)
    return _codec(image, format="JPEG2000", quality_mode="rates", quality_layers=[ratio], irreversible=True)


@distortion()
def webp(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """WebP, quality 95 down to 0."""
    return _codec(image, format="WEBP", quality=round(95 * (1 - strength) ** 1.5), method=2)


@distortion()
def avif(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """AVIF, quality 90 down to 0."""
    return _codec(image, format="AVIF", quality=round(90 * (1 - strength) ** 1.2), speed=9, max_threads=1)


@distortion()
def contrast(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Contrast about the mean, stretched or shrunk 1.05 to 6 times."""
    factor = between(1.05, 6.0, strength)
    mean = image.mean()
    return mean + (image - mean) * (factor if rng.random() < 0.5 else 1 / factor)


@distortion()
def mean_shift(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """All values up or down by 0.01 to 0.5 of the full range."""
    return image + rng.choice([-1.0, 1.0]) * between(0.01, 0.5, strength)


@distortion()
def gamma(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A power law with exponent 1.04 to 4, or its inverse."""
    exponent = between(1.04, 4.0, strength)
    return image ** (exponent if rng.random() < 0.5 else 1 / exponent)


@distortion()
def saturation(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Colour differences from the luma (BT.601) reduced to nothing, or enlarged up to 5 times."""
    luma = image @ np.array([0.299, 0.587, 0.114])
    factor = 1 - strength if rng.random() < 0.5 else between(1.05, 5.0, strength)
    return luma[..., None] + factor * (image - luma[..., None])


@distortion()
def colour_shift(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Red, green and blue moved by a random vector of length 0.01 to 0.6 whose mean is zero."""
    vector = rng.standard_normal(3)
    vector -= vector.mean()
    return image + between(0.01, 0.6, strength) * vector / np.linalg.norm(vector)


@distortion()
def quantisation(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """64 down to 2 levels in each channel."""
    levels = round(between(64.0, 2.0, strength)) - 1
    return np.rint(image * levels) / levels


def _resample(image: np.ndarray, factor: float, method: int) -> np.ndarray:
    from PIL import Image

    height, width = image.shape[:2]
    small = Image.fromarray(to_uint8(image)).resize((max(1, round(width / factor)), max(1, round(height / factor))))
    return np.asarray(small.resize((width, height), method)) / 255.0


@distortion()
def resample_bicubic(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Reduced 1.15 to 16 times and enlarged again, bicubic."""
    return _resample(image, between(1.15, 16.0, strength), 3)


@distortion()
def resample_nearest(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Reduced 1.15 to 16 times and enlarged again by repetition: blocks."""
    return _resample(image, between(1.15, 16.0, strength), 0)


@distortion()
def ringing(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """All frequencies above a cut-off removed: 0.45 down to 0.012 cycles per pixel, with the ringing of the sharp edge."""
    frequency = np.hypot(np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1]))
    keep = frequency <= between(0.45, 0.012, strength)
    return np.fft.ifft2(np.fft.fft2(image, axes=(0, 1)) * keep[..., None], axes=(0, 1)).real


@distortion()
def oversharpening(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Unsharp mask of 0.7 to 2 pixels, amount 0.3 to 14."""
    from scipy.ndimage import gaussian_filter

    reach = rng.uniform(0.7, 2.0)
    return image + between(0.3, 14.0, strength) * (image - gaussian_filter(image, (reach, reach, 0)))


@distortion()
def block_loss(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Squares of 8 to 32 pixels replaced by their mean, grey, or a neighbour: 1 to 400 of them."""
    result = image.copy()
    side = int(rng.choice([8, 16, 32]))
    style = rng.integers(3)
    for _ in range(round(between(1.0, 400.0, strength) * (8 / side))):
        row, column = (int(rng.integers(0, length - side)) for length in image.shape[:2])
        block = result[row : row + side, column : column + side]
        if style == 0:
            block[:] = block.mean(axis=(0, 1))
        elif style == 1:
            block[:] = 0.5
        else:
            shift = int(rng.integers(0, image.shape[1] - side))
            block[:] = image[row : row + side, shift : shift + side]
    return result


@distortion()
def jitter(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Every pixel taken from a random place within a standard deviation of 0.25 to 12 pixels."""
    from scipy.ndimage import map_coordinates

    height, width = image.shape[:2]
    moves = between(0.25, 12.0, strength) * rng.standard_normal((2, height, width))
    places = np.mgrid[:height, :width] + moves
    return np.stack([map_coordinates(image[..., c], places, order=1, mode="reflect") for c in range(3)], axis=-1)


@distortion()
def denoise_tv(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """White noise (0.02 to 0.3) smoothed away by total variation, weight 0.03 to 1.5."""
    from skimage.restoration import denoise_tv_chambolle

    noisy = np.clip(image + between(0.02, 0.3, strength) * rng.standard_normal(image.shape), 0, 1)
    return denoise_tv_chambolle(noisy, weight=between(0.03, 1.5, strength), channel_axis=-1, max_num_iter=40)


@distortion()
def denoise_median(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """White noise (0.02 to 0.5) under a median filter of 3 to 9 pixels."""
    from PIL import Image, ImageFilter

    noisy = to_uint8(image + between(0.02, 0.5, strength) * rng.standard_normal(image.shape))
    side = 2 * round(between(1.0, 4.0, strength)) + 1
    return np.asarray(Image.fromarray(noisy).filter(ImageFilter.MedianFilter(side))) / 255.0


@distortion()
def denoise_non_local_means(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """White noise (0.02 to 0.3) under non-local means, cut-off 0.5 to 2.5 times the noise."""
    from skimage.restoration import denoise_nl_means

    sigma = between(0.02, 0.3, strength)
    noisy = np.clip(image + sigma * rng.standard_normal(image.shape), 0, 1)
    return denoise_nl_means(
        noisy, patch_size=5, patch_distance=4, h=sigma * between(0.5, 2.5, strength), sigma=sigma, channel_axis=-1
    )
