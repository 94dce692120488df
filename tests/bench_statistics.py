"""The speed that the board needs: 1,000 resamples of 23,200 pairs (200 contents) and 12 metrics within a minute."""

import numpy as np
import pytest

from benchmark.statistics import evaluate

pytest.importorskip("pytest_benchmark")


@pytest.fixture(scope="module")
def like_pipal() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Scores of 12 metrics, Elo labels and contents, as many as PIPAL has."""
    rng = np.random.default_rng(0)
    contents = np.repeat(np.arange(200), 116)
    labels = 1449 + 121 * rng.normal(size=23200)
    metrics = {
        f"metric {i}": labels + rng.normal(size=23200) * (60 + 20 * i) + 40 * rng.normal(size=200)[contents]
        for i in range(12)
    }
    return metrics, labels, contents


@pytest.mark.parametrize("threads", [1, 2])
def test_all_statistics_of_twelve_metrics_on_23200_pairs(benchmark, like_pipal, threads: int) -> None:
    metrics, labels, contents = like_pipal
    result = benchmark.pedantic(evaluate, (metrics, labels, contents), {"threads": threads}, rounds=1)
    assert len(result.statistics) == 12
