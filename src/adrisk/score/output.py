"""The scored file: input columns in their order, then OUTPUT_COLUMNS, as CSV, JSONL or Parquet.

A sink writes window by window. After each it states a `position` that is safe on the disk; opened
again at that position it goes on as if it had never stopped, so that the final bytes are the same.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.errors import InputError, UsageError
from adrisk.records import OUTPUT_COLUMNS
from adrisk.score.csv_text import csv_line
from adrisk.score.files import (
    COMPRESSED_ENDINGS,
    Format,
    column_names,
    file_format,
    iter_rows,
    parquet_schema,
)

MAX_COLUMNS = 10_000
"""More different keys than this in JSONL make no table."""

_SCORED_TYPES = {
    "risk_score": pa.float64(),
    "predicted_risk_level": pa.int64(),
    "categories": pa.list_(pa.struct({"category": pa.string(), "probability": pa.float64()})),
    "indicators": pa.list_(
        pa.struct(
            {"sign": pa.string(), "start": pa.int64(), "end": pa.int64(), "field": pa.string()}
        )
    ),
    "truncated": pa.bool_(),
}
_PARQUET = {"compression": "zstd", "write_page_checksum": True}
_COPY_BYTES = 1 << 20


class OutputRow(NamedTuple):
    """The input's `values` by column, and the `scored` fields by OUTPUT_COLUMNS."""

    values: Mapping[str, Any]
    scored: Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """What the output looks like: its format, compression ('.gz', '.zst' or '') and columns.

    `names` are the input's columns; they are None from JSONL to JSONL, where each row has its own.
    `types` are the Arrow types that Parquet keeps; a column without one is text.
    """

    format: Format
    compression: str
    names: tuple[str, ...] | None
    types: Mapping[str, pa.DataType] = field(default_factory=dict)


class Sink(Protocol):
    """Where windows of rows go."""

    def write(self, rows: Sequence[OutputRow]) -> int:
        """Write one window; what is returned is on the disk when this returns."""

    def finish(self, target: Path) -> None:
        """Put the finished file at `target` in one step."""

    def close(self) -> None:
        """Let go of open files; what was written stays."""


def output_format(path: Path) -> tuple[Format, str]:
    """Format and compression by the ending of an output. Raises UsageError for an unknown one."""
    suffix = path.suffix.lower()
    compression = suffix if suffix in COMPRESSED_ENDINGS else ""
    if path.name.lower().removesuffix(compression).endswith(".tsv"):
        raise UsageError(f"{path}: tables are written with commas: name it .csv")
    return file_format(path), compression


def plan_layout(inputs: Sequence[Path], output: Path, encoding: str) -> Layout:
    """The layout of `output` for these inputs.

    For JSONL written as a table this reads the inputs once, to know all their keys. Raises
    InputError where columns clash or are too many.
    """
    kind, compression = output_format(output)
    if kind == "jsonl":
        for path in inputs:
            renamed(column_names(path, encoding=encoding) or (), str(path))
        return Layout(kind, compression, None)
    names: dict[str, None] = {}
    for path in inputs:
        for some in _column_sets(path, encoding):
            names.update(dict.fromkeys(some))
            if len(names) > MAX_COLUMNS:
                raise InputError(
                    f"more than {MAX_COLUMNS} different keys: write .jsonl instead", file=str(path)
                )
    renamed(names)
    types = _kept_types(inputs, names) if kind == "parquet" else {}
    return Layout(kind, compression, tuple(names), types)


def renamed(names: Iterable[str], file: str | None = None) -> dict[str, str]:
    """Input column -> output column. Raises InputError where `input_<name>` is taken as well."""
    new = {name: f"input_{name}" if name in OUTPUT_COLUMNS else name for name in names}
    taken = set(new)
    for name, other in new.items():
        if other != name and other in taken:
            raise InputError(
                f"the columns '{name}' and '{other}' cannot both be kept, because scoring adds a "
                f"column '{name}': rename or drop one",
                file=file,
            )
    return new


def open_sink(layout: Layout, work: Path, position: int) -> Sink:
    """A sink that goes on in folder `work` at `position`, 0 for a new one."""
    if layout.format == "parquet":
        return _ParquetSink(layout, work, position)
    return _TextSink(layout, work, position)


