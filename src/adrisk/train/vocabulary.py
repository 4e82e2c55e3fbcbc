"""Trimming of a pretrained vocabulary to the pieces that the ads use, with its embedding rows.

A hub model for a hundred languages spends most of its weights on a quarter of a million pieces, of
which the ads of a few languages use a tenth. Unigram, BPE and WordPiece vocabularies are trimmed so
that a text made of kept pieces is cut as before:

- Unigram takes the best-scored path and WordPiece the longest piece; neither changes where only
  pieces that were not taken go.
- BPE merges pairs in a fixed order; every piece on the way to a kept one is kept, with its merges.

Other text falls back to smaller pieces, characters or bytes, all of which are kept.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel

from adrisk.errors import AdriskError, InputError
from adrisk.score.encoder import EncoderTokenizer
from adrisk.train.recipe import VocabularyBlock

_BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")
_WHOLE = 10**9  # tokens: no text is cut into windows here
_CHUNK = 1000  # texts tokenised at once


class Trimmed(NamedTuple):
    """A model and tokenizer.json with fewer pieces; `kept` holds the old id of every new id."""

    model: PreTrainedModel
    tokenizer_json: bytes
    kept: list[int]
    n_before: int
    n_after: int


def trim_vocabulary(
    model: PreTrainedModel, tokenizer_json: bytes, texts: Sequence[str], block: VocabularyBlock
) -> Trimmed:
    """Keep of the vocabulary what `texts` and the block's text file use.

    The model scores `texts` as before (with `min_count` 1, to the bit). Raises InputError for a
    text file that cannot be read and for a kind of tokenizer that is not known here.
    """
    raw = json.loads(tokenizer_json)
    pieces = _pieces(raw)
    counts: Counter[int] = Counter()
    for text_ids in _ids(tokenizer_json, chain(texts, _lines(block.keep_languages_text))):
        counts.update(text_ids)
    used = {number for number, count in counts.items() if count >= block.min_count}
    kept = sorted(used | _always_kept(raw, pieces, model))
    if raw["model"]["type"] == "BPE":
        kept = sorted({*kept, *_on_the_way(raw["model"], pieces, kept)})
    content = json.dumps(_rewritten(raw, pieces, kept), ensure_ascii=False).encode()
    if block.min_count == 1:
        _check_same_cuts(tokenizer_json, content, kept, texts)
    return Trimmed(take_rows(model, kept), content, kept, len(pieces), len(kept))


def take_rows(model: PreTrainedModel, kept: Sequence[int]) -> PreTrainedModel:
    """A model of the same class with the embedding rows `kept`, in that order.

    The rows of an output layer over the vocabulary, tied or not, and its bias are taken likewise;
    the token ids in the config become the new ones.
    """
    new_id = {old: new for new, old in enumerate(kept)}
    config = type(model.config).from_dict(model.config.to_dict())
    config.vocab_size = len(kept)
    for name, value in _config_ids(model):
        setattr(config, name, new_id.get(value))
    rows = torch.tensor(list(kept))
    n_before = model.get_input_embeddings().weight.size(0)  # type: ignore[operator]
    by_vocabulary = _names_by_vocabulary(model)
    state = {
        name: tensor[rows] if name in by_vocabulary and tensor.size(0) == n_before else tensor
        for name, tensor in model.state_dict().items()
    }
    smaller: PreTrainedModel = type(model)(config)
    smaller.load_state_dict(state)
    smaller.tie_weights()
    return smaller.train(model.training)


def _pieces(raw: dict[str, Any]) -> list[str]:
    """The piece of every id, added tokens behind the model's own vocabulary."""
    model, kind = raw["model"], raw["model"].get("type")
    affixes = model.get("continuing_subword_prefix") or model.get("end_of_word_suffix")
    if kind == "Unigram":
        numbered = {piece: number for number, (piece, _) in enumerate(model["vocab"])}
    elif kind == "WordPiece" or (kind == "BPE" and not affixes):
        numbered = dict(model["vocab"])
    else:
        raise InputError(
            f"encoder.vocabulary.trim: a tokenizer of type {kind} is not known here (Unigram, "
            "WordPiece, and BPE without prefix and suffix are): leave trim out"
        )
    numbered |= {token["content"]: token["id"] for token in raw["added_tokens"]}
    pieces = sorted(numbered, key=numbered.__getitem__)
    if [numbered[piece] for piece in pieces] != list(range(len(pieces))):
        raise InputError(
            "encoder.vocabulary.trim: the ids in tokenizer.json have gaps or stand twice: leave "
            "trim out"
        )
    return pieces


def _lines(path: str | None) -> Iterator[str]:
    if path is None:
        return
    try:
        with Path(path).open(encoding="utf-8") as lines:
            yield from lines
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"encoder.vocabulary.keep_languages_text: no UTF-8 text file ({error})", file=path
        ) from error


def _ids(tokenizer_json: bytes, texts: Iterable[str]) -> Iterator[list[int]]:
    tokenizer = EncoderTokenizer(tokenizer_json)
    source = iter(texts)
    while chunk := list(islice(source, _CHUNK)):
        yield from (encoded.ids.tolist() for encoded in tokenizer.encode(chunk, _WHOLE))


