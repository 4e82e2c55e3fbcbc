"""Real pretrained English weights against random ones of the same shape, at equal fine-tuning.

    python experiments/pretrained_en/compare.py PREPARED MINILM_FOLDER [--seeds 5]

MINILM_FOLDER holds config.json, tokenizer.json and model.safetensors of a MiniLM with six layers
(README.md says where they come from). Both models have the same tokenizer, recipe, ads and order;
only the starting weights differ. Prints the grouped split's table and what the export costs.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, set_seed

from adrisk.dataset.prepared import AdDataset
from adrisk.evaluate.comparators import COMPARATORS
from adrisk.evaluate.parity import torch_onnx_parity
from adrisk.evaluate.protocols import run_protocols
from adrisk.pipeline import ranking_model
from adrisk.score.encoder import EncoderTokenizer, OnnxEncoder
from adrisk.train.recipe import Recipe, load_recipe

RECIPE = Path(__file__).with_name("recipe.yaml")
REPEATS = 5


def with_base(recipe: Recipe, base: Path) -> Recipe:
    encoder = recipe.encoder.model_copy(update={"base": str(base)})
    return recipe.model_copy(update={"encoder": encoder})


def randomised(minilm: Path, folder: Path) -> Path:
    """The same folder with weights drawn as the architecture draws them."""
    set_seed(0)
    AutoModel.from_config(AutoConfig.from_pretrained(minilm)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(minilm / name, folder / name)
    return folder


def median_seconds(work) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def export_table(work: Path, texts: list[str], max_tokens: int) -> str:
    """Parity and ads a second of the last pretrained model, torch against ONNX Runtime.

    Both read the same token ids, shortest first, 32 a batch, with two threads.
    """
    finished = next(work.glob("pretrained/**/finished"))
    bundle = next(work.glob("pretrained/**/model.onnx")).parent
    model = AutoModelForSequenceClassification.from_pretrained(
        finished, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
    ).eval()
    tokenizer = EncoderTokenizer((bundle / "tokenizer.json").read_bytes())
    onnx = OnnxEncoder((bundle / "model.onnx").read_bytes())
    parity = torch_onnx_parity(model, onnx, tokenizer, max_tokens, 1e-3)
    encoded = sorted(tokenizer.encode(texts, max_tokens), key=lambda e: len(e.ids))
    torch.set_num_threads(2)

    def by_torch() -> None:
        for at in range(0, len(encoded), 32):
            rows = [torch.from_numpy(e.ids.astype("int64")) for e in encoded[at : at + 32]]
            ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
            mask = torch.nn.utils.rnn.pad_sequence(
                [torch.ones_like(row) for row in rows], batch_first=True
            )
            with torch.inference_mode():
                model(input_ids=ids, attention_mask=mask)

    eager, runtime = median_seconds(by_torch), median_seconds(lambda: onnx.logits(encoded))
    tokens = sum(len(e.ids) for e in encoded) / len(encoded)
    return (
        f"Export: largest difference of a logit between torch and ONNX Runtime "
        f"{parity.max_logit_difference:.1e}. {len(encoded)} ads of {tokens:.0f} tokens on average: "
        f"torch {len(encoded) / eager:.0f} ads a second, ONNX Runtime "
        f"{len(encoded) / runtime:.0f}, ratio {eager / runtime:.2f} (medians of {REPEATS})."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("minilm", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    recipe = load_recipe(RECIPE)
    dataset = AdDataset.load(options.prepared)
    with tempfile.TemporaryDirectory(prefix="adrisk-pretrained-") as folder:
        work = Path(folder)
        bases = {"pretrained": options.minilm, "random": randomised(options.minilm, work / "base")}
        models = {
            name: ranking_model("encoder", with_base(recipe, base), work / name, dataset)
            for name, base in bases.items()
        }
        models |= {
            "tfidf": COMPARATORS["tfidf"],
            "linear": ranking_model("linear", recipe, work, dataset),
        }
        table = run_protocols(
            dataset, models, ["grouped"], range(options.seeds), baseline="random", progress=print
        )
        print(table.markdown())
        print(export_table(work, list(dataset.texts), recipe.encoder.max_tokens))


if __name__ == "__main__":
    main()
