"""Trimmed vocabularies: training words are cut and scored as before, other text falls back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    ModernBertConfig,
    ModernBertForMaskedLM,
)

from adrisk.errors import InputError, UsageError
from adrisk.score.encoder import EncoderTokenizer
from adrisk.train.encoder_model import build_encoder
from adrisk.train.finetune import finetune
from adrisk.train.hub import load_tokenizer
from adrisk.train.recipe import VocabularyBlock
from adrisk.train.vocabulary import take_rows, trim_vocabulary
from tests.train.encoder_toys import (
    FOLDERS,
    TARGETS,
    TOKENIZER,
    WORDS,
    StopAt,
    block,
    gemma_tokenizer,
    toy_data,
)

USED = WORDS[:6]  # the training part; the toys' vocabularies were made from more
TEXTS = [" ".join(USED), *(f"{a} {b} 12" for a in USED for b in USED[:3])]
TRIM = VocabularyBlock(trim=True)


@pytest.fixture(scope="module", params=FOLDERS)
def toy(request, tmp_path_factory):
    """Folder, whole tokenizer.json, and the trimmed classifier beside the whole one."""
    folder = FOLDERS[request.param](tmp_path_factory.mktemp("base") / request.param)
    torch.manual_seed(0)
    whole = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3).eval()
    content = load_tokenizer(str(folder), None)
    return request.param, folder, content, whole, trim_vocabulary(whole, content, TEXTS, TRIM)


def tokens(content: bytes, text: str) -> list[str]:
    return Tokenizer.from_buffer(content).encode(text).tokens


def logits(model, content: bytes, text: str) -> torch.Tensor:
    ids = EncoderTokenizer(content).encode([text], 24)[0].ids.astype(np.int64)
    with torch.no_grad():
        ids = torch.from_numpy(ids)[None]
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits


def test_pieces_that_nobody_uses_are_gone(toy):
    _, _, content, whole, trimmed = toy
    assert trimmed.n_before == Tokenizer.from_buffer(content).get_vocab_size()
    assert trimmed.n_after == len(trimmed.kept) < trimmed.n_before
    assert trimmed.model.get_input_embeddings().weight.size(0) == trimmed.n_after
    assert trimmed.model.config.vocab_size == trimmed.n_after
    assert EncoderTokenizer(trimmed.tokenizer_json).vocab_size == trimmed.n_after
    assert whole.get_input_embeddings().weight.size(0) == trimmed.n_before, "it is left alone"


def test_every_new_id_stands_for_its_old_piece(toy):
    _, _, content, _, trimmed = toy
    old, new = Tokenizer.from_buffer(content), Tokenizer.from_buffer(trimmed.tokenizer_json)
    for number, was in enumerate(trimmed.kept):
        assert new.id_to_token(number) == old.id_to_token(was)


def test_control_tokens_bytes_and_characters_stay(toy):
    _, _, content, _, trimmed = toy
    new = Tokenizer.from_buffer(trimmed.tokenizer_json).get_vocab()
    for piece in Tokenizer.from_buffer(content).get_vocab():
        fallback = len(piece.removeprefix("##")) == 1 or piece.startswith("<0x")
        if fallback or piece in ("<s>", "</s>", "<mask>", "<bos>", "<eos>", "[CLS]", "[MASK]"):
            assert piece in new


def test_training_texts_score_as_before(toy):
    _, _, content, whole, trimmed = toy
    for text in TEXTS:
        expected = logits(whole, content, text)
        found = logits(trimmed.model, trimmed.tokenizer_json, text)
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@given(words=st.lists(st.sampled_from([*USED, "12"]), min_size=1, max_size=12))
@settings(deadline=None, max_examples=60)
def test_any_text_of_training_words_is_cut_as_before(toy, words):
    _, _, content, _, trimmed = toy
    text = " ".join(words)
    assert tokens(trimmed.tokenizer_json, text) == tokens(content, text)


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=30))
@settings(deadline=None, max_examples=60)
def test_other_text_is_known_as_far_as_it_was(toy, text):
    _, _, content, _, trimmed = toy
    unknown = {"<unk>", "[UNK]"}
    if not unknown & set(tokens(content, text)):
        assert not unknown & set(tokens(trimmed.tokenizer_json, text))


def test_an_unseen_word_falls_back_to_smaller_pieces(toy):
    _, _, content, _, trimmed = toy
    unseen = WORDS[-2]
    cut = tokens(trimmed.tokenizer_json, unseen)
    assert len(cut) > len(tokens(content, unseen))
    assert "".join(cut[1:-1]).replace("##", "").strip("▁") == unseen


@pytest.mark.parametrize("tied", [True, False])
def test_a_masked_language_model_keeps_its_head(toy, tied):
    _, folder, content, _, trimmed = toy
    whole = AutoModelForMaskedLM.from_pretrained(folder, tie_word_embeddings=tied).eval()
    with torch.no_grad():
        for parameter in whole.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    smaller = take_rows(whole, trimmed.kept)
    expected = logits(whole, content, TEXTS[0])[..., trimmed.kept]
    found = logits(smaller, trimmed.tokenizer_json, TEXTS[0])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    shared = smaller.get_output_embeddings().weight is smaller.get_input_embeddings().weight
    assert shared == tied


def test_the_text_of_further_languages_is_kept(toy, tmp_path):
    _, _, content, whole, trimmed = toy
    path = tmp_path / "more.txt"
    path.write_text(f"{WORDS[-2]}\n{WORDS[-1]}\n", encoding="utf-8")
    wanted = VocabularyBlock(trim=True, keep_languages_text=str(path))
    more = trim_vocabulary(whole, content, TEXTS, wanted)
    assert set(trimmed.kept) < set(more.kept)
    assert tokens(more.tokenizer_json, WORDS[-2]) == tokens(content, WORDS[-2])


def test_rare_pieces_go_with_min_count(toy):
    _, _, content, whole, trimmed = toy
    fewer = trim_vocabulary(whole, content, TEXTS, VocabularyBlock(trim=True, min_count=100))
    assert set(fewer.kept) < set(trimmed.kept)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_text_file_that_cannot_be_read_is_named(toy, tmp_path, content):
    path = tmp_path / "more.txt"
    if content is not None:
        path.write_bytes(content)
    _, _, tokenizer, whole, _ = toy
    wanted = VocabularyBlock(trim=True, keep_languages_text=str(path))
    with pytest.raises(InputError, match=r"more\.txt.*keep_languages_text"):
        trim_vocabulary(whole, tokenizer, TEXTS, wanted)


def test_a_trimmed_run_learns_and_says_what_it_kept(tmp_path):
    folder = FOLDERS["xlm_roberta"](tmp_path / "base")
    wanted = block(base=str(folder), vocabulary={"trim": True}, epochs=8)
    data = toy_data(96, 1), toy_data(40, 2)
    result = finetune(wanted, TOKENIZER, *data, TARGETS, tmp_path / "run", 0)
    assert result.validation_average_precision > 0.9
    sizes = result.base_model["vocabulary"]
    assert sizes["after"] < sizes["before"]
    assert EncoderTokenizer(result.tokenizer_json).vocab_size == sizes["after"]
    assert result.model.config.vocab_size == sizes["after"]


def test_changed_text_is_another_run(tmp_path):
    folder, path = FOLDERS["bert"](tmp_path / "base"), tmp_path / "more.txt"
    data = toy_data(32, 1), toy_data(40, 2)
    vocabulary = {"trim": True, "keep_languages_text": str(path)}
    wanted = block(base=str(folder), vocabulary=vocabulary, epochs=2)

    path.write_text("harbour")
    with pytest.raises(KeyboardInterrupt):
        finetune(wanted, TOKENIZER, *data, TARGETS, tmp_path / "run", 0, callbacks=[StopAt(3)])
    path.write_text("market")
    with pytest.raises(UsageError, match="vocabulary file was"):
        finetune(wanted, TOKENIZER, *data, TARGETS, tmp_path / "run", 0)


# --- tokenizers of other shapes


def control_at_the_end(processor) -> tuple[ModernBertForMaskedLM, bytes]:
    """ModernBERT's own way: control tokens behind the vocabulary, padding at a high id."""
    raw = json.loads(gemma_tokenizer().to_str())
    raw["added_tokens"] = []
    raw["post_processor"] = None
    tokenizer = Tokenizer.from_str(json.dumps(raw))
    tokenizer.add_special_tokens(["[CLS]", "[SEP]", "[PAD]"])
    ids = [tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]", "[PAD]")]
    tokenizer.post_processor = processor(ids)
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=32, max_position_embeddings=32,
        pad_token_id=ids[2], bos_token_id=ids[0], eos_token_id=ids[1],
        cls_token_id=ids[0], sep_token_id=ids[1],
    )  # fmt: skip
    return ModernBertForMaskedLM(config).eval(), tokenizer.to_str().encode()


