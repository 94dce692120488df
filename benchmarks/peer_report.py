"""The tables of `peers.py`: speed, bars, and how far the scores lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import page
from peer_loops import FOUR, PEERS
from samples import Spread, rates, ratios, significant

if TYPE_CHECKING:
    from peers import Measured

FIVE = (*FOUR, "lpips")
SETS = (FOUR, FIVE, ("psnr", "ssim", "ms-ssim"), ("psnr", "ssim"), ("lpips",))
"""What is compared: the metrics of the bars, then what the peers have that lack some of these."""
BARS = {FOUR: 200.0, FIVE: 25.0}
"""How many times faster than pyiqa's loop a run of these metrics has to be."""
EPSILON = "adds 1e-8 to the squared error, which counts the less the larger the error is"
FLOAT = "float32, where the harness has float64"
ROUNDED = "rounds luma to integers"
CLAMPED = (
    f"{ROUNDED}, and takes a negative contrast-structure of a pixel for 0: the more so the noisier a blurred image"
)
"""SSIM with both changes equals pyiqa's to 6e-6 on 12 pairs of the tree, where the plain one differs by up to .005."""
MIRRORED = "averages over the whole image, mirrored at its borders, where the authors take the valid region"
EXPECTED: dict[str, dict[str, tuple[float, str]]] = {
    "pyiqa": {
        "psnr": (1e-3, EPSILON),
        "ssim": (0.02, CLAMPED),
        "ms-ssim": (5e-3, CLAMPED),
        "gmsd": (1e-3, f"{ROUNDED}; {FLOAT}"),
        "lpips": (1e-5, FLOAT),
    },
    "piq": {
        "psnr": (1e-3, EPSILON),
        "ssim": (1e-5, FLOAT),
        "ms-ssim": (1e-5, FLOAT),
        "gmsd": (1e-5, FLOAT),
    },
    "torchmetrics": {
        "psnr": (1e-4, FLOAT),
        "ssim": (0.02, MIRRORED),
        "ms-ssim": (0.01, MIRRORED),
        "lpips": (1e-5, FLOAT),
    },
    "lpips": {"lpips": (1e-5, FLOAT)},
    "scikit-image": {"psnr": (1e-9, "the same arithmetic"), "ssim": (1e-9, "the same arithmetic")},
}
"""package -> metric -> largest difference that is expected, and its cause."""


def metric_sets(found: Measured) -> list[tuple[str, ...]]:
    """Those of `SETS` that the bars ask for or that some peer is shown in."""
    return [metrics for metrics in SETS if metrics in BARS or any(_shown(found, peer, metrics) for peer in found.peers)]


def _shown(found: Measured, peer: str, metrics: tuple[str, ...]) -> bool:
    """Whether the peer has all of `metrics`, and no larger one of `SETS` says more of it."""
    have = set(found.peers[peer])
    larger = [each for each in SETS if set(metrics) < set(each) <= have]
    return set(metrics) <= have and (metrics in BARS or not larger)


def _loop(peer: str) -> str:
    """The name in `PEERS` of a loop that is also run otherwise."""
    return peer if peer in PEERS else peer.partition(" ")[0]


def _package(peer: str) -> str:
    return PEERS[_loop(peer)].package


def _peer_seconds(found: Measured, peer: str, metrics: tuple[str, ...]) -> list[float] | None:
    """Seconds of each round for all `metrics` on the sample; None where the peer lacks one."""
    timed = found.peers.get(peer, {})
    if not set(metrics) <= set(timed):
        return None
    return [sum(times) for times in zip(*(timed[metric] for metric in metrics), strict=True)]


def faster(found: Measured, peer: str, metrics: tuple[str, ...], what: str = "whole") -> Spread | None:
    """How many times more pairs per second the harness does; None where the peer lacks a metric."""
    theirs, ours = _peer_seconds(found, peer, metrics), found.harness.get((metrics, what))
    if theirs is None or ours is None:
        return None
    n_ours = found.n_sample if what == "sample" else found.n_pairs
    return ratios([each / found.n_sample for each in theirs], [each / n_ours for each in ours])


