"""Prepared ads: parallel columns of ads, labels, groups and parts, kept in one folder on disk.

The folder holds the raw text of the ads and is meant to stay where it was made: its `.gitignore`
keeps it out of version control. This module knows nothing of how groups and parts are found.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.codebook.codebook import RISK, TARGETS
from adrisk.errors import InputError, OutputExistsError, UsageError
from adrisk.text.model_input import TextSettings, model_input

PARTS = ("train", "validation", "calibration", "test")

ADS, SPLIT, IGNORE = "ads.parquet", "split.json", ".gitignore"
CARD_FILES = ("data_card.md", "data_card.json")
FORMAT_VERSION = 1

# Attribute of AdDataset -> column of ads.parquet.
_COLUMNS = {
    "ids": "id",
    "texts": "text",
    "languages": "language",
    "ad_types": "ad_type",
    "sources": "source",
    "locations": "location",
    "posted_at": "posted_at",
    "group_keys": "group_key",
    "group_ids": "group_id",
    "parts": "part",
}
_OPTIONAL_COLUMNS = {
    "near_duplicate_ids": "near_duplicate_id",
    "text_sha256s": "text_sha256",
    "annotations": "annotations",
}
_REMEDY = "run `adrisk prepare` again"


@dataclass(frozen=True, eq=False)
class AdDataset:
    """Labelled ads as parallel columns of length n_ads.

    `texts` are raw, with the title joined in front. `targets` is float32 (n_ads, 33) in the order
    of TARGETS with values in [0, 1] (the mean over annotators; .5 is unsure) and NaN for unknown;
    `risk_levels` is float32 (n_ads,), mean points 0 to 6, NaN for unknown. Ads of one `group_ids`
    value never stand in two parts of the prepared split.

    Filled by `prepare`, else empty: `near_duplicate_ids` (components over near-duplicates alone),
    `text_sha256s` (of the redacted texts), `annotations` (every annotator's label as JSON text,
    spans being offsets into `texts`), `about` (how groups and parts were made). Raises ValueError
    where columns differ in length.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    languages: Sequence[str]
    ad_types: Sequence[str | None]
    sources: Sequence[str | None]
    locations: Sequence[str | None]
    posted_at: Sequence[str | None]
    group_keys: Sequence[str | None]
    group_ids: Sequence[str]
    parts: Sequence[str]
    targets: np.ndarray = field(repr=False)
    risk_levels: np.ndarray = field(repr=False)
    near_duplicate_ids: Sequence[str] = ()
    text_sha256s: Sequence[str] = ()
    annotations: Sequence[str] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    _split_sha256: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        n = len(self.ids)
        if self.targets.shape != (n, len(TARGETS)) or self.risk_levels.shape != (n,):
            raise ValueError(f"targets must be ({n}, {len(TARGETS)}) and risk_levels ({n},)")
        for name in _COLUMNS:
            if len(getattr(self, name)) != n:
                raise ValueError(f"{name} has {len(getattr(self, name))} values for {n} ads")
        for name in _OPTIONAL_COLUMNS:
            if len(getattr(self, name)) not in (0, n):
                raise ValueError(f"{name} must be empty or have {n} values")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def risk(self) -> np.ndarray:
        """The risk target, float32 (n_ads,): 0 to 1, .5 unsure, NaN unknown."""
        return self.targets[:, TARGETS.index(RISK)]

    def part(self, name: str) -> AdDataset:
        """The ads of one part, in order. Raises UsageError for a name that is no part."""
        if name not in PARTS:
            raise UsageError(f"no part is named '{name}': the parts are {', '.join(PARTS)}")
        return self.take([row for row, part in enumerate(self.parts) if part == name])

    def take(self, indices: Sequence[int] | np.ndarray) -> AdDataset:
        """The ads at `indices`, in that order; they keep the hash of the split they came from."""
        rows = np.asarray(indices, dtype=np.int64)
        columns: dict[str, Any] = {}
        for name in (*_COLUMNS, *_OPTIONAL_COLUMNS):
            values = getattr(self, name)
            columns[name] = [values[row] for row in rows] if values else []
        taken = AdDataset(
            **columns,
            targets=self.targets[rows],
            risk_levels=self.risk_levels[rows],
            about=self.about,
        )
        object.__setattr__(taken, "_split_sha256", self.split_sha256)
        return taken

    def with_parts(self, parts: Sequence[str], about: Mapping[str, Any] | None = None) -> AdDataset:
        """The same ads under another split, with its own hash."""
        return replace(self, parts=list(parts), about=self.about if about is None else about)

    @property
    def split_sha256(self) -> str:
        """Hash of the whole split: hex SHA-256 over sorted (id, part) pairs.

        A part, or any other selection, keeps the hash of the split that it was taken from.
        """
        if self._split_sha256 is None:
            pairs = sorted(zip(self.ids, self.parts, strict=True))
            object.__setattr__(self, "_split_sha256", _sha256_of_lines(pairs))
        assert self._split_sha256 is not None
        return self._split_sha256

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 over ids, redacted texts, languages, ad types and labels, in order of id.

        It depends neither on the order of the ads nor on the split, and goes through the hash of
        the redacted text, so that no contact enters an unkeyed hash.
        """
        return _sha256_of_lines(
            sorted(
                (ad_id, text, language, ad_type or "", np.append(row, level).tobytes().hex())
                for ad_id, text, language, ad_type, row, level in zip(
                    self.ids,
                    self.text_sha256s or _text_sha256s(self.texts),
                    self.languages,
                    self.ad_types,
                    np.where(np.isnan(self.targets), -1, self.targets).astype("<f4"),
                    np.where(np.isnan(self.risk_levels), -1, self.risk_levels).astype("<f4"),
                    strict=True,
                )
            )
        )

    def save(
        self, folder: Path | str, *, files: Mapping[str, str] | None = None, overwrite: bool = False
    ) -> None:
        """Write the prepared folder: ads.parquet, split.json, .gitignore and `files` (name, text).

        All is written beside it and then renamed, so a folder that loads is a whole one. Raises
        OutputExistsError where `folder` exists and `overwrite` is not given, UsageError where it
        holds anything that `save` did not write, ValueError for ids that repeat.
        """
        if len(set(self.ids)) != len(self.ids):
            raise ValueError("ids repeat: a prepared folder holds each ad once")
        folder = Path(folder)
        check_output(folder, overwrite=overwrite)
        text_files = {
            SPLIT: json.dumps(self._split_record(), indent=1, ensure_ascii=False) + "\n",
            IGNORE: "*\n",
            **(files or {}),
        }
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        try:
            _write_folder(temporary, self._table(), text_files)
            _swap(temporary, folder)
        except OSError as error:
            raise UsageError(f"cannot write {folder}: {error.strerror or error}") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path | str) -> AdDataset:
        """Read a prepared folder. Raises InputError where it is missing, damaged or was edited."""
        folder = Path(folder)
        if not (folder / SPLIT).is_file() or not (folder / ADS).is_file():
            raise InputError(f"this is no prepared folder: {_REMEDY}", file=str(folder))
        record = read_split_record(folder)
        try:
            table = pq.read_table(folder / ADS)
            columns: dict[str, Any] = {
                name: table.column(column).to_pylist() for name, column in _COLUMNS.items()
            }
            for name, column in _OPTIONAL_COLUMNS.items():
                columns[name] = (
                    table.column(column).to_pylist() if column in table.schema.names else []
                )
            targets = np.stack([_floats(table, _target_column(name)) for name in TARGETS], axis=1)
            levels = _floats(table, "risk_level")
        except (pa.ArrowException, OSError, KeyError) as error:
            raise InputError(
                f"the file is damaged or of another version: {_REMEDY}", file=str(folder / ADS)
            ) from error
        dataset = cls(**columns, targets=targets, risk_levels=levels, about=record["about"])
        if dataset.split_sha256 != record["split_sha256"]:
            raise InputError(
                f"the parts in {ADS} are not those of {SPLIT}: the split is frozen, {_REMEDY}",
                file=str(folder),
            )
        return dataset

    def _split_record(self) -> dict[str, Any]:
        parts = list(self.parts)
        return {
            "format": FORMAT_VERSION,
            "split_sha256": self.split_sha256,
            "fingerprint": self.fingerprint,
            "parts": {name: parts.count(name) for name in PARTS},
            "about": dict(self.about),
        }

    def _table(self) -> pa.Table:
        columns: dict[str, pa.Array] = {
            column: pa.array(list(getattr(self, name)), pa.string())
            for name, column in (_COLUMNS | _OPTIONAL_COLUMNS).items()
            if name in _COLUMNS or getattr(self, name)
        }
        columns["risk_level"] = pa.array(self.risk_levels, pa.float32(), from_pandas=True)
        for column, name in enumerate(TARGETS):
            values = np.ascontiguousarray(self.targets[:, column])
            columns[_target_column(name)] = pa.array(values, pa.float32(), from_pandas=True)
        return pa.table(columns)


def check_output(folder: Path, *, overwrite: bool) -> None:
    """Raise before any work is done where `folder` may not be written; see `AdDataset.save`."""
    if not folder.exists():
        return
    if not overwrite:
        raise OutputExistsError(f"{folder} exists: choose another --output or give --overwrite")
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a prepared folder")
    foreign = {entry.name for entry in folder.iterdir()} - {ADS, SPLIT, IGNORE, *CARD_FILES}
    if foreign:
        raise UsageError(
            f"{folder} holds '{min(foreign)}', which `prepare` did not write, so it is not "
            "overwritten: choose another --output"
        )


def read_split_record(folder: Path) -> dict[str, Any]:
    """The contents of split.json. Raises InputError where it cannot be read."""
    path = folder / SPLIT
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != FORMAT_VERSION or not isinstance(record["about"], dict):
            raise KeyError("format")
        str(record["split_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"the file is damaged or of another version: {_REMEDY}", file=str(path)
        ) from error
    return dict(record)


def _target_column(name: str) -> str:
    return f"target_{name}"


def _floats(table: pa.Table, column: str) -> np.ndarray:
    return np.asarray(table.column(column).to_numpy(zero_copy_only=False), dtype=np.float32)


def _text_sha256s(texts: Sequence[str]) -> list[str]:
    settings = TextSettings()
    return [model_input(text, settings).text_sha256() for text in texts]


def _sha256_of_lines(rows: Sequence[tuple[str, ...]]) -> str:
    state = hashlib.sha256()
    for row in rows:
        state.update(json.dumps(row).encode() + b"\n")
    return state.hexdigest()


def _write_folder(folder: Path, table: pa.Table, text_files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in text_files.items():
        (folder / name).write_text(text, encoding="utf-8")
    pq.write_table(table, folder / ADS, compression="zstd")


def _swap(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; the old one goes only when the new one stands."""
    old = folder.with_name(f"{new.name}.old")
    if folder.exists():
        folder.replace(old)
    try:
        new.replace(folder)
    except OSError:
        if old.exists():
            old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
