"""An adaptation run from a recipe and prepared ads: which text it reads, and what identifies it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from adrisk.dataset.held_out import HeldOutAds
from adrisk.dataset.prepared import AdDataset
from adrisk.dataset.sources import FileSource, Source
from adrisk.dataset.unlabelled import UnlabelledTexts, expand
from adrisk.score.columns import ColumnMap
from adrisk.text.model_input import model_input
from adrisk.train.adapt import Adaptation, Adapted, adapt
from adrisk.train.checkpoints import flat, sha256_of_texts
from adrisk.train.recipe import AdaptBlock, Recipe


def adapt_encoder(recipe: Recipe, train: AdDataset, held_out: AdDataset, work_dir: Path) -> Adapted:
    """Adapt the recipe's encoder to its unlabelled text, without what repeats a held-out ad.

    `held_out` are the ads of all parts but the training part. Raises the errors of `adapt` and of
    `expand`.
    """
    block = recipe.adapt
    assert block is not None
    sources = expand(block.texts, block.encoding)
    settings = recipe.text.settings()

    def read() -> UnlabelledTexts:
        return UnlabelledTexts(
            sources,
            _columns(block),
            settings,
            HeldOutAds(held_out),
            unchecked=train.texts if block.use_training_part else (),
            # disable=None: no bar where stderr is not a terminal.
            progress=lambda rows: tqdm(rows, desc="adaptation text", unit=" ads", disable=None),
        )

    run = Adaptation(
        block=block,
        encoder=recipe.encoder,
        tokenizer=recipe.tokenizer,
        read=read,
        training_texts=[model_input(text, settings).text for text in train.texts],
        hashes={
            **flat("text", recipe.text.model_dump(mode="json")),
            **{f"ads in {source.name}": _sha256(source) for source in sources},
            "training ads": sha256_of_texts(train.texts).hexdigest(),
            "held-out ads": _sha256_of_held_out(held_out),
        },
        seed=recipe.seed,
    )
    return adapt(run, work_dir)


def _columns(block: AdaptBlock) -> ColumnMap:
    named: dict[str, Any] = {"text": block.text_columns}
    if block.group_key_column is not None:
        named["group_key"] = block.group_key_column
    return ColumnMap(**named)


def _sha256(source: Source) -> str:
    """Hash of a file; a data set of the hub stands for itself by its address."""
    if not isinstance(source, FileSource):
        return source.name
    with source.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_held_out(ads: AdDataset) -> str:
    keys: Iterable[str] = sorted({key for key in ads.group_keys if key})
    digest = sha256_of_texts(sorted(ads.texts))
    digest.update(sha256_of_texts(keys).digest())
    return digest.hexdigest()
