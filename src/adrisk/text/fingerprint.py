"""MinHash signatures that tell near-duplicate ads: the same ad with other digits or small edits.

Signatures are of redacted text whose digits are masked, since a changed price or phone alone
halves the n-gram similarity of short ads. MinHash (Broder 1997) comes from rensa, which the extra
`train` brings; scoring never asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import regex
from numpy.typing import NDArray

from adrisk.errors import MissingExtraError

N_PERMUTATIONS = 128
_SEED = 75158

NGRAM = 5
NGRAM_CJK = 4
"""A Chinese, Japanese or Korean character says about as much as a syllable: shorter n-grams."""

_DIGITS = regex.compile(r"\p{Nd}+")
_CJK = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")


def normalise(text: str) -> str:
    """Case-folded text with every run of digits as one 0 and every run of white space as a space."""
    masked: str = _DIGITS.sub("0", text.casefold())
    return " ".join(masked.split())


def shingles(text: str) -> list[str]:
    """Character n-grams of the normalised text (the whole text where it is shorter)."""
    text = normalise(text)
    n = NGRAM_CJK if 2 * len(_CJK.findall(text)) > len(text) else NGRAM
    return [text[i : i + n] for i in range(max(len(text) - n + 1, 1))]


def min_hashes(texts: Sequence[str]) -> NDArray[np.uint32]:
    """MinHash signatures, uint32 (n_texts, 128). Raises MissingExtraError without rensa."""
    try:
        from rensa import RMinHash
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", "rensa") from error
    signatures = np.empty((len(texts), N_PERMUTATIONS), dtype=np.uint32)
    for row, text in enumerate(texts):
        minhash = RMinHash(num_perm=N_PERMUTATIONS, seed=_SEED)
        minhash.update(shingles(text))
        signatures[row] = minhash.digest()
    return signatures


def estimated_jaccard(
    signature: NDArray[np.uint32], others: NDArray[np.uint32]
) -> NDArray[np.float64]:
    """Estimated Jaccard similarity of one signature (128,) with each of `others` (n, 128)."""
    shares: NDArray[np.float64] = (others == signature).mean(axis=1)
    return shares
