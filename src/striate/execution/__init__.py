"""Runs a network by PyTorch, the engine, the operators or ONNX Runtime, behind one protocol; the choice is a value."""
