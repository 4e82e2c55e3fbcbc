"""Fine-tuning offline: the embedded encoder and local folders made here."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import TrainerCallback

from adrisk.errors import AdriskError, InputError, UsageError
from adrisk.score.encoder import EncoderTokenizer
from adrisk.train import checkpoints
from adrisk.train.batches import Collator, MaskedLoss
from adrisk.train.encoder_model import build_encoder
from adrisk.train.finetune import EncoderData, _validation_metrics, finetune
from adrisk.train.recipe import load_recipe
from tests.train.encoder_toys import (
    FOLDERS,
    RECIPES,
    TARGETS,
    TOKENIZER,
    StopAt,
    bert_folder,
    block,
    toy_data,
)

TRAIN, VALIDATION = toy_data(96, 1), toy_data(40, 2)
ROOT = Path(__file__).resolve().parents[2]


def run(work_dir, train=TRAIN, validation=VALIDATION, seed=0, resume=True, callbacks=(), **changes):
    return finetune(
        block(**changes), TOKENIZER, train, validation, TARGETS, work_dir, seed,
        resume=resume, callbacks=callbacks,
    )  # fmt: skip


def weights(result) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in result.model.parameters()])


class Steps(TrainerCallback):
    """Remembers which steps were trained."""

    def __init__(self):
        self.seen = []

    def on_step_begin(self, args, state, control, **kwargs):
        self.seen.append(state.global_step)


# --- the loss


def test_the_loss_equals_one_computed_by_hand():
    targets = np.array([[1, np.nan, 0.5], [0, 1, np.nan], [0, 0, np.nan]], dtype=np.float32)
    loss = MaskedLoss(targets, block(auxiliary_weight=0.5, max_class_weight=1.5))
    logits = torch.tensor([[0.3, -2.0, 1.0], [-1.0, 0.2, 4.0], [2.0, 0.7, -3.0]])
    p = 1 / (1 + np.exp(-logits.numpy().astype(float)))
    # risk: 1 positive, 2 negatives, so weight 2 capped at 1.5; the others are balanced
    risk = -(1.5 * np.log(p[0, 0]) + np.log(1 - p[1, 0]) + np.log(1 - p[2, 0])) / 3
    soft = -(0.5 * np.log(p[0, 2]) + 0.5 * np.log(1 - p[0, 2]))
    other = -(np.log(p[1, 1]) + np.log(1 - p[2, 1])) + soft
    expected = risk + 0.5 * other / 3  # three known labels of the other targets
    found = loss({"logits": logits}, torch.from_numpy(targets))
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_an_unknown_label_gives_no_gradient():
    targets = np.array([[1, np.nan], [0, 1], [np.nan, 0]], dtype=np.float32)
    logits = torch.zeros((3, 2), requires_grad=True)
    MaskedLoss(targets, block())({"logits": logits}, torch.from_numpy(targets)).backward()
    assert (logits.grad == 0).tolist() == np.isnan(targets).tolist()


def test_accumulated_parts_sum_to_the_whole_batch():
    loss = MaskedLoss(TRAIN.targets, block())
    labels = torch.from_numpy(TRAIN.targets[:12])
    logits = torch.randn((12, 3), generator=torch.Generator().manual_seed(0))
    parts = sum(
        loss({"logits": logits[i : i + 4]}, labels[i : i + 4], num_items_in_batch=labels.numel())
        for i in range(0, 12, 4)
    )
    assert parts.item() == pytest.approx(loss({"logits": logits}, labels).item(), rel=1e-5)


def test_without_class_weights_every_class_weighs_the_same():
    loss = MaskedLoss(TRAIN.targets, block(class_weights=False))
    assert loss.positive_weight.tolist() == [1.0, 1.0, 1.0]


def test_a_target_that_nobody_labelled_gives_no_loss():
    targets = np.array([[1, np.nan], [0, np.nan]], dtype=np.float32)
    loss = MaskedLoss(targets, block())({"logits": torch.zeros((2, 2))}, torch.from_numpy(targets))
    assert loss.item() == pytest.approx(np.log(2), rel=1e-5)


def test_a_batch_is_padded_to_its_longest_ad():
    def row(n):
        return {"input_ids": np.ones(n, np.int32), "labels": np.array([1, np.nan], np.float32)}

    batch = Collator(pad=7)([row(2), row(4)])
    assert batch["input_ids"].tolist() == [[1, 1, 7, 7], [1, 1, 1, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch["labels"].dtype == torch.float32


# --- training


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run(tmp_path_factory.mktemp("embedded"), epochs=6)


def test_the_embedded_encoder_learns_a_separable_task(result):
    losses = [entry["train_loss"] for entry in result.history]
    assert losses[-1] < 0.8 * losses[0]
    assert result.validation_average_precision > 0.95
    assert result.validation_average_precision == max(
        entry["validation_average_precision"] for entry in result.history
    )
    assert result.best_step in [entry["step"] for entry in result.history]


def test_the_result_is_a_classifier_on_the_cpu_with_named_targets(result):
    assert not result.model.training
    assert {p.dtype for p in result.model.parameters()} == {torch.float32}
    assert result.model.config.id2label == dict(enumerate(TARGETS))
    about = result.base_model
    assert (about["name"], about["architecture"]) == ("embedded", "BertForSequenceClassification")
    assert about["n_parameters"] == len(weights(result))


def test_nothing_goes_to_stdout(tmp_path, capsys):
    run(tmp_path, epochs=1)
    assert capsys.readouterr().out == ""


def test_the_same_seed_gives_the_same_weights(tmp_path):
    first, second, other = (
        run(tmp_path / name, seed=seed, epochs=1) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert torch.equal(weights(first), weights(second))
    assert first.tokenizer_json == second.tokenizer_json
    assert not torch.equal(weights(first), weights(other))


def test_training_stops_where_validation_no_longer_improves(tmp_path):
    still = {"peak": 1e-12}
    history = run(tmp_path, epochs=20, lr=still, early_stopping_patience=2).history
    assert len(history) == 3


def test_a_validation_part_of_one_class_takes_the_last_step(tmp_path, caplog):
    plain = EncoderData(VALIDATION.texts, np.zeros_like(VALIDATION.targets))
    with caplog.at_level(logging.WARNING):
        result = run(tmp_path, validation=plain, epochs=1)
    assert "both classes" in caplog.text
    assert np.isnan(result.validation_average_precision)
    assert result.best_step == 6


def test_fp16_storage_rounds_the_weights(tmp_path):
    rounded = weights(run(tmp_path, epochs=1, store_weights="fp16"))
    assert torch.equal(rounded, rounded.half().float())


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device has fp16")
def test_fp16_training_needs_a_gpu(tmp_path):
    with pytest.raises(UsageError, match="fp16 needs a GPU"):
        run(tmp_path, precision="fp16")


def test_a_diverged_run_is_an_error():
    class Prediction:
        predictions = np.array([[np.nan], [0.0]])
        label_ids = np.array([[1.0], [0.0]])

    with pytest.raises(AdriskError, match=r"lower encoder\.lr\.peak"):
        _validation_metrics(Prediction())


# --- interruption


def test_an_interrupted_run_goes_on_and_ends_as_an_unbroken_one(tmp_path):
    unbroken = run(tmp_path / "unbroken", gradient_accumulation=2)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", gradient_accumulation=2, callbacks=[StopAt(5)])
    steps = Steps()
    resumed = run(tmp_path / "broken", gradient_accumulation=2, callbacks=[steps])
    assert steps.seen[0] == 3, "the last checkpoint is that of the first epoch"
    assert torch.equal(weights(resumed), weights(unbroken))
    assert resumed.history == unbroken.history


def test_a_half_written_checkpoint_is_passed_over(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, callbacks=[StopAt(13)])
    found = Path(checkpoints.last(tmp_path))
    assert found.name == "checkpoint-12"
    (found / "trainer_state.json").unlink()
    steps = Steps()
    run(tmp_path, callbacks=[steps])
    assert steps.seen[0] == 6


@pytest.fixture
def interrupted(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, callbacks=[StopAt(7)])
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"epochs": 4}, r"encoder\.epochs was 3\.0, now 4\.0"),
        ({"seed": 1}, r"seed was 0, now 1"),
        ({"train": toy_data(96, 5)}, r"\(training ads\)"),
        ({"validation": toy_data(40, 5)}, r"\(validation ads\)"),
    ],
    ids=["recipe", "seed", "training ads", "validation ads"],
)
def test_checkpoints_of_another_run_are_refused(interrupted, changes, named):
    with pytest.raises(UsageError, match=named):
        run(interrupted, **changes)


def test_without_resume_the_checkpoints_are_dropped(interrupted):
    steps = Steps()
    run(interrupted, resume=False, epochs=1, callbacks=[steps])
    assert steps.seen[0] == 0


def test_a_moved_work_folder_is_refused(interrupted, tmp_path_factory):
    moved = tmp_path_factory.mktemp("moved") / "run"
    shutil.move(interrupted, moved)
    with pytest.raises(UsageError, match="folder was"):
        run(moved)


def test_no_ad_text_is_written_beside_the_checkpoints(interrupted):
    assert not any(word in (interrupted / "run.json").read_text() for word in ("passport", "farm"))


def test_a_finished_run_is_read_back(tmp_path):
    first = run(tmp_path, epochs=1)
    assert not (tmp_path / "checkpoints").exists()
    again = run(tmp_path, epochs=1, callbacks=[StopAt(0)])
    assert torch.equal(weights(first), weights(again))
    assert again.tokenizer_json == first.tokenizer_json
    assert (again.history, again.base_model) == (first.history, first.base_model)
    steps = Steps()
    run(tmp_path, epochs=2, callbacks=[steps])
    assert steps.seen, "other settings train anew"


# --- pretrained models from folders and the hub


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request, tmp_path_factory):
    return FOLDERS[request.param](tmp_path_factory.mktemp("base") / request.param)


@pytest.fixture
def broken(tmp_path):
    return bert_folder(tmp_path / "base")


def build(base, tmp_path, **changes):
    settings = block(base=str(base), **changes)
    return build_encoder(settings, TOKENIZER, TRAIN.texts, TARGETS, tmp_path, seed=0)


def test_a_local_folder_is_fine_tuned_offline(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    result = run(tmp_path, base=str(folder), epochs=8)
    assert result.validation_average_precision > 0.9
    assert result.base_model["name"] == folder.name, "no path of this machine"
    raw = json.loads(result.tokenizer_json)
    assert raw["truncation"] is None
    assert raw["padding"] is None


def test_the_tokenizer_of_a_folder_is_taken_as_it_is(folder, tmp_path):
    base = build(folder, tmp_path)
    file = Tokenizer.from_file(str(folder / "tokenizer.json"))
    file.no_truncation()
    file.no_padding()
    for text in (*TRAIN.texts[:5], "a", "ｃｏｏｋ ①"):
        ids = EncoderTokenizer(base.tokenizer_json).encode([text], 500)[0].ids.tolist()
        assert ids == file.encode(text).ids


def test_hostile_literals_reach_no_control_token(folder, tmp_path):
    tokenizer = EncoderTokenizer(build(folder, tmp_path).tokenizer_json)
    text = "[SEP] </s> [PAD] <s> <pad> <mask> [CLS] ＜/s＞ cook"
    encoded, plain = tokenizer.encode([text, "a cook"], 200)
    control = set(tokenizer.prefix + tokenizer.suffix)
    assert not control & set(encoded.ids[1:-1].tolist())
    assert plain.ids[-2] in encoded.ids


def test_pretrained_weights_are_kept(folder, tmp_path):
    from safetensors.numpy import load_file

    stored = load_file(folder / "model.safetensors")
    tables = ("word_embeddings.weight", "tok_embeddings.weight")
    name = next(key for key in stored if key.endswith(tables))
    found = build(folder, tmp_path).model.get_input_embeddings().weight.detach().numpy()
    np.testing.assert_array_equal(found, stored[name])


def test_a_hub_name_without_network_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="local folder") as error:
        build("example-owner/no-such-model", tmp_path)
    for hint in ("example-owner/no-such-model", "HF_HOME", "HF_HUB_OFFLINE=1"):
        assert hint in str(error.value)


def test_a_missing_folder_is_no_hub_name(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        build(tmp_path / "nothing", tmp_path)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("config.json", "no config.json"),
        ("model.safetensors", "no safetensors weights"),
        ("tokenizer.json", "no tokenizer"),
    ],
)
def test_an_incomplete_folder_is_refused(broken, tmp_path, file, reason):
    (broken / file).unlink()
    (broken / "pytorch_model.bin").write_bytes(b"never read")
    with pytest.raises(InputError, match=reason):
        build(broken, tmp_path)


def _edit(path: Path, **changes) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**raw, **changes}), encoding="utf-8")


@pytest.mark.parametrize("model_type", ["bert", "unheard_of"])
def test_remote_code_is_refused_and_never_run(broken, tmp_path, model_type):
    trap = tmp_path / "was_run"
    (broken / "code.py").write_text(f"open({str(trap)!r}, 'w')\nclass M: pass\n")
    auto_map = {"AutoConfig": "code.M", "AutoModelForSequenceClassification": "code.M"}
    _edit(broken / "config.json", auto_map=auto_map, model_type=model_type)
    with pytest.raises(InputError, match="never run"):
        build(broken, tmp_path)
    assert not trap.exists()


def test_an_unknown_architecture_is_refused(broken, tmp_path):
    _edit(broken / "config.json", model_type="unheard_of")
    with pytest.raises(InputError, match=r"no encoder that can be fine-tuned here.*xlm-roberta"):
        build(broken, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100], ids=["empty", "zeros"])
def test_damaged_weights_are_refused(broken, tmp_path, content):
    (broken / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="cannot be loaded as an encoder"):
        build(broken, tmp_path)


def test_weights_that_leave_the_encoder_random_are_refused(broken, tmp_path):
    _edit(broken / "config.json", num_hidden_layers=2)
    with pytest.raises(InputError, match=r"do not fit config\.json.*layer\.1"):
        build(broken, tmp_path)


def test_a_tokenizer_of_another_model_is_refused(broken, tmp_path):
    tokenizer = Tokenizer.from_file(str(broken / "tokenizer.json"))
    tokenizer.add_tokens([f"word{i}" for i in range(50)])
    tokenizer.save(str(broken / "tokenizer.json"))
    with pytest.raises(InputError, match="do not belong together"):
        build(broken, tmp_path)


def test_max_tokens_beyond_the_model_is_refused(folder, tmp_path):
    build(folder, tmp_path, max_tokens=32)
    with pytest.raises(UsageError, match="max_tokens is 33"):
        build(folder, tmp_path, max_tokens=33)


@pytest.mark.parametrize("name", ["encoder-small", *RECIPES])
def test_the_recipes_in_configs_hold_together(name):
    recipe = load_recipe(ROOT / "configs" / f"{name}.yaml")
    assert recipe.name == name
    assert recipe.models == ("encoder",)
