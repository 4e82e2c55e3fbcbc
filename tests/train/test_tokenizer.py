from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from adrisk.errors import InputError
from adrisk.score.encoder import EncoderTokenizer
from adrisk.text.redact import PLACEHOLDERS
from adrisk.train.recipe import TokenizerBlock
from adrisk.train.tokenizer import train_tokenizer

TEXTS = [
    "Cook wanted, contract from May, 38 hours a week. [PHONE]",
    "Waiter wanted, contract from June, 18h a week, 18h. [EMAIL]",
    "Требуется водитель, график два через два.",
    "工厂招聘普工，包吃住，工资月结。",
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer(TEXTS * 3, TokenizerBlock(vocab_size=450), path)
    return path


@pytest.fixture(scope="module")
def tokenizer(path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    return tokenizer


def test_the_file_carries_no_truncation_and_no_padding(path):
    raw = json.loads(path.read_text(encoding="utf-8"))
    assert raw["truncation"] is None
    assert raw["padding"] is None
    assert raw["model"]["type"] == "BPE"


def test_vocab_size_is_a_ceiling(tokenizer):
    assert tokenizer.get_vocab_size(with_added_tokens=True) <= 450


def test_padding_is_id_0_and_the_frame_is_cls_and_sep(path):
    tokenizer = EncoderTokenizer(path.read_bytes())
    assert (tokenizer.prefix, tokenizer.suffix) == ([2], [3])


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_a_placeholder_is_one_token_in_any_surrounding(tokenizer, name):
    number = tokenizer.token_to_id(name)
    for text in (name, f"call {name} now", f"call{name}!"):
        assert tokenizer.encode(text).ids.count(number) == 1


def test_a_placeholder_in_lower_case_is_plain_text(tokenizer):
    assert tokenizer.token_to_id("[PHONE]") not in tokenizer.encode("[phone]").ids


@pytest.mark.parametrize("literal", ["[SEP]", "[PAD]", "</s>", "<0x41>", "[MASK] [CLS]"])
def test_control_tokens_written_in_a_text_stay_text(tokenizer, literal):
    encoding = tokenizer.encode(f"cook {literal} wanted", add_special_tokens=False)
    assert not {0, 1, 2, 3, 4} & set(encoding.ids)
    assert tokenizer.decode(encoding.ids).split() == f"cook {literal} wanted".lower().split()


def test_no_learned_piece_mixes_digits_and_letters(tokenizer):
    pieces = [piece for piece in tokenizer.get_vocab() if not piece.startswith("<0x")]
    assert "18" in pieces
    for piece in pieces:
        assert not (any(map(str.isdigit, piece)) and any(map(str.isalpha, piece))), piece


@given(
    st.text(
        st.characters(categories=("L", "M", "N", "P", "S", "Zs"), exclude_characters="▁"),
        max_size=60,
    )
)
@settings(deadline=None, max_examples=150)
def test_nothing_of_a_text_is_lost(tokenizer, text):
    assume(not any(name in text for name in PLACEHOLDERS))
    encoding = tokenizer.encode(text, add_special_tokens=False)
    assert 1 not in encoding.ids
    expected = "".join(tokenizer.normalizer.normalize_str(text).split())
    assert "".join(tokenizer.decode(encoding.ids).split()) == expected


def test_lowercase_is_optional(tmp_path):
    path = tmp_path / "tokenizer.json"
    train_tokenizer(TEXTS, TokenizerBlock(vocab_size=400, lowercase=False), path)
    tokenizer = Tokenizer.from_file(str(path))
    assert tokenizer.encode("Cook").ids != tokenizer.encode("cook").ids


def test_the_same_texts_give_the_same_file_in_another_process(path, tmp_path):
    other = tmp_path / "again" / "tokenizer.json"
    code = (
        "import sys, json; from pathlib import Path\n"
        "from adrisk.train.recipe import TokenizerBlock\n"
        "from adrisk.train.tokenizer import train_tokenizer\n"
        "texts = json.loads(sys.argv[1])\n"
        "train_tokenizer(texts, TokenizerBlock(vocab_size=450), Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", code, json.dumps(TEXTS * 3), str(other)], check=True)
    assert other.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_no_text_is_an_error(texts, tmp_path):
    with pytest.raises(InputError, match="training part is empty"):
        train_tokenizer(texts, TokenizerBlock(), tmp_path / "tokenizer.json")
