"""Training in two real processes: the figures of one, one writer, and no process left waiting."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from adrisk import pipeline
from adrisk.errors import UsageError
from adrisk.score.encoder import EncodedText
from adrisk.train import checkpoints, processes
from adrisk.train.batches import Collator, LengthGroupedOrder, MaskedLoss, Rows
from adrisk.train.finetune import _arguments
from adrisk.train.recipe import load_recipe
from tests.train import finetune_process
from tests.train.encoder_toys import TARGETS, TOKENIZER, bert_folder, block, toy_data

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A BERT without dropout, whose masks no two runs could share."""
    folder = bert_folder(tmp_path_factory.mktemp("base") / "bert")
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def two_processes(*arguments) -> list[subprocess.CompletedProcess]:
    """finetune_process twice, with the environment that a launcher gives, but nobody to end them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    together = {**ENVIRONMENT, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = [
        subprocess.Popen(
            [sys.executable, finetune_process.__file__, *map(str, arguments)],
            env={**together, "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2"},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]  # fmt: skip
    ended = []
    try:
        for process in running:
            out, err = process.communicate(timeout=120)
            ended.append(subprocess.CompletedProcess("", process.returncode, out, err))
    finally:
        for process in running:
            process.kill()
    return ended


def test_a_failed_process_ends_the_run_and_it_goes_on_as_an_unbroken_one(base, tmp_path):
    work = tmp_path / "two"
    main, helper = two_processes(base, work, 11)
    assert (main.returncode, helper.returncode) == (1, 1), main.stderr[-2000:] + helper.stderr
    assert "error: an error of the second process" in helper.stderr
    assert "another process of this training run has stopped" in main.stderr
    main, helper = two_processes(base, work)
    assert (main.returncode, helper.returncode) == (0, 0), main.stderr[-2000:] + helper.stderr
    assert main.stdout == helper.stdout == "first step: 9\n", "a checkpoint within the second epoch"
    alone = finetune_process.run(str(base), str(tmp_path / "one"), finetune_process.Fail(-1))
    shutil.move(work, tmp_path / "moved")
    together = json.loads((tmp_path / "moved" / "finished" / "figures.json").read_text())
    assert together["best_step"] == alone.best_step
    assert together["validation_average_precision"] == alone.validation_average_precision
    losses = [[entry["train_loss"] for entry in h] for h in (together["history"], alone.history)]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_two_processes_give_the_card_of_one_and_only_one_of_them_writes(base, dataset, tmp_path):
    encoder = {
        "base": str(base), "max_tokens": 24, "epochs": 3, "batch_size": 8, "lr": {"peak": 5e-3},
    }  # fmt: skip
    raw = {"name": "two", "models": ["linear", "encoder"], "encoder": encoder}
    raw |= {"tokenizer": {"vocab_size": 400}, "linear": {"n_buckets": 4096, "C": [1.0]}}
    recipe = tmp_path / "two.yaml"
    recipe.write_text(yaml.safe_dump(raw))
    dataset.save(tmp_path / "prepared")
    database = f"sqlite:///{tmp_path}/mlflow.db"
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes",
              "2", "--main_process_port", "0", "-m", "adrisk", "train"]  # fmt: skip
    paths = [recipe, tmp_path / "prepared", "-o", tmp_path / "two", "--work-dir", tmp_path / "work"]
    done = subprocess.run(
        [*launch, *map(str, paths)], cwd=tmp_path, text=True, capture_output=True, timeout=200,
        env={**ENVIRONMENT, "MLFLOW_TRACKING_URI": database},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("validation AP") == 1
    loaded = load_recipe(recipe)
    pipeline.train(loaded, dataset, tmp_path / "one", work_dir=tmp_path / "alone", tracking=False)
    cards = [
        (tmp_path / folder / "encoder" / "bundle" / "README.md").read_text().splitlines()
        for folder in ("work", "alone")
    ]
    here = [
        [line for line in card if "difference between the logits" not in line] for card in cards
    ]
    assert here[0] == here[1]

    import mlflow

    client = mlflow.MlflowClient(tracking_uri=database)
    experiment = client.get_experiment_by_name("adrisk")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 3, "a parent and one child a model"
    assert len(client.search_model_versions("name='adrisk'")) == 1
    assert any(run.data.metrics.get("weights.trained") for run in runs)


# --- the pieces


def order(n, epoch=0, seed=0, fill=True, batch_size=8):
    lengths = [1 + i % 7 for i in range(n)]
    return list(LengthGroupedOrder(lengths, batch_size, seed, lambda: epoch, fill=fill))


@pytest.mark.parametrize("n", [1, 7, 8, 41])
def test_an_epoch_reads_every_ad_once_and_fills_the_last_batch(n):
    found = order(n)
    assert sorted(found[:n]) == list(range(n))
    assert len(found) % 8 == 0
    assert len(found) - n < 8
    assert set(found[n:]) <= {n}
    assert order(n, fill=False) == found[:n]


def test_the_order_hangs_on_seed_and_epoch_alone():
    torch.manual_seed(1)
    first = order(41)
    torch.manual_seed(2)
    assert order(41) == first
    assert order(41, epoch=1) != first
    assert order(41, seed=1) != first


def test_a_filling_row_counts_nowhere():
    targets = np.array([[1, np.nan], [0, 1]], dtype=np.float32)
    rows = Rows([EncodedText(np.arange(4, dtype=np.int32), False)] * 2, targets, by_length=False)
    batch = Collator(0)([rows[0], rows[1], rows[2]])
    assert batch["input_ids"].shape == (3, 4)
    labels, loss = batch["labels"], MaskedLoss(targets, block())
    logits = torch.zeros((3, 2), requires_grad=True)
    cells = labels.ne(-100).sum()
    assert cells == 4, "Trainer counts the cells of real ads only"
    value = loss({"logits": logits}, labels, num_items_in_batch=cells)
    expected = loss({"logits": logits[:2]}, labels[:2], num_items_in_batch=cells)
    assert value.item() == pytest.approx(expected.item())
    value.backward()
    assert (logits.grad[2] == 0).all()


def test_a_batch_that_processes_cannot_share_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UsageError, match="batch_size is 16: it must be a multiple of the 3"):
        _arguments(block(), 100, True, tmp_path, 0)


def test_another_number_of_processes_is_another_run(tmp_path, monkeypatch):
    data = (toy_data(8, 1), toy_data(8, 2))
    one = checkpoints.identity(tmp_path, block(), TOKENIZER, data, TARGETS, 0)
    monkeypatch.setenv("WORLD_SIZE", "2")
    two = checkpoints.identity(tmp_path, block(), TOKENIZER, data, TARGETS, 0)
    assert {key for key in one if one[key] != two[key]} == {"processes"}


def test_accelerate_launch_cpu_that_starts_one_process_is_told(monkeypatch, caplog):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_PORT", "29500")
    with caplog.at_level(logging.WARNING):
        processes.warn_if_alone()
    assert "--multi_gpu --num_processes" in caplog.text
    caplog.clear()
    monkeypatch.setenv("WORLD_SIZE", "2")
    processes.warn_if_alone()
    assert not caplog.text
