"""Files of ads as rows: CSV, JSONL and Parquet, each plain, .gz or .zst, alone or in a folder.

It knows nothing of ads or models. What can be read is read: a row that cannot comes as a Row with
an `error`, in its place, and the rest of the file goes on. Memory does not grow with the file.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.errors import InputError, UsageError
from adrisk.score import streams
from adrisk.score.csv_text import csv_records

Format = Literal["csv", "jsonl", "parquet"]
ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSED_ENDINGS = (".gz", ".zst")
_PARQUET_BATCH = 1024


class Row(NamedTuple):
    """One row of a file: its `values` by column name, or the `error` that says why it has none.

    `number` counts from 1, a header not counted; in JSONL it is the number of the line.
    """

    file: str
    number: int
    values: dict[str, Any] | None
    error: str | None


def list_inputs(paths: Iterable[Path | str]) -> list[Path]:
    """The files meant by files and folders, a folder's in sorted order with all it holds.

    Names in a folder that begin with a dot or an underscore (_SUCCESS) are markers, not data.
    Raises UsageError for a path that does not exist, a folder without files, a file of unknown
    ending, and a file named twice.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = _files_in(path)
            if not inside:
                raise UsageError(f"{path}: the folder holds no files of ads")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise UsageError(f"{path}: no such file or folder")
    for path in found:
        file_format(path)
    seen: set[Path] = set()
    for path in found:
        if path.resolve() in seen:
            raise UsageError(f"{path}: the same file is named twice")
        seen.add(path.resolve())
    return found


def _files_in(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        path
        for path in files
        if not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )


def file_format(path: Path | str) -> Format:
    """The format that a file's ending names. Raises UsageError for an unknown one."""
    path = Path(path)
    bare = path.with_suffix("") if path.suffix.lower() in COMPRESSED_ENDINGS else path
    try:
        return ENDINGS[bare.suffix.lower()]
    except KeyError:
        raise UsageError(
            f"{path}: unknown kind of file; use .csv, .jsonl (one JSON object a line) or .parquet, "
            "each also with .gz or .zst behind"
        ) from None


def iter_rows(path: Path | str, *, encoding: str = "utf-8") -> Iterator[Row]:
    """All rows of one file in order, the unreadable ones with their `error`.

    A file that breaks in the middle ends with one Row whose `error` says so. Raises InputError
    where nothing can be read (no such file, damaged from the start, no header, a column named
    twice) and UsageError for an unknown ending or encoding. `encoding` is not used for Parquet.
    """
    path = Path(path)
    kind = file_format(path)
    number = 0
    try:
        if kind == "parquet":
            yield from _parquet_rows(path)
            return
        found, codec = streams.text_lines(path, encoding)
        rows = _csv_rows if kind == "csv" else _jsonl_rows
        for row in rows(str(path), found, codec):
            number = row.number
            yield row
    except streams.BROKEN_STREAM as error:
        if number == 0:
            raise streams.unreadable(error, str(path)) from error
        yield Row(str(path), number + 1, None, streams.breaks(error))


def column_names(path: Path | str, *, encoding: str = "utf-8") -> list[str] | None:
    """The column names of a CSV or Parquet file; None for JSONL, where each line has its own.

    Raises as `iter_rows` does.
    """
    path = Path(path)
    kind = file_format(path)
    if kind == "jsonl":
        return None
    try:
        if kind == "parquet":
            return list(parquet_schema(path).names)
        found, codec = streams.text_lines(path, encoding)
        header = next(csv_records(found, codec), None)
        return _header(header.cells if header else [], header and header.error, str(path))
    except streams.BROKEN_STREAM as error:
        raise streams.unreadable(error, str(path)) from error


def parquet_schema(path: Path) -> pa.Schema:
    """The Arrow schema of a Parquet file. Raises InputError where it cannot be read."""
    with _opened_parquet(path) as file:
        return file.schema_arrow


def json_row(file: str, number: int, line: bytes | None, codec: str) -> Row:
    """One line of JSONL as a Row; None stands for a line that was too long to be held."""
    if line is None:
        error = f"a line of more than {streams.MAX_LINE_BYTES} bytes"
        return Row(file, number, None, error)
    try:
        values = _json_object(line.decode(codec))
    except UnicodeDecodeError as error:
        return Row(file, number, None, streams.undecodable(codec, error.start))
    except _NotAnObject as error:
        return Row(file, number, None, str(error))
    return Row(file, number, values, None)


class _NotAnObject(Exception):
    """The line is no JSON object that can be written out again; the text is the reason."""


