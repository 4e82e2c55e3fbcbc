"""One encoder recipe with and without its block `adapt`, under the same splits and seeds.

Prints the split-gap table with the paired comparison (adapted minus plain), and for each seed what
the adaptation read, left out and reached. Figures and table are written to --output.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from adrisk.dataset.prepared import AdDataset
from adrisk.evaluate.protocols import run_protocols
from adrisk.evaluate.tables import figure, markdown_table
from adrisk.pipeline import ranking_model
from adrisk.train.recipe import load_recipe


def adaptations(work_dir: Path, protocol: str) -> list[dict]:
    """The `adaptation` block of every manifest below `work_dir`, one a seed."""
    found = []
    for path in sorted(work_dir.glob("encoder-*/bundle/manifest.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        seed = path.parts[-3].removeprefix("encoder-")
        found.append({"protocol": protocol, "seed": seed, **manifest["base_model"]["adaptation"]})
    return found


def table_of(adapted: list[dict]) -> str:
    header = ("protocol", "seed", "rows read", "kept", "left out", "tokens", "steps",
              "held-out loss before", "after")  # fmt: skip
    rows = []
    for a in adapted:
        left_out = ", ".join(f"{count} {reason}" for reason, count in a["left_out"].items())
        loss = a["held_out_loss"] or {"before": None, "after": None}
        rows.append((a["protocol"], a["seed"], a["rows"], a["kept"], left_out, a["tokens"],
                     a["steps"], figure(loss["before"]), figure(loss["after"])))  # fmt: skip
    return markdown_table(header, rows)


@click.command()
@click.argument("prepared", type=click.Path(path_type=Path))
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE")
@click.option("--protocol", default="near_duplicate", show_default=True)
@click.option("--seeds", default=5, show_default=True)
@click.option("--output", required=True, type=click.Path(path_type=Path))
def main(
    prepared: Path,
    recipe: Path,
    overrides: tuple[str, ...],
    protocol: str,
    seeds: int,
    output: Path,
) -> None:
    adapted = load_recipe(recipe, overrides)
    plain = adapted.model_copy(update={"adapt": None})
    dataset = AdDataset.load(prepared)
    with tempfile.TemporaryDirectory(prefix="adrisk-adaptation-") as folder:
        models = {
            name: ranking_model("encoder", settings, Path(folder) / name, dataset)
            for name, settings in (("plain", plain), ("adapted", adapted))
        }
        gap = run_protocols(
            dataset,
            models,
            [protocol],
            range(seeds),
            baseline="plain",
            progress=lambda line: click.echo(line, err=True),
        )
        story = adaptations(Path(folder) / "adapted", protocol)
    text = f"{gap.markdown()}\n{table_of(story)}\n"
    output.mkdir(parents=True, exist_ok=True)
    (output / "adaptation.md").write_text(text, encoding="utf-8")
    record = {"recipe": adapted.model_dump(mode="json"), "gap": gap.to_dict(), "adaptation": story}
    (output / "adaptation.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
