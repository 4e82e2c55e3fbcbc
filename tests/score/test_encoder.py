"""Tokens and batches of the encoder, on a hand-made ONNX graph: no torch here."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from adrisk.errors import BundleError
from adrisk.score.encoder import EncodedText, EncoderTokenizer, OnnxEncoder, _batches

CONTROL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _vocabulary() -> dict[str, int]:
    pieces = [*CONTROL, *LETTERS, *(f"##{c}" for c in LETTERS), *"[]</>", *"0123456789"]
    return {piece: i for i, piece in enumerate(pieces)}


def wordpiece() -> bytes:
    """A WordPiece tokenizer that splits at blanks alone, so "[SEP]" could reach the vocabulary."""
    tokenizer = Tokenizer(models.WordPiece(_vocabulary(), unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(CONTROL)
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    return tokenizer.to_str().encode()


@pytest.fixture(scope="module")
def tokenizer() -> EncoderTokenizer:
    return EncoderTokenizer(wordpiece())


def test_control_tokens_come_from_the_post_processor(tokenizer):
    assert (tokenizer.prefix, tokenizer.suffix) == ([2], [3])
    (encoded,) = tokenizer.encode(["a b"], 16)
    assert encoded.ids.tolist() == [2, 4, 5, 3]
    assert not encoded.truncated


def test_a_tokenizer_without_control_tokens_adds_none():
    plain = Tokenizer(models.WordPiece(_vocabulary(), unk_token="[UNK]"))
    (encoded,) = EncoderTokenizer(plain.to_str().encode()).encode(["a"], 4)
    assert encoded.ids.tolist() == [4]


def test_stored_truncation_and_padding_are_ignored(tokenizer):
    short, long = tokenizer.encode(["a", "a b c d e f g"], 16)
    assert (len(short.ids), len(long.ids)) == (3, 9)


def test_an_empty_text_is_its_control_tokens(tokenizer):
    assert tokenizer.encode([""], 16)[0].ids.tolist() == [2, 3]
    assert tokenizer.encode([], 16) == []


@given(
    words=st.lists(st.sampled_from(LETTERS), max_size=40),
    max_tokens=st.integers(min_value=4, max_value=20),
)
@settings(deadline=None, max_examples=60)
def test_a_long_text_is_its_first_and_last_windows(words, max_tokens):
    tokenizer = EncoderTokenizer(wordpiece())
    text = " ".join(words)
    whole = tokenizer.encode([text], 1000)[0].ids.tolist()
    encoded = tokenizer.encode([text], max_tokens)[0]
    assert encoded.truncated == (len(whole) > max_tokens)
    if not encoded.truncated:
        assert encoded.ids.tolist() == whole
        return
    assert len(encoded.ids) == max_tokens
    last = (max_tokens - 2) // 2
    first = max_tokens - 2 - last
    expected = [2, *whole[1 : 1 + first], *whole[-1 - last : -1], 3]
    assert encoded.ids.tolist() == expected


@pytest.mark.parametrize("text", ["[SEP]", "a [SEP] b", "[PAD][CLS]", "[CLS] [CLS]"])
def test_control_tokens_written_in_an_ad_are_text(tokenizer, text):
    (encoded,) = tokenizer.encode([text], 32)
    inner = encoded.ids.tolist()[1:-1]
    assert inner, "the literal must leave some token"
    assert not {0, 2, 3} & set(inner)


def test_unknown_characters_are_kept_as_unknown(tokenizer):
    assert tokenizer.encode(["a \u0416 b"], 16)[0].ids.tolist() == [2, 4, 1, 5, 3]


def test_chunks_keep_the_order(tokenizer):
    texts = [" ".join(LETTERS[: 1 + i % 26]) for i in range(600)]
    assert [len(e.ids) for e in tokenizer.encode(texts, 64)] == [3 + i % 26 for i in range(600)]


def test_no_room_for_text_is_an_error(tokenizer):
    with pytest.raises(ValueError, match="max_tokens=3"):
        tokenizer.encode(["a"], 3)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[]", b'{"model": {}}'])
def test_content_that_is_no_tokenizer_is_an_error(content):
    with pytest.raises(ValueError, match=r"not a tokenizer\.json"):
        EncoderTokenizer(content)


def graph(n_targets: int = 3, *, token_types: bool = False, n_outputs: int = 1) -> bytes:
    """Mean of the embeddings of the unmasked places, as an ONNX file."""
    table = np.random.default_rng(0).normal(size=(200, n_targets)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["places"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["places", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["wide", "middle"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
    ]
    inputs = ["input_ids", "attention_mask"]
    if token_types:
        inputs.append("token_type_ids")
        nodes += [
            helper.make_node("Cast", ["token_type_ids"], ["types"], to=TensorProto.FLOAT),
            helper.make_node("ReduceSum", ["types", "middle"], ["extra"], keepdims=1),
            helper.make_node("Add", ["mean", "extra"], ["logits"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["mean"], ["logits"]))
    made = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"]) for n in inputs],
        [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", n_targets])
            for n in ("logits", "mean")[:n_outputs]
        ],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([-1]), "last"),
            numpy_helper.from_array(np.array([1]), "middle"),
        ],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _encoded(lengths: list[int], seed: int = 0) -> list[EncodedText]:
    rng = np.random.default_rng(seed)
    return [EncodedText(rng.integers(1, 200, n).astype(np.int32), False) for n in lengths]


def _expected(encoded: list[EncodedText]) -> np.ndarray:
    table = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    return np.stack([table[e.ids].mean(axis=0) for e in encoded])


@given(
    lengths=st.lists(st.integers(min_value=1, max_value=50), min_size=1, max_size=25),
    budget=st.integers(min_value=1, max_value=400),
)
@settings(deadline=None, max_examples=25)
def test_rows_come_back_in_order_whatever_the_batches(lengths, budget):
    encoded = _encoded(lengths)
    model = OnnxEncoder(graph(), threads=1, token_budget=budget)
    np.testing.assert_allclose(model.logits(encoded), _expected(encoded), atol=1e-5)


@given(
    lengths=st.lists(st.integers(min_value=1, max_value=300), max_size=60),
    budget=st.integers(min_value=1, max_value=1000),
)
@settings(deadline=None, max_examples=100)
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    batches = [rows.tolist() for rows in _batches(lengths, budget)]
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    for rows in batches:
        longest = max(lengths[row] for row in rows)
        assert len(rows) == 1 or len(rows) * longest <= budget


def test_token_types_are_fed_only_where_the_graph_has_them():
    encoded = _encoded([3, 5])
    logits = OnnxEncoder(graph(token_types=True)).logits(encoded)
    np.testing.assert_allclose(logits, _expected(encoded), atol=1e-5)


def test_no_ads_give_no_rows():
    assert OnnxEncoder(graph(n_targets=2)).logits([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot load"),
        (b"not a model", "cannot load"),
        (graph(n_outputs=2), "one matrix"),
        (graph().replace(b"input_ids", b"other_ids"), "inputs"),
    ],
    ids=["empty", "junk", "two outputs", "other input"],
)
def test_content_that_is_no_encoder_is_refused(content, reason):
    with pytest.raises(BundleError, match=reason):
        OnnxEncoder(content)


def test_the_module_loads_nothing_heavy():
    code = (
        "import sys, adrisk.score.encoder\n"
        "heavy = {'torch', 'transformers', 'onnxruntime', 'sklearn', 'mlflow', 'pandas'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_word_of_the_system_every_core_is_used(monkeypatch):
    from adrisk.score import encoder

    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    assert encoder._usable_cores() == 7
