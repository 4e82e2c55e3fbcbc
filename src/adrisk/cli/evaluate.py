"""`adrisk evaluate`: a bundle and prepared ads become figures and a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from adrisk.errors import OutputExistsError, UsageError

if TYPE_CHECKING:
    from adrisk.dataset.prepared import AdDataset
    from adrisk.evaluate.evaluation import Evaluation
    from adrisk.score.scorer import Scorer


@click.command("evaluate")
@click.argument("bundle")
@click.argument("prepared", type=click.Path(path_type=Path))
@click.option("--part", default="test", show_default=True, help="test, calibration or validation.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder for report.html, report.md and metrics.json [none written].",
)
@click.option(
    "--bootstrap",
    default=1000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Draws of groups for the intervals.",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier report in the folder.")
@click.option("--quiet", is_flag=True, help="No notes on stderr.")
def command(
    bundle: str,
    prepared: Path,
    part: str,
    output: Path | None,
    bootstrap: int,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Score one part of PREPARED with BUNDLE, a folder or models:/ address, and measure.

    The ads go through the same scorer as in `adrisk score`. Ads of the training part are refused.
    """
    if output is not None and output.exists() and not overwrite:
        raise OutputExistsError(f"{output} exists: choose another --output or give --overwrite")
    from adrisk.dataset.prepared import AdDataset
    from adrisk.evaluate.measure import evaluate_scorer
    from adrisk.evaluate.report import write_report

    scorer = _scorer(bundle)
    dataset = AdDataset.load(prepared)
    refuse_own_training_ads(scorer, dataset)
    ads = dataset.part(part)
    if not len(ads):
        raise UsageError(f"{prepared} has no ads in the part '{part}'")
    evaluation = evaluate_scorer(scorer, ads, n_resamples=bootstrap)
    click.echo(summary(evaluation))
    if not quiet:
        for note in evaluation.notes:
            click.echo(f"note: {note}", err=True)
    if output is not None:
        title = f"Evaluation of {scorer.model_version}"
        page = write_report({scorer.kind: evaluation}, output, title=title)
        click.echo(f"report: {page}")


def refuse_own_training_ads(scorer: Scorer, dataset: AdDataset) -> None:
    """Raise UsageError where the bundle learned from these very ads under another split."""
    trained_on = scorer.bundle.manifest.get("training_data", {})
    if trained_on.get("split_sha256") == dataset.split_sha256:
        return
    if trained_on.get("fingerprint") == dataset.fingerprint:
        raise UsageError(
            "the bundle was trained on these ads under another split, so this part holds ads that "
            "it has learned from: use the prepared folder that it was trained on"
        )


def summary(evaluation: Evaluation) -> str:
    """The measures of `risk`, one a line."""
    from adrisk.evaluate.report_tables import headline_table, measured_on

    rows = headline_table({"": evaluation}).rows
    width = max(len(measure) for measure, _ in rows)
    lines = [f"{measure:<{width}}  {value}" for measure, value in rows]
    return "\n".join([measured_on(evaluation), *lines])


def _scorer(bundle: str) -> Scorer:
    from adrisk.score.scorer import Scorer

    if bundle.startswith("models:/"):
        from adrisk.track import resolve_bundle

        return Scorer.load(resolve_bundle(bundle))
    return Scorer.load(Path(bundle))
