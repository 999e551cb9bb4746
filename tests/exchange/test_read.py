"""ONNX files that are read: the catalogue as Striate and PyTorch export it, random networks, files of Caffe2's zoo."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from striate import NETWORKS, Network, find, from_text
from striate.accounting import account
from striate.description.layers import Activation, Branches, Conv, Gate, Pool, Residual, Shuffle
from striate.description.network import plan
from striate.errors import FormatError
from striate.modules import build, weights_of
from tests.support.everything import everything
from tests.support.settled import settled
from tests.support.written import written

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after what may be missing

from striate.exchange import onnx_model  # noqa: E402
from striate.exchange.reading import Read, read_onnx  # noqa: E402

LARGE = (
    *("vgg-a-lrn", "vgg-b", "vgg-c", "vgg-d", "vgg-e", "vgg13-bn", "vgg16-bn", "vgg19-bn", "zfnet-512", "resnet101"),
    *("resnet152", "resnet101-torchvision", "resnet152-torchvision", "densenet169", "densenet201", "alexnet-one-tower"),
    *("plain34", "resnet34-a", "resnet34-c", "alphago-policy-128", "alphago-policy-256", "alphago-policy-384"),
    *("alphago-policy-48", "go-policy-128", "go-policy-192"),
)
"""Larger relatives of networks that are tested; they take minutes, and have the same layers."""
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
NEAR = 2e-5
"""The largest difference of outputs as a share of their range; PyTorch's own float32 is off by as much."""
SMALL = ("lenet5", "lenet5-keras", "resnet8-tiny", "simple-cnn", "mlp-300-100", "resnet20-cifar")
DEEP = (
    *("alexnet", "googlenet", "inception-bn", "resnet18-a", "resnet50", "densenet121", "squeezenet-1.0"),
    *("mobilenet-v2", "mobilenet-v3-small", "shufflenet-v1", "efficientnet-b0", "alphago-policy", "all-cnn-c"),
)


def read_own(network: Network, tmp_path: Path) -> tuple[Read, dict[str, np.ndarray]]:
    """What is read of the file that Striate writes of a network, and the weights that it was written with."""
    weights = weights_of(settled(network))
    file = tmp_path / "own.onnx"
    file.write_bytes(onnx_model(network, weights).SerializeToString())
    return read_onnx(file), weights


def difference(file: Path, read: Read, images: np.ndarray) -> float:
    """By how much the network's outputs differ from ONNX Runtime's, as a share of their range."""
    module = build(read.network).eval()
    own = module.state_dict()
    module.load_state_dict(own | {name: torch.from_numpy(np.array(values)) for name, values in read.weights.items()})
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {session.get_inputs()[0].name: images})[0]
    with torch.inference_mode():
        found = module(torch.from_numpy(images)).numpy()
    return float(np.abs(found - wanted.reshape(found.shape)).max() / ((wanted.max() - wanted.min()) or 1))


def prepared(read: Read, images: torch.Tensor) -> torch.Tensor:
    """Images as the network takes them: what the file does before it, done."""
    top, bottom, left, right = read.margins
    scale, shift = (torch.from_numpy(np.asarray(each)).reshape(-1, 1, 1) for each in (read.scale, read.shift))
    return torch.nn.functional.pad(images, (left, right, top, bottom)) * scale + shift


def require_own(network: Network, tmp_path: Path) -> None:
    read, weights = read_own(network, tmp_path)
    assert written(read.network, closing=False) == written(network, closing=False)
    for name, values in read.weights.items():
        assert np.array_equal(values, weights[name]), name


@pytest.mark.parametrize("name", SMALL)
def test_what_striate_writes_is_read_as_the_same_network(name: str, tmp_path: Path) -> None:
    require_own(find(name), tmp_path)


