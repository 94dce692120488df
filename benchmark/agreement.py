"""Joins scores with labels by pair id, orients both once by their declared directions, and asks for statistics.

Nothing else in the program turns a sign: a metric that runs against people comes out negative, with a warning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmark.kept import Entry, KeptAgreements, entry_key, sample_key
from benchmark.measured import Measured
from benchmark.types import Agreement, DatasetInfo, Estimate, MetricInfo, Pair
from benchmark.verdicts import interval_sentence, test_sentence, tie_groups, warnings

if TYPE_CHECKING:
    from benchmark.statistics import Comparison
    from benchmark.statistics.inputs import Floats

TOGETHER = 8
"""How many metrics are measured at a time: they share the work on the labels, and memory is bounded."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Several metrics on one subset of one data set."""

    agreements: dict[str, Agreement]
    """By the caller's label of each metric."""
    tie_groups: dict[str, str]
    """A letter for each complete metric with a defined SRCC: those that share one could not be told apart."""
    interval: str
    """How the intervals were made, in a sentence; "" when there are none."""
    tests: str
    """How the tie groups were made, in a sentence; "" when nothing was tested."""


def agree(
    dataset: DatasetInfo,
    pairs: Sequence[Pair],
    measured: Measured,
    *,
    subset: str = "all",
    statistics: Sequence[str] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """How well one metric agrees with the labels of `pairs`, which are those of `subset`.

    Computed on the pairs that have a score; `n_scored < n_expected` says that some have none. `statistics` narrows
    what is computed (all by default; SRCC always is).
    """
    evaluation = evaluate(
        dataset,
        pairs,
        {"": measured},
        subset=subset,
        statistics=statistics,
        replicates=replicates,
        confidence=confidence,
        seed=seed,
    )
    return evaluation.agreements[""]


def evaluate(
    dataset: DatasetInfo,
    pairs: Sequence[Pair],
    measured: Mapping[str, Measured],
    *,
    subset: str = "all",
    statistics: Sequence[str] | None = None,
    paired: bool = True,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    kept: KeptAgreements | None = None,
    on_done: Callable[[int], None] | None = None,
) -> Evaluation:
    """Measure several metrics, by label, on the same `pairs`, and with `paired` test them against each other.

    Metrics are compared only among those that have a score for every pair. Everything is a function of labels, scores
    and `seed`: neither the order of the metrics nor the others' presence changes an estimate. What `kept` holds is not
    computed again, and what is computed is put there; `on_done` hears of so many more metrics.
    """
    asked = _Asked(tuple(statistics) if statistics is not None else None, paired, replicates, confidence, seed)
    groups: dict[bytes, list[str]] = {}
    scores: dict[str, Floats] = {}
    for label, one in measured.items():
        scores[label] = oriented_scores(one.info, pairs, one.scores)
        groups.setdefault(_scored(scores[label]).tobytes(), []).append(label)
    estimates: dict[str, dict[str, Estimate]] = {}
    counts: dict[str, tuple[int, int]] = {}
    missing: dict[str, tuple[Pair, ...]] = {}
    comparison: Comparison | None = None
    for labels in groups.values():
        mask = _scored(scores[labels[0]])
        scored = [pair for pair, finite in zip(pairs, mask, strict=True) if finite]
        arrays = {label: scores[label][mask] for label in labels}
        found, compared = _statistics(dataset, scored, arrays, asked, kept, on_done)
        estimates |= found
        comparison = compared if len(scored) == len(pairs) else comparison
        counts |= dict.fromkeys(labels, (len(scored), len({pair.content for pair in scored})))
        missing |= dict.fromkeys(labels, tuple(pair for pair, finite in zip(pairs, mask, strict=True) if not finite))
    agreements = {
        label: Agreement(
            metric=one.info.name,
            dataset=dataset.name,
            subset=subset,
            n_expected=len(pairs),
            n_scored=counts[label][0],
            n_failed=len(one.failed(missing[label])),
            n_contents=counts[label][1],
            statistics=estimates[label],
            warnings=tuple(
                warnings(dataset, one.info, estimates[label], (one.scores[pair.id] for pair in one.scored(pairs)))
            ),
        )
        for label, one in measured.items()
    }
    return Evaluation(
        agreements,
        tie_groups(agreements, comparison),
        interval_sentence(agreements, confidence),
        test_sentence(comparison),
    )


def evaluate_parts(
    dataset: DatasetInfo,
    pairs: Sequence[Pair],
    measured: Mapping[str, Measured],
    parts: Sequence[str],
    *,
    within: str = "all",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    kept: KeptAgreements | None = None,
    on_done: Callable[[int], None] | None = None,
) -> dict[str, dict[str, Agreement]]:
    """SRCC of each metric on each distortion in `parts`: by label, then by distortion.

    SRCC alone, since it needs no fit: 25 types of 40 metrics then cost seconds. The rest as in `evaluate`.
    """
    result: dict[str, dict[str, Agreement]] = {label: {} for label in measured}
    for part in parts:
        name = f"distortion={part}" if within == "all" else f"{within}; distortion={part}"
        evaluation = evaluate(
            dataset,
            [pair for pair in pairs if pair.distortion == part],
            measured,
            subset=name,
            statistics=("srcc",),
            paired=False,
            replicates=replicates,
            confidence=confidence,
            seed=seed,
            kept=kept,
            on_done=on_done,
        )
        for label, agreement in evaluation.agreements.items():
            result[label][part] = agreement
    return result


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is computed of each metric: all that its numbers depend on beside labels and scores."""

    statistics: tuple[str, ...] | None
    paired: bool
    replicates: int
    confidence: float
    seed: int


def _statistics(
    dataset: DatasetInfo,
    pairs: Sequence[Pair],
    scores: Mapping[str, Floats],
    asked: _Asked,
    kept: KeptAgreements | None,
    on_done: Callable[[int], None] | None,
) -> tuple[dict[str, dict[str, Estimate]], Comparison | None]:
    """Estimates by label and statistic, and the paired tests; arrays (N,) of `scores` are oriented."""
    import benchmark.statistics as stats

    if not pairs:
        undefined = Estimate(math.nan, method="undefined: no pair was scored")
        return {label: dict.fromkeys(asked.statistics or stats.BASIC, undefined) for label in scores}, None
    labels, contents, noise = oriented_labels(dataset, pairs), [pair.content for pair in pairs], _label_noise(pairs)
    entries: dict[bytes, Entry] = {}
    keys = {label: label.encode() for label in scores}
    if kept:
        sample = sample_key(labels, contents, noise, asdict(asked))
        keys = {label: entry_key(sample, column) for label, column in scores.items()}
        entries = kept.get(list(keys.values()))
    absent = [label for label, key in keys.items() if key not in entries]
    for at in range(0, len(absent), TOGETHER):
        together = absent[at : at + TOGETHER]
        found = stats.evaluate(
            {label: scores[label] for label in together},
            labels,
            contents,
            **noise,
            replicates=asked.replicates,
            confidence=asked.confidence,
            seed=asked.seed,
            only=asked.statistics,
            paired=False,
        )
        new = {
            keys[label]: Entry(found.statistics[label], found.resamples[label].tobytes() if asked.paired else b"")
            for label in together
        }
        entries |= new
        if kept:
            kept.put(new)
        if on_done:
            on_done(len(together))
    if on_done:
        on_done(len(scores) - len(absent))
    return (
        {label: entries[key].statistics for label, key in keys.items()},
        _compared({label: entries[key] for label, key in keys.items()}, contents, asked) if asked.paired else None,
    )


def _compared(entries: Mapping[str, Entry], contents: Sequence[str], asked: _Asked) -> Comparison:
    import numpy as np

    from benchmark.statistics import compare_resamples

    return compare_resamples(
        {label: entry.statistics["srcc"].value for label, entry in entries.items()},
        {label: np.frombuffer(entry.resamples) for label, entry in entries.items()},
        contents,
        confidence=asked.confidence,
    )


def _scored(scores: Floats) -> Any:
    """Which pairs have a finite score: (N,) of bool."""
    import numpy as np

    return np.isfinite(scores)


def _label_noise(pairs: Sequence[Pair]) -> dict[str, Any]:
    """What is known of the labels' noise: nothing unless it is known of every pair."""
    noise: dict[str, Any] = {}
    if all(pair.label_std is not None for pair in pairs):
        noise["label_std"] = [pair.label_std for pair in pairs]
        if all(pair.n_ratings is not None for pair in pairs):
            noise["n_ratings"] = [pair.n_ratings for pair in pairs]
    return noise


def oriented_scores(info: MetricInfo, pairs: Sequence[Pair], scores: Mapping[str, float]):
    """Scores of `pairs` as float64 (N,), nan without one, negated where the metric declares that lower is better."""
    import numpy as np

    values = np.array([scores.get(pair.id, math.nan) for pair in pairs], dtype=np.float64)
    return values if info.higher_is_better else -values


def oriented_labels(info: DatasetInfo, pairs: Sequence[Pair]):
    """Labels of `pairs` as float64 (N,), negated where the data set declares that lower is better."""
    import numpy as np

    values = np.array([pair.label for pair in pairs], dtype=np.float64)
    return values if info.label_higher_is_better else -values
