"""FLIP against recorded values of another implementation and hand-made cases."""

import numpy as np
import pytest
from photographs import assert_equals_recorded, score

pytest.importorskip("flip_evaluator", reason="needs the package flip-evaluator")


def test_flip_equals_recorded_values_of_frame_analytics():
    assert_equals_recorded("flip", "frame-analytics", 5e-6)  # float32 on both sides


def test_flip_is_0_for_equal_images_and_near_1_for_black_against_white():
    black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    assert score("flip", distorted=white, reference=white) == 0
    assert 0.9 < score("flip", distorted=black, reference=white) <= 1
