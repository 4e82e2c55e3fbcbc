"""Adaptation offline: the embedded encoder and local folders made here."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, PretrainedConfig

from adrisk.errors import AdriskError, InputError, UsageError
from adrisk.score.encoder import EncoderTokenizer
from adrisk.train import hub, masked_lm
from adrisk.train.adapt import Adaptation, adapt
from adrisk.train.encoder_model import build_encoder
from adrisk.train.masked_lm import PredictedOnly, masked_loss
from adrisk.train.recipe import AdaptBlock, TokenizerBlock
from tests.train.encoder_toys import (
    FOLDERS,
    TARGETS,
    TOKENIZER,
    StopAt,
    bert_folder,
    block,
    toy_data,
)
from tests.train.test_finetune import Steps

ROOT = Path(__file__).resolve().parents[2]
TRAINING = toy_data(40, 1).texts
TEXTS = toy_data(120, 3).texts


class Source:
    """Texts as dataset/unlabelled.py gives them out."""

    def __init__(self, texts=TEXTS):
        self._texts, self.rows, self.kept, self.left_out = texts, 0, 0, Counter()

    def __iter__(self):
        for text in self._texts:
            self.rows += 1
            self.kept += 1
            yield text


def adaptation(encoder=None, read=Source, hashes=None, seed=0, **changes) -> Adaptation:
    settings = {"use_training_part": True, "epochs": 1, "batch_size": 8, "checkpoint_every": 5}
    adapt_block = AdaptBlock.model_validate(
        {**settings, "held_out_share": 0.2, "lr": {"peak": 5e-3}, **changes}
    )
    return Adaptation(
        adapt_block, encoder or block(), TOKENIZER, read, TRAINING, hashes or {"ads": "1"}, seed
    )


def weights(adapted) -> dict[str, torch.Tensor]:
    return load_file(adapted.folder / "model.safetensors")


def same(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory):
    return adapt(adaptation(epochs=4), tmp_path_factory.mktemp("embedded"))


def test_the_loss_equals_one_computed_by_hand():
    logits = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    labels = torch.tensor([[0, 0]])
    expected = (np.log(1 + np.exp(-1)) + np.log(1 + np.exp(2))) / 2
    assert masked_loss({"logits": logits}, labels).item() == pytest.approx(expected, rel=1e-6)
    assert masked_loss({"logits": logits}, labels, 4).item() == pytest.approx(
        expected / 2, rel=1e-6
    )


def test_the_loss_on_held_out_text_falls(adapted):
    loss = adapted.figures["held_out_loss"]
    assert loss["after"] < 0.8 * loss["before"]
    first, last = (adapted.history[i] for i in (0, -1))
    assert (first["adapt_held_out_loss"], first["step"]) == (loss["before"], 0)
    assert (last["adapt_held_out_loss"], last["step"]) == (loss["after"], adapted.figures["steps"])
    losses = [entry["adapt_loss"] for entry in adapted.history if "adapt_loss" in entry]
    assert losses[-1] < losses[0]


def test_the_card_gets_what_was_read(adapted):
    figures = adapted.figures
    assert (figures["rows"], figures["kept"], figures["left_out"]) == (120, 120, {})
    assert figures["windows"] + figures["held_out_windows"] >= 120
    assert figures["tokens"] > figures["windows"] and figures["new_head"] is True
    assert adapted.base == {"name": "embedded", "revision": None}


def test_fine_tuning_starts_from_the_adapted_weights(adapted, tmp_path, caplog):
    settings = block(base=str(adapted.folder))
    base = build_encoder(settings, TOKENIZER, [], TARGETS, tmp_path, seed=0)
    saved = json.loads((adapted.folder / "tokenizer.json").read_bytes())
    assert json.loads(base.tokenizer_json) == saved
    ours = {n.removeprefix("bert."): t for n, t in base.model.state_dict().items()}
    for name, tensor in weights(adapted).items():
        if name.startswith("bert."):
            assert torch.equal(ours[name.removeprefix("bert.")], tensor), name
    assert base.model.config.num_labels == len(TARGETS)
    assert "num_labels" not in caplog.text, "the adapted config knows of no other classifier"


def test_the_folder_holds_safetensors_and_no_text(adapted):
    work_dir = adapted.folder.parents[1]
    found = {path.name for path in work_dir.rglob("*") if path.is_file()}
    assert found == {
        "run.json", "tokenizer.json", "figures.json", "config.json", "model.safetensors",
    }  # fmt: skip
    assert "passport" not in (work_dir / "run.json").read_text()


def test_nothing_goes_to_stdout(tmp_path, capsys):
    adapt(adaptation(epochs=1), tmp_path)
    assert capsys.readouterr().out == ""


def test_steps_count_in_place_of_epochs(tmp_path, monkeypatch):
    monkeypatch.setattr(masked_lm, "_LOGS", 1)
    adapted = adapt(adaptation(steps=5, max_tokens=16), tmp_path)
    assert adapted.figures["steps"] == 5 == adapted.history[-1]["step"]


def test_the_same_seed_gives_the_same_weights(tmp_path):
    first, second, other = (
        adapt(adaptation(steps=4, seed=seed), tmp_path / name)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert same(weights(first), weights(second)) and first.folder.name == second.folder.name
    assert first.figures == second.figures
    assert not same(weights(first), weights(other)) and first.folder.name != other.folder.name


@pytest.mark.parametrize("trains_tokenizer", [False, True])
def test_the_tokenizer_reads_the_adaptation_text_only_where_asked(tmp_path, trains_tokenizer):
    texts = [f"{text} zyzzyva" for text in TEXTS]
    run = adaptation(read=lambda: Source(texts), steps=1, trains_tokenizer=trains_tokenizer)
    adapted = adapt(replace(run, tokenizer=TokenizerBlock(vocab_size=400)), tmp_path)
    tokenizer = EncoderTokenizer((adapted.folder / "tokenizer.json").read_bytes())
    pieces = len(tokenizer.encode(["zyzzyva"], 64)[0].ids)
    assert (pieces == 3) is trains_tokenizer


# --- interruption


def test_an_interrupted_run_goes_on_and_ends_as_an_unbroken_one(tmp_path):
    settings = {"gradient_accumulation": 2, "epochs": 2}
    unbroken = adapt(adaptation(**settings), tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        adapt(adaptation(**settings), tmp_path / "broken", callbacks=[StopAt(22)])

    def again():
        raise AssertionError("the text was read already")

    steps = Steps()
    resumed = adapt(adaptation(**settings, read=again), tmp_path / "broken", callbacks=[steps])
    assert steps.seen[0] == 20
    assert unbroken.figures["steps"] / 2 < 20, "it stopped in the middle of its second epoch"
    assert same(weights(resumed), weights(unbroken))
    assert resumed.history == unbroken.history and resumed.figures == unbroken.figures


def test_a_run_that_was_killed_while_reading_reads_anew(tmp_path):
    class Killed(Source):
        def __iter__(self):
            yield TEXTS[0]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(adaptation(read=Killed), tmp_path)
    assert adapt(adaptation(steps=2), tmp_path).figures["rows"] == 120


@pytest.fixture
def interrupted(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        adapt(adaptation(), tmp_path, callbacks=[StopAt(7)])
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"mask_probability": 0.3}, r"adapt\.mask_probability was 0\.15, now 0\.3"),
        ({"seed": 1}, "seed was 0, now 1"),
        ({"hashes": {"ads": "2"}}, r"\(ads\)"),
        ({"encoder": block(max_tokens=32)}, r"encoder\.max_tokens was 24, now 32"),
    ],
    ids=["recipe", "seed", "ads", "encoder"],
)
def test_checkpoints_of_another_run_are_refused(interrupted, changes, named):
    with pytest.raises(UsageError, match=named):
        adapt(adaptation(**changes), interrupted)


def test_what_belongs_to_fine_tuning_refuses_nothing(interrupted):
    steps = Steps()
    adapt(adaptation(encoder=block(epochs=99)), interrupted, callbacks=[steps])
    assert steps.seen[0] == 5


def test_without_resume_the_checkpoints_are_dropped(interrupted):
    steps = Steps()
    adapt(adaptation(steps=2), interrupted, resume=False, callbacks=[steps])
    assert steps.seen[0] == 0


def test_a_finished_run_is_read_back_and_another_trains_anew(tmp_path):
    first = adapt(adaptation(steps=2), tmp_path)
    again = adapt(adaptation(steps=2), tmp_path, callbacks=[StopAt(0)])
    assert again == first
    steps = Steps()
    other = adapt(adaptation(steps=3), tmp_path, callbacks=[steps])
    assert steps.seen and other.folder != first.folder and not first.folder.exists()


# --- pretrained bases


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request, tmp_path_factory):
    return FOLDERS[request.param](tmp_path_factory.mktemp("base") / request.param)


def test_a_local_base_keeps_its_head_and_tokenizer(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    adapted = adapt(adaptation(encoder=block(base=str(folder)), epochs=3), tmp_path)
    assert adapted.base["name"] == folder.name, "no path of this machine"
    loss = adapted.figures["held_out_loss"]
    assert adapted.figures["new_head"] is False and loss["after"] < loss["before"]
    AutoModelForMaskedLM.from_pretrained(adapted.folder)
    base = build_encoder(block(base=str(adapted.folder)), TOKENIZER, [], TARGETS, tmp_path, 0)
    original = build_encoder(block(base=str(folder)), TOKENIZER, [], TARGETS, tmp_path, 0)
    assert base.tokenizer_json == original.tokenizer_json


def tiny_config(kind: str) -> PretrainedConfig:
    """Two layers of 16 units of any kind of encoder."""
    common = {"vocab_size": 60, "max_position_embeddings": 40}
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    sizes = {"hidden_size": 16, **layers}
    more = {
        "albert": {"embedding_size": 8},
        "electra": {"embedding_size": 8},
        "rembert": {"input_embedding_size": 16, "output_embedding_size": 24},
        "modernbert": dict.fromkeys(("pad_token_id", "cls_token_id", "sep_token_id"), 1),
    }
    if kind == "distilbert":
        sizes = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
    control = dict.fromkeys(("bos_token_id", "eos_token_id"), 2)
    return AutoConfig.for_model(kind, **common, **sizes, **control, **more.get(kind, {}))


@pytest.mark.parametrize("kind", hub.ENCODERS)
def test_the_head_reads_predicted_tokens_alone_and_says_the_same(kind):
    torch.manual_seed(0)
    model = AutoModelForMaskedLM.from_config(tiny_config(kind)).eval()
    ids, where = torch.randint(5, 60, (3, 12)), torch.rand((3, 12)) < 0.3
    with torch.no_grad():
        whole = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        with PredictedOnly(model) as predicted:
            predicted.where = where
            some = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
            predicted.where = torch.zeros_like(where)
            none = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        again = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    torch.testing.assert_close(some[0], whole[where])
    assert none.shape == (1, 0, whole.shape[2]) and torch.equal(again, whole)


def test_a_base_without_a_masked_language_head_gets_a_new_one_and_says_so(tmp_path, caplog):
    folder = bert_folder(tmp_path / "base")
    AutoModel.from_pretrained(folder).save_pretrained(folder)
    with caplog.at_level(logging.WARNING):
        adapted = adapt(adaptation(encoder=block(base=str(folder)), steps=1), tmp_path / "work")
    assert "no masked-language head" in caplog.text
    assert adapted.figures["new_head"] is True


def test_a_base_that_cannot_be_used_is_refused_before_anything_is_read(tmp_path):
    folder = bert_folder(tmp_path / "base")
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="no safetensors"):
        adapt(adaptation(encoder=block(base=str(folder)), read=None), tmp_path / "work")


# --- bad input


def test_no_text_left_is_refused_with_the_reasons(tmp_path):
    class Nothing(Source):
        def __iter__(self):
            self.rows, self.left_out = 3, Counter({"copy of a held-out ad": 3})
            return iter(())

    with pytest.raises(InputError, match=r"of 3 rows 0 are left \(3 copy of a held-out ad\)"):
        adapt(adaptation(read=Nothing), tmp_path)


def test_without_held_out_text_there_is_no_loss_to_show(tmp_path):
    adapted = adapt(adaptation(steps=2, held_out_share=0), tmp_path)
    assert adapted.figures["held_out_loss"] is None
    assert all("adapt_held_out_loss" not in entry for entry in adapted.history)


def test_a_diverged_run_is_an_error(tmp_path):
    with pytest.raises(AdriskError, match=r"lower adapt\.lr\.peak"):
        adapt(adaptation(steps=3, lr={"peak": 1e30, "warmup_fraction": 0}), tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device has fp16")
def test_fp16_training_needs_a_gpu(tmp_path):
    with pytest.raises(UsageError, match=r"adapt\.precision: fp16 needs a GPU"):
        adapt(adaptation(precision="fp16"), tmp_path)


def test_the_measured_rows_are_bounded(adapted, tmp_path, monkeypatch):
    monkeypatch.setattr(masked_lm, "MAX_MEASURED", 3)
    few, many = adapt(adaptation(steps=1), tmp_path).figures, adapted.figures
    assert few["held_out_loss"]["before"] != many["held_out_loss"]["before"]


def test_a_damaged_record_of_tokens_is_written_anew(interrupted):
    (interrupted / "tokens" / "read.json").write_text("{")
    adapted = adapt(adaptation(), interrupted)
    assert adapted.figures["rows"] == 120
    figures = json.loads((Path(adapted.folder).parent / "figures.json").read_text())
    assert figures["figures"] == adapted.figures


def test_the_run_says_nothing_of_its_texts():
    assert "passport" not in repr(replace(adaptation(), seed=1))


# --- several processes


def test_two_processes_adapt_as_one(tmp_path):
    from tests.train import adapt_process

    base = bert_folder(tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (base / "config.json").write_text(json.dumps(config))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
              adapt_process.__file__]  # fmt: skip
    done = subprocess.run(
        [*launch, str(base), str(tmp_path / "two")], text=True, capture_output=True, timeout=200,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = ((tmp_path / f"two.rank-{rank}").read_text() for rank in range(2))
    assert first == second
    alone = adapt_process.run(str(base), str(tmp_path / "one"))
    together = load_file(tmp_path / "two" / "finished" / first / "model.safetensors")
    for name, tensor in weights(alone).items():
        torch.testing.assert_close(together[name], tensor, rtol=1e-3, atol=1e-4)
