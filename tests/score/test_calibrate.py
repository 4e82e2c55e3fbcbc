from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.errors import BundleError
from adrisk.score.calibrate import apply_calibrator, calibrate, shift_prior, sigmoid

rates = st.floats(0.01, 0.99)


def test_sigmoid_by_hand_and_at_the_ends():
    z = np.array([0.0, np.log(3.0), -np.log(3.0), 1e4, -1e4])
    assert sigmoid(z) == pytest.approx([0.5, 0.75, 0.25, 1.0, 0.0])


def test_platt_and_isotonic_by_hand():
    z = np.array([0.0, 1.0, 3.0])
    assert apply_calibrator({"kind": "platt", "a": 2.0, "b": 0.0}, z)[0] == 0.5
    points = {"kind": "isotonic", "x": [0.0, 2.0], "y": [0.2, 0.6]}
    assert apply_calibrator(points, z) == pytest.approx([0.2, 0.4, 0.6])
    with pytest.raises(BundleError):
        apply_calibrator({"kind": "magic"}, z)


def test_one_calibrator_a_column():
    logits = np.zeros((3, 2), dtype=np.float32)
    out = calibrate(
        [{"kind": "platt", "a": 1, "b": 0}, {"kind": "platt", "a": 1, "b": 100}], logits
    )
    assert out.shape == (3, 2)
    assert out[0] == pytest.approx([0.5, 1.0])


@settings(deadline=None, max_examples=60)
@given(rates, rates, st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_prior_shift_keeps_order_and_turns_back(base, prevalence, values):
    p = np.sort(np.array(values))
    shifted = shift_prior(p, base, prevalence)
    assert np.all(np.diff(shifted) >= -1e-12)
    assert shift_prior(shifted, prevalence, base) == pytest.approx(p, abs=1e-6)


def test_prior_shift_by_hand():
    # Odds 1 at base rate .5 become odds of the new prevalence.
    assert shift_prior(np.array([0.5]), 0.5, 0.02) == pytest.approx([0.02])
