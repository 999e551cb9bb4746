"""The packages that a network needs to become ONNX, and to be run as such."""

from __future__ import annotations

from striate.extras import require_extra


def require_onnx(*packages: str) -> None:
    """Raises RequirementError where one of the packages, by default all of the extra `onnx`, is not installed."""
    require_extra("onnx", "ONNX files need", *packages)
