"""Edits of a text and the way back from the edited text to the original.

Every station that changes text (clean, redact) says what it changed as a list of edits, so that a
span found in the redacted text can be shown in the raw ad, and a span annotated on the raw ad can
be found in the redacted text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple


class Edit(NamedTuple):
    """input[in_start:in_end] became output[out_start:out_end]; all offsets are code points."""

    in_start: int
    in_end: int
    out_start: int
    out_end: int


_IN_START, _OUT_START = attrgetter("in_start"), attrgetter("out_start")


class Replacement(NamedTuple):
    """text[start:end] is to become `new`."""

    start: int
    end: int
    new: str


def apply_replacements(
    text: str, replacements: Iterable[Replacement]
) -> tuple[str, tuple[Edit, ...]]:
    """Apply sorted, non-overlapping replacements.

    Returns the new text and one Edit for each replacement. Raises ValueError where two overlap or
    stand out of order.
    """
    pieces: list[str] = []
    edits: list[Edit] = []
    position = written = 0
    for start, end, new in replacements:
        if start < position or end < start:
            raise ValueError("replacements overlap or stand out of order")
        pieces.append(text[position:start])
        written += start - position
        edits.append(Edit(start, end, written, written + len(new)))
        pieces.append(new)
        written += len(new)
        position = end
    if not edits:
        return text, ()
    pieces.append(text[position:])
    return "".join(pieces), tuple(edits)


def _map(
    edits: tuple[Edit, ...], start: int, end: int, *, backwards: bool = False
) -> tuple[int, int]:
    """Carry [start, end) across edits, from input to output or backwards, in logarithmic time."""
    begin = _OUT_START if backwards else _IN_START

    def carry(offset: int, *, is_end: bool) -> int:
        # The last edit that begins before the offset decides the shift; inside an edit a start
        # snaps to the edit's start and an end to its end.
        index = bisect_right(edits, offset - 1 if is_end else offset, key=begin) - 1
        if index < 0:
            return offset
        edit = edits[index]
        from_end, to_start, to_end = edit[1:] if not backwards else (edit[3], edit[0], edit[1])
        if offset < from_end or (is_end and offset == from_end):
            return to_end if is_end else to_start
        return offset - from_end + to_end

    new_start = carry(start, is_end=False)
    return (new_start, new_start) if end <= start else (new_start, carry(end, is_end=True))


@dataclass(frozen=True, slots=True)
class Alignment:
    """A chain of edit lists from an input text to an output text; no steps means unchanged."""

    steps: tuple[tuple[Edit, ...], ...] = ()

    def then(self, edits: tuple[Edit, ...]) -> Alignment:
        """This alignment followed by one more list of edits."""
        return Alignment((*self.steps, edits)) if edits else self

    def joined(self, later: Alignment) -> Alignment:
        """This alignment followed by another whose input is this one's output."""
        return Alignment(self.steps + later.steps)

    def to_input(self, start: int, end: int) -> tuple[int, int]:
        """The input span that the output span [start, end) came from, widened to whole edits."""
        for edits in reversed(self.steps):
            start, end = _map(edits, start, end, backwards=True)
        return start, end

    def to_output(self, start: int, end: int) -> tuple[int, int]:
        """The output span that the input span [start, end) became, widened to whole edits."""
        for edits in self.steps:
            start, end = _map(edits, start, end)
        return start, end
