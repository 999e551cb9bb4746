"""A network as ONNX: written from its description and its weights, checked by running it."""

from striate.export.onnx.model import INPUT as INPUT
from striate.export.onnx.model import OUTPUT as OUTPUT
from striate.export.onnx.model import onnx_model as onnx_model
