"""ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import Any

from striate.exchange.requirement import require_onnx


def session_of(content: bytes | str, *, threads: int) -> Any:
    """A session of ONNX Runtime on the CPU, by a file's bytes or path. RequirementError without the package."""
    require_onnx("onnxruntime")
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 4  # an error is raised, and need not be printed too
    return onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
