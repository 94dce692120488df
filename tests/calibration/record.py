"""Record what independent libraries say of five embedded pairs; README.md beside this file says how it was run."""

import csv
import sys
from importlib.metadata import version
from pathlib import Path

import frame_analytics
import numpy as np
import piqa
import pyiqa
import pytorch_msssim
import sewar
import torch
import torchmetrics.functional.image as torchmetrics
from PIL import Image

LIVE_KODAK = Path(__file__).resolve().parents[2] / "datasets" / "live_kodak"
PAIRS = ["bikes_q012", "caps_q026", "house_q001", "ocean_q060", "sailing1_q094"]


def read(path):
    rgb = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None].double()
    luma = (0.299 * rgb[:, :1]) + (0.587 * rgb[:, 1:2]) + (0.114 * rgb[:, 2:])
    return rgb, luma


def values(rgb, luma):
    """Yield (metric, library, value); `rgb` and `luma` are (distorted, reference) in [0, 255]."""
    fa = "frame-analytics"
    wide = {"data_range": 255, "backend_hint": "torch"}
    yield "psnr", fa, frame_analytics.psnr(*rgb, data_range=255)
    yield "psnr-y", fa, frame_analytics.psnr(*luma, data_range=255)
    yield "ssim", fa, frame_analytics.ssim(*luma, **wide)
    yield "ssim-down", fa, frame_analytics.ssim(*(torch.nn.functional.avg_pool2d(y, 2) for y in luma), **wide)
    yield "ssim-rgb", fa, frame_analytics.ssim(*rgb, **wide)
    yield "ms-ssim", fa, frame_analytics.ms_ssim(*luma, **wide)
    yield "ms-ssim-rgb", fa, frame_analytics.ms_ssim(*rgb, **wide)
    yield "gmsd", fa, frame_analytics.gmsd(*luma, **wide)
    yield "lpips", fa, frame_analytics.lpips(*(image.float() / 255 for image in rgb))
    yield "psnr", "torchmetrics", torchmetrics.peak_signal_noise_ratio(*rgb, data_range=255.0)
    yield "psnr-y", "torchmetrics", torchmetrics.peak_signal_noise_ratio(*luma, data_range=255.0)
    yield "ssim", "pytorch-msssim", pytorch_msssim.ssim(*luma, data_range=255)
    yield "ssim-rgb", "pytorch-msssim", pytorch_msssim.ssim(*rgb, data_range=255)
    yield "ms-ssim", "pytorch-msssim", pytorch_msssim.ms_ssim(*luma, data_range=255)
    yield "ms-ssim-rgb", "pytorch-msssim", pytorch_msssim.ms_ssim(*rgb, data_range=255)


def full_reference_values(rgb, luma):
    """Yield (metric, library, value) of the further full-reference metrics."""
    fa = "frame-analytics"
    rgb, luma = ([image / 255 for image in pair] for pair in (rgb, luma))
    yield "fsim", fa, frame_analytics.fsim(*luma)
    yield "fsimc", fa, frame_analytics.fsimc(*rgb)
    yield "mdsi", fa, frame_analytics.mdsi(*rgb)
    yield "haarpsi", fa, frame_analytics.haarpsi(*rgb)
    yield "dss", fa, frame_analytics.dss(*luma)
    yield "sr-sim", fa, frame_analytics.srsim(*luma)
    yield "iw-ssim", fa, frame_analytics.iw_ssim(*luma)
    yield "flip", fa, frame_analytics.flip(*rgb)
    yield "vifp", "sewar", sewar.vifp(*(image[0, 0].numpy() * 255 for image in reversed(luma)))
    yield "vifp", "torchmetrics", torchmetrics.visual_information_fidelity(*(image * 255 for image in luma))
    yield "fsimc", "piqa", piqa.fsim.FSIM(chromatic=True)(*(image.float() for image in rgb))
    yield "fsim", "piqa", piqa.fsim.FSIM(chromatic=False)(*(image.float() for image in rgb))
    yield "haarpsi", "piqa", piqa.haarpsi.HaarPSI(chromatic=True)(*(image.float() for image in rgb))
    yield "mdsi", "piqa", piqa.mdsi.MDSI()(*(image.float() for image in rgb))
    yield "ms-gmsd", "piqa", piqa.gmsd.MS_GMSD()(*(image.float() for image in rgb))
    for metric, name in {"fsimc": "fsim", "vsi": "vsi", "vif": "vif", "cw-ssim": "cw_ssim", "nlpd": "nlpd"}.items():
        yield metric, "pyiqa", pyiqa.create_metric(name, device="cpu")(*(image.float() for image in rgb))


writer = csv.writer(sys.stdout, lineterminator="\n")
writer.writerow(["metric", "distorted", "reference", "value", "library", "version"])
for name in PAIRS:
    reference = f"ref/{name.split('_')[0]}.png"
    distorted = f"jpeg/{name}.jpg"
    rgb, luma = zip(read(LIVE_KODAK / distorted), read(LIVE_KODAK / reference), strict=True)
    for metric, library, value in [*values(rgb, luma), *full_reference_values(rgb, luma)]:
        writer.writerow([metric, distorted, reference, f"{float(value):.10g}", library, version(library)])
