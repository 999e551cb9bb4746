"""Optional packages: each extra, its packages, and the command that installs it into this Python."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from striate.errors import RequirementError


@dataclass(frozen=True)
class Extra:
    """Packages that are installed together, and their purpose; `name` is the extra's name in pyproject.toml."""

    name: str
    packages: tuple[str, ...]
    purpose: str

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return missing_packages(self.packages)


EXTRAS = (
    Extra("look", ("resvg-py",), "pictures as PNG"),
    Extra("serve", ("httptools", "msgspec", "prometheus-client", "starlette", "uvicorn"), "striate serve"),
    Extra("notebook", ("anywidget",), "striate.widget, the page of a run in a notebook"),
    Extra("onnx", ("onnx", "onnxruntime"), "striate export, and answers by ONNX Runtime where they are faster"),
    Extra("go", ("sgfmill",), "records of Go games"),
    Extra("tensorboard", ("tensorboard",), "striate train --log tensorboard"),
    Extra("wandb", ("wandb",), "striate train --log wandb"),
    Extra("mlflow", ("mlflow",), "striate train --log mlflow"),
    Extra("sklearn", ("scikit-learn",), "striate.sklearn, the estimator of scikit-learn"),
    Extra("hub", ("huggingface-hub",), "striate.hub, models with the methods of the Hugging Face hub"),
    Extra("huggingface", ("datasets",), "data sets that Hugging Face's datasets saved"),
    Extra("parquet", ("pyarrow",), "predictions as Parquet files"),
    Extra("ray", ("fsspec", "pandas", "pyarrow", "ray"), "predictions by a cluster of Ray's"),
)
_MODULES = {"scikit-learn": "sklearn"}
"""What is imported of packages whose name is another."""


def packages_of(name: str) -> tuple[str, ...]:
    """The packages of an extra."""
    return {extra.name: extra.packages for extra in EXTRAS}[name]


def missing_packages(packages: Iterable[str]) -> list[str]:
    """Those of the packages that cannot be imported, whatever distribution they would come with."""
    return [each for each in packages if not _is_importable(_MODULES.get(each, each.replace("-", "_")))]


def _is_importable(module: str) -> bool:
    """Whether a module is installed; a folder of its name, such as the `wandb` that wandb makes, is none."""
    found = find_spec(module)
    return found is not None and found.origin is not None


def require_extra(name: str, needing: str, *packages: str, note: str = "") -> None:
    """Raises RequirementError where packages of an extra, by default all of them, are not installed.

    `needing` begins the error, such as "PNG files need", and `note` may follow the extra's name.
    """
    if missing := missing_packages(packages or packages_of(name)):
        come, them = ("They come", "them") if len(missing) > 1 else ("It comes", "it")
        raise RequirementError(
            f"{needing} {' and '.join(missing)}.",
            f"{come} with the extra `{name}`{note}.",
            f"Install {them}: {install(name)}",
        )


def install(extra: str) -> str:
    """The command that installs an extra into the running Python, from the place that Striate was installed from.

    In a checkout it names the checkout's folder, because no registry has Striate.
    """
    return f"{_pip()} install {_source(extra)}"


def checkout() -> Path | None:
    """The folder of the checkout that runs, or None where Striate is installed elsewhere."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "pyproject.toml").is_file() and (folder / "src/striate").is_dir() else None


def _pip() -> str:
    """`pip` if the shell's pip belongs to this Python; else this Python with `-m pip`."""
    own = Path(sys.executable).parent
    found = shutil.which("pip")
    if found is not None and Path(found).parent == own:
        return "pip"
    return f"{shlex.quote(_shown(Path(sys.executable)))} -m pip"


def _source(extra: str) -> str:
    folder = checkout()
    if folder is not None:
        return f"--editable {shlex.quote(f'{_shown(folder)}[{extra}]')}"
    origin = _origin()
    if origin.startswith("file:") and (place := Path(unquote(urlsplit(origin).path))).exists():
        return shlex.quote(f"{_shown(place)}[{extra}]")
    elsewhere = "://" in origin and not origin.startswith("file:")
    return shlex.quote(f"striate[{extra}] @ {origin}" if elsewhere else f"striate[{extra}]")


def _origin() -> str:
    """The URL that pip installed Striate from, or "" where pip did not record one."""
    try:
        record = json.loads(metadata.distribution("striate").read_text("direct_url.json") or "{}")
        system = record.get("vcs_info", {}).get("vcs")
        return f"{system}+{record['url']}" if system else str(record.get("url", ""))
    except (metadata.PackageNotFoundError, ValueError, KeyError, AttributeError):
        return ""


def _shown(path: Path) -> str:
    """A path as text: relative to the current folder where it lies in it."""
    here = Path(os.path.abspath(os.curdir))
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
