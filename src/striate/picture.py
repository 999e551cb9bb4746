"""A picture that a notebook shows and a file keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from striate.files import elsewhere, write_whole
from striate.raster import drawn_as, require_suffix


@dataclass(frozen=True)
class Picture:
    """A picture as SVG, which a notebook shows."""

    svg: str

    def save(self, file: str | Path) -> Path:
        """Write it as SVG or PNG by the file's suffix, whole or not at all.

        Raises OutputError for another suffix, and RequirementError for a PNG where resvg-py is not installed.
        """
        path = Path(file)
        require_suffix(path, option="save")
        with elsewhere("save"):
            write_whole(path, drawn_as(path.suffix, self.svg))
        return path

    def _repr_svg_(self) -> str:
        return self.svg
