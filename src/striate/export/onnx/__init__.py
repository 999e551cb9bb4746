"""A run as an ONNX file, checked by running it."""
