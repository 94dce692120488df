"""Augmentation for pairs: the same change on the reference and on all its distorted images, on their device.

Quarter turns, flips, and the lightness L of CIE Lab scaled, as in arXiv 2105.02531. Every draw comes from the given
generator, so that a step depends on its seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# sRGB primaries and the D65 white point (IEC 61966-2-1), and CIE Lab's knee
RGB_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
WHITE = (0.95047, 1.0, 1.08883)
KNEE = 6 / 29


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is drawn. The defaults are the paper's."""

    turns: bool = True
    """Quarter turns and flips: the eight symmetries of the square."""
    lightness: tuple[float, float] = (0.3, 1.5)
    """Range of the factor on L; (1, 1) leaves it alone."""


def rgb_to_lab(image: Tensor) -> Tensor:
    """sRGB (N, 3, H, W) in [0, 1] to CIE Lab with the D65 white point: L in 0..100."""
    linear = torch.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055).clamp_min(0) ** 2.4)
    matrix = torch.tensor(RGB_TO_XYZ, dtype=image.dtype, device=image.device)
    white = torch.tensor(WHITE, dtype=image.dtype, device=image.device)[:, None, None]
    xyz = torch.einsum("ij,njhw->nihw", matrix, linear) / white
    root = torch.where(xyz > KNEE**3, xyz.clamp_min(1e-9) ** (1 / 3), xyz / (3 * KNEE**2) + 4 / 29)
    x, y, z = root.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """CIE Lab to sRGB (N, 3, H, W), clipped to [0, 1]."""
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    root = torch.stack([y + a / 500, y, y - b / 200], dim=1)
    white = torch.tensor(WHITE, dtype=lab.dtype, device=lab.device)[:, None, None]
    xyz = torch.where(root > KNEE, root**3, 3 * KNEE**2 * (root - 4 / 29)) * white
    matrix = torch.tensor(RGB_TO_XYZ, dtype=torch.float64).inverse().to(lab)
    linear = torch.einsum("ij,njhw->nihw", matrix, xyz).clamp(0, 1)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp_min(1e-9) ** (1 / 2.4) - 0.055)


def scale_lightness(image: Tensor, factor: Tensor) -> Tensor:
    """Images (N, 3, H, W) with the L of CIE Lab multiplied by `factor` (N,), clipped to [0, 1]."""
    lab = rgb_to_lab(image)
    return lab_to_rgb(torch.cat([lab[:, :1] * factor[:, None, None, None], lab[:, 1:]], dim=1))


def turn(image: Tensor, view: int) -> Tensor:
    """One of the eight symmetries of the square: `view` // 2 quarter turns, then a flip if `view` is odd."""
    image = torch.rot90(image, view // 2, dims=(2, 3))
    return image.flip(3) if view % 2 else image


def augment(
    *, reference: Tensor, distorted: Tensor, owner: Tensor, augmentation: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Change references (R, 3, S, S) and distorted images (N, 3, S, S) alike; `owner` (N,) names each one's reference.

    Each reference draws its own symmetry and lightness, from `generator` (of the CPU, so that devices agree).
    """
    n = len(reference)
    views = torch.randint(0, 8, (n,), generator=generator).tolist()
    low, high = augmentation.lightness
    factors = (low + (high - low) * torch.rand(n, generator=generator)).to(reference)
    if augmentation.turns:
        owners = owner.tolist()
        reference = torch.stack([turn(reference[i : i + 1], views[i])[0] for i in range(n)])
        distorted = torch.stack([turn(distorted[i : i + 1], views[j])[0] for i, j in enumerate(owners)])
    if (low, high) != (1.0, 1.0):
        reference, distorted = scale_lightness(reference, factors), scale_lightness(distorted, factors[owner])
    return reference, distorted
