"""Whether a metric has seen labels of a data set: of its own, or of one that shares pictures and labels with it."""

from __future__ import annotations

from collections.abc import Mapping

from benchmark.types import DatasetInfo, MetricInfo


def labels_seen(metric: MetricInfo, dataset: DatasetInfo, known: Mapping[str, DatasetInfo]) -> tuple[bool, str]:
    """Whether the metric has seen labels of `dataset`, and through which other data set, in a few words ("" for none).

    It was trained on the set itself, on one that the set holds in part, on one that holds the set in part, or on one
    that holds a part of the same third set (`DatasetInfo.contains`). `known` gives the facts of data sets by name; one
    that is not there is known by its name alone.
    """
    if dataset.name in metric.trained_on:
        return True, ""
    for trained in metric.trained_on:
        if trained in dataset.contains:
            return True, f"{dataset.name} holds part of {trained}"
        holds = known[trained].contains if trained in known else ()
        if dataset.name in holds:
            return True, f"{trained} holds part of {dataset.name}"
        if shared := sorted(set(holds).intersection(dataset.contains)):
            return True, f"{trained} and {dataset.name} both hold part of {shared[0]}"
    return False, ""
