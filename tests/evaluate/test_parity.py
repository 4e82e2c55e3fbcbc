from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from adrisk.evaluate.parity import ADS, torch_onnx_parity
from adrisk.score.encoder import EncoderTokenizer
from tests.score.test_encoder import wordpiece


def _model(input_ids, attention_mask):
    """Two logits: number of tokens, sum of ids."""
    n = attention_mask.sum(dim=1, keepdim=True)
    return SimpleNamespace(logits=torch.cat([n, input_ids.sum(dim=1, keepdim=True)], 1).float())


class Engine:
    """The same figures, off by `error` on the one longest ad."""

    def __init__(self, error):
        self.error = error

    def logits(self, encoded):
        rows = np.array([[len(e.ids), e.ids.sum()] for e in encoded], dtype=np.float32)
        rows[rows[:, 0].argmax(), 1] += self.error
        return rows


@pytest.mark.parametrize(
    ("error", "passed"), [(0.0, True), (0.25, True), (0.5, False), (np.nan, False)]
)
def test_one_ad_off_decides(error, passed):
    tokenizer = EncoderTokenizer(wordpiece())
    report = torch_onnx_parity(_model, Engine(error), tokenizer, max_tokens=20, tolerance=0.3)
    assert report.passed is passed
    assert report.to_dict()["passed"] is passed
    np.testing.assert_equal(report.max_logit_difference, error)


def test_lengths_go_from_one_token_to_beyond_the_limit():
    tokenizer = EncoderTokenizer(wordpiece())
    for max_tokens in (16, 5000):
        lengths = []

        class Recorder(Engine):
            def logits(self, encoded, lengths=lengths):
                lengths += [len(e.ids) for e in encoded]
                return super().logits(encoded)

        report = torch_onnx_parity(_model, Recorder(0.0), tokenizer, max_tokens, 0.0)
        assert (min(lengths), max(lengths)) == (1, max_tokens)
        assert report.n_ads == len(lengths) > len(ADS)