class PartialFile:
    """A growing file that is cut back to `size` when opened, and is on the disk after `append`."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        path.touch()
        if path.stat().st_size < size:
            raise UsageError(f"{path}: shorter than recorded; begin again with --overwrite")
        self._file = path.open("r+b")
        self._file.truncate(size)
        self._file.seek(size)

    def append(self, data: bytes) -> int:
        """Write, flush and fsync. Returns the size."""
        self._file.write(data)
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _TextSink:
    """CSV and JSONL: windows appended to one file, each a gzip member or zstd frame of its own."""

    def __init__(self, layout: Layout, work: Path, position: int) -> None:
        self._layout = layout
        self._file = PartialFile(work / "output.partial", position)
        if position == 0:
            self._file.append(compress(self._head(), layout.compression))

    def write(self, rows: Sequence[OutputRow]) -> int:
        text = jsonl_text(rows) if self._layout.names is None else self._table_text(rows)
        return self._file.append(compress(text.encode("utf-8"), self._layout.compression))

    def finish(self, target: Path) -> None:
        self.close()
        self._file.path.replace(target)

    def close(self) -> None:
        self._file.close()

    def _head(self) -> bytes:
        if self._layout.names is None:
            return b""
        return csv_line((*renamed(self._layout.names).values(), *OUTPUT_COLUMNS)).encode("utf-8")

    def _table_text(self, rows: Sequence[OutputRow]) -> str:
        names = self._layout.names or ()
        return "".join(
            csv_line(
                [
                    *(as_text(row.values.get(name)) for name in names),
                    *(as_text(row.scored[name]) for name in OUTPUT_COLUMNS),
                ]
            )
            for row in rows
        )


class _ParquetSink:
    """Parquet: one file a window, put together row group by row group in the end."""

    def __init__(self, layout: Layout, work: Path, position: int) -> None:
        self._layout, self._work, self._parts = layout, work, position
        names = renamed(layout.names or ())
        self._schema = pa.schema(
            [(new, layout.types.get(name, pa.string())) for name, new in names.items()]
            + [(name, _SCORED_TYPES.get(name, pa.string())) for name in OUTPUT_COLUMNS]
        )

    def write(self, rows: Sequence[OutputRow]) -> int:
        self._parts += 1
        with self._part(self._parts).open("wb") as file:
            pq.write_table(self._table(rows), file, row_group_size=max(1, len(rows)))
            file.flush()
            os.fsync(file.fileno())
        return self._parts

    def finish(self, target: Path) -> None:
        merged = self._work / "merged.partial"
        with pq.ParquetWriter(merged, self._schema, **_PARQUET) as writer:
            for number in range(1, self._parts + 1):
                table = pq.ParquetFile(self._part(number)).read()
                if table.num_rows:
                    writer.write_table(table, row_group_size=table.num_rows)
        if self._layout.compression:
            packed = self._work / "packed.partial"
            _compress_file(merged, packed, self._layout.compression)
            merged = packed
        merged.replace(target)

    def close(self) -> None:
        pass

    def _part(self, number: int) -> Path:
        return self._work / f"part-{number:08d}.parquet"

    def _table(self, rows: Sequence[OutputRow]) -> pa.Table:
        names = self._layout.names or ()
        columns = [self._column(name, rows) for name in names]
        for name in OUTPUT_COLUMNS:
            kind = _SCORED_TYPES.get(name, pa.string())
            columns.append(pa.array([row.scored[name] for row in rows], kind))
        return pa.Table.from_arrays(columns, schema=self._schema)

    def _column(self, name: str, rows: Sequence[OutputRow]) -> pa.Array:
        values = [row.values.get(name) for row in rows]
        if name in self._layout.types:
            return pa.array(values, self._layout.types[name])
        return pa.array([None if v is None else as_text(v) for v in values], pa.string())


def compress(data: bytes, compression: str) -> bytes:
    """One gzip member or zstd frame with the same bytes at any time, or the data as it is."""
    if compression == ".gz":
        return gzip.compress(data, mtime=0)
    if compression == ".zst":
        packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
        return packed
    return data


def jsonl_text(rows: Iterable[OutputRow]) -> str:
    """One JSON object a line, in plain UTF-8 (not escaped to ASCII)."""
    return "".join(to_json(_merged(row)) + "\n" for row in rows)


def _merged(row: OutputRow) -> dict[str, Any]:
    kept = {new: row.values[name] for name, new in renamed(row.values).items()}
    return {**kept, **row.scored}


def as_text(value: Any) -> str:
    """A cell: text as it is, null as nothing, every other value as JSON text."""
    if value is None:
        return ""
    plain = value if isinstance(value, str) else _plain_or_same(value)
    return plain if isinstance(plain, str) else to_json(plain)


def to_json(value: Any) -> str:
    """JSON on one line; dates as ISO 8601, bytes as base64, decimals and the like as text."""
    return _ENCODER.encode(value)


def _plain_or_same(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | list | tuple | dict) else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_plain)


def _compress_file(source: Path, target: Path, compression: str) -> None:
    with source.open("rb") as plain, target.open("wb") as raw:
        if compression == ".gz":
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                shutil.copyfileobj(plain, packed, _COPY_BYTES)
        else:
            with pa.CompressedOutputStream(pa.PythonFile(raw, "w"), "zstd") as packed:
                while chunk := plain.read(_COPY_BYTES):
                    packed.write(chunk)


def _column_sets(path: Path, encoding: str) -> Iterable[Iterable[str]]:
    names = column_names(path, encoding=encoding)
    if names is not None:
        return [names]
    return (row.values for row in iter_rows(path, encoding=encoding) if row.values is not None)


def _kept_types(inputs: Sequence[Path], names: Iterable[str]) -> dict[str, pa.DataType]:
    """Types of the columns that only Parquet inputs have, and in types that go together."""
    if any(file_format(path) != "parquet" for path in inputs):
        return {}
    schemas = [parquet_schema(path) for path in inputs]
    types = {}
    for name in names:
        fields = [schema.field(name) for schema in schemas if name in schema.names]
        try:
            one = pa.unify_schemas([pa.schema([f]) for f in fields], promote_options="permissive")
        except pa.ArrowException:
            continue  # written as text
        if not isinstance(one.field(0).type, pa.BaseExtensionType):
            types[name] = one.field(0).type
    return types