def test_a_scale_that_stands_first_stays_a_layer(tmp_path: Path) -> None:
    network = from_text("3x8x8: scale, conv 2 3x3, linear 3")
    weights = weights_of(settled(network)) | {"scale1.weight": np.full(3, 2, np.float32)}
    file = tmp_path / "own.onnx"
    file.write_bytes(onnx_model(network, weights).SerializeToString())
    read = read_onnx(file)
    assert written(read.network, closing=False) == written(network, closing=False)
    assert np.array_equal(read.weights["scale1.weight"], weights["scale1.weight"])
    assert (float(read.scale), float(read.shift), read.margins) == (1, 0, (0, 0, 0, 0))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in SMALL + LARGE])
def test_the_catalogue_comes_back_as_it_went_out(name: str, tmp_path: Path) -> None:
    require_own(find(name), tmp_path)


def exported(network: Network, file: Path, *, newer: bool) -> None:
    """Write a network's module by one of PyTorch's exporters, its batch normalisations kept."""
    module, images = settled(network).eval(), torch.rand(2, *network.input)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if newer:
            options = {"dynamo": True, "optimize": False, "external_data": False, "verbose": False}
            torch.onnx.export(module, (images,), file, **options)
        else:
            options = {"dynamo": False, "do_constant_folding": False, "opset_version": 17}
            torch.onnx.export(module, (images,), file, input_names=["x"], dynamic_axes={"x": {0: "n"}}, **options)


def require_exported(name: str, file: Path, *, newer: bool) -> None:
    network = find(name)
    exported(network, file, newer=newer)
    read = read_onnx(file)
    ours, theirs = account(network).totals, account(read.network).totals
    assert (theirs.parameters, theirs.macs) == (ours.parameters, ours.macs)
    images = np.random.default_rng(0).random((2, *network.input), dtype=np.float32)
    assert difference(file, read, images) < NEAR


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("name", ["lenet5", "resnet8-tiny"])
def test_both_of_pytorchs_exporters_are_read(name: str, newer: bool, tmp_path: Path) -> None:
    if newer:
        pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    require_exported(name, tmp_path / "own.onnx", newer=newer)


@pytest.mark.slow
@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("name", DEEP)
def test_deep_networks_from_both_exporters(name: str, newer: bool, tmp_path: Path) -> None:
    if newer:
        pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    require_exported(name, tmp_path / "own.onnx", newer=newer)


# Parameters and MACs were counted by hand from the files' own weights and shapes (onnx 1.23.2).
COUNTED = {
    "bvlc_alexnet": (60_965_224, 654_560_384),
    "densenet121": (7_978_856, 2_834_161_664),
    "inception_v1": (6_998_552, 1_431_556_352),
    "inception_v2": (11_194_984, 2_018_851_840),
    "resnet50": (25_557_032, 4_089_184_256),
    "shufflenet": (1_393_320, 124_664_528),
    "squeezenet": (1_235_496, 349_151_936),
    "vgg19": (143_667_240, 19_632_062_464),
    "zfnet512": (87_250_536, 1_481_727_008),
}


@pytest.mark.parametrize("name", COUNTED)
def test_caffe2s_zoo_is_read_without_its_weights(name: str) -> None:
    found = account(read_onnx(LIGHT / f"light_{name}.onnx").network).totals
    assert (found.parameters, found.macs) == COUNTED[name]


