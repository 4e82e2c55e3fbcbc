"""Where rows come from: files and folders of files, and data sets named by an hf: address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adrisk.dataset.hub_rows import PREFIX, HubSplit, open_splits, parse_address
from adrisk.score.files import Row, column_names, iter_rows, list_inputs


class Source(Protocol):
    """Rows that share their column names."""

    @property
    def name(self) -> str:
        """What rejects and errors call it."""

    def column_names(self) -> list[str] | None:
        """The names of its columns; None where each row has its own."""

    def rows(self) -> Iterator[Row]:
        """All rows in order; one that cannot be read has an error in its place."""


@dataclass(frozen=True)
class FileSource:
    """A CSV, JSONL or Parquet file."""

    path: Path
    encoding: str = "utf-8"

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def column_names(self) -> list[str] | None:
        """See `score.files.column_names`."""
        return column_names(self.path, encoding=self.encoding)

    def rows(self) -> Iterator[Row]:
        """See `score.files.iter_rows`."""
        return iter_rows(self.path, encoding=self.encoding)


def list_sources(inputs: Iterable[Path | str], *, encoding: str = "utf-8") -> list[Source]:
    """The files, then the splits of data sets, that `inputs` name.

    Raises as `list_inputs` and `open_splits` do.
    """
    named = [str(item) for item in inputs]
    files = list_inputs(item for item in named if not item.startswith(PREFIX))
    sources: list[Source] = [FileSource(path, encoding) for path in files]
    for address in (item for item in named if item.startswith(PREFIX)):
        sources += open_splits(parse_address(address))
    return sources


def notes(sources: Sequence[Source]) -> list[str]:
    """What a reader must know of the sources: published splits that are read as one."""
    splits: dict[tuple[str, str | None], list[str]] = {}
    for source in sources:
        if isinstance(source, HubSplit):
            key = (source.address.name, source.address.config)
            splits.setdefault(key, []).append(str(source.address.split))
    return [
        f"the splits {', '.join(names)} of {PREFIX}{name} are read as one and parted anew: they do "
        "not tell near-duplicates apart (the column 'split' has their names)"
        for (name, _), names in splits.items()
        if len(names) > 1
    ]
