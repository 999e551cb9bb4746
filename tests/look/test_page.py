"""look.html: one page, whole, of what was asked for."""

import re
import shutil
from html.parser import HTMLParser

import pytest

from striate import Network
from striate.errors import DataError, RequirementError, ShapeError, SpecError, UnknownNameError
from striate.extras import install
from striate.look import Wish, look, page, shown, subject, write_look
from striate.look.bench import parse_kernel
from striate.look.page import SECTIONS, default_folder
from striate.networks import find


class Tags(HTMLParser):
    """What a page opens, and what it would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_it_is_one_self_contained_page(learned, tmp_path) -> None:
    sections = list(look(learned))
    written = write_look(learned, sections, folder=tmp_path / "look")
    page = Tags(written.read_text(encoding="utf-8"))
    assert [section.key for section in sections] == list(SECTIONS)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in page.addresses)
    assert page.tags.count("section") == len(SECTIONS)
    files = {each.name for each in (tmp_path / "look").iterdir()}
    figures = [figure for section in sections for figure in section.figures]
    assert files == {"look.html", *(f"{figure.name}.svg" for figure in figures)}
    assert len(figures) == page.tags.count("figure")


def test_the_page_says_whether_anything_was_learned(learned, grey, tmp_path) -> None:
    wish = Wish(only=("sharing",))
    for found, words in ((learned, "The weights are those of the run tiny."), (grey, "is not trained yet")):
        written = write_look(found, list(look(found, wish)), folder=tmp_path / found.network.name)
        assert words in written.read_text(encoding="utf-8")


def test_each_figure_is_a_png_too_if_it_is_asked_for(learned, tmp_path) -> None:
    from PIL import Image

    sections = list(look(learned, Wish(only=("maps", "learning"))))
    write_look(learned, sections, folder=tmp_path, png=True)
    for section in sections:
        (figure,) = section.figures
        picture = Image.open(tmp_path / f"{figure.name}.png").convert("RGB")
        width, height = (int(each) for each in re.findall(r'(?:width|height)="(\d+)"', figure.svg)[:2])
        assert picture.size == (2 * width, 2 * height)
        colours = picture.getcolors(2**24) or []
        assert len(colours) > 100
        assert max(colours)[1] == (255, 255, 255)


def test_a_png_that_cannot_be_drawn_says_what_to_install(learned, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("striate.extras.find_spec", lambda name: None)
    with pytest.raises(RequirementError) as caught:
        write_look(learned, list(look(learned, Wish(only=("sharing",)))), folder=tmp_path, png=True)
    assert str(caught.value) == (
        "PNG files need resvg-py.\nIt comes with the extra `look`; the SVG files need nothing.\n"
        f"Install it: {install('look')}"
    )


def test_only_what_is_asked_for_in_the_pages_order(learned) -> None:
    assert [each.key for each in look(learned, Wish(only=("sharing", "maps")))] == ["maps", "sharing"]
    assert [each.key for each in look(learned, Wish(only=("filters", "sharing"), layer="relu1"))] == ["sharing"]


def test_several_images_get_figures_of_their_own(learned, tmp_path) -> None:
    from PIL import Image

    for name in ("one", "two"):
        Image.linear_gradient("L").crop((0, 0, 60, 256)).save(tmp_path / f"{name}.png")
    images = tuple(str(tmp_path / f"{name}.png") for name in ("one", "two"))
    found = list(look(learned, Wish(only=("maps", "bench", "attribution"), images=images)))
    names = [figure.name for section in found for figure in section.figures]
    assert names == [
        f"{kind}-{place}-{name}"
        for kind in ("maps", "bench", "attribution")
        for place, name in ((1, "one"), (2, "two"))
    ]


@pytest.mark.parametrize(
    ("wish", "kind", "text"),
    [
        (Wish(only=("map",)), UnknownNameError, "no section is called 'map'."),
        (Wish(only=("map",)), UnknownNameError, "Did you mean 'maps'?"),
        (Wish(layer="cnv1"), UnknownNameError, "no layer is called 'cnv1'."),
        (Wish(layer="cnv1"), UnknownNameError, "Did you mean 'conv1'?"),
        (Wish(unit="Conv1:2,2"), UnknownNameError, "Did you mean 'conv1'?"),
        (Wish(unit="conv1:99,2"), SpecError, "'conv1:99,2' lies outside of its maps."),
        (Wish(only=("fields",), unit="conv1:2,99"), SpecError, "'conv1:2,99' lies outside of its maps."),
        (Wish(target="ten"), UnknownNameError, "no class is called 'ten'."),
        (Wish(target="ten"), UnknownNameError, "The classes are: 0, 1, 2"),
        (Wish(images=("lost.png",)), DataError, "lost.png: no such file."),
        (Wish(only=("attribution",), layer="linear1"), ShapeError, "linear1: has no maps larger than 1×1."),
        (Wish(only=("bench",), kernel=parse_kernel("1 " * 200)), SpecError, "the kernel is 1×200 on a picture of"),
    ],
)
def test_wishes_that_cannot_be_met(wish: Wish, kind: type[Exception], text: str, learned) -> None:
    with pytest.raises(kind) as refused:
        list(look(learned, wish))
    assert text in str(refused.value)


def test_a_unit_outside_is_said_before_anything_is_drawn(learned) -> None:
    with pytest.raises(SpecError):
        page.check(learned, Wish(unit="conv1:99,2"))


def test_of_a_layer_without_maps_there_are_the_other_figures(learned) -> None:
    (found,) = look(learned, Wish(only=("fields",), layer="linear1"))
    assert found.key == "fields"
    images = shown(learned)
    assert page.section(learned, Wish(layer="linear1"), "attribution", images) is not None
    assert page.section(learned, Wish(layer="linear1"), "wants", images) is None


def test_a_layer_of_a_head_is_not_on_the_way_to_the_answer(colour) -> None:
    with pytest.raises(ShapeError, match="auxiliary1.linear1: belongs to an auxiliary head"):
        list(look(colour, Wish(layer="auxiliary1.linear1")))


def test_what_takes_no_images_cannot_be_looked_at() -> None:
    with pytest.raises(ShapeError) as refused:
        subject(Network("board", (48, 19, 19), find("lenet5").layers))
    assert str(refused.value) == (
        "board takes 48×19×19, which is no image.\nFigures need a network for images of 1 channel (grey) or 3 (colour)."
    )


def test_a_name_cannot_break_the_page(tmp_path) -> None:
    found = subject(Network("<script>alert(1)<br>", (1, 12, 12), find("1x12x12: conv 2 3x3, flatten, linear 2").layers))
    written = write_look(found, list(look(found, Wish(only=("sharing", "maps")))), folder=tmp_path)
    assert "script" not in Tags(written.read_text(encoding="utf-8")).tags


def test_a_run_shows_its_validation_images_and_other_data_if_asked(finished_run, few_digits, tmp_path) -> None:
    own = subject(finished_run)
    assert own.origin.startswith("100 validation images")
    assert shown(own)[0].name.startswith("one of 100 validation images")
    assert subject(finished_run, data="mnist").origin == "512 training images of mnist"
    shutil.copytree(finished_run, tmp_path / "run")
    assert default_folder(str(tmp_path / "run"), own.network) == tmp_path / "run/look"
    assert str(default_folder("lenet5", find("lenet5"))) == "look/lenet5"
