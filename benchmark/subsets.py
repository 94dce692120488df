"""Named parts of a data set: by distortion, content, split or level."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.pairs import split_pairs
from benchmark.registry import unknown_name
from benchmark.types import Pair, UserError

SUBSET_FIELDS = ("distortion", "content", "split", "level")


def take_subset(pairs: Sequence[Pair], subset: str) -> list[Pair]:
    """Return the pairs that `subset` names; labels and order as they were.

    `subset` is "all", or FIELD=VALUE[,VALUE...] with FIELD among distortion, content, split, level; several conditions
    are joined by ";" and all hold: "distortion=jpeg,gblur;content=bikes". `split` also takes "test:0.2:7" (see
    `benchmark.pairs.split_pairs`). Raises UserError for another field or a value that no pair has, naming what exists.
    """
    chosen = list(pairs)
    if subset in ("", "all"):
        return chosen
    for condition in subset.split(";"):
        field, equals, values = (part.strip() for part in condition.partition("="))
        if not equals or field not in SUBSET_FIELDS:
            raise UserError(
                f"subset: expected all or FIELD=VALUE with FIELD among {', '.join(SUBSET_FIELDS)}, got {condition!r}; "
                "for example distortion=jpeg,gblur"
            )
        if field == "split":
            chosen = split_pairs(chosen, values)
            continue
        existing = {_field(pair, field) for pair in pairs} - {""}
        wanted = [values] if values in existing else [value.strip() for value in values.split(",")]
        for value in wanted:
            if value not in existing:
                raise unknown_name(field, value, existing)
        chosen = [pair for pair in chosen if _field(pair, field) in wanted]
    if not chosen:
        raise UserError(f"subset {subset}: no pair meets all of its conditions")
    return chosen


def _field(pair: Pair, field: str) -> str:
    value = getattr(pair, field)
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float | int) else value


def distortions(pairs: Sequence[Pair]) -> list[str]:
    """Names of the distortion types, sorted; none where the data set does not say."""
    return sorted({pair.distortion for pair in pairs} - {""})
