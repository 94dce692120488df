"""How far a run stands from the limit of the machine, by the bars that the project has set itself.

    python benchmarks/runner_limits.py --output results/benchmarks/limits.md
    python benchmarks/runner_limits.py --parts store,boards

Parts: run (overhead, share of decode-plus-compute, a second worker), threads, store, memory, boards. Run it on an idle
machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import limit_memory
import limit_run
import limit_store
import limit_threads
import page
from pipal_shape import Shape, make

from benchmark.files import write_whole

TITLES = {
    "run": "Overhead of the runner, and a second worker",
    "threads": "Workers or threads",
    "store": "Scores into the store",
    "memory": "Memory",
    "boards": "All boards",
}


def section(part: str, shape: Shape, rounds: int) -> tuple[list[page.Bar], str]:
    """Measure one part; the images are those of `shape` where the part needs some."""
    if part == "run":
        return limit_run.measure(make(shape), rounds)
    if part == "threads":
        return limit_threads.measure(make(shape), rounds)
    if part == "memory":
        return limit_memory.measure(rounds)
    return limit_store.commits(rounds) if part == "store" else limit_store.boards(rounds)


def report(parts: list[str], shape: Shape, rounds: int) -> str:
    """Measure `parts`, and return the page."""
    bars: list[page.Bar] = []
    sections: list[str] = []
    for part in parts:
        some, text = section(part, shape, rounds)
        bars += some
        sections.append(f"## {TITLES[part]}\n\n{text}")
    intro = f"Images: {shape.name} (`pipal_shape.py`); {rounds} rounds in turns; median (range).\n"
    head = page.heading("How far a run stands from the limit of the machine")
    return "\n".join([head, intro, "## Bars\n", page.bars(bars), *sections])


def main() -> None:
    """Measure as the command line says, and print or write Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(TITLES), help="comma-separated")
    parser.add_argument("--contents", type=int, default=20)
    parser.add_argument("--distorted", type=int, default=116, help="per content")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    parts = given.parts.split(",")
    if unknown := set(parts) - set(TITLES):
        parser.error(f"unknown parts {', '.join(unknown)}; expected {', '.join(TITLES)}")
    text = report(parts, Shape(given.contents, given.distorted), given.rounds)
    print(text)
    if given.output:
        write_whole(given.output, text)


if __name__ == "__main__":
    main()
