"""Bring a file of weights over the network: with progress, verified, and never waiting long for a dead one.

Whether a host answers is decided once per process: after one failure every further fetch from it fails at once. With
`IQA_OFFLINE=1` in the environment none is asked.

What comes is refused when it is longer or shorter than was said, slower than `LEAST_RATE`, or has another sha256 than the
one that is known, whole or by its first digits in the name. A file of unknown sha256 must come with its length, must not
be a page, and must be whole as far as its format tells: it is then taken, and called not verified.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from benchmark.types import Progress, UserError
from benchmark.weights.cache import CHUNK, path_of, write_verified
from benchmark.weights.catalogue import FILES, WeightsFile

OFFLINE = "IQA_OFFLINE"
"""Environment variable: anything but "" and "0" forbids every use of the network, also in worker processes."""
WEB_PAGE = "text/html"
"""What a login page of a network sends for any file; one whose sha256 nobody knows would be taken for it."""
CONNECT_SECONDS = 5.0
"""To find the host, connect, and see the answer's head, all together."""
READ_SECONDS = 10.0
"""Longest silence while a file comes in."""
LEAST_RATE = 1000
"""Bytes per second that must come in on the mean of each `RATE_SECONDS`."""
RATE_SECONDS = 20.0
MOST_BYTES = 4_000_000_000
"""Of a file of unknown size."""
ZIP, PICKLE, MATLAB, HDF5 = b"PK\x03\x04", b"\x80", b"MATLAB 5.0", b"\x89HDF"
BEGINNINGS = {".pth": (ZIP, PICKLE), ".pt": (ZIP, PICKLE), ".mat": (MATLAB, HDF5)}
"""How files of these endings begin."""
HEAD_BYTES = 64
"""Enough for the longest of them, and to know a page."""
ZIP_END, ZIP_END_BYTES = b"PK\x05\x06", 22 + 0xFFFF
"""How the last record of a zip begins, and the most bytes that it has."""

_alive: set[str] = set()
_dead: dict[str, str] = {}
"""Host -> why it does not answer, for the rest of this process."""


def offline() -> bool:
    """Whether the user forbids the network."""
    return os.environ.get(OFFLINE, "") not in ("", "0")


def fetch(file: WeightsFile, progress: Progress | None = None) -> None:
    """Bring `file` into the cache; `progress` is called with bytes done and expected, and the file's name.

    Raises UserError in one line: what could not be had, why, and which file to put where.
    """
    if not file.url:
        raise UserError(f"{file.name} cannot be fetched; {_by_hand(file)}")
    if offline():
        raise UserError(f"{file.name} is not fetched ({OFFLINE} is set); {_by_hand(file)}")
    from urllib.error import HTTPError

    host = _host(file.url)
    if host in _dead:
        raise UserError(f"{file.name} cannot be fetched ({_dead[host]}); {_by_hand(file)}")
    try:
        response = _open(file.url)
    except HTTPError as error:  # the host lives, it only lacks the file
        raise UserError(f"{file.name} cannot be fetched ({host}: {error}); {_by_hand(file)}") from error
    except OSError as error:
        _dead[host] = f"{host}: {_reason(error)}"
        raise UserError(f"{file.name} cannot be fetched ({_dead[host]}); {_by_hand(file)}") from error
    with response:
        if response.headers.get_content_type() == WEB_PAGE:
            raise UserError(f"{file.name} cannot be fetched ({host} sent a web page in its place); {_by_hand(file)}")
        try:
            total = _length(file, response)
            chunks = _chunks(file, response, total, progress)
            known = file.editions[0].sha256 or file.expected
            write_verified(file, chunks if known else _plausible(file.name, chunks), file.editions[:1])
        except _Broken as error:
            _dead[host] = f"{host}: {error}"
            raise UserError(f"{file.name} cannot be fetched ({_dead[host]}); {_by_hand(file)}") from error
        except _Wrong as error:
            raise UserError(f"{file.name} cannot be fetched ({host} {error}); {_by_hand(file)}") from error


def answers(address: str) -> bool:
    """Whether a host (``https://host``) answers at all, decided once per process; for libraries that fetch themselves."""
    if offline():
        return False
    from urllib.error import HTTPError

    host = _host(address)
    if host not in _dead and host not in _alive:
        try:
            _open(address).close()
            _alive.add(host)
        except HTTPError:
            _alive.add(host)
        except OSError as error:
            _dead[host] = f"{host}: {_reason(error)}"
    return host in _alive


