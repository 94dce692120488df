"""The simplest kind of metric: a function of one distorted image and its reference, or of the distorted image alone."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from benchmark.metrics.sources import is_library_file, is_own, source_hash, source_version
from benchmark.metrics.versioned import joint_sha256
from benchmark.types import MetricInfo, UserError

if TYPE_CHECKING:
    from benchmark.images import ImageBatch

View = Literal["rgb", "uint8", "luma", "tensor", "luma_tensor"]
"""What the function is given of each image:

- "rgb": float64 (H, W, 3) in [0, 255];
- "uint8": uint8 (H, W, 3), as decoded: differences and sums of such values wrap around;
- "luma": float64 BT.601 luma (H, W) in [0, 255], full range, unrounded;
- "tensor", "luma_tensor": a float32 tensor in [0, 1] of shape (1, 3, H, W) or (1, 1, H, W).

None may be written to.
"""


@dataclass(frozen=True, slots=True)
class PairwiseMetric:
    """A metric made of a function, called for one pair at a time with its `View`.

    ``function(distorted=..., reference=...) -> float``, or without a reference ``function(distorted=...) -> float``.
    """

    info: MetricInfo
    function: Callable[..., Any]
    view: View = "rgb"
    weights: tuple[Path, ...] = ()
    """The files that the function reads, as declared."""
    takes_reference: bool = True

    def missing(self) -> str | None:
        """Name the declared files that are not here; None when all are."""
        absent = [str(path) for path in self.weights if not path.is_file()]
        return f"the declared weights {', '.join(absent)}: put them there" if absent else None

    def load(self, device: str) -> PairwiseScorer:
        """Nothing to load: the same function runs on every device. Raises UserError without the declared files."""
        if lacking := self.missing():
            raise UserError(f"{self.info.name}: needs {lacking}")
        return PairwiseScorer(self.function, self.view, self.takes_reference)


@dataclass(frozen=True, slots=True)
class PairwiseScorer:
    """Calls the function for each distorted image of a batch."""

    function: Callable[..., Any]
    view: View
    takes_reference: bool = True

    def _images(self, batch: ImageBatch) -> Iterator[Any]:
        """Each image's view; a float64 copy of RGB is made for one image at a time."""
        images = getattr(batch, {"uint8": "rgb"}.get(self.view, self.view))
        for i in range(len(batch)):
            if self.view == "rgb":
                copy = images[i].astype(np.float64)
                copy.flags.writeable = False
                yield copy
            else:
                yield images[i : i + 1] if "tensor" in self.view else images[i]

    def prepare(self, reference: ImageBatch) -> Any:
        """Return the reference's view."""
        return next(self._images(reference))

    def score(self, distorted: ImageBatch, prepared: Any) -> np.ndarray:
        """Return one float64 per distorted image; tensor functions run without gradients."""
        reference = {"reference": prepared} if self.takes_reference else {}
        with self._no_gradients():
            scores = [self.function(distorted=image, **reference) for image in self._images(distorted)]
        return np.array([_number(score) for score in scores], dtype=np.float64)

    def _no_gradients(self) -> AbstractContextManager[Any]:
        if "tensor" not in self.view:
            return nullcontext()
        import torch

        return torch.inference_mode()


