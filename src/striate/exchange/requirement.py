"""The packages that a network needs to become ONNX, and to be run as such."""

from __future__ import annotations

from importlib.util import find_spec

from striate.errors import RequirementError
from striate.extras import install

PACKAGES = ("onnx", "onnxruntime")


def missing_packages(*packages: str) -> list[str]:
    """Those of the packages, by default of all of the extra `onnx`, that are not installed."""
    return [package for package in packages or PACKAGES if find_spec(package) is None]


def require_onnx(*packages: str) -> None:
    """Raises RequirementError where one of the packages, by default all of the extra `onnx`, is not installed."""
    if missing := missing_packages(*packages):
        raise RequirementError(
            f"ONNX files need {' and '.join(missing)}.",
            f"{'They come' if len(missing) > 1 else 'It comes'} with the extra `onnx`.",
            f"Install {'them' if len(missing) > 1 else 'it'}: {install('onnx')}",
        )
