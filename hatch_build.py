"""Compile the kernels while the package is built; without a compiler it is built all the same, on PyTorch's kernels.

STRIATE_MACHINE=aarch64 makes a wheel for that machine, with CXX=aarch64-linux-gnu-g++; it fails without its kernels.
"""

from __future__ import annotations

import os
import runpy
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags


class KernelsHook(BuildHookInterface):
    """An editable install gets the libraries beside the sources, a wheel gets them inside."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        package = Path(self.root, "src", "striate", "kernels")
        compile_ = runpy.run_path(str(package / "compile.py"))
        self.scratch = tempfile.mkdtemp()
        editable, machine = version == "editable", os.environ.get("STRIATE_MACHINE", "")
        names = [compile_["library_name"](each, machine) for each in compile_["instruction_sets"](machine)]
        there = all((package / each).exists() for each in names)  # an editable install has compiled them
        try:
            folder = package if editable or there else Path(self.scratch)
            libraries = compile_["compile_kernels"](folder, machine=machine)
        except (compile_["CompileError"], OSError) as problem:
            if machine:
                raise
            self.app.display_warning(f"Striate's kernels are left out: {problem}")
            return
        if not editable:
            build_data["force_include"] = {str(each): f"striate/kernels/{each.name}" for each in libraries}
            build_data["pure_python"] = False
            platform = next(tag.platform for tag in sys_tags() if "manylinux" not in tag.platform)
            build_data["tag"] = f"py3-none-{f'linux_{machine}' if machine else platform}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)
