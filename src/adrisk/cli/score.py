"""`adrisk score`: files of ads, or a stream of them, with a score, a tier and the signs."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from adrisk.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from adrisk.score.options import ScoreOptions
    from adrisk.score.scorer import Scorer
    from adrisk.score.summary import Summary

INTERRUPTED = 130
READER_GONE = 141
"""As a program that SIGPIPE ends: the reader of stdout has closed it."""

_STREAM = "-"
_SHARE = click.FloatRange(0.0, 1.0)


@click.command("score")
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option("--output", "-o", required=True, metavar="OUT", help="File to write, .csv, .jsonl or .parquet, also with .gz or .zst; - for JSONL on stdout.")  # fmt: skip
@click.option("--model", metavar="DIR", help="Bundle folder, or models:/NAME@ALIAS with the train extra [the bundle that ships].")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), help="Threads of the encoder.")
@click.option("--batch-size", type=click.IntRange(1), help="Ads of full length a step of the encoder.")  # fmt: skip
@click.option("--on-error", type=click.Choice(["reject", "fail", "null"]), help="Bad rows: to OUT.rejects.jsonl, stop, or stay with `error` [reject; null on stdout].")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Closing summary as one JSON object on stdout.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress and no summary on stderr.")
@click.option("--threshold", type=_SHARE, help="Tier review from this risk_score.")
@click.option("--min-precision", type=click.FloatRange(0.0, 1.0, min_open=True), help="Tier review from the score where this share of flagged ads is expected to be risky.")  # fmt: skip
@click.option("--review-budget", type=click.IntRange(0), metavar="K", help="Tier review for the K riskiest ads of the input at most.")  # fmt: skip
@click.option("--prevalence", type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True), help="Share of risky ads in this input; restates scores, not the default tiers.")  # fmt: skip
@click.option("--text-columns", metavar="A,B,…", help="Columns joined with line breaks as the text [text].")  # fmt: skip
@click.option("--id-column", default="id", show_default=True, metavar="NAME")
@click.option("--language", metavar="TAG", help="Language of rows that name none; else detected.")
@click.option("--language-column", default="language", show_default=True, metavar="NAME")
@click.option("--ad-type", help="Kind of the rows that name none: job, escort or other.")
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of CSV and JSONL.")
@click.pass_context
def command(ctx: click.Context, **given: Any) -> None:
    """Score the ads of INPUT (files, folders, or - for JSONL on stdin).

    The output keeps the input's columns and adds risk_score, tier, categories, indicators and
    more; an input column of such a name is kept as input_<name>. Rows that cannot be scored go to
    OUT.rejects.jsonl, and the exit code is 3. An ad without an id is called row-<n> where
    duplicate_of points to it (file-<k>-row-<n> with several files).
    """
    _check(given)
    options = _options(given)
    scorer = _scorer(given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _progress(quiet=given["quiet"]) as bar:
            summary = _run(scorer, given, options, bar.update)
    except BrokenPipeError:
        # Nothing more can be written; without this, closing stdout would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        ctx.exit(READER_GONE)
    except KeyboardInterrupt:
        how = "" if given["output"] == _STREAM else ": the same command with --resume goes on"
        click.echo(f"interrupted{how}", err=True)
        ctx.exit(INTERRUPTED)
    if not given["quiet"]:
        click.echo(summary_table(summary), err=True)
    if given["as_json"]:
        click.echo(json.dumps(dataclasses.asdict(summary), ensure_ascii=False))
    ctx.exit(summary.exit_code)


def summary_table(summary: Summary, most_languages: int = 5) -> str:
    """The closing table, one line a fact."""
    languages = list(summary.languages.items())
    others = sum(n for _, n in languages[most_languages:])
    shown = languages[:most_languages] + ([("others", others)] if others else [])
    facts = {
        "rows": summary.rows,
        "scored": summary.scored,
        "errors" if summary.rejects_file is None else "rejected": summary.errors,
        **{f"tier {tier}": summary.tiers.get(tier, 0) for tier in _tiers()},
        "duplicates": summary.duplicates,
        "languages": ", ".join(f"{name} {n}" for name, n in shown) or "none",
        "seconds": f"{summary.seconds:.1f}",
        "ads a second": f"{summary.ads_per_second:.0f}",
        "model": f"{summary.model_version} ({summary.bundle_sha256[:12]})",
        "output": summary.output,
    }
    if summary.review_threshold is not None:
        facts["review from"] = (
            summary.review_threshold if summary.review_threshold <= 1 else "none fits the budget"
        )
    if summary.rejects_file is not None:
        facts["rejects"] = summary.rejects_file
    return "\n".join(f"{name:<21} {value}" for name, value in facts.items())


def _tiers() -> list[str]:
    from adrisk.records import Tier

    return [str(tier) for tier in Tier]


def _check(given: dict[str, Any]) -> None:
    """Options that do not go together are refused before a model is loaded."""
    chosen = [n for n in ("threshold", "min_precision", "review_budget") if given[n] is not None]
    if len(chosen) > 1:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in chosen)
        raise UsageError(f"{names} exclude each other: choose one")
    from_stream, to_stream = _STREAM in given["inputs"], given["output"] == _STREAM
    if from_stream and (len(given["inputs"]) > 1 or not to_stream):
        raise UsageError("stdin (-) goes alone and with --output -: save it to a file for the rest")
    if not to_stream:
        return
    for name in ("resume", "overwrite", "as_json"):
        if given[name]:
            raise UsageError(f"--{name.removeprefix('as_')} does not go with --output -")
    if given["on_error"] == "reject":
        raise UsageError("on stdout errors stay in their place: --on-error null or fail")
    if given["review_budget"] is not None:
        raise UsageError("--review-budget goes over the input twice: name files for both ends")


def _options(given: dict[str, Any]) -> ScoreOptions:
    from adrisk.score.columns import ColumnMap, parse_columns
    from adrisk.score.options import ScoreOptions

    columns = ColumnMap(
        text=parse_columns(given["text_columns"]),
        id=given["id_column"],
        language=given["language_column"],
    )
    return ScoreOptions(
        columns=columns,
        encoding=given["encoding"],
        on_error=given["on_error"] or ("null" if given["output"] == _STREAM else "reject"),
        language=given["language"],
        ad_type=given["ad_type"],
        review_threshold=given["threshold"],
        review_budget=given["review_budget"],
    )


def _scorer(given: dict[str, Any]) -> Scorer:
    from adrisk.score.run import with_min_precision
    from adrisk.score.scorer import Scorer

    names = ("threads", "batch_size", "prevalence")
    settings = {name: given[name] for name in names if given[name] is not None}
    scorer = Scorer.load(_bundle(given["model"]), **settings)
    if given["min_precision"] is not None:
        scorer = with_min_precision(scorer, given["min_precision"], given["prevalence"])
    return scorer


def _bundle(model: str | None) -> Path | None:
    if model is None or not model.startswith("models:/"):
        return None if model is None else Path(model)
    try:
        from adrisk import track

        return track.resolve_bundle(model)
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", str(error.name)) from error


def _run(
    scorer: Scorer, given: dict[str, Any], options: ScoreOptions, on_window: Callable[[int], Any]
) -> Summary:
    from adrisk.score.pipe import score_stream, score_to_stream
    from adrisk.score.run import score_file

    if given["output"] == _STREAM:
        if given["inputs"] == (_STREAM,):
            source = cast(BufferedReader, sys.stdin.buffer)
            return score_stream(scorer, source, sys.stdout.buffer, options, on_window)
        return score_to_stream(scorer, given["inputs"], sys.stdout.buffer, options, on_window)
    return score_file(
        scorer,
        given["inputs"],
        given["output"],
        options,
        resume=given["resume"],
        overwrite=given["overwrite"],
        on_window=on_window,
        say=lambda line: click.echo(line, err=True),
    )


def _progress(*, quiet: bool) -> Any:
    from tqdm import tqdm

    return tqdm(unit=" ads", disable=quiet, file=sys.stderr, smoothing=0.1)
