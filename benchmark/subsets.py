"""Named parts of a data set: by distortion, content, split or level."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.names import unknown_name
from benchmark.pairs import split_pairs
from benchmark.types import Pair, UserError

SUBSET_FIELDS = ("distortion", "content", "split", "level")


def take_subset(pairs: Sequence[Pair], subset: str) -> list[Pair]:
    """Return the pairs that `subset` names; labels and order as they were.

    `subset` is "all", or FIELD=VALUE[,VALUE...] with FIELD among distortion, content, split, level; several conditions
    are joined by ";" and all hold: "distortion=jpeg,gblur;content=bikes". A value that itself holds "," or ";" is taken
    whole where a pair has it. `split` also takes "test:0.2:7" (see `benchmark.pairs.split_pairs`). Raises UserError for another field or a value that no pair has, naming what exists.
    """
    chosen = list(pairs)
    if subset in ("", "all"):
        return chosen
    for condition in _conditions(pairs, subset):
        field, equals, values = (part.strip() for part in condition.partition("="))
        if not equals or field not in SUBSET_FIELDS:
            raise UserError(
                f"subset: expected all or FIELD=VALUE with FIELD among {', '.join(SUBSET_FIELDS)}, got {condition!r}; "
                "for example distortion=jpeg,gblur"
            )
        if field == "split":
            chosen = split_pairs(chosen, values)
            continue
        existing = _existing(pairs, field)
        wanted = _values(values, existing)
        for value in wanted:
            if value not in existing:
                raise unknown_name(field, value, existing)
        chosen = [pair for pair in chosen if _field(pair, field) in wanted]
    if not chosen:
        raise UserError(f"subset {subset}: no pair meets all of its conditions")
    return chosen


def _conditions(pairs: Sequence[Pair], subset: str) -> list[str]:
    """Split at every ";" that does not belong to a value: the longest condition whose values exist wins."""
    parts, conditions = subset.split(";"), []
    while parts:
        length = next((n for n in range(len(parts), 1, -1) if _holds(pairs, ";".join(parts[:n]))), 1)
        conditions.append(";".join(parts[:length]))
        parts = parts[length:]
    return conditions


def _holds(pairs: Sequence[Pair], condition: str) -> bool:
    """Whether `condition` is one FIELD=VALUES whose values all exist."""
    field, _, values = (part.strip() for part in condition.partition("="))
    existing = _existing(pairs, field) if field in SUBSET_FIELDS else set()
    return existing.issuperset(_values(values, existing))


def _values(text: str, existing: set[str]) -> list[str]:
    """Split at every "," that does not belong to a value: the longest value that exists wins."""
    parts, values = text.split(","), []
    while parts:
        length = next((n for n in range(len(parts), 1, -1) if ",".join(parts[:n]).strip() in existing), 1)
        values.append(",".join(parts[:length]).strip())
        parts = parts[length:]
    return values


def _existing(pairs: Sequence[Pair], field: str) -> set[str]:
    return {_field(pair, field) for pair in pairs} - {""}


def _field(pair: Pair, field: str) -> str:
    value = getattr(pair, field)
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float | int) else value


def distortions(pairs: Sequence[Pair]) -> list[str]:
    """Names of the distortion types, sorted; none where the data set does not say."""
    return sorted({pair.distortion for pair in pairs} - {""})
