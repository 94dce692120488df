"""How the C library keeps freed memory: handing it back after every image costs more in page faults than fast metrics do."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""
KEPT = 256 << 20
"""Bytes at the end of the heap that stay with the process when they are free."""
FROM_HEAP = 32 << 20
"""Arrays below this size, the largest that every glibc takes for it, come from the heap: not from pages of their own."""


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, for the next image; returns whether the C library took it (glibc does).

    A setting of the whole process: for worker processes, whose every image needs arrays of the same sizes.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, FROM_HEAP) and mallopt(M_TRIM_THRESHOLD, KEPT))
