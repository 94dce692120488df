"""Every model of the `pyiqa` package, as ``pyiqa:NAME``; pyiqa is an extra, and is imported when a model is loaded.

Kind and direction are pyiqa's own. Its weights are looked for in the harness's folder of weights, and what it
downloads goes there, by the harness's rules: short time-outs, and one line on what to put where. Its pickles are read
by torch's restricted loader. pyiqa's licence is PolyForm Noncommercial.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import random
import re
import runpy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.environment import environment
from benchmark.metrics.seen import KONIQ, LIVE, TID
from benchmark.types import MetricInfo, PairError, UserError
from benchmark.weights import cache as weights
from benchmark.weights.catalogue import FILES, Edition, WeightsFile, known_sha256, needed_by
from benchmark.weights.fetch import answers, fetch

if TYPE_CHECKING:
    import torch

    from benchmark.images import ImageBatch

INSTALL = "the package pyiqa: `pip install pyiqa` (licence: PolyForm Noncommercial)"
KINDS = {"FR": "full-reference", "NR": "no-reference"}
OF_SETS = ("fid", "sfid", "fid_dinov2", "inception_score")
"""Models that compare whole sets of images: no score per image."""
HUB = "https://huggingface.co"
SEED = 0
"""Some models draw crops at random; each image is scored from this seed."""
TRAINED_ON = {
    "kadid": ("kadid10k",),
    "tid": TID,
    "live": LIVE,
    "csiq": ("csiq",),
    "pipal": ("pipal",),
    "koniq": KONIQ,
    "koniq10k": KONIQ,
    "spaq": ("spaq",),
    "clive": ("livec",),
}
"""Parts of pyiqa's names and options that name training data, and the data sets here with the same labels."""
MIXTURE = ("csiq", "kadid10k", *KONIQ, *LIVE, "livec")
UNNAMED = {
    "ahiq": ("pipal",),
    "brisque": LIVE,
    "brisque_matlab": LIVE,
    "clipiqa+": KONIQ,
    "clipiqa+_rn50_512": KONIQ,
    "clipiqa+_vitL14_512": KONIQ,
    "compare2score": MIXTURE,
    "dists": ("kadid10k",),
    **dict.fromkeys(("fsim", "vsi"), TID),
    "hyperiqa": KONIQ,
    "liqe_mix": MIXTURE,
    **dict.fromkeys(("lpips", "lpips+", "lpips-vgg", "lpips-vgg+", "stlpips", "stlpips-vgg"), ("bapps",)),
    **dict.fromkeys(("nrqm", "pi"), ("ma2017",)),
    "paq2piq": ("flive",),
    "pieapp": ("pieapp",),
    **dict.fromkeys(("qalign", "qalign_4bit", "qalign_8bit"), (*KONIQ, "spaq", "kadid10k")),
    "ssimulacra2": ("cid22", *TID, "kadid10k", "konfig-iqa"),
    "unique": MIXTURE,
}
"""Training data that the papers of the models name and pyiqa's options do not."""
PROOFS = {"mad": "official values of 5 pairs (1e-4)"}
"""What pyiqa's value of a model was compared with here; the others are taken as they are."""


@dataclass(frozen=True, slots=True)
class PyiqaMetric:
    """A model of pyiqa with its default options, or with `options` in their place."""

    info: MetricInfo
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def missing(self) -> str | None:
        """Say that pyiqa is not installed or which known file of weights is not here; None when neither is known."""
        if _folder() is None:
            return INSTALL
        return weights.missing(file for file in needed_by(self.info.name) if not file.embedded)

    def load(self, device: str) -> PyiqaScorer:
        """Build the model, fetching its weights where that is needed; raises UserError in one line.

        A file of weights whose sha256 is known, whole or in part, is checked before it is read.
        """
        name = self.info.name
        if _folder() is None:
            raise UserError(f"{name}: needs {INSTALL}")
        try:
            model = self._build(device)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error
        except ImportError as error:
            raise UserError(f"{name}: pyiqa lacks a package that it needs for this model ({error})") from error
        except Exception as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise UserError(
                f"{name}: pyiqa could not build it ({type(error).__name__}: {reason}); its weights belong below "
                f"{weights.folder()}"
            ) from error
        if (KINDS[model.metric_mode], not model.lower_better) != (self.info.kind, self.info.higher_is_better):
            raise UserError(f"{name}: pyiqa now gives it another kind or direction; this pyiqa is not supported")
        return PyiqaScorer(model)

    def _build(self, device: str) -> Any:
        """Build the model with what is at hand; only when that fails is the hub asked, and only if it answers."""
        for file in needed_by(self.info.name):
            if not file.embedded:
                weights.check(weights.path_of(file))
        try:
            return self._built(device, hub=False)
        except (UserError, ImportError):
            raise
        except Exception:
            if not answers(HUB):
                raise
            return self._built(device, hub=True)

    def _built(self, device: str, *, hub: bool) -> Any:
        with _surroundings(hub=hub):
            from pyiqa.models.inference_model import InferenceModel

            return InferenceModel(self.model, device=device, **self.options)


