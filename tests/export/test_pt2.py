"""A run as a program of torch.export: it answers as the run does, where there is no Striate."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from striate import from_text
from striate.data import Preprocessing
from striate.errors import AuditError, OutputError
from striate.export.pt2 import fresh, write
from striate.export.pt2.fresh import Without
from striate.export.pt2.module import Classifier
from striate.export.pt2.write import answers_agree, export_pt2, program_of
from striate.modules import Built
from striate.train import open_run
from tests.support.exported import noise, run_of

EXTRA = ("classes.json", "preprocessing.json", "temperature.json", "network.json")


def loaded(content: bytes, extra: dict[str, str] | None = None):
    return torch.export.load(io.BytesIO(content), extra_files=extra).module()


def test_a_program_gives_what_predict_gives(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    made = export_pt2(run, tmp_path / "tiny.pt2")
    assert (made.split, made.agreement.images, made.agreement.same) == ("test", 300, 300)
    assert made.agreement.difference < 1e-5
    assert made.bytes == (tmp_path / "tiny.pt2").stat().st_size
    assert [(each.name, each.dtype, each.shape) for each in (*made.inputs, *made.outputs)] == [
        ("images", "uint8", (28, 28, 1)),
        ("probabilities", "float32", (10,)),
        ("label", "int64", ()),
    ]
    extra = dict.fromkeys(EXTRA, "")
    content = (tmp_path / "tiny.pt2").read_bytes()
    program = loaded(content, extra)
    for count in (1, 2, 7):
        images = noise(1, 28, 28, count).images
        probabilities, labels = program(images.permute(0, 2, 3, 1))
        scores = run.model().logits(run.preprocessing.normalise(run.preprocessing.pack(images)))
        assert torch.allclose(probabilities, (scores / run.temperature).softmax(1), atol=1e-6)
        assert torch.equal(labels, scores.argmax(1))
    found = {name: json.loads(bytes(text, "utf-8") if isinstance(text, str) else text) for name, text in extra.items()}
    assert found["classes.json"] == list(run.classes)
    assert Preprocessing.from_dict(found["preprocessing.json"]) == run.preprocessing
    assert found["temperature.json"] == run.temperature
    assert found["network.json"]["name"] == "tiny"
    assert os.listdir(tmp_path) == ["tiny.pt2"]


def test_a_program_says_how_pictures_are_cropped(tmp_path: Path, monkeypatch) -> None:
    network = from_text("name cropped 3x16x16: conv 4 5x5 /2, relu, linear 10")
    way = Preprocessing((3, 16, 16), "crop", -1, 1, "picture", shorter=20)
    run, _ = run_of(network, tmp_path / "run", way)
    monkeypatch.setattr(write, "compared_images", lambda *_: replace(noise(3, 16, 16), fitted=True))
    monkeypatch.setattr(write, "answers_agree", lambda *_, **__: None)
    export_pt2(run, tmp_path / "cropped.pt2")
    extra = {"pictures.json": "", "preprocessing.json": ""}
    loaded((tmp_path / "cropped.pt2").read_bytes(), extra)
    assert Preprocessing.from_dict(json.loads(extra["pictures.json"])) == way
    assert Preprocessing.from_dict(json.loads(extra["preprocessing.json"])).fit != "crop"


@pytest.mark.slow
def test_the_bare_program(finished_run: Path, tmp_path: Path) -> None:
    run = open_run(finished_run)
    made = export_pt2(run, tmp_path / "bare.pt2", bare=True)
    assert [(each.name, each.shape) for each in (*made.inputs, *made.outputs)] == [
        ("images", (1, 28, 28)),
        ("logits", (10,)),
    ]
    program = loaded((tmp_path / "bare.pt2").read_bytes())
    values = torch.randn(3, 1, 28, 28)
    assert torch.allclose(program(values), run.model().logits(values), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 31)])
@pytest.mark.parametrize("wanted", [(1, 32, 32), (3, 19, 41)])
@pytest.mark.parametrize(("fit", "size"), [("pad", None), ("pad", (28, 28)), ("resize", None)])
def test_pixels_take_the_same_way_to_the_input(shape, wanted, fit: str, size) -> None:
    way = Preprocessing(wanted, fit, low=-0.1, high=1.175, form="picture", size=size)
    seen: list[torch.Tensor] = []

    class Seeing(torch.nn.Module):
        network = from_text(f"{'x'.join(map(str, wanted))}: global_average, linear 2")

        def logits(self, values: torch.Tensor) -> torch.Tensor:
            seen.append(values)
            return values.mean((2, 3))

    images = noise(*shape).images
    Classifier(Seeing(), way, temperature=1.0)(images.permute(0, 2, 3, 1))  # pyright: ignore[reportArgumentType]
    assert torch.equal(seen[0], way.normalise(way.pack(images)))


GREY = "name grey 1x32x32: conv 4 5x5 /2, bn, relu6, residual(conv 4 3x3 same groups 4), dropout 0.5, linear 10"
COLOUR = (
    "name colour 3x40x36: conv 4 3x3, lrn, max 3 /2 ceil, gate(global_average, linear 4, sigmoid), linear 6, softmax"
)
CENTRES = "name rbf 1x8x8: subsample 2, scaled_tanh, linear 3, rbf(+-+; -+-; +++)"


@pytest.mark.slow
@pytest.mark.parametrize(("text", "shape"), [(GREY, (3, 20, 31)), (COLOUR, (1, 28, 28)), (CENTRES, (1, 8, 8))])
def test_runs_of_other_images_and_layers(text: str, shape, tmp_path: Path) -> None:
    network = from_text(text)
    way = Preprocessing(network.input, "pad", low=-1, high=1, form="picture", size=shape[1:])
    run, module = run_of(network, tmp_path / "run", way)
    content = program_of(run, module, shape, bare=False)
    found = answers_agree(content, run, module, images=noise(*shape), bare=False)
    assert (found.images, found.same) == (12, 12)
    assert found.share < 1e-5


class Wrong(Classifier):
    """Gives the answers of other images."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().forward(255 - images)


