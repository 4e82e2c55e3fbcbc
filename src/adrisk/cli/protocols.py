"""`adrisk protocols`: every model trained anew under several splits, the split-gap table."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adrisk.errors import OutputExistsError, UsageError

if TYPE_CHECKING:
    from adrisk.dataset.prepared import AdDataset
    from adrisk.evaluate.comparators import FitRanker
    from adrisk.evaluate.protocols import SplitGap

BASELINE = "tfidf"
TRAINED = ("linear", "encoder")
TABLE, RECORD = "split_gap.md", "split_gap.json"


@click.command("protocols")
@click.argument("prepared", type=click.Path(path_type=Path))
@click.option(
    "--recipe", type=click.Path(path_type=Path), help="Recipe of the models linear and encoder."
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one key.")
@click.option(
    "--models",
    default="rule,metadata,tfidf,linear",
    show_default=True,
    metavar="A,B,…",
    help="rule, metadata, tfidf, linear, encoder.",
)
@click.option(
    "--protocols",
    default="random,near_duplicate,group_key",
    show_default=True,
    metavar="A,B,…",
    help="random, near_duplicate, grouped, group_key.",
)
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--bootstrap", default=1000, show_default=True, type=click.IntRange(min=1), help="Draws."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help=f"Folder for {TABLE} and {RECORD} [none written].",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier table in the folder.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    prepared: Path,
    recipe: Path | None,
    overrides: tuple[str, ...],
    models: str,
    protocols: str,
    seeds: int,
    bootstrap: int,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Train and test models under several splits of the ads in PREPARED.

    The parts that `prepare` froze are set aside: each protocol and seed splits anew. Every model is
    compared with tfidf, where it is among them, by a paired bootstrap over groups.
    """
    if output is not None and output.exists() and not overwrite:
        raise OutputExistsError(f"{output} exists: choose another --output or give --overwrite")
    from adrisk.dataset.prepared import AdDataset
    from adrisk.evaluate.protocols import run_protocols

    with tempfile.TemporaryDirectory(prefix="adrisk-protocols-") as work_dir:
        dataset = AdDataset.load(prepared)
        rankers = _rankers(_names(models), recipe, overrides, Path(work_dir), dataset)
        table = run_protocols(
            dataset,
            rankers,
            _names(protocols),
            range(seeds),
            baseline=BASELINE,
            n_resamples=bootstrap,
            progress=(lambda line: None) if quiet else (lambda line: click.echo(line, err=True)),
        )
    click.echo(table.markdown(), nl=False)
    if output is not None:
        _write(table, output)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _rankers(
    names: list[str],
    recipe: Path | None,
    overrides: tuple[str, ...],
    work_dir: Path,
    dataset: AdDataset,
) -> dict[str, FitRanker]:
    from adrisk.evaluate.comparators import COMPARATORS

    known = (*COMPARATORS, *TRAINED)
    for name in names:
        if name not in known:
            raise UsageError(f"no model is named '{name}': there are {', '.join(known)}")
        if name in TRAINED and recipe is None:
            raise UsageError(f"the model {name} needs --recipe, as in --recipe configs/linear.yaml")
    rankers = {name: COMPARATORS[name] for name in names if name in COMPARATORS}
    trained = [name for name in names if name in TRAINED]
    if trained and recipe is not None:
        from adrisk.pipeline import ranking_model
        from adrisk.train.recipe import load_recipe

        loaded = load_recipe(recipe, overrides)
        for name in trained:
            rankers[name] = ranking_model(name, loaded, work_dir, dataset)  # type: ignore[arg-type]
    return rankers


def _write(table: SplitGap, folder: Path) -> None:
    record = json.dumps(table.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in ((TABLE, table.markdown()), (RECORD, record)):
            temporary = folder / f".{name}.tmp"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(folder / name)
    except OSError as error:
        raise UsageError(f"cannot write the table in {folder}: {error.strerror}") from error
    click.echo(f"table: {folder / TABLE}")
