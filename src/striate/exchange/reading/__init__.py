"""Reads networks from ONNX files: nodes become pieces, pieces layers, and layers a description with its weights."""

from striate.exchange.reading.read import Read as Read
from striate.exchange.reading.read import read_graph as read_graph
from striate.exchange.reading.read import read_onnx as read_onnx
