"""The loss has the right value, a finite gradient everywhere, and the right sign; the sorter ranks."""

import numpy as np
import pytest
import scipy.stats
import torch

from asna.loss import ASNALoss, LossWeights, correlation_loss, ranking_loss
from asna.sorter import MAX_LENGTH, SORTER_WEIGHTS, Sorter, load_sorter, true_ranks
from asna.sorter_training import draw_sequences, measure, spearman, train_design

ALL = LossWeights(mse=1.0, plcc=0.5, rank=0.5)


@pytest.fixture(scope="module")
def sorter() -> Sorter:
    if not SORTER_WEIGHTS.exists():
        pytest.skip("the sorter's weights are not here: python -m asna train-sorter makes them")
    return load_sorter()


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_true_ranks_equal_scipys_with_ties():
    values = normal(5, 20).mul(2).round()
    np.testing.assert_array_equal(true_ranks(values), scipy.stats.rankdata(values, axis=1))


def test_the_reported_rho_is_scipys_on_true_ranks():
    x, y = draw_sequences(4, 16, torch.Generator().manual_seed(1)), normal(4, 16)
    expected = [scipy.stats.spearmanr(a, b).statistic for a, b in zip(x.numpy(), y.numpy(), strict=True)]
    np.testing.assert_allclose(spearman(true_ranks(x), true_ranks(y)), expected, atol=1e-6)


@pytest.mark.parametrize("length", [2, 3, 16, 31, MAX_LENGTH])
def test_the_sorter_ranks_any_length(sorter, length):
    values = draw_sequences(50, length, torch.Generator().manual_seed(2))
    assert (sorter(values) - true_ranks(values)).abs().mean() < 0.6


def test_position_i_of_the_output_is_the_rank_of_position_i(sorter):
    values = torch.tensor([[5.0, -3.0, 40.0, 0.0, 7.5]])
    np.testing.assert_allclose(sorter(values)[0], [3, 1, 5, 2, 4], atol=0.5)
    order = torch.tensor([4, 2, 0, 1, 3])
    torch.testing.assert_close(sorter(values[:, order]), sorter(values)[:, order])


def test_equal_values_share_their_rank(sorter):
    ranks = sorter(torch.tensor([[1.0, 2.0, 2.0, 3.0]]))[0]
    torch.testing.assert_close(ranks[1], ranks[2])
    torch.testing.assert_close(ranks.sum(), torch.tensor(10.0))


def test_the_sorter_is_frozen_and_lets_gradients_through(sorter):
    assert not any(p.requires_grad for p in sorter.parameters())
    values = normal(1, 16).requires_grad_()
    sorter(values)[0, 0].backward()
    assert values.grad.abs().sum() > 0


def test_the_shipped_sorter_is_better_than_the_authors_design_measured_here(sorter):
    row = measure(sorter, "comparison", 16, n_sequences=200)
    assert row.rank_error < 0.4
    assert row.spearman_error < 0.03


def test_a_moment_of_training_teaches_ranking():
    model, steps = train_design("comparison", seconds=0.5, seed=0)
    assert steps > 1
    assert measure(model, "comparison", 8, n_sequences=100).rank_error < 0.5


def test_correlation_loss_is_one_minus_pearson_and_sees_the_sign():
    x, y = normal(30), normal(30, seed=1)
    expected = 1 - scipy.stats.pearsonr(x, y).statistic
    np.testing.assert_allclose(correlation_loss(x, y), expected, atol=1e-5)
    np.testing.assert_allclose(correlation_loss(-y, y), 2.0, atol=1e-5)
    np.testing.assert_allclose(correlation_loss(y, y), 0.0, atol=1e-5)


def test_ranking_loss_is_one_minus_spearman(sorter):
    x, y = normal(16), normal(16, seed=1)
    expected = 1 - scipy.stats.spearmanr(x, y).statistic
    np.testing.assert_allclose(ranking_loss(x, y, sorter), expected, atol=0.05)
    np.testing.assert_allclose(ranking_loss(x, y, true_ranks), expected, atol=1e-5)


