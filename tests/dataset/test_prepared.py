import dataclasses
import json
import random

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.dataset import prepared
from adrisk.dataset.prepared import PARTS, AdDataset
from adrisk.errors import InputError, OutputExistsError, UsageError

from .helpers import ads_dataset


def mixed(n=20):
    dataset = ads_dataset(n)
    rng = np.random.default_rng(0)
    dataset.targets[:, 5] = rng.choice([0.0, 0.5, 1.0, np.nan], n)
    dataset.risk_levels[::3] = 4.5
    return dataclasses.replace(
        dataset,
        parts=[PARTS[i % 4] for i in range(n)],
        sources=["board" if i % 2 else None for i in range(n)],
        texts=[f"{text}\nЖ 面包 \0 {i}" for i, text in enumerate(dataset.texts)],
        annotations=["[]"] * n,
        about={"seed": 3, "contact_key_id": "0011aabb"},
    )


def test_saved_and_loaded_again(tmp_path):
    dataset = mixed()
    dataset.save(tmp_path / "sub" / "prepared", files={"data_card.md": "# card\n"})
    loaded = AdDataset.load(tmp_path / "sub" / "prepared")
    for name in (*prepared._COLUMNS, "annotations", "about"):
        assert getattr(loaded, name) == getattr(dataset, name), name
    np.testing.assert_array_equal(loaded.targets, dataset.targets)
    np.testing.assert_array_equal(loaded.risk_levels, dataset.risk_levels)
    assert loaded.targets.dtype == loaded.risk_levels.dtype == np.float32
    assert (loaded.fingerprint, loaded.split_sha256) == (dataset.fingerprint, dataset.split_sha256)
    folder = tmp_path / "sub" / "prepared"
    assert (folder / ".gitignore").read_text() == "*\n"
    assert (folder / "data_card.md").read_text() == "# card\n"
    assert [path.name for path in folder.parent.iterdir()] == ["prepared"]


def test_unknown_is_null_on_disk(tmp_path):
    mixed().save(tmp_path / "p")
    table = pq.read_table(tmp_path / "p" / "ads.parquet")
    assert table.column("target_organ_offer").null_count == 20
    assert table.column("target_risk").null_count == 0


def test_parts_and_selections():
    dataset = mixed()
    parts = [dataset.part(name) for name in PARTS]
    assert sorted(i for part in parts for i in part.ids) == sorted(dataset.ids)
    assert set(dataset.part("test").parts) == {"test"}
    taken = dataset.take([3, 1, 1])
    assert taken.ids == ["ad-0003", "ad-0001", "ad-0001"]
    np.testing.assert_array_equal(taken.targets, dataset.targets[[3, 1, 1]])
    assert len(dataset.take([])) == 0
    with pytest.raises(UsageError, match="calibration"):
        dataset.part("dev")


def test_a_part_knows_the_split_it_came_from():
    dataset = mixed()
    assert dataset.part("test").split_sha256 == dataset.split_sha256
    turned = dataset.part("test").with_parts(["train"] * len(dataset.part("test")))
    assert turned.split_sha256 != dataset.split_sha256


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=12), st.data())
def test_the_split_hash_changes_with_an_assignment_and_with_nothing_else(parts, data):
    dataset = ads_dataset(len(parts)).with_parts(parts)
    other = data.draw(st.lists(st.sampled_from(PARTS), min_size=len(parts), max_size=len(parts)))
    assert (dataset.with_parts(other).split_sha256 == dataset.split_sha256) == (other == parts)
    order = data.draw(st.permutations(range(len(parts))))
    shuffled = dataclasses.replace(dataset.take(order))
    assert shuffled.split_sha256 == dataset.split_sha256
    relabelled = dataclasses.replace(dataset, targets=1 - dataset.targets)
    assert relabelled.split_sha256 == dataset.split_sha256


def test_ids_and_parts_cannot_run_into_each_other():
    one = dataclasses.replace(ads_dataset(2), ids=['a"', "b"])
    two = dataclasses.replace(ads_dataset(2), ids=["a", '"b'])
    assert one.split_sha256 != two.split_sha256


