"""Size, memory and parity of encoders with a real-size vocabulary before and after trimming.

    python experiments/vocabulary/sizes.py [--corpus data/seed] [--work runs/vocabulary]

The encoders are look-alikes with random weights: the shapes of Multilingual MiniLM (Unigram, 250,002
pieces) and mmBERT small (BPE, 256,000 pieces). Their vocabularies hold what a trainer learns from
the corpus, 15,000 letters of all scripts, and filling that no ad uses.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModelForSequenceClassification, BertConfig, ModernBertConfig

from adrisk.score.encoder import EncoderTokenizer, OnnxEncoder
from adrisk.text.model_input import TextSettings, model_input
from adrisk.train.export import export_onnx
from adrisk.train.recipe import VocabularyBlock
from adrisk.train.vocabulary import trim_vocabulary

MAX_TOKENS = 256
LEARNED = 12_000
LETTERS = [c for c in map(chr, range(0x10000)) if unicodedata.category(c)[0] in "LN"][:15_000]


def corpus(folder: Path) -> tuple[list[str], list[str]]:
    """Redacted ads: three quarters for training, a quarter unseen."""
    ads = [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.open()]
    texts = [
        model_input(f"{ad.get('title') or ''}\n{ad['text']}", TextSettings()).text for ad in ads
    ]
    random.Random(0).shuffle(texts)
    cut = 3 * len(texts) // 4
    return texts[:cut], texts[cut:]


def unigram(texts: list[str], size: int) -> Tokenizer:
    """XLM-R's kind."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    control = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=LEARNED, special_tokens=control, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    raw = json.loads(tokenizer.to_str())
    vocab = dict(map(tuple, raw["model"]["vocab"]))
    lowest = min(vocab.values())
    for piece in filling(vocab, size - 1):
        vocab[piece] = lowest
    vocab["<mask>"] = 0.0  # the last one, as in XLM-R
    raw["model"]["vocab"] = list(vocab.items())
    tokenizer = Tokenizer.from_str(json.dumps(raw))
    tokenizer.add_special_tokens(["<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def bpe(texts: list[str], size: int) -> Tokenizer:
    """Gemma 2's kind."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    control = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    special = [*control, *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=LEARNED, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    raw = json.loads(tokenizer.to_str())
    raw["added_tokens"] = raw["added_tokens"][: len(control)]
    model, rng = raw["model"], random.Random(0)
    for letter in LETTERS:
        model["vocab"].setdefault(letter, len(model["vocab"]))
    parts = [piece for piece in model["vocab"] if piece not in special]
    while len(model["vocab"]) < size:  # merges of letters that stand beside each other in no ad
        pair = [rng.choice(LETTERS), rng.choice(parts)]
        if "".join(pair) not in model["vocab"]:
            model["vocab"]["".join(pair)] = len(model["vocab"])
            model["merges"].append(pair)
    tokenizer = Tokenizer.from_str(json.dumps(raw))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)]
    )
    return tokenizer


def filling(taken: dict[str, float], size: int) -> list[str]:
    """Letters, then strings of letters, until `taken` and they are `size` pieces."""
    rng = random.Random(0)
    new = dict.fromkeys(letter for letter in LETTERS if letter not in taken)
    while len(taken) + len(new) < size:
        piece = "".join(rng.choices(LETTERS, k=rng.randint(2, 6)))
        if piece not in taken:
            new[piece] = None
    return list(new)


KINDS = {
    "multilingual-minilm": (
        unigram,
        250_002,
        lambda size: BertConfig(
            vocab_size=size, hidden_size=384, num_hidden_layers=12, num_attention_heads=12,
            intermediate_size=1536, num_labels=33,
        ),
    ),
    "mmbert-small": (
        bpe,
        256_000,
        lambda size: ModernBertConfig(
            vocab_size=size, hidden_size=384, num_hidden_layers=22, num_attention_heads=6,
            intermediate_size=1152, classifier_pooling="mean", pad_token_id=0, bos_token_id=2,
            eos_token_id=1, cls_token_id=1, sep_token_id=1, num_labels=33,
        ),
    ),
}  # fmt: skip


def measure(folder: Path) -> None:
    """In a process of its own: load the exported model, score 32 ads, print what that took."""
    texts = json.loads((folder.parent / "texts.json").read_text())[:32]
    start = time.perf_counter()
    tokenizer = EncoderTokenizer((folder / "tokenizer.json").read_bytes())
    encoder = OnnxEncoder((folder / "model.onnx").read_bytes(), threads=1)
    loaded = time.perf_counter() - start
    encoder.logits(tokenizer.encode(texts, MAX_TOKENS))
    status = Path("/proc/self/status").read_text()
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"load_s": loaded, "memory_mb": int(peak) / 1024}))


def written(folder: Path, model, tokenizer_json: bytes) -> dict[str, float]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_bytes(tokenizer_json)
    export_onnx(model, folder / "model.onnx", MAX_TOKENS)
    done = subprocess.run(
        [sys.executable, __file__, "--measure", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    return {
        "weights_m": sum(p.numel() for p in model.parameters()) / 1e6,
        "model_mb": (folder / "model.onnx").stat().st_size / 1e6,
        "tokenizer_mb": len(tokenizer_json) / 1e6,
        **json.loads(done.stdout),
    }


def logits(folder: Path, texts: list[str]) -> np.ndarray:
    tokenizer = EncoderTokenizer((folder / "tokenizer.json").read_bytes())
    encoded = tokenizer.encode(texts, MAX_TOKENS)
    return OnnxEncoder((folder / "model.onnx").read_bytes()).logits(encoded)


def tokens_an_ad(tokenizer_json: bytes, texts: list[str]) -> float:
    encoded = EncoderTokenizer(tokenizer_json).encode(texts, 10**9)
    return float(np.mean([len(text.ids) for text in encoded]))


def study(kind: str, training: list[str], unseen: list[str], work: Path) -> list[str]:
    make, size, config = KINDS[kind]
    content = make(training + unseen, size).to_str().encode()
    torch.manual_seed(0)
    whole = AutoModelForSequenceClassification.from_config(config(size)).eval()
    trimmed = trim_vocabulary(whole, content, training, VocabularyBlock(trim=True))
    (work / "texts.json").write_text(json.dumps(training))
    sizes = {
        "whole": written(work / f"{kind}-whole", whole, content),
        "trimmed": written(work / f"{kind}-trimmed", trimmed.model, trimmed.tokenizer_json),
    }
    pieces = {"whole": trimmed.n_before, "trimmed": trimmed.n_after}
    tokenizers = {"whole": content, "trimmed": trimmed.tokenizer_json}
    sample = training[:64]
    difference = np.abs(
        logits(work / f"{kind}-whole", sample) - logits(work / f"{kind}-trimmed", sample)
    ).max()
    return [
        f"| {kind}, {name} | {pieces[name]:,} | {s['weights_m']:.1f} | {s['model_mb']:.0f} "
        f"| {s['tokenizer_mb']:.1f} | {s['load_s']:.2f} | {s['memory_mb']:.0f} "
        f"| {tokens_an_ad(tokenizers[name], training):.1f} "
        f"| {tokens_an_ad(tokenizers[name], unseen):.1f} "
        f"| {'' if name == 'whole' else f'{difference:.1e}'} |"
        for name, s in sizes.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", type=Path, default=Path("data/seed"))
    parser.add_argument("--work", type=Path, default=Path("runs/vocabulary"))
    parser.add_argument("--measure", type=Path)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    options.work.mkdir(parents=True, exist_ok=True)
    training, unseen = corpus(options.corpus)
    print(f"{len(training)} training ads, {len(unseen)} unseen ones\n")
    print(
        "| model | pieces | weights, millions | model.onnx, MB | tokenizer.json, MB | load, s "
        "| peak memory, MB | tokens a training ad | tokens an unseen ad | largest logit difference |"
    )
    print("| --- |" + " --- |" * 9)
    for kind in KINDS:
        print("\n".join(study(kind, training, unseen, options.work)), flush=True)


if __name__ == "__main__":
    main()
