"""Bring a file of weights over the network: with progress, verified, and never waiting long for a dead one.

Whether a host answers is decided once per process: after one failure every further fetch from it fails at once. With
`IQA_OFFLINE=1` in the environment none is asked.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
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

    host = urlsplit(file.url).netloc
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
            write_verified(file, _chunks(file, response, progress), file.editions[:1])
        except _Broken as error:
            _dead[host] = f"{host}: {error}"
            raise UserError(f"{file.name} cannot be fetched ({_dead[host]}); {_by_hand(file)}") from error


def answers(address: str) -> bool:
    """Whether a host (``https://host``) answers at all, decided once per process; for libraries that fetch themselves."""
    if offline():
        return False
    from urllib.error import HTTPError

    host = urlsplit(address).netloc
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
    """The connection ended before the file did."""


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


def _chunks(file: WeightsFile, response: Any, progress: Progress | None) -> Iterator[bytes]:
    """Yield the body in parts; raises _Broken when it stops short."""
    from http.client import HTTPException

    total, done = int(response.headers.get("Content-Length") or file.editions[0].size), 0
    while True:
        try:
            chunk = response.read(CHUNK)
        except (OSError, HTTPException) as error:
            raise _Broken(f"the connection broke after {done:,} bytes ({_reason(error)})") from error
        if not chunk:
            break
        done += len(chunk)
        if progress is not None:
            progress(done, max(total, done), file.name)
        yield chunk
    if done < total:
        raise _Broken(f"the connection ended after {done:,} of {total:,} bytes")


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", None)
    return str(inner if inner else error) or type(error).__name__


def _by_hand(file: WeightsFile) -> str:
    get = f"get {file.url} on another machine" if file.url else f"get {file.name}"
    if file.name not in {known.name for known in FILES}:
        return f"{get} and copy it to {path_of(file)}"
    return f"{get}, then `python -m benchmark weights add {file.name}` (or copy it to {path_of(file)})"
