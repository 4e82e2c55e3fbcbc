"""Which text an adaptation run reads, from recipe and prepared ads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adrisk.dataset.held_out import COPY, GROUP, NEAR
from adrisk.errors import UsageError
from adrisk.text.model_input import model_input
from adrisk.train import adapt_ads
from adrisk.train.fit import fit_model
from adrisk.train.recipe import Recipe
from tests.conftest import TINY_RECIPE, toy_dataset
from tests.dataset.helpers import write_jsonl
from tests.train.encoder_toys import StopAt

NEW = "violin teacher wanted in our music school beside the old mill"
ENCODER = {
    "small": {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32},
    "max_tokens": 32,
    "epochs": 1,
}


def recipe(**adapt) -> Recipe:
    settings = {"steps": 4, "batch_size": 8, "checkpoint_every": 2, **adapt}
    return Recipe.model_validate(
        {**TINY_RECIPE, "models": ["encoder"], "encoder": ENCODER, "adapt": settings}
    )


@pytest.fixture
def ads():
    """Toy ads whose groups do not cross parts."""
    data = toy_dataset(120)
    return replace(data, group_keys=[f"shop of {part}" for part in data.parts])


def parts(ads):
    test = ads.take(np.flatnonzero(np.asarray(ads.parts) != "train"))
    return ads.part("train"), test


@pytest.fixture
def unlabelled(ads, tmp_path):
    """A file with one new ad, and three that an adapted model must not have seen."""
    test = ads.part("test")
    rows = [
        {"text": NEW},
        {"text": test.texts[0]},
        {"text": test.texts[1].replace("number", "no.")},
        {"text": "bee keeper for the hives on the roof", "group_key": "shop of calibration"},
    ]
    return write_jsonl(tmp_path / "unlabelled.jsonl", rows)


def read(recipe, ads, monkeypatch):
    """The texts that a run would be adapted to, and the counts."""
    runs = []
    monkeypatch.setattr(adapt_ads, "adapt", lambda run, work_dir: runs.append(run))
    adapt_ads.adapt_encoder(recipe, *parts(ads), "work")
    source = runs[0].read()
    return list(source), source.left_out, runs[0]


def test_ads_of_other_parts_are_left_out_and_counted(ads, unlabelled, monkeypatch):
    texts, left_out, _ = read(recipe(texts=[str(unlabelled)]), ads, monkeypatch)
    assert texts == [NEW]
    assert left_out == {COPY: 1, NEAR: 1, GROUP: 1}


def test_no_ad_of_another_part_is_left_in_a_copy_of_the_whole_dataset(ads, tmp_path, monkeypatch):
    path = write_jsonl(tmp_path / "all.jsonl", [{"text": text} for text in ads.texts])
    texts, left_out, _ = read(recipe(texts=[str(path)]), ads, monkeypatch)
    seen = {model_input(t, recipe(texts=["x"]).text.settings()).text for t in parts(ads)[1].texts}
    assert not seen & set(texts)
    assert len(texts) + sum(left_out.values()) == len(ads)


def test_the_training_part_with_its_unlabelled_ads(ads, monkeypatch):
    ads.targets[:] = np.nan
    texts, _, run = read(recipe(use_training_part=True), ads, monkeypatch)
    train = parts(ads)[0]
    assert len(texts) == len(train) == len(run.training_texts)


def test_columns_and_text_settings_are_those_of_the_recipe(ads, tmp_path, monkeypatch):
    path = write_jsonl(
        tmp_path / "a.jsonl",
        [{"TEXT": f"<b>{NEW}</b>", "VENDOR": "a"}, {"TEXT": "x y z", "VENDOR": "shop of test"}],
    )
    changed = recipe(texts=[str(path)], text_columns=["TEXT"], group_key_column="VENDOR")
    changed = Recipe.model_validate({**changed.model_dump(), "text": {"clean": False}})
    texts, left_out, _ = read(changed, ads, monkeypatch)
    assert texts == [f"<b>{NEW}</b>"] and left_out == {GROUP: 1}


def test_a_data_set_of_the_hub_format(ads, tmp_path, monkeypatch):
    from datasets import Dataset

    Dataset.from_dict({"text": [NEW]}).save_to_disk(tmp_path / "saved")
    texts, _, run = read(recipe(texts=[f"hf:{tmp_path / 'saved'}"]), ads, monkeypatch)
    assert texts == [NEW]
    assert any(key.startswith("ads in hf:") for key in run.hashes)


def test_nothing_matches(ads):
    with pytest.raises(UsageError, match=r"adapt\.texts"):
        adapt_ads.adapt_encoder(recipe(texts=["no/such/*.csv"]), *parts(ads), "work")


def interrupt(run, work_dir, adapt=adapt_ads.adapt):
    return adapt(run, work_dir, callbacks=[StopAt(3)])


@pytest.mark.parametrize("what", ["text", "held-out ad"])
def test_checkpoints_over_other_text_are_refused(ads, unlabelled, tmp_path, monkeypatch, what):
    settings = recipe(texts=[str(unlabelled)], use_training_part=True)
    train, held_out = parts(ads)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(adapt_ads, "adapt", interrupt)
        adapt_ads.adapt_encoder(settings, train, held_out, tmp_path / "work")
    if what == "text":
        write_jsonl(unlabelled, [{"text": NEW}])
        named = rf"\(ads in {unlabelled}\)"
    else:
        held_out, named = held_out.take(range(5)), r"\(held-out ads\)"
    with pytest.raises(UsageError, match=named):
        adapt_ads.adapt_encoder(settings, train, held_out, tmp_path / "work")


def test_without_held_out_ads_nothing_is_adapted(ads, tmp_path):
    with pytest.raises(ValueError, match="held-out ads"):
        fit_model(
            "encoder", recipe(use_training_part=True), *(ads.part(n) for n in ("train", "validation")), tmp_path
        )  # fmt: skip
