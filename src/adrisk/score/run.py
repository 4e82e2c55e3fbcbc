"""Score files of ads into a file: streaming, resumable, with every row accounted for.

Rows go in windows. After each window the output is on the disk and the ledger knows it; an
interrupted run goes on with the next window and ends with the same bytes as an unbroken one.
The work folder `<OUT>.work` holds what is unfinished; OUT appears in one step at the end.
"""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adrisk.errors import AdriskError, InputError, OutputExistsError, UsageError
from adrisk.score.columns import check_columns
from adrisk.score.decide import NEVER, OperatingPoints
from adrisk.score.files import Row, column_names, iter_rows, list_inputs
from adrisk.score.ledger import DamagedLedgerError, Ledger, Progress
from adrisk.score.options import ScoreOptions
from adrisk.score.output import OutputRow, PartialFile, open_sink, plan_layout, to_json
from adrisk.score.scorer import Scorer
from adrisk.score.summary import Summary, count_outcomes, summarize
from adrisk.score.window import Outcome, WindowScorer, windows

_STATE = "state.sqlite"


@dataclass
class _Places:
    """Where a run reads, writes and keeps what is unfinished."""

    inputs: list[Path]
    output: Path
    rejects: Path = field(init=False)
    work: Path = field(init=False)

    def __post_init__(self) -> None:
        self.rejects = self.output.with_name(f"{self.output.name}.rejects.jsonl")
        self.work = self.output.with_name(f"{self.output.name}.work")


def score_file(
    scorer: Scorer,
    inputs: Sequence[Path | str],
    output: Path | str,
    options: ScoreOptions | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    on_window: Callable[[int], Any] = lambda rows: None,
    say: Callable[[str], None] = lambda line: None,
) -> Summary:
    """Score the ads of files and folders into one file; bad rows go to `<OUT>.rejects.jsonl`.

    `on_window` hears how many rows each window had. Raises UsageError for a call that cannot work,
    OutputExistsError where `output` is there already, InputError for a file that cannot be read
    and, with on_error "fail", for the first bad row. KeyboardInterrupt leaves the work folder for
    `resume`, which goes on only under the same settings.
    """
    options = options or ScoreOptions()
    places = _Places(list_inputs(inputs), Path(output))
    _check_places(places, inputs, resume, overwrite)
    check_inputs(places.inputs, options)
    layout = plan_layout(places.inputs, places.output, options.encoding)
    settings = _settings(scorer, places, options)
    started = time.monotonic()
    with closing(_open_ledger(places, settings, resume, overwrite, say)) as ledger:
        run = _Run(scorer, places, options, ledger, on_window)
        before = run.progress.rows if run.progress.stage == "write" else 0
        try:
            if options.review_budget is not None and run.progress.stage != "write":
                run.rank(options.review_budget)
            with closing(open_sink(layout, places.work, run.progress.output)) as sink:
                run.write(sink.write)
                _finish_rejects(places, run.progress)
                sink.finish(places.output)
        except InputError:
            if options.on_error == "fail":  # not resumable: the input or the options must change
                shutil.rmtree(places.work)
            raise
        except (OSError, sqlite3.OperationalError) as error:
            raise AdriskError(
                f"cannot write {places.output}: {error}; once that is mended, the same command "
                "with --resume goes on"
            ) from error
        progress = run.progress
    shutil.rmtree(places.work)
    rejects = str(places.rejects) if progress.rejects else None
    return summarize(scorer, str(output), rejects, progress, progress.rows - before, started)


def with_min_precision(scorer: Scorer, precision: float, prevalence: float | None) -> Scorer:
    """The scorer with tier review from the lowest threshold that reaches `precision`.

    `prevalence` is the share of risky ads to assume, by default the bundle's assumed prevalence.
    Raises UsageError where no threshold of the calibration part reaches it.
    """
    share = scorer.assumed_prevalence if prevalence is None else prevalence
    threshold = scorer.curve.threshold_for_precision(precision, share)
    if threshold > 1.0:
        raise UsageError(
            f"no threshold of this model reaches a precision of {precision} where a share of "
            f"{share} is risky: ask for less, or give --threshold"
        )
    priority = max(threshold, scorer.points.priority_review)
    return scorer.with_points(OperatingPoints(review=threshold, priority_review=priority))


