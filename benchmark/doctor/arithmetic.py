"""Arithmetic on 8-bit images that wraps around: 3 - 5 is 254 in uint8, without an error."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.doctor.finding import Finding, fail, note, ok
from benchmark.doctor.stimuli import ladder, reference_image
from benchmark.doctor.subject import Subject, floats
from benchmark.images import ImageBatch

CHECK = "8-bit arithmetic"
WIDER = (np.int64, np.float64)
"""Types that hold every difference, sum and square of 8-bit values."""


class Watched(np.ndarray):
    """An array that notes each elementwise operation on uint8 whose result does not fit, also once it is cast to uint8."""

    wrapped: set[str]

    def __array_finalize__(self, made_from: Any) -> None:
        self.wrapped = getattr(made_from, "wrapped", set())

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        """Do what numpy does and, where all that goes in and comes out is uint8, compare with the same in int64."""
        plain = tuple(np.asarray(value) if isinstance(value, Watched) else value for value in inputs)
        arrays = [value for value in plain if isinstance(value, np.ndarray)]
        wide = None
        if method == "__call__" and not options and all(array.dtype == np.uint8 for array in arrays):
            wide = ufunc(*(value.astype(np.int64) if isinstance(value, np.ndarray) else value for value in plain))
        if out is not None:
            options["out"] = tuple(np.asarray(each) if isinstance(each, Watched) else each for each in out)
        result = getattr(ufunc, method)(*plain, **options)
        if not isinstance(result, np.ndarray) or result.dtype != np.uint8:
            return result
        if wide is not None and not np.array_equal(wide, result):
            self.wrapped.add(ufunc.__name__)
        watched = result.view(Watched)
        watched.wrapped = self.wrapped
        return watched


def wraparound(subject: Subject) -> Finding:
    """The same pixels in a wider type get the same score, and no operation on 8-bit values lost its carry."""
    images, reference = np.stack(ladder("jpeg")[2:4]), reference_image()[None]
    given = _scores(subject, images, reference)
    watched, watched_reference = images.view(Watched), reference.view(Watched)
    watched.wrapped = watched_reference.wrapped = set()
    _scores(subject, watched, watched_reference)
    wrapped = sorted(watched.wrapped)
    wider: list[np.ndarray] = []
    cast_back: set[str] = set()
    for dtype in WIDER:
        wide, wide_reference = images.astype(dtype).view(Watched), reference.astype(dtype).view(Watched)
        wide.wrapped = wide_reference.wrapped = cast_back
        try:
            wider.append(_scores(subject, wide, wide_reference))
        except Exception as error:  # it takes 8-bit images only, and says so
            if not wrapped:
                return ok(CHECK, "no operation on 8-bit values wraps around")
            return note(
                CHECK, f"numpy's {', '.join(wrapped)} of uint8 wraps around; other types are refused ({error!s:.60})"
            )
    tolerance = subject.info.tolerance
    agree = bool(np.all(np.abs(wider[0] - wider[1]) <= tolerance))
    if cast_back:
        return fail(
            CHECK,
            f"numpy's {', '.join(sorted(cast_back))} of uint8 wraps around (3 - 5 is 254) after the metric itself turned what it is "
            "given into uint8; leave it as it is, or convert to a wider type (image.astype(float))",
        )
    if not agree or np.all(np.abs(wider[0] - given) <= tolerance):
        return ok(CHECK, "the same pixels as wider numbers get the same score, or are scaled by their type")
    difference = f"score {given[0]:.6g}, and {wider[0][0]:.6g} for the same pixels as wider numbers"
    if wrapped:
        return fail(
            CHECK,
            f"{difference}: numpy's {', '.join(wrapped)} of uint8 wraps around (3 - 5 is 254); convert first "
            "(image.astype(float)), or take view='rgb', which is float64",
        )
    return note(CHECK, f"{difference}: right where the type tells the scale, wrong where uint8 is cut at 0 or 255")


def _scores(subject: Subject, images: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Score batches whose `rgb` is what is given here, of whatever type."""
    batches = []
    for array in (images, reference):
        batch = ImageBatch(np.asarray(array, np.uint8))
        array.flags.writeable = False
        batch.rgb = array
        batches.append(batch)
    return floats(subject.scorer.score(batches[0], subject.scorer.prepare(batches[1])))