def _speed(found: Measured) -> str:
    rows: list[list[str]] = []
    for metrics in metric_sets(found):
        names = ", ".join(metrics)
        for what, n in (
            ("whole", found.n_pairs),
            ("whole, with board", found.n_pairs),
            ("sample", found.n_sample),
        ):
            seconds = found.harness.get((metrics, what))
            if seconds:
                command = "run" if "board" in what else "run --no-board"
                rows.append([names, f"**this harness**, `{command}`", str(n), rates(n, seconds).text(), "", ""])
        for peer in found.peers:
            seconds, ratio = _peer_seconds(found, peer, metrics), faster(found, peer, metrics)
            if seconds and ratio and _shown(found, peer, metrics):
                on_sample = faster(found, peer, metrics, "sample")
                theirs = rates(found.n_sample, seconds).text()
                rows.append(
                    [names, peer, str(found.n_sample), theirs, ratio.text(), on_sample.text() if on_sample else ""]
                )
    header = ["metrics", "by", "pairs", "pairs/s", "harness on the whole tree is faster by", "on the same sample"]
    return page.table(header, rows)


def bars(found: Measured) -> list[page.Bar]:
    """Each bar against the fastest of pyiqa's loops."""
    measured = []
    for metrics, bar in BARS.items():
        loops = [(ratio, peer) for peer in found.peers if "pyiqa" in peer and (ratio := faster(found, peer, metrics))]
        if not loops:
            why = next(
                (reasons[m] for reasons in found.not_run.values() for m in metrics if m in reasons), "not asked for"
            )
            measured.append(page.Bar(f"{', '.join(metrics)}: times faster than pyiqa", f"{bar:g}", "", False, why))
            continue
        ratio, peer = min(loops, key=lambda loop: loop[0].median)
        board = faster(found, peer, metrics, "whole, with board")
        measured.append(
            page.Bar(
                f"{', '.join(metrics)}: times faster than the fastest of pyiqa's loops ({peer})",
                f"{bar:g}",
                ratio.text() + (f"; {board.text()} with the board of the run" if board else ""),
                ratio.median >= bar,
            )
        )
    return measured


def differences(found: Measured) -> list[list[str]]:
    """Per metric and peer: largest difference of a score from the harness's, what is expected, whether it is within."""
    rows = []
    for metric in FIVE:
        for peer, scores in found.scores.items():
            if metric in scores and metric in found.ours and (peer in PEERS or _loop(peer) not in found.scores):
                pairs = zip(scores[metric], found.ours[metric], strict=True)
                largest = max(abs(theirs - ours) for theirs, ours in pairs)
                expected, cause = EXPECTED[_package(peer)][metric]
                within = "yes" if largest <= expected else "no"
                rows.append([metric, peer, significant(largest), significant(expected), within, cause])
    return rows


def report(found: Measured, *, rounds: int, cores: int) -> str:
    """The whole page."""
    absent = [[peer, metric, why] for peer, reasons in found.not_run.items() for metric, why in reasons.items()]
    loops = [[peer, PEERS[_loop(peer)].how] for peer in found.peers]
    backends = ", ".join(f"{metric} by {' and '.join(names)}" for metric, names in found.backends.items())
    return "\n".join(
        [
            page.heading("The harness and its peers on the same work"),
            f"A PIPAL-shaped tree of {found.n_pairs} pairs, and a sample of {found.n_sample} of them, spread over all contents "
            "and the ladder of distortions. The harness is its whole command from the shell, start-up and decoding "
            f"included, into an empty store ({backends}). The peers are their loops alone: imports, networks and a first "
            f"pair are not counted; they decode each image once per metric, as their users' loops do, with the threads that "
            f"they take by default. All had the same {cores} cores, one after another, {rounds} rounds in turns. Median "
            "(range); ratios are of pairs per second, taken within a round.\n",
            "LPIPS of the peers stands on the parameters that come with the harness (torchvision's AlexNet file holds the "
            "same convolutions, and layers that LPIPS does not use).\n",
            "## Bars\n",
            page.bars(bars(found)),
            "## Speed\n",
            _speed(found),
            page.table(["loop", "how"], loops),
            "## Scores\n",
            "Largest absolute difference from the harness's score over the sample.\n",
            page.table(["metric", "by", "largest", "expected up to", "within", "cause"], differences(found)),
            *(["## Not run\n", page.table(["by", "metric", "why"], absent)] if absent else []),
        ]
    )
