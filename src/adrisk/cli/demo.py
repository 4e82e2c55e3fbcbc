"""`adrisk demo`: the whole road on the seed corpus, with the commands a user would type."""

from __future__ import annotations

import csv
from pathlib import Path

import click

from adrisk.errors import UsageError

MODEL = Path("models/demo")
WORK = Path("runs/demo")


@click.command("demo")
@click.option(
    "--recipe", default="configs/quick.yaml", type=click.Path(path_type=Path), show_default=True
)
@click.option("--corpus", default="data/seed", type=click.Path(path_type=Path), show_default=True)
def command(recipe: Path, corpus: Path) -> None:
    """Prepare the seed corpus, train the quick recipe, register it, and score a file of ads.

    Run it in a checkout. Earlier demo output (models/demo, runs/demo) is replaced.
    """
    from adrisk.cli.main import cli

    if not corpus.is_dir() or not recipe.is_file():
        raise UsageError("run the demo in a checkout: it reads data/seed and configs/quick.yaml")
    prepared, scored = WORK / "prepared", WORK / "scored.csv"
    sample = _sample(corpus, WORK / "ads.csv")
    steps = [
        ["prepare", str(corpus), "--output", str(prepared), "--overwrite"],
        ["train", str(recipe), str(prepared), "--output", str(MODEL), "--overwrite"],
        ["score", str(sample), "--output", str(scored), "--model", str(MODEL), "--overwrite"],
    ]
    for step in steps:
        click.secho(f"\n$ adrisk {' '.join(step)}", bold=True)
        cli(step, standalone_mode=False)
    click.echo(f"scored:      {scored}")
    _show_top(scored)


def _sample(corpus: Path, path: Path) -> Path:
    """The corpus without its labels, as the CSV that a scraper would leave."""
    from adrisk.score.files import iter_rows, list_inputs

    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ("id", "title", "text", "ad_type")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for source in list_inputs([corpus]):
            for row in iter_rows(source):
                if row.values is not None:
                    writer.writerow([row.values.get(name, "") for name in columns])
    return path


def _show_top(scored: Path, n: int = 5) -> None:
    with scored.open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: -float(row["risk_score"]))
    click.echo(f"\nthe {n} of {len(rows)} ads that ask for a human look first:")
    for row in rows[:n]:
        click.echo(
            f"  {row['id']:<8} {float(row['risk_score']):.3f}  {row['tier']:<16} {row['language']}"
        )
