"""The recipe of the shipped checkpoints: one synthetic set, one training run for each head."""

from __future__ import annotations

from asna.augment import Augmentation
from asna.loss import LossWeights
from asna.model import ASNAConfig
from asna.train import TrainConfig

LOSS = LossWeights(mse=1.0, plcc=0.5, rank=0.5)
"""On standardised labels the three terms are then of one size."""

POOLED = TrainConfig(
    model=ASNAConfig(head="gap"),
    epochs=18,
    crop=128,
    pairs_per_reference=4,
    learning_rate=2e-3,
    schedule="cosine",
    warmup_steps=200,
    loss=LOSS,
    l2_convolutions=1e-5,
    augmentation=Augmentation(lightness=(1.0, 1.0)),
)
"""`asna-gap`: crops of 128 cost a fifth of the time of 288; as many epochs as two busy cores allow."""

FLATTENED = TrainConfig(
    model=ASNAConfig(head="flatten"),
    epochs=1,
    crop=288,
    pairs_per_reference=4,
    learning_rate=5e-4,
    schedule="cosine",
    warmup_steps=50,
    loss=LOSS,
    l2_convolutions=1e-5,
    augmentation=Augmentation(lightness=(1.0, 1.0)),
)
"""The paper's flattened head, its trunk begun from `asna-gap`."""