def metric(
    *,
    name: str,
    higher_is_better: bool,
    protocol: str,
    version: str = "",
    view: View = "rgb",
    weights: Sequence[str | Path] = (),
    **facts: Any,
) -> Callable[[Callable[..., Any]], PairwiseMetric]:
    """Turn a function of one pair, or of one image, into a metric: the shortest way to write a plugin.

    The function takes the keyword arguments `distorted` and `reference`, by default float64 RGB (H, W, 3) in [0, 255] (see
    `View` for what else they may be), and returns a number; one that takes `distorted` alone is a no-reference metric. Without a `version`, it is a hash of the file that calls this, in a
    plugin and in an installed package, and of the modules of one's own that it imports (`benchmark.metrics.sources`): edited
    code is another version, and its earlier scores are not taken for its own. In a notebook it follows the function's own
    source, not what other cells define. The metrics of this program are guarded by the gate instead, and have version "1".
    `weights` are the files that the function reads, relative to that file: their hash is the metric's `weights_sha256`, and
    another file is another series. Further keyword arguments are fields of `MetricInfo`. Raises TypeError for a field
    that does not exist and for a function of other arguments, ValueError for a view that does not exist, and where there is
    no source to follow and no `version`.
    """
    caller = sys._getframe(1).f_globals
    folder = Path(caller.get("__file__") or ".").parent
    paths = tuple(folder / Path(path).expanduser() for path in weights)
    if paths:
        facts.setdefault("weights_sha256", joint_sha256(paths))
    if view not in get_args(View):
        raise ValueError(f"view: expected one of {', '.join(get_args(View))}, got {view!r}")

    def decorate(function: Callable[..., Any]) -> PairwiseMetric:
        definers = _definers(function, caller)
        takes_reference = _takes_reference(name, function)
        kind = facts.pop("kind", "full-reference" if takes_reference else "no-reference")
        if kind == "full-reference" and not takes_reference:
            raise TypeError(f"{name}: a full-reference metric whose function takes no reference")
        info = MetricInfo(
            name=name,
            title=facts.pop("title", name),
            version=version or _source_version(name, function, definers, view),
            source="" if is_own(caller.get("__name__", "")) else _source(function, definers),
            higher_is_better=higher_is_better,
            protocol=protocol,
            kind=kind,
            **facts,
        )
        return PairwiseMetric(info, function, view, paths, takes_reference)

    return decorate


def _takes_reference(name: str, function: Callable[..., Any]) -> bool:
    """Whether a function takes `reference` beside `distorted`; raises TypeError for one of other arguments."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # of compiled code
        return True
    for reference in ({"reference": None}, {}):
        try:
            signature.bind(distorted=None, **reference)
        except TypeError:
            continue
        return bool(reference)
    raise TypeError(
        f"{name}: expected a function of the keyword arguments distorted and reference, or of distorted alone, got "
        f"{getattr(function, '__name__', 'one')}{signature}"
    )


def _number(score: Any) -> float:
    """A plain number, or anything with one element; raises TypeError for the rest."""
    try:
        return float(score)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"the metric returned {score!r:.60}, expected one number") from error


def _definers(function: Callable[..., Any], caller: Mapping[str, Any]) -> list[tuple[Path, str]]:
    """The files that define a metric, each with its module: where `metric` was called, and where the function is written."""
    found = [(caller.get("__file__"), caller.get("__name__", ""))]
    with suppress(TypeError, AttributeError):  # of a compiled function, or of an object that can be called
        found.append((inspect.getsourcefile(function), function.__module__))
    named = {Path(file): module for file, module in found if file and Path(file).is_file()}
    return [(file, module) for file, module in named.items() if not is_library_file(file) or module == found[0][1]]


def _source(function: Callable[..., Any], definers: Sequence[tuple[Path, str]]) -> str:
    """A hash of the code that defines a metric, of its files or else of the function; never empty."""
    return source_hash(definers) if definers else _cell_hash(function) or "unknown"


def _cell_hash(function: Callable[..., Any]) -> str:
    """A hash of the source of a function that is in no file, such as a notebook's cell; "" where it cannot be read."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _source_version(name: str, function: Callable[..., Any], definers: Sequence[tuple[Path, str]], view: View) -> str:
    """A hash of the code that defines a metric; "1" for the metrics of this program, which the gate guards.

    In a notebook that is the source of the function alone: what it calls from other cells is not followed.
    The default view is a part of it: it was uint8 once, and the same code gave other scores.
    """
    if definers and all(is_own(module) for _, module in definers):
        return "1"
    if definers:
        followed = source_version((file, module) for file, module in definers if not is_own(module))
    else:
        source = _cell_hash(function)
        if not source:
            raise ValueError(f"{name}: there is no source that its version could follow; state a version")
        followed = f"source-{source}"
    return f"{followed}+float64" if view == "rgb" else followed
