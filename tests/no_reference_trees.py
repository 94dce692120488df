"""Builds miniatures of the data sets without references, with the data set object that expects just these images."""

from dataclasses import dataclass, replace
from pathlib import Path

import fake_trees

from iqa_datasets import koniq10k, livec, spaq

NAMES = ("koniq10k", "koniq10k-512x384", "spaq", "livec")
LABEL_FILES = {
    "koniq10k": ["koniq10k_scores_and_distributions.csv"],
    "koniq10k-512x384": ["koniq10k_scores_and_distributions.csv"],
    "spaq": ["Annotations/MOS and Image attribute scores.xlsx"],
    "livec": [f"Data/All{what}_release.mat" for what in ("Images", "MOS", "StdDev")],
}
LABELS = {
    "koniq10k": [("10004473376.jpg", 3.83), ("7.jpg", 1.0), ("100117038.jpg", 5.0)],
    "spaq": [("00001.jpg", 0.0), ("00002.jpg", 61.25), ("11125.jpg", 100.0)],
    "livec": [("3.bmp", 66.36), ("533.JPG", 0.0), ("1164.bmp", 100.0)],
}


@dataclass
class Tree:
    dataset: object
    root: Path
    folder: Path
    labels: dict[str, float]


def small(dataset, count):
    return replace(dataset, info=replace(dataset.info, n_pairs=count, n_contents=count))


def make(name: str, root: Path) -> Tree:
    """A generated miniature of the data set `name`."""
    home = name.removesuffix("-512x384")
    labels = LABELS[home]
    build = {"koniq10k": fake_trees.koniq, "spaq": fake_trees.spaq, "livec": fake_trees.livec}[home]
    dataset = {
        "koniq10k": koniq10k.DATASET,
        "koniq10k-512x384": koniq10k.HALF,
        "spaq": spaq.DATASET,
        "livec": livec.DATASET,
    }[name]
    return Tree(small(dataset, len(labels)), root, build(root / home.upper(), labels), dict(labels))
