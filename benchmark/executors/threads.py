"""Computing with one thread in a process that is already running.

Scores are defined with one thread: sums in another order have other last bits. A worker process reads the environment
before it loads any library; a process of the user's has loaded them, and gets its threads back afterwards.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from threadpoolctl import ThreadpoolController


def _set_threads(module: str, getter: str, setter: str, number: int) -> int:
    """Set the threads of a library where it is loaded, and return how many it had (1 where it is not loaded)."""
    library = sys.modules.get(module)
    if library is None or not hasattr(library, setter):
        return 1
    before = getattr(library, getter)()
    getattr(library, setter)(number)
    return before


OWN_THREADS = (
    partial(_set_threads, "torch", "get_num_threads", "set_num_threads"),
    partial(_set_threads, "cv2", "getNumThreads", "setNumThreads"),
)
"""Of libraries that keep a number of their own beside their pools': each sets it and returns the one before."""


def limit_to_one_thread() -> None:
    """Let every library that is loaded compute with one thread, for the rest of this process."""
    for threads in OWN_THREADS:
        threads(1)
    ThreadpoolController().limit(limits=1)


_turn = threading.RLock()
"""Held while libraries are limited: threads of the user's would else give back what others still need."""


class OneThread:
    """Lets the libraries of this process compute with one thread for a while, and gives them back what they had.

    Threads that ask for it at the same time take turns.
    """

    def __init__(self) -> None:
        self._seen = 0
        self._controller: ThreadpoolController | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Limit what is loaded now; what is loaded inside is not limited (see `came`)."""
        if self._controller is None or self._seen != len(sys.modules):
            self._controller, self._seen = ThreadpoolController(), len(sys.modules)
        with ExitStack() as stack:
            stack.enter_context(_turn)
            for threads in OWN_THREADS:  # before the pools, whose number torch takes for its own
                stack.callback(threads, threads(1))
            stack.enter_context(self._controller.limit(limits=1))
            yield

    def came(self) -> bool:
        """Whether libraries with several threads were loaded since the last block began."""
        if self._seen == len(sys.modules):
            return False
        known = {library["filepath"] for library in self._controller.info()} if self._controller else set()
        self._controller, self._seen = ThreadpoolController(), len(sys.modules)
        new = [library for library in self._controller.info() if library["filepath"] not in known]
        return any(library["num_threads"] > 1 for library in new)
