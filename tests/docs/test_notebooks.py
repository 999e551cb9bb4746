"""The notebooks of examples: each runs from its first cell to its last, and gives what it has kept.

`STRIATE_KEEP=1` keeps what it gives instead: `make notebooks`.
"""

import os
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples/notebooks").glob("*.ipynb"))
LARGEST = 200_000
"""The most bytes of a notebook with its outputs."""


def outputs(cell) -> list[str]:
    """What a cell shows: the kinds of its outputs, and their text where it does not vary from run to run."""
    varies = "varies" in cell.metadata.get("tags", [])
    return [_shown(each, varies) for each in cell.outputs]


def _shown(output, varies: bool) -> str:
    if output.output_type == "stream":
        return "text" if varies else output.text
    kinds = " ".join(sorted(output.get("data", {})))
    text = output.get("data", {}).get("text/plain", "")
    pictured = len(output.get("data", {})) > 1
    return kinds if varies or pictured else f"{kinds}\n{text}"


def test_there_is_one_for_teachers_one_for_engineers_and_one_for_researchers() -> None:
    opened = {path.stem: nbformat.read(path, as_version=4).cells[0].source for path in NOTEBOOKS}
    readers = {name: re.search(r"For (\w+):", text)[1] for name, text in opened.items()}  # pyright: ignore[reportOptionalSubscript]
    assert readers == {"lenet5-by-hand": "teachers", "arrays-to-onnx": "engineers", "lenet5-paper": "researchers"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_was_executed_in_order(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    text = path.read_text(encoding="utf-8")
    assert str(Path.home()) not in text
    assert "Traceback" not in text


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_gives_what_it_keeps(path: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    kept = nbformat.read(path, as_version=4)
    made = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        made, timeout=900, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    for cell in made.cells:
        cell.metadata.pop("execution", None)  # the times of day
    if os.environ.get("STRIATE_KEEP"):
        nbformat.write(made, path)
        return
    for before, after in zip(kept.cells, made.cells, strict=True):
        if after.cell_type == "code":
            assert outputs(after) == outputs(before), after.source
