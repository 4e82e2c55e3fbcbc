"""Evidence for a reader: the codebook signs of an ad, with spans in its redacted text."""

from __future__ import annotations

from adrisk.records import Span
from adrisk.text.model_input import ModelInput

MAX_SPANS = 100
"""A hostile ad may repeat a cue ten thousand times; so many spans are shown at most."""


def signs_of(item: ModelInput) -> tuple[Span, ...]:
    """Signs found by cues, in the order of the text, at most MAX_SPANS."""
    return item.signs[:MAX_SPANS]
