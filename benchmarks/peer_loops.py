"""The loops that users of other libraries write, each in a process of its own: `peers.py` starts this file.

    python benchmarks/peer_loops.py piq --table labels.csv --metrics psnr,ssim

One pair at a time, images decoded for every metric, as the libraries' own scripts do. The metric is asked for in the
harness's protocol as far as the library can (SSIM of BT.601 luma, Gaussian window, no downsampling); where a library
has no such metric it does not take part. Prints JSON: seconds and scores by metric, and what could not run. Only the
loop is timed: imports and networks are ready before, which is in the peers' favour.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipal_shape import read_table

Pairs = Sequence[tuple[str, str]]
"""(distorted, reference) files."""
Loop = Callable[[Pairs], list[float]]
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Peer:
    """A library, and how its loop over pairs is made for each metric that it has."""

    package: str
    how: str
    load: Callable[[str], Loop]
    metrics: tuple[str, ...]


def _each(score: Callable[[str, str], Any]) -> Loop:
    """A loop that hands one pair of files at a time to `score`."""
    return lambda pairs: [float(score(distorted, reference)) for distorted, reference in pairs]


def _of_tensors(function: Callable[[Any, Any], Any], *, luma: bool = False) -> Loop:
    """A loop that decodes each pair with Pillow to float32 tensors (1, 3, H, W) in [0, 1], or (1, 1, H, W) luma."""
    import torch
    from PIL import Image
    from torchvision.transforms.functional import to_tensor

    def read(path: str) -> torch.Tensor:
        image = to_tensor(Image.open(path).convert("RGB"))[None]
        return torch.einsum("nchw,c->nhw", image, torch.tensor(LUMA))[:, None] if luma else image

    def score(distorted: str, reference: str) -> Any:
        with torch.no_grad():
            return function(read(distorted), read(reference))

    return _each(score)


def _pyiqa_model(metric: str) -> Any:
    """pyiqa's model with its default options; LPIPS with the head embedded here, which is the authors' too."""
    from pyiqa.models.inference_model import InferenceModel

    if metric != "lpips":
        return InferenceModel(metric.replace("-", "_"), device="cpu")
    import torch

    with tempfile.NamedTemporaryFile(suffix=".pth") as file:
        torch.save(_embedded_lpips(), file)
        file.flush()
        return InferenceModel("lpips", device="cpu", pretrained_model_path=file.name)


def _pyiqa(metric: str) -> Loop:
    model = _pyiqa_model(metric)
    return _each(lambda distorted, reference: model(distorted, reference).cpu().item())


def _pyiqa_script(metric: str) -> Loop:
    from pyiqa.data import build_dataloader, build_dataset

    model = _pyiqa_model(metric)
    options = {"name": "pairs", "type": "GeneralFRDataset", "phase": "test", "dataroot_target": "/"}
    options |= {"num_worker_per_gpu": 8, "prefetch_mode": "cpu", "num_prefetch_queue": 8}

    def loop(pairs: Pairs) -> list[float]:
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.writelines(["ref,dist,mos\n", *(f"{reference},{distorted},0\n" for distorted, reference in pairs)])
            file.flush()
            data = build_dataloader(build_dataset(options | {"meta_info_file": file.name}), options, num_gpu=0)
            return [model(one["img"], one["ref_img"]).cpu().item() for one in data]

    return loop


def _piq(metric: str) -> Loop:
    import piq

    structural = {"downsample": False} if metric == "ssim" else {}
    function = {"psnr": piq.psnr, "ssim": piq.ssim, "ms-ssim": piq.multi_scale_ssim, "gmsd": piq.gmsd}[metric]
    return _of_tensors(partial(function, data_range=1.0, **structural), luma="ssim" in metric)


def _torchmetrics(metric: str) -> Loop:
    from torchmetrics.functional import image
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    if metric == "lpips":
        return _of_tensors(LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True))
    function = {
        "psnr": image.peak_signal_noise_ratio,
        "ssim": image.structural_similarity_index_measure,
        "ms-ssim": image.multiscale_structural_similarity_index_measure,
    }[metric]
    return _of_tensors(partial(function, data_range=1.0), luma="ssim" in metric)


def _lpips(metric: str) -> Loop:
    import lpips

    return _of_tensors(partial(lpips.LPIPS(net="alex", verbose=False), normalize=True))


def _scikit_image(metric: str) -> Loop:
    import numpy as np
    from PIL import Image
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    def read(path: str) -> Any:
        return np.asarray(Image.open(path).convert("RGB"))

    def psnr(distorted: str, reference: str) -> float:
        return peak_signal_noise_ratio(read(reference), read(distorted), data_range=255)

    def ssim(distorted: str, reference: str) -> float:
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
        return structural_similarity(read(distorted) @ LUMA, read(reference) @ LUMA, **options)

    return _each({"psnr": psnr, "ssim": ssim}[metric])


FOUR = ("psnr", "ssim", "ms-ssim", "gmsd")
PEERS = {
    "pyiqa": Peer("pyiqa", "`InferenceModel` on each pair of files", _pyiqa, (*FOUR, "lpips")),
    "pyiqa script": Peer(
        "pyiqa", "as benchmark_results.py: its data set, its loader with 8 workers", _pyiqa_script, (*FOUR, "lpips")
    ),
    "piq": Peer("piq", "its functions on tensors; its LPIPS is VGG's, another metric", _piq, FOUR),
    "torchmetrics": Peer(
        "torchmetrics", "its functions on tensors; has no GMSD", _torchmetrics, ("psnr", "ssim", "ms-ssim", "lpips")
    ),
    "lpips": Peer("lpips", "its network on tensors", _lpips, ("lpips",)),
    "scikit-image": Peer(
        "scikit-image", "its functions on arrays; has no MS-SSIM, GMSD, LPIPS", _scikit_image, ("psnr", "ssim")
    ),
}


def _embedded_lpips() -> dict[str, Any]:
    """LPIPS's parameters by the authors' names, as they come with the harness."""
    from safetensors.torch import load_file

    from benchmark.metrics.lpips import WEIGHTS

    return load_file(WEIGHTS)


def stand_in_for_alexnet() -> None:
    """Let torchvision build AlexNet with the convolutions embedded here: LPIPS uses no other layer, nothing is fetched."""
    import torchvision.models

    build = torchvision.models.alexnet
    embedded = {
        name.split(".", 2)[2]: tensor for name, tensor in _embedded_lpips().items() if name.startswith("net.slice")
    }

    def alexnet(**_: object) -> Any:
        network = build(weights=None)
        network.features.load_state_dict(embedded)
        return network

    torchvision.models.alexnet = alexnet  # type: ignore[assignment]


def measure(peer: Peer, pairs: Pairs, metrics: Sequence[str]) -> dict[str, Any]:
    """Run the peer's loop over `pairs`, metric after metric; one pair is scored before the clock starts."""
    found: dict[str, Any] = {"seconds": {}, "scores": {}, "not_run": {}}
    if "lpips" in metrics:
        stand_in_for_alexnet()
    for metric in metrics:
        try:
            loop = peer.load(metric)
            loop(pairs[:1])
        except Exception as error:  # a peer that cannot run is reported, and the others go on
            found["not_run"][metric] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        start = time.perf_counter()
        found["scores"][metric] = loop(pairs)
        found["seconds"][metric] = time.perf_counter() - start
    return found


def main() -> None:
    """Measure one peer as the command line says, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--metrics", required=True)
    given = parser.parse_args()
    folder = given.table.resolve().parent
    pairs = [(str(folder / row.distorted), str(folder / row.reference)) for row in read_table(given.table)]
    with contextlib.redirect_stdout(sys.stderr):
        found = measure(PEERS[given.peer], pairs, given.metrics.split(","))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
