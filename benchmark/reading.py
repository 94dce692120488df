"""Images read ahead of their use, by a few threads: decoders release Python's lock while they work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmark.types import PairError

Read = Callable[[Path], np.ndarray]
Item = TypeVar("Item")


def read_all(
    paths: Iterable[Path], read: Read, pool: Executor | None, window: Callable[[int], int]
) -> Generator[tuple[Path, np.ndarray | PairError], None, None]:
    """Yield each path with its image, or with the PairError that `read` raised, in the order of `paths`.

    With a pool, images are read there ahead of the one that is yielded: at most `window(pixels)` of them, and always
    one, where `pixels` is the size of the largest image so far (0 before the first). Without a pool each is read when
    its turn comes.
    """
    if pool is None:
        for path in paths:
            yield path, _read(path, read)
        return
    waiting = iter(paths)
    flying: deque[tuple[Path, Future[np.ndarray | PairError]]] = deque()
    largest = 0

    def fill() -> None:
        while len(flying) < max(1, window(largest)) and (path := next(waiting, None)) is not None:
            flying.append((path, pool.submit(_read, path, read)))

    try:
        fill()
        while flying:
            path, future = flying.popleft()
            image = future.result()
            if isinstance(image, np.ndarray):
                largest = max(largest, image.shape[0] * image.shape[1])
            fill()
            yield path, image
    finally:
        for _, future in flying:
            future.cancel()


def _read(path: Path, read: Read) -> np.ndarray | PairError:
    try:
        return read(path)
    except PairError as error:
        return error


def ahead(items: Iterable[Item], count: int) -> Iterator[Item]:
    """Yield the items in their order, having taken `count` more than was asked for."""
    taken: deque[Item] = deque()
    for item in items:
        taken.append(item)
        if len(taken) > count:
            yield taken.popleft()
    yield from taken
