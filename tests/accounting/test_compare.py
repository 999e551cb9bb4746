"""Networks side by side."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from striate import Auxiliary, account, find
from striate.accounting.compare import compare, compare_table, to_dict
from striate.accounting.memory import memory
from striate.accounting.show.shares import shares_svg
from striate.cli.verbs.compare import command
from striate.errors import OutputError

SVG = "{http://www.w3.org/2000/svg}"


def compared(*names: str):
    return compare([account(find(name)) for name in names])


def test_the_comparison_of_post_000() -> None:
    table, flat = compared("lenet5-keras-table", "fully-connected")
    assert (table.totals["parameters"], flat.totals["parameters"]) == (33_090, 122_890)
    assert (table.totals["MACs"], flat.totals["MACs"]) == (1_858_312, 122_880)
    assert "fully-connected has 3.71 times more parameters and 15.1 times fewer MACs than" in compare_table(
        [table, flat]
    )


def test_memory_is_what_is_kept_for_the_backward_pass() -> None:
    (vgg,) = compared("vgg-d")
    assert vgg.totals["memory"] == memory(account(find("vgg-d"))).figures["kept for backward"]


def test_auxiliary_heads_are_left_out_and_that_is_said() -> None:
    found = compared("googlenet", "alexnet")
    assert found[0].totals["parameters"] == 6_998_552
    assert "auxiliary heads left out" in " ".join(compare_table(found).split())
    assert "auxiliary" not in compare_table(compared("alexnet", "vgg-a"))


def test_without_its_heads_a_network_keeps_the_same_memory() -> None:
    network = find("googlenet")
    bare = replace(network, layers=[layer for layer in network.layers if not isinstance(layer, Auxiliary)])
    with_heads, without = compare([account(network), account(bare)])
    assert with_heads.totals == without.totals
    assert with_heads.totals["memory"] == 48_211_648


def test_the_largest_layer_of_each_is_named() -> None:
    text = [" ".join(line.split()) for line in compare_table(compared("alexnet", "vgg-d")).splitlines()]
    assert "vgg-d fc6 74.3 % conv1_2 12.0 % relu1_1 17.5 %" in text


def test_what_the_page_says_of_vgg() -> None:
    (vgg,) = compared("vgg-d")
    first = {name: {share.path: share.amount for share in vgg.shares[name]} for name in ("memory", "parameters")}
    kept = first["memory"]["relu1_1"] + first["memory"]["relu1_2"]
    weights = first["parameters"]["conv1_1"] + first["parameters"]["conv1_2"]
    assert f"{100 * kept / vgg.totals['memory']:.0f} %" == "35 %"
    assert f"{100 * weights / vgg.totals['parameters']:.2f} %" == "0.03 %"


def test_a_difference_of_less_than_a_hundredth_is_a_number() -> None:
    assert "vgg11-bn has 5,504 more parameters than vgg-a." in compare_table(compared("vgg-a", "vgg11-bn"))


def test_layers_of_a_block_are_added_up() -> None:
    text = [" ".join(line.split()) for line in compare_table(compared("alexnet", "resnet152")).splitlines()]
    assert "resnet152 stage3 67.5 % stage3 70.4 % stage3 50.6 %" in text


def test_shares_add_up() -> None:
    for each in compared("lenet5", "resnet18", "googlenet"):
        for name, shares in each.shares.items():
            assert sum(share.amount for share in shares) == each.totals[name]


def test_networks_that_cost_the_same_get_no_sentence() -> None:
    assert " times " not in compare_table(compared("lenet5", "lenet5"))


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_keeps_within_the_page(width: int) -> None:
    text = compare_table(compared("alexnet", "vgg-d", "googlenet", "resnet152"), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_the_picture_has_a_bar_as_wide_as_all_for_each_measure() -> None:
    found = compared("alexnet", "resnet50")
    root = ET.fromstring(shares_svg(found))
    bars: dict[float, list[tuple[float, float]]] = {}
    for rect in root.iter(f"{SVG}rect"):
        bars.setdefault(float(rect.attrib["y"]), []).append((float(rect.attrib["x"]), float(rect.attrib["width"])))
    assert len(bars) == 6
    for pieces in bars.values():
        last = pieces[-1]
        assert pieces[0][0] == pytest.approx(112)
        assert last[0] + last[1] == pytest.approx(960 - 152, abs=1.1)
        assert all(here[0] + here[1] <= after[0] + 0.21 for here, after in pairwise(pieces))
    text = "".join(root.itertext())
    assert "fc6 61.9 %" in text
    assert "60,965,224" in text


def test_the_picture_suits_dark_and_light_pages_and_loads_nothing() -> None:
    text = shares_svg(compared("lenet5", "alexnet"))
    assert "prefers-color-scheme:dark" in text
    assert text.count("http") == 1  # the name of SVG's namespace


def test_the_picture_of_the_documentation_is_what_the_command_draws() -> None:
    picture = Path(__file__).parents[2] / "docs" / "images" / "shares.svg"
    names = ("alexnet", "vgg-d", "googlenet", "resnet152")
    assert picture.read_text(encoding="utf-8") == shares_svg(compared(*names))


def test_the_command_prints_draws_and_gives_json(tmp_path: Path) -> None:
    path = tmp_path / "both.svg"
    result = CliRunner().invoke(command, ["lenet5", "alexnet", "--picture", str(path)])
    assert result.exit_code == 0
    assert path.read_text(encoding="utf-8") == shares_svg(compared("lenet5", "alexnet"))
    document = json.loads(CliRunner().invoke(command, ["lenet5", "alexnet", "--json"]).output)
    assert document == json.loads(json.dumps(to_dict(compared("lenet5", "alexnet"))))
    assert document["networks"][0]["parameters"] == 60_000


def test_one_network_is_too_few() -> None:
    result = CliRunner().invoke(command, ["lenet5"])
    assert result.exit_code == 2
    assert "Give at least two networks." in result.output


def test_a_picture_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    path = tmp_path / "no" / "both.svg"
    result = CliRunner().invoke(command, ["lenet5", "alexnet", "--picture", str(path)])
    assert isinstance(result.exception, OutputError)
    assert str(result.exception) == (
        f"{path} cannot be written: No such file or directory.\nIt was not written.\nGive another place to --picture."
    )


def test_a_picture_is_what_its_suffix_says(tmp_path: Path) -> None:
    for name in ("both.svg", "both.PNG"):
        result = CliRunner().invoke(command, ["lenet5", "alexnet", "--picture", str(tmp_path / name)])
        assert result.exit_code == 0
    assert (tmp_path / "both.svg").read_bytes().startswith(b"<svg ")
    assert (tmp_path / "both.PNG").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize("name", ["both.jpg", "both", "both.svg.gz", ""])
def test_a_suffix_of_something_else_is_refused_before_anything_is_counted(tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(command, ["lenet5", "alexnet", "--picture", str(tmp_path / "pictures" / name)])
    assert isinstance(result.exception, OutputError)
    path = tmp_path / "pictures" / name
    assert str(result.exception) == (
        f"{path} does not end in .svg or .png.\n"
        "--picture writes a picture, as SVG or as PNG by the file's suffix.\n"
        f"Name it, for example, {path.stem}.svg."
    )
    assert result.output == ""
    assert not list(tmp_path.iterdir())


def test_a_picture_of_a_network_with_quotes_in_its_name_is_whole() -> None:
    network = replace(find("lenet5-dense"), name='my "best" & <net>')
    root = ET.fromstring(shares_svg(compare([account(network)])))
    assert 'my "best" & <net>' in root.attrib["aria-label"]
