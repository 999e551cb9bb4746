"""A run's ONNX file in 8-bit integers, refused where it loses more accuracy than was allowed."""
