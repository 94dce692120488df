"""The same metrics on the same images: this harness, and the loops that users of other libraries write.

    python benchmarks/peers.py --output results/benchmarks/peers.md

The images are a PIPAL-shaped tree (`pipal_shape.py`). The harness is its whole command, start-up included; the others
are their loops alone, after imports, loading and one pair (`peer_loops.py`), on a sample of the same pairs, since the
whole tree would take them hours; the harness does the sample too. All run one after another on the same cores, in turns,
`--rounds` times; ratios are taken within a round. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import harness
import peer_report
from page import cores, installed
from peer_loops import FOUR, PEERS
from pipal_shape import Shape, make, part, read_table

from benchmark.files import write_whole

ONE_THREAD = "pyiqa one thread"
"""pyiqa's loop once more: two threads of torch can lose to one."""


@dataclass(slots=True)
class Measured:
    """All that was measured, by round."""

    n_pairs: int
    """In the whole tree."""
    n_sample: int
    harness: dict[tuple[tuple[str, ...], str], list[float]] = field(default_factory=dict)
    """(metrics, "whole" | "whole, with board" | "sample") -> seconds of each round."""
    peers: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """peer -> metric -> seconds of each round, for the sample."""
    not_run: dict[str, dict[str, str]] = field(default_factory=dict)
    """peer -> metric -> reason."""
    scores: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """peer -> metric -> score of each pair of the sample."""
    ours: dict[str, list[float]] = field(default_factory=dict)
    """metric -> the harness's score of each pair of the sample."""
    backends: dict[str, list[str]] = field(default_factory=dict)


def measure(table: Path, sample: Path, peers: list[str], rounds: int) -> Measured:
    """Let the harness and each of `peers` run in turns, `rounds` times."""
    found = Measured(len(read_table(table)), len(read_table(sample)))
    for number in range(rounds):
        for peer in peers:
            print(f"round {number + 1} of {rounds}: {peer}", file=sys.stderr)
            _measure_peer(found, peer, sample)
        print(f"round {number + 1} of {rounds}: the harness", file=sys.stderr)
        _measure_harness(found, table, sample)
    return found


def _measure_harness(found: Measured, table: Path, sample: Path) -> None:
    ids = [row.distorted for row in read_table(sample)]
    for metrics in peer_report.metric_sets(found):
        for what, of, options in (
            ("whole", table, ["--no-board"]),
            ("whole, with board", table, []),
            ("sample", sample, ["--no-board"]),
        ):
            if what == "whole, with board" and metrics != FOUR:
                continue
            run = harness.run(of, metrics, *options)
            found.harness.setdefault((metrics, what), []).append(run.seconds)
            found.ours |= {metric: [scores[pair] for pair in ids] for metric, scores in run.scores.items()}
            found.backends |= run.backends


def _measure_peer(found: Measured, peer: str, sample: Path) -> None:
    """One process of `peer_loops.py`; what it cannot run is noted with its reason."""
    loop = "pyiqa" if peer == ONE_THREAD else peer
    metrics = PEERS[loop].metrics
    if not installed(PEERS[loop].package):
        reason = f"not installed: pip install {PEERS[loop].package}"
        found.not_run[peer] = dict.fromkeys(metrics, reason)
        return
    threads = {"OMP_NUM_THREADS": "1"} if peer == ONE_THREAD else {}
    script = Path(__file__).with_name("peer_loops.py")
    done = subprocess.run(
        [sys.executable, str(script), loop, "--table", str(sample.resolve()), "--metrics", ",".join(metrics)],
        env=harness.users_environment(PYTHONWARNINGS="ignore", **threads),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        found.not_run[peer] = dict.fromkeys(metrics, done.stderr.strip().splitlines()[-1])
        return
    result = json.loads(done.stdout.splitlines()[-1])
    found.not_run[peer] = result["not_run"]
    found.scores[peer] = result["scores"]
    for metric, seconds in result["seconds"].items():
        found.peers.setdefault(peer, {}).setdefault(metric, []).append(seconds)


def main() -> None:
    """Measure as the command line says, and print or write Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contents", type=int, default=20)
    parser.add_argument("--distorted", type=int, default=116, help="per content")
    parser.add_argument("--size", default="288x288", help="height x width")
    parser.add_argument("--format", default="bmp")
    parser.add_argument("--sample", type=int, default=2, help="pairs of each content that the other libraries score")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=",".join([*PEERS, ONE_THREAD]), help="comma-separated")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    height, width = map(int, given.size.split("x"))
    table = make(Shape(given.contents, given.distorted, height, width, given.format))
    sample = part(table, contents=given.contents, distorted=given.sample)
    chosen = given.peers.split(",")
    unknown = set(chosen) - {*PEERS, ONE_THREAD}
    if unknown:
        parser.error(f"unknown peers {', '.join(unknown)}; expected {', '.join([*PEERS, ONE_THREAD])}")
    report = peer_report.report(measure(table, sample, chosen, given.rounds), rounds=given.rounds, cores=cores())
    print(report)
    if given.output:
        write_whole(given.output, report)


if __name__ == "__main__":
    main()
