"""Hub recipes on look-alikes, from the recipe file to a scored ad; and models that cannot be used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from adrisk import Scorer
from adrisk.errors import InputError, UsageError
from adrisk.pipeline import train
from adrisk.score.encoder import EncoderTokenizer
from adrisk.train.encoder_model import build_encoder
from adrisk.train.hub import ENCODERS
from adrisk.train.recipe import load_recipe
from tests.train.encoder_toys import (
    RECIPES,
    TARGETS,
    TOKENIZER,
    bert_folder,
    block,
    multilingual_minilm_folder,
    toy_data,
)

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
TEXTS = toy_data(20, 1).texts


def build(base, tmp_path, **changes):
    return build_encoder(block(base=str(base), **changes), TOKENIZER, TEXTS, TARGETS, tmp_path, 0)


# --- the recipes


@pytest.mark.parametrize("name", RECIPES)
def test_a_hub_recipe_from_its_file_to_a_scored_ad(name, dataset, tmp_path):
    folder = RECIPES[name](tmp_path / "base")
    sizes = ("encoder.max_tokens=24", "encoder.epochs=4", "encoder.lr.peak=5e-3")
    recipe = load_recipe(CONFIGS / f"{name}.yaml", (f"encoder.base={folder}", *sizes))
    outcome = train(recipe, dataset, tmp_path / "out", work_dir=tmp_path / "work", tracking=False)
    metrics = json.loads((outcome.bundle / "metrics.json").read_text())
    assert metrics["parity"]["passed"]
    assert metrics["parity"]["longest"] == 24
    scorer = Scorer.load(outcome.bundle)
    assert scorer.bundle.manifest["base_model"]["name"] == "base"
    logits = scorer.logits(dataset.part("test").texts)[:, 0]
    assert np.ptp(logits) > 0.01, "the ads must differ for the parity to say anything"


def test_the_tokenizer_class_of_the_recipe_is_honoured(tmp_path):
    folder = multilingual_minilm_folder(tmp_path / "base")
    made = build(folder, tmp_path, tokenizer_class="XLMRobertaTokenizer")
    tokenizer = EncoderTokenizer(made.tokenizer_json)
    pieces = sentencepiece.SentencePieceProcessor(str(folder / "sentencepiece.bpe.model"))
    # XLM-R keeps 0 to 3 for its own control pieces, so SentencePiece's ids move up by one
    for text in (*TEXTS[:5], "ｆａｒｍ ① bakery"):
        ids = tokenizer.encode([text], 500)[0].ids.tolist()
        assert ids == [0, *(number + 1 if number else 3 for number in pieces.encode(text)), 2]


def test_the_tokenizer_class_in_the_folder_is_honoured(tmp_path):
    folder = multilingual_minilm_folder(tmp_path / "base")
    named = build(folder, tmp_path, tokenizer_class="XLMRobertaTokenizer").tokenizer_json
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMRobertaTokenizer"}')
    assert build(folder, tmp_path).tokenizer_json == named


def test_a_tokenizer_of_the_wrong_class_is_refused(tmp_path):
    folder = multilingual_minilm_folder(tmp_path / "base")
    with pytest.raises(InputError, match=r"tokenizer_class=XLMRobertaTokenizer"):
        build(folder, tmp_path)


def test_an_unknown_tokenizer_class_is_refused(tmp_path):
    folder = multilingual_minilm_folder(tmp_path / "base")
    with pytest.raises(UsageError, match="transformers has no SuperTokenizer"):
        build(folder, tmp_path, tokenizer_class="SuperTokenizer")


def test_pooling_is_that_of_the_recipe(tmp_path):
    folder = RECIPES["mmbert-small"](tmp_path / "base")
    texts = EncoderTokenizer((folder / "tokenizer.json").read_bytes()).encode(TEXTS[:1], 24)
    ids = torch.from_numpy(texts[0].ids.astype(np.int64))[None]
    logits = {}
    for pooling in (None, "mean", "cls"):
        model = build(folder, tmp_path, pooling=pooling).model
        with torch.no_grad():
            logits[pooling] = model(input_ids=ids).logits
    assert torch.equal(logits[None], logits["mean"]), "the folder's own pooling is mean"
    assert not torch.allclose(logits["mean"], logits["cls"])


def test_pooling_that_the_head_does_not_do_is_refused(tmp_path):
    with pytest.raises(UsageError, match="the head of a bert model reads the first token"):
        build(bert_folder(tmp_path / "base"), tmp_path, pooling="mean")


@pytest.mark.parametrize("kind", ENCODERS)
def test_padding_does_not_move_a_logit(kind):
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    if kind == "distilbert":
        sizes = {"dim": 16, "hidden_dim": 32, "n_layers": 2, "n_heads": 2}
    config = AutoConfig.for_model(
        kind, vocab_size=60, intermediate_size=32, max_position_embeddings=34, num_labels=3,
        pad_token_id=1, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3, **sizes,
    )  # fmt: skip
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0)
        ids = torch.randint(5, 60, (2, 20))
        mask = torch.ones_like(ids)
        ids[1, 9:], mask[1, 9:] = 1, 0
        batch = model(input_ids=ids, attention_mask=mask).logits
        alone = model(input_ids=ids[1:, :9], attention_mask=mask[1:, :9]).logits
    torch.testing.assert_close(batch[1:], alone, atol=1e-5, rtol=0)


# --- by hub name, from a local cache


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An offline Hugging Face cache that holds example-owner/small-bert at a commit."""
    repo = tmp_path / "hub" / "models--example-owner--small-bert"
    commit = "0123456789abcdef0123456789abcdef01234567"
    bert_folder(repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return repo / "snapshots" / commit


def test_a_hub_name_is_found_in_the_cache_and_its_commit_recorded(cache, tmp_path):
    about = build("example-owner/small-bert", tmp_path).about
    assert (about["name"], about["revision"]) == ("example-owner/small-bert", cache.name)
    pinned = build("example-owner/small-bert", tmp_path, revision=cache.name)
    assert pinned.about["revision"] == cache.name


def test_an_unknown_revision_says_what_to_check(cache, tmp_path):
    with pytest.raises(UsageError, match="check the name and the revision"):
        build("example-owner/small-bert", tmp_path, revision="f" * 40)


def test_a_hub_model_without_safetensors_says_how_to_get_them(cache, tmp_path):
    (cache / "model.safetensors").rename(cache / "pytorch_model.bin")
    with pytest.raises(InputError) as error:
        build("example-owner/small-bert", tmp_path)
    for hint in ("example-owner/small-bert", "refs/pr/", "save_pretrained", "can run code"):
        assert hint in str(error.value)


def test_a_hub_model_without_a_tokenizer_says_so(cache, tmp_path):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (cache / name).unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"tokenizer"):
        build("example-owner/small-bert", tmp_path)


