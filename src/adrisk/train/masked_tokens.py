"""Token ids on disk, and the masked rows that masked-language-model training makes of them.

Ids are read through a memory map, so that training holds a batch of text in memory and not all of
it. Which tokens of a row are masked follows from seed, epoch and row alone: a run that goes on from
a checkpoint masks as an unbroken one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer

from adrisk.errors import InputError
from adrisk.score.encoder import EncoderTokenizer

IGNORED = -100
"""Label of a token that is not predicted; transformers' losses leave it out."""

_MASK_TOKENS = ("[MASK]", "<mask>")
_BATCH = 512
_WHOLE = 1_000_000  # more tokens than the longest ad has


class Windows:
    """Token ids of many texts in two files: all ids one after the other, and where each row ends.

    A text longer than `max_tokens` gives several rows, so that all of it is learned from.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._ids_path, self._ends_path = folder / f"{name}.ids", folder / f"{name}.ends"
        self._ids = self._ends = np.empty(0, dtype=np.int64)
        if self._ends_path.is_file() and self._ends_path.stat().st_size:
            self._ids = np.memmap(self._ids_path, dtype=np.int32, mode="r")
            self._ends = np.memmap(self._ends_path, dtype=np.int64, mode="r")

    def write(self, texts: Iterable[str], tokenizer: EncoderTokenizer, max_tokens: int) -> Windows:
        """Tokenise `texts` as a stream; the windows that were written, opened."""
        end = 0
        with self._ids_path.open("wb") as ids_file, self._ends_path.open("wb") as ends_file:
            stream = iter(texts)
            while batch := list(islice(stream, _BATCH)):
                for window in _windows(batch, tokenizer, max_tokens):
                    end += len(window)
                    ids_file.write(window.tobytes())
                    ends_file.write(np.int64(end).tobytes())
        return Windows(self._ids_path.parent, self._ids_path.stem)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> np.ndarray:
        start = 0 if row == 0 else int(self._ends[row - 1])
        return np.asarray(self._ids[start : int(self._ends[row])])

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of every row."""
        return np.diff(self._ends, prepend=0)

    @property
    def n_tokens(self) -> int:
        """Tokens of all rows together."""
        return len(self._ids)


def _windows(
    texts: Sequence[str], tokenizer: EncoderTokenizer, max_tokens: int
) -> Iterator[np.ndarray]:
    prefix, suffix = (np.array(ids, np.int32) for ids in (tokenizer.prefix, tokenizer.suffix))
    room = max_tokens - len(prefix) - len(suffix)
    for encoded in tokenizer.encode(texts, _WHOLE):
        text = encoded.ids[len(prefix) : len(encoded.ids) - len(suffix)]
        for start in range(0, len(text), room):
            yield np.concatenate([prefix, text[start : start + room], suffix])


class Masking(NamedTuple):
    """How tokens are hidden: of the `probability` that is predicted, 80% become the mask token, 10%
    a random one, and 10% stay (Devlin et al. 2019). The control tokens around a text stay."""

    probability: float
    mask_token: int
    vocab_size: int
    n_prefix: int
    n_suffix: int

    def __call__(self, ids: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Masked ids and labels, int64 (n_tokens,); at least one token is predicted."""
        n = len(ids) - self.n_prefix - self.n_suffix
        chosen = draw.random(n) < self.probability
        chosen[draw.integers(n)] |= not chosen.any()
        place = self.n_prefix + np.flatnonzero(chosen)
        masked, labels = ids.astype(np.int64), np.full(len(ids), IGNORED, dtype=np.int64)
        labels[place] = masked[place]
        how = draw.random(len(place))
        masked[place[how < 0.8]] = self.mask_token
        swapped = place[how >= 0.9]
        masked[swapped] = draw.integers(self.vocab_size, size=len(swapped))
        return masked, labels


def masking(tokenizer_json: bytes, probability: float, base: str | None) -> Masking:
    """The masking for a tokenizer. Raises InputError for one without a mask token."""
    backend = Tokenizer.from_buffer(tokenizer_json)
    found = [backend.token_to_id(token) for token in _MASK_TOKENS]
    mask_token = next((number for number in found if number is not None), None)
    if mask_token is None:
        raise InputError(
            f"its tokenizer has no mask token ({' or '.join(_MASK_TOKENS)}), so it cannot be adapted "
            "to text: leave the block adapt out, or take another encoder.base",
            file=base,
        )
    framed = EncoderTokenizer(tokenizer_json)
    return Masking(
        probability, mask_token, framed.vocab_size, len(framed.prefix), len(framed.suffix)
    )


class MaskedRows(torch.utils.data.Dataset):
    """Rows with a new mask every epoch. The number behind the last is a row that fills a batch."""

    def __init__(
        self, windows: Windows, mask: Masking, seed: int, epoch: Callable[[], int] = lambda: 0
    ) -> None:
        self._windows, self._mask, self._seed = windows, mask, seed
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        if row == len(self._windows):
            first = self._windows[0].astype(np.int64)
            return {"input_ids": first, "labels": np.full_like(first, IGNORED)}
        draw = np.random.default_rng((self._seed, self.epoch(), row))
        ids, labels = self._mask(self._windows[row], draw)
        return {"input_ids": ids, "labels": labels}

    @property
    def lengths(self) -> list[int]:
        """Number of tokens of every row."""
        return [int(length) for length in self._windows.lengths]


class MaskedCollator:
    """Rows -> a batch padded to its longest row: ids, attention mask and labels, all int64."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: Sequence[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
        """Build one batch."""
        longest = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), longest), self._pad)
        labels = torch.full_like(ids, IGNORED)
        attention = torch.zeros_like(ids)
        for number, row in enumerate(rows):
            length = len(row["input_ids"])
            ids[number, :length] = torch.from_numpy(row["input_ids"])
            labels[number, :length] = torch.from_numpy(row["labels"])
            attention[number, :length] = 1
        return {"input_ids": ids, "attention_mask": attention, "labels": labels}
