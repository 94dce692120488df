"""A batch of images and the views that metrics share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

LUMA_BT601 = (0.299, 0.587, 0.114)
"""Weights of R, G, B in luma, ITU-R BT.601."""


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


TENSOR_VIEWS = ("tensor", "luma_tensor")
VIEWS = ("luma", *TENSOR_VIEWS)


class ImageBatch:
    """N images of one size, with the views that metrics share: each is made once, when first asked for.

    `rgb` is uint8 (N, H, W, 3). A batch belongs to one device; only the tensor views live there. Views must not be
    written to, since other metrics read them too: arrays refuse it, and tensors tell by `modified`. `send` brings `rgb`
    to another device than the CPU, as it is; without it that is done when a tensor is first asked for.
    """

    def __init__(
        self, rgb: np.ndarray, device: str = "cpu", send: Callable[[np.ndarray], torch.Tensor] | None = None
    ) -> None:
        if rgb.ndim != 4 or rgb.shape[3] != 3 or rgb.dtype != np.uint8:
            raise ValueError(f"expected uint8 images of shape (N, H, W, 3), got {rgb.dtype} {rgb.shape}")
        self.rgb = _read_only(rgb)
        self.device = device
        self._send = send
        self._whole: ImageBatch | None = None
        self._shared: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.rgb)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[2]

    def part(self, which: slice | list[int]) -> ImageBatch:
        """Return some of the images as a batch, with the same parts of those views that are there already."""
        part = ImageBatch(self.rgb[which], self.device, self._send and (lambda _: self._sent[which]))
        part._whole = self
        part.__dict__.update({name: self.__dict__[name][which] for name in VIEWS if name in self.__dict__})
        return part

    @cached_property
    def luma(self) -> np.ndarray:
        """BT.601 luma, full range, unrounded: float64 (N, H, W) in [0, 255]; of a grey image exactly its grey."""
        import cv2

        weights = np.rint([[1000 * weight for weight in LUMA_BT601]]).astype(np.float32)
        luma = np.empty(self.rgb.shape[:3])
        image, thousandths = np.empty((*self.size, 3), np.float32), np.empty(self.size, np.float32)
        for rgb, out in zip(self.rgb, luma, strict=True):
            np.copyto(image, rgb)
            sums = cv2.transform(image, weights, dst=thousandths)  # whole numbers below 2^24: exact in float32
            np.divide(sums, 1000.0, out=out, dtype=np.float64)
        return _read_only(luma)

    @property
    def modified(self) -> bool:
        """Whether somebody wrote to a tensor view."""
        made = self.__dict__
        return any(name in made and made[name]._version != 0 for name in TENSOR_VIEWS)

    def forget_views(self) -> None:
        """Drop all views, here and in the batch that this is a part of: they are made anew when next asked for."""
        self._shared.clear()
        for name in VIEWS:
            self.__dict__.pop(name, None)
        if self._whole is not None:
            self._whole.forget_views()

    def shared(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what `make` gave when `key` was first asked for, so that metrics share more than the views here.

        What is made must follow from the images and the key alone, and must not be written to.
        """
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    @cached_property
    def _sent(self) -> torch.Tensor:
        """`rgb` as it is, on the batch's device."""
        import torch

        return torch.tensor(self.rgb, device=self.device) if self._send is None else self._send(self.rgb)

    @cached_property
    def tensor(self) -> torch.Tensor:
        """RGB as float32 (N, 3, H, W) in [0, 1], on the batch's device."""
        import torch

        with torch.inference_mode(False):  # whichever metric asks first, all get an ordinary tensor
            return self._sent.permute(0, 3, 1, 2).to(torch.float32).div(255.0).detach()

    @cached_property
    def luma_tensor(self) -> torch.Tensor:
        """BT.601 luma, full range, unrounded: float32 (N, 1, H, W) in [0, 1], on the batch's device."""
        import torch

        with torch.inference_mode(False):
            if self._send is None:
                return torch.from_numpy(self.luma / 255.0).to(self.device, torch.float32).unsqueeze(1)
            weights = torch.tensor([round(1000 * weight) for weight in LUMA_BT601], device=self.device)
            thousandths = (self._sent.double() * weights).sum(3)  # whole numbers: the same bits as on the CPU
            return (thousandths / 1000.0 / 255.0).to(torch.float32).unsqueeze(1)
