"""A run written as an ONNX file, once ONNX Runtime has given the run's own answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from striate.data import ImageSet
from striate.exchange.graph import Value
from striate.exchange.model import onnx_model
from striate.exchange.proto import OPSET
from striate.exchange.requirement import require_onnx
from striate.export.images import compared_images, fitted_once
from striate.export.onnx.agreement import MOST, MOST_ROUNDED, Agreement, compared, sample
from striate.export.onnx.classifier import classifier_model
from striate.export.place import require_place
from striate.files import elsewhere, write_whole
from striate.modules import weights_of
from striate.train.imported import require_classifier
from striate.train.run import Run

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto


@dataclass(frozen=True)
class Exported:
    """A file that was written: its size, what goes in and out, and how it answered images of `split`."""

    file: Path
    bytes: int
    opset: int
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    split: str
    agreement: Agreement


@dataclass(frozen=True)
class Checked:
    """A model that answers as its run does, and the images of `split` on which it was compared."""

    model: ModelProto
    split: str
    agreement: Agreement


def export_onnx(
    run: Run, file: Path, *, bare: bool = False, every_layer: bool = False, source: str | None = None
) -> Exported:
    """Write a run's best weights as ONNX, whole or not at all.

    The model takes pixels and gives classes (`classifier_model`), or with `bare` takes normalised images and gives
    logits (`onnx_model`). Its answers are compared with the run's on images of `source` or of the run's own data
    (`compared_images`); labels are not read. Raises AuditError where ONNX Runtime's answers are others, OutputError,
    RequirementError, and what reading the run and its images raises.
    """
    require_onnx()
    require_place(file, ".onnx", "an ONNX file")
    if not bare:
        require_classifier(run)
    images = compared_images(run, source)
    checked = checked_model(run, images, bare=bare, every_layer=every_layer)
    return write_model(checked, file)


def checked_model(run: Run, images: ImageSet, *, bare: bool = False, every_layer: bool = False) -> Checked:
    """The model of a run's best weights, for such images, once ONNX Runtime has given the run's own answers to them."""
    module, pictures = run.model(), run.preprocessing if images.fitted else None
    run = fitted_once(run, images)
    channels, height, width = images.images.shape[1:]
    if bare:
        made = onnx_model(run.network, weights_of(module), every_layer=every_layer)
    else:
        size = (height, width)
        made = classifier_model(run, module, channels=channels, size=size, every_layer=every_layer, pictures=pictures)
    rounds = any(each.op_type == "Round" for each in made.graph.node)
    most = MOST_ROUNDED if rounds else MOST
    return Checked(made, images.split, compared(made, run, module, images=sample(run, images), bare=bare, most=most))


def write_model(checked: Checked, file: Path) -> Exported:
    """Write a model as a file. Raises OutputError."""
    content = checked.model.SerializeToString()
    with elsewhere("--out"):
        write_whole(file, content)
    graph = checked.model.graph
    inputs, outputs = (tuple(_value(each) for each in side) for side in (graph.input, graph.output))
    return Exported(file, len(content), OPSET, inputs, outputs, checked.split, checked.agreement)


def _value(info: ValueInfoProto) -> Value:
    """An input or output as the file has it; its first size is the batch's."""
    from onnx import TensorProto

    held = info.type.tensor_type
    names: dict[int, str] = {TensorProto.FLOAT: "float32", TensorProto.UINT8: "uint8", TensorProto.INT64: "int64"}
    return Value(info.name, names[held.elem_type], tuple(each.dim_value for each in held.shape.dim[1:]))
