"""Labels for synthetic pairs: what several full-reference metrics of different families agree on.

Each metric's score is replaced by its quantile among the training pairs (so that only its ranking counts), the
quantiles are averaged, and the average is replaced by its own quantile: a label uniform over 0..100, higher is better.
The quantile functions are those of the *training* pairs alone; other splits are read off them.

Why these six, by published agreement with people (SRCC on TID2013 / KADID-10k, both from piq's README):

* VSI .895 / .878 (visual saliency), MDSI .890 / .885 (gradient and chroma deviation), HaarPSI .873 / .885 (wavelets),
  FSIMc .851 / .829 for its luma form (phase congruency);
* MS-SSIM .798 / .802 (structure at five scales; on luma here), and LPIPS (AlexNet) .745 on TID2013, .923 on CSIQ
  (learned features): weaker alone, but their errors are not those of the other four.

The human labels of `live-kodak` played no part in the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

METRICS: dict[str, bool] = {
    "vsi": True,
    "mdsi": False,
    "haarpsi": True,
    "fsimc": True,
    "ms-ssim": True,
    "lpips": False,
}
"""Metrics of the consensus, and whether a higher score means better quality."""

HALVED = frozenset({"vsi", "mdsi", "fsimc"})
"""Metrics that reduce an image by round(shorter side / 256) before they look: 2 for the 512 x 512 photographs here, as for
the images of TID2013 and KADID-10k on which their agreement was published, but 1 for a crop of 288. A crop is to be judged
as a part of its photograph, so it is reduced by 2.
"""

LABEL_RANGE = (0.0, 100.0)
"""Worst and best label."""


def load_metrics() -> dict[str, Callable]:
    """Return the metrics of `METRICS` as functions ``(distorted, reference) -> float`` of uint8 RGB (H, W, 3).

    VSI, MDSI, HaarPSI, FSIMc and MS-SSIM are piq's with its defaults, MS-SSIM on luma, the three of `HALVED` on images
    of half the size; LPIPS is the harness's, version 0.1 with AlexNet, whose parameters it carries. Pairs are scored one
    by one.
    """
    import piq
    import torch
    from torch.nn import functional

    from benchmark.images import ImageBatch
    from benchmark.registry import Registry

    network = Registry().metric("lpips").load("cpu")

    def lpips(distorted: np.ndarray, reference: np.ndarray) -> float:
        return float(network.score(ImageBatch(distorted[None]), network.prepare(ImageBatch(reference[None])))[0])

    def tensor(image: np.ndarray) -> torch.Tensor:
        return torch.tensor(image).permute(2, 0, 1)[None].to(torch.float32).div(255.0)

    def luma(image: torch.Tensor) -> torch.Tensor:
        return (image * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)

    functions = {
        "vsi": piq.vsi,
        "mdsi": piq.mdsi,
        "haarpsi": piq.haarpsi,
        "fsimc": piq.fsim,
        "ms-ssim": lambda x, y: piq.multi_scale_ssim(luma(x), luma(y)),
    }

    def scorer(function: Callable, *, halve: bool) -> Callable:
        def score(distorted: np.ndarray, reference: np.ndarray) -> float:
            x, y = tensor(distorted), tensor(reference)
            if halve:
                x, y = functional.avg_pool2d(x, 2), functional.avg_pool2d(y, 2)
            with torch.inference_mode():
                return float(function(x, y))

        return score

    return {name: lpips if name == "lpips" else scorer(functions[name], halve=name in HALVED) for name in METRICS}


def quantiles(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return where each value stands in the sample `among`, in [0, 1]: ties get the mean of their places."""
    ordered = np.sort(among)
    below = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    return (below + up_to) / (2 * len(ordered))


def consensus_labels(scores: Mapping[str, Sequence[float]], *, training: np.ndarray) -> np.ndarray:
    """Return labels in 0..100, higher is better, from raw scores by metric.

    `training` is a boolean mask of the rows that define the quantile functions. Raises ValueError when a metric of
    `METRICS` is missing or a score is not finite.
    """
    total = np.zeros(len(training))
    for name, higher_is_better in METRICS.items():
        values = np.asarray(scores[name], dtype=np.float64) * (1 if higher_is_better else -1)
        if not np.isfinite(values).all():
            raise ValueError(f"{name}: {np.count_nonzero(~np.isfinite(values))} scores are not finite")
        total += quantiles(values, values[training])
    low, high = LABEL_RANGE
    return low + (high - low) * quantiles(total, total[training])
