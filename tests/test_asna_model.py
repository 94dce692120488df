"""The network is the paper's: parameters, shapes, ablations, any size, reusable reference."""

import numpy as np
import pytest
import torch

from asna.model import ASNA, ASNAConfig, count_parameters
from asna.tiles import cut_tiles, reflect_to, tile_origins


@pytest.fixture(scope="module")
def flatten() -> ASNA:
    torch.manual_seed(0)
    return ASNA().eval()


@pytest.fixture(scope="module")
def pooled() -> ASNA:
    torch.manual_seed(0)
    return ASNA(ASNAConfig(head="gap")).eval()


def images(n: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_the_attention_variant_has_529103_parameters_as_keras_counts(flatten):
    assert count_parameters(flatten) == 529_103
    trained = sum(p.numel() for p in flatten.parameters())
    assert trained == 528_367
    # by hand: two numbers per channel of every batch norm
    assert 529_103 - trained == 2 * (8 + 16 + 32 + 64 + 64 + 64 + 32 + 16 + 32 + 32 + 8)


def test_every_stage_has_the_shape_of_the_description(flatten):
    with torch.inference_mode():
        features = flatten.encode(images(2, 288, 288))
        assert [tuple(f.shape) for f in features] == [
            (2, 8, 288, 288),
            (2, 16, 144, 144),
            (2, 32, 72, 72),
            (2, 64, 36, 36),
        ]
        branch = flatten.start(torch.nn.functional.max_pool2d(features[3], 2))
        assert branch.shape == (2, 64, 18, 18)
        joined = [flatten._join(branch, features[3], features[3])]
        for scale, block in zip((2, 1, 0), flatten.branch, strict=True):
            joined.append(flatten._join(block(joined[-1]), features[scale], features[scale]))
        assert [tuple(x.shape[1:]) for x in joined] == [(128, 36, 36), (96, 72, 72), (48, 144, 144), (24, 288, 288)]
        reduced = flatten.reduce[0](joined[-1])
        assert reduced.shape == (2, 32, 72, 72)
        reduced = flatten.reduce[1](reduced)
        assert reduced.shape == (2, 32, 36, 36)
        assert flatten.attention(reduced).shape == (2, 8, 36, 36)
    assert flatten.head[1].in_features == 8 * 36 * 36


def test_leaky_relu_slope_and_input_range_are_the_authors(flatten):
    slopes = {m.negative_slope for m in flatten.modules() if isinstance(m, torch.nn.LeakyReLU)}
    assert slopes == {0.5}
    seen = []
    hook = flatten.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        flatten.encode(torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1).expand(2, 3, 16, 16))
    finally:
        hook.remove()
    torch.testing.assert_close(seen[0].amin(dim=(1, 2, 3)), torch.tensor([-1.0, 1.0]))


@pytest.mark.parametrize("config", [ASNAConfig(attention=False), ASNAConfig(batch_norm=False)])
def test_ablations_are_switches(config):
    model = ASNA(config).eval()
    kinds = {type(m).__name__ for m in model.modules()}
    assert ("Attention" in kinds) == config.attention
    assert ("BatchNorm2d" in kinds) == config.batch_norm
    with torch.inference_mode():
        assert model(reference=images(1, 288, 288), distorted=images(2, 288, 288, 1)).shape == (2,)


def test_swapping_reference_and_distorted_changes_the_score(flatten, pooled):
    a, b = images(1, 288, 288), images(1, 288, 288, 1) * 0.5
    with torch.inference_mode():
        for model in (flatten, pooled):
            there, back = model(reference=a, distorted=b), model(reference=b, distorted=a)
            assert abs(there - back).item() > 1e-3


def test_images_are_keyword_only(pooled):
    with pytest.raises(TypeError):
        pooled(images(1, 32, 32), images(1, 32, 32))


def test_a_prepared_reference_gives_the_same_scores(flatten, pooled):
    reference, distorted = images(1, 300, 310), images(3, 300, 310, 1)
    with torch.inference_mode():
        for model in (flatten, pooled):
            whole = model(reference=reference, distorted=distorted)
            prepared = model.prepare(reference)
            one_by_one = torch.cat([model.score_views(distorted[i : i + 1], prepared) for i in range(3)])
            torch.testing.assert_close(one_by_one, whole, rtol=0, atol=1e-5)


def test_label_scale_is_applied_to_scores(pooled):
    reference, distorted = images(1, 32, 32), images(2, 32, 32, 1)
    with torch.inference_mode():
        plain = pooled(reference=reference, distorted=distorted)
        try:
            pooled.label_mean.fill_(4.5)
            pooled.label_sd.fill_(1.3)
            torch.testing.assert_close(pooled(reference=reference, distorted=distorted), plain * 1.3 + 4.5)
        finally:
            pooled.label_mean.fill_(0.0)
            pooled.label_sd.fill_(1.0)


@pytest.mark.parametrize("length", [288, 289, 384, 512, 575, 576, 577, 768, 1000])
def test_tiles_cover_both_ends_without_a_gap(length):
    origins = tile_origins(length)
    assert origins[0] == 0
    assert origins[-1] == length - 288
    assert max(np.diff([*origins, length])) <= 288
    assert len(origins) == -(-length // 288)


def test_tiles_of_a_known_size():
    assert tile_origins(768) == [0, 240, 480]
    assert len(cut_tiles(images(1, 512, 768), "flatten")) == 6


def test_every_pixel_of_an_odd_size_reaches_the_flattened_head(flatten):
    reference = images(1, 300, 310)
    with torch.inference_mode():
        prepared = flatten.prepare(reference)
        same = flatten.score_views(reference, prepared)
        for row, column in ((0, 0), (0, 309), (299, 0), (299, 309)):
            changed = reference.clone()
            changed[..., max(row - 4, 0) : row + 4, max(column - 4, 0) : column + 4] = 0
            assert flatten.score_views(changed, prepared) != same


@pytest.mark.parametrize("size", [(288, 40), (17, 33), (1, 1), (100, 300)])
def test_small_images_are_extended_by_reflection(flatten, pooled, size):
    reference, distorted = images(1, *size), images(1, *size, 1)
    with torch.inference_mode():
        for model in (flatten, pooled):
            assert torch.isfinite(model(reference=reference, distorted=distorted)).all()


def test_reflection_is_numpys():
    image = images(1, 5, 7)
    expected = np.pad(image[0].numpy(), ((0, 0), (0, 11), (0, 2)), mode="reflect")
    np.testing.assert_array_equal(reflect_to(image, height=16, width=9)[0].numpy(), expected)


def test_different_sizes_are_refused(flatten, pooled):
    for model in (flatten, pooled):
        with pytest.raises(ValueError, match="differ in size"):
            model(reference=images(1, 288, 288), distorted=images(1, 288, 320))
    with pytest.raises(ValueError, match="288 x 288"):
        flatten.forward_features(
            reference=flatten.encode(images(1, 64, 64)), distorted=flatten.encode(images(1, 64, 64))
        )


def test_an_unknown_head_is_refused():
    with pytest.raises(ValueError, match="'flatten' or 'gap'"):
        ASNAConfig(head="mean")
