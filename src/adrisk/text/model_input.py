"""Raw text -> what every model reads: redacted text and counts of what was undone on the way.

Training and scoring both go through `model_input` with the same settings, which travel in the
bundle; two ads with equal `text` and `counts` are one and the same to every model.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from adrisk.codebook.match import find_signs
from adrisk.records import Span
from adrisk.text.alignment import Alignment, Replacement, apply_replacements
from adrisk.text.clean import CLEAN_COUNTS, clean
from adrisk.text.clean_unicode import DISGUISED_DIGIT
from adrisk.text.redact import REDACT_COUNTS, redact

COUNT_NAMES = CLEAN_COUNTS + REDACT_COUNTS
"""Names of the counts, in the order of `ModelInput.counts`."""

_GAP = "\n"


@dataclass(frozen=True, slots=True)
class TextSettings:
    """How raw text becomes model input. Part of the bundle, so of every score.

    `clean` undoes markup, mojibake and disguises; `mask_contacts` and `mask_identity` put
    placeholders for contacts and for nationality, ethnicity and religion words; a text longer than
    `max_chars` code points keeps its first and last halves of that length.
    """

    clean: bool = True
    mask_contacts: bool = True
    mask_identity: bool = True
    max_chars: int = 20_000

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for manifests and recipes."""
        return asdict(self)


@dataclass(frozen=True)
class ModelInput:
    """Redacted `text`, `counts` in the order of COUNT_NAMES, and the way back to the raw text."""

    text: str
    counts: tuple[int, ...]
    alignment: Alignment
    truncated: bool

    @cached_property
    def signs(self) -> tuple[Span, ...]:
        """Codebook signs found by their cues, in the order of the text; looked for once."""
        return tuple(find_signs(self.text))

    def digest(self) -> bytes:
        """16 bytes that are equal for identical model inputs (text and counts)."""
        state = hashlib.blake2b(self.text.encode("utf-8"), digest_size=16)
        state.update(b"\0" + ",".join(map(str, self.counts)).encode())
        return state.digest()

    def text_sha256(self) -> str:
        """Hex SHA-256 of the redacted text: safe to log and to join on."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


def model_input(raw: str, settings: TextSettings) -> ModelInput:
    """Clean, redact and bound one raw ad. Pure: the same input gives the same output."""
    text, alignment = raw, Alignment()
    counts: dict[str, int] = {}
    if settings.clean:
        cleaned = clean(text)
        text, alignment = cleaned.text, cleaned.alignment
        counts.update(cleaned.counts)
    cleaning = alignment

    def is_disguised(start: int, end: int) -> bool:
        first, last = cleaning.to_input(start, end)
        return DISGUISED_DIGIT.search(raw, first, last) is not None

    redacted = redact(
        text,
        contacts=settings.mask_contacts,
        identity=settings.mask_identity,
        is_disguised=is_disguised,
    )
    counts.update(redacted.counts)
    text, alignment = redacted.text, alignment.joined(redacted.alignment)
    truncated = len(text) > settings.max_chars
    if truncated:
        half = settings.max_chars // 2
        text, edits = apply_replacements(text, [Replacement(half, len(text) - half, _GAP)])
        alignment = alignment.then(edits)
    return ModelInput(text, tuple(counts.get(n, 0) for n in COUNT_NAMES), alignment, truncated)
