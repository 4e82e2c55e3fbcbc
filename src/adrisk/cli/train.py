"""`adrisk train`: a recipe and a prepared folder become a tracked, registered bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("train")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.argument("prepared", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="Folder of the bundle."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override one recipe key, as in encoder.epochs=2.",
)
@click.option(
    "--work-dir",
    type=click.Path(path_type=Path),
    help="Checkpoints, candidates and report [runs/<recipe>-<hash of recipe and data>].",
)
@click.option("--no-tracking", is_flag=True, help="Neither log to MLflow nor register.")
@click.option("--overwrite", is_flag=True, help="Replace the bundle if it exists.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    recipe: Path,
    prepared: Path,
    output: Path,
    overrides: tuple[str, ...],
    work_dir: Path | None,
    no_tracking: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Train the models of RECIPE on the ads in PREPARED and write the best one's bundle.

    The models are compared on the validation part; the figures printed are of the test part.
    An interrupted run goes on from its last checkpoint when it is started again. Several processes
    (torchrun, accelerate launch --multi_gpu) share the fine-tuning; only the first one writes.
    """
    from adrisk.dataset.prepared import AdDataset
    from adrisk.pipeline import assist, default_work_dir, train
    from adrisk.train import processes
    from adrisk.train.recipe import load_recipe

    loaded = load_recipe(recipe, overrides)
    dataset = AdDataset.load(prepared)
    folder = work_dir or default_work_dir(loaded, dataset)
    processes.warn_if_alone()
    if not processes.is_main():
        assist(loaded, dataset, work_dir=folder)
        return
    outcome = train(
        loaded,
        dataset,
        output,
        work_dir=folder,
        tracking=not no_tracking,
        overwrite=overwrite,
        say=(lambda line: None) if quiet else (lambda line: click.echo(line, err=True)),
    )
    click.echo(summary(outcome))


def summary(outcome: Any) -> str:
    """The closing table of a training run: one line a model, then where everything is."""
    lines = [
        f"{'model':<10} {'validation AP':>14} {'test AP':>9} {'95% interval':>17} {'base rate':>10}"
    ]
    for candidate in outcome.candidates:
        ap = candidate.evaluation.risk.average_precision
        mark = " *" if candidate is outcome.chosen else ""
        lines.append(
            f"{candidate.kind:<10} {candidate.validation_average_precision:>14.3f} "
            f"{ap.value:>9.3f} {f'{ap.low:.3f} to {ap.high:.3f}':>17} "
            f"{candidate.evaluation.risk.base_rate:>10.3f}{mark}"
        )
    lines.append("* chosen on the validation part")
    places = {
        "MLflow": outcome.tracking_uri or "not tracked",
        "registered": outcome.registered or "not registered",
        "bundle": outcome.bundle,
        "report": outcome.report,
    }
    return "\n".join([*lines, *(f"{name + ':':<12} {place}" for name, place in places.items())])
