"""Whether a text holds one of a list of sexually explicit words, which is kept as hashes alone.

The words themselves have no place in the project. The list is short (some hundred words of about
twenty languages): it catches slips, and people read for the rest.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files

from adrisk.codebook.grammar import UNSPACED
from adrisk.codebook.phrases import fold

_WORD = re.compile(r"[^\W\d_]+")
_LENGTHS = range(2, 6)  # of words inside running text


def digest(word: str) -> str:
    """The form in which explicit_words.txt holds a word: 5 bytes of BLAKE2b, in hex."""
    return hashlib.blake2b(fold(word).text.encode(), digest_size=5).hexdigest()


@cache
def _digests() -> frozenset[str]:
    listed = files(__package__).joinpath("explicit_words.txt").read_text(encoding="ascii")
    return frozenset(listed.split())


def is_explicit(text: str, language: str) -> bool:
    """Whether a word of `text` is on the list; inside running text where `language` has no blanks."""
    words = set(_WORD.findall(fold(text).text))
    if language in UNSPACED:
        words |= {
            word[at : at + n] for word in words for n in _LENGTHS for at in range(len(word) - n + 1)
        }
    return not _digests().isdisjoint(map(digest, words))
