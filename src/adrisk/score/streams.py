"""Files as streams of bytes and of lines: decompressed, bounded in memory, byte-tolerant.

Compression goes by the ending (.gz, .zst), or by the first bytes where the name says nothing.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa

from adrisk.errors import InputError, UsageError

MAX_LINE_BYTES = 16_000_000
"""A longer line or CSV row is rejected and skipped without being held in memory."""

BROKEN_STREAM = (EOFError, OSError, zlib.error, UnicodeDecodeError)
"""What a truncated or damaged stream raises while it is read."""

_MAGIC = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst"}
_CHUNK = 1 << 18
_ZSTD_CHUNK = 1 << 14  # what a failed read had already decoded is lost, so small reads


def compression(path: Path) -> str:
    """'.gz', '.zst' or '' for plain."""
    if path.suffix.lower() in _MAGIC.values():
        return path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "")


def chunks(path: Path) -> Iterator[bytes]:
    """The decompressed bytes in pieces. A stream that breaks raises one of BROKEN_STREAM."""
    kind = compression(path)
    if kind == ".zst":
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
            while chunk := stream.read(_ZSTD_CHUNK):
                yield chunk
    elif kind == ".gz":
        with gzip.open(path) as unzipped:
            while chunk := unzipped.read1(_CHUNK):
                yield chunk
    else:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


def line_batches(pieces: Iterable[bytes]) -> Iterator[list[bytes | None]]:
    r"""Lines with their "\n", as many at a time as a piece completes.

    None stands for a line over MAX_LINE_BYTES, which is skipped and never held as a whole.
    """
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        *whole, rest = piece.split(b"\n")
        batch: list[bytes | None] = []
        for end in whole:
            size += len(end)
            batch.append(None if size > MAX_LINE_BYTES else b"".join((*parts, end, b"\n")))
            parts, size = [], 0
        if batch:
            yield batch
        size += len(rest)
        if size > MAX_LINE_BYTES:
            parts = []
        elif rest:
            parts.append(rest)
    if size:
        yield [None if size > MAX_LINE_BYTES else b"".join(parts)]


def text_lines(path: Path, encoding: str) -> tuple[Iterator[bytes | None], str]:
    """The lines of a text file without byte order mark, and the encoding to decode each with.

    Encodings in which a line break is not the byte 0x0A (UTF-16, EBCDIC) come out as UTF-8.
    """
    codec = codec_name(encoding)
    pieces = chunks(path)
    if "\n".encode(codec) != b"\n":
        pieces, codec = _as_utf8(pieces, codec), "utf-8"
    found = chain.from_iterable(line_batches(pieces))
    return (_without_bom(found) if codec == "utf-8" else found), codec


def codec_name(encoding: str) -> str:
    """The canonical name of a text codec. Raises UsageError for what is none."""
    try:
        "\n".encode(encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, UnicodeError, ValueError) as error:
        raise UsageError(f"--encoding {encoding}: Python knows no such text encoding") from error
    return "utf-8" if name == "utf-8-sig" else name


def undecodable(codec: str, offset: int) -> str:
    """The reason for a row whose byte `offset` (from 0) does not decode."""
    name = {"utf-8": "UTF-8"}.get(codec, codec)
    return (
        f"not valid {name} at byte {offset + 1} of the row: give --encoding, e.g. gbk or cp1252, "
        "if the whole file is in another encoding"
    )


def breaks(error: BaseException) -> str:
    """The reason for a stream that ends in the middle or is damaged."""
    return (
        f"the file breaks here ({_detail(error)}), what follows "
        "cannot be read: it was cut short or damaged, fetch or write it again"
    )


def unreadable(error: BaseException, file: str) -> InputError:
    """The error for a file of which nothing could be read."""
    if isinstance(error, PermissionError | IsADirectoryError | FileNotFoundError):
        return InputError(f"cannot be opened: {error.strerror}", file=file)
    return InputError(
        f"nothing of it can be read ({_detail(error)}): it is not what its name says, or was cut "
        "short or damaged; fetch or write it again",
        file=file,
    )


def _detail(error: BaseException) -> str:
    said = str(error).strip().splitlines()
    return said[0] if said else type(error).__name__


def _as_utf8(pieces: Iterable[bytes], codec: str) -> Iterator[bytes]:
    # Lone surrogates pass here and are found again, row by row, when the UTF-8 is decoded.
    decoder = codecs.getincrementaldecoder(codec)("surrogatepass")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def _without_bom(found: Iterator[bytes | None]) -> Iterator[bytes | None]:
    first = next(found, b"")
    first = first.removeprefix(codecs.BOM_UTF8) if first else first
    if first is None or first:
        yield first
    yield from found
