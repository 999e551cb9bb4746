"""A network as an ONNX graph, and an ONNX graph as a network; neither needs PyTorch."""

from striate.exchange.model import INPUT as INPUT
from striate.exchange.model import OUTPUT as OUTPUT
from striate.exchange.model import onnx_model as onnx_model