def test_the_three_weights_are_what_they_say(sorter):
    x, y = normal(16), normal(16, seed=1)
    parts = [(x - y).square().mean(), correlation_loss(x, y), ranking_loss(x, y, sorter)]
    expected = 2.0 * parts[0] + 3.0 * parts[1] + 4.0 * parts[2]
    torch.testing.assert_close(ASNALoss(LossWeights(2.0, 3.0, 4.0), sorter)(x, y), expected)


@pytest.mark.parametrize(
    ("predictions", "labels"),
    [
        (torch.zeros(16), normal(16)),
        (torch.zeros(2), torch.tensor([0.0, 1.0])),
        (torch.tensor([0.1, 0.2]), torch.tensor([1.0, 0.0])),
        (normal(7), torch.ones(7)),
        (normal(7), torch.tensor([0.0, 0, 0, 1, 1, 2, 2])),
        (torch.zeros(5), torch.zeros(5)),
        (1e4 * normal(128), normal(128)),
        (normal(200), normal(200, seed=1)),
    ],
    ids=["constant", "constant pair", "reversed pair", "tied labels", "some ties", "all constant", "huge", "long"],
)
def test_the_gradient_is_finite(sorter, predictions, labels):
    predictions = predictions.clone().requires_grad_()
    loss = ASNALoss(ALL, sorter)(predictions, labels)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(predictions.grad).all()


@pytest.mark.parametrize("n", [2, 5, 16, 33])
@pytest.mark.parametrize("weights", [LossWeights(1, 0, 0), LossWeights(0, 1, 0), LossWeights(0, 0, 1), ALL])
def test_swapping_two_predictions_towards_the_true_order_lowers_the_loss(sorter, n, weights):
    labels = torch.linspace(-1.5, 1.5, n)
    right = labels + 0.02 * normal(n)
    wrong = right.clone()
    wrong[[0, n - 1]] = right[[n - 1, 0]]
    loss = ASNALoss(weights, sorter)
    assert loss(right, labels) < loss(wrong, labels)


def test_a_gradient_step_on_the_ranking_term_alone_improves_the_order(sorter):
    labels = normal(16)
    predictions = normal(16, seed=3).requires_grad_()
    optimizer = torch.optim.Adam([predictions], lr=0.05)
    before = scipy.stats.spearmanr(predictions.detach(), labels).statistic
    for _ in range(200):
        optimizer.zero_grad()
        ranking_loss(predictions, labels, sorter).backward()
        optimizer.step()
    assert scipy.stats.spearmanr(predictions.detach(), labels).statistic > max(before + 0.3, 0.8)


def test_the_surrogate_gradient_has_the_sign_of_a_finite_difference(sorter):
    labels, predictions = normal(16), normal(16, seed=4)
    predictions.requires_grad_()
    ranking_loss(predictions, labels, sorter).backward()
    direction = predictions.grad / predictions.grad.norm()
    with torch.no_grad():
        step = 1e-3 * direction
        change = ranking_loss(predictions + step, labels, sorter) - ranking_loss(predictions - step, labels, sorter)
    np.testing.assert_allclose(change / 2e-3, predictions.grad.norm(), rtol=0.05)


def test_one_pair_or_a_wrong_shape_is_refused(sorter):
    loss = ASNALoss(ALL, sorter)
    for x, y in (
        (torch.zeros(1), torch.zeros(1)),
        (torch.zeros(3), torch.zeros(4)),
        (torch.zeros(3, 1), torch.zeros(3, 1)),
    ):
        with pytest.raises(ValueError, match="N >= 2"):
            loss(x, y)


def test_a_ranking_weight_without_a_sorter_is_refused():
    with pytest.raises(ValueError, match="needs a sorter"):
        ASNALoss(ALL)
