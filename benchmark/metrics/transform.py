"""Similarity of transform coefficients: HaarPSI (Haar wavelets) and DSS (block DCT)."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.backends import Backend, with_backends
from benchmark.metrics.described import DescribedMetric
from benchmark.metrics.opencv_transform import HaarScorer, subband_similarity, subbands
from benchmark.metrics.pairwise import metric
from benchmark.metrics.seen import LIVE, TID
from benchmark.metrics.tensors import unit_tensor
from benchmark.types import MetricInfo


@metric(
    name="haarpsi",
    title="HaarPSI (colour)",
    proof="frame-analytics 0.7.0 on 5 pairs (1e-4); the authors' HaarPSI.m under Octave on 5 pairs, under its digits of YIQ (1e-11)",
    protocol="Similarity (C = 30) of Haar coefficients of Y at two scales and of I and Q, weighted by the third scale, "
    "through a logistic (alpha = 4.2) and back, of RGB in YIQ after 2 x 2 averages on every second pixel; 1 where both "
    "images are black.",
    view="uint8",
    higher_is_better=True,
    score_range=(0.0, 1.0),
    min_size=16,
    tolerance=1e-6,
    library="piq",
    # the paper: C and alpha chosen for the mean SRCC on parts of these four
    trained_on=(*LIVE, *TID, "csiq"),
    licence="Apache-2.0",
    citation="R. Reisenhofer, S. Bosse, G. Kutyniok, T. Wiegand. A Haar wavelet-based perceptual similarity index for "
    "image quality assessment. Signal Processing: Image Communication, 2018",
)
def haarpsi(*, distorted: np.ndarray, reference: np.ndarray) -> float:
    """HaarPSI of uint8 RGB (H, W, 3); 1 for two black images, where piq's weights are all 0."""
    import piq
    import torch

    if not (distorted.any() or reference.any()):
        return 1.0

    with torch.inference_mode():
        return float(piq.haarpsi(unit_tensor(distorted), unit_tensor(reference)))


dss = DescribedMetric(
    MetricInfo(
        name="dss",
        title="DSS (luma)",
        version="2",  # 1 rounded the number of worst blocks as Python and piq do, halves to even
        proof="the authors' dss_index.m written out (1e-10); frame-analytics 0.7.0 on 5 pairs (1e-7)",
        protocol="Variance similarity of 8 x 8 DCT subbands (window 3 x 3, sigma 1.5; constants 1000 for DC, 300 else), the "
        "worst 5 % of each (rounded, halves up), Gaussian weights over subbands (sigma 1.55), of BT.601 luma (full range, "
        "unrounded).",
        higher_is_better=True,
        score_range=(0.0, 1.0),
        min_size=32,
        tolerance=1e-6,
        library="numpy and OpenCV, here (piq rounds subbands to float32, and the number of worst blocks to even)",
        licence="Apache-2.0",
        citation="A. Balanov, A. Schwartz, Y. Moshe, N. Peleg. Image quality assessment based on DCT subband similarity. "
        "ICIP, 2015",
    ),
    describe=subbands,
    compare=subband_similarity,
)

METRICS = (with_backends(haarpsi, Backend("opencv", lambda device: HaarScorer()), library="piq"), dss)
