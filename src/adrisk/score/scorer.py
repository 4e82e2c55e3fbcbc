"""The scorer: a verified bundle and the walk of an ad from raw text to a ScoredAd.

It knows nothing of files, HTTP or MLflow. The score of an ad does not depend on its neighbours,
on their order, on the batch size or on the number of threads (to 1e-6).
"""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from adrisk.codebook.codebook import CATEGORIES, CODEBOOK_VERSION, RISK
from adrisk.errors import BundleError, InputError, UsageError
from adrisk.records import Ad, CategoryScore, ScoredAd
from adrisk.score.bundle import MANIFEST, load_bundle
from adrisk.score.calibrate import calibrate, shift_prior
from adrisk.score.columns import NOTHING_LEFT, ColumnMap, row_to_ad
from adrisk.score.decide import (
    SCORE_DECIMALS,
    OperatingCurve,
    OperatingPoints,
    checked_level_cuts,
    decide_tier,
    predict_risk_level,
)
from adrisk.score.evidence import signs_of
from adrisk.score.models import DEFAULT_BATCH_SIZE, load_model
from adrisk.text.language import detect
from adrisk.text.model_input import ModelInput, TextSettings, model_input

log = logging.getLogger(__name__)

AdLike = str | Ad | Mapping[str, Any]


class PreparedAd(NamedTuple):
    """One ad on its way through the scorer; `model_input` is None where `error` says why."""

    ad: Ad
    model_input: ModelInput | None
    language: str | None
    error: str | None = None


