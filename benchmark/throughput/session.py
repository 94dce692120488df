"""Measure metrics one after another, each in a process of its own, and put the report together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import benchmark
from benchmark.leftovers import temporary_folder
from benchmark.registry import Registry
from benchmark.throughput import photographs
from benchmark.throughput.machine import this_machine
from benchmark.throughput.measure import ENDINGS, JPEG_QUALITY, THREADS, Task, measure_decoding, measure_metric
from benchmark.throughput.processes import WorkerError, in_fresh_process
from benchmark.throughput.report import SCHEMA, Cell, Decoding, Report
from benchmark.types import Progress

WHAT = "throughput"
"""Name of the progress bar."""


def measure(registry: Registry, metrics: Sequence[str], task: Task, progress: Progress) -> Report:
    """Measure `metrics` and decoding as `task` says; what cannot be measured is in the report with its reason."""
    machine = this_machine(device=task.device, threads=THREADS)
    expected = {name: task.cells(registry.metric(name).info) for name in metrics}
    total = sum(map(len, expected.values())) + len(task.sizes) * len(ENDINGS)

    def after(start: int) -> Callable[[int], None]:
        return lambda done: progress(start + done, total, WHAT)

    decoding = _decoding(task, after(0))
    cells: list[Cell] = []
    for name, empty in expected.items():
        cells += _cells(name, empty, task, after(len(decoding) + len(cells)))
    return Report(
        machine=machine,
        images=photographs.SENTENCE,
        rules=rules(task),
        cells=tuple(cells),
        decoding=tuple(decoding),
        program=f"iqa-benchmark {benchmark.__version__} (throughput schema {SCHEMA})",
    )


def rules(task: Task) -> str:
    """How it is measured, for a reader of the table."""
    return (
        "Each metric in a fresh process with one thread, from decoded 8-bit images to scores: conversion, and transfer to "
        f"the device, are within the time; decoding, timed apart (JPEG of quality {JPEG_QUALITY}), is not. "
        f"Per row: {task.budget.rules}. The clock is read when the device has finished. Peak memory is what the calls "
        "took above the loaded metric and its input images (resident memory on the CPU; on a device, what torch "
        "allocated there); it is not known of a metric that starts another program, whose processor time counts."
    )


def _cells(name: str, empty: Sequence[Cell], task: Task, report: Callable[[int], None]) -> list[Cell]:
    """The cells of one metric; those that its process did not come to carry the reason."""
    found: list[Cell] = []
    report(0)
    try:
        for cell in in_fresh_process(measure_metric, name, task):
            found.append(cell)
            report(len(found))
    except WorkerError as error:
        found += [replace(cell, failure=str(error)) for cell in empty[len(found) :]]
    return found


def _decoding(task: Task, report: Callable[[int], None]) -> list[Decoding]:
    found: list[Decoding] = []
    expected = [(kind, height, width) for height, width in task.sizes for kind in ENDINGS]
    with temporary_folder("iqa-throughput-") as folder:
        try:
            for one in in_fresh_process(measure_decoding, task.sizes, task.budget, folder):
                found.append(one)
                report(len(found))
        except WorkerError as error:
            missing = expected[len(found) :]
            found += [Decoding(kind, height, width, 0, failure=str(error)) for kind, height, width in missing]
    return found
