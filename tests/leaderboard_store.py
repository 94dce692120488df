"""Hand-made stores for the tests of agreements and leaderboards."""

import random
from dataclasses import replace
from pathlib import Path

from benchmark.store import SeriesResult, Store
from benchmark.types import DatasetInfo, MetricInfo, Pair

TOY = DatasetInfo(
    name="toy",
    title="Toy set, regenerated",
    label_kind="DMOS",
    label_higher_is_better=False,
    label_range=(0.0, 100.0),
    n_pairs=None,
    n_contents=None,
    licence="CC0",
    url="https://example.org",
    citation="Nobody, 2000",
    layout="nothing",
    note="Blur is approximate",
)
METRIC = MetricInfo("good", "Good", "1", False, "Distance on luma, full range.", library="none")


def toy_pairs(contents=8, levels=6, distortions=("jpeg", "gblur")):
    """DMOS grows with the level, a little differently for each content."""
    rng = random.Random(5)
    return [
        Pair(
            id=f"{distortion}/c{content}_{level}.png",
            distorted=Path("x"),
            reference=None,
            content=f"c{content}",
            label=10.0 * level + rng.uniform(0, 9) + content,
            distortion=distortion,
            level=float(level),
            label_std=5.0,
            split="test" if content < 3 else "train",
        )
        for distortion in distortions
        for content in range(contents)
        for level in range(1, levels + 1)
    ]


def noisy(pairs, sign=1.0, noise=0.0, seed=1):
    """Scores that follow the labels, times `sign`, with noise."""
    rng = random.Random(seed)
    return {pair.id: sign * (pair.label + rng.gauss(0, noise)) for pair in pairs}


def add(store: Store, dataset: DatasetInfo, pairs, metric, scores=None, failures=None, *, not_run="", seconds=0.0):
    """Store one series; `metric` is a MetricInfo or the fields that differ from METRIC."""
    info = metric if isinstance(metric, MetricInfo) else replace(METRIC, **metric)
    stored = store.add_dataset(dataset, pairs)
    series = store.add_series(stored, info, not_run=not_run)
    store.commit_unit([SeriesResult(series.id, "c", scores or {}, failures or {}, seconds)])
    return series


def full_store(path: Path) -> Store:
    """One of everything: good, noisy, close, reversed, incomplete, constant, in-sample, not run."""
    store, pairs = Store(path), toy_pairs()
    add(store, TOY, pairs, {}, noisy(pairs, noise=6), seconds=0.5)
    add(store, TOY, pairs, {"name": "close"}, noisy(pairs, noise=6, seed=2))
    add(store, TOY, pairs, {"name": "loud", "higher_is_better": True}, noisy(pairs, -1.0, noise=25))
    add(store, TOY, pairs, {"name": "wrong_way", "higher_is_better": True}, noisy(pairs, noise=8))
    part = noisy(pairs[5:], noise=1)
    broken = {pair.id: "expected 8 x 8, got 7 x 8" for pair in pairs[:3]}
    add(store, TOY, pairs, {"name": "torn"}, part, broken)
    add(store, TOY, pairs, {"name": "flat"}, {pair.id: 1.0 for pair in pairs})
    seen = {"name": "seen", "trained_on": ("toy",), "weights_sha256": "abcdef0123456789", "note": "Sees 100 % & more"}
    add(store, TOY, pairs, seen, noisy(pairs, noise=2))
    add(store, TOY, pairs, {"name": "absent"}, not_run="needs weights that are not here")
    return store