class _Run:
    """The loop over windows."""

    def __init__(
        self,
        scorer: Scorer,
        places: _Places,
        options: ScoreOptions,
        ledger: Ledger,
        on_window: Callable[[int], Any],
    ) -> None:
        self._places, self._options, self._ledger = places, options, ledger
        self._on_window = on_window
        self._windows = WindowScorer(scorer, ledger, options, several=len(places.inputs) > 1)
        self.progress = ledger.progress()

    def rank(self, budget: int) -> None:
        """Score everything and find the threshold that flags at most `budget` rows."""
        self.progress.stage = "rank"
        for window in self._left():
            outcomes = self._windows.score(window)
            self._stop_at_error(outcomes)
            self._ledger.count(o.digest for o in outcomes if o.digest is not None)
            self.progress.rows += len(window)
            self._ledger.commit(self.progress)
            self._on_window(len(window))
        threshold = self._ledger.budget_threshold(budget)
        self.progress = Progress(stage="write", threshold=NEVER if threshold is None else threshold)
        self._ledger.commit(self.progress)

    def write(self, write: Callable[[Sequence[OutputRow]], int]) -> None:
        """Score what is left and write it, window by window."""
        progress = self.progress
        if progress.stage != "write":
            progress.stage, progress.threshold = "write", self._options.review_threshold
        with closing(PartialFile(self._places.work / "rejects.partial", progress.rejects)) as bad:
            for window in self._left():
                outcomes = self._windows.score(window, progress.threshold)
                self._stop_at_error(outcomes)
                keep_all = self._options.on_error == "null"
                kept = [o.output_row() for o in outcomes if keep_all or o.reason is None]
                rejected = [] if keep_all else [o for o in outcomes if o.reason is not None]
                progress.output = write(kept)
                progress.rejects = bad.append("".join(map(_reject_line, rejected)).encode())
                progress.rows += len(window)
                count_outcomes(progress, outcomes)
                self._ledger.commit(progress)
                self._on_window(len(window))

    def _left(self) -> Iterator[list[tuple[int, int, Row]]]:
        return windows(
            self._places.inputs,
            self._options.encoding,
            self._options.window_rows,
            done=self.progress.rows,
        )

    def _stop_at_error(self, outcomes: Iterable[Outcome]) -> None:
        if self._options.on_error == "fail":
            for outcome in outcomes:
                if outcome.reason is not None:
                    raise InputError(outcome.reason, outcome.row.file, outcome.row.number)


def _reject_line(outcome: Outcome) -> str:
    row = outcome.row
    entry = {"file": row.file, "row": row.number, "id": outcome.id, "reason": outcome.reason}
    return to_json(entry) + "\n"


def _check_places(
    places: _Places, given: Sequence[Path | str], resume: bool, overwrite: bool
) -> None:
    output, work = places.output, places.work
    if not output.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {output.parent}: make it first")
    if output.is_dir():
        raise UsageError(f"{output}: a folder of that name is in the way")
    if output.resolve() in {path.resolve() for path in places.inputs}:
        raise UsageError(f"{output}: the output is one of the inputs")
    for folder in (Path(path) for path in given if Path(path).is_dir()):
        if output.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{output}: lies in the input folder {folder}: write it elsewhere")
    going_on = resume and (work / _STATE).exists()
    for path in (output, places.rejects):
        if path.exists() and not overwrite and not (going_on and path == places.rejects):
            raise OutputExistsError(f"{path} exists: choose another output or give --overwrite")
    if work.exists() and not resume and not overwrite:
        raise UsageError(
            f"{work} holds an interrupted run: give --resume to go on with it, or --overwrite to "
            "begin again"
        )


def check_inputs(paths: Iterable[Path], options: ScoreOptions) -> None:
    """Every file opens and has the text columns, before anything is written."""
    for path in paths:
        names = column_names(path, encoding=options.encoding)
        if names is None:
            next(iter_rows(path, encoding=options.encoding), None)
        else:
            check_columns(names, options.columns, str(path))


def _settings(scorer: Scorer, places: _Places, options: ScoreOptions) -> dict[str, Any]:
    """All that decides the bytes of the output, in plain types."""
    from adrisk import __version__

    files = {}
    for path in places.inputs:
        facts = path.stat()
        files[f"input {path.resolve()}"] = [facts.st_size, facts.st_mtime_ns]
    chosen = dataclasses.asdict(options)
    columns = {f"column {name}": value for name, value in chosen.pop("columns").items()}
    columns["column text"] = list(columns["column text"])
    return {
        "inputs": [str(path.resolve()) for path in places.inputs],
        **files,
        **columns,
        **chosen,
        "tiers": dataclasses.asdict(scorer.points),
        "prevalence": scorer.prevalence,
        "bundle_sha256": scorer.bundle_sha256,
        "adrisk version": __version__,
    }


def _open_ledger(
    places: _Places,
    settings: dict[str, Any],
    resume: bool,
    overwrite: bool,
    say: Callable[[str], None],
) -> Ledger:
    state = places.work / _STATE
    if resume and state.exists():
        ledger = Ledger(state)
        recorded = ledger.settings()
        if recorded is not None:
            _check_same(recorded, settings, ledger)
            say(f"going on after {ledger.progress().rows} rows")
            return ledger
        ledger.close()
    elif resume:
        say("nothing to resume: beginning from the first row")
    _fresh_folder(places.work)
    ledger = Ledger(state)
    ledger.begin(settings)
    return ledger


def _check_same(recorded: dict[str, Any], settings: dict[str, Any], ledger: Ledger) -> None:
    names = dict.fromkeys([*recorded, *settings])
    differ = [name for name in names if recorded.get(name) != settings.get(name)]
    if differ:
        ledger.close()
        raise UsageError(
            f"cannot resume: changed since the run was interrupted: {', '.join(differ)}; "
            "use the same settings, or begin again with --overwrite"
        )


def _fresh_folder(work: Path) -> None:
    try:
        if work.is_dir():
            if any(work.iterdir()) and not (work / _STATE).exists():
                raise UsageError(f"{work}: this folder is in the way and not from adrisk score")
            with suppress(DamagedLedgerError):
                Ledger(work / _STATE).close()  # refuses where another run is at it
            shutil.rmtree(work)
        work.mkdir()
    except OSError as error:
        raise UsageError(f"cannot write beside the output: {work}: {error.strerror}") from error


def _finish_rejects(places: _Places, progress: Progress) -> None:
    # Copied, not moved: should the next step fail, a resumed run still finds its own.
    if progress.rejects:
        shutil.copyfile(places.work / "rejects.partial", places.rejects)
    else:
        places.rejects.unlink(missing_ok=True)
