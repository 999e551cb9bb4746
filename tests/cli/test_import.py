"""striate import as people call it, and ONNX files where a NETWORK or a RUN is taken."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate import BatchNorm, from_pretrained
from striate.errors import RunError
from striate.train import open_run
from tests.support.commands import striate

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
from tests.support.by_hand import Hand  # noqa: E402 - after what may be missing


@pytest.fixture
def file(finished_run: Path, tmp_path: Path) -> Path:
    assert striate("export", finished_run, "-o", "given.onnx", cwd=tmp_path).returncode == 0
    return tmp_path / "given.onnx"


def test_a_run_is_made_and_answers_as_the_one_it_came_from(file: Path, finished_run: Path, tmp_path: Path) -> None:
    done = striate("import", "given.onnx", "--name", "mine", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, pixels, checked, after = done.stdout.splitlines()
    assert re.fullmatch(r"runs/mine   mine, 1×28×28 to 10 classes, [\d,]+ values", first)
    assert pixels.endswith("(what the file says)")
    assert re.fullmatch(r"  checked  outputs within \S+ of their range of ONNX Runtime's", checked)
    assert after == "Next: striate account runs/mine, striate predict runs/mine IMAGE, striate serve runs/mine."
    picture = tmp_path / "blank.png"
    Image.new("L", (28, 28), 200).save(picture)
    answers = [
        json.loads(striate("predict", run, picture, "--json", cwd=tmp_path).stdout)
        for run in (finished_run, "runs/mine", "given.onnx")
    ]
    found = [[each["probabilities"] for each in (one if isinstance(one, list) else [one])] for one in answers]
    for other in found[1:]:
        for name, probability in found[0][0].items():
            assert other[0][name] == pytest.approx(probability, abs=1e-4)


def test_json_has_what_was_made(file: Path, tmp_path: Path) -> None:
    done = striate("import", "given.onnx", "--out", "made", "--fold", "--json", cwd=tmp_path)
    made = json.loads(done.stdout)
    assert made["run"] == "made"
    assert made["input"] == [1, 28, 28]
    assert made["classes"] == [str(digit) for digit in range(10)]
    assert made["difference"] < 1e-4
    assert made["origin"]["file"] == "given.onnx"


def test_batch_norms_are_folded_where_it_is_asked_for(tmp_path: Path) -> None:
    hand = Hand(("n", 1, 8, 8))
    maps = hand.norm(hand.node("Conv", hand.images, hand.noise(2, 1, 3, 3)), 2)
    hand.write(tmp_path / "bn.onnx", hand.node("Gemm", hand.node("Flatten", maps), hand.noise(72, 3)))
    for words, there in (((), True), (("--fold",), False)):
        out = f"made{len(words)}"
        assert striate("import", "bn.onnx", "--out", out, *words, cwd=tmp_path).returncode == 0
        assert any(isinstance(each, BatchNorm) for each in open_run(tmp_path / out).network.layers) == there


def test_a_file_stands_for_a_network_and_for_a_run(file: Path, tmp_path: Path) -> None:
    done = striate("account", "given.onnx", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["totals"]["parameters"] > 0
    for verb, out in (("draw", "a.svg"), ("page", "a.html")):
        done = striate(verb, "given.onnx", "-o", out, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert striate("emit", "given.onnx", "--to", "pytorch", cwd=tmp_path).stdout.startswith("# PyTorch source")
    done = striate("evaluate", "given.onnx", cwd=tmp_path)
    assert done.returncode == 2
    assert "Give images: --data FOLDER, with a folder for each class." in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["a.html", "a.svg", "given.onnx"]


def test_mistakes_get_an_answer_and_leave_nothing(file: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("abc")
    (tmp_path / "cut.onnx").write_bytes(file.read_bytes()[:2000])
    (tmp_path / "names.txt").write_text("a\nb\n")
    for arguments, text in (
        (("none.onnx",), "Error: none.onnx: cannot be read: No such file or directory."),
        (("text.onnx",), "Error: text.onnx: is no ONNX file, or is damaged."),
        (("cut.onnx",), "Error: cut.onnx: "),
        (("given.onnx", "--classes", "names.txt"), "gives 10 for 2 classes."),
        (("given.onnx", "--mean", "a,b"), "'a,b' is not of the form 0.5 or 0.485,0.456,0.406."),
        (("given.onnx", "--mean", "0.5", "--range", "0", "1"), "--range and --mean or --std say the same"),
        (("given.onnx", "--out", "cut.onnx"), "cut.onnx is there already."),
    ):
        done = striate("import", *arguments, cwd=tmp_path)
        assert done.returncode == 2, arguments
        assert text in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["cut.onnx", "given.onnx", "names.txt", "text.onnx"]


def test_a_range_of_pixels_that_is_given_goes_before_the_files_factors(tmp_path: Path) -> None:
    """The file halves its input and adds 1: with pixels from -1 to 1 the network gets 0.5 to 1.5."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = {
        "half": np.float32(0.5),
        "one": np.float32(1),
        "w": np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["x", "half"], ["a"]),
        helper.make_node("Add", ["a", "one"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "w"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "hand",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "h.onnx")
    for number, (given, low, high, words) in enumerate(
        (
            ((), 1.0, 1.5, "the file's own factors of pixels from 0 to 1"),
            (("--range", "-1", "1"), 0.5, 1.5, "the file's own factors of --range"),
            (("--mean", "0.5", "--std", "0.25"), 0.0, 2.0, "the file's own factors of --mean and --std"),
        )
    ):
        done = striate("import", "h.onnx", "--out", f"made{number}", "--json", *given, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)
        assert (made["preprocessing"]["low"], made["preprocessing"]["high"]) == (low, high)
        assert made["range_from"] == words
    done = striate("import", "h.onnx", "--std", "0", "--out", "bad", cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "Error: --std is 0.")


def test_a_range_is_refused_where_the_file_has_its_own(file: Path, tmp_path: Path) -> None:
    done = striate("import", "given.onnx", "--range", "0", "1", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: the file has its own range of pixels, and another was given.\n"
        "Striate wrote it with its preprocessing inside.\n"
        "Leave --mean, --std and --range out.\n"
    )


def test_an_export_does_not_overwrite_the_file_that_it_reads(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    done = striate("export", "given.onnx", "--bare", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: given.onnx is RUN itself.\nIt would be overwritten.\n")
    assert file.read_bytes() == before


def by_hand(tmp_path: Path, name: str, *, kind: int = 1, flat: bool = True) -> None:
    """A file with a transposed output, or one of maps, for inputs of 3×8×8."""
    import onnx
    from onnx import helper, numpy_helper

    dtype = helper.tensor_dtype_to_np_dtype(kind)
    weight = np.random.default_rng(0).normal(size=(5, 3, 8, 8)).astype(dtype)
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"])]
    nodes += [helper.make_node("Flatten", ["a"], ["y" if kind != 1 else "d"])] if flat else []
    nodes += [helper.make_node("Transpose", ["d"], ["y"], perm=[1, 0])] if flat and kind == 1 else []
    graph = helper.make_graph(
        nodes,
        "hand",
        [helper.make_tensor_value_info("x", kind, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y" if flat else "a", kind, None)],
        [numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / name)


def test_a_value_inside_the_graph_may_be_the_output(tmp_path: Path) -> None:
    by_hand(tmp_path, "turned.onnx")
    done = striate("import", "turned.onnx", "--output", "d", "--out", "made", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["difference"] < 1e-4


def test_a_file_in_float16_is_imported(tmp_path: Path) -> None:
    by_hand(tmp_path, "half.onnx", kind=10)
    done = striate("import", "half.onnx", "--out", "made", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["difference"] < 1e-2


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_file_with_weights_that_are_not_finite_answers_no_image(value: float, tmp_path: Path) -> None:
    hand = Hand(("n", 3, 8, 8))
    maps = hand.clip(hand.node("Conv", hand.images, hand.noise(4, 3, 8, 8), hand.array([value, 0, 0, 0])), 0, 6)
    hand.write(tmp_path / "odd.onnx", hand.node("Flatten", maps))
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    done = striate("predict", "odd.onnx", "a.png", cwd=tmp_path)
    assert done.returncode == 2
    assert "odd.onnx cannot be used: 1 of the 4 values of v0_0.bias are not finite" in done.stderr


def test_a_file_that_ends_in_maps_answers_no_image(tmp_path: Path) -> None:
    by_hand(tmp_path, "maps.onnx", flat=False)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    done = striate("predict", "maps.onnx", "a.png", cwd=tmp_path)
    assert done.returncode == 2
    assert "maps.onnx gives 5×1×1 and no value for each class.\nAn image is answered with a flat vector" in done.stderr
    for words in ((), ("--to", "pt2")):
        done = striate("export", "maps.onnx", *words, "-o", f"b.{words[-1] if words else 'onnx'}", cwd=tmp_path)
        assert done.returncode == 2
        assert "gives 5×1×1 for 5 classes" in done.stderr
        assert not list(tmp_path.glob("b.*"))
    with pytest.raises(RunError, match="maps.onnx gives 5×1×1 and no value for each class"):
        from_pretrained(tmp_path / "maps.onnx").predict(np.zeros((1, 8, 8, 3), np.uint8))
    for words in (("account",), ("draw", "-o", "a.svg"), ("page", "-o", "a.html")):
        assert striate(words[0], "maps.onnx", *words[1:], cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(("units", "maps"), [(1, False), (5, False), (5, True)])
def test_values_that_are_each_for_themselves_are_no_scores_of_classes(units: int, maps: bool, tmp_path: Path) -> None:
    hand = Hand(("n", 1, 8, 8))
    if maps:
        made = hand.node("Sigmoid", hand.node("Conv", hand.images, hand.noise(units, 1, 3, 3)))
        hand.write(tmp_path / "own.onnx", hand.node("Flatten", hand.node("GlobalAveragePool", made)))
    else:
        scores = hand.node("Gemm", hand.node("Flatten", hand.images), hand.noise(64, units))
        hand.write(tmp_path / "own.onnx", hand.node("Sigmoid", scores))
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    for words in (
        ("import", "own.onnx"),
        ("predict", "own.onnx", "a.png"),
        ("predict", "own.onnx", "a.png", "--out", "p.csv"),
        ("export", "own.onnx", "-o", "b.onnx"),
    ):
        done = striate(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert "A run answers with one of two classes or more, by a softmax over their scores." in done.stderr
    assert striate("account", "own.onnx", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("pads", "words", "works"),
    [
        ([0, 0, 2, 2, 0, 0, 2, 2], (), True),
        ([0, 0, 2, 2, 0, 0, 2, 2], ("--range", "-1", "1"), False),
        ([0, 0, 0, 0, 0, 0, 4, 4], (), False),
    ],
)
def test_a_padding_that_a_run_cannot_do_is_refused(
    pads: list[int], words: tuple[str, ...], works: bool, tmp_path: Path
) -> None:
    hand = Hand(("n", 1, 8, 8))
    normed = hand.norm(hand.pad(hand.images, pads), 1)
    filtered = hand.node("Conv", normed, hand.noise(2, 1, 3, 3))
    hand.write(tmp_path / "padded.onnx", hand.node("Gemm", hand.node("Flatten", filtered), hand.noise(200, 3)))
    done = striate("import", "padded.onnx", *words, "--out", "made", cwd=tmp_path)
    assert (done.returncode == 0) == works, done.stderr
    assert works or "the file pads its input with zeros" in done.stderr


@pytest.mark.parametrize("name", ["a\tb", "", "b" * 1001])
def test_a_class_is_named_by_a_line_of_text(name: str, tmp_path: Path) -> None:
    hand = Hand(("n", 1, 8, 8))
    hand.write(tmp_path / "two.onnx", hand.node("Gemm", hand.node("Flatten", hand.images), hand.noise(64, 2)))
    (tmp_path / "classes.json").write_text(json.dumps(["yes", name]), encoding="utf-8")
    done = striate("import", "two.onnx", "--classes", "classes.json", "--out", "made", cwd=tmp_path)
    assert done.returncode == 2
    assert "The name of a class is one line of text, with 1 to 1,000 letters." in done.stderr
    assert not (tmp_path / "made").exists()
    model = onnx.load(str(tmp_path / "two.onnx"))
    onnx.helper.set_model_props(model, {"classes": json.dumps(["yes", name])})
    onnx.save(model, str(tmp_path / "two.onnx"))
    done = striate("import", "two.onnx", "--out", "made", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["classes"] == ["class 0", "class 1"]
    assert open_run(tmp_path / "made").classes == ("class 0", "class 1")
