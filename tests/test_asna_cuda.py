"""On a CUDA device ASNA scores and trains as on the CPU, within tolerance."""

from dataclasses import replace

import pytest
import torch

from asna.augment import Augmentation
from asna.data import Batch
from asna.loss import LossWeights
from asna.model import ASNA, ASNAConfig
from asna.train import TrainConfig, Trainer

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

CONFIG = TrainConfig(
    model=ASNAConfig(head="gap"), loss=LossWeights(1.0, 0.5, 0.5), augmentation=Augmentation(), learning_rate=1e-3
)


def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    reference = torch.randint(0, 256, (4, 3, 64, 64), generator=generator, dtype=torch.uint8)
    owner = torch.arange(4).repeat_interleave(4)
    noise = torch.randint(-20, 21, (16, 3, 64, 64), generator=generator)
    distorted = (reference[owner].int() + noise * owner[:, None, None, None]).clamp(0, 255).to(torch.uint8)
    return Batch(reference, distorted, owner, torch.linspace(0, 1, 16, dtype=torch.float64))


def test_scores_equal_the_cpus():
    torch.manual_seed(0)
    model = ASNA().eval()
    images = torch.rand(3, 3, 300, 400)
    with torch.inference_mode():
        expected = model(reference=images[:1], distorted=images)
        found = model.to("cuda")(reference=images[:1].cuda(), distorted=images.cuda()).cpu()
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_one_training_step_equals_the_cpus():
    losses, weights = [], []
    for device in ("cpu", "cuda"):
        trainer = Trainer(CONFIG, device=device)
        losses.append(trainer.step(batch(), rate=1e-3, seed=5))
        weights.append(trainer.model.encoder.colour.weight.detach().cpu())
    torch.testing.assert_close(losses[1], losses[0], atol=2e-3, rtol=0)
    torch.testing.assert_close(weights[1], weights[0], atol=2.5e-3, rtol=0)  # Adam moves each weight by about the rate


def test_mixed_precision_keeps_the_loss():
    losses = [
        Trainer(replace(CONFIG, precision=precision), device="cuda").step(batch(), rate=1e-3, seed=5)
        for precision in ("fp32", "bf16")
    ]
    torch.testing.assert_close(losses[1], losses[0], atol=0.05, rtol=0)