def template(ids):
    return processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", ids[0]), ("[SEP]", ids[1])]
    )


@pytest.mark.parametrize(
    "processor",
    [
        template,
        lambda ids: processors.BertProcessing(("[SEP]", ids[1]), ("[CLS]", ids[0])),
        lambda ids: processors.RobertaProcessing(("[SEP]", ids[1]), ("[CLS]", ids[0])),
        lambda ids: processors.Sequence([processors.ByteLevel(), template(ids)]),
    ],
    ids=["template", "bert", "roberta", "sequence"],
)
def test_control_ids_behind_the_vocabulary_move_with_it(processor):
    model, content = control_at_the_end(processor)
    trimmed = trim_vocabulary(model, content, TEXTS, TRIM)
    n = trimmed.n_after
    assert n < trimmed.n_before
    tokenizer = EncoderTokenizer(trimmed.tokenizer_json)
    assert (tokenizer.prefix, tokenizer.suffix) == ([n - 3], [n - 2])
    config = trimmed.model.config
    assert (config.cls_token_id, config.sep_token_id, config.pad_token_id) == (n - 3, n - 2, n - 1)
    assert trimmed.model.get_input_embeddings().padding_idx == n - 1
    expected = logits(model, content, TEXTS[0])[..., trimmed.kept]
    found = logits(trimmed.model, trimmed.tokenizer_json, TEXTS[0])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_merges_written_as_strings_are_read():
    model, content = control_at_the_end(template)
    raw = json.loads(content)
    raw["model"]["merges"] = [" ".join(pair) for pair in raw["model"]["merges"]]
    pairs = trim_vocabulary(model, content, TEXTS, TRIM)
    assert trim_vocabulary(model, json.dumps(raw).encode(), TEXTS, TRIM).kept == pairs.kept


def test_a_tokenizer_of_an_unknown_kind_is_refused(toy):
    whole = toy[3]
    tokenizer = Tokenizer(models.WordLevel({"harbour": 0, "<unk>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(InputError, match="type WordLevel is not known here"):
        trim_vocabulary(whole, tokenizer.to_str().encode(), TEXTS, TRIM)


def test_ids_with_gaps_are_refused(toy):
    _, _, content, whole, _ = toy
    raw = json.loads(content)
    raw["added_tokens"][-1]["id"] = 10_000
    with pytest.raises(InputError, match="gaps"):
        trim_vocabulary(whole, json.dumps(raw).encode(), TEXTS, TRIM)


def test_the_recipe_trims(tmp_path):
    folder = FOLDERS["bert"](tmp_path / "base")
    made = build_encoder(
        block(base=str(folder), vocabulary={"trim": True}), TOKENIZER, TEXTS, TARGETS, tmp_path, 0
    )
    assert made.model.config.vocab_size == made.about["vocabulary"]["after"]
    assert made.about["n_parameters"] == sum(p.numel() for p in made.model.parameters())
