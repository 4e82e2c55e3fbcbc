"""Rows of data sets that the `datasets` library reads: a name on the Hugging Face hub, or a folder.

An address is hf:NAME, hf:NAME:CONFIG or hf:NAME:CONFIG:SPLIT (CONFIG may be empty); NAME is a hub
name, where wanted with @REVISION, or a folder that `save_to_disk` wrote or `load_dataset` can read.
No code that comes with a data set is ever run: `datasets` from version 4 on has no way to do so.

All splits are read unless one is named. A published split knows nothing of near-duplicates and
shared contacts, so it is never taken for a part of ours: its name stands in the column `split`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from adrisk.errors import AdriskError, InputError, MissingExtraError, UsageError
from adrisk.score.files import Row

PREFIX = "hf:"
SPLIT_COLUMN = "split"


@dataclass(frozen=True)
class HubAddress:
    """The parts of an address; see the module."""

    name: str
    revision: str | None = None
    config: str | None = None
    split: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether the name means a folder: a hub name is `name` or `owner/name`, no folder here."""
        starts = self.name.startswith((".", "/", "~"))
        return starts or Path(self.name).is_dir() or self.name.count("/") > 1

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        tail = f":{self.config or ''}:{self.split}" if self.split else f":{self.config or ''}"
        return f"{PREFIX}{self.name}{revision}{tail}".rstrip(":")


def parse_address(text: str) -> HubAddress:
    """The address that `text` writes. Raises UsageError for one without a name or with more parts."""
    name, *rest = text.removeprefix(PREFIX).split(":")
    if not name or len(rest) > 2:
        raise UsageError(
            f"{text}: write {PREFIX}NAME, {PREFIX}NAME:CONFIG or {PREFIX}NAME:CONFIG:SPLIT"
        )
    config, split = [*(part or None for part in rest), None, None][:2]
    address = HubAddress(name, None, config, split)
    if address.is_folder or "@" not in name:
        return address
    name, _, revision = name.partition("@")
    return HubAddress(name, revision or None, config, split)


@dataclass(frozen=True)
class HubSplit:
    """One split of a data set, opened: an IterableDataset, or a Dataset read from disk."""

    address: HubAddress
    data: Any

    @property
    def name(self) -> str:
        """What rejects and errors call it."""
        return str(self.address)

    def column_names(self) -> list[str]:
        """Names of the columns, `split` among them; of the first row where none are declared."""
        names = self.data.column_names
        if names is None:
            first = next(self.rows(), None)
            names = [] if first is None or first.values is None else list(first.values)
        return list(dict.fromkeys([*names, SPLIT_COLUMN]))

    def rows(self) -> Iterator[Row]:
        """All rows in order, with class labels as names and without images and sounds.

        A data set that breaks in the middle ends with one Row whose `error` says so. Raises
        InputError where not even the first row can be read.
        """
        from datasets.exceptions import DatasetsError

        features = self.data.features or {}
        media = [name for name, feature in features.items() if _is_media(feature)]
        number = 0
        try:
            for values in self.data.remove_columns(media) if media else self.data:
                number += 1
                readable = {n: _readable(v, features.get(n)) for n, v in values.items()}
                split = {SPLIT_COLUMN: self.address.split}
                yield Row(self.name, number, split | readable, None)
        except (DatasetsError, pa.ArrowException, OSError, ValueError) as error:
            if number == 0:
                raise InputError(f"nothing can be read: {_said(error)}", self.name) from error
            reason = f"the data set breaks here, what follows cannot be read: {_said(error)}"
            yield Row(self.name, number + 1, None, reason)


def open_splits(address: HubAddress) -> list[HubSplit]:
    """The splits that an address means, streamed where possible.

    Raises UsageError for a hub name that cannot be reached and for an unknown config or split,
    InputError for a folder without readable data and for data sets that need code of their own,
    MissingExtraError without `datasets`.
    """
    try:
        import datasets
        from datasets.exceptions import DatasetsError
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", "datasets") from error
    try:
        data = _load(datasets, address)
    except (DatasetsError, pa.ArrowException, OSError, ValueError, RuntimeError) as error:
        raise _explain(address, error) from error
    found = data if isinstance(data, dict) else {str(data.split or "train"): data}
    if address.split is not None and address.split not in found:
        raise UsageError(f"{address}: no such split, there are {', '.join(found)}")
    return [
        HubSplit(HubAddress(address.name, address.revision, address.config, name), split)
        for name, split in found.items()
        if address.split in (None, name)
    ]


def _load(datasets: Any, address: HubAddress) -> Any:
    if not address.is_folder:
        # What is cached for offline use can be read, but not streamed.
        streaming = not datasets.config.HF_HUB_OFFLINE
        return datasets.load_dataset(
            address.name, address.config, revision=address.revision, streaming=streaming
        )
    folder = Path(address.name).expanduser()
    if not folder.is_dir():
        raise InputError("no such folder", file=str(folder))
    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        if address.config is not None:
            raise UsageError(f"{address}: a folder written by save_to_disk has no configs")
        return datasets.load_from_disk(str(folder))
    return datasets.load_dataset(str(folder), address.config, streaming=True)


def _explain(address: HubAddress, error: Exception) -> AdriskError:
    reason = _said(error)
    if "scripts are no longer supported" in reason:
        return InputError(
            "the data set needs code of its own, which is never run: have it as Parquet, CSV or "
            "JSONL",
            file=str(address),
        )
    if "Config" in reason:
        return UsageError(f"{address}: {reason}")
    if address.is_folder:
        return InputError(f"no data set can be read from this folder: {reason}", file=str(address))
    return UsageError(
        f"{address}: '{address.name}' is no folder here, and the hub gave no answer for it. Without "
        "network, name a folder (hf:./folder), or set HF_HOME to a cache that holds the data set and "
        "HF_HUB_OFFLINE=1. With network, check the name, the revision, and whether access must be "
        f"asked for. ({reason})"
    )


def _said(error: Exception) -> str:
    """The message on one line, cut where it grows into a report."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _is_media(feature: Any) -> bool:
    inner = getattr(feature, "feature", None)
    return hasattr(feature, "decode_example") or (inner is not None and _is_media(inner))


def _readable(value: Any, feature: Any) -> Any:
    """The value with the names of class labels in place of their numbers; -1 is no label."""
    if hasattr(feature, "int2str"):
        return None if value is None or value < 0 else feature.int2str(value)
    inner = getattr(feature, "feature", None)
    if isinstance(value, list) and inner is not None:
        return [_readable(item, inner) for item in value]
    return value
