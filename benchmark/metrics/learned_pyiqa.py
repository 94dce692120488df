"""Full-reference metrics that pyiqa alone carries: MAD, and the learned ST-LPIPS, PieAPP, TOPIQ-FR and AHIQ."""

from __future__ import annotations

from typing import Any

from benchmark.metrics.pyiqa_models import PyiqaMetric
from benchmark.types import MetricInfo

FACTS: dict[str, Any] = {
    "version": "1",
    "library": "pyiqa",
    "tolerance": 1e-3,
    "min_size": 64,
}
NONCOMMERCIAL = "PolyForm-Noncommercial-1.0.0 (pyiqa)"
NOT_AT_HAND = "pyiqa's port, not compared: its parameters were not at hand"

mad = PyiqaMetric(
    MetricInfo(
        name="mad",
        title="MAD",
        higher_is_better=False,
        protocol="Most apparent distortion as in pyiqa, on luma of BT.601 in full range rounded to 8 bits.",
        score_range=(0.0, float("inf")),
        licence=NONCOMMERCIAL,
        citation="E. C. Larson, D. M. Chandler. Most apparent distortion: full-reference image quality assessment and the "
        "role of strategy. Journal of Electronic Imaging, 2010",
        proof="official values of 5 pairs (1e-4)",
        **FACTS,
    ),
    "mad",
)

stlpips = PyiqaMetric(
    MetricInfo(
        name="st-lpips",
        title="ST-LPIPS (AlexNet)",
        higher_is_better=False,
        protocol="Shift-tolerant LPIPS with AlexNet features as in pyiqa, on RGB in [-1, 1] at full resolution.",
        score_range=(0.0, float("inf")),
        licence=NONCOMMERCIAL,
        citation="A. Ghildyal, F. Liu. Shift-tolerant perceptual similarity metric. ECCV, 2022",
        trained_on=("bapps",),  # the paper: LPIPS's heads, trained anew on BAPPS
        proof=NOT_AT_HAND,
        **FACTS,
    ),
    "stlpips",
)

pieapp = PyiqaMetric(
    MetricInfo(
        name="pieapp",
        title="PieAPP v0.1",
        higher_is_better=False,
        protocol="PieAPP v0.1 as in pyiqa, on patches of 64 x 64 of RGB in [0, 255].",
        licence=NONCOMMERCIAL,
        citation="E. Prashnani, H. Cai, Y. Mostofi, P. Sen. PieAPP: perceptual image-error assessment through pairwise "
        "preference. CVPR, 2018",
        trained_on=("pieapp",),  # the paper: its own preferences of pairs
        proof=NOT_AT_HAND,
        **FACTS,
    ),
    "pieapp",
)

topiq_fr = PyiqaMetric(
    MetricInfo(
        name="topiq-fr",
        title="TOPIQ-FR (KADID-10k)",
        higher_is_better=True,
        protocol="TOPIQ with a reference and ResNet50 features, trained on KADID-10k, as in pyiqa.",
        licence=NONCOMMERCIAL,
        citation="C. Chen, J. Mo, J. Hou, H. Wu, L. Liao, W. Sun, Q. Yan, W. Lin. TOPIQ: a top-down approach from "
        "semantics to distortions for image quality assessment. IEEE TIP, 2024",
        trained_on=("kadid10k",),  # pyiqa's model of that name, cfanet_fr_kadid
        proof=NOT_AT_HAND,
        **FACTS,
    ),
    "topiq_fr",
)

ahiq = PyiqaMetric(
    MetricInfo(
        name="ahiq",
        title="AHIQ",
        higher_is_better=True,
        protocol="AHIQ as in pyiqa: the mean over 20 crops of 224 x 224, evenly placed.",
        licence=NONCOMMERCIAL,
        citation="S. Lao, Y. Gong, S. Shi, S. Yang, T. Wu, J. Wang, W. Xia, Y. Yang. Attentions help CNNs see better: "
        "attention-based hybrid image quality assessment network. CVPR workshops, 2022",
        trained_on=("pipal",),  # the paper: the training part of PIPAL
        proof=NOT_AT_HAND,
        **{**FACTS, "min_size": 224},
    ),
    "ahiq",
)

METRICS = (mad, stlpips, pieapp, topiq_fr, ahiq)
