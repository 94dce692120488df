"""Which files of parameters there are: for which metrics, from where, under which licence, and how to know them.

A file is known by its sha256, whatever its name. `folder` is where the libraries that read it look below their home
(`TORCH_HOME`), and so below the harness's own cache (`benchmark.weights.cache`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from asna.checkpoint import BEST as BEST_ASNA
from asna.checkpoint import WEIGHTS as ASNA

CHECKPOINTS = "hub/checkpoints"
"""Where torchvision looks."""
PYIQA = "hub/pyiqa"
"""Where pyiqa looks."""
EMBEDDED = Path(__file__).resolve().parent

TORCHVISION = "https://download.pytorch.org/models/"
PYIQA_WEIGHTS = "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/"
CONVOLUTIONS = "the small edition holds the convolutions alone, which is all that is read"
LIVE_NOTICE = "UT Austin LIVE notice"
DIGITS_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.\w+")
"""How a name carries the first digits of its file's sha256, by the convention of torch.hub."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One file that holds what is needed. `sha256` is "" where nobody here has seen the file: it goes by its name."""

    sha256: str
    size: int
    """Bytes; 0 where unknown."""


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file of parameters, under the name by which libraries look for it."""

    name: str
    metrics: tuple[str, ...]
    """Names of the metrics that need it."""
    editions: tuple[Edition, ...]
    """Interchangeable files; the first is what `url` gives."""
    licence: str
    folder: str = ""
    """Below the cache; "" for a file that is embedded in this package."""
    url: str = ""
    """Where it is fetched from; "" where it is embedded or the user has to supply it."""
    note: str = ""
    home: Path = EMBEDDED
    """Folder of an embedded file."""

    @property
    def embedded(self) -> bool:
        """Whether it travels with this package."""
        return not self.folder

    def accepts(self, sha256: str) -> bool | None:
        """Whether a file of that sha256 is the right one; None where neither the editions nor the name can tell."""
        known = {edition.sha256 for edition in self.editions if edition.sha256}
        if known:
            return sha256 in known
        digits = DIGITS_IN_NAME.search(self.name)
        return sha256.startswith(digits[1]) if digits else None

    @property
    def expected(self) -> str:
        """The sha256 that a right file has, in words; "" where it is not known."""
        known = [edition.sha256 for edition in self.editions if edition.sha256]
        digits = DIGITS_IN_NAME.search(self.name)
        return " or ".join(known) or (f"{digits[1]}..., as the name says" if digits else "")


def _one(sha256: str, size: int) -> tuple[Edition]:
    return (Edition(sha256, size),)


def _asna() -> tuple[WeightsFile, ...]:
    """ASNA's shipped networks, each described by the JSON beside it."""
    found = []
    for path in sorted(ASNA.glob("asna-*.safetensors")):
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        best = ("asna", "asna-tta") if path.stem == BEST_ASNA else ()
        found.append(
            WeightsFile(
                path.name,
                (path.stem, *best, "asna-ensemble"),
                _one(facts["sha256"], path.stat().st_size),
                "Apache-2.0",
                home=path.parent,
                note="trained here; see asna/README.md",
            )
        )
    return tuple(found)


VGG16 = WeightsFile(
    "vgg16-397923af.pth",
    ("lpips-vgg", "dists", "dists-resized", "pyiqa:dists", "pyiqa:lpips-vgg"),
    (
        Edition("397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", 553433881),
        Edition("27e5be4c217355097c98abb442f858e3395268320f8f1b69f5e2346d655d42df", 58869069),
    ),
    "BSD-3-Clause (torchvision)",
    CHECKPOINTS,
    f"{TORCHVISION}vgg16-397923af.pth",
    CONVOLUTIONS,
)
SQUEEZENET = WeightsFile(
    "squeezenet1_1-b8a52dc0.pth",
    ("lpips-squeeze",),
    _one("b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b", 4958839),
    "BSD-3-Clause (torchvision)",
    CHECKPOINTS,
    f"{TORCHVISION}squeezenet1_1-b8a52dc0.pth",
)
ILNIQE = WeightsFile(
    "ILNIQE_templateModel.mat",
    ("ilniqe", "pyiqa:ilniqe"),
    _one("14f4919a630498d732bbf11837d894d45a57f89c9ed84bea98851147290ce93c", 2764281),
    "as the authors' release of IL-NIQE (PolyU)",
    PYIQA,
    f"{PYIQA_WEIGHTS}ILNIQE_templateModel.mat",
)
NRQM = WeightsFile(
    "NRQM_model.mat",
    ("nrqm", "nrqm-pirm", "pi", "pyiqa:nrqm", "pyiqa:pi"),
    _one("", 0),
    "as the authors' release (github.com/chaoma99/sr-metric)",
    PYIQA,
    f"{PYIQA_WEIGHTS}NRQM_model.mat",
)
NIQE_MAT = WeightsFile(
    "niqe_modelparameters.mat",
    ("pyiqa:niqe", "pyiqa:pi"),
    _one("fa2aa4d12dd9595c3fb6bf8b4e1a15c79d5d1469238d0901c88dead195be578d", 8347),
    LIVE_NOTICE,
    PYIQA,
    f"{PYIQA_WEIGHTS}niqe_modelparameters.mat",
)


