"""Butteraugli: the largest difference that a person would notice; computed by libjxl's own program."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from benchmark.types import MetricInfo, PairError, UserError

if TYPE_CHECKING:
    from benchmark.images import ImageBatch

PROGRAM = "butteraugli_main"
ENVIRONMENT = "IQA_BUTTERAUGLI"
"""Names the program where it is not on the PATH."""
SECONDS = 600
"""Longest that one pair may take."""


def program() -> str | None:
    """Path of the program, from the environment variable or the PATH; None where there is none."""
    return shutil.which(os.environ.get(ENVIRONMENT) or PROGRAM)


@dataclass(frozen=True, slots=True)
class Butteraugli:
    """One of the two numbers that the program prints."""

    info: MetricInfo
    pooling: Literal["max", "3-norm"]

    def missing(self) -> str | None:
        """Name the program that is not here, and how to get it; None when it is."""
        if program():
            return None
        return (
            f"the program {PROGRAM} of libjxl: `apt install libjxl-devtools`, or name it with the environment "
            f"variable {ENVIRONMENT}"
        )

    def load(self, device: str) -> ButteraugliScorer:
        """Return the scorer, the same on every device; raises UserError where the program is not here."""
        found = program()
        if found is None:
            raise UserError(f"{self.info.name} needs {self.missing()}")
        return ButteraugliScorer(found, self.pooling)


@dataclass(frozen=True, slots=True)
class ButteraugliScorer:
    """Runs the program once for each distorted image."""

    program: str
    pooling: str

    def prepare(self, reference: ImageBatch) -> Any:
        """Write the reference where the program can read it; the folder goes with the last use of it."""
        folder = tempfile.TemporaryDirectory(prefix="iqa-butteraugli-")
        _write_ppm(Path(folder.name) / "reference.ppm", reference.rgb[0])
        return folder

    def score(self, distorted: ImageBatch, prepared: Any) -> np.ndarray:
        """Return one distance >= 0 per distorted image, float64."""
        return np.array([self._distance(image, Path(prepared.name)) for image in distorted.rgb], dtype=np.float64)

    def _distance(self, image: np.ndarray, folder: Path) -> float:
        """Run the program; raises PairError with its words when it fails or prints something else."""
        _write_ppm(folder / "distorted.ppm", image)
        command = [self.program, str(folder / "reference.ppm"), str(folder / "distorted.ppm")]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise PairError(f"{PROGRAM} took more than {SECONDS} s") from error
        try:
            largest, norm = done.stdout.split("\n", 1)
            return float(largest) if self.pooling == "max" else float(norm.partition("3-norm:")[2])
        except ValueError as error:
            said = (done.stderr.strip() or done.stdout.strip())[-200:]
            raise PairError(f"{PROGRAM} ended with {done.returncode}: {said!r}") from error


def _write_ppm(path: Path, rgb: np.ndarray) -> None:
    """Write uint8 RGB (H, W, 3) as binary PPM, which the program takes for sRGB."""
    height, width, _ = rgb.shape
    path.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + rgb.tobytes())


FACTS: dict[str, Any] = {
    "version": "1",
    "higher_is_better": False,
    "score_range": (0.0, float("inf")),
    "min_size": 8,
    "tolerance": 1e-3,
    "library": "libjxl",
    "licence": "BSD-3-Clause",
    "citation": "J. Alakuijala, R. Obryk, O. Stoliarchuk, Z. Szabadka, L. Vandevenne, J. Wassenberg. Guetzli: "
    "perceptually guided JPEG encoder. arXiv 1703.04421, 2017; libjxl's revision of it",
    "note": "as the libjxl that is installed computes it; run here with 0.7.0",
    "proof": "the authors' own program",
}
PROTOCOL = "{} of libjxl's Butteraugli difference map of sRGB at an intensity of 80 nits."

butteraugli = Butteraugli(
    MetricInfo(name="butteraugli", title="Butteraugli (maximum)", protocol=PROTOCOL.format("Maximum"), **FACTS), "max"
)
butteraugli_3norm = Butteraugli(
    MetricInfo(
        name="butteraugli-3norm",
        title="Butteraugli (3-norm)",
        protocol=PROTOCOL.format("3-norm (mean of the 3rd, 6th and 12th)"),
        **FACTS,
    ),
    "3-norm",
)

METRICS = (butteraugli, butteraugli_3norm)