class PyiqaScorer:
    """Scores one image at a time, always from the same random state, which is given back."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def prepare(self, reference: ImageBatch) -> torch.Tensor:
        """Return the reference (1, 3, H, W) in [0, 1]."""
        return reference.tensor

    def score(self, distorted: ImageBatch, prepared: torch.Tensor | None) -> np.ndarray:
        """Return one float64 per distorted image; `prepared` is left alone by a no-reference model."""
        import torch

        reference = () if self.model.metric_mode == "NR" else (prepared,)
        scores = []
        with torch.inference_mode(), _quiet():
            for image in distorted.tensor.split(1):
                try:
                    with _seeded():
                        result = self.model(image.clone(), *(each.clone() for each in reference if each is not None))
                except torch.linalg.LinAlgError as error:  # IL-NIQE of a flat image
                    raise PairError(f"{self.model.metric_name} is not defined on it ({error})") from error
                scores.append(float(result))
        return np.array(scores, dtype=np.float64)


@cache
def pyiqa_metric(model: str) -> PyiqaMetric:
    """The metric ``pyiqa:MODEL``; raises UserError without pyiqa, for an unknown model, and for one of sets."""
    from benchmark.names import unknown_name

    if _folder() is None:
        raise UserError(f"pyiqa:{model}: needs {INSTALL}")
    known = models()
    if model not in known:
        raise unknown_name("pyiqa model", model, known)
    if model in OF_SETS:
        raise UserError(f"pyiqa:{model}: compares sets of images and gives no score per image")
    facts = known[model]
    options = {name: value for name, value in facts["metric_opts"].items() if name != "type"}
    return PyiqaMetric(
        MetricInfo(
            name=f"pyiqa:{model}",
            title=f"{model} (pyiqa)",
            version=f"pyiqa {_version()}",
            kind=KINDS[facts["metric_mode"]],  # type: ignore[arg-type]
            higher_is_better=not facts.get("lower_better", False),
            protocol=f"pyiqa's {model} ({facts['metric_opts']['type']}"
            f"{''.join(f', {name}={value}' for name, value in options.items())}) on RGB in [0, 1] at full resolution.",
            tolerance=1e-3,
            library="pyiqa",
            proof=f"pyiqa's own; {PROOFS.get(model, 'not compared with anything else')}",
            weights_sha256=known_sha256(f"pyiqa:{model}"),
            trained_on=UNNAMED.get(model) or _trained_on(model, options),
            licence="PolyForm-Noncommercial-1.0.0 (pyiqa)",
            citation=f"C. Chen, J. Mo. IQA-PyTorch: PyTorch toolbox for image quality assessment, 2022 (model {model})",
        ),
        model,
    )


def _trained_on(model: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Data sets that the name or the options of a model name; pyiqa says no more."""
    words = re.split(r"[-_+]", "-".join([model, *map(str, options.values())]))
    return tuple(sorted({name for word in words for name in TRAINED_ON.get(word, ())}))


@cache
def models() -> dict[str, dict[str, Any]]:
    """pyiqa's own table of models by name, read without importing pyiqa (which takes seconds)."""
    folder = _folder()
    if folder is None:
        return {}
    return dict(runpy.run_path(str(folder / "default_model_configs.py"))["DEFAULT_CONFIGS"])


def _folder() -> Path | None:
    """Where pyiqa is installed; None where it is not."""
    spec = importlib.util.find_spec("pyiqa")
    return Path(spec.origin).parent if spec and spec.origin else None


def _version() -> str:
    from importlib.metadata import version

    return version("pyiqa")


@contextlib.contextmanager
def _surroundings(*, hub: bool) -> Iterator[None]:
    """While a model is built: the harness's folder, restricted unpickling, our downloads, silence; all put back after.

    `hub` lets Hugging Face's own library use the network: offline it would try each file six times.
    """
    home = weights.folder()
    wanted = {
        "TORCH_HOME": str(home),
        "HF_HOME": str(home / "huggingface"),
        "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
        "HF_HUB_ETAG_TIMEOUT": "5",
        "HF_HUB_DOWNLOAD_TIMEOUT": "10",
    }
    with environment(wanted), _quiet(), _seeded(), contextlib.ExitStack() as patches:
        import huggingface_hub.constants
        import pyiqa.utils.download_util as downloads
        import torch.hub

        patches.enter_context(_replaced(torch, "load", _checking(torch.load)))
        patches.enter_context(_replaced(torch.hub, "download_url_to_file", _download))
        patches.enter_context(_replaced(downloads, "download_url_to_file", _download))
        patches.enter_context(_replaced(downloads, "DEFAULT_CACHE_DIR", str(home / "hub" / "pyiqa")))
        patches.enter_context(_replaced(huggingface_hub.constants, "HF_HUB_OFFLINE", not hub))
        yield


def _checking(load: Callable[..., Any]) -> Callable[..., Any]:
    """torch's `load`, which first checks a file whose right sha256 is known, also of models that the catalogue lacks."""

    def checked(file: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(file, str | Path):
            weights.check(Path(file))
        return load(file, *arguments, **options)

    return checked


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _download(url: str, dst: str, *arguments: Any, **options: Any) -> None:
    """In place of torch.hub's: into the folder of weights, verified where the catalogue knows the file."""
    path = Path(dst).absolute()
    known = next((file for file in FILES if file.name == path.name and file.url), None)
    below = str(path.parent.relative_to(weights.folder()))
    fetch(known or WeightsFile(path.name, (), (Edition("", 0),), "", below, url))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let nothing be printed or warned: that is pyiqa's talk, not a result."""
    import warnings

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """Run from one random state, and give the caller's back."""
    import torch

    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002  pyiqa draws from it
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        np.random.seed(SEED)  # noqa: NPY002
        random.seed(SEED)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)
