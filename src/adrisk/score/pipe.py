"""Score a stream of ads to a stream: JSONL in, JSONL out, one line for a line, in order.

Lines are scored and flushed as they arrive, errors in place; nothing is kept on disk.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from adrisk.errors import InputError, UsageError
from adrisk.score.files import Row, json_row, list_inputs
from adrisk.score.ledger import Ledger, Progress
from adrisk.score.options import ScoreOptions
from adrisk.score.output import jsonl_text
from adrisk.score.run import check_inputs
from adrisk.score.scorer import Scorer
from adrisk.score.streams import codec_name, line_batches
from adrisk.score.summary import Summary, count_outcomes, summarize
from adrisk.score.window import WindowScorer, windows

STREAM_NAME = "<stdin>"
_WINDOW_LINES = 64
_READ_BYTES = 1 << 16


def score_stream(
    scorer: Scorer,
    source: BufferedReader,
    sink: BinaryIO,
    options: ScoreOptions,
    on_window: Callable[[int], Any] = lambda rows: None,
) -> Summary:
    """Score the JSONL of a binary stream; every input line, also a blank one, gives a line.

    Lines that arrive together are scored together, at most 64 at a time, so a partner that waits
    for each answer gets it. Raises UsageError for options that need the whole input, InputError
    for the first bad line with on_error "fail", and BrokenPipeError where the reader has gone.
    """
    if options.review_budget is not None:
        raise UsageError("--review-budget ranks the whole input, so it cannot read from stdin")
    return _score(scorer, _stream_windows(source, options.encoding), sink, options, on_window)


def score_to_stream(
    scorer: Scorer,
    inputs: Sequence[Path | str],
    sink: BinaryIO,
    options: ScoreOptions,
    on_window: Callable[[int], Any] = lambda rows: None,
) -> Summary:
    """Score files into a JSONL stream; raises as `score_stream` does."""
    if options.review_budget is not None:
        raise UsageError("--review-budget goes over the input twice: write to a file")
    paths = list_inputs(inputs)
    check_inputs(paths, options)
    found = windows(paths, options.encoding, options.window_rows)
    return _score(scorer, found, sink, options, on_window, several=len(paths) > 1)


def _score(
    scorer: Scorer,
    found: Iterable[list[tuple[int, int, Row]]],
    sink: BinaryIO,
    options: ScoreOptions,
    on_window: Callable[[int], Any],
    several: bool = False,
) -> Summary:
    started = time.monotonic()
    progress = Progress(stage="write", threshold=options.review_threshold)
    with closing(Ledger()) as ledger:
        scoring = WindowScorer(scorer, ledger, options, several)
        for window in found:
            outcomes = scoring.score(window, options.review_threshold)
            bad = next((o for o in outcomes if o.reason is not None), None)
            if bad is not None and options.on_error == "fail":
                raise InputError(str(bad.reason), bad.row.file, bad.row.number)
            sink.write(jsonl_text(o.output_row() for o in outcomes).encode("utf-8"))
            sink.flush()
            progress.rows += len(window)
            count_outcomes(progress, outcomes)
            ledger.commit(progress)
            on_window(len(window))
    return summarize(scorer, "-", None, progress, progress.rows, started)


def _stream_windows(source: BufferedReader, encoding: str) -> Iterator[list[tuple[int, int, Row]]]:
    codec = codec_name(encoding)
    if "\n".encode(codec) != b"\n":
        raise UsageError(f"stdin cannot be read as {encoding}: convert it to UTF-8 first")
    position = 0
    for batch in line_batches(iter(lambda: source.read1(_READ_BYTES), b"")):
        for start in range(0, len(batch), _WINDOW_LINES):
            window = []
            for line in batch[start : start + _WINDOW_LINES]:
                if position == 0 and line is not None:
                    line = line.removeprefix(codecs.BOM_UTF8)
                window.append((position, 0, json_row(STREAM_NAME, position + 1, line, codec)))
                position += 1
            yield window
