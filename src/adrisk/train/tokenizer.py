"""The project's own subword tokenizer, trained on the training part alone.

Byte-pair encoding over characters, with bytes for characters that are too rare for a token of
their own: no text is ever unknown. Used by the linear stage and by the embedded small encoder.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from adrisk.errors import InputError
from adrisk.text.redact import PLACEHOLDERS
from adrisk.train.recipe import TokenizerBlock

CONTROL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
_BLANK = "▁"


def train_tokenizer(texts: Iterable[str], block: TokenizerBlock, path: Path) -> None:
    """Train on redacted `texts` and write a tokenizer.json without truncation and padding.

    `texts` are gone through several times and never held. The same texts and settings give the same
    file. Control tokens have ids 0 to 4, padding 0. Raises InputError where there is no text to
    train on.
    """
    if not any(text.strip() for text in texts):
        raise InputError("no text to train a tokenizer on: the training part is empty")
    tokenizer = _untrained(block)
    fixed = [*CONTROL_TOKENS, *_BYTES]
    room = block.vocab_size - len(fixed) - len(PLACEHOLDERS)
    alphabet = _alphabet(tokenizer, texts, room // 2)
    trainer = trainers.BpeTrainer(
        vocab_size=block.vocab_size - len(PLACEHOLDERS),
        special_tokens=fixed,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_unredacted(texts), trainer)
    tokenizer = _bytes_as_pieces(tokenizer)
    tokenizer.add_tokens(
        [AddedToken(name, normalized=False, special=False) for name in PLACEHOLDERS]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))


def _untrained(block: TokenizerBlock) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", byte_fallback=True))
    steps = [normalizers.NFC(), *([normalizers.Lowercase()] if block.lowercase else [])]
    tokenizer.normalizer = normalizers.Sequence(steps)
    # Runs of digits stay whole, so that frequent ages and hours become one token each.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(_BLANK, prepend_scheme="always"),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Punctuation(),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(_BLANK, prepend_scheme="always")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, CONTROL_TOKENS.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def _alphabet(tokenizer: Tokenizer, texts: Iterable[str], limit: int) -> list[str]:
    """The most frequent characters. Chosen here because the trainer breaks ties at random."""
    counts = Counter(_BLANK)
    for text in texts:
        counts.update(tokenizer.normalizer.normalize_str(text))
    characters = [c for c in counts if not c.isspace() and c != _BLANK]
    return [_BLANK, *sorted(characters, key=lambda c: (-counts[c], c))[: limit - 1]]


def _unredacted(texts: Iterable[str]) -> Iterator[str]:
    """Texts without placeholders, which get tokens of their own and must not be learned again."""
    for text in texts:
        for name in PLACEHOLDERS:
            text = text.replace(name, " ")
        yield text


def _bytes_as_pieces(tokenizer: Tokenizer) -> Tokenizer:
    """The trainer lists the byte pieces as control tokens too; they stay in the vocabulary only."""
    raw = json.loads(tokenizer.to_str())
    raw["added_tokens"] = [t for t in raw["added_tokens"] if t["content"] in CONTROL_TOKENS]
    return Tokenizer.from_str(json.dumps(raw))
