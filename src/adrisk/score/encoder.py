"""The encoder as scoring sees it: text -> token ids -> logits, with tokenizers, numpy and ONNX Runtime.

Training tokenises with this module too, so that a model is scored on what it was trained on.
Nothing here knows bundles, calibration or torch.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from adrisk.errors import BundleError
from adrisk.score.bundle import ENCODER

_CHUNK = 256  # texts tokenised at once: bounds memory, keeps the tokenizer's threads busy
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}


class EncodedText(NamedTuple):
    """Token ids int32 (n_tokens,) with the control tokens; `truncated` where a middle is left out."""

    ids: NDArray[np.int32]
    truncated: bool


class EncoderTokenizer:
    """A tokenizer.json as encoders use it: control tokens around the text, hostile text kept text.

    A text over the token budget is read by its first and last windows, joined in one sequence, so
    that its cost is bounded and both ends of an ad count. Raises ValueError where `content` is no
    tokenizer.json.
    """

    def __init__(self, content: bytes) -> None:
        try:
            unknown = _unknown_token(json.loads(content)["model"])
            self._tokenizer = Tokenizer.from_buffer(content)
        except Exception as error:
            raise ValueError(f"not a tokenizer.json: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # A literal "[SEP]" or "</s>" in an ad is text, never a control token.
        self._tokenizer.encode_special_tokens = True
        control = {
            number: token.content
            for number, token in self._tokenizer.get_added_tokens_decoder().items()
            if token.special and token.content != unknown
        }
        self._control = frozenset(control)
        self._control_text = re.compile("|".join(map(re.escape, control.values())) or r"(?!)")
        self.prefix, self.suffix = self._frame()

    @property
    def vocab_size(self) -> int:
        """Number of token ids, added tokens included."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, texts: Sequence[str], max_tokens: int) -> list[EncodedText]:
        """Token ids of each text, at most `max_tokens` with the control tokens.

        Raises ValueError where `max_tokens` leaves no room for two windows of text.
        """
        budget = max_tokens - len(self.prefix) - len(self.suffix)
        if budget < 2:
            raise ValueError(f"max_tokens={max_tokens} leaves no room for text")
        encoded = []
        for start in range(0, len(texts), _CHUNK):
            chunk = list(texts[start : start + _CHUNK])
            batch = self._tokenizer.encode_batch_fast(chunk, add_special_tokens=False)
            for text, encoding in zip(chunk, batch, strict=True):
                encoded.append(self._windows(self._plain(text, encoding.ids), budget))
        return encoded

    def _windows(self, ids: list[int], budget: int) -> EncodedText:
        truncated = len(ids) > budget
        if truncated:
            last = budget // 2
            ids = ids[: budget - last] + ids[-last:]
        return EncodedText(np.array(self.prefix + ids + self.suffix, dtype=np.int32), truncated)

    def _plain(self, text: str, ids: list[int]) -> list[int]:
        """The ids of a text without control tokens.

        Unigram vocabularies hold their control tokens as ordinary pieces, so a literal "</s>"
        still finds one: the literal is broken by a blank, and what is left (a look-alike that the
        tokenizer's own normaliser folds) is dropped.
        """
        if self._control.isdisjoint(ids):
            return ids
        broken = self._control_text.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
        ids = self._tokenizer.encode(broken, add_special_tokens=False).ids
        return [number for number in ids if number not in self._control]

    def _frame(self) -> tuple[list[int], list[int]]:
        """The control tokens before and after a text, as the tokenizer's post-processor puts them."""
        framed = self._tokenizer.encode("a")
        text = [i for i, special in enumerate(framed.special_tokens_mask) if not special]
        if not text:
            raise ValueError("the tokenizer gives no token for a letter")
        return framed.ids[: text[0]], framed.ids[text[-1] + 1 :]


def _unknown_token(model: dict[str, Any]) -> str | None:
    """The token for unknown text, which is no control token; from the model of a tokenizer.json."""
    if model.get("unk_id") is not None:
        return str(model["vocab"][model["unk_id"]][0])
    return model.get("unk_token")


class OnnxEncoder:
    """An exported encoder in ONNX Runtime on the CPU, computed in fp32.

    `threads` defaults to the cores this process may use. A batch holds at most `token_budget`
    tokens, padding included, and at least one ad. Weights stored in fp16 stand in the graph with a
    cast to fp32, which ONNX Runtime folds while it loads. Raises BundleError where `content` is no
    such model.
    """

    def __init__(
        self, content: bytes, *, threads: int | None = None, token_budget: int = 8192
    ) -> None:
        # Imported here, so that a linear bundle scores without it.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _usable_cores()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise BundleError(ENCODER, f"ONNX Runtime cannot load it: {error}") from error
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        outputs = self._session.get_outputs()
        shape: list[Any] = outputs[0].shape if len(outputs) == 1 else []
        if not {"input_ids", "attention_mask"} <= self._inputs <= _INPUTS:
            raise BundleError(ENCODER, f"unexpected inputs {sorted(self._inputs)}")
        if len(shape) != 2 or not isinstance(shape[1], int):
            raise BundleError(ENCODER, "the output is not one matrix of logits, one row an ad")
        self.n_targets: int = shape[1]
        self._token_budget = token_budget

    def logits(self, encoded: Sequence[EncodedText]) -> NDArray[np.float32]:
        """Logits float32 (n_ads, n_targets) in the order given; rows do not depend on each other."""
        result = np.empty((len(encoded), self.n_targets), dtype=np.float32)
        for rows in _batches([len(text.ids) for text in encoded], self._token_budget):
            feed = self._feed([encoded[row].ids for row in rows])
            result[rows] = self._session.run(None, feed)[0]
        return result

    def _feed(self, ids: list[NDArray[np.int32]]) -> dict[str, NDArray[np.int64]]:
        input_ids = np.zeros((len(ids), max(map(len, ids))), dtype=np.int64)
        mask = np.zeros_like(input_ids)
        for row, sequence in enumerate(ids):
            input_ids[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        feed = {"input_ids": input_ids, "attention_mask": mask}
        if "token_type_ids" in self._inputs:
            feed["token_type_ids"] = np.zeros_like(input_ids)
        return feed


def _usable_cores() -> int:
    """Cores that this process may use; macOS does not tell, so all of them there."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _batches(lengths: Sequence[int], token_budget: int) -> Iterator[NDArray[np.int64]]:
    """Row numbers in batches of similar length, longest first, each within the token budget."""
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    start = 0
    while start < len(order):
        n_rows = max(1, token_budget // lengths[order[start]])
        yield order[start : start + n_rows]
        start += n_rows
