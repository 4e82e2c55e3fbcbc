"""The text of an adaptation run as token ids on disk, and the tokenizer and config they belong to.

tokens/
    train.ids, train.ends, held_out.ids, held_out.ends   see masked_tokens.Windows
    tokenizer.json, config.json                          of the encoder that is adapted
    read.json                                            written last: whose run, and the counts
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from adrisk.errors import InputError
from adrisk.score.encoder import EncoderTokenizer
from adrisk.text.fingerprint import normalise
from adrisk.train.encoder_model import BaseEncoder
from adrisk.train.masked_tokens import Windows

FOLDER = "tokens"
TOKENIZER = "tokenizer.json"
_READ = "read.json"
_TRAIN, _HELD_OUT = "train", "held_out"


class TextSource(Protocol):
    """Redacted texts, once over, and the counts of what was read (dataset/unlabelled.py)."""

    @property
    def rows(self) -> int:
        """Rows that were read so far."""

    @property
    def kept(self) -> int:
        """Texts that were given out."""

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many were not, by reason."""

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class Tokens:
    """What tokens/ holds: `base` is the encoder's name and revision, `counts` what was read."""

    folder: Path
    train: Windows
    held_out: Windows
    tokenizer_json: bytes
    base: dict[str, Any]
    counts: dict[str, Any]


def load_tokens(work_dir: Path, run: Mapping[str, Any]) -> Tokens | None:
    """The finished tokens of the run with this identity, or None."""
    folder = work_dir / FOLDER
    try:
        record = json.loads((folder / _READ).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if record["run"] != run:
        return None
    return Tokens(
        folder,
        Windows(folder, _TRAIN),
        Windows(folder, _HELD_OUT),
        (folder / TOKENIZER).read_bytes(),
        record["base"],
        record["counts"],
    )


def write_tokens(
    work_dir: Path,
    run: Mapping[str, Any],
    source: TextSource,
    build: Callable[[Iterable[str]], BaseEncoder],
    *,
    max_tokens: int,
    held_out_share: float,
) -> None:
    """Read `source` once over and fill tokens/.

    `build` makes the encoder, from the texts that are trained on where it needs any. Raises
    InputError where no text is left to train on.
    """
    folder = work_dir / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    train, held_out = (_TextFile(folder / f"{side}.jsonl") for side in (_TRAIN, _HELD_OUT))
    _spread(source, train.path, held_out.path, held_out_share)
    encoder = build(train)
    tokenizer = EncoderTokenizer(encoder.tokenizer_json)
    windows = Windows(folder, _TRAIN).write(train, tokenizer, max_tokens)
    Windows(folder, _HELD_OUT).write(held_out, tokenizer, max_tokens)
    train.path.unlink()
    held_out.path.unlink()
    if not len(windows):
        reasons = ", ".join(f"{count} {reason}" for reason, count in source.left_out.items())
        raise InputError(
            f"adapt: no text to train on: of {source.rows} rows {source.kept} are left ({reasons})"
        )
    (folder / TOKENIZER).write_bytes(encoder.tokenizer_json)
    encoder.model.config.save_pretrained(folder)
    record = {
        "run": run,
        "base": {name: encoder.about[name] for name in ("name", "revision")},
        "counts": {
            "rows": source.rows,
            "kept": source.kept,
            "left_out": dict(source.left_out),
        },
    }
    (folder / _READ).write_text(json.dumps(record, indent=1), encoding="utf-8")


class _TextFile:
    """Texts on disk, one JSON string a line, read again each time they are gone through."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[str]:
        with self.path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def _spread(texts: Iterable[str], train: Path, held_out: Path, share: float) -> None:
    """Write texts to one of two files; copies with other digits go to the same one."""
    with train.open("w", encoding="utf-8") as a, held_out.open("w", encoding="utf-8") as b:
        for text in texts:
            digest = hashlib.blake2b(normalise(text).encode(), digest_size=8).digest()
            chosen = b if int.from_bytes(digest, "little") / 2**64 < share else a
            chosen.write(json.dumps(text) + "\n")