class Scorer:
    """Scores ads with one bundle. Build it with `Scorer.load`; it holds no state between calls."""

    def __init__(
        self,
        path: Path | str,
        *,
        threads: int | None = None,
        batch_size: int = DEFAULT_BATCH_SIZE,
        prevalence: float | None = None,
    ) -> None:
        if batch_size < 1 or (threads is not None and threads < 1):
            raise UsageError("threads and batch size are whole numbers from 1")
        if prevalence is not None and not 0.0 < prevalence < 1.0:
            raise UsageError("prevalence is a share between 0 and 1, for example 0.02")
        bundle = load_bundle(path)
        scoring = bundle.scoring
        try:
            self.targets: tuple[str, ...] = tuple(scoring["targets"])
            self.kind = str(scoring["kind"])
            self.model_version = f"{scoring['name']}-{scoring['version']}"
            points = {name: float(v) for name, v in scoring["operating_points"].items()}
            self.points = OperatingPoints(**points)
            self.curve = OperatingCurve.from_dict(scoring["operating_curve"])
            self.risk_level_cuts = checked_level_cuts(scoring.get("risk_level_cuts"))
            self.assumed_prevalence = float(scoring["assumed_prevalence"])
            self.base_rate = float(scoring["base_rate"])
            self._text_settings = TextSettings(**scoring["text"])
            self._calibrators = [scoring["calibrators"][t] for t in self.targets]
            calibrate(self._calibrators, np.zeros((1, len(self.targets)), dtype=np.float32))
            self._category_columns = [
                (name, self.targets.index(name), float(scoring["category_thresholds"][name]))
                for name in CATEGORIES
                if name in self.targets
            ]
            self._risk_column = self.targets.index(RISK)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(MANIFEST, f"the scoring block is incomplete: {error}") from error
        made_with = scoring.get("codebook_version", CODEBOOK_VERSION)
        if made_with != CODEBOOK_VERSION:
            log.warning(
                "the bundle was trained with codebook version %s, this adrisk has %s: its scores "
                "are not those that were measured; train it again, or use the adrisk of its time",
                made_with,
                CODEBOOK_VERSION,
            )
        self.bundle = bundle
        self.bundle_sha256 = bundle.bundle_sha256
        self.prevalence = prevalence
        self._model = load_model(bundle, threads, batch_size)

    @classmethod
    def load(cls, path: Path | str | None = None, **options: Any) -> Scorer:
        """Load and verify a bundle folder; without a path, the bundle that ships with adrisk.

        Options: `threads` (of the encoder), `batch_size` (ads of full length a step), `prevalence`
        (restates scores for ads of which this share is risky; tiers do not move). Raises
        BundleError naming the file where the folder is not exactly what its manifest says.
        """
        return cls(default_bundle() if path is None else path, **options)

    def with_points(self, points: OperatingPoints) -> Scorer:
        """The same scorer with other tier thresholds; the model is shared, not loaded again."""
        other = copy.copy(self)
        other.points = points
        return other

    def score(self, ads: Sequence[AdLike]) -> list[ScoredAd]:
        """Score ads given as strings, Ads or mappings with at least `text`; one result an ad.

        An ad that cannot be scored (no text, over 1 MB) comes back in its place with `error` set.
        Repeats of an identical model input carry the id of the first in `duplicate_of`.
        """
        if isinstance(ads, str):
            raise UsageError("score takes a list of ads: write scorer.score([text])")
        prepared = self.prepare(ads)
        first: dict[bytes, str | None] = {}
        result = []
        for item, scored in zip(prepared, self.score_prepared(prepared), strict=True):
            if item.model_input is not None:
                digest = item.model_input.digest()
                if digest in first:
                    scored = dataclasses.replace(scored, duplicate_of=first[digest])
                else:
                    first[digest] = item.ad.id
            result.append(scored)
        return result

    def predict_proba(self, ads: Sequence[AdLike]) -> NDArray[np.float64]:
        """Calibrated probabilities, float64 (n_ads, n_targets), columns in the order of `targets`.

        Raises InputError naming the first ad (from 1) that cannot be scored.
        """
        probabilities = calibrate(self._calibrators, self.logits(ads))
        return self._shifted(probabilities)

    def logits(self, ads: Sequence[AdLike]) -> NDArray[np.float32]:
        """Raw logits, float32 (n_ads, n_targets); raises as `predict_proba` does."""
        prepared = self.prepare(ads)
        for row, item in enumerate(prepared, start=1):
            if item.error is not None:
                raise InputError(item.error, row=row)
        return self._model.run([p.model_input for p in prepared if p.model_input]).logits

    def __call__(self, ads: AdLike | Sequence[AdLike], top_k: int | None = 1) -> list[Any]:
        """Answer like a transformers text-classification pipeline.

        One ad gives a list of {"label", "score"}; a list of ads gives one dict an ad, or with
        another `top_k` than 1 a list of dicts an ad, best first; None means all targets.
        """
        single = isinstance(ads, str | Ad | Mapping)
        rows = self.predict_proba([ads] if single else ads)  # type: ignore[list-item,arg-type]
        ranked = []
        for row in rows:
            order = np.argsort(-row, kind="stable")[: top_k or len(row)]
            ranked.append([{"label": self.targets[i], "score": float(row[i])} for i in order])
        if single:
            return ranked[0]
        return [labels[0] for labels in ranked] if top_k == 1 else ranked

    def prepare(self, ads: Sequence[AdLike]) -> list[PreparedAd]:
        """Clean, redact and name the language of each ad; no model is asked yet."""
        return [self._prepare(ad) for ad in ads]

    def score_prepared(self, prepared: Sequence[PreparedAd]) -> list[ScoredAd]:
        """Score prepared ads; equal model inputs go through the model once."""
        return self.score_and_proba(prepared)[0]

    def score_and_proba(
        self, prepared: Sequence[PreparedAd]
    ) -> tuple[list[ScoredAd], NDArray[np.float64]]:
        """As `score_prepared`, and what `predict_proba` gives, NaN where an ad has an error."""
        inputs: dict[bytes, ModelInput] = {}
        digests: list[bytes | None] = []
        for item in prepared:
            digest = None if item.model_input is None else item.model_input.digest()
            if digest is not None and item.model_input is not None:
                inputs.setdefault(digest, item.model_input)
            digests.append(digest)
        output = self._model.run(list(inputs.values()))
        probabilities = calibrate(self._calibrators, output.logits)
        shown = self._shifted(probabilities)
        templates = {
            digest: self._scored(model_in, probabilities[row], shown[row], output.truncated[row])
            for row, (digest, model_in) in enumerate(inputs.items())
        }
        scored = [
            self._failed(item) if digest is None
            else dataclasses.replace(templates[digest], id=item.ad.id, language=item.language)
            for item, digest in zip(prepared, digests, strict=True)
        ]  # fmt: skip
        rows = dict(zip(inputs, shown, strict=True))
        unknown = np.full(len(self.targets), np.nan)
        of_ads = [unknown if digest is None else rows[digest] for digest in digests]
        return scored, np.array(of_ads).reshape(len(prepared), len(self.targets))

    def _prepare(self, ad: AdLike) -> PreparedAd:
        if isinstance(ad, str):
            ad = Ad(text=ad)
        values = dataclasses.asdict(ad) if isinstance(ad, Ad) else ad
        try:
            checked = row_to_ad(dict(values), ColumnMap())
        except InputError as error:
            ad_id = values.get("id")
            return PreparedAd(
                Ad(text="", id=None if ad_id is None else str(ad_id)), None, None, error.reason
            )
        item = model_input(checked.full_text, self._text_settings)
        if not item.text.strip():
            return PreparedAd(checked, None, None, NOTHING_LEFT)
        return PreparedAd(checked, item, checked.language or detect(item.text))

    def _shifted(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.prevalence is None:
            return probabilities
        shifted = probabilities.copy()
        column = shifted[:, self._risk_column]
        shifted[:, self._risk_column] = shift_prior(column, self.base_rate, self.prevalence)
        return shifted

    def _scored(
        self,
        item: ModelInput,
        probabilities: NDArray[np.float64],
        shown: NDArray[np.float64],
        truncated: bool,
    ) -> ScoredAd:
        risk = round(float(probabilities[self._risk_column]), SCORE_DECIMALS)
        return ScoredAd(
            id=None,
            risk_score=round(float(shown[self._risk_column]), SCORE_DECIMALS),
            tier=decide_tier(risk, self.points),
            predicted_risk_level=self._risk_level(risk),
            categories=tuple(
                CategoryScore(name, round(float(probabilities[column]), SCORE_DECIMALS))
                for name, column, threshold in self._category_columns
                if probabilities[column] >= threshold
            ),
            indicators=signs_of(item),
            language=None,
            text_sha256=item.text_sha256(),
            duplicate_of=None,
            truncated=truncated or item.truncated,
            model_version=self.model_version,
            bundle_sha256=self.bundle_sha256,
            redacted_text=item.text,
        )

    def _risk_level(self, risk: float) -> int | None:
        cuts = self.risk_level_cuts
        return None if cuts is None else predict_risk_level(risk, cuts)

    def _failed(self, item: PreparedAd) -> ScoredAd:
        return ScoredAd(
            id=item.ad.id,
            risk_score=None,
            tier=None,
            categories=(),
            indicators=(),
            language=None,
            text_sha256=None,
            duplicate_of=None,
            truncated=False,
            model_version=self.model_version,
            bundle_sha256=self.bundle_sha256,
            error=item.error,
        )


def default_bundle() -> Path:
    """The folder of the bundle that ships: inside the wheel, or models/default of a checkout."""
    installed = Path(str(files("adrisk").joinpath("_default")))
    checkout = Path(__file__).resolve().parents[3] / "models" / "default"
    return installed if installed.is_dir() else checkout
