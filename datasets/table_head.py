"""What the comment lines on top of a table declare."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points

from benchmark.names import known_name
from benchmark.pairs import shortened
from benchmark.types import LabelStdKind

HIGHER = "higher-is-better"
LOWER = "lower-is-better"
OUTSIDE = "allow-outside"
LABEL_STD = "label-std"
CONTAINS = "contains"
DECIMAL = "decimal"
EXPECTED = {
    HIGHER: (),
    LOWER: (),
    OUTSIDE: (),
    LABEL_STD: ("ratings", "mean"),
    CONTAINS: ("names of data sets separated by commas, such as live, kadid10k",),
    DECIMAL: ("comma", "point"),
}
"""What may be declared -> what may follow its colon; nothing where there is no colon."""

_NAMES = re.compile(r"[A-Za-z0-9][\w.+-]*(\s*,\s*[A-Za-z0-9][\w.+-]*)*")


@dataclass(frozen=True, slots=True)
class Head:
    """The declarations of a table."""

    directions: frozenset[bool] = frozenset()
    """Whether higher is better, as often as it was said."""
    outside: bool = False
    label_std_kind: LabelStdKind = ""
    """"" where nothing was said."""
    contains: tuple[str, ...] = ()


def parse_head(comments: Iterable[str]) -> Head:
    """Read comment lines without their ``#``; what declares nothing is a remark.

    Raises ValueError for a declaration that is misspelt, has another value than expected, or contradicts another.
    """
    said: dict[str, set[str]] = {}
    for comment in comments:
        key, colon, value = (part.strip() for part in comment.partition(":"))
        key = key.lower()
        if key in EXPECTED and bool(colon) == bool(EXPECTED[key]):
            said.setdefault(key, set()).add(value if key == CONTAINS else value.lower())
        elif near := difflib.get_close_matches(key[:40], EXPECTED, n=1, cutoff=0.8):
            example = f"{near[0]}: {EXPECTED[near[0]][0]}" if EXPECTED[near[0]] else near[0]
            raise ValueError(f"the line '# {shortened(comment, 80)}': did you mean '# {example}'?")
    for key in (LABEL_STD, DECIMAL):
        if key in said and not (len(said[key]) == 1 and said[key] <= set(EXPECTED[key])):
            raise ValueError(
                f"the line '# {key}: ...' says {' and '.join(sorted(said[key]))}, expected one of {', '.join(EXPECTED[key])}"
            )
    contained = said.get(CONTAINS, set())
    if wrong := sorted(names for names in contained if not _NAMES.fullmatch(names)):
        raise ValueError(f"the line '# {CONTAINS}: {shortened(wrong[0], 80)}': expected {EXPECTED[CONTAINS][0]}")
    known = entry_points(group="iqa_benchmark.datasets").names
    kinds: dict[str, LabelStdKind] = {"ratings": "ratings", "mean": "mean"}
    return Head(
        frozenset(key == HIGHER for key in (HIGHER, LOWER) if key in said),
        OUTSIDE in said,
        kinds[said[LABEL_STD].pop()] if LABEL_STD in said else "",
        tuple(sorted({known_name(name.strip(), known) for names in contained for name in names.split(",")})),
    )