def _unseen(name: str, metric: str, model: str, release: str) -> WeightsFile:
    """A file that pyiqa fetches and nobody here has seen: it goes by its name."""
    return WeightsFile(
        name,
        (metric, f"pyiqa:{model}"),
        _one("", 0),
        f"as the authors' release ({release})",
        PYIQA,
        PYIQA_WEIGHTS + name,
    )


UNSEEN = (
    _unseen("alex_shift_tolerant.pth", "st-lpips", "stlpips", "github.com/abhijay9/ShiftTolerant-LPIPS"),
    _unseen("PieAPPv0.1-0937b014.pth", "pieapp", "pieapp", "github.com/prashnani/PerceptualImageError"),
    _unseen("cfanet_fr_kadid_res50-2c4cc61d.pth", "topiq-fr", "topiq_fr", "pyiqa"),
    _unseen("AHIQ_vit_p8_epoch33-da3ea303.pth", "ahiq", "ahiq", "github.com/IIGROUP/AHIQ"),
)

FILES: tuple[WeightsFile, ...] = (
    *_asna(),
    WeightsFile(
        "lpips_alex_v0.1.safetensors",
        ("lpips",),
        _one("5e38b7c0c0d221003434ffc7840b155755004404161fac8ea42b7eb3192ae278", 9884688),
        "BSD-2-Clause (head), BSD-3-Clause (features)",
    ),
    WeightsFile(
        "lpips_vgg_v0.1_head.safetensors",
        ("lpips-vgg",),
        _one("4fbb0122b8b7c419838e12f9d9414a590916757773a1dc835cef7adef85e8933", 6320),
        "BSD-2-Clause",
    ),
    WeightsFile(
        "lpips_squeeze_v0.1_head.safetensors",
        ("lpips-squeeze",),
        _one("7b35c219aaf55e4be5486ee08f40bb7b92b7bba3130e7d90425b3d5a87de2097", 9560),
        "BSD-2-Clause",
    ),
    WeightsFile(
        "dists.safetensors",
        ("dists", "dists-resized"),
        _one("50980d68bc38b2fcc738b1a8c3ae77a87cb73883b230951c2c57190855bdb52f", 11952),
        "MIT",
    ),
    WeightsFile(
        "niqe.safetensors",
        ("niqe", "niqe-pirm"),
        _one("8306326ee36635172cf15ec30c162cda2f7e5d4cf246c221ed41d2bd819770b2", 10800),
        LIVE_NOTICE,
    ),
    WeightsFile(
        "brisque.safetensors",
        ("brisque",),
        _one("10d919468bb9132fe1a50b21100fabd5182c6a4a21e6cef8bbe195d45428dc54", 229960),
        LIVE_NOTICE,
    ),
    VGG16,
    SQUEEZENET,
    ILNIQE,
    NRQM,
    NIQE_MAT,
    *UNSEEN,
    WeightsFile(
        "brisque_svm_weights.pth",
        ("pyiqa:brisque",),
        _one("b51a1b17d9795b61bb4e3e5ae48d314615260d82b5199e214bdf99481b6f809f", 116421),
        LIVE_NOTICE,
        PYIQA,
        note="made from LIVE's allmodel; pyiqa's own file holds the same numbers",
    ),
    WeightsFile(
        "alexnet-owt-7be5be79.pth",
        ("pyiqa:lpips", "st-lpips", "pyiqa:stlpips"),
        (
            Edition("7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02", 244408911),
            Edition("a195aaaef6a3cba2d24f639fc84c19e96499a5c878d46a3c821b51120cb7874e", 9884753),
        ),
        "BSD-3-Clause (torchvision)",
        CHECKPOINTS,
        f"{TORCHVISION}alexnet-owt-7be5be79.pth",
        CONVOLUTIONS,
    ),
    WeightsFile(
        "LPIPS_v0.1_alex-df73285e.pth",
        ("pyiqa:lpips",),
        _one("df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0", 6009),
        "BSD-2-Clause",
        PYIQA,
        f"{PYIQA_WEIGHTS}LPIPS_v0.1_alex-df73285e.pth",
    ),
    WeightsFile(
        "LPIPS_v0.1_vgg-a78928a0.pth",
        ("pyiqa:lpips-vgg",),
        _one("a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868", 7289),
        "BSD-2-Clause",
        PYIQA,
        f"{PYIQA_WEIGHTS}LPIPS_v0.1_vgg-a78928a0.pth",
    ),
    WeightsFile(
        "DISTS_weights-f5e65c96.pth",
        ("pyiqa:dists",),
        _one("f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218", 12288),
        "MIT",
        PYIQA,
        f"{PYIQA_WEIGHTS}DISTS_weights-f5e65c96.pth",
    ),
)
"""Every file, the embedded ones among them."""


def known_sha256(metric: str) -> str:
    """sha256 of the files that a metric needs (of the first edition of each), joined by "+"; "" unless all are known."""
    digests = [file.editions[0].sha256 for file in needed_by(metric)]
    return "+".join(digests) if all(digests) else ""


def needed_by(metric: str, files: tuple[WeightsFile, ...] = FILES) -> tuple[WeightsFile, ...]:
    """The files that a metric needs."""
    return tuple(file for file in files if metric in file.metrics)
