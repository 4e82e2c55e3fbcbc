"""A trained encoder -> one ONNX file that the light module scores with.

Inputs `input_ids` and `attention_mask` (int64, batch x length), output `logits` (float32, batch x
targets); batch and length are dynamic. The file holds no path and no source text of this machine.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from transformers import PreTrainedModel

_EXAMPLE = (2, 16)  # any shape but 1 x 1 does: both dimensions are dynamic
_SMALL = 1024  # tensors below this many values stay fp32: nothing to save
_CHATTY = ("torch.onnx", "onnxscript", "onnx_ir")


class _LogitsOnly(torch.nn.Module):
    """The two inputs that scoring gives, and logits alone.

    Masked places get the model's own padding id, from which some architectures count positions.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        self.pad = int(model.config.pad_token_id or 0)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        ids = torch.where(attention_mask == 0, self.pad, input_ids)
        logits: torch.Tensor = self.model(input_ids=ids, attention_mask=attention_mask).logits
        return logits


def export_onnx(model: PreTrainedModel, path: Path, max_tokens: int) -> None:
    """Write `model` to `path` for texts of up to `max_tokens` tokens.

    Weights that fp16 holds exactly (store_weights: fp16 rounds them so) are stored in fp16 with a
    cast to fp32 behind them, which ONNX Runtime folds at load: half the file, the same numbers.
    """
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=max_tokens)
    shape = (_EXAMPLE[0], min(_EXAMPLE[1], max_tokens))
    example = (torch.ones(shape, dtype=torch.int64), torch.ones(shape, dtype=torch.int64))
    with _silence():
        program = torch.onnx.export(
            _LogitsOnly(model.eval()),
            example,
            dynamo=True,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}),
            external_data=False,
            verbose=False,
        )
    assert program is not None  # dynamo=True always gives one
    proto = program.model_proto
    _strip(proto)
    _store_fp16(proto.graph)
    onnx.checker.check_model(proto)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _strip(proto: onnx.ModelProto) -> None:
    """Drop what the exporter notes of this machine: stack traces with paths, names of modules."""
    graph = proto.graph
    holders = [proto, graph, *graph.node, *graph.input, *graph.output, *graph.initializer]
    for function in proto.functions:
        holders += [function, *function.node]
    for holder in holders:
        holder.ClearField("doc_string")
        holder.ClearField("metadata_props")
    graph.ClearField("value_info")


def _store_fp16(graph: onnx.GraphProto) -> None:
    """Replace each large fp32 tensor that fp16 holds exactly by its fp16 form and a cast."""
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _SMALL:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name, stored = tensor.name, f"{tensor.name}_fp16"
        tensor.CopyFrom(numpy_helper.from_array(half, stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    graph.ClearField("node")
    graph.node.extend(nodes)
