"""All checks of a metric, one after the other: what raises becomes a finding too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmark.doctor import arithmetic, opened
from benchmark.doctor import metric as contract
from benchmark.doctor.finding import Finding, fail, note
from benchmark.doctor.state import global_state
from benchmark.doctor.stimuli import LADDERS, ladder, reference_image
from benchmark.doctor.subject import Subject
from benchmark.metrics.protocol import Metric
from benchmark.metrics.versioned import declared_files
from benchmark.types import UserError


def examine(
    metric: Metric, companions: Sequence[Metric] = (), *, read_before: Iterable[Path] = ()
) -> Iterator[Finding]:
    """Run every check on a metric, lazily; ends early when it gives no scores at all.

    `companions` share a batch's views with it in one check. `read_before` are files that were opened when the metric was
    imported. Raises UserError when the metric cannot run here.
    """
    yield contract.facts(metric.info)
    files = set(read_before)
    try:
        with opened.watched() as loading:
            subject = Subject.load(metric)
    except UserError:
        raise
    except Exception as error:
        yield fail("load", f"loading raises {_explained(error)}")
        return
    reference_image(), ladder("jpeg")  # read from files of this program, before the metric's are watched
    with opened.watched() as scoring:
        output = _guarded("output", partial(contract.output, subject))
    yield output
    if not metric.info.source:  # this program's own weights are checked where they are read
        files, loading, scoring = set(), set(), set()
    yield opened.finding(files | loading | scoring, declared_files(metric))
    if not _gives_scores(subject):
        yield note("the rest", "not checked: it needs scores, so mend this first")
        return
    checks: list[tuple[str, Callable[[], Finding]]] = [
        *((f"more {name}", partial(contract.monotone, subject, name)) for name in LADDERS),
        ("batch and order", lambda: contract.batches(subject, (other.load("cpu") for other in companions))),
        ("repeatable", partial(contract.repeatable, subject)),
        ("awkward images", partial(contract.awkward, subject)),
        (arithmetic.CHECK, partial(arithmetic.wraparound, subject)),
        ("inputs", partial(contract.inputs_untouched, subject)),
        ("global state", partial(global_state, subject)),
    ]
    if subject.needs_reference:
        checks.insert(0, ("identical images", partial(contract.identical, subject)))
        checks.append(("swap", partial(contract.swapped, subject)))
    else:
        checks.append(("no reference", partial(contract.ignores_reference, subject)))
    for name, check in checks:
        yield _guarded(name, check)


def _gives_scores(subject: Subject) -> bool:
    """Whether an ordinary batch gets one number per image; `output` says why not."""
    try:
        scores = subject.scores(distorted=ladder("jpeg")[:2], reference=reference_image())
    except Exception:
        return False
    return scores.shape == (2,)


def _guarded(name: str, check: Callable[[], Finding]) -> Finding:
    """What the check found; a failure when the metric raises."""
    try:
        return check()
    except Exception as error:
        return fail(name, f"scoring raises {_explained(error)}")


def _explained(error: Exception) -> str:
    """An exception and, where it is known, its usual cause."""
    text = f"{type(error).__name__}: {str(error) or 'without a message'}"
    if "read-only" in text:
        return f"{text}: the metric writes to its input, which other metrics read too; let it work on a copy"
    if "unexpected keyword argument" in text:
        return f"{text}: a function of a pair takes the keyword arguments distorted and reference"
    if "NoneType" in text:
        return f"{text}: usually a no-reference metric that wants a reference; declare kind='full-reference'"
    return text
