from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer

from adrisk.errors import RecipeError
from adrisk.text.model_input import TextSettings, model_input
from adrisk.train.linear import _soft_rows, train_linear
from adrisk.train.recipe import LinearBlock, TokenizerBlock
from adrisk.train.tokenizer import train_tokenizer

BLOCK = LinearBlock(n_buckets=4096, C=(0.01, 10.0), min_df=1)


def inputs(texts):
    return [model_input(text, TextSettings()) for text in texts]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    texts = ["red apple pie", "blue sky and sea", "green field, red barn"] * 5
    train_tokenizer(texts, TokenizerBlock(vocab_size=300), path)
    return Tokenizer.from_file(str(path))


def toy(n=60):
    texts = [("red apple" if i % 2 else "blue sky") + f" {i}" for i in range(n)]
    return inputs(texts), np.array([[float(i % 2)] for i in range(n)], dtype=np.float32)


def test_learns_and_keeps_the_C_that_does_best(tokenizer):
    result = train_linear(BLOCK, tokenizer, toy(), toy(20), seed=0)
    logits = result.model.logits(inputs(["a red apple", "the blue sky"]))
    assert logits[0, 0] > 0 > logits[1, 0]
    assert [entry["C"] for entry in result.history] == [0.01, 10.0]
    assert result.validation_average_precision == 1.0


def test_same_seed_same_weights(tokenizer):
    first, second = (train_linear(BLOCK, tokenizer, toy(), toy(20), seed=3) for _ in range(2))
    assert first.weights.to_bytes() == second.weights.to_bytes()


def test_unknown_labels_are_not_negatives(tokenizer):
    ads, y = toy()
    masked = y.copy()
    masked[1::4] = np.nan  # half of the positives become unknown
    cut = train_linear(BLOCK, tokenizer, (ads, masked), toy(20), seed=0)
    kept = np.flatnonzero(~np.isnan(masked[:, 0]))
    alone = train_linear(BLOCK, tokenizer, ([ads[i] for i in kept], masked[kept]), toy(20), seed=0)
    # The document frequencies differ a little; the labels used do not.
    probe = inputs(["red apple", "blue sky"])
    assert cut.model.logits(probe) == pytest.approx(alone.model.logits(probe), abs=0.5)


def test_soft_labels_become_weighted_copies():
    rows, y, weight = _soft_rows(np.array([1.0, 0.0, np.nan, 0.25]))
    assert list(rows) == [0, 3, 1, 3]
    assert list(y) == [1, 1, 0, 0]
    assert list(weight) == [1.0, 0.25, 1.0, 0.75]


def test_without_validation_labels_the_middle_C_is_taken(tokenizer, caplog):
    ads, y = toy(20)
    nothing = (ads, np.full_like(y, np.nan))
    block = BLOCK.model_copy(update={"C": (0.01, 1.0, 100.0)})
    result = train_linear(block, tokenizer, toy(), nothing, seed=0)
    middle = train_linear(block.model_copy(update={"C": (1.0,)}), tokenizer, toy(), nothing, seed=0)
    assert result.weights.to_bytes() == middle.weights.to_bytes()
    assert "middle C" in caplog.text


def test_a_min_df_that_nothing_reaches_is_named(tokenizer):
    block = BLOCK.model_copy(update={"min_df": 1000})
    with pytest.raises(RecipeError, match="min_df"):
        train_linear(block, tokenizer, toy(), toy(20), seed=0)


def test_rare_ngrams_get_no_weight(tokenizer):
    ads, y = toy()
    ads = [*ads, *inputs(["zzzqqq unseen elsewhere"])]
    block = BLOCK.model_copy(update={"min_df": 2, "token_ngrams": (1, 1), "char_ngrams": (6, 6)})
    result = train_linear(block, tokenizer, (ads, np.append(y, [[1.0]], axis=0)), toy(20), seed=0)
    used = result.weights.idf > 0
    assert not result.weights.weight[~used].any() and result.weights.weight[used].any()
