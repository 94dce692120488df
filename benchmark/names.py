"""Names that a user mistypes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from benchmark.types import UserError

NEARLY = 0.85
"""Likeness (difflib) from which on a name is taken for a mistyped one: `tid2103` is as like `tid2013`, `livemd` not `live`."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not among `known`: the nearest ones, or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}"
    return UserError(f"unknown {kind} {name!r}; {hint}")


def known_name(name: str, known: Iterable[str]) -> str:
    """The one of `known` that `name` is in any letter case, else `name` itself: things may have names that are not known.

    Raises ValueError for a name that is nearly a known one (`tid2103`, `kadid-10k`).
    """
    by_lower = {one.lower(): one for one in known}
    if name.lower() in by_lower:
        return by_lower[name.lower()]
    if near := difflib.get_close_matches(name.lower(), sorted(by_lower), n=1, cutoff=NEARLY):
        raise ValueError(f"no {name!r} is known; did you mean {by_lower[near[0]]}?")
    return name
