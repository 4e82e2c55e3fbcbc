"""Token ids on disk, and which of them are masked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from adrisk.errors import InputError
from adrisk.score.encoder import EncoderTokenizer
from adrisk.train.masked_tokens import (
    IGNORED,
    MaskedCollator,
    MaskedRows,
    Masking,
    Windows,
    masking,
)
from adrisk.train.tokenizer import train_tokenizer
from tests.train.encoder_toys import TOKENIZER, toy_data, unigram_tokenizer

TEXTS = [*toy_data(40, 1).texts, " ".join(toy_data(40, 2).texts)]


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer(TEXTS, TOKENIZER, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def windows(content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("windows")
    return Windows(folder, "train").write(iter(TEXTS), EncoderTokenizer(content), 16)


def test_no_token_of_a_long_text_is_lost(content, windows):
    tokenizer = EncoderTokenizer(content)
    whole = [text.ids[1:-1] for text in tokenizer.encode(TEXTS, 10_000)]
    rows = [windows[i] for i in range(len(windows))]
    np.testing.assert_array_equal(
        np.concatenate(whole), np.concatenate([row[1:-1] for row in rows])
    )
    assert max(map(len, rows)) == 16
    assert {(row[0], row[-1]) for row in rows} == {(tokenizer.prefix[0], tokenizer.suffix[0])}
    assert windows.lengths.tolist() == [len(row) for row in rows]
    assert windows.n_tokens == sum(map(len, rows))


def test_windows_are_read_through_a_memory_map(windows):
    assert isinstance(windows._ids, np.memmap)


def test_no_text_gives_no_rows(content, tmp_path):
    assert len(Windows(tmp_path, "train").write([], EncoderTokenizer(content), 16)) == 0
    assert len(Windows(tmp_path, "missing")) == 0


MASK = Masking(0.15, mask_token=4, vocab_size=300, n_prefix=1, n_suffix=1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(5, 299), min_size=1, max_size=60), st.integers(0, 99))
def test_masking_keeps_what_it_does_not_predict(text, seed):
    ids = np.array([2, *text, 3], dtype=np.int32)
    masked, labels = MASK(ids, np.random.default_rng(seed))
    predicted = labels != IGNORED
    assert predicted.any() and not predicted[[0, -1]].any()
    np.testing.assert_array_equal(masked[~predicted], ids[~predicted])
    np.testing.assert_array_equal(labels[predicted], ids[predicted])


def test_the_shares_are_those_of_bert():
    ids = np.array([2, *[7] * 20_000, 3], dtype=np.int32)
    masked, labels = MASK(ids, np.random.default_rng(0))
    predicted = labels != IGNORED
    found = masked[predicted]
    assert predicted.mean() == pytest.approx(0.15, abs=0.01)
    assert (found == 4).mean() == pytest.approx(0.8, abs=0.03)
    assert (found == 7).mean() == pytest.approx(0.1, abs=0.02)
    assert found.max() < 300


def test_masks_follow_from_seed_epoch_and_row_alone(content, windows):
    def rows(seed, epoch):
        mask = masking(content, 0.15, None)
        return [row["input_ids"].tolist() for row in MaskedRows(windows, mask, seed, lambda: epoch)]

    assert rows(0, 0) == rows(0, 0)
    assert rows(0, 0) != rows(0, 1) and rows(0, 0) != rows(1, 0)


def test_a_filling_row_predicts_nothing(content, windows):
    rows = MaskedRows(windows, masking(content, 0.15, None), 0)
    assert (rows[len(rows)]["labels"] == IGNORED).all()


def test_a_batch_is_padded_to_its_longest_row():
    row = {"input_ids": np.array([2, 9, 3]), "labels": np.array([IGNORED, 9, IGNORED])}
    short = {"input_ids": np.array([2, 3]), "labels": np.array([IGNORED, IGNORED])}
    batch = MaskedCollator(1)([row, short])
    assert batch["input_ids"].tolist() == [[2, 9, 3], [2, 3, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch["labels"][1].tolist() == [IGNORED] * 3


def test_the_mask_token_of_each_kind_of_tokenizer(content):
    assert masking(content, 0.15, None).mask_token == 4
    unigram = unigram_tokenizer()
    found = masking(unigram.to_str().encode(), 0.15, None)
    assert found.mask_token == unigram.token_to_id("<mask>")


def test_a_tokenizer_without_a_mask_token_is_refused(content):
    raw = Tokenizer.from_buffer(content).to_str().replace("[MASK]", "[GAP]")
    with pytest.raises(InputError, match="a-base: its tokenizer has no mask token"):
        masking(raw.encode(), 0.15, "a-base")
