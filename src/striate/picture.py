"""A picture that a notebook shows and a file keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from striate.errors import OutputError
from striate.files import elsewhere, write_whole


@dataclass(frozen=True)
class Picture:
    """A picture as SVG, which a notebook shows."""

    svg: str

    def save(self, file: str | Path) -> Path:
        """Write it as an .svg file, whole or not at all. Raises OutputError for another suffix."""
        path = Path(file)
        if path.suffix != ".svg":
            raise OutputError(
                f"{path} is no name of a picture.", "It is written as SVG.", f"Save {path.with_suffix('.svg')}."
            )
        with elsewhere("save"):
            write_whole(path, self.svg)
        return path

    def _repr_svg_(self) -> str:
        return self.svg
