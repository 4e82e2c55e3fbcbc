"""How a phrase of the language files is written: docs/codebook.md, read into pieces and joints.

Standard library alone: the build runs this module without the project's dependencies.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from adrisk.codebook.folding import fold_phrase

MAX_INFLECTION = 12
"""Letters that a `*` at a word's end may stand for."""

MAX_PREFIX = 8
"""Letters that a `*` at a word's beginning may stand for."""

MAX_GAP = 30
"""Characters that a `…` may stand for, a third of it in languages written without spaces."""

MAX_NUMBER = 15
"""Characters that a `#` may stand for."""

UNSPACED = frozenset({"zh", "ja", "th"})
"""Languages written without spaces: their phrases match inside running text."""

UNSPACED_WRITING = "unspaced"
"""What `writing_of` calls the habit of those languages."""

PROCLITICS = {
    "ar": frozenset("و ف ب ل ك ال وال فال بال كال لل ول وب ولل".split()),  # noqa: SIM905
    "am": frozenset("የ በ ለ ከ እ ስለ እንደ እስከ ያለ ለየ በየ ከየ".split()),  # noqa: SIM905
}
"""Conjunctions, prepositions and articles that are written as one word with what follows."""

_SPACES_WAVER = UNSPACED | {"ko"}
_LIGATURES = str.maketrans({"ß": "ss", "œ": "oe", "æ": "ae"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})

PREFIX, INFLECTION, GAP, NUMBER = "^", "*", "…", "#"
_PLAIN = re.compile(r"[^*…#]*")
_TOKEN = re.compile(r" ?… ?\*?#?|(?:^|(?<= ))\*|\*|#")


class Phrase(NamedTuple):
    """One folded phrase, cut into pieces.

    `lead` says what stands before the first piece: nothing, letters (PREFIX) or a NUMBER. `rest`
    holds each joint and the piece after it: INFLECTION, PREFIX, NUMBER, GAP, or GAP with PREFIX or
    NUMBER. `writing` is that of `writing_of`.
    """

    writing: str
    lead: str
    first: str
    rest: tuple[tuple[str, str], ...]

    def longest(self) -> int:
        """Index of the longest piece, the first being 0: the one that is looked for."""
        lengths = [len(self.first), *(len(piece) for _, piece in self.rest)]
        return lengths.index(max(lengths))

    def piece(self, index: int) -> str:
        """The piece of that index."""
        return self.rest[index - 1][1] if index else self.first

    def reach(self) -> int:
        """How far before its longest piece the first piece begins at most; 0: it is the longest."""
        before = self.rest[: self.longest()]
        if not before:
            return 0
        joints = sum(_JOINT_REACH[joint] for joint, _ in before)
        return joints + len(self.first) + sum(len(piece) for _, piece in before[:-1])

    def open_ends(self) -> tuple[bool, bool]:
        """Whether the longest piece may begin and may end inside a word."""
        index = self.longest()
        before = self.rest[index - 1][0] if index else self.lead
        after = self.rest[index][0] if index < len(self.rest) else ""
        compound = {GAP} if self.writing == UNSPACED_WRITING else set()
        proclitic = {"", GAP} if self.writing in PROCLITICS else set()
        begins = before[-1:] in {PREFIX, NUMBER, INFLECTION} | compound | proclitic
        return begins, after in {INFLECTION, NUMBER} | compound


_JOINT_REACH = {
    INFLECTION: MAX_INFLECTION,
    PREFIX: MAX_PREFIX,
    NUMBER: MAX_NUMBER,
    GAP: MAX_GAP,
    GAP + PREFIX: MAX_GAP + MAX_PREFIX,
    GAP + NUMBER: MAX_GAP + MAX_NUMBER,
}


def writing_of(language: str) -> str:
    """The habit of writing that matching must know: UNSPACED_WRITING, a key of PROCLITICS, or ""."""
    if language in UNSPACED:
        return UNSPACED_WRITING
    return language if language in PROCLITICS else ""


def spellings(language: str, written: str) -> list[str]:
    """The folded forms that one written phrase stands for."""
    forms = [written]
    if not written.isascii():
        forms += [form.translate(_LIGATURES) for form in forms]
        if language == "de":
            forms += [form.translate(_UMLAUTS) for form in forms]
    if language in _SPACES_WAVER:
        forms += [form.replace(" ", "") for form in forms]
    if "# " in written:
        forms += [form.replace("# ", "#") for form in forms]
    return [fold_phrase(form) for form in dict.fromkeys(forms)]


def parse(writing: str, folded: str) -> Phrase:
    """A folded phrase, cut into its pieces. The files' own check is `adrisk.codebook.check`."""
    if _PLAIN.fullmatch(folded):
        return Phrase(writing, "", folded, ())
    pieces, joints, position = [], [], 0
    for token in _TOKEN.finditer(folded):
        pieces.append(folded[position : token.start()])
        joints.append(_joint(token, folded))
        position = token.end()
    pieces.append(folded[position:])
    lead = ""
    if joints and not pieces[0]:
        lead, joints, pieces = joints[0], joints[1:], pieces[1:]
    return Phrase(writing, lead, pieces[0], tuple(zip(joints, pieces[1:], strict=True)))


def _joint(token: re.Match[str], folded: str) -> str:
    if GAP in token[0]:
        return GAP + (PREFIX if "*" in token[0] else NUMBER if "#" in token[0] else "")
    if token[0] == "*":
        before = folded[token.start() - 1 : token.start()]
        return PREFIX if before in ("", " ") else INFLECTION
    return NUMBER
