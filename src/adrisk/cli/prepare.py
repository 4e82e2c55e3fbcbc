"""`adrisk prepare`: labelled files become a prepared folder of grouped, split, carded ads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from adrisk.errors import InputError, UsageError
from adrisk.score.columns import ColumnMap

if TYPE_CHECKING:
    from adrisk.dataset.contact_key import ContactKey
    from adrisk.dataset.importers import LabelReader
    from adrisk.dataset.read import Reject

T = TypeVar("T")
FINISHED_WITH_REJECTS = 3
_COLUMN_ROLES = tuple(f.name for f in fields(ColumnMap) if f.name != "text")


def _column_options(command: Callable[..., None]) -> Callable[..., None]:
    """One option for each role of ColumnMap, --text-columns first."""
    for role in reversed(_COLUMN_ROLES):
        name = role.replace("_", "-")
        command = click.option(
            f"--{name}-column", f"{role}_column", metavar="NAME", help=f"Column of {role} [{role}]."
        )(command)
    return click.option(
        "--text-columns",
        metavar="A,B,…",
        help="Columns joined with line breaks as the text [text].",
    )(command)


@click.command("prepare")
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="INPUT..."
)
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path),
    help="Prepared folder to write.",
)
@click.option(
    "--importer",
    default="generic",
    show_default=True,
    help="How rows are read: generic, emscad, trafficking10k, idtraffickers or matched.",
)
@_column_options
@click.option(
    "--risk-level-column", metavar="NAME", help="Column of the levels 0 to 6 [risk_level]."
)
@click.option("--label-column", metavar="NAME", help="Column whose words mean risk or no risk.")
@click.option("--positive", metavar="A,B,…", help="Words of the label column that mean risk 1.")
@click.option("--negative", metavar="A,B,…", help="Words of the label column that mean risk 0.")
@click.option("--category", metavar="NAME", help="Category that the label column speaks of.")
@click.option("--language", metavar="TAG", help="Language of rows that name none; else detected.")
@click.option("--ad-type", help="Kind of the rows that name none: job, escort or other.")
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of CSV and JSONL.")
@click.option("--seed", default=0, show_default=True, help="Seed of the split.")
@click.option(
    "--contact-key-file",
    type=click.Path(path_type=Path),
    help="Key for comparing contacts [ADRISK_CONTACT_KEY, else contact.key beside the output, made if missing].",
)
@click.option("--overwrite", is_flag=True, help="Replace the prepared folder if it exists.")
@click.option("--quiet", is_flag=True, help="No progress and no summary on stderr.")
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[Path, ...],
    output: Path,
    seed: int,
    contact_key_file: Path | None,
    overwrite: bool,
    quiet: bool,
    **reading: Any,
) -> None:
    """Read labelled ads from files or folders, group and split them, write a prepared folder.

    INPUT is a CSV, JSONL or Parquet file, a folder of them, or hf:NAME[:CONFIG[:SPLIT]]: a data set
    of the Hugging Face hub, or a folder that the datasets library can read (hf:./folder).
    Rows that cannot be used go to OUTPUT.rejects.jsonl with a reason; the exit code is then 3.
    """
    from adrisk.dataset.build import build_dataset
    from adrisk.dataset.card import card_files, data_card
    from adrisk.dataset.prepared import check_output
    from adrisk.dataset.read import read_ads

    check_output(output, overwrite=overwrite)
    options = _reading_options(reading)
    key = _contact_key(contact_key_file, output)
    _check_key(key, output)
    result = read_ads(inputs, **options, progress=_progress("reading", quiet))
    rejects = _write_rejects(result.rejects, output)
    built = build_dataset(result, key, seed=seed, progress=_progress("grouping", quiet))
    card = data_card(result, built)
    built.dataset.save(output, files=card_files(card), overwrite=overwrite)
    if not quiet:
        click.echo(_summary(card, output, rejects), err=True)
    if result.rejects:
        ctx.exit(FINISHED_WITH_REJECTS)


def _reading_options(options: dict[str, Any]) -> dict[str, Any]:
    """The options of the command line as those of `read_ads`."""
    from adrisk.dataset.importers import importer_of

    names = ("label_column", "positive", "negative", "category", "risk_level_column")
    labels = {name: options.pop(name) for name in names}
    roles = {role: options.pop(f"{role}_column") for role in _COLUMN_ROLES}
    usual = importer_of(options["importer"]).columns
    return {
        "label_map": _label_reader(**labels),
        "columns": _column_map(options.pop("text_columns"), roles, usual),
        **options,
    }


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _column_map(
    text_columns: str | None, roles: dict[str, str | None], usual: ColumnMap
) -> ColumnMap:
    """The importer's usual columns with those that options name in their place."""
    named: dict[str, Any] = {role: name for role, name in roles.items() if name is not None}
    if text_columns is not None:
        named["text"] = _words(text_columns)
        if not named["text"]:
            raise UsageError("--text-columns names no column")
    return replace(usual, **named)