@pytest.mark.slow
def test_a_program_with_other_answers_is_not_written(finished_run: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(write, "Classifier", Wrong)
    with pytest.raises(AuditError) as caught:
        export_pt2(open_run(finished_run), tmp_path / "tiny.pt2")
    what, expected, remedy = str(caught.value).split("\n")
    start = f"{finished_run}: the exported program and the run's module differ in their answers to 300 images and 4 of "
    assert what.startswith(start)
    assert expected == "Weights and images are the same, so the answers must be too, to 1e-04; nothing is written."
    assert remedy == "Try another version of PyTorch. If it stays so, this is a fault of Striate: please report it."
    assert os.listdir(tmp_path) == []


def test_a_program_that_needs_striate_is_not_written(finished_run: Path, tmp_path: Path, monkeypatch) -> None:
    script = tmp_path / "needs.py"
    text = Path(fresh.__file__).read_text(encoding="utf-8")
    script.write_text(text.replace("    import torch\n", "    import torch\n    import striate.modules\n", 1))
    monkeypatch.setattr(fresh, "__file__", str(script))
    with pytest.raises(AuditError) as caught:
        export_pt2(open_run(finished_run), tmp_path / "tiny.pt2")
    assert str(caught.value) == (
        f"{finished_run}: the exported program cannot be run without Striate: ImportError: striate is not here\n"
        "It must answer images as the run does; nothing is written.\n"
        "Try another version of PyTorch. If it stays so, this is a fault of Striate: please report it."
    )
    assert os.listdir(tmp_path) == ["needs.py"]


def test_only_striate_is_refused() -> None:
    finder = Without("striate")
    assert finder.find_spec("json", None) is None
    assert finder.find_spec("striated", None) is None
    for name in ("striate", "striate.modules"):
        with pytest.raises(ImportError, match="striate is not here"):
            finder.find_spec(name, None)


def test_what_cannot_be_traced_is_an_error_of_ours(finished_run: Path, tmp_path: Path, monkeypatch) -> None:
    def untraceable(self: Built, images: torch.Tensor, heads=None) -> torch.Tensor:
        return torch.zeros(len(images), 10) if images.sum() > 0 else torch.ones(len(images), 10)

    monkeypatch.setattr(Built, "logits", untraceable)
    with pytest.raises(AuditError) as caught:
        export_pt2(open_run(finished_run), tmp_path / "tiny.pt2")
    assert str(caught.value).startswith(f"{finished_run}: torch.export cannot trace the network: ")


def test_its_name_ends_as_its_kind_does(finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        export_pt2(open_run(finished_run), tmp_path / "tiny.pt")
    assert str(caught.value) == (
        f"{tmp_path}/tiny.pt does not end in .pt2.\nPrograms know an exported program by its suffix.\nName it tiny.pt2."
    )