def _always_kept(raw: dict[str, Any], pieces: Sequence[str], model: PreTrainedModel) -> set[int]:
    """Control and added tokens, bytes, single characters, and what the config names by id."""
    prefix = raw["model"].get("continuing_subword_prefix") or ""
    added = {token["content"] for token in raw["added_tokens"]}
    kept = {
        number
        for number, piece in enumerate(pieces)
        if piece in added or _BYTE.fullmatch(piece) or len(piece.removeprefix(prefix)) <= 1
    }
    kept.update(number for _, number in _config_ids(model) if number < len(pieces))
    if raw["model"]["type"] == "Unigram":
        scores = [score for _, score in raw["model"]["vocab"]]
        # The price of an unknown character hangs on the lowest score of the vocabulary.
        kept.add(min(range(len(scores)), key=scores.__getitem__))
        kept.add(raw["model"]["unk_id"] or 0)
    elif unknown := raw["model"].get("unk_token"):
        kept.add(pieces.index(unknown))
    return kept


def _config_ids(model: PreTrainedModel) -> list[tuple[str, int]]:
    """The config's own token ids (padding, start, mask …) as pairs of name and id."""
    return [
        (name, value)
        for name, value in model.config.to_dict().items()
        if name.endswith("_token_id") and isinstance(value, int)
    ]


def _merges(model: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of pieces; a file has each as a list of two or as one string with a blank."""
    pairs = (m.split(" ") if isinstance(m, str) else m for m in model["merges"])
    return [(left, right) for left, right in pairs]


def _on_the_way(model: dict[str, Any], pieces: Sequence[str], kept: Iterable[int]) -> set[int]:
    """Ids of the pieces that BPE passes through while it builds the pieces `kept`."""
    rank = {pair: place for place, pair in enumerate(_merges(model))}
    passed: set[str] = set()
    for number in kept:
        parts = list(pieces[number])
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            best = min(range(len(pairs)), key=lambda at: rank.get(pairs[at], len(rank)))
            if pairs[best] not in rank:
                break
            parts[best : best + 2] = [parts[best] + parts[best + 1]]
            passed.add(parts[best])
    return {model["vocab"][piece] for piece in passed}


def _rewritten(raw: dict[str, Any], pieces: Sequence[str], kept: Sequence[int]) -> dict[str, Any]:
    """The tokenizer.json with the pieces `kept`, every id in it the new one."""
    new_id = {old: new for new, old in enumerate(kept)}
    model = dict(raw["model"])
    n_own = len(model["vocab"])
    own = [old for old in kept if old < n_own]
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in own]
        if model["unk_id"] is not None:
            model["unk_id"] = new_id[model["unk_id"]]
    else:
        model["vocab"] = {pieces[old]: new_id[old] for old in own}
    if model["type"] == "BPE":
        vocab = model["vocab"]
        model["merges"] = [
            [left, right]
            for left, right in _merges(model)
            if left in vocab and right in vocab and left + right in vocab
        ]
    added = [{**token, "id": new_id[token["id"]]} for token in raw["added_tokens"]]
    processor = _with_new_ids(raw.get("post_processor"), new_id)
    return {**raw, "model": model, "added_tokens": added, "post_processor": processor}


def _with_new_ids(processor: Any, new_id: dict[int, int]) -> Any:
    """A post-processor's settings with the ids of its control tokens replaced."""
    if processor is None:
        return None
    result = dict(processor)
    if "processors" in result:  # Sequence
        result["processors"] = [_with_new_ids(p, new_id) for p in result["processors"]]
    for name in ("cls", "sep"):  # BertProcessing and RobertaProcessing
        if name in result:
            token, number = result[name]
            result[name] = [token, new_id[number]]
    if isinstance(result.get("special_tokens"), dict):  # TemplateProcessing
        result["special_tokens"] = {
            name: {**token, "ids": [new_id[number] for number in token["ids"]]}
            for name, token in result["special_tokens"].items()
        }
    return result


def _names_by_vocabulary(model: PreTrainedModel) -> set[str]:
    """Names of the tensors that may have one row a piece: embeddings, output layer, its bias."""
    tables = [model.get_input_embeddings(), model.get_output_embeddings()]
    shared = {id(p) for table in tables if table is not None for p in table.parameters()}
    body = f"{model.base_model_prefix}."
    return {
        name
        for name, parameter in model.named_parameters(remove_duplicate=False)
        # Some heads keep the bias beside their output layer.
        if id(parameter) in shared or (name.endswith("bias") and not name.startswith(body))
    }


def _check_same_cuts(
    before: bytes, after: bytes, kept: Sequence[int], texts: Sequence[str]
) -> None:
    for number, (old, new) in enumerate(
        zip(_ids(before, texts), _ids(after, texts), strict=True), start=1
    ):
        if [kept[i] for i in new] != old:
            raise AdriskError(
                f"the trimmed vocabulary cuts training ad {number} otherwise than the whole one: "
                "leave encoder.vocabulary.trim out, and report this tokenizer"
            )