def _label_reader(
    label_column: str | None,
    positive: str | None,
    negative: str | None,
    category: str | None,
    risk_level_column: str | None,
) -> LabelReader | None:
    from adrisk.dataset.importers import LabelMap, LevelColumn

    if label_column is None:
        if positive or negative or category:
            raise UsageError("--positive, --negative and --category belong to --label-column")
        return None if risk_level_column is None else LevelColumn(risk_level_column)
    if risk_level_column is not None:
        raise UsageError("--label-column and --risk-level-column do not go together")
    return LabelMap(label_column, _words(positive or ""), _words(negative or ""), category)


def _contact_key(file: Path | None, output: Path) -> ContactKey:
    """The key of the option, of the environment, or of the file beside the output."""
    from adrisk.dataset import contact_key

    if file is not None:
        return contact_key.load_contact_key(file)
    key = contact_key.contact_key_from_environment()
    if key is not None:
        return key
    beside = output.parent / contact_key.KEY_FILE
    if beside.exists():
        return contact_key.load_contact_key(beside)
    key = contact_key.make_contact_key(beside)
    click.echo(
        f"made a contact key in {beside}: keep it secret, and keep it, since a split can only be "
        "made again with the same key",
        err=True,
    )
    return key


def _check_key(key: ContactKey, output: Path) -> None:
    """Refuse to make a split again under another key, which would group ads in another way."""
    from adrisk.dataset.prepared import SPLIT, read_split_record

    if not (output / SPLIT).exists():
        return
    try:
        earlier = read_split_record(output)["about"].get("contact_key_id")
    except InputError as error:
        click.echo(f"the earlier split is replaced unread: {error}", err=True)
        return
    if earlier not in (None, key.key_id):
        raise UsageError(
            f"{output} was prepared with the contact key {earlier}, this one is {key.key_id}: give "
            "the earlier key with --contact-key-file, or choose another --output"
        )


def _write_rejects(rejects: list[Reject], output: Path) -> Path:
    """Write OUTPUT.rejects.jsonl; without rejects none is left from an earlier run either."""
    path = output.with_name(output.name + ".rejects.jsonl")
    try:
        if not rejects:
            path.unlink(missing_ok=True)
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        with temporary.open("w", encoding="utf-8") as file:
            for reject in rejects:
                record = {"file": reject.file, "row": reject.row, "reason": reject.reason}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def _progress(what: str, quiet: bool) -> Callable[[Iterable[T]], Iterable[T]]:
    from tqdm import tqdm

    # disable=None: no bar where stderr is not a terminal.
    return lambda items: tqdm(items, desc=what, unit=" ads", disable=True if quiet else None)


def _summary(card: dict[str, Any], output: Path, rejects: Path) -> str:
    lines = [
        f"{'part':<12} {'ads':>8} {'groups':>8} {'risky':>8} {'not':>8} {'unsure':>8} {'unknown':>8}"
    ]
    for name, counts in card["parts"].items():
        cells = " ".join(f"{count:>8}" for count in counts.values())
        lines.append(f"{name:<12} {cells}")
    duplicates = card["duplicates"]
    languages = ", ".join(f"{name} {count}" for name, count in list(card["languages"].items())[:8])
    lines += [
        f"languages: {languages}",
        f"groups: {duplicates['groups']}, the largest of {duplicates['largest_group']} ads; "
        f"{duplicates['share_of_ads_in_groups_of_several']:.1%} of the ads are not alone",
        *(f"note: {warning}" for warning in card["warnings"]),
        f"split {card['split_sha256'][:12]}, contact key {card['about']['contact_key_id']}",
        f"{card['rows']} rows: {card['ads']} ads, {card['repeated_rows']} repeated, "
        f"{sum(card['rejects'].values())} rejected",
    ]
    if card["rejects"]:
        lines += [f"  {count:>6}  {reason}" for reason, count in card["rejects"].items()]
        lines.append(f"rejects: {rejects}")
    lines.append(f"prepared: {output}")
    return "\n".join(lines)
