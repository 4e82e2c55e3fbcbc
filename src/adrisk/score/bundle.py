"""The bundle: a folder of data files that carries a trained model to scoring (docs/walk.md).

manifest.json names every other file with its SHA-256 and size, so that one flipped byte anywhere
is found. `bundle_sha256` identifies what decides a score: the scoring block, the weights and the
tokenizer. Metrics and model card are verified too, but stand outside that hash, because they are
written after evaluation. This module holds no model code; it reads and writes bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from adrisk.errors import BundleError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
TOKENIZER = "tokenizer.json"
LINEAR = "linear.safetensors"
ENCODER = "model.onnx"
METRICS = "metrics.json"
CARD = "README.md"
SCORING_FILES = (TOKENIZER, LINEAR, ENCODER)
"""Files that `bundle_sha256` covers, beside the scoring block."""
ALL_FILES = (MANIFEST, *SCORING_FILES, METRICS, CARD)

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_MAX_MANIFEST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle: its manifest and the bytes of every file, read once and hashed."""

    path: Path
    manifest: dict[str, Any]
    files: dict[str, bytes]

    @property
    def scoring(self) -> dict[str, Any]:
        """The scoring block: everything but weights and tokenizer that decides a score."""
        scoring: dict[str, Any] = self.manifest["scoring"]
        return scoring

    @property
    def bundle_sha256(self) -> str:
        """Identity of the scores that this bundle gives."""
        return str(self.manifest["bundle_sha256"])


def load_bundle(path: Path | str) -> Bundle:
    """Read and verify a bundle folder.

    Raises BundleError naming the file for: a missing, extra, changed or linked file, a manifest
    that is not exactly what `write_bundle` writes, or a format this version cannot read.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise BundleError(str(folder), "no such bundle folder")
    manifest = _read_manifest(folder)
    listed: dict[str, dict[str, Any]] = manifest["files"]
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink() or not entry.is_file():
            raise BundleError(
                entry.name, "a bundle holds plain files only, no links and no folders"
            )
        if entry.name != MANIFEST and entry.name not in listed:
            raise BundleError(entry.name, "the manifest does not list this file")
    files = {name: _read_listed(folder, name, facts) for name, facts in listed.items()}
    if manifest.get("bundle_sha256") != _bundle_sha256(manifest):
        raise BundleError(MANIFEST, "bundle_sha256 does not match the scoring block and weights")
    return Bundle(folder, manifest, files)


def write_bundle(
    folder: Path | str,
    scoring: Mapping[str, Any],
    files: Mapping[str, bytes],
    about: Mapping[str, Any],
) -> Bundle:
    """Write `files` and a manifest into an empty or new folder, and load it back verified.

    `scoring` is the scoring block; `about` holds further manifest blocks that no score depends on
    (recipe, training data, base model).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        _check_name(name)
        (folder / name).write_bytes(content)
    manifest: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "scoring": json.loads(json.dumps(scoring)),
        **json.loads(json.dumps(about)),
        "files": {name: _facts(content) for name, content in sorted(files.items())},
    }
    _write_manifest(folder, manifest)
    return load_bundle(folder)


def add_files(bundle: Bundle, files: Mapping[str, bytes]) -> Bundle:
    """Write metrics and card into a bundle after evaluation; `bundle_sha256` stays as it is."""
    for name, content in files.items():
        _check_name(name)
        if name in SCORING_FILES:
            raise BundleError(name, "weights and tokenizer cannot be replaced in a sealed bundle")
        (bundle.path / name).write_bytes(content)
    manifest = dict(bundle.manifest)
    manifest["files"] = dict(
        sorted({**manifest["files"], **{n: _facts(c) for n, c in files.items()}}.items())
    )
    _write_manifest(bundle.path, manifest)
    return load_bundle(bundle.path)


def _facts(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def _check_name(name: str) -> None:
    if not _FILE_NAME.fullmatch(name) or name == MANIFEST:
        raise BundleError(name, "this is no name for a file of a bundle")


def _read_listed(folder: Path, name: str, facts: Mapping[str, Any]) -> bytes:
    _check_name(name)
    path = folder / name
    if not path.is_file():
        raise BundleError(name, "the manifest lists this file, but it is not there")
    if path.stat().st_size != facts.get("size"):
        raise BundleError(name, f"{path.stat().st_size} bytes, the manifest says {facts['size']}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != facts.get("sha256"):
        raise BundleError(name, "its SHA-256 is not the one in the manifest: the file was changed")
    return content


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _as_written(manifest: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifest, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


def _bundle_sha256(manifest: Mapping[str, Any]) -> str:
    weights = {n: f["sha256"] for n, f in manifest["files"].items() if n in SCORING_FILES}
    identity = [manifest["format_version"], manifest["scoring"], weights]
    return hashlib.sha256(_canonical(identity)).hexdigest()


def _manifest_sha256(manifest: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in manifest.items() if key != "manifest_sha256"}
    return hashlib.sha256(_canonical(rest)).hexdigest()


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    manifest["bundle_sha256"] = _bundle_sha256(manifest)
    manifest["manifest_sha256"] = _manifest_sha256(manifest)
    temporary = folder / f".{MANIFEST}.tmp"
    temporary.write_bytes(_as_written(manifest))
    temporary.replace(folder / MANIFEST)


def _is_manifest(found: Any) -> TypeGuard[dict[str, Any]]:
    """Whether the blocks are there that loading reads; their values are checked by hash."""
    if not isinstance(found, dict) or not isinstance(found.get("scoring"), dict):
        return False
    files = found.get("files")
    return isinstance(files, dict) and all(
        isinstance(facts, dict) and {"sha256", "size"} <= facts.keys() for facts in files.values()
    )


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise BundleError(MANIFEST, f"{folder} is no bundle: it has no manifest.json")
    if path.stat().st_size > _MAX_MANIFEST_BYTES:
        raise BundleError(MANIFEST, "too large to be a manifest")
    content = path.read_bytes()
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise BundleError(MANIFEST, "no valid JSON: the file was changed") from error
    if not _is_manifest(manifest):
        raise BundleError(MANIFEST, "not a manifest")
    # Read back byte for byte, so that not even a blank can be changed unseen.
    same_bytes = _as_written(manifest) == content
    if not same_bytes or manifest.get("manifest_sha256") != _manifest_sha256(manifest):
        raise BundleError(MANIFEST, "its own hash does not match: the file was changed")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise BundleError(
            MANIFEST,
            f"format version {manifest.get('format_version')}, this adrisk reads {FORMAT_VERSION}",
        )
    return manifest