# --- folders that cannot be used


@pytest.mark.parametrize("changes", [
    {"model_type": "gpt2"}, {"model_type": "t5"}, {"is_decoder": True}, {"model_type": "llama"},
    {"is_encoder_decoder": True}, {"model_type": "nothing_known"}, {"model_type": None},
])  # fmt: skip
def test_an_unsupported_architecture_names_those_that_work(tmp_path, changes):
    folder = bert_folder(tmp_path / "base")
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**raw, **changes}))
    with pytest.raises(InputError) as error:
        build(folder, tmp_path)
    assert str(folder) in str(error.value)
    for kind in ENCODERS:
        assert kind in str(error.value)


def test_a_folder_without_safetensors_says_how_to_get_them(tmp_path):
    folder = bert_folder(tmp_path / "base")
    shutil.move(folder / "model.safetensors", folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"no safetensors weights.*refs/pr/.*save_pretrained"):
        build(folder, tmp_path)


def test_an_adapter_alone_is_no_base(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match=r"write its base as encoder\.base and this folder as"):
        build(tmp_path / "base", tmp_path)


def test_a_damaged_tokenizer_is_refused(tmp_path):
    folder = bert_folder(tmp_path / "base")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match="no tokenizer can be read"):
        build(folder, tmp_path)
