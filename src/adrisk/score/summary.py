"""The closing account of a run of scoring."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from adrisk.score.ledger import Progress
from adrisk.score.scorer import Scorer
from adrisk.score.window import Outcome


@dataclass(frozen=True, slots=True)
class Summary:
    """The closing account of a run; after a resume, of the whole output.

    `rows` = `scored` + `errors`; `seconds` and `ads_per_second` are of this process alone.
    """

    output: str
    rejects_file: str | None
    rows: int
    scored: int
    errors: int
    duplicates: int
    truncated: int
    tiers: dict[str, int]
    languages: dict[str, int]
    review_threshold: float | None
    seconds: float
    ads_per_second: float
    model_version: str
    bundle_sha256: str

    @property
    def exit_code(self) -> int:
        """0, or 3 where rows were rejected or carry an error."""
        return 3 if self.errors else 0


def count_outcomes(progress: Progress, outcomes: Iterable[Outcome]) -> None:
    """Add a window to the counts, tiers and languages."""
    for outcome in outcomes:
        facts = {"rows": True, "errors": outcome.reason is not None}
        facts["duplicates"] = outcome.scored["duplicate_of"] is not None
        facts["truncated"] = outcome.scored["truncated"]
        for name, true in facts.items():
            progress.counts[name] = progress.counts.get(name, 0) + int(true)
        if outcome.reason is None:
            for counts, key in ((progress.tiers, "tier"), (progress.languages, "language")):
                value = str(outcome.scored[key])
                counts[value] = counts.get(value, 0) + 1


def summarize(
    scorer: Scorer,
    output: str,
    rejects: str | None,
    progress: Progress,
    rows_now: int,
    started: float,
) -> Summary:
    """The Summary of what `progress` counted; `rows_now` were done since `started` (monotonic)."""
    seconds = time.monotonic() - started
    counts = progress.counts
    return Summary(
        output=output,
        rejects_file=rejects,
        rows=counts.get("rows", 0),
        scored=counts.get("rows", 0) - counts.get("errors", 0),
        errors=counts.get("errors", 0),
        duplicates=counts.get("duplicates", 0),
        truncated=counts.get("truncated", 0),
        tiers=dict(progress.tiers),
        languages=dict(sorted(progress.languages.items(), key=lambda item: (-item[1], item[0]))),
        review_threshold=progress.threshold,
        seconds=round(seconds, 3),
        ads_per_second=round(rows_now / seconds, 1) if seconds else 0.0,
        model_version=scorer.model_version,
        bundle_sha256=scorer.bundle_sha256,
    )
