"""What holds for every registered data set; those in the folder IQA_DATA are read too, where it is set."""

import math
import os
from pathlib import Path

import pytest

from benchmark.pairs import label_revision
from benchmark.registry import DATASETS_GROUP, Registry
from benchmark.types import Dataset, UserError

REGISTRY = Registry()
NO_REFERENCE = {"koniq10k", "koniq10k-512x384", "livec", "spaq"}
EXPECTED = {"csiq", "kadid10k", "live", "live-kodak", "pipal", "tid2008", "tid2013", *NO_REFERENCE}


@pytest.fixture(params=sorted(REGISTRY.datasets))
def dataset(request):
    return REGISTRY.datasets[request.param]


def test_all_data_sets_are_registered_and_none_is_broken():
    assert set(REGISTRY.datasets) >= EXPECTED
    assert not [reason for point, reason in REGISTRY.broken.items() if point.startswith(DATASETS_GROUP)]


def test_facts_are_filled(dataset):
    info = dataset.info
    assert isinstance(dataset, Dataset)
    assert all((info.name, info.title, info.label_kind, info.licence, info.citation, info.layout, info.note))
    assert info.url.startswith("https://")
    assert info.n_pairs >= info.n_contents > 1
    assert (info.n_pairs == info.n_contents) is (info.name in NO_REFERENCE)
    low, high = info.label_range
    assert math.isfinite(low) and math.isfinite(high) and low < high  # noqa: PT018


def test_the_direction_is_that_of_the_kind_of_label(dataset):
    assert dataset.info.label_higher_is_better is (dataset.info.label_kind != "DMOS")


def test_an_absent_set_has_a_reason_in_one_line_and_an_error_that_helps(dataset, tmp_path):
    reason = dataset.missing(tmp_path)
    if reason is None:
        return
    assert "\n" not in reason
    with pytest.raises(UserError) as error:
        dataset.pairs(tmp_path)
    assert dataset.info.url in str(error.value)


DATA_ROOT = Path(os.environ["IQA_DATA"]) if os.environ.get("IQA_DATA") else None
AVAILABLE = sorted(name for name, dataset in REGISTRY.datasets.items() if dataset.missing(DATA_ROOT) is None)


@pytest.mark.parametrize("name", AVAILABLE)
def test_pairs_are_unique_sorted_counted_and_readable_without_images(name, tmp_path, monkeypatch):
    monkeypatch.setenv("IQA_CACHE", str(tmp_path / "cache"))
    dataset = REGISTRY.datasets[name]
    pairs = dataset.pairs(DATA_ROOT, images=False)
    ids = [pair.id for pair in pairs]
    assert ids == sorted(set(ids))
    assert len(pairs) == dataset.info.n_pairs
    assert len({pair.content for pair in pairs}) == dataset.info.n_contents
    assert all(pair.distortion for pair in pairs)
    assert all((pair.reference is None) is (name in NO_REFERENCE) for pair in pairs)
    assert label_revision(pairs) == label_revision(dataset.pairs(DATA_ROOT, images=False))
