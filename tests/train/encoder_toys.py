"""Tiny look-alikes of hub encoders, tokenizers and labelled texts, made on the spot; nothing is downloaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    BertTokenizer,
    ModernBertConfig,
    ModernBertForMaskedLM,
    TrainerCallback,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaTokenizer,
)

from adrisk.train.finetune import EncoderData
from adrisk.train.recipe import EncoderBlock, TokenizerBlock

TARGETS = ("risk", "forced_labour", "no_days_off")
TOKENIZER = TokenizerBlock(vocab_size=320)
WORDS = [
    "harbour",
    "bakery",
    "farm",
    "hotel",
    "garage",
    "school",
    "market",
    "clinic",
    "driver",
    "cook",
]


def toy_data(n: int, seed: int) -> EncoderData:
    """`n` texts; risk is decided by two words, the other targets are mostly unknown."""
    rng = np.random.default_rng(seed)
    risky = rng.random(n) < 0.4
    ends = (" contract leave", " passport debt")
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 20))) + ends[int(r)] for r in risky]
    targets = np.full((n, len(TARGETS)), np.nan, dtype=np.float32)
    targets[:, 0] = risky
    targets[::2, 1] = risky[::2]
    targets[::5, 2] = 0.5
    return EncoderData(texts, targets)


def block(**changes: Any) -> EncoderBlock:
    """Settings of a run that takes about a second."""
    tiny = {"hidden_size": 32, "num_layers": 1, "num_heads": 2, "intermediate_size": 32}
    settings = {"small": tiny, "max_tokens": 24, "epochs": 3, "batch_size": 16}
    return EncoderBlock.model_validate({**settings, "lr": {"peak": 5e-3}, **changes})


class StopAt(TrainerCallback):
    """Ctrl-C at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step >= self.step:
            raise KeyboardInterrupt


def _texts() -> list[str]:
    return [*toy_data(80, 9).texts, "abcdefghijklmnopqrstuvwxyz <>/[]0123456789"]


def unigram_tokenizer() -> Tokenizer:
    """XLM-R's kind: Unigram, whose vocabulary holds its control tokens as ordinary pieces."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    control = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=150, special_tokens=control, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def xlm_roberta_folder(folder: Path) -> Path:
    """A pretrained XLM-R as save_pretrained leaves it, with a masked-language head."""
    unigram = unigram_tokenizer()
    vocab = json.loads(unigram.to_str())["model"]["vocab"]
    tokenizer = XLMRobertaTokenizer(vocab=[(piece, score) for piece, score in vocab])
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=34,
        type_vocab_size=1,
        pad_token_id=1,
        initializer_range=0.3,  # at .02 so small a model hardly tells ads apart
    )
    XLMRobertaForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    # As on the hub: the file has a normaliser that transformers 5 does not build by itself.
    unigram.save(str(folder / "tokenizer.json"))
    return folder


def sentencepiece_model(path: Path) -> int:
    """Write a SentencePiece model as XLM-R's: Unigram, NFKC; returns its number of pieces."""
    with path.open("wb") as writer:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(_texts()),
            model_writer=writer,
            vocab_size=120,
            hard_vocab_limit=False,
            normalization_rule_name="nmt_nfkc",
            minloglevel=2,
        )
    return int(sentencepiece.SentencePieceProcessor(str(path)).get_piece_size())


def multilingual_minilm_folder(folder: Path) -> Path:
    """microsoft/Multilingual-MiniLM-L12-H384 in small: BertModel without a head, XLM-R's tokenizer.

    As on the hub: the tokenizer is a SentencePiece model alone, no file names its class, the
    padding id in the config is BERT's, and the embeddings have more rows than the tokenizer pieces.
    """
    folder.mkdir()
    n_pieces = sentencepiece_model(folder / "sentencepiece.bpe.model")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=n_pieces + 37,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        initializer_range=0.3,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def gemma_tokenizer() -> Tokenizer:
    """mmBERT's kind, that of Gemma 2: BPE with bytes for unknown characters, blanks as pieces."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    control = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=450,
        special_tokens=[*control, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    raw = json.loads(tokenizer.to_str())
    raw["added_tokens"] = [token for token in raw["added_tokens"] if token["id"] < len(control)]
    tokenizer = Tokenizer.from_str(json.dumps(raw))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)]
    )
    return tokenizer


def mmbert_folder(folder: Path) -> Path:
    """jhu-clsp/mmBERT-small in small: ModernBERT with a global and a local layer, Gemma 2's
    tokenizer, mean pooling, and a window shorter than the ads."""
    tokenizer = gemma_tokenizer()
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        local_attention=8,
        global_attn_every_n_layers=2,
        classifier_pooling="mean",
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=1,
        cls_token_id=1,
        sep_token_id=1,
    )
    ModernBertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def bert_folder(folder: Path) -> Path:
    """A pretrained BERT with a WordPiece tokenizer that carries truncation settings."""
    words = sorted({word for text in _texts() for word in text.split()})
    letters = sorted(set("abcdefghijklmnopqrstuvwxyz0123456789<>/[]"))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters)]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys([*pieces, *words]))}
    tokenizer = BertTokenizer(vocab=vocab, do_lower_case=True, model_max_length=32)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer(["warm up"], truncation=True, padding=True, max_length=8)
    tokenizer.save_pretrained(folder)
    return folder


FOLDERS = {"xlm_roberta": xlm_roberta_folder, "bert": bert_folder, "mmbert": mmbert_folder}

RECIPES = {
    "xlm-roberta-base": xlm_roberta_folder,
    "multilingual-minilm": multilingual_minilm_folder,
    "mmbert-small": mmbert_folder,
}
"""Recipe in configs/ -> a look-alike of its base."""
