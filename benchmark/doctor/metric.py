"""The contract of a metric: one function per check, each returning what it found.

The tests hold every registered metric to the same functions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from benchmark.doctor.finding import Finding, fail, note, ok
from benchmark.doctor.stimuli import LADDERS, awkward_pairs, is_flat, ladder, reference_image
from benchmark.doctor.subject import Subject, floats
from benchmark.images import ImageBatch
from benchmark.metrics.protocol import Scorer
from benchmark.pairs import first_few
from benchmark.statistics import spearman
from benchmark.types import MetricInfo, PairError

FACTS = ("title", "version", "protocol", "library", "licence", "citation")
MAX_TOLERANCE = 0.1
REVERSED = -0.5
"""A rank correlation with the strength of a distortion below this means that the direction is declared wrongly."""


def facts(info: MetricInfo) -> Finding:
    """The facts that a table prints are there, and the ranges make sense."""
    check = "facts"
    low, high = info.score_range
    wrong = [
        text
        for bad, text in (
            (not low < high, f"score_range is {low:g}..{high:g}, expected (lowest, highest)"),
            (info.min_size < 1, f"min_size is {info.min_size}, expected 1 or more pixels"),
            (not 0 < info.tolerance < MAX_TOLERANCE, f"tolerance is {info.tolerance:g}, expected 0 to {MAX_TOLERANCE}"),
        )
        if bad
    ]
    if wrong:
        return fail(check, "; ".join(wrong))
    if empty := [fact for fact in FACTS if not getattr(info, fact)]:
        return note(check, f"{', '.join(empty)} empty: readers of a table will ask")
    if not info.protocol.endswith(".") or ". " in info.protocol:
        return note(check, "protocol is not one sentence with a full stop; it is printed as one")
    return ok(check, "title, version, protocol, library, licence, citation and ranges are there")


def output(subject: Subject) -> Finding:
    """N images get N scores: float64 of shape (N,), without gradients."""
    check = "output"
    for n in (1, 3):
        raw = subject.scorer.score(
            ImageBatch(np.stack(ladder("jpeg")[:n])), subject.scorer.prepare(ImageBatch(reference_image()[None]))
        )
        if getattr(raw, "requires_grad", False):
            return fail(check, "scores carry gradients; usually torch.inference_mode() is missing around the network")
        values = np.asarray(raw.cpu() if hasattr(raw, "cpu") else raw)
        if values.shape != (n,):
            return fail(
                check,
                f"{n} images give shape {values.shape}, expected ({n},): one score per image; usually a mean over the "
                "whole batch, or a map or a column that is not reduced",
            )
        if values.dtype != np.float64:
            return fail(
                check, f"scores are {values.dtype}, expected float64; convert before the last sum, not after it"
            )
    return ok(check, "one float64 score per image")


def identical(subject: Subject) -> Finding:
    """The reference itself gets the best score of the declared range, and lightly distorted images get worse ones."""
    check, info = "identical images", subject.info
    best = subject.best
    images = [reference_image(), *(ladder(name)[0] for name in LADDERS)]
    same, *others = subject.scores(distorted=images, reference=reference_image())
    if math.isnan(same):
        return fail(check, "score NaN; usually 0 / 0 where the two images agree")
    if (math.isfinite(best) or math.isinf(same)) and not _near(same, best, info.tolerance):
        return fail(
            check,
            f"score {same:.9g}, expected {best:g}, the best of score_range, within {info.tolerance:g}; usually a constant "
            "on one side of a fraction, float32 sums, or a wrong score_range or direction (higher_is_better)",
        )
    beaten = [
        name for name, other in zip(LADDERS, others, strict=True) if not same * subject.better > other * subject.better
    ]
    if beaten:
        return fail(
            check,
            f"score {same:.6g}, and light {' and '.join(beaten)} scores as well or better; usually a reversed "
            "higher_is_better, or a score that does not look at the reference",
        )
    return ok(check, f"score {same:g}, better than any distorted image")


def monotone(subject: Subject, name: str) -> Finding:
    """More noise, blur or compression (`name` of the ladder) scores worse in the declared direction.

    Strictly from step to step with a reference, until the worst end of the declared range is reached; without one, the
    heaviest is worse than the lightest and than none: a little noise or blur may please a metric that has not seen the
    original.
    """
    check = f"more {name}"
    steps = ladder(name) if subject.needs_reference else (reference_image(), ladder(name)[0], ladder(name)[-1])
    values = subject.scores(distorted=steps, reference=reference_image())
    shown = ", ".join(f"{value:.5g}" for value in values)
    if not np.isfinite(values).all():
        return fail(check, f"scores {shown}: not finite on ordinary images; usually a division or logarithm of 0")
    oriented = values * subject.better
    rank = spearman(oriented, -np.arange(len(values)))
    if subject.needs_reference:
        worst = min(end * subject.better for end in subject.info.score_range)
        passed, reverse = bool(np.all((np.diff(oriented) < 0) | (oriented[1:] == worst))), rank < REVERSED
    else:
        passed, reverse = bool(np.all(oriented[-1] < oriented[:-1])), bool(np.all(oriented[-1] > oriented[:-1]))
    declared = f"higher_is_better={subject.info.higher_is_better}"
    if passed:
        return ok(check, f"scores get worse as {name} gets stronger, as {declared} says")
    if math.isnan(rank):
        return fail(check, f"scores {shown}: all equal; usually a saturated clip or a score that ignores the image")
    if reverse:
        return fail(
            check,
            f"the direction is reversed: {declared} is declared, but the score gets better as {name} gets stronger "
            f"({shown}; Spearman {rank:.2f}); declare higher_is_better={not subject.info.higher_is_better}",
        )
    return fail(
        check,
        f"scores {shown} do not get steadily worse ({declared}, Spearman {rank:.2f}); usually uint8 differences that "
        "wrap around, a clip, or reference and distorted mixed up",
    )


def ignores_reference(subject: Subject) -> Finding:
    """A no-reference score is of the distorted image alone, with any reference and with none."""
    check = "no reference"
    images = ImageBatch(np.stack(ladder("jpeg")[:2]))
    alone = floats(subject.scorer.score(images, None))
    for reference in (reference_image(), ladder("blur")[-1]):
        with_reference = floats(subject.scorer.score(images, subject.scorer.prepare(ImageBatch(reference[None]))))
        if not _equal(with_reference, alone):
            return fail(check, "the score changes with the reference; declare kind='full-reference'")
    return ok(check, "the score is of the distorted image alone")


def batches(subject: Subject, companions: Iterable[Scorer] = ()) -> Finding:
    """A score is the same, bit for bit, alone and in a batch, in any order, after other metrics used the same views."""
    check = "batch and order"
    reference, images = reference_image(), [ladder(name)[i] for name in LADDERS for i in (1, 3)]
    alone = np.concatenate([subject.scores(distorted=[image], reference=reference) for image in images])
    together = subject.scores(distorted=images, reference=reference)
    if not _equal(together, alone):
        return fail(
            check,
            f"a batch changes scores by up to {_largest(together - alone):.3g}; usually a mean or maximum over the whole "
            "batch, batch normalisation in training mode, or a library that sums in another order: score one by one",
        )
    if not _equal(subject.scores(distorted=images[::-1], reference=reference), alone[::-1]):
        return fail(check, "the order of a batch changes scores; usually something is kept from one image to the next")
    shared_reference, shared_images = ImageBatch(reference[None]), ImageBatch(np.stack(images))
    for scorer in (*companions, subject.scorer):
        shared = floats(scorer.score(shared_images, scorer.prepare(shared_reference)))
    if not _equal(shared, alone):
        return fail(check, "scores change after other metrics used the same images; usually a view that was written to")
    return ok(check, "scores are the same bit for bit, alone, together and in any order")


def repeatable(subject: Subject) -> Finding:
    """The same images get the same score again: with the same prepared reference, and after loading again."""
    check = "repeatable"
    images = ImageBatch(np.stack(ladder("jpeg")[:2]))
    prepared = subject.scorer.prepare(ImageBatch(reference_image()[None]))
    first = floats(subject.scorer.score(images, prepared))
    again = floats(subject.scorer.score(images, prepared))
    if not _equal(again, first):
        return fail(
            check,
            f"the same pair scores {first[0]:.6g}, then {again[0]:.6g}; usually random crops, dropout in training mode "
            "(call .eval()), or a prepared reference that is changed while scoring",
        )
    anew = subject.metric.load("cpu")
    if not _equal(floats(anew.score(images, anew.prepare(ImageBatch(reference_image()[None])))), first):
        return fail(check, "loading again gives other scores; usually weights that are drawn at random, not read")
    return ok(check, "the same scores again, also after loading again")


def swapped(subject: Subject) -> Finding:
    """State whether reference and distorted image may change places; neither is a mistake."""
    check = "swap"
    for name in LADDERS:
        image = ladder(name)[3]
        forth = subject.scores(distorted=[image], reference=reference_image())[0]
        back = subject.scores(distorted=[reference_image()], reference=image)[0]
        if not abs(forth - back) <= subject.info.tolerance:
            return note(
                check, f"not symmetric: {forth:.6g}, and {back:.6g} with reference and distorted swapped ({name})"
            )
    return note(check, "symmetric: reference and distorted may be swapped without effect")


def awkward(subject: Subject) -> Finding:
    """Constant, tiny, odd-sized and extreme images get a score within score_range, a finite one unless declared, and equal
    ones the best of it.

    A full-reference metric may refuse a constant reference (PairError), which is noted, and a no-reference metric a
    constant image: there is nothing to see in it.
    """
    check, info = "awkward images", subject.info
    low, high = info.score_range
    itself = subject.scores(distorted=[reference_image()], reference=reference_image())[0]
    reaches_best = subject.needs_reference and _near(itself, subject.best, info.tolerance)
    wrong: list[str] = []
    refused: list[str] = []
    for name, distorted, reference in awkward_pairs(info.min_size):
        try:
            value = subject.scores(distorted=[distorted], reference=reference)[0]
        except PairError as error:
            flat = is_flat(reference if subject.needs_reference else distorted)
            (refused if flat else wrong).append(f"{name} ({error})")
        except Exception as error:  # whatever a metric raises is what is looked for
            wrong.append(f"{name} ({type(error).__name__}: {error!s:.80})")
        else:
            if distorted is reference and reaches_best:
                right = _near(value, subject.best, info.tolerance)
            else:
                right = not info.why_no_score(value) and low - info.tolerance <= value <= high + info.tolerance
            if not right:
                wrong.append(f"{name} ({value:.9g})")
    if wrong:
        return fail(
            check,
            f"no finite score in score_range {low:g}..{high:g}, from min_size {info.min_size} on, or not the best for "
            f"equal images: {first_few(wrong)}; usually 0 / 0 where an image is constant or black, a window larger than "
            "the image (declare min_size), uint8 arithmetic, or a wrong score_range",
        )
    if refused and subject.needs_reference:
        return note(check, f"finite scores in range, but it refuses, by name: {first_few(refused)}")
    return ok(check, f"finite scores in {low:g}..{high:g} on constant, tiny, odd-sized and extreme images")


def _near(score: float, expected: float, tolerance: float) -> bool:
    """Equal, infinite too, or apart by no more than the tolerance."""
    return score == expected or abs(score - expected) <= tolerance


def inputs_untouched(subject: Subject) -> Finding:
    """The images and their views, which other metrics read too, are as they were."""
    check = "inputs"
    batch, reference = ImageBatch(np.stack(ladder("jpeg")[:2])), ImageBatch(reference_image().copy()[None])
    before = [view.copy() for images in (batch, reference) for view in _views(images)]
    subject.scorer.score(batch, subject.scorer.prepare(reference))
    after = [view for images in (batch, reference) for view in _views(images)]
    if not all(_equal(new, old) for new, old in zip(after, before, strict=True)):
        return fail(check, "the metric writes to its input; usually an in-place operation (-=, sub_): work on a copy")
    return ok(check, "the images are not written to")


def _views(batch: ImageBatch) -> list[np.ndarray]:
    return [batch.rgb, batch.luma, batch.tensor.numpy(), batch.luma_tensor.numpy()]


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=True)


def _largest(difference: np.ndarray) -> float:
    return float(np.max(np.abs(difference)))