class _Broken(Exception):
    """The connection ended before the file did, or hardly brings anything."""


class _Wrong(Exception):
    """What the host sends is not the file."""


def _host(url: str) -> str:
    """The host of an address; raises UserError for one that has none."""
    try:
        host = urlsplit(url).netloc
    except ValueError as error:
        raise UserError(f"{url!r} is no address of a file ({error}); expected https://HOST/NAME") from error
    if not host:
        raise UserError(f"{url!r} is no address of a file; expected https://HOST/NAME")
    return host


def _open(url: str) -> Any:
    """The response to a request of `url`; raises OSError (URLError, TimeoutError) within `CONNECT_SECONDS`.

    The request runs in a thread of its own, since the time-out of a socket does not cover the look-up of a name.
    """
    from urllib.request import Request, urlopen

    answers: queue.Queue[Any] = queue.Queue()

    def ask() -> None:
        try:
            request = Request(url, headers={"User-Agent": "iqa-benchmark"})
            answers.put(urlopen(request, timeout=READ_SECONDS))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS:g} s") from None
    if isinstance(answer, OSError):
        raise answer
    if isinstance(answer, Exception):
        raise OSError(str(answer)) from answer
    return answer


def _length(file: WeightsFile, response: Any) -> int:
    """How many bytes are to come, 0 where nobody says; raises _Wrong where that cannot be or is not the file's size."""
    said, size = response.headers.get("Content-Length"), file.editions[0].size
    if said is None:
        if not size and not file.expected:
            raise _Wrong("does not say how long the file is, and nobody here knows it")
        return size
    if not (said.isascii() and said.isdigit()):
        raise _Wrong(f"says that the file has {said!r} bytes")
    if size and int(said) != size:
        raise _Wrong(f"says that the file has {int(said):,} bytes; expected {size:,}")
    return int(said)


def _chunks(file: WeightsFile, response: Any, total: int, progress: Progress | None) -> Iterator[bytes]:
    """Yield the body in parts; raises _Broken when it stops short or trickles, _Wrong when it goes on for too long."""
    from http.client import HTTPException

    done, most = 0, total or MOST_BYTES
    begun, before = time.monotonic(), 0
    while True:
        try:
            chunk = response.read1(CHUNK)
        except (OSError, HTTPException) as error:
            raise _Broken(f"the connection broke after {done:,} bytes ({_reason(error)})") from error
        if not chunk:
            break
        done += len(chunk)
        if done > most:
            raise _Wrong(f"sends more than the {most:,} bytes that the file may have")
        if progress is not None:
            progress(done, max(total, done), file.name)
        yield chunk
        passed = time.monotonic() - begun
        if passed > RATE_SECONDS:
            if done - before < LEAST_RATE * passed:
                raise _Broken(f"only {done - before:,} bytes came in {passed:.0f} s")
            begun, before = time.monotonic(), done
    if done < total:
        raise _Broken(f"the connection ended after {done:,} of {total:,} bytes")


def _plausible(name: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the parts of a file of unknown sha256; raises _Wrong unless it begins and ends as one of its ending does."""
    head = tail = b""
    for chunk in chunks:
        head = head if len(head) >= HEAD_BYTES else head + chunk[:HEAD_BYTES]
        tail = (tail + chunk)[-ZIP_END_BYTES:]
        yield chunk
    beginnings = BEGINNINGS.get(PurePath(name).suffix)
    if (beginnings and not head.startswith(beginnings)) or head.lstrip().startswith(b"<"):
        raise _Wrong(f"sent something that does not begin as a file of that name does: {head[:16]!r}")
    if head.startswith(ZIP) and ZIP_END not in tail:
        raise _Wrong("sent a file that lacks its end")


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", None)
    return str(inner if inner else error) or type(error).__name__


def _by_hand(file: WeightsFile) -> str:
    get = f"get {file.url} on another machine" if file.url else f"get {file.name}"
    if file.name not in {known.name for known in FILES}:
        return f"{get} and copy it to {path_of(file)}"
    return f"{get}, then `python -m benchmark weights add {file.name}` (or copy it to {path_of(file)})"
