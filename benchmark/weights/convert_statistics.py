"""Make niqe.safetensors and brisque.safetensors from LIVE's releases; see README.md beside this file."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np

FEATURES = 36
BRISQUE_RANGE = (
    *((0.338, 10), (0.017204, 0.806612), (0.236, 1.642), (-0.123884, 0.20293), (0.000155, 0.712298)),
    *((0.001122, 0.470257), (0.244, 1.641), (-0.123586, 0.179083), (0.000152, 0.710456), (0.000975, 0.470984)),
    *((0.249, 1.555), (-0.135687, 0.100858), (0.000174, 0.684173), (0.000913, 0.534174), (0.258, 1.561)),
    *((-0.143408, 0.100486), (0.000179, 0.685696), (0.000888, 0.536508), (0.471, 3.264), (0.012809, 0.703171)),
    *((0.218, 1.046), (-0.094876, 0.187459), (1.5e-05, 0.442057), (0.001272, 0.40803), (0.222, 1.042)),
    *((-0.115772, 0.162604), (1.6e-05, 0.444362), (0.001374, 0.40243), (0.227, 0.996), (-0.117188, 0.098323)),
    *((3e-05, 0.531903), (0.001122, 0.369589), (0.228, 0.99), (-0.12243, 0.098658), (2.8e-05, 0.530092)),
    (0.001118, 0.370399),
)
"""Lowest and highest value of each feature in training, from LIVE's `allrange`."""


def convert_niqe(source: Path, output: Path) -> str:
    """Write the model of pristine images of LIVE's modelparameters.mat; return the file's sha256."""
    from scipy.io import loadmat

    model = loadmat(source)
    arrays = {"mean": model["mu_prisparam"].ravel(), "covariance": model["cov_prisparam"]}
    return _write(arrays, output)


def convert_brisque(source: Path, output: Path) -> str:
    """Write the support vectors of LIVE's `allmodel` (libsvm's text format); return the file's sha256."""
    lines = source.read_text().splitlines()
    rows = [line.split() for line in lines[[line.strip() for line in lines].index("SV") + 1 :] if line.strip()]
    vectors = np.zeros((len(rows), FEATURES))
    for vector, row in zip(vectors, rows, strict=True):
        for entry in row[1:]:
            index, value = entry.split(":")
            vector[int(index) - 1] = float(value)
    low, high = np.array(BRISQUE_RANGE).T
    arrays = {"vectors": vectors, "coefficients": np.array([float(row[0]) for row in rows]), "low": low, "high": high}
    return _write(arrays, output)


def _write(arrays: dict[str, np.ndarray], output: Path) -> str:
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array, dtype=np.float64) for name, array in arrays.items()}, output)
    return hashlib.sha256(output.read_bytes()).hexdigest()


if __name__ == "__main__":
    metric, source, output = sys.argv[1:]
    convert = {"niqe": convert_niqe, "brisque": convert_brisque}[metric]
    sys.stdout.write(f"{convert(Path(source), Path(output))}\n")
