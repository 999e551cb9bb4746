"""The report: one file, whole, of the figures that the evaluation has."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from striate.charts import Series, line_chart
from striate.data import ImageSet
from striate.look import write_report
from striate.look.report import confusion_shades, first_filters, worst_mistakes
from striate.train import Outputs, evaluation, evaluation_of, open_run


class Tags(HTMLParser):
    """What a page opens, what it shows, and what it would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def reported(finished_run, tmp_path) -> Path:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    run = open_run(folder)
    write_report(run, *evaluation.evaluate(run))
    return folder


def test_it_is_one_self_contained_page(reported) -> None:
    page = Tags((reported / "report.html").read_text(encoding="utf-8"))
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not {"script", "link", "iframe"} & set(page.tags)
    headings = re.findall(r"<h2>(.*?)</h2>", (reported / "report.html").read_text(encoding="utf-8"))
    assert headings == [
        "Training",
        "Confusion matrix",
        "Rejection",
        "The worst mistakes",
        "The first layer's filters",
        "Account of every layer",
        "Recipe and environment",
    ]


def test_its_figures_are_those_of_the_evaluation(reported) -> None:
    run = open_run(reported)
    found = evaluation_of(evaluation.evaluate(run)[0], run.classes)
    text = Tags((reported / "report.html").read_text(encoding="utf-8")).text
    assert f"{100 * found.top1:.2f} %" in text
    assert f"{found.errors}mistakes" in text
    assert "1,554parameters" in text.replace("\n", "")


def test_shades_are_shares_of_a_class_and_never_alike_where_counts_differ() -> None:
    labels = torch.tensor([0] * 606 + [1] * 600 + [2] * 12)
    answers = torch.tensor([1] * 600 + [2] * 6 + [1] * 594 + [0] * 5 + [2] + [2] * 6 + [0] * 6)
    found = evaluation_of(Outputs(torch.nn.functional.one_hot(answers).float(), labels, 0.0), ("a", "b", "c"))
    shades = confusion_shades(found)
    assert [shades[each][each] for each in range(3)] == [0, 0, 0]
    assert shades[0][1] == 1.0
    assert shades[0][2] == pytest.approx(0.1)  # 6 are as many as 600 no more
    assert shades[2][0] == pytest.approx((0.5 * 606 / 600) ** 0.5)  # 6 of 12 are many
    assert shades[1][0] > shades[1][2] > 0.0


def test_without_a_mistake_nothing_is_shaded() -> None:
    found = evaluation_of(Outputs(torch.eye(3), torch.arange(3), 0.0), ("a", "b", "c"))
    assert confusion_shades(found) == [[0.0] * 3] * 3


def test_pictures_lie_beside_it(reported) -> None:
    assert sorted(each.name for each in (reported / "pictures").iterdir()) == [
        "error.svg", "filters.png", "loss.svg", "mistakes.png", "rejection.svg",
    ]  # fmt: skip


def test_names_are_escaped(finished_run, tmp_path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    for name in ("run.json", "network.json"):
        file = folder / name
        file.write_text(file.read_text().replace('"tiny"', '"<script>alert(1)<br>"'))
    run = open_run(folder)
    write_report(run, *evaluation.evaluate(run))
    assert "script" not in Tags((folder / "report.html").read_text(encoding="utf-8")).tags


def test_the_surest_mistakes_come_first(finished_run) -> None:
    run = open_run(finished_run)
    probabilities = torch.full((3, 10), 0.01)
    probabilities[0, 1], probabilities[1, 2], probabilities[2, 3] = 0.6, 0.9, 0.8
    images = ImageSet(
        torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.tensor([0, 0, 3]), run.classes, "x", "test", "digits"
    )
    found = worst_mistakes(run, Outputs(probabilities.log(), images.labels, 0.0), images)
    assert [(each.truth, each.answer, each.name) for each in found] == [("0", "2", "image 1"), ("0", "1", "image 0")]


def test_filters_of_the_first_layer(finished_run) -> None:
    assert [each.size for each in first_filters(open_run(finished_run).model())] == [(5, 5)] * 4


@pytest.mark.parametrize("values", [(), (0.0,), (1.0, float("nan"), 2.0), (1e-9, 2e-9), (3e5, 1e5, 2e5)])
def test_charts_of_odd_series(values: tuple[float, ...]) -> None:
    chart = line_chart("Loss", [Series("a < b", "#000", values or (0.0,))], x="epoch")
    assert chart.count("<svg") == chart.count("</svg>") == 1
    assert "a &lt; b" in chart
    assert "nan" not in chart


def test_charts_in_steps_name_round_places() -> None:
    chart = line_chart("Error", [Series("a", "#000", (1.0,) * 101)], x="%", start=0, step=0.05)
    labels = re.findall(r'text-anchor="middle" opacity="0.7">([\d.]+)<', chart)
    assert labels == ["0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"]