def test_the_fingerprint():
    dataset = mixed()
    order = random.Random(0).sample(range(20), 20)
    assert dataset.take(order).fingerprint == dataset.fingerprint
    assert dataset.with_parts(["test"] * 20).fingerprint == dataset.fingerprint
    other = dataset.targets.copy()
    other[4, 5] = 0.25
    assert dataclasses.replace(dataset, targets=other).fingerprint != dataset.fingerprint
    texts = [*dataset.texts[:-1], "another ad"]
    assert dataclasses.replace(dataset, texts=texts).fingerprint != dataset.fingerprint


def test_the_fingerprint_hashes_no_contact():
    phones = ["+1-202-555-0101", "+1-202-555-0102"]
    one, two = (
        dataclasses.replace(ads_dataset(1), texts=[f"Baker wanted, call {phone} now"])
        for phone in phones
    )
    assert one.fingerprint == two.fingerprint


def test_columns_of_different_length():
    dataset = ads_dataset(3)
    with pytest.raises(ValueError, match="languages"):
        dataclasses.replace(dataset, languages=["en"])
    with pytest.raises(ValueError, match="targets"):
        dataclasses.replace(dataset, targets=dataset.targets[:, :5])
    with pytest.raises(ValueError, match="annotations"):
        dataclasses.replace(dataset, annotations=["[]"])


def test_repeated_ids_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match="ids"):
        mixed().take([1, 1]).save(tmp_path / "p")


def test_an_existing_output_is_kept(tmp_path):
    mixed().save(tmp_path / "p")
    with pytest.raises(OutputExistsError):
        mixed(8).save(tmp_path / "p")
    assert len(AdDataset.load(tmp_path / "p")) == 20
    mixed(8).save(tmp_path / "p", overwrite=True)
    assert len(AdDataset.load(tmp_path / "p")) == 8


def test_overwrite_never_removes_what_it_did_not_write(tmp_path):
    mixed().save(tmp_path / "p")
    (tmp_path / "p" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        mixed(8).save(tmp_path / "p", overwrite=True)
    assert (tmp_path / "p" / "notes.txt").read_text() == "mine"
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="file"):
        mixed(8).save(tmp_path / "file", overwrite=True)


@pytest.mark.parametrize("existing", [False, True])
def test_a_crash_in_the_middle_leaves_no_half_folder(tmp_path, monkeypatch, existing):
    if existing:
        mixed().save(tmp_path / "p")

    def crash(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(prepared.pq, "write_table", crash)
    with pytest.raises(KeyboardInterrupt):
        mixed(8).save(tmp_path / "p", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == (["p"] if existing else [])
    if existing:
        assert len(AdDataset.load(tmp_path / "p")) == 20


def test_the_old_folder_comes_back_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    mixed().save(tmp_path / "p")
    rename = prepared.Path.replace

    def fail(self, target):
        if self.name.endswith(".tmp"):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(prepared.Path, "replace", fail)
    with pytest.raises(UsageError, match="Permission denied"):
        mixed(8).save(tmp_path / "p", overwrite=True)
    assert len(AdDataset.load(tmp_path / "p")) == 20


def test_an_unwritable_place(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot write"):
        mixed().save(tmp_path / "file" / "p")


@pytest.mark.parametrize("name", ["ads.parquet", "split.json"])
@pytest.mark.parametrize("damage", ["missing", "cut", "garbage"])
def test_damaged_folders_are_refused(tmp_path, name, damage):
    mixed().save(tmp_path / "p")
    path = tmp_path / "p" / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9] if damage == "cut" else b"\xff\x00[]")
    with pytest.raises(InputError, match="adrisk prepare"):
        AdDataset.load(tmp_path / "p")


@pytest.mark.parametrize("record", [[], {}, {"format": 99}, {"format": 1, "about": 3}])
def test_strange_split_files_are_refused(tmp_path, record):
    mixed().save(tmp_path / "p")
    (tmp_path / "p" / "split.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"split\.json"):
        AdDataset.load(tmp_path / "p")


def test_a_changed_assignment_is_refused(tmp_path):
    mixed().save(tmp_path / "p")
    path = tmp_path / "p" / "ads.parquet"
    table = pq.read_table(path)
    column = table.column("part").to_pylist()
    column[0] = "test"
    index = table.schema.get_field_index("part")
    pq.write_table(table.set_column(index, "part", [column]), path)
    with pytest.raises(InputError, match="frozen"):
        AdDataset.load(tmp_path / "p")
