"""Record what libvmaf says of five embedded pairs; needs an ffmpeg with libvmaf: `record_codecs.py FFMPEG > codecs.csv`.

Run with the binary of the PyPI package imageio-ffmpeg.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

LIVE_KODAK = Path(__file__).resolve().parents[2] / "datasets" / "live_kodak"
PAIRS = ["bikes_q012", "caps_q026", "house_q001", "ocean_q060", "sailing1_q094"]
MODELS = {"vmaf": "vmaf_v0.6.1", "vmaf-neg": "vmaf_v0.6.1neg"}


def write_frame(path, name):
    """One frame of 4:2:0 video: studio-range luma rounded to 8 bits, no colour."""
    rgb = np.asarray(Image.open(LIVE_KODAK / name).convert("RGB"), dtype=np.float64)
    luma = np.rint(16 + (219 / 255) * (rgb @ [0.299, 0.587, 0.114])).astype(np.uint8)
    height, width = luma.shape
    header = f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\nFRAME\n".encode()
    path.write_bytes(header + luma.tobytes() + bytes([128]) * (height * width // 2))


ffmpeg = sys.argv[1]
version = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True, check=True).stdout.split()[2]
writer = csv.writer(sys.stdout, lineterminator="\n")
writer.writerow(["metric", "distorted", "reference", "value", "library", "version"])
for pair in PAIRS:
    distorted, reference = f"jpeg/{pair}.jpg", f"ref/{pair.split('_')[0]}.png"
    with tempfile.TemporaryDirectory() as folder:
        write_frame(Path(folder, "d.y4m"), distorted)
        write_frame(Path(folder, "r.y4m"), reference)
        for metric, model in MODELS.items():
            options = f"libvmaf=model=version={model}:log_fmt=json:log_path=log.json"
            command = [ffmpeg, "-v", "error", "-i", "d.y4m", "-i", "r.y4m", "-lavfi", options, "-f", "null", "-"]
            subprocess.run(command, cwd=folder, check=True)
            frame = json.loads(Path(folder, "log.json").read_text())["frames"][0]["metrics"]
            writer.writerow([metric, distorted, reference, frame["vmaf"], "libvmaf", f"ffmpeg {version}"])
