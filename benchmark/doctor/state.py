"""What a metric must leave as it found it: threads, seeds, modes, warnings, the environment, the terminal."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmark.doctor.finding import Finding, fail, ok
from benchmark.doctor.stimuli import ladder, reference_image
from benchmark.doctor.subject import Subject

CHECK = "global state"
IMPORT = "state after import"
THREADS = "torch's number of threads"
VOLATILE = {"PYTEST_CURRENT_TEST"}
"""Environment variables that change by themselves."""
STEADY = {"TORCH_HOME", "HF_HOME", "XDG_CACHE_HOME", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"}
"""Environment variables that no library sets when it is imported."""


def global_state(subject: Subject) -> Finding:
    """Loading and scoring print nothing and change nothing outside the metric.

    Everything is set to unusual values before, so that a metric which sets the same value each time is noticed, and
    set back after. The number of threads and, of the environment, `STEADY` are compared with what they were before the
    metric was first loaded: other values would cost time, or lead astray. What else a library does when it is imported
    is not the metric's doing.
    """
    subject.scores(
        distorted=[reference_image()], reference=reference_image()
    )  # whatever is imported late is imported now
    with _unusual() as warned, _captured() as printed:
        environment = {**os.environ, **{name: subject.environment.get(name) for name in STEADY}}
        before = {**settings(), **_surroundings(), THREADS: subject.threads}
        scorer = subject.metric.load("cpu")
        subject.scores(distorted=[reference_image(), *ladder("jpeg")], reference=reference_image(), scorer=scorer)
        after = {**settings(), **_surroundings()}
    changed = _changed(before, after) + _changed_variables(environment, dict(os.environ))
    if changed:
        return fail(
            CHECK,
            f"loading or scoring changes {', '.join(changed)}, and with it other metrics and the user's program; set it "
            "in a context that sets it back, or use a generator of your own",
        )
    if text := printed():
        return fail(CHECK, f"prints while loading or scoring ({text.splitlines()[0]:.60}), which mixes with results")
    extra = f"; warns: {str(warned[0].message).splitlines()[0]:.80}" if warned else ""
    return ok(CHECK, f"threads, seeds, modes, warning filters and environment stay as they were{extra}")


def imported(load: Callable[[], Any]) -> Finding:
    """Call `load`, which executes plugin files, and compare threads, seeds and modes before and after it."""
    before = settings()
    load()
    if changed := _changed(before, settings()):
        return fail(
            IMPORT,
            f"importing the plugin changes {', '.join(changed)} for the whole program; usually a call such as "
            "torch.manual_seed() at the top of the file: use a generator of your own inside the metric",
        )
    return ok(IMPORT, "importing the plugin changes no threads, seeds or modes")


def settings() -> dict[str, Any]:
    """Process-wide settings that a library has no reason to change when it is imported."""
    import torch

    numpy_random = np.random.get_state(legacy=False)  # noqa: NPY002  the global state is what is watched
    return {
        THREADS: torch.get_num_threads(),
        "torch's gradient mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's determinism": torch.are_deterministic_algorithms_enabled(),
        "torch's random state (seed)": torch.get_rng_state().tolist(),
        "numpy's random state (seed)": (
            numpy_random["state"]["key"].tolist(),
            numpy_random["state"]["pos"],
            numpy_random["gauss"],
        ),
        "random's state (seed)": random.getstate(),
    }


def _surroundings() -> dict[str, Any]:
    return {"numpy's error handling": np.geterr(), "the warning filters": list(warnings.filters)}


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [what for what, value in before.items() if after[what] != value]


def _changed_variables(before: dict[str, str | None], after: dict[str, str]) -> list[str]:
    names = sorted((before.keys() | after.keys()) - VOLATILE)
    return [f"the environment variable {name}" for name in names if before.get(name) != after.get(name)]


@contextlib.contextmanager
def _unusual() -> Iterator[list[warnings.WarningMessage]]:
    """Set what is watched to values that no metric sets; yield the warnings; set all back."""
    import torch

    threads, gradients, dtype = torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype()
    deterministic = torch.are_deterministic_algorithms_enabled()
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        torch.set_grad_enabled(True)
        torch.rand(3)
        np.random.random(3)  # noqa: NPY002
        random.random()
        ordinary = np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")
        with warnings.catch_warnings(record=True) as warned, ordinary:
            warnings.filterwarnings("ignore", message="a filter of the doctor, to see whether another comes before it")
            yield warned
    finally:
        torch.set_num_threads(threads)
        torch.set_grad_enabled(gradients)
        torch.set_default_dtype(dtype)
        if torch.are_deterministic_algorithms_enabled() != deterministic:
            torch.use_deterministic_algorithms(deterministic)  # imports much of torch
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])


@contextlib.contextmanager
def _captured() -> Iterator[Callable[[], str]]:
    """Catch what is printed, also by compiled libraries; yield a function that returns it afterwards."""
    python, text = io.StringIO(), [""]
    with tempfile.TemporaryFile() as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        saved = os.dup(1), os.dup(2)
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            with contextlib.redirect_stdout(python), contextlib.redirect_stderr(python):
                yield lambda: text[0]
        finally:
            for descriptor, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, descriptor)
                os.close(copy)
            file.seek(0)
            text[0] = (python.getvalue() + file.read().decode(errors="replace")).strip()
