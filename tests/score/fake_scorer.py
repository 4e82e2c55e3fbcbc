"""A stand-in for Scorer with the surface that scoring files needs: the score is a hash of the text."""

from __future__ import annotations

import copy
import hashlib

from adrisk.records import Ad, CategoryScore, ScoredAd, Span
from adrisk.score.decide import OperatingCurve, OperatingPoints, decide_tier
from adrisk.score.scorer import PreparedAd
from adrisk.text.alignment import Alignment
from adrisk.text.model_input import ModelInput


class FakeScorer:
    model_version = "fake-1"
    bundle_sha256 = "b" * 64
    assumed_prevalence = 0.02
    points = OperatingPoints(review=0.5, priority_review=0.9)
    curve = OperatingCurve([0.9, 0.6, 0.1], [0.2, 0.5, 1.0], [0.001, 0.01, 1.0])
    prevalence = None

    def __init__(self, interrupt_at: int | None = None) -> None:
        """`interrupt_at`: the call of score_prepared (from 1) at which Ctrl-C is pressed."""
        self.n_calls = 0
        self.n_scored = 0
        self._interrupt_at = interrupt_at

    def with_points(self, points):
        other = copy.copy(self)
        other.points = points
        return other

    def prepare(self, ads):
        return [self._prepare(ad) for ad in ads]

    def score_prepared(self, prepared):
        self.n_calls += 1
        if self.n_calls == self._interrupt_at:
            raise KeyboardInterrupt
        self.n_scored += len(prepared)
        return [self._score(item) for item in prepared]

    def _prepare(self, ad: Ad) -> PreparedAd:
        text = " ".join(ad.full_text.split())
        return PreparedAd(ad, ModelInput(text, (), Alignment(), False), ad.language or "en")

    def _score(self, item: PreparedAd) -> ScoredAd:
        text = item.model_input.text
        score = risk_of(text)
        return ScoredAd(
            id=item.ad.id,
            risk_score=score,
            tier=decide_tier(score, self.points),
            predicted_risk_level=int(score * 7),
            categories=(CategoryScore("forced_labour", score),) if score >= 0.5 else (),
            indicators=(Span("debt", 0, len(text)),) if score >= 0.7 else (),
            language=item.language,
            text_sha256=hashlib.sha256(text.encode()).hexdigest(),
            duplicate_of=None,
            truncated=False,
            model_version=self.model_version,
            bundle_sha256=self.bundle_sha256,
            redacted_text=text,
        )


def risk_of(text: str) -> float:
    """The fake risk of a text without line breaks: 6 decimals in [0, 1)."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 1_000_000 / 1e6
