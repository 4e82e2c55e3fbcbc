"""Export: ONNX Runtime scores as torch does, for any batch, length and number of threads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from adrisk.evaluate.parity import torch_onnx_parity
from adrisk.score.encoder import EncodedText, EncoderTokenizer, OnnxEncoder
from adrisk.train.encoder_model import build_encoder
from adrisk.train.export import export_onnx
from tests.train.encoder_toys import FOLDERS, TARGETS, TOKENIZER, block, toy_data

MAX_TOKENS = 24


def _exported(kind: str, folder) -> tuple[torch.nn.Module, bytes, bytes]:
    base = None if kind == "embedded" else str(FOLDERS[kind](folder / kind))
    settings = block(base=base, max_tokens=MAX_TOKENS)
    made = build_encoder(settings, TOKENIZER, toy_data(30, 0).texts, TARGETS, folder, seed=0)
    with torch.no_grad():  # weights large enough for a wrong mask or position to show
        for parameter in made.model.parameters():
            parameter.mul_(5.0).copy_(parameter.half().float())
    path = folder / "out" / "model.onnx"
    export_onnx(made.model, path, MAX_TOKENS)
    return made.model, path.read_bytes(), made.tokenizer_json


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    return _exported("embedded", tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="module", params=["embedded", *FOLDERS])
def exported(request, tmp_path_factory, embedded):
    if request.param == "embedded":
        return embedded
    return _exported(request.param, tmp_path_factory.mktemp("export"))


def _random(lengths, vocab_size, seed=0) -> list[EncodedText]:
    rng = np.random.default_rng(seed)
    return [EncodedText(rng.integers(5, vocab_size, n).astype(np.int32), False) for n in lengths]


def test_parity_with_torch(exported):
    model, content, tokenizer = exported
    report = torch_onnx_parity(
        model, OnnxEncoder(content), EncoderTokenizer(tokenizer), MAX_TOKENS, 1e-4
    )
    assert report.passed, report
    assert report.longest == MAX_TOKENS


def test_every_batch_size_and_length_works(exported):
    model, content, tokenizer = exported
    vocab_size = EncoderTokenizer(tokenizer).vocab_size
    onnx_encoder = OnnxEncoder(content, token_budget=10_000)
    for n_ads in range(1, 6):
        for length in (1, 2, 3, 16, 17, MAX_TOKENS):
            encoded = _random([length] * n_ads, vocab_size, seed=length)
            ids = torch.tensor(np.stack([e.ids for e in encoded]), dtype=torch.int64)
            with torch.no_grad():
                expected = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
            np.testing.assert_allclose(onnx_encoder.logits(encoded), expected.numpy(), atol=1e-4)


def test_a_score_depends_neither_on_neighbours_nor_order_nor_threads(exported):
    _, content, tokenizer = exported
    lengths = [1, MAX_TOKENS, 5, 2, 17, 9, 3, MAX_TOKENS, 12, 7]
    encoded = _random(lengths, EncoderTokenizer(tokenizer).vocab_size)
    alone = np.concatenate([OnnxEncoder(content, threads=1).logits([e]) for e in encoded])
    assert np.ptp(alone, axis=0).min() > 1e-3, "the ads must differ for this test to say anything"
    for threads in (1, 2):
        for budget in (1, 40, 10_000):
            model = OnnxEncoder(content, threads=threads, token_budget=budget)
            np.testing.assert_allclose(_sigmoid(model.logits(encoded)), _sigmoid(alone), atol=1e-6)
            turned = model.logits(encoded[::-1])[::-1]
            np.testing.assert_allclose(_sigmoid(turned), _sigmoid(alone), atol=1e-6)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))


def test_the_file_tells_nothing_of_this_machine(exported):
    _, content, _ = exported
    for trace in (b".py", b"site-packages", b"/home", b"/tmp", b"stack_trace", b"transformers"):
        assert trace not in content


def test_weights_that_fp16_holds_are_stored_in_half_the_space(embedded, tmp_path):
    model, content, _ = embedded
    n_bytes = sum(p.numel() * 4 for p in model.parameters() if p.numel() >= 1024)
    full = AutoModelForSequenceClassification.from_config(model.config)
    full.load_state_dict({name: tensor + 1e-5 for name, tensor in model.state_dict().items()})
    export_onnx(full, tmp_path / "full.onnx", MAX_TOKENS)
    saved = (tmp_path / "full.onnx").stat().st_size - len(content)
    assert saved > 0.4 * n_bytes


def test_the_exporter_is_silent_and_repeatable(embedded, capfd, tmp_path):
    model, content, _ = embedded
    export_onnx(model, tmp_path / "again.onnx", MAX_TOKENS)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert (tmp_path / "again.onnx").read_bytes() == content
