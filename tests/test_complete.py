"""In `.ci/run`, no test is skipped because a package or the compiled kernels are missing."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

from striate.kernels.binary import library

MODULES = (
    *("anywidget", "axe_playwright_python", "captum", "datasets", "huggingface_hub", "hypothesis", "ipykernel"),
    *("keras", "mkdocs", "msgspec", "nbclient", "nbformat", "onnx", "onnxruntime", "onnxscript", "pandas"),
    *("playwright", "pyarrow", "resvg_py", "schemathesis", "sgfmill", "sklearn", "tensorboard", "uvicorn"),
    *("websockets", "yaml"),
)


@pytest.mark.skipif("STRIATE_COMPLETE" not in os.environ, reason="STRIATE_COMPLETE is not set, as .ci/run sets it")
def test_nothing_is_skipped_for_want_of_a_package() -> None:
    assert [name for name in MODULES if find_spec(name) is None] == []
    assert not isinstance(library(), str)
