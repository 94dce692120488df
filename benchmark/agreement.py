"""Joins scores with labels by pair id, orients both once by their declared directions, and asks for statistics.

Scores within a metric's tolerance of each other are made equal first: another machine could order them otherwise.

Nothing else in the program turns a sign: a metric that runs against people comes out negative, with a warning.

`benchmark.agreement(...)` makes a board of a table of scores and labels (`benchmark.api.agreement`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmark.callable_module import make_callable
from benchmark.kept import Entry, KeptAgreements, entry_key, sample_key
from benchmark.measured import Measured
from benchmark.store import IMPORTED
from benchmark.types import Agreement, DatasetInfo, Estimate, MetricInfo, Pair, UserError
from benchmark.verdicts import interval_sentence, test_sentence, tie_groups, warnings

if TYPE_CHECKING:
    from benchmark.statistics import Comparison
    from benchmark.statistics.inputs import Floats

make_callable(__name__)

MAX_REPLICATES = 20_000
"""More resamples change no digit that a board shows, and each one of every metric is kept in memory."""
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
    comparison: Comparison | None = None
    """The paired tests among the metrics that have a score of every pair; None when nothing was tested."""


def check_replicates(replicates: int) -> None:
    """Raise UserError for more resamples than memory allows."""
    if replicates > MAX_REPLICATES:
        raise UserError(
            f"--replicates: expected at most {MAX_REPLICATES}, got {replicates}: every resample of every metric is held "
            "in memory, and more change no digit that is shown"
        )


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
    caps: dict[str, float] = {}
    for label, one in measured.items():
        scores[label] = oriented_scores(one.info, pairs, one.scores)
        if one.info.infinite_as is not None:
            caps[label] = one.info.infinite_as if one.info.higher_is_better else -one.info.infinite_as
        groups.setdefault(_scored(scores[label]).tobytes(), []).append(label)
    estimates: dict[str, dict[str, Estimate]] = {}
    counts: dict[str, tuple[int, int]] = {}
    missing: dict[str, tuple[Pair, ...]] = {}
    comparison: Comparison | None = None
    for labels in groups.values():
        mask = _scored(scores[labels[0]])
        scored = [pair for pair, has in zip(pairs, mask, strict=True) if has]
        arrays = {label: scores[label][mask] for label in labels}
        found, compared = _statistics(dataset, scored, arrays, caps, asked, kept, on_done)
        estimates |= found
        comparison = compared if len(scored) == len(pairs) else comparison
        counts |= dict.fromkeys(labels, (len(scored), len({pair.content for pair in scored})))
        missing |= dict.fromkeys(labels, tuple(pair for pair, has in zip(pairs, mask, strict=True) if not has))
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
        comparison,
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
    caps: Mapping[str, float],
    asked: _Asked,
    kept: KeptAgreements | None,
    on_done: Callable[[int], None] | None,
) -> tuple[dict[str, dict[str, Estimate]], Comparison | None]:
    """Estimates by label and statistic, and the paired tests; arrays (N,) of `scores`, and `caps`, are oriented."""
    import benchmark.statistics as stats

    if not pairs:
        undefined = Estimate(math.nan, method="undefined: no pair was scored")
        return {label: dict.fromkeys(asked.statistics or stats.BASIC, undefined) for label in scores}, None
    labels, contents = oriented_labels(dataset, pairs), [pair.content for pair in pairs]
    noise = _label_noise(dataset, pairs)
    entries: dict[bytes, Entry] = {}
    keys = {label: label.encode() for label in scores}
    if kept:
        sample = sample_key(labels, contents, noise, asdict(asked))
        keys = {label: entry_key(sample, column, caps.get(label)) for label, column in scores.items()}
        entries = kept.get(list(keys.values()))
    absent = [label for label, key in keys.items() if key not in entries]
    for at in range(0, len(absent), TOGETHER):
        together = absent[at : at + TOGETHER]
        found = stats.evaluate(
            {label: scores[label] for label in together},
            labels,
            contents,
            **noise,
            infinite_as={label: caps[label] for label in together if label in caps},
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
    """Which pairs have a score: (N,) of bool."""
    import numpy as np

    return ~np.isnan(scores)


def _label_noise(dataset: DatasetInfo, pairs: Sequence[Pair]) -> dict[str, Any]:
    """What is stated of the labels' noise, nan where it is not; nothing where no label has any."""
    if all(pair.label_std is None for pair in pairs):
        return {}
    noise: dict[str, Any] = {
        "label_std": [math.nan if pair.label_std is None else pair.label_std for pair in pairs],
        "label_std_kind": dataset.label_std_kind,
    }
    if any(pair.n_ratings is not None for pair in pairs):
        noise["n_ratings"] = [math.nan if pair.n_ratings is None else pair.n_ratings for pair in pairs]
    return noise


def oriented_scores(info: MetricInfo, pairs: Sequence[Pair], scores: Mapping[str, float]):
    """Scores of `pairs` as float64 (N,), nan without one, negated where the metric declares that lower is better.

    Scores within the metric's tolerance of each other are equal; imported ones have no tolerance that anyone declared.
    """
    import numpy as np

    from benchmark.statistics import tied

    given = (scores.get(pair.id, math.nan) for pair in pairs)
    values = np.array([math.nan if info.why_no_score(score) else score for score in given], dtype=np.float64)
    values = tied(values, 0.0 if info.version.startswith(IMPORTED) else info.tolerance)
    return values if info.higher_is_better else -values


def oriented_labels(info: DatasetInfo, pairs: Sequence[Pair]):
    """Labels of `pairs` as float64 (N,), negated where the data set declares that lower is better."""
    import numpy as np

    values = np.array([pair.label for pair in pairs], dtype=np.float64)
    return values if info.label_higher_is_better else -values