def test_files_equal_to_a_network_of_the_catalogue_are_that_network() -> None:
    for file, name in (("vgg19", "vgg-e"), ("squeezenet", "squeezenet-1.1"), ("densenet121", "densenet121")):
        found = [step[1] for step in written(read_onnx(LIGHT / f"light_{file}.onnx").network, closing=False)]
        wanted = [step[1] for step in written(find(name), closing=False)]
        assert list(map(str, found)) == list(map(str, wanted)), file


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet50", "inception_v2", "shufflenet", "squeezenet", "densenet121"])
def test_caffe2s_zoo_with_weights_of_noise_gives_onnx_runtimes_outputs(name: str, tmp_path: Path) -> None:
    model = onnx.load(LIGHT / f"light_{name}.onnx")
    random = np.random.default_rng(0)
    shapes = {each.name: [size.dim_value for size in each.type.tensor_type.shape.dim] for each in model.graph.input}
    nodes = [node for node in model.graph.node if node.op_type != "ConstantOfShape"]
    filled = [node.output[0] for node in model.graph.node if node.op_type == "ConstantOfShape"]
    sizes = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    made = {node.output[0]: sizes[node.input[0]] for node in model.graph.node if node.op_type == "ConstantOfShape"}
    weights = []
    for value in filled:
        shape = tuple(int(each) for each in made[value])
        spread = 1 / np.sqrt(np.prod(shape[1:]) or 1) if len(shape) > 1 else 0.1
        values = random.normal(0, spread, shape) if len(shape) > 1 else random.uniform(0.8, 1.2, shape)
        weights.append(numpy_helper.from_array(values.astype(np.float32), value))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(weights)
    file = tmp_path / "noise.onnx"
    onnx.save(model, file)
    read = read_onnx(file)
    assert shapes
    images = random.random((1, *read.network.input), dtype=np.float32)
    assert difference(file, read, images) < NEAR


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(network=everything())
def test_random_networks_come_back(network: Network, tmp_path_factory) -> None:
    """Where a part does nothing, or two layers are one function, less may come back: so outputs are compared."""
    folder = tmp_path_factory.mktemp("random")
    module = settled(network).double()
    try:
        read, _ = read_own(network, folder)
    except FormatError as error:
        known = ("adds a value to itself", "a value by itself", "its output is its input")
        if not any(each in str(error) for each in known):
            raise
        return
    images = torch.rand(3, *network.input, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = build(read.network).eval()
    own = found.state_dict()
    found.load_state_dict(own | {name: torch.from_numpy(np.array(values)) for name, values in read.weights.items()})
    with torch.inference_mode():
        # A softmax that closes a block is the read network's own.
        whole = read.network.probabilities and not network.probabilities
        run = found.double() if whole else found.double().logits
        wanted, answers = module.logits(images), run(prepared(read, images))
    scale = wanted.abs().max().item() + 1
    torch.testing.assert_close(answers.reshape(-1), wanted.reshape(-1), rtol=1e-4, atol=1e-4 * scale)


def file_of(nodes: list, weights: dict[str, np.ndarray], shape: list, path: Path, *, opset: int = 17) -> Path:
    """A file with one input `x` and one output `y`."""
    graph = helper.make_graph(
        nodes,
        "hand",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


def layers(file: Path) -> list:
    return [step.layer for step in plan(read_onnx(file).network).steps]


def test_every_node_that_no_layer_can_say_is_named_at_once(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Sin", ["x"], ["a"], "wave"),
        helper.make_node("Relu", ["a"], ["b"], "after"),
        helper.make_node("TopK", ["x", "k"], ["c", "d"], "best"),
        helper.make_node("Add", ["b", "c"], ["y"], "sum"),
    ]
    with pytest.raises(FormatError) as caught:
        read_onnx(file_of(nodes, {"k": np.array([1])}, ["n", 3, 4, 4], tmp_path / "odd.onnx"))
    assert str(caught.value) == (
        f"{tmp_path / 'odd.onnx'}: 2 nodes say what no layer of a description can:\n"
        "  wave (Sin): is no operator that layers are made of. See docs/import.md for those that are read.\n"
        "  best (TopK): is no operator that layers are made of. See docs/import.md for those that are read.\n"
        "A network is made of the layers that docs/notation.md lists; nothing of a file is left out.\n"
        "Export the part that is such a network, or write the network down."
    )


def test_transposed_layouts_leave_no_layer(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    weights = {
        "w": random.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "b": random.normal(size=4).astype(np.float32),
        "d": random.normal(size=(4 * 3 * 4, 5)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "w"], ["c"], kernel_shape=[3, 3]),
        helper.make_node("Transpose", ["c"], ["u"], perm=[0, 2, 3, 1]),
        helper.make_node("Add", ["u", "b"], ["v"]),
        helper.make_node("Relu", ["v"], ["r"]),
        helper.make_node("Reshape", ["r", "s"], ["f"]),
        helper.make_node("MatMul", ["f", "d"], ["y"]),
    ]
    file = file_of(nodes, weights | {"s": np.array([-1, 48])}, ["n", 5, 6, 3], tmp_path / "last.onnx")
    read = read_onnx(file)
    assert read.network.input == (3, 5, 6)
    kinds = [type(layer).__name__ for layer in layers(file)]
    assert kinds == ["Conv", "Activation", "Flatten", "Linear"]
    images = random.random((2, 5, 6, 3), dtype=np.float32)
    session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"x": images})[0]
    module = build(read.network).eval()
    module.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in read.weights.items()})
    with torch.inference_mode():
        found = module(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_structure_and_functions_are_recognised(tmp_path: Path) -> None:
    text = (
        "3x16x16: conv 8 3x3 same, bn, hard_swish, residual(conv 8 3x3 same, silu, gate(global_average, linear 2, "
        "relu, linear 8, hard_sigmoid)), branches(conv 4 1x1; ), shuffle 2, max 2, lrn 4 alpha 0.1, flatten, linear 5"
    )
    read, _ = read_own(from_text(text), tmp_path)
    found = [step.layer for step in plan(read.network).steps]
    assert sum(isinstance(each, Residual) for each in found) == 1
    assert sum(isinstance(each, Gate) for each in found) == 1
    assert sum(isinstance(each, Branches) for each in found) == 1
    assert sum(isinstance(each, Shuffle) for each in found) == 1
    assert [each.function for each in found if isinstance(each, Activation)] == [
        *("hard_swish", "silu", "relu", "hard_sigmoid")
    ]
    assert [each.kernel for each in found if isinstance(each, Pool)] == [(2, 2)]


def test_batch_norms_are_kept_or_folded(tmp_path: Path) -> None:
    network = find("resnet8-tiny")
    weights = weights_of(settled(network))
    file = tmp_path / "own.onnx"
    file.write_bytes(onnx_model(network, weights).SerializeToString())
    kept, folded = read_onnx(file), read_onnx(file, fold=True)
    assert account(kept.network).totals.parameters - account(folded.network).totals.parameters > 0
    assert all(isinstance(step.layer, Conv) is False or step.layer.bias for step in plan(folded.network).steps)
    images = np.random.default_rng(0).random((2, *network.input), dtype=np.float32)
    assert difference(file, folded, images) < NEAR


def test_open_sizes_are_asked_for_and_given(tmp_path: Path) -> None:
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["y"])]
    file = file_of(nodes, {}, ["n", 3, "h", "w"], tmp_path / "open.onnx")
    with pytest.raises(FormatError, match="leaves the sizes of its input open: 3×\\?×\\?.\n.*\n.*--input 3x224x224"):
        read_onnx(file)
    assert read_onnx(file, input=(3, 20, 30)).network.input == (3, 20, 30)
    with pytest.raises(FormatError, match="has an input of 3×\\?×\\?, and not 1×20×30"):
        read_onnx(file, input=(1, 20, 30))


def test_outputs_with_layers_of_their_own_are_chosen_by_name(tmp_path: Path) -> None:
    weights = {"a": np.ones((2, 3, 1, 1), np.float32), "b": np.ones((4, 3, 1, 1), np.float32)}
    nodes = [helper.make_node("Conv", ["x", "a"], ["y"]), helper.make_node("Conv", ["x", "b"], ["z"])]
    file = file_of(nodes, weights, ["n", 3, 4, 4], tmp_path / "two.onnx")
    model = onnx.load(file)
    model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    onnx.save(model, file)
    with pytest.raises(FormatError, match="has 2 outputs with layers of their own: y, z.\n.*\nName it: --output NAME"):
        read_onnx(file)
    assert plan(read_onnx(file, output="z").network).output == (4, 4, 4)
    with pytest.raises(FormatError, match="no node gives 'q'"):
        read_onnx(file, output="q")
