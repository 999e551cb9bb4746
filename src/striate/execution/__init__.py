"""Who runs a network: PyTorch, the engine, the operators or ONNX Runtime, behind one protocol; which is a value."""