def _json_object(line: str) -> dict[str, Any]:
    try:
        values = json.loads(line, object_pairs_hook=_unique)
        if not isinstance(values, dict):
            raise _NotAnObject("not a JSON object: each line must be one {...}")
        if "\\u" in line:
            json.dumps(values, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise _NotAnObject(f"broken JSON: {error.msg}, character {error.pos + 1}") from error
    except UnicodeEncodeError as error:
        raise _NotAnObject(
            "an escape \\ud800 to \\udfff stands alone: it is no character"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _NotAnObject("broken JSON: a number too long or nested too deeply") from error
    return values


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _NotAnObject("a key stands twice in one JSON object")
    return values


def _jsonl_rows(file: str, found: Iterator[bytes | None], codec: str) -> Iterator[Row]:
    for number, line in enumerate(found, start=1):
        if line is None or line.strip():
            yield json_row(file, number, line, codec)


def _csv_rows(file: str, found: Iterator[bytes | None], codec: str) -> Iterator[Row]:
    records = csv_records(found, codec)
    first = next(records, None)
    names = _header(first.cells if first else [], first and first.error, file)
    for number, (cells, error, n_lines) in enumerate(records, start=1):
        if error is None and len(cells) != len(names):
            error = f"the row has {len(cells)} cells, the header names {len(names)}"
            if n_lines > 1:
                error += f"; it takes up {n_lines} lines: perhaps a quote is not closed"
        values = None if error else dict(zip(names, cells, strict=True))
        yield Row(file, number, values, error)


def _header(names: list[str], error: str | None, file: str) -> list[str]:
    if error:
        raise InputError(f"the header cannot be read: {error}", file=file)
    if not names:
        raise InputError("the file is empty: a CSV file begins with column names", file=file)
    _check_unique(names, file)
    return names


def _check_unique(names: Sequence[str], file: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"the column '{name[:60]}' stands twice: rename one", file=file)


@contextmanager
def _opened_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file, unpacked to a temporary file first where it is compressed as a whole."""
    try:
        with tempfile.TemporaryFile() if streams.compression(path) else path.open("rb") as source:
            if streams.compression(path):
                _unpack(path, source)
            with pq.ParquetFile(
                source, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True
            ) as file:
                _check_unique(file.schema_arrow.names, str(path))
                yield file
    except (pa.ArrowException, *streams.BROKEN_STREAM) as error:
        raise streams.unreadable(error, str(path)) from error


def _unpack(path: Path, target: BinaryIO) -> None:
    for chunk in streams.chunks(path):
        target.write(chunk)
    target.seek(0)


def _parquet_rows(path: Path) -> Iterator[Row]:
    with _opened_parquet(path) as file:
        number = 0
        for group in range(file.num_row_groups):
            end = number + file.metadata.row_group(group).num_rows
            try:
                batches = file.iter_batches(_PARQUET_BATCH, row_groups=[group], use_threads=False)
                for batch in batches:
                    for values, error in _batch_rows(batch):
                        number += 1
                        yield Row(str(path), number, values, error)
            except (pa.ArrowException, OSError) as error:
                reason = str(error).strip().splitlines()[0]
                yield Row(
                    str(path),
                    number + 1,
                    None,
                    f"row group {group + 1} is damaged ({reason}): rows {number + 1} to {end} "
                    f"({end - number}) are lost; write the file again to have them",
                )
            number = end


def _batch_rows(batch: pa.RecordBatch) -> Iterator[tuple[dict[str, Any] | None, str | None]]:
    names = batch.schema.names
    try:
        columns = [_python_values(column) for column in batch.columns]
    except UnicodeDecodeError:
        yield from (_single_row(batch, i) for i in range(batch.num_rows))
        return
    for cells in zip(*columns, strict=True):
        yield dict(zip(names, cells, strict=True)), None


def _single_row(batch: pa.RecordBatch, i: int) -> tuple[dict[str, Any] | None, str | None]:
    try:
        one = batch.slice(i, 1)
        cells = [_python_values(column)[0] for column in one.columns]
    except UnicodeDecodeError:
        return None, "a text column holds bytes that are not valid UTF-8"
    return dict(zip(batch.schema.names, cells, strict=True)), None


def _python_values(column: pa.Array) -> list[Any]:
    # Python's own types end at microseconds: finer times stay Arrow scalars, so nothing is lost.
    kind = column.type
    fine = pa.types.is_temporal(kind) and getattr(kind, "unit", None) == "ns"
    if fine:
        return [value if value.is_valid else None for value in column]
    return list(column.to_pylist())
