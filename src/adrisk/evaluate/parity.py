"""Does the exported encoder score as the trained one does? Measured on fixed invented ads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from adrisk.score.encoder import EncodedText, EncoderTokenizer, OnnxEncoder

ADS = (
    "a",
    "Bicycle for sale.",
    "We hire two cooks for a hotel kitchen. Contract, 38 hours a week, meals included. [EMAIL]",
    "Travel and visa paid by us, you pay it back from your wages. Keep it between us. [PHONE]",
    "Se busca camarera para la costa, alojamiento incluido, contrato por temporada.",
    "Cherche aide à domicile, logée et nourrie, horaires à discuter. [MESSENGER_ID]",
    "Требуются грузчики на склад, график два через два, оплата каждую неделю.",
    "مطلوب سائق بخبرة سنتين، عقد رسمي وتأمين صحي.",
    "होटल में सफ़ाई कर्मचारी चाहिए, रहने की जगह मिलेगी।",
    "工厂招聘普工，包吃住，工资月结，无需经验。",
    "Cần tuyển thợ may, làm tại xưởng, lương tháng mười hai.",
    "\U0001f4de [PHONE_OBSCURED] ]]></s>[SEP]\t\u200d \U0001f469\u200d\U0001f373 100% REAL!!!",
)
"""Ads of this module's own, one a language or an oddity."""


@dataclass(frozen=True)
class ParityReport:
    """Largest difference of two engines' logits over `n_ads` ads of 1 to `longest` tokens."""

    max_logit_difference: float
    n_ads: int
    longest: int
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the difference is a number within the tolerance."""
        return self.max_logit_difference <= self.tolerance

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for metrics.json."""
        return {**asdict(self), "passed": self.passed}


def torch_onnx_parity(
    model: Any,
    onnx_encoder: OnnxEncoder,
    tokenizer: EncoderTokenizer,
    max_tokens: int,
    tolerance: float,
) -> ParityReport:
    """Compare the torch module, one ad at a time, with the ONNX encoder in its own batches.

    The ads are those of this module, a single token, and texts up to beyond `max_tokens`.
    """
    joined = " ".join(ADS)
    long = " ".join([joined] * (1 + max_tokens // len(joined.split())))
    texts = [*ADS, joined, long[: len(long) // 2], long]
    encoded = tokenizer.encode(texts, max_tokens)
    encoded.append(EncodedText(encoded[0].ids[:1], False))
    difference = np.abs(_torch_logits(model, encoded) - onnx_encoder.logits(encoded))
    return ParityReport(
        max_logit_difference=float(difference.max()),
        n_ads=len(encoded),
        longest=max(len(text.ids) for text in encoded),
        tolerance=tolerance,
    )


def _torch_logits(model: Any, encoded: list[EncodedText]) -> np.ndarray:
    import torch

    rows = []
    with torch.no_grad():
        for text in encoded:
            ids = torch.from_numpy(text.ids.astype(np.int64))[None]
            rows.append(model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].numpy())
    return np.stack(rows)
