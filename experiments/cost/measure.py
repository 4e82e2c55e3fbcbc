"""Minutes and peak memory of each recipe for 5,000 ads on this machine.

    python experiments/cost/measure.py [--steps 6] [--ads 5000] [--output table.md]

Encoders run some optimiser steps with the recipe's own settings on invented texts of an exact
number of tokens; the median step, the first left out, times the steps of an epoch gives the
minutes. A hub model is replaced by one of its shape, vocabulary included, with random weights: the
work is the same. `linear` is trained whole. Every cell is a process of its own, whose peak resident
memory is read from the operating system. Cleaning, evaluation and export are not counted.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CONFIGS = Path(__file__).parents[2] / "configs"
LENGTHS = (128, 256)
WORDS = 200_000


def hub_shape(name: str):
    """The configuration of a hub model, by its published card and config.json."""
    from transformers import BertConfig, ModernBertConfig, XLMRobertaConfig

    if name == "FacebookAI/xlm-roberta-base":
        return XLMRobertaConfig(vocab_size=250_002, max_position_embeddings=514)
    if name == "microsoft/Multilingual-MiniLM-L12-H384":
        return BertConfig(
            vocab_size=250_037, hidden_size=384, intermediate_size=1536, num_attention_heads=12
        )
    if name == "jhu-clsp/mmBERT-small":
        return ModernBertConfig(
            vocab_size=256_000,
            hidden_size=384,
            intermediate_size=1152,
            num_hidden_layers=22,
            num_attention_heads=6,
            pad_token_id=0,
        )
    raise SystemExit(f"the shape of {name} is not written down here")


def stand_in(name: str, folder: Path) -> Path:
    """A folder with random weights of the hub model's shape and a tokenizer of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import AutoModel

    config = hub_shape(name)
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}
    vocabulary |= {f"w{n}": n + 4 for n in range(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def texts_of(tokens: int, number: int) -> list[str]:
    """Texts of `tokens` tokens, control tokens included, for a tokenizer of whole words."""
    rng = np.random.default_rng(0)
    return [" ".join(f"w{w}" for w in rng.integers(0, WORDS, tokens - 2)) for _ in range(number)]


def labels_of(number: int) -> np.ndarray:
    """Float32 (number, 33): every target known, a tenth positive."""
    from adrisk.codebook.codebook import TARGETS

    return (np.random.default_rng(1).random((number, len(TARGETS))) < 0.1).astype(np.float32)


def encoder_cell(recipe, tokens: int, ads: int, steps: int, folder: Path) -> dict[str, float]:
    """Seconds a step and what follows from them."""
    from transformers import TrainerCallback

    from adrisk.codebook.codebook import TARGETS
    from adrisk.train.finetune import EncoderData, finetune

    marks: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            marks.append(time.perf_counter())

    block = recipe.encoder
    base = block.base and str(stand_in(block.base, folder / "base"))
    changes = {
        "base": base,
        "revision": None,
        "epochs": 1,
        "max_tokens": tokens,
        **({"tokenizer_class": None} if "tokenizer_class" in type(block).model_fields else {}),
    }
    ads_a_step = block.batch_size * block.gradient_accumulation
    texts = texts_of(tokens, ads_a_step * steps)
    data = EncoderData(texts, labels_of(len(texts)))
    none = EncoderData(texts[:2], np.zeros((2, len(TARGETS)), dtype=np.float32))
    finetune(
        block.model_copy(update=changes),
        recipe.tokenizer,
        data,
        none,
        TARGETS,
        folder / "work",
        recipe.seed,
        callbacks=[Clock()],
    )
    step = statistics.median(np.diff(marks))
    epoch = math.ceil(ads / ads_a_step) * step / 60
    return {"step": step, "epoch": epoch, "epochs": block.epochs, "all": epoch * block.epochs}


def linear_cell(recipe, tokens: int, ads: int, folder: Path) -> dict[str, float]:
    """The linear model trained whole."""
    from tokenizers import Tokenizer

    from adrisk.text.model_input import model_input
    from adrisk.train.linear import train_linear
    from adrisk.train.tokenizer import train_tokenizer

    settings = recipe.text.settings()
    inputs = [model_input(text, settings) for text in texts_of(tokens, ads)]
    labels = labels_of(ads)
    start = time.perf_counter()
    path = folder / "tokenizer.json"
    train_tokenizer([i.text for i in inputs], recipe.tokenizer, path)
    held = (inputs[: ads // 10], labels[: ads // 10])
    train_linear(recipe.linear, Tokenizer.from_file(str(path)), (inputs, labels), held, recipe.seed)
    return {"all": (time.perf_counter() - start) / 60}


def cell(config: Path, tokens: int, ads: int, steps: int) -> dict[str, float]:
    """One recipe at one length, in this process."""
    from adrisk.train.recipe import load_recipe

    recipe = load_recipe(config)
    with tempfile.TemporaryDirectory(prefix="adrisk-cost-") as folder:
        if "encoder" in recipe.models:
            found = encoder_cell(recipe, tokens, ads, steps, Path(folder))
        else:
            found = linear_cell(recipe, tokens, ads, Path(folder))
    return {**found, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2}


def row(config: Path, tokens: int, found: dict[str, float]) -> str:
    shown = [f"{found[k]:.2f}" if k in found else "" for k in ("step", "epoch")]
    epochs = f"{found['epochs']:g}" if "epochs" in found else ""
    whole, peak = f"{found['all']:.1f}", f"{found['peak']:.1f}"
    return "| " + " | ".join([config.stem, str(tokens), *shown, epochs, whole, peak]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configs", nargs="*", type=Path, default=sorted(CONFIGS.glob("*.yaml")))
    parser.add_argument("--ads", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--cell", type=int, help="run one recipe at this length, print JSON")
    options = parser.parse_args()
    if options.cell:
        print(json.dumps(cell(options.configs[0], options.cell, options.ads, options.steps)))
        return
    print("| recipe | tokens | seconds a step | minutes an epoch | epochs at most |", end="")
    print(" minutes in all | peak memory, GiB |\n|---|---|---|---|---|---|---|")
    for config in options.configs:
        for tokens in LENGTHS:
            asked = ["--configs", str(config), "--cell", str(tokens), "--ads", str(options.ads)]
            done = subprocess.run(
                [sys.executable, __file__, *asked, "--steps", str(options.steps)],
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise SystemExit(done.stderr)
            print(row(config, tokens, json.loads(done.stdout.splitlines()[-1])), flush=True)


if __name__ == "__main__":
    main()
