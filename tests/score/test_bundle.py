"""A bundle is exactly what its manifest says, byte for byte, or it is refused by name."""

from __future__ import annotations

import json

import pytest

from adrisk.errors import BundleError
from adrisk.score.bundle import MANIFEST, add_files, load_bundle, write_bundle

FILES = {"tokenizer.json": b'{"a": 1}', "linear.safetensors": b"weights", "README.md": b"card"}


@pytest.fixture
def folder(tmp_path):
    write_bundle(tmp_path / "b", {"kind": "linear"}, FILES, {"recipe": {"name": "x"}})
    return tmp_path / "b"


def test_round_trip(folder):
    bundle = load_bundle(folder)
    assert bundle.files == FILES
    assert bundle.scoring == {"kind": "linear"}
    assert len(bundle.bundle_sha256) == 64


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
@pytest.mark.parametrize("bit", [0, 5])
def test_every_flipped_byte_is_found_and_named(folder, name, bit):
    path = folder / name
    original = path.read_bytes()
    for position in range(0, len(original), max(1, len(original) // 40)):
        damaged = bytearray(original)
        damaged[position] ^= 1 << bit
        path.write_bytes(bytes(damaged))
        with pytest.raises(BundleError) as caught:
            load_bundle(folder)
        assert caught.value.exit_code == 4
        assert name in str(caught.value) or name == MANIFEST
    path.write_bytes(original)
    load_bundle(folder)


def test_missing_extra_linked_and_nested_files_are_refused(folder, tmp_path):
    (folder / "extra.bin").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"extra\.bin"):
        load_bundle(folder)
    (folder / "extra.bin").unlink()
    (folder / "sub").mkdir()
    with pytest.raises(BundleError, match="sub"):
        load_bundle(folder)
    (folder / "sub").rmdir()
    (folder / "README.md").rename(tmp_path / "moved.md")
    with pytest.raises(BundleError, match=r"README\.md.*not there"):
        load_bundle(folder)
    (folder / "README.md").symlink_to(tmp_path / "moved.md")
    with pytest.raises(BundleError, match=r"README\.md.*links"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["../outside", "a/b", "", ".hidden", MANIFEST])
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(BundleError):
        write_bundle(tmp_path / "b", {}, {name: b"x"}, {})


def test_a_manifest_that_lists_an_outside_file_is_refused(folder):
    from adrisk.score import bundle as module

    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["files"]["../secret"] = {"sha256": "0" * 64, "size": 1}
    module._write_manifest(folder, manifest)
    with pytest.raises(BundleError, match=r"\.\./secret"):
        load_bundle(folder)


def test_card_and_metrics_stand_outside_the_bundle_hash(folder):
    before = load_bundle(folder)
    after = add_files(before, {"README.md": b"new card", "metrics.json": b"{}"})
    assert after.bundle_sha256 == before.bundle_sha256
    assert after.files["README.md"] == b"new card"
    with pytest.raises(BundleError, match="weights"):
        add_files(after, {"linear.safetensors": b"other"})


def test_the_hash_follows_scoring_block_and_weights(tmp_path):
    def sha(scoring, files, about):
        return write_bundle(
            tmp_path / str(len(list(tmp_path.iterdir()))), scoring, files, about
        ).bundle_sha256

    base = sha({"k": 1}, FILES, {})
    assert sha({"k": 1}, FILES, {"recipe": 2}) == base
    assert sha({"k": 2}, FILES, {}) != base
    assert sha({"k": 1}, {**FILES, "linear.safetensors": b"w2"}, {}) != base


def test_a_newer_format_is_refused(folder):
    from adrisk.score import bundle as module

    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["format_version"] = 99
    module._write_manifest(folder, manifest)
    with pytest.raises(BundleError, match="format version 99"):
        load_bundle(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.pop("scoring"),
        lambda m: m.update(scoring=["linear"]),
        lambda m: m.update(files=["tokenizer.json"]),
        lambda m: m["files"].update({"tokenizer.json": "x"}),
        lambda m: m["files"]["tokenizer.json"].pop("size"),
        lambda m: m.pop("bundle_sha256"),
    ],
)
def test_a_manifest_without_its_blocks_is_refused(folder, change):
    from adrisk.score import bundle as module

    manifest = json.loads((folder / MANIFEST).read_bytes())
    change(manifest)
    manifest["manifest_sha256"] = module._manifest_sha256(manifest)
    (folder / MANIFEST).write_bytes(module._as_written(manifest))
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(folder)


def test_no_folder_and_no_manifest(tmp_path):
    with pytest.raises(BundleError, match="no such bundle folder"):
        load_bundle(tmp_path / "none")
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(tmp_path)
