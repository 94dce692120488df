"""What differs between a CPU and a CUDA device inside one worker: memory, transfer, clock. All else is the same code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.images import ImageBatch

if TYPE_CHECKING:
    import torch

VIEW_BYTES_PER_PIXEL = 64
"""Of one image in a batch: decoded (3), luma (8), float RGB (12), float luma (4), and the copies made on the way."""
FREE_SHARE = 0.5
"""Share of a device's free memory that one batch of one metric is sized to: what is freed lies in pieces."""
ALLOCATION_FAILED = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "_STATUS_ALLOC_FAILED",
    "Insufficient memory",
)
"""How torch on a CPU, cuDNN, cuBLAS and OpenCV say it, in errors that have no type of their own."""


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def programs_time() -> float:
    """Processor seconds of the programs that this process has started and that have ended: some metrics are such."""
    try:
        import resource
    except ImportError:  # not on Windows, where os.times knows as little
        return 0.0
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def processor_time() -> float:
    """Processor seconds of this process and of the programs that it has started."""
    return time.process_time() + programs_time()


class Processor:
    """The CPU: images stay where they are, one at a time, decoded by the thread that scores them."""

    name = "cpu"
    decoders = 0
    """Threads that decode ahead of the scoring; none: the scoring thread decodes."""
    batches_ahead = 0
    """Batches that are made, and sent, while another is scored."""
    largest_batch = 1
    """Images in a batch at most: a second one gains nothing on a CPU, and costs a copy and the memory of its views."""

    def gather(self, images: Sequence[np.ndarray]) -> ImageBatch:
        """Make a batch of decoded images of one size (H, W, 3); one image is not copied."""
        return ImageBatch(images[0][np.newaxis] if len(images) == 1 else np.stack(images), self.name)

    def clock(self) -> float:
        """Seconds of processor time: of this process, or of this thread alone where others decode meanwhile."""
        return time.thread_time() if self.decoders else processor_time()

    def room(self) -> float:
        """Bytes that one batch of one metric may work with, as far as the device knows; infinite where it cannot tell."""
        return float("inf")

    def watch(self) -> None:
        """Begin to measure what a metric works with."""

    def watched(self) -> int:
        """Bytes that were in use at most since `watch`, beyond those in use then; 0 where nothing is measured."""
        return 0

    def release(self) -> None:
        """Hand back memory that is kept for later use."""


class CudaDevice(Processor):
    """A CUDA device: images are decoded by other threads and cross over while the batch before is scored.

    Batches go from pinned memory as uint8 on a stream of their own, and become float on the device. They are sent ahead
    once a metric has asked for one: many metrics work on the CPU whatever the device.
    """

    batches_ahead = 1
    largest_batch = 64

    def __init__(self, name: str, decoders: int) -> None:
        import torch

        self.name = name
        self.decoders = decoders
        self._device = torch.device(name)
        self._stream = torch.cuda.Stream(self._device)
        self._asked = False
        self._in_use = 0

    def gather(self, images: Sequence[np.ndarray]) -> ImageBatch:
        """Make a batch, and begin to send it where metrics work on the device and it has the memory."""
        if self._asked:
            try:
                return self._sent_ahead(images)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            self.release()
        return ImageBatch(np.stack(images), self.name, self._send_now)

    def _sent_ahead(self, images: Sequence[np.ndarray]) -> ImageBatch:
        """Make a batch in pinned memory that is on its way when this returns."""
        import torch

        pinned = torch.empty((len(images), *images[0].shape), dtype=torch.uint8, pin_memory=True)
        rgb = pinned.numpy()
        np.stack(images, out=rgb)
        with torch.cuda.stream(self._stream):
            sent = pinned.to(self._device, non_blocking=True)
            arrived = self._stream.record_event()

        def arrive(_: np.ndarray) -> torch.Tensor:
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(arrived)
            sent.record_stream(stream)  # so that its memory is not used again before that stream has read it
            return sent

        return ImageBatch(rgb, self.name, arrive)

    def _send_now(self, rgb: np.ndarray) -> torch.Tensor:
        import torch

        self._asked = True
        return torch.tensor(rgb, device=self._device)

    def clock(self) -> float:
        """Seconds of wall time, once all that was asked of the device is done, but for what is on its way there."""
        import torch

        torch.cuda.current_stream(self._device).synchronize()
        return time.perf_counter()

    def room(self) -> float:
        """A share of what is free, counting what torch keeps for later use."""
        import torch

        free, _ = torch.cuda.mem_get_info(self._device)
        kept = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
        return FREE_SHARE * (free + kept)

    def watch(self) -> None:
        """Begin to measure what a metric works with."""
        import torch

        torch.cuda.reset_peak_memory_stats(self._device)
        self._in_use = torch.cuda.memory_allocated(self._device)

    def watched(self) -> int:
        """Bytes that torch had in use at most since `watch`, beyond those in use then."""
        import torch

        return torch.cuda.max_memory_allocated(self._device) - self._in_use

    def release(self) -> None:
        """Empty torch's cache."""
        import torch

        torch.cuda.empty_cache()


def open_device(name: str, decoders: int | None) -> Processor:
    """Return the device "cpu", "cuda" or "cuda:N"; `decoders` None: one thread per core where images are sent."""
    device = Processor() if name == "cpu" else CudaDevice(name, 0)
    if decoders is None:
        decoders = 0 if name == "cpu" else cores()
    device.decoders = decoders
    return device


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had, on the CPU or on a device; does not import torch."""
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, Exception) and any(words in str(error) for words in ALLOCATION_FAILED)
