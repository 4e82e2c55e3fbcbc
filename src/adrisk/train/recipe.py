"""Training recipes: one YAML file says everything that a training run needs besides the ads.

`load_recipe` reads a file, applies `--set key=value` overrides and refuses unknown keys; every
default is written here, so that a recipe in configs/ shows only what it changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from adrisk.errors import RecipeError
from adrisk.text.model_input import TextSettings

ModelKind = Literal["linear", "encoder"]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextBlock(_Block):
    """How raw text becomes model input; travels in the bundle."""

    clean: bool = True
    mask_contacts: bool = True
    mask_identity: bool = True
    max_chars: int = Field(20_000, ge=200)

    def settings(self) -> TextSettings:
        """The same settings as the light module reads them."""
        return TextSettings(**self.model_dump())


class LabelsBlock(_Block):
    """How labels become training targets; evaluation does not change.

    `soft_risk` trains the risk of an ad with a risk_level on level / 6 in place of 0, .5 or 1
    (docs/decisions/0004).
    """

    soft_risk: bool = False


class TokenizerBlock(_Block):
    """The tokenizer trained on the training part (for `linear` and the embedded small encoder)."""

    vocab_size: int = Field(8_000, ge=300)
    lowercase: bool = True


class LinearBlock(_Block):
    """Logistic regression over hashed n-grams, cue signs and obfuscation counts.

    `dense_scale` holds the signs and counts back against the n-grams, whose values are small: at 1
    they are hardly regularised and overfit (experiments/orfd_zh).
    """

    n_buckets: int = Field(2**16, ge=2**10, le=2**22)
    token_ngrams: tuple[int, int] = (1, 2)
    char_ngrams: tuple[int, int] | None = (1, 3)
    min_df: int = Field(2, ge=1)
    dense_scale: float = Field(0.1, gt=0)
    C: tuple[float, ...] = Field((1.0, 10.0), min_length=1)
    class_weight: Literal["balanced"] | None = None
    max_iter: int = Field(1000, ge=10)


class SmallEncoderBlock(_Block):
    """Shape of the encoder that is built from a config where no pretrained one is at hand."""

    hidden_size: int = 128
    num_layers: int = 4
    num_heads: int = 4
    intermediate_size: int = 512


class LrBlock(_Block):
    """Optimiser schedule.

    `layer_decay` below 1 gives the head the peak rate and every layer under it that much less than
    the one above (Clark et al. 2020, ELECTRA), so that what was pretrained moves less.
    """

    peak: float = Field(5e-5, gt=0)
    layer_decay: float = Field(1.0, gt=0, le=1)
    warmup_fraction: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)


class LoraBlock(_Block):
    """Low-rank adapters (Hu et al. 2021) are trained instead of the encoder's own weights.

    They are merged into the weights before export; the head is trained in full. `target_modules`
    auto = every linear layer of the encoder's layers; or names such as [query, value].
    """

    rank: int = Field(8, ge=1)
    alpha: int = Field(16, ge=1)
    dropout: float = Field(0.05, ge=0, lt=1)
    target_modules: Literal["auto"] | tuple[str, ...] = "auto"


class FreezeBlock(_Block):
    """What stays as it was pretrained: the embeddings, and the lowest `layers` layers."""

    embeddings: bool = False
    layers: int = Field(0, ge=0)


class VocabularyBlock(_Block):
    """Trimming of a large vocabulary to what the ads use: less memory, a smaller file.

    Kept are control tokens, bytes and single characters, and every piece that the training part
    uses, or the text file `keep_languages_text` (UTF-8, for the languages to be scored), at least
    `min_count` times.
    """

    trim: bool = False
    keep_languages_text: str | None = None
    min_count: int = Field(1, ge=1)


class EncoderBlock(_Block):
    """A transformer encoder fine-tuned with transformers.Trainer.

    `base` is a Hugging Face name or a local folder; None builds the embedded small encoder.
    `revision` pins a commit of the hub. `tokenizer_class` names the class of transformers that
    builds the tokenizer where the model has no tokenizer.json. `pooling` None leaves it to the
    model's own classification head. `adapter` is the folder of a LoRA adapter for `base`, merged
    into it before training. `batch_size` times `gradient_accumulation` is the effective batch. `auxiliary_weight` is what
    all other targets together weigh against risk. `precision` auto takes bf16 or fp16 where the
    device has it and fp32 otherwise. `store_weights` fp16 rounds the trained weights; they are
    computed in fp32 all the same.
    """

    base: str | None = None
    revision: str | None = None
    tokenizer_class: str | None = None
    pooling: Literal["cls", "mean"] | None = None
    adapter: str | None = None
    small: SmallEncoderBlock = SmallEncoderBlock()
    vocabulary: VocabularyBlock = VocabularyBlock()
    freeze: FreezeBlock = FreezeBlock()
    lora: LoraBlock | None = None
    max_tokens: int = Field(256, ge=16, le=8192)
    epochs: float = Field(4, gt=0)
    batch_size: int = Field(16, ge=1)
    gradient_accumulation: int = Field(1, ge=1)
    lr: LrBlock = LrBlock()
    class_weights: bool = True
    max_class_weight: float = Field(10.0, ge=1)
    auxiliary_weight: float = Field(0.5, ge=0)
    early_stopping_patience: int = Field(3, ge=1)
    evals_per_epoch: int = Field(1, ge=1)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    parity_tolerance: float = Field(1e-3, gt=0)
    store_weights: Literal["fp32", "fp16"] = "fp32"

    @model_validator(mode="after")
    def _options_fit_together(self) -> EncoderBlock:
        freezes = self.freeze.embeddings or self.freeze.layers > 0
        pretrained = {
            "revision": self.revision is not None,
            "tokenizer_class": self.tokenizer_class is not None,
            "pooling": self.pooling is not None,
            "adapter": self.adapter is not None,
            "vocabulary.trim": self.vocabulary.trim,
            "freeze": freezes,
            "lora": self.lora is not None,
        }
        if self.base is None and any(pretrained.values()):
            names = ", ".join(name for name, used in pretrained.items() if used)
            raise ValueError(f"{names}: only with a pretrained encoder, write its name as base")
        if self.lora is not None and freezes:
            raise ValueError("lora trains no weight of the encoder itself: leave freeze out")
        return self


class AdaptLrBlock(_Block):
    """Optimiser schedule of the adaptation."""

    peak: float = Field(5e-5, gt=0)
    warmup_fraction: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)


class AdaptBlock(_Block):
    """Masked-language-model training on unlabelled ads, before the encoder is fine-tuned.

    `texts` are files, folders, globs or hf: addresses; `text_columns` and `group_key_column` their
    columns. `use_training_part` adds the ads of the training part, labelled or not. Text that
    repeats an ad of another part is left out. `trains_tokenizer` trains the tokenizer of the
    embedded encoder on this text too. `held_out_share` of the text is only measured on.
    `max_tokens` None is the encoder's; `steps`, where given, counts in place of `epochs`.
    """

    texts: tuple[str, ...] = ()
    text_columns: tuple[str, ...] = Field(("text",), min_length=1)
    group_key_column: str | None = None
    encoding: str = "utf-8"
    use_training_part: bool = False
    trains_tokenizer: bool = False
    held_out_share: float = Field(0.05, ge=0, le=0.5)
    max_tokens: int | None = Field(None, ge=16, le=8192)
    mask_probability: float = Field(0.15, gt=0, lt=1)
    epochs: float = Field(1, gt=0)
    steps: int | None = Field(None, ge=1)
    batch_size: int = Field(32, ge=1)
    gradient_accumulation: int = Field(1, ge=1)
    lr: AdaptLrBlock = AdaptLrBlock()
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    checkpoint_every: int = Field(500, ge=1)

    @model_validator(mode="after")
    def _has_text(self) -> AdaptBlock:
        if not self.texts and not self.use_training_part:
            raise ValueError("name texts, or write use_training_part: true")
        return self


class CalibrationBlock(_Block):
    """How logits become probabilities; cross-fitted by group on the calibration part."""

    method: Literal["auto", "platt", "temperature", "isotonic"] = "auto"
    folds: int = Field(5, ge=2)


class OperatingBlock(_Block):
    """Where the tiers begin (DESIGN section 7)."""

    review_false_positive_rate: float = Field(0.05, gt=0, lt=1)
    priority_precision: float = Field(0.80, gt=0, lt=1)
    assumed_prevalence: float = Field(0.02, gt=0, lt=1)


class TrackingBlock(_Block):
    """MLflow names. `register_as` None trains without registering."""

    experiment: str = "adrisk"
    register_as: str | None = "adrisk"


class Recipe(_Block):
    """One training run. `models` are all trained; the best on the validation part is bundled."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    seed: int = 0
    models: tuple[ModelKind, ...] = ("linear",)
    text: TextBlock = TextBlock()
    labels: LabelsBlock = LabelsBlock()
    tokenizer: TokenizerBlock = TokenizerBlock()
    linear: LinearBlock = LinearBlock()
    encoder: EncoderBlock = EncoderBlock()
    adapt: AdaptBlock | None = None
    calibration: CalibrationBlock = CalibrationBlock()
    operating_points: OperatingBlock = OperatingBlock()
    tracking: TrackingBlock = TrackingBlock()

    @model_validator(mode="after")
    def _models_are_named_once(self) -> Recipe:
        if not self.models or len(set(self.models)) != len(self.models):
            raise ValueError("models: name each model kind once, and at least one")
        return self

    @model_validator(mode="after")
    def _adaptation_fits_the_encoder(self) -> Recipe:
        adapt, encoder = self.adapt, self.encoder
        if adapt is None:
            return self
        if "encoder" not in self.models:
            raise ValueError("adapt: only an encoder is adapted, and models has none")
        if adapt.max_tokens is not None and adapt.max_tokens > encoder.max_tokens:
            raise ValueError("adapt.max_tokens: at most encoder.max_tokens")
        if adapt.trains_tokenizer and encoder.base is not None:
            raise ValueError("adapt.trains_tokenizer: a pretrained encoder keeps its tokenizer")
        if encoder.adapter is not None:
            raise ValueError(
                "adapt: an adapter fits the base that it was trained on, not an adapted one: leave "
                "out encoder.adapter or adapt"
            )
        return self


def load_recipe(path: Path | str, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a YAML recipe and apply `key.subkey=value` overrides (values are YAML too).

    Raises RecipeError naming the file and the key for an unreadable file, an unknown key, a wrong
    type or a contradiction.
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: no valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys to values")
    for override in overrides:
        _override(raw, override)
    try:
        return Recipe.model_validate(raw)
    except ValidationError as error:
        raise RecipeError(f"{path}: {_explain(error)}") from error


def _override(raw: dict[str, Any], override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator or not key:
        raise RecipeError(f"--set {override}: write key=value, as in --set encoder.epochs=2")
    *parents, last = key.split(".")
    block = raw
    for parent in parents:
        block = block.setdefault(parent, {})
        if not isinstance(block, dict):
            raise RecipeError(f"--set {override}: '{parent}' is a value, not a block")
    try:
        block[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {override}: the value is no valid YAML") from error


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"]) or "recipe"
        what = "unknown key" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{where}: {what}")
    return "; ".join(lines)
