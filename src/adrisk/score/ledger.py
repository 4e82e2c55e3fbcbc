"""What a run of scoring remembers on disk: how far it is, and which model inputs it has scored.

One SQLite file, one transaction a window. So an interrupted run knows the last window that is
complete, and repeats of an ad are found across the whole input without holding it in memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from adrisk.errors import UsageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (
    digest BLOB PRIMARY KEY,  -- of the model input
    position INTEGER NOT NULL,  -- of the first row that has it, from 0 over the whole input
    first_id TEXT NOT NULL,
    score REAL NOT NULL,
    fields TEXT NOT NULL,  -- the scored fields that every row with this model input shares
    n_rows INTEGER NOT NULL  -- rows that have it; counted only where a review budget ranks them
) WITHOUT ROWID;
"""


class DamagedLedgerError(UsageError):
    """The file is there and is no ledger."""


class Seen(NamedTuple):
    """A model input that was scored: where first, under which id, and its scored fields."""

    position: int
    first_id: str
    fields: dict[str, Any]


@dataclass
class Progress:
    """How far a run is; written after every window."""

    stage: str = ""
    rows: int = 0
    output: int = 0
    rejects: int = 0
    threshold: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    tiers: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)


class Ledger:
    """The memory of one run. Path None keeps it in a temporary file that goes with the process."""

    def __init__(self, path: Path | None = None) -> None:
        try:
            self._db = sqlite3.connect("" if path is None else path, timeout=0)
            # One run at a time: a second one on the same output finds the file locked.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript("BEGIN EXCLUSIVE;" + _SCHEMA + "COMMIT;")
        except sqlite3.OperationalError as error:
            raise UsageError(f"{path}: {error}; is another run writing this output?") from error
        except sqlite3.DatabaseError as error:
            raise DamagedLedgerError(f"{path}: {error}; begin again with --overwrite") from error

    def settings(self) -> dict[str, Any] | None:
        """The settings that the run began with; None for a new ledger."""
        found: dict[str, Any] | None = self._fact("settings")
        return found

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Record the settings of a new run."""
        self._set_fact("settings", settings)
        self.commit(Progress())

    def progress(self) -> Progress:
        """How far the run is, as of the last commit."""
        return Progress(**(self._fact("progress") or {}))

    def lookup(self, digests: Iterable[bytes]) -> dict[bytes, Seen]:
        """Those of the model inputs that were scored before."""
        found = {}
        for digest in digests:
            row = self._db.execute(
                "SELECT position, first_id, fields FROM seen WHERE digest = ?", (digest,)
            ).fetchone()
            if row is not None:
                found[digest] = Seen(row[0], row[1], json.loads(row[2]))
        return found

    def add(self, scored: Mapping[bytes, Seen]) -> None:
        """Remember newly scored model inputs; they count once committed."""
        self._db.executemany(
            "INSERT INTO seen VALUES (?, ?, ?, ?, ?, 0)",
            [
                (digest, s.position, s.first_id, s.fields["risk_score"], json.dumps(s.fields))
                for digest, s in scored.items()
            ],
        )

    def count(self, digests: Iterable[bytes]) -> None:
        """Count one more row for each of the model inputs, which `add` has had."""
        self._db.executemany(
            "UPDATE seen SET n_rows = n_rows + 1 WHERE digest = ?", [(d,) for d in digests]
        )

    def budget_threshold(self, budget: int) -> float | None:
        """The smallest score such that at most `budget` rows are at or above it; None if none is.

        Ties stay together: where the rows of one score do not all fit, none of them is taken.
        """
        threshold, rows = None, 0
        for score, n in self._db.execute(
            "SELECT score, SUM(n_rows) FROM seen GROUP BY score ORDER BY score DESC"
        ):
            rows += n
            if rows > budget:
                break
            threshold = score
        return threshold

    def commit(self, progress: Progress) -> None:
        """Record progress together with all that was added, in one transaction."""
        self._set_fact("progress", asdict(progress))
        self._db.commit()

    def close(self) -> None:
        """Close; what was not committed is forgotten."""
        self._db.close()

    def _fact(self, name: str) -> Any:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def _set_fact(self, name: str, value: Any) -> None:
        self._db.execute("REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))
