"""How a run is cut into work units: large enough to share a reference, small enough to keep every worker busy.

Scores do not depend on the cut; only the time does.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from benchmark.scoring import Unit, Wanted
from benchmark.types import Pair

NO_REFERENCE_UNIT = 64
"""Pairs per unit where there is no reference to share."""
LARGEST_UNIT = 128
"""Pairs per unit at most: bounds what an interrupt may lose, what travels, and what one transaction writes."""
SMALLEST_PART = 8
"""A content is not cut below this many pairs: each part decodes and prepares the reference again."""
SHARES = 2
"""A unit holds at most about this part of what one worker's share of the remaining work is: the last ones are small."""
SMALLEST_BUNDLE = 0.02
"""Seconds per pair: metrics are set apart in bundles that take about this long or longer, as each decodes the images."""
FINEST = 16
"""No unit is cut below this part of one worker's share of the whole."""


def group(pairs: Sequence[Pair], series: Mapping[str, int], missing: Mapping[str, frozenset[str]]) -> list[Unit]:
    """One unit per content, with every metric that misses some of its pairs.

    `series` gives each metric's number in the store, `missing` the ids of the pairs that it lacks.
    """
    groups: dict[str, list[Pair]] = defaultdict(list)
    for i, pair in enumerate(pairs):
        groups[pair.content if pair.reference is not None else f"no reference {i // NO_REFERENCE_UNIT}"].append(pair)
    wanted = [Wanted(series[name], name, ids) for name, ids in missing.items()]
    return [unit for content, members in groups.items() for unit in _unit(content, members, wanted)]


def _unit(content: str, pairs: Iterable[Pair], wanted: Iterable[Wanted]) -> list[Unit]:
    """A unit of what is wanted of these pairs, or none. Equal sets of ids become one set, which travels once."""
    pairs = tuple(pairs)
    present = frozenset(pair.id for pair in pairs)
    sets: dict[frozenset[str], frozenset[str]] = {}
    kept = tuple(replace(one, pairs=sets.setdefault(ids, ids)) for one in wanted if (ids := present & one.pairs))
    needed: frozenset[str] = frozenset().union(*sets)
    return [Unit(content, tuple(pair for pair in pairs if pair.id in needed), kept)] if kept else []


def cut(units: Iterable[Unit], workers: int, seconds: Callable[[str], float]) -> list[Unit]:
    """Cut units for so many workers, and put the most expensive first, so that none is left with a long one at the end.

    `seconds` estimates what a metric takes for a pair. Contents are cut into parts of `SMALLEST_PART` pairs or more,
    then by metrics; the less work remains, the smaller the parts. For one worker nothing is cut that need not be.
    """

    def cost(unit: Unit) -> float:
        return sum(len(one.pairs) * seconds(one.metric) for one in unit.wanted)

    priced = sorted(((cost(unit), unit) for unit in units), key=lambda entry: (-entry[0], entry[1].content))
    remaining = total = math.fsum(price for price, _ in priced)
    pieces: list[Unit] = []
    for price, unit in priced:
        share = max(remaining / SHARES, total / FINEST) / workers
        pieces += _pieces(unit, round(price / share) if workers > 1 else 1, seconds)
        remaining -= price
    return sorted(pieces, key=lambda unit: (-cost(unit), unit.content))


def _pieces(unit: Unit, number: int, seconds: Callable[[str], float]) -> list[Unit]:
    """About so many pieces of a unit: by pairs as far as that goes, then by metrics too."""
    n = len(unit.pairs)
    parts = max(1, math.ceil(n / LARGEST_UNIT), min(number, n // SMALLEST_PART))
    worth = round(sum(seconds(one.metric) for one in unit.wanted) / SMALLEST_BUNDLE)
    bundles = _bundles(unit.wanted, min(round(number / parts), len(unit.wanted), worth), seconds)
    slices = [unit.pairs[i * n // parts : (i + 1) * n // parts] for i in range(parts)]
    return [piece for pairs in slices for bundle in bundles for piece in _unit(unit.content, pairs, bundle)]


def _bundles(wanted: Sequence[Wanted], number: int, seconds: Callable[[str], float]) -> list[list[Wanted]]:
    """Spread metrics over so many bundles (one at least) of about equal cost."""
    bundles: list[list[Wanted]] = [[] for _ in range(max(1, number))]
    costs = [0.0] * len(bundles)
    for one in sorted(wanted, key=lambda one: (-len(one.pairs) * seconds(one.metric), one.metric)):
        least = costs.index(min(costs))
        bundles[least].append(one)
        costs[least] += len(one.pairs) * seconds(one.metric)
    return bundles
