"""CSV as messy scrapes write it: records from lines, lines from cells, and the formula guard.

A spreadsheet runs a cell that begins with = + - @ tab or CR as a formula, and ads are hostile
input. So our writer puts an apostrophe in front of such a cell, and our reader takes it away.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from adrisk.score.streams import MAX_LINE_BYTES, undecodable

_GUARDED = re.compile(r"'*[=+\-@\t\r]")
_NEEDS_QUOTES = re.compile(r'[,;\t"\r\n]')
_QUOTED = re.compile(r'"[^"]*"')

UNCLOSED_QUOTE = "a quote opened in this row is never closed"


def guard(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `unguard` gives the cell back, always."""
    return "'" + cell if _GUARDED.match(cell) else cell


def unguard(cell: str) -> str:
    """Undo `guard`."""
    return cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell


def csv_line(cells: Iterable[str]) -> str:
    r"""Guarded cells as one comma-separated line ended by "\n" (fields may hold line breaks)."""
    return ",".join(_quote(guard(cell)) for cell in cells) + "\n"


def _quote(cell: str) -> str:
    # csv.writer of Python 3.11 leaves a lone CR unquoted when lines end with LF alone.
    return '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell


class Record(NamedTuple):
    """One CSV record: unguarded cells or the reason why there are none, and the lines it took."""

    cells: list[str]
    error: str | None
    lines: int


class _Rejected(Exception):
    """The record cannot be read; the text is the reason."""


class _Unclosed(Exception):
    """The record took more than any row may: a quote is open."""


def csv_records(found: Iterator[bytes | None], codec: str) -> Iterator[Record]:
    """Records of the lines of a file; blank lines are none. The first record is the header.

    The delimiter (comma, semicolon or tab) is the one that the header holds most often. A row with
    an open quote is an error, and the lines that it took along are read again, once.
    """
    # The limit is the process's own; it is only ever raised, _Feed bounds the row.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
    feed = _Feed(found, codec)
    reader = csv.reader(feed, delimiter=feed.sniff())
    while True:
        feed.start_record()
        try:
            cells = next(reader)
            if feed.ended_inside:
                raise _Unclosed
        except StopIteration:
            return
        except _Unclosed:
            yield Record([], UNCLOSED_QUOTE + feed.reread(), 1)
        except _Rejected as error:
            yield Record([], str(error), 1)
        except csv.Error as error:
            yield Record([], f"broken CSV: {error}".split(" - ")[0], feed.n_lines)
        else:
            if feed.bad_byte is not None:
                yield Record([], undecodable(codec, feed.bad_byte), feed.n_lines)
            elif cells:
                yield Record([unguard(cell) for cell in cells], None, feed.n_lines)


class _Feed:
    """Gives csv.reader decoded lines and remembers the raw lines of the record being read."""

    def __init__(self, found: Iterator[bytes | None], codec: str) -> None:
        self._found, self._codec = found, codec
        self._waiting: deque[bytes | None] = deque()
        self._again = 0  # how many of the waiting lines are being read a second time
        self.start_record()

    def start_record(self) -> None:
        self._taken: list[bytes] = []
        self._size = 0
        self._read_before = self._again > 0
        self.bad_byte: int | None = None
        self.ended_inside = False

    @property
    def n_lines(self) -> int:
        return len(self._taken)

    def sniff(self) -> str:
        """The delimiter, by the first line that is not blank."""
        for line in self._found:
            self._waiting.append(line)
            if line is None or line.strip():
                head = _QUOTED.sub("", (line or b"").decode(self._codec, "replace"))
                return max(",;\t", key=head.count)
        return ","

    def reread(self) -> str:
        """Put the lines after the record's first back: once for each line, so time stays linear."""
        rest = self._taken[1:]
        if self._read_before or not rest:
            return f" ({len(rest)} lines after it were lost with it)" if rest else ""
        self._waiting.extendleft(reversed(rest))
        self._again = len(rest)
        return ""

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self._size > MAX_LINE_BYTES:
            raise _Unclosed
        try:
            line = self._waiting.popleft() if self._waiting else next(self._found)
        except StopIteration:
            self.ended_inside = bool(self._taken)
            raise
        self._again = max(0, self._again - 1)
        if line is None and self._taken:
            self._waiting.appendleft(None)  # a row of its own
            raise _Unclosed
        if line is None:
            raise _Rejected(f"a line of more than {MAX_LINE_BYTES} bytes")
        return self._decoded(line)

    def _decoded(self, line: bytes) -> str:
        before = self._size
        self._taken.append(line)
        self._size += len(line)
        try:
            return line.decode(self._codec)
        except UnicodeDecodeError as error:
            if self.bad_byte is None:
                self.bad_byte = before + error.start
            return line.decode(self._codec, "surrogateescape")
